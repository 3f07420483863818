"""What share of a run is the egg cache's own work, and how much memory does it take?

    verify    a warm run against one that believes what the cache holds: at most 10 % of it
    store     what goes into storing, of the run that fills the cache: at most 3 %
    idle      a run with nothing to do, with the extension and without: at most 3 % more
    memory    peak of a warm run above plain buildout with a shared eggs directory: at most
              30 MB, with a file of 200 MB as with one of 1 MB, and with 10,000 files
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import figures
from bench import (
    BUILDOUT,
    HERE,
    NO_UPGRADE,
    NOWHERE,
    Bench,
    command,
    in_turn,
    inside,
    instructions,
    new_directory,
    remark,
    working_directory,
)

VERIFY, STORE, IDLE = 0.10, 0.03, 0.03
MEGABYTES, GROWTH = 30, 5

# The peak of a process includes that of the one that started it, until then: this one is small.
_PEAK = '''
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], 'w') as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
'''


def verify(chosen: argparse.Namespace, directory: Path) -> Iterator[str]:
    """Two warm runs in turn, one of which believes what it finds (`inside.py`)."""
    bench = Bench(chosen.configuration, directory, chosen.buildout)
    bench.fill()
    believing = inside(bench.buildout, 'unverified')
    options = bench.cached(chosen.link_mode)
    found = in_turn(
        {
            'verified': lambda target: bench.build(target, *options, env=NOWHERE),
            'unverified': lambda target: bench.build(
                target, *options, env=NOWHERE, launch=believing
            ),
        },
        bench.directory, chosen.rounds, 'verify',
    )  # fmt: skip
    whole, rest = (statistics.median(found[name]) for name in ('verified', 'unverified'))
    yield f'{bench.title}: {whole:.3f} s, without verifying {rest:.3f} s'
    yield figures.verdict('verifying / warm run', (whole - rest) / whole, VERIFY)


def store(chosen: argparse.Namespace, directory: Path) -> Iterator[str]:
    """One cold run, with a clock inside.

    Two cold runs, one of which stores, differ by more than that because of the network.
    """
    bench = Bench(chosen.configuration, directory, chosen.buildout)
    with new_directory(bench.directory) as target:
        remark(f'{bench.title}: building it into an empty cache')
        times = target / 'times.json'
        started = time.perf_counter()
        bench.build(target, *bench.cached(cache=target / 'cache'),
                    launch=inside(bench.buildout, 'clock', str(times)))  # fmt: skip
        whole = time.perf_counter() - started
        spent = json.loads(times.read_text(encoding='utf-8'))
    yield f'{bench.title}: {whole:.2f} s into an empty cache; of that'
    for name, seconds in spent.items():
        yield f'    {name:20} {seconds:7.3f} s'
    yield figures.verdict('storing / cold run', sum(spent.values()) / whole, STORE)


def idle(chosen: argparse.Namespace, directory: Path) -> Iterator[str]:
    """A buildout that has everything, run again without the network (`-N`).

    Loading any extension costs buildout something: an empty one shows how much.
    """
    bench = Bench(chosen.configuration, directory, chosen.buildout)
    bench.fill()
    with new_directory(bench.directory) as top:
        ways: dict[str, tuple[Path, tuple[str, ...]]] = {
            'plain': (top / 'plain', ('-N',)),
            'empty': (top / 'empty', ('-N', 'buildout:extensions=empty.extension')),
            'ours': (top / 'ours', ('-N', *bench.cached())),
        }
        for target, _ in ways.values():
            target.mkdir()
            bench.build(target, *bench.cached(), env=NOWHERE)
        empty_extension(top / 'extension', top / 'empty' / 'develop-eggs')
        found = in_turn(
            {
                name: bench.building(*options, place=target)
                for name, (target, options) in ways.items()
            },
            bench.directory, chosen.idle_rounds, 'idle',
        )  # fmt: skip
        counts = {
            name: instructions([*command(bench.buildout), '-U', *options], target,
                               {**os.environ, **NO_UPGRADE, **NOWHERE})
            for name, (target, options) in ways.items()
        }  # fmt: skip
    seconds = {name: statistics.median(values) for name, values in found.items()}
    yield (f'{bench.title}: nothing to do {seconds["plain"]:.3f} s, with an empty extension '
           f'{seconds["empty"]:.3f} s, with egg.cache {seconds["ours"]:.3f} s')  # fmt: skip
    yield from more_than_plain(seconds, 'seconds')
    if None in counts.values():
        yield 'instructions: neither perf nor valgrind can count them here'
    else:
        millions = {name: (count or 0) / 1e6 for name, count in counts.items()}
        yield (f'{millions["plain"]:,.0f} million instructions, with an empty extension '
               f'{millions["empty"]:,.0f}, with egg.cache {millions["ours"]:,.0f}')  # fmt: skip
        yield from more_than_plain(millions, 'instructions')


def more_than_plain(measured: dict[str, float], unit: str) -> Iterator[str]:
    """Yield what an idle run takes more, because of any extension and because of egg.cache."""
    any_, ours = (measured[name] / measured['plain'] - 1 for name in ('empty', 'ours'))
    yield f'an empty extension / idle run, {unit} = {any_:.3f}'
    yield figures.verdict(f'egg.cache / idle run, {unit}', ours, IDLE)
    yield figures.verdict(f'egg.cache but for that / idle run, {unit}', ours - any_, IDLE)


def empty_extension(directory: Path, develop_eggs: Path) -> None:
    """Write an extension that does nothing, as a develop egg."""
    info = directory / 'empty.extension.egg-info'
    info.mkdir(parents=True)
    for name, text in {
        'empty_extension.py': 'def load(buildout):\n    pass\n',
        f'{info.name}/PKG-INFO': 'Metadata-Version: 2.1\nName: empty.extension\nVersion: 1.0\n',
        f'{info.name}/entry_points.txt':
            '[zc.buildout.extension]\ndefault = empty_extension:load\n'
            '[zc.buildout.unloadextension]\ndefault = empty_extension:load\n',
    }.items():  # fmt: skip
        directory.joinpath(name).write_text(text, encoding='utf-8')
    link = develop_eggs / 'empty.extension.egg-link'
    link.write_text(f'{directory}\n.', encoding='utf-8')


def memory(chosen: argparse.Namespace, directory: Path) -> Iterator[str]:
    """Eggs made by hand: one small file, one large file, many files."""
    sys.path.insert(0, str(HERE.parent / 'tests'))
    from support import archives, tools
    from support.index import Index

    large = b'\0' * (chosen.megabytes * 10**6)
    contents = {
        'small': {'small/data.bin': large[:10**6]},
        'large': {'large/data.bin': large},
        'many': {f'many/{n // 100}/{n}.py': f'N = {n}\n' for n in range(chosen.files)},
    }
    peaks: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        made = Path(temporary)
        wheels = [archives.make_wheel(made, name, '1.0', files=files)
                  for name, files in contents.items()]  # fmt: skip
        with Index(tools.wheel_of('zc.recipe.egg', made), *wheels) as index:
            for name in contents:
                config = made / f'memory-{name}.cfg'
                config.write_text(
                    f'[buildout]\nparts = {name}\nindex = {index.url}\n'
                    f'[{name}]\nrecipe = zc.recipe.egg\neggs = {name}\n'
                    f'[versions]\n{name} = 1.0\n',
                    encoding='utf-8',
                )
                remark(f'memory: {name}')
                bench = Bench(str(config), made, chosen.buildout)
                bench.fill()
                ways = {'plain': [bench.in_shared], 'ours': [*bench.cached(chosen.link_mode)]}
                peaks[name] = {way: peak(bench, options) for way, options in ways.items()}
    above = {name: found['ours'] - found['plain'] for name, found in peaks.items()}
    for name, found in peaks.items():
        yield (f'{name}: plain buildout {found["plain"]:.1f} MB, '
               f'with the cache {found["ours"]:.1f} MB')  # fmt: skip
        yield figures.verdict(f'{name}: MB above plain buildout', above[name], MEGABYTES)
    growth = peaks['large']['ours'] - peaks['small']['ours']
    yield figures.verdict(f'MB more for {chosen.megabytes} MB than for 1 MB', growth, GROWTH)


def peak(bench: Bench, options: Sequence[str]) -> float:
    """Return the most memory that a run in a new directory had at once, in MB."""
    peaks = []
    for _ in range(3):
        with new_directory(bench.directory) as target:
            kept = target / 'peak'
            bench.build(target, *options, launch=[
                sys.executable, '-S', '-c', _PEAK, str(kept), *command(bench.buildout)
            ])  # fmt: skip
            unit = 1 if sys.platform == 'darwin' else 1024
            peaks.append(int(kept.read_text()) * unit / 1e6)
    return statistics.median(peaks)


SHARES = {'verify': verify, 'store': store, 'idle': idle, 'memory': memory}


def main(given: list[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('shares', nargs='*', metavar='SHARE', help='which (all)')
    parser.add_argument('--configuration', default='zope', metavar='NAME',
                        help='zope, plone, or the path of a .cfg with pins for everything (zope)')
    parser.add_argument('--rounds', type=int, default=9, help='for verify (9)')
    parser.add_argument('--idle-rounds', type=int, default=31, help='for idle (31)')
    parser.add_argument('--link-mode', default='copy', help='egg-cache-link-mode (copy)')
    parser.add_argument('--megabytes', type=int, default=200, help='the large file (200)')
    parser.add_argument('--files', type=int, default=10_000, help='how many are many (10,000)')
    parser.add_argument('--directory', metavar='DIR',
                        help='where to build, with room for every run (Plone: 340 MB each);'
                        ' what was built there before is used again')
    parser.add_argument('--buildout', type=Path, default=BUILDOUT, metavar='PATH',
                        help='the buildout to run (bin/buildout of this checkout)')
    chosen = parser.parse_args(given)
    if unknown := sorted(set(chosen.shares) - set(SHARES)):
        parser.error(f'{" ".join(unknown)}: there are {", ".join(SHARES)}.')
    chosen.buildout = Path(os.path.abspath(chosen.buildout))
    with working_directory(chosen.directory) as directory:
        for name in chosen.shares or SHARES:
            print(f'\n{name}', flush=True)
            for line in SHARES[name](chosen, directory):
                print(f'  {line}', flush=True)


if __name__ == '__main__':
    main(sys.argv[1:])

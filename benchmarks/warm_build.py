"""How long does a buildout take from a warm egg cache, and what else could one do?

Builds each real, pinned buildout once from its index, then times these ways in turn:

    no cache              a buildout without the extension, from the index: it takes minutes
    shared                a fresh buildout with a warm shared eggs directory
    egg cache             a fresh buildout with a warm egg cache, in each egg-cache-link-mode that
                          the filesystem has
    cp -a, cp -al         a copy of the same eggs, and hard links to them, without any buildout
    uv                    `uv pip install` of the same pins from uv's warm cache

Prints medians and ratios: wall-clock seconds, page cache warm, the index out of reach of whatever
should not need it. README.rst tells more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import chart
import figures
from bench import (
    BUILDOUT,
    NOWHERE,
    Bench,
    Way,
    in_turn,
    interpreter,
    machine,
    new_directory,
    remark,
    run,
    working_directory,
)

NO_UV = 'uv is not there, so it was left out: README.rst of the benchmarks tells how to get it'
NO_REFLINK = 'the filesystem has no reflinks, so they were left out'


def ways(bench: Bench, uv: str | None, has_reflink: bool) -> Iterator[tuple[str, Way]]:
    """Yield the name of each warm way, and a function that does it in a new directory."""

    def cached(link_mode: str) -> Way:
        return lambda target: bench.build(target, *bench.cached(link_mode), env=NOWHERE)

    def copied(option: str) -> Way:
        return lambda target: run(['cp', option, str(bench.eggs), str(target)], target)

    yield 'shared', lambda target: bench.build(target, bench.in_shared, env=NOWHERE)
    for link_mode in ('auto', 'copy', 'reflink', 'hardlink'):
        if has_reflink or link_mode != 'reflink':
            yield link_mode, cached(link_mode)
    yield 'cp -a', copied('-a')
    yield 'cp -al', copied('-al')
    if uv:
        yield from uv_ways(bench, uv)


def uv_ways(bench: Bench, uv: str) -> Iterator[tuple[str, Way]]:
    """Yield the ways of uv, once its cache, beside everything else, is warm."""
    pins = bench.directory / 'pins.txt'
    pins.write_text('\n'.join(bench.pins()) + '\n', encoding='utf-8')
    common = [
        uv, 'pip', 'install', '--quiet', '--no-config', '--no-deps', '--requirements', str(pins),
        '--python', interpreter(bench.buildout)[0], '--cache-dir', str(bench.directory / 'uv'),
    ]  # fmt: skip

    def installed(link_mode: str) -> Way:
        offline = [*common, '--offline', '--link-mode', link_mode]
        return lambda target: run([*offline, '--target', str(target)], target)

    with new_directory(bench.directory) as target:
        remark(f'{bench.title}: filling the cache of uv')
        run([*common, '--target', str(target)], target)
    yield 'uv copy', installed('copy')
    yield 'uv hardlink', installed('hardlink')


def measure(bench: Bench, uv: str | None, rounds: int, cold_rounds: int) -> dict[str, Any]:
    """Return the figures of one configuration."""
    remark(f'{bench.title}: building it once')
    seconds: dict[str, list[float]] = {'none': [], 'fill': [bench.fill()]}
    for number in range(cold_rounds):
        with new_directory(bench.directory) as target:
            started = time.perf_counter()
            bench.build(target)
            seconds['none'].append(time.perf_counter() - started)
            remark(f'{bench.title} {number + 1}/{cold_rounds}: none {seconds["none"][-1]:.2f} s')
    warm = dict(ways(bench, uv, can_reflink(bench.directory)))
    seconds.update(in_turn(warm, bench.directory, rounds, bench.title))
    files = [Path(top, name) for top, _, names in os.walk(bench.eggs) for name in names]
    return {
        'name': bench.name,
        'title': bench.title,
        'eggs': len(bench.pins()),
        'files': len(files),
        'bytes': sum(path.lstat().st_size for path in files),
        'seconds': {name: [round(one, 4) for one in found] for name, found in seconds.items()},
    }


def can_reflink(directory: Path) -> bool:
    """Tell whether files in `directory` can share their blocks."""
    with new_directory(directory) as target:
        source = target / 'source'
        source.write_bytes(b'x' * 65536)
        try:
            import fcntl

            with open(source, 'rb') as reader, open(target / 'clone', 'wb') as sink:
                fcntl.ioctl(sink.fileno(), 0x40049409, reader.fileno())  # FICLONE
        except (ImportError, OSError):
            return False
        return True


def collected(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure all configurations and return the figures."""
    uv = shutil.which(os.path.expanduser(chosen.uv))
    uv = os.path.abspath(uv) if uv else None
    remarks = [] if uv else [NO_UV]
    with working_directory(chosen.directory) as directory:
        about = machine(directory, chosen.buildout)
        if not can_reflink(directory):
            remarks.append(NO_REFLINK)
        benches = [Bench(name, directory, chosen.buildout) for name in chosen.names]
        return {
            'at': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
            'rounds': chosen.rounds,
            'machine': about,
            'remarks': remarks,
            'configurations': [
                measure(bench, uv, chosen.rounds, chosen.cold_rounds) for bench in benches
            ],
        }


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('names', nargs='*', default=['zope', 'plone'], metavar='NAME',
                        help='zope, plone, or the path of a .cfg with pins for everything')
    parser.add_argument('--rounds', type=int, default=5, help='how often each way counts (5)')
    parser.add_argument('--cold-rounds', type=int, default=1, metavar='N',
                        help='how often to build without any cache (1)')
    parser.add_argument('--directory', metavar='DIR',
                        help='where to build, with room for every run (Plone: 340 MB each);'
                        ' what was built there before is used again')
    parser.add_argument('--buildout', type=Path, default=BUILDOUT, metavar='PATH',
                        help='the buildout to run (bin/buildout of this checkout)')
    parser.add_argument('--uv', default='uv', metavar='PATH', help='the uv to run (uv)')
    parser.add_argument('--rst', action='store_true', help='print the table of the README')
    parser.add_argument('--chart', type=Path, metavar='PATH', help='draw the chart (SVG)')
    parser.add_argument('--json', type=Path, metavar='FILE', help='keep the figures')
    parser.add_argument('--from', type=Path, metavar='FILE', dest='kept',
                        help='take the figures from there, and measure nothing')
    chosen = parser.parse_args(given)
    if chosen.rounds < 1 or chosen.cold_rounds < 0:
        parser.error('--rounds is at least 1, and --cold-rounds at least 0.')
    # Not resolved: in a virtual environment, that would be another interpreter's.
    chosen.buildout = Path(os.path.abspath(chosen.buildout))
    return chosen


def main(given: list[str]) -> None:
    chosen = arguments(given)
    found = figures.load(chosen.kept) if chosen.kept else collected(chosen)
    if chosen.json:
        figures.dump(found, chosen.json)
    if chosen.chart:
        chosen.chart.parent.mkdir(parents=True, exist_ok=True)
        chosen.chart.write_text(chart.draw(found), encoding='utf-8')
    print('\n'.join(figures.rst(found) if chosen.rst else figures.report(found)))


if __name__ == '__main__':
    main(sys.argv[1:])

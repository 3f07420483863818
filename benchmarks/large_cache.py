"""Does a large cache cost more than a small one?

Times a warm run, in turn, with

    small cache     an egg cache that holds what the run needs and nothing else
    large cache     the same, with synthetic distributions up to a count of 10,000
    small shared    for comparison: a shared eggs directory with what the run needs
    large shared    the same, with as many synthetic eggs

and prints the ratios; that of the caches is at most 1.05.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import figures
from bench import BUILDOUT, Bench, in_turn, machine, remark, run, working_directory

from egg.cache.store.layout import Layout
from egg.cache.store.manifest import Archive, Build, Manifest
from egg.cache.store.store import Store

BOUND = 1.05
BUILD = Build(12.5, '2026-01-31T12:00:00Z', '6.0.1', '3.12.3', '26.0')


def enlarge_cache(cache: Path, count: int, directory: Path) -> None:
    """Add distributions to `cache`, each with a pointer, until it has `count`."""
    layout = Layout(cache)
    # What is built from source may have an environment of its own, without pointers.
    [environment] = {path.parents[1] for path in layout.environments.glob('*/origins/*')}
    store = Store(layout, environment.name)
    store.prepare()
    origins = [path for path in environment.glob('origins/*') if path.is_dir()]
    egg = write_egg(directory / 'synthetic-1.0-py3.egg')
    for number in range(count - len(list(layout.environments.glob('*/eggs/*')))):
        project = name_of(number)
        sha256 = hashlib.sha256(project.encode()).hexdigest()
        archive = Archive(f'{project}-1.0-py3-none-any.whl', sha256)
        store.add(Manifest(project, '1.0', egg.name, archive, BUILD, 0o022, ()), egg)
        # A lock stays behind after each build, and a pointer.
        layout.lock(store.key, sha256).touch()
        for origin in origins:
            origin.joinpath(f'{project}-1.0').write_text('{}', encoding='utf-8')


def enlarge_shared(eggs: Path, count: int) -> None:
    """Add eggs to the eggs directory `eggs` until it has `count`."""
    version = f'py{sys.version_info[0]}.{sys.version_info[1]}'
    for number in range(count - len(list(eggs.iterdir()))):
        write_egg(eggs / f'{name_of(number)}-1.0-{version}.egg', name_of(number))


def write_egg(path: Path, project: str = 'synthetic') -> Path:
    """Write a small egg and return its path."""
    info = path / f'{project}-1.0.dist-info'
    info.mkdir(parents=True)
    text = f'Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n'
    info.joinpath('METADATA').write_text(text, encoding='utf-8')
    path.joinpath(f'{project}.py').write_text('VERSION = 1\n', encoding='utf-8')
    return path


def name_of(number: int) -> str:
    return f'synthetic{number:05}'


def enlarged(bench: Bench, count: int) -> tuple[Path, Path]:
    """Return a large cache and a large eggs directory; what is there already stays."""
    cache, shared = (bench.directory / f'{name}-{count}' for name in ('cache', 'shared'))
    done = bench.directory / f'enlarged-{count}'
    if not done.exists():
        for path in (cache, shared, bench.directory / 'synthetic'):
            shutil.rmtree(path, ignore_errors=True)
        remark(f'{bench.title}: making {count:,} distributions')
        run(['cp', '-a', str(bench.cache), str(cache)], bench.directory)
        run(['cp', '-a', str(bench.shared), str(shared)], bench.directory)
        enlarge_cache(cache, count, bench.directory / 'synthetic')
        enlarge_shared(shared / bench.eggs.relative_to(bench.shared), count)
        done.touch()
    return cache, shared


def measured(bench: Bench, rounds: int, count: int) -> Iterator[str]:
    """Yield what was found, line by line."""
    bench.fill()
    cache, shared = enlarged(bench, count)
    options = {
        'small cache': bench.cached(),
        'large cache': bench.cached(cache=cache),
        'small shared': (bench.in_shared,),
        'large shared': (f'buildout:eggs-directory={shared}',),
    }
    found = in_turn(
        {
            name: bench.building(*chosen)
            for name, chosen in options.items()
        },
        bench.directory, rounds, bench.title,
    )  # fmt: skip
    seconds = {name: statistics.median(values) for name, values in found.items()}
    yield f'{bench.title}: {len(bench.pins())} eggs, alone and among {count:,}'
    for name, median in seconds.items():
        yield f'  {name:14} {median:7.3f} s   ({min(found[name]):.3f} to {max(found[name]):.3f})'
    slower = seconds['large shared'] / seconds['small shared']
    yield f'  large / small shared eggs directory = {slower:.3f}'
    ratio = seconds['large cache'] / seconds['small cache']
    yield '  ' + figures.verdict('large / small cache', ratio, BOUND)


def main(given: list[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('name', nargs='?', default='zope',
                        help='zope, plone, or the path of a .cfg with pins for everything (zope)')
    parser.add_argument('--count', type=int, default=10_000, help='of distributions (10,000)')
    parser.add_argument('--rounds', type=int, default=11, help='how often each way counts (11)')
    parser.add_argument('--directory', metavar='DIR',
                        help='where to build, with room for every run (Plone: 340 MB each);'
                        ' what was built there before is used again')
    parser.add_argument('--buildout', type=Path, default=BUILDOUT, metavar='PATH',
                        help='the buildout to run (bin/buildout of this checkout)')
    chosen = parser.parse_args(given)
    chosen.buildout = Path(os.path.abspath(chosen.buildout))
    with working_directory(chosen.directory) as directory:
        bench = Bench(chosen.name, directory, chosen.buildout)
        about = machine(bench.directory, chosen.buildout)
        print(', '.join(about.values()), flush=True)
        for line in measured(bench, chosen.rounds, chosen.count):
            print(line, flush=True)


if __name__ == '__main__':
    main(sys.argv[1:])

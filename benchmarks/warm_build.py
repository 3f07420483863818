"""How long does a buildout take from a full egg cache, and what else could one do?

    bin/py benchmarks/warm_build.py [zope plone] [--rounds 5] [--directory DIR]

Builds each real, pinned buildout once from its index, then times these in turn, in rounds:

    shared   a fresh buildout with a warm shared eggs directory
    cache    a fresh buildout with a warm egg cache, its index out of reach
    cp -a    a copy of the same eggs, without any buildout
    cp -al   hard links to the same eggs, without any buildout
    uv       `uv pip install` of the same pins from uv's warm cache, if there is a uv

Prints the medians, and their ratios. Wall-clock seconds; disk caches are warm.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILDOUT = HERE.parent / 'bin' / 'buildout'

# An index that nobody answers for: a buildout that asked it would fail.
NOWHERE = {'http_proxy': 'http://127.0.0.1:9', 'https_proxy': 'http://127.0.0.1:9'}


class Bench:
    """Buildouts of one configuration, each in a new directory below `directory`."""

    def __init__(self, name: str, directory: Path) -> None:
        self.directory = directory / name
        self.directory.mkdir(parents=True)
        self.config = HERE / f'{name}.cfg'
        self.cache = self.directory / 'egg-cache'
        self.shared = self.directory / 'shared-eggs'

    def build(self, *options: str, env: dict[str, str] | None = None) -> Path:
        """Run buildout in a new directory, which is returned."""
        directory = Path(tempfile.mkdtemp(dir=self.directory))
        directory.joinpath('buildout.cfg').write_text(f'[buildout]\nextends = {self.config}\n')
        run([str(BUILDOUT), *options], directory, env)
        return directory

    def cold(self) -> None:
        """Fill the egg cache and a shared eggs directory."""
        self.build(f'buildout:eggs-directory={self.shared}', *self.cache_options())

    def cache_options(self) -> tuple[str, ...]:
        return ('buildout:extensions=egg.cache', f'buildout:egg-cache={self.cache}')

    @property
    def eggs(self) -> Path:
        [eggs] = self.shared.glob('v*')
        return eggs

    def pins(self) -> list[str]:
        """Return the requirements for the same distributions, as pip reads them."""
        manifests = self.cache.glob('v1/*/eggs/*/*/*/entry.json')
        rows = (json.loads(path.read_bytes()) for path in manifests)
        return sorted(f'{row["project"]}=={row["version"]}' for row in rows)


def run(args: list[str], directory: Path, env: dict[str, str] | None = None) -> None:
    """Run a command quietly; show what it said if it fails."""
    done = subprocess.run(
        args, cwd=directory, env={**os.environ, **(env or {})}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f'{" ".join(args)} failed:\n{done.stdout[-4000:]}')


def ways(bench: Bench) -> Iterator[tuple[str, Callable[[], Path]]]:
    """Yield the name of each way, and a function that does it in a new directory."""

    def copied(*options: str) -> Path:
        target = Path(tempfile.mkdtemp(dir=bench.directory))
        run(['cp', *options, str(bench.eggs), str(target)], bench.directory)
        return target

    def installed() -> Path:
        target = Path(tempfile.mkdtemp(dir=bench.directory))
        run(
            ['uv', 'pip', 'install', '-q', '--no-deps', '--offline', '--link-mode', 'copy',
             '--python', sys.executable, '--target', str(target), *bench.pins()],
            bench.directory,
        )  # fmt: skip
        return target

    yield 'shared', lambda: bench.build(f'buildout:eggs-directory={bench.shared}')
    yield 'cache', lambda: bench.build(*bench.cache_options(), env=NOWHERE)
    yield 'cp -a', lambda: copied('-a')
    yield 'cp -al', lambda: copied('-al')
    if shutil.which('uv'):
        target = Path(tempfile.mkdtemp(dir=bench.directory))
        run(['uv', 'pip', 'install', '-q', '--no-deps', '--python', sys.executable,
             '--target', str(target), *bench.pins()], bench.directory)  # fmt: skip
        yield 'uv', installed


def measure(bench: Bench, rounds: int) -> dict[str, float]:
    """Return the median seconds of each way, done in turn; the first round does not count."""
    seconds: dict[str, list[float]] = {}
    todo = list(ways(bench))
    for number in range(rounds + 1):
        for name, do in todo:
            started = time.monotonic()
            directory = do()
            taken = time.monotonic() - started
            shutil.rmtree(directory)
            if number:
                seconds.setdefault(name, []).append(taken)
    return {name: statistics.median(values) for name, values in seconds.items()}


def report(name: str, cold: float, bench: Bench, medians: dict[str, float]) -> None:
    files = sum(len(names) for _, _, names in os.walk(bench.eggs))
    print(f'\n{name}: {len(bench.pins())} eggs, {files} files; cold {cold:.1f} s')
    goal = medians['shared'] + medians['cp -a']
    for way, median in medians.items():
        print(f'  {way:8} {median:7.2f} s   {median / cold:6.3f} of cold')
    print(f'  cache / (shared + cp -a) = {medians["cache"] / goal:.2f}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('names', nargs='*', default=['zope', 'plone'], metavar='NAME')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--directory', help='where to build (default: the temporary directory)')
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as directory:
        for name in chosen.names:
            bench = Bench(name, Path(directory))
            started = time.monotonic()
            bench.cold()
            cold = time.monotonic() - started
            report(name, cold, bench, measure(bench, chosen.rounds))


if __name__ == '__main__':
    main()

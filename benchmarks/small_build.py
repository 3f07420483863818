"""What does the egg cache cost, and save, where a buildout is small and its index is private?

A virtual environment has zc.buildout and egg.cache. An index on a loopback port has what the
buildout pins, two eggs and their recipe, and nothing of zc.buildout's, as most private indexes.
Timed in turn, each in an empty directory, with buildout's default options:

    plain       without the extension
    cold        with an egg cache that has the eggs of zc.buildout itself, and none of the buildout
    warm        with an egg cache that has all
    silent      warm, while the index doesn't answer

Prints medians and ratios; README.rst tells more.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import shutil
import statistics
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import figures
from bench import HERE, machine, new_directory, remark, rotated, run, working_directory

PINS = {'zope.event': '6.0', 'zope.interface': '8.0.1', 'zc.recipe.egg': '4.0.0'}
EGGS = ('zope.event', 'zope.interface')
#: The ways; each goal divides by `plain`.
GOALS = {'warm': 0.45, 'silent': 0.45, 'cold': 1.15}

CONFIG = """\
[buildout]
{extension}
index = {index}
parts = app

[app]
recipe = zc.recipe.egg
eggs =
    zope.event
    zope.interface

[versions]
{pins}
"""


class Index:
    """An index of the files below `directory`; `url` stays the same while it is stopped."""

    def __init__(self, directory: Path) -> None:
        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._handler = functools.partial(Handler, directory=str(directory))
        self._port = 0
        self.start()

    def start(self) -> None:
        self._server = ThreadingHTTPServer(('127.0.0.1', self._port), self._handler)
        self._port = self._server.server_port
        self.url = f'http://127.0.0.1:{self._port}/simple/'
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()


class Small:
    """The small buildout, below `directory`; which asks `index`."""

    def __init__(self, directory: Path, index: Index) -> None:
        self.directory = directory
        self.index = index
        self.buildout = directory / 'venv' / 'bin' / 'buildout'

    def build(self, target: Path, cache: Path | None = None) -> None:
        """Run buildout in `target`, with the egg cache `cache`, or without the extension."""
        extension = '' if cache is None else f'extensions = egg.cache\negg-cache = {cache}'
        pins = '\n'.join(f'{name} = {version}' for name, version in PINS.items())
        config = CONFIG.format(extension=extension, index=self.index.url, pins=pins)
        (target / 'buildout.cfg').write_text(config, encoding='utf-8')
        said = run([str(self.buildout), '-U'], target, {'PIP_CONFIG_FILE': os.devnull})
        if cache is not None and 'egg-cache' not in said.lower() and 'egg cache' not in said:
            sys.exit(f'The egg cache had nothing to say:\n{said}')


def set_up(directory: Path, buildout_version: str) -> None:
    """Make the virtual environment and the index below `directory`, if they aren't there."""
    python = directory / 'venv' / 'bin' / 'python'
    if not python.exists():
        remark('Making a virtual environment ...')
        run([sys.executable, '-m', 'venv', str(directory / 'venv')], directory)
        run([str(python), '-m', 'pip', 'install', '-q', f'zc.buildout=={buildout_version}',
             str(HERE.parent)], directory)  # fmt: skip
    if not (directory / 'simple').exists():
        remark('Downloading what the index has ...')
        wanted = [f'{name}=={version}' for name, version in PINS.items()]
        run([str(python), '-m', 'pip', 'download', '-q', '--no-deps', '-d',
             str(directory / 'files'), *wanted], directory)  # fmt: skip
        for path in (directory / 'files').iterdir():
            project = path.name.split('-')[0].replace('_', '-').replace('.', '-').lower()
            page = directory / 'simple' / project / 'index.html'
            page.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            page.write_text(f'<a href="/files/{path.name}#sha256={digest}">{path.name}</a>\n')


def measure(small: Small, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way, done in turn."""
    own, full = small.directory / 'own-cache', small.directory / 'full-cache'
    for cache in (own, full):
        shutil.rmtree(cache, ignore_errors=True)
        with new_directory(small.directory) as target:
            small.build(target, cache)
    for project in own.glob('v1/*/eggs/*'):
        if project.name in {name.replace('.', '-') for name in PINS}:
            shutil.rmtree(project)
    for pointer in own.glob('v1/*/origins/*/*'):
        if pointer.name.startswith(tuple(name.replace('.', '-') for name in PINS)):
            pointer.unlink()
    seconds: dict[str, list[float]] = {name: [] for name in ('plain', *GOALS)}
    for number in range(rounds + 1):
        for name in rotated(list(seconds), number):
            with new_directory(small.directory) as target:
                cache = None if name == 'plain' else full
                if name == 'cold':
                    cache = target / 'egg-cache'
                    shutil.copytree(own, cache)
                if name == 'silent':
                    small.index.stop()
                started = time.perf_counter()
                small.build(target, cache)
                taken = time.perf_counter() - started
                if name == 'silent':
                    small.index.start()
            if number:
                seconds[name].append(taken)
                remark(f'{number}/{rounds}: {name} {taken:.2f} s')
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--rounds', type=int, default=5, metavar='N')
    parser.add_argument('--directory', metavar='DIR', help='keep what is set up there')
    parser.add_argument('--zc-buildout', default='6.0.1', metavar='VERSION')
    options = parser.parse_args()
    with working_directory(options.directory) as directory:
        set_up(directory, options.zc_buildout)
        small = Small(directory, Index(directory))
        seconds = measure(small, options.rounds)
        about = machine(directory, small.buildout)
    print(figures.about({'machine': about}))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        least, most = min(seconds[name]), max(seconds[name])
        print(f'  {name:8}{median:8.2f} s   ({least:.2f} to {most:.2f})')
    for name, bound in GOALS.items():
        print('  ' + figures.verdict(f'{name} / plain', medians[name] / medians['plain'], bound))


if __name__ == '__main__':
    main()

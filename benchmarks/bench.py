"""How is a buildout run and timed, so that its seconds mean something?

Ways are done in turn, in rounds, each in a new directory. The first round does not count: it
fills the page cache. Each round starts with another way, so that none always comes after the same
one. The disk comes to rest before the next clock starts, and nothing is removed before the end.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILDOUT = HERE.parent / 'bin' / 'buildout'

#: An index that nobody answers for: a buildout that asked it would fail.
NOWHERE = {'http_proxy': 'http://127.0.0.1:9', 'https_proxy': 'http://127.0.0.1:9',
           'no_proxy': '', 'NO_PROXY': ''}  # fmt: skip

#: Nothing asks the network whether there is a newer zc.buildout.
NO_UPGRADE = {'BUILDOUT_RESTART_AFTER_UPGRADE': '1'}

TITLES = {'zope': 'Zope 6.2', 'plone': 'Plone 6.2'}

#: Does something in the new directory that it is given.
Way = Callable[[Path], object]

_left: list[Path] = []


class Bench:
    """Buildouts of one configuration; what they need is built once, below `directory`.

    `name` is that of a configuration beside this module, or the path of one. What an earlier run
    built in the same directory is used again.
    """

    def __init__(self, name: str, directory: Path, buildout: Path = BUILDOUT) -> None:
        path = Path(name).resolve() if name.endswith('.cfg') else HERE / f'{name}.cfg'
        if not path.is_file():
            sys.exit(f'There is no configuration {path}.')
        self.config = path
        self.name = path.stem
        self.title = TITLES.get(self.name, self.name)
        self.buildout = buildout
        self.directory = directory / self.name
        self.cache = self.directory / 'egg-cache'
        self.shared = self.directory / 'shared-eggs'
        self.directory.mkdir(parents=True, exist_ok=True)

    def build(
        self, directory: Path, *options: str, env: dict[str, str] | None = None,
        launch: Sequence[str] = (),
    ) -> str:
        """Run buildout in `directory` and return what it said.

        `launch` is a command that runs it in another way.
        """
        config = directory / 'buildout.cfg'
        config.write_text(f'[buildout]\nextends = {self.config}\n', encoding='utf-8')
        args = [*(launch or command(self.buildout)), '-U', *options]
        return run(args, directory, {**NO_UPGRADE, **(env or {})})

    def building(self, *options: str, place: Path | None = None) -> Way:
        """Return the way that runs buildout without an index, always in `place` if given."""
        return lambda target: self.build(place or target, *options, env=NOWHERE)

    def fill(self) -> float:
        """Fill the egg cache and a shared eggs directory, once; return the seconds it took."""
        kept = self.directory / 'filled.json'
        if not kept.exists():
            for path in (self.cache, self.shared):
                shutil.rmtree(path, ignore_errors=True)
            with new_directory(self.directory) as target:
                started = time.perf_counter()
                self.build(target, self.in_shared, *self.cached())
                taken = time.perf_counter() - started
            kept.write_text(json.dumps(taken), encoding='utf-8')
        return float(json.loads(kept.read_text(encoding='utf-8')))

    @property
    def in_shared(self) -> str:
        """The option that makes a buildout use the shared eggs directory."""
        return f'buildout:eggs-directory={self.shared}'

    def cached(self, link_mode: str = '', cache: Path | None = None) -> tuple[str, ...]:
        """Return the options that make a buildout use the egg cache, for the same eggs."""
        options = [
            'buildout:extensions=egg.cache', f'buildout:egg-cache={cache or self.cache}',
            'buildout:egg-cache-self-contained=no',
        ]  # fmt: skip
        if link_mode:
            options.append(f'buildout:egg-cache-link-mode={link_mode}')
        return tuple(options)

    @property
    def eggs(self) -> Path:
        """The directory that holds the shared eggs; buildout 5 and 6 have it as `v5`."""
        return next(iter(sorted(self.shared.glob('v*'))), self.shared)

    def pins(self) -> list[str]:
        """Return the requirements for the same distributions, as pip reads them."""
        manifests = self.cache.glob('v1/*/eggs/*/*/*/entry.json')
        rows = (json.loads(path.read_bytes()) for path in manifests)
        return sorted(f'{row["project"]}=={row["version"]}' for row in rows)


def run(args: Sequence[str], directory: Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it said; if it fails, show that and end."""
    done = subprocess.run(
        args, cwd=directory, env={**os.environ, **(env or {})}, text=True, errors='replace',
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f'{" ".join(args)[:2000]} failed:\n{done.stdout[-4000:]}')
    return done.stdout


def command(buildout: Path) -> list[str]:
    """Return the command that runs the script `buildout`, its interpreter first."""
    return [*interpreter(buildout), str(buildout)]


def inside(buildout: Path, *work: str) -> list[str]:
    """Return the command that runs `buildout` with something done in its process."""
    return [*interpreter(buildout), str(HERE / 'inside.py'), *work, str(buildout)]


#: What counts instructions: a command, and where its standard error has their number. cachegrind
#: counts the same as callgrind, in half the time, as it doesn't write down who calls whom.
COUNTERS = (
    (['perf', 'stat', '-e', 'instructions:u', '-x', ';'], r'^(\d+);.*instructions'),
    (['valgrind', '--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null'],
     r'I +refs: +([\d,]+)'),
)  # fmt: skip


def instructions(args: Sequence[str], directory: Path, env: dict[str, str]) -> int | None:
    """Return how many instructions the command `args` takes in the environment `env`.

    What the kernel does is not counted. None where nothing can count them.
    """
    for counter, pattern in COUNTERS:
        # Tried with nothing first: many a virtual machine has a perf that can't count.
        if _counted(counter, pattern, ['true'], directory, env) is not None:
            return _counted(counter, pattern, args, directory, env)
    return None


def _counted(
    counter: Sequence[str], pattern: str, args: Sequence[str], directory: Path, env: dict[str, str]
) -> int | None:
    if shutil.which(counter[0]) is None:
        return None
    done = subprocess.run(
        [*counter, *args], cwd=directory, env={**env, 'PYTHONHASHSEED': '0'}, text=True,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    if done.returncode:
        raise AssertionError(f'{" ".join(args)} failed:\n{done.stdout}\n{done.stderr}')
    found = re.search(pattern, done.stderr, re.MULTILINE)
    return int(found[1].replace(',', '')) if found else None


def interpreter(script: Path) -> list[str]:
    """Return the interpreter in the first line of `script`."""
    try:
        with open(script, encoding='utf-8') as lines:
            first = lines.readline()
    except OSError as error:
        sys.exit(f'{script}: {error.strerror}. --buildout tells which buildout to run.')
    return first[2:].split() if first.startswith('#!') else [sys.executable]


@contextmanager
def new_directory(parent: Path) -> Iterator[Path]:
    """Give a new directory, which stays until `remove_all`; afterwards the disk comes to rest.

    For minutes after a large tree was removed, ext4 passes over its inodes one by one whenever a
    file is created: that would make the next ways several times slower.
    """
    path = Path(tempfile.mkdtemp(dir=parent))
    _left.append(path)
    try:
        yield path
    finally:
        settle()


def remove_all() -> None:
    """Remove what was made in new directories."""
    while _left:
        shutil.rmtree(_left.pop(), ignore_errors=True)


def settle() -> None:
    """Wait until the disk has what was written.

    Else the kernel does that while the next way is timed, and the journal makes it wait.
    """
    os.sync()


def in_turn(
    ways: dict[str, Way], parent: Path, rounds: int, what: str = ''
) -> dict[str, list[float]]:
    """Return the seconds of each way, done in turn in new directories below `parent`."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in rotated(list(ways), number):
            with new_directory(parent) as target:
                started = time.perf_counter()
                ways[name](target)
                taken = time.perf_counter() - started
            if number:
                seconds[name].append(taken)
                remark(f'{what} {number}/{rounds}: {name} {taken:.2f} s')
    return seconds


def rotated(names: list[str], number: int) -> list[str]:
    """Return `names` in the order of round `number`: each round starts with another one."""
    start = number % len(names) if names else 0
    return names[start:] + names[:start]


def remark(text: str) -> None:
    print(text.strip(), file=sys.stderr, flush=True)


@contextmanager
def working_directory(chosen: str | None) -> Iterator[Path]:
    """Give `chosen`, which stays, or a temporary directory, which doesn't."""
    if chosen:
        path = Path(chosen).resolve()
        path.mkdir(parents=True, exist_ok=True)
        try:
            yield path
        finally:
            remove_all()
    else:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary).resolve()


def machine(directory: Path, buildout: Path) -> dict[str, str]:
    """Return on what it was measured, for people."""
    python = [*interpreter(buildout), '-c', 'import platform; print(platform.python_version())']
    version = run([*command(buildout), '--version'], directory).split()
    return {
        'cpu': _cpu(),
        'cores': str(os.cpu_count()),
        'filesystem': _filesystem(directory),
        'kernel': f'{platform.system()} {platform.release()}',
        'python': run(python, directory).strip(),
        'buildout': version[-1] if version else '',
    }


def _cpu() -> str:
    try:
        text = Path('/proc/cpuinfo').read_text(encoding='utf-8')
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r'^model name\s*:\s*(.+)$', text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _filesystem(directory: Path) -> str:
    """Return the type of the filesystem that `directory` is on."""
    try:
        mounts = Path('/proc/self/mounts').read_text(encoding='utf-8').splitlines()
    except OSError:
        return 'unknown'
    kinds = {line.split()[1]: line.split()[2] for line in mounts}
    for path in (directory, *directory.parents):
        if str(path) in kinds:
            return kinds[str(path)]
    return 'unknown'

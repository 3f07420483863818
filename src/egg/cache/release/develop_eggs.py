"""How does the source of a develop egg become a real egg?

A wheel is built of a copy of the source, with pip and setuptools of the buildout's own eggs, and
buildout itself makes an egg of it. Nothing is written into the source.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.eggs import site_packages
from egg.cache.release import build_archives, required_eggs
from egg.cache.release.required_eggs import Egg
from egg.cache.store.layout import Layout

_SKIPPED = frozenset({
    '.git', '.hg', '.svn', '.bzr', '__pycache__', '.installed.cfg', '.buildinfo.json',
    '.mr.developer.cfg',
})  # fmt: skip
# Version numbers may come of them, but they change without any change of the source.
_REPOSITORIES = frozenset({'.git', '.hg', '.svn', '.bzr'})
_LINES = 15

# Run by the interpreter of the buildout, with the buildout's own eggs.
_MAKE_EGGS = """
import json, sys
from zc.buildout import easy_install
wanted = json.load(sys.stdin)
easy_install.prefer_final(False)
easy_install.install(
    wanted['requirements'], wanted['target'], links=[wanted['wheels']], index=wanted['index'],
    path=wanted['path'], newest=False, versions=wanted['versions'], allow_hosts=('',))
"""


@dataclass(frozen=True)
class Tools:
    """The interpreter of a buildout, and the paths of the eggs that buildout runs from.

    `options` are those of `[buildout]`, `cache` is its egg cache, if that may have what builds
    require.
    """

    executable: str
    eggs: Sequence[str]
    options: Mapping[str, str] = field(default_factory=dict)
    cache: Layout | None = None

    def run(
        self, arguments: Sequence[str], what: str, directory: Path, text: str = '',
        variables: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Run Python; raise `CacheError` with the end of what it said, if that fails."""
        env = {**os.environ, 'PYTHONPATH': os.pathsep.join(self.eggs), 'PYTHONNOUSERSITE': '1',
               'PYTHONDONTWRITEBYTECODE': '1', **(variables or {})}  # fmt: skip
        for name in ('PYTHONHOME', 'PYTHONSTARTUP', 'PIP_TARGET', 'PIP_PREFIX', 'PIP_USER'):
            env.pop(name, None)
        done = subprocess.run(
            [self.executable, *arguments], cwd=directory, env=env, input=text,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', errors='replace',
        )  # fmt: skip
        if done.returncode:
            raise CacheError(f'{what}:\n{tail(done.stdout)}')


def sources(directory: Path) -> list[Path]:
    """Return the directories of all sources that a develop-eggs directory leads to, sorted."""
    found = set()
    for link in directory.glob('*.egg-link'):
        lines = [line.strip() for line in link.read_text('utf-8', 'surrogateescape').splitlines()]
        if lines and lines[0]:
            rest = lines[1] if len(lines) > 1 else ''
            found.add(os.path.realpath(directory / lines[0] / rest))
    for path in directory.glob('*.dist-info/direct_url.json'):
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            document = json.loads(files.read(path))
            if document['dir_info']['editable']:
                found.add(os.path.realpath(unquote(urlsplit(document['url']).path)))
    return sorted(map(Path, found))


def newest(source: Path, skipped: Collection[str] = ()) -> int:
    """Return the time of the newest file of a source, in whole seconds."""
    return max((int(os.lstat(path).st_mtime) for path in _files(source, skipped)), default=0)


def build(
    found: Sequence[Path], tools: Tools, eggs: Sequence[str], versions: Mapping[str, str],
    skipped: Collection[str], scratch: Path,
) -> list[tuple[Path, Egg, int]]:  # fmt: skip
    """Make an egg of each source; return their paths, what they are, and the time of each.

    `eggs` are the paths of the eggs that they may require, `skipped` those of directories in the
    source that are the buildout's.
    """
    wheels, target, index = (scratch / name for name in ('wheels', 'made', 'index'))
    for path in (wheels, target, index):
        path.mkdir(parents=True)
    times: dict[str, int] = {}
    requirements: dict[str, str] = {}
    for number, source in enumerate(found):
        time = newest(source, skipped)
        copy = scratch / f'source{number}'
        _copy(source, copy, skipped)
        wheel = _wheel(source, copy, tools, time, wheels / str(number))
        project, version = _name_and_version(wheel)
        times[project], requirements[project] = time, f'{project}=={version}'
        os.rename(wheel, wheels / wheel.name)
    wanted = {
        'requirements': sorted(requirements.values()),
        'target': str(target),
        'wheels': str(wheels),
        'index': str(index),
        # One of the same version would do, and none would be made.
        'path': [path for path in eggs if _project(path) not in requirements],
        'versions': {name: pin for name, pin in versions.items()
                     if _normalised(name) not in requirements and '${' not in pin},
    }  # fmt: skip
    what = f'No eggs can be made of {", ".join(wanted["requirements"])}'
    # Without site-packages (-S): what is installed there would do, too, and no egg would be made.
    tools.run(['-S', '-c', _MAKE_EGGS], what, scratch, json.dumps(wanted))
    made = []
    for path in sorted(target.glob('*.egg')):
        egg = required_eggs.read(path)
        if egg is not None and egg.project in times:
            site_packages.forget_archive(path)
            made.append((path, egg, times[egg.project]))
    missing = requirements.keys() - {egg.project for _, egg, _ in made}
    if missing:
        raise CacheError(f'{what}: buildout made none of {", ".join(sorted(missing))}.')
    return made


def tail(output: str) -> str:
    """Return the end of what a process said, indented."""
    lines = [line.rstrip() for line in output.strip().splitlines()]
    return '\n'.join(f'    {line}' for line in lines[-_LINES:])


def _wheel(source: Path, copy: Path, tools: Tools, time: int, target: Path) -> Path:
    """Build a wheel with what is there, or what the cache has, or else with what an index has."""
    command = ['-m', 'pip', 'wheel', '--no-deps', '--disable-pip-version-check', '-q',
               '-w', str(target)]  # fmt: skip
    variables = {
        # Before 1980, there are no times in a wheel.
        'SOURCE_DATE_EPOCH': str(max(time, 315_532_800)),
        'PYTHONHASHSEED': '0',
        # Or where it was built is in what is compiled.
        'CFLAGS': f'{os.environ.get("CFLAGS", "")} -fdebug-prefix-map={copy}=.'.strip(),
    }
    what = f'No wheel can be built of {source}'
    archives = target.with_name(f'{target.name}-archives')
    archives.mkdir()
    ways: list[tuple[list[str], dict[str, str]]] = [
        (['--no-index', '--no-build-isolation'], {})
    ]
    if tools.cache is not None and build_archives.lay_out(
        source, tools.options, tools.cache, archives
    ):
        ways.append(([], {'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': archives.as_uri()}))
    # Without a network, this should not last long.
    ways.append((['--retries', '1'], {}))
    errors = []
    for options, more in ways:
        try:
            tools.run([*command, *options, str(copy)], what, copy,
                      variables={**variables, **more})  # fmt: skip
            [wheel] = target.glob('*.whl')
            return wheel
        except CacheError as error:
            errors.append(error)
    raise CacheError(f'{errors[-1]}\nWithout build isolation it was:\n{errors[0]}') from errors[-1]


def _project(egg: str) -> str:
    found = required_eggs.read(Path(egg))
    return '' if found is None else found.project


def _name_and_version(wheel: Path) -> tuple[str, str]:
    project, version = wheel.name.split('-')[:2]
    return _normalised(project), version.replace('_', '-') if '+' not in version else version


def _normalised(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


def _copy(source: Path, target: Path, skipped: Collection[str]) -> None:
    """Copy a source, but for what is not of it; its repository goes along, for version numbers."""
    for path in _files(source, skipped):
        place = target / os.path.relpath(path, source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not stat.S_ISFIFO(os.lstat(path).st_mode) and not stat.S_ISSOCK(os.lstat(path).st_mode):
            shutil.copy2(path, place, follow_symlinks=os.path.isfile(path))
    for name in _REPOSITORIES:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, symlinks=True)
        elif (source / name).is_file():
            shutil.copy2(source / name, target / name)


def _files(source: Path, skipped: Collection[str]) -> Iterator[str]:
    """Yield the paths of all files that may belong to a source."""
    for directory, names, leaves in os.walk(source):
        is_built = {'build', 'dist'} if directory == str(source) else set()
        names[:] = sorted(
            name for name in names
            if name not in _SKIPPED and not name.endswith('.egg-info')
            and not (name.startswith('.') and directory == str(source))
            and os.path.join(directory, name) not in skipped
            and not (name in is_built and _is_output(os.path.join(directory, name)))
        )  # fmt: skip
        for name in sorted(leaves):
            if name not in _SKIPPED and not name.endswith('.pyc'):
                yield os.path.join(directory, name)


def _is_output(directory: str) -> bool:
    """Tell whether a directory is what setuptools leaves, and no package of that name."""
    return not os.path.exists(os.path.join(directory, '__init__.py'))

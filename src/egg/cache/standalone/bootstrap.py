"""How does a buildout that was moved or copied get a bin/buildout that is right?

    python3 bootstrap.py && bin/buildout -N

in the directory of the buildout, with any interpreter that its eggs were made for. The script
needs the standard library, and neither egg.cache nor the place where the buildout was made.
zc.buildout and what it needs are taken from the eggs that are here, else from the egg cache, else
from the index. Nothing is written elsewhere, and nothing at all before everything is at hand.

Its parts, in the order of reading:

- the command line, and what is done in which order (`main`, `bootstrap`)
- for which interpreter are the eggs?
- what does this buildout say of itself?
- is this .installed.cfg that of another directory?
- which eggs does bin/buildout run from?
- eggs from the egg cache, file by file as its manifests say
- eggs from the index
- what is written

What is said of the eggs' interpreter and of paths is said in install.py, too; a test of egg.cache
holds the two against each other.
"""

import argparse
import glob
import hashlib
import io
import json
import os
import platform
import re
import shlex
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter, namedtuple
from contextlib import ExitStack, suppress
from typing import Any, Callable, Iterator

OLDEST_PYTHON = (3, 10)

BUILDINFO, INSTALLED, FOREIGN = '.buildinfo.json', '.installed.cfg', '.installed.cfg.foreign'
#: What the directories of a buildout are called by default, relative to it.
NAMES = ('bin', 'parts', 'eggs', 'develop-eggs')
#: zc.buildout 5 and later have their eggs in such a directory of the eggs directory.
EGGS_VERSION = 'v5'

_SHOWN_LINE_COUNT = 20
_LARGEST_TEXT = 50000000
_LONGEST_SHEBANG = 127
_EGG = re.compile(
    r'(?P<project>.+?)-(?P<version>[^-]+)-py(?P<python>\d+\.\d+)(-(?P<platform>.+))?\.egg'
)
_ODD_METADATA = re.compile(r'(?P<plain>.+)-py\d+\.\d+(-[^/]+)?\.dist-info')
_COMPILED = re.compile(r'\.(?P<soabi>(cpython|pypy)[\w-]*)\.so')
_DIRECTORY = re.compile(
    r'(?P<name>(?:eggs|bin|develop-eggs|parts)-directory|_[bde]) *= *(?P<value>/.*)'
)
_SHORT = {'_e': 'eggs-directory', '_b': 'bin-directory', '_d': 'develop-eggs-directory'}
_LIST = re.compile(r'(?:__buildout_installed__|installed_develop_eggs) *=(?P<value>.*)')
_EXTENSIONS = re.compile(r'^extensions[ \t]*\+?=(.*(?:\n[ \t]+.*)*)', re.M)
_PIN = re.compile(r'^zc\.buildout[ \t]*=[ \t]*(\d[\w.+!]*)[ \t]*$', re.M)
_REQUIREMENT = re.compile(r'([\w.-]+)\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?')
_SPECIFIER = re.compile(r'(~=|===?|!=|<=?|>=?)\s*([^\s,]+)')

#: An egg in a directory. `requires` are requirements as its metadata has them.
Egg = namedtuple('Egg', 'path project version requires')


class Problem(Exception):
    """Why bin/buildout can't be made. Nothing was changed."""


def main(arguments: 'list[str] | None' = None) -> int:
    """Make bin/buildout of the directory that this file is in; return the exit status."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        return _fail('Python %s is too old for egg.cache; take %d.%d or newer.'
                     % ((sys.version.split()[0],) + OLDEST_PYTHON))  # fmt: skip
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files may be anything.
        sys.stdout.reconfigure(errors='backslashreplace')
    directory = os.path.dirname(os.path.abspath(__file__))
    try:
        script = bootstrap(directory, options.offline, options.cache, options.buildout_version)
    except KeyboardInterrupt:
        return _fail('Interrupted.')
    except Problem as problem:
        return _fail(str(problem))
    except OSError as error:
        return _fail('That failed, and there is no new bin/buildout: %s.' % _plain(error))
    print('%s is ready.' % script)
    return 0


def bootstrap(
    directory: str, offline: bool = False, cache: 'str | None' = None,
    version: 'str | None' = None,
) -> str:  # fmt: skip
    """Make bin/buildout of the buildout in `directory`, and return its path.

    Raises `Problem` if that can't be, or `OSError`. `cache` is a directory, `version` that of
    zc.buildout; what is None is found out.
    """
    if not sys.executable:
        raise Problem('This Python does not know where it is itself.')
    buildout = _Buildout(directory)
    buildout.check_environment()
    if version is not None and not re.fullmatch(r'\d[\w.+!]*', version):
        raise Problem('--buildout-version %s is not a version.' % version)
    caches = _caches(cache, buildout.info)
    work = tempfile.mkdtemp(prefix='bootstrap-')
    try:
        eggs = _own_eggs(buildout, offline, caches, version, work)
        buildout.check_places(eggs)
        script = os.path.join(work, 'buildout')
        _write(script, script_text(sys.executable, [egg.path for egg in eggs], []))
        _run([sys.executable, '-B', script, '--version'], 'zc.buildout does not run from these '
             'eggs; what it said is above:\n' + '\n'.join(egg.path for egg in eggs), cwd=work)
        return _commit(buildout, eggs)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description='Make bin/buildout of the buildout that this file lies in, for this place '
        'and this interpreter.',
    )
    parser.add_argument('--offline', action='store_true', help='ask no index')
    parser.add_argument(
        '--cache', metavar='DIR',
        help='the egg cache; else the one that %s names, EGG_CACHE, and the default' % BUILDINFO,
    )  # fmt: skip
    parser.add_argument(
        '--buildout-version', metavar='V',
        help='the version of zc.buildout; else the one that %s names, that is here, or that '
        'a .cfg file beside this one pins' % BUILDINFO,
    )  # fmt: skip
    return parser


def _fail(message: str) -> int:
    print('bootstrap: %s' % message, file=sys.stderr)
    return 1


def _remark(message: str) -> None:
    print(message, file=sys.stderr)


def _plain(error: OSError) -> str:
    """Return what is wrong, and with which file, without the number of the error."""
    path = error.filename2 or error.filename
    if not error.strerror or path is None:
        return error.strerror or str(error)
    return '%s: %s' % (error.strerror, path)


# ---------------------------------------------------------------------------------------------
# For which interpreter are the eggs?


def environment() -> 'dict[str, str]':
    """Return what compiled eggs depend on, of this interpreter, as .buildinfo.json has it."""
    return {
        'implementation': sys.implementation.name,
        'python': '%d.%d' % sys.version_info[:2],
        'soabi': str(sysconfig.get_config_var('SOABI') or ''),
        'platform': sysconfig.get_platform(),
        'libc': ' '.join(platform.libc_ver()).strip(),
    }


def differences(
    needed: 'dict[str, str]', found: 'dict[str, str]', is_compiled: bool = True
) -> 'list[str]':
    """Return why the environment `found` is not the one that is `needed`, a phrase each.

    What `needed` doesn't name may be anything. Eggs that are not compiled need no libc.
    """
    words = {'implementation': '', 'python': 'Python ', 'soabi': 'ABI ', 'platform': 'platform '}
    wrong = [
        '%s%s is needed, and this is %s' % (word, needed[name], found.get(name) or 'another')
        for name, word in words.items()
        if needed.get(name) and needed[name] != found.get(name)
    ]
    libc = needed.get('libc')
    if is_compiled and libc and not _is_new_enough(found.get('libc', ''), libc):
        here = found.get('libc') or 'another'
        wrong.append('%s or newer is needed, and this is %s' % (libc, here))
    return wrong


def _is_new_enough(found: str, needed: str) -> bool:
    """Tell whether the libc `found`, such as 'glibc 2.36', can stand in for the one `needed`."""
    names, numbers = zip(*((text.partition(' ')[0], re.findall(r'\d+', text.partition(' ')[2]))
                           for text in (found, needed)))  # fmt: skip
    return names[0] == names[1] and list(map(int, numbers[0])) >= list(map(int, numbers[1]))


def guessed_environment(eggs_directory: str, found: 'dict[str, str]') -> 'dict[str, str]':
    """Return for which environment the eggs of a directory are, as far as their names tell.

    Where there are eggs for several, and `found` is one of them, that is the answer.
    """
    names = [match for match in map(_EGG.fullmatch, _listed(eggs_directory)) if match]
    compiled = map(_COMPILED.search, _shared_objects(eggs_directory))
    seen = {
        'python': Counter(match['python'] for match in names),
        'platform': Counter(match['platform'] for match in names if match['platform']),
        'soabi': Counter(match['soabi'] for match in compiled if match),
    }
    if not found['platform'].startswith('linux'):
        # Elsewhere zc.buildout and sysconfig have different words for it.
        seen['platform'].clear()
    needed = {
        name: found[name] if found[name] in values else values.most_common(1)[0][0]
        for name, values in seen.items() if values
    }  # fmt: skip
    if 'soabi' in needed:
        needed['implementation'] = re.sub(r'\d*-.*', '', needed['soabi'])
    return needed


def _shared_objects(directory: str) -> 'list[str]':
    found = []  # type: list[str]
    for _, _, names in os.walk(directory):
        found.extend(name for name in names if name.endswith('.so'))
    return found


def _listed(directory: str) -> 'list[str]':
    """Return what is in a directory, sorted; nothing, if there is none."""
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []


# ---------------------------------------------------------------------------------------------
# What does this buildout say of itself?


class _Buildout:
    """The buildout in `directory`: `info` is what .buildinfo.json says, if there is one."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        names = ('buildout.cfg', BUILDINFO, INSTALLED)
        if not any(os.path.isfile(os.path.join(directory, name)) for name in names):
            raise Problem(
                '%s is no buildout: it has no buildout.cfg.\nPut this file beside one.' % directory
            )
        self.info = read_buildinfo(directory)
        given = self._directories()
        self.bin = os.path.join(directory, given.get('bin-directory', 'bin'))
        self.eggs = os.path.join(directory, given.get('eggs-directory', 'eggs'))
        inner = os.path.join(self.eggs, EGGS_VERSION)
        is_known = 'eggs-directory' in self.info.get('directories', ())
        self.has_version = is_known or _has_eggs(self.eggs)
        if _has_eggs(inner) and not _has_eggs(self.eggs):
            self.eggs, self.has_version = inner, True

    def _directories(self) -> 'dict[str, str]':
        """Return the options of directories, relative where they are in the buildout."""
        if 'directories' in self.info:
            return dict(self.info['directories'])
        text = _text(os.path.join(self.directory, INSTALLED)) or ''
        root = foreign_root(text, self.directory) or self.directory
        found = {}
        for name, path in _recorded_directories(text):
            found[name] = os.path.relpath(path, root) if _is_below(path, root) else path
        return found

    def check_environment(self) -> None:
        """Raise `Problem` unless this interpreter can run the eggs."""
        found = environment()
        needed = self.info.get('environment') or guessed_environment(self.eggs, found)
        wrong = differences(needed, found, is_compiled=False)
        if not wrong and differences(needed, found) and _shared_objects(self.eggs):
            wrong = differences(needed, found)
        if wrong:
            raise Problem(
                'The eggs of %s are not for this interpreter, %s: %s.\n'
                'Run this file with one that fits. Nothing was changed.'
                % (self.directory, sys.executable, '; '.join(wrong))
            )

    def check_places(self, eggs: 'list[Egg]') -> None:
        """Raise `Problem` if what is to be written can't be, or is somewhere else."""
        places = [self.directory, self.bin]
        if any(os.path.dirname(egg.path) != self.eggs for egg in eggs):
            places.append(self.eggs)
        for path in places:
            if not self.holds(path):
                raise Problem(
                    '%s is not in %s, and this script writes nothing elsewhere.\n'
                    'Put a directory in its place, or make bin/buildout with pip. Nothing was '
                    'changed.' % (os.path.realpath(path), self.directory)
                )
            while not os.path.lexists(path):
                path = os.path.dirname(path)
            effective = os.access in os.supports_effective_ids
            if not os.path.isdir(path) or not os.access(
                path, os.W_OK | os.X_OK, effective_ids=effective
            ):
                raise Problem(
                    '%s is not a directory that you may write to. Nothing was changed.' % path
                )

    def holds(self, path: str) -> bool:
        return _is_below(os.path.realpath(path), os.path.realpath(self.directory))


def read_buildinfo(directory: str) -> 'dict[str, Any]':
    """Return what .buildinfo.json in `directory` says, {} if there is none.

    Raises `Problem` for anything else than what egg.cache writes.
    """
    path = os.path.join(directory, BUILDINFO)
    if not os.path.lexists(path):
        return {}
    try:
        document = json.loads(_text(path) or '')
        _check_buildinfo(document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError) as error:
        raise Problem(
            '%s is not what egg.cache wrote: %s.\nDelete it, and what it would say is found out '
            'as far as possible. Nothing was changed.' % (path, str(error)[:120])
        ) from error
    return dict(document)


def _check_buildinfo(document: 'Any') -> None:
    """Raise `ValueError` or the like unless `document` is one that can be followed."""
    if not isinstance(document, dict):
        raise ValueError('it is no JSON object')
    if document.get('format') != 1 or document['format'] is True:
        raise ValueError('its format is not 1; perhaps this file is older than it')
    for name in ('environment', 'directories'):
        pairs = document.get(name, {})
        if not isinstance(pairs, dict) or not all(isinstance(v, str) for v in pairs.values()):
            raise ValueError('%s is no object of texts' % name)
    for name in ('directory', 'executable', 'egg_cache'):
        if name in document and not _is_path(document[name], absolute=True):
            raise ValueError('%s is no absolute path' % name)
    for name, path in document.get('directories', {}).items():
        if not _is_path(path):
            raise ValueError('%s is no path: %.60r' % (name, path))
    names = document.get('buildout_eggs', [])
    if not isinstance(names, list):
        raise ValueError('buildout_eggs is no list')
    for name in names:
        if not (isinstance(name, str) and name.isprintable() and _EGG.fullmatch(name)
                and '/' not in name):  # fmt: skip
            raise ValueError('%.60r is no name of an egg' % (name,))


def _is_path(path: object, absolute: bool = False) -> bool:
    return (
        isinstance(path, str) and path != '' and '\0' not in path
        and (os.path.isabs(path) or not absolute) and '..' not in path.split('/')
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Is this .installed.cfg that of another directory?


def foreign_root(
    installed_cfg_text: str, directory: str, names: 'tuple[str, ...]' = NAMES,
    known_root: 'str | None' = None, outside: 'tuple[str, ...]' = (),
) -> 'str | None':  # fmt: skip
    """Return the directory that an `.installed.cfg` is of, None if that is `directory` itself.

    It is another one's if no path that it records is in `directory`, and some have a root: what
    is before the relative path of a directory of the buildout (`names`), or `known_root`, where
    the buildout is known to have been. A text without such paths is nobody's: None. Paths in
    directories that are `outside` of every copy say nothing.
    """
    paths = [path for _, path in _recorded_directories(installed_cfg_text)]
    paths += _recorded_paths(installed_cfg_text)
    real = os.path.realpath(directory)
    own = (os.path.normpath(directory), real)
    roots = Counter()  # type: Counter[str]
    for path in paths:
        if any(_is_below(path, place) for place in own):
            return None
        if _is_below(os.path.realpath(path), real):
            return None
        if not any(_is_below(path, place) for place in outside):
            roots.update(_roots(path, names))
    if known_root is not None and any(_is_below(path, known_root) for path in paths):
        return known_root
    # Among those that explain as many paths, the longest: a name may occur above it, too.
    return max(roots, key=lambda root: (roots[root], len(root)), default=None)


def set_aside(
    directory: str, installed: 'str | None' = None, outside: 'tuple[str, ...]' = ()
) -> 'str | None':
    """Rename the `.installed.cfg` of another directory; return that directory, None if it's not.

    zc.buildout would remove what is recorded in it. `installed` is its path, if it is called
    otherwise, `outside` as in `foreign_root`. Raises `OSError`.
    """
    path = installed or os.path.join(directory, INSTALLED)
    text = _text(path) or ''
    names, known_root, places = _known(directory)
    root = foreign_root(text, directory, names, known_root, places + outside)
    inside = os.path.relpath(os.path.realpath(path), os.path.realpath(directory))
    if root is None or inside.startswith('..') or not (
        root == known_root or _is_buildout(root, inside, text)
    ):  # fmt: skip
        return None
    os.replace(path, path + FOREIGN[len(INSTALLED):])
    return root


def _is_buildout(root: str, installed: str, text: str) -> bool:
    """Tell whether more speaks for a buildout in `root` than what a part has installed there."""
    names = (installed, 'buildout.cfg', 'bin/buildout')
    return any(os.path.lexists(os.path.join(root, name)) for name in names) or any(
        _is_below(path, root) for option, path in _recorded_directories(text)
        if option != 'eggs-directory'
    )  # fmt: skip


def _known(directory: str) -> 'tuple[tuple[str, ...], str | None, tuple[str, ...]]':
    """Return what .buildinfo.json says to `foreign_root`: names, known root, places outside."""
    try:
        info = read_buildinfo(directory)
    except Problem:
        info = {}
    given = info.get('directories', {})
    names = [name for name in given.values() if not os.path.isabs(name)]
    outside = [name for name in given.values() if os.path.isabs(name)]
    root = info.get('directory')
    if root is not None and os.path.realpath(root) == os.path.realpath(directory):
        root = None
    return tuple(dict.fromkeys([*names, *NAMES])), root, tuple(outside)


def _recorded_directories(text: str) -> 'list[tuple[str, str]]':
    """Return (option, absolute path) of the directories that an `.installed.cfg` has."""
    matches = (_DIRECTORY.fullmatch(line.rstrip()) for line in text.splitlines())
    return [(_SHORT.get(m['name'], m['name']), os.path.normpath(m['value'])) for m in matches if m]


def _recorded_paths(text: str) -> 'list[str]':
    """Return the paths of all that parts and develop eggs installed."""
    found, is_inside = [], False
    for line in text.splitlines():
        match = _LIST.match(line)
        is_inside = match is not None or (is_inside and line[:1].isspace())
        value = (match['value'] if match else line).strip()
        if is_inside and os.path.isabs(value):
            found.append(os.path.normpath(value))
    return found


def _roots(path: str, names: 'tuple[str, ...]') -> 'set[str]':
    """Return what may be the directory of the buildout that has `path`."""
    padded = path + '/'
    roots = set()  # type: set[str]
    for name in names:
        where = '/%s/' % name.strip('/')
        start = padded.find(where)
        while start >= 0:
            roots.add(padded[:start] or '/')
            start = padded.find(where, start + 1)
    return roots


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip('/') + '/')


def _text(path: str) -> 'str | None':
    """Return the text of a file, None if there is none; raise `OSError` for what is no file."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise IsADirectoryError(0, 'It is not a file', path)
        with open(path, 'rb') as stream:
            return stream.read(_LARGEST_TEXT).decode('utf-8', 'surrogateescape')
    except (FileNotFoundError, NotADirectoryError):
        return None


# ---------------------------------------------------------------------------------------------
# Which eggs does bin/buildout run from?


def _own_eggs(
    buildout: _Buildout, offline: bool, caches: 'list[_Cache]', version: 'str | None', work: str
) -> 'list[Egg]':
    """Return the eggs for bin/buildout: those that are here, and others, which are in `work`."""
    names = [*buildout.info.get('buildout_eggs', ()), *reversed(_listed(buildout.eggs))]
    known = (_EGG.fullmatch(name) for name in names)
    releases = [m['version'] for m in known if m and _canonical(m['project']) == 'zc-buildout']
    if version is None and not releases:
        version = _pinned(buildout.directory)
    for cache in caches:
        cache.egg_format = 4 if (version or ''.join(releases[:1])).startswith('4.') else 5
    listed = [m for m in map(_EGG.fullmatch, buildout.info.get('buildout_eggs', ())) if m]
    if version is not None and not any(
        _canonical(m['project']) == 'zc-buildout' and m['version'] == version for m in listed
    ):
        listed = []
    if listed:
        eggs, missing = _listed_eggs(buildout, listed, caches, work)
        constraints = ['%s==%s' % (m['project'], m['version'].replace('_', '-')) for m in listed]
    else:
        eggs, missing = _required_eggs(buildout, caches, version, work)
        constraints = []
    if missing and offline:
        raise Problem(
            '%s %s missing: neither in %s nor in an egg cache%s.\n'
            'Without --offline the index would be asked. Nothing was changed.'
            % (', '.join(missing), 'is' if len(missing) == 1 else 'are', buildout.eggs,
               ''.join(' (%s)' % cache.root for cache in caches))
        )  # fmt: skip
    if missing:
        made = fetched(missing, constraints, work)
        if listed:
            wanted = {_canonical(_name(text)) for text in missing}
            made = [egg for egg in made if _canonical(egg.project) in wanted]
        taken = {_canonical(egg.project) for egg in made}
        eggs = [egg for egg in eggs if _canonical(egg.project) not in taken] + made
    for egg in eggs:
        if _canonical(egg.project) == 'zc-buildout':
            return eggs
    raise Problem(
        'There is no zc.buildout among the eggs that %s lists.\nDelete that file, and they are '
        'found out as far as possible. Nothing was changed.' % BUILDINFO
    )


def _listed_eggs(
    buildout: _Buildout, listed: 'list[re.Match[str]]', caches: 'list[_Cache]', work: str
) -> 'tuple[list[Egg], list[str]]':
    """Return the eggs that .buildinfo.json lists, and requirements of those that are nowhere."""
    eggs, missing = [], []
    for match in listed:
        egg = read_egg(os.path.join(buildout.eggs, match.group()))
        for cache in caches:
            egg = egg or cache.take(match['project'], 'egg', match.group(), work)
        if egg is None:
            missing.append('%s==%s' % (match['project'], match['version'].replace('_', '-')))
        else:
            eggs.append(egg)
    return eggs, missing


def _required_eggs(
    buildout: _Buildout, caches: 'list[_Cache]', version: 'str | None', work: str
) -> 'tuple[list[Egg], list[str]]':
    """Return zc.buildout, the extensions that are here, and what they require, as far as found.

    Then requirements of what is missing: zc.buildout itself with all that goes with it, as nobody
    else knows which versions go together.
    """
    python = '%d.%d' % sys.version_info[:2]
    here = {}  # type: dict[str, list[Egg]]
    for name in _listed(buildout.eggs):
        match = _EGG.fullmatch(name)
        egg = read_egg(os.path.join(buildout.eggs, name)) if match else None
        if egg is not None and match is not None and match['python'] == python:
            here.setdefault(_canonical(egg.project), []).append(egg)
    extensions = _extensions(buildout.directory)
    roots = ['zc.buildout' + ('==%s' % version if version else '')]
    if 'egg.cache' in extensions:
        roots.append('egg.cache')
    waiting = [(root, True) for root in roots]
    waiting += [(name, False) for name in extensions if name != 'egg.cache']
    eggs, missing = [], []
    seen = set()  # type: set[str]
    while waiting:
        text, is_needed = waiting.pop(0)
        project, specifiers = _canonical(_name(text)), _SPECIFIER.findall(_specifier(text))
        if project in seen:
            continue
        seen.add(project)
        fitting = [egg for egg in here.get(project, ()) if satisfies(egg.version, specifiers)]
        egg = max(fitting, key=lambda egg: _version_key(egg.version), default=None)
        for cache in caches:
            egg = egg or cache.best(project, specifiers, python, work)
        if egg is not None:
            eggs.append(egg)
            waiting += [(text, ';' not in text) for text in egg.requires]
        elif is_needed:
            missing.append(text.strip())
    if not missing:
        return eggs, []
    found = [egg for egg in eggs if _canonical(egg.project) == 'zc-buildout']
    if found:
        roots[0] = 'zc.buildout==%s' % found[0].version
    return eggs, roots


def _extensions(directory: str) -> 'list[str]':
    """Return the extensions that configuration files in `directory` name."""
    found = []
    for text in _configurations(directory):
        for match in _EXTENSIONS.finditer(text):
            found += [name for line in match[1].splitlines()
                      for name in re.sub(r'(^|\s)[#;].*', '', line).split()
                      if re.fullmatch(r'[\w.-]+', name)]  # fmt: skip
    return list(dict.fromkeys(found))


def _pinned(directory: str) -> 'str | None':
    """Return the version of zc.buildout that the configuration files in `directory` pin.

    Where they pin several, nobody knows here which of them counts.
    """
    found = {version for text in _configurations(directory) for version in _PIN.findall(text)}
    return found.pop() if len(found) == 1 else None


def _configurations(directory: str) -> 'Iterator[str]':
    """Yield the texts of the configuration files in a directory."""
    for path in sorted(glob.glob(os.path.join(glob.escape(directory), '*.cfg'))):
        if os.path.isfile(path):
            yield _text(path) or ''


def read_egg(path: str) -> 'Egg | None':
    """Return the egg in the directory `path`, None where there is none with metadata."""
    texts = [os.path.join(path, 'EGG-INFO', 'PKG-INFO')]
    texts += sorted(glob.glob(os.path.join(glob.escape(path), '*.dist-info', 'METADATA')))
    text = next((text for text in map(_text, texts) if text is not None), None)
    if text is None:
        return None
    head = text.partition('\n\n')[0].splitlines()
    fields = [(line.partition(':')[0], line.partition(':')[2].strip()) for line in head]
    values = dict(reversed(fields))
    requires = [value for name, value in fields
                if name == 'Requires-Dist' and not re.search(r';.*\bextra\b', value)]  # fmt: skip
    old = _text(os.path.join(path, 'EGG-INFO', 'requires.txt'))
    if old is not None:
        plain = ('\n' + old).partition('\n[')[0]
        requires = [line for line in plain.splitlines() if line.strip()]
    if not values.get('Name') or not values.get('Version'):
        return None
    return Egg(path, values['Name'], values['Version'], requires)


def satisfies(version: str, specifiers: 'list[tuple[str, str]]') -> bool:
    """Tell whether `version` is one of those that `specifiers` allow."""
    key = _version_key(version)
    for operator, text in specifiers:
        other, is_prefix = _version_key(text), text.endswith('.*')
        is_equal = key == other
        if is_prefix or operator == '~=':
            prefix = text[:-2] if is_prefix else text.rpartition('.')[0]
            count = prefix.count('.') + 1
            starts = _release(version, count) == _release(prefix, count)
            is_equal = starts if is_prefix else starts and key >= other
        allowed = {
            '==': is_equal, '~=': is_equal, '===': version == text, '!=': not is_equal,
            '<': key < other, '<=': key <= other, '>': key > other, '>=': key >= other,
        }  # fmt: skip
        if not allowed[operator]:
            return False
    return True


def _release(version: str, count: int) -> 'list[int]':
    """Return the first `count` numbers of a version."""
    match = re.match(r'\d+(\.\d+)*', version)
    numbers = [int(number) for number in match.group().split('.')] if match else []
    return (numbers + [0] * count)[:count]


def _version_key(version: str) -> 'list[tuple[int, int, str]]':
    """Return what sorts versions: 1.0.dev1 < 1.0 = 1 < 1.0.post1 < 1.0.1."""
    plain = re.sub(r'(\.0)+(?![.\d])|(\.0)+(?=\.[a-z])', '', version.lower().partition('+')[0])
    parts = re.findall(r'\d+|[a-z]+', plain)
    ranks = {'dev': 0, 'post': 3, 'rev': 3, 'r': 3}
    return [
        (4, int(part), '') if part.isdigit() else (ranks.get(part, 1), 0, part) for part in parts
    ] + [(2, 0, '')]


def _name(requirement: str) -> str:
    match = _REQUIREMENT.match(requirement.strip())
    return match[1] if match else requirement


def _specifier(requirement: str) -> str:
    match = _REQUIREMENT.match(requirement.strip())
    return match[2] if match else ''


def _canonical(project: str) -> str:
    return re.sub(r'[-_.]+', '-', project).lower()


def _has_eggs(directory: str) -> bool:
    return any(name.endswith('.egg') for name in _listed(directory))


# ---------------------------------------------------------------------------------------------
# Eggs from the egg cache, file by file as its manifests say


class _Damage(Exception):
    """An entry of the egg cache is not what was stored."""


class _Cache:
    """The egg cache in the directory `root`; only what was made in this environment counts."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.egg_format = 5

    def take(self, project: str, field: str, value: str, work: str) -> 'Egg | None':
        """Copy an egg of `project` to `work`, verified: one with that name or version."""
        for path, manifest in self._entries(project):
            if manifest[field] == value:
                target = os.path.join(tempfile.mkdtemp(dir=work), manifest['egg'])
                try:
                    _copy_out(manifest, os.path.join(path, manifest['egg']), target)
                    egg = read_egg(target)
                    if egg is not None:
                        return egg
                except (_Damage, OSError) as error:
                    _remark('%s in the egg cache is damaged, and not used: %s.' % (path, error))
        return None

    def best(
        self, project: str, specifiers: 'list[tuple[str, str]]', python: str, work: str
    ) -> 'Egg | None':
        """Return the newest egg that satisfies `specifiers`, copied to `work`."""
        versions = {
            manifest['version'] for _, manifest in self._entries(project)
            if satisfies(manifest['version'], specifiers) and '-py%s' % python in manifest['egg']
        }  # fmt: skip
        for version in sorted(versions, key=_version_key, reverse=True):
            egg = self.take(project, 'version', version, work)
            if egg is not None:
                return egg
        return None

    def _entries(self, project: str) -> 'Iterator[tuple[str, dict[str, Any]]]':
        """Yield path and manifest of each entry of `project` that can be trusted."""
        for environment_path in self._environments():
            versions = os.path.join(environment_path, 'eggs', _canonical(project))
            for path in sorted(glob.glob(os.path.join(glob.escape(versions), '*', '*'))):
                try:
                    self._check(path)
                    yield path, _manifest(os.path.join(path, 'entry.json'))
                except (_Damage, ValueError, TypeError, KeyError, AttributeError, RecursionError,
                        OSError) as error:  # fmt: skip
                    _remark('%s in the egg cache is not used: %.120s.' % (path, error))

    def _environments(self) -> 'Iterator[str]':
        """Yield the directories of environments in which the same eggs are made as in this one."""
        found = environment()
        numbers = re.findall(r'\d+', found['libc'])[:2]
        kind = {'glibc': 'manylinux', 'musl': 'musllinux'}.get(found['libc'].split(' ')[0])
        system, _, machine = found['platform'].partition('-')
        tags = {
            'tag': 'cp%s' % ''.join(found['soabi'].split('-')[1:2]), 'egg-format': self.egg_format,
            'platform': '_'.join([kind, *numbers, machine]) if kind else found['platform'],
            'variables': {}, 'egg-cache-key': '',
        }  # fmt: skip
        for path in sorted(glob.glob(os.path.join(glob.escape(self.root), 'v1', '*'))):
            try:
                if json.loads(_text(os.path.join(path, 'environment.json')) or '') == tags:
                    yield path
            except (ValueError, RecursionError, OSError):
                continue

    def _check(self, path: str) -> None:
        """Raise `_Damage` for an entry that somebody else could have made."""
        info, root = os.lstat(path), os.stat(self.root)
        if not stat.S_ISDIR(info.st_mode) or info.st_mode & stat.S_IWOTH:
            raise _Damage('it is a link, or everybody can write to it')
        if info.st_uid not in (0, os.geteuid(), root.st_uid) and not (
            root.st_mode & stat.S_IWGRP and info.st_gid == root.st_gid
        ):
            raise _Damage('it belongs to the user %d' % info.st_uid)


def _caches(given: 'str | None', info: 'dict[str, Any]') -> 'list[_Cache]':
    """Return the egg caches to look into."""
    if given is not None:
        if not os.path.isdir(os.path.join(given, 'v1')):
            raise Problem('--cache %s is not an egg cache.' % given)
        fault = _distrust(given)
        if fault:
            raise Problem('--cache %s: %s.' % (given, fault))
        return [_Cache(os.path.abspath(given))]
    found = []  # type: list[_Cache]
    for path in (info.get('egg_cache'), os.environ.get('EGG_CACHE'), _default_cache()):
        if isinstance(path, str) and os.path.isdir(os.path.join(path, 'v1')):
            fault = _distrust(path)
            if fault:
                _remark('The egg cache %s is not used: %s.' % (path, fault))
            elif path not in [cache.root for cache in found]:
                found.append(_Cache(path))
    return found


def _default_cache() -> str:
    """Return where egg.cache has its cache if nobody says it: in the user's cache directory."""
    home = '~/Library/Caches' if sys.platform == 'darwin' else '~/.cache'
    if sys.platform != 'darwin' and os.path.isabs(os.environ.get('XDG_CACHE_HOME', '')):
        home = os.environ['XDG_CACHE_HOME']
    return os.path.expanduser(os.path.join(home, 'egg-cache'))


def _distrust(path: str) -> 'str | None':
    """Return why strangers could put something into the egg cache `path`, if they could."""
    owner = os.stat(path).st_uid
    child = os.path.realpath(path)
    if os.stat(child).st_mode & stat.S_IWOTH:
        return 'everybody can write to it, so anybody could put code into it'
    while child != '/':
        parent = os.path.dirname(child)
        info = os.stat(parent)
        is_sticky = info.st_mode & stat.S_ISVTX and os.stat(child).st_uid in (0, os.geteuid())
        if info.st_uid not in (0, os.geteuid(), owner) or (
            info.st_mode & stat.S_IWOTH and not is_sticky
        ):
            return '%s belongs to somebody else, or everybody can write to it' % parent
        child = parent
    return None


def _manifest(path: str) -> 'dict[str, Any]':
    """Return the manifest of an entry, if it has its own checksum and says what is relied on."""
    with open(path, 'rb') as stream:
        data = stream.read()
    body, _, rest = data.rpartition(b',\n  "checksum": "')
    if rest != ('%s"\n}\n' % hashlib.sha256(body).hexdigest()).encode():
        raise _Damage('its manifest is not what was written')
    manifest = json.loads(data.decode())
    if manifest['format'] != 1 or not _EGG.fullmatch(manifest['egg']) or '/' in manifest['egg']:
        raise _Damage('its manifest is of another format')
    if not manifest['archive']['sha256'].startswith(os.path.basename(os.path.dirname(path))):
        raise _Damage('its manifest is that of another archive')
    if not isinstance(manifest['version'], str):
        raise _Damage('its manifest has no version')
    return dict(manifest)


def _copy_out(manifest: 'dict[str, Any]', egg: str, target: str) -> None:
    """Copy a cached egg to `target`; raise `_Damage` for anything else than what was stored."""
    rows = manifest['files']
    found = dict(_walk(egg))
    if found != {row['path']: row['kind'] for row in rows} or len(found) != len(rows):
        raise _Damage('something was added or removed')
    umask = os.umask(0)
    os.umask(umask)
    stored = int(manifest['umask'], 8)
    kind, has_info = manifest['archive']['kind'], 'EGG-INFO' in found
    # setuptools gives files the modes that the archive has, whatever the umask.
    is_own = kind == 'egg' or kind == 'unknown' and has_info or (
        kind in ('wheel', 'installed') and manifest['build']['zc.buildout'].startswith('4.')
    )  # fmt: skip
    for row in rows:
        source, path = (os.path.normpath(os.path.join(top, row['path'])) for top in (egg, target))
        if row['kind'] == 'directory':
            os.mkdir(path)
        elif row['kind'] == 'link':
            if os.readlink(source) != row['target']:
                raise _Damage('%s is another link' % row['path'])
            os.symlink(row['target'], path)
        else:
            with open(source, 'rb') as stream:
                data = stream.read()
            if len(data) != row['size'] or hashlib.sha256(data).hexdigest() != row['sha256']:
                raise _Damage('%s is not what was stored' % row['path'])
            with open(path, 'xb') as stream:
                stream.write(data)
            mode = int(row['mode'], 8)
            os.chmod(path, _received_mode(mode, stored, stored if is_own else umask, True))
            os.utime(path, ns=(row['mtime_ns'], row['mtime_ns']))
    for row in reversed(rows):
        if row['kind'] == 'directory':
            path = os.path.normpath(os.path.join(target, row['path']))
            os.chmod(path, _received_mode(int(row['mode'], 8), stored, umask, False))
            os.utime(path, ns=(row['mtime_ns'], row['mtime_ns']))


def _received_mode(mode: int, stored: int, umask: int, is_file: bool) -> int:
    """Return the mode that what was made with the umask `stored` would have with `umask`."""
    ways = ((0o666, 0), (0o777, 0), (0o777, 0o111))
    for asked, forced in (ways[0], ways[2], ways[1]) if is_file else ways:
        if mode == asked & ~stored | forced:
            return asked & ~umask | forced
    return mode & 0o777


def _walk(top: str) -> 'Iterator[tuple[str, str]]':
    """Yield (path, kind) of all that is in the directory `top`."""
    if os.path.islink(top) or not os.path.isdir(top):
        raise _Damage('the egg is not there')
    yield '.', 'directory'
    for parent, directories, files in os.walk(top):
        for name in directories + files:
            path = os.path.join(parent, name)
            mode = os.lstat(path).st_mode
            kinds = ((stat.S_ISLNK, 'link'), (stat.S_ISDIR, 'directory'), (stat.S_ISREG, 'file'))
            kind = next((kind for test, kind in kinds if test(mode)), 'something else')
            yield os.path.relpath(path, top), kind


# ---------------------------------------------------------------------------------------------
# Eggs from the index

_MAKE_EGGS = """\
import sys
# First, as it puts pkg_resources and distutils in place.
import zc.buildout.buildout
from zc.buildout import easy_install
# What is installed beside zc.buildout is no egg.
easy_install.buildout_and_setuptools_path[:] = []
easy_install.install(
    sys.argv[4:], sys.argv[2], links=[sys.argv[1]], index='file://' + sys.argv[3], path=[])
"""


def fetched(requirements: 'list[str]', constraints: 'list[str]', work: str) -> 'list[Egg]':
    """Return the eggs of `requirements` and of all that they require, made in `work`.

    pip gets wheels, as its configuration and environment say, with an interpreter of its own, and
    zc.buildout makes eggs of them. `constraints` are requirements that are to be kept to.
    """
    _remark('Getting %s.' % ', '.join(requirements))
    venv, wheels, library, made, index = (
        os.path.join(work, name) for name in ('venv', 'wheels', 'library', 'made', 'index')
    )
    for path in (wheels, made, index):
        os.mkdir(path)
    constraints_path = os.path.join(work, 'constraints.txt')
    _write(constraints_path, ''.join('%s\n' % line for line in constraints))
    _run([sys.executable, '-m', 'venv', venv], 'This Python has no working venv with ensurepip; '
         'install it (on Debian and Ubuntu: apt install python3-venv), or take another Python.')
    pip = [os.path.join(venv, 'bin', 'python'), '-I', '-m', 'pip', '--disable-pip-version-check']
    buildout = next((text for text in [*requirements, *constraints]
                     if _canonical(_name(text)) == 'zc-buildout'), 'zc.buildout')  # fmt: skip
    complaint = (
        'pip could not get %s; what it said is above.\nIs there a network, and does it lead to an '
        'index that has them? (PIP_INDEX_URL and PIP_FIND_LINKS tell pip where to look.)\n'
        'Nothing was changed.' % ', '.join(requirements)
    )
    limits = ['--constraint', constraints_path]
    _run([*pip, 'wheel', *limits, '--wheel-dir', wheels, *requirements], complaint, cwd=work)
    _run([*pip, 'install', *limits, '--find-links', wheels, '--target', library, buildout],
         complaint, cwd=work)  # fmt: skip
    # -S, as old namespace packages in site-packages would hide those in `library`.
    _run([sys.executable, '-S', '-W', 'ignore', '-c', _MAKE_EGGS, wheels, made, index,
          *requirements], 'The eggs could not be made; what went wrong is above.', cwd=work,
         env=dict(os.environ, PYTHONPATH=library, PYTHONNOUSERSITE='1'))  # fmt: skip
    eggs = [read_egg(os.path.join(made, name)) for name in _listed(made) if name.endswith('.egg')]
    return [egg for egg in eggs if egg is not None]


def _run(args: 'list[str]', complaint: str, **options: 'Any') -> None:
    """Run a command quietly; raise `Problem` with the end of its output if it fails."""
    process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, **options)  # fmt: skip
    output = bytes(process.communicate()[0]).decode('utf-8', 'replace')
    if process.returncode:
        for line in output.splitlines()[-_SHOWN_LINE_COUNT:]:
            _remark('    ' + line)
        raise Problem(complaint)


# ---------------------------------------------------------------------------------------------
# What is written

_SCRIPT = """\

# Made by bootstrap.py: zc.buildout, from eggs of this buildout.

import os
import pkgutil
import re
import sys
import warnings

sys.path[0:0] = [
%s  ]

# zc is in several eggs.
warnings.filterwarnings('ignore', 'Module zc was already imported')

# What is installed beside the interpreter must not stand in for an egg, nor hide one.
names = ('site-packages', 'dist-packages')
beside = tuple(path + os.sep for path in sys.path if os.path.basename(path) in names)
sys.path[:] = [path for path in sys.path if path + os.sep not in beside]
for name, module in list(sys.modules.items()):
    paths = getattr(module, '__path__', ())
    if getattr(module, '__file__', None) is None and any(p.startswith(beside) for p in paths):
        del sys.modules[name]


class Modules:
    \"\"\"Finds the modules in a directory; for zc.buildout there are no distributions in it.\"\"\"

    def __init__(self, path):
        self.finder = pkgutil.get_importer(path)
        sys.path_importer_cache[path] = self

    def find_spec(self, *args):
        return self.finder.find_spec(*args)

    def invalidate_caches(self):
        self.finder.invalidate_caches()


# setuptools puts its own copies of other distributions on sys.path. They must not, either.
for path in sys.path:
    path = os.path.join(path, 'setuptools', '_vendor')
    if os.path.isdir(path):
        Modules(path)

if any(re.fullmatch('-[A-Za-z]*o[A-Za-z]*', argument) for argument in sys.argv[1:]):
    # Offline, pip can build develop eggs only with the setuptools that is here.
    os.environ.setdefault('PIP_NO_BUILD_ISOLATION', '0')

from zc.buildout import easy_install
from zc.buildout.buildout import main

# Offline, it sees extensions only where it is itself.
easy_install.buildout_and_setuptools_path += [
%s  ]

if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""


def script_text(python: str, paths: 'list[str]', extensions: 'list[str]') -> str:
    """Return the text of bin/buildout, for the interpreter `python`, with `paths` on sys.path."""
    lists = (''.join('  %s,\n' % ascii(path) for path in some) for some in (paths, extensions))
    return shebang(python) + _SCRIPT % tuple(lists)


def shebang(python: str) -> str:
    """Return the first lines of a script for `python`.

    The kernel takes neither blanks nor long paths; then a shell has to find it.
    """
    if len(python) + 2 <= _LONGEST_SHEBANG and not re.search(r'\s', python):
        return '#!%s\n' % python
    return "#!/bin/sh\n'''exec' %s \"$0\" \"$@\"\n' '''\n" % shlex.quote(python)


def _is_extension(egg: str) -> bool:
    """Tell whether zc.buildout can load an extension from an egg."""
    names = ('EGG-INFO', '*.dist-info')
    paths = [os.path.join(glob.escape(egg), name, 'entry_points.txt') for name in names]
    return any('[zc.buildout.extension]' in (_text(path) or '') for pattern in paths
               for path in glob.glob(pattern))  # fmt: skip


def _commit(buildout: _Buildout, eggs: 'list[Egg]') -> str:
    """Put everything into its place, bin/buildout last; return its path.

    What takes room is written under other names first. If there is none, all of that goes again.
    """
    is_arriving = any(os.path.dirname(egg.path) != buildout.eggs for egg in eggs)
    if is_arriving and not buildout.has_version and not _is_release_4(eggs):
        buildout.eggs = os.path.join(buildout.eggs, EGGS_VERSION)
    places = [os.path.join(buildout.eggs, os.path.basename(egg.path)) for egg in eggs]
    extensions = [place for place, egg in zip(places, eggs) if _is_extension(egg.path)]
    script = os.path.join(buildout.bin, 'buildout')
    with ExitStack() as rest:
        _make_directories(buildout.bin, rest)
        stage = ''
        if is_arriving:
            _make_directories(buildout.eggs, rest)
            stage = tempfile.mkdtemp(prefix='.bootstrap-', dir=buildout.eggs)
            rest.callback(shutil.rmtree, stage, ignore_errors=True)
        arriving = [
            (egg.path, os.path.join(stage, os.path.basename(place)), place)
            for egg, place in zip(eggs, places) if egg.path != place and read_egg(place) is None
        ]  # fmt: skip
        for source, staged, _ in arriving:
            _copy_tree(source, staged)
        text = script_text(sys.executable, places, extensions)
        new_script = _new_script(buildout.bin, text, rest)
        for _, staged, place in arriving:
            if os.path.lexists(place):
                os.rename(place, staged + '.replaced')
            os.rename(staged, place)
        if buildout.holds(buildout.eggs):
            for place in places:
                restore_metadata_name(place)
        root = set_aside(buildout.directory)
        if root is not None:
            _remark('%s was that of %s: it is %s now, as zc.buildout would have removed what it '
                    'lists.' % (INSTALLED, root, FOREIGN))  # fmt: skip
        os.replace(new_script, script)
    return script


def _copy_tree(source: str, target: str) -> None:
    """Copy a directory, with modes, times and links; what goes wrong first ends it.

    `shutil.copytree` goes on, and tells all of it.
    """
    items = [(os.path.normpath(os.path.join(source, path)),
              os.path.normpath(os.path.join(target, path)), kind) for path, kind in _walk(source)]
    for old, new, kind in items:
        if kind == 'directory':
            os.mkdir(new)
        elif kind == 'link':
            os.symlink(os.readlink(old), new)
        else:
            shutil.copy2(old, new)
    for old, new, kind in reversed(items):
        if kind == 'directory':
            shutil.copystat(old, new)


def _new_script(directory: str, text: str, rest: ExitStack) -> str:
    """Write a script under another name and return its path."""
    handle, path = tempfile.mkstemp(prefix='.buildout-', dir=directory)
    os.close(handle)
    rest.callback(_quietly, os.unlink, path)
    _write(path, text)
    umask = os.umask(0)
    os.umask(umask)
    os.chmod(path, 0o777 & ~umask)
    return path


def _make_directories(path: str, rest: ExitStack) -> None:
    """Make the directory `path`, and those above it; what stays empty is removed in the end."""
    if not os.path.isdir(path):
        _make_directories(os.path.dirname(path), rest)
        os.mkdir(path)
        rest.callback(_quietly, os.rmdir, path)


def _quietly(function: 'Callable[[str], None]', path: str) -> None:
    with suppress(OSError):
        function(path)


def _is_release_4(eggs: 'list[Egg]') -> bool:
    return any(
        _canonical(egg.project) == 'zc-buildout' and egg.version.startswith('4.') for egg in eggs
    )


def restore_metadata_name(egg: str) -> None:
    """Call the metadata of an egg `<project>-<version>.dist-info` again, as its wheel did.

    zc.buildout 5 and 6 add Python and platform, and pip since 24.1 refuses to run beside a
    setuptools whose version looks like that. When buildout calls it, it runs beside these eggs.
    """
    for name in _listed(egg):
        match = _ODD_METADATA.fullmatch(name)
        if match and not os.path.lexists(os.path.join(egg, match['plain'] + '.dist-info')):
            times = os.stat(egg)
            os.rename(os.path.join(egg, name), os.path.join(egg, match['plain'] + '.dist-info'))
            os.utime(egg, ns=(times.st_atime_ns, times.st_mtime_ns))


def _write(path: str, text: str) -> None:
    with open(path, 'w', encoding='utf-8', errors='surrogateescape') as stream:
        stream.write(text)


if __name__ == '__main__':
    sys.exit(main())

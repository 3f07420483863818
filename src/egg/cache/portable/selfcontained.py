"""Is this buildout self-contained, or what points out of it?

What is needed to run it is looked at, not what is needed to build it again. The interpreter, and
what the operating system provides, do not count.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from egg.cache.portable import elf, embedded_paths
from egg.cache.portable.buildout_paths import INSTALLED, BuildoutPaths
from egg.cache.portable.findings import (
    COPIED,
    DEVELOP,
    DIRECTORY,
    LIBRARY,
    LINK,
    PART,
    SCRIPT,
    SITE_PACKAGES,
    TOO_LARGE,
    Finding,
    Report,
)

#: Text files that are larger are not looked at.
MAXIMUM_SIZE = 4_000_000

_LIBRARY = re.compile(r'.+\.so(\.\d+)*')
# Where the path is too long for a first line, the shell is asked to find the interpreter.
_SHEBANG = re.compile(
    r'''#! *(?P<words>\S.*)(?:\n\'\'\'exec\' "?(?P<long>[^\s"]+).*(?:\n' \'\'\')?)?'''
)
_ORIGIN = re.compile(r'\$(?:ORIGIN\b|\{ORIGIN\})')
_COMPILED = ('.pyc', '.pyo')
#: What names of programs don't end with: of 25,000 files, few are left to be asked for their mode.
_NO_PROGRAMS = (*_COMPILED, '.py', '.txt', '.rst', '.zcml', '.pt', '.xml', '.html', '.js', '.css')
_FINDER = re.compile(r'__editable__.*finder\.py')
_REPOSITORIES = frozenset({'.git', '.hg', '.svn', '.bzr', '__pycache__'})


def scripts(places: BuildoutPaths) -> Report:
    """Return what the directories and the scripts of a buildout say; this is quick."""
    check = _Check(places)
    check.directories()
    check.scripts()
    return check.report


def everything(places: BuildoutPaths) -> Report:
    """Return what every file of a buildout says; 25,000 files take about a second."""
    check = _Check(places)
    check.directories()
    check.scripts()
    check.installed()
    check.tree(str(places.directory))
    return check.report


def virtual_environment(interpreter: str) -> str | None:
    """Return the virtual environment that an interpreter is of, or None."""
    base = os.path.dirname(os.path.dirname(interpreter))
    return base if os.path.isfile(os.path.join(base, 'pyvenv.cfg')) else None


class _Check:
    """Fills a `Report`."""

    def __init__(self, places: BuildoutPaths) -> None:
        self.report = Report(places)
        self._places = places
        self._bin = str(places.directories['bin-directory'])
        parts, etc = places.directories['parts-directory'], places.directory / 'etc'
        develop = str(places.directories['develop-eggs-directory'])
        # What parts say that they installed may be anywhere. Develop eggs are a case of their own.
        installed = (path for _, path in places.installed if os.path.dirname(path) != develop)
        self._kinds: dict[str, str | None] = {str(places.directories['eggs-directory']): None}
        self._kinds.update(dict.fromkeys((*installed, str(etc), str(parts)), PART))
        self._kinds[self._bin] = SCRIPT

    def directories(self) -> None:
        source = INSTALLED if self._places.is_built else 'buildout.cfg'
        for name, path in self._places.directories.items():
            if not self._places.holds(path):
                self.report.findings.append(Finding(DIRECTORY, f'{name} ({source})', str(path)))

    def scripts(self) -> None:
        for entry in self._entries(self._bin):
            # Of a link that leads nowhere, or round in circles, there is nothing to read.
            if os.path.isfile(entry.path) and not self._is_link_out(entry):
                self._script(entry.path)

    def installed(self) -> None:
        for number, path in self._places.installed:
            self._point(COPIED, str(self._places.directory / INSTALLED), path, number)

    def tree(self, top: str) -> None:
        """Look at all files below `top`; links are not followed."""
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            kind = self._kind(directory)
            for entry in self._entries(directory):
                if entry.is_symlink():
                    self._link(entry.path)
                elif entry.is_dir(follow_symlinks=False):
                    if entry.name not in _REPOSITORIES:
                        waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False) and directory != self._bin:
                    self._file(entry, kind or self._kinds.get(entry.path))

    def _kind(self, directory: str) -> str | None:
        """Return what the text files in a directory of the buildout are, None if nothing."""
        while len(directory) > len(str(self._places.directory)):
            if directory in self._kinds:
                return self._kinds[directory]
            directory = os.path.dirname(directory)
        return None

    def _file(self, entry: os.DirEntry[str], kind: str | None) -> None:
        name, path = entry.name, entry.path
        if _LIBRARY.fullmatch(name):
            self._library(path)
        elif name.endswith(('.egg-link', '.pth')):
            self._path_file(path)
        elif _FINDER.fullmatch(name):
            self._mentions(DEVELOP, path, self._text(path) or '', any_path=True)
        elif name == 'direct_url.json':
            self._direct_url(path)
        elif kind == SCRIPT:
            self._script(path)
        elif kind and not name.endswith(_COMPILED):
            self._mentions(kind, path, self._text(path) or '')
        elif not name.endswith(_NO_PROGRAMS) and os.access(path, os.X_OK):
            self._library(path)

    def _script(self, path: str) -> None:
        text = self._text(path)
        if text is None:
            return
        first = _SHEBANG.match(text)
        if first:
            words = (first['long'] or first['words']).split()
            is_env = os.path.basename(words[0]) == 'env'
            self._interpreter(' '.join(words[:2]) if is_env else words[0])
            text = re.sub('[^\n]', '', first[0]) + text[first.end():]
        self._mentions(SCRIPT, path, text)

    def _mentions(self, kind: str, path: str, text: str, any_path: bool = False) -> None:
        for number, target in embedded_paths.absolute_paths(text, self._places.names):
            if embedded_paths.is_python(target):
                if kind == SCRIPT and target not in self.report.interpreters:
                    self._interpreter(target)
            elif kind == PART and not embedded_paths.is_plausible(target):
                continue
            elif any_path or embedded_paths.is_outside_help(target):
                is_packages = kind == SCRIPT and embedded_paths.is_packages(target)
                self._point(SITE_PACKAGES if is_packages else kind, path, target, number)

    def _path_file(self, path: str) -> None:
        """A line is a path, relative or not, or code; of an .egg-link, only the first counts."""
        is_link = path.endswith('.egg-link')
        for number, line in enumerate((self._text(path) or '').splitlines(), 1):
            line = line.strip()
            if line.startswith(('import ', 'import\t')):
                for _, target in embedded_paths.absolute_paths(line, self._places.names):
                    self._point(DEVELOP, path, target, number)
            elif line and not line.startswith('#'):
                self._point(DEVELOP, path, os.path.join(os.path.dirname(path), line), number)
                if is_link:
                    break                   # The next is relative to this one.

    def _direct_url(self, path: str) -> None:
        text = self._text(path) or ''
        try:
            document = json.loads(text)
            is_editable = document['dir_info']['editable']
            target = unquote(urlsplit(document['url']).path)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        if is_editable and target:
            self._point(DEVELOP, path, target)

    def _library(self, path: str) -> None:
        try:
            targets = elf.library_paths(Path(path))
        except OSError as error:
            self._unread(path, error)
        except ValueError:
            pass                            # a script of the linker, or of another system
        else:
            for target in targets:
                target = _ORIGIN.sub(lambda match: os.path.dirname(path), target)
                # The rest is relative to wherever the process is, most likely in the buildout.
                target = os.path.normpath(self._places.directory / target)
                if not embedded_paths.is_of_system(target):
                    self._point(LIBRARY, path, target)

    def _link(self, path: str) -> None:
        try:
            target = os.readlink(path)
        except OSError as error:
            return self._unread(path, error)
        where = os.path.join(os.path.dirname(path), target)
        if self._places.holds(where):
            return
        if embedded_paths.is_python(where):
            self.report.interpreters.setdefault(path, 0)
        else:
            self._point(LINK, path, where)

    def _is_link_out(self, entry: os.DirEntry[str]) -> bool:
        return entry.is_symlink() and not self._places.holds(os.path.realpath(entry.path))

    def _point(self, kind: str, path: str, target: str, line: int | None = None) -> None:
        """Take note of `target`, if it is outside."""
        if not self._places.holds(target):
            where = self._places.relative(path)
            self.report.findings.append(Finding(kind, where, os.path.normpath(target), line))

    def _interpreter(self, path: str) -> None:
        self.report.interpreters[path] = self.report.interpreters.get(path, 0) + 1

    def _text(self, path: str) -> str | None:
        """Return the text of a file, None if there is none in it, or it can't be read."""
        try:
            with open(path, 'rb') as file:
                data = file.read(MAXIMUM_SIZE + 1)
        except OSError as error:
            self._unread(path, error)
            return None
        if data.startswith(elf.MAGIC):
            self._library(path)
        if b'\0' in data[:8192]:
            return None
        if len(data) > MAXIMUM_SIZE:
            self.report.unread[self._places.relative(path)] = TOO_LARGE
        return data.decode('utf-8', 'surrogateescape')

    def _entries(self, directory: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(directory) as found:
                yield from sorted(found, key=lambda entry: entry.name)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._unread(directory, error)

    def _unread(self, path: str, error: OSError) -> None:
        self.report.unread[self._places.relative(path)] = error.strerror or str(error)

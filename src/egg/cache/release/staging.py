"""What goes into a release, and is it fit to go there?

A stage is a directory with everything that a release has, at the places that it has there: what
was copied is hashed on the way.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from egg.cache.common import files
from egg.cache.common.errors import CacheError

_COMPILED = '__pycache__'


@dataclass
class Stage:
    """The files of a release below `root`: {path: what `RELEASE.json` says of it}."""

    root: Path
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    # {path of a link: where it leads in the buildout}
    _links: dict[str, str] = field(default_factory=dict)
    _sources: dict[str, str] = field(default_factory=dict)
    _generated: dict[str, bytes] = field(default_factory=dict)

    def copy(
        self, source: str, path: str, time: int | None = None, without: Collection[str] = ()
    ) -> None:
        """Take a file, a link, or a directory with all that is in it, to `path`.

        What Python compiled is left out. Special files are refused, with `CacheError`. `time`
        is given to all files instead of their own. Paths below a directory that are in `without`,
        as strings that begin with `source`, are left out.
        """
        info = os.lstat(source)
        if stat.S_ISLNK(info.st_mode):
            self._links[path] = os.path.join(os.path.dirname(source), os.readlink(source))
            self._sources[source] = path
        elif stat.S_ISREG(info.st_mode):
            self._copy_file(source, path, info, time)
        elif stat.S_ISDIR(info.st_mode):
            self._sources[source] = path
            names = [name for name in sorted(_wanted(os.listdir(source)))
                     if os.path.join(source, name) not in without]  # fmt: skip
            for name in names:
                self.copy(os.path.join(source, name), f'{path}/{name}', time, without)
            if not names:
                self.directories.add(path)
                files.make_directories(self.root / path)
        else:
            raise CacheError(
                f'{source} is {_kind(info.st_mode)}, which no release can have.\n'
                'Remove it, or leave it out of what is included.'
            )

    def write(self, path: str, data: bytes) -> None:
        """Take a generated file."""
        self._generated[path] = data

    def finish(self) -> int:
        """Write the links and the generated files; return the time of the newest other file.

        Raises `CacheError` for a link that leads out of the release.
        """
        for path, target in self._links.items():
            link = self._link(path, target)
            self.files[path] = {'link': link}
            files.make_directories((self.root / path).parent)
            os.symlink(link, self.root / path)
        newest = max((file['time'] for file in self.files.values() if 'time' in file), default=0)
        for path, data in self._generated.items():
            files.make_directories((self.root / path).parent)
            files.create(self.root / path, data)
            self._note(path, hashlib.sha256(data).hexdigest(), len(data), False, newest)
        return newest

    def _copy_file(
        self, source: str, path: str, info: os.stat_result, time: int | None
    ) -> None:  # fmt: skip
        target = self.root / path
        files.make_directories(target.parent)
        digest, size = hashlib.sha256(), 0
        descriptor = os.open(target, files.CREATE, 0o600)
        try:
            with files.opened(source) as origin:
                for chunk in files.chunks(origin):
                    digest.update(chunk)
                    size += len(chunk)
                    files.write_all(descriptor, chunk)
        finally:
            os.close(descriptor)
        self._sources[source] = path
        seconds = max(int(info.st_mtime), 0) if time is None else time
        self._note(path, digest.hexdigest(), size, bool(info.st_mode & stat.S_IXUSR), seconds)

    def _note(self, path: str, sha256: str, size: int, is_executable: bool, time: int) -> None:
        mode = 0o755 if is_executable else 0o644
        os.chmod(self.root / path, mode)
        os.utime(self.root / path, (time, time))
        self.files[path] = {'sha256': sha256, 'size': size, 'mode': f'{mode:04o}', 'time': time}

    def _link(self, path: str, target: str) -> str:
        """Return the link that leads to the same in the release."""
        wanted = os.path.normpath(target)
        found = self._place(wanted)
        if found is None and os.path.lexists(wanted):
            found = self._place(os.path.realpath(wanted))
        if found is None:
            raise CacheError(
                f'{path} is a link to {wanted}, which is not in the release.\n'
                'Put what it leads to in its place, or include that, too.'
            )
        return os.path.relpath(found, os.path.dirname(path) or '.')

    def _place(self, source: str) -> str | None:
        """Return where a path of the buildout is in the release; None if it isn't there.

        What is in a directory that was taken is there, even if it does not exist.
        """
        rest: list[str] = []
        while source not in self._sources:
            source, name = os.path.split(source)
            if not name:
                return None
            rest.insert(0, name)
        found = self._sources[source]
        if rest and (found in self.files or found in self._links):
            return None
        return '/'.join([found, *rest])


def _wanted(names: list[str]) -> Iterator[str]:
    """Yield the names without what Python has compiled of a source that is there, too."""
    for name in names:
        if name != _COMPILED and not (name.endswith('.pyc') and name[:-1] in names):
            yield name


def _kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return 'a socket'
    return 'a pipe' if stat.S_ISFIFO(mode) else 'a device'

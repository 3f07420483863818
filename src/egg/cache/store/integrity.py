"""Is this egg, file by file, what its manifest says?

Nothing here follows a link, and each file is opened once.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from egg.cache.common.errors import DamagedError
from egg.cache.common.files import CHUNK, READ, write_all
from egg.cache.store.manifest import DIRECTORY, FILE, LINK, Item, Manifest

OTHER = 'something else'
# What says that an entry is not as it was; other errors are trouble of the moment.
_DAMAGE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG)


def faults(manifest: Manifest, egg: Path) -> Iterator[DamagedError]:
    """Yield every difference between the cached `egg` and its manifest."""
    missing = set()
    try:
        for fault in tree_faults(manifest, egg):
            missing.add(fault.path)
            yield fault
    except OSError as error:
        yield DamagedError(_relative(error, egg), 'to be readable', error.strerror or str(error))
        return
    if '.' in missing:
        return
    for item in manifest.items:
        if item.kind != FILE or item.path in missing:
            continue
        try:
            reader, _ = open_file(item, f'{egg}/{item.path}')
            try:
                read_file(item, reader)
            finally:
                os.close(reader)
        except DamagedError as fault:
            yield fault
        except OSError as error:
            yield DamagedError(item.path, 'a readable file', error.strerror or str(error))


def tree_faults(manifest: Manifest, egg: Path) -> Iterator[DamagedError]:
    """Yield a fault for each path that was added, removed or replaced by something else."""
    try:
        if kind(egg) == LINK:
            yield DamagedError('.', DIRECTORY, LINK)
            return
        found = dict(walk(egg))
    except OSError as error:
        if error.errno not in _DAMAGE:
            raise
        yield DamagedError(_relative(error, egg), 'to be there', error.strerror or str(error))
        return
    expected = {item.path: item.kind for item in manifest.items}
    if found != expected:
        for path in sorted(expected.keys() | found.keys()):
            was, is_ = expected.get(path, 'nothing'), found.get(path, 'nothing')
            if was != is_:
                yield DamagedError(path, was, is_)
    for item in manifest.items:
        if item.kind == LINK and found.get(item.path) == LINK:
            target = _target(f'{egg}/{item.path}')
            if target != item.target:
                yield DamagedError(item.path, f'a link to {item.target}', f'one to {target}')


def open_file(item: Item, path: str) -> tuple[int, int]:
    """Open the cached file `path` if type, size and mode are those of `item`.

    Returns its descriptor and the time of its last change, in nanoseconds.
    """
    try:
        descriptor = os.open(path, READ)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedError(item.path, 'a file', 'nothing') from error
    try:
        info = os.fstat(descriptor)
        if info.st_size != item.size:
            raise DamagedError(item.path, f'{item.size} bytes', f'{info.st_size} bytes')
        expected = stat.S_IFREG | cached_mode(item.mode)
        if info.st_mode != expected:
            raise DamagedError(
                item.path, stat.filemode(expected), stat.filemode(info.st_mode)
            )
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, info.st_mtime_ns


def read_file(item: Item, reader: int, writer: int | None = None) -> None:
    """Read a cached file of the size of `item`, and write it; raise `DamagedError` if it differs.

    One call reads a file of up to a megabyte, and none looks for its end: its size is known.
    """
    digest = hashlib.sha256()
    missing = item.size
    while missing:
        chunk = os.read(reader, min(missing, CHUNK))
        if not chunk:
            break
        missing -= len(chunk)
        digest.update(chunk)
        if writer is not None:
            write_all(writer, chunk)
    found = digest.hexdigest()
    if missing or found != item.sha256:
        raise DamagedError(
            item.path,
            f'{item.size} bytes with sha256 {item.sha256}',
            f'{item.size - missing} bytes with sha256 {found}',
        )


def walk(top: Path) -> list[tuple[str, str]]:
    """Return (path, kind) of all that is in the directory `top`, parents first, sorted."""
    found = [('.', DIRECTORY)]
    _collect(str(top), '', found)
    return found


def kind(path: Path) -> str:
    mode = os.lstat(path).st_mode
    kinds = ((stat.S_ISLNK, LINK), (stat.S_ISDIR, DIRECTORY), (stat.S_ISREG, FILE))
    return next((kind for test, kind in kinds if test(mode)), OTHER)


def cached_mode(mode: int) -> int:
    """Return the mode of a file in the cache: read-only, for everybody who gets that far."""
    return 0o555 if mode & 0o111 else 0o444


def _collect(directory: str, below: str, found: list[tuple[str, str]]) -> None:
    with os.scandir(directory) as scan:
        entries = sorted(scan, key=_name)
    for entry in entries:
        path = below + entry.name
        if entry.is_symlink():
            found.append((path, LINK))
        elif entry.is_dir(follow_symlinks=False):
            found.append((path, DIRECTORY))
            _collect(entry.path, f'{path}/', found)
        else:
            found.append((path, FILE if entry.is_file(follow_symlinks=False) else OTHER))


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _target(path: str) -> str | None:
    with suppress(FileNotFoundError):
        return os.readlink(path)
    return None


def _relative(error: OSError, egg: Path) -> str:
    return os.path.relpath(error.filename, egg) if isinstance(error.filename, str) else '.'

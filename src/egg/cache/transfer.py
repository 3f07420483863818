"""How does an egg get into the cache, and out of it unharmed?

Each file is read once: it is hashed while it is copied. Nothing here follows a link.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from egg.cache.errors import CacheError, DamagedError
from egg.cache.files import CREATE, DIRECTORY_MODE, READ, opened, remove_tree, write_all
from egg.cache.manifest import DIRECTORY, FILE, LINK, Item, Manifest

_CHUNK = 1 << 20
_OTHER = 'something else'
# What is asked for, and what is forced, when an egg is made.
_WAYS = ((0o666, 0), (0o777, 0), (0o777, 0o111))
_FILE_WAYS = ((0o666, 0), (0o777, 0o111), (0o777, 0))
# What says that an entry is not as it was; other errors are trouble of the moment.
_DAMAGE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG)


def copy_in(egg: Path, destination: Path) -> tuple[Item, ...]:
    """Copy the directory `egg` to the new directory `destination`, as an entry keeps it.

    Returns what the egg is made of, parents first. Cached files are read-only; times are kept.
    """
    items = []
    if _kind(egg) != DIRECTORY:
        raise CacheError(f'{egg} is not a directory.')
    for path, kind in _walk(egg):
        source, target = _join(egg, path), _join(destination, path)
        info = os.lstat(source)
        mode = stat.S_IMODE(info.st_mode) & 0o777
        if kind == DIRECTORY:
            os.mkdir(target, DIRECTORY_MODE)
            items.append(Item(path, kind, mode, info.st_mtime_ns))
        elif kind == _OTHER:
            raise CacheError(f'{source} is neither a file nor a directory nor a link.')
        elif kind == LINK:
            link = os.readlink(source)
            os.symlink(link, target)
            items.append(Item(path, kind, target=link))
        else:
            created = _created(target, cached_mode(mode), info.st_mtime_ns)
            with opened(source) as reader, created as sink:
                size, sha256 = _pump(reader, sink)
            items.append(Item(path, kind, mode, info.st_mtime_ns, size, sha256))
    return tuple(items)


def copy_out(manifest: Manifest, egg: Path, destination: Path, umask: int) -> None:
    """Copy the cached `egg` to the new directory `destination`, verified on the way.

    Raises `DamagedError` for the first difference from the manifest. After any exception there
    is no `destination`, unless it was there before. Modes are those that the same egg would
    have if the user with `umask` had built it.
    """
    for fault in _tree_faults(manifest, egg):
        raise fault
    os.mkdir(destination)
    try:
        _copy_out(manifest, egg, destination, umask)
    except BaseException:
        remove_tree(destination)
        raise


def _copy_out(manifest: Manifest, egg: Path, destination: Path, umask: int) -> None:
    file_umask = manifest.umask if _has_modes_of_its_own(manifest) else umask
    for item in manifest.items:
        target = _join(destination, item.path)
        if item.kind == DIRECTORY:
            if item.path != '.':
                os.mkdir(target)
        elif item.kind == LINK:
            os.symlink(item.target, target)
        else:
            mode = received_mode(item.mode, manifest.umask, file_umask, is_file=True)
            created = _created(target, mode, item.mtime_ns)
            with _verified(item, _join(egg, item.path)) as source, created as sink:
                _compare(item, *_pump(source, sink))
    _finish_directories(destination, manifest.items, manifest.umask, umask)


def faults(manifest: Manifest, egg: Path) -> Iterator[DamagedError]:
    """Yield every difference between the cached `egg` and its manifest."""
    missing = set()
    try:
        for fault in _tree_faults(manifest, egg):
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
            with _verified(item, _join(egg, item.path)) as source:
                _compare(item, *_pump(source))
        except DamagedError as fault:
            yield fault
        except OSError as error:
            yield DamagedError(item.path, 'a readable file', error.strerror or str(error))


def cached_mode(mode: int) -> int:
    """Return the mode of a file in the cache: read-only, for everybody who gets that far."""
    return 0o555 if mode & 0o111 else 0o444


def received_mode(mode: int, stored_umask: int, umask: int, is_file: bool = False) -> int:
    """Return the mode that a file or directory has for a user with `umask`.

    What the builder's umask decided is decided by the receiver's; what an archive asked for
    in so many words stays. pip lets everybody run an executable file, whatever the umask.
    """
    for asked, forced in _FILE_WAYS if is_file else _WAYS:
        if mode == asked & ~stored_umask | forced:
            return asked & ~umask | forced
    return mode


def _has_modes_of_its_own(manifest: Manifest) -> bool:
    """Tell whether files got the modes that the archive has for them, whatever the umask.

    setuptools unpacks so. zc.buildout lets it unpack zipped eggs and, before release 5, wheels;
    pip does the rest and respects the umask.
    """
    kind = manifest.archive.kind
    return kind == 'egg' or (kind == 'wheel' and manifest.build.buildout.startswith('4.'))


def _join(top: Path, path: str) -> str:
    return str(top) if path == '.' else f'{top}/{path}'


def _walk(top: Path, below: str = '.') -> Iterator[tuple[str, str]]:
    """Yield (path, kind) of all that is in the directory `top`, parents first, sorted."""
    yield below, DIRECTORY
    with os.scandir(_join(top, below)) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        path = entry.name if below == '.' else f'{below}/{entry.name}'
        if entry.is_symlink():
            yield path, LINK
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(top, path)
        else:
            yield path, FILE if entry.is_file(follow_symlinks=False) else _OTHER


def _kind(path: Path) -> str:
    mode = os.lstat(path).st_mode
    kinds = ((stat.S_ISLNK, LINK), (stat.S_ISDIR, DIRECTORY), (stat.S_ISREG, FILE))
    return next((kind for test, kind in kinds if test(mode)), _OTHER)


def _tree_faults(manifest: Manifest, egg: Path) -> Iterator[DamagedError]:
    """Yield a fault for each path that was added, removed or replaced by something else."""
    expected = {item.path: item for item in manifest.items}
    try:
        if _kind(egg) == LINK:
            yield DamagedError('.', DIRECTORY, LINK)
            return
        found = dict(_walk(egg))
    except OSError as error:
        if error.errno not in _DAMAGE:
            raise
        yield DamagedError(_relative(error, egg), 'to be there', error.strerror or str(error))
        return
    for path in sorted(expected.keys() | found.keys()):
        was, is_ = expected.get(path), found.get(path)
        if was is None or is_ != was.kind:
            yield DamagedError(path, was.kind if was else 'nothing', is_ or 'nothing')
        elif is_ == LINK and (target := _target(_join(egg, path))) != was.target:
            yield DamagedError(path, f'a link to {was.target}', f'one to {target}')


def _target(path: str) -> str | None:
    with suppress(FileNotFoundError):
        return os.readlink(path)
    return None


def _relative(error: OSError, egg: Path) -> str:
    return os.path.relpath(error.filename, egg) if isinstance(error.filename, str) else '.'


@contextmanager
def _created(path: str, mode: int, mtime_ns: int) -> Iterator[int]:
    """Create the file `path`; at the end of the block it gets its mode and time."""
    descriptor = os.open(path, CREATE, 0o600)
    try:
        yield descriptor
        os.fchmod(descriptor, mode)
        os.utime(descriptor, ns=(mtime_ns, mtime_ns))
    finally:
        os.close(descriptor)


@contextmanager
def _verified(item: Item, path: str) -> Iterator[int]:
    """Open the cached file `path` if type, size and mode are those of `item`."""
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
        yield descriptor
    finally:
        os.close(descriptor)


def _compare(item: Item, size: int, sha256: str) -> None:
    if (size, sha256) != (item.size, item.sha256):
        raise DamagedError(
            item.path,
            f'{item.size} bytes with sha256 {item.sha256}',
            f'{size} bytes with sha256 {sha256}',
        )


def _pump(source: int, sink: int | None = None) -> tuple[int, str]:
    """Read all of `source`, write it to `sink`, and return its size and sha256."""
    digest = hashlib.sha256()
    size = 0
    while chunk := os.read(source, _CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if sink is not None:
            write_all(sink, chunk)
    return size, digest.hexdigest()


def _finish_directories(
    top: Path, items: Sequence[Item], stored_umask: int, umask: int
) -> None:
    """Give directories their modes and times: last, since every new file changes the time."""
    for item in reversed(items):
        if item.kind == DIRECTORY:
            path = _join(top, item.path)
            inherited = os.lstat(path).st_mode & 0o7000
            os.chmod(path, received_mode(item.mode, stored_umask, umask) | inherited)
            os.utime(path, ns=(item.mtime_ns, item.mtime_ns))

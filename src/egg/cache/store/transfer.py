"""How does an egg get into the cache, and out of it unharmed?

Each file is read once: it is hashed while it is copied. Nothing here follows a link.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from egg.cache.common import disk_space, thread_pool
from egg.cache.common.errors import CacheError
from egg.cache.common.files import CHUNK, CREATE, DIRECTORY_MODE, opened, remove_tree, write_all
from egg.cache.common.linking import Linker
from egg.cache.store import integrity
from egg.cache.store.integrity import cached_mode
from egg.cache.store.manifest import DIRECTORY, FILE, LINK, Item, Manifest

# A file, where it is, where it goes, and its mode there.
Job = tuple[Item, str, str, int]

# What is asked for, and what is forced, when an egg is made.
_WAYS = ((0o666, 0), (0o777, 0), (0o777, 0o111))
_FILE_WAYS = ((0o666, 0), (0o777, 0o111), (0o777, 0))


def copy_in(
    egg: Path, destination: Path, finish: Callable[[str], object] | None = None,
    wanted: Collection[str] | None = None,
) -> tuple[Item, ...]:  # fmt: skip
    """Copy the directory `egg` to the new directory `destination`, as an entry keeps it.

    Returns what the egg is made of, parents first. Cached files are read-only; times are kept.
    Only the `wanted` paths are copied, if they are given. `finish` gets each new directory, to
    give it other permissions.
    """
    items = []
    if integrity.kind(egg) != DIRECTORY:
        raise CacheError(f'{egg} is not a directory.')
    for path, kind in integrity.walk(egg):
        if wanted is not None and path not in wanted:
            continue
        source, target = _join(egg, path), _join(destination, path)
        info = os.lstat(source)
        mode = stat.S_IMODE(info.st_mode) & 0o777
        if kind == DIRECTORY:
            os.mkdir(target, DIRECTORY_MODE)
            if finish is not None:
                finish(target)
            items.append(Item(path, kind, mode, info.st_mtime_ns))
        elif kind == integrity.OTHER:
            raise CacheError(f'{source} is neither a file nor a directory nor a link.')
        elif kind == LINK:
            link = os.readlink(source)
            os.symlink(link, target)
            items.append(Item(path, kind, target=link))
        else:
            writer = os.open(target, CREATE, 0o600)
            try:
                with opened(source) as reader:
                    size, sha256 = _pump(reader, writer)
                os.fchmod(writer, cached_mode(mode))
                os.utime(writer, ns=(info.st_mtime_ns, info.st_mtime_ns))
            finally:
                os.close(writer)
            items.append(Item(path, kind, mode, info.st_mtime_ns, size, sha256))
    return tuple(items)


def copy_out(
    manifest: Manifest, egg: Path, destination: Path, umask: int, linker: Linker | None = None
) -> None:
    """Copy the cached `egg` to the new directory `destination`, verified on the way.

    Raises `DamagedError` for the first difference from the manifest, and `UnwritableError` where
    there is no room for the copy. After any exception there
    is no `destination`, unless it was there before. Modes are those that the same egg would
    have if the user with `umask` had built it, but files that a `linker` links keep the cache's.
    """
    for fault in integrity.tree_faults(manifest, egg):
        raise fault
    try:
        os.mkdir(destination)
    except OSError as error:
        _blame(error, destination)
        raise
    try:
        _copy_out(manifest, egg, destination, umask, linker or Linker('copy'))
    except BaseException as error:
        remove_tree(destination)
        _blame(error, destination)
        raise


def _blame(error: BaseException, destination: Path) -> None:
    """Raise `UnwritableError` if it is not the cache that can't be used, but the other side."""
    # Copies are made in a temporary directory beside the other eggs.
    eggs_directory = str(destination.parent.parent)
    found = disk_space.unwritable(error, eggs_directory) if isinstance(error, OSError) else None
    if found is not None:
        raise found from error


def received_mode(mode: int, stored_umask: int, umask: int, is_file: bool = False) -> int:
    """Return the mode that a file or directory has for a user with `umask`.

    What the builder's umask decided is decided by the receiver's; what an archive asked for
    in so many words stays. pip lets everybody run an executable file, whatever the umask.
    """
    for asked, forced in _FILE_WAYS if is_file else _WAYS:
        if mode == asked & ~stored_umask | forced:
            return asked & ~umask | forced
    return mode


def has_modes_of_its_own(manifest: Manifest) -> bool:
    """Tell whether files got the modes that the archive has for them, whatever the umask.

    setuptools unpacks so. zc.buildout lets it unpack zipped eggs and, before release 5, wheels;
    pip does the rest and respects the umask.
    """
    kind = manifest.archive.kind
    if kind == 'unknown':
        return any(item.path == 'EGG-INFO' for item in manifest.items)
    is_wheel = kind in ('wheel', 'installed')
    return kind == 'egg' or (is_wheel and manifest.build.buildout.startswith('4.'))


def _copy_out(
    manifest: Manifest, egg: Path, destination: Path, umask: int, linker: Linker
) -> None:
    file_umask = manifest.umask if has_modes_of_its_own(manifest) else umask
    modes: dict[int, int] = {}
    source, target = str(egg), str(destination)
    jobs: list[Job] = []
    for item in manifest.items:
        path, mode = item.path, item.mode
        if item.kind == FILE:
            if mode not in modes:
                modes[mode] = received_mode(mode, manifest.umask, file_umask, is_file=True)
            jobs.append((item, f'{source}/{path}', f'{target}/{path}', modes[mode]))
        elif item.kind == LINK:
            os.symlink(item.target, f'{target}/{path}')
        elif path != '.':
            os.mkdir(f'{target}/{path}')
    thread_pool.share(jobs, lambda job: _copy_file(*job, linker))
    _finish_directories(destination, manifest.items, manifest.umask, umask)


def _copy_file(item: Item, source: str, target: str, mode: int, linker: Linker) -> None:
    reader, mtime_ns = integrity.open_file(item, source)
    try:
        # Of what is linked the time is that of the cached file.
        if linker.links and mtime_ns == item.mtime_ns:
            integrity.read_file(item, reader)
            if linker.link(source, target):
                return
            os.lseek(reader, 0, os.SEEK_SET)
        writer = os.open(target, CREATE, 0o600)
        try:
            is_clone = linker.clones and linker.clone(item.size, reader, writer)
            integrity.read_file(item, reader, None if is_clone else writer)
            os.fchmod(writer, mode)
            os.utime(writer, ns=(item.mtime_ns, item.mtime_ns))
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _join(top: Path, path: str) -> str:
    return str(top) if path == '.' else f'{top}/{path}'


def _pump(reader: int, writer: int) -> tuple[int, str]:
    """Copy all of a file and return its size and sha256."""
    digest = hashlib.sha256()
    size = 0
    while chunk := os.read(reader, CHUNK):
        digest.update(chunk)
        size += len(chunk)
        write_all(writer, chunk)
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

"""How is a small file read and written, so that nobody ever sees a part of it?"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Not blocking: somebody could have put a pipe in the place of a file.
READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
CREATE = os.O_WRONLY | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW

#: Modes of what the cache makes, before the umask: never writable by everybody.
DIRECTORY_MODE = 0o775
FILE_MODE = 0o664

#: What gives a new file other permissions, by its descriptor.
Finish = Callable[[int], object]

#: How many bytes are read at once.
CHUNK = 1 << 20

#: What is larger is no manifest, nor any other small file.
LARGEST = 64_000_000


def unique(directory: Path) -> Path:
    """Return a path in `directory` that nobody else uses."""
    return directory / f'{os.getpid()}-{secrets.token_hex(8)}'


def make_directories(path: Path) -> None:
    """Create the directory `path`, and those above it, where they are missing."""
    try:
        os.mkdir(path, DIRECTORY_MODE)
    except FileNotFoundError:
        make_directories(path.parent)
        make_directories(path)
    except OSError:
        if not os.path.isdir(path):
            raise


@contextmanager
def opened(path: str) -> Iterator[int]:
    """Open the file `path` for reading, whatever it is, but never through a link."""
    descriptor = os.open(path, READ)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read(path: Path) -> bytes:
    """Return the content of a small file. Raises `OSError`, for a link and a large one, too."""
    with opened(str(path)) as descriptor:
        return content(descriptor)


def content(descriptor: int) -> bytes:
    """Return the content of an open small file. Raises `OSError` for a large one, too."""
    pieces, size = [], 0
    for chunk in chunks(descriptor):
        pieces.append(chunk)
        size += len(chunk)
        if size > LARGEST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return b''.join(pieces)


def chunks(descriptor: int) -> Iterator[bytes]:
    """Yield the content of an open file in pieces."""
    while chunk := os.read(descriptor, CHUNK):
        yield chunk


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, however little of it the disk takes at once."""
    written = os.write(descriptor, data)
    while written < len(data):
        data = data[written:]
        written = os.write(descriptor, data)


def create(path: Path, data: bytes, finish: Finish | None = None) -> None:
    """Write the new file `path`. Raises `OSError`, if there is anything already, too.

    `finish` gets its descriptor, to give it other permissions.
    """
    descriptor = os.open(path, CREATE, FILE_MODE)
    try:
        if finish is not None:
            finish(descriptor)
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def replace(path: Path, data: bytes, tmp: Path, finish: Finish | None = None) -> None:
    """Write the file `path` in one step; `tmp` is on the same filesystem. `finish`: as above."""
    stage = unique(tmp)
    try:
        create(stage, data, finish)
        os.replace(stage, path)
    finally:
        with suppress(OSError):
            os.unlink(stage)


def replace_json(
    path: Path, row: dict[str, object], tmp: Path, finish: Finish | None = None
) -> None:
    """Write `row` to the file `path` in one step; `tmp` is on the same filesystem."""
    replace(path, to_json(row), tmp, finish)


def to_json(row: dict[str, object]) -> bytes:
    """Return the text of a file that people may read."""
    return (json.dumps(row, indent=2) + '\n').encode()


def ensure(path: Path, data: bytes, tmp: Path, finish: Finish | None = None) -> None:
    """Write `path` unless that is its content: a crash may have left it empty."""
    with suppress(OSError):
        if read(path) == data:
            return
    replace(path, data, tmp, finish)


def remove_tree(path: Path | str) -> None:
    """Remove as much as possible of a directory, and no error; links in it are not followed."""
    # Ignoring errors doesn't ignore all of them, nor a directory that is too deep.
    with suppress(OSError, RecursionError):
        shutil.rmtree(path, ignore_errors=True)


def tree_size(path: Path | str) -> int:
    """Return the size of all files in a directory, or of one file, as far as can be seen."""
    size = 0
    paths = [os.fspath(path)]
    while paths:
        with suppress(OSError):
            path = paths.pop()
            info = os.lstat(path)
            if stat.S_ISDIR(info.st_mode):
                paths += (os.path.join(path, name) for name in os.listdir(path))
            else:
                size += info.st_size
    return size


def sha256(path: str) -> str:
    """Return the sha256 of a file in hexadecimal digits. Raises `OSError`."""
    digest = hashlib.sha256()
    # Through a link, too: this is about what people have, not about the cache.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for chunk in chunks(descriptor):
            digest.update(chunk)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


@contextmanager
def inside(directory: str) -> Iterator[None]:
    """Let a directory be the working directory."""
    try:
        before = os.open('.', os.O_RDONLY)
    except OSError:
        # There is no way back to where this user may not be.
        yield
        return
    try:
        os.chdir(directory)
        yield
    finally:
        os.fchdir(before)
        os.close(before)


def rename_if_free(
    source: Path, target: Path, make: Callable[[Path], object] = make_directories
) -> None:
    """Rename a directory, unless something is there already; `make` those above it.

    Whoever prunes removes empty directories: one may be gone the moment after it was made.
    """
    for is_last in (False, False, True):
        make(target.parent)
        try:
            os.rename(source, target)
            return
        except FileNotFoundError:
            if is_last:
                raise
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            return

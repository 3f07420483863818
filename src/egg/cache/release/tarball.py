"""How are the same files written as the same bytes, wherever and whenever that is?"""

from __future__ import annotations

import gzip
import importlib
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from egg.cache.common import files
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.release.release import Release
from egg.cache.standalone.install import to_bytes

#: What the name of an archive can end with.
SUFFIXES = ('.tar.gz', '.tar.zst')

_ZSTD_LEVEL = 12


def write(
    path: Path, top: str, stage: Path, release: Release, paths: Iterable[str],
    documents: Iterable[tuple[str, dict[str, Any]]], time: int,
) -> int:  # fmt: skip
    """Write the archive of `paths` of a release, and of `documents`; return its size.

    It appears at `path` when it is complete. Owners, names of the machine and the order in which
    files were found are not in it.
    """
    texts = {name: to_bytes(document) for name, document in documents}
    try:
        with open(path, 'xb') as raw, _compressed(path, raw) as packed, tarfile.open(
            fileobj=packed, mode='w|', format=tarfile.GNU_FORMAT, encoding='utf-8',
            errors='surrogateescape', bufsize=files.CHUNK,
        ) as archive:  # fmt: skip
            for name in sorted({*paths, *texts}):
                _add(archive, f'{top}/{name}', name, stage, release, texts, time)
        return path.stat().st_size
    except BaseException as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError) and not isinstance(error, FileExistsError):
            raise CacheError(
                f'{path.parent} can\'t take the archive: {error.strerror or error}.\n'
                'Nothing was left there. Make room, or name another place with -o.'
            ) from error
        raise


def check(path: Path) -> None:
    """Raise `SettingError` unless an archive of that name can be written."""
    if not path.name.endswith(SUFFIXES) or path.name in SUFFIXES:
        raise SettingError(
            f'{path} is no name for a release.\nLet it end with .tar.gz or .tar.zst.'
        )
    if path.is_dir():
        raise SettingError(f'{path} is a directory. Name a file in it.')
    if not path.parent.is_dir():
        raise SettingError(f'{path.parent} is not a directory, so nothing can be written there.')
    if path.name.endswith('.zst'):
        _zstandard()


def _add(
    archive: tarfile.TarFile, member: str, name: str, stage: Path, release: Release,
    texts: dict[str, bytes], time: int,
) -> None:  # fmt: skip
    info = tarfile.TarInfo(member)
    info.mtime = time
    info.mode = 0o644
    file = release.files.get(name)
    if name in texts:
        info.size = len(texts[name])
        archive.addfile(info, io.BytesIO(texts[name]))
    elif file is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(info)
    elif 'link' in file:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, file['link'], 0o777
        archive.addfile(info)
    else:
        info.size, info.mtime, info.mode = file['size'], file['time'], int(file['mode'], 8)
        with open(stage / name, 'rb') as data:
            archive.addfile(info, data)


@contextmanager
def _compressed(path: Path, raw: IO[bytes]) -> Iterator[Any]:
    if path.name.endswith('.zst'):
        with _zstandard()(raw) as packed:
            yield packed
    else:
        with gzip.GzipFile('', 'wb', 6, raw, mtime=0) as packed:
            yield packed


def _zstandard() -> Callable[[IO[bytes]], Any]:
    """Return what opens a stream that compresses into another one, which stays open."""
    for name, opened in _ZSTD_WRITERS.items():
        with suppress(ImportError):
            return partial(opened, importlib.import_module(name))
    raise CacheError(
        '.tar.zst needs zstandard, which is not installed.\n'
        'Install it (pip install "egg.cache[release]"), or take .tar.gz.'
    )


def _of_python(module: Any, raw: IO[bytes]) -> Any:
    parameter = module.CompressionParameter
    return module.ZstdFile(raw, 'wb', options={
        parameter.compression_level: _ZSTD_LEVEL, parameter.checksum_flag: True})  # fmt: skip


def _of_package(module: Any, raw: IO[bytes]) -> Any:
    compressor = module.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
    return compressor.stream_writer(raw, closefd=False)


# Python has it from 3.14 on. It comes first, so that what is installed doesn't decide the bytes.
_ZSTD_WRITERS = {'compression.zstd': _of_python, 'zstandard': _of_package}

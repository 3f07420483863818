"""Where does this shared object, or program, look for its libraries?

A reader of no more than the dynamic section of an ELF file. What else there is (the format of
macOS) is no ELF file, and has no answer here.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAGIC = b'\x7fELF'

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRINGS, _RPATH, _RUNPATH = 1, 5, 15, 29
#: Of the ELF header: where the program headers are, their size and number. Of a program header:
#: type, offset, address, size in the file. For 32 and 64 bits.
_HEADER = {1: (28, 'I', 42, 'HH'), 2: (32, 'Q', 54, 'HH')}
_SEGMENT = {1: 'IIIII', 2: 'I4xQQ8xQ'}
_ENTRY = {1: 'iI', 2: 'qQ'}

#: Bytes of a table that are read; those of real files have a few thousand.
MAXIMUM_TABLE = 1 << 20
#: The libraries that are one with the loader.
_C_LIBRARY = re.compile(r'(lib(c|m|pthread|dl|rt|util)|ld-linux[\w-]*)\.so\.\d+')
#: Bytes of the name of a library, and of a list of directories.
_MAXIMUM_NAME, _MAXIMUM_LIST = 1 << 12, 1 << 16


def library_paths(path: Path) -> list[str]:
    """Return the directories of RPATH and RUNPATH, and the libraries that are named by a path.

    Where nothing is needed, or nothing but the C library, nothing is looked for in those
    directories: many a Python gives its own to whatever is built with it.
    Raises `ValueError` for what is no ELF file, or a broken one, and `OSError`.
    """
    with open(path, 'rb') as file:
        try:
            return list(_library_paths(file))
        except (struct.error, OverflowError, KeyError) as error:
            raise ValueError(f'{path} is not a sound ELF file.') from error


def _library_paths(file: BinaryIO) -> Iterator[str]:
    ident = file.read(16)
    if ident[:4] != MAGIC:
        raise ValueError(f'{file.name} is no ELF file.')
    bits, order = ident[4], {1: '<', 2: '>'}[ident[5]]
    segments = _segments(file, bits, order)
    found = [segment for segment in segments if segment[0] == _DYNAMIC]
    if not found:
        return
    _, offset, _, size = found[0]
    entries = _dynamic(_read(file, offset, min(size, MAXIMUM_TABLE)), order + _ENTRY[bits])
    # Of all but the libraries, the loader takes the last.
    last = dict(entries)
    if _STRINGS not in last:
        return
    strings = _offset(last[_STRINGS], segments)
    places = dict.fromkeys(value for tag, value in entries if tag == _NEEDED)
    needed = [_string(file, strings + place, _MAXIMUM_NAME) for place in places]
    yield from (name for name in needed if '/' in name)
    if all(map(_C_LIBRARY.fullmatch, needed)):
        return
    for tag in (_RPATH, _RUNPATH):
        if tag in last:
            yield from filter(None, _string(file, strings + last[tag], _MAXIMUM_LIST).split(':'))


def _segments(file: BinaryIO, bits: int, order: str) -> list[tuple[int, ...]]:
    """Return (type, offset, address, size in the file) of each segment."""
    where, kind, counts, kinds = _HEADER[bits]
    (table,) = _unpack(file, where, order + kind)
    size, count = _unpack(file, counts, order + kinds)
    data = _read(file, table, size * count)
    form = order + _SEGMENT[bits]
    found = [struct.unpack_from(form, data, number * size) for number in range(count)]
    if bits == 1:
        # Here the physical address comes in between.
        return [(kind, offset, address, size) for kind, offset, address, _, size in found]
    return found


def _dynamic(data: bytes, form: str) -> list[tuple[int, int]]:
    """Return (tag, value) of each entry of a dynamic section, up to the one that ends it."""
    length = struct.calcsize(form)
    entries = []
    for tag, value in struct.iter_unpack(form, data[: len(data) // length * length]):
        if tag == 0:
            break
        entries.append((tag, value))
    return entries


def _offset(address: int, segments: list[tuple[int, ...]]) -> int:
    """Return where in the file is what will be at `address`."""
    for kind, offset, start, size in segments:
        if kind == _LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError('An address is in no segment.')


def _string(file: BinaryIO, offset: int, size: int) -> str:
    _seek(file, offset)
    return file.read(size).partition(b'\0')[0].decode('utf-8', 'surrogateescape')


def _unpack(file: BinaryIO, offset: int, form: str) -> tuple[int, ...]:
    return struct.unpack(form, _read(file, offset, struct.calcsize(form)))


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    if size > MAXIMUM_TABLE:
        raise ValueError('A table is larger than that of any shared object.')
    _seek(file, offset)
    return file.read(size)


def _seek(file: BinaryIO, offset: int) -> None:
    if offset > os.fstat(file.fileno()).st_size:
        raise ValueError('There is nothing at this offset.')
    file.seek(offset)

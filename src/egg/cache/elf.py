"""Where does this shared object look for its libraries?

A reader of no more than the dynamic section of an ELF file. What else there is (the format of
macOS) is no ELF file, and has no answer here.
"""

from __future__ import annotations

import os
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


def library_paths(path: Path) -> list[str]:
    """Return the directories of RPATH and RUNPATH, and the libraries that are named by a path.

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
    where, kind, counts, kinds = _HEADER[bits]
    (table,) = _unpack(file, where, order + kind)
    size, count = _unpack(file, counts, order + kinds)
    segments = [
        _unpack(file, table + number * size, order + _SEGMENT[bits]) for number in range(count)
    ]
    if bits == 1:
        # Here the physical address comes in between.
        segments = [(kind, offset, address, size) for kind, offset, address, _, size in segments]
    found = [segment for segment in segments if segment[0] == _DYNAMIC]
    if not found:
        return
    entries = list(_dynamic(file, found[0][1], found[0][3], order + _ENTRY[bits]))
    strings = [_offset(value, segments) for tag, value in entries if tag == _STRINGS]
    for tag, value in entries:
        if strings and tag in (_NEEDED, _RPATH, _RUNPATH):
            text = _string(file, strings[0] + value)
            yield from [text] if tag == _NEEDED and '/' in text else []
            yield from filter(None, text.split(':') if tag != _NEEDED else [])


def _dynamic(file: BinaryIO, offset: int, size: int, form: str) -> Iterator[tuple[int, int]]:
    length = struct.calcsize(form)
    for place in range(offset, offset + size, length):
        tag, value = _unpack(file, place, form)
        if tag == 0:
            return
        yield tag, value


def _offset(address: int, segments: list[tuple[int, ...]]) -> int:
    """Return where in the file is what will be at `address`."""
    for kind, offset, start, size in segments:
        if kind == _LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError('An address is in no segment.')


def _string(file: BinaryIO, offset: int) -> str:
    _seek(file, offset)
    return file.read(4096).partition(b'\0')[0].decode('utf-8', 'surrogateescape')


def _unpack(file: BinaryIO, offset: int, form: str) -> tuple[int, ...]:
    _seek(file, offset)
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _seek(file: BinaryIO, offset: int) -> None:
    if offset > os.fstat(file.fileno()).st_size:
        raise ValueError('There is nothing at this offset.')
    file.seek(offset)

"""Where do shared objects look for their libraries?"""

import struct
import subprocess
import time

import pytest
from support.programs import require

from egg.cache.portable import elf

_STRINGS, _NEEDED, _RPATH, _RUNPATH = 5, 1, 15, 29


def shared_object(entries, strings=b'', size=None):
    """Return an ELF file of 64 bits with these (tag, value), and with a table of strings."""
    dynamic = b''.join(struct.pack('<qQ', *entry) for entry in entries)
    start = 64 + 2 * 56
    end = start + len(dynamic)
    header = b'\x7fELF\x02\x01\x01' + b'\0' * 9 + struct.pack(
        '<HHIQQQIHHHHHH', 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    size = len(dynamic) if size is None else size
    load = struct.pack('<IIQQQQQQ', 1, 5, 0, 0, 0, end + len(strings), 0, 4096)
    where = struct.pack('<IIQQQQQQ', 2, 6, start, start, start, size, size, 8)
    return b''.join([header, load, where, dynamic, strings]), end


@pytest.fixture
def library_paths(tmp_path):
    def read(entries, strings=b'', size=None):
        _, end = shared_object(entries, strings)
        entries = [(tag, end if tag == _STRINGS else value) for tag, value in entries]
        path = tmp_path / 'x.so'
        path.write_bytes(shared_object(entries, strings, size)[0])
        return elf.library_paths(path)
    return read


def test_names_and_lists_are_read(library_paths):
    strings = b'libc.so\0/srv/libx.so\0/one::/two\0$ORIGIN\0'
    entries = [(_NEEDED, 0), (_NEEDED, 8), (_STRINGS, 0), (_RPATH, 21), (_RUNPATH, 32), (0, 0)]
    assert library_paths(entries, strings) == ['/srv/libx.so', '/one', '/two', '$ORIGIN']


def test_the_last_list_counts_as_it_does_for_the_loader(library_paths):
    entries = [(_NEEDED, 10), (_STRINGS, 0), (_RPATH, 0), (_RPATH, 5)]
    assert library_paths(entries, b'/one\0/two\0libx.so\0') == ['/two']


@pytest.mark.parametrize(('needed', 'expected'), [
    (b'libc.so.6\0ld-linux-x86-64.so.2', []),
    (b'libc.so.6\0libxml2.so.2', ['/one']),
    (b'libc.so.6\0libpython3.12.so.1.0', ['/one']),
])  # fmt: skip
def test_where_only_the_c_library_is_needed_a_list_does_not_count(
    library_paths, needed, expected
):
    other = needed.index(b'\0') + 1
    strings = needed + b'\0/one\0'
    entries = [(_NEEDED, 0), (_NEEDED, other), (_STRINGS, 0), (_RUNPATH, len(needed) + 1)]
    assert library_paths(entries, strings) == expected


def test_where_nothing_is_needed_a_list_does_not_count(library_paths, tmp_path):
    assert library_paths([(_STRINGS, 0), (_RUNPATH, 0)], b'/one\0') == []
    require('cc')
    (tmp_path / 'one.c').write_text('int one(void) { return 1; }\n')
    for name, options in (('alone', ['-nostdlib']), ('with', ['-Wl,--no-as-needed', '-lm'])):
        subprocess.run(['cc', '-shared', '-fPIC', '-o', f'{name}.so', 'one.c',
                        '-Wl,-rpath,/one/lib', *options], cwd=tmp_path, check=True)  # fmt: skip
        assert elf.library_paths(tmp_path / f'{name}.so') == []


def test_a_list_may_be_longer_than_a_path(library_paths):
    strings = b':'.join([b'/directory'] * 1000) + b':/last\0'
    entries = [(_NEEDED, len(strings)), (_STRINGS, 0), (_RUNPATH, 0)]
    assert library_paths(entries, strings + b'libx.so\0')[-1] == '/last'


def test_entries_after_the_end_are_not_read(library_paths):
    assert library_paths([(_STRINGS, 0), (0, 0), (_RPATH, 0)], b'/one\0') == []


def test_what_a_header_promises_need_not_be_there(library_paths):
    entries = [(_NEEDED, 5), (_STRINGS, 0), (_RPATH, 0), (0, 0)]
    assert library_paths(entries, b'/one\0libx.so\0', 1 << 60) == ['/one']


def test_a_table_of_segments_that_is_too_large_is_a_value_error(tmp_path):
    data = bytearray(shared_object([])[0])
    struct.pack_into('<HH', data, 54, 60_000, 60_000)
    (tmp_path / 'x.so').write_bytes(data)
    with pytest.raises(ValueError, match='larger'):
        elf.library_paths(tmp_path / 'x.so')


def test_hundreds_of_thousands_of_entries_take_no_time(library_paths, tmp_path):
    library_paths([(_STRINGS, 0), *[(_RPATH, 0)] * 400_000], b'/one\0')
    start = time.process_time()
    elf.library_paths(tmp_path / 'x.so')
    assert time.process_time() - start < 0.4

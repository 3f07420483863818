"""Files: how is a small file written, so that a reader never sees a part of it?"""

import errno
import hashlib
import json
import os
import stat
import subprocess

import pytest

from egg.cache.common import files


@pytest.fixture
def tmp(tmp_path):
    path = tmp_path / 'tmp'
    path.mkdir()
    return path


def test_a_file_is_written_as_json(tmp_path, tmp):
    files.replace_json(tmp_path / 'row.json', {'b': 1, 'a': ['ü']}, tmp)
    assert (tmp_path / 'row.json').read_text() == (
        '{\n  "b": 1,\n  "a": [\n    "\\u00fc"\n  ]\n}\n'
    )
    assert os.listdir(tmp) == []


def test_a_file_is_replaced_not_changed(tmp_path, tmp):
    path = tmp_path / 'row.json'
    files.replace_json(path, {'a': 1}, tmp)
    with open(path) as reader:
        files.replace_json(path, {'a': 2}, tmp)
        assert json.load(reader) == {'a': 1}
    assert json.loads(path.read_text()) == {'a': 2}


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, tmp, monkeypatch):
    path = tmp_path / 'row.json'
    files.replace_json(path, {'a': 1}, tmp)

    def fail(source, target):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', fail)
    with pytest.raises(OSError, match='No space left'):
        files.replace_json(path, {'a': 2}, tmp)
    assert json.loads(path.read_text()) == {'a': 1}
    assert os.listdir(tmp) == []


def test_a_missing_tmp_directory_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.replace_json(tmp_path / 'row.json', {}, tmp_path / 'nowhere')
    assert os.listdir(tmp_path) == []


def test_unique_paths_are_unique(tmp_path):
    paths = {files.unique(tmp_path) for _ in range(1000)}
    assert len(paths) == 1000
    assert {path.parent for path in paths} == {tmp_path}
    assert {path.name.split('-')[0] for path in paths} == {str(os.getpid())}


@pytest.mark.parametrize('size', [0, 1, 1 << 20, (1 << 20) + 1])
def test_sha256_of_a_file(tmp_path, size):
    path = tmp_path / 'file'
    path.write_bytes(b'x' * size)
    assert files.sha256(str(path)) == hashlib.sha256(b'x' * size).hexdigest()


def test_sha256_of_nothing_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.sha256(str(tmp_path / 'nowhere'))


@pytest.mark.parametrize('size', [0, 7, (1 << 20) + 1])
def test_read_gives_the_whole_content(tmp_path, size):
    (tmp_path / 'file').write_bytes(b'x' * size)
    assert files.read(tmp_path / 'file') == b'x' * size


def test_read_follows_no_link(tmp_path):
    (tmp_path / 'file').write_bytes(b'content')
    (tmp_path / 'link').symlink_to('file')
    with pytest.raises(OSError) as info:
        files.read(tmp_path / 'link')
    assert info.value.errno == errno.ELOOP


def test_read_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    assert files.read(tmp_path / 'pipe') == b''


def test_create_writes_nothing_where_something_is(tmp_path):
    (tmp_path / 'file').write_bytes(b'old')
    (tmp_path / 'link').symlink_to('file')
    (tmp_path / 'broken').symlink_to('new')
    for name in ('file', 'link', 'broken'):
        with pytest.raises(FileExistsError):
            files.create(tmp_path / name, b'new')
    assert (tmp_path / 'file').read_bytes() == b'old'
    assert sorted(os.listdir(tmp_path)) == ['broken', 'file', 'link']


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_all(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, 'write', lambda sink, data: write(sink, bytes(data[:3])))
    files.create(tmp_path / 'file', b'0123456789')
    monkeypatch.undo()
    assert (tmp_path / 'file').read_bytes() == b'0123456789'


def test_what_the_cache_makes_is_never_writable_by_everybody(tmp_path, tmp):
    before = os.umask(0)
    try:
        files.make_directories(tmp_path / 'a/b')
        files.replace(tmp_path / 'a/file', b'', tmp)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(os.stat(tmp_path / path).st_mode) for path in ('a', 'a/b', 'a/file')]
    assert modes == [0o775, 0o775, 0o664]


def test_directories_are_made_where_they_are_missing(tmp_path):
    for _ in range(2):
        files.make_directories(tmp_path / 'a/b/c')
        assert (tmp_path / 'a/b/c').is_dir()
    (tmp_path / 'file').touch()
    with pytest.raises(FileExistsError):
        files.make_directories(tmp_path / 'file')
    with pytest.raises(NotADirectoryError):
        files.make_directories(tmp_path / 'file/below')


@pytest.mark.parametrize('before', [None, b'', b'other'])
def test_ensure_writes_what_is_not_there(tmp_path, tmp, before):
    path = tmp_path / 'file'
    if before is not None:
        path.write_bytes(before)
    files.ensure(path, b'content', tmp)
    assert path.read_bytes() == b'content'


def test_ensure_leaves_alone_what_is_there(tmp_path, tmp):
    path = tmp_path / 'file'
    files.ensure(path, b'content', tmp)
    before = os.stat(path)
    files.ensure(path, b'content', tmp)
    assert os.stat(path) == before


def test_a_large_file_is_not_read(tmp_path):
    """Not even one that takes no place on the disk."""
    path = tmp_path / 'file'
    path.write_bytes(b'')
    os.truncate(path, files.LARGEST)
    assert len(files.read(path)) == files.LARGEST
    os.truncate(path, files.LARGEST + 1)
    with pytest.raises(OSError, match='File too large'):
        files.read(path)


def test_a_directory_that_is_too_deep_is_no_trouble(tmp_path):
    top = tmp_path / 'deep'
    top.mkdir()
    (top / 'file').write_bytes(b'12345')
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir('a', dir_fd=descriptor)
        inner = os.open('a', os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    try:
        assert files.tree_size(top) == 5
        files.remove_tree(top)
    finally:
        subprocess.run(['rm', '-rf', str(top)], check=True)

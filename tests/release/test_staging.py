"""What goes into a release, and what is refused."""

import hashlib
import os
import socket

import pytest

from egg.cache.common.errors import CacheError
from egg.cache.release.staging import Stage


@pytest.fixture
def source(tmp_path):
    path = tmp_path / 'source'
    (path / 'a').mkdir(parents=True)
    (path / 'a/file.py').write_text('text')
    os.utime(path / 'a/file.py', (1_600_000_000.9, 1_600_000_000.9))
    return path


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path / 'stage')


def test_a_file_comes_with_its_digest_mode_and_time(source, stage):
    stage.copy(str(source / 'a'), 'eggs/a')
    assert stage.files == {'eggs/a/file.py': {
        'sha256': hashlib.sha256(b'text').hexdigest(), 'size': 4, 'mode': '0644',
        'time': 1_600_000_000}}  # fmt: skip
    assert (stage.root / 'eggs/a/file.py').stat().st_mtime == 1_600_000_000


def test_a_time_can_be_given(source, stage):
    stage.copy(str(source / 'a'), 'a', 1_500_000_000)
    assert stage.files['a/file.py']['time'] == stage.finish() == 1_500_000_000


def test_what_python_compiled_is_left_out_where_it_can_be_made_again(source, stage):
    (source / 'a/__pycache__').mkdir()
    for name in ('a/__pycache__/file.cpython-312.pyc', 'a/file.pyc', 'a/only.pyc'):
        (source / name).write_bytes(b'')
    stage.copy(str(source / 'a'), 'a')
    assert sorted(stage.files) == ['a/file.py', 'a/only.pyc']


def test_empty_directories_are_taken(source, stage):
    (source / 'a/b/c').mkdir(parents=True)
    stage.copy(str(source), 'x')
    assert stage.directories == {'x/a/b/c'} and (stage.root / 'x/a/b/c').is_dir()


def test_a_generated_file_is_as_old_as_the_newest_other(source, stage):
    stage.copy(str(source), 'x')
    stage.write('y', b'')
    stage.finish()
    assert stage.files['y']['time'] == 1_600_000_000


@pytest.mark.parametrize('target', ['file.py', '../a/file.py', '{source}/a/file.py', 'gone'])
def test_a_link_leads_to_the_same_in_the_release(source, stage, target):
    os.symlink(target.format(source=source), source / 'a/link')
    stage.copy(str(source), 'deep/x')
    stage.finish()
    expected = target.rpartition('/')[2]
    assert stage.files['deep/x/a/link'] == {'link': expected}
    assert os.readlink(stage.root / 'deep/x/a/link') == expected


def test_a_link_to_what_lies_elsewhere_in_the_release_leads_there(source, stage):
    (source / 'b').mkdir()
    os.symlink('../a/file.py', source / 'b/link')
    stage.copy(str(source / 'a'), 'eggs/v5/a')
    stage.copy(str(source / 'b'), 'b')
    stage.finish()
    assert stage.files['b/link'] == {'link': '../eggs/v5/a/file.py'}


@pytest.mark.parametrize('target', ['/etc/passwd', '../../outside', '../b', 'file.py/x'])
def test_a_link_out_of_the_release_is_refused(source, stage, target):
    (source / 'b').write_text('')
    os.symlink(target, source / 'a/link')
    stage.copy(str(source / 'a'), 'a')
    with pytest.raises(CacheError, match=r'a/link is a link to .*not in the release'):
        stage.finish()


def test_special_files_are_refused(source, stage):
    os.mkfifo(source / 'a/pipe')
    with pytest.raises(CacheError, match=r'a/pipe is a pipe'):
        stage.copy(str(source), 'x')
    with socket.socket(socket.AF_UNIX) as opened:
        path = source / 's'
        opened.bind(str(path))
        with pytest.raises(CacheError, match='is a socket'):
            stage.copy(str(path), 's')
    with pytest.raises(CacheError, match='is a device'):
        stage.copy('/dev/null', 'null')

"""The archive of a release: the same bytes for the same files."""

import hashlib
import os
import sys
import tarfile

import pytest
from test_release import ENVIRONMENT, example

from egg.cache.common.errors import CacheError, SettingError
from egg.cache.release import release, tarball
from egg.cache.release.release import Release
from egg.cache.release.staging import Stage
from egg.cache.standalone import install

LONG = 'eggs/' + 'x' * 150 + '/' + 'y' * 120 + '/ä \udcff.py'


@pytest.fixture
def staged(tmp_path):
    """A function that stages a release with all kinds of members."""
    def make(name='stage'):
        source = tmp_path / f'{name}-source'
        (source / 'empty').mkdir(parents=True)
        for number, (path, mode) in enumerate({'run': 0o700, 'data': 0o600}.items()):
            (source / path).write_text(path * 1000)
            (source / path).chmod(mode)
            os.utime(source / path, (1_600_000_000 + number, 1_600_000_000.5 + number))
        os.symlink('run', source / 'link')
        stage = Stage(tmp_path / name)
        stage.copy(str(source), 'eggs')
        stage.copy(str(source / 'data'), LONG)
        stage.write('generated', b'text\n')
        newest = stage.finish()
        return stage, newest, Release(
            'shop', '1.4', ENVIRONMENT, {}, stage.files, tuple(stage.directories))
    return make


def write(path, stage, newest, one):
    paths = {*one.files, *one.directories}
    tarball.write(path, 'shop-1.4', stage.root, one, paths, [(release.NAME, one.document)], newest)
    return path


@pytest.mark.parametrize('suffix', tarball.SUFFIXES)
def test_the_same_files_are_the_same_bytes(tmp_path, staged, suffix):
    first = write(tmp_path / f'1{suffix}', *staged('one'))
    mask = os.umask(0o077)
    try:
        second = write(tmp_path / f'other{suffix}', *staged('two'))
    finally:
        os.umask(mask)
    assert first.read_bytes() == second.read_bytes()
    assert release.read(first).files.keys() == {
        'eggs/run', 'eggs/data', 'eggs/link', LONG, 'generated'}  # fmt: skip


def test_an_archive_says_nothing_of_its_makers(tmp_path, staged):
    path = write(tmp_path / 'a.tar.gz', *staged())
    assert path.read_bytes()[4:10] == b'\0\0\0\0\0\xff' and b'a.tar' not in path.read_bytes()[:40]
    with tarfile.open(path) as archive:
        members = archive.getmembers()
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, '', '')}
    assert [m.name for m in members] == sorted(m.name for m in members)
    found = {m.name.partition('/')[2]: m for m in members}
    assert LONG in found
    assert (found['eggs/run'].mode, found['eggs/data'].mode) == (0o755, 0o644)
    assert found['eggs/run'].mtime == 1_600_000_000
    assert found['generated'].mtime == found[release.NAME].mtime == 1_600_000_001
    assert found['eggs/link'].linkname == 'run' and found['eggs/empty'].isdir()


def test_what_is_in_the_archive_is_what_the_release_says(tmp_path, staged):
    stage, newest, one = staged()
    with tarfile.open(write(tmp_path / 'a.tar.gz', stage, newest, one)) as archive:
        for path, file in one.files.items():
            if 'sha256' in file:
                data = archive.extractfile(f'shop-1.4/{path}').read()
                assert (hashlib.sha256(data).hexdigest(), len(data)) == (
                    file['sha256'], file['size'])  # fmt: skip


def test_without_room_nothing_is_left(tmp_path, staged, monkeypatch):
    stage, newest, one = staged()

    def full(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(tarfile.TarFile, 'addfile', full)
    with pytest.raises(CacheError, match=r'can.t take the archive: No space left(?s:.*) -o'):
        write(tmp_path / 'a.tar.gz', stage, newest, one)
    assert not (tmp_path / 'a.tar.gz').exists()


@pytest.mark.parametrize('name', [
    'shop.zip', 'shop', '.tar.gz', 'missing/shop.tar.gz', 'd.tar.gz'])  # fmt: skip
def test_a_name_that_can_not_be_is_refused(tmp_path, name):
    (tmp_path / 'd.tar.gz').mkdir()
    with pytest.raises(SettingError):
        tarball.check(tmp_path / name)


ZSTD = ['compression.zstd', 'zstandard']


@pytest.mark.parametrize('reader', ZSTD)
@pytest.mark.parametrize('writer', ZSTD)
def test_each_zstd_reads_what_the_other_wrote(tmp_path, staged, monkeypatch, writer, reader):
    for name in {writer, reader}:
        pytest.importorskip(name, reason=f'this Python has no {name}')
    stage, newest, one = staged()
    with monkeypatch.context() as patch:
        for name in {*ZSTD} - {writer}:
            patch.setitem(sys.modules, name, None)
        path = write(tmp_path / 'a.tar.zst', stage, newest, one)
    for name in {*ZSTD} - {reader}:
        monkeypatch.setitem(sys.modules, name, None)
    assert release.read(path) == one
    found = {name.partition('/')[2]: b''.join(content)
             for name, member, content in install.members(str(path)) if member.isfile()}
    assert {path: hashlib.sha256(found[path]).hexdigest() for path in one.files
            if 'sha256' in one.files[path]} == {
        path: file['sha256'] for path, file in one.files.items() if 'sha256' in file}


def test_what_is_installed_does_not_decide_the_bytes(tmp_path, staged, monkeypatch):
    pytest.importorskip('compression.zstd', reason='this Python has no compression.zstd')
    first = write(tmp_path / 'a.tar.zst', *staged('one'))
    monkeypatch.setitem(sys.modules, 'zstandard', None)
    assert write(tmp_path / 'b.tar.zst', *staged('two')).read_bytes() == first.read_bytes()


def test_a_tar_zst_has_a_checksum(tmp_path, staged):
    data = write(tmp_path / 'a.tar.zst', *staged()).read_bytes()
    assert data[:4] == b'\x28\xb5\x2f\xfd' and data[4] & 0b100   # RFC 8878, 3.1.1.1.1


def test_without_zstandard_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    for name in ZSTD:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CacheError, match=r'egg\.cache\[release\]'):
        tarball.check(tmp_path / 'shop.tar.zst')


def test_an_archive_of_changes_is_no_base(tmp_path, staged):
    stage, newest, one = staged()
    path = tmp_path / 'a.tar.gz'
    tarball.write(path, 'shop-1.4', stage.root, one, [], [(release.SINCE, {'format': 1})], newest)
    with pytest.raises(CacheError, match='only what changed'):
        release.read(path)


def test_an_example_can_be_an_archive(tmp_path):
    one = example(files={}, directories=())
    path = tmp_path / 'a.tar.gz'
    tarball.write(path, str(one), tmp_path, one, [], [(release.NAME, one.document)], 0)
    assert release.read(path) == one

"""install.py: a release gets into its place, or nothing has changed."""

import ast
import contextlib
import errno
import fcntl
import io
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import faults, mounts, releases, trees
from support.properties import PROPERTY, SEED
from support.releases import Release, file, link, state

from egg.cache.standalone import install

CODE = 'eggs/v5/demo-1.0-py3.egg/demo/__init__.py'
SCRIPT = Path(install.__file__)
PYTHON = sys.executable

QUICK = pytest.mark.usefixtures('quick')


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'srv/shop'


@pytest.fixture(autouse=True)
def no_sync(monkeypatch):
    """Don't wait for a disk that others use."""
    monkeypatch.setattr(os, 'sync', lambda: None)


@pytest.fixture
def quick(monkeypatch):
    """Leave out the other processes: this is about what happens in this one."""
    monkeypatch.setattr(install, '_run', lambda *args, **options: '')
    monkeypatch.setattr(install, 'fault_of_set_up', lambda directory: '')


@pytest.fixture
def old(tmp_path):
    release = Release('1.0')
    release.archive = release.pack(tmp_path / 'shop-1.0.tar.gz')
    return release


@pytest.fixture
def new(tmp_path):
    release = Release('1.1', {CODE: b'version = 2\n'})
    release.archive = release.pack(tmp_path / 'shop-1.1.tar.gz')
    return release


def refused(root, archive, *texts, **options):
    """Fail unless an archive is refused with these texts, and nothing has changed."""
    before = trees.snapshot(root.parent) if root.parent.exists() else None
    with pytest.raises(install.Failure) as raised:
        install.install(str(archive), str(root), **options)
    message = str(raised.value)
    for text in texts:
        assert text in message
    after = trees.snapshot(root.parent) if root.parent.exists() else None
    if before is None:
        assert after is None
    else:
        # Directories in which something came and went have new times.
        for nodes in (before, after):
            nodes.update({path: node._replace(time=None) for path, node in nodes.items()
                          if node.type == 'directory' or path.endswith('.lock')})  # fmt: skip
        assert trees.differences(before, after) == []
    return message


def script(*arguments, python=sys.executable, path=SCRIPT, **options):
    return subprocess.run([python, '-I', str(path), *map(str, arguments)], text=True,
                          capture_output=True, timeout=60, **options)  # fmt: skip


def as_packed(directory, release):
    """Fail unless a directory has each file as it is in the release: content, mode, time."""
    for path, row in release.document['files'].items():
        place = directory / path
        if 'link' in row:
            assert os.readlink(place) == row['link']
            continue
        info = place.lstat()
        assert (releases.row(place.read_bytes(), f'{info.st_mode & 0o7777:04o}'), info.st_mtime) \
            == (row, row['time']), path  # fmt: skip
    assert all((directory / path).is_dir() for path in release.document['directories'])
    assert (directory / 'RELEASE.json').read_bytes() == release.data


# Installing


def test_a_release_is_unpacked_set_up_tested_and_current(root, old, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', '/nowhere')
    monkeypatch.setenv('PIP_INDEX_URL', 'x')
    monkeypatch.setenv('BUILDOUT_HOME', '/nowhere')
    said = []
    outcome = install.install(str(old.archive), str(root), test='sh -c "bin/app > tested"',
                              say=said.append)  # fmt: skip
    assert (outcome.current, outcome.previous, outcome.removed) == ('shop-1.0', '', [])
    assert install.told(outcome) == f'{root}/current is shop-1.0 now.'
    assert [line.split()[0] for line in said] == ['Unpacking', 'Setting', 'Testing']
    assert os.readlink(root / 'current') == 'releases/shop-1.0'
    place = root / 'releases/shop-1.0'
    as_packed(place, old)
    assert (place / 'tested').read_text() == f'{place}\n'
    assert (place / 'arguments').read_text() == '-U -o\n'
    for name in ('environment', 'environment-of-bootstrap'):
        foreign = [line for line in (place / name).read_text().splitlines()
                   if line.startswith(('PYTHON', 'PIP_', 'BUILDOUT'))]  # fmt: skip
        assert foreign == []
    compiled = (place / CODE).parent.glob('__pycache__/*.pyc')
    assert [path.name.split('.')[0] for path in compiled] == ['__init__']
    assert state(root) == {'current': 'shop-1.0', 'history': ['shop-1.0'], 'left': [],
                           'releases': ['shop-1.0']}  # fmt: skip


@pytest.mark.parametrize('umask', [0o022, 0o077])
def test_a_release_has_the_modes_that_it_was_packed_with(root, old, umask):
    before = os.umask(umask)
    try:
        install.install(str(old.archive), str(root))
    finally:
        os.umask(before)
    as_packed(root / 'releases/shop-1.0', old)
    for path in ('', 'eggs', 'eggs/v5/demo-1.0-py3.egg/empty'):
        assert (root / 'releases/shop-1.0' / path).stat().st_mode & 0o777 == 0o755
    # What set-up makes is as open as that, or no service could run it.
    closed = [path for path in (root / 'releases', *(root / 'releases').rglob('*'))
              if not path.is_symlink() and not path.stat().st_mode & 0o004]  # fmt: skip
    assert (root / 'releases/shop-1.0/bin/app').exists() and closed == []
    assert root.stat().st_mode & 0o777 == 0o777 & ~umask


def test_the_script_of_a_release_installs_without_egg_cache(tmp_path, root, old, new):
    path = tmp_path / 'alone/install.py'
    path.parent.mkdir()
    path.write_bytes(old.contents['install.py'])
    done = script(old.archive, root, '--test', 'bin/app', path=path)
    assert (done.returncode, done.stdout) == (0, f'{root}/current is shop-1.0 now.\n'), done.stderr
    assert len(done.stderr.splitlines()) == 3
    done = script(new.archive, 'srv/shop', path=path, cwd=tmp_path)
    assert done.stdout == f'{root}/current is shop-1.1 now; it was shop-1.0.\n'
    done = script('--rollback', root, path=path)
    assert (done.returncode, done.stdout, done.stderr) == (
        0, f'{root}/current is shop-1.0 again; it was shop-1.1.\n', '')


def test_installing_again_is_nothing_but_a_check(root, old):
    install.install(str(old.archive), str(root))
    (root / 'releases/shop-1.0/arguments').unlink()
    outcome = install.install(str(old.archive), str(root), test='bin/app')
    assert 'already' in install.told(outcome)
    assert not (root / 'releases/shop-1.0/arguments').exists()
    refused(root, old.archive, 'The test of shop-1.0, which is current already, failed',
            test='false')
    (root / 'releases/shop-1.0' / CODE).write_text('version = 3\n')
    refused(root, old.archive, CODE, 'not as shop-1.0 was packed')


def moved(root):
    root.rename(root.with_name('elsewhere'))


def lead_elsewhere(root):
    (root / 'current/bin/buildout').write_text("sys.path[0:0] = ['/old/eggs/a.egg']\n")


@pytest.mark.parametrize(('harm', 'message'), [
    (lambda root: (root / 'current/bin/app').unlink(), 'bin/app is missing'),
    (lambda root: (root / 'current/bin/buildout').unlink(), 'bin/buildout is missing'),
    (lambda root: (root / 'current/.installed.cfg').unlink(), '.installed.cfg is missing'),
    (lead_elsewhere, 'bin/buildout is for another place'),
    (moved, 'bin/app is missing'),
])
def test_what_is_not_set_up_any_more_is_no_release_to_switch_to(root, old, new, harm, message):
    install.install(str(old.archive), str(root))
    harm(root)
    root = root if root.exists() else root.with_name('elsewhere')
    with pytest.raises(install.Failure, match='is current already, but') as caught:
        install.install(str(old.archive), str(root))
    assert message in str(caught.value)
    command = str(caught.value).rpartition('again: ')[2]
    if root.name != 'elsewhere':
        install.install(str(new.archive), str(root))
        with pytest.raises(install.Failure, match='is not set up as it was') as caught:
            install.rollback(str(root))
        assert message in str(caught.value)
        assert os.readlink(root / 'current') == 'releases/shop-1.1'
    # The message tells what helps.
    subprocess.run(command, shell=True, check=True, capture_output=True)
    if root.name != 'elsewhere':
        assert install.rollback(str(root)).current == 'shop-1.0'
    else:
        assert 'already' in install.told(install.install(str(old.archive), str(root)))


def test_verifying_tells_of_what_was_set_up(root, old, capsys):
    install.install(str(old.archive), str(root))
    release = root / 'releases/shop-1.0'
    assert install.main(['--verify', str(release)]) == 0
    (release / 'bin/app').unlink()
    assert install.main(['--verify', str(release)]) == 1
    errors = capsys.readouterr().err
    assert 'are as shop-1.0 was packed, but' in errors and 'bin/app is missing' in errors


@QUICK
@pytest.mark.parametrize('is_current', [True, False])
def test_another_release_of_that_name_is_refused(tmp_path, root, old, new, is_current):
    for release in (old, new)[: 2 - is_current]:
        install.install(str(release.archive), str(root))
    other = Release('1.0', {CODE: b'other'}).pack(tmp_path / 'other.tar.gz')
    refused(root, other, f'{root}/releases/shop-1.0 is there already', 'version of its own')


@QUICK
def test_what_a_killed_installation_left_is_made_anew(root, old, new):
    for release in (old, new):
        install.install(str(release.archive), str(root))
    install.rollback(str(root))
    # It was undone, so it isn't in the history, as if it had never been current.
    (root / 'releases/shop-1.1' / CODE).write_bytes(b'')
    install.install(str(new.archive), str(root))
    as_packed(root / 'current', new)


@QUICK
@pytest.mark.parametrize('make', [Path.mkdir, Path.touch, lambda path: path.symlink_to('x')])
def test_what_is_there_by_that_name_and_no_release_is_refused(root, old, new, make):
    install.install(str(old.archive), str(root))
    make(root / 'releases/shop-1.1')
    refused(root, new.archive, f'{root}/releases/shop-1.1 is no release')


@QUICK
def test_a_release_that_is_gone_is_made_anew(root, old):
    install.install(str(old.archive), str(root))
    shutil.rmtree(root / 'releases/shop-1.0')
    install.install(str(old.archive), str(root))
    as_packed(root / 'current', old)


@QUICK
def test_an_earlier_release_can_be_installed_again(root, old, new):
    for release in (old, new, old):
        install.install(str(release.archive), str(root))
    assert state(root)['history'] == ['shop-1.0', 'shop-1.1', 'shop-1.0']
    assert install.rollback(str(root)).current == 'shop-1.1'


@QUICK
def test_the_newest_releases_are_kept(tmp_path, root):
    removed = []
    for number in range(5):
        archive = Release(f'1.{number}').pack(tmp_path / 'a.tar.gz')
        outcome = install.install(str(archive), str(root), keep=3)
        removed += [name for name, size in outcome.removed if size > 10_000]
    assert removed == ['shop-1.0', 'shop-1.1']
    size = sum(row.get('size', 0) for row in Release().document['files'].values())
    text = install.told_removed(outcome)
    assert text.startswith('Removed shop-1.1: ') and text.endswith(' kB freed.')
    assert abs(int(text.split()[2]) - size / 1000) < 5
    assert state(root)['releases'] == ['shop-1.2', 'shop-1.3', 'shop-1.4']
    assert state(root)['history'] == ['shop-1.2', 'shop-1.3', 'shop-1.4']
    archive = Release('1.5').pack(tmp_path / 'a.tar.gz')
    install.install(str(archive), str(root), keep=1)
    assert state(root)['releases'] == ['shop-1.4', 'shop-1.5']
    assert state(root)['left'] == []


@QUICK
def test_what_is_no_release_is_never_removed(tmp_path, root, old):
    for name in ('notes', '.x'):
        (root / 'releases' / name).mkdir(parents=True)
    (root / 'releases/file').write_text('')
    (root / '.lock').write_text('')
    os.symlink(tmp_path, root / 'releases/link')
    for number in range(4):
        install.install(str(Release(f'1.{number}').pack(tmp_path / 'a.tar.gz')), str(root), keep=1)
    assert state(root)['releases'] == ['file', 'link', 'notes', 'shop-1.2', 'shop-1.3']
    assert tmp_path.is_dir()


@pytest.mark.parametrize('options', [{'keep': 0}, {'test': 'a "b'}])
def test_wrong_options_are_wrong(root, old, options):
    refused(root, old.archive, '--', **options)
    with pytest.raises(install.Misuse):
        install.install(str(old.archive), str(root), **options)


# What fails


@pytest.mark.parametrize(('command', 'texts'), [
    ('sh -c "echo a; echo b >&2; exit 3"', ['The test of shop-1.1 failed (exit status 3)',
                                            '\n    a\n    b']),
    ('sh -c "seq 100; exit 1"', ['\n    86\n', '\n    100']),
    ('sh -c "kill -9 $$"', ['(signal 9)']),
    ('bin/nothing --x', ['The test of shop-1.1 can not be started: bin/nothing: No such file']),
    ('./buildout.cfg', ['can not be started: ./buildout.cfg: Permission denied']),
])  # fmt: skip
def test_a_test_that_fails_changes_nothing(root, old, new, command, texts):
    install.install(str(old.archive), str(root))
    message = refused(root, new.archive, *texts, test=command)
    assert '    85' not in message
    assert state(root)['releases'] == ['shop-1.0']


def test_a_first_release_that_fails_leaves_nothing(root, old):
    refused(root, old.archive, 'The test of shop-1.0 failed', test='false')
    assert not root.parent.exists()
    root.mkdir(parents=True)
    refused(root, old.archive, 'The test of shop-1.0 failed', test='false')
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(('path', 'content', 'text'), [
    ('bootstrap.py', b'raise SystemExit("No egg of zc.buildout is here.")', 'No egg of zc.buildo'),
    ('bootstrap.py', b'import os; os.mkdir("bin"); open("bin/buildout", "w").write("x")',
     'bin/buildout: Permission denied'),
    ('install.py', b'print("out"); 1 / 0', 'ZeroDivisionError'),
])  # fmt: skip
def test_a_set_up_that_fails_changes_nothing(tmp_path, root, old, path, content, text):
    install.install(str(old.archive), str(root))
    archive = Release('1.1', {path: content}).pack(tmp_path / 'b.tar.gz')
    refused(root, archive, 'Setting up shop-1.1', text)
    assert state(root)['releases'] == ['shop-1.0']


def test_what_was_a_known_release_stays_when_it_fails(root, old, new):
    for release in (old, new):
        install.install(str(release.archive), str(root))
    with pytest.raises(install.Failure):
        install.install(str(old.archive), str(root), test='false')
    assert state(root) == {'current': 'shop-1.1', 'history': ['shop-1.0', 'shop-1.1'], 'left': [],
                           'releases': ['shop-1.0', 'shop-1.1']}  # fmt: skip


# The archive


def bytes_of(kind, data):
    return {
        'empty': b'', 'garbage': bytes(range(256)) * 9, 'half': data[: len(data) // 2],
        'without its end': data[:-4], 'start': data[:100], 'text': b'#!/bin/sh\n',
        'magic': data[:2] + bytes(100),
    }[kind]  # fmt: skip


# Without its end, a .tar.zst lacks nothing but its checksum; the digests are compared anyway.
@pytest.mark.parametrize(('kind', 'suffix'), [
    *itertools.product(['empty', 'garbage', 'half', 'start', 'text', 'magic'],
                       ['.tar.gz', '.tar.zst']), ('without its end', '.tar.gz')])  # fmt: skip
def test_what_is_no_whole_archive_is_refused(tmp_path, root, old, kind, suffix):
    archive = old.pack(tmp_path / f'a{suffix}')
    archive.write_bytes(bytes_of(kind, archive.read_bytes()))
    refused(root, archive, str(archive))


def test_a_flipped_byte_is_found(tmp_path, root, old):
    data = old.archive.read_bytes()
    generator = random.Random(SEED)
    archive = tmp_path / 'b.tar.gz'
    for _ in range(40):
        place = generator.randrange(10, len(data) - 8)
        archive.write_bytes(data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1:])
        refused(root, archive, str(archive))


ZSTD_MODULES = ['compression.zstd', 'zstandard']


def only_zstd_of(way, monkeypatch):
    """Leave one way to read zstd: a module, 'program', or 'none'."""
    if way == 'program' and shutil.which('zstd') is None:
        pytest.skip('there is no program zstd')
    if way in ZSTD_MODULES:
        pytest.importorskip(way, reason=f'this Python has no {way}')
    for name in ZSTD_MODULES:
        if name != way:
            monkeypatch.setitem(sys.modules, name, None)
    if way != 'program':
        monkeypatch.setenv('PATH', '/nowhere')


@QUICK
@pytest.mark.parametrize('way', [*ZSTD_MODULES, 'program', 'none'])
def test_zstd_is_read_by_whatever_is_there(tmp_path, root, old, way, monkeypatch):
    archive = old.pack(tmp_path / 'a.tar.zst')
    only_zstd_of(way, monkeypatch)
    if way == 'none':
        refused(root, archive, 'the module zstandard, or with the program zstd', python=PYTHON)
    else:
        install.install(str(archive), str(root), python=PYTHON)
        as_packed(root / 'releases/shop-1.0', old)


def test_what_is_not_there_or_no_file_is_refused(tmp_path, root):
    os.mkfifo(tmp_path / 'pipe')
    refused(root, tmp_path / 'pipe', 'it is no file')
    with pytest.raises(OSError, match='nothing'):
        install.install(str(tmp_path / 'nothing'), str(root))
    done = script(tmp_path / 'nothing', root)
    assert (done.returncode, done.stderr) == (
        1, f'That failed: No such file or directory: {tmp_path}/nothing.\n')
    assert script(tmp_path, root).returncode == 1
    assert not root.parent.exists()


def test_another_tar_is_no_release(tmp_path, root):
    archive = releases.write(tmp_path / 'a.tar.gz', 'lxml-5.0', [file('PKG-INFO', b'x')])
    refused(root, archive, 'no release of egg-cache: there is no RELEASE.json in it')


def with_(members, *more):
    return {**members, **{f'{number}': member for number, member in enumerate(more)}}


OUTSIDE = {
    'above': file('../x'), 'far above': file('eggs/../../../x'), 'absolute': file('/x'),
    'unlisted': file('eggs/x'), 'dot': file('./buildout.cfg'), 'slashes': file('eggs//x'),
    'twice': file('buildout.cfg', b'[buildout]\n'), 'document twice': file('RELEASE.json'),
    'both documents': file('SINCE.json', b'{}'), 'surrogates': file('\udcff'),
    'a link to it': link('y', '/etc'), 'a link above': link('eggs/y', '../..'),
    'a hard link': link('z', 'shop-1.0/buildout.cfg', tarfile.LNKTYPE),
    'a listed hard link': link(CODE, '/etc/passwd', tarfile.LNKTYPE),
    'a listed file as a link': link(CODE, '/etc/passwd'),
    'a directory as a link': link('eggs', '/tmp'),
    'another target': link(f'{CODE[:-12]}/link', '/etc/passwd'),
    'a device': releases.special('null', tarfile.CHRTYPE),
    'a pipe': releases.special('pipe', tarfile.FIFOTYPE),
    'an unlisted directory': releases.directory('other'),
    'a directory as a file': file('eggs/v5/demo-1.0-py3.egg/empty'),
    'a file as a directory': releases.directory('buildout.cfg'),
}  # fmt: skip


@pytest.mark.parametrize('kind', OUTSIDE)
@pytest.mark.parametrize('is_first', [True, False])
def test_a_hostile_member_is_refused(tmp_path, root, old, kind, is_first):
    members = list(old.members().values())
    members.insert(0 if is_first else len(members), OUTSIDE[kind])
    archive = releases.write(tmp_path / 'a.tar.gz', old.label, members)
    refused(root, archive, str(archive))
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.tar.gz', 'shop-1.0.tar.gz']


@pytest.mark.parametrize('top', ['', 'other-1.0', '..', 'shop-1.0/shop-1.0'])
def test_another_top_is_refused(tmp_path, root, old, top):
    archive = releases.write(tmp_path / 'a.tar.gz', top, old.members().values())
    refused(root, archive, str(archive))


def test_a_single_member_with_another_top_is_refused(tmp_path, root, old):
    members = [(header, content) for header, content in old.members().values()]
    for header, _ in members:
        header.name = f'{"other" if header.name == CODE else old.label}/{header.name}'
    archive = releases.write(tmp_path / 'a.tar.gz', '', members)
    refused(root, archive, f'other/{CODE}', 'outside of shop-1.0/')


@pytest.mark.parametrize('path', ['buildout.cfg', f'{CODE[:-12]}/link', CODE])
def test_what_is_missing_is_named(tmp_path, root, old, path):
    members = old.members()
    del members[path.replace('//', '/')]
    archive = old.pack(tmp_path / 'a.tar.gz', members=members)
    refused(root, archive, path.replace('//', '/'), 'not in it')


@pytest.mark.parametrize('content', [b'version = 2\n', b'version = 1\n' + bytes(10**7), b''])
def test_another_content_is_refused(tmp_path, root, old, content):
    members = {**old.members(), CODE: file(CODE, content)}
    refused(root, old.pack(tmp_path / 'a.tar.gz', members=members), CODE)


@pytest.mark.parametrize('is_first', [True, False])
def test_a_bomb_is_not_unpacked(tmp_path, root, old, is_first, monkeypatch):
    path = 'AAA' if is_first else 'zzz'
    members = {**old.members(), path: file(path, bytes(50_000_000))}
    archive = old.pack(tmp_path / 'a.tar.gz', members=members)
    assert archive.stat().st_size < 100_000
    refused(root, archive, path)
    # A header that is as large.
    with tarfile.open(archive, 'w:gz', format=tarfile.PAX_FORMAT) as tar:
        header = tarfile.TarInfo('shop-1.0/x')
        header.pax_headers = {'comment': 'x' * 50_000_000}
        tar.addfile(header)
    refused(root, archive, 'more in it than it says')


# Its document


def broken(**changes):
    """Return a release whose document has other values: `files__PATH` is a path in it."""
    release = Release()
    for key, value in changes.items():
        release.document[key] = value
    return release


def broken_file(path, **fields):
    release = Release()
    release.contents[path] = b''
    release.document['files'][path] = {**releases.row(b''), **fields}
    return release


def broken_link(path, target):
    release = Release()
    release.document['files'][path] = {'link': target}
    return release


DOCUMENTS = {
    'a newer format': broken(format=2), 'no format': broken(format=None),
    'a name with a path': broken(name='../x'), 'a hidden name': broken(name='.x'),
    'no name': broken(name=''), 'a number as a name': broken(name=1),
    'an option': broken(name='-x'),
    'a version with lines': broken(version='1\n2'), 'a long version': broken(version='1' * 200),
    'no environment': broken(environment={}), 'an odd environment': broken(environment=None),
    'files as a list': broken(files=[]), 'directories as a table': broken(directories={}),
    'a path above': broken_file('../x'), 'a path above within': broken_file('a/../../x'),
    'an absolute path': broken_file('/x'), 'an empty part': broken_file('a//x'),
    'a dot': broken_file('./x'), 'NUL': broken_file('a\0b'), 'nothing': broken_file(''),
    'the document itself': broken_file('RELEASE.json'), 'the changes': broken_file('SINCE.json'),
    'a file in a file': broken_file('buildout.cfg/x'), 'no bytes': broken_file('\ud800'),
    'a file in a link': broken_file('eggs/v5/demo-1.0-py3.egg/demo/link/x'),
    'a directory that is a file': broken(directories=['buildout.cfg']),
    'a directory above': broken(directories=['..']),
    'a negative size': broken_file('x', size=-1), 'a size as a text': broken_file('x', size='1'),
    'a size of none': broken_file('x', size=None), 'a true size': broken_file('x', size=True),
    'an endless size': broken_file('x', size=10**30), 'no digest': broken_file('x', sha256='0'),
    'a digest as a list': broken_file('x', sha256=[]),
    'a mode for all': broken_file('x', mode='0777'), 'a mode as a list': broken_file('x', mode=[]),
    'a set-user mode': broken_file('x', mode='4755'), 'a number': broken_file('x', mode=0o644),
    'a time to come': broken_file('x', time=10**12),
    'a link out': broken_link('x', '..'), 'a link far out': broken_link('eggs/x', '../../etc'),
    'an absolute link': broken_link('x', '/etc/passwd'), 'no target': broken_link('x', ''),
    'a link through a link': broken_link('x', 'eggs/v5/../../..'),
    'a target of none': broken_link('x', None), 'NUL in a target': broken_link('x', 'a\0b'),
}  # fmt: skip


@pytest.mark.parametrize('kind', DOCUMENTS)
def test_a_document_that_can_not_be_is_refused(tmp_path, root, kind):
    release = DOCUMENTS[kind]
    members = {'RELEASE.json': file('RELEASE.json', release.data)}
    archive = releases.write(tmp_path / 'a.tar.gz', 'shop-1.0', members.values())
    message = refused(root, archive, 'can not be installed: ')
    assert not kind.startswith('a newer') or 'a newer egg-cache made it' in message


@pytest.mark.parametrize('text', [
    b'', b'[]', b'null', b'{', b'\xff', b'{"format": 1}', b'{"format": 1, "name": 1' + b'0' * 9999,
    b'[' * 100_000, b'{"a":' * 100_000, b'{"format": NaN}',
])  # fmt: skip
@pytest.mark.parametrize('name', ['RELEASE.json', 'SINCE.json'])
def test_what_is_no_document_is_refused(tmp_path, root, text, name):
    archive = releases.write(tmp_path / 'a.tar.gz', 'shop-1.0', [file(name, text)])
    refused(root, archive, 'can not be installed: ')


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
JSON = st.recursive(PLAIN, lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from('abc'), inner, max_size=3)))


@given(st.dictionaries(st.sampled_from([*Release().document, 'other']), JSON))
@PROPERTY
def test_any_document_is_read_or_refused(fields):
    with contextlib.suppress(install.Failure):
        install.read_release(json.dumps({**Release().document, **fields}).encode(), 'x')


NOT_NONE = st.recursive(st.integers() | st.text(max_size=3), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from('abcd'), inner, max_size=4)))
TABLES = st.dictionaries(st.sampled_from('abcd'), NOT_NONE, max_size=4)


@given(TABLES, TABLES)
@PROPERTY
def test_a_patch_leads_from_any_document_to_any_other(before, after):
    assert install.merged(before, releases.patch(before, after)) == after


# Changes since another release


@QUICK
def test_a_base_is_found_beside_what_can_not_be_read(root, old, new, changes):
    install.install(str(old.archive), str(root))
    (root / 'releases/broken').mkdir()
    (root / 'releases/broken/RELEASE.json').write_text('{')
    (root / 'releases/shop-1.0').rename(root / 'releases/renamed')
    install.install(str(changes), str(root))
    as_packed(root / 'releases/shop-1.1', new)


@pytest.fixture
def changes(tmp_path, old, new):
    return new.pack(tmp_path / 'changes.tar.gz', base=old)


def test_changes_make_the_full_release(tmp_path, root, old, new, changes):
    install.install(str(old.archive), str(root))
    install.install(str(changes), str(root), test=f'grep 2 {CODE}')
    as_packed(root / 'releases/shop-1.1', new)
    full = tmp_path / 'full'
    install.install(str(new.archive), str(full))
    nodes = [trees.normalised(place / 'releases/shop-1.1', replace=[place])
             for place in (root, full)]  # fmt: skip
    for found in nodes:
        del found['environment'], found['.setup.json']
    assert trees.differences(*nodes) == []


@QUICK
def test_changes_may_take_away(tmp_path, root, old):
    new = Release('1.1', {'etc/new': b'n'}, without=[CODE, *releases.LINKS], directories=[])
    install.install(str(old.archive), str(root))
    install.install(str(new.pack(tmp_path / 'b.tar.gz', base=old)), str(root))
    as_packed(root / 'releases/shop-1.1', new)
    for path in (CODE, *releases.LINKS, *releases.DIRECTORIES):
        assert not os.path.lexists(root / 'releases/shop-1.1' / path)


@QUICK
def test_changes_without_their_base_are_refused(tmp_path, root, old, changes):
    refused(root, changes, 'only the changes since shop-1.0', 'Install that first')
    other = Release('1.0', {CODE: b'other'}).pack(tmp_path / 'other.tar.gz')
    install.install(str(other), str(root))
    refused(root, changes, 'only the changes since shop-1.0', old.digest[:12])


@pytest.mark.parametrize('path', ['buildout.cfg', 'eggs/v5/demo-1.0-py3.egg/demo/tool'])
@pytest.mark.parametrize('damage', ['gone', 'other', 'longer', 'a link', 'a directory'])
@QUICK
def test_a_damaged_base_is_named(root, old, changes, path, damage):
    install.install(str(old.archive), str(root))
    place = root / 'releases/shop-1.0' / path
    content = place.read_bytes()
    place.unlink()
    if damage == 'a link':
        place.with_name('copy').write_bytes(content)
        place.symlink_to('copy')
    elif damage == 'a directory':
        place.mkdir()
    elif damage != 'gone':
        place.write_bytes(content + b'x' if damage == 'longer' else b'x' * len(content))
    refused(root, changes, str(place), 'Install the full release')
    assert state(root)['releases'] == ['shop-1.0']


@pytest.mark.parametrize('change', [
    {'digest': '0' * 64}, {'digest': None}, {'patch': {}}, {'patch': []}, {'base': {}},
    {'patch': {'files': None}}, {'format': 2},
])  # fmt: skip
@QUICK
def test_changes_that_do_not_make_what_they_say_are_refused(tmp_path, root, old, new, change):
    install.install(str(old.archive), str(root))
    members = new.since(old)
    document = {**json.loads(members['SINCE.json'][1]), **change}
    members['SINCE.json'] = file('SINCE.json', install.to_bytes(document))
    refused(root, new.pack(tmp_path / 'b.tar.gz', members=members))


@QUICK
def test_a_changed_file_that_is_missing_is_named(tmp_path, root, old, new):
    install.install(str(old.archive), str(root))
    members = new.since(old)
    del members[CODE]
    refused(root, new.pack(tmp_path / 'b.tar.gz', members=members), CODE)


# The environment


@pytest.mark.parametrize(('field', 'value'), [
    ('python', '3.6'), ('soabi', 'cpython-312t-x86_64-linux-gnu'), ('platform', 'linux-aarch64'),
    ('implementation', 'graalpy'), ('libc', 'glibc 9.99'), ('libc', 'musl 1.2'),
])  # fmt: skip
def test_another_environment_is_refused(tmp_path, root, field, value):
    environment = {**install.environment(), field: value}
    release = Release(files={'eggs/x.so': b''}, environment=environment)
    message = refused(root, release.pack(tmp_path / 'a.tar.gz'), 'shop-1.0 needs ', value)
    assert f'{sys.executable} is CPython {install.environment()["python"]}' in message


@pytest.mark.parametrize(('libc', 'files'), [
    ('glibc 9.99', {}), ('glibc 2.5', {'x.so': b''}), ('', {'x.so': b''}),
])  # fmt: skip
@QUICK
def test_the_c_library_may_be_newer_and_pure_python_needs_none(tmp_path, root, libc, files):
    environment = {**install.environment(), 'libc': libc}
    release = Release(files=files, environment=environment)
    install.install(str(release.pack(tmp_path / 'a.tar.gz')), str(root))


def test_another_interpreter_sets_up(tmp_path, root, old):
    python = tmp_path / 'python'
    python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/log\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    install.install(str(old.archive), str(root), python=str(python))
    log = (tmp_path / 'log').read_text()
    assert f'-I {root}/releases/shop-1.0/install.py\n' in log


def test_an_interpreter_with_blanks_in_its_path_is_refused(tmp_path, root, old):
    (tmp_path / 'a b').mkdir()
    python = tmp_path / 'a b/python'
    python.write_text(f'#!/bin/sh\nexec {PYTHON} "$@"\n')
    python.chmod(0o755)
    refused(root, old.archive, 'a b/python has blanks', python=str(python))


@pytest.mark.parametrize('is_virtual', [True, False])
def test_an_interpreter_of_a_virtual_environment_is_named(tmp_path, root, old, is_virtual):
    python = tmp_path / 'venv/bin/python'
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    if is_virtual:
        (tmp_path / 'venv/pyvenv.cfg').touch()
    said = []
    install.install(str(old.archive), str(root), python=str(python), say=said.append)
    assert (f'with {python}, of a virtual environment' in said[1]) == is_virtual


@pytest.mark.parametrize(('text', 'message'), [
    (None, 'is no program'), ('#!/bin/sh\nexit 3\n', 'exit status 3'),
    ('#!/bin/sh\necho hello\n', 'is no interpreter'),
    ('#!/bin/sh\necho {}\n', 'is no interpreter'),
    (f'#!/bin/sh\necho \'{json.dumps({**install.environment(), "python": "3.1"})}\'\n',
     'shop-1.0 needs CPython'),
])  # fmt: skip
def test_what_is_no_fitting_interpreter_is_refused(tmp_path, root, old, text, message):
    python = tmp_path / 'python'
    if text:
        python.write_text(text)
        python.chmod(0o755)
    refused(root, old.archive, message, str(python), python=str(python))


def test_the_script_is_python_3_6_and_asks_for_more():
    ast.parse(SCRIPT.read_text('utf-8'), feature_version=(3, 6))
    for python in Path(sys.base_prefix).parent.glob('3.[6789].*/bin/python'):
        done = script('x', 'y', python=str(python))
        assert done.returncode == 1
        assert done.stderr.startswith('This needs Python 3.10 or newer, and '), done.stderr


# The directory


def test_a_directory_with_other_things_is_refused(root, old):
    root.mkdir(parents=True)
    (root / 'precious').write_text('x')
    refused(root, old.archive, f'{root} holds other things than releases')


@QUICK
def test_an_empty_directory_will_do(root, old):
    root.mkdir(parents=True)
    (root / 'lost+found').mkdir()
    install.install(str(old.archive), str(root))
    assert state(root)['current'] == 'shop-1.0'


def test_a_file_is_no_directory(tmp_path, root, old):
    root.parent.mkdir()
    root.write_text('x')
    refused(root, old.archive, f'{root}: Not a directory')
    with pytest.raises(install.Failure, match=f'{root}/below: Not a directory'):
        install.install(str(old.archive), str(root / 'below'))


@pytest.mark.parametrize(('make', 'text'), [
    (Path.mkdir, 'is no link'), (Path.touch, 'is no link'),
    (lambda path: path.symlink_to('/tmp'), 'leads to /tmp'),
    (lambda path: path.symlink_to('releases/..'), 'leads to releases/..'),
    (lambda path: path.symlink_to('elsewhere/x'), 'leads to elsewhere/x'),
])  # fmt: skip
@QUICK
def test_a_current_that_is_something_else_is_refused(root, old, new, make, text):
    install.install(str(old.archive), str(root))
    (root / 'current').unlink()
    make(root / 'current')
    refused(root, new.archive, f'{root}/current', text)


@QUICK
def test_a_directory_reached_by_a_link_will_do(tmp_path, root, old, new):
    root.mkdir(parents=True)
    (tmp_path / 'link').symlink_to(root)
    install.install(str(old.archive), str(tmp_path / 'link'))
    install.install(str(new.archive), str(root))
    assert state(root)['history'] == ['shop-1.0', 'shop-1.1']


# Rolling back


@QUICK
def test_rolling_back_goes_back_step_by_step(tmp_path, root):
    for number in range(3):
        install.install(str(Release(f'1.{number}').pack(tmp_path / 'a.tar.gz')), str(root))
    outcome = install.rollback(str(root))
    assert install.told_back(outcome) == f'{root}/current is shop-1.1 again; it was shop-1.2.'
    assert state(root) == {'current': 'shop-1.1', 'history': ['shop-1.0', 'shop-1.1'], 'left': [],
                           'releases': ['shop-1.0', 'shop-1.1', 'shop-1.2']}  # fmt: skip
    assert install.rollback(str(root)).current == 'shop-1.0'
    with pytest.raises(install.Failure, match=r'no earlier release in .*: shop-1\.0 is the only'):
        install.rollback(str(root))
    assert state(root)['current'] == 'shop-1.0'


@QUICK
def test_rolling_back_passes_over_what_is_gone(tmp_path, root):
    for number in range(3):
        install.install(str(Release(f'1.{number}').pack(tmp_path / 'a.tar.gz')), str(root))
    shutil.rmtree(root / 'releases/shop-1.1')
    assert install.rollback(str(root)).current == 'shop-1.0'


@QUICK
def test_a_damaged_release_is_not_gone_back_to(root, old, new):
    for release in (old, new):
        install.install(str(release.archive), str(root))
    (root / 'releases/shop-1.0' / CODE).unlink()
    with pytest.raises(install.Failure) as raised:
        install.rollback(str(root))
    assert CODE in str(raised.value)
    assert state(root)['history'] == ['shop-1.0', 'shop-1.1']
    command = str(raised.value).rpartition(': ')[2]
    subprocess.run(command, shell=True, check=True)
    assert state(root)['current'] == 'shop-1.0'
    # Whoever switches himself is believed.
    assert install.rollback(str(root)).current == 'shop-1.1'


@pytest.mark.parametrize('make', [lambda root: None, lambda root: root.mkdir(parents=True)])
def test_there_is_nothing_to_roll_back_where_nothing_is_installed(root, make):
    make(root)
    with pytest.raises(install.Failure, match='No release was installed in '):
        install.rollback(str(root))


# In its place


@pytest.fixture
def unpacked(tmp_path, old):
    with tarfile.open(old.archive) as tar:
        tar.extractall(tmp_path / 'opt', filter='tar') if hasattr(tarfile, 'tar_filter') else (
            tar.extractall(tmp_path / 'opt'))  # fmt: skip
    return tmp_path / 'opt/shop-1.0'


def test_an_unpacked_release_is_set_up_as_often_as_one_likes(unpacked):
    before = trees.snapshot(unpacked)
    for place in (unpacked, unpacked, unpacked.with_name('moved')):
        if not place.exists():
            unpacked.rename(place)
        done = script(path=place / 'install.py')
        assert (done.returncode, done.stderr) == (0, '')
        assert done.stdout.startswith(f'shop-1.0 is set up in {place}')
        ran = subprocess.run([place / 'bin/app'], capture_output=True, text=True, check=True)
        assert ran.stdout == f'{place}\n'
    after = trees.snapshot(place)
    files = [path for path, node in before.items() if node.type != 'directory']
    assert [after[path] for path in files] == [before[path] for path in files]
    assert script('--verify', path=place / 'install.py').stdout == (
        f'All {len(files) - 1} files in {place} are as shop-1.0 was packed.\n')


def test_a_changed_file_is_named_and_nothing_set_up(unpacked):
    (unpacked / CODE).write_text('version = 9\n')
    (unpacked / 'buildout.cfg').unlink()
    for arguments in ([], ['--verify'], ['--verify', unpacked]):
        done = script(*arguments, path=unpacked / 'install.py')
        assert (done.returncode, done.stdout) == (1, '')
        assert 'packed: buildout.cfg and 1 more' in done.stderr
    assert not (unpacked / 'bin').exists()


def test_a_place_that_is_no_release_is_said_to_be_none(tmp_path):
    shutil.copy(SCRIPT, tmp_path / 'install.py')
    done = script(path=tmp_path / 'install.py')
    assert (done.returncode, done.stderr) == (
        1, f'{tmp_path} is no release: {tmp_path}/RELEASE.json: No such file or directory.\n')


@pytest.mark.parametrize('arguments', [
    ['archive'], ['archive', 'x', '--rollback', 'y'], ['--rollback'],
    ['--rollback', 'x', '--verify'], ['a', 'b', 'c'], ['--keep', 'x'], ['--what'],
])  # fmt: skip
def test_wrong_arguments_are_wrong(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        install.main(arguments)
    assert raised.value.code == 2


# No room, no rights


@QUICK
def test_a_full_disk_is_named_and_nothing_is_left(tmp_path, root, old):
    big = Release('1.1', {'var/big': bytes(3_000_000)}).pack(tmp_path / 'big.tar.gz')
    install.install(str(old.archive), str(root))
    mount = f'mount -t tmpfs -o size=1m,mode=755 none {root}/releases'
    python = mounts.wrapper(tmp_path / 'python', mounts.require(), mount)
    done = subprocess.run([python, '-I', SCRIPT, big, root], text=True, capture_output=True)
    assert done.returncode == 1
    assert 'shop-1.1 can not be installed' in done.stderr, done.stderr
    assert 'No space left on device' in done.stderr
    assert 'It needs 3.' in done.stderr
    assert state(root)['current'] == 'shop-1.0'


@QUICK
def test_a_read_only_directory_is_named(tmp_path, root, old, new):
    install.install(str(old.archive), str(root))
    python = mounts.wrapper(tmp_path / 'python', mounts.require(), f'mount --bind {root} {root}',
                            f'mount -o remount,bind,ro {root}')  # fmt: skip
    for arguments in ([new.archive, root], ['--rollback', root]):
        done = subprocess.run([python, '-I', SCRIPT, *arguments], text=True, capture_output=True)
        assert done.returncode == 1
        assert f'Read-only file system: {root}/.lock' in done.stderr
    assert state(root)['current'] == 'shop-1.0'


# Faults at each step


def test_all_is_on_the_disk_before_the_switch(root, old, new, monkeypatch):
    install.install(str(old.archive), str(root))
    seen = []
    monkeypatch.setattr(os, 'sync', lambda: seen.append(
        (os.readlink(root / 'current'), (root / 'releases/shop-1.1/bin/app').exists())))
    install.install(str(new.archive), str(root))
    assert seen == [('releases/shop-1.0', True)]


def prepared(tmp_path, old, name):
    place = tmp_path / name
    install.install(str(old.archive), str(place))
    return place


def count(place, play):
    record = faults.Record()
    with faults.Operations(place, record):
        play(place)
    return record.operations


def check_whole(place, old, new, where):
    """Fail unless `current` leads to a whole release, and the next installation succeeds."""
    found = {'shop-1.0': old, 'shop-1.1': new}
    current = os.readlink(place / 'current')
    as_packed(place / current, found[Path(current).name])
    install.install(str(new.archive), str(place))
    after = state(place)
    assert after.pop('left') == [], where
    assert after == {'current': 'shop-1.1', 'history': ['shop-1.0', 'shop-1.1'],
                     'releases': ['shop-1.0', 'shop-1.1']}, where  # fmt: skip
    as_packed(place / 'releases/shop-1.1', new)


@pytest.mark.parametrize('when', ['before', 'in', pytest.param('after', marks=pytest.mark.slow)])
@QUICK
def test_a_killed_installation_leaves_a_whole_release(tmp_path, old, new, say, when):
    def play(place):
        install.install(str(new.archive), str(place))

    operations = [operation for operation in count(prepared(tmp_path, old, 'count'), play)
                  if operation.changes]  # fmt: skip
    points = [number for number, operation in enumerate(operations, 1)
              if when != 'in' or operation.name == 'write']  # fmt: skip
    for number in points:
        place = prepared(tmp_path, old, f'{when}-{number}')
        where = f'killed {when} change {number}, {operations[number - 1]}'

        def die(place=place, number=number):
            with faults.Operations(place, faults.Kill(number, when)):
                play(place)

        assert faults.in_child(die) == -signal.SIGKILL, where
        check_whole(place, old, new, where)
    say(f'killed {when} {len(points)} of {len(operations)} changes')
    assert len(operations) > 40


@pytest.mark.parametrize('when', ['before', pytest.param('after', marks=pytest.mark.slow)])
@QUICK
def test_a_killed_rollback_leaves_a_whole_history(tmp_path, old, new, when):
    def play(place):
        install.rollback(str(place))

    def both(name):
        place = prepared(tmp_path, old, name)
        install.install(str(new.archive), str(place))
        return place

    operations = [operation for operation in count(both('count'), play) if operation.changes]
    for number, operation in enumerate(operations, 1):
        place = both(f'{when}-{number}')

        def die(place=place, number=number):
            with faults.Operations(place, faults.Kill(number, when)):
                play(place)

        assert faults.in_child(die) == -signal.SIGKILL, operation
        if os.readlink(place / 'current') == 'releases/shop-1.1':
            play(place)
        assert state(place)['current'] == 'shop-1.0', operation
        assert install._Root(str(place)).history() == ['shop-1.0'], operation


def fail_everywhere(tmp_path, old, new, name, step):
    place = prepared(tmp_path, old, 'count')
    operations = count(place, lambda place: install.install(str(new.archive), str(place)))
    failed = 0
    for number in range(1 + SEED % step, len(operations) + 1, step):
        place = prepared(tmp_path, old, f'{number}')
        where = f'{name} at operation {number}, {operations[number - 1]}'
        try:
            with faults.Operations(place, faults.Fail(number, getattr(errno, name))):
                install.install(str(new.archive), str(place))
        except (install.Failure, OSError) as error:
            failed += 1
            is_new = os.readlink(place / 'current') == 'releases/shop-1.1'
            assert not is_new or 'Nothing was changed' not in str(error), where
        check_whole(place, old, new, where)
    return f'{name} at 1 of {step} of {len(operations)} operations: {failed} installations failed'


@QUICK
def test_any_operation_may_fail(tmp_path, old, new, say):
    say(fail_everywhere(tmp_path, old, new, 'ENOSPC', 5))


@pytest.mark.slow
@pytest.mark.parametrize('name', ['ENOSPC', 'EIO', 'EACCES', 'EMFILE', 'EROFS'])
@QUICK
def test_any_operation_may_fail_in_any_way(tmp_path, old, new, say, name):
    say(fail_everywhere(tmp_path, old, new, name, 1))


@pytest.mark.slow
def test_a_process_killed_at_any_time_leaves_a_whole_release(tmp_path, old, new, say):
    started = time.monotonic()
    script(new.archive, prepared(tmp_path, old, 'count'), '--test', 'bin/app')
    span = time.monotonic() - started
    generator = random.Random(SEED)
    switched = 0
    for number in range(40):
        place = prepared(tmp_path, old, f'{number}')
        process = subprocess.Popen([sys.executable, '-I', SCRIPT, new.archive, place, '--test',
                                    'bin/app'], stderr=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)  # fmt: skip
        time.sleep(generator.random() * span * 1.1)
        process.kill()
        process.wait()
        switched += os.readlink(place / 'current') == 'releases/shop-1.1'
        check_whole(place, old, new, number)
    say(f'40 processes killed, {switched} after the switch')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@QUICK
def test_an_interrupted_test_is_ended_and_nothing_is_switched(tmp_path, root, old, new, number):
    install.install(str(old.archive), str(root))
    mark = tmp_path / 'mark'
    test = f'sh -c "sleep 60 & echo $! > {mark}.x; mv {mark}.x {mark}; wait"'
    # What ignores a signal from its start, as below nohup, goes on ignoring it.
    process = subprocess.Popen(
        [sys.executable, '-I', SCRIPT, new.archive, root, '--test', test],
        stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    wait_for(mark.exists)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert errors.splitlines()[-1].startswith('Interrupted')
    assert state(root) == {'current': 'shop-1.0', 'history': ['shop-1.0'], 'left': [],
                           'releases': ['shop-1.0']}  # fmt: skip
    wait_for(lambda: not is_running(int(mark.read_text())))


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_running(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


# At the same time


@QUICK
def test_a_second_installation_waits_and_says_for_whom(tmp_path, root, old, new):
    install.install(str(old.archive), str(root))
    go = tmp_path / 'go'
    first = subprocess.Popen(
        [sys.executable, '-I', SCRIPT, new.archive, root, '--test',
         f'sh -c "until [ -e {go} ]; do sleep 0.05; done"'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    wait_for((root / 'releases/shop-1.1/bin/app').exists)
    said = []

    def say(text):
        said.append(text)
        go.touch()

    outcome = install.install(str(new.archive), str(root), say=say)
    assert said == [f'Waiting for process {first.pid}, which installs shop-1.1 in {root}.']
    assert outcome.current == outcome.previous == 'shop-1.1'
    assert first.wait(30) == 0
    first.communicate()


@pytest.mark.slow
def test_many_at_once_all_succeed(tmp_path, root):
    archives = [Release(f'1.{number}').pack(tmp_path / f'{number}.tar.gz') for number in range(4)]
    processes = [subprocess.Popen([sys.executable, '-I', SCRIPT, archive, root, '--keep', '9'],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                 for archive in archives]  # fmt: skip
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    found = state(root)
    assert sorted(found['history']) == found['releases'] == [f'shop-1.{n}' for n in range(4)]
    assert found['current'] == found['history'][-1]


def test_one_that_fails_takes_nothing_from_one_that_waits(tmp_path, root, old, new):
    go = tmp_path / 'go'
    first = subprocess.Popen(
        [sys.executable, '-I', SCRIPT, old.archive, root, '--test',
         f'sh -c "until [ -e {go} ]; do sleep 0.05; done; exit 1"'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    wait_for((root / 'releases/shop-1.0/bin/app').exists)
    install.install(str(new.archive), str(root), say=lambda text: go.touch())
    assert first.wait(30) == 1
    first.communicate()
    assert state(root) == {'current': 'shop-1.1', 'history': ['shop-1.1'], 'left': [],
                           'releases': ['shop-1.1']}  # fmt: skip


@pytest.mark.slow
def test_a_set_up_whose_parent_was_killed_keeps_the_lock(tmp_path, root, old):
    go = tmp_path / 'go'
    wait = f'import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)\n'
    slow = Release('1.1', {'bootstrap.py': wait.encode() + releases.BOOTSTRAP})
    install.install(str(old.archive), str(root))
    process = subprocess.Popen(
        [sys.executable, '-I', SCRIPT, slow.pack(tmp_path / 'b.tar.gz'), root],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
    wait_for((root / 'releases/shop-1.1').exists)
    assert process.stderr.readline().startswith('Unpacking')
    assert process.stderr.readline().startswith('Setting up')
    time.sleep(0.2)
    process.kill()
    process.wait()
    with open(root / '.lock') as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        go.touch()
        fcntl.flock(lock, fcntl.LOCK_EX)
    process.stderr.close()


@QUICK
def test_it_works_in_a_thread(root, old):
    results = []
    thread = threading.Thread(
        target=lambda: results.append(install.install(str(old.archive), str(root))))
    thread.start()
    thread.join()
    assert results[0].current == 'shop-1.0'


def test_the_gauge_lets_pass_what_was_allowed_and_no_more():
    gauge = install._Gauge(io.BytesIO(bytes(5_000_000)), 'x')
    gauge.allow(2_000_000)
    assert len(gauge.read(2_000_000)) == 2_000_000
    with pytest.raises(install.Failure, match='more in it'):
        gauge.read(3_000_000)

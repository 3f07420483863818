"""What a program writes into a release is never removed, and never called packed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import trees
from support.command import answer, run
from support.releases import BOOTSTRAP, Release, state

from egg.cache.standalone import install

CODE = 'eggs/v5/demo-1.0-py3.egg/demo/__init__.py'
DATABASE = 'var/filestorage/Data.fs'
SCRIPT = Path(install.__file__)


@pytest.fixture(autouse=True)
def no_sync(monkeypatch):
    monkeypatch.setattr(os, 'sync', lambda: None)


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'srv/shop'


@pytest.fixture
def quick(monkeypatch):
    """Let a set-up be a few files, without the processes that make them."""
    def play(command, directory, what, **options):
        place = Path(directory)
        if command[-1].endswith('install.py'):
            (place / 'bin').mkdir(exist_ok=True)
            for name in ('bin/buildout', 'bin/app', 'environment', 'arguments'):
                write(place, name, f'{name} {place}'.encode())
            write(place, '.installed.cfg', f'__buildout_installed__ = {place}/bin/app\n'.encode())
        else:
            write(place, 'tested', b'tested')
        return ''

    monkeypatch.setattr(install, '_run', play)


QUICK = pytest.mark.usefixtures('quick')


@pytest.fixture
def put(tmp_path, root):
    """A function that installs a release of a version, and returns (outcome, remarks)."""
    def put(version, files=(), **options):
        archive = Release(version, files).pack(tmp_path / f'{version}.tar.gz')
        said = []
        outcome = install.install(str(archive), str(root), say=said.append, **options)
        return outcome, [text for text in said if text.split()[0] not in (
            'Unpacking', 'Setting', 'Testing')]  # fmt: skip
    return put


def write(directory, path, content=b'data'):
    place = directory / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


def verified(*arguments, path=SCRIPT, **options):
    """Return the exit status and what was said."""
    done = subprocess.run([sys.executable, '-I', str(path), '--verify', *map(str, arguments)],
                          text=True, capture_output=True, timeout=60, **options)  # fmt: skip
    return done.returncode, done.stdout + done.stderr


# What is kept


def test_a_release_that_holds_data_is_never_removed(root, put):
    put('1.0')
    database = write(root / 'releases/shop-1.0', DATABASE)
    before = trees.snapshot(root / 'releases/shop-1.0')
    _, remarks = put('1.1', keep=1)
    [text] = remarks
    assert 'shop-1.0 holds what was written into it' in text and DATABASE in text
    outcome, remarks = put('1.2', keep=1)
    assert outcome.kept == [('shop-1.0', [DATABASE])] and outcome.removed == []
    [text] = remarks
    assert f'{root}/releases/shop-1.0 stays' in text and DATABASE in text
    # What lies beside it goes as ever, and it is named each time.
    outcome, _ = put('1.3', keep=1)
    assert ([name for name, _ in outcome.removed], len(outcome.kept)) == (['shop-1.1'], 1)
    assert state(root)['history'] == ['shop-1.0', 'shop-1.2', 'shop-1.3']
    assert trees.differences(before, trees.snapshot(root / 'releases/shop-1.0')) == []
    # When the data are elsewhere, it goes.
    shutil.move(database, root.parent)
    database.parent.mkdir(exist_ok=True)
    outcome, _ = put('1.4', keep=1)
    assert [name for name, _ in outcome.removed] == ['shop-1.0', 'shop-1.2']


@QUICK
@pytest.mark.parametrize(('path', 'content'), [
    (CODE, b'version = "mended by hand"\n'),   # of the archive
    ('bin/app', b'#!/bin/sh\nexit 0\n'),       # made by the set-up
    ('tested', b'more'),                       # made by the test
    ('environment', b'x'),                     # made by the set-up, and listed nowhere
    ('.dot/file', b'x'),
])  # fmt: skip
def test_a_file_that_was_changed_or_added_is_data(root, put, path, content):
    put('1.0', test='sh -c "echo > tested"')
    write(root / 'current', path, content)
    put('1.1', keep=1)
    outcome, _ = put('1.2', keep=1)
    assert outcome.kept == [('shop-1.0', [path])]


@QUICK
@pytest.mark.parametrize('make', [
    lambda place: write(place, 'eggs/v5/demo-1.0-py3.egg/demo/__pycache__/more.cpython-3.pyc'),
    lambda place: write(place, 'eggs/v5/demo-1.0-py3.egg/demo/__pycache__/x.cpython-3.pyc.1234'),
    lambda place: write(place, 'var/empty.lock', b''),
    lambda place: (place / 'var/log').mkdir(parents=True),
    lambda place: os.symlink('/nowhere', place / 'link'),
    lambda place: os.mkfifo(place / 'pipe'),
    lambda place: write(place, '.installed.cfg', b'[buildout]\n'),
    lambda place: (place / CODE).unlink(),
    lambda place: None,
])  # fmt: skip
def test_what_holds_nothing_keeps_no_release(root, put, make):
    put('1.0', test='sh -c "echo > tested"')
    make(root / 'current')
    put('1.1', keep=1)
    outcome, _ = put('1.2', keep=1)
    assert (outcome.kept, [name for name, _ in outcome.removed]) == ([], ['shop-1.0'])


@QUICK
def test_a_directory_that_can_not_be_listed_counts_as_data(root, put, monkeypatch):
    put('1.0')
    write(root / 'current', DATABASE)
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith('shop-1.0/var'):
            raise PermissionError(13, 'Permission denied', path)
        return scandir(path)

    put('1.1', keep=1)
    monkeypatch.setattr(os, 'scandir', refuse)
    outcome, _ = put('1.2', keep=1)
    assert outcome.kept == [('shop-1.0', ['var'])]


@QUICK
def test_a_release_that_nobody_can_read_any_more_stays(root, put):
    put('1.0')
    put('1.1')
    (root / 'releases/shop-1.0/RELEASE.json').write_text('{')
    outcome, _ = put('1.2', keep=1)
    assert outcome.kept == [('shop-1.0', ['RELEASE.json'])]


@QUICK
def test_of_an_older_install_py_only_what_is_known_is_removed(root, put):
    """It has taken down nothing: what buildout lists is known."""
    for version in ('1.0', '1.1'):
        put(version)
        (root / 'current/.setup.json').unlink()
    for name in ('arguments', 'environment'):
        (root / 'releases/shop-1.1' / name).unlink()
    put('1.2')
    outcome, _ = put('1.3', keep=1)
    [(label, paths)] = outcome.kept
    assert label == 'shop-1.0'
    assert paths == ['arguments', 'environment']
    assert [name for name, _ in outcome.removed] == ['shop-1.1']


def test_going_forward_again_leaves_the_data_where_they_are(root, put):
    put('1.0')
    put('1.1')
    database = write(root / 'current', DATABASE)
    install.rollback(str(root))
    put('1.1', test=f'grep data {DATABASE}')
    assert os.readlink(root / 'current') == 'releases/shop-1.1'
    assert database.read_bytes() == b'data'
    # They are nobody's but the program's, however often it is set up.
    status, text = verified(root)
    assert status == 1 and f'\n    {DATABASE}\n' in text
    assert text.count('\n    ') == 1


@QUICK
def test_a_changed_file_of_a_release_that_was_undone_is_not_lost(root, put):
    put('1.0')
    put('1.1')
    write(root / 'current', CODE, b'version = "mended by hand"\n')
    install.rollback(str(root))
    with pytest.raises(install.Failure, match='move that directory away') as caught:
        put('1.1')
    assert CODE in str(caught.value)
    assert (root / 'releases/shop-1.1' / CODE).read_bytes() == b'version = "mended by hand"\n'


@QUICK
def test_directories_that_are_none_of_ours_stay(root, put):
    put('1.0')
    write(root / 'releases', '.snapshot/data')
    write(root / 'releases', '.shop-1.1.0123456789ab/left by a killed process')
    put('1.1', keep=1)
    assert [path.name for path in root.glob('releases/.*')] == ['.snapshot']


# What was set up


def test_setting_up_again_takes_nothing_for_its_own(root, put):
    put('1.0')
    place = root / 'releases/shop-1.0'
    write(place, DATABASE)
    (place / 'bin/app').write_text('#!/bin/sh\n')
    install.set_up(str(place))
    release = install.load(str(place))
    # What somebody had changed was made anew, but nobody knows whether that is all.
    assert install.added(str(place), release) == ['bin/app', DATABASE]
    (place / DATABASE).unlink()
    (place / 'bin/app').unlink()
    install.set_up(str(place))
    assert install.added(str(place), release) == []


@pytest.mark.parametrize('is_first', [True, False])
def test_a_set_up_that_was_killed_makes_no_data_of_scripts_nor_scripts_of_data(
    tmp_path, put, root, is_first
):
    put('1.0')
    place = root / 'releases/shop-1.0'
    if is_first:
        shutil.rmtree(place / 'bin')
        for path in ('.setup.json', 'arguments', 'environment', 'environment-of-bootstrap',
                     '.installed.cfg'):  # fmt: skip
            (place / path).unlink()
    write(place, DATABASE)
    release = install.load(str(place))
    install.begin(str(place), release)
    write(place, 'bin/buildout')
    # It is killed here: data stay data, now, and after the next set-up.
    assert DATABASE in install.data(str(place), release)
    install.set_up(str(place))
    assert install.added(str(place), release) == [DATABASE]
    assert json.loads((place / '.setup.json').read_text())['others'] is None


def test_an_archive_can_not_bring_a_record(tmp_path, root):
    archive = Release('1.0', {'.setup.json': b'{}'}).pack(tmp_path / 'a.tar.gz')
    with pytest.raises(install.Failure, match='is not a path in a release'):
        install.install(str(archive), str(root))


@QUICK
@pytest.mark.parametrize('text', [
    '', '{', '[]', '{"format": 1}', '{"format": 1, "files": 3, "others": null}',
    '{"format": 1, "files": {"x": 3}, "others": null}', '{"format": 2, "files": {}, "others": []}',
    '{"format": 1, "files": {"x": {"size": "y"}}, "others": null}',
    '{"format": 1, "files": null, "others": 3}', '{"format": 1, "files": null, "others": null}',
])  # fmt: skip
def test_a_record_that_can_not_be_read_is_as_none(root, put, text):
    put('1.0')
    place = root / 'releases/shop-1.0'
    (place / '.setup.json').write_text(text)
    assert install.added(str(place), install.load(str(place))) == ['arguments', 'environment']


# Verifying


def test_an_added_file_is_not_as_packed(root, put):
    put('1.0', test='sh -c "echo > tested"')
    assert verified(root)[0] == 0
    write(root / 'current', 'eggs/v5/demo-1.0-py3.egg/demo/__pycache__/x.cpython-3.pyc')
    assert verified(root)[0] == 0
    write(root / 'current', 'eggs/v5/demo-1.0-py3.egg/demo/more.py')
    write(root / 'current', 'eggs/v5/demo-1.0-py3.egg/evil.pyc')
    write(root / 'current', 'bin/app')
    os.symlink('demo', root / 'current/eggs/v5/demo-1.0-py3.egg/other')
    status, text = verified(root)
    assert status == 1 and 'were added, or changed since it was set up:\n' in text
    assert text.rstrip().split('\n    ')[1:] == [
        'bin/app', 'eggs/v5/demo-1.0-py3.egg/demo/more.py', 'eggs/v5/demo-1.0-py3.egg/evil.pyc',
        'eggs/v5/demo-1.0-py3.egg/other']
    for number in range(60):
        write(root / 'current', f'var/{number}')
    assert verified(root)[1].endswith('\n    and 14 more\n')


def test_verifying_follows_current(root, put):
    put('1.0')
    put('1.1')
    expected = (0, f'All 8 files in {root}/releases/shop-1.1 are as shop-1.1 was packed.\n')
    for place in (root, f'{root}/', root / 'current', f'{root}/current/',
                  root / 'releases/shop-1.1', root / 'releases/../current'):
        assert verified(place) == expected, place
    for place in ('shop', 'shop/', 'shop/current', 'shop/releases/shop-1.1/'):
        assert verified(place, cwd=root.parent) == expected, place
    assert verified('.', cwd=root) == verified(cwd=root, path=root / 'current/install.py') \
        == expected  # fmt: skip
    os.symlink(root, root.parent / 'by another name')
    assert verified(root.parent / 'by another name') == expected
    install.rollback(str(root))
    assert 'shop-1.0 was packed' in verified(root)[1]
    (root / 'current').unlink()
    status, text = verified(root)
    assert (status, 'is no release' in text) == (1, True)
    os.symlink('releases/gone', root / 'current')
    status, text = verified(root)
    assert (status, f'{root}/releases/gone is no release' in text) == (1, True)


# Data inside of a release


ZOPE_CONF = f'''<zodb_db main>
    <filestorage>
      path %s/{DATABASE}
    </filestorage>
</zodb_db>
'''


@pytest.fixture
def site(tmp_path):
    """A function that packs a release whose set-up makes a zope.conf, and returns the archive."""
    def site(version='1.0'):
        more = (f'os.makedirs("parts/instance/etc", exist_ok=True)\n'
                f'open("parts/instance/etc/zope.conf", "w").write({ZOPE_CONF!r} % os.getcwd())\n')
        release = Release(version, {'bootstrap.py': BOOTSTRAP + more.encode()})
        return release.pack(tmp_path / f'{version}.tar.gz')
    return site


def test_installing_says_where_data_lie_inside(capsys, root, site):
    status, output, errors = run(capsys, 'install', site(), root)
    assert (status, output) == (0, f'{root}/current is shop-1.0 now.\n')
    assert 'Data inside of the release: var (named by parts/instance/etc/zope.conf).' in errors
    write(root / 'current', DATABASE)
    write(root / 'current', 'var/log/instance.log')
    document = answer(capsys, 'install', site('1.1'), root, '--keep', '1')
    assert document['inside'] == [{'path': 'var', 'named_by': 'parts/instance/etc/zope.conf'}]
    assert document['left_behind'] == [DATABASE, 'var/log/instance.log']
    document = answer(capsys, 'install', site('1.2'), root, '--keep', '1')
    assert document['kept'] == [
        {'release': 'shop-1.0', 'paths': [DATABASE, 'var/log/instance.log']}]
    assert (document['removed'], document['left_behind']) == ([], [])


@QUICK
@pytest.mark.parametrize(('option', 'value', 'found'), [
    ('var', '{}/var', 'var'), ('blob-storage', '{}/var/blobstorage', 'var'),
    ('event-log', '{}/deep/site.log', 'deep/site.log'), ('db', 'sqlite:///{}/x.db', 'x.db'),
    ('file-storage', '{}/storage/Main.fs', 'storage/Main.fs'), ('d', '{}/data/x', 'data'),
    ('var', '/srv/shop/var', None), ('x', '{}/eggs/v5/x.egg/data', None),
    ('location', '{}/parts/x', None), ('input', '{}/data/packed.txt', None),
    ('script', '{}/bin/log', None), ('x', '{}/variable', None),
])  # fmt: skip
def test_what_options_name_is_found_by_what_it_is_called(tmp_path, root, put, option, value,
                                                         found):  # fmt: skip
    put('1.0', {'data/packed.txt': b''})
    place = root / 'releases/shop-1.0'
    (place / '.installed.cfg').write_text(
        f'[buildout]\nlog = {place}/var\n[app]\n{option} = {value.format(place)}\n')
    expected = [] if found is None else [(found, f'[app] {option}')]
    assert install.written_inside(str(place), install.load(str(place))) == expected

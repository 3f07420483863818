"""Pruning: `egg-cache prune`, as it is used."""

import os
import stat
import time

import pytest
from support import command, rights, scenes, trees
from support.eggs import KEY, add, new_store, overwrite, useless

from egg.cache.store.store import entries

OLD = 200 * 24 * 3600.0


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path / 'cache')


@pytest.fixture
def prune(capsys, tmp_path):
    """A function that runs `egg-cache prune`, and returns (exit status, stdout, stderr)."""
    return lambda *arguments: command.run(
        capsys, '--cache', tmp_path / 'cache', 'prune', *arguments)


@pytest.fixture
def answer(capsys, tmp_path):
    """A function that runs `egg-cache prune --json`, and returns the document."""
    return lambda *arguments, status=0: command.answer(
        capsys, '--cache', tmp_path / 'cache', 'prune', *arguments, status=status)


def old(store, tmp_path, project='old', version='1.0', age=OLD):
    """Store an egg that nobody has used for long."""
    entry = add(store, tmp_path, project, version)
    os.utime(entry.path, (time.time() - age,) * 2)
    return entry


def left(store):
    return [str(entry) for entry in entries(store.layout)]


def test_old_eggs_go_and_it_says_which(store, tmp_path, prune):
    old(store, tmp_path)
    add(store, tmp_path, 'young')
    status, output, errors = prune('--unused-for', '90d')
    assert status == 0
    assert output.startswith('old 1.0  1.3 kB, built in 12 s, unused for 6 months  (')
    assert f'Removed 1 egg of 2 in {tmp_path}/cache, and freed 1.3 kB; 1.3 kB left.' in errors
    assert left(store) == ['young 1.0']


def test_a_dry_run_says_the_same_and_changes_nothing(store, tmp_path, prune):
    old(store, tmp_path)
    useless(store.layout.trash).mkdir()
    before = trees.snapshot(tmp_path / 'cache')
    status, output, errors = prune('--unused-for', '90d', '--dry-run')
    assert status == 0
    assert output.startswith('old 1.0  1.3 kB')
    assert 'Would remove 1 thing in the trash, 0 B.' in errors
    assert 'Would remove 1 egg of 1' in errors
    assert 'which would free 1.3 kB; 0 B left.' in errors
    assert trees.differences(before, trees.snapshot(tmp_path / 'cache')) == []


def test_the_document(store, tmp_path, answer):
    entry = old(store, tmp_path)
    useless(store.layout.trash).mkdir()
    (useless(store.layout.trash) / 'file').write_bytes(b'1234')
    last_use = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(entry.last_use))
    document = answer('--unused-for', '90d')
    size = document['removed'][0]['size']
    assert document == {
        'directory': str(tmp_path / 'cache'), 'dry_run': False, 'eggs': 1, 'size': size,
        'size_left': 0, 'freed': size + 4, 'failures': [],
        'removed': [{'project': 'old', 'version': '1.0', 'environment': KEY, 'size': size,
                     'seconds': 12.5, 'last_used_at': last_use, 'path': str(entry.path)}],
        'swept': [{'path': str(useless(store.layout.trash)), 'kind': 'trash', 'size': 4},
                  {'path': str(entry.path.parent), 'kind': 'directory', 'size': 0},
                  {'path': str(entry.path.parent.parent), 'kind': 'directory', 'size': 0}],
    }  # fmt: skip
    assert not entry.path.parent.parent.exists()
    command.assert_documented('prune', document)


def test_eggs_are_spelled_as_list_has_them(store, tmp_path, answer, prune, capsys):
    for project in ('Zope.Interface', 'Broken.Manifest', 'A_B'):
        old(store, tmp_path, project)
    [broken] = store.versions('broken.manifest')
    overwrite(broken.path / 'entry.json', b'')
    os.utime(broken.path, (1, 1))
    status, output, _ = prune('--unused-for', '90d', '--dry-run')
    assert {line.split('  ')[0] for line in output.splitlines()} == {
        'Zope.Interface 1.0', 'broken-manifest 1.0', 'A_B 1.0'}  # fmt: skip
    cache = ['--cache', store.layout.root]
    listed = command.answer(capsys, *cache, 'list')
    names = {row['path']: (row['project'], row['version']) for row in listed['entries']}
    damaged = command.answer(capsys, *cache, 'verify', status=1)['faults']
    assert {fault['project'] for fault in damaged} == {'broken-manifest'}
    for document in (
        command.answer(capsys, *cache, 'remove', 'a-b', 'zope.interface', '--dry-run'),
        answer('--unused-for', '90d'),
    ):  # fmt: skip
        removed = {row['path']: (row['project'], row['version']) for row in document['removed']}
        removed.pop(str(broken.path), None)
        assert removed == names


def test_without_a_limit_it_sweeps_alone_and_says_so(store, tmp_path, prune):
    old(store, tmp_path)
    useless(store.layout.trash).mkdir()
    status, output, errors = prune()
    assert (status, output) == (0, '')
    assert 'Only --max-size, --unused-for or --keep-latest remove eggs.' in errors
    assert left(store) == ['old 1.0']
    assert os.listdir(store.layout.trash) == []


def test_only_the_newest_versions_are_kept(store, tmp_path, prune):
    for version in ('1.9', '1.10', '1.2'):
        add(store, tmp_path, version=version)
    assert prune('--keep-latest', '2')[0] == 0
    assert left(store) == ['demo 1.10', 'demo 1.9']


# What buildouts use


def buildout(tmp_path, *eggs, eggs_directory='/elsewhere/eggs'):
    """Make a buildout that uses some eggs of an eggs directory, and return its directory."""
    directory = tmp_path / 'app'
    (directory / 'bin').mkdir(parents=True)
    (directory / '.installed.cfg').write_text(
        f'[buildout]\nparts = app\n[app]\n__buildout_installed__ = {directory}/bin/app\n')
    (directory / 'bin/app').write_text(''.join(f"'{eggs_directory}/{egg}',\n" for egg in eggs))
    return directory


def test_what_a_buildout_uses_is_kept(store, tmp_path, prune):
    old(store, tmp_path, 'used'), old(store, tmp_path, 'unused')
    directory = buildout(tmp_path, 'used-1.0-py3.12.egg')
    status, _, _ = prune('--unused-for', '1d', '--keep-used-by', directory)
    assert status == 0
    assert left(store) == ['used 1.0']


def test_a_size_that_can_not_be_reached_is_a_fault(store, tmp_path, prune, answer):
    old(store, tmp_path, 'used'), old(store, tmp_path, 'unused')
    directory = buildout(tmp_path, 'used-1.0-py3.12.egg')
    status, _, errors = prune('--max-size', '1k', '--keep-used-by', directory)
    assert status == 1
    assert 'That is more than 1.0 kB: what is left is to be kept.' in errors
    assert left(store) == ['used 1.0']
    answer('--max-size', '1k', '--keep-used-by', directory, status=1)
    answer('--max-size', '2k', '--keep-used-by', directory)


def test_a_directory_that_is_no_buildout_stops_it_before_anything_is_removed(
    store, tmp_path, prune
):
    old(store, tmp_path)
    useless(store.layout.trash).mkdir()
    status, _, errors = prune('--unused-for', '1d', '--keep-used-by',
                              buildout(tmp_path), tmp_path / 'cache')  # fmt: skip
    assert status == 2
    assert f'{tmp_path}/cache is not a buildout that has run' in errors
    assert left(store) == ['old 1.0']
    assert os.listdir(store.layout.trash) == [useless(store.layout.trash).name]


# Wrong arguments, and directories of all kinds


@pytest.mark.parametrize(('arguments', 'text'), [
    (['--max-size', 'much'], "'much' is not a size"),
    (['--max-size', '0'], 'egg-cache clear does that'),
    (['--max-size', '10'], '10 bytes are hardly meant.\nDid you mean 10G?'),
    (['--max-size', '-10'], "'-10' is not a size"),
    (['--unused-for', 'ever'], "'ever' is not a duration"),
    (['--unused-for', '90'], 'Did you mean 90d?'),
    (['--unused-for', '0d'], 'egg-cache clear does that'),
    (['--keep-latest', '0'], 'allowed is 1 or more'),
    (['--keep-latest', 'all'], 'invalid int value'),
])  # fmt: skip
def test_wrong_arguments(store, tmp_path, prune, arguments, text):
    old(store, tmp_path)
    status, _, errors = prune(*arguments)
    assert status == 2
    assert text in errors
    assert left(store) == ['old 1.0']


def test_an_empty_cache(store, answer):
    assert answer('--max-size', '1 B') == {
        'directory': str(store.layout.root), 'dry_run': False, 'eggs': 0, 'size': 0,
        'size_left': 0, 'freed': 0, 'removed': [], 'swept': [], 'failures': []}  # fmt: skip


def test_a_missing_cache(tmp_path, prune):
    status, output, errors = prune('--max-size', '1 B')
    assert (status, output) == (0, '')
    assert 'There is no egg cache yet' in errors
    assert not (tmp_path / 'cache').exists()


def test_a_foreign_directory_is_left_alone(tmp_path, prune):
    (tmp_path / 'cache/trash').mkdir(parents=True)
    (tmp_path / 'cache/trash/mine').write_text('')
    prune('--max-size', '1 B')
    assert (tmp_path / 'cache/trash/mine').exists()
    (tmp_path / 'cache/mine').write_text('')
    status, _, errors = prune('--max-size', '1 B')
    assert status == 1
    assert 'is not an egg cache' in errors


def test_damaged_eggs_go_first(store, tmp_path, prune):
    add(store, tmp_path, 'sound')
    damaged = add(store, tmp_path, 'damaged')
    overwrite(damaged.path / 'entry.json', b'')
    assert prune('--max-size', '1.3k')[0] == 0
    assert left(store) == ['sound 1.0']


def test_a_reader_without_write_permission_gets_a_message(store, tmp_path, prune):
    entry = old(store, tmp_path)
    modes = {path: stat.S_IMODE(os.stat(path).st_mode)
             for path in (entry.path.parent, store.layout.trash)}  # fmt: skip
    for path in modes:
        os.chmod(path, 0o555)
    try:
        with rights.as_modes_say():
            status, _, errors = prune('--unused-for', '1d')
        assert status == 1
        assert 'Not removed: old 1.0: [Errno 13] Permission denied' in errors
        assert 'Removed 0 eggs of 1' in errors
        assert prune('--unused-for', '1d', '--dry-run')[0] == 0
    finally:
        for path, mode in modes.items():
            os.chmod(path, mode)
    assert scenes.faults(store.layout) == []

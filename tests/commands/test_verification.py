"""egg-cache verify: is every egg what was stored, and what becomes of those that are not?"""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from support import faults, trees
from support.command import answer, run
from support.eggs import KEY, add, new_store, overwrite

from egg.cache.store.entry import Entry

IS_ROOT = os.geteuid() == 0
READER = 4203


@pytest.fixture
def top():
    """A directory that every user can get to, unlike those of pytest."""
    path = Path(tempfile.mkdtemp())
    os.chmod(path, 0o755)
    yield path
    for directory, _, _ in os.walk(path):
        os.chmod(directory, 0o755)
    shutil.rmtree(path)


@pytest.fixture
def cache(top):
    return top / 'cache'


@pytest.fixture
def entries(cache, top):
    """The entries of a cache with two eggs."""
    store = new_store(cache)
    return [add(store, top / name, name, '1.0') for name in ('demo', 'other')]


def damage(entry):
    """Damage two files of an entry, and return the lines that name them."""
    overwrite(entry.egg / 'demo/__init__.py', b'')
    (entry.egg / 'added').touch()
    return (
        f'demo 1.0: added: expected nothing, found file ({entry.path})\n'
        f'demo 1.0: demo/__init__.py: expected 12 bytes, found 0 bytes ({entry.path})\n'
    )


def as_reader(cache, function):
    """Call a function as somebody who may read the cache, but not write to it."""

    def play():
        if IS_ROOT:
            os.setgroups([])
            os.setgid(READER)
            os.setuid(READER)
        function()

    for path in [cache, *cache.rglob('*')]:
        if not path.is_symlink():
            os.chmod(path, stat.S_IMODE(path.stat().st_mode) & ~0o222)
    assert faults.in_child(play) == 0


# Sound, and damaged


def test_a_sound_cache_is_status_0(capsys, cache, entries):
    said = 0, '', f'2 eggs checked in {cache}, 0 damaged.\n'
    assert run(capsys, 'verify', '--cache', cache) == said
    assert run(capsys, 'verify', '--repair', '--cache', cache) == said
    assert answer(capsys, 'verify', '--cache', cache) == {
        'directory': str(cache), 'unsafe': '', 'checked': 2, 'damaged': 0, 'repaired': 0,
        'faults': [], 'not_repaired': [],
    }  # fmt: skip


def test_one_egg_is_in_the_singular(capsys, cache, top):
    add(new_store(cache), top)
    assert run(capsys, 'verify', '--cache', cache)[2] == f'1 egg checked in {cache}, 0 damaged.\n'


def test_each_fault_is_named_and_is_status_1(capsys, cache, entries):
    lines = damage(entries[0])
    before = trees.snapshot(cache)
    assert run(capsys, 'verify', '--cache', cache) == (
        1, lines, f'2 eggs checked in {cache}, 1 damaged.\n'
    )  # fmt: skip
    document = answer(capsys, 'verify', '--cache', cache, status=1)
    where = {'project': 'demo', 'version': '1.0', 'environment': KEY, 'path': str(entries[0].path)}
    assert document['faults'] == [
        {**where, 'file': 'added', 'expected': 'nothing', 'found': 'file'},
        {**where, 'file': 'demo/__init__.py', 'expected': '12 bytes', 'found': '0 bytes'},
    ]
    assert (document['checked'], document['damaged'], document['repaired']) == (2, 1, 0)
    assert trees.differences(before, trees.snapshot(cache)) == []


# Repaired


def test_repair_sets_damaged_entries_aside_and_is_status_0(capsys, cache, entries):
    lines = damage(entries[0])
    sound = trees.snapshot(entries[1].path)
    assert run(capsys, 'verify', '--repair', '--cache', cache) == (
        0, lines, (f'2 eggs checked in {cache}, 1 damaged, 1 set aside: whoever wants it builds '
        'it anew.\n')
    )  # fmt: skip
    assert not entries[0].exists()
    [kept] = (cache / 'trash').iterdir()
    assert (kept / 'demo-1.0-py3.12.egg/added').exists()
    assert trees.differences(sound, trees.snapshot(entries[1].path)) == []
    assert run(capsys, 'verify', '--cache', cache)[0] == 0


def test_repair_as_json(capsys, cache, entries):
    damage(entries[0])
    document = answer(capsys, 'verify', '--repair', '--cache', cache)
    assert (document['damaged'], document['repaired'], document['not_repaired']) == (1, 1, [])


def test_a_link_in_place_of_an_entry_is_set_aside_and_not_followed(capsys, cache, entries, top):
    path = entries[0].path
    os.rename(path, top / 'elsewhere')
    os.symlink(top / 'elsewhere', path)
    assert run(capsys, 'verify', '--repair', '--cache', cache)[0] == 0
    assert not path.is_symlink()
    assert (top / 'elsewhere/entry.json').exists()


def test_what_cannot_be_repaired_is_named_and_is_status_1(capsys, cache, entries):
    damage(entries[0])
    shutil.rmtree(cache / 'trash')
    os.symlink('tmp', cache / 'trash')
    status, _, errors = run(capsys, 'verify', '--repair', '--cache', cache)
    assert status == 1
    assert errors.startswith(f'Not repaired: {cache}/trash is a link; ')
    assert errors.endswith(f'2 eggs checked in {cache}, 1 damaged, 0 set aside.\n')
    assert entries[0].exists()


# Others than who stored


def test_a_reader_verifies_but_repairs_nothing(capsys, cache, entries):
    lines = damage(entries[0])
    path = entries[0].path

    def play():
        assert run(capsys, 'verify', '--cache', cache) == (
            1, lines, f'2 eggs checked in {cache}, 1 damaged.\n'
        )  # fmt: skip
        status, output, errors = run(capsys, 'verify', '--repair', '--cache', cache)
        assert (status, output) == (1, lines)
        assert errors == (
            f"Not repaired: {path} can't be moved to {cache}/trash: Permission denied.\n"
            f'2 eggs checked in {cache}, 1 damaged, 0 set aside.\n'
        )
        document = answer(capsys, 'verify', '--repair', '--cache', cache, status=1)
        assert [row['path'] for row in document['not_repaired']] == [str(path)]
        assert document['repaired'] == 0
        look()

    def look():
        for verb in (['list'], ['show', 'other'], ['dir']):
            assert run(capsys, *verb, '--cache', cache)[0] == 0

    look()                                      # Whatever is imported late, is there now.
    as_reader(cache, play)
    assert Entry(path).exists()


@pytest.mark.skipif(not IS_ROOT, reason='only root can be another user')
def test_a_cache_that_cannot_be_read_is_one_message(capsys, cache, entries):
    def play():
        for verb in ('list', 'verify'):
            status, output, errors = run(capsys, verb, '--cache', cache)
            assert (status, output) == (1, '')
            assert errors == f'That failed: Permission denied: {cache}.\n'

    os.chmod(cache, 0o700)
    as_reader(cache, play)


def test_a_cache_that_everybody_can_write_to_is_not_sound(capsys, cache, entries):
    os.chmod(cache, 0o777)
    status, output, errors = run(capsys, 'verify', '--cache', cache)
    assert (status, output) == (1, '')
    assert f'egg-cache = {cache} can be written to by everybody' in errors
    assert 'everybody' in answer(capsys, 'verify', '--cache', cache, status=1)['unsafe']


# Empty, and missing


@pytest.mark.parametrize('make', [lambda cache: cache.mkdir(), new_store])
@pytest.mark.parametrize('arguments', [[], ['--repair']])
def test_an_empty_cache_is_sound(capsys, cache, make, arguments):
    make(cache)
    assert run(capsys, 'verify', *arguments, '--cache', cache) == (
        0, '', f'0 eggs checked in {cache}, 0 damaged.\n'
    )  # fmt: skip


def test_a_missing_cache_is_not_what_was_expected(capsys, cache):
    assert run(capsys, 'verify', '--cache', cache) == (
        1, '', (f'There is no egg cache yet: {cache} (named by --cache).\n'
        f'0 eggs checked in {cache}, 0 damaged.\n')
    )  # fmt: skip
    assert not cache.exists()
    assert answer(capsys, 'verify', '--cache', cache, status=1)['checked'] == 0



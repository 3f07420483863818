"""egg-cache list: which eggs are in the cache?"""

import os

import pytest
from support.command import answer, run
from support.eggs import BUILT, KEY, add, flip, new_store, overwrite

OTHER_KEY = 'cp39-manylinux_2_36_x86_64-egg5'
pytestmark = pytest.mark.usefixtures('three_days_later')


@pytest.fixture
def full(cache, tmp_path):
    """A cache with three eggs in two environments, the last of which was used two hours ago."""
    store = new_store(cache)
    entries = [
        add(store, tmp_path / 'one', 'Demo', '1.0'),
        add(new_store(cache, OTHER_KEY), tmp_path / 'three', 'Demo', '1.0'),
        add(store, tmp_path / 'two', 'zope.interface', '8.7', files={'x': b'x' * 12_345}),
    ]
    for entry, age in zip(entries, (86400, 0, 7200)):
        os.utime(entry.path, (0, BUILT + 3 * 86400 - age))
    return entries


TITLES = 'project         version  environment                        size     age  last use\n'
DEMO = f'Demo            1.0      {KEY}   59 B  3 days     1 day\n'
OTHER = f'Demo            1.0      {OTHER_KEY}    59 B  3 days       0 s\n'
ZOPE = f'zope.interface  8.7      {KEY}  12 kB  3 days       2 h\n'


def test_list_is_a_table(capsys, cache, full):
    assert run(capsys, 'list', '--cache', cache) == (0, TITLES + DEMO + OTHER + ZOPE, '')


def test_the_list_of_a_pattern_has_no_others(capsys, cache, full):
    assert run(capsys, 'list', 'zope.*', '--cache', cache) == (0, TITLES + ZOPE, '')
    assert run(capsys, 'list', 'zope.* >= 9', '--cache', cache) == (
        0, '', f'There are no eggs like zope.* >= 9 in {cache} (named by --cache).\n'
    )  # fmt: skip


def test_a_wrong_pattern_is_status_2(capsys, cache, full):
    status, output, errors = run(capsys, 'list', '[ab]', '--cache', cache)
    assert (status, output) == (2, '')
    assert errors.startswith("'[ab]' is not a pattern.")


def test_eggs_that_look_the_same_are_told_apart(capsys, cache, full, tmp_path):
    again = add(new_store(cache), tmp_path / 'again', 'Demo', '1.0', content='rebuilt')
    status, output, _ = run(capsys, 'list', '--cache', cache)
    lines = output.splitlines()
    assert status == 0
    assert lines[0].endswith('  last use  archive')
    assert {line.split()[-1] for line in lines if KEY in line and 'Demo' in line} == {
        full[0].path.name[:12], again.path.name[:12]}  # fmt: skip
    assert lines[-1] == ZOPE.rstrip()


def test_list_as_json(capsys, cache, full):
    document = answer(capsys, 'list', 'zope.*', '--cache', cache)
    assert document == {
        'directory': str(cache),
        'entries': [{
            'project': 'zope.interface', 'version': '8.7', 'environment': KEY,
            'sha256': full[2].manifest.archive.sha256, 'size': 12_414,
            'built_at': '2024-05-06T07:08:09Z', 'last_used_at': '2024-05-09T05:08:09Z',
            'path': str(full[2].path),
        }],
        'damaged': [],
    }  # fmt: skip


def test_list_leaves_damaged_entries_out_and_says_so(capsys, cache, full):
    overwrite(full[0].path / 'entry.json', b'')
    message = 'entry.json: expected a text with its own checksum, found another text'
    assert run(capsys, 'list', '--cache', cache) == (
        0, TITLES + OTHER + ZOPE, f'demo 1.0 is damaged: {message}\n'
    )  # fmt: skip
    document = answer(capsys, 'list', '--cache', cache)
    assert len(document['entries']) == 2
    assert document['damaged'] == [{'path': str(full[0].path), 'message': message}]


def test_list_does_not_read_the_files_themselves(capsys, cache, full):
    flip(full[0].egg / 'Demo/__init__.py')
    assert run(capsys, 'list', '--cache', cache) == (0, TITLES + DEMO + OTHER + ZOPE, '')


@pytest.mark.parametrize('make', [lambda cache: cache.mkdir(), new_store])
def test_an_empty_cache_has_no_eggs(capsys, cache, make):
    make(cache)
    assert run(capsys, 'list', '--cache', cache) == (
        0, '', f'There are no eggs in {cache} (named by --cache).\n'
    )  # fmt: skip
    assert answer(capsys, 'list', '--cache', cache)['entries'] == []


def test_a_missing_cache_has_no_eggs(capsys, cache):
    assert run(capsys, 'list', '--cache', cache) == (
        0, '', f'There is no egg cache yet: {cache} (named by --cache).\n'
    )  # fmt: skip
    assert answer(capsys, 'list', '--cache', cache)['entries'] == []


@pytest.mark.parametrize('name', ['.DS_Store', 'file', 'a b'])
def test_foreign_files_are_no_eggs(capsys, cache, full, name):
    (cache / 'v1' / name).touch()
    (cache / 'v1' / KEY / 'eggs' / name).touch()
    assert run(capsys, 'list', '--cache', cache) == (0, TITLES + DEMO + OTHER + ZOPE, '')


def test_what_is_removed_meanwhile_is_left_out(capsys, cache, full, monkeypatch):
    from egg.cache.store.entry import Entry

    def gone(entry):
        raise FileNotFoundError(2, 'No such file', str(entry.path))

    monkeypatch.setattr(Entry, 'last_use', property(gone))
    assert run(capsys, 'list', '--cache', cache)[:2] == (0, '')

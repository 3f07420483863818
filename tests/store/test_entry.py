"""Entry: when was it used, and is it still the one that was read?"""

import os
import shutil
import time

import pytest
from support import scenes
from support.eggs import add, flip, new_session, new_store

from egg.cache.store.entry import Entry

LONG_AGO = 1_000_000_000


@pytest.fixture
def entry(tmp_path):
    """An entry that was last used long ago."""
    entry = add(new_store(tmp_path / 'cache'), tmp_path)
    os.utime(entry.path, (LONG_AGO, LONG_AGO))
    return entry


def test_a_new_entry_was_last_used_when_it_was_stored(tmp_path):
    before = time.time()
    entry = add(new_store(tmp_path / 'cache'), tmp_path)
    assert before - 1 <= entry.last_use <= time.time() + 1


def test_touch_sets_the_last_use_and_nothing_else(entry):
    files = {path: path.stat().st_mtime_ns for path in entry.path.rglob('*')}
    assert entry.last_use == LONG_AGO
    before = time.time()
    entry.touch()
    assert entry.last_use >= before - 1
    assert files == {path: path.stat().st_mtime_ns for path in entry.path.rglob('*')}
    assert list(entry.faults()) == []


def test_what_is_gone_or_a_link_can_be_touched_in_vain(entry, tmp_path):
    elsewhere = tmp_path / 'elsewhere'
    shutil.move(entry.path, elsewhere)
    Entry(entry.path).touch()
    entry.path.symlink_to(elsewhere)
    Entry(entry.path).touch()
    assert elsewhere.stat().st_mtime == LONG_AGO


def test_an_entry_that_somebody_touched_is_the_same(entry):
    assert entry.manifest.project == 'demo'
    Entry(entry.path).touch()
    assert entry.is_current()


@pytest.mark.parametrize('change', [
    lambda path: flip(path / 'entry.json'),
    lambda path: os.unlink(path / 'entry.json'),
    lambda path: shutil.copytree(shutil.move(path, f'{path}-old'), path),
    shutil.rmtree,
])  # fmt: skip
def test_an_entry_that_was_changed_or_replaced_is_another(entry, change):
    assert entry.manifest.project == 'demo'
    change(entry.path)
    assert not entry.is_current()


def test_a_damaged_entry_that_somebody_touched_is_set_aside(entry, tmp_path):
    flip(entry.egg / 'demo/__init__.py')
    store = new_store(tmp_path / 'cache')
    entry.touch()
    assert store.set_aside(entry) is not None
    assert not entry.exists()


def test_two_who_hit_a_damaged_entry_set_it_aside_once(entry, tmp_path):
    flip(entry.egg / 'demo/__init__.py')
    for number in range(2):
        session = new_session(tmp_path / 'cache')
        session.open()
        other = Entry(entry.path)
        assert session.copy(entry if number else other, tmp_path) is None
    assert not entry.exists()
    assert len(os.listdir(tmp_path / 'cache/trash')) == 1


def place(tmp_path):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    os.utime(scenes.entry(place).path, (LONG_AGO, LONG_AGO))
    return place


def test_a_hit_is_a_use(tmp_path):
    used = place(tmp_path)
    before = time.time()
    assert scenes.run(used).built == 0
    assert scenes.entry(used).last_use >= before - 1


def test_a_hit_in_a_cache_that_is_only_read_leaves_no_trace(tmp_path):
    used = place(tmp_path)
    assert scenes.run(used, mode='read-only').built == 0
    assert scenes.entry(used).last_use == LONG_AGO


def test_looking_is_no_use(tmp_path):
    used = place(tmp_path)
    session = new_session(used.cache)
    session.open()
    assert session.find('demo', '1.0', scenes.entry(used).manifest.archive) is not None
    assert scenes.faults(used.layout) == []
    assert scenes.entry(used).last_use == LONG_AGO

"""Verify: is everything in the cache exactly what was stored?"""

import os
import shutil

import pytest
from support.eggs import add, flip, new_store, overwrite

from egg.cache.common.errors import CacheError
from egg.cache.maintenance import verify


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path / 'cache')


def test_a_sound_cache_has_no_faults(store, tmp_path):
    added = [add(store, tmp_path / name, name) for name in ('demo', 'other')]
    assert list(verify.faults(store.layout)) == [(entry, []) for entry in added]


def test_an_empty_cache_has_no_entries(store):
    assert list(verify.faults(store.layout)) == []


def test_each_entry_has_its_own_faults(store, tmp_path):
    one, two, three = (add(store, tmp_path / name, name) for name in ('a', 'b', 'c'))
    flip(one.egg / 'a/__init__.py')
    (one.egg / 'added').touch()
    overwrite(three.path / 'entry.json', b'')
    found = {str(entry): [fault.path for fault in faults]
             for entry, faults in verify.faults(store.layout)}  # fmt: skip
    assert found == {'a 1.0': ['added', 'a/__init__.py'], 'b 1.0': [], 'c 1.0': ['entry.json']}


def test_an_egg_that_is_gone_is_a_fault(store, tmp_path):
    entry = add(store, tmp_path)
    shutil.rmtree(entry.egg)
    [(_, faults)] = verify.faults(store.layout)
    assert str(faults[0]) == '.: expected to be there, found No such file or directory'


def test_what_does_not_belong_beside_the_egg_is_a_fault(store, tmp_path):
    entry = add(store, tmp_path)
    (entry.path / 'evil.egg').mkdir()
    [(_, faults)] = verify.faults(store.layout)
    assert len(faults) == 1


def test_an_entry_that_is_removed_meanwhile_has_no_faults(store, tmp_path, monkeypatch):
    entry = add(store, tmp_path)
    entry_faults = verify.entry_faults

    def late(entry):
        shutil.rmtree(entry.path)
        yield from entry_faults(entry)

    monkeypatch.setattr(verify, 'entry_faults', late)
    assert list(verify.faults(store.layout)) == [(entry, [])]


def test_verifying_changes_nothing(store, tmp_path):
    entry = add(store, tmp_path)
    flip(entry.egg / 'demo/__init__.py')
    before = [(path, os.lstat(path).st_mtime_ns) for path in sorted(tmp_path.rglob('*'))]
    list(verify.faults(store.layout))
    assert [(path, os.lstat(path).st_mtime_ns) for path in sorted(tmp_path.rglob('*'))] == before


def test_only_the_chosen_ones_are_verified(store, tmp_path):
    one, two = (add(store, tmp_path / name, name) for name in ('a', 'b'))
    assert list(verify.faults(store.layout, [two])) == [(two, [])]


def test_what_is_set_aside_is_gone_and_kept(store, tmp_path):
    entry = add(store, tmp_path)
    kept = verify.set_aside(store.layout, entry)
    assert kept.parent == store.layout.trash
    assert (kept / 'entry.json').exists()
    assert not entry.exists()
    assert verify.set_aside(store.layout, entry) is None


def test_what_cannot_be_set_aside_is_named(store, tmp_path, monkeypatch):
    entry = add(store, tmp_path)

    def fail(source, target):
        raise PermissionError(13, 'Permission denied', str(source))

    monkeypatch.setattr(os, 'rename', fail)
    with pytest.raises(CacheError) as info:
        verify.set_aside(store.layout, entry)
    assert str(info.value) == (
        f"{entry.path} can't be moved to {store.layout.trash}: Permission denied."
    )

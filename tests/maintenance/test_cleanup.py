"""Cleanup: what lies in the cache and is of no use?"""

import json
import os
import shutil
import time

import pytest
from support import rights, trees
from support.eggs import KEY, add, archive, new_store, useless

from egg.cache.common.errors import CacheError
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.maintenance import cleanup
from egg.cache.maintenance.cleanup import DIRECTORY, LEFT_OVER, POINTER, TRASH
from egg.cache.store.manifest import UNKNOWN

ORIGIN = Origin('https://example.com/simple/')


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path / 'cache')


def point(store, project='demo', version='1.0', origin=ORIGIN):
    """Write a pointer, and return its path."""
    built_from = archive(project, version)
    pointer = Pointer(built_from.name, built_from.sha256, version)
    origins.write(store.layout, KEY, origin, project, version, pointer)
    return store.layout.pin(KEY, origin.key, project, version)


def found(store):
    return [(piece.path, piece.kind) for piece in cleanup.find(store.layout)]


def sweep(store):
    for piece in cleanup.find(store.layout):
        cleanup.remove(piece)


def test_a_cache_in_use_has_none(store, tmp_path):
    add(store, tmp_path, 'Some.Thing', '1.0-1')
    point(store, 'Some.Thing', '1.0-1')
    (store.layout.locks / 'some.lock').write_text('')
    useless(store.layout.tmp).mkdir()
    assert found(store) == []


def test_old_left_overs_and_all_trash_are_found(store):
    tmp, trash = store.layout.tmp, store.layout.trash
    for directory in (tmp, trash):
        old = useless(directory)
        old.mkdir()
        (old / 'file').write_bytes(b'12345')
        os.utime(old, (time.time() - 25 * 3600,) * 2)
        useless(directory, 1).mkdir()
        (directory / 'mine').write_text('')
        os.utime(directory / 'mine', (1, 1))
    assert found(store) == [(useless(tmp), LEFT_OVER), (useless(trash), TRASH),
                            (useless(trash, 1), TRASH)]  # fmt: skip
    assert [piece.size for piece in cleanup.find(store.layout)] == [5, 5, 0]
    sweep(store)
    assert sorted(os.listdir(tmp)) == [useless(tmp, 1).name, 'mine']
    assert os.listdir(trash) == ['mine']


def test_links_in_the_trash_are_not_followed(store, tmp_path):
    (tmp_path / 'outside').mkdir()
    (tmp_path / 'outside/file').write_text('mine')
    os.symlink(tmp_path / 'outside', useless(store.layout.trash))
    useless(store.layout.trash, 1).mkdir()
    os.symlink(tmp_path / 'outside', useless(store.layout.trash, 1) / 'link')
    sweep(store)
    assert os.listdir(store.layout.trash) == []
    assert (tmp_path / 'outside/file').read_text() == 'mine'


def test_a_linked_trash_is_not_entered(store, tmp_path):
    shutil.rmtree(store.layout.trash)
    (tmp_path / 'outside').mkdir()
    os.symlink(tmp_path / 'outside', store.layout.trash)
    with pytest.raises(CacheError, match='is a link'):
        found(store)


def test_pointers_to_what_is_gone_are_found(store, tmp_path):
    entry = add(store, tmp_path)
    gone, kept = point(store, 'demo', '1.1'), point(store)
    assert found(store) == [(gone, POINTER)]
    sweep(store)
    assert (gone.exists(), kept.exists(), entry.exists()) == (False, True, True)
    assert (kept.parent / 'origin.json').exists()


@pytest.mark.parametrize('level', ['project', 'eggs', 'origins'])
def test_what_can_not_be_read_is_left_alone(store, tmp_path, level):
    entry, pointer = add(store, tmp_path), point(store)
    closed = {'project': entry.path.parent.parent, 'eggs': store.layout.eggs(KEY),
              'origins': pointer.parent.parent}[level]  # fmt: skip
    os.chmod(closed, 0)
    try:
        with rights.as_modes_say():
            assert found(store) == []
    finally:
        os.chmod(closed, 0o755)


def test_a_pointer_stays_that_keeps_the_one_of_all_origins_from_answering(store, tmp_path):
    gone, common = point(store), point(store, origin=origins.EVERYWHERE)
    entry = add(store, tmp_path, content='adopted')
    row = json.loads(common.read_text())
    common.write_text(json.dumps({**row, 'sha256': entry.manifest.archive.sha256}))
    assert found(store) == []
    common.unlink()
    assert found(store) == [(gone, POINTER)]


def test_a_pointer_stays_that_keeps_an_adopted_egg_of_another_environment_from_answering(
        store, tmp_path):
    gone = point(store)
    sources = new_store(tmp_path / 'cache', f'{KEY}-sources')
    adopted = add(sources, tmp_path, content='adopted').manifest.archive
    for origin in (ORIGIN, origins.EVERYWHERE):
        pointer = Pointer(f'demo-1.0{UNKNOWN}', adopted.sha256, '1.0')
        origins.write(store.layout, sources.key, origin, 'demo', '1.0', pointer)
        assert found(store) == []
        store.layout.pin(sources.key, origin.key, 'demo', '1.0').unlink()
        assert found(store) == [(gone, POINTER)]


@pytest.mark.parametrize('origin', [ORIGIN, origins.EVERYWHERE])
def test_pointers_to_adopted_eggs_that_are_gone_do_not_keep_each_other(store, tmp_path, origin):
    for key in (KEY, f'{KEY}-sources'):
        pointer = Pointer(f'demo-1.0{UNKNOWN}', archive().sha256, '1.0')
        origins.write(store.layout, new_store(tmp_path / 'cache', key).key, origin, 'demo', '1.0',
                      pointer)  # fmt: skip
    assert len(found(store)) == 2


@pytest.mark.parametrize(('text', 'is_found'), [
    ('', True), ('my own notes', False), ('[' * 200_000, False), ('{"version": 1}', False),
    ('[]', False),
    ('{"version": "1.0", "sha256": "../../../x"}', True),
])  # fmt: skip
def test_a_file_that_was_no_pointer_is_left_alone(store, text, is_found):
    path = point(store)
    path.write_text(text)
    assert (found(store) == [(path, POINTER)]) == is_found


def test_directories_without_an_entry_are_found(store, tmp_path):
    entry = add(store, tmp_path, 'used')
    (entry.path.parent.parent / '9.9').mkdir()
    (store.layout.eggs(KEY) / 'empty/1.0').mkdir(parents=True)
    (store.layout.eggs(KEY) / 'mine').mkdir()
    (store.layout.eggs(KEY) / 'mine/notes').write_text('')
    assert {str(path.relative_to(store.layout.eggs(KEY))) for path, kind in found(store)} == {
        'used/9.9', 'empty/1.0', 'empty'}
    assert {kind for _, kind in found(store)} == {DIRECTORY}
    sweep(store)
    assert found(store) == []
    assert entry.exists()
    assert sorted(os.listdir(store.layout.eggs(KEY))) == ['mine', 'used']


def test_who_is_slower_does_no_harm(store, tmp_path):
    (store.layout.eggs(KEY) / 'demo/1.0').mkdir(parents=True)
    useless(store.layout.trash).mkdir()
    pieces = [*cleanup.find(store.layout)]
    entry = add(store, tmp_path)
    shutil.rmtree(useless(store.layout.trash))
    for piece in [*pieces, *pieces]:
        cleanup.remove(piece)
    assert entry.exists()


def test_looking_changes_nothing(store, tmp_path):
    add(store, tmp_path)
    point(store, 'gone')
    useless(store.layout.trash).mkdir()
    before = trees.snapshot(tmp_path / 'cache')
    assert len(found(store)) == 2
    assert trees.differences(before, trees.snapshot(tmp_path / 'cache')) == []


def test_what_can_not_be_removed_is_an_error(store, monkeypatch):
    useless(store.layout.trash).mkdir()
    monkeypatch.setattr(cleanup, 'remove_tree', lambda path: None)
    with pytest.raises(PermissionError):
        sweep(store)

"""Store: which eggs are in the cache?"""

import contextlib
import dataclasses
import os
import shutil
import signal
import stat
import time
from pathlib import Path

import pytest
from support import processes, rights, trees
from support.eggs import KEY, add, archive, manifest, new_store, overwrite, useless, write_egg

from egg.cache.common.errors import DamagedError
from egg.cache.store import integrity, transfer
from egg.cache.store import manifest as manifests
from egg.cache.store import store as stores
from egg.cache.store.layout import CACHEDIR_TAG, Layout
from egg.cache.store.store import Store, entries


def find(store, project, version, archive):
    """Return the entry that was built from an archive, if there is one, as a session does."""
    entry = store.entry(project, version, archive.sha256)
    return entry if store.holds(entry, archive) else None


ADD = """
import sys
from support.eggs import add, new_store
{preparation}
add(new_store(sys.argv[1]), sys.argv[2])
"""
KILL_AT_RENAME = """
import os, signal
os.rename = lambda *args, **options: os.kill(os.getpid(), signal.SIGKILL)
"""
KILL_IN_MID_COPY = """
import os, signal
written = []
write = os.write
def dying(sink, data):
    written.append(write(sink, data[:5]))
    if len(written) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return written[-1]
os.write = dying
"""
KILL_AT_THE_MANIFEST = """
import os, signal
os.chmod = lambda *args, **options: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path / 'cache')


def names(directory):
    return sorted(os.listdir(directory))


def rewrite(entry, **changes):
    """Write the manifest of an entry anew, with a right checksum."""
    overwrite(entry.path / 'entry.json',
              manifests.dump(dataclasses.replace(entry.manifest, **changes)))  # fmt: skip


def lives(entry):
    return stores.Entry(entry.path).exists()


# The directory


def test_prepare_makes_the_tree(tmp_path):
    store = Store(Layout(tmp_path / 'new' / 'cache'), KEY)
    store.prepare()
    assert names(tmp_path / 'new/cache') == ['CACHEDIR.TAG', 'locks', 'tmp', 'trash', 'v1']
    assert (tmp_path / 'new/cache/v1' / KEY / 'eggs').is_dir()
    assert (tmp_path / 'new/cache/CACHEDIR.TAG').read_text() == CACHEDIR_TAG


def test_prepare_leaves_alone_what_is_there(store, tmp_path):
    add(store, tmp_path)
    before = trees.snapshot(tmp_path / 'cache')
    store.prepare()
    assert trees.differences(before, trees.snapshot(tmp_path / 'cache')) == []


# Adding and finding


def test_an_added_egg_is_found_by_its_archive(store, tmp_path):
    entry = add(store, tmp_path)
    found = find(store, 'demo', '1.0', archive())
    assert found == entry
    assert found.exists()
    assert found.path == store.layout.entry(KEY, 'demo', '1.0', archive().sha256)
    assert found.egg == found.path / 'demo-1.0-py3.12.egg'
    assert found.environment_key == KEY
    assert str(found) == 'demo 1.0'
    assert names(found.path) == ['demo-1.0-py3.12.egg', 'entry.json']


def test_the_manifest_tells_what_the_egg_is_made_of(store, tmp_path):
    egg = write_egg(tmp_path)
    entry = store.add(manifest(egg), egg)
    assert entry.manifest.items == transfer.copy_in(egg, tmp_path / 'again')
    assert dataclasses.replace(entry.manifest, items=()) == manifest(egg)
    assert stat.S_IMODE(os.stat(entry.path / 'entry.json').st_mode) == 0o444


def test_nothing_is_left_in_tmp(store, tmp_path):
    add(store, tmp_path)
    add(store, tmp_path)
    assert names(store.layout.tmp) == []
    assert names(store.layout.trash) == []


def test_names_and_versions_are_found_in_every_spelling(store, tmp_path):
    entry = add(store, tmp_path, 'Demo.Thing', '1.0-1')
    built_from = archive('Demo.Thing', '1.0-1')
    assert find(store, 'demo_thing', '1.0.post1', built_from) == entry


@pytest.mark.parametrize(('project', 'version', 'built_from'), [
    ('demo', '1.0', archive(content='other')),
    ('demo', '1.0.0', archive()),
    ('demo2', '1.0', archive()),
    ('demo', '1.0', dataclasses.replace(archive(), name='demo-1.0-1-py3-none-any.whl')),
    ('demo', '1.0', dataclasses.replace(archive(), sha256=archive().sha256[:16] + 'f' * 48)),
])  # fmt: skip
def test_find_skips_entries_of_another_archive(store, tmp_path, project, version, built_from):
    add(store, tmp_path)
    assert find(store, project, version, built_from) is None


def test_find_skips_entries_of_another_environment(store, tmp_path):
    add(store, tmp_path)
    other = new_store(tmp_path / 'cache', 'cp313-manylinux_2_36_x86_64-egg5')
    assert find(other, 'demo', '1.0', archive()) is None
    assert list(other.versions('demo')) == []


def test_the_archive_counts_not_where_it_came_from(store, tmp_path):
    entry = add(store, tmp_path)
    built_from = archive(url='https://elsewhere.example.com/demo.whl', seconds=7.0)
    assert find(store, 'demo', '1.0', built_from) == entry


def test_versions_are_all_entries_of_one_project(store, tmp_path):
    entries = [add(store, tmp_path / version, version=version) for version in ('1.0', '2.0')]
    entries.append(add(store, tmp_path, version='2.0', content='rebuilt'))
    add(store, tmp_path / 'other', 'demo2')
    assert sorted(store.versions('Demo'), key=str) == sorted(entries, key=str)
    assert list(store.versions('nothing')) == []


def count_calls(monkeypatch, function):
    calls = []
    with monkeypatch.context() as patch:
        for name in ('open', 'scandir', 'listdir', 'stat', 'lstat', 'readlink'):
            original = getattr(os, name)

            def counting(*args, _name=name, _original=original, **options):
                calls.append(_name)
                return _original(*args, **options)

            patch.setattr(os, name, counting)
        function()
    return sorted(calls)


def test_a_lookup_costs_the_same_in_a_cache_of_any_size(store, tmp_path, monkeypatch):
    entry = add(store, tmp_path)
    assert find(store, 'demo', '1.0', archive()) == entry  # The first one checks the cache.
    hit = count_calls(monkeypatch, lambda: find(store, 'demo', '1.0', archive()))
    miss = count_calls(monkeypatch, lambda: find(store, 'demo', '1.1', archive()))
    for number in range(300):
        path = store.layout.entry(KEY, f'demo{number}', '1.0', archive().sha256)
        path.mkdir(parents=True)
        store.layout.entry(KEY, 'demo', f'2.{number}', archive().sha256).mkdir(parents=True)
    assert find(store, 'demo', '1.0', archive()) == entry
    assert count_calls(monkeypatch, lambda: find(store, 'demo', '1.0', archive())) == hit
    assert count_calls(monkeypatch, lambda: find(store, 'demo', '1.1', archive())) == miss
    assert 'open' in hit
    assert 'listdir' not in hit and 'scandir' not in hit
    assert len(hit) <= 10
    assert len(miss) <= 1


# Races


def test_the_loser_of_a_race_drops_its_copy(store, tmp_path):
    winner = add(store, tmp_path / 'one', files={'demo/who.txt': b'winner'})
    before = trees.snapshot(winner.path)
    loser = add(store, tmp_path / 'two', files={'demo/who.txt': b'loser'})
    assert loser == winner
    assert (loser.egg / 'demo/who.txt').read_bytes() == b'winner'
    assert trees.differences(before, trees.snapshot(winner.path)) == []
    assert names(store.layout.tmp) == names(store.layout.trash) == []


def test_replace_puts_the_new_egg_into_its_place(store, tmp_path):
    add(store, tmp_path / 'one', files={'demo/who.txt': b'old'})
    egg = write_egg(tmp_path / 'two', files={'demo/who.txt': b'new'})
    entry = store.add(manifest(egg), egg, replaces=True)
    assert (entry.egg / 'demo/who.txt').read_bytes() == b'new'
    assert list(integrity.faults(entry.manifest, entry.egg)) == []
    assert len(list(entries(store.layout))) == 1
    assert names(store.layout.tmp) == names(store.layout.trash) == []


def test_replace_adds_what_was_not_there(store, tmp_path):
    egg = write_egg(tmp_path)
    assert lives(store.add(manifest(egg), egg, replaces=True))


def test_two_processes_that_add_the_same_egg_leave_one(store, tmp_path):
    script = ADD.format(preparation='sys.stdin.readline()')
    children = [processes.start(script, tmp_path / 'cache', tmp_path / f'egg{number}')
                for number in range(2)]  # fmt: skip
    for child in children:
        child.stdin.write('go\n')
        child.stdin.flush()
    results = [(child.communicate(timeout=processes.TIMEOUT), child.returncode)
               for child in children]  # fmt: skip
    assert [status for _, status in results] == [0, 0], results
    [entry] = entries(store.layout)
    assert list(integrity.faults(entry.manifest, entry.egg)) == []
    assert names(store.layout.tmp) == []


@pytest.mark.parametrize('preparation', [KILL_AT_RENAME, KILL_IN_MID_COPY, KILL_AT_THE_MANIFEST],
                         ids=['rename', 'copy', 'manifest'])  # fmt: skip
def test_a_store_killed_before_the_rename_leaves_no_entry(store, tmp_path, preparation):
    script = ADD.format(preparation=preparation)
    status, output, errors = processes.run(script, tmp_path / 'cache', tmp_path / 'child')
    assert status == -signal.SIGKILL, errors
    assert list(entries(store.layout)) == []
    assert find(store, 'demo', '1.0', archive()) is None
    assert len(names(store.layout.tmp)) == 1
    # The next one is not disturbed by it.
    entry = add(store, tmp_path)
    assert list(integrity.faults(entry.manifest, entry.egg)) == []


def test_an_error_in_mid_copy_leaves_nothing(store, tmp_path):
    egg = write_egg(tmp_path)
    os.mkfifo(egg / 'demo/pipe')
    with pytest.raises(Exception, match='neither a file nor a directory nor a link'):
        store.add(manifest(egg), egg)
    assert names(store.layout.tmp) == []
    assert list(entries(store.layout)) == []


def test_an_error_at_the_rename_is_raised(store, tmp_path, monkeypatch):
    egg = write_egg(tmp_path)

    def fail(source, target):
        raise OSError(5, 'Input/output error')

    monkeypatch.setattr(os, 'rename', fail)
    with pytest.raises(OSError, match='Input/output error'):
        store.add(manifest(egg), egg)
    assert names(store.layout.tmp) == []


def test_staging_is_a_directory_of_its_own(store):
    with store.staging() as one, store.staging() as other:
        assert one != other
        assert one.parent == other.parent == store.layout.tmp
        (one / 'x').mkdir()
    assert names(store.layout.tmp) == []


# Damage


@pytest.mark.parametrize('content', [b'', b'{}', b'\0' * 1000])
def test_a_manifest_that_is_none_is_damage(store, tmp_path, content):
    overwrite(add(store, tmp_path).path / 'entry.json', content)
    with pytest.raises(DamagedError) as info:
        find(store, 'demo', '1.0', archive())
    assert info.value.path == 'entry.json'


@pytest.mark.parametrize(('damage', 'found'), [
    (lambda path: path.unlink(), 'No such file or directory'),
    (lambda path: (path.unlink(), path.mkdir()), 'Is a directory'),
    (lambda path: (path.rename(path.with_name('x')), path.symlink_to('x')),
     'Too many levels of symbolic links'),
])  # fmt: skip
def test_a_manifest_that_is_no_file_is_damage(store, tmp_path, damage, found):
    damage(add(store, tmp_path).path / 'entry.json')
    with pytest.raises(DamagedError) as info:
        find(store, 'demo', '1.0', archive())
    assert str(info.value) == f'entry.json: expected a readable file, found {found}'


def test_a_manifest_that_is_a_pipe_is_damage(store, tmp_path):
    path = add(store, tmp_path).path / 'entry.json'
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DamagedError):
        find(store, 'demo', '1.0', archive())


def test_a_manifest_of_another_archive_is_damage(store, tmp_path):
    entry = add(store, tmp_path)
    other = add(store, tmp_path, content='other')
    (entry.path / 'entry.json').unlink()    # It is read-only, but for root.
    shutil.copy(other.path / 'entry.json', entry.path / 'entry.json')
    with pytest.raises(DamagedError) as info:
        find(store, 'demo', '1.0', archive())
    assert str(info.value) == (
        f'entry.json: expected an archive {entry.path.name}, '
        f'found {archive(content="other").sha256}'
    )


@pytest.mark.parametrize('changes', [{'project': 'other'}, {'version': '2.0'},
                                     {'version': 'not a version'}])  # fmt: skip
def test_a_manifest_of_another_distribution_is_damage(store, tmp_path, changes):
    rewrite(add(store, tmp_path), **changes)
    with pytest.raises(DamagedError):
        find(store, 'demo', '1.0', archive())


def test_an_entry_that_is_a_dangling_link_is_damage(store, tmp_path):
    entry = add(store, tmp_path)
    entry.path.rename(tmp_path / 'away')
    entry.path.symlink_to(tmp_path / 'nowhere')
    with pytest.raises(DamagedError):
        find(store, 'demo', '1.0', archive())


# Removing


def test_set_aside_moves_an_entry_to_the_trash(store, tmp_path):
    entry = add(store, tmp_path)
    before = trees.snapshot(entry.path)
    target = store.set_aside(entry)
    assert target.parent == store.layout.trash
    assert target.name.startswith(f'{entry.path.name}-')
    assert not lives(entry)
    after = trees.snapshot(target)
    assert after.pop('.').time >= before.pop('.').time
    assert trees.differences(before, after) == []
    assert store.set_aside(entry) is None


def test_set_aside_twice_keeps_both(store, tmp_path):
    first = store.set_aside(add(store, tmp_path))
    second = store.set_aside(add(store, tmp_path))
    assert names(store.layout.trash) == sorted([first.name, second.name])


def test_what_is_set_aside_lies_there_from_now_on(store, tmp_path):
    entry = add(store, tmp_path)
    os.utime(entry.path, (1, 1))
    target = store.set_aside(entry)
    assert abs(os.stat(target).st_mtime - time.time()) < 60


def test_set_aside_works_without_a_trash_directory(store, tmp_path):
    # Somebody who wanted space back removed it.
    entry = add(store, tmp_path)
    store.layout.trash.rmdir()
    with contextlib.suppress(OSError):
        store.set_aside(entry)
        assert not lives(entry)


def test_remove_leaves_nothing_and_follows_no_link(store, tmp_path):
    entry = add(store, tmp_path)
    precious = tmp_path / 'precious'
    precious.mkdir()
    (precious / 'file').touch()
    os.symlink(precious, entry.egg / 'link')
    store.remove(entry)
    assert not lives(entry)
    assert names(store.layout.trash) == []
    assert names(precious) == ['file']
    store.remove(entry)


def test_remove_of_an_entry_that_is_a_link_spares_its_target(store, tmp_path):
    entry = add(store, tmp_path)
    entry.path.rename(tmp_path / 'away')
    entry.path.symlink_to(tmp_path / 'away')
    store.remove(entry)
    assert not lives(entry)
    assert names(tmp_path / 'away') == ['demo-1.0-py3.12.egg', 'entry.json']


def test_sweep_goes_by_age(store, tmp_path):
    now = time.time()
    ages = {
        useless(store.layout.tmp, 0): stores.TMP_AGE - 60,
        useless(store.layout.tmp, 2): stores.TMP_AGE + 60,
        useless(store.layout.trash, 0): stores.TRASH_AGE - 60,
        useless(store.layout.trash, 2): stores.TRASH_AGE + 60,
    }
    for path, age in ages.items():
        path.mkdir()
        (path / 'file').touch()
        file = path.with_name(path.name[:-1] + str(int(path.name[-1]) + 1))
        file.touch()
        for aged in (path, file):
            os.utime(aged, (now - age, now - age))
    store.sweep()
    for directory in (store.layout.tmp, store.layout.trash):
        assert [name[-1] for name in names(directory)] == ['0', '1']
    assert (stores.TMP_AGE, stores.TRASH_AGE) == (86400, 604800)


def test_sweep_removes_links_but_not_what_they_point_to(store, tmp_path):
    precious = tmp_path / 'precious'
    precious.mkdir()
    (precious / 'file').touch()
    link = useless(store.layout.tmp)
    link.symlink_to(precious)
    os.utime(link, (1, 1), follow_symlinks=False)
    store.sweep()
    assert names(store.layout.tmp) == []
    assert names(precious) == ['file']


def test_sweep_leaves_alone_what_others_put_there(store):
    """Somebody's own directory may have been named as the cache."""
    for directory in (store.layout.tmp, store.layout.trash):
        for name in ('thesis.txt', '4711', '4711-0123456789abcdef.txt', 'x-0123456789abcdef'):
            (directory / name).write_text('mine')
            os.utime(directory / name, (1, 1))
    before = trees.snapshot(store.layout.root)
    store.sweep()
    assert trees.differences(before, trees.snapshot(store.layout.root)) == []


@pytest.mark.parametrize(('text', 'expected'), [
    ('', CACHEDIR_TAG), ('Signature', CACHEDIR_TAG), ('\0' * 99, CACHEDIR_TAG),
    (CACHEDIR_TAG.partition('#')[0] + '# mine', CACHEDIR_TAG.partition('#')[0] + '# mine'),
])  # fmt: skip
def test_a_torn_tag_is_mended_and_a_foreign_one_stays(store, text, expected):
    store.layout.tag.write_text(text)
    store.prepare()
    assert store.layout.tag.read_text() == expected


def test_environments_behind_links_are_nobodys(store, tmp_path):
    add(store, tmp_path)
    (store.layout.environments / 'link').symlink_to(KEY)
    assert [entry.environment_key for entry in stores.entries(store.layout)] == [KEY]
    assert [entry.environment_key
            for entry in stores.siblings(store.layout, 'demo', '1.0')] == [KEY]


@pytest.mark.parametrize('level', [0, 1, 2])
def test_entries_that_can_not_be_read_are_passed_over(store, tmp_path, caplog, level):
    entry, other = add(store, tmp_path), add(store, tmp_path, 'other')
    closed = [entry.path.parent, entry.path.parent.parent, store.layout.eggs(KEY)][level]
    os.chmod(closed, 0)
    try:
        with rights.as_modes_say():
            found = list(stores.entries(store.layout))
    finally:
        os.chmod(closed, 0o755)
    assert found == ([other] if level < 2 else [])
    assert caplog.messages == [f'Passed over, as you may not read it: {closed}.']


def test_sweep_does_not_touch_entries_and_locks(store, tmp_path):
    entry = add(store, tmp_path)
    (store.layout.locks / 'x.lock').touch()
    for path in (entry.path, store.layout.locks / 'x.lock'):
        os.utime(path, (1, 1))
    before = trees.snapshot(tmp_path / 'cache')
    store.sweep()
    assert trees.differences(before, trees.snapshot(tmp_path / 'cache')) == []


def test_sweep_of_nothing_is_harmless(tmp_path):
    Store(Layout(tmp_path / 'nowhere'), KEY).sweep()
    assert not (tmp_path / 'nowhere').exists()


# All of them


def test_entries_are_sorted_by_environment_project_and_version(store, tmp_path):
    other = new_store(tmp_path / 'cache', 'cp39-manylinux_2_36_x86_64-egg5')
    for where, project, version in [
        (other, 'zope', '1.0'), (store, 'zope', '2.0'), (store, 'zope', '1.0'),
        (store, 'demo', '1.0'), (other, 'demo', '3.0'),
    ]:  # fmt: skip
        add(where, tmp_path / f'{where.key}-{project}-{version}', project, version)
    assert [(entry.environment_key, str(entry)) for entry in entries(store.layout)] == [
        (KEY, 'demo 1.0'),
        (KEY, 'zope 1.0'),
        (KEY, 'zope 2.0'),
        (other.key, 'demo 3.0'),
        (other.key, 'zope 1.0'),
    ]


def test_there_are_no_entries_in_what_is_not_there(tmp_path):
    assert list(entries(Layout(tmp_path / 'nowhere'))) == []


@pytest.mark.parametrize('path', [
    '.DS_Store', '.hidden/eggs', 'a b/eggs', 'file', '{key}/eggs/.DS_Store', '{key}/eggs/file',
    '{key}/eggs/-x/1.0', '{key}/eggs/demo/file', '{key}/eggs/demo/1.0/.nfs0001',
    '{key}/eggs/demo/1.0/0123', '{key}/eggs/demo/1.0/0123456789ABCDEF',
])  # fmt: skip
def test_foreign_names_are_no_entries(store, tmp_path, path):
    entry = add(store, tmp_path)
    foreign = store.layout.environments / path.format(key=KEY)
    if foreign.name in ('.DS_Store', 'file', '.nfs0001'):
        foreign.touch()
    else:
        foreign.mkdir(parents=True)
    assert list(entries(store.layout)) == [entry]
    assert list(store.versions('demo')) == [entry]


def test_an_entry_knows_whether_it_is_there(tmp_path):
    assert not stores.Entry(Path(tmp_path, 'nowhere')).exists()

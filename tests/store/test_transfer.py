"""Transfer: how does an egg get into the cache, and out of it unharmed?"""

import contextlib
import hashlib
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trees
from support.eggs import flip, manifest, overwrite
from support.properties import DISK_PROPERTY, PROPERTY

from egg.cache.common import files
from egg.cache.common.errors import CacheError, DamagedError, UnwritableError
from egg.cache.store import integrity, transfer
from egg.cache.store.manifest import Item

TIME = 1234567890_987654321
NAME = 'demo-1.0-py3.12.egg'
BIG = files.CHUNK + 12345


def write(path, content=b'', mode=0o644, time=TIME):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.chmod(path, mode)
    os.utime(path, ns=(time, time))
    return path


def make_egg(directory):
    """Write an egg with everything that eggs hold."""
    egg = directory / NAME
    write(egg / 'demo/__init__.py', b'VERSION = 1\n')
    write(egg / 'demo/empty.txt')
    write(egg / 'demo/run', b'#!/bin/sh\n', 0o755, TIME + 1)
    write(egg / 'demo/private', b'secret', 0o600)
    write(egg / 'demo/read-only', b'x', 0o444, 1)
    write(egg / 'demo/sub/deep/module.py', b'deep = True\n', time=0)
    write(egg / 'demo/données/ö.txt', b'\xff')
    os.symlink('run', egg / 'demo/link')
    os.symlink('/nowhere/at all', egg / 'demo/broken')
    os.symlink('sub', egg / 'demo/linked')
    (egg / 'demo/nothing').mkdir()
    for path in (egg / 'demo/nothing', egg / 'demo/sub', egg / 'demo', egg):
        os.utime(path, ns=(TIME + 2, TIME + 2))
    return egg


def differences(one, other):
    return trees.differences(snapshot(one), snapshot(other))


def snapshot(directory):
    """Return a snapshot in which links have no times: those of links mean nothing."""
    return {path: node._replace(time=None) if node.type == 'link' else node
            for path, node in trees.snapshot(directory).items()}


class Cached:
    """An egg in a cache, and the place that it shall be copied to."""

    def __init__(self, directory, egg):
        self.source = egg
        self.path = directory / 'cached'
        self.destination = directory / 'eggs' / egg.name
        self.destination.parent.mkdir()
        self.manifest = manifest(egg, transfer.copy_in(egg, self.path))
        self.elsewhere = directory / 'elsewhere'
        self.elsewhere.mkdir()

    def copy(self, umask=0o022):
        transfer.copy_out(self.manifest, self.path, self.destination, umask)

    def faults(self):
        return list(integrity.faults(self.manifest, self.path))


@pytest.fixture
def cached(tmp_path):
    return Cached(tmp_path, make_egg(tmp_path / 'source'))


# Undamaged


def test_copy_in_tells_what_the_egg_is_made_of_parents_first(tmp_path):
    egg = tmp_path / 'egg'
    write(egg / 'b/file', b'content', 0o640, 42)
    os.symlink('b', egg / 'a')
    write(egg / 'c', b'', 0o755)
    for path in (egg / 'b', egg):
        os.chmod(path, 0o750)
        os.utime(path, ns=(7, 7))
    assert transfer.copy_in(egg, tmp_path / 'cached') == (
        Item('.', 'directory', 0o750, 7),
        Item('a', 'link', target='b'),
        Item('b', 'directory', 0o750, 7),
        Item('b/file', 'file', 0o640, 42, 7, hashlib.sha256(b'content').hexdigest()),
        Item('c', 'file', 0o755, TIME, 0, hashlib.sha256(b'').hexdigest()),
    )


def test_an_egg_comes_back_with_modes_times_links_and_empty_directories(cached):
    cached.copy()
    assert differences(cached.source, cached.destination) == []
    assert cached.faults() == []


def test_the_source_is_not_changed(tmp_path):
    egg = make_egg(tmp_path / 'source')
    before = trees.snapshot(egg)
    Cached(tmp_path, egg).copy()
    assert trees.differences(before, trees.snapshot(egg)) == []


def test_copying_out_does_not_change_the_cache(cached):
    before = trees.snapshot(cached.path)
    cached.copy()
    assert trees.differences(before, trees.snapshot(cached.path)) == []


def test_cached_files_are_read_only_and_keep_their_times(cached):
    nodes = trees.snapshot(cached.path)
    files = {path: (node.mode, node.time) for path, node in nodes.items() if node.type == 'file'}
    assert files == {
        'demo/__init__.py': (0o444, TIME),
        'demo/empty.txt': (0o444, TIME),
        'demo/run': (0o555, TIME + 1),
        'demo/private': (0o444, TIME),
        'demo/read-only': (0o444, 1),
        'demo/sub/deep/module.py': (0o444, 0),
        'demo/données/ö.txt': (0o444, TIME),
    }


@pytest.mark.parametrize(('mode', 'expected'), [
    (0o644, 0o444), (0o600, 0o444), (0o000, 0o444), (0o666, 0o444), (0o755, 0o555),
    (0o100, 0o555), (0o010, 0o555), (0o001, 0o555), (0o777, 0o555),
])  # fmt: skip
def test_a_cached_mode_knows_only_whether_a_file_can_run(mode, expected):
    assert integrity.cached_mode(mode) == expected


def test_a_read_only_egg_is_copied_both_ways(tmp_path):
    egg = make_egg(tmp_path / 'source')
    directories = [path for path in egg.rglob('*') if path.is_dir() and not path.is_symlink()]
    for path in (egg, *directories):
        os.chmod(path, 0o555)
    cached = Cached(tmp_path, egg)
    cached.copy()
    assert differences(egg, cached.destination) == []


def test_names_that_are_no_utf_8_come_back(tmp_path):
    egg = make_egg(tmp_path / 'source')
    name = os.fsdecode(b'caf\xe9\xff')
    try:
        write(egg / name / name, b'x')
        os.symlink(name, egg / f'link-{name}')
    except OSError:
        pytest.skip('this filesystem has no such names')
    cached = Cached(tmp_path, egg)
    cached.copy()
    assert differences(egg, cached.destination) == []
    assert f'{name}/{name}' in trees.snapshot(cached.destination)


def test_a_file_bigger_than_one_chunk_comes_back(tmp_path):
    egg = make_egg(tmp_path / 'source')
    content = bytes(range(256)) * (BIG // 256 + 1)
    write(egg / 'demo/big', content)
    cached = Cached(tmp_path, egg)
    cached.copy()
    assert (cached.destination / 'demo/big').read_bytes() == content
    [item] = [item for item in cached.manifest.items if item.path == 'demo/big']
    assert (item.size, item.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_all(cached, monkeypatch):
    write_some = os.write
    monkeypatch.setattr(os, 'write', lambda sink, data: write_some(sink, bytes(data[:3])))
    cached.copy()
    monkeypatch.undo()
    assert differences(cached.source, cached.destination) == []


def test_special_bits_do_not_travel(tmp_path):
    egg = make_egg(tmp_path / 'source')
    os.chmod(egg / 'demo/run', 0o4755)
    cached = Cached(tmp_path, egg)
    cached.copy()
    assert stat.S_IMODE(os.stat(cached.destination / 'demo/run').st_mode) == 0o755


def test_a_hard_link_becomes_a_file_of_its_own(tmp_path):
    egg = make_egg(tmp_path / 'source')
    os.link(egg / 'demo/run', egg / 'demo/again')
    cached = Cached(tmp_path, egg)
    cached.copy()
    assert os.stat(cached.destination / 'demo/again').st_nlink == 1
    assert differences(egg, cached.destination) == []


def test_hundreds_of_nested_directories_are_copied(tmp_path):
    egg = make_egg(tmp_path / 'source')
    write(egg / '/'.join('d' * 300) / 'x', b'deep')
    cached = Cached(tmp_path, egg)
    cached.copy()
    assert (cached.destination / '/'.join('d' * 300) / 'x').read_bytes() == b'deep'


@pytest.mark.parametrize('umask', [0o002, 0o022, 0o077])
def test_the_umask_of_the_process_does_not_matter(cached, umask):
    before = os.umask(umask)
    try:
        cached.copy(0o022)
    finally:
        os.umask(before)
    assert differences(cached.source, cached.destination) == []


FILE_NAMES = st.one_of(
    st.text(st.characters(blacklist_characters='/\0', blacklist_categories=['Cs']), min_size=1,
            max_size=20),
    st.binary(min_size=1, max_size=20).map(os.fsdecode),
).filter(lambda name: not {'/', '\0'} & set(name) and name not in ('.', '..'))  # fmt: skip
TREES = st.recursive(
    st.one_of(
        st.tuples(st.binary(max_size=50), st.integers(0, 0o777), st.integers(0, 2**62)),
        FILE_NAMES,
    ),
    lambda children: st.dictionaries(FILE_NAMES, children, max_size=4),
    max_leaves=12,
)


def write_tree(path, tree):
    if isinstance(tree, dict):
        path.mkdir()
        for name, child in tree.items():
            write_tree(path / name, child)
    elif isinstance(tree, str):
        os.symlink(tree, path)
    else:
        content, mode, time = tree
        write(path, content, mode | 0o400, time)


@pytest.mark.skipif(sys.platform != 'linux', reason='other filesystems change names')
@DISK_PROPERTY
@given(st.dictionaries(FILE_NAMES, TREES, max_size=4))
def test_any_egg_comes_back_as_it_was(tmp_path_factory, tree):
    directory = tmp_path_factory.mktemp('any')
    write_tree(directory / NAME, tree)
    cached = Cached(directory, directory / NAME)
    cached.copy()
    assert differences(cached.source, cached.destination) == []
    assert cached.faults() == []


# Modes

UMASKS = st.sampled_from([0o000, 0o002, 0o007, 0o022, 0o027, 0o077])


@PROPERTY
@given(st.integers(0, 0o777), UMASKS)
def test_the_builder_gets_the_modes_that_were_built(mode, umask):
    assert transfer.received_mode(mode, umask, umask) == mode


@PROPERTY
@given(UMASKS, UMASKS)
def test_what_the_umask_decided_is_decided_anew(builder, receiver):
    for asked in (0o666, 0o777):
        built = asked & ~builder
        assert transfer.received_mode(built, builder, receiver) == asked & ~receiver


@pytest.mark.parametrize(('mode', 'builder', 'receiver', 'expected'), [
    (0o644, 0o022, 0o077, 0o600),
    (0o600, 0o077, 0o022, 0o644),
    (0o755, 0o022, 0o002, 0o775),
    (0o700, 0o077, 0o022, 0o755),
    (0o711, 0o077, 0o022, 0o755),
    (0o711, 0o077, 0o002, 0o775),
    (0o600, 0o022, 0o002, 0o600),
    (0o444, 0o022, 0o077, 0o444),
    (0o640, 0o022, 0o002, 0o640),
    (0o640, 0o027, 0o022, 0o644),
])  # fmt: skip
def test_received_modes(mode, builder, receiver, expected):
    assert transfer.received_mode(mode, builder, receiver) == expected


def test_files_and_directories_get_the_modes_of_the_receiver(cached):
    cached.copy(0o077)
    nodes = trees.snapshot(cached.destination)
    assert nodes['demo/__init__.py'].mode == 0o600
    assert nodes['demo/read-only'].mode == 0o444
    assert nodes['demo'].mode == 0o700
    assert nodes['.'].mode == 0o700


def test_an_executable_file_gets_the_mode_that_pip_gives(cached):
    # pip: `0o777 & ~umask | 0o111` for files, `0o777 & ~umask` for directories.
    cached.copy(0o077)
    assert trees.snapshot(cached.destination)['demo/run'].mode == 0o711


def test_a_set_group_id_directory_hands_it_down(cached):
    os.chmod(cached.destination.parent, 0o2755)
    if not os.stat(cached.destination.parent).st_mode & stat.S_ISGID:
        pytest.skip('this filesystem has no such bit')
    cached.copy()
    nodes = trees.snapshot(cached.destination)
    assert {node.mode for node in nodes.values() if node.type == 'directory'} == {0o2755}


# What is no egg


def test_a_pipe_in_an_egg_is_refused(tmp_path):
    egg = make_egg(tmp_path / 'source')
    os.mkfifo(egg / 'demo/pipe')
    with pytest.raises(CacheError) as info:
        transfer.copy_in(egg, tmp_path / 'cached')
    assert str(info.value) == (
        f'{egg}/demo/pipe is neither a file nor a directory nor a link.'
    )


def test_an_egg_that_is_a_link_is_not_followed(tmp_path):
    egg = make_egg(tmp_path / 'source')
    os.symlink(egg, tmp_path / 'link')
    with pytest.raises((CacheError, OSError)):
        transfer.copy_in(tmp_path / 'link', tmp_path / 'cached')


# Damage

MODULE = 'demo/sub/deep/module.py'
INIT = 'demo/__init__.py'


def remove(path):
    with contextlib.suppress(IsADirectoryError, PermissionError):
        path.unlink()
        return path
    trees_below = sorted(path.rglob('*'), reverse=True)
    for below in trees_below:
        below.rmdir() if below.is_dir() and not below.is_symlink() else below.unlink()
    path.rmdir()
    return path


def swap(path, other):
    path.rename(path.with_name('third'))
    other.rename(path)
    path.with_name('third').rename(other)


def move_away(cached, path):
    """Replace a directory of the cached egg by a link to its unchanged self elsewhere."""
    path.rename(cached.elsewhere / path.name)
    os.symlink(cached.elsewhere / path.name, path)


def relink(path, target):
    path.unlink()
    os.symlink(target, path)


# What is done to the cached egg, the path that must be named, and what is expected and found.
DAMAGES = {
    'the first byte is flipped': (
        lambda c: flip(c.path / INIT), INIT, '12 bytes with sha256', '12 bytes with sha256'),
    'the last byte is flipped': (
        lambda c: flip(c.path / INIT, -1), INIT, '12 bytes with sha256', '12 bytes with sha256'),
    'a file is truncated': (
        lambda c: overwrite(c.path / INIT, b'VERSION'), INIT, '12 bytes', '7 bytes'),
    'a file is emptied': (lambda c: overwrite(c.path / INIT, b''), INIT, '12 bytes', '0 bytes'),
    'a file has grown': (
        lambda c: overwrite(c.path / INIT, b'VERSION = 1\n#'), INIT, '12 bytes', '13 bytes'),
    'an empty file has grown': (
        lambda c: overwrite(c.path / 'demo/empty.txt', b'!'), 'demo/empty.txt', '0 bytes',
        '1 bytes'),
    'a file is added': (
        lambda c: write(c.path / 'demo/added.py'), 'demo/added.py', 'nothing', 'file'),
    'a hidden file is added on top': (
        lambda c: write(c.path / '.pth'), '.pth', 'nothing', 'file'),
    'an empty directory is added': (
        lambda c: (c.path / 'added').mkdir(), 'added', 'nothing', 'directory'),
    'a link is added': (
        lambda c: os.symlink('x', c.path / 'added'), 'added', 'nothing', 'link'),
    'a pipe is added': (
        lambda c: os.mkfifo(c.path / 'demo/pipe'), 'demo/pipe', 'nothing', None),
    'a file is deleted': (
        lambda c: (c.path / MODULE).unlink(), MODULE, 'file', 'nothing'),
    'an empty directory is deleted': (
        lambda c: (c.path / 'demo/nothing').rmdir(), 'demo/nothing', 'directory', 'nothing'),
    'a link is deleted': (
        lambda c: (c.path / 'demo/link').unlink(), 'demo/link', 'link', 'nothing'),
    'a directory is deleted': (
        lambda c: remove(c.path / 'demo/sub'), 'demo/sub', 'directory', 'nothing'),
    'two files are swapped': (
        lambda c: swap(c.path / 'demo/private', c.path / INIT), INIT, '12 bytes', '6 bytes'),
    'a file can run now': (
        lambda c: os.chmod(c.path / INIT, 0o555), INIT, '-r--r--r--', '-r-xr-xr-x'),
    'a file can be written to now': (
        lambda c: os.chmod(c.path / INIT, 0o644), INIT, '-r--r--r--', '-rw-r--r--'),
    'a file has setuid now': (
        lambda c: os.chmod(c.path / 'demo/run', 0o4555), 'demo/run', '-r-xr-xr-x', '-r-sr-xr-x'),
    'a file is a link now': (
        lambda c: relink(c.path / INIT, 'run'), INIT, 'file', 'link'),
    'a file is a directory now': (
        lambda c: remove(c.path / INIT).mkdir(), INIT, 'file', 'directory'),
    'a file is a pipe now': (
        lambda c: os.mkfifo(remove(c.path / INIT)), INIT, 'file', None),
    'an empty file is a pipe now': (
        lambda c: os.mkfifo(remove(c.path / 'demo/empty.txt')), 'demo/empty.txt', 'file', None),
    'a directory is a file now': (
        lambda c: write(remove(c.path / 'demo/sub')), 'demo/sub', 'directory', 'file'),
    'a link is a file now': (
        lambda c: write(remove(c.path / 'demo/link')), 'demo/link', 'link', 'file'),
    'a link points elsewhere': (
        lambda c: relink(c.path / 'demo/link', '/etc/passwd'), 'demo/link', 'a link to run',
        '/etc/passwd'),
    'a directory lies elsewhere': (
        lambda c: move_away(c, c.path / 'demo'), 'demo', 'directory', 'link'),
    'a deep directory lies elsewhere': (
        lambda c: move_away(c, c.path / 'demo/sub/deep'), 'demo/sub/deep', 'directory', 'link'),
    'the egg lies elsewhere': (lambda c: move_away(c, c.path), '.', 'directory', 'link'),
    'the egg is gone': (
        lambda c: remove(c.path), '.', 'to be there', 'No such file or directory'),
    'the egg is a file': (
        lambda c: write(remove(c.path)), '.', 'to be there', 'Not a directory'),
}  # fmt: skip


@pytest.mark.parametrize(('damage', 'path', 'expected', 'found'), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_named_and_leaves_nothing_behind(cached, damage, path, expected, found):
    damage(cached)
    elsewhere = trees.snapshot(cached.elsewhere)
    with pytest.raises(DamagedError) as info:
        cached.copy()
    fault = info.value
    assert (fault.path, fault.expected[:len(expected)]) == (path, expected)
    assert found is None or found in fault.found
    assert str(fault) == f'{path}: expected {fault.expected}, found {fault.found}'
    assert os.listdir(cached.destination.parent) == []
    assert trees.differences(elsewhere, trees.snapshot(cached.elsewhere)) == []


@pytest.mark.parametrize(('damage', 'path', 'expected', 'found'), DAMAGES.values(), ids=DAMAGES)
def test_faults_names_the_same_damage(cached, damage, path, expected, found):
    damage(cached)
    assert path in [fault.path for fault in cached.faults()]


def test_the_message_tells_both_checksums(cached):
    flip(cached.path / INIT)
    with pytest.raises(DamagedError) as info:
        cached.copy()
    before = hashlib.sha256(b'VERSION = 1\n').hexdigest()
    after = hashlib.sha256(b'WERSION = 1\n').hexdigest()
    assert str(info.value) == (
        f'{INIT}: expected 12 bytes with sha256 {before}, found 12 bytes with sha256 {after}'
    )


def test_every_flipped_byte_of_every_file_is_damage(cached):
    flipped = noticed = 0
    for item in cached.manifest.files:
        for position in range(item.size):
            flip(cached.path / item.path, position)
            flipped += 1
            with contextlib.suppress(DamagedError):
                cached.copy()
                remove(cached.destination)
                continue
            noticed += 1
            flip(cached.path / item.path, position)
    assert flipped == noticed == 42
    assert cached.faults() == []


def test_faults_lists_all_of_them(cached):
    flip(cached.path / INIT)
    overwrite(cached.path / 'demo/private', b'')
    os.chmod(cached.path / 'demo/run', 0o755)
    (cached.path / MODULE).unlink()
    relink(cached.path / 'demo/link', 'elsewhere')
    write(cached.path / 'added')
    assert sorted(fault.path for fault in cached.faults()) == sorted(
        [INIT, 'demo/private', 'demo/run', MODULE, 'demo/link', 'added']
    )


def test_faults_lists_all_of_them_beside_a_pipe(cached):
    os.mkfifo(cached.path / 'demo/a-pipe')
    flip(cached.path / INIT)
    write(cached.path / 'added')
    (cached.path / 'demo/link').unlink()
    assert sorted(fault.path for fault in cached.faults()) == [
        'added', INIT, 'demo/a-pipe', 'demo/link'
    ]  # fmt: skip


def test_a_directory_that_cannot_be_read_is_named(cached, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith('/demo/sub'):
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    with pytest.raises(DamagedError) as info:
        cached.copy()
    assert (info.value.path, info.value.found) == ('demo/sub', 'Permission denied')
    assert os.listdir(cached.destination.parent) == []


def test_a_file_that_cannot_be_read_is_a_fault(cached, monkeypatch):
    open_ = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith(INIT):
            raise OSError(5, 'Input/output error', str(path))
        return open_(path, *args, **kwargs)

    monkeypatch.setattr(os, 'open', refuse)
    [fault] = cached.faults()
    assert str(fault) == f'{INIT}: expected a readable file, found Input/output error'
    with pytest.raises(OSError, match='Input/output error'):
        cached.copy()
    assert os.listdir(cached.destination.parent) == []


def test_a_file_that_goes_while_it_is_copied_is_damage(cached, monkeypatch):
    tree_faults = integrity.tree_faults

    def late(manifest, egg):
        yield from tree_faults(manifest, egg)
        (egg / MODULE).unlink()

    monkeypatch.setattr(integrity, 'tree_faults', late)
    with pytest.raises(DamagedError) as info:
        cached.copy()
    assert str(info.value) == f'{MODULE}: expected a file, found nothing'
    assert os.listdir(cached.destination.parent) == []


@pytest.mark.parametrize('replaced', ['directory', 'file'])
def test_a_link_that_appears_while_it_is_copied_brings_nothing_else(
    cached, monkeypatch, replaced
):
    tree_faults = integrity.tree_faults
    write(cached.elsewhere / 'module.py', b'evil = True\n', 0o444)

    def late(manifest, egg):
        yield from tree_faults(manifest, egg)
        path = egg / MODULE if replaced == 'file' else (egg / MODULE).parent
        remove(path)
        os.symlink(cached.elsewhere / ('module.py' if replaced == 'file' else ''), path)

    monkeypatch.setattr(integrity, 'tree_faults', late)
    with pytest.raises((DamagedError, OSError)):
        cached.copy()
    assert os.listdir(cached.destination.parent) == []


@pytest.mark.parametrize(('error', 'raised'), [
    (OSError(28, 'No space left on device'), UnwritableError),
    (OSError(5, 'Input/output error'), OSError), (KeyboardInterrupt(), KeyboardInterrupt),
], ids=repr)  # fmt: skip
def test_whatever_stops_the_copy_leaves_nothing_behind(cached, monkeypatch, error, raised):
    write_bytes = os.write

    def fail(sink, data):
        if data.startswith(b'#!'):
            raise error
        return write_bytes(sink, data)

    monkeypatch.setattr(os, 'write', fail)
    with pytest.raises(raised):
        cached.copy()
    assert os.listdir(cached.destination.parent) == []


@pytest.mark.parametrize('kind', ['directory', 'file', 'link'])
def test_what_is_at_the_destination_already_stays(cached, kind):
    # Two buildouts in one directory race for the same egg name.
    if kind == 'link':
        write(cached.elsewhere / 'precious')
        os.symlink(cached.elsewhere, cached.destination)
    else:
        write(cached.destination / 'precious' if kind == 'directory' else cached.destination)
    before = trees.snapshot(cached.destination.parent)
    with pytest.raises(FileExistsError):
        cached.copy()
    assert trees.differences(before, trees.snapshot(cached.destination.parent)) == []
    assert os.listdir(cached.elsewhere) == (['precious'] if kind == 'link' else [])


def test_open_files_do_not_pile_up(cached):
    if not Path('/proc/self/fd').is_dir():
        pytest.skip('no /proc')
    before = len(os.listdir('/proc/self/fd'))
    flip(cached.path / INIT)
    for _ in range(10):
        with contextlib.suppress(DamagedError):
            cached.copy()
    assert len(os.listdir('/proc/self/fd')) == before

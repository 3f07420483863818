"""Copies, clones and hard links: what comes out is the same, and nothing else is trusted."""

import errno
import logging
import os
import subprocess

import pytest
from support import archives, mounts, trees
from support.eggs import add, flip, new_store, overwrite
from support.programs import require
from support.runner import egg_part

from egg.cache.common import linking
from egg.cache.common.errors import DamagedError, UnwritableError
from egg.cache.common.linking import CLONE_SIZE, Linker
from egg.cache.store import transfer

BIG, SMALL = 'Demo/big.bin', 'Demo/small.py'
FILES = {'big.bin': b'b' * (CLONE_SIZE + 1), 'small.py': b'small = 1\n', 'empty.py': b''}
UNABLE = [errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOTTY]
REMARK = "Files of the egg cache can't be "


@pytest.fixture
def entry(tmp_path):
    return add(new_store(tmp_path / 'cache'), tmp_path / 'built', 'Demo', '1.0',
               files={f'Demo/{name}': data for name, data in FILES.items()})  # fmt: skip


@pytest.fixture
def messages(caplog):
    caplog.set_level(logging.INFO, 'egg.cache')
    return lambda: caplog.messages


def copy(entry, target, linker):
    transfer.copy_out(entry.manifest, entry.egg, target, 0o022, linker)
    return target


def number(path):
    return os.lstat(path).st_ino


def shared(entry, target):
    """Return the files that have the same inode in the cache and in a copy."""
    return {item.path for item in entry.manifest.files
            if number(entry.egg / item.path) == number(target / item.path)}  # fmt: skip


def refusing(code, calls=None):
    def refuse(*args, **kwargs):
        if calls is not None:
            calls.append(args)
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.parametrize('mode', linking.MODES)
def test_every_mode_brings_the_same_contents_and_times(entry, tmp_path, mode):
    expected = copy(entry, tmp_path / 'expected', Linker('copy'))
    found = copy(entry, tmp_path / 'found', Linker(mode))
    modes = dict.fromkeys(('mode',)) if mode == 'hardlink' else {}
    before, after = ({path: node._replace(**modes) for path, node in tree.items()}
                     for tree in (trees.snapshot(expected), trees.snapshot(found)))
    assert trees.differences(before, after) == []


@pytest.mark.parametrize('mode', ['auto', 'copy', 'reflink'])
def test_copies_and_clones_are_files_of_their_own(entry, tmp_path, mode):
    target = copy(entry, tmp_path / 'copy', Linker(mode))
    assert shared(entry, target) == set()
    assert (target / BIG).stat().st_mode & 0o777 == 0o644


def test_hard_links_are_the_cached_files(entry, tmp_path):
    target = copy(entry, tmp_path / 'copy', Linker('hardlink'))
    assert shared(entry, target) == {item.path for item in entry.manifest.files}
    assert (target / BIG).stat().st_mode & 0o777 == 0o444
    assert (target / 'Demo').stat().st_mode & 0o777 == 0o755


def test_an_edit_of_a_hard_link_is_damage_at_the_next_hit(entry, tmp_path):
    target = copy(entry, tmp_path / 'copy', Linker('hardlink'))
    flip(target / SMALL)
    with pytest.raises(DamagedError) as info:
        copy(entry, tmp_path / 'again', Linker('hardlink'))
    assert info.value.path == SMALL
    assert not (tmp_path / 'again').exists()


def test_a_file_with_another_time_is_copied(entry, tmp_path):
    os.utime(entry.egg / SMALL, (1, 1))
    target = copy(entry, tmp_path / 'copy', Linker('hardlink'))
    assert shared(entry, target) == {item.path for item in entry.manifest.files} - {SMALL}
    [time] = [item.mtime_ns for item in entry.manifest.files if item.path == SMALL]
    assert (target / SMALL).stat().st_mtime_ns == time


@pytest.mark.parametrize('code', UNABLE)
def test_where_nothing_can_be_linked_all_is_copied_with_one_remark(
    entry, tmp_path, monkeypatch, messages, code
):
    calls = []
    monkeypatch.setattr(os, 'link', refusing(code, calls))
    linker = Linker('hardlink')
    for name in ('one', 'two'):
        target = copy(entry, tmp_path / name, linker)
        assert shared(entry, target) == set()
        assert (target / BIG).read_bytes() == FILES['big.bin']
        assert (target / BIG).stat().st_mode & 0o777 == 0o644
    assert len(calls) == 1
    [message] = messages()
    assert message.startswith(f'{REMARK}linked here ({os.strerror(code)}), so they are copied.')


def test_a_file_with_too_many_links_is_copied_and_the_others_linked(
    entry, tmp_path, monkeypatch, messages
):
    link = os.link

    def once(source, target, **options):
        if source.endswith(BIG):
            raise OSError(errno.EMLINK, 'Too many links')
        link(source, target, **options)

    monkeypatch.setattr(os, 'link', once)
    target = copy(entry, tmp_path / 'copy', Linker('hardlink'))
    assert shared(entry, target) == {item.path for item in entry.manifest.files} - {BIG}
    assert messages() == []


@pytest.mark.parametrize(('mode', 'function'), [('hardlink', 'os.link'),
                                                ('reflink', 'egg.cache.common.linking.ioctl')])
def test_a_full_disk_is_an_error_and_leaves_nothing(entry, tmp_path, monkeypatch, mode, function):
    monkeypatch.setattr(function, refusing(errno.ENOSPC))
    with pytest.raises(UnwritableError, match='No space left'):
        copy(entry, tmp_path / 'copy', Linker(mode))
    assert not (tmp_path / 'copy').exists()


# Clones. Few filesystems have them, so a function stands for the one of the kernel.


def clone(target, request, source):
    assert request == 0x40049409
    os.sendfile(target, source, 0, os.fstat(source).st_size)
    os.lseek(source, 0, os.SEEK_SET)


@pytest.mark.parametrize('mode', ['auto', 'reflink'])
def test_files_of_a_block_or_more_are_cloned_and_verified(entry, tmp_path, monkeypatch, mode):
    calls = []
    monkeypatch.setattr(linking, 'ioctl', lambda *args: (calls.append(args), clone(*args)))
    target = copy(entry, tmp_path / 'copy', Linker(mode))
    assert len(calls) == 1
    assert (target / BIG).read_bytes() == FILES['big.bin']
    flip(entry.egg / BIG)
    with pytest.raises(DamagedError):
        copy(entry, tmp_path / 'again', Linker(mode))


@pytest.mark.parametrize('code', UNABLE)
@pytest.mark.parametrize('mode', ['auto', 'reflink'])
def test_where_nothing_can_be_cloned_all_is_copied(
    entry, tmp_path, monkeypatch, messages, mode, code
):
    calls = []
    monkeypatch.setattr(linking, 'ioctl', refusing(code, calls))
    linker = Linker(mode)
    for name in ('one', 'two'):
        assert (copy(entry, tmp_path / name, linker) / BIG).read_bytes() == FILES['big.bin']
    assert len(calls) == 1
    assert [text[:len(REMARK)] for text in messages()] == ([REMARK] if mode == 'reflink' else [])


@pytest.mark.parametrize('mode', ['copy', 'hardlink'])
def test_nothing_is_cloned_that_should_not_be(entry, tmp_path, monkeypatch, mode):
    monkeypatch.setattr(linking, 'ioctl', refusing(errno.ENOSPC))
    copy(entry, tmp_path / 'copy', Linker(mode))


def test_without_the_function_of_the_kernel_files_are_copied(entry, tmp_path, monkeypatch):
    monkeypatch.setattr(linking, 'ioctl', None)
    target = copy(entry, tmp_path / 'copy', Linker('auto'))
    assert (target / BIG).read_bytes() == FILES['big.bin']


CLONES = """
import sys
from pathlib import Path
from egg.cache.common import linking
top = Path(sys.argv[1])
data = bytes(range(256)) * 4096
(top / 'source').write_bytes(data)
linker = linking.Linker('reflink')
with open(top / 'source', 'rb') as source, open(top / 'target', 'wb') as target:
    print(linker.clone(len(data), source.fileno(), target.fileno()), linker.clones)
print((top / 'target').read_bytes() == data)
"""


@pytest.mark.slow
@pytest.mark.parametrize('mkfs', ['mkfs.xfs', 'mkfs.btrfs'])
def test_the_kernel_clones_where_the_filesystem_can(tmp_path, mkfs):
    require(mkfs)
    image, top = tmp_path / 'image', tmp_path / 'top'
    top.mkdir()
    with open(image, 'wb') as file:
        file.truncate(512 << 20)
    subprocess.run([mkfs, str(image)], check=True, capture_output=True)
    if os.geteuid() != 0:
        pytest.skip('only root can mount an image')
    command = mounts.require()
    python = mounts.wrapper(tmp_path / 'python', command, f'mount -o loop {image} {top}')
    assert mounts.run(python, CLONES, top) == 'True True\nTrue\n'


# Real buildouts


def test_a_buildout_with_hard_links_runs_and_a_damaged_egg_is_built_anew(
    buildout_factory, index, archives_dir
):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    part = egg_part('demo==1.0')
    buildout_factory(part).run()
    linked = buildout_factory(part, egg_cache_link_mode='hardlink')
    assert linked.run().lines('Copied demo 1.0 from the egg cache.')
    module = linked.egg('demo') / 'demo/__init__.py'
    assert module.stat().st_nlink == 2
    assert linked.script('demo') == 'demo 1.0\n'
    overwrite(module, b'spoiled = True\n')
    other = buildout_factory(part, egg_cache_link_mode='hardlink')
    assert other.run().lines('The entry of demo 1.0 in the egg cache is damaged: demo/__init__.py')
    assert other.script('demo') == 'demo 1.0\n'

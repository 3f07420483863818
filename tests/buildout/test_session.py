"""Session: what happens with one egg, in the run of one buildout?"""

import dataclasses
import fcntl
import json
import logging
import os
import stat
import threading
import time

import pytest
from support import processes, trees
from support.eggs import (
    BUILDER,
    ENVIRONMENT,
    KEY,
    archive,
    flip,
    new_session,
    overwrite,
    useless,
    write_egg,
)  # fmt: skip

from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration.settings import Exclusion
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.store import integrity, locks, transfer
from egg.cache.store.store import Entry, Store, entries

ORIGIN = Origin('https://example.com/simple')
INIT = 'demo/__init__.py'


class Maker:
    """Builds an egg below `directory` each time that it is called."""

    def __init__(self, directory, project='demo', version='1.0', files=None, error=None):
        self.directory = directory
        self.arguments = project, version, files
        self.error = error
        self.count = 0

    def __call__(self):
        self.count += 1
        if self.error is not None:
            raise self.error
        self.directory.mkdir(parents=True, exist_ok=True)
        return write_egg(self.directory, *self.arguments)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / 'cache'


@pytest.fixture
def session(cache):
    session = new_session(cache)
    assert session.open()
    return session


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.DEBUG, 'egg.cache')
    return caplog


def opened(cache, *args, **options):
    session = new_session(cache, *args, **options)
    assert session.open()
    return session


def build(session, directory, project='demo', version='1.0', built_from=None, make=None):
    """Let `session` build an egg into `directory`; return its path and the maker."""
    directory.mkdir(parents=True, exist_ok=True)
    make = make or Maker(directory, project, version)
    built_from = built_from or archive(project, version)
    return session.build(project, version, built_from, directory, make), make


def stored(session):
    return [str(entry) for entry in entries(session.layout)]


def only_entry(session):
    [entry] = entries(session.layout)
    return entry


def warnings(log):
    return [record.getMessage() for record in log.records if record.levelno >= logging.WARNING]


def fail_with(error):
    def fail(*args, **options):
        raise error

    return fail


# Opening


def test_open_prepares_the_cache(cache, log):
    assert new_session(cache).open()
    assert sorted(os.listdir(cache)) == ['CACHEDIR.TAG', 'locks', 'tmp', 'trash', 'v1']
    described = json.loads((cache / 'v1' / KEY / 'environment.json').read_text())
    assert described == ENVIRONMENT.describe()
    assert warnings(log) == []


def test_open_describes_the_environment_once(cache):
    opened(cache)
    before = trees.snapshot(cache / 'v1')
    opened(cache)
    assert trees.differences(before, trees.snapshot(cache / 'v1')) == []


def test_open_sweeps(cache):
    opened(cache)
    useless(cache / 'tmp').mkdir()
    os.utime(useless(cache / 'tmp'), (1, 1))
    opened(cache)
    assert os.listdir(cache / 'tmp') == []


@pytest.mark.parametrize('mode', ['read-write', 'read-only', 'refresh'])
def test_a_cache_that_everybody_can_write_to_is_refused(cache, mode):
    cache.mkdir()
    os.chmod(cache, 0o777)
    with pytest.raises(SettingError, match='can be written to by everybody'):
        new_session(cache, mode).open()
    assert os.listdir(cache) == []


def test_a_directory_that_cannot_be_made_is_one_warning(tmp_path, log):
    (tmp_path / 'file').touch()
    cache = tmp_path / 'file' / 'cache'
    session = new_session(cache)
    assert session.open() is False
    [warning] = warnings(log)
    assert warning.startswith(
        f"Can't prepare the egg cache in {cache}: NotADirectoryError: "
        f"[Errno 20] Not a directory: '{cache}"
    )
    assert warning.endswith(
        '\nThe buildout goes on without its help. Mend that, or choose another directory with '
        'the option egg-cache.'
    )
    egg, make = build(session, tmp_path / 'eggs')
    assert (make.count, egg.is_dir()) == (1, True)
    assert len(warnings(log)) == 1


def test_a_directory_that_no_filesystem_can_have_is_one_warning(tmp_path, log):
    session = new_session(tmp_path / ('x' * 300))
    assert session.open() is False
    assert len(warnings(log)) == 1


def test_read_only_of_a_directory_that_no_filesystem_can_have_is_no_traceback(tmp_path):
    session = new_session(tmp_path / ('x' * 300), 'read-only')
    session.open()
    assert build(session, tmp_path / 'eggs')[1].count == 1


@pytest.mark.parametrize('mode', ['read-write', 'refresh'])
def test_a_cache_on_a_read_only_disk(cache, tmp_path, log, monkeypatch, mode):
    build(opened(cache), tmp_path / 'one')
    before = trees.snapshot(cache)
    monkeypatch.setattr(Store, 'prepare', fail_with(OSError(30, 'Read-only file system')))
    session = new_session(cache, mode)
    assert session.open() is (mode == 'read-write')
    egg, make = build(session, tmp_path / 'two')
    build(session, tmp_path / 'three', version='2.0')
    session.remember(ORIGIN, 'demo', '1.0', Pointer(archive().name, archive().sha256, '1.0'))
    assert make.count == (mode == 'refresh')
    assert len(warnings(log)) == 1
    assert trees.differences(before, trees.snapshot(cache)) == []


# Building


def test_the_first_build_is_stored(session, tmp_path, log):
    built_from = archive(url='https://example.com/demo.whl', seconds=2.5)
    egg, make = build(session, tmp_path / 'eggs', built_from=built_from)
    assert egg == tmp_path / 'eggs/demo-1.0-py3.12.egg'
    assert make.count == 1
    manifest = only_entry(session).manifest
    assert (manifest.project, manifest.version, manifest.egg) == ('demo', '1.0', egg.name)
    assert manifest.archive == dataclasses.replace(built_from, seconds=0.0)
    assert manifest.items == transfer.copy_in(egg, tmp_path / 'again')
    assert 2.5 <= manifest.build.seconds < 5
    assert dataclasses.astuple(manifest.build)[2:] == dataclasses.astuple(BUILDER)
    built_at = time.strptime(manifest.build.at, '%Y-%m-%dT%H:%M:%SZ')
    assert abs(time.mktime(built_at) - time.mktime(time.gmtime())) < 60
    assert (session.counters.copied, session.counters.built, session.counters.stored) == (0, 1, 1)
    assert warnings(log) == []


def test_the_second_build_is_a_copy(cache, session, tmp_path, log):
    egg, _ = build(session, tmp_path / 'one')
    other = opened(cache)
    log.clear()
    copy, make = build(other, tmp_path / 'two')
    assert copy == tmp_path / 'two' / egg.name
    assert make.count == 0
    assert trees.differences(trees.snapshot(egg), trees.snapshot(copy)) == []
    assert (other.counters.copied, other.counters.built, other.counters.stored) == (1, 0, 0)
    [record] = [record for record in log.records if record.levelno >= logging.INFO]
    assert (record.levelname, record.getMessage()) == (
        'INFO', 'Copied demo 1.0 from the egg cache.'
    )  # fmt: skip


def test_another_archive_of_the_same_version_is_built(session, tmp_path):
    build(session, tmp_path / 'one')
    _, make = build(session, tmp_path / 'two', built_from=archive(content='rebuilt'))
    assert make.count == 1
    assert stored(session) == ['demo 1.0', 'demo 1.0']


def test_the_egg_that_is_built_is_not_changed(session, tmp_path):
    make = Maker(tmp_path / 'eggs')
    before = trees.snapshot(make())
    egg, _ = build(session, tmp_path / 'eggs', make=lambda: make.directory / make().name)
    after = trees.snapshot(egg)
    assert {path: node._replace(time=None) for path, node in before.items()} == {
        path: node._replace(time=None) for path, node in after.items()
    }


@pytest.mark.parametrize('error', [
    ValueError('of make'), OSError(5, 'of make'), CacheError('of make'), KeyboardInterrupt(),
    SystemExit(3), locks.LockTimeout('of make'), NotImplementedError('of make'),
], ids=repr)  # fmt: skip
def test_what_make_raises_passes_through_and_leaves_nothing(session, tmp_path, log, error):
    make = Maker(tmp_path / 'eggs', error=error)
    with pytest.raises(type(error)) as info:
        build(session, tmp_path / 'eggs', make=make)
    assert info.value is error
    assert make.count == 1
    assert stored(session) == []
    assert os.listdir(session.layout.tmp) == []
    assert [name for name in os.listdir(session.layout.locks) if name.endswith('.json')] == []
    assert (session.counters.built, session.counters.stored) == (0, 0)
    assert warnings(log) == []
    # The lock was given up.
    assert build(session, tmp_path / 'eggs')[1].count == 1


def test_eggs_get_the_modes_of_the_receiver(cache, tmp_path):
    before = os.umask(0o022)
    try:
        build(opened(cache), tmp_path / 'one')
        os.umask(0o077)
        egg, make = build(opened(cache), tmp_path / 'two')
    finally:
        os.umask(before)
    assert make.count == 0
    assert stat.S_IMODE(os.stat(egg / INIT).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(egg).st_mode) == 0o700


def test_a_session_leaves_the_umask_alone(cache):
    before = os.umask(0o027)
    try:
        new_session(cache)
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


# What is not stored


def test_excluded_eggs_are_neither_stored_nor_served(cache, session, tmp_path):
    build(session, tmp_path / 'one')
    pointer = Pointer(archive().name, archive().sha256, '1.0')
    session.remember(ORIGIN, 'demo', '1.0', pointer)
    other = opened(cache, exclusions=[Exclusion.parse('demo'), Exclusion.parse('my.*==1.*')])
    _, make = build(other, tmp_path / 'two')
    assert make.count == 1
    assert other.find('Demo', '1.0', archive()) is None
    assert other.pinned(ORIGIN, 'demo', '1.0', []) is None
    assert other.ranked('demo', lambda version: True, lambda url: True, True) == []
    for version in ('1.5', '2.0'):
        build(other, tmp_path / 'two', 'my.thing', version)
    assert stored(other) == ['demo 1.0', 'my-thing 2.0']
    assert (other.counters.built, other.counters.stored) == (3, 1)


@pytest.mark.parametrize(('suffix', 'expected'), [
    ('.tar.gz', []), ('.zip', []), ('-py3-none-any.whl', ['demo 1.0']),
    ('-py3.12.egg', ['demo 1.0']),
])  # fmt: skip
def test_sdists_are_not_stored_where_nothing_can_be_compiled(cache, tmp_path, suffix, expected):
    session = opened(cache, stores_sdists=False)
    egg, make = build(session, tmp_path / 'eggs', built_from=archive(suffix=suffix))
    assert (make.count, egg.is_dir()) == (1, True)
    assert stored(session) == expected


def test_sdists_that_cannot_be_looked_into_are_not_stored(cache, tmp_path):
    class Broken(SourceBuilds):
        def withholds(self, path):
            raise OSError('broken')

    session = opened(cache, source_builds=Broken())
    built_from = archive(suffix='.tar.gz')
    assert build(session, tmp_path / 'eggs', built_from=built_from)[0].is_dir()
    assert stored(session) == []


def test_sdists_are_served_where_nothing_can_be_compiled(cache, session, tmp_path):
    built_from = archive(suffix='.tar.gz')
    build(session, tmp_path / 'one', built_from=built_from)
    other = opened(cache, stores_sdists=False)
    assert build(other, tmp_path / 'two', built_from=built_from)[1].count == 0


@pytest.mark.parametrize(('project', 'version'), [('other', '1.0'), ('demo', '1.1')])
def test_an_egg_of_another_distribution_is_not_stored(session, tmp_path, log, project, version):
    make = Maker(tmp_path / 'eggs', project, version)
    egg, _ = build(session, tmp_path / 'eggs', make=make)
    assert egg.is_dir()
    assert stored(session) == []
    assert warnings(log) == []
    assert f'{egg.name} is not demo 1.0, so it is not stored.' in log.messages


def test_another_spelling_is_the_same_distribution(session, tmp_path):
    make = Maker(tmp_path / 'eggs', 'Demo.Thing', '1.0-1')
    built_from = archive('demo_thing', '1.0.post1')
    build(session, tmp_path / 'eggs', 'demo_thing', '1.0.post1', built_from, make)
    assert stored(session) == ['demo-thing 1.0.post1']
    assert session.find('demo-thing', '1.0post1', built_from) == only_entry(session)


def spoil_with_pipe(egg):
    os.mkfifo(egg / 'demo/pipe')


def spoil_metadata(egg):
    os.unlink(egg / 'demo-1.0.dist-info/METADATA')


@pytest.mark.parametrize('spoil', [spoil_with_pipe, spoil_metadata])
def test_one_egg_that_cannot_be_kept_does_not_stop_the_others(session, tmp_path, spoil):
    def make():
        egg = write_egg(tmp_path / 'eggs')
        spoil(egg)
        return egg

    egg, _ = build(session, tmp_path / 'eggs', make=make)
    assert egg.is_dir()
    build(session, tmp_path / 'eggs', 'other')
    assert stored(session) == ['other 1.0']


def test_one_version_that_is_none_does_not_stop_the_others(session, tmp_path):
    build(session, tmp_path / 'eggs', version='2004d-final')
    build(session, tmp_path / 'eggs', 'other')
    assert stored(session) == ['other 1.0']


# Modes


def test_read_only_never_writes(cache, session, tmp_path):
    egg, _ = build(session, tmp_path / 'one')
    build(session, tmp_path / 'one', 'damaged')
    session.remember(ORIGIN, 'demo', '1.0', Pointer(archive().name, archive().sha256, '1.0'))
    [damaged] = session.store.versions('damaged')
    flip(damaged.egg / 'damaged/__init__.py')
    useless(cache / 'tmp').mkdir()
    os.utime(useless(cache / 'tmp'), (1, 1))
    before = trees.snapshot(cache)
    other = opened(cache, 'read-only')
    assert build(other, tmp_path / 'two')[1].count == 0
    assert build(other, tmp_path / 'two', 'damaged')[1].count == 1
    assert build(other, tmp_path / 'two', version='2.0')[1].count == 1
    assert other.pinned(ORIGIN, 'demo', '1.0', []) == other.find('demo', '1.0', archive())
    other.ranked('damaged', lambda version: True, lambda url: True, True)
    other.remember(ORIGIN, 'demo', '2.0', Pointer('demo-2.0.whl', archive().sha256, '1.0'))
    assert trees.differences(before, trees.snapshot(cache)) == []
    assert (other.counters.copied, other.counters.built, other.counters.stored) == (1, 2, 0)


def test_read_only_creates_no_cache(cache, tmp_path, log):
    session = new_session(cache, 'read-only')
    session.open()
    assert build(session, tmp_path / 'eggs')[1].count == 1
    assert not cache.exists()
    assert warnings(log) == []


def test_read_only_tells_that_damage_stays(cache, session, tmp_path, log):
    build(session, tmp_path / 'one')
    entry = only_entry(session)
    flip(entry.egg / INIT)
    build(opened(cache, 'read-only'), tmp_path / 'two')
    [warning] = warnings(log)
    assert f'\nIt stays where it is: {entry.path}.\n' in warning
    assert entry.exists()


def test_refresh_builds_and_replaces(cache, session, tmp_path):
    build(session, tmp_path / 'one')
    make = Maker(tmp_path / 'two', files={INIT: b'VERSION = 2\n'})
    other = opened(cache, 'refresh')
    assert other.find('demo', '1.0', archive()) is None
    assert other.pinned(ORIGIN, 'demo', '1.0', []) is None
    egg, _ = build(other, tmp_path / 'two', make=make)
    assert make.count == 1
    assert (only_entry(other).egg / INIT).read_bytes() == b'VERSION = 2\n'
    copy, make = build(opened(cache), tmp_path / 'three')
    assert make.count == 0
    assert trees.differences(trees.snapshot(egg), trees.snapshot(copy)) == []


# Damage


def test_a_damaged_egg_is_set_aside_named_and_built_anew(cache, session, tmp_path, log):
    build(session, tmp_path / 'one')
    entry = only_entry(session)
    overwrite(entry.egg / INIT, b'')
    other = opened(cache)
    egg, make = build(other, tmp_path / 'two')
    assert make.count == 1
    [trash] = os.listdir(cache / 'trash')
    assert warnings(log) == [
        ('The entry of demo 1.0 in the egg cache is damaged: '
        f'{INIT}: expected 12 bytes, found 0 bytes.\n'
        f'It was set aside: {cache}/trash/{trash}.\n'
        'The egg is built anew.')
    ]
    again = Entry(entry.path)
    assert list(integrity.faults(again.manifest, again.egg)) == []
    assert (other.counters.copied, other.counters.built, other.counters.stored) == (0, 1, 1)
    assert (cache / 'trash' / trash / egg.name / INIT).read_bytes() == b''
    assert build(opened(cache), tmp_path / 'three')[1].count == 0


def test_a_damaged_manifest_is_set_aside_named_and_built_anew(cache, session, tmp_path, log):
    build(session, tmp_path / 'one')
    overwrite(only_entry(session).path / 'entry.json', b'{}')
    assert build(opened(cache), tmp_path / 'two')[1].count == 1
    [warning] = warnings(log)
    assert warning.startswith(
        'The entry of demo 1.0 in the egg cache is damaged: '
        'entry.json: expected a text with its own checksum, found another text.\n'
    )
    assert len(os.listdir(cache / 'trash')) == 1
    assert build(opened(cache), tmp_path / 'three')[1].count == 0


def test_damage_that_cannot_be_set_aside_says_what_to_do(
    session, tmp_path, log, monkeypatch
):
    build(session, tmp_path / 'one')
    entry = only_entry(session)
    flip(entry.egg / INIT)
    monkeypatch.setattr(Store, 'set_aside', fail_with(PermissionError(13, 'Permission denied')))
    egg, make = build(session, tmp_path / 'two')
    assert make.count == 1
    [warning] = warnings(log)
    assert (
        f"\n{entry.path} can't be set aside: [Errno 13] Permission denied. Please remove it.\n"
    ) in warning


def test_each_damaged_egg_is_named(session, tmp_path, log):
    for project in ('demo', 'other'):
        build(session, tmp_path / 'one', project)
    for entry in list(entries(session.layout)):
        overwrite(entry.path / 'entry.json', b'')
    for project in ('demo', 'other'):
        build(session, tmp_path / 'two', project)
    assert [warning.split(' in ')[0] for warning in warnings(log)] == [
        'The entry of demo 1.0', 'The entry of other 1.0'
    ]  # fmt: skip


def test_an_entry_that_somebody_removes_is_a_silent_miss(session, tmp_path, log):
    build(session, tmp_path / 'one')
    entry = session.find('demo', '1.0', archive())
    assert entry.manifest
    session.store.remove(entry)
    (tmp_path / 'two').mkdir()
    assert session.copy(entry, tmp_path / 'two') is None
    assert warnings(log) == []
    assert os.listdir(tmp_path / 'two') == []
    assert build(session, tmp_path / 'two')[1].count == 1


# Trouble


def test_a_full_disk_is_one_warning_and_no_more_stores(session, tmp_path, log, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, 'write', fail_with(OSError(28, 'No space left on device')))
        egg, make = build(session, tmp_path / 'eggs')
    assert (make.count, egg.is_dir()) == (1, True)
    [warning] = warnings(log)
    assert warning.startswith(
        f"Can't write to the egg cache in {session.layout.root}: "
        'OSError: [Errno 28] No space left on device\n'
    )
    assert os.listdir(session.layout.tmp) == []
    assert build(session, tmp_path / 'eggs', 'other')[1].count == 1
    assert stored(session) == []
    assert len(warnings(log)) == 1
    assert session.counters.summary() == (
        'Egg cache: 0 of 2 eggs copied, 2 built; 0 s saved.'
    )


def test_a_disk_that_cannot_be_read_is_one_warning(session, tmp_path, log, monkeypatch):
    for project in ('demo', 'other'):
        build(session, tmp_path / 'one', project)
    open_ = os.open

    def fail(path, *args, **options):
        if str(path).endswith('__init__.py') and str(path).startswith(str(session.layout.root)):
            raise OSError(5, 'Input/output error', str(path))
        return open_(path, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'open', fail)
        found = [session.find(project, '1.0', archive(project)) for project in ('demo', 'other')]
        (tmp_path / 'two').mkdir()
        assert [session.copy(entry, tmp_path / 'two') for entry in found] == [None, None]
    assert os.listdir(tmp_path / 'two') == []
    [warning] = warnings(log)
    assert warning.startswith(f"Can't read the egg cache in {session.layout.root}: OSError: ")
    assert stored(session) == ['demo 1.0', 'other 1.0']


@pytest.mark.parametrize('error', [OSError(5, 'x'), CacheError('x'), ValueError('x'),
                                   RecursionError('x'), OverflowError('x')], ids=repr)  # fmt: skip
def test_trouble_of_any_kind_is_one_warning_and_none(session, tmp_path, log, monkeypatch, error):
    for name in ('holds', 'versions', 'entry', 'add'):
        monkeypatch.setattr(Store, name, fail_with(error))
    pointer = Pointer(archive().name, archive().sha256, '1.0')
    session.remember(ORIGIN, 'demo', '1.0', pointer)
    assert session.find('demo', '1.0', archive()) is None
    assert session.pinned(ORIGIN, 'demo', '1.0', []) is None
    assert session.ranked('demo', lambda version: True, lambda url: True, True) == []
    egg, make = build(session, tmp_path / 'eggs')
    assert (make.count, egg.is_dir()) == (1, True)
    [warning] = warnings(log)
    assert f': {type(error).__name__}: ' in warning


def test_what_is_at_the_target_already_stays(session, tmp_path):
    egg, _ = build(session, tmp_path / 'one')
    (egg / 'precious').touch()
    session.copy(only_entry(session), tmp_path / 'one')
    assert (egg / 'precious').exists()


# Locks


def test_a_filesystem_without_locks_costs_a_warning(session, tmp_path, log, monkeypatch):
    monkeypatch.setattr(locks, '_acquire', fail_with(OSError(37, 'No locks available')))
    for project in ('demo', 'other'):
        assert build(session, tmp_path / 'eggs', project)[1].count == 1
    [warning] = warnings(log)
    assert warning.startswith(
        f"Can't lock the egg cache in {session.layout.root}: OSError: "
        '[Errno 37] No locks available\n'
    )
    assert stored(session) == ['demo 1.0', 'other 1.0']


@pytest.mark.parametrize('number', [37, 95, 38])
def test_a_filesystem_without_locks_is_not_waited_for(
    cache, tmp_path, log, monkeypatch, number
):
    session = opened(cache, lock_timeout=2.0)
    monkeypatch.setattr(fcntl, 'flock', fail_with(OSError(number, 'no locks')))
    started = time.monotonic()
    assert build(session, tmp_path / 'eggs')[1].count == 1
    assert time.monotonic() - started < 1
    assert len(warnings(log)) == 1
    assert stored(session) == ['demo 1.0']


def test_a_lock_that_is_never_given_up_costs_a_warning(cache, tmp_path, log):
    session = opened(cache, lock_timeout=0.1)
    lock = session.layout.lock(KEY, archive().sha256)
    with locks.hold(lock, 'the build of demo 1.0', 1):
        thread = threading.Thread(target=build, args=(session, tmp_path / 'eggs'))
        thread.start()
        thread.join(10)
    assert not thread.is_alive()
    [warning] = warnings(log)
    assert f'process {os.getpid()}' in warning
    assert stored(session) == ['demo 1.0']


def test_reading_alone_needs_no_lock(cache, session, tmp_path, monkeypatch):
    build(session, tmp_path / 'one')
    other = opened(cache, 'read-only')
    monkeypatch.setattr(locks, 'hold', fail_with(AssertionError('locked')))
    assert build(other, tmp_path / 'two')[1].count == 0


def test_two_threads_run_make_once(cache, tmp_path):
    calls = []

    def make(directory):
        calls.append(directory)
        time.sleep(0.2)
        return write_egg(directory)

    results = {}

    def run(name):
        directory = tmp_path / name
        directory.mkdir()
        session = opened(cache)
        results[name] = session.build(
            'demo', '1.0', archive(), directory, lambda: make(directory)
        ), session.counters.copied  # fmt: skip

    threads = [threading.Thread(target=run, args=(name,)) for name in ('one', 'two')]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(calls) == 1
    assert sorted(copied for _, copied in results.values()) == [0, 1]
    one, two = (trees.snapshot(egg) for egg, _ in results.values())
    assert trees.differences(one, two) == []


BUILD = """
import sys, time
from pathlib import Path
from support.eggs import archive, new_session, write_egg
cache, directory, log = map(Path, sys.argv[1:])
session = new_session(cache)
assert session.open()
print('ready', flush=True)
sys.stdin.readline()
def make():
    with open(log, 'a') as file:
        file.write('made\\n')
    time.sleep(0.3)
    return write_egg(directory)
directory.mkdir()
egg = session.build('demo', '1.0', archive(), directory, make)
print(session.counters.copied, session.counters.built, session.counters.stored, egg.name)
"""


def test_three_processes_run_make_once(cache, tmp_path):
    children = [processes.start(BUILD, cache, tmp_path / str(number), tmp_path / 'log')
                for number in range(3)]  # fmt: skip
    for child in children:
        assert child.stdout.readline() == 'ready\n'
    for child in children:
        child.stdin.write('go\n')
        child.stdin.flush()
    outputs = [child.communicate(timeout=processes.TIMEOUT) for child in children]
    assert (tmp_path / 'log').read_text() == 'made\n'
    assert sorted(output for output, _ in outputs) == [
        '0 1 1 demo-1.0-py3.12.egg\n',
        '1 0 0 demo-1.0-py3.12.egg\n',
        '1 0 0 demo-1.0-py3.12.egg\n',
    ]
    one, two, three = (trees.snapshot(tmp_path / str(number)) for number in range(3))
    for other in (two, three):
        del other['.']
    del one['.']
    assert trees.differences(one, two) == trees.differences(one, three) == []


# Finding


def test_find_answers_without_building(cache, session, tmp_path, log):
    assert session.find('demo', '1.0', archive()) is None
    assert log.messages[-1] == (
        f'{archive().name} (sha256 {archive().sha256}) was not built before in the '
        f'environment {KEY}.'
    )
    build(session, tmp_path / 'one')
    assert session.find('demo', '1.0', archive()) == only_entry(session)


def test_copy_tells_what_it_copied(session, tmp_path):
    egg, _ = build(session, tmp_path / 'one')
    (tmp_path / 'two').mkdir()
    copy = session.copy(only_entry(session), tmp_path / 'two')
    assert copy.egg == tmp_path / 'two' / egg.name
    assert copy.manifest == only_entry(session).manifest
    assert 0 < copy.seconds < 5
    assert trees.differences(trees.snapshot(egg), trees.snapshot(copy.egg)) == []
    assert session.counters.copied == 0
    session.arrived(copy, 'pin')
    assert session.counters.copied == 1


# Pins


def remember(session, pin='1.0', origin=ORIGIN, **changes):
    pointer = Pointer(archive().name, archive().sha256, '1.0')
    session.remember(origin, 'demo', pin, dataclasses.replace(pointer, **changes))


def pointers(session):
    return sorted(path.name for path in session.layout.environments.glob('*/origins/*/*-*'))


def test_a_pin_that_was_resolved_is_answered(cache, session, tmp_path):
    build(session, tmp_path / 'one')
    remember(session)
    assert pointers(session) == ['demo-1.0']
    other = opened(cache)
    entry = only_entry(session)
    assert other.pinned(ORIGIN, 'demo', '1.0', []) == entry
    assert other.pinned(ORIGIN, 'Demo', '1.0', [archive().sha256]) == entry
    assert other.pinned(Origin('https://user:x@example.com/simple'), 'demo', '1.0', []) == entry
    assert other.pinned(ORIGIN, 'demo', '1.0', ['f' * 64]) is None
    assert other.pinned(ORIGIN, 'demo', '1.1', []) is None
    assert other.pinned(Origin('https://elsewhere.com/simple'), 'demo', '1.0', []) is None


def test_a_pin_may_stand_for_a_local_version(session, tmp_path):
    built_from = archive(version='1.0+local')
    build(session, tmp_path / 'one', version='1.0+local')
    pointer = Pointer(built_from.name, built_from.sha256, '1.0+local')
    session.remember(ORIGIN, 'demo', '1.0', pointer)
    assert session.pinned(ORIGIN, 'demo', '1.0', []) == only_entry(session)


@pytest.mark.parametrize('options', [
    {'pin': '1.0.dev3'}, {'version': '1.0.dev3'}, {'sha256': 'f' * 64},
    {'origin': Origin('/local/index')}, {'pin': '2004d'}, {'version': '2004d'},
])  # fmt: skip
def test_some_pins_are_not_remembered(session, tmp_path, log, options):
    build(session, tmp_path / 'one')
    remember(session, **options)
    assert pointers(session) == []
    assert warnings(log) == []


def test_a_pin_of_a_dev_version_is_never_answered(session, tmp_path):
    built_from = archive(version='1.0.dev3')
    build(session, tmp_path / 'one', version='1.0.dev3')
    pointer = Pointer(built_from.name, built_from.sha256, '1.0.dev3')
    session.remember(ORIGIN, 'demo', '1.0.dev3', pointer)
    assert session.pinned(ORIGIN, 'demo', '1.0.dev3', []) is None


def test_a_pointer_without_its_entry_is_a_miss(session, tmp_path, log):
    build(session, tmp_path / 'one')
    remember(session)
    session.store.remove(only_entry(session))
    assert session.pinned(ORIGIN, 'demo', '1.0', []) is None
    assert warnings(log) == []


def test_a_pointer_with_another_name_of_the_archive_is_a_miss(session, tmp_path):
    build(session, tmp_path / 'one')
    remember(session, name='renamed-1.0-py3-none-any.whl')
    assert session.pinned(ORIGIN, 'demo', '1.0', []) is None


def test_a_broken_pointer_is_a_miss(session, tmp_path, log):
    build(session, tmp_path / 'one')
    remember(session)
    [path] = session.layout.environments.glob('*/origins/*/demo-1.0')
    path.write_bytes(b'{')
    assert session.pinned(ORIGIN, 'demo', '1.0', []) is None
    assert warnings(log) == []


# Ranking


def ranked(session, accepts=lambda version: True, allows=lambda url: True, prefers_final=True):
    return [str(entry) for entry in session.ranked('Demo', accepts, allows, prefers_final)]


@pytest.fixture
def versions(session, tmp_path):
    for version in ('1.9', '1.10', '2.0rc1', '1.10.post1', '0.1.dev0'):
        built_from = archive(version=version, url=f'https://example.com/demo-{version}.whl')
        build(session, tmp_path / version, version=version, built_from=built_from)
    build(session, tmp_path / 'other', 'demo2', '9')
    return session


def test_the_newest_version_is_the_best(versions):
    assert ranked(versions, prefers_final=False) == [
        'demo 2.0rc1', 'demo 1.10.post1', 'demo 1.10', 'demo 1.9', 'demo 0.1.dev0'
    ]  # fmt: skip


def test_final_versions_come_first_if_asked_for(versions):
    assert ranked(versions) == [
        'demo 1.10.post1', 'demo 1.10', 'demo 1.9', 'demo 2.0rc1', 'demo 0.1.dev0'
    ]  # fmt: skip


def test_only_accepted_versions_and_urls_are_ranked(versions):
    assert ranked(versions, accepts=lambda version: version.startswith('1.1')) == [
        'demo 1.10.post1', 'demo 1.10'
    ]  # fmt: skip
    assert ranked(versions, allows=lambda url: url == 'https://example.com/demo-1.9.whl') == [
        'demo 1.9'
    ]


def test_the_archive_that_was_built_last_is_the_better_one(session, tmp_path, monkeypatch):
    times = iter(['2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z', '2023-01-01T00:00:00Z'])
    for content in 'abc':
        # Only what `_add` writes matters: locks write the time, too.
        with monkeypatch.context() as patch:
            when = next(times)
            patch.setattr(time, 'strftime', lambda *args, when=when: when)
            build(session, tmp_path / content, built_from=archive(content=content))
    found = session.ranked('demo', lambda version: True, lambda url: True, True)
    assert [entry.manifest.archive.sha256 for entry in found] == [
        archive(content=content).sha256 for content in 'bac'
    ]


def test_damaged_entries_are_not_ranked(versions, log):
    [best] = (entry for entry in versions.store.versions('demo') if str(entry) == 'demo 1.10')
    overwrite(best.path / 'entry.json', b'')
    assert 'demo 1.10' not in ranked(versions)
    assert len(ranked(versions)) == 4
    assert len(warnings(log)) == 1


def test_nothing_is_ranked_when_nothing_is_read(cache, versions):
    assert ranked(opened(cache, 'refresh')) == []
    assert ranked(opened(cache, 'read-only'))[0] == 'demo 1.10.post1'

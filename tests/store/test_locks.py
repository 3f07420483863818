"""Locks: who builds this archive?"""

import errno
import fcntl
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import processes

from egg.cache.store import locks

HOLD = """
import sys
from pathlib import Path
from egg.cache.store import locks
with locks.hold(Path(sys.argv[1]), 'the build of demo 1.0', 20):
    print('held', flush=True)
    sys.stdin.readline()
"""
COUNT = """
import sys, time
from pathlib import Path
from egg.cache.store import locks
lock, counter = map(Path, sys.argv[1:])
print('ready', flush=True)
sys.stdin.readline()
for _ in range(5):
    with locks.hold(lock, 'counting', 20):
        number = int(counter.read_text())
        time.sleep(0.01)
        counter.write_text(str(number + 1))
    time.sleep(0.02)
"""

#: Until the file 'stop' is there: how often was a lock held, and was it ever held twice?
CONTEND = """
import os, random, sys, time
from pathlib import Path
from egg.cache.store import locks
place, stop = Path(sys.argv[1]), Path(sys.argv[2])
count = 0
while not stop.exists():
    lock = place / f'key-{count % 2}.lock'
    with locks.hold(lock, 'contending', 20):
        os.close(os.open(f'{lock}.inside', os.O_CREAT | os.O_EXCL))
        os.unlink(f'{lock}.inside')
    count += 1
    time.sleep(random.uniform(0, 0.1))
print(count)
"""
#: As HOLD, but the file that is open is locked only after a word.
HOLD_LATE = """
import fcntl, sys
flock = fcntl.flock
words = ['opened']
def late(descriptor, operation):
    if operation & fcntl.LOCK_EX and words:
        print(words.pop(), flush=True)
        sys.stdin.readline()
    return flock(descriptor, operation)
fcntl.flock = late
""" + HOLD


@pytest.fixture
def lock(tmp_path):
    return tmp_path / 'key-0123456789abcdef.lock'


@pytest.fixture
def holder(lock):
    """Another process, which holds the lock."""
    with processes.start(HOLD, lock) as child:
        assert child.stdout.readline() == 'held\n'
        yield child
        child.kill()


def test_a_free_lock_is_held_at_once_and_given_up(lock):
    started = time.monotonic()
    for _ in range(3):
        with locks.hold(lock, 'the build of demo 1.0', 5):
            pass
    assert time.monotonic() - started < 1


def test_the_holder_signs(lock, tmp_path):
    with locks.hold(lock, 'the build of demo 1.0', 5):
        signature = json.loads((tmp_path / 'key-0123456789abcdef.json').read_text())
        assert sorted(signature) == ['host', 'pid', 'purpose', 'since']
        assert signature['purpose'] == 'the build of demo 1.0'
        assert signature['host'] == socket.gethostname()
    assert not (tmp_path / 'key-0123456789abcdef.json').exists()


def test_the_signature_is_removed_after_an_error(lock, tmp_path):
    with pytest.raises(RuntimeError, match='of my own'), locks.hold(lock, 'x', 5):
        raise RuntimeError('of my own')
    assert not (tmp_path / 'key-0123456789abcdef.json').exists()
    with locks.hold(lock, 'x', 0.1):
        pass


def test_two_processes_exclude_each_other(lock, tmp_path):
    counter = tmp_path / 'counter'
    counter.write_text('0')
    children = [processes.start(COUNT, lock, counter) for _ in range(2)]
    for child in children:
        assert child.stdout.readline() == 'ready\n'
    for child in children:
        child.stdin.write('go\n')
        child.stdin.flush()
    errors = [child.communicate(timeout=processes.TIMEOUT)[1] for child in children]
    assert errors == ['', '']
    assert counter.read_text() == '10'


def test_waiting_says_for_whom_and_ends_with_the_time_limit(lock, holder, caplog, monkeypatch):
    monkeypatch.setattr(locks, 'PATIENCE', 0.1)
    caplog.set_level(logging.INFO, 'egg.cache')
    started = time.monotonic()
    with pytest.raises(locks.LockTimeout) as info, locks.hold(lock, 'mine', 0.5):
        pytest.fail('held twice')
    assert 0.4 < time.monotonic() - started < 3
    [message] = caplog.messages
    who = f'the build of demo 1.0 on {socket.gethostname()}, process {holder.pid}, since '
    match = re.fullmatch(r'Waiting for (.*?, since )\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.', message)
    assert match is not None, message
    assert match[1] == who
    assert str(info.value).startswith(who)


def test_a_short_wait_is_silent(lock, holder, caplog):
    caplog.set_level(logging.INFO, 'egg.cache')
    holder.stdin.write('enough\n')
    holder.stdin.flush()
    with locks.hold(lock, 'mine', 10):
        pass
    assert caplog.messages == []


def test_a_lock_that_is_given_up_is_held_after_the_wait(lock, holder, caplog, monkeypatch):
    monkeypatch.setattr(locks, 'PATIENCE', 0.1)
    caplog.set_level(logging.INFO, 'egg.cache')
    info = logger_that_releases(holder)
    logging.getLogger('egg.cache').addHandler(info)
    try:
        with locks.hold(lock, 'mine', 10):
            assert len(caplog.messages) == 1
    finally:
        logging.getLogger('egg.cache').removeHandler(info)


def logger_that_releases(holder):
    """Return a log handler that lets the holder go as soon as somebody waits."""

    class Handler(logging.Handler):
        def emit(self, record):
            holder.stdin.write('enough\n')
            holder.stdin.flush()

    return Handler()


def test_a_lock_dies_with_its_process(lock, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    started = time.monotonic()
    with locks.hold(lock, 'mine', 10):
        pass
    assert time.monotonic() - started < 2


def test_a_file_that_was_removed_in_the_meantime_is_no_lock(lock, monkeypatch):
    """As an early filelock has it, if a later one has just given up its lock."""
    acquire, others = locks.FileLock.acquire, []

    def too_late(self, *args, **kwargs):
        found = acquire(self, *args, **kwargs)
        if not others:
            lock.unlink()
            others.append(processes.start(HOLD, lock))
            assert others[0].stdout.readline() == 'held\n'
        return found

    monkeypatch.setattr(locks.FileLock, 'acquire', too_late)
    with pytest.raises(locks.LockTimeout), locks.hold(lock, 'mine', 0.3):
        pytest.fail('held twice')
    others[0].communicate('enough\n', timeout=processes.TIMEOUT)
    with locks.hold(lock, 'mine', 5):
        pass


def test_a_file_that_is_gone_when_it_is_opened_is_made_again(lock, monkeypatch):
    """As an early filelock has it, which looks first whether there is a file."""
    acquire, calls = locks.FileLock.acquire, []

    def gone(self, *args, **kwargs):
        calls.append(self)
        if len(calls) == 1:
            lock.unlink()
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(lock))
        return acquire(self, *args, **kwargs)

    monkeypatch.setattr(locks.FileLock, 'acquire', gone)
    with locks.hold(lock, 'mine', 5):
        assert len(calls) == 2


def test_filelock_tells_which_file_it_has_locked(lock):
    with locks.FileLock(lock) as held:
        assert os.path.samestat(os.fstat(held._context.lock_file_fd), lock.stat())


@pytest.fixture(scope='module')
def filelocks(tmp_path_factory):
    """A function that returns the environment with a release of filelock."""
    place = tmp_path_factory.mktemp('filelocks')

    def environ(release):
        target = place / release
        if not target.exists():
            subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--target',
                            target, f'filelock=={release}', 'typing_extensions'], check=True)
        path = [str(target), str(Path(locks.__file__).parents[2]), *filter(None, sys.path)]
        return {'PYTHONPATH': os.pathsep.join(path)}

    return environ


@pytest.mark.slow
@pytest.mark.parametrize('releases', [
    ('3.19.1', '3.28.0'), ('3.25.2', '3.28.0'), ('3.28.0', '4.3.1'), ('3.12.4', '4.3.1'),
], ids=' '.join)  # fmt: skip
def test_a_lock_is_held_once_whatever_filelock_each_process_has(
        filelocks, tmp_path, releases, say):  # fmt: skip
    stop = tmp_path / 'stop'
    children = [processes.start(CONTEND, tmp_path, stop, environ=filelocks(release))
                for release in releases * 2]
    time.sleep(8)
    stop.touch()
    results = [child.communicate(timeout=processes.TIMEOUT) for child in children]
    for _, errors in results:
        assert errors == ''
    counts = [int(output) for output, _ in results]
    assert min(counts) > 0
    versions = ' and '.join(releases)
    say(f'{sum(counts)} locks held by processes with filelock {versions}, none twice')


@pytest.mark.slow
@pytest.mark.parametrize('release', ['3.12.4', '3.19.1', '3.20.3', '3.25.2', '4.3.1'])
def test_who_opened_a_file_before_it_was_removed_waits_for_the_new_one(
        filelocks, lock, release):  # fmt: skip
    """The holder's filelock removes the file just before another process locks it."""
    remover = filelocks('3.28.0')
    with processes.start(HOLD, lock, environ=remover) as first:
        assert first.stdout.readline() == 'held\n'
        with processes.start(HOLD_LATE, lock, environ=filelocks(release)) as late:
            assert late.stdout.readline() == 'opened\n'
            first.communicate('enough\n', timeout=processes.TIMEOUT)
            assert not lock.exists()
            with processes.start(HOLD, lock, environ=remover) as third:
                assert third.stdout.readline() == 'held\n'
                late.stdin.write('lock it\n')
                late.stdin.flush()
                time.sleep(0.5)
                assert select.select([late.stdout], [], [], 0)[0] == []
                third.communicate('enough\n', timeout=processes.TIMEOUT)
            assert late.stdout.readline() == 'held\n'
            late.communicate('enough\n', timeout=processes.TIMEOUT)


@pytest.mark.parametrize('signature', [None, '', '[]', '{}', 'null', '{"purpose": "x"}', '\xff'])
def test_a_holder_that_cannot_be_named_is_another_buildout(lock, holder, tmp_path, signature):
    path = tmp_path / 'key-0123456789abcdef.json'
    path.unlink()
    if signature is not None:
        path.write_text(signature, encoding='latin-1')
    with pytest.raises(locks.LockTimeout) as info, locks.hold(lock, 'mine', 0):
        pytest.fail('held twice')
    assert str(info.value) == f'another buildout that holds {lock}'


def test_what_a_holder_says_of_itself_is_repeated_as_text_that_can_be_shown(
        lock, holder, tmp_path):
    who = {'purpose': 'x\x1b[2J\ud800', 'host': 'h', 'pid': 1, 'since': 'then'}
    (tmp_path / 'key-0123456789abcdef.json').unlink()
    (tmp_path / 'key-0123456789abcdef.json').write_text(json.dumps(who))
    with pytest.raises(locks.LockTimeout) as info, locks.hold(lock, 'mine', 0):
        pytest.fail('held twice')
    assert str(info.value) == r'x\x1b[2J\ud800 on h, process 1, since then'


@pytest.mark.parametrize('number', [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_filesystem_without_locks_is_an_os_error_at_once(lock, monkeypatch, number):
    def fail(descriptor, operation):
        raise OSError(number, 'no locks here')

    monkeypatch.setattr(fcntl, 'flock', fail)
    started = time.monotonic()
    with pytest.raises((OSError, NotImplementedError)), locks.hold(lock, 'mine', 1.5):
        pytest.fail('held')
    assert time.monotonic() - started < 1


def test_a_missing_system_call_is_no_lock_that_outlives_its_process(lock, monkeypatch):
    def fail(descriptor, operation):
        raise OSError(errno.ENOSYS, 'Function not implemented')

    monkeypatch.setattr(fcntl, 'flock', fail)
    with pytest.raises((OSError, NotImplementedError)), locks.hold(lock, 'mine', 1.5):
        pytest.fail('held by a file that stays')


def test_a_signature_that_cannot_be_written_costs_nothing(lock, tmp_path):
    (tmp_path / 'key-0123456789abcdef.json').mkdir()
    with locks.hold(lock, 'mine', 1):
        pass


def test_a_directory_that_is_missing_or_a_file_is_an_os_error(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError), locks.hold(tmp_path / 'file' / 'x.lock', 'mine', 0.1):
        pytest.fail('held')

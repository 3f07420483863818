"""Locks that fail: where there are no locks, work may be done twice, and nothing else is lost."""

import errno
import fcntl
import logging
import os
import time

import pytest
from support import faults, scenes, trees

from egg.cache.configuration import settings
from egg.cache.store import locks

NUMBERS = [errno.ENOLCK, errno.EBADF, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EIO]


@pytest.fixture
def place(tmp_path):
    return scenes.Place(tmp_path)


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def fail_with(error):
    def fail(*arguments, **options):
        raise error

    return fail


@pytest.mark.parametrize('number', NUMBERS, ids=errno.errorcode.get)
@pytest.mark.filterwarnings('error')
def test_a_disk_without_locks_is_one_warning(place, monkeypatch, caplog, number):
    monkeypatch.setattr(fcntl, 'flock', fail_with(OSError(number, os.strerror(number))))
    started = time.monotonic()
    session = scenes.run(place).session
    for project in ('one', 'two'):
        assert scenes.arrive(session, place, project=project).built == 1
    assert time.monotonic() - started < locks.PATIENCE
    [message] = warnings(caplog)
    assert message.startswith(f"Can't lock the egg cache in {place.cache}: ")
    assert os.strerror(number) in message
    assert session.counters.stored == 3
    assert scenes.faults(place.layout) == []
    assert scenes.run(place).built == 0


def test_bytes_of_a_path_that_are_no_text_lose_no_message(tmp_path, monkeypatch, caplog):
    place = scenes.Place(tmp_path / 'x\udcff')
    place.top.mkdir()
    monkeypatch.setattr(fcntl, 'flock', fail_with(OSError(errno.ENOLCK, 'No locks')))
    scenes.run(place)
    [message] = warnings(caplog)
    assert f'{tmp_path}/x\\udcff/cache: ' in message
    message.encode()


@pytest.mark.parametrize('error', [NotImplementedError('no flock'), RuntimeError('deadlock'),
                                   ValueError('nonsense')], ids=repr)  # fmt: skip
def test_whatever_the_locks_raise_is_one_warning(place, monkeypatch, caplog, error):
    monkeypatch.setattr(locks, 'FileLock', fail_with(error))
    result = scenes.run(place)
    assert (result.built, result.session.counters.stored) == (1, 1)
    [message] = warnings(caplog)
    assert f': {type(error).__name__}: {error}\n' in message


def test_a_lock_that_can_not_be_given_up_is_no_trouble(place, monkeypatch, caplog):
    flock = fcntl.flock

    def fail(descriptor, operation):
        if operation & fcntl.LOCK_UN:
            raise OSError(errno.ENOLCK, 'No locks available')
        return flock(descriptor, operation)

    monkeypatch.setattr(fcntl, 'flock', fail)
    assert scenes.run(place).built == 1
    assert warnings(caplog) == []


def spoil_with_a_link(place):
    target = place.top / 'precious'
    target.write_text('precious')
    for name in os.listdir(place.layout.locks):
        (place.layout.locks / name).unlink()
        (place.layout.locks / name).symlink_to(target)


def spoil_with_a_pipe(place):
    for name in os.listdir(place.layout.locks):
        (place.layout.locks / name).unlink()
        os.mkfifo(place.layout.locks / name)


@pytest.mark.parametrize('spoil', [spoil_with_a_link, spoil_with_a_pipe])
def test_a_lock_that_is_no_file_costs_a_warning_at_most(place, caplog, spoil):
    scenes.run(place)
    scenes.remove(place)
    spoil(place)
    before = place.top / 'precious'
    result = scenes.run(place)
    assert (result.built, result.session.counters.stored) == (1, 1)
    assert len(warnings(caplog)) <= 1
    assert not before.exists() or before.read_text() == 'precious'


def build_without_locks(place, eggs, barrier):
    fcntl.flock = fail_with(OSError(errno.ENOLCK, 'No locks available'))
    make = place.make

    def slow(directory, project='demo'):
        (place.top / f'ready{os.getpid()}').touch()
        limit = time.monotonic() + 60
        while len(list(place.top.glob('ready*'))) < barrier:
            assert time.monotonic() < limit, 'the others did not come to build'
            time.sleep(0.005)
        return make(directory, project)

    place.make = slow
    result = scenes.run(place, eggs=eggs)
    place.make = make
    expected = scenes.snapshot(make(eggs / 'expected'))
    assert trees.differences(expected, scenes.snapshot(result.egg)) == []


def test_without_locks_all_build_and_one_is_stored(place, say):
    place.archive()
    pids = []
    for number in range(4):
        pid = faults.fork()
        if pid == 0:
            arguments = place, place.top / f'eggs{number}', 4
            os._exit(abs(faults.in_child(build_without_locks, *arguments)))
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    assert scenes.faults(place.layout) == scenes.leftovers(place) == []
    assert str(scenes.entry(place)) == 'demo 1.0'
    assert scenes.run(place).built == 0
    say('4 processes without locks: 4 builds, 1 entry, no damage')


# The option


@pytest.mark.parametrize(('text', 'seconds'), [
    ('', 1800), ('0', 0), ('90', 90), ('90 s', 90), ('90s', 90), ('30 min', 1800),
    ('1 h', 3600), ('1.5 h', 5400), ('\n 2min ', 120), ('0.25', 0.25),
])  # fmt: skip
def test_the_time_limit_is_seconds_or_has_a_unit(text, seconds):
    parsed = settings.parse({'egg-cache': '', 'egg-cache-lock-timeout': text}, '/')
    assert parsed.lock_timeout == seconds


def test_the_time_limit_is_half_an_hour():
    assert settings.parse({'egg-cache': ''}, '/').lock_timeout == 1800

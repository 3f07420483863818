"""Races: many processes use one cache at once, and every build gets its egg."""

import logging
import os
import random
import re
import shutil
import signal
import socket
import time

import pytest
from support import archives, faults, scenes, trees
from support import tools as support_tools
from support.eggs import new_session
from support.properties import SEED
from support.runner import egg_part

from egg.cache.store import locks
from egg.cache.store.store import entries

PROJECTS = ('demo', 'one', 'two')
TIMEOUT = 60


class Children:
    """Forked processes that all have to end well."""

    def __init__(self):
        self.pids = []

    def start(self, function, *arguments):
        pid = faults.fork()
        if pid == 0:
            os._exit(0 if faults.in_child(function, *arguments) == 0 else 1)
        self.pids.append(pid)

    def finish(self):
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in self.pids] == [
            0 for _ in self.pids
        ]


def note(path, text):
    """Append a line to a file of all processes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f'{text}\n'.encode())
    os.close(descriptor)


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


class Worker:
    """One process: it builds, and does what else it may, until the time is over."""

    def __init__(self, top, number, duties, until):
        self.place = scenes.Place(top)
        self.notes = top / 'notes'
        self.number = number
        self.duties = duties
        self.until = until
        self.random = random.Random(SEED * 1000 + number)

    def run(self):
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: note(self.notes, f'warning {record.getMessage()!r}')
        logging.getLogger('egg.cache').addHandler(handler)
        rounds = 0
        while time.time() < self.until:
            getattr(self, self.random.choice(self.duties))()
            rounds += 1
        note(self.notes, f'rounds {rounds}')

    def build(self, mode='read-write'):
        project = self.random.choice(PROJECTS)
        place = scenes.Place(self.place.top / f'place{self.number}', self.place.cache)
        place.top.mkdir(exist_ok=True)
        make = place.make
        place.make = lambda directory, name: self.made(make, directory, name)
        result = scenes.run(place, mode=mode, project=project)
        expected = scenes.snapshot(make(place.top / 'expected', project))
        assert trees.differences(expected, scenes.snapshot(result.egg)) == []
        shutil.rmtree(place.eggs)

    def made(self, make, directory, project):
        note(self.notes, f'built {project}')
        time.sleep(0.03 + self.random.random() / 20)
        return make(directory, project)

    def verify(self):
        for fault in scenes.faults(self.place.layout):
            note(self.notes, f'fault {fault}')

    def remove(self):
        store = new_session(self.place.cache).store
        found = list(entries(self.place.layout))
        if found:
            store.remove(self.random.choice(found))

    def clear(self):
        store = new_session(self.place.cache).store
        for entry in list(entries(self.place.layout)):
            store.remove(entry)

    def refresh(self):
        self.build('refresh')


def work(top, count, seconds, duties):
    """Let `count` workers do their duties for some seconds; return what they noted."""
    children = Children()
    until = time.time() + seconds
    for number in range(count):
        worker = Worker(top, number, duties if number else ['build', 'verify'], until)
        children.start(worker.run)
    children.finish()
    return lines(top / 'notes')


def check(top, notes):
    """Fail if anything was damaged or lost; return how many rounds there were."""
    assert [line for line in notes if line.startswith(('warning', 'fault'))] == []
    assert scenes.faults(scenes.Place(top).layout) == []
    assert scenes.leftovers(scenes.Place(top)) == []
    return sum(int(line.split()[1]) for line in notes if line.startswith('rounds'))


def test_each_archive_is_built_once_while_nobody_removes_it(tmp_path, say):
    notes = work(tmp_path, 4, 2, ['build', 'build', 'verify'])
    rounds = check(tmp_path, notes)
    built = sorted(line for line in notes if line.startswith('built'))
    assert built == sorted(f'built {project}' for project in PROJECTS)
    say(f'4 processes, {rounds} rounds, {len(built)} archives built once each')
    assert rounds > 5


DUTIES = ['build', 'build', 'build', 'verify', 'remove', 'clear', 'refresh']


def test_building_verifying_removing_and_clearing_at_once_does_no_harm(tmp_path, say):
    hammer(tmp_path, 4, 3, say)


@pytest.mark.slow
def test_more_of_that_does_no_harm_either(tmp_path, say):
    hammer(tmp_path, 8, 30, say)


def hammer(tmp_path, count, seconds, say):
    notes = work(tmp_path, count, seconds, DUTIES)
    rounds = check(tmp_path, notes)
    built = sum(line.startswith('built') for line in notes)
    say(f'{count} processes, {rounds} rounds, {built} builds, no damage, nothing lost')
    assert rounds > 5


# Waiting


def hold_for_ever(place):
    def make(directory, project='demo'):
        (place.top / 'building').touch()
        time.sleep(TIMEOUT)

    place.make = make
    scenes.run(place, eggs=place.top / 'others')


@pytest.fixture
def place(tmp_path):
    return scenes.Place(tmp_path)


@pytest.fixture
def holder(place):
    """The process of a build that takes for ever."""
    pid = faults.fork()
    if pid == 0:
        try:
            hold_for_ever(place)
        finally:
            os._exit(0)
    started = time.monotonic()
    while not (place.top / 'building').exists():
        assert time.monotonic() < started + TIMEOUT
        time.sleep(0.01)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_waiting_says_for_whom_and_ends_when_that_process_dies(
        place, holder, monkeypatch, caplog):
    monkeypatch.setattr(locks, 'PATIENCE', 0.2)
    caplog.set_level(logging.INFO, 'egg.cache')
    killed = []

    class Killer(logging.Handler):
        def emit(self, record):
            if record.getMessage().startswith('Waiting'):
                os.kill(holder, signal.SIGKILL)
                killed.append(time.monotonic())

    handler = Killer()
    logging.getLogger('egg.cache').addHandler(handler)
    try:
        result = scenes.run(place)
    finally:
        logging.getLogger('egg.cache').removeHandler(handler)
    assert time.monotonic() - killed[0] < 5
    assert result.built == 1
    [message] = [text for text in caplog.messages if text.startswith('Waiting')]
    assert re.fullmatch(
        f'Waiting for the build of demo 1.0 on {re.escape(socket.gethostname())}, '
        rf'process {holder}, since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.', message)
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert scenes.run(place).built == 0


def test_after_the_time_limit_it_is_built_without_the_lock(place, holder, monkeypatch, caplog):
    monkeypatch.setattr(locks, 'PATIENCE', 0.1)
    result = scenes.run(place, lock_timeout=0.4)
    assert (result.built, result.session.counters.stored) == (1, 1)
    [message] = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    first, second = message.split('\n')
    assert first.startswith('Waited 0.4 s in vain for the build of demo 1.0 on ')
    assert f'process {holder}, since ' in first
    assert 'egg-cache-lock-timeout' in second
    # What is there now serves the others.
    assert scenes.run(place, lock_timeout=0.4).built == 0


# Real buildouts


@pytest.mark.parametrize('before', [
    'an empty cache', pytest.param('a full cache', marks=pytest.mark.slow),
])  # fmt: skip
def test_two_buildouts_in_one_directory_both_succeed(
        buildout_factory, index, archives_dir, recipe_wheel, cache_dir, before):
    for name in ('demo', 'other'):
        index.add(archives.make_wheel(archives_dir, name, '1.0'))
    index.delay = 0.05
    versions = {'demo': '1.0', 'other': '1.0',
                'zc.recipe.egg': recipe_wheel.name.split('-')[1]}  # fmt: skip
    part = egg_part('demo', 'other', versions=versions)
    if before == 'a full cache':
        buildout_factory(part).run()
    buildout = buildout_factory({'buildout': {'parts': ''}})
    buildout.run()  # It makes the directories, over which even plain buildouts fall.
    buildout.configure(part)
    runs = [buildout.start() for _ in range(2)]
    results = [run.finish() for run in runs]
    assert [result.returncode for result in results] == [0, 0], '\n'.join(map(str, results))
    assert buildout.script('demo') == 'demo 1.0\n'
    assert len(buildout.eggs) == 3
    assert [name for name in os.listdir(buildout.eggs_directory) if name.startswith('tmp')] == []
    place = scenes.Place(cache_dir.parent)
    assert scenes.faults(place.layout) == []
    assert len(list(entries(place.layout))) == 3
    if before == 'a full cache':
        assert sum(result.pip_count for result in results) == 0
    else:
        assert sum(result.pip_count for result in results) == 3


@pytest.mark.slow
def test_many_buildouts_at_once_build_each_archive_once(
        buildout_factory, index, archives_dir, cache_dir, say):
    for number in range(4):
        index.add(archives.make_wheel(archives_dir, f'demo{number}', '1.0'))
    part = egg_part(*(f'demo{number}' for number in range(4)))
    buildouts = [buildout_factory(part) for _ in range(6)]
    results = [run.finish() for run in [buildout.start() for buildout in buildouts]]
    assert [result.returncode for result in results] == [0] * 6, '\n'.join(map(str, results))
    assert sum(result.pip_count for result in results) == 5
    assert scenes.faults(scenes.Place(cache_dir.parent).layout) == []
    say('6 buildouts at once, 5 archives, 5 pip processes')


@pytest.mark.parametrize('announce', [True, False])
def test_each_archive_is_downloaded_once(buildout_factory, index, archives_dir, announce):
    index.announce = announce
    for name in ('demo', 'other'):
        index.add(archives.make_wheel(archives_dir, name, '1.0'))
    # Whether it is a pin or not, if the index tells which archive it is.
    pins = {'zc.recipe.egg': support_tools.find('zc.recipe.egg').version, 'demo': '1.0'}
    part = egg_part('demo', 'other', versions=pins if announce else {**pins, 'other': '1.0'})
    buildouts = [buildout_factory(part) for _ in range(4)]
    index.delay = 0.3
    results = [run.finish() for run in [buildout.start() for buildout in buildouts]]
    assert [result.returncode for result in results] == [0] * 4, '\n'.join(map(str, results))
    assert sorted(index.downloads) == sorted(set(index.downloads)) and len(index.downloads) == 3
    assert sum(result.pip_count for result in results) == 3

"""Crash: a process is killed before, in and after each change that it makes to the disk."""

import os
import random
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from support import archives, faults, scenes, trees
from support.properties import SEED
from support.runner import egg_part

from egg.cache.store.layout import Layout

#: Audit events of Python, and the functions that raise them.
EVENTS = {
    'open': ('open',),
    'os.mkdir': ('mkdir',),
    'os.rename': ('rename', 'replace'),
    'os.remove': ('unlink', 'remove'),
    'os.rmdir': ('rmdir',),
    'os.chmod': ('chmod', 'fchmod'),
    'os.utime': ('utime',),
    'os.symlink': ('symlink',),
    'os.link': ('link',),
    'os.truncate': ('truncate', 'ftruncate'),
    'os.chown': ('chown',),
    'os.listdir': ('listdir',),
    'os.scandir': ('scandir',),
}


def changes(stage):
    """Return the operations of a scene that change something, as they happen undisturbed."""
    place, record = stage.new(), faults.Record()
    with faults.Operations(place.top, record) as operations:
        stage.play(place, operations)
    shutil.rmtree(place.top)
    return [operation for operation in record.operations if operation.changes]


def kill(stage, place, number, when):
    def play():
        with faults.Operations(place.top, faults.Kill(number, when)) as operations:
            stage.play(place, operations)

    return faults.in_child(play)


def check(stage, place, where):
    """Fail if anything but time was lost."""
    for fault in scenes.faults(place.layout):
        assert stage.name == 'set-aside' and fault.startswith('demo 1.0: demo/__init__.py'), where
    if place.eggs.is_dir():
        for egg in place.eggs.glob('*.egg'):
            assert trees.differences(stage.expected, scenes.snapshot(egg)) == [], where
    again = scenes.run(place)
    assert trees.differences(stage.expected, scenes.snapshot(again.egg)) == [], where
    assert scenes.faults(place.layout) == [], where
    scenes.age(place)
    hit = scenes.run(place)
    assert hit.built == 0, where
    assert trees.differences(stage.expected, scenes.snapshot(hit.egg)) == [], where
    assert scenes.leftovers(place) == [], where
    return again.built


@pytest.mark.parametrize('name', scenes.SCENES)
def test_a_process_killed_before_or_in_any_change_costs_nothing_but_time(tmp_path, name, say):
    kill_everywhere(tmp_path, name, ('before', 'in'), say)


@pytest.mark.slow
@pytest.mark.parametrize('name', scenes.SCENES)
def test_a_process_killed_after_any_change_costs_nothing_but_time(tmp_path, name, say):
    kill_everywhere(tmp_path, name, ('after',), say)


def kill_everywhere(tmp_path, name, moments, say):
    stage = scenes.Stage(tmp_path, name)
    stage.name = name
    operations = changes(stage)
    points = [(number, when)
              for number, operation in enumerate(operations, 1)
              for when in moments
              if when != 'in' or operation.name == 'write']  # fmt: skip
    rebuilt = 0
    for number, when in points:
        place = stage.new()
        where = f'killed {when} change {number}, {operations[number - 1]}'
        assert kill(stage, place, number, when) == -signal.SIGKILL, where
        rebuilt += check(stage, place, where)
        shutil.rmtree(place.top)
    place = stage.new()
    assert kill(stage, place, len(operations) + 1, 'before') == 0
    check(stage, place, 'not killed')
    say(f'{name}: killed {" and ".join(moments)} {len(operations)} changes, '
        f'{len(points)} kill points: no egg lost or damaged, {rebuilt} built anew')  # fmt: skip
    assert len(operations) >= (15 if name == 'remove' else 30)


def compare_with_audit(stage, place):
    events, record = Counter(), faults.Record()
    top = os.path.realpath(place.top)

    def hook(event, arguments):
        if event in EVENTS and not operations.is_paused:
            path = arguments[1] if event == 'os.symlink' else arguments[0]
            path = operations.path(path, {})
            # What is removed in a directory that is open has no path of its own.
            if path.startswith(top) or event in ('os.remove', 'os.rmdir'):
                events[event] += 1

    operations = faults.Operations(place.top, record)
    sys.addaudithook(hook)
    with operations:
        stage.play(place, operations)
        operations.is_paused = True
    seen = Counter(operation.name for operation in record.operations)
    for event, names in EVENTS.items():
        if event == 'open':
            # Directories that are opened by name in another one have no path of their own.
            found = sum(operation.name == 'open' and operation.options.get('dir_fd') is None
                        for operation in record.operations)
        else:
            found = sum(seen[name] for name in names)
        assert found == events[event], (event, found, events[event])
    assert sum(events.values()) > 10


@pytest.mark.parametrize('name', scenes.SCENES)
def test_no_operation_escapes_the_count(tmp_path, name):
    stage = scenes.Stage(tmp_path, name)
    # An audit hook can't be taken away again.
    assert faults.in_child(compare_with_audit, stage, stage.new()) == 0


HOOK = """
import atexit, os, sys
if 'TEST_KILL_AT' in os.environ:
    sys.path.append({tests!r})
    from support import faults
    plan = faults.Kill(int(os.environ['TEST_KILL_AT']), 'before')
    operations = faults.Operations(os.environ['TEST_KILL_BELOW'].split(':'), plan)
    operations.__enter__()
    atexit.register(lambda: open(os.environ['TEST_KILL_LOG'], 'w').write(str(plan.count)))
"""


class Killer:
    """Runs real buildouts and kills them at a change below their eggs directory or the cache."""

    def __init__(self, directory, tools, cache):
        hooks = directory / 'hooks'
        hooks.mkdir()
        (hooks / 'kill_hook.py').write_text(HOOK.format(tests=str(Path(__file__).parents[1])))
        (hooks / 'kill.pth').write_text('import kill_hook\n')
        self.tools = [*tools, str(hooks)]
        self.log = directory / 'count'
        self.cache = cache

    def run(self, buildout, number, **options):
        below = os.pathsep.join([str(buildout.path('eggs')), str(self.cache)])
        return buildout.run(env={'TEST_KILL_AT': number, 'TEST_KILL_BELOW': below,
                                 'TEST_KILL_LOG': self.log}, **options)  # fmt: skip

    def count(self, buildout):
        self.run(buildout, 0)
        return int(self.log.read_text())


def test_what_a_killed_buildout_left_is_no_egg(
        buildout_factory, index, archives_dir, recipe_wheel):
    """zc.buildout itself takes it for one: perhaps half of what pip would have put there."""
    index.add(archives.make_wheel(archives_dir, 'other', '2.0'))
    versions = {'other': '2.0', 'zc.recipe.egg': recipe_wheel.name.split('-')[1]}
    buildout = buildout_factory(egg_part('other', versions=versions))
    buildout.run()
    egg = buildout.egg('other')
    left = egg.with_name('tmpkilled')
    egg.rename(left)
    buildout.path('.installed.cfg').unlink()
    buildout.run()
    assert egg.exists() and 'tmpkilled' not in buildout.path('bin', 'other').read_text()


@pytest.mark.slow
@pytest.mark.parametrize('before', ['an empty cache', 'a full cache'])
def test_a_killed_buildout_costs_nothing_but_time(
        buildout_factory, tmp_path, tools, cache_dir, index, archives_dir, recipe_wheel, before,
        say):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', requires=['other']))
    index.add(archives.make_wheel(archives_dir, 'other', '2.0'))
    versions = {'demo': '1.0', 'other': '2.0', 'zc.recipe.egg': recipe_wheel.name.split('-')[1]}
    part = egg_part('demo', versions=versions)
    killer = Killer(tmp_path, tools, cache_dir)
    plain = buildout_factory(part, cache=False)
    plain.run()
    if before == 'a full cache':
        buildout_factory(part).run()
    kept = tmp_path / 'kept'
    cache_dir.mkdir(exist_ok=True)
    shutil.copytree(cache_dir, kept, symlinks=True)
    changes = killer.count(buildout_factory(part, tools=killer.tools))
    generator = random.Random(SEED)
    points = sorted(generator.sample(range(1, changes + 1), 4))
    for number in points:
        shutil.rmtree(cache_dir)
        shutil.copytree(kept, cache_dir, symlinks=True)
        buildout = buildout_factory(part, tools=killer.tools)
        result = killer.run(buildout, number, ok=False)
        assert result.returncode == -signal.SIGKILL, result
        assert scenes.faults(Layout(cache_dir)) == [], number
        compare_eggs(plain, buildout, buildout.eggs)
        buildout.run()
        compare_eggs(plain, buildout, plain.eggs)
        another = buildout_factory(part)
        assert another.run().pip_count <= len(plain.eggs), number
        compare_eggs(plain, another, plain.eggs)
        assert buildout_factory(part).run().pip_count == 0
    say(f'{before}: {changes} changes, buildout killed at {points}')


def compare_eggs(plain, buildout, names):
    for name in names:
        assert trees.differences(
            trees.normalised(plain.eggs_directory / name, replace=[plain.directory]),
            trees.normalised(buildout.eggs_directory / name, replace=[buildout.directory]),
        ) == [], name

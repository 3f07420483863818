"""Damage: whatever happens to what is stored, it is a miss, one warning and a new egg."""

import json
import logging
import os
import random
import shutil
import stat
from collections import Counter

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from support import scenes, trees
from support.eggs import overwrite, sealed
from support.properties import DISK_PROPERTY, SEED

COUNTS = Counter()


@pytest.fixture(scope='module')
def stage(tmp_path_factory):
    stage = scenes.Stage(tmp_path_factory.mktemp('damage'), 'copy-out')
    # Two projects, so that things can be swapped.
    scenes.run(stage.template, project='other')
    shutil.rmtree(stage.template.eggs)
    return stage


class Log(logging.Handler):
    """Collects the warnings of one run."""

    def __enter__(self):
        self.messages = []
        logging.getLogger('egg.cache').addHandler(self)
        return self

    def __exit__(self, *error):
        logging.getLogger('egg.cache').removeHandler(self)

    def emit(self, record):
        if record.levelno >= logging.WARNING:
            self.messages.append(record.getMessage())


def check(stage, place, path=None, kind=''):
    """Fail unless the damage is a miss, one warning, set aside, and mended; `path` is named."""
    with Log() as log:
        result = scenes.run(place)
    assert trees.differences(stage.expected, scenes.snapshot(result.egg)) == [], log.messages
    assert result.built == 1
    [message] = log.messages
    first, second, third = message.split('\n')
    assert first.startswith('The entry of demo 1.0 in the egg cache is damaged: '), message
    found = first.partition('is damaged: ')[2]
    if path is not None:
        assert found.startswith(f'{path}: expected '), message
    assert ', found ' in found
    assert second.startswith(f'It was set aside: {place.layout.trash}/'), message
    assert third == 'The egg is built anew.'
    assert len(os.listdir(place.layout.trash)) == 1
    assert scenes.faults(place.layout) == []
    with Log() as log:
        assert scenes.run(place).built == 0
    assert log.messages == []
    COUNTS[kind or str(path)] += 1
    shutil.rmtree(place.top)


FILES = ('demo/__init__.py', 'demo/data.bin', 'demo/run', 'demo-1.0.dist-info/METADATA')
PATHS = st.sampled_from(FILES)


def flip(path, data):
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1), 'position')
    content[position] ^= 1 << data.draw(st.integers(0, 7), 'bit')
    overwrite(path, bytes(content))


def truncate(path, data):
    overwrite(path, path.read_bytes()[: data.draw(st.integers(0, path.stat().st_size - 1))])


def extend(path, data):
    overwrite(path, path.read_bytes() + data.draw(st.binary(min_size=1, max_size=9)))


def zero(path, data):
    content = bytearray(path.read_bytes())
    start = data.draw(st.integers(0, len(content) - 1), 'start')
    content[start:] = bytes(len(content) - start)
    overwrite(path, bytes(content))
    return any(content) or len(content) > 0


def shuffle(path, data):
    content = path.read_bytes()
    cut = data.draw(st.integers(1, len(content) - 1), 'cut')
    overwrite(path, content[cut:] + content[:cut])


def edit_through_a_hard_link(path, data):
    other = path.parents[8] / 'copied'
    os.link(path, other)
    before = path.stat()
    flip(other, data)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.unlink(other)


def change_mode(path, data):
    modes = st.integers(0o400, 0o777).filter(lambda mode: mode != stat.S_IMODE(before))
    before = path.stat().st_mode
    os.chmod(path, data.draw(modes | st.just(0o4555), 'mode'))


def delete(path, data):
    path.unlink()


def link(path, data):
    target = path.parents[8] / 'moved'
    path.rename(target)
    os.symlink(data.draw(st.sampled_from([str(target), '/etc/passwd', 'run', '/'])), path)


def pipe(path, data):
    path.unlink()
    os.mkfifo(path)


def directory(path, data):
    path.unlink()
    path.mkdir()


CHANGES = [flip, truncate, extend, zero, shuffle, edit_through_a_hard_link, change_mode, delete,
           link, pipe, directory]  # fmt: skip


def try_many(count, function, say, **strategies):
    """Call a function with `count` examples, and say what was damaged."""
    COUNTS.clear()
    examples = given(**strategies)(function)
    seed(SEED)(settings(DISK_PROPERTY, max_examples=count)(examples))()
    kinds = ', '.join(f'{number} {kind}' for kind, number in sorted(COUNTS.items()))
    say(f'{sum(COUNTS.values())} damages, none served: {kinds}')
    assert sum(COUNTS.values()) > count / 4


@pytest.mark.parametrize('count', [60, pytest.param(500, marks=pytest.mark.slow)])
def test_a_changed_file_is_named_and_mended(stage, say, count):
    def damage(change, path, data):
        check_change(stage, change, path, data)

    try_many(count, damage, say, change=st.sampled_from(CHANGES), path=PATHS, data=st.data())


def check_change(stage, change, path, data):
    place = stage.new()
    target = scenes.entry(place).egg / path
    before = content(target)
    change(target, data)
    if content(target) == before:
        shutil.rmtree(place.top)  # Zeros for zeros.
        return
    check(stage, place, path, change.__name__)


def content(path):
    info = os.lstat(path) if os.path.lexists(path) else None
    mode = info.st_mode if info else None
    return mode, path.read_bytes() if info and stat.S_ISREG(mode) else None


NAMES = st.sampled_from(['demo/added.py', 'added.pth', 'demo/nothing/x', '.hidden', 'demo/é'])


KINDS = st.sampled_from(['file', 'directory', 'link', 'pipe'])


def test_what_is_added_is_named(stage, say):
    def damage(name, kind):
        add(stage, name, kind)

    try_many(20, damage, say, name=NAMES, kind=KINDS)


def add(stage, name, kind):
    place = stage.new()
    path = scenes.entry(place).egg / name
    {'file': path.touch, 'directory': path.mkdir, 'pipe': lambda: os.mkfifo(path),
     'link': lambda: os.symlink('/etc', path)}[kind]()  # fmt: skip
    check(stage, place, name, f'an added {kind}')


def test_swapped_files_are_damage(stage, say):
    def damage(paths):
        swap(stage, paths)

    try_many(12, damage, say, paths=st.permutations(FILES))


def swap(stage, paths):
    place = stage.new()
    one, other = (scenes.entry(place).egg / path for path in paths[:2])
    one.rename(one.with_name('third'))
    other.rename(one)
    one.with_name('third').rename(other)
    check(stage, place, kind='swapped files')


# Whole entries


def swap_eggs(place):
    one, other = scenes.entry(place), scenes.entry(place, 'other')
    shutil.rmtree(one.egg)
    other.egg.rename(one.egg)
    shutil.rmtree(other.path)


def swap_entries(place):
    one, other = scenes.entry(place), scenes.entry(place, 'other')
    shutil.rmtree(one.path)
    other.path.rename(one.path)


def swap_manifests(place):
    one, other = scenes.entry(place), scenes.entry(place, 'other')
    (one.path / 'entry.json').unlink()      # It is read-only, but for root.
    shutil.copy(other.path / 'entry.json', one.path / 'entry.json')


def empty_entry(place):
    path = scenes.entry(place).path
    shutil.rmtree(path)
    path.mkdir()


def entry_is_a_file(place):
    path = scenes.entry(place).path
    shutil.rmtree(path)
    path.touch()


def no_egg(place):
    shutil.rmtree(scenes.entry(place).egg)


def no_manifest(place):
    (scenes.entry(place).path / 'entry.json').unlink()


def manifest_is_a_directory(place):
    no_manifest(place)
    (scenes.entry(place).path / 'entry.json').mkdir()


def manifest_is_a_pipe(place):
    path = scenes.entry(place).path / 'entry.json'
    path.unlink()
    os.mkfifo(path)


def manifest_is_a_link(place):
    path = scenes.entry(place).path / 'entry.json'
    path.rename(place.top / 'entry.json')
    path.symlink_to(place.top / 'entry.json')


def manifest_for_everybody(place):
    (scenes.entry(place).path / 'entry.json').chmod(0o666)


@pytest.mark.parametrize(('damage', 'path'), [
    (swap_eggs, None), (swap_entries, 'entry.json'), (swap_manifests, 'entry.json'),
    (empty_entry, 'entry.json'), (entry_is_a_file, '.'), (no_egg, '.'),
    (no_manifest, 'entry.json'), (manifest_is_a_directory, 'entry.json'),
    (manifest_is_a_pipe, 'entry.json'), (manifest_is_a_link, 'entry.json'),
    (manifest_for_everybody, 'entry.json'),
])  # fmt: skip
def test_a_broken_entry_is_set_aside(stage, damage, path):
    place = stage.new()
    try:
        damage(place)
    except ValueError:  # Not even its name can be asked for.
        pytest.fail('prepared wrongly')
    check(stage, place, path, damage.__name__)


# Manifests


def test_a_broken_manifest_is_named(stage, say):
    def damage(data):
        break_manifest(stage, data)

    try_many(30, damage, say, data=st.data())


def break_manifest(stage, data):
    place = stage.new()
    path = scenes.entry(place).path / 'entry.json'
    data.draw(st.sampled_from([flip, truncate, extend, zero, shuffle]))(path, data)
    check(stage, place, 'entry.json', 'a broken manifest')


HOSTILE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.just(10**400), st.just(2**63 - 1),
    st.text(max_size=9), st.lists(st.integers(), max_size=2), st.just({}),
    st.sampled_from(['..', '../../../../../../x', '/etc/passwd', '/', '', '.', 'x' * 300, 'a\0b',
                     '~', 'demo/../../x', '\ud800', '9' * 400, 'entry.json']),
    st.integers(1, 900).map(lambda depth: json.loads('[' * depth + ']' * depth)),
)  # fmt: skip
FIELDS = st.sampled_from([
    ('format',), ('project',), ('version',), ('egg',), ('archive',), ('build',), ('umask',),
    ('files',), ('archive', 'name'), ('archive', 'sha256'), ('archive', 'kind'),
    ('build', 'seconds'), ('files', 0, 'path'), ('files', 3, 'path'), ('files', 3, 'kind'),
    ('files', 3, 'mode'), ('files', 3, 'size'), ('files', 3, 'sha256'), ('files', 5),
])  # fmt: skip


@pytest.mark.parametrize('count', [80, pytest.param(500, marks=pytest.mark.slow)])
def test_a_hostile_manifest_never_leaves_its_directories(stage, say, count):
    def damage(path, value):
        try_hostile(stage, path, value)

    try_many(count, damage, say, path=FIELDS, value=HOSTILE)


def try_hostile(stage, path, value):
    place = stage.new()
    entry = scenes.entry(place)
    row = json.loads((entry.path / 'entry.json').read_bytes())
    inner = row
    for step in path[:-1]:
        inner = inner[step]
    if value == inner[path[-1]]:
        shutil.rmtree(place.top)
        return
    inner[path[-1]] = value
    overwrite(entry.path / 'entry.json', sealed(row))
    before = outside(place)
    with Log() as log:
        result = scenes.run(place)
    assert trees.differences(before, outside(place)) == []
    assert trees.differences(stage.expected, scenes.snapshot(result.egg)) == [], log.messages
    assert scenes.faults(place.layout) == []
    harmless = path == ('build', 'seconds') or path == ('umask',)
    if not (harmless and not log.messages):
        assert result.built == 1, log.messages
        # An archive of another name is another one, so the entry isn't damaged.
        assert len(log.messages) <= 1
        assert log.messages or path[0] == 'archive', log.messages
    result.session.counters.summary()
    COUNTS['a hostile manifest'] += 1
    shutil.rmtree(place.top)


@pytest.mark.parametrize('value', ['\ud800', 'x\x1b[2Jx', 'x\nThe egg is built anew.'])
def test_what_a_manifest_says_is_repeated_as_text_that_can_be_shown(stage, value):
    place = stage.new()
    entry = scenes.entry(place)
    row = json.loads((entry.path / 'entry.json').read_bytes())
    row['project'] = value
    overwrite(entry.path / 'entry.json', sealed(row))
    with Log() as log:
        assert scenes.run(place).built == 1
    [message] = log.messages
    first, second, third = message.split('\n')
    assert all(map(str.isprintable, (first, second, third))), message


def outside(place):
    """Return a snapshot of all but the cache and the eggs."""
    nodes = trees.snapshot(place.top)
    return {path: node for path, node in nodes.items()
            if path != '.' and not path.startswith(('cache', 'eggs', 'demo-'))}  # fmt: skip


def test_unknown_values_in_a_row_of_the_manifest_are_no_harm(stage):
    place = stage.new()
    entry = scenes.entry(place)
    row = json.loads((entry.path / 'entry.json').read_bytes())
    row['files'][3]['signature'] = 'x'
    row['build']['host'] = 'x'
    overwrite(entry.path / 'entry.json', sealed(row))
    with Log() as log:
        assert scenes.run(place).built == 0
    assert log.messages == []


def test_several_damages_at_once_are_one_warning(stage):
    generator = random.Random(SEED)
    for _ in range(5):
        place = stage.new()
        egg = scenes.entry(place).egg
        for path in generator.sample(FILES, 3):
            overwrite(egg / path, b'damaged')
        check(stage, place, kind='several')

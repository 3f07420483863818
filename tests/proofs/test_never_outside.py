"""Never outside: no operation follows a link out of the cache, or writes anywhere else."""

import logging
import os
import shutil

import pytest
from support import command, scenes, trees
from support.eggs import archive, flip, new_session

from egg.cache.common.errors import CacheError
from egg.cache.store.store import entries

#: What lies below a cache directory: the path of each level.
LEVELS = ('v1', 'environment', 'eggs', 'project', 'version', 'entry', 'egg', 'demo', 'tmp',
          'trash', 'locks', 'stats', 'origins', 'origin')  # fmt: skip
#: Reached through a link, an entry isn't served; these hold no entries.
HARMLESS = ('tmp', 'trash', 'locks', 'stats', 'origins', 'origin')


@pytest.fixture
def place(tmp_path):
    """A cache with an egg, and with leftovers that are due to be swept."""
    place = scenes.Place(tmp_path / 'place')
    place.top.mkdir()
    scenes.left_over(place)
    return place


def path_of(place, level):
    entry = scenes.entry(place)
    names = dict(zip(['entry', 'version', 'project', 'eggs', 'environment', 'v1'],
                     [entry.path, *entry.path.parents]))  # fmt: skip
    [origin] = (names['environment'] / 'origins').iterdir()
    names.update(egg=entry.egg, demo=entry.egg / 'demo', tmp=place.layout.tmp,
                 trash=place.layout.trash, locks=place.layout.locks, origins=origin.parent,
                 stats=place.layout.stats,
                 origin=origin)  # fmt: skip
    return names[level]


def move_out(place, level):
    """Put a level elsewhere, and a link in its place; return where it is now."""
    path = path_of(place, level)
    target = place.top.parent / 'outside' / level
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    path.symlink_to(target)
    return target


VERBS = [
    ['verify', '--repair'], ['remove', 'demo', 'other', '--yes'],
    ['prune', '--max-size', '1B'], ['prune', '--unused-for', '1s'], ['clear', '--yes'],
]  # fmt: skip


@pytest.mark.parametrize('level', LEVELS)
def test_no_verb_follows_a_link_out_of_the_cache(place, level, capsys):
    place.archive('other')
    scenes.run(place, project='other')
    flip(scenes.entry(place, 'other').egg / 'other/__init__.py')
    target = move_out(place, level)
    age(target)
    before = trees.snapshot(target)
    for verb in VERBS:
        command.run(capsys, '--cache', place.cache, *verb)
        assert trees.differences(before, trees.snapshot(target)) == [], verb


def test_no_verb_enters_a_linked_environment(place, capsys):
    outside = place.top.parent / 'outside'
    shutil.copytree(path_of(place, 'environment'), outside, symlinks=True)
    (outside / 'origins' / 'one').mkdir()
    (outside / 'origins' / 'one' / 'other-1.0').write_text('')
    (outside / 'eggs/empty/1.0').mkdir(parents=True)
    age(outside)
    (place.layout.environments / 'planted').symlink_to(outside)
    before = trees.snapshot(outside)
    for verb in VERBS:
        command.run(capsys, '--cache', place.cache, *verb)
        assert trees.differences(before, trees.snapshot(outside)) == [], verb


@pytest.mark.parametrize('is_cache', [False, True])
def test_no_verb_removes_what_others_put_there(place, is_cache, capsys):
    directory = place.cache if is_cache else place.top / 'project'
    mine = [directory / name for name in (
        'v1/api.py', 'v1/package/api.py', 'tmp/thesis.txt', 'tmp/old/x', 'trash/x',
        'stats/data.csv', 'stats/data.jsonl', 'locks/keep.lock', 'locks/keep')]  # fmt: skip
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('precious')
    age(directory)
    for verb in VERBS:
        command.run(capsys, '--cache', directory, *verb)
        assert [path for path in mine if not path.exists()] == [], verb


def act(place):
    """Do everything that there is to do; whatever can't be done raises what it likes."""
    results = [scenes.run(place), scenes.run(place, project='other')]
    scenes.run(place, mode='refresh', project='other')
    session = new_session(place.cache)
    session.ranked('demo', lambda version: True, lambda url: True, True)
    for action in (
        lambda: scenes.faults(place.layout),
        lambda: [session.store.remove(entry) for entry in list(entries(place.layout))],
        lambda: session.store.set_aside(session.store.entry('demo', '1.0', DIGEST)),
        lambda: session.store.remove(session.store.entry('demo', '1.0', DIGEST)),
        session.store.sweep,
        lambda: scenes.run(place),
    ):
        try:
            action()
        except (OSError, CacheError) as error:
            logging.getLogger('test').info('refused: %r', error)
    return results


DIGEST = '2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea'


@pytest.mark.parametrize('level', LEVELS)
def test_a_link_out_of_the_cache_is_not_followed(place, level, caplog):
    target = move_out(place, level)
    age(target)
    before = trees.snapshot(target)
    results = act(place)
    assert trees.differences(before, trees.snapshot(target)) == [], caplog.messages
    assert results[0].built == (level not in HARMLESS), caplog.messages
    warnings = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert warnings if level != 'stats' else not warnings


def age(directory):
    for path in [directory, *directory.rglob('*')]:
        if not path.is_symlink():
            os.utime(path, (1, 1))


@pytest.mark.parametrize('level', [level for level in LEVELS if level not in ('egg', 'demo')])
def test_nothing_is_made_through_a_dangling_link(place, level):
    target = move_out(place, level)
    shutil.rmtree(target)
    act(place)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize('name', ['CACHEDIR.TAG', 'environment.json', 'pointer', 'lock',
                                  'signature'])  # fmt: skip
@pytest.mark.parametrize('dangling', [False, True])
def test_a_file_that_is_a_link_is_not_written_through(place, name, dangling):
    origin = path_of(place, 'origin')
    [pointer] = [path for path in origin.iterdir() if path.name != 'origin.json']
    [lock] = [path for path in place.layout.locks.iterdir() if path.suffix == '.lock']
    path = {
        'CACHEDIR.TAG': place.cache / 'CACHEDIR.TAG',
        'environment.json': path_of(place, 'environment') / 'environment.json',
        'pointer': pointer,
        'lock': lock,
        'signature': lock.with_suffix('.json'),
    }[name]
    target = place.top.parent / 'target'
    if not dangling:
        target.write_text('precious')
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    scenes.remove(place)
    act(place)
    assert not os.path.lexists(target) if dangling else target.read_text() == 'precious'


def test_the_cache_directory_itself_may_be_a_link(tmp_path, caplog):
    place = scenes.Place(tmp_path / 'place')
    place.top.mkdir()
    (tmp_path / 'disk').mkdir()
    place.cache.symlink_to(tmp_path / 'disk')
    assert [scenes.run(place).built for _ in range(2)] == [1, 0]
    scenes.remove(place)
    assert scenes.run(place).built == 1
    assert place.cache.is_symlink()
    assert (tmp_path / 'disk' / 'CACHEDIR.TAG').exists()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_an_egg_full_of_links_touches_nothing(tmp_path):
    place = scenes.Place(tmp_path / 'place')
    place.top.mkdir()
    precious = tmp_path / 'precious'
    precious.mkdir()
    (precious / 'file').write_text('precious')
    make = place.make

    def made(directory, project='demo'):
        egg = make(directory, project)
        for name, target in (('absolute', precious), ('relative', '../../../../precious'),
                             ('root', '/'), ('file', precious / 'file'),
                             ('self', '.'), ('up', '../..')):  # fmt: skip
            os.symlink(target, egg / 'demo' / name)
        return egg

    place.make = made
    before = trees.snapshot(precious)
    for _ in range(2):
        egg = scenes.run(place).egg
        assert os.readlink(egg / 'demo/root') == '/'
        assert os.readlink(egg / 'demo/relative') == '../../../../precious'
    scenes.refresh(place)
    scenes.remove(place)
    assert trees.differences(before, trees.snapshot(precious)) == []


@pytest.mark.parametrize('kind', ['file', 'directory', 'link'])
def test_what_is_at_the_destination_is_not_written_to(tmp_path, kind):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    session = new_session(place.cache)
    session.open()
    entry = scenes.entry(place)
    directory, elsewhere = tmp_path / 'destination', tmp_path / 'elsewhere'
    directory.mkdir()
    elsewhere.mkdir()
    target = directory / entry.egg.name
    if kind == 'link':
        target.symlink_to(elsewhere)
    elif kind == 'file':
        target.write_text('precious')
    else:
        (target / 'precious').mkdir(parents=True)
    before = trees.snapshot(directory)
    assert session.copy(entry, directory) is None
    assert trees.differences(before, trees.snapshot(directory)) == []
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(('project', 'version'), [
    ('..', '1.0'), ('../..', '1.0'), ('/etc', '1.0'), ('demo', '..'), ('demo', '../1.0'),
    ('demo', '/'), ('', '1.0'), ('demo', ''), ('a\0b', '1.0'), ('x' * 300, '1.0'), ('demo', '\n'),
])  # fmt: skip
def test_no_name_leads_out(tmp_path, project, version):
    place = scenes.Place(tmp_path)
    session = new_session(place.cache)
    session.open()
    before = trees.snapshot(tmp_path)
    eggs = tmp_path.parent / f'{tmp_path.name}-eggs'
    eggs.mkdir()
    egg = session.build(project, version, archive(), eggs, lambda: place.make(eggs))
    assert egg.is_dir()
    changed = trees.differences(before, trees.snapshot(tmp_path))
    allowed = ('cache: time', 'cache/locks', 'cache/stats', 'cache/tmp')
    assert [line for line in changed if not line.startswith(allowed)] == []
    shutil.rmtree(eggs)

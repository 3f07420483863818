"""Prune: which entries are worth their place?"""

import dataclasses
import logging
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import processes, scenes, tools, trees
from support.archives import make_wheel
from support.eggs import BUILD, KEY, add, archive, manifest, new_store, overwrite, write_egg
from support.properties import PROPERTY
from support.runner import egg_part

from egg.cache.common import units
from egg.cache.common.errors import DamagedError
from egg.cache.maintenance import prune
from egg.cache.maintenance.candidates import Candidate, weigh
from egg.cache.maintenance.prune import Limits
from egg.cache.store import store as stores
from egg.cache.store.entry import Entry
from egg.cache.store.layout import Layout

DAY = 24 * 3600.0
NOW = 1_700_000_000.0

KILLED = """
import os, signal, sys, time
from pathlib import Path
from egg.cache.common import files
from egg.cache.maintenance import prune
from egg.cache.store.layout import Layout
kill = lambda *args, **options: os.kill(os.getpid(), signal.SIGKILL)
{preparation}
prune.run(Layout(Path(sys.argv[1])), prune.Limits(max_size=1), time.time())
"""
KILLED_AT = {
    'before the rename': 'os.rename = kill',
    'after the rename': 'from egg.cache.store import store; store.remove_tree = kill',
    'in mid-removal': '''
unlink = os.unlink
def dying(*args, **options):
    unlink(*args, **options)
    kill()
os.unlink = dying''',
}
TWO = """
import sys, time
from pathlib import Path
from egg.cache.maintenance import prune
from egg.cache.store.layout import Layout
print('ready', flush=True)
sys.stdin.readline()
report = prune.run(Layout(Path(sys.argv[1])), prune.Limits(max_size=1), time.time())
print(len(report.removed), len(report.failures))
"""


def candidate(project='demo', version='1.0', size=1000, seconds=1.0, days=0.0, key=KEY):
    """Return an entry as it is weighed, unused for some days."""
    entry = Entry(Path('/cache/v1', key, 'eggs', project, version, '0' * 16))
    return Candidate(entry, f'{project}-{version}-py3.12.egg', size, seconds, NOW - days * DAY)


def names(candidates):
    return [str(one.entry) for one in candidates]


def chosen(candidates, **limits):
    return names(prune.choose(candidates, Limits(**limits), NOW))


# Choosing


def test_without_limits_everything_stays():
    assert chosen([candidate(days=9999)]) == []


def test_what_was_not_used_for_long_goes():
    old, young = candidate('old', days=91), candidate('young', days=89)
    assert chosen([old, young], unused_for=90 * DAY) == ['old 1.0']


def test_the_newest_versions_stay_and_with_no_other_limit_the_others_go():
    versions = [candidate(version=text, days=99) for text in ('9.0', '10.0', '10.0rc1', '2.0')]
    assert sorted(chosen(versions, keep_latest=2)) == ['demo 2.0', 'demo 9.0']
    assert sorted(chosen(versions, keep_latest=1, unused_for=100 * DAY)) == []
    assert sorted(chosen(versions, keep_latest=3, unused_for=90 * DAY)) == ['demo 2.0']


def test_the_newest_versions_are_those_of_a_project_in_an_environment():
    several = [candidate('one'), candidate('two'), candidate('one', key='cp313-x-egg5'),
               candidate('one', '0.9')]  # fmt: skip
    assert chosen(several, keep_latest=1) == ['one 0.9']


def test_all_archives_of_a_newest_version_stay():
    one = candidate()
    other = dataclasses.replace(one, entry=Entry(one.entry.path.parent / ('1' * 16)))
    assert chosen([one, other, candidate(version='0.9')], keep_latest=1) == ['demo 0.9']


def test_the_least_seconds_for_each_byte_go_first():
    cheap, dear = candidate('cheap', seconds=2), candidate('dear', seconds=200)
    large = candidate('large', size=10_000, seconds=2)
    assert chosen([dear, cheap, large], max_size=1999) == ['large 1.0', 'cheap 1.0']


def test_among_equals_the_last_use_decides():
    """A machine that is busy takes a little longer for the same."""
    young, old = candidate('young', seconds=1.1, days=1), candidate('old', seconds=1.9, days=9)
    assert chosen([young, old], max_size=1000) == ['old 1.0']


def test_a_size_that_fits_removes_nothing():
    assert chosen([candidate(), candidate('other')], max_size=2000) == []
    assert len(chosen([candidate(), candidate('other')], max_size=1999)) == 1


def test_what_goes_by_rule_counts_for_the_size():
    old = candidate('old', days=99, seconds=999)
    assert chosen([old, candidate('a'), candidate('b')],
                  max_size=2000, unused_for=90 * DAY) == ['old 1.0']  # fmt: skip


def test_what_is_to_be_kept_stays_whatever_the_size():
    kept = [candidate('used', days=99), candidate('latest', days=99)]
    others = [candidate('latest', '0.9'), candidate('just', days=0)]
    assert chosen(kept + others, max_size=1, keep_latest=1,
                  used_eggs={'used-1.0-py3.12.egg', 'just-1.0-py3.12.egg'}
                  ) == ['latest 0.9']  # fmt: skip
    assert chosen([candidate(days=1), candidate('old', days=3)], max_size=1,
                  used_since=NOW - 2 * DAY) == ['old 1.0']  # fmt: skip


def test_a_damaged_entry_is_worth_nothing():
    damaged = candidate('damaged', size=1, seconds=0.0)
    assert damaged.value < candidate(size=10**12).value
    assert chosen([candidate(size=10**12), damaged], max_size=10**12) == ['damaged 1.0']
    assert chosen([damaged], keep_latest=1) == ['damaged 1.0']


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.sampled_from('abc'), st.sampled_from(['1.0', '1.1', '2.0a1', '10']),
        st.integers(0, 5000), st.floats(0, 100), st.floats(0, 100),
    ),
    max_size=12,
    unique_by=lambda one: one.entry.path,
)  # fmt: skip
LIMITS = st.builds(
    Limits,
    st.none() | st.integers(0, 9999),
    st.none() | st.floats(0, 100 * DAY),
    st.none() | st.integers(1, 3),
    st.frozensets(st.sampled_from(['a-1.0-py3.12.egg', 'b-1.1-py3.12.egg'])),
)


@PROPERTY
@given(CANDIDATES, LIMITS)
def test_what_is_chosen_is_what_the_rules_say(candidates, limits):
    victims = prune.choose(candidates, limits, NOW)
    left = [one for one in candidates if one not in victims]
    assert all(one in candidates and one.egg not in limits.used_eggs for one in victims)
    if limits.keep_latest is not None:
        for one in candidates:
            newer = {other.version for other in candidates if other.group == one.group
                     and other.seconds > 0 and other.version > one.version}  # fmt: skip
            if one.seconds > 0 and len(newer) < limits.keep_latest:
                assert one in left
    if limits.unused_for is not None and limits.keep_latest is None:
        assert all(one.egg in limits.used_eggs or NOW - one.last_use <= limits.unused_for
                   for one in left)  # fmt: skip
    if limits.max_size is not None and not limits.used_eggs and limits.keep_latest is None:
        assert sum(one.size for one in left) <= limits.max_size or not left
        if victims and limits.unused_for is None:
            size = sum(one.size for one in left)
            assert size + victims[-1].size > limits.max_size
            assert all(victims[-1].value <= one.value for one in left)
    assert victims == prune.choose(list(reversed(candidates)), limits, NOW)


# Looking at the cache


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path / 'cache')


@pytest.mark.parametrize('seconds', ['NaN', '1e999', '-1', '1' + '0' * 400, '"1"', '[' * 99_999])
def test_a_hostile_number_of_seconds_stops_no_pruning(store, tmp_path, seconds):
    entry = built(store, tmp_path, 'demo', 0.0)
    text = (entry.path / 'entry.json').read_text()
    assert '"seconds": 0.0' in text
    overwrite(entry.path / 'entry.json',
              text.replace('"seconds": 0.0', f'"seconds": {seconds}').encode())  # fmt: skip
    assert weigh(entry).seconds == 0.0
    assert len(prune.run(store.layout, Limits(max_size=1), NOW).removed) == 1


def test_a_manifest_that_is_too_large_is_damaged(store, tmp_path):
    entry = built(store, tmp_path, 'demo', 5.0)
    os.chmod(entry.path / 'entry.json', 0o644)
    os.truncate(entry.path / 'entry.json', 10**10)
    assert weigh(entry).seconds == 0.0
    with pytest.raises(DamagedError, match='File too large'):
        assert Entry(entry.path).manifest


def built(store, directory, project, seconds, version='1.0', files=None):
    """Store an egg that took so many seconds."""
    egg = write_egg(Path(directory, 'built'), project, version, files)
    built_from = archive(project, version)
    row = dataclasses.replace(manifest(egg, (), project, version, built_from),
                              build=dataclasses.replace(BUILD, seconds=seconds))  # fmt: skip
    return store.add(row, egg)


def run(store, **limits):
    return prune.run(store.layout, Limits(**limits), time.time())


def size_on_disk(entry):
    return sum(path.lstat().st_size for path in entry.path.rglob('*') if path.is_file())


def test_an_entry_is_weighed_by_all_its_files(store, tmp_path):
    entry = built(store, tmp_path, 'demo', 7.5)
    os.utime(entry.path, (NOW, NOW))
    assert weigh(entry) == Candidate(
        entry, 'demo-1.0-py3.12.egg', size_on_disk(entry), 7.5, NOW)


def test_an_egg_saves_one_second_at_least(store, tmp_path):
    assert weigh(built(store, tmp_path, 'demo', 0.0)).seconds == 1.0


@pytest.mark.parametrize('text', [None, b'', b'{"format": 1,\n  "files": [', b'{}', b'[]'])
def test_a_damaged_entry_is_weighed_by_what_is_there(store, tmp_path, text):
    entry = add(store, tmp_path)
    os.unlink(entry.path / 'entry.json')
    if text is not None:
        (entry.path / 'entry.json').write_bytes(text)
    weighed = weigh(entry)
    assert (weighed.seconds, weighed.size) == (0.0, size_on_disk(entry))


def test_a_link_in_the_place_of_an_entry_is_damage_and_not_followed(store, tmp_path):
    entry = add(store, tmp_path)
    os.rename(entry.path, tmp_path / 'elsewhere')
    os.symlink(tmp_path / 'elsewhere', entry.path)
    before = trees.snapshot(tmp_path / 'elsewhere')
    assert weigh(entry).seconds == 0.0
    assert len(run(store, max_size=1).removed) == 1
    assert trees.differences(before, trees.snapshot(tmp_path / 'elsewhere')) == []
    assert not os.path.lexists(entry.path)


# Removing


def test_a_run_removes_what_is_chosen_and_says_what_it_freed(store, tmp_path):
    cheap = built(store, tmp_path, 'cheap', 1)
    dear = built(store, tmp_path, 'dear', 1000)
    sizes = size_on_disk(cheap), size_on_disk(dear)
    report = run(store, max_size=sizes[1])
    assert names(report.removed) == ['cheap 1.0']
    assert (report.count, report.size, report.freed) == (2, sum(sizes), sizes[0])
    assert report.size_left == sizes[1]
    assert (cheap.exists(), dear.exists()) == (False, True)
    assert scenes.faults(store.layout) == []
    assert os.listdir(store.layout.trash) == []


def test_a_dry_run_changes_nothing(store, tmp_path):
    add(store, tmp_path)
    before = trees.snapshot(tmp_path / 'cache')
    report = prune.run(store.layout, Limits(max_size=1), time.time(), is_dry=True)
    assert (len(report.removed), report.size_left) == (1, 0)
    assert trees.differences(before, trees.snapshot(tmp_path / 'cache')) == []


def test_what_is_used_after_it_was_chosen_stays(store, tmp_path, monkeypatch):
    entry = add(store, tmp_path)
    os.utime(entry.path, (NOW, NOW))
    choose = prune.choose

    def used_meanwhile(*args):
        victims = choose(*args)
        entry.touch()
        return victims

    monkeypatch.setattr(prune, 'choose', used_meanwhile)
    assert run(store, max_size=1).removed == []
    assert entry.exists()


def test_an_empty_or_missing_cache_has_nothing_to_remove(store, tmp_path):
    assert run(store, max_size=1) == prune.Report()
    missing = new_store(tmp_path / 'other')
    shutil.rmtree(tmp_path / 'other')
    assert run(missing, max_size=1) == prune.Report()
    assert not (tmp_path / 'other').exists()


def test_what_can_not_be_removed_is_told_and_the_rest_goes(store, tmp_path, monkeypatch):
    first, second = add(store, tmp_path, 'one'), add(store, tmp_path, 'two')
    rename = os.rename

    def refusing(source, target):
        if 'one' in str(source):
            raise PermissionError(13, 'Permission denied', str(source))
        rename(source, target)

    monkeypatch.setattr(os, 'rename', refusing)
    report = run(store, max_size=1)
    assert names(report.removed) == ['two 1.0']
    assert len(report.failures) == 1
    assert 'one 1.0: [Errno 13] Permission denied' in report.failures[0]
    assert (first.exists(), second.exists()) == (True, False)


@pytest.mark.parametrize('moment', KILLED_AT)
def test_a_prune_killed_in_the_middle_leaves_a_sound_cache(store, tmp_path, moment):
    for project in ('one', 'two', 'three'):
        add(store, tmp_path, project)
    status, _, errors = processes.run(
        KILLED.format(preparation=KILLED_AT[moment]), tmp_path / 'cache')
    assert status == -9, errors
    assert scenes.faults(store.layout) == []
    assert len(list(stores.entries(store.layout))) == (3 if 'before' in moment else 2)
    run(store, max_size=1)
    assert list(stores.entries(store.layout)) == []


def test_two_prunes_at_the_same_time_remove_each_entry_once(store, tmp_path):
    for number in range(30):
        add(store, tmp_path, f'demo{number}')
    running = [processes.start(TWO, tmp_path / 'cache') for _ in range(2)]
    for process in running:
        process.stdout.readline()
    for process in running:
        process.stdin.write('go\n')
        process.stdin.flush()
    counts = []
    for process in running:
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        counts.append(list(map(int, output.split())))
    assert sum(removed for removed, _ in counts) == 30
    assert [failed for _, failed in counts] == [0, 0]
    assert list(stores.entries(store.layout)) == []
    assert os.listdir(store.layout.trash) == []


def test_hits_while_everything_is_pruned_are_whole_or_misses(tmp_path, caplog, say):
    """A thread stores and copies, another one prunes without pause."""
    caplog.set_level(logging.INFO)
    place = scenes.Place(tmp_path / 'place')
    place.top.mkdir()
    expected = scenes.expected(place)
    stop = threading.Event()
    removed = []

    def pruning():
        while not stop.is_set():
            report = prune.run(place.layout, Limits(max_size=1), time.time())
            removed.extend(report.removed)
            time.sleep(0.01)

    thread = threading.Thread(target=pruning)
    thread.start()
    hits = 0
    try:
        limit = time.monotonic() + 0.8
        while time.monotonic() < limit or (not hits and time.monotonic() < limit + 20):
            result = scenes.run(place)
            hits += not result.built
            assert trees.differences(expected, scenes.snapshot(result.egg)) == []
    finally:
        stop.set()
        thread.join()
    say(f'{hits} hits, {len(removed)} entries pruned meanwhile')
    assert removed
    assert hits
    assert scenes.faults(place.layout) == []
    assert [text for text in caplog.messages if "Can't" in text or 'damaged' in text] == []


def test_storing_survives_that_empty_directories_are_removed(store, tmp_path, monkeypatch):
    rename = os.rename
    attempts = []

    def racing(source, target):
        if 'eggs' in str(target) and not attempts:
            attempts.append(target)
            os.rmdir(target.parent)
            os.rmdir(target.parent.parent)
        rename(source, target)

    monkeypatch.setattr(os, 'rename', racing)
    assert add(store, tmp_path).exists()
    assert attempts


# At the end of a run


def end(tmp_path, caplog, **options):
    """Let an egg be stored in a run that then ends; return the session."""
    caplog.set_level(logging.INFO)
    place = scenes.Place(tmp_path / 'place')
    place.top.mkdir(exist_ok=True)
    result = scenes.run(place, **options)
    result.session.finish()
    return result.session


def aged(tmp_path, project='old'):
    """Store an egg that nobody has used for an hour."""
    store = new_store(tmp_path / 'place/cache')
    entry = add(store, tmp_path, project)
    os.utime(entry.path, (time.time() - 3600,) * 2)
    return entry


def test_a_run_ends_with_pruning(tmp_path, caplog):
    old = aged(tmp_path)
    size = size_on_disk(old)
    session = end(tmp_path, caplog, max_size=1)
    assert not old.exists()
    assert f'Removed 1 egg ({units.size(size)}) from the egg cache.' in caplog.messages
    [left] = stores.entries(session.layout)
    assert str(left) == 'demo 1.0'


@pytest.mark.parametrize('options', [{}, {'max_size': 10**9}])
def test_a_run_that_fits_removes_nothing(tmp_path, caplog, options):
    old = aged(tmp_path)
    end(tmp_path, caplog, **options)
    assert old.exists()
    assert [text for text in caplog.messages if 'Removed' in text] == []


def test_a_run_that_stores_nothing_removes_nothing(tmp_path, caplog):
    end(tmp_path, caplog)
    old = aged(tmp_path)
    assert end(tmp_path, caplog, max_size=1).counters.copied == 1
    assert old.exists()


def test_what_others_used_lately_stays(tmp_path, caplog):
    old = aged(tmp_path)
    os.utime(old.path, (time.time() - prune.GRACE / 2,) * 2)
    end(tmp_path, caplog, max_size=1)
    assert old.exists()


def test_what_the_run_itself_used_stays_however_long_it_takes(tmp_path, caplog):
    old = aged(tmp_path)
    place = scenes.Place(tmp_path / 'place')
    session = scenes.run(place, max_size=1).session
    session.started = time.time() - 2 * 3600
    session.finish()
    assert old.exists()


def test_trouble_with_pruning_is_one_warning(tmp_path, caplog, monkeypatch):
    def failing(*args):
        raise OSError(5, 'Input/output error')

    monkeypatch.setattr(prune, 'after_run', failing)
    end(tmp_path, caplog, max_size=1)
    [text] = [text for text in caplog.messages if "Can't" in text]
    assert text.startswith("Can't prune the egg cache in ")


class Clock:
    """Each look at it takes a second."""

    def __init__(self):
        self.seconds = 0

    def monotonic(self):
        self.seconds += 1
        return self.seconds

    time = staticmethod(time.time)


def unused(store, tmp_path, count):
    for number in range(count):
        os.utime(add(store, tmp_path, f'demo{number}').path, (1, 1))


def test_removing_stops_in_time_and_goes_on_later(store, tmp_path, monkeypatch):
    unused(store, tmp_path, 5)
    monkeypatch.setattr(prune, 'time', Clock())
    monkeypatch.setattr(prune, 'RUN_TIME', 8.5)
    # Four are weighed in the first half. In the second, three are removed, and then time is up.
    report = prune.after_run(store.layout, 1, time.time())
    assert (report.count, len(report.removed), report.is_complete) == (4, 3, False)
    report = prune.after_run(store.layout, 1, time.time())
    assert (report.count, len(report.removed), report.is_complete) == (2, 2, True)
    assert list(stores.entries(store.layout)) == []
    assert scenes.faults(store.layout) == []


def test_a_sample_shrinks_as_the_whole_would(store, tmp_path, monkeypatch):
    unused(store, tmp_path, 20)
    size = weigh(next(stores.entries(store.layout))).size
    monkeypatch.setattr(prune, 'time', Clock())
    monkeypatch.setattr(prune, 'RUN_TIME', 21)
    report = prune.after_run(store.layout, int(12.5 * size), time.time())
    assert not report.is_complete
    assert report.count == 10
    assert len(report.removed) == 4
    assert prune.after_run(store.layout, 10**9, time.time()).removed == []


def test_a_real_run_ends_with_pruning(buildout_factory, archives_dir, index, cache_dir):
    pins = {'zc.recipe.egg': tools.find('zc.recipe.egg').version}
    for project in ('first', 'second'):
        index.add(make_wheel(archives_dir, project, '1.0'))
    buildout_factory(egg_part('first', versions={**pins, 'first': '1.0'})).run()
    for entry in stores.entries(Layout(cache_dir)):
        os.utime(entry.path, (1, 1))
    config = egg_part('second', versions={**pins, 'second': '1.0'})
    result = buildout_factory(config, egg_cache_max_size='1 kB').run()
    assert result.lines('egg.cache: Removed 1 egg (', 'from the egg cache.')
    # The recipe is used by this run, and the second egg was just stored.
    assert [str(entry) for entry in stores.entries(Layout(cache_dir))] == [
        'second 1.0', f'zc-recipe-egg {tools.find("zc.recipe.egg").version}']  # fmt: skip

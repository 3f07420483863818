"""History: what did the runs do, and is each of them counted once, whatever happens?"""

import errno
import json
import multiprocessing
import os
import signal
import stat
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import scenes
from support.eggs import archive, flip, manifest, new_session, new_store, write_egg
from support.faults import fork, in_child
from support.properties import PROPERTY

from egg.cache.buildout.installation import Installation
from egg.cache.common.errors import CacheError
from egg.cache.configuration.settings import Exclusion, Settings
from egg.cache.lookup.origins import Origin
from egg.cache.stats import history, run_record, totals
from egg.cache.stats.recorder import Recorder
from egg.cache.store.layout import Layout

DAY = 24 * 3600


@pytest.fixture
def cache(tmp_path):
    """The path of a cache directory that is ready to be used."""
    new_store(tmp_path / 'cache')
    return tmp_path / 'cache'


@pytest.fixture
def layout(cache):
    return Layout(cache)


def recorder(cache, buildout='/srv/site', **options):
    """Return a recorder that was started."""
    result = Recorder(
        new_store(cache), Settings(cache), {'buildout': buildout, **options}
    )
    result.start()
    return result


def hit(recorder, project='demo', how='pin'):
    egg = f'{project}-1.0-py3.12.egg'
    recorder.hit(manifest(egg, project=project), how, 0.5, 'origin')


def miss(recorder, project='demo', seconds=2.0):
    recorder.miss(project, '1.0', archive(project), seconds, 'origin')


def run(cache, hits=1, misses=0, buildout='/srv/site', ends=True):
    """Write down a run."""
    current = recorder(cache, buildout)
    for _ in range(hits):
        hit(current)
    for _ in range(misses):
        miss(current)
    if ends:
        current.end()


def files(layout):
    return sorted(path.name for path in layout.stats.glob('*.jsonl'))


def sums(layout):
    """Return (runs, hits, misses)."""
    total = history.book(layout).total
    return total.runs, sum(total.hits.values()), sum(total.misses.values())


def silent(layout):
    """Let all records be as old as those of killed runs."""
    for path in layout.stats.glob('*.jsonl'):
        os.utime(path, (time.time() - 2 * DAY,) * 2)


def test_a_run_is_read_as_it_was_written(cache, layout):
    before = time.time()
    current = recorder(cache, versions={'zc.buildout': '6.0.1'}, description={'tag': 'cp312'})
    hit(current)
    miss(current)
    current.trouble('read', OSError(5, 'x'))
    current.end()
    [found] = history.runs(layout)
    assert before - 1 < found.time < time.time() + 1
    assert (found.buildout, found.environment) == ('/srv/site', new_store(cache).key)
    assert (found.mode, found.versions) == ('read-write', {'zc.buildout': '6.0.1'})
    assert found.description['tag'] == 'cp312'
    assert found.is_finished and not found.continues
    one, two, three = found.events
    sha256 = archive().sha256[:16]
    assert (one.kind, one.detail, one.project, one.version) == ('hit', 'pin', 'demo', '1.0')
    assert (one.archive, one.sha256, one.origin) == (archive().name, sha256, 'origin')
    assert (one.build_seconds, one.copy_seconds, one.seconds_saved) == (12.5, 0.5, 12.0)
    assert (two.kind, two.detail, two.build_seconds) == ('miss', 'never-built', 2.0)
    assert (three.kind, three.detail) == ('trouble', 'read: OSError: [Errno 5] x')


def test_nothing_is_written_before_there_is_something_to_say(cache, layout):
    recorder(cache)
    assert not layout.stats.exists()
    Recorder(new_store(cache), Settings(cache), {}).end()
    assert not layout.stats.exists()


@pytest.mark.parametrize('count', [0, 1])
def test_a_run_that_fails_is_over_if_anything_happened(cache, layout, count):
    current = recorder(cache)
    for _ in range(count):
        miss(current)
    current.leave()
    current.leave()
    assert [run.is_finished for run in history.runs(layout)] == [True] * count
    assert not count or history.runs(layout)[0].events[-1].kind == 'miss'


def test_a_run_ends_once(cache, layout):
    current = recorder(cache)
    current.end()
    current.leave()
    [name] = files(layout)
    assert (layout.stats / name).read_bytes().count(b'"end"') == 1


def test_a_run_without_an_egg_is_one_small_file(cache, layout):
    run(cache, hits=0)
    [name] = files(layout)
    assert (layout.stats / name).stat().st_size < 500
    assert sums(layout) == (1, 0, 0)


def test_the_sums_of_runs(cache, layout):
    run(cache, hits=2, misses=1)
    run(cache, hits=1, buildout='/srv/other')
    book = history.book(layout)
    assert sums(layout) == (2, 3, 1)
    assert set(book.accounts) == {'/srv/site', '/srv/other'}
    assert book.accounts['/srv/site'].hits == {'pin': 2}
    assert book.total.seconds_saved == 36.0
    assert book.dearest(5) == [('demo', totals.Cost(1, 2.0))]
    assert set(history.uses(layout, 'Demo', 'v1.0')) == {'/srv/site', '/srv/other'}
    assert history.uses(layout, 'demo', '2.0') == {}
    assert history.last_run(layout, '/srv/site').environment == new_store(cache).key
    assert history.last_run(layout, '/srv') is None


@pytest.mark.parametrize('ends', [True, False])
def test_folding_changes_no_sum(cache, layout, ends):
    for number in range(4):
        run(cache, hits=number, misses=1, buildout=f'/srv/{number}', ends=ends)
    before = history.book(layout)
    if not ends:
        assert history.fold(layout) == 0
        silent(layout)
    assert history.fold(layout) == 4
    assert files(layout) == [] and history.runs(layout) == []
    assert history.book(layout) == before
    run(cache)
    assert history.fold(layout) == 1
    assert sums(layout) == (5, 7, 4)
    assert stat.S_IMODE((layout.stats / 'summary.json').stat().st_mode) & stat.S_IWOTH == 0


def test_a_run_on_its_way_is_not_folded(cache, layout):
    current = recorder(cache)
    hit(current)
    assert history.fold(layout) == 0
    hit(current)
    current.end()
    assert history.fold(layout) == 1
    assert sums(layout) == (1, 2, 0)


def test_a_run_whose_record_was_removed_goes_on_and_is_counted_once(cache, layout):
    current = recorder(cache)
    hit(current)
    silent(layout)
    assert history.fold(layout) == 1
    hit(current)
    hit(current)
    current.end()
    assert sums(layout) == (1, 3, 0)
    assert len(files(layout)) == 1


def test_a_run_folds_many_records_and_not_few(cache, layout, monkeypatch):
    monkeypatch.setattr(run_record, 'MANY', 5)
    for count in (3, 5):
        for _ in range(count):
            run(cache)
        history.fold_many(layout)
        assert len(files(layout)) == (3 if count == 3 else 0)
    assert sums(layout) == (8, 8, 0)


def test_folding_stops_in_time(cache, layout):
    for _ in range(3):
        run(cache)
    assert history.fold(layout, seconds=-1) == 0
    assert sums(layout) == (3, 3, 0)


def test_what_cannot_be_removed_is_counted_once(cache, layout, monkeypatch):
    for _ in range(3):
        run(cache)
    monkeypatch.setattr(history, '_remove', lambda paths: None)
    assert history.fold(layout) == 3
    assert sums(layout) == (3, 3, 0)
    run(cache)
    assert history.fold(layout) == 1
    assert len(files(layout)) == 4
    assert sums(layout) == (4, 4, 0)
    monkeypatch.undo()
    assert history.fold(layout) == 0
    assert files(layout) == []
    assert sums(layout) == (4, 4, 0)


class Killed(BaseException):
    """What stands for SIGKILL in the same process."""


@pytest.mark.parametrize('action', [history.fold, lambda layout: history.reset(layout, 1e9)])
def test_whenever_folding_is_killed_each_run_is_counted_once(cache, layout, action):
    originals = {name: getattr(os, name) for name in
                 ('open', 'write', 'replace', 'unlink', 'listdir', 'lstat')}  # fmt: skip
    states = set()
    for number in range(400):
        for path in layout.stats.glob('*') if layout.stats.exists() else ():
            path.unlink()
        for _ in range(3):
            run(cache)
        count = 0

        def wrap(original, number=number):
            def call(*args, **options):
                nonlocal count
                count += 1
                if count > number:
                    raise Killed
                return original(*args, **options)

            return call

        for name, original in originals.items():
            setattr(os, name, wrap(original))
        try:
            action(layout)
            is_done = True
        except Killed:
            is_done = False
        finally:
            for name, original in originals.items():
                setattr(os, name, original)
        states.add(sums(layout))
        assert sums(layout) in {(3, 3, 0), (0, 0, 0) if action is not history.fold else (3, 3, 0)}
        if is_done:
            break
    assert is_done
    assert (3, 3, 0) in states
    assert number > 10


def test_a_killed_process_loses_at_most_its_last_line(cache, layout):
    read, write = os.pipe()
    pid = fork()
    if pid == 0:
        current = recorder(cache)
        for number in range(10**6):
            hit(current)
            os.write(write, b'%d\n' % number)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = [int(pipe.readline()) for _ in range(50)]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        told += map(int, pipe.read().splitlines())
    [found] = history.runs(layout)
    assert len(told) <= len(found.events) <= len(told) + 1
    assert not found.is_finished


@pytest.mark.parametrize('cut', [1, 20, 100, 150, 300])
def test_a_line_that_was_cut_off_is_passed_over(cache, layout, cut):
    current = recorder(cache)
    for _ in range(3):
        hit(current)
    [name] = files(layout)
    data = (layout.stats / name).read_bytes()
    (layout.stats / name).write_bytes(data[:-cut])
    expected = data[:-cut].count(b'\n') - 1 if cut > 1 else 3
    assert sums(layout) == (1, expected, 0)


def test_after_a_part_of_a_line_the_next_one_begins_anew(cache, layout, monkeypatch):
    current = recorder(cache)
    hit(current)
    write = os.write
    monkeypatch.setattr(os, 'write', lambda descriptor, data: write(descriptor, data[:30]))
    hit(current)
    monkeypatch.undo()
    hit(current)
    assert sums(layout) == (1, 2, 0)


def fold_until(path, layout):
    while not path.exists():
        history.fold(layout)


def record_many(cache, count):
    for _ in range(count):
        run(cache)


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_processes_that_fold_at_the_same_time_count_each_run_once(cache, layout, tmp_path):
    context = multiprocessing.get_context('fork')
    stop = tmp_path / 'stop'
    folders = [context.Process(target=fold_until, args=(stop, layout)) for _ in range(2)]
    writers = [context.Process(target=record_many, args=(cache, 60)) for _ in range(2)]
    for process in [*folders, *writers]:
        process.start()
    seen = []
    while any(process.is_alive() for process in writers):
        seen.append(sums(layout)[0])
    for process in writers:
        process.join()
    stop.touch()
    for process in folders:
        process.join()
    assert [process.exitcode for process in [*folders, *writers]] == [0] * 4
    assert seen == sorted(seen)
    assert sums(layout) == (120, 120, 0)
    history.fold(layout)
    assert files(layout) == []
    assert sums(layout) == (120, 120, 0)


def test_resetting_forgets_runs_but_not_those_to_come(cache, layout):
    run(cache)
    history.fold(layout)
    run(cache)
    current = recorder(cache)
    hit(current)
    assert history.reset(layout, 1234567.0) == 3
    assert sums(layout) == (0, 0, 0)
    assert history.book(layout).since == 1234567.0
    hit(current)
    run(cache)
    assert sums(layout) == (1, 2, 0)
    assert history.reset(Layout(cache / 'nothing'), 1.0) == 0


@pytest.mark.parametrize('error', [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_disk_that_says_no_is_no_trouble(cache, layout, monkeypatch, caplog, error):
    current = recorder(cache)
    hit(current)

    def fail(*args, **options):
        raise OSError(error, os.strerror(error))

    other = recorder(cache)
    for name in ('open', 'mkdir'):
        monkeypatch.setattr(os, name, fail)
    hit(current)
    hit(other)
    monkeypatch.undo()
    hit(current)
    assert sums(layout) == (1, 2, 0)
    assert caplog.messages == []


def test_a_header_that_was_cut_off_is_tried_again(cache, layout, monkeypatch):
    current = recorder(cache)

    def fail(descriptor, data):
        raise OSError(errno.ENOSPC, 'full')

    monkeypatch.setattr(os, 'write', fail)
    hit(current)
    assert files(layout) == []
    monkeypatch.undo()
    hit(current)
    assert sums(layout) == (1, 1, 0)


def test_stats_that_are_a_link_are_neither_written_nor_read(cache, layout, tmp_path):
    run(cache)
    layout.stats.rename(tmp_path / 'elsewhere')
    layout.stats.symlink_to(tmp_path / 'elsewhere')
    before = sorted(os.listdir(tmp_path / 'elsewhere'))
    run(cache)
    history.fold(layout)
    assert sorted(os.listdir(tmp_path / 'elsewhere')) == before
    assert sums(layout) == (0, 0, 0)
    with pytest.raises(CacheError, match='is a link'):
        history.reset(layout, 1.0)


@pytest.mark.parametrize('change', ['link', 'pipe', 'directory', 'writable', 'name', 'owner'])
def test_a_record_that_is_not_ours_is_passed_over(cache, layout, tmp_path, change):
    run(cache)
    run(cache)
    path = layout.stats / files(layout)[0]
    if change == 'owner' and os.geteuid() != 0:
        pytest.skip('only root can give a file away')
    if change == 'owner':
        os.chown(path, 4203, 4203)
    elif change == 'writable':
        path.chmod(0o666)
    else:
        path.rename(tmp_path / 'elsewhere')
    if change == 'link':
        path.symlink_to(tmp_path / 'elsewhere')
    elif change == 'pipe':
        os.mkfifo(path)
    elif change == 'directory':
        path.mkdir()
    elif change == 'name':
        path.with_name('..jsonl').write_bytes((tmp_path / 'elsewhere').read_bytes())
    assert sums(layout) == (1, 1, 0)
    assert history.fold(layout) == 1
    assert sums(layout) == (1, 1, 0)


HOSTILE = [
    b'', b'\n', b'null', b'[]', b'{}', b'{"event": "run"}', b'\xff\xfe', b'[' * 100_000,
    b'{"event": "run", "time": 1e999, "buildout": 7, "description": [], "versions": {"a": []}}',
    b'{"event": "run", "time": -5, "buildout": "\\u001b[31m\\n", "description": {"tag": {}}}',
    b'{"event": "run", "time": 1e300, "environment": null}\n{"event": "hit", "bytes": 1e999}',
    b'{"event": "run"}\n{"event": "hit", "bytes": -1, "time": "x", "project": [], "detail": {}}',
    b'{"event": "run"}\n{"event": "miss", "detail": "unheard", "build_seconds": 1e400}',
    b'{"event": "run"}\n{"event": ["hit"]}\n{"event": {}}\n7\n"hit"\n{"event": "end"}',
    b'{"event": "run"}\n{"event": "hit", "bytes": 1' + b'0' * 5000 + b'}',
]  # fmt: skip


@pytest.mark.parametrize('content', HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_stranger_wrote_is_read_without_a_crash(cache, layout, content):
    run(cache)
    path = layout.stats / '20240506T070809-4711-0f1e2d3c4b5a6978.jsonl'
    path.write_bytes(content)
    book = history.book(layout)
    assert book.total.hits['pin'] == 1
    json.dumps(totals.dump(book), allow_nan=False)
    assert all(name.isprintable() for name in book.accounts)
    silent(layout)
    history.fold(layout)
    assert history.book(layout) == book
    (layout.stats / 'summary.json').write_bytes(content)
    history.book(layout)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(['since', 'buildouts', 'projects', 'uses', 'runs', 'hits', 'event',
                         'last', 'description', 'variables', 'time', 'holds', 'pin', 'x']),
        inner, max_size=4),
    max_leaves=20)  # fmt: skip


@PROPERTY
@given(st.dictionaries(st.sampled_from(['since', 'buildouts', 'projects', 'uses']), JSON), JSON)
def test_any_summary_and_any_line_can_be_read(row, other):
    book = totals.load(row)
    line = json.dumps(other).encode()
    run = run_record.load(b'{"event": "run"}\n' + line)
    book.add(run)
    book.shorten()
    assert totals.load(json.loads(json.dumps(totals.dump(book)))).total.runs >= 1
    run_record.load(line)


def test_a_book_comes_back_as_it_was_written(cache, layout):
    run(cache, hits=3, misses=2)
    current = recorder(cache, description={
        'tag': 'cp312', 'platform': 'x', 'egg-format': 5, 'variables': {'CC': 'gcc'},
        'egg-cache-key': '', })  # fmt: skip
    current.trouble('x', OSError())
    book = history.book(layout)
    assert totals.load(json.loads(run_record.line(totals.dump(book)))) == book


def test_a_book_forgets_old_buildouts_but_no_sum(cache, layout, monkeypatch):
    monkeypatch.setattr(totals, 'MOST_BUILDOUTS', 2)
    monkeypatch.setattr(totals, 'MOST_USES', 3)
    for number in range(5):
        run(cache, buildout=f'/srv/{number}')
        time.sleep(0.01)    # Times are in milliseconds.
    before = history.book(layout).total
    assert history.fold(layout) == 5
    book = history.book(layout)
    assert sorted(book.accounts) == ['', '/srv/3', '/srv/4']
    assert (book.total.runs, book.total.hits) == (before.runs, before.hits)
    assert book.total.seconds_saved == before.seconds_saved
    assert set(history.uses(layout, 'demo', '1.0')) == {f'/srv/{number}' for number in (2, 3, 4)}


# What sessions write down.


def events(place):
    return [(event.kind, event.detail) for run in history.runs(place.layout)
            for event in run.events]  # fmt: skip


def played(place, *args, **options):
    """Play a run, and return its events."""
    before = len(events(place))
    scenes.run(place, *args, **options)
    return events(place)[before:]


def test_a_session_tells_hits_and_misses_with_their_reasons(tmp_path):
    place = scenes.Place(tmp_path)
    assert played(place) == [('miss', 'never-built'), ('stored', '')]
    assert played(place) == [('hit', 'pin')]
    assert played(place, mode='refresh') == [('miss', 'refresh'), ('stored', '')]
    assert played(place, exclusions=[Exclusion.parse('demo')]) == [('miss', 'excluded')]
    flip(scenes.entry(place).egg / 'demo/__init__.py')
    assert played(place) == [
        ('damaged', 'demo/__init__.py'), ('miss', 'damaged'), ('stored', '')]
    place.archive().write_bytes(b'another archive')
    for path in (place.layout.environments).glob('*/origins'):
        os.rename(path, tmp_path / 'origins')
    assert played(place) == [('miss', 'other-archive'), ('stored', '')]


def test_an_announced_archive_is_another_kind_of_hit(tmp_path):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    for path in place.layout.environments.glob('*/origins'):
        os.rename(path, tmp_path / 'origins')
    assert played(place) == [('hit', 'announced')]
    assert played(place) == [('hit', 'pin')]


def test_a_hit_without_an_answer_from_an_index_is_another_kind(tmp_path):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    session = new_session(place.cache)
    session.open()
    arrival = Installation(session, str(place.eggs))
    assert arrival.stage(scenes.entry(place), 'fallback')
    (tmp_path / 'made').mkdir()
    arrival.egg('', str(tmp_path / 'made'), None)
    arrival.close()
    assert events(place)[-1] == ('hit', 'fallback')
    session.recorder.end()
    assert history.book(place.layout).total.hits == {'fallback': 1}


def test_an_origin_without_a_key_is_no_trouble_for_a_build(tmp_path):
    place = scenes.Place(tmp_path)
    session = new_session(place.cache)
    session.open()
    arrival = Installation(session, str(place.eggs))
    arrival.ask(Origin('https://[odd'), 'demo', '1.0', ())
    arrival.resolve('demo', '1.0', 'https://example.com/demo-1.0-py3-none-any.whl')
    arrival.egg(str(place.archive()), str(tmp_path), lambda: place.make(tmp_path))
    assert events(place) == [('miss', 'never-built'), ('stored', '')]


def test_sessions_of_one_run_share_its_record(cache, layout):
    one, other = recorder(cache), Recorder(
        new_store(cache, 'other-key'), Settings(cache), {})  # fmt: skip
    hit(one)
    other.join(one)
    hit(other)
    other.end()
    one.leave()
    [found] = history.runs(layout)
    assert [event.environment for event in found.events] == ['', 'other-key']
    assert (found.environment, found.is_finished) == (new_store(cache).key, True)


def test_a_source_distribution_that_is_not_stored_is_a_reason(cache, tmp_path, layout):
    session = new_session(cache, stores_sdists=False)
    session.open()
    sdist = archive(suffix='.tar.gz')
    session.build('demo', '1.0', sdist, tmp_path, lambda: write_egg(tmp_path))
    [found] = history.runs(layout)
    assert [(event.kind, event.detail) for event in found.events] == [('miss', 'no-sdists')]


def test_an_egg_of_another_environment_is_a_reason(cache, tmp_path, layout):
    for directory in ('one', 'two'):
        store = new_store(cache, f'{directory}-key')
        store.add(manifest('demo-1.0-py3.12.egg'), write_egg(tmp_path / directory))
    session = new_session(cache)
    session.open()
    session.build('demo', '1.0', archive(), tmp_path, lambda: write_egg(tmp_path))
    [found] = history.runs(layout)
    assert found.events[0].detail == 'other-environment'


def test_trouble_is_a_reason_until_the_next_egg(cache, tmp_path, layout):
    session = new_session(cache)
    session.open()
    for project in ('demo', 'other'):
        if project == 'demo':
            with session.trouble('look up'):
                raise OSError(5, 'x')
        session.build(project, '1.0', archive(project), tmp_path,
                      lambda project=project: write_egg(tmp_path, project))  # fmt: skip
    [found] = history.runs(layout)
    assert [(event.kind, event.detail) for event in found.events] == [
        ('trouble', 'look up: OSError: [Errno 5] x'), ('miss', 'trouble'), ('stored', ''),
        ('miss', 'never-built'), ('stored', '')]  # fmt: skip
    assert found.events[2].bytes > 0


@pytest.mark.parametrize('mode', ['read-only', 'off'])
def test_who_writes_nothing_leaves_no_record(tmp_path, mode):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    before = files(place.layout)
    scenes.run(place, mode=mode)
    assert files(place.layout) == before


def test_a_killed_session_is_counted(tmp_path):
    place = scenes.Place(tmp_path)
    assert in_child(lambda: (scenes.run(place), os.kill(os.getpid(), signal.SIGKILL))) == -9
    assert events(place) == [('miss', 'never-built'), ('stored', '')]
    assert sums(place.layout) == (1, 0, 1)


def test_names_of_others_are_no_records(cache, layout):
    run(cache)
    for number in range(run_record.MANY + 1):
        (layout.stats / f'junk{number}').touch()
    assert not run_record.are_many(layout.stats)


def test_a_summary_is_read_once_to_fold(cache, layout, monkeypatch):
    """What somebody put there may be large, and the time of a run is short."""
    run(cache)
    reads = []
    summary = history._summary
    monkeypatch.setattr(history, '_summary', lambda layout: reads.append(0) or summary(layout))
    assert history.fold(layout) == 1
    assert len(reads) == 1


def test_a_summary_that_is_too_large_is_not_read(cache, layout):
    run(cache)
    history.fold(layout)
    path = layout.stats / 'summary.json'
    text = path.read_bytes()
    path.write_bytes(text.rstrip() + b' ' * (7_900_000 - len(text)))
    assert sums(layout) == (1, 1, 0)
    path.write_bytes(text.rstrip() + b' ' * (8_100_000 - len(text)))
    assert sums(layout) == (0, 0, 0)

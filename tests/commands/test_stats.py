"""The verb `stats`: what is said of what the runs did."""

import os
import time

import pytest
from support import archives, scenes, trees
from support.command import answer, assert_documented, run
from support.eggs import add, archive, manifest, new_store
from support.runner import egg_part

from egg.cache.configuration.settings import Settings
from egg.cache.stats import history, run_record
from egg.cache.stats.recorder import Recorder
from egg.cache.store.layout import Layout


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache with an egg, and three runs of two buildouts."""
    monkeypatch.delenv('EGG_CACHE', raising=False)
    cache = tmp_path / 'cache'
    add(new_store(cache), tmp_path)
    record(cache, '/srv/one', built=['demo', 'Zope'], seconds=30.0)
    record(cache, '/srv/two', built=['demo'], copied=['zope', 'lxml'], seconds=40.0)
    record(cache, '/srv/two')
    return cache


def record(cache, buildout, built=(), copied=(), seconds=0.0):
    recorder = Recorder(new_store(cache), Settings(cache), {'buildout': buildout})
    recorder.start()
    for project in built:
        recorder.miss(project, '7.0', archive(project), seconds, '')
    for project in copied:
        recorder.hit(manifest(f'{project}-1.0-py3.12.egg', project=project), 'pin', 0.5, '')
    recorder.end()


def test_the_sums_are_told(capsys, cache):
    status, output, errors = run(capsys, 'stats', '--cache', cache)
    assert (status, errors) == (0, '')
    lines = [line.rstrip() for line in output.splitlines()]
    assert lines[0].startswith(f'since          {time.strftime("%Y-", time.gmtime())}')
    size = answer(capsys, 'stats', '--cache', cache)['size']
    assert lines[1:] == [
        'buildouts run  3',
        'hits           2 (40 %)',
        '                   2 by a pin, without asking an index',
        'misses         3',
        '                   3 never built',
        'stored         0',
        'damaged        0',
        'trouble        0',
        'copied         0 B',
        'saved          24 s',
        f'in the cache   1 egg, {size} B',
        '',
        'costs most  builds        took',
        'demo             2  1 min 10 s',
        'zope             1        30 s',
    ]


def test_projects_are_spelled_as_their_eggs_do(capsys, cache, tmp_path):
    add(new_store(cache), tmp_path, 'Zope')
    assert [row['project'] for row in answer(capsys, 'stats', '--cache', cache)['dearest']] == [
        'demo', 'Zope']
    assert '\nZope ' in run(capsys, 'stats', '--cache', cache)[1]


def test_each_buildout_has_a_line(capsys, cache):
    status, output, errors = run(capsys, 'stats', '--by-buildout', '--cache', cache)
    assert (status, errors) == (0, '')
    lines = [line.split() for line in output.splitlines()]
    assert lines[0] == ['buildout', 'runs', 'hits', 'misses', 'copied', 'saved', 'last', 'run']
    assert [line[:4] for line in lines[1:]] == [['/srv/one', '1', '0', '2'],
                                                ['/srv/two', '2', '2', '1']]  # fmt: skip


def test_the_document_has_what_the_manual_says(capsys, cache):
    document = answer(capsys, 'stats', '--cache', cache)
    assert document['runs'] == 3
    assert document['hits'] == {
        'pin': 2, 'announced': 0, 'archive': 0, 'fallback': 0, 'installed': 0,
    }  # fmt: skip
    assert document['misses']['never_built'] == 3
    assert (document['seconds_saved'], document['seconds_building']) == (24.0, 100.0)
    assert document['dearest'][0] == {'project': 'demo', 'builds': 2, 'seconds': 70.0}
    assert (document['entries'], document['size'] > 0) == (1, True)
    by_buildout = answer(capsys, 'stats', '--by-buildout', '--cache', cache)
    one, two = by_buildout['by_buildout']
    assert (one['buildout'], one['runs'], two['runs']) == ('/srv/one', 1, 2)
    assert_documented('stats', document, by_buildout,
                      answer(capsys, 'stats', '--reset', '--cache', cache))  # fmt: skip


def test_reset_says_what_it_did_and_leaves_the_eggs(capsys, cache):
    eggs = trees.snapshot(cache / 'v1')
    assert run(capsys, 'stats', '--reset', '--cache', cache) == (
        0, 'The statistics begin anew: 3 runs forgotten. No egg was removed.\n', '')
    assert trees.differences(eggs, trees.snapshot(cache / 'v1')) == []
    document = answer(capsys, 'stats', '--cache', cache)
    assert (document['runs'], document['entries']) == (0, 1)
    assert document['since'] is not None
    assert run(capsys, 'stats', '--reset', '--cache', cache)[1].startswith(
        'The statistics begin anew: 0 runs forgotten.')


def test_reset_does_not_wait_for_somebody_who_folds(capsys, cache):
    with history._alone(Layout(cache)):
        status, output, errors = run(capsys, 'stats', '--reset', '--cache', cache)
    assert (status, output) == (1, '')
    assert errors.startswith('Somebody else is at the statistics in ')


@pytest.mark.parametrize('exists', [True, False])
@pytest.mark.parametrize('arguments', [['stats'], ['stats', '--by-buildout'],
                                       ['stats', '--reset']])  # fmt: skip
def test_an_empty_and_a_missing_cache_have_no_runs(capsys, tmp_path, exists, arguments):
    cache = tmp_path / 'nothing'
    if exists:
        cache.mkdir()
    status, output, errors = run(capsys, *arguments, '--cache', cache)
    assert status == 0
    assert ('0 runs' in output) is (arguments[-1] == '--reset')
    if arguments[-1] != '--reset':
        assert f'No buildout has used {cache} since it keeps statistics.' in errors
    assert os.listdir(tmp_path) == (['nothing'] if exists else [])
    assert not exists or os.listdir(cache) == []


def test_damaged_entries_and_records_are_passed_over(capsys, cache):
    [entry] = cache.glob('v1/*/eggs/demo/1.0/*')
    (entry / 'entry.json').unlink()
    for path in (cache / 'stats').glob('*.jsonl'):
        path.write_bytes(b'\x00\xff')
    (cache / 'stats' / 'summary.json').write_text('[]')
    document = answer(capsys, 'stats', '--cache', cache)
    assert (document['runs'], document['entries'], document['size']) == (0, 1, 0)


def test_a_reader_without_write_permission_is_told_the_same(capsys, cache, monkeypatch):
    monkeypatch.setattr(run_record, 'MANY', 0)
    expected = answer(capsys, 'stats', '--cache', cache)
    record(cache, '/srv/three')
    before = trees.snapshot(cache)

    original = os.open

    def fail(*args, **options):
        raise PermissionError(13, 'Permission denied')

    def look(path, flags, *args, **options):
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        return (fail if writes else original)(path, flags, *args, **options)

    monkeypatch.setattr(os, 'open', look)
    for name in ('unlink', 'replace', 'rename', 'mkdir', 'utime'):
        monkeypatch.setattr(os, name, fail)
    document = answer(capsys, 'stats', '--cache', cache)
    assert document == {**expected, 'runs': 4}
    assert run(capsys, 'stats', '--reset', '--cache', cache)[0] == 1
    monkeypatch.undo()
    assert trees.differences(before, trees.snapshot(cache)) == []


def test_many_records_are_folded(capsys, cache, monkeypatch):
    before = answer(capsys, 'stats', '--cache', cache)
    monkeypatch.setattr(run_record, 'MANY', 2)
    assert answer(capsys, 'stats', '--cache', cache) == before
    assert list((cache / 'stats').glob('*.jsonl')) == []
    assert answer(capsys, 'stats', '--cache', cache) == before


@pytest.mark.parametrize('when', ['1e12', '1e300', '-1', '253402300799', 'null', '"x"'])
def test_no_time_in_a_record_is_a_traceback(capsys, cache, when):
    [path, *_] = sorted((cache / 'stats').glob('*.jsonl'))
    path.write_text(f'{{"event":"run","time":{when},"buildout":"/srv/odd"}}\n'
                    f'{{"event":"hit","time":{when},"build_seconds":1e300}}\n')  # fmt: skip
    for arguments in ([], ['--by-buildout'], ['--json', '--by-buildout']):
        status, output, errors = run(capsys, 'stats', *arguments, '--cache', cache)
        assert (status, errors) == (0, '')
    assert '/srv/odd' in output


def test_names_that_a_terminal_would_obey_are_escaped(capsys, cache):
    record(cache, '/srv/\x1b[31m', built=['\x1b[32m'])
    for arguments in ([], ['--by-buildout']):
        output = run(capsys, 'stats', *arguments, '--cache', cache)[1]
        assert '\x1b' not in output


def test_what_buildouts_do_is_counted(buildout_factory, index, archives_dir, cache_dir, capsys):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    part = egg_part('demo', versions={'demo': '1.0'})
    first, second = buildout_factory(part), buildout_factory(part)
    first.run()
    second.run()
    second.run()
    document = answer(capsys, 'stats', '--by-buildout', '--cache', cache_dir)
    built, hit = document['by_buildout']
    assert (built['buildout'], hit['buildout']) == (str(first.directory), str(second.directory))
    assert (document['runs'], built['runs'], hit['runs']) == (3, 1, 2)
    assert (built['misses']['never_built'], built['stored']) == (2, 2)
    assert (hit['hits']['pin'], hit['hits']['announced']) == (1, 1)
    assert sum(hit['misses'].values()) == hit['troubles'] == 0
    assert hit['bytes_copied'] > 0
    assert hit['environment'] == document['by_buildout'][0]['environment']
    assert scenes.faults(Layout(cache_dir)) == []
    assert set(history.uses(Layout(cache_dir), 'demo', '1.0')) == {
        str(first.directory), str(second.directory)}

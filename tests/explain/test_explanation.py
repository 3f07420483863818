"""Explanation: what is said is what happens, and it names the input that differs."""

import json
import os
import shutil
import sys
import sysconfig
from dataclasses import replace
from importlib.metadata import version

import pytest
from packaging.specifiers import SpecifierSet
from support import archives, scenes, twins
from support.command import answer, assert_documented, run
from support.eggs import (
    ENVIRONMENT,
    add,
    archive,
    flip,
    manifest,
    new_session,
    new_store,
    write_egg,
)
from support.programs import require_compiler
from support.runner import egg_part

from egg.cache.common.errors import CacheError
from egg.cache.configuration.settings import Exclusion, Settings
from egg.cache.environment import environment
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.explain import answers
from egg.cache.explain.answers import Question
from egg.cache.explain.explanation import explain
from egg.cache.lookup import pins
from egg.cache.lookup.origins import EVERYWHERE, Origin, Pointer, write
from egg.cache.stats.recorder import Recorder
from egg.cache.store.manifest import UNKNOWN, Archive

OTHER = 'other-0123456789abcdef'


@pytest.fixture
def place(tmp_path):
    """A cache that has demo 1.0, and knows what that pin stands for."""
    place = scenes.Place(tmp_path / 'place')
    place.top.mkdir()
    scenes.run(place)
    return place


def ask(place, specifier='==1.0', project='demo', origin=scenes.ORIGIN, local=(), **settings):
    mine = Settings(place.cache, **settings)
    environment = replace(ENVIRONMENT, user_key=mine.key)
    question = Question(project, SpecifierSet(specifier), mine, environment, origin, local)
    return explain(question, place.layout)


def told(found):
    return [(one.input, one.here, one.there) for one in found.differences]


def move_environment(place, **changes):
    """Let the eggs be those of another environment."""
    other = replace(ENVIRONMENT, **changes)
    store = new_store(place.cache, OTHER)
    (store.layout.environment(OTHER) / 'environment.json').write_text(
        json.dumps(other.describe()))
    shutil.rmtree(store.layout.eggs(OTHER))
    store.layout.eggs(ENVIRONMENT.key).rename(store.layout.eggs(OTHER))


def damage(place):
    flip(scenes.entry(place).egg / 'demo/__init__.py')


def damage_the_manifest(place):
    flip(scenes.entry(place).path / 'entry.json')


def lose_pointers(place):
    for path in place.layout.environments.glob('*/origins'):
        shutil.rmtree(path)


def lose_the_entry(place):
    shutil.rmtree(scenes.entry(place).path)


def lose_all_but_environment(place):
    move_environment(place, platform='manylinux_2_17_x86_64')


# What happened before, the settings, and what is to be said.
CASES = {
    'same': (None, {}, 'hit', ''),
    'other origin': (lose_pointers, {}, 'hit', 'new-origin'),
    'damaged': (damage, {}, 'miss', 'damaged'),
    'damaged, asked for': (lambda place: (damage(place), lose_pointers(place)), {},
                           'miss', 'damaged'),
    'damaged manifest': (damage_the_manifest, {}, 'miss', 'damaged'),
    'gone': (lose_the_entry, {}, 'miss', 'never-built'),
    'excluded': (None, {'exclusions': [Exclusion.parse('de*==1.*')]}, 'miss', 'excluded'),
    'not excluded': (None, {'exclusions': [Exclusion.parse('de*==2.*')]}, 'hit', ''),
    'refresh': (None, {'mode': 'refresh'}, 'miss', 'refresh'),
    'read-only': (None, {'mode': 'read-only'}, 'hit', ''),
    'environment': (lose_all_but_environment, {}, 'miss', 'environment'),
}  # fmt: skip


@pytest.mark.parametrize('case', CASES)
def test_what_is_said_is_what_a_session_does(place, case):
    prepare, settings, outcome, reason = CASES[case]
    if prepare:
        prepare(place)
    found = ask(place, **settings)
    assert (found.outcome, found.reason) == (outcome, reason)
    assert (scenes.run(place, **settings).built == 0) is (found.outcome == 'hit')


def test_a_cache_that_is_off_is_a_miss(place):
    assert ask(place, mode='off').reason == 'off'
    off = Question('demo', SpecifierSet(), Settings(None), ENVIRONMENT, scenes.ORIGIN)
    assert explain(off, place.layout).reason == 'off'


def test_a_hit_names_its_entry(place):
    assert ask(place).entry.path == scenes.entry(place).path
    assert not ask(place).asks_index


def test_the_pattern_that_excludes_is_named(place):
    found = ask(place, exclusions=[Exclusion.parse('x'), Exclusion.parse('de*==1.*')])
    assert found.detail == 'de*==1.*'


@pytest.mark.parametrize('pattern', ['d*', 'demo<2'])
def test_what_is_excluded_is_so_without_a_pin_too(place, pattern):
    found = ask(place, '', exclusions=[Exclusion.parse('x'), Exclusion.parse(pattern)])
    assert (found.outcome, found.reason, found.detail) == ('miss', 'excluded', pattern)
    assert ask(place, '', exclusions=[Exclusion.parse('demo<1')]).outcome == 'hit'


def test_the_damaged_file_is_named(place):
    damage(place)
    assert ask(place).detail.startswith('demo/__init__.py: expected ')


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'tag': 'cp311'}, [('interpreter and ABI', 'cp312', 'cp311')]),
    ({'platform': 'manylinux_2_17_x86_64'},
     [('platform', 'manylinux_2_36_x86_64', 'manylinux_2_17_x86_64')]),
    ({'egg_format': 4}, [('egg format', '5', '4')]),
    ({'user_key': 'openssl-3'}, [('egg-cache-key', '', 'openssl-3')]),
    ({'variables': {'CC': 'clang', 'CFLAGS': '-O3'}},
     [('CC', '', 'clang'), ('CFLAGS', '', '-O3')]),
    ({'tag': 'cp39', 'egg_format': 4},
     [('interpreter and ABI', 'cp312', 'cp39'), ('egg format', '5', '4')]),
])  # fmt: skip
def test_what_differs_in_the_environment_is_named_with_both_values(place, changes, expected):
    move_environment(place, **changes)
    found = ask(place)
    assert found.reason == 'environment'
    assert told(found) == expected
    assert found.entry.environment_key == OTHER


def test_the_nearest_of_several_environments_is_taken(place):
    move_environment(place, tag='cp39', egg_format=4)
    nearer = replace(ENVIRONMENT, platform='musllinux_1_2_x86_64')
    store = new_store(place.cache, nearer.key)
    (store.layout.environment(nearer.key) / 'environment.json').write_text(
        json.dumps(nearer.describe()))
    add(store, place.top, 'demo', '1.0')
    assert told(ask(place)) == [('platform', 'manylinux_2_36_x86_64', 'musllinux_1_2_x86_64')]


def test_an_environment_that_nobody_described_is_named_by_its_key(place):
    move_environment(place)
    (place.layout.environment(OTHER) / 'environment.json').unlink()
    found = ask(place)
    assert found.reason == 'environment'
    assert ('platform', ENVIRONMENT.platform, '') in told(found)
    assert found.entry.environment_key == OTHER


@pytest.mark.parametrize(('origin', 'expected'), [
    (replace(scenes.ORIGIN, index='https://example.org/simple'),
     [('index', 'https://example.org/simple', 'https://example.com/simple')]),
    (replace(scenes.ORIGIN, find_links=('https://example.org/links',)),
     [('find-links', 'https://example.org/links', '')]),
    (replace(scenes.ORIGIN, allow_hosts=('*.example.org', 'example.com')),
     [('allow-hosts', '*.example.org example.com', '*')]),
    (replace(scenes.ORIGIN, python='3.9.1'), [('Python', '3.9.1', scenes.ORIGIN.python)]),
])  # fmt: skip
def test_what_differs_in_the_origin_is_named_with_both_values(place, origin, expected):
    found = ask(place, origin=origin)
    assert (found.outcome, found.reason) == ('hit', 'new-origin')
    assert told(found) == expected


@pytest.mark.parametrize(('options', 'reason'), [
    ({'specifier': '>=0.5'}, 'no-pin'),
    ({'specifier': ''}, 'no-pin'),
    ({'specifier': '==1.*'}, 'no-pin'),
    ({'local': ('0' * 64,)}, 'local-archives'),
    ({'origin': Origin('/srv/index')}, 'local-index'),
])  # fmt: skip
def test_why_an_index_is_asked(place, options, reason):
    found = ask(place, **options)
    assert (found.outcome, found.reason) == ('hit', reason)
    assert found.asks_index
    assert found.entry.path == scenes.entry(place).path


def test_a_development_version_asks_the_index(place, tmp_path):
    add(new_store(place.cache), tmp_path, 'demo', '2.0.dev1')
    found = ask(place, '==2.0.dev1')
    assert (found.outcome, found.reason) == ('hit', 'development')


@pytest.mark.parametrize('offers_it', [True, False])
def test_another_archive_is_a_hit_if_the_index_offers_it(place, tmp_path, offers_it):
    lose_the_entry(place)
    entry = add(new_store(place.cache), tmp_path, content='rebuilt')
    found = ask(place)
    assert (found.outcome, found.reason, found.asks_index) == ('hit', 'archive', True)
    assert found.entry.path == entry.path
    [(name, here, there)] = told(found)
    assert name == 'archive'
    assert '2a97516c354b6884' in here and entry.path.name in there
    if offers_it:
        place.archive().write_bytes(b'demo 1.0 rebuilt')
    assert scenes.run(place).built == (0 if offers_it else 1)


def test_another_archive_that_is_damaged_is_a_miss(place, tmp_path):
    lose_the_entry(place)
    flip(add(new_store(place.cache), tmp_path, content='rebuilt').egg / 'demo/__init__.py')
    found = ask(place)
    assert (found.outcome, found.reason) == ('miss', 'damaged')


@pytest.mark.parametrize('is_known', [True, False])
@pytest.mark.parametrize('pattern', [
    'demo===1.0', 'demo===1.0+fix', 'demo==1.0', 'demo==1.0+fix', 'demo<=1.0', 'demo!=1.0',
])  # fmt: skip
def test_a_pattern_is_for_the_version_that_the_pin_stands_for(
    place, tmp_path, pattern, is_known
):
    lose_pointers(place)
    lose_the_entry(place)
    entry = add(new_store(place.cache), tmp_path, 'demo', '1.0+fix')
    made = archive('demo', '1.0+fix')
    if is_known:
        write(place.layout, ENVIRONMENT.key, scenes.ORIGIN, 'demo', '1.0',
              Pointer(made.name, made.sha256, '1.0+fix'))  # fmt: skip
    exclusions = [Exclusion.parse(pattern)]
    session = new_session(place.cache, exclusions=exclusions)
    session.open()
    if is_known:
        there = session.pinned(scenes.ORIGIN, 'demo', '1.0', ())
    else:
        there = session.find('demo', '1.0+fix', made)
    found = ask(place, exclusions=exclusions)
    is_served = pattern in ('demo===1.0', 'demo!=1.0')
    assert (found.outcome == 'hit') is (there is not None) is is_served
    if there is None:
        assert (found.reason, found.detail) == ('excluded', pattern)
    else:
        assert (found.reason, found.entry.path) == ('' if is_known else 'new-origin', entry.path)


def test_a_pattern_is_named_where_there_is_nothing(place):
    lose_pointers(place)
    lose_the_entry(place)
    found = ask(place, exclusions=[Exclusion.parse('demo===1.0')])
    assert (found.outcome, found.reason, found.detail) == ('miss', 'excluded', 'demo===1.0')


@pytest.mark.parametrize(('specifier', 'nearest'), [
    ('==1.5', '1.0, 3.0'), ('==0.1', '1.0'), ('==9', '4.0'), ('>9', '4.0, 3.0, 1.0'),
])  # fmt: skip
def test_other_versions_are_named(place, tmp_path, specifier, nearest):
    for number in ('3.0', '4.0'):
        add(new_store(place.cache), tmp_path / number, 'demo', number)
    found = ask(place, specifier)
    assert (found.outcome, found.reason) == ('miss', 'version')
    assert told(found) == [('version', specifier, nearest)]


def test_the_newest_version_is_the_best(place, tmp_path):
    for number in ('2.0', '3.0a1'):
        add(new_store(place.cache), tmp_path / number, 'demo', number)
    assert ask(place, '').entry.path.parent.name == '2.0'
    excluded = [Exclusion.parse('demo==2.*')]
    assert ask(place, '', exclusions=excluded).entry.path.parent.name == '1.0'
    assert ask(place, '>2').entry.path.parent.name == '3.0a1'


def test_of_two_archives_the_one_without_a_fault_is_the_best(place, tmp_path):
    lose_pointers(place)
    other = add(new_store(place.cache), tmp_path, content='rebuilt')
    [first] = [path for path in other.path.parent.iterdir() if path != other.path]
    flip(next(first.glob('*.egg')) / 'demo/__init__.py')
    found = ask(place)
    assert (found.outcome, found.entry.path) == ('hit', other.path)


def take_over(place, origin):
    """Store an egg whose archive nobody knows, for a pin in `origin`."""
    store = new_store(place.cache)
    egg = write_egg(place.top / 'foreign')
    unknown = Archive(f'demo-1.0{UNKNOWN}', '1f' * 32)
    entry = store.add(manifest(egg, built_from=unknown), egg)
    write(store.layout, store.key, origin, 'demo', '1.0',
          Pointer(unknown.name, unknown.sha256, '1.0'))  # fmt: skip
    return entry


@pytest.mark.parametrize('origin', [scenes.ORIGIN, EVERYWHERE])
def test_an_egg_that_was_taken_over_answers_pins_alone(place, origin):
    lose_pointers(place)
    lose_the_entry(place)
    entry = take_over(place, origin)
    elsewhere = replace(scenes.ORIGIN, index='https://example.org/simple')
    session = new_session(place.cache)
    session.open()
    assert session.pinned(scenes.ORIGIN, 'demo', '1.0', ()).path == entry.path
    found = ask(place)
    assert (found.outcome, found.reason, found.entry.path) == ('hit', '', entry.path)
    is_there = session.pinned(elsewhere, 'demo', '1.0', ()) is not None
    found = ask(place, origin=elsewhere)
    assert (found.outcome == 'hit') is is_there is (origin is EVERYWHERE)
    if origin is not EVERYWHERE:
        assert (found.reason, found.entry.path) == ('adopted', entry.path)
        assert found.detail == pins.OBSTACLES['new-origin']
        assert told(found) == [('index', elsewhere.index, scenes.ORIGIN.index)]
    for specifier in ('>=1', ''):
        found = ask(place, specifier)
        assert (found.outcome, found.reason, found.entry.path) == ('miss', 'adopted', entry.path)
        assert told(found) == [('pin', specifier, '==1.0')]


def test_a_local_archive_wins_over_an_egg_that_was_taken_over(place):
    lose_pointers(place)
    lose_the_entry(place)
    take_over(place, scenes.ORIGIN)
    # Another origin has it, too, but that is not the reason.
    take_over(place, replace(scenes.ORIGIN, index='https://example.org/simple'))
    found = ask(place, local=('0' * 64,))
    assert (found.reason, found.detail, told(found)) == (
        'adopted', pins.OBSTACLES['local-archives'], [])


def test_an_egg_that_was_taken_over_gives_way(place):
    known = scenes.entry(place)
    take_over(place, scenes.ORIGIN)
    session = new_session(place.cache)
    session.open()
    assert session.pinned(scenes.ORIGIN, 'demo', '1.0', ()) is None
    found = ask(place)
    assert (found.outcome, found.reason, found.entry.path) == ('hit', 'adopted', known.path)
    assert scenes.run(place).built == 0


def test_a_cache_that_cannot_be_trusted_is_no_answer(place):
    place.layout.eggs(ENVIRONMENT.key).chmod(0o777)
    with pytest.raises(CacheError, match='can be written to by everybody'):
        ask(place)


def test_a_cache_that_buildout_refuses_is_a_miss(place):
    place.cache.chmod(0o777)
    with pytest.raises(CacheError) as refusal:
        new_session(place.cache).open()
    for mode in ('read-write', 'refresh'):
        found = ask(place, mode=mode)
        assert (found.outcome, found.reason) == ('miss', 'unsafe')
        assert found.detail == str(refusal.value)


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can be another user')
def test_an_entry_of_a_stranger_is_no_damage(place):
    os.chown(scenes.entry(place).path, 12345, 12345)
    found = ask(place)
    assert (found.outcome, found.reason) == ('miss', 'stranger')
    assert 'belongs to the user 12345' in found.detail
    assert scenes.run(place).built == 1


def test_each_reason_has_its_words():
    assert set(answers.REASONS) >= {'damaged', 'environment', 'version', 'offline'}
    assert set(answers.OBSTACLES) == {*pins.OBSTACLES, 'archive'}
    assert all(text and not text.endswith('.') for text in [
        *answers.REASONS.values(), *answers.OBSTACLES.values()])  # fmt: skip


# Against buildout itself.


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


@pytest.fixture
def asks(buildout_factory, index, archives_dir, cache_dir, home, capsys, monkeypatch, same_pip):
    """A function that asks why, lets buildout run, and compares; the first run has stored demo."""
    for name in ('EGG_CACHE', 'BUILDOUT_HOME', 'CFLAGS', 'CC'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('HOME', str(home))
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    buildout_factory(egg_part('demo', versions={'demo': '1.0'})).run()

    def compare(outcome, reason, text='demo', versions=None, env=(), project='demo', prepare=None,
                **options):
        if project not in index.pages:
            index.add(archives.make_wheel(archives_dir, project, '1.0'))
        part = egg_part(text if versions is None else project,
                        versions={'demo': '1.0'} if versions is None else versions)
        buildout = buildout_factory(part, **options)
        if prepare:
            prepare()
        for name, value in dict(env).items():
            monkeypatch.setenv(name, value)
        document = answer(capsys, 'why', text, '--buildout', buildout.directory,
                          status=0 if outcome == 'hit' else 1)
        index.clear()
        result = buildout.run(env=dict(env))
        assert (document['outcome'], document['reason']) == (outcome, reason), document
        assert bool(result.lines(f'Copied {project} ')) is (outcome == 'hit'), result.output
        asked = [path for path in index.requests if project in path]
        if 'index' not in options and options.get('egg_cache_mode') != 'off':
            assert bool(asked) is document['asks_index'], asked
        for name in dict(env):
            monkeypatch.delenv(name)
        return document

    return compare


def test_what_is_said_is_what_a_buildout_does(asks, index):
    assert asks('hit', None)['entry']['archive'] == 'demo-1.0-py3-none-any.whl'
    document = asks('hit', 'new-origin', find_links=index.links_url)
    assert document['differences'] == [
        {'input': 'find-links', 'here': index.links_url, 'there': ''}]
    document = asks('miss', 'environment', env={'CFLAGS': '-O1'})
    assert {'input': 'CFLAGS', 'here': '-O1', 'there': ''} in document['differences']


def break_it(cache_dir):
    [path] = cache_dir.glob('v1/*/eggs/demo/*/*/*.egg/demo/__init__.py')
    flip(path)


@pytest.mark.slow
@pytest.mark.parametrize(('outcome', 'reason', 'options'), [
    ('hit', 'no-pin', {'versions': {}}),
    ('hit', 'new-origin', {'allow_hosts': ['127.0.0.1*', 'localhost']}),
    ('hit', 'new-origin', {'download_cache': 'downloads'}),
    ('miss', 'excluded', {'egg_cache_exclude': 'x de*'}),
    ('miss', 'refresh', {'egg_cache_mode': 'refresh'}),
    ('hit', 'no-pin', {'versions': {'demo': '>=1'}}),
    ('miss', 'off', {'egg_cache_mode': 'off'}),
    ('miss', 'off', {'egg_cache': ''}),
    ('miss', 'off', {'extensions': None}),
    ('miss', 'environment', {'egg_cache_key': 'openssl-3.0'}),
    ('miss', 'never-built', {'versions': {'other': '1.0'}, 'text': 'other', 'project': 'other'}),
    ('hit', None, {'egg_cache_mode': 'read-only'}),
    ('hit', None, {'text': 'demo==1.0', 'versions': {'demo': '1.0'}}),
])  # fmt: skip
def test_whatever_is_said_is_what_a_buildout_does(asks, outcome, reason, options):
    asks(outcome, reason, **options)


@pytest.mark.slow
def test_damage_and_versions_are_told_as_buildout_finds_them(asks, index, archives_dir, cache_dir):
    document = asks('miss', 'damaged', prepare=lambda: break_it(cache_dir))
    assert document['detail'].startswith('demo/__init__.py: ')
    index.add(archives.make_wheel(archives_dir, 'demo', '2.0'))
    document = asks('miss', 'version', versions={'demo': '2.0'})
    assert document['differences'] == [{'input': 'version', 'here': '==2.0', 'there': '1.0'}]


@pytest.mark.slow
def test_local_archives_are_told_as_buildout_finds_them(asks, tmp_path):
    directory = tmp_path / 'links'
    directory.mkdir()
    archives.make_wheel(directory, 'demo', '1.0', content='local')
    asks('hit', 'new-origin', find_links=directory)
    asks('hit', None, find_links=directory)
    archives.make_wheel(directory, 'demo', '1.0', content='another')
    asks('hit', 'local-archives', find_links=directory)


# The verb.


@pytest.fixture
def buildout(tmp_path, home, cache_dir, monkeypatch):
    """The directory of a buildout that never ran, and is here."""
    monkeypatch.setenv('HOME', str(home))
    monkeypatch.delenv('EGG_CACHE', raising=False)
    directory = tmp_path / 'site'
    directory.mkdir()
    monkeypatch.chdir(directory)
    configure(directory, cache_dir)
    return directory


def configure(directory, cache, extensions='egg.cache', more=''):
    (directory / 'buildout.cfg').write_text(
        f'[buildout]\nparts =\nextensions = {extensions}\negg-cache = {cache}\n'
        f'index = https://example.com/simple\n{more}\n[versions]\nDemo = 1.0\n'
    )


def pin(directory, text):
    path = directory / 'buildout.cfg'
    path.write_text(path.read_text().replace('Demo = 1.0', f'Demo = {text}'))


def test_a_missing_cache_has_nothing(capsys, buildout, cache_dir):
    require_compiler()
    status, output, errors = run(capsys, 'why', 'demo')
    assert (status, output) == (1, 'demo==1.0: miss, it was never built.\n')
    assert errors == f'There is no egg cache in {cache_dir} yet.\n'
    assert not cache_dir.exists()


def test_an_empty_directory_has_nothing(capsys, buildout, cache_dir):
    require_compiler()
    cache_dir.mkdir()
    assert run(capsys, 'why', 'demo') == (1, 'demo==1.0: miss, it was never built.\n', '')
    assert os.listdir(cache_dir) == []


def test_a_directory_of_something_else_is_no_answer(capsys, buildout, cache_dir):
    cache_dir.mkdir()
    (cache_dir / 'thesis.txt').write_text('')
    status, output, errors = run(capsys, 'why', 'demo')
    assert (status, output) == (1, '')
    assert errors.startswith(f'{cache_dir} ')
    assert 'is not an egg cache' in errors


def test_what_is_not_a_requirement_is_a_wrong_argument(capsys, buildout):
    status, output, errors = run(capsys, 'why', 'a b')
    assert (status, output) == (2, '')
    assert errors.startswith("'a b' is not a requirement.\n")


@pytest.mark.parametrize('name', ['', 'nowhere'])
def test_a_directory_without_a_buildout_is_a_wrong_argument(
    capsys, buildout, tmp_path, home, name
):
    (home / '.buildout').mkdir()
    (home / '.buildout' / 'default.cfg').write_text('[buildout]\n')
    status, output, errors = run(capsys, 'why', 'demo', '--buildout', tmp_path / name)
    assert (status, output) == (2, '')
    assert errors == f'There is no buildout.cfg in {tmp_path / name}.\n'


def test_a_cache_that_buildout_refuses_is_said_to_be(capsys, buildout, cache_dir, tmp_path):
    add(new_store(cache_dir, environment.current(version('zc.buildout')).key), tmp_path)
    cache_dir.chmod(0o777)
    status, output, errors = run(capsys, 'why', 'demo')
    assert (status, output) == (1, 'demo==1.0: miss, buildout refuses this egg cache.\n')
    assert errors.startswith(f'egg-cache = {cache_dir} can be written to by everybody')
    assert f'\nTake that away (chmod o-w {cache_dir})' in errors


def test_the_archive_of_an_egg_that_was_taken_over_is_not_invented(
    capsys, buildout, cache_dir, tmp_path
):
    store = new_store(cache_dir, environment.current(version('zc.buildout')).key)
    egg = write_egg(tmp_path / 'egg')
    store.add(manifest(egg, built_from=Archive(f'demo-1.0{UNKNOWN}', '1f' * 32)), egg)
    write(store.layout, store.key, Origin('https://example.org/simple/'), 'demo', '1.0',
          Pointer(f'demo-1.0{UNKNOWN}', '1f' * 32, '1.0'))  # fmt: skip
    document = answer(capsys, 'why', 'demo', status=1)
    assert (document['reason'], document['entry']['archive'], document['entry']['sha256']) == (
        'adopted', None, None)
    assert document['differences'] == [{
        'input': 'index', 'here': 'https://example.com/simple/',
        'there': 'https://example.org/simple/'}]  # fmt: skip


@pytest.mark.parametrize(('option', 'by'), [
    ('egg-cache =', 'egg-cache is empty'), ('egg-cache-mode = off', 'egg-cache-mode = off'),
])  # fmt: skip
def test_what_switches_the_cache_off_is_said(capsys, buildout, cache_dir, option, by):
    configure(buildout, cache_dir, more=option)
    assert run(capsys, 'why', 'demo')[1] == (
        f'demo==1.0: miss, the egg cache is switched off ({by}).\n')


def test_a_buildout_that_is_offline_copies_nothing(capsys, buildout, cache_dir, tmp_path):
    add(new_store(cache_dir, environment.current(version('zc.buildout')).key), tmp_path)
    assert run(capsys, 'why', 'demo')[0] == 0
    configure(buildout, cache_dir, more='offline = true')
    assert run(capsys, 'why', 'demo')[1] == (
        'demo==1.0: miss, buildout is offline, and installs nothing, be it in the egg cache or '
        'not.\n')
    assert not answer(capsys, 'why', 'demo', status=1)['asks_index']
    configure(buildout, cache_dir, more='offline = false')
    assert run(capsys, 'why', 'demo')[0] == 0


@pytest.mark.parametrize('text', ['1.0', '==1.0'])
def test_what_the_versions_do_not_allow_is_a_miss(capsys, buildout, cache_dir, tmp_path, text):
    store = new_store(cache_dir, environment.current(version('zc.buildout')).key)
    for number in ('1.0', '2.0'):
        add(store, tmp_path / number, 'demo', number)
    pin(buildout, text)
    for asked in ('demo>=2', 'demo==2.0'):
        found = answer(capsys, 'why', asked, status=1)
        assert (found['reason'], found['asks_index']) == ('contradiction', False)
        assert run(capsys, 'why', asked)[1] == (
            f'{asked}: miss, buildout stops, as [versions] do not allow it (demo = {text}).\n')
    for asked in ('demo>=1', 'demo==1.0', 'demo==1.*', 'demo'):
        assert answer(capsys, 'why', asked)['requirement'] == 'demo==1.0'


@pytest.mark.parametrize('text', ['', '>=1', '<2', '1.*'])
def test_versions_that_are_no_pin_contradict_nothing(capsys, buildout, cache_dir, tmp_path, text):
    add(new_store(cache_dir, environment.current(version('zc.buildout')).key), tmp_path)
    pin(buildout, text)
    assert answer(capsys, 'why', 'demo>=3', status=1)['reason'] == 'version'


def test_a_hit_after_asking_is_said_with_both_values(capsys, buildout, cache_dir, tmp_path):
    store = new_store(cache_dir, environment.current(version('zc.buildout')).key)
    entry = add(store, tmp_path)
    made = archive()
    write(store.layout, store.key, Origin('https://example.org/simple'), 'demo', '1.0',
          Pointer(made.name, made.sha256, '1.0'))  # fmt: skip
    status, output, errors = run(capsys, 'why', 'demo')
    assert (status, errors) == (0, '')
    assert output == (
        'demo==1.0: hit, if the index offers the archive that the cache has: it is asked, as the '
        'pin was not resolved before in this origin.\n'
        f'  entry: {entry.path}\n'
        '  index:\n'
        '    here   https://example.com/simple/\n'
        '    there  https://example.org/simple\n'
    )
    write(store.layout, store.key, Origin('https://example.com/simple/'), 'demo', '1.0',
          Pointer(made.name, made.sha256, '1.0'))  # fmt: skip
    status, output, errors = run(capsys, 'why', 'demo')
    assert (status, errors) == (0, '')
    assert output == f'demo==1.0: hit, without asking an index.\n  entry: {entry.path}\n'
    flip(entry.egg / 'demo/__init__.py')
    hit = answer(capsys, 'why', 'demo', status=1)
    assert (hit['reason'], hit['entry']['path']) == ('damaged', str(entry.path))
    assert hit['detail'].startswith('demo/__init__.py: ')
    pin(buildout, '3')
    miss, everything = (answer(capsys, 'why', what, status=1) for what in ('demo', '--all'))
    assert_documented('why', hit, miss, everything)


def test_what_else_there_is_to_know_is_said_beside(capsys, buildout, cache_dir):
    eggs = buildout / 'eggs' / 'v5'
    eggs.mkdir(parents=True)
    python = f'py{sys.version_info[0]}.{sys.version_info[1]}'
    for name in ('demo-1.0', 'demo-0.9', 'demonstration-1.0'):
        (eggs / f'{name}-{python}.egg').mkdir()
    (eggs / 'demo-1.0-py2.7.egg').mkdir()
    configure(buildout, cache_dir, extensions='')
    status, output, errors = run(capsys, 'why', 'demo')
    assert (status, output) == (1, (
        'demo==1.0: miss, the egg cache is switched off (egg.cache is not among the '
        'extensions).\n'))
    assert errors == (
        f'demo-1.0-{python}.egg is in the buildout already, so the egg cache is not asked for '
        'it.\n'
    )


@pytest.mark.parametrize(('pin', 'more', 'said'), [
    (True, '', 'that version: parts get an egg of it.'),
    (True, 'egg-cache-self-contained = no', 'that: the egg cache is not asked.'),
    (False, '', 'that unless an index has a newer one.'),
    (False, 'newest = false', 'that version: parts get an egg of it.'),
])  # fmt: skip
def test_what_is_beside_is_said_plainly(capsys, buildout, cache_dir, pin, more, said):
    configure(buildout, cache_dir, more=more)
    number = version('packaging')
    errors = run(capsys, 'why', f'packaging=={number}' if pin else 'packaging')[2]
    assert (f'packaging {number} is installed beside zc.buildout, and buildout takes {said}'
            in errors.splitlines())  # fmt: skip


def test_a_develop_egg_is_asked_of_nobody(capsys, buildout, cache_dir):
    configure(buildout, cache_dir, more='develop = shop')
    (buildout / 'shop').mkdir()
    (buildout / 'shop/setup.py').write_text('from setuptools import setup\nsetup(name="demo")')
    status, output, _ = run(capsys, 'why', 'demo')
    assert (status, output) == (
        0, f'demo==1.0: not asked for: it is a develop egg, {buildout}/shop.\n')
    (buildout / 'shop/setup.py').write_text(
        'from setuptools import setup\nsetup(name="demo", version="2")')
    # [versions] want another one.
    assert answer(capsys, 'why', 'demo', status=1)['reason'] == 'never-built'


def test_several_are_answered_at_once(capsys, buildout, cache_dir):
    document = answer(capsys, 'why', 'demo', 'other==2', status=1)
    names = [one['requirement'] for one in document['requirements']]
    assert names == ['demo==1.0', 'other==2']
    assert document['requirements'][0] == answer(capsys, 'why', 'demo', status=1)
    status, output, _ = run(capsys, 'why', 'demo', 'other==2')
    assert output.count(': miss, ') == 2


@pytest.mark.parametrize('arguments', [[], ['--all', 'demo']])
def test_either_all_or_some_are_asked_for(capsys, buildout, arguments):
    status, output, errors = run(capsys, 'why', *arguments)
    assert (status, output) == (2, '') and 'a REQUIREMENT and --all' in errors


def test_another_environment_of_the_last_run_is_said(capsys, buildout, cache_dir):
    require_compiler()
    current = environment.current(version('zc.buildout'))
    other = replace(current, tag='cp27')
    for last in (other, current, other):
        said = run(capsys, 'why', 'demo')[2]
        assert ('The last run' in said) is (last is current)
        recorder = Recorder(new_store(cache_dir, last.key), Settings(cache_dir), {
            'buildout': str(buildout), 'description': last.describe()})  # fmt: skip
        recorder.start()
        recorder.end()
    assert run(capsys, 'why', 'demo')[2] == (
        f'The last run of this buildout had another environment: {other.key}; here it is '
        f'{current.key}.\n'
        f'interpreter and ABI: {current.tag} here, cp27 in that run.\n'
    )


def sdist_of(place):
    """Let the archive of demo be a source distribution."""
    built_from = archive(suffix='.tar.gz')
    egg = place.make(place.top / 'sdist')
    store = new_store(place.cache)
    shutil.rmtree(store.layout.project(store.key, 'demo'))
    store.add(manifest(egg, built_from=built_from), egg)
    pointer = Pointer(built_from.name, built_from.sha256, '1.0')
    write(store.layout, store.key, scenes.ORIGIN, 'demo', '1.0', pointer)


def ask_with(place, builds):
    mine = Settings(place.cache)
    return explain(Question('demo', SpecifierSet('==1.0'), mine, ENVIRONMENT, scenes.ORIGIN,
                            source_builds=builds), place.layout)  # fmt: skip


def test_options_of_builds_count_for_source_distributions_alone(place):
    options = SourceBuilds({'PIP_BUILD_CONSTRAINT': 'setuptools<81'})
    unknown = SourceBuilds(obstacle="/x can't be read: No such file")
    assert [ask_with(place, builds).outcome for builds in (options, unknown)] == ['hit', 'hit']
    sdist_of(place)
    assert ask_with(place, SourceBuilds()).outcome == 'hit'
    found = ask_with(place, options)
    assert (found.outcome, found.reason) == ('miss', 'environment')
    assert told(found) == [('PIP_BUILD_CONSTRAINT', 'setuptools<81', '')]
    found = ask_with(place, unknown)
    assert (found.reason, found.detail) == ('unshared', "/x can't be read: No such file")
    # What was built with the same options is a hit.
    shared = ENVIRONMENT.for_sources(options.options)
    store = new_store(place.cache, shared.key)
    store.describe(shared.describe())
    store.layout.project(ENVIRONMENT.key, 'demo').rename(store.layout.project(shared.key, 'demo'))
    assert ask_with(place, options).outcome == 'hit'
    found = ask_with(place, SourceBuilds())
    assert told(found) == [('PIP_BUILD_CONSTRAINT', '', 'setuptools<81')]


def test_a_compiler_that_is_not_there_is_said(capsys, buildout, monkeypatch, tmp_path):
    require_compiler()
    assert 'is not there' not in run(capsys, 'why', 'demo')[2]
    monkeypatch.setenv('PATH', str(tmp_path / 'not-here'))
    found = sysconfig.get_config_var('CC').split()[0]
    assert (f'\n{found} is not there, so what is built from source here and could have been '
            'compiled is not stored: it may lack something.\n') in run(capsys, 'why', 'demo')[2]

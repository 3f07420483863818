"""Adding: which eggs can be taken over from an existing eggs directory?"""

import os
import platform
import shutil
from importlib import metadata
from importlib.metadata import version

import pytest
from support import command, rights, tools, trees
from support.archives import make_sdist, make_wheel
from support.foreign import write_pip_egg
from support.programs import require_compiler
from support.runner import egg_part
from zc.buildout.pep425tags import get_abi_tag

from egg.cache.configuration import index_options
from egg.cache.environment import environment
from egg.cache.store.layout import Layout
from egg.cache.store.store import entries

PINS = {'demo': '1.0', 'other': '1.0', 'zc.recipe.egg': tools.find('zc.recipe.egg').version}


def make_shared(buildout_factory, config, tmp_path):
    """Run a buildout without a cache, which has its eggs in a shared directory."""
    buildout = buildout_factory(config, cache=False, eggs_directory=tmp_path / 'shared')
    buildout.run()
    return buildout


def add_shared(buildout, tmp_path, cache_dir, capsys):
    """Add the shared eggs for a buildout, and return what that says."""
    status, output, errors = command.run(
        capsys, '--cache', cache_dir, 'add', tmp_path / 'shared',
        '--buildout', buildout.directory)  # fmt: skip
    assert status == 0, errors
    return sorted(output.splitlines())


def eggs_of(directory):
    """Return the eggs directory itself: zc.buildout 5 and later have it as `v5`."""
    return directory / 'v5' if (directory / 'v5').is_dir() else directory


@pytest.mark.usefixtures('same_pip')
def test_the_first_run_after_adding_a_shared_directory_hits_without_a_network(
    buildout_factory, archives_dir, index, tmp_path, cache_dir, capsys
):
    index.add(make_wheel(archives_dir, 'demo', '1.0', requires=['other']))
    index.add(make_wheel(archives_dir, 'other', '1.0'))
    config = egg_part('demo', versions=PINS)
    shared = make_shared(buildout_factory, config, tmp_path)
    new = buildout_factory(config)
    assert add_shared(new, tmp_path, cache_dir, capsys) == [
        'Added demo 1.0.', 'Added other 1.0.',
        f'Added zc.recipe.egg {PINS["zc.recipe.egg"]}.']  # fmt: skip
    index.stop()
    result = new.run()
    assert result.lines('egg.cache: Egg cache: 3 of 3 eggs copied')
    assert result.pip_count == 0
    for egg in new.eggs:
        before, after = (trees.snapshot(eggs_of(place) / egg)
                         for place in (tmp_path / 'shared', new.path('eggs')))  # fmt: skip
        assert trees.differences(before, after) == []
    assert len(new.eggs) == 3
    texts = [path.read_text().replace(str(eggs_of(place)), 'EGGS')
             for path, place in ((shared.path('bin/demo'), tmp_path / 'shared'),
                                 (new.path('bin/demo'), new.path('eggs')))]  # fmt: skip
    assert texts[0] == texts[1]


@pytest.mark.usefixtures('same_pip')
def test_the_eggs_of_a_directory_with_abi_tags_are_added(
    buildout_factory, archives_dir, index, tmp_path, cache_dir, capsys
):
    index.add(make_wheel(archives_dir, 'demo', '1.0'))
    config = egg_part('demo', versions=PINS)
    buildout_factory(
        config, cache=False, abi_tag_eggs='true', eggs_directory=tmp_path / 'shared').run()
    new = buildout_factory(config, abi_tag_eggs='true')
    [made] = (tmp_path / 'shared').glob('v5/*')
    assert made.name == environment.abi_tag() == get_abi_tag()
    other = made.with_name('cp27mu')
    (other / 'demo-1.0-py2.7.egg').mkdir(parents=True)
    status, output, errors = command.run(
        capsys, '--cache', cache_dir, 'add', tmp_path / 'shared', '--buildout', new.directory)
    assert status == 0, errors
    assert sorted(output.splitlines()) == [
        'Added demo 1.0.', f'Added zc.recipe.egg {PINS["zc.recipe.egg"]}.']  # fmt: skip
    assert errors.splitlines()[0] == (
        f'Refused {other}: it holds eggs of cp27mu, and this is {made.name}: run the egg-cache '
        'of that interpreter.'
    )
    index.stop()
    result = new.run()
    assert result.lines('egg.cache: Egg cache: 2 of 2 eggs copied')
    [egg] = new.path('eggs', 'v5', made.name).glob('demo-*.egg')
    assert trees.differences(trees.snapshot(made / egg.name), trees.snapshot(egg)) == []
    assert new.script('demo') == 'demo 1.0\n'
    # What looks into the eggs directory finds it there, too.
    _, output, errors = command.run(
        capsys, '--cache', cache_dir, 'why', 'demo', '--buildout', new.directory)
    assert output.startswith('demo==1.0: hit, ')
    assert f'{egg.name} is in the buildout already' in errors
    listed = command.answer(capsys, '--cache', cache_dir, 'sbom', new.directory)
    assert 'demo' in {component['name'] for component in listed['components']}
    status, output, errors = command.run(
        capsys, '--cache', cache_dir, 'prune', '--keep-latest', '1', '--max-size', '1 B',
        '--keep-used-by', new.directory)  # fmt: skip
    assert 'Removed 0 eggs of 2' in errors


@pytest.mark.usefixtures('same_pip')
@pytest.mark.slow
def test_an_added_egg_gives_way_as_soon_as_its_archive_is_known(
    buildout_factory, archives_dir, index, tmp_path, cache_dir, capsys
):
    require_compiler()
    index.add(make_wheel(archives_dir, 'demo', '1.0', requires=['other']))
    index.add(make_sdist(archives_dir, 'other', '1.0', c_extension=True))
    config = egg_part('demo', versions=PINS)
    make_shared(buildout_factory, config, tmp_path)
    new = buildout_factory(config)
    add_shared(new, tmp_path, cache_dir, capsys)
    assert new.run().lines('egg.cache: Egg cache: 3 of 3 eggs copied')
    assert new.script('demo') == 'demo 1.0\n'
    index.add(make_wheel(archives_dir, 'demo', '1.0', requires=['other'], content='new'))
    for arguments, line in ((['egg-cache-mode=refresh'], '3 built and stored'),
                            ([], '3 of 3 eggs copied')):  # fmt: skip
        shutil.rmtree(new.path('eggs'))
        assert new.run(*arguments).lines('egg.cache: Egg cache', line)
        assert new.script('demo') == 'demo 1.0 new\n'
    index.clear()
    shutil.rmtree(new.path('eggs'))
    new.run()
    assert index.requests == []


# The command alone


@pytest.fixture
def add(capsys, tmp_path, monkeypatch):
    """A function that runs `egg-cache add`, and returns (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: command.run(
        capsys, '--cache', tmp_path / 'cache', 'add', *arguments)


@pytest.fixture
def answer(capsys, tmp_path, monkeypatch):
    """A function that runs `egg-cache add --json`, and returns the document."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, status=0: command.answer(
        capsys, '--cache', tmp_path / 'cache', 'add', *arguments, status=status)


@pytest.fixture
def eggs(tmp_path):
    """An eggs directory with one egg that can be adopted."""
    write_pip_egg(tmp_path / 'eggs')
    return tmp_path / 'eggs'


INDEX = 'https://example.com/simple'


def stored(tmp_path):
    return [str(entry) for entry in entries(Layout(tmp_path / 'cache'))]


def pointers(tmp_path):
    return sorted(path.name for path in (tmp_path / 'cache/v1').glob('*/origins/*/*')
                  if path.name != 'origin.json')  # fmt: skip


def test_it_says_what_is_added_refused_and_for_whom(add, eggs, tmp_path):
    (eggs / 'own.egg-link').write_text('/src')
    links = 'https://ada:secret@example.com/links'
    status, output, errors = add('eggs', '--index', INDEX, '--find-links', links)
    assert (status, output) == (0, 'Added demo 1.0.\n')
    first, second, third = errors.splitlines()[-3:]
    assert first == f'Refused {eggs}/own.egg-link: it is a link to a develop egg.'
    assert second.startswith('Added 1 egg (')
    assert second.endswith(f'to {tmp_path}/cache; 0 already there, 1 refused.')
    assert third.startswith(f'They are for Python {platform.python_version()} and zc.buildout ')
    assert third.endswith(f'answer exact pins of the index {INDEX}/ with https://example.com/links.')
    assert stored(tmp_path) == ['demo 1.0']
    assert add('eggs', '--index', INDEX, '--find-links', links)[0] == 0


def test_the_exit_status_is_that_of_nothing_at_all(add, eggs):
    shutil.rmtree(eggs)
    eggs.mkdir()
    assert add('eggs', '--all-origins')[0] == 1
    (eggs / 'own.egg-link').write_text('/src')
    assert add('eggs', '--all-origins')[0] == 1


def test_single_eggs_can_be_added(add, eggs, tmp_path):
    [egg] = eggs.iterdir()
    assert add(egg, '--all-origins')[0] == 0
    assert stored(tmp_path) == ['demo 1.0']


def test_a_dry_run_changes_nothing(add, eggs, tmp_path):
    status, output, errors = add('eggs', '--all-origins', '--dry-run')
    assert (status, output) == (0, 'Would add demo 1.0.\n')
    assert 'Would add 1 egg to' in errors
    assert 'in all origins.' in errors
    assert not (tmp_path / 'cache').exists()


def test_the_document(answer, eggs, tmp_path):
    (eggs / 'own.egg-link').write_text('/src')
    [egg] = eggs.glob('*.egg')
    document = answer('eggs', '--index', INDEX)
    again = answer('eggs', '--index', INDEX)
    assert (again['added'], len(again['already_there']), again['size']) == ([], 1, 0)
    (tmp_path / 'buildout.cfg').write_text('[buildout]\nparts =\n')
    everywhere = answer('eggs', '--all-origins')
    assert document.pop('unpinned') == []
    command.assert_documented('add', document, again, everywhere)
    assert document.pop('size') == sum(path.stat().st_size for path in egg.rglob('*')
                                       if path.is_file())  # fmt: skip
    row = {'egg': str(egg), 'project': 'demo', 'version': '1.0', 'left_out': []}
    assert document == {
        'directory': str(tmp_path / 'cache'), 'dry_run': False,
        'environment': environment.current(version('zc.buildout')).key,
        'origins': [{'index': f'{INDEX}/', 'find_links': [], 'allow_hosts': ['*'],
                     'python': platform.python_version()}],
        'added': [row], 'already_there': [],
        'refused': [{'egg': str(eggs / 'own.egg-link'),
                     'reason': 'it is a link to a develop egg'}],
    }  # fmt: skip


def test_the_buildout_here_is_the_default(answer, eggs, tmp_path):
    (tmp_path / 'buildout.cfg').write_text(
        '[buildout]\nparts =\nindex = https://example.com/here/\negg-cache-key = abc\n'
        'egg-cache-exclude = other\nfind-links =\n  https://user:secret@example.com/links\n')
    write_pip_egg(eggs, 'other')
    document = answer('eggs')
    assert document['origins'][0]['index'] == 'https://example.com/here/'
    assert document['origins'][0]['find_links'] == ['https://example.com/links']
    assert document['environment'] == environment.current(version('zc.buildout'), 'abc').key
    assert [row['reason'] for row in document['refused']] == ['egg-cache-exclude excludes it']


def test_several_buildouts_can_be_named(answer, eggs, tmp_path):
    for name in ('one', 'two'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'buildout.cfg').write_text(
            f'[buildout]\nparts =\nindex = https://example.com/{name}/\n')
    document = answer('eggs', '--buildout', 'one', '--buildout', tmp_path / 'two')
    assert len(document['origins']) == 2
    assert pointers(tmp_path) == ['demo-1.0', 'demo-1.0']


@pytest.mark.parametrize(('pins', 'text'), [
    ('demo = 1.0\nOther = 1.0\n', None),
    ('demo = 1.0\n', ('1 of them has no pin in {}: other. An index decides about it, so it is '
                      'built once more.')),
    ('demo = >=0.5\n', ('2 of them have no pin in {}: demo, other. An index decides about them, '
                        'so they are built once more.')),
])  # fmt: skip
def test_what_is_not_pinned_is_named(add, answer, eggs, tmp_path, pins, text):
    write_pip_egg(eggs, 'other')
    (tmp_path / 'buildout.cfg').write_text(
        f'[buildout]\nparts =\nindex = {INDEX}\n[versions]\n{pins}')
    _, _, errors = add('eggs')
    last = errors.splitlines()[-1]
    if text is None:
        assert last.startswith('They are for Python ')
    else:
        assert last == text.format(tmp_path)
    # What was there already is no news.
    assert ' no pin ' not in add('eggs')[2]


def test_what_is_not_pinned_is_in_the_document(answer, eggs, tmp_path):
    (tmp_path / 'buildout.cfg').write_text(f'[buildout]\nparts =\nindex = {INDEX}\n')
    assert answer('eggs', '--all-origins', '--dry-run')['unpinned'] == [
        {'buildout': str(tmp_path), 'projects': ['demo']}]


def test_an_egg_cache_has_nothing_to_add(add, eggs, tmp_path):
    assert add('eggs', '--all-origins')[0] == 0
    status, _, errors = add('cache', '--all-origins')
    assert status == 2
    assert errors.startswith(f'{tmp_path}/cache is an egg cache.\n')


def test_it_says_no_more_than_there_is(add, eggs, tmp_path):
    # It makes the cache, and doesn't say before that there is none.
    assert 'no egg cache yet' not in add('eggs', '--all-origins')[2]
    shutil.rmtree(eggs)
    eggs.mkdir()
    (eggs / 'own.egg-link').write_text('/src')
    status, _, errors = add('eggs', '--all-origins')
    assert (status, 'They are for' in errors) == (1, False)


@pytest.mark.parametrize(('arguments', 'text'), [
    (['eggs'], 'it has to be said whose pins they may answer'),
    (['eggs', '--all-origins', '--index', INDEX], 'Say either --buildout, or'),
    (['eggs', '--index', '/srv/index'], '/srv/index/ is a local index'),
    (['eggs', '--buildout', 'nowhere'], 'There is no buildout.cfg in nowhere'),
    (['nowhere', '--all-origins'], 'nowhere is not a directory'),
    (['--all-origins'], 'the following arguments are required'),
])  # fmt: skip
def test_wrong_arguments(add, eggs, tmp_path, arguments, text):
    status, _, errors = add(*arguments)
    assert status == 2
    assert text in errors
    assert not (tmp_path / 'cache').exists()


def test_buildouts_with_different_keys_are_wrong(add, eggs, tmp_path):
    for name in ('one', 'two'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'buildout.cfg').write_text(
            f'[buildout]\nparts =\nindex = {INDEX}\negg-cache-key = {name}\n')
    status, _, errors = add('eggs', '--buildout', 'one', '--buildout', 'two')
    assert status == 2
    assert 'different values of egg-cache-key' in errors
    assert add('eggs', '--buildout', 'one', '--buildout', 'two', '--key', 'x')[0] == 0


def test_a_foreign_directory_is_left_alone(add, eggs, tmp_path):
    (tmp_path / 'cache').mkdir()
    (tmp_path / 'cache/mine').write_text('')
    status, _, errors = add('eggs', '--all-origins')
    assert status == 1
    assert 'is not an egg cache' in errors
    assert os.listdir(tmp_path / 'cache') == ['mine']


def test_an_empty_directory_becomes_a_cache(add, eggs, tmp_path):
    (tmp_path / 'cache').mkdir()
    assert add('eggs', '--all-origins')[0] == 0
    assert pointers(tmp_path) == ['demo-1.0']


def test_an_unsafe_cache_is_refused(add, eggs, tmp_path):
    (tmp_path / 'cache').mkdir()
    os.chmod(tmp_path / 'cache', 0o777)
    status, _, errors = add('eggs', '--all-origins')
    assert status == 2
    assert 'can be written to by everybody' in errors


def test_a_reader_without_write_permission_gets_a_message(add, eggs, tmp_path):
    (tmp_path / 'cache').mkdir()
    os.chmod(tmp_path / 'cache', 0o555)
    with rights.as_modes_say():
        status, _, errors = add('eggs', '--all-origins')
    assert status == 1
    assert 'Permission denied' in errors
    assert add('eggs', '--all-origins', '--dry-run')[0] == 0


def test_without_pip_nothing_is_built_from_source(answer, eggs, monkeypatch):
    def installed(name):
        if name == 'pip':
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(index_options, 'version', installed)
    assert answer('eggs', '--all-origins')['added']


def test_without_zc_buildout_the_egg_format_is_unknown(add, eggs, tmp_path, monkeypatch):
    monkeypatch.setattr(index_options, 'buildout_version', lambda: None)
    status, _, errors = add('eggs', '--all-origins')
    assert status == 1
    assert 'zc.buildout is not installed beside egg-cache' in errors
    assert not (tmp_path / 'cache').exists()

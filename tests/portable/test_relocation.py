"""Self-contained buildouts: no part leads to what is beside zc.buildout."""

import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from support import archives, own, trees, twins
from support import tools as support_tools
from support.index import Index
from support.runner import Buildout, egg_part

from egg.cache.portable import buildinfo, buildout_paths, relocation

OWN = ['zc.buildout', 'egg.cache', 'setuptools', 'packaging', 'pip', 'wheel', 'filelock',
       'platformdirs']  # fmt: skip
BESIDE = 'is used as it is installed beside zc.buildout'


@pytest.fixture(scope='session')
def own_wheels(tmp_path_factory):
    return own.wheels(tmp_path_factory.mktemp('own'))


@pytest.fixture(scope='session')
def base_tools(tmp_path_factory):
    """zc.buildout, the recipe, and a distribution `demo` 1.0 beside them."""
    directory = tmp_path_factory.mktemp('tools')
    tools = twins.tools_with_recipe(directory)
    install(archives.make_wheel(tmp_path_factory.mktemp('demo'), 'demo', '1.0'), directory)
    return tools


def install(wheel, directory):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)


@pytest.mark.parametrize(('arguments', 'expected'), [
    ([], ''),
    (['-c', 'buildout.cfg'], ''),
    (['-Nc', 'production.cfg', 'install', 'app'], 'production.cfg'),
    (['-voproduction.cfg', '-coproduction.cfg'], ''),
    (['-Ucproduction.cfg', 'app:port=1'], 'production.cfg'),
    (['buildout:offline=true', '-t', '-c', '-c', 'conf/site.cfg'], 'conf/site.cfg'),
    (['-c', '../elsewhere/production.cfg'], 'production.cfg'),
    (['setup', '-c', 'production.cfg'], ''),
    (['-c'], ''),
])  # fmt: skip
def test_the_configuration_that_buildout_was_given_is_known(tmp_path, arguments, expected):
    (tmp_path / 'conf').mkdir()
    for name in ('buildout.cfg', 'production.cfg', 'conf/site.cfg'):
        (tmp_path / name).touch()
    assert relocation._configuration(arguments, tmp_path) == expected


@pytest.fixture
def tools(base_tools, tmp_path):
    """Tools of its own for each test, which may change what is in them."""
    directory = tmp_path / 'tools'
    shutil.copytree(base_tools[0], directory, copy_function=os.link)
    return [str(directory), *base_tools[1:]]


@pytest.fixture(scope='session')
def filled(tmp_path_factory, base_tools, own_wheels, recipe_wheel):
    """An egg cache with all that buildout itself needs."""
    directory = tmp_path_factory.mktemp('filled')
    with Index(recipe_wheel, *own_wheels) as index:
        buildout = Buildout(
            directory / 'buildout', base_tools, egg_part('packaging'),
            {'index': index.url, 'extensions': 'egg.cache', 'egg-cache': directory / 'cache'},
        )  # fmt: skip
        result = buildout.run()
    assert not result.lines(BESIDE), result
    return directory / 'cache'


@pytest.fixture
def index(index, own_wheels):
    for wheel in own_wheels:
        index.add(wheel)
    return index


@pytest.fixture
def make(buildout_factory, filled, cache_dir):
    """A function that makes a buildout which is to be self-contained."""
    shutil.copytree(filled, cache_dir, symlinks=True)
    # pip needs some other directories than those of the tests' tools.
    return lambda config='', **options: buildout_factory(
        config, **{'egg_cache_self_contained': None, **options})


def paths(buildout, script):
    """Return the directories that a script names."""
    text = buildout.path('bin', script).read_text()
    return [line.strip(" ',\n") for line in text.splitlines() if line.strip().startswith("'/")]


def assert_leads_nowhere(buildout, script):
    found = paths(buildout, script)
    assert found and all(path.startswith(str(buildout.eggs_directory)) for path in found), found


def leads_beside(buildout, script):
    return buildout.tools[0] in paths(buildout, script)


def test_what_a_part_needs_of_it_becomes_an_egg_of_the_same_version(make, buildout_factory):
    config = egg_part('demo', 'setuptools', 'packaging')
    plain = buildout_factory(config, cache=False)
    plain.run()
    assert leads_beside(plain, 'demo') and plain.eggs == []
    buildout = make(config)
    result = buildout.run()
    assert_leads_nowhere(buildout, 'demo')
    assert buildout.script('demo') == plain.script('demo') == 'demo 1.0\n'
    assert result.lines('Made an egg of demo 1.0') and not result.lines(BESIDE)
    assert not result.lines('is not self-contained')
    # It was installed from somewhere, but nobody knows from where.
    [info] = buildout.egg('demo').glob('*.dist-info')
    assert not (info / 'direct_url.json').exists()
    assert 'direct_url' not in (info / 'RECORD').read_text()


def test_buildout_itself_is_among_the_eggs(make):
    buildout = make(egg_part('packaging'))
    buildout.run()
    assert own.names(buildout.directory)[:2] == ['zc.buildout', 'egg.cache']
    found = own.names(buildout.directory)
    assert {name.replace('_', '.') for name in found} - {'egg.cache'} >= {
        name for name in OWN if name != 'egg.cache' and name != 'wheel'}
    info = buildinfo.read(buildout.directory)
    assert set(info.buildout_eggs) < set(buildout.eggs)
    assert info.directory == os.path.realpath(buildout.directory)
    # The recipe is needed to run buildout again, but not by bin/buildout.
    assert [name for name in buildout.eggs if name.startswith('zc.recipe.egg-')]
    assert 'zc.recipe.egg' not in found


@pytest.mark.slow
def test_metadata_have_names_that_pip_understands(make):
    buildout = make(egg_part('packaging'))
    buildout.run()
    for name in buildinfo.read(buildout.directory).buildout_eggs:
        egg = buildout.eggs_directory / name
        assert [path for path in egg.glob('*.dist-info') if '-py' in path.name] == []


def test_a_second_run_changes_nothing_and_asks_nobody(make, index):
    buildout = make(egg_part('demo', 'packaging'))
    buildout.run()
    before = trees.snapshot(buildout.eggs_directory), buildout.path('.buildinfo.json').stat()
    index.clear()
    result = buildout.run()
    assert index.requests == [] and result.pip_count == 0
    assert trees.differences(before[0], trees.snapshot(buildout.eggs_directory)) == []
    assert buildout.path('.buildinfo.json').stat().st_ino == before[1].st_ino
    assert_leads_nowhere(buildout, 'demo')


@pytest.mark.slow
def test_eggs_of_another_python_are_for_nobody(make):
    buildout = make(egg_part('packaging', interpreter='py'))
    buildout.run()
    eggs = buildinfo.read(buildout.directory).buildout_eggs
    python = re.search('-(py[0-9.]+)', eggs[0])[1]
    for name in eggs:
        os.rename(buildout.eggs_directory / name,
                  buildout.eggs_directory / name.replace(python, 'py2.7'))
    buildout.run()
    assert buildinfo.read(buildout.directory).buildout_eggs == eggs
    assert 'py2.7' not in buildout.path('bin', 'py').read_text()


@pytest.mark.slow
def test_a_second_buildout_asks_nobody_for_what_is_in_the_index(make, index):
    config = egg_part('packaging', 'setuptools')
    make(config).run()
    index.clear()
    result = make(config).run()
    # Development versions are often rebuilt under their names.
    assert [path for path in index.requests if 'egg-cache' not in path] == []
    assert result.pip_count == 0


@pytest.mark.slow
def test_another_version_that_is_pinned_is_taken(make, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'demo', '2.0'))
    buildout = make(egg_part('demo', versions={'demo': '2.0'}))
    result = buildout.run()
    assert buildout.script('demo') == 'demo 2.0\n'
    assert not result.lines('Made an egg of demo')


@pytest.mark.slow
def test_the_archive_is_preferred_to_what_is_installed(make, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', content='of the archive'))
    index.add(archives.make_wheel(archives_dir, 'demo', '2.0'))
    buildout = make(egg_part('demo'))
    buildout.run()
    # The version is the one that is installed, as without us.
    assert buildout.script('demo') == 'demo 1.0 of the archive\n'


@pytest.mark.parametrize(
    'trouble', [pytest.param('page_status', marks=pytest.mark.slow), 'download_status'])
def test_an_index_in_trouble_stops_no_build(make, index, archives_dir, trouble):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', content='of the archive'))
    setattr(index, trouble, 500)
    buildout = make(egg_part('demo'))
    result = buildout.run()
    assert buildout.script('demo') == 'demo 1.0\n'
    assert result.lines('Made an egg of demo 1.0')


@pytest.mark.slow
def test_a_silent_index_is_waited_for_once(buildout_factory, index):
    index.page_status = 503
    buildout = buildout_factory(egg_part('demo', 'packaging'), egg_cache_self_contained='yes')
    buildout.run()
    assert len(index.pages) == 1
    assert_leads_nowhere(buildout, 'demo')
    # Where the tests run from eggs, their setuptools is no longer what was installed.
    assert set(own.names(buildout.directory)) >= {'zc.buildout', 'packaging', 'pip'}


@pytest.mark.parametrize(('line', 'expected'), [
    ('recipe = zc.recipe.egg:scripts', ['zc.recipe.egg']), ('my-recipe = (1) egg', []),
    ('text = a\n\trecipe = [b', []),
])  # fmt: skip
def test_recipes_are_what_parts_say_in_that_option(tmp_path, line, expected):
    (tmp_path / '.installed.cfg').write_text(f'[app]\n{line}\n')
    assert list(relocation._recipes(buildout_paths.find(tmp_path))) == expected


@pytest.mark.slow
def test_an_archive_that_cannot_be_built_stops_no_build(make, index, archives_dir):
    index.add(archives.make_sdist(
        archives_dir, 'demo', '1.0', files={'setup.py': 'raise SystemExit("no")'}))
    buildout = make(egg_part('demo'))
    result = buildout.run()
    assert buildout.script('demo') == 'demo 1.0\n'
    assert result.lines('Made an egg of demo 1.0')


def test_no_version_was_picked(make):
    buildout = make(egg_part('demo', 'packaging', buildout={
        'allow-picked-versions': 'false', 'show-picked-versions': 'true'}))
    for args in ((), (), ('-o',)):
        result = buildout.run(*args)
        assert not result.lines('demo = 1.0') and not result.lines('packaging =')


def test_an_egg_of_what_is_installed_is_made_once(make, index):
    first, second, third = (make(egg_part('demo')) for _ in range(3))
    assert first.run().lines('Made an egg of demo 1.0')
    index.clear()
    result = second.run()
    assert not result.lines('Made an egg') and result.lines('Copied demo 1.0 from the egg cache')
    assert '/simple/demo/' not in index.pages
    assert result.pip_count == 0 and second.script('demo') == 'demo 1.0\n'
    assert trees.differences(*(trees.snapshot(one.egg('demo')) for one in (first, second))) == []
    # It answers for what is installed, and for nothing else.
    [module] = Path(first.tools[0]).glob('demo/__init__.py')
    text = module.read_text()
    module.unlink()
    module.write_text(text + '# mended here\n')
    result = third.run()
    assert not result.lines('Copied demo 1.0') and result.lines(BESIDE, 'demo 1.0')


def test_a_pin_wins_over_what_is_installed(make, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'packaging', '24.0'))
    buildout = make(egg_part('packaging', versions={'packaging': '24.0'}))
    buildout.run()
    index.clear()
    result = buildout.run()
    assert '/simple/packaging/' not in index.pages and not result.lines('What [versions] pin')
    [name] = [name for name in buildout.eggs if name.startswith('packaging')]
    assert name.startswith('packaging-24.0-')


def test_what_extensions_require_in_another_version_is_named(make, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'platformdirs', '4.0.1', content='newer'))
    buildout = make(egg_part('packaging', versions={'platformdirs': '4.0.1'}))
    [there] = Path(buildout.tools[0]).glob('platformdirs-*.dist-info')
    number = there.name.removeprefix('platformdirs-').removesuffix('.dist-info')
    for _ in range(2):
        result = buildout.run(ok=None)
        assert result.lines('What [versions] pin', f'platformdirs = 4.0.1 ({number} is installed)')
        assert result.lines(f'{sys.executable} -m pip install platformdirs==4.0.1')
    assert [name for name in buildout.eggs if name.startswith('platformdirs-4.0.1')]
    assert not [name for name in buildout.eggs if name.startswith(f'platformdirs-{number}')]


def test_what_came_from_a_directory_is_asked_of_no_index(make, index):
    buildout = make(egg_part('demo'))
    [info] = Path(buildout.tools[0]).glob('demo-1.0.dist-info')
    (info / 'direct_url.json').write_text('{"url": "file:///src/demo", "dir_info": {}}')
    result = buildout.run('-N')
    assert result.lines('Made an egg of demo 1.0') and '/simple/demo/' not in index.pages


@pytest.mark.slow
def test_without_a_network_all_is_made_of_what_is_installed(buildout_factory, index, base_tools):
    index.stop()
    buildout = buildout_factory(egg_part('demo'), egg_cache_self_contained='yes')
    result = buildout.run()
    assert result.lines('Made an egg of demo 1.0') and result.lines('Made an egg of packaging')
    assert_leads_nowhere(buildout, 'demo')
    assert 'packaging' in own.names(buildout.directory)


@pytest.mark.slow
def test_offline_it_is_made_of_what_is_installed(make, index):
    index.stop()
    buildout = make(egg_part('demo'))
    result = buildout.run('-o')
    assert result.lines('Made an egg of demo 1.0')
    assert_leads_nowhere(buildout, 'demo')
    assert buildout.script('demo') == 'demo 1.0\n'


@pytest.mark.slow
def test_it_needs_no_egg_cache(make):
    buildout = make(egg_part('demo'), egg_cache='')
    result = buildout.run()
    assert not result.lines('Copied') and buildinfo.read(buildout.directory).egg_cache == ''
    assert_leads_nowhere(buildout, 'demo')


def test_what_cannot_become_an_egg_is_named_and_used_as_it_is(make):
    buildout = make(egg_part('demo'))
    path = os.path.join(buildout.tools[0], 'demo', '__init__.py')
    text = Path(path).read_text()
    os.unlink(path)
    with open(path, 'w') as file:
        file.write(text.replace("'1.0'", "'1.0 changed'"))
    result = buildout.run()
    [warning] = result.lines(BESIDE)
    assert 'demo 1.0' in warning
    assert result.lines('demo/__init__.py is not what was installed')
    assert result.lines('This buildout is not self-contained: bin/demo leads to')
    assert leads_beside(buildout, 'demo')
    assert buildout.script('demo') == 'demo 1.0 changed\n'


@pytest.mark.slow
def test_an_editable_installation_is_used_as_it_is(make, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', content='of the archive'))
    buildout = make(egg_part('demo'))
    [info] = (path for path in os.scandir(buildout.tools[0]) if path.name == 'demo-1.0.dist-info')
    with open(os.path.join(info.path, 'direct_url.json'), 'w') as file:
        file.write('{"url": "file:///src/demo", "dir_info": {"editable": true}}')
    result = buildout.run()
    assert result.lines('it is an editable installation')
    assert buildout.script('demo') == 'demo 1.0\n'


@pytest.mark.parametrize(('mode', 'is_said'), [('check', True), ('no', False)])
def test_it_is_only_said_or_not_even_that(make, mode, is_said):
    buildout = make(egg_part('demo'), egg_cache_self_contained=mode)
    result = buildout.run()
    assert leads_beside(buildout, 'demo') and buildout.eggs == []
    assert bool(result.lines('is not self-contained', 'bin/demo')) is is_said
    assert not buildout.path('.buildinfo.json').exists()


@pytest.mark.slow
def test_eggs_that_are_elsewhere_are_no_news(make, tmp_path):
    shared = tmp_path / 'shared'
    buildout = make(egg_part('demo'), eggs_directory=shared)
    result = buildout.run()
    assert not leads_beside(buildout, 'demo')
    assert not result.lines('This buildout is not self-contained')
    assert not buildout.path('.buildinfo.json').exists()
    buildout = make(egg_part('demo'), eggs_directory=shared, egg_cache_self_contained='check')
    assert buildout.run().lines('This buildout is not self-contained: eggs-directory')


@pytest.mark.slow
def test_a_develop_egg_stays_one(make, tmp_path):
    source = tmp_path / 'src'
    (source / 'mine').mkdir(parents=True)
    (source / 'setup.py').write_text(
        'from setuptools import setup\n'
        'setup(name="mine", version="1.0", packages=["mine"], install_requires=["demo"])\n')
    (source / 'mine' / '__init__.py').write_text('')
    buildout = make(egg_part('mine', buildout={'develop': source}, interpreter='py'))
    result = buildout.run()
    assert not leads_beside(buildout, 'py') and not result.lines(BESIDE)
    assert not [name for name in buildout.eggs if name.startswith('mine-')]


def test_a_copied_buildout_never_touches_the_original(make, tmp_path):
    first = make(egg_part('demo'))
    first.run()
    before = trees.snapshot(first.directory)
    second = make(egg_part('demo'), directory=tmp_path / 'copy')
    shutil.copytree(first.directory, second.directory, symlinks=True, dirs_exist_ok=True)
    second.path('.buildinfo.json').unlink()
    result = second.run()
    assert trees.differences(before, trees.snapshot(first.directory)) == []
    [warning] = result.lines('The .installed.cfg in', str(second.directory))
    assert f'is that of {first.directory}' in warning
    assert second.path('.installed.cfg.foreign').exists()
    assert result.lines('Installing app.')
    assert_leads_nowhere(second, 'demo')
    result = second.run()
    assert result.lines('Updating app.') and not result.lines('.installed.cfg')


@pytest.mark.slow
def test_upgrades_of_buildout_are_as_without_us(make, buildout_factory, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'setuptools', '999.0'))
    config = egg_part('demo', versions={'setuptools': '999.0'})
    for buildout in (buildout_factory(config, cache=False), make(config)):
        result = buildout.run(env={'BUILDOUT_RESTART_AFTER_UPGRADE': None})
        assert result.lines('Not upgrading because not running a local buildout command.')
        assert [name for name in buildout.eggs if name.startswith('setuptools-999')]


@pytest.mark.slow
@pytest.mark.parametrize('version', ['4.2.0', '5.2.0', '6.0.1'])
def test_each_release_of_buildout_lets_no_part_lead_beside_it(
        buildout_factory, tmp_path, version):
    tools = support_tools.tools_for(version, tmp_path / version)
    install(archives.make_wheel(tmp_path, 'demo', '1.0'), tools[0])
    for path in Path(tools[0]).glob('egg?cache*'):
        shutil.rmtree(path)
    install(own.egg_cache_wheel(tmp_path, '1.0'), tools[0])
    config = egg_part('demo', 'setuptools', 'packaging')
    with Index(support_tools.recipe_for(version, tmp_path)) as index:
        buildout = buildout_factory(
            config, tools=tools[:1], index=index.url, egg_cache_self_contained='yes')
        result = buildout.run()
        assert result.lines('Made an egg of demo 1.0') and not result.lines(BESIDE)
        assert_leads_nowhere(buildout, 'demo')
        assert buildout.script('demo') == 'demo 1.0\n'
        assert {'zc.buildout', 'setuptools', 'pip'} <= set(own.names(buildout.directory))
        script = buildout.path('bin', 'demo').read_text()
        eggs = buildout.eggs
        # The order of the paths is another one when all are there, with any buildout.
        for args in ((), ('-N',), ('-o',)):
            result = buildout.run(*args)
            assert buildout.eggs == eggs and result.pip_count == 0
            assert sorted(buildout.path('bin', 'demo').read_text()) == sorted(script)

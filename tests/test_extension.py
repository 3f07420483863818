"""The extension itself: how it is found, started, switched off and forgotten."""

import os
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from support import archives, trees, twins
from support import tools as support_tools
from support.runner import Buildout, egg_part
from zc.buildout import UserError, easy_install
from zc.buildout.buildout import Buildout as ZcBuildout

from egg.cache import extension
from egg.cache.buildout.hooks import activation
from egg.cache.buildout.hooks.self_contained import Installer
from egg.cache.portable import relocation

PINS = {'demo': '1.0'}
OTHER = '''
import os
def load(buildout):
    import zc.buildout.easy_install
    said = zc.buildout.easy_install.Installer.__module__
    print('OTHER LOADED with', said)
    for name, value in buildout['buildout'].items():
        if name.startswith('env-'):
            os.environ[name[4:]] = value
def unload(buildout):
    import zc.buildout.easy_install
    print('OTHER UNLOADED with', zc.buildout.easy_install.Installer.__module__)
'''


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    """Everything in one directory, as pip installs it beside zc.buildout."""
    return twins.whole_tools(tmp_path_factory.mktemp('tools'))


@pytest.fixture
def demo(index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    return egg_part('demo', versions=PINS)


def state():
    """Return what the extension replaces, as it is now."""
    names = ('Installer', 'call_pip_install', '_maybe_copy_and_rename_wheel', 'UNPACKERS')
    found = {name: getattr(easy_install, name) for name in names}
    return {**found, 'Buildout.__init__': ZcBuildout.__init__}


@pytest.fixture
def untouched():
    before = state()
    yield
    activation.deactivate()
    assert state() == before


@pytest.fixture
def options(tmp_path):
    return {'extensions': 'egg.cache', 'egg-cache': str(tmp_path / 'cache'),
            'directory': str(tmp_path), 'eggs-directory': str(tmp_path / 'eggs'),
            'develop-eggs-directory': str(tmp_path / 'develop-eggs'),
            'installed': str(tmp_path / '.installed.cfg'), 'egg-cache-self-contained': 'no'}


@pytest.mark.parametrize('spelling', [
    'egg.cache', 'egg_cache', 'egg-cache', 'Egg.Cache', 'egg.cache[test]', 'egg.cache==1.0',
    'other egg.cache another', 'other\negg_cache[test,x]>=1',
])
def test_it_is_listed_in_any_spelling(spelling):
    assert extension.is_listed(spelling)


@pytest.mark.parametrize('spelling', [
    '', 'other', 'egg', 'egg.cache2', 'my.egg.cache', 'eggcache', 'egg.cache.more', 'egg.caches'])
def test_others_are_not_taken_for_it(spelling):
    assert not extension.is_listed(spelling)


@pytest.mark.usefixtures('untouched')
def test_loading_twice_is_harmless_and_unloading_restores_everything(options):
    before = state()
    buildout = {'buildout': options}
    extension.load(buildout)
    first = state()
    assert first['Installer'] is Installer
    assert not [name for name in before if first[name] is before[name]]
    extension.load(buildout)
    assert state()['Installer'] is Installer
    # What buildout sets on the class in the meantime is not lost.
    previous = easy_install.prefer_final()
    easy_install.prefer_final(not previous)
    extension.unload(buildout)
    assert state() == before
    try:
        assert easy_install.prefer_final() is not previous
    finally:
        easy_install.prefer_final(previous)
    assert 'prefer_final' not in vars(Installer)
    extension.unload(buildout)
    assert state() == before


@pytest.mark.usefixtures('untouched')
@pytest.mark.parametrize('change', [
    {'extensions': 'other'}, {'egg-cache': ''}, {'egg-cache-mode': 'off'}])
def test_a_second_load_that_does_not_want_it_switches_it_off(options, change):
    before = state()
    extension.load({'buildout': options})
    extension.load({'buildout': {**options, **change}})
    assert state() == before


@pytest.mark.usefixtures('untouched')
@pytest.mark.parametrize('change', [{'egg-cache': ''}, {'egg-cache-mode': 'off'}])
@pytest.mark.parametrize('wanted', ['yes', 'check'])
def test_without_a_cache_it_still_serves_self_contained_buildouts(options, change, wanted):
    extension.load({'buildout': {**options, **change, 'egg-cache-self-contained': wanted}})
    assert easy_install.Installer is Installer


@pytest.mark.usefixtures('untouched')
@pytest.mark.parametrize('error', [ValueError, TypeError, SystemExit, OSError])
def test_what_goes_wrong_after_the_parts_stops_no_build(options, monkeypatch, caplog, error):
    def fail(*args):
        raise error('of no use')

    monkeypatch.setattr(relocation, 'complete', fail)
    buildout = {'buildout': {**options, 'egg-cache-self-contained': 'yes'}}
    extension.load(buildout)
    extension.unload(buildout)
    assert 'Whether the buildout is self-contained is not known: of no use' in caplog.text


@pytest.fixture
def copied(options, tmp_path):
    """Options of [buildout] in a directory that was copied from the one of a string."""
    directory = tmp_path / 'copied'
    (directory / 'var').mkdir(parents=True)
    found = {**options, 'egg-cache': '', 'egg-cache-self-contained': 'yes',
             'directory': str(directory), 'installed': str(directory / 'var/state.cfg')}
    for name, path in (('bin', 'bin'), ('eggs', 'eggs/v5'), ('develop-eggs', 'develop-eggs'),
                       ('parts', 'parts')):
        found[f'{name}-directory'] = str(directory / path)
    return found


@pytest.mark.usefixtures('untouched')
def test_what_was_installed_at_the_other_place_is_never_removed(copied, caplog):
    path = Path(copied['installed'])
    path.write_text('[app]\n__buildout_installed__ = /old/bin/app\n_b = /old/bin\n')
    extension.load({'buildout': copied})
    assert not path.exists() and path.with_name('state.cfg.foreign').exists()
    assert f'The state.cfg in {path.parent} is that of /old' in caplog.text
    assert 'It is kept as state.cfg.foreign' in caplog.text


@pytest.mark.usefixtures('untouched')
def test_directories_that_are_elsewhere_in_each_copy_make_nothing_foreign(copied, caplog):
    path = Path(copied['installed'])
    path.write_text('[app]\n__buildout_installed__ = /old/bin/app\n_b = /old/bin\n')
    extension.load({'buildout': {**copied, 'bin-directory': '/old/bin'}})
    assert path.exists() and caplog.text == ''


@pytest.mark.usefixtures('untouched')
def test_what_cannot_be_set_aside_is_never_acted_upon(copied, monkeypatch):
    def fail(*args):
        raise PermissionError(13, 'Permission denied')

    Path(copied['installed']).write_text('[app]\n_b = /old/bin\n')
    monkeypatch.setattr('os.replace', fail)
    with pytest.raises(UserError, match="state.cfg .* can't be set aside: .*Permission denied"):
        extension.load({'buildout': copied})


@pytest.mark.usefixtures('untouched')
def test_another_buildout_object_begins_without_it(options):
    before = state()
    extension.load({'buildout': options})
    with pytest.raises(TypeError):
        ZcBuildout()        # It lists no extension, so that nobody calls `load`.
    assert state() == before


TWO_BUILDOUTS = '''
import zc.buildout
from zc.buildout import easy_install
from zc.buildout.buildout import Buildout
before = easy_install.Installer, easy_install.call_pip_install, Buildout.__init__
def attempt(*extra):
    options = [("buildout", name, value) for name, value in zip(extra[::2], extra[1::2])]
    try:
        Buildout("buildout.cfg", options).install([])
        return "succeeded"
    except zc.buildout.UserError as error:
        return "failed: " + str(error)
def is_restored():
    return before == (easy_install.Installer, easy_install.call_pip_install, Buildout.__init__)
'''


@pytest.mark.slow
def test_an_error_in_mid_run_leaves_nothing_for_the_next_buildout(
        buildout_factory, demo, cache_dir, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'broken', '1.0', requires=['missing']))
    config = egg_part('demo', 'broken', versions=PINS)
    buildout = buildout_factory(config)
    buildout.directory.joinpath('second').mkdir()
    twin = Buildout(buildout.path('second'), buildout.tools, demo, {'index': index.url})
    result = twins.run_code(buildout, TWO_BUILDOUTS + f'''
assert "missing" in attempt(), "the first"
assert not is_restored()
os.chdir({str(twin.directory)!r})
print("SECOND", attempt())
assert is_restored()
os.chdir({str(buildout.directory)!r})
print("THIRD", attempt("eggs-directory", "more-eggs", "parts", ""))
assert is_restored()
''', env={'BUILDOUT_RESTART_AFTER_UPGRADE': '1'})
    assert result.lines('SECOND succeeded') and result.lines('THIRD succeeded')
    # The second one lists no extension: it built its own egg and stored nothing.
    assert not result.lines('Copied demo')
    assert twin.script('demo') == 'demo 1.0\n'
    assert result.lines('Got demo 1.0.')
    assert twins.entries(cache_dir) == {('demo', '1.0'): 1, ('broken', '1.0'): 1}


def test_two_buildouts_in_one_process_each_with_its_own_cache(
        buildout_factory, demo, cache_dir, tmp_path):
    first = buildout_factory(demo)
    second = buildout_factory(demo, egg_cache=tmp_path / 'other-cache')
    result = twins.run_code(first, TWO_BUILDOUTS + f'''
for directory in ({str(first.directory)!r}, {str(second.directory)!r}):
    os.chdir(directory)
    print("DONE", attempt())
    assert is_restored()
''')
    assert len(result.lines('DONE succeeded')) == 2
    assert result.lines('Egg cache: 0 of 1 egg copied, 1 built and stored')
    assert not result.lines('Copied')
    assert twins.entries(cache_dir) == twins.entries(tmp_path / 'other-cache') == {
        ('demo', '1.0'): 1}
    twins.assert_same(first, second)


def test_other_extensions_beside_it(buildout_factory, demo, tools, tmp_path, cache_dir):
    more = twins.with_extension(tmp_path / 'more', tools, 'aaa_other', 'zzz_other', code=OTHER)
    for one in map(Requirement, support_tools.find('egg.cache').requires):
        is_wanted = one.marker is None or one.marker.evaluate({'extra': 'test'})
        if is_wanted and support_tools.find(one.name, more[:1]) is None:
            twins.add_metadata(more[0], one.name.replace('-', '_'), '99.0')
    for listed in ('aaa_other egg.cache zzz_other', 'Egg_Cache[test]\n    aaa_other'):
        buildout = buildout_factory(
            demo, tools=more, extensions=listed, egg_cache=tmp_path / listed[:3])
        result = buildout.run()
        assert result.lines('Egg cache: 0 of 1 egg copied, 1 built and stored')
        assert len(result.lines('OTHER LOADED')) == len(result.lines('OTHER UNLOADED')) == 2
        assert twins.entries(tmp_path / listed[:3]) == {('demo', '1.0'): 1}
    # Installed, called by buildout, but not listed: nothing happens.
    plain = buildout_factory(demo, cache=False, tools=more, extensions='zzz_other',
                             egg_cache=tmp_path / 'never')
    result = plain.run()
    assert len(result.lines('OTHER LOADED with zc.buildout.easy_install')) == 2
    assert not result.lines('Egg cache:') and not (tmp_path / 'never').exists()
    assert not cache_dir.exists() and not plain.home.joinpath('.cache').exists()
    twins.assert_same(plain, buildout)


def test_eggs_of_other_extensions_are_stored_when_it_is_loaded(
        buildout_factory, index, archives_dir, tools, tmp_path, cache_dir):
    entry_points = '[zc.buildout.extension]\ndefault = other:main\n'
    index.add(archives.make_wheel(archives_dir, 'other', '2.0', requires=['helper'],
                                  entry_points=entry_points,
                                  files={'other/__init__.py': 'def main(buildout): pass'}))
    index.add(archives.make_wheel(archives_dir, 'helper', '1.0'))
    pins = {'other': '2.0', 'helper': '1.0',
            'zc.recipe.egg': support_tools.find('zc.recipe.egg').version}
    fetched = '2 eggs of extensions were fetched before the egg cache was loaded.'
    for extensions in ('egg.cache other', 'other egg.cache'):
        part = egg_part('helper', versions=pins, buildout={'extensions': extensions})
        assert buildout_factory(part).run().lines(fetched)
    assert twins.entries(cache_dir).keys() >= {('other', '2.0'), ('helper', '1.0')}
    # Where they are installed beside zc.buildout nothing is fetched, and no index is asked.
    beside = tmp_path / 'beside'
    shutil.copytree(tools[0], beside)
    for wheel in archives_dir.glob('*.whl'):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(beside)
    index.stop()
    last = buildout_factory(
        part, tools=[str(beside), *tools[1:]], egg_cache_self_contained='yes').run('-N')
    assert last.lines('Copied helper 1.0 from the egg cache') and not last.lines('fetched before')
    assert not last.lines('No answer', 'helper') and not last.lines('/simple/helper/')
    # Elsewhere a part gets them without an index, too.
    last = buildout_factory(egg_part('other', versions=pins)).run()
    assert last.lines('Copied other 2.0') and last.lines('Copied helper 1.0')


@pytest.mark.slow
def test_build_variables_that_an_extension_or_recipe_sets_count(
        buildout_factory, demo, tools, tmp_path, cache_dir):
    more = twins.with_extension(tmp_path / 'more', tools, 'zzz_other', code=OTHER)
    options = {'tools': more, 'extensions': 'egg.cache zzz_other'}
    first = buildout_factory(demo, **options, env_CFLAGS='-O0').run()
    assert first.lines('Egg cache: 0 of 1 egg copied, 1 built and stored')
    # Not what was built with the variable, in neither direction, ...
    assert buildout_factory(demo, **options).run().lines('0 of 1 egg copied, 1 built')
    assert buildout_factory(demo, **options, env_CFLAGS='-O1').run().lines('0 of 1 egg')
    assert len(twins.keys(cache_dir)) == 3
    # ... but the same variable is the same environment, wherever it was set.
    index_free = buildout_factory(demo).run(env={'CFLAGS': '-O0'})
    assert index_free.lines('Egg cache: 1 of 1 egg copied')


def wheel_of_the_extension(directory):
    """Write a wheel of egg.cache as it is in the sources."""
    distribution = support_tools.find('egg.cache')
    text = distribution.read_text('METADATA') or distribution.read_text('PKG-INFO')
    stem = f'egg_cache-{distribution.version}'
    root = support_tools.SOURCE
    members = {path.relative_to(root).as_posix(): path.read_bytes()
               for path in root.joinpath('egg').rglob('*')
               if path.is_file() and path.suffix != '.pyc'}
    members.update({
        f'{stem}.dist-info/METADATA': text,
        f'{stem}.dist-info/WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\n'
                                   'Tag: py3-none-any\n',
        f'{stem}.dist-info/top_level.txt': 'egg\n',
        f'{stem}.dist-info/entry_points.txt': distribution.read_text('entry_points.txt'),
    })
    return archives.write_wheel(directory / f'{stem}-py3-none-any.whl', members)


def test_buildout_can_fetch_it_with_all_that_it_needs(
        buildout_factory, demo, index, archives_dir, tmp_path, cache_dir):
    bare = tmp_path / 'bare'
    # zc.buildout 6 needs platformdirs itself.
    own = ('zc.buildout', 'setuptools', 'pip', 'wheel', 'packaging', 'platformdirs')
    for name in (*own, 'zc.recipe.egg'):
        distribution = support_tools.find(name)
        if distribution is not None:
            support_tools.copy(distribution, bare)
    index.add(wheel_of_the_extension(archives_dir))
    for name in ('filelock', 'typing_extensions'):
        if support_tools.find(name) is not None:
            index.add(support_tools.wheel_of(name, archives_dir))
    plain = buildout_factory(demo, cache=False, tools=[str(bare)])
    plain.run()
    first = buildout_factory(demo, tools=[str(bare)])
    result = first.run()
    assert result.lines('Egg cache: 0 of 1 egg copied, 1 built and stored', '2 eggs of extensions')
    assert first.egg('egg.cache') and first.egg('filelock')
    second = buildout_factory(demo, tools=[str(bare)])
    result = second.run()
    assert result.lines('Egg cache: 1 of 1 egg copied')
    # Python keeps what it compiles, and only who builds an egg imports filelock.
    for compiled in sorted(first.egg('filelock').glob('filelock/**/__pycache__')):
        shutil.rmtree(compiled)
    twins.assert_same(first, second)
    assert trees.differences(
        trees.normalised(plain.egg('demo')), trees.normalised(second.egg('demo'))) == []
    assert second.script('demo') == 'demo 1.0\n'
    # Once they are there, no extension is asked for again.
    index.clear()
    assert second.run('-N').pip_count == 0 and index.requests == []


PROGRAM = '''\
#!{python}
import sys
sys.path[0:0] = {tools!r}
sys.path[:] = [path for path in sys.path if path not in {hidden!r}]
import zc.buildout.buildout
if __name__ == '__main__':
    sys.exit(zc.buildout.buildout.main())
'''


@pytest.fixture
def old_wheel(tools, archives_dir):
    """Tools with an old egg of wheel: what pip installed is never upgraded."""
    top = archives_dir / 'top'
    shutil.copytree(tools[0], top, copy_function=os.link)
    for place in (top, top / 'setuptools' / '_vendor'):
        for path in [*place.glob('wheel'), *place.glob('wheel-*')]:
            shutil.rmtree(path)
    zipped = archives.make_egg(archives_dir, 'wheel', '0.1', entry_points='')
    egg = archives_dir / 'eggs' / zipped.name
    shutil.unpack_archive(zipped, egg, 'zip')
    return [str(top), str(egg)]


@pytest.mark.slow
def test_it_survives_a_restart_after_an_upgrade(
        buildout_factory, demo, index, archives_dir, cache_dir, old_wheel):
    index.add(archives.make_wheel(archives_dir, 'wheel', '99.0', entry_points=''))
    outputs = []
    for _ in range(2):
        buildout = buildout_factory(demo, tools=old_wheel)
        program = buildout.path('bin', 'buildout')
        program.parent.mkdir()
        hidden = [sysconfig.get_path('purelib'), sysconfig.get_path('platlib')]
        program.write_text(PROGRAM.format(
            python=sys.executable, tools=buildout.tools, hidden=hidden))
        result = twins.run_command(
            buildout, program, env={'BUILDOUT_RESTART_AFTER_UPGRADE': None})
        assert result.lines('wheel version 99.0') and result.lines('Restarting.')
        assert result.lines('Got demo 1.0.')
        assert buildout.egg('wheel').joinpath('wheel', '__init__.py').exists()
        assert str(buildout.egg('wheel')) in program.read_text()
        assert buildout.script('demo') == 'demo 1.0\n'
        outputs.append((buildout, result))
    (first, _), (second, result) = outputs
    assert len(result.lines('Copied wheel 99.0 from the egg cache.')) == 1
    assert len(result.lines('Copied demo 1.0 from the egg cache.')) == 1
    assert result.lines('Egg cache: 1 of 1 egg copied')
    assert twins.entries(cache_dir) == {('demo', '1.0'): 1, ('wheel', '99.0'): 1}
    twins.assert_same(first, second)


def test_a_pin_of_what_zc_buildout_requires_comes_from_the_cache(
        buildout_factory, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'wheel', '9.9'))
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    part = egg_part('demo', versions={'demo': '1.0', 'wheel': '9.9'})
    upgrading = {'BUILDOUT_RESTART_AFTER_UPGRADE': None}
    first = buildout_factory(part)
    assert first.run(env=upgrading).lines('Got wheel 9.9.')
    index.clear()
    second = buildout_factory(part)
    assert second.run(env=upgrading).lines('Copied wheel 9.9 from the egg cache.')
    assert [request for request in index.requests if 'wheel' in str(request)] == []
    twins.assert_same(first, second)


SPOILING = '''
import os, shutil

class Recipe:
    def __init__(self, buildout, name, options):
        self.cache, self.how = buildout['buildout']['egg-cache'], options['how']

    def install(self):
        if self.how == 'unsafe':
            os.chmod(self.cache, 0o777)
        else:
            shutil.rmtree(self.cache)
            open(self.cache, 'w').close()
        os.environ['CFLAGS'] = '-O3'
        return ()

    update = install
'''


@pytest.mark.parametrize('how', ['unsafe', 'file'])
def test_a_cache_that_is_spoilt_in_mid_run_stops_no_build(
        buildout_factory, index, archives_dir, demo, how):
    index.add(archives.make_wheel(
        archives_dir, 'spoiling', '1.0', files={'spoiling/__init__.py': SPOILING},
        entry_points='[zc.buildout]\ndefault = spoiling:Recipe\n'))
    buildout = buildout_factory({
        **demo, 'buildout': {'parts': 'spoil app'}, 'spoil': {'recipe': 'spoiling', 'how': how}})
    result = buildout.run()
    assert result.lines("Can't open the egg cache in ")
    assert 'Traceback' not in result.output
    assert buildout.script('demo') == 'demo 1.0\n'

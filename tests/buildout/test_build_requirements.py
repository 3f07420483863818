"""What builds of develop eggs require comes from the egg cache, as it would from an index."""

import json
import os

import pytest
from support import archives
from support.runner import egg_part

from egg.cache.buildout.pip_reports import Reports
from egg.cache.environment import build_system
from egg.cache.environment.build_system import LEGACY, BuildSystem
from egg.cache.lookup import build_requirements
from egg.cache.store import store
from egg.cache.store.layout import ARCHIVES, Layout

TOOK = 'Took from the egg cache what the build requires'

# As small as a backend can be (PEP 517, PEP 660). It asks for more in a file, and says who built.
BACKEND = '''\
import os
import zipfile
from importlib.metadata import version

NAME, VERSION = {name!r}, {version!r}


def get_requires_for_build_editable(config_settings=None):
    with open('asks.txt') as file:
        return file.read().split()


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with open('source.py') as file:
        compile(file.read(), 'source.py', 'exec')
    asked = get_requires_for_build_editable()
    tools = ' '.join([NAME + ' ' + VERSION, *(f'{{name}} {{version(name)}}' for name in asked)])
    info = 'shop-2.dist-info/'
    members = {{
        'shop.pth': os.getcwd() + '\\n',
        info + 'METADATA': 'Metadata-Version: 2.1\\nName: shop\\nVersion: 2\\n'
                           f'Summary: {{tools}}\\n',
        info + 'WHEEL': 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n',
        info + 'RECORD': '',
    }}
    with zipfile.ZipFile(os.path.join(wheel_directory, 'shop-2-py3-none-any.whl'), 'w') as wheel:
        for path, text in members.items():
            wheel.writestr(path, text)
    return 'shop-2-py3-none-any.whl'
'''


def backend(directory, version='1.0', name='tinybuild'):
    text = BACKEND.format(name=name, version=version)
    return archives.make_wheel(directory, name, version, files={f'{name}/__init__.py': text})


@pytest.fixture
def tools_on_index(index, archives_dir):
    """An index that has a backend and what it asks for."""
    index.add(backend(archives_dir))
    index.add(archives.make_wheel(archives_dir, 'helper', '1.0'))
    return index


@pytest.fixture
def make(buildout_factory, tools_on_index):
    """A function that makes a buildout with a develop egg."""

    def make(asks='helper', source='', requires='"tinybuild"', **options):
        buildout = buildout_factory(egg_part('shop'), develop='src', **options)
        src = buildout.path('src')
        src.mkdir()
        (src / 'pyproject.toml').write_text(
            f'[build-system]\nrequires = [{requires}]\nbuild-backend = "tinybuild"\n')
        (src / 'asks.txt').write_text(asks)
        (src / 'source.py').write_text(source)
        return buildout

    return make


@pytest.fixture
def run(tools_on_index):
    """A function that runs a buildout whose pip isolates builds, and asks the index."""

    def run(buildout, *args, **options):
        env = {'PIP_NO_BUILD_ISOLATION': None, 'PIP_NO_INDEX': None,
               'PIP_INDEX_URL': tools_on_index.url, 'PIP_RETRIES': '0'}  # fmt: skip
        return buildout.run(*args, env=env, **options)

    return run


def built_by(buildout):
    [path] = buildout.path('develop-eggs').glob('shop-2.dist-info/METADATA')
    [line] = [line for line in path.read_text().splitlines() if line.startswith('Summary')]
    return line.partition(': ')[2]


def test_the_first_build_asks_an_index_and_later_ones_do_not(make, run, index, cache_dir):
    plain, first, second, third = make(cache=False), make(), make(), make()
    run(plain)
    index.clear()
    result = run(first)
    assert not result.lines(TOOK)
    # Once for the build, once for the cache: nothing of pip's own is kept here.
    assert sorted(set(index.downloads)) == [
        'helper-1.0-py3-none-any.whl', 'tinybuild-1.0-py3-none-any.whl',
        'zc_recipe_egg-6.0.0-py3-none-any.whl']  # fmt: skip
    index.stop()
    result = run(second)
    assert result.lines(TOOK, 'helper 1.0, tinybuild 1.0')
    assert built_by(plain) == built_by(first) == built_by(second) == 'tinybuild 1.0 helper 1.0'
    result = run(second, '-o')
    assert result.lines(TOOK) and built_by(second) == 'tinybuild 1.0 helper 1.0'
    # Offline, an empty directory gets its develop egg, too; not the recipe.
    result = run(third, '-o', ok=False)
    assert result.lines(TOOK) and result.lines("We don't have a distribution for zc.recipe.egg")


@pytest.mark.slow
def test_versions_stay_until_they_are_asked_for_anew(make, run, index, archives_dir):
    run(make())
    index.add(backend(archives_dir, '2.0'))
    buildout = make()
    run(buildout)
    assert built_by(buildout).startswith('tinybuild 1.0')
    buildout = make(requires='"tinybuild>=1.5"')
    run(buildout)
    assert built_by(buildout).startswith('tinybuild 2.0')
    buildout = make(egg_cache_mode='refresh')
    run(buildout)
    assert built_by(buildout).startswith('tinybuild 2.0')
    index.stop()
    buildout = make()
    run(buildout)
    assert built_by(buildout).startswith('tinybuild 2.0')


@pytest.mark.slow
def test_what_is_lacking_is_asked_of_the_index(make, run, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'other', '3.0'))
    run(make())
    buildout = make(asks='other')
    result = run(buildout)
    assert not result.lines(TOOK) and not result.lines('ERROR')
    assert built_by(buildout) == 'tinybuild 1.0 other 3.0'
    index.stop()
    for asks in ('helper', 'other'):
        buildout = make(asks)
        run(buildout)
        assert built_by(buildout).split()[2] == asks


def test_a_source_that_can_not_be_built_is_said_to_be_that(make, run, index):
    run(make())
    index.stop()
    result = run(make(source='def ('), ok=False)
    assert result.lines('SyntaxError') and not result.lines('No matching distribution')


@pytest.mark.slow
def test_a_damaged_archive_is_asked_for_again(make, run, index, cache_dir):
    run(make())
    [wheel] = cache_dir.glob(f'v1/{ARCHIVES}/eggs/tinybuild/1.0/*/*/*.whl')
    wheel.chmod(0o644)
    wheel.write_bytes(wheel.read_bytes()[:-1] + b'x')
    result = run(make())
    assert result.lines('is damaged') and not result.lines(TOOK)
    index.stop()
    assert run(make()).lines(TOOK)


def test_offline_what_is_there_builds(make, run, index, buildout_factory):
    index.stop()
    result = run(make(), '-o', ok=False)
    assert result.lines('does not have what the build of', 'tinybuild')
    buildout = buildout_factory(egg_part('shop'), develop='src')
    buildout.path('src', 'shop').mkdir(parents=True)
    buildout.path('src', 'setup.py').write_text(
        'from setuptools import setup; setup(name="shop", version="2", packages=["shop"])')
    result = run(buildout, '-o', ok=False)
    assert buildout.path('develop-eggs', 'shop.egg-link').exists()
    assert result.seconds < 15 and result.lines('zc.recipe.egg')


@pytest.mark.parametrize('options', [
    {'egg_cache_mode': 'read-only'},
    pytest.param({'egg_cache_mode': 'off'}, marks=pytest.mark.slow),
    pytest.param({'egg_cache': ''}, marks=pytest.mark.slow),
])  # fmt: skip
def test_nothing_is_kept_where_nothing_is_stored(make, run, cache_dir, options):
    buildout = make(**options)
    run(buildout)
    assert built_by(buildout) == 'tinybuild 1.0 helper 1.0'
    assert not list(cache_dir.glob(f'v1/{ARCHIVES}/eggs/*'))


def test_what_was_kept_is_listed_and_verified_as_eggs_are(make, run, cache_dir):
    run(make())
    found = [entry for entry in store.entries(Layout(cache_dir))
             if entry.environment_key == ARCHIVES]  # fmt: skip
    assert list(map(str, found)) == ['helper 1.0', 'tinybuild 1.0']
    assert not [fault for entry in found for fault in entry.faults()]
    # But they are no eggs.
    assert list(store.siblings(Layout(cache_dir), 'helper', '1.0')) == []
    assert all(entry.manifest.archive.url.startswith('http://127.0.0.1') for entry in found)


# What a source says


@pytest.mark.parametrize(('text', 'expected'), [
    ('', BuildSystem()),
    ('[project]\nname = "x"\n', BuildSystem()),
    ('[build-system]\nrequires = ["b", "a[x]>=1"]\nbuild-backend = "b.api"\n',
     BuildSystem(('a[x]>=1', 'b'), 'b.api')),
    ('[build-system]\nrequires = []\n', BuildSystem(())),
    ('[build-system]\nrequires = "a"\n', BuildSystem()),
    ('build-system = 1\n', BuildSystem()),
    ('[build-system\n', BuildSystem()),
])  # fmt: skip
def test_the_build_system_of_a_source(tmp_path, text, expected):
    (tmp_path / 'pyproject.toml').write_text(text)
    assert build_system.read(str(tmp_path)) == expected
    assert BuildSystem().requires == LEGACY and BuildSystem().is_setuptools
    assert not BuildSystem(('flit_core',), 'flit_core.buildapi').is_setuptools


def test_what_setup_py_requires_makes_a_build_of_its_own(tmp_path):
    (tmp_path / 'setup.py').write_text('setup(setup_requires=["a"])')
    first = build_system.read(str(tmp_path))
    (tmp_path / 'setup.py').write_text('setup(setup_requires=["b"])')
    second = build_system.read(str(tmp_path))
    (tmp_path / 'setup.py').write_text('setup(version="2")')
    third = build_system.read(str(tmp_path))
    (tmp_path / 'setup.py').write_text('setup(version="3")')
    assert len({first, second, third}) == 3 and build_system.read(str(tmp_path)) == third


def test_where_pip_looks_makes_another_kind_of_build(tmp_path):
    def key(environ, **changes):
        given = {'index': 'https://index/', 'environment': 'cp312', 'pip': '26.3', **changes}
        found = build_requirements.origin(
            str(tmp_path), environ={'PIP_CONFIG_FILE': os.devnull, **environ}, **given)
        return found and found.key

    here = key({})
    assert key({'PIP_NO_COLOR': '1', 'LANG': 'C'}) == here
    assert key({'PIP_NO_BUILD_ISOLATION': '0'}) is None
    assert key({'PIP_NO_BUILD_ISOLATION': '1'}) is not None
    others = [key({'PIP_INDEX_URL': 'https://other/'}), key({'PIP_EXTRA_INDEX_URL': 'https://o/'}),
              key({'PIP_FIND_LINKS': '/wheels'}), key({'PIP_PRE': '1'}),
              key({}, environment='cp313'), key({}, index='https://third/')]  # fmt: skip
    assert len({here, *others}) == 7
    secret = {'PIP_INDEX_URL': 'https://ada:secret@other/'}
    assert key(secret) == others[0]


def test_no_password_is_kept(tmp_path):
    environ = {'PIP_CONFIG_FILE': os.devnull,
               'PIP_EXTRA_INDEX_URL': 'https://a:secret@one/ https://b:secret@two/'}  # fmt: skip
    found = build_requirements.origin(
        str(tmp_path), 'https://c:secret@index/', 'cp312', '26.3', environ)
    assert 'secret' not in str(found.describe())
    assert {'https://one/', 'https://two/'} <= set(found.options['extra-index-url'].split())


# What pip reports


def test_reports_of_several_processes_are_read(tmp_path):
    archive = {'hashes': {'sha256': 'x'}}
    row = {'download_info': {'url': 'https://i/a-1.whl', 'archive_info': archive},
           'metadata': {'name': 'a', 'version': '1', 'description': 'long ' * 50_000}}  # fmt: skip
    own = {'download_info': {'url': 'file:///src', 'dir_info': {}}, 'metadata': {}}
    with Reports() as reports:
        for rows in ([row], [row, own], [own]):
            with open(reports.variables['PIP_REPORT'], 'w') as file:
                json.dump({'install': rows}, file)
    assert len(list(reports.documents())) == 3
    [found] = reports.installed()
    assert (found.name, found.project, found.version, found.sha256) == ('a-1.whl', 'a', '1', 'x')


@pytest.mark.parametrize('info', [
    {'url': 'git+https://x', 'vcs_info': {'vcs': 'git'}}, {'url': 'https://x'}, None,
])  # fmt: skip
def test_what_has_no_archive_can_not_be_kept(info):
    reports = Reports()
    document = {'install': [{'download_info': info, 'metadata': {'name': 'a', 'version': '1'}}]}
    reports.text = str(document).replace("'", '"').replace('None', 'null').encode()
    with pytest.raises(ValueError, match='archive|report'):
        reports.installed()


def test_who_wants_the_report_himself_gets_it(monkeypatch, tmp_path):
    monkeypatch.setenv('PIP_REPORT', str(tmp_path / 'mine'))
    with Reports() as reports:
        assert reports.variables == {}
    assert reports.installed() == []

"""Is it the same on each Python with each zc.buildout? One cache is shared by all of them."""

import functools
import json
import subprocess
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import archives, twins
from support.index import Index
from support.interpreters import environ, installed
from support.runner import Buildout, egg_part

pytestmark = pytest.mark.slow

BUILDOUTS = ['4.2.0', '5.2.0', '6.0.1']
PYTHONS = [(3, minor) for minor in range(10, 16)]
PINS = {'wheely': '1.0', 'compiled': '1.0', 'zipped': '1.0', 'space.one': '1.0'}
CHECK = ('import wheely, compiled._answer, zipped, space.one; '
         'print(wheely.VERSION, compiled._answer.answer(), zipped.VERSION, space.one.VERSION)')
# What the release of setuptools decides that happened to be there: pins of buildout share builds.
BY_SETUPTOOLS = ('*.so', 'WHEEL', 'METADATA', 'PKG-INFO')
PREPARE = '''
import json, pathlib, sys
sys.path[0:0] = [sys.argv[1]]
from support import tools
version, directory = sys.argv[2:]
paths = tools.tools_for(version, pathlib.Path(directory, "tools"))
if str(tools.SOURCE) not in paths:
    raise SystemExit("egg.cache has no metadata in its sources")
recipe = tools.recipe_for(version, pathlib.Path(directory))
print(json.dumps([paths, str(recipe)]))
'''


def name(python):
    """Return a version as people write it: 3.12."""
    return '.'.join(map(str, python))


@functools.cache
def interpreters():
    """Return {version: path} of the interpreters on this machine that have pip."""
    return {version: path for version, path in installed(PYTHONS).items() if _has_pip(path)}


def _has_pip(python):
    return not subprocess.run([python, '-m', 'pip', '--version'], capture_output=True,
                              env=environ()).returncode


def write_archives(directory):
    """Write archives that are good for every Python; return their paths."""
    return [
        archives.make_wheel(directory, 'wheely', '1.0', requires=['space.one']),
        archives.make_sdist(directory, 'compiled', '1.0', c_extension=True),
        archives.make_wheel(directory, 'space.one', '1.0'),
        *(archives.make_egg(directory, 'zipped', '1.0', python=name(python))
          for python in PYTHONS),
    ]


@pytest.mark.parametrize('python', PYTHONS, ids=name)
def test_each_python_has_its_place_in_the_matrix(python):
    path = interpreters().get(python)
    if path is None:
        pytest.skip(f'there is no CPython {name(python)} with pip on this machine')
    text = subprocess.check_output([path, '--version'], text=True, env=environ())
    assert text.startswith(f'Python {name(python)}.')


def test_plain_and_cached_are_the_same_everywhere_with_one_cache(tmp_path):
    """The releases one after the other on one Python, but two Pythons at the same time."""
    offered = write_archives(tmp_path / 'archives')
    found = interpreters()

    def run_on(python):
        return [attempt(tmp_path, offered, buildout, python, found[python])
                for buildout in BUILDOUTS]

    with ThreadPoolExecutor(2) as pool:
        outcomes = [outcome for outcomes in pool.map(run_on, found) for outcome in outcomes]
    outcomes += [f'Python {name(python)}: not tried, it is not on this machine'
                 for python in PYTHONS if python not in found]
    # A warning is seen at the end of a run, however the tests are distributed.
    warnings.warn('\n  '.join(['these ran with one cache:', *outcomes]), stacklevel=1)
    assert found and not [outcome for outcome in outcomes if 'FAILED' in outcome]

    # One environment for each Python and egg format, one entry for each archive in it. What is
    # built from source has others: the runs have an option for builds.
    tags = {f'cp{major}{minor}' for major, minor in found}
    entries = twins.entries(tmp_path / 'cache')
    for project in ('wheely', 'compiled', 'zipped', 'space-one'):
        keys = twins.keys(tmp_path / 'cache', project)
        assert {key.partition('-')[0] for key in keys} == tags
        assert entries[project, '1.0'] == len(keys) == 2 * len(tags)
    assert not set(twins.keys(tmp_path / 'cache', 'compiled')) & {
        *twins.keys(tmp_path / 'cache', 'wheely')}
    modules = list(tmp_path.glob('cache/v1/*/eggs/compiled/1.0/*/*.egg/compiled/*.so'))
    assert len(modules) == 2 * len(tags)
    for path in modules:
        tag = path.relative_to(tmp_path / 'cache' / 'v1').parts[0].partition('-')[0]
        assert f'cpython-{tag[2:]}-' in path.name


def attempt(directory, offered, version, python, path):
    """Run one combination; return a line that says what came of it."""
    title = f'zc.buildout {version}, Python {name(python)}'
    try:
        return f'{title}: {run_combination(directory, offered, version, python, path)}'
    except Exception as error:  # noqa: BLE001 (one failure must not hide the others)
        return f'{title}: FAILED\n{error}'


def run_combination(directory, offered, version, python, path):
    """Run a buildout plainly, and twice with the cache; tell whether the first of these hit."""
    top = directory / f'{version}-{python[0]}.{python[1]}'
    cache, home = directory / 'cache', top / 'home'
    home.mkdir(parents=True)
    tools, recipe = prepared(version, path, top)
    config = egg_part('wheely', 'compiled', 'zipped', versions=PINS, interpreter='py')
    results = []
    with Index(*offered, recipe) as index:
        for kind in ('plain', 'first', 'second'):
            defaults = {'index': index.url}
            if kind != 'plain':
                defaults.update({'extensions': 'egg.cache', 'egg-cache': cache,
                                 'egg-cache-self-contained': 'no'})
            buildout = Buildout(top / kind, tools, config, defaults, home)
            results.append((buildout, buildout.run(python=path)))
            assert buildout.script('py', '-c', CHECK).split()[-4:] == ['1.0', '42', '1.0', '1.0']
    (plain, _), (first, first_result), (second, second_result) = results
    twins.assert_same(plain, first, second, volatile=BY_SETUPTOOLS)
    assert second_result.lines('Egg cache: 5 of 5 eggs copied'), second_result
    assert second_result.pip_count == 0
    # Only what buildout 5 built is good for another release.
    hits = [project for project in ('wheely', 'compiled', 'zipped', 'space.one')
            if first_result.lines(f'Copied {project} 1.0')]
    shares = version.startswith('6')
    assert len(hits) == (4 if shares else 0), first_result
    return 'the eggs of zc.buildout 5' if hits else 'eggs of its own'


def prepared(version, python, directory):
    """Return the tools and the recipe of a release of zc.buildout, for that interpreter."""
    result = subprocess.run(
        [python, '-c', PREPARE, str(Path(__file__).parents[1]), version, str(directory)],
        capture_output=True, text=True, env=environ())
    assert result.returncode == 0, result.stderr
    paths, recipe = json.loads(result.stdout.splitlines()[-1])
    return paths, Path(recipe)

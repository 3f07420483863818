"""Is it the same on each Python with each zc.buildout? One cache is shared by all of them."""

import glob
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import archives, twins
from support.index import Index
from support.runner import Buildout, egg_part

pytestmark = pytest.mark.slow

BUILDOUTS = {'4.2.0': (3, 9), '5.2.0': (3, 9), '6.0.1': (3, 10)}    # and the least Python
PYTHONS = [(3, minor) for minor in range(9, 15)]
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
VERSION = 'import sys, platform; print(*sys.version_info[:2], platform.python_implementation())'


def interpreters():
    """Return {version: path} of the interpreters on this machine, each version once."""
    found = {}
    for candidate in _candidates():
        # Without the version managers' shims, which may exist for what is not installed.
        result = subprocess.run([candidate, '-c', VERSION], capture_output=True, text=True)
        words = result.stdout.split()
        if result.returncode == 0 and words[2:] == ['CPython']:
            version = int(words[0]), int(words[1])
            if version in PYTHONS and _has_pip(candidate):
                found.setdefault(version, candidate)
    return dict(sorted(found.items()))


def _candidates():
    yield sys.executable
    # Beside this interpreter (.../3.12.1/bin/python3.12), as version managers install them.
    siblings = Path(sys.base_prefix).resolve().parent
    for major, minor in PYTHONS:
        name = f'python{major}.{minor}'
        yield from filter(None, [shutil.which(name)])
        yield from sorted(glob.glob(f'{glob.escape(str(siblings))}/*/bin/{name}'))


def _has_pip(python):
    return not subprocess.run([python, '-m', 'pip', '--version'], capture_output=True).returncode


def combinations():
    return [(buildout, python, path) for buildout, least in BUILDOUTS.items()
            for python, path in interpreters().items() if python >= least]


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    """A directory for the one cache, and for what was found out."""
    return tmp_path_factory.mktemp('matrix')


@pytest.fixture(scope='module')
def offered(tmp_path_factory):
    """Archives that are good for every Python."""
    directory = tmp_path_factory.mktemp('archives')
    return [
        archives.make_wheel(directory, 'wheely', '1.0', requires=['space.one']),
        archives.make_sdist(directory, 'compiled', '1.0', c_extension=True),
        archives.make_wheel(directory, 'space.one', '1.0'),
        *(archives.make_egg(directory, 'zipped', '1.0', python='.'.join(map(str, version)))
          for version in PYTHONS),
    ]


def pytest_generate_tests(metafunc):
    if 'combination' in metafunc.fixturenames:
        found = combinations()
        metafunc.parametrize('combination', found, scope='module', ids=[
            f'buildout-{buildout}-python{python[0]}.{python[1]}' for buildout, python, _ in found])


def test_plain_and_cached_are_the_same(combination, shared, offered, tmp_path, record_property):
    version, python, path = combination
    home = tmp_path / 'home'
    home.mkdir()
    tools, recipe = prepared(version, path, tmp_path)
    cache = shared / 'cache'
    keys = set(twins.keys(cache))
    config = egg_part('wheely', 'compiled', 'zipped', versions=PINS, interpreter='py')
    made = []
    with Index(*offered, recipe) as index:
        for name in ('plain', 'first', 'second'):
            defaults = {'index': index.url}
            if name != 'plain':
                defaults.update({'extensions': 'egg.cache', 'egg-cache': cache})
            buildout = Buildout(tmp_path / name, tools, config, defaults, home)
            result = buildout.run(python=path)
            made.append((buildout, result))
            assert buildout.script('py', '-c', CHECK).split()[-4:] == ['1.0', '42', '1.0', '1.0']
    (plain, _), (first, first_result), (second, second_result) = made
    twins.assert_same(plain, first, second, volatile=BY_SETUPTOOLS)
    assert second_result.lines('Egg cache: 5 of 5 eggs copied')
    assert second_result.pip_count == 0
    # An egg may come from another combination only where its key says so.
    key = f'cp{python[0]}{python[1]}-', f'-egg{4 if version < "5" else 5}'
    new = set(twins.keys(cache)) - keys
    hits = first_result.lines('Copied compiled 1.0')
    assert (not hits) == bool(new)
    assert all(name.startswith(key[0]) and name.endswith(key[1]) for name in new)
    record_property('combination', f'zc.buildout {version}, Python {python[0]}.{python[1]}')
    with open(shared / 'ran', 'a', encoding='utf-8') as ran:
        ran.write(f'zc.buildout {version}  Python {python[0]}.{python[1]}  '
                  f'{"shares its entries" if hits else "new entries"}\n')


def test_no_entry_was_shared_wrongly(shared, capsys):
    """All combinations ran with one cache; say which."""
    ran = (shared / 'ran').read_text().splitlines() if (shared / 'ran').exists() else []
    with capsys.disabled():
        print('\nCombinations that ran with one cache:', *(ran or ['none']), sep='\n  ')
    pairs = {(line.split()[1] < '5', line.split()[3]) for line in ran}
    assert len(twins.keys(shared / 'cache')) == len(pairs)
    expected = {('wheely', '1.0'), ('compiled', '1.0'), ('zipped', '1.0'), ('space-one', '1.0')}
    found = twins.entries(shared / 'cache')
    assert all(found[name] == len(pairs) for name in expected if pairs)
    for path in shared.glob('cache/v1/*/eggs/compiled/1.0/*/*.egg/compiled/*.so'):
        tag = path.relative_to(shared / 'cache' / 'v1').parts[0].partition('-')[0]
        assert f'cpython-{tag[2:]}' in path.name


def prepared(version, python, directory):
    """Return the tools and the recipe of a release of zc.buildout, for that interpreter."""
    environ = {name: value for name, value in os.environ.items()
               if not name.startswith(('PYTHON', 'PIP_FIND_LINKS'))}
    result = subprocess.run(
        [python, '-c', PREPARE, str(Path(__file__).parent), version, str(directory)],
        capture_output=True, text=True, env=environ)
    assert result.returncode == 0, result.stderr
    paths, recipe = json.loads(result.stdout.splitlines()[-1])
    return paths, Path(recipe)

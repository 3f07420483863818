"""What is said of all requirements at once is what a run does."""

import pytest
from packaging.utils import canonicalize_name
from support import archives
from support.command import answer, run
from support.runner import egg_part

from egg.cache.eggs.source_metadata import SourceMetadata, read
from egg.cache.explain.answers import HIT, THERE
from egg.cache.explain.outcomes import ASK, FAIL, OUTCOMES

PINS = {'demo': '1.0', 'dep': '1.0', 'zc.recipe.egg': '6.0.0'}
# It is beside these tests, and not beside the zc.buildout that they run.
RECIPE = 'zc-recipe-egg'


@pytest.fixture
def shop(buildout_factory, index, archives_dir, home, monkeypatch, same_pip):
    """A function that makes a buildout of two projects, one of which requires a third."""
    for name in ('EGG_CACHE', 'BUILDOUT_HOME', 'CFLAGS', 'CC'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('HOME', str(home))
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', requires=[
        'dep', 'never; python_version < "3"', 'more; extra == "all"'],
        metadata=['Provides-Extra: all']))  # fmt: skip
    index.add(archives.make_wheel(archives_dir, 'dep', '1.0'))
    index.add(archives.make_wheel(archives_dir, 'loose', '1.0'))
    index.add(archives.make_wheel(archives_dir, 'more', '1.0'))

    def make(*eggs, pins=PINS, **options):
        return buildout_factory(egg_part(*eggs, versions=pins), **options)

    return make


def told(capsys, buildout, status=1):
    """Return {requirement: outcome}, after a look at the document."""
    document = answer(capsys, 'why', '--all', '--buildout', buildout.directory, status=status)
    rows = document['requirements']
    found = {row['requirement']: row['outcome'] for row in rows}
    assert len(found) == len(rows)
    counts = {name: list(found.values()).count(name) for name in OUTCOMES}
    assert document['counts'] == counts
    assert status == (1 if counts[ASK] or counts[FAIL] else 0)
    return found


def asked(index):
    """Return the projects that an index was asked for."""
    return {canonicalize_name(path.split('/')[2]) for path in index.requests
            if path.startswith('/simple/') and path.count('/') > 2} - {RECIPE}  # fmt: skip


def expected(found):
    return {canonicalize_name(requirement.partition('=')[0]) for requirement, outcome
            in found.items() if outcome in (ASK, FAIL)} - {RECIPE}  # fmt: skip


def test_what_is_said_of_all_is_what_a_run_asks_an_index_for(shop, index, capsys):
    first = shop('demo')
    found = told(capsys, first)
    assert found['demo==1.0'] == FAIL and 'zc.recipe.egg==6.0.0' in found
    first.run()
    found = told(capsys, second := shop('demo'), status=0)
    assert (found['demo==1.0'], found['dep==1.0']) == (HIT, HIT)
    assert 'never' not in str(found) and 'more' not in str(found)
    index.clear()
    second.run()
    assert asked(index) == expected(found) == set()
    found = told(capsys, second, status=0)
    assert set(found.values()) == {THERE}
    third = shop('demo', 'loose')
    assert (found := told(capsys, third))['loose'] == FAIL
    third.run()
    assert asked(index) == expected(found) == {'loose'}
    # It is cached now, and not pinned: each run asks.
    assert (found := told(capsys, third))['loose'] == ASK
    assert (found := told(capsys, fourth := shop('demo', 'loose')))['loose'] == ASK
    index.clear()
    fourth.run()
    assert asked(index) == expected(found) == {'loose'}
    assert told(capsys, shop('demo', 'loose', newest='false'))['loose'] == ASK
    again = shop('demo', 'loose', newest='false', directory=fourth.directory)
    assert told(capsys, again, status=0)['loose'] == THERE


@pytest.mark.slow
def test_extras_and_pins_that_differ_are_told_as_buildout_finds_them(shop, index, capsys):
    shop('demo').run()
    found = told(capsys, buildout := shop('demo[all]', pins={**PINS, 'more': '1.0'}))
    assert (found['demo==1.0'], found['more==1.0']) == (HIT, FAIL)
    index.clear()
    buildout.run()
    assert asked(index) == expected(found) == {'more'}
    found = told(capsys, shop('demo>1', pins=PINS))
    assert found['demo>1'] == FAIL
    found = told(capsys, shop('demo', pins={**PINS, 'dep': '3.0'}))
    assert (found['demo==1.0'], found['dep==3.0']) == (HIT, FAIL)


def test_what_differs_from_buildout_to_buildout_is_told(shop, index, capsys, tmp_path):
    shop('demo').run()
    for options in (
        {'egg_cache_mode': 'off'}, {'egg_cache_mode': 'refresh'}, {'egg_cache_exclude': 'demo'},
        {'egg_cache': ''}, {'extensions': None}, {'offline': 'true'},
    ):  # fmt: skip
        assert told(capsys, shop('demo', **options))['demo==1.0'] == FAIL, options
    archives.make_wheel(tmp_path, 'demo', '1.0', content='local')
    found = told(capsys, shop('demo', find_links=tmp_path, egg_cache_mode='off'))
    assert found['demo==1.0'] == ASK


def test_other_extensions_have_to_be_there_before_the_egg_cache_is(shop, capsys):
    found = told(capsys, shop('demo', extensions='egg.cache another.one packaging'))
    assert (found['another.one'], found['egg.cache'], found['packaging']) == (FAIL, THERE, THERE)


def test_what_extends_something_elsewhere_needs_a_network(shop, index, capsys, archives_dir):
    (archives_dir / 'base-1.0.cfg').write_text('[buildout]\nfoo = 1\n')
    index.add(archives_dir / 'base-1.0.cfg')
    url = f'{index.root}files/base-1.0.cfg'
    assert told(capsys, shop('demo', extends=url))[url] == FAIL


def test_develop_eggs_lead_to_what_they_and_their_builds_require(shop, index, capsys):
    buildout = shop('shop', develop='src')
    buildout.path('src').mkdir()
    buildout.path('src/setup.py').write_text(
        'from setuptools import setup\n'
        'setup(name="shop", version="2", install_requires=["demo"], py_modules=[])')
    found = told(capsys, buildout)
    # Here, pip is told not to isolate builds.
    assert (found['shop'], found['setuptools>=40.8.0']) == (THERE, THERE)
    assert (found['demo==1.0'], 'dep==1.0' in found) == (FAIL, False)
    buildout.run()
    assert set(told(capsys, buildout, status=0).values()) == {THERE}
    other = shop('shop', develop='src')
    assert told(capsys, other)['setuptools>=40.8.0'] == FAIL   # There is no such directory.


def test_sources_that_are_to_be_checked_out_need_a_network(shop, capsys):
    buildout = shop('shop', extensions='egg.cache mr.developer', auto_checkout='shop')
    path = buildout.path('buildout.cfg')
    path.write_text(f'{path.read_text()}\n[sources]\nshop = git https://example.org/shop.git\n'
                    'other = git https://example.org/other.git\n')
    found = told(capsys, buildout)
    assert found['git https://example.org/shop.git'] == FAIL
    assert found['shop'] == THERE and 'other' not in str(found)
    text = path.read_text()
    for url, outcome in (
        ('file:///srv/shop.git', THERE), ('/srv/shop.git', THERE),
        ('git@example.org:shop.git', FAIL), ('ssh://git@example.org/shop.git', FAIL),
    ):  # fmt: skip
        path.write_text(text.replace('https://example.org/shop.git', url))
        assert told(capsys, buildout)[f'git {url}'] == outcome
    path.write_text(text)
    buildout.path('src/shop').mkdir(parents=True)
    buildout.path('src/shop/setup.py').write_text('import setuptools\nsetuptools.setup()')
    found = told(capsys, buildout)
    assert 'git https://example.org/shop.git' not in found
    assert found['shop'] == THERE


def test_people_get_a_table_and_a_sum(shop, capsys, cache_dir):
    buildout = shop('demo', 'loose', develop='src')
    status, output, errors = run(capsys, 'why', '--all', '--buildout', buildout.directory)
    lines = output.splitlines()
    assert lines[0].split() == ['would', 'requirement', 'of', 'why']
    outcomes = [line.split()[0] for line in lines[1:-1]]
    assert outcomes == sorted(outcomes, key=OUTCOMES.index) and status == 1
    assert lines[-1].startswith(f'{len(outcomes)} requirements: ')
    [line] = [line for line in lines if 'demo==1.0' in line]
    assert line.split(None, 2)[0] == 'fail' and 'the part app ' in line
    assert line.endswith('  it was never built')
    assert errors == (
        f'There is no egg cache in {cache_dir} yet.\n'
        f'{buildout.directory}/src does not say, before it is built, its name and what it '
        'requires.\nWhat recipes ask for beyond their eggs, only they know.\n'
    )


# What sources say of themselves.

SETUP = 'from setuptools import setup\nsetup({})\n'
SOURCES = {
    'literal': ({'setup.py': SETUP.format('name="a", version="1", install_requires=["b", "c>1"], '
                                          'extras_require={"x": ["d; python_version > \'3\'"]}')},
                ('a', '1', ('b', 'c>1', 'd; ( python_version > \'3\') and extra == "x"'))),
    'computed': ({'setup.py': SETUP.format('name="a", version=open("v").read(), '
                                           'install_requires=open("r").readlines()')},
                 ('a', '', None)),
    'keywords': ({'setup.py': SETUP.format('**given')}, ('', '', None)),
    'setup.cfg': ({'setup.py': SETUP.format(''), 'setup.cfg':
                   '[metadata]\nname = a\nversion = 1\n[options]\ninstall_requires =\n  b\n  c\n'
                   '[options.extras_require]\nx = d\n'},
                  ('a', '1', ('b', 'c', 'd; extra == "x"'))),
    'a file': ({'setup.cfg': '[metadata]\nname = a\nversion = attr: a.V\n[options]\n'
                             'install_requires = file: r.txt\n', 'r.txt': '# which\nb\n'},
               ('a', '', ('b',))),
    'pyproject': ({'pyproject.toml': '[project]\nname = "a"\nversion = "1"\n'
                   'dependencies = ["b"]\n[project.optional-dependencies]\nx = ["c"]\n'},
                  ('a', '1', ('b', 'c; extra == "x"'))),
    'dynamic': ({'pyproject.toml': '[project]\nname = "a"\ndynamic = ["version", "dependencies"]'},
                ('a', '', None)),
    'egg-info': ({'setup.py': SETUP.format('**given'), 'src/a.egg-info/PKG-INFO':
                  'Metadata-Version: 2.1\nName: a\nVersion: 1\n',
                  'src/a.egg-info/requires.txt': 'b\n\n[x]\nc\n'},
                 ('a', '1', ('b', 'c; extra == "x"'))),
    'broken': ({'setup.py': 'setup(', 'setup.cfg': '[', 'pyproject.toml': '['}, ('', '', None)),
    'nothing': ({}, ('', '', None)),
}  # fmt: skip


@pytest.mark.parametrize('case', SOURCES)
def test_what_a_source_says_is_read_without_running_it(tmp_path, case):
    texts, said = SOURCES[case]
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert read(tmp_path) == SourceMetadata(*said)

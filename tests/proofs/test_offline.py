"""What if there is no network, or none is wanted?"""

import pytest
from support import archives, trees, twins
from support.runner import egg_part

PINS = {'demo': '1.0', 'zipped': '1.0'}


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


@pytest.fixture
def demo(demo_and_zipped):
    return egg_part('demo', versions=demo_and_zipped)


def forget_parts(buildout):
    buildout.path('bin', 'demo').unlink()
    buildout.path('.installed.cfg').unlink()


def trees_of(buildout, cache_dir):
    return trees.snapshot(buildout.eggs_directory), trees.snapshot(cache_dir / 'v1')


@pytest.mark.parametrize('versions', [PINS, {}])
def test_offline_takes_the_eggs_that_are_there_and_copies_nothing(
        buildout_factory, demo, cache_dir, index, versions):
    buildout = buildout_factory(dict(demo, versions=versions))
    buildout.run()
    assert twins.entries(cache_dir) == {('demo', '1.0'): 1, ('zipped', '1.0'): 1}
    forget_parts(buildout)
    buildout.run()      # The path of a script depends on which eggs were there before.
    made = twins.made_by(buildout)
    forget_parts(buildout)
    index.clear()
    before = trees_of(buildout, cache_dir)
    result = buildout.run('-o')
    assert index.requests == []
    assert result.pip_count == 0 and not result.lines('Copied')
    assert not result.lines('Egg cache:')
    assert trees.differences(made, twins.made_by(buildout)) == []
    for was, is_ in zip(before, trees_of(buildout, cache_dir)):
        assert trees.differences(was, is_) == []
    assert buildout.script('demo') == 'demo 1.0\n'


def test_offline_fails_as_plain_buildout_does_when_an_egg_is_missing(
        buildout_factory, demo, cache_dir, index):
    buildout_factory(demo).run()
    missing = []
    for cache in (False, True):
        buildout = buildout_factory(demo, cache=cache)
        before = trees.snapshot(cache_dir / 'v1')
        # What plain buildout asks without an index of its own, even offline.
        env = {'buildout_testing_index_url': index.url}
        result = buildout.run('-o', ok=False, env=env)
        assert result.lines("We don't have a distribution for demo")
        assert result.lines("can't install one in offline (no-install) mode.")
        assert not result.lines('Copied') and result.pip_count == 0
        assert buildout.eggs == []
        assert trees.differences(before, trees.snapshot(cache_dir / 'v1')) == []
        missing.append(result.output.replace(str(buildout.directory), ''))
    assert missing[0] == missing[1]


def test_offline_sees_the_newest_egg_and_develop_eggs_first(
        buildout_factory, index, archives_dir):
    for version in ('1.0', '1.1', '2.0a1'):
        index.add(archives.make_wheel(archives_dir, 'demo', version))
    part = egg_part('demo')
    buildout = buildout_factory(part)
    for version in ('2.0a1', '1.0', '1.1'):
        buildout.configure(dict(part, versions={'demo': version}))
        buildout.run()
    assert len(buildout.eggs) == 3
    buildout.configure(part)
    buildout.run('-o')
    assert buildout.script('demo') == 'demo 1.1\n'
    buildout.configure(dict(part, versions={'demo': '1.0'}))
    buildout.run('-o')
    assert buildout.script('demo') == 'demo 1.0\n'
    source = buildout.path('develop-eggs', 'demo-3.0.egg')
    archives.make_egg(buildout.path('made'), 'demo', '3.0').rename(source)
    buildout.configure(part)
    buildout.run('-o')
    assert buildout.script('demo') == 'demo 3.0\n'


@pytest.mark.parametrize('args', [[], pytest.param(['-N'], marks=pytest.mark.slow)])
def test_without_an_answer_pins_hit_and_the_rest_falls_back(
        buildout_factory, demo, index, archives_dir, args):
    for version in ('1.0', '1.5'):
        index.add(archives.make_wheel(archives_dir, 'loose', version))
    config = egg_part('demo', 'loose', versions=PINS)
    first = buildout_factory(config)
    first.run()
    index.stop()
    plain = buildout_factory(config, cache=False).run(*args, ok=False)
    assert plain.lines("Couldn't find a distribution for 'demo==1.0'.")
    second = buildout_factory(config)
    result = second.run(*args)
    assert result.pip_count == 0
    assert result.lines('Egg cache: 3 of 3 eggs copied')
    # One warning for the one that could be another one, with its name and where it was asked for.
    [warning] = result.lines("For 'loose' the best that is in the egg cache is used, loose 1.5")
    assert result.lines(f'No answer from {index.url}')
    assert not result.lines("For 'demo")
    assert not result.lines("For 'zipped")
    twins.assert_same(first, second)

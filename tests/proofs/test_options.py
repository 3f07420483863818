"""What do the options do, in real buildouts?"""

import os
import shutil

import pytest
from support import archives, trees
from support.runner import egg_part


@pytest.fixture
def demo(index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    return egg_part('demo', versions={'demo': '1.0'})


def test_the_default_is_the_users_cache_directory(buildout_factory, demo, home):
    buildout_factory(demo, egg_cache=None).run()
    assert list(home.joinpath('.cache', 'egg-cache').glob('v1/*/eggs/demo/1.0'))
    assert buildout_factory(demo, egg_cache=None).run().lines('Copied demo 1.0')


def test_a_relative_path_starts_at_the_buildout(buildout_factory, demo):
    buildout = buildout_factory(demo, egg_cache='my/eggs')
    buildout.run()
    assert list(buildout.path('my', 'eggs').glob('v1/*/eggs/demo'))


def test_a_tilde_is_the_home_directory(buildout_factory, demo, home):
    buildout_factory(demo, egg_cache='~/eggs').run()
    assert list(home.joinpath('eggs').glob('v1/*/eggs/demo'))


@pytest.mark.parametrize('options', [{'egg_cache': ''}, {'egg_cache_mode': 'off'}])
def test_off_is_off(buildout_factory, demo, cache_dir, home, options):
    result = buildout_factory(demo, **options).run()
    assert not cache_dir.exists() and not home.joinpath('.cache').exists()
    assert not result.lines('gg cache')


def test_read_only_serves_but_never_writes(buildout_factory, demo, cache_dir, index, archives_dir):
    buildout_factory(demo).run()
    before = trees.snapshot(cache_dir)
    index.add(archives.make_wheel(archives_dir, 'other', '1.0'))
    part = egg_part('demo', 'other', versions={'demo': '1.0'})
    result = buildout_factory(part, egg_cache_mode='read-only').run()
    assert result.lines('Copied demo 1.0')
    assert result.lines('2 of 3 eggs copied, 1 built;')
    assert trees.differences(before, trees.snapshot(cache_dir)) == []


def test_a_read_only_cache_that_is_not_there_is_no_trouble(buildout_factory, demo, cache_dir):
    buildout_factory(demo, egg_cache_mode='read-only').run()
    assert not cache_dir.exists()


def test_refresh_builds_anew_and_replaces(buildout_factory, demo, index, archives_dir, cache_dir):
    buildout_factory(demo).run()
    index.add(archives.make_wheel(archives_dir / 'new', 'demo', '1.0', content='new'))
    stale = buildout_factory(demo)
    assert stale.run().pip_count == 0
    result = buildout_factory(demo, egg_cache_mode='refresh').run()
    assert result.lines('0 of 2 eggs copied, 2 built and stored')
    after = buildout_factory(dict(demo, app=dict(demo['app'], interpreter='py')))
    assert after.run().pip_count == 0
    assert after.script('py', '-c', 'import demo; print(demo.CONTENT)') == 'new\n'


def test_what_is_excluded_is_neither_stored_nor_served(
        buildout_factory, demo, cache_dir, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'my.private.thing', '1.0'))
    part = egg_part('demo', 'my.private.thing', versions={'demo': '1.0'})
    for _ in range(2):
        result = buildout_factory(part, egg_cache_exclude='my.private.* demo==2.*').run()
    assert result.lines('Copied demo 1.0') and not result.lines('Copied my.private')
    assert not list(cache_dir.glob('v1/*/eggs/my-private-thing'))
    buildout_factory(part).run()
    result = buildout_factory(part, egg_cache_exclude='my.private.*').run()
    assert not result.lines('Copied my.private')


@pytest.mark.parametrize('option, value, allowed', [
    ('egg_cache_mode', 'fast', 'Allowed are: read-write, read-only, refresh, off.'),
    ('egg_cache_exclude', 'a ==1', 'Allowed are names with wildcards'),
    ('egg_cache', 'buildout.cfg', 'Allowed is the path of a directory'),
])
def test_a_wrong_value_stops_before_anything_is_built(
        buildout_factory, demo, cache_dir, option, value, allowed):
    buildout = buildout_factory(demo, **{option: value})
    result = buildout.run(ok=False)
    name = option.replace('_', '-')
    assert result.lines('Error:', name, value.split()[-1])
    assert result.lines(allowed)
    assert 'Traceback' not in result.output
    assert result.pip_count == 0 and not cache_dir.exists()


def test_a_cache_that_everybody_can_write_to_is_refused(buildout_factory, demo, cache_dir):
    cache_dir.mkdir()
    cache_dir.chmod(0o777)
    result = buildout_factory(demo).run(ok=False)
    assert result.lines(f'chmod o-w {cache_dir}')
    assert result.pip_count == 0


def test_a_default_directory_that_is_not_safe_is_a_warning(buildout_factory, demo, home):
    home.joinpath('.cache').mkdir()
    home.joinpath('.cache').chmod(0o777)
    result = buildout_factory(demo, egg_cache=None).run()
    assert result.lines('can be written to by everybody')
    assert result.lines('The buildout goes on without an egg cache.')
    assert result.lines('Got demo 1.0.') and not result.lines('Egg cache:')
    assert not list(home.glob('.cache/egg-cache/v1/*/eggs/*'))


def test_a_cache_that_cannot_be_created_is_one_warning(buildout_factory, demo, tmp_path):
    # Nobody, not even root, can create a directory there.
    result = buildout_factory(demo, egg_cache='/proc/egg-cache').run()
    assert len(result.lines("Can't prepare the egg cache in /proc/egg-cache")) == 1
    assert result.lines('Got demo 1.0.')


def test_a_full_disk_is_one_warning(buildout_factory, demo, cache_dir, index, archives_dir):
    buildout_factory(demo).run()
    shutil.rmtree(cache_dir / 'tmp')
    os.symlink('/dev/full', cache_dir / 'tmp')
    index.add(archives.make_wheel(archives_dir, 'other', '1.0'))
    result = buildout_factory(egg_part('demo', 'other', versions={'demo': '1.0'})).run()
    assert len(result.lines("Can't", 'the egg cache in')) == 1
    assert result.lines('Got other 1.0.')


@pytest.mark.slow
def test_an_environment_is_kept_apart(buildout_factory, demo):
    buildout_factory(demo).run()
    for options, env in (
        ({'egg_cache_key': 'rhel9-fips'}, {}),
        ({}, {'CFLAGS': '-O0'}),
    ):
        first = buildout_factory(demo, **options).run(env=env)
        assert not first.lines('Copied')
        assert buildout_factory(demo, **options).run(env=env).lines('Copied demo 1.0')

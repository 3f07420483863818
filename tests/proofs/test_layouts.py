"""Wherever buildout wants its eggs, there they are."""

import subprocess

import pytest
from support import archives, trees, twins
from support.runner import egg_part

REMARK = 'is outside of the buildout: the buildout is not'


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


@pytest.fixture
def demo(demo_and_zipped):
    return egg_part('demo', versions=demo_and_zipped, interpreter='py')


def script(buildout, programs):
    return subprocess.run(
        [buildout.path(programs, 'demo')], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize('options', [
    {'abi_tag_eggs': 'true', 'eggs_directory_version': ''},
    {'relative_paths': 'true', 'eggs_directory': 'var/lib/eggs', 'bin_directory': 'programs'},
], ids=lambda options: next(iter(options)))
def test_a_layout_is_the_same_with_and_without_a_cache(buildout_factory, demo, options):
    both = twins.run(buildout_factory, demo, **options)
    served, result = both.served
    assert result.lines('Egg cache: 2 of 2 eggs copied')
    assert not result.lines(REMARK)
    programs = options.get('bin_directory', 'bin')
    assert script(served, programs) == 'demo 1.0\n'
    if 'relative_paths' in options:
        assert str(served.directory) not in served.path(programs, 'demo').read_text()
        served.directory = served.directory.rename(served.directory.with_name('moved'))
        assert script(served, programs) == 'demo 1.0\n'


def test_eggs_outside_of_the_buildout_are_remarked_once(buildout_factory, demo, tmp_path):
    directories = [tmp_path / name for name in ('plain-eggs', 'storing-eggs', 'served-eggs')]
    results, scripts = [], []
    for cache, directory in zip((False, True, True), directories):
        buildout = buildout_factory(demo, cache=cache, eggs_directory=directory)
        results.append(buildout.run())
        scripts.append(buildout.path('bin', 'demo').read_text()
                       .replace(str(directory), '<eggs>').replace(str(buildout.directory), ''))
    eggs = [trees.normalised(directory, [directory]) for directory in directories]
    for cached in eggs[1:]:
        assert trees.differences(eggs[0], cached) == []
    assert scripts[0] == scripts[1] == scripts[2]
    assert [len(result.lines(REMARK)) for result in results] == [0, 1, 1]
    assert results[2].lines(str(directories[2]), REMARK)
    assert results[2].lines('2 of 2 eggs copied')
    assert results[2].lines('self-contained') and not results[0].lines('self-contained')


@pytest.mark.slow
def test_a_shared_eggs_directory_serves_first_and_the_cache_fills_it(
        buildout_factory, demo, tmp_path, cache_dir, index, archives_dir):
    shared = tmp_path / 'shared'
    buildout_factory(demo).run()
    buildout_factory(demo, eggs_directory=shared, cache=False).run()
    before = trees.snapshot(shared)
    result = buildout_factory(demo, eggs_directory=shared).run()
    assert not result.lines('Copied')
    assert trees.differences(before, trees.snapshot(shared)) == []
    index.add(archives.make_wheel(archives_dir, 'other', '1.0'))
    config = egg_part('demo', 'other', versions={'demo': '1.0', 'zipped': '1.0'})
    first = buildout_factory(config, eggs_directory=shared)
    assert first.run().lines('Egg cache: 0 of 1 egg copied, 1 built and stored')
    assert first.script('demo') == 'demo 1.0\n' and first.script('other') == 'other 1.0\n'
    assert ('other', '1.0') in twins.entries(cache_dir)


@pytest.mark.parametrize('inside', [True, pytest.param(False, marks=pytest.mark.slow)])
def test_the_eggs_directory_may_be_a_link(buildout_factory, demo, tmp_path, inside):
    targets = iter([tmp_path / f'target{number}' for number in range(3)])

    def prepare(buildout):
        target = buildout.path('real-eggs') if inside else next(targets)
        target.mkdir()
        buildout.path('eggs').symlink_to('real-eggs' if inside else target)

    if inside:
        both = twins.run(buildout_factory, demo, prepare=prepare)
        assert both.served.buildout.path('eggs').is_symlink()
        assert not both.served.result.lines(REMARK)
        assert both.served.result.lines('2 of 2 eggs copied')
        assert both.served.buildout.script('demo') == 'demo 1.0\n'
    else:
        first, second = buildout_factory(demo), buildout_factory(demo)
        for buildout, count in ((first, 0), (second, 2)):
            prepare(buildout)
            result = buildout.run()
            assert len(result.lines(REMARK)) == 1
            assert result.lines(f'{count} of 2 eggs copied')
            assert buildout.script('demo') == 'demo 1.0\n'
        assert trees.differences(*(trees.normalised(tmp_path / name)
                                   for name in ('target0', 'target1'))) == []

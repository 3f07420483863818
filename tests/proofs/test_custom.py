"""Custom builds, develop eggs and directories: never stored, never served."""

import shutil

import pytest
from support import archives, trees, twins
from support.programs import require_compiler
from support.runner import egg_part

ANSWER = archives.C_MODULE.replace('#include <Python.h>', '''\
#include <Python.h>
#ifdef WITH_HEADER
#include "answer.h"
#endif
#ifdef SEVEN
#define ANSWER 7
#endif
#ifndef ANSWER
#define ANSWER 42
#endif''').replace('FromLong(42)', 'FromLong(ANSWER)')
ASK = 'import demo._answer; print(demo._answer.answer())'


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


@pytest.fixture
def demo(index, archives_dir):
    """A source distribution whose answer is 42, but for who defines another ANSWER."""
    require_compiler()
    return index.add(archives.make_sdist(
        archives_dir, 'demo', '1.0', c_extension=True, files={'demo/_answer.c': ANSWER}))


def ordinary(**options):
    return egg_part('demo', versions={'demo': '1.0'}, interpreter='py', **options)


def custom(**options):
    """Return a configuration that builds demo with `options` and has an interpreter for it."""
    config = ordinary()
    config['buildout']['parts'] = ['custom', 'app']
    options = {name.replace('_', '-'): value for name, value in options.items()}
    config['custom'] = {'recipe': 'zc.recipe.egg:custom', 'egg': 'demo', **options}
    config['environment'] = {'CFLAGS': '-DANSWER=9'}
    return config


def answers(buildout):
    """Return what the egg of a custom build answers, and what the part with the script does.

    zc.buildout builds the former into develop-eggs, but does not see it there.
    """
    found = []
    for egg in buildout.path('develop-eggs').glob('demo-*.egg'):
        ask = f'import sys; sys.path.insert(0, {str(egg)!r}); {ASK}'
        found.append(int(twins.run_command(buildout, '-c', ask).output))
    return [*found, int(buildout.script('py', '-c', ASK))]


@pytest.mark.slow
def test_custom_builds_and_ordinary_ones_never_mix(
        buildout_factory, demo, cache_dir, tmp_path, index):
    include = tmp_path / 'include'
    include.mkdir()
    include.joinpath('answer.h').write_text('#define ANSWER 8\n')
    variants = {
        7: custom(define='SEVEN'),
        8: custom(define='WITH_HEADER', include_dirs=include),
        9: custom(environment='environment'),
    }
    plain = answers(ran(buildout_factory(variants[7], cache=False)))
    assert plain[0] == 7
    # First with an empty cache, then with the ordinary egg in it, then with that of the others.
    for number, config in variants.items():
        # An eggs directory that comes first in the alphabet would be the first one offline, too.
        buildout = buildout_factory(config, eggs_directory='a-eggs')
        result = buildout.run()
        assert answers(buildout) == [number, *plain[1:]]
        if number == 7:
            buildout.run('-o')
            assert answers(buildout) == [number, *plain[1:]]
        assert result.pip_count == (2 if number == 7 else 1)
        assert twins.entries(cache_dir) == {('demo', '1.0'): 1}
        if number == 7:
            stored = trees.snapshot(cache_dir / 'v1', times=False)
    assert trees.differences(stored, trees.snapshot(cache_dir / 'v1', times=False)) == []
    index.stop()
    second = buildout_factory(ordinary())
    assert second.run().pip_count == 0
    assert answers(second) == [42]


def ran(buildout):
    buildout.run()
    return buildout


@pytest.mark.slow
@pytest.mark.parametrize('parts', [['custom'], ['custom', 'app'], ['app', 'custom']])
def test_a_custom_build_is_the_same_with_and_without_a_cache(
        buildout_factory, demo, cache_dir, parts):
    config = custom(define='SEVEN')
    config['buildout']['parts'] = parts
    both = twins.run(buildout_factory, config, volatile=['*.so'])
    if parts == ['custom']:
        assert twins.entries(cache_dir) == {}
        assert not both.served.result.lines('Egg cache:')
        return
    assert twins.entries(cache_dir) == {('demo', '1.0'): 1}
    assert [answers(twin.buildout) for twin in both] == [answers(both.plain.buildout)] * 3
    assert [twin.result.pip_count for twin in both] == [2, 2, 1]
    assert both.served.result.lines('Egg cache: 1 of 1 egg copied;')


def develop(directory, version):
    """Write the sources of demo; return the configuration of a buildout that develops it."""
    module = archives.MODULE.format(name='demo', version=version, content='developed')
    for name, text in {
        'src/demo/__init__.py': module,
        'setup.py': f"""\
from setuptools import setup
setup(name='demo', version='{version}', packages=['demo'], package_dir={{'': 'src'}},
      entry_points={{'console_scripts': ['demo = demo:main']}})
""",
    }.items():
        path = directory / 'demo-source' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    'version', ['1.0', pytest.param('2.0', marks=pytest.mark.slow)])
def test_a_develop_egg_is_never_stored_and_wins_where_it_does_in_plain_buildout(
        buildout_factory, index, archives_dir, cache_dir, version):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    pinned = egg_part('demo', versions={'demo': '1.0'})
    buildout_factory(pinned).run()
    assert twins.entries(cache_dir) == {('demo', '1.0'): 1}
    stored = trees.snapshot(cache_dir / 'v1', times=False)
    config = dict(pinned, buildout={**pinned['buildout'], 'develop': 'demo-source'})
    both = twins.run(buildout_factory, config, volatile=['__editable__*'],
                     prepare=lambda buildout: develop(buildout.directory, version))
    output = both.plain.buildout.script('demo')
    assert [twin.buildout.script('demo') for twin in both] == [output] * 3
    # zc.buildout 5 takes the pinned egg with some versions of setuptools.
    is_developed = 'developed' in output
    assert not (is_developed and version == '2.0')
    assert len(both.served.buildout.eggs) == (0 if is_developed else 1)
    assert bool(both.served.result.lines('Copied demo 1.0')) is not is_developed
    assert trees.differences(stored, trees.snapshot(cache_dir / 'v1', times=False)) == []
    both.served.buildout.run('-o')
    assert both.served.buildout.script('demo') == output


def test_a_directory_is_taken_as_it_is_and_not_stored(
        buildout_factory, index, archives_dir, cache_dir):
    """An unpacked egg among the find-links: buildout copies it and follows its links."""
    zipped = archives.make_egg(archives_dir / 'zipped', 'demo', '1.0', content='directory')
    egg = archives_dir / 'links' / zipped.name
    shutil.unpack_archive(zipped, egg, 'zip')
    egg.joinpath('demo', 'linked.py').symlink_to('__init__.py')
    egg.joinpath('demo', 'empty').mkdir()
    config = egg_part('demo', versions={'demo': '1.0'}, buildout={'find-links': egg.parent})
    both = twins.run(buildout_factory, config)
    assert [twin.buildout.script('demo') for twin in both] == ['demo 1.0 directory\n'] * 3
    assert both.served.buildout.egg('demo').joinpath('demo', 'empty').is_dir()
    assert twins.entries(cache_dir) == {}
    # An archive of the same pin comes into being: the directory was no reason to remember it.
    index.add(archives.make_wheel(archives_dir / 'wheel', 'demo', '1.0', content='wheel'))
    shutil.rmtree(egg)
    later = twins.run(buildout_factory, config)
    assert [twin.buildout.script('demo') for twin in later] == ['demo 1.0 wheel\n'] * 3

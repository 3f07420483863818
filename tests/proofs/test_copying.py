"""What does the second buildout get? Each test runs real buildout processes."""

import json
import os
import shutil

import pytest
from support import archives, trees
from support.programs import require_compiler
from support.runner import egg_part

PINS = {'demo': '1.0', 'ns.lib': '2.1', 'zc.recipe.egg': None}


@pytest.fixture
def pinned(index, archives_dir, recipe_wheel):
    """A configuration with everything pinned: a package, its requirement and the recipe."""
    index.add(archives.make_wheel(archives_dir, 'ns.lib', '2.1'))
    index.add(archives.make_wheel(
        archives_dir, 'demo', '1.0', requires=['ns.lib'],
        files={'demo/data/leeres Verzeichnis.txt': '', 'demo/data/größe.bin': b'\0\xff'}))
    versions = dict(PINS, **{'zc.recipe.egg': recipe_wheel.name.split('-')[1]})
    return egg_part('demo', versions=versions, interpreter='py')


def eggs(buildout):
    """All that is in the eggs directory; its own time tells when an egg came or went."""
    nodes = trees.snapshot(buildout.eggs_directory)
    del nodes['.']
    return nodes


def scripts(buildout):
    """The scripts of a buildout, with its own directory replaced."""
    return {
        path.name: path.read_text().replace(str(buildout.directory), '<directory>')
        for path in buildout.path('bin').iterdir()
    }


def test_a_pinned_buildout_is_copied_without_index_download_or_pip(
        buildout_factory, index, pinned):
    first = buildout_factory(pinned)
    built = first.run()
    assert built.pip_count == 3
    assert built.lines('Egg cache: 0 of 3 eggs copied, 3 built and stored; 0 s saved.')
    index.clear()
    second = buildout_factory(pinned)
    copied = second.run()
    assert index.requests == []
    assert copied.pip_count == 0
    assert copied.lines('Egg cache: 3 of 3 eggs copied; ', ' s saved.')
    assert copied.lines('Copied demo 1.0 from the egg cache.')
    assert copied.lines('Got demo 1.0.')
    assert trees.differences(eggs(first), eggs(second)) == []
    assert scripts(first) == scripts(second)
    assert second.script('demo') == 'demo 1.0\n'


def test_a_pinned_buildout_is_copied_when_nobody_answers(buildout_factory, index, pinned):
    buildout_factory(pinned).run()
    index.stop()
    second = buildout_factory(pinned)
    result = second.run()
    assert result.lines('3 of 3 eggs copied')
    assert not result.lines('No answer from')
    assert second.script('demo') == 'demo 1.0\n'


def test_eggs_and_scripts_are_those_of_a_buildout_without_a_cache(buildout_factory, pinned):
    plain = buildout_factory(pinned, cache=False)
    plain.run()
    buildout_factory(pinned).run()
    cached = buildout_factory(pinned)
    assert cached.run().pip_count == 0
    for name in ('eggs', 'bin', 'develop-eggs'):
        assert trees.differences(
            trees.normalised(plain.path(name), replace=[plain.directory]),
            trees.normalised(cached.path(name), replace=[cached.directory]),
        ) == []


def test_a_buildout_outlives_its_cache(buildout_factory, pinned, cache_dir):
    buildout_factory(pinned).run()
    second = buildout_factory(pinned)
    second.run()
    shutil.rmtree(cache_dir)
    assert second.script('demo') == 'demo 1.0\n'
    for path in second.directory.rglob('*'):
        if path.is_file() and path.name != 'buildout.cfg' and path.name != '.installed.cfg':
            assert os.fsencode(cache_dir) not in path.read_bytes(), path


def test_copied_bytecode_is_valid(buildout_factory, pinned):
    buildout_factory(pinned).run()
    second = buildout_factory(pinned)
    second.run()
    [bytecode] = second.egg('demo').glob('demo/__pycache__/__init__.*.pyc')
    before = bytecode.stat()
    assert second.script('demo') == 'demo 1.0\n'
    assert bytecode.stat().st_mtime_ns == before.st_mtime_ns
    # A recompiled one would be a new file.
    assert bytecode.stat().st_ino == before.st_ino


def test_an_unpinned_requirement_asks_the_index_and_hits_by_its_announced_digest(
        buildout_factory, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    buildout_factory(egg_part('demo')).run()
    index.clear()
    second = buildout_factory(egg_part('demo'))
    result = second.run()
    assert '/simple/demo/' in index.pages
    assert index.downloads == []
    assert result.pip_count == 0
    assert second.eggs


def test_an_archive_without_announced_digest_is_downloaded_but_not_built(
        buildout_factory, index, archives_dir):
    index.announce = False
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    buildout_factory(egg_part('demo')).run()
    index.clear()
    result = buildout_factory(egg_part('demo')).run()
    assert [name for name in index.downloads if 'demo' in name]
    assert result.pip_count == 0


def test_what_was_picked_is_a_pin_that_is_known(buildout_factory, index, archives_dir):
    for version in ('1.0', '1.1', '2.0a1'):
        index.add(archives.make_wheel(archives_dir, 'demo', version, requires=['helper>=1']))
        index.add(archives.make_wheel(archives_dir, 'helper', version))
    index.add(archives.make_wheel(archives_dir, 'legacy', '1.0'))
    index.add(archives.make_wheel(archives_dir, 'odd', '1.0'))
    buildout = buildout_factory(
        egg_part('demo', 'legacy===1.0', 'odd!=1.0+x'), show_picked_versions='true')
    picked = dict(line.split(' = ') for line in buildout.run().lines(' = ') if ':' not in line)
    assert picked.items() >= {'demo': '1.1', 'helper': '1.1'}.items()
    index.clear()
    part = egg_part('demo', versions=picked)
    result = buildout_factory(part).run()
    assert index.requests == [] and result.lines('3 of 3 eggs copied')
    # These could stand for another version, too.
    buildout_factory(egg_part('legacy', 'odd', versions={
        **picked, 'legacy': '1.0', 'odd': '1.0'})).run()
    assert {'/simple/legacy/', '/simple/odd/'} <= set(index.pages)


def test_an_answer_that_is_missing_teaches_no_pin(buildout_factory, index, archives_dir, server):
    path, url = server
    archives.make_wheel(path, 'demo', '1.0')
    part = egg_part('demo')
    index.page_status = 503
    buildout_factory(part, find_links=url + '/').run(ok=None)
    index.page_status = None
    index.clear()
    buildout_factory(egg_part('demo', versions={'demo': '1.0'}), find_links=url + '/').run()
    assert '/simple/demo/' in index.pages


def test_a_newer_release_is_taken_as_soon_as_the_index_has_it(
        buildout_factory, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    buildout_factory(egg_part('demo')).run()
    index.add(archives.make_wheel(archives_dir, 'demo', '1.1'))
    second = buildout_factory(egg_part('demo'))
    second.run()
    assert second.script('demo') == 'demo 1.1\n'


@pytest.mark.slow
def test_another_archive_of_the_same_version_is_another_egg(
        buildout_factory, index, archives_dir):
    index.add(archives.make_wheel(archives_dir / 'a', 'demo', '1.0', content='one'))
    buildout_factory(egg_part('demo')).run()
    index.add(archives.make_wheel(archives_dir / 'b', 'demo', '1.0', content='two'))
    second = buildout_factory(egg_part('demo', interpreter='py'))
    second.run()
    assert second.script('py', '-c', 'import demo; print(demo.CONTENT)') == 'two\n'


def test_without_an_answer_the_best_cached_version_is_used_with_a_warning(
        buildout_factory, index, archives_dir):
    for version in ('1.0', '1.2', '2.0', '2.1a1'):
        index.add(archives.make_wheel(archives_dir, 'demo', version))
        buildout_factory(egg_part('demo', versions={'demo': version})).run()
    index.stop()
    second = buildout_factory(egg_part('demo <2'))
    result = second.run()
    assert result.lines("For 'demo<2' the best that is in the egg cache is used, demo 1.2")
    assert second.script('demo') == 'demo 1.2\n'
    newest = buildout_factory(egg_part('demo'))
    newest.run()
    assert newest.script('demo') == 'demo 2.0\n'


def test_an_index_that_answers_no_is_no_reason_to_use_the_cache(
        buildout_factory, index, archives_dir):
    wheel = index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    buildout_factory(egg_part('demo')).run()
    index.remove('demo-1.0-py3-none-any.whl')
    result = buildout_factory(egg_part('demo')).run(ok=False)
    assert result.lines("Couldn't find a distribution for 'demo'."), wheel


def test_eggs_are_stored_at_once(buildout_factory, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', requires=['missing']))
    buildout_factory(egg_part('demo')).run(ok=False)
    result = buildout_factory(egg_part('demo')).run(ok=False)
    assert result.pip_count == 0
    assert result.lines('Copied demo 1.0 from the egg cache.')


def test_a_zipped_egg_is_stored_and_copied(buildout_factory, index, archives_dir):
    index.add(archives.make_egg(archives_dir, 'demo', '1.0'))
    part = egg_part('demo', versions={'demo': '1.0'})
    first = buildout_factory(part)
    first.run()
    index.clear()
    second = buildout_factory(part)
    result = second.run()
    assert not [name for name in index.requests if 'demo' in name]
    assert result.lines('Copied demo 1.0')
    assert trees.differences(eggs(first), eggs(second)) == []
    assert second.script('demo') == 'demo 1.0\n'


def test_a_compiled_sdist_is_built_once_and_then_copied_without_compiler(
        buildout_factory, index, archives_dir):
    require_compiler()
    index.add(archives.make_sdist(archives_dir, 'demo', '1.0', c_extension=True))
    part = egg_part('demo', versions={'demo': '1.0'}, interpreter='py')
    assert buildout_factory(part).run().pip_count == 2
    index.stop()
    second = buildout_factory(part)
    assert second.run(env={'CC': '/bin/false'}).pip_count == 0
    assert second.script('py', '-c', 'import demo._answer as a; print(a.answer())') == '42\n'


def test_what_is_built_where_nothing_may_be_compiled_is_not_stored(
        buildout_factory, index, archives_dir):
    index.add(archives.make_sdist(archives_dir, 'demo', '1.0'))
    buildout_factory(egg_part('demo')).run(env={'CC': '/bin/false'})
    result = buildout_factory(egg_part('demo')).run()
    assert not result.lines('Copied demo')


def test_the_manifest_tells_where_an_egg_comes_from(
        buildout_factory, index, archives_dir, cache_dir):
    require_compiler()
    sdist = archives.make_sdist(archives_dir, 'demo', '1.0')
    index.add(sdist)
    buildout_factory(egg_part('demo')).run()
    [path] = cache_dir.glob('v1/*/eggs/demo/1.0/*/entry.json')
    entry = json.loads(path.read_text())
    assert (entry['project'], entry['version']) == ('demo', '1.0')
    assert entry['archive'] == {
        'name': sdist.name,
        'kind': 'sdist',
        'url': index.archive_url(sdist.name),
        'sha256': archives.digest(sdist),
    }
    assert entry['build']['seconds'] > 0.1
    assert {'zc.buildout', 'python', 'pip', 'at'} <= entry['build'].keys()


def test_a_damaged_egg_is_built_anew(buildout_factory, pinned, cache_dir):
    buildout_factory(pinned).run()
    [path] = cache_dir.glob('v1/*/eggs/demo/1.0/*/*.egg/demo/__init__.py')
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'print', b'PRINT'))
    path.chmod(0o444)
    second = buildout_factory(pinned)
    result = second.run()
    assert result.lines('The entry of demo 1.0 in the egg cache is damaged: demo/__init__.py:')
    assert result.pip_count == 1
    assert second.script('demo') == 'demo 1.0\n'
    third = buildout_factory(pinned)
    assert third.run().lines('3 of 3 eggs copied')


def test_quiet_silences_and_verbose_explains(buildout_factory, index, archives_dir, pinned):
    result = buildout_factory(pinned).run('-v')
    assert result.lines('demo 1.0 was not resolved before from')
    assert result.lines('demo-1.0-py3-none-any.whl', 'was not built before in the environment')
    quiet = buildout_factory(pinned).run('-q')
    assert not quiet.lines('Copied') and not quiet.lines('Egg cache:')


def test_a_later_run_in_the_same_directory_has_nothing_to_do(buildout_factory, pinned):
    buildout = buildout_factory(pinned)
    buildout.run()
    before = eggs(buildout)
    result = buildout.run()
    assert not result.lines('Egg cache:')
    assert trees.differences(before, eggs(buildout)) == []


@pytest.mark.slow
def test_entries_are_sound_after_many_builds(buildout_factory, pinned, cache_dir):
    from egg.cache.maintenance import verify
    from egg.cache.store.layout import Layout

    buildout_factory(pinned).run()
    checked = [faults for _, faults in verify.faults(Layout(cache_dir))]
    assert checked == [[], [], []]

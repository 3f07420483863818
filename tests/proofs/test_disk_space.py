"""Room: which directory of the buildout is full, or can't be written to?"""

import errno
import os
import tempfile

import pytest
from support import mounts, scenes, tools
from support.archives import make_wheel
from support.runner import egg_part

from egg.cache.common import disk_space
from egg.cache.common.errors import UnwritableError

PINS = {'demo': '1.0', 'zc.recipe.egg': tools.find('zc.recipe.egg').version}
LARGE = {'demo/large': 'x' * 900_000}


@pytest.fixture
def small(tmp_path):
    """A function that returns a Python for which a directory has room for so many kB only."""

    def make(directory, size):
        directory.mkdir(exist_ok=True)
        mount = f'mount -t tmpfs -o size={size}k,mode=755 none {directory}'
        for command in mounts.ways():
            return mounts.wrapper(tmp_path / f'python-{directory.name}', command, mount)
        pytest.skip('nobody may mount anything here')

    return make


def assert_said_once(result, directory):
    assert len(result.lines('There is no room in')) == 1, str(result)
    [line] = result.lines('There is no room in')
    assert f'There is no room in {directory}: No space left on device.' in line, line
    assert not result.lines("Can't ")
    assert not result.lines('An internal error occurred')


def test_a_full_eggs_directory_is_named_once_and_not_the_cache(
    buildout_factory, index, archives_dir, small
):
    index.add(make_wheel(archives_dir, 'demo', '1.0', files=LARGE))
    part = egg_part('demo', versions=PINS)
    new = buildout_factory(part, egg_cache_self_contained='yes')
    python = small(new.path('eggs'), 400)
    # Nothing is cached yet: pip is what fails, once.
    result = new.run(python=python, ok=False)
    assert_said_once(result, new.path('eggs', 'v5'))
    assert sum('demo' in ' '.join(pip) for pip in result.pips) == 1, f'{result.pips} {result}'
    # Now it is: nothing is downloaded or built in vain, and the egg stays in the cache.
    buildout_factory(part).run()
    index.requests.clear()
    result = new.run(python=python, ok=False)
    assert_said_once(result, new.path('eggs', 'v5'))
    assert result.pip_count == 0
    assert index.requests == []
    assert buildout_factory(part).run().lines('2 of 2 eggs copied')


def test_a_full_temporary_directory_is_named(
    tmp_path, buildout_factory, index, archives_dir, small
):
    files = {**LARGE, 'demo/random': os.urandom(300_000).hex()}
    index.add(make_wheel(archives_dir, 'demo', '1.0', files=files))
    new = buildout_factory(egg_part('demo', versions=PINS))
    python = small(tmp_path / 'temporary', 250)
    result = new.run(python=python, ok=False, env={'TMPDIR': tmp_path / 'temporary'})
    assert_said_once(result, tmp_path / 'temporary')
    assert result.lines('or name another one with TMPDIR')


def test_what_is_installed_is_used_where_there_is_no_room_for_an_egg_of_it(
    buildout_factory, small
):
    part = egg_part('packaging', versions={'zc.recipe.egg': PINS['zc.recipe.egg']})
    new = buildout_factory(part, egg_cache_self_contained='yes')
    result = new.run(python=small(new.path('eggs'), 200))
    assert_said_once(result, new.path('eggs', 'v5'))
    assert result.lines('Until then the buildout is not self-contained.')
    assert len([pip for pip in result.pips if 'packaging' in pip[-1]]) <= 1


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EDQUOT])
def test_a_full_directory_is_tried_twice_and_then_told(tmp_path, monkeypatch, caplog, number):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    tried, mkdir = [], os.mkdir

    def fail(path, *arguments, **options):
        if '/eggs2/' in str(path) and str(path).endswith('.egg'):
            tried.append(path)
            raise OSError(number, os.strerror(number), path)
        return mkdir(path, *arguments, **options)

    monkeypatch.setattr(os, 'mkdir', fail)
    with pytest.raises(UnwritableError, match=f'no room in {tmp_path}/eggs2: '):
        scenes.run(place, eggs=tmp_path / 'eggs2')
    assert len(tried) == 2
    assert caplog.records == []
    assert scenes.faults(place.layout) == []
    assert str(scenes.entry(place)) == 'demo 1.0'


def error(number, path=None):
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(('raised', 'text'), [
    (error(errno.ENOSPC), 'There is no room in /x/eggs: No space left on device.\n'),
    (error(errno.EDQUOT), f'There is no room in /x/eggs: {os.strerror(errno.EDQUOT)}.\n'),
    (error(errno.EROFS, '/x/eggs/tmp1/a'), "/x/eggs can't be written to: Read-only file system"),
    (error(errno.EACCES, '/x/eggs'), "/x/eggs can't be written to: Permission denied"),
    (error(errno.EACCES, '/x/eggs2/a'), None), (error(errno.EACCES, '/cache/a'), None),
    (error(errno.EIO, '/x/eggs/a'), None), (error(errno.EACCES), None),
])  # fmt: skip
def test_whose_trouble_an_error_is(raised, text):
    found = disk_space.unwritable(raised, '/x/eggs')
    assert (found is None) == (text is None)
    assert text is None or str(found).startswith(text)


def test_a_build_that_fails_for_another_reason_is_left_alone(tmp_path):
    for raised in (Exception('no setup.py'), SystemExit(1), error(errno.ENOENT, 'x')):
        assert disk_space.of_build(raised, str(tmp_path)) is None


def test_where_pip_has_tidied_up_it_was_the_temporary_directory(tmp_path):
    full = Exception('pip: [Errno 28] No space left on device')
    found = disk_space.of_build(full, str(tmp_path))
    assert str(found).startswith(f'There is no room in {tempfile.gettempdir()}: ')

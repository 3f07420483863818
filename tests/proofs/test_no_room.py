"""No room, no rights: whatever the disk refuses, the build succeeds, with one warning."""

import errno
import itertools
import logging
import os
import resource
import shutil
import signal

import pytest
from support import archives, faults, mounts, scenes, trees
from support.properties import SEED
from support.runner import egg_part

from egg.cache.common import files

ERRORS = ('ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EMFILE', 'EIO', 'ENAMETOOLONG')
GROWING = ('mkdir', 'open', 'write', 'symlink', 'rename', 'replace', 'close')
#: What a disk refuses from then on; with the others, the next operation may go well.
LASTING = {
    'ENOSPC': GROWING,
    'EDQUOT': GROWING,
    'EROFS': faults.CHANGES,
    'EACCES': faults.CHANGES,
    'EIO': faults.CHANGES,
}
CLEANING = ('unlink', 'rmdir', 'scandir', 'listdir', 'lstat', 'fstat', 'stat', 'open', 'close')
SCENES = ('store', 'copy-out', 'set-aside')


@pytest.fixture(params=SCENES)
def stage(request, tmp_path):
    stage = scenes.Stage(tmp_path, request.param)
    stage.name = request.param
    return stage


def play(stage, plan):
    """Play a scene in which operations fail; return its place and what came of it."""
    place = stage.new()
    with faults.Operations(place.top, plan) as operations:
        result = stage.play(place, operations)
    return place, result


def check(stage, place, result, log, failed, where):
    assert trees.differences(stage.expected, scenes.snapshot(result.egg)) == [], where
    warnings = [record.getMessage() for record in log.records
                if record.levelno >= logging.WARNING]  # fmt: skip
    trouble = [message for message in warnings if 'is damaged: ' not in message]
    assert len(trouble) <= 1, (where, warnings)
    assert len(warnings) - len(trouble) <= (stage.name == 'set-aside'), (where, warnings)
    for fault in scenes.faults(place.layout):
        # It may be that the damaged entry could not be set aside.
        assert stage.name == 'set-aside' and fault.startswith('demo 1.0: demo/__init__'), where
    if [name for name in scenes.leftovers(place) if name.startswith('tmp/')]:
        assert any(operation.name in CLEANING for operation in failed), where
    eggs = [name for name in os.listdir(place.eggs) if name.endswith('.egg')]
    assert eggs == [result.egg.name], where
    if result.built and stage.name != 'set-aside':
        # Either it was stored, or it was said why not.
        assert result.session.counters.stored or trouble or failed[0].name in CLEANING, where
    # The next one has a disk that works.
    scenes.age(place)
    again = scenes.run(place, eggs=place.top / 'again')
    assert trees.differences(stage.expected, scenes.snapshot(again.egg)) == [], where
    assert scenes.faults(place.layout) == [], where
    assert not [name for name in scenes.leftovers(place) if name.startswith('tmp/')], where
    shutil.rmtree(place.top)


def count(stage):
    record = faults.Record()
    place, _ = play(stage, record)
    shutil.rmtree(place.top)
    return len(record.operations)


def fail_everywhere(stage, cases, log):
    """Play the scene once for each (position, name of the error, whether it lasts)."""
    tried = 0
    for position, name, lasts in cases:
        log.clear()
        plan = faults.Fail(position, getattr(errno, name), LASTING[name] if lasts else ())
        place, result = play(stage, plan)
        assert plan.failed, (position, name)
        where = f'{name} at operation {position}, {plan.failed[0]}, lasting: {lasts}'
        check(stage, place, result, log, plan.failed, where)
        tried += len(plan.failed)
    return tried


def test_any_operation_may_fail(stage, caplog, say):
    operations = count(stage)
    cases = [(position, ERRORS[(position + SEED) % len(ERRORS)], False)
             for position in range(1 + SEED % 3, operations + 1, 3)]  # fmt: skip
    tried = fail_everywhere(stage, cases, caplog)
    say(f'{stage.name}: {tried} faults injected, at every third of {operations} operations; '
        'every build succeeded')  # fmt: skip
    assert operations > 60


def test_a_disk_may_stay_full_or_broken(stage, caplog, say):
    only_cache = OnlyCache(stage)
    operations = count(only_cache)
    names = sorted(LASTING)
    cases = [(position, names[(position + SEED) % len(names)], True)
             for position in range(1 + SEED % 7, operations + 1, 7)]  # fmt: skip
    tried = fail_everywhere(only_cache, cases, caplog)
    say(f'{stage.name}: {tried} faults in {len(cases)} runs on a disk that stays full or broken')


class OnlyCache:
    """A stage on which only the disk of the cache fails, not that of the buildout."""

    def __init__(self, stage):
        self.name, self.expected, self.new = stage.name, stage.expected, stage.new
        self._play = stage.play

    def play(self, place, operations):
        operations.directory = (os.path.realpath(place.cache),)
        return self._play(place, operations)


@pytest.mark.slow
def test_any_operation_may_fail_in_any_way(stage, caplog, say):
    operations = count(stage)
    every = range(1, operations + 1)
    single = fail_everywhere(
        stage, ((*case, False) for case in itertools.product(every, ERRORS)), caplog)  # fmt: skip
    only_cache = OnlyCache(stage)
    names = sorted(LASTING)
    lasting = fail_everywhere(
        only_cache, ((position, names[(position + SEED) % len(names)], True)
                     for position in range(1, count(only_cache) + 1)), caplog)  # fmt: skip
    say(f'{stage.name}: {single + lasting} faults injected, {len(ERRORS)} errors at each of '
        f'{operations} operations; every build succeeded')  # fmt: skip


def test_removing_ends_well_whatever_fails(tmp_path, monkeypatch):
    # shutil.rmtree with ignore_errors still raises some.
    (tmp_path / 'x').mkdir()

    def fail(*arguments, **options):
        raise OSError(errno.EIO, 'Input/output error')

    for name in ('fstat', 'lstat', 'scandir', 'open', 'rmdir'):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            files.remove_tree(tmp_path / 'x')
    files.remove_tree(tmp_path / 'x')
    assert not (tmp_path / 'x').exists()


def test_no_open_file_is_left_behind(tmp_path, caplog):
    stage = scenes.Stage(tmp_path, 'store')
    stage.name = 'store'
    before = sorted(os.listdir('/dev/fd'))
    for position in range(1, count(stage) + 1, 3):
        place, _ = play(stage, faults.Fail(position, errno.EIO))
        shutil.rmtree(place.top)
    assert sorted(os.listdir('/dev/fd')) == before


# For real


STORE_AND_HIT = """
import logging, sys
from pathlib import Path
from support import scenes
log = []
handler = logging.Handler()
handler.emit = lambda record: log.append(record.getMessage())
logging.getLogger('egg.cache').addHandler(handler)
place = scenes.Place(Path(sys.argv[1]))
scenes.PACKAGE['demo/big.bin'] = bytes(300_000)
result = scenes.run(place, eggs=Path(sys.argv[2]))
print(result.built, result.session.counters.stored if result.session else 0,
      len(scenes.faults(place.layout)), len(scenes.leftovers(place)), len(log))
print('\\n'.join(log), file=sys.stderr)
assert result.egg.is_dir()
"""


def in_mounts(tmp_path, *lines):
    """Return a Python that has mounts of its own, or None where nobody may have them."""
    for command in mounts.ways():
        return mounts.wrapper(tmp_path / 'python', command, *lines)
    return None


def test_a_small_disk_is_full_for_real(tmp_path, say):
    place, eggs = scenes.Place(tmp_path / 'place'), tmp_path / 'eggs'
    place.cache.mkdir(parents=True)
    python = in_mounts(tmp_path, f'mount -t tmpfs -o size=200k,mode=755 none {place.cache}')
    if python is not None:
        output = mounts.run(python, STORE_AND_HIT, place.top, eggs)
        assert output.split() == ['1', '0', '0', '0', '1']
        say('a full disk: tmpfs of 200 kB')
        return
    # Without the right to mount anything: a limit on the size of files.
    assert faults.in_child(fill_with_limit, place, eggs) == 0
    say('a full disk: a limit on the size of files')


def fill_with_limit(place, eggs):
    scenes.PACKAGE['demo/big.bin'] = bytes(300_000)
    eggs.mkdir()
    make = place.make(eggs / 'made')
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    place.make = lambda directory, project='demo': make
    result = scenes.run(place, eggs=eggs)
    assert (result.built, result.session.counters.stored) == (1, 0)
    assert scenes.faults(place.layout) == scenes.leftovers(place) == []


def test_the_limit_on_the_size_of_files_is_as_good(tmp_path):
    place = scenes.Place(tmp_path / 'place')
    place.top.mkdir()
    assert faults.in_child(fill_with_limit, place, tmp_path / 'eggs') == 0


def test_a_read_only_disk_still_serves_for_real(tmp_path, say):
    place, eggs = scenes.Place(tmp_path / 'place'), tmp_path / 'eggs'
    place.top.mkdir()
    scenes.PACKAGE['demo/big.bin'] = bytes(300_000)
    try:
        scenes.run(place)
    finally:
        del scenes.PACKAGE['demo/big.bin']
    before = trees.snapshot(place.cache)
    python = in_mounts(
        tmp_path,
        f'mount --bind {place.cache} {place.cache}',
        f'mount -o remount,bind,ro {place.cache}',
        f'if touch {place.cache}/x 2>&1; then exit 9; fi',
    )
    if python is not None:
        output = mounts.run(python, STORE_AND_HIT, place.top, eggs)
        built, stored, damaged, left, warnings = output.splitlines()[-1].split()
        assert (built, stored, damaged, left, warnings) == ('0', '0', '0', '0', '0'), output
        say('a read-only disk: bind mount')
    else:
        skip_if_root()
        forbid(place.cache)
        before = trees.snapshot(place.cache)
        result = scenes.run(place, eggs=eggs)
        assert result.built == 0
        say('a read-only disk: no rights')
    used = f'{scenes.entry(place).path.relative_to(place.cache)}: time '
    # Without a right to write, its owner may still tell when it was used last.
    assert [line for line in trees.differences(before, trees.snapshot(place.cache))
            if python is not None or not line.startswith(used)] == []  # fmt: skip


def skip_if_root():
    """Root may write whatever the modes say, so without mounts nothing is read-only for root."""
    if os.geteuid() == 0:
        pytest.skip(f'root may write anywhere, and {mounts.LACKING}')


def forbid(cache):
    for path, _, _ in os.walk(cache, topdown=False):
        os.chmod(path, 0o555)


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can be another user')
def test_a_cache_of_somebody_else_still_serves(tmp_path, monkeypatch):
    place = scenes.Place(tmp_path / 'place')
    place.top.mkdir()
    scenes.run(place)
    monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 4321)
    assert scenes.run(place, eggs=tmp_path / 'eggs').built == 0


@pytest.mark.slow
def test_a_real_buildout_on_a_full_disk_and_on_a_read_only_one(
        tmp_path, buildout_factory, index, archives_dir, recipe_wheel, cache_dir):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', files={'demo/x': 'x' * 300_000}))
    versions = {'demo': '1.0', 'zc.recipe.egg': recipe_wheel.name.split('-')[1]}
    part = egg_part('demo', versions=versions)
    cache_dir.mkdir()
    full = in_mounts(tmp_path, f'mount -t tmpfs -o size=200k,mode=755 none {cache_dir}')
    if full is None:
        skip_if_root()
        os.chmod(cache_dir, 0o555)
    run = {'python': full} if full else {}
    result = buildout_factory(part).run(**run)
    assert len(result.lines("Can't ")) == 1
    assert result.lines('built')
    os.chmod(cache_dir, 0o755)
    buildout_factory(part).run()
    if full:
        run['python'] = in_mounts(
            tmp_path, f'mount --bind {cache_dir} {cache_dir}',
            f'mount -o remount,bind,ro {cache_dir}')  # fmt: skip
    else:
        forbid(cache_dir)
    result = buildout_factory(part).run(**run)
    assert result.pip_count == 0
    assert result.lines('2 of 2 eggs copied')

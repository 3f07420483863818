"""Adoption: how does the cache take over eggs that others made?"""

import json
import os
import stat

import pytest
from support import processes, rights, scenes, trees
from support.eggs import ENVIRONMENT, KEY, add, archive, new_session, overwrite, sealed, write_egg
from support.foreign import stem, write_pip_egg, write_setuptools_egg

from egg.cache.adopt import adoption, eligibility
from egg.cache.adopt.adoption import ADDED, KNOWN, REFUSED
from egg.cache.common.errors import DamagedError, SettingError, UntrustedError
from egg.cache.environment.environment import abi_tag
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.lookup.origins import EVERYWHERE, Origin, Pointer
from egg.cache.store.entry import Entry
from egg.cache.store.layout import Layout
from egg.cache.store.store import entries

ORIGIN = Origin('https://example.com/simple/')
OTHER = Origin('https://other.example.com/simple/')

KILLED = """
import os, signal, sys
from pathlib import Path
from egg.cache.adopt import adoption
from egg.cache.common import files
from egg.cache.lookup import origins
from egg.cache.store.layout import Layout
from support.eggs import ENVIRONMENT
kill = lambda *args, **options: os.kill(os.getpid(), signal.SIGKILL)
store = adoption.prepare(Layout(Path(sys.argv[1])), ENVIRONMENT)
{preparation}
list(adoption.adopt(store, [Path(sys.argv[2])], [origins.EVERYWHERE], 5))
"""
KILLED_AT = {
    'in mid-copy': 'os.write = kill',
    'before the rename': 'os.rename = kill',
    'before the pointer': 'files.replace_json = kill',
}


@pytest.fixture
def store(tmp_path):
    return adoption.prepare(Layout(tmp_path / 'cache'), ENVIRONMENT)


def adopt(store, *eggs, targets=(ORIGIN,), **options):
    return list(adoption.adopt(store, eggs, targets, 5, **options))


def outcomes(store, *eggs, **options):
    return [one.outcome for one in adopt(store, *eggs, **options)]


def pinned(tmp_path, origin=ORIGIN, pin='1.0', local=(), project='demo', **options):
    """Return the entry that answers a pin, None if an index has to be asked."""
    session = new_session(tmp_path / 'cache', **options)
    session.open()
    return session.pinned(origin, project, pin, local)


# Which eggs


def test_eggs_are_in_the_directory_or_in_v5_below_it(tmp_path):
    for name in ('b-1.egg', 'v5/a-1.egg', 'tmpx', 'v5/c.egg-link', 'vx/d-1.egg'):
        (tmp_path / name).mkdir(parents=True)
    found = [str(path.relative_to(tmp_path)) for path in adoption.eggs(tmp_path)]
    assert found == ['b-1.egg', 'tmpx', 'v5/a-1.egg', 'v5/c.egg-link', 'vx']
    assert list(adoption.eggs(tmp_path / 'b-1.egg')) == [tmp_path / 'b-1.egg']


def test_of_the_directories_of_abis_the_own_is_entered(tmp_path):
    own = abi_tag()
    for name in (f'{own}/a-1.egg', f'v5/{own}/b-1.egg', f'v5/{own}/{own}/c-1.egg',
                 'cp27mu/d-1.egg', f'v5/{own}d/e-1.egg', f'{own}/v5/f-1.egg',
                 'v5/pypy310_pp73/g-1.egg'):  # fmt: skip
        (tmp_path / name).mkdir(parents=True)
    found = [str(path.relative_to(tmp_path)) for path in adoption.eggs(tmp_path)]
    assert sorted(found) == sorted([
        f'{own}/a-1.egg', f'v5/{own}/b-1.egg', f'v5/{own}/{own}', 'cp27mu', f'v5/{own}d',
        f'{own}/v5', 'v5/pypy310_pp73'])  # fmt: skip


@pytest.mark.parametrize('name', ['cp27mu', 'cp312d', 'cp313t', 'pypy310_pp73'])
def test_whose_eggs_are_in_the_directory_of_another_abi_is_said(store, tmp_path, name):
    (tmp_path / name).mkdir()
    [one] = adopt(store, tmp_path / name)
    assert (one.outcome, one.reason) == (REFUSED, (
        f'it holds eggs of {name}, and this is {abi_tag()}: run the egg-cache of that interpreter'
    ))  # fmt: skip


def test_a_place_that_is_no_directory_is_wrong(tmp_path):
    with pytest.raises(SettingError, match='nowhere is not a directory'):
        list(adoption.eggs(tmp_path / 'nowhere'))


# Which pins they answer


def test_an_adopted_egg_answers_the_pin_in_its_origin_alone(store, tmp_path):
    egg = write_pip_egg(tmp_path)
    [one] = adopt(store, egg)
    assert (one.outcome, one.project, one.version) == (ADDED, 'demo', '1.0')
    entry = pinned(tmp_path)
    assert entry.manifest.archive == eligibility.inspect(egg, 5).archive
    assert entry.manifest.size == one.size
    assert pinned(tmp_path, OTHER) is None
    assert pinned(tmp_path, pin='1.1') is None
    assert scenes.faults(store.layout) == []


def test_an_adopted_egg_can_answer_in_all_origins(store, tmp_path):
    adopt(store, write_pip_egg(tmp_path), targets=[EVERYWHERE])
    assert pinned(tmp_path) == pinned(tmp_path, OTHER) is not None
    assert pinned(tmp_path, Origin('/srv/index/')) is None


def test_local_archives_win(store, tmp_path):
    adopt(store, write_pip_egg(tmp_path))
    assert pinned(tmp_path, local=['ab' * 32]) is None
    assert pinned(tmp_path) is not None


def test_the_pointer_of_a_known_archive_wins(store, tmp_path):
    known = add(store, tmp_path)
    session = new_session(tmp_path / 'cache')
    session.open()
    pointer = Pointer(archive().name, archive().sha256, '1.0')
    session.remember(ORIGIN, 'demo', '1.0', pointer)
    adopt(store, write_pip_egg(tmp_path), targets=[EVERYWHERE])
    assert pinned(tmp_path) == known


def test_an_index_decides_as_soon_as_there_is_a_known_archive(store, tmp_path):
    """Whoever asked for it, in whatever origin: one request, and the pointer is there."""
    adopt(store, write_pip_egg(tmp_path))
    known = add(store, tmp_path)
    assert pinned(tmp_path) is None
    session = new_session(tmp_path / 'cache')
    session.open()
    session.remember(ORIGIN, 'demo', '1.0', Pointer(archive().name, archive().sha256, '1.0'))
    assert pinned(tmp_path) == known
    assert len(list(entries(store.layout))) == 2


def test_a_known_archive_of_another_version_or_environment_decides_nothing(store, tmp_path):
    adopt(store, write_pip_egg(tmp_path))
    add(store, tmp_path, version='1.1')
    add(adoption.Store(store.layout, 'cp313-x-egg5'), tmp_path)
    assert pinned(tmp_path) is not None


def test_a_pin_stands_for_local_versions_too(store, tmp_path):
    """buildout prefers them, so an index decides."""
    adopt(store, write_pip_egg(tmp_path))
    add(adoption.Store(store.layout, 'cp313-x-egg5'), tmp_path, version='1.0+fix')
    assert pinned(tmp_path) is not None
    known = add(store, tmp_path, version='1.0+fix')
    assert pinned(tmp_path) is None
    store.remove(known)
    assert pinned(tmp_path) is not None
    assert outcomes(store, write_pip_egg(tmp_path, version='1.0+own')) == [ADDED]
    assert pinned(tmp_path) is None
    assert pinned(tmp_path, pin='1.0+own') is not None


# Where what is built from source has an environment of its own, adopted eggs are in that.
BUILDS = SourceBuilds({'PIP_PRE': 'yes'})


@pytest.fixture
def sources(store):
    return adoption.prepare(store.layout, ENVIRONMENT.for_sources(BUILDS.options))


@pytest.mark.parametrize('suffix', ['-py3-none-any.whl', '.tar.gz'])
def test_what_a_known_archive_answers_is_known_with_options_of_builds_too(
        store, sources, tmp_path, suffix):
    known = archive(suffix=suffix)
    session = new_session(tmp_path / 'cache', source_builds=BUILDS)
    session.open()
    eggs = tmp_path / 'eggs'
    session.build('demo', '1.0', known, eggs, lambda: write_egg(eggs))
    session.remember(ORIGIN, 'demo', '1.0', Pointer(known.name, known.sha256, '1.0'))
    egg = write_pip_egg(tmp_path)
    assert outcomes(sources, egg, main=store) == [KNOWN]
    assert outcomes(sources, egg, main=store, targets=[EVERYWHERE]) == [ADDED]
    assert pinned(tmp_path, source_builds=BUILDS).manifest.archive == known


def test_what_is_adopted_with_other_options_of_builds_is_not_known(store, sources, tmp_path):
    egg = write_pip_egg(tmp_path)
    assert outcomes(store, egg, main=store) == [ADDED]
    for origin in (OTHER, ORIGIN):
        assert outcomes(sources, egg, main=store, targets=[origin]) == [ADDED]
    for one in (store, sources):
        assert outcomes(one, egg, main=store) == [KNOWN]
    found = [pinned(tmp_path, source_builds=builds) for builds in (SourceBuilds(), BUILDS)]
    assert [entry.environment_key for entry in found] == [KEY, sources.key]


def test_a_local_version_among_wheels_counts_for_what_may_be_built(store, sources, tmp_path):
    add(store, tmp_path, version='1.0+fix')
    [one] = adopt(sources, write_pip_egg(tmp_path), main=store)
    assert (one.outcome, '1.0+fix' in one.reason) == (REFUSED, True)


@pytest.mark.parametrize('is_dry', [False, True])
def test_of_a_version_and_its_local_ones_only_those_are_adopted(store, tmp_path, is_dry):
    eggs = [write_pip_egg(tmp_path, version=version) for version in ('1.0', '1.0+fix', '1.0.1')]
    first, second, third = adopt(store, *eggs, is_dry=is_dry)
    assert (first.outcome, first.reason) == (
        REFUSED, 'there is 1.0+fix, too, and the pin 1.0 may stand for that')
    assert (second.outcome, third.outcome) == (ADDED, ADDED)


def test_a_local_version_that_is_there_refuses_the_plain_one(store, tmp_path):
    add(store, tmp_path, version='1.0+fix')
    assert outcomes(store, write_pip_egg(tmp_path)) == [REFUSED]


def test_local_versions_of_other_projects_and_pythons_refuse_nothing(store, tmp_path):
    others = [write_pip_egg(tmp_path, 'other', '1.0+fix'),
              write_pip_egg(tmp_path, version='1.0+fix', name='demo-1.0+fix-py2.7.egg')]
    assert outcomes(store, write_pip_egg(tmp_path), *others) == [ADDED, ADDED, REFUSED]


def test_nothing_but_a_pin_is_answered(store, tmp_path):
    adopt(store, write_pip_egg(tmp_path), targets=[EVERYWHERE])
    session = new_session(tmp_path / 'cache')
    session.open()
    assert session.ranked('demo', lambda v: True, lambda url: True, True) == []
    assert session.find('demo', '1.0', archive()) is None
    assert pinned(tmp_path, mode='refresh') is None


def test_a_development_version_is_not_adopted(store, tmp_path):
    [one] = adopt(store, write_pip_egg(tmp_path, version='1.0.dev1'))
    assert (one.outcome, one.reason) == (
        REFUSED, 'development versions are rebuilt under their names')
    assert list(entries(store.layout)) == []


# What is there already


def test_the_same_again_changes_nothing(store, tmp_path):
    egg = write_pip_egg(tmp_path)
    adopt(store, egg)
    before = trees.snapshot(tmp_path / 'cache/v1')
    assert outcomes(store, egg) == [KNOWN]
    assert trees.differences(before, trees.snapshot(tmp_path / 'cache/v1')) == []


def test_another_origin_needs_a_pointer_only(store, tmp_path):
    egg = write_pip_egg(tmp_path)
    adopt(store, egg)
    assert outcomes(store, egg, targets=[ORIGIN, OTHER]) == [ADDED]
    assert pinned(tmp_path, OTHER) is not None
    assert len(list(entries(store.layout))) == 1


def test_another_egg_of_the_same_pin_replaces_none(store, tmp_path):
    adopt(store, write_pip_egg(tmp_path))
    first = pinned(tmp_path)
    assert outcomes(store, write_pip_egg(tmp_path / 'b', files={'demo/x': b''})) == [KNOWN]
    assert pinned(tmp_path) == first


def test_a_pointer_to_an_egg_that_is_gone_is_replaced(store, tmp_path):
    egg = write_pip_egg(tmp_path)
    adopt(store, egg)
    store.remove(pinned(tmp_path))
    assert pinned(tmp_path) is None
    assert outcomes(store, egg) == [ADDED]
    assert pinned(tmp_path) is not None


def test_a_dry_run_changes_nothing(tmp_path):
    store = adoption.Store(Layout(tmp_path / 'cache'), KEY)
    assert outcomes(store, write_pip_egg(tmp_path), is_dry=True) == [ADDED]
    assert not (tmp_path / 'cache').exists()


def test_what_is_excluded_is_refused(store, tmp_path):
    [one] = adopt(store, write_pip_egg(tmp_path), excludes=lambda *pair: pair == ('demo', '1.0'))
    assert (one.outcome, one.reason) == (REFUSED, 'egg-cache-exclude excludes it')


def test_an_egg_that_changes_while_it_is_copied_is_refused(store, tmp_path, monkeypatch):
    egg = write_pip_egg(tmp_path)
    inspect = eligibility.inspect

    def changing(*args):
        found = inspect(*args)
        (egg / 'demo/__init__.py').write_bytes(b'VERSION = 2\n')
        return found

    monkeypatch.setattr(eligibility, 'inspect', changing)
    [one] = adopt(store, egg)
    assert (one.outcome, one.reason) == (REFUSED, 'it was changed while it was copied')
    assert list(entries(store.layout)) == []


def test_an_egg_that_can_not_be_read_is_refused(store, tmp_path):
    egg = write_pip_egg(tmp_path)
    os.chmod(egg / 'demo/run', 0)
    with rights.as_modes_say():
        [one] = adopt(store, egg)
    assert one.reason.startswith('Permission denied')


def test_an_egg_in_which_anything_is_too_deep_is_refused(store, tmp_path):
    info = f'{stem("deep")}.dist-info'
    deep = write_pip_egg(tmp_path, 'deep', files={f'{info}/direct_url.json': b'[' * 100_000})
    first, second = adopt(store, deep, write_pip_egg(tmp_path))
    assert (first.outcome, first.reason) == (REFUSED, 'something in it is nested too deeply')
    assert second.outcome == ADDED


def test_an_egg_whose_project_can_not_be_kept_is_refused(store, tmp_path):
    first, second = adopt(store, write_pip_egg(tmp_path, '$x'), write_pip_egg(tmp_path))
    assert (first.outcome, second.outcome) == (REFUSED, ADDED)
    assert first.reason.startswith("'$x' is not a name")


def test_an_unsafe_cache_is_refused(tmp_path):
    (tmp_path / 'cache').mkdir()
    os.chmod(tmp_path / 'cache', 0o777)
    with pytest.raises(UntrustedError):
        adoption.prepare(Layout(tmp_path / 'cache'), ENVIRONMENT)


# What a buildout gets


def test_a_copy_has_the_modes_of_the_receiver(store, tmp_path):
    """As if the receiver had built it: shared eggs are often writable by a group."""
    egg = write_pip_egg(tmp_path)
    for path in (egg, *egg.rglob('*')):
        os.chmod(path, 0o775 if path.is_dir() or path.name == 'run' else 0o664)
    os.chmod(egg / 'demo/__init__.py', 0o400)
    adopt(store, egg)
    session = new_session(tmp_path / 'cache')
    session._umask = 0o027
    (tmp_path / 'eggs').mkdir()
    copy = session.copy(pinned(tmp_path), tmp_path / 'eggs').egg
    modes = {path.name: stat.S_IMODE(os.stat(path).st_mode)
             for path in (copy, *copy.rglob('*'))}  # fmt: skip
    assert copy.name == egg.name
    assert (modes[egg.name], modes['demo'], modes['METADATA']) == (0o750, 0o750, 0o640)
    # pip lets everybody run what can be run; what has a mode of its own keeps it.
    assert (modes['run'], modes['__init__.py']) == (0o751, 0o400)


def test_what_setuptools_unpacked_keeps_its_modes(tmp_path):
    store = adoption.prepare(Layout(tmp_path / 'cache'), ENVIRONMENT)
    egg = write_setuptools_egg(tmp_path)
    os.chmod(egg, 0o755)
    os.chmod(egg / 'demo/__init__.py', 0o644)
    [one] = adoption.adopt(store, [egg], [ORIGIN], 4)
    assert one.outcome == ADDED
    session = new_session(tmp_path / 'cache')
    session._umask = 0o077
    (tmp_path / 'eggs').mkdir()
    copy = session.copy(pinned(tmp_path), tmp_path / 'eggs').egg
    assert stat.S_IMODE(os.stat(copy / 'demo/__init__.py').st_mode) == 0o644
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o700


def test_a_damaged_adopted_egg_is_a_miss(store, tmp_path):
    adopt(store, write_pip_egg(tmp_path))
    entry = pinned(tmp_path)
    overwrite(entry.egg / 'demo/__init__.py', b'VERSION = 9\n')
    session = new_session(tmp_path / 'cache')
    session.open()
    (tmp_path / 'eggs').mkdir()
    assert session.copy(session.pinned(ORIGIN, 'demo', '1.0', ()), tmp_path / 'eggs') is None
    assert pinned(tmp_path) is None


def test_an_adopted_egg_without_a_readable_manifest_is_set_aside(store, tmp_path, caplog):
    adopt(store, write_pip_egg(tmp_path))
    entry = pinned(tmp_path)
    overwrite(entry.path / 'entry.json', b'{')
    assert pinned(tmp_path) is None
    assert 'The entry of demo 1.0 in the egg cache is damaged: entry.json' in caplog.text
    assert not entry.path.exists()


@pytest.mark.parametrize('moment', KILLED_AT)
def test_an_adoption_killed_in_the_middle_leaves_a_sound_cache(store, tmp_path, moment):
    egg = write_pip_egg(tmp_path)
    status, _, errors = processes.run(
        KILLED.format(preparation=KILLED_AT[moment]), tmp_path / 'cache', egg)
    assert status == -9, errors
    assert scenes.faults(store.layout) == []
    assert pinned(tmp_path) is None
    assert outcomes(store, egg) == [ADDED]
    assert pinned(tmp_path) is not None


def test_the_environment_is_described(store, tmp_path):
    assert (tmp_path / 'cache/v1' / KEY / 'environment.json').is_file()
    assert stem() in write_pip_egg(tmp_path).name


@pytest.mark.parametrize(('name', 'kind'), [
    ('demo-1.0.unknown', 'sdist'), ('demo-1.0.tar.gz', 'unknown')])  # fmt: skip
def test_a_manifest_that_calls_an_archive_what_it_is_not_is_damaged(store, tmp_path, name, kind):
    adopt(store, write_pip_egg(tmp_path))
    entry = pinned(tmp_path)
    row = json.loads((entry.path / 'entry.json').read_bytes())
    row['archive'].update(name=name, kind=kind)
    overwrite(entry.path / 'entry.json', sealed(row))
    with pytest.raises(DamagedError, match='is not the kind of this archive'):
        _ = Entry(entry.path).manifest

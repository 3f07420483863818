"""Sharing: several users have one cache, and nobody else has a say in it."""

import contextlib
import io
import logging
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from support import archives, faults, rights, scenes, trees
from support.eggs import new_session
from support.runner import egg_part

from egg.cache import cli
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.store import permissions, transfer, trust

IS_ROOT = os.geteuid() == 0
#: Two users and a stranger. Who isn't root can only play all of them himself.
ONE, TWO, STRANGER = (4201, 4202, 4203) if IS_ROOT else [os.getuid()] * 3
GROUP = 4299 if IS_ROOT else os.getgid()


@pytest.fixture
def top():
    """A directory that every user can get to, unlike those of pytest."""
    path = Path(tempfile.mkdtemp())
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def cache(top):
    """The cache of a group, as the manual has it."""
    path = top / 'cache'
    path.mkdir()
    os.chown(path, ONE, GROUP)
    os.chmod(path, 0o2775)
    return path


def as_user(user, function, *arguments, umask=0o002, groups=(GROUP,)):
    """Call a function as another user, in a process of his own, which has to succeed."""

    def play():
        os.umask(umask)
        if IS_ROOT:
            os.setgroups(groups)
            os.setgid(user)
            os.setuid(user)
        function(*arguments)

    assert faults.in_child(play) == 0


def home(top, user, number=0):
    """Return a place of the user with the shared cache."""
    path = top / f'home{user}-{number}'
    if not path.exists():
        path.mkdir()
        os.chown(path, user, user if IS_ROOT else -1)
    return scenes.Place(path, top / 'cache')


def warned(function, *arguments, **options):
    """Call a function and return its result, and the warnings."""
    messages = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())
    logging.getLogger('egg.cache').addHandler(handler)
    try:
        return function(*arguments, **options), messages
    finally:
        logging.getLogger('egg.cache').removeHandler(handler)


def build(place, project, count):
    """Let an egg arrive, which has to be built `count` times, without any trouble."""
    result, messages = warned(scenes.run, place, project=project)
    assert messages == []
    assert result.built == count
    assert scenes.faults(place.layout) == []
    expected = scenes.snapshot(place.make(place.top / 'expected', project))
    assert trees.differences(expected, scenes.snapshot(result.egg)) == []


def remove(place, project):
    entry = scenes.entry(place, project)
    new_session(place.cache).store.remove(entry)
    assert not entry.exists()
    assert scenes.leftovers(place) == []


def set_aside(place, project):
    entry = scenes.entry(place, project)
    assert new_session(place.cache).store.set_aside(entry) is not None


def leave_behind(place):
    egg = place.make(place.top / 'left')
    with new_session(place.cache).store.staging() as stage:
        transfer.copy_in(egg, stage / egg.name, permissions.of(place.cache).open_directory)
        os._exit(0)


def sweep(place):
    scenes.sweep(place)
    assert scenes.leftovers(place) == []


def test_two_users_share_a_cache(top, cache):
    one, two = home(top, ONE), home(top, TWO)
    as_user(ONE, build, one, 'demo', 1)
    as_user(TWO, build, two, 'demo', 0)
    as_user(TWO, build, two, 'other', 1)
    as_user(ONE, build, one, 'other', 0)
    # Each removes what the other one stored, and the other one builds it anew.
    as_user(ONE, remove, one, 'other')
    as_user(TWO, remove, two, 'demo')
    as_user(ONE, build, one, 'other', 1)
    as_user(TWO, build, two, 'demo', 1)
    # Each sweeps what the other one left behind.
    as_user(ONE, set_aside, one, 'demo')
    as_user(ONE, leave_behind, one)
    assert len(scenes.leftovers(one)) == 2
    scenes.age(one)
    as_user(TWO, sweep, two)


UMASKS = pytest.mark.parametrize('umask', [0o002, 0o022, 0o077, 0o027], ids='{:03o}'.format)


def is_open_to_the_group(cache):
    for path in cache.rglob('*'):
        info, mode = path.lstat(), stat.S_IMODE(path.lstat().st_mode)
        assert info.st_gid == GROUP, path
        if path.is_symlink():
            continue
        assert not mode & stat.S_IWOTH, path
        if path.is_dir():
            assert mode & 0o2770 == 0o2770, (path, oct(mode))
        elif 'eggs' in path.parts:
            # Never to be written to: hard links to it may be in buildouts.
            assert mode in (0o444, 0o555), (path, oct(mode))
        else:
            assert mode & 0o660 == 0o660, (path, oct(mode))


@UMASKS
def test_whatever_lies_in_the_cache_is_the_groups(top, cache, umask):
    as_user(ONE, build, home(top, ONE), 'demo', 1, umask=umask)
    is_open_to_the_group(cache)
    if umask == 0o002:
        modes = {stat.S_IMODE(path.lstat().st_mode) for path in cache.rglob('*')
                 if 'eggs' not in path.parts and not path.is_symlink()}  # fmt: skip
        assert modes == {0o2775, 0o664}


@UMASKS
def test_the_umask_of_a_member_closes_nothing(top, cache, umask):
    one, two = home(top, ONE), home(top, TWO, 1)
    for me, other, mine, project, umask_of_other in (
        (ONE, TWO, (one, two), 'demo', 0o022), (TWO, ONE, (two, one), 'other', 0o002),
    ):  # fmt: skip
        here, there = mine
        as_user(me, build, here, project, 1, umask=umask)
        as_user(other, build, there, project, 0, umask=umask_of_other)
        as_user(other, remove, there, project, umask=umask_of_other)
        as_user(other, build, there, project, 1, umask=umask_of_other)
        as_user(me, set_aside, here, project, umask=umask)
        as_user(me, leave_behind, here, umask=umask)
        scenes.age(here)
        as_user(other, sweep, there, umask=umask_of_other)
        as_user(other, command, there, 'prune', '--unused-for', '1 d', umask=umask_of_other)
    as_user(ONE, build, one, 'demo', 1, umask=umask)
    as_user(ONE, command, one, 'stats', '--reset', umask=umask)
    as_user(TWO, command, two, 'stats', '--reset')
    as_user(TWO, command, two, 'remove', 'demo', '--yes')
    as_user(TWO, command, two, 'clear', '--yes')
    assert [path.name for path in cache.iterdir()] in ([], ['locks'])


def command(place, *arguments):
    """Run `egg-cache`, which has nothing to complain of."""
    assert cli.main(['--cache', str(place.cache), *arguments]) == 0


@pytest.mark.skipif(not IS_ROOT, reason='only root can give a directory to another group')
def test_a_cache_that_does_not_hand_its_group_down_is_shared_as_well(top, cache):
    os.chmod(cache, 0o775)
    one, two = home(top, ONE), home(top, TWO)
    as_user(ONE, build, one, 'demo', 1, umask=0o022)
    as_user(TWO, build, two, 'demo', 0, umask=0o077)
    as_user(TWO, build, two, 'other', 1, umask=0o077)
    as_user(ONE, build, one, 'other', 0)
    as_user(ONE, remove, one, 'other')
    is_open_to_the_group(cache)


@pytest.mark.parametrize('umask', [0o022, 0o077])
def test_where_the_group_may_not_write_the_umask_decides(top, umask):
    (top / 'cache').mkdir()
    os.chown(top / 'cache', ONE, GROUP)
    os.chmod(top / 'cache', 0o755)
    as_user(ONE, build, home(top, ONE), 'demo', 1, umask=umask)
    for path in (top / 'cache').rglob('*'):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink() or 'eggs' in path.parts and path.is_file():
            continue
        assert mode == (0o775 if path.is_dir() else 0o664) & ~umask, (path, oct(mode))


@pytest.mark.parametrize('umask', [0o022, 0o077], ids='{:03o}'.format)
@pytest.mark.skipif(not IS_ROOT, reason='only root can be several users')
def test_who_closed_a_cache_is_named_and_the_command_opens_it(top, cache, umask):
    # As a version did that left everything to the umask, or an `rsync` of somebody.
    one, two = home(top, ONE), home(top, TWO)
    as_user(ONE, build, one, 'demo', 1)
    (cache / 'mine').mkdir()
    os.chown(cache / 'mine', ONE, GROUP)
    for path in cache.rglob('*'):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if not path.is_symlink() and mode & stat.S_IWUSR:
            os.chmod(path, mode & ~umask)
    mode_of_mine = (cache / 'mine').stat().st_mode

    def refused():
        result, messages = warned(scenes.run, two, project='other')
        assert result.built == 1
        [message] = messages
        assert f' belongs to {ONE} and is closed to the group {GROUP}. {ONE} or root ' in message
        remedy = message.splitlines()[-1]
        (two.top / 'command').write_text(remedy)
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            assert cli.main(['--cache', str(cache), 'remove', 'demo', '--yes']) == 1
        # Who may not look into it has nothing to remove.
        assert errors.getvalue().splitlines()[-1] == remedy or umask == 0o077

    as_user(TWO, refused)
    remedy = (two.top / 'command').read_text()
    assert remedy.startswith('  find ')

    def mend():
        assert os.system(remedy) == 0

    as_user(ONE, mend, umask=umask)
    # What is not the cache's own, and what nobody may write to, is as it was.
    assert (cache / 'mine').stat().st_mode == mode_of_mine
    assert scenes.faults(one.layout) == []
    as_user(TWO, build, two, 'demo', 0)
    as_user(TWO, build, two, 'other', 1)
    as_user(TWO, remove, two, 'demo')


@pytest.mark.skipif(not IS_ROOT, reason='only root can be several users')
def test_two_users_share_a_cache_in_real_buildouts(top, cache, buildout_factory, index,
                                                   archives_dir):  # fmt: skip
    for project in ('demo', 'other'):
        index.add(archives.make_wheel(archives_dir, project, '1.0'))
    users = {}
    for user, umask, projects in ((ONE, 0o077, ['demo']), (TWO, 0o022, ['demo', 'other'])):
        python = rights.interpreter_of(top / f'python{user}', user, GROUP, umask)
        if python is None:
            pytest.skip('setpriv is not here, or may not start a process of another user')
        pins = {'zc.recipe.egg': '>=1', **dict.fromkeys(projects, '1.0')}
        site = buildout_factory(egg_part(*projects, versions=pins), directory=top / str(user),
                                **{'egg-cache': cache})  # fmt: skip
        site.home = top / f'home-of-{user}'
        site.home.mkdir()
        site.owner = user
        for path in (site.directory, site.path('buildout.cfg'), site.home):
            os.chown(path, user, user)
        users[user] = site, {'python': python}
    (one, as_one), (two, as_two) = users.values()
    for site, run, hits in ((one, as_one, 0), (two, as_two, 2)):
        result = site.run(**run)
        assert result.lines("Can't ") == result.lines('in vain') == []
        assert len(result.lines('Copied ', 'from the egg cache')) == hits
    is_open_to_the_group(cache)
    one.configure(egg_part('demo', 'other', versions={'demo': '1.0', 'other': '1.0'}))
    result = one.run(**as_one)
    assert result.lines("Can't ") == []
    assert result.lines('Copied other 1.0 from the egg cache')
    as_user(ONE, command, home(top, ONE), 'remove', 'other', '--yes', umask=0o077)


def test_what_is_damaged_is_mended_by_another_user(top, cache):
    one, two = home(top, ONE), home(top, TWO)
    as_user(ONE, build, one, 'demo', 1)
    entry = scenes.entry(one)
    path = entry.egg / 'demo/__init__.py'
    os.chmod(path, 0o644)
    path.write_bytes(b'damaged')
    os.chmod(path, 0o444)

    def mend():
        result, messages = warned(scenes.run, two)
        assert (result.built, len(messages)) == (1, 1)
        assert 'It was set aside' in messages[0]

    as_user(TWO, mend)
    as_user(ONE, build, one, 'demo', 0)


@pytest.mark.parametrize(('builder', 'receiver'), [
    (0o002, 0o077), (0o002, 0o022), (0o022, 0o002), (0o077, 0o027),
])  # fmt: skip
def test_copies_have_the_modes_of_the_receiver(top, builder, receiver):
    (top / 'cache').mkdir()
    os.chown(top / 'cache', ONE, GROUP)
    os.chmod(top / 'cache', 0o2775)
    one = home(top, ONE)
    as_user(ONE, build, one, 'demo', 1, umask=builder)
    another = home(top, ONE, 1)

    def receive():
        build(another, 'demo', 0)
        egg = another.eggs / 'demo-1.0-py3.12.egg'
        runs = stat.S_IMODE((egg / 'demo/run').stat().st_mode)
        assert runs == 0o777 & ~receiver | 0o111
        assert stat.S_IMODE((egg / 'demo/data.bin').stat().st_mode) == 0o666 & ~receiver
        assert stat.S_IMODE((egg / 'demo').stat().st_mode) == 0o777 & ~receiver

    as_user(ONE, receive, umask=receiver)


def test_a_cache_of_root_serves_everybody(top):
    place = scenes.Place(top / 'root', top / 'cache')
    place.top.mkdir()
    scenes.run(place)
    before = trees.snapshot(top / 'cache')
    as_user(TWO, build, home(top, TWO), 'demo', 0)
    assert IS_ROOT is False or trees.differences(before, trees.snapshot(top / 'cache')) == []


def test_a_miss_in_a_cache_of_somebody_else_is_one_warning(top):
    place = scenes.Place(top / 'root', top / 'cache')
    place.top.mkdir()
    scenes.run(place)

    def miss():
        result, messages = warned(scenes.run, home(top, TWO), project='other')
        assert result.built == 1
        assert len(messages) == (1 if IS_ROOT else 0)

    home(top, TWO)
    as_user(TWO, miss)


def test_nobody_is_served_what_a_stranger_put_there(top, monkeypatch):
    # The group may write, but what is there isn't the group's.
    (top / 'cache').mkdir()
    place = scenes.Place(top / 'here', top / 'cache')
    place.top.mkdir()
    scenes.run(place)
    entry = scenes.entry(place)
    give_away(monkeypatch, entry.path)
    result, messages = warned(scenes.run, place)
    assert result.built == 1
    [message] = messages
    owner = STRANGER + (not IS_ROOT)
    assert f'belongs to the user {owner}, who is neither you nor root nor the owner of' in message
    assert '.. ' not in message and '..\n' not in message
    assert 'It was set aside: ' in message


def give_away(monkeypatch, path):
    """Let a file belong to a stranger, or seem so to who can't do that."""
    if IS_ROOT:
        os.chown(path, STRANGER, STRANGER)
        return
    seem(monkeypatch, {str(path): (STRANGER + 1, None, None)})


def seem(monkeypatch, seeming):
    """Let paths have other owners, groups and modes."""
    for name in ('stat', 'lstat'):
        original = getattr(os, name)

        def look(path, *args, _original=original, **options):
            info = _original(path, *args, **options)
            owner, group, mode = seeming.get(str(path), (None, None, None))
            values = list(info)
            for position, value in ((0, mode), (4, owner), (5, group)):
                if value is not None:
                    values[position] = value
            return os.stat_result(values) if str(path) in seeming else info

        monkeypatch.setattr(os, name, look)


@pytest.mark.parametrize('level', ['v1', 'environment', 'eggs', 'project', 'version'])
@pytest.mark.parametrize('wrong', ['owner', 'mode'])
def test_no_way_through_a_directory_of_a_stranger(tmp_path, monkeypatch, level, wrong):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    path = scenes.entry(place).path
    levels = dict(zip(['version', 'project', 'eggs', 'environment', 'v1'], path.parents))
    if wrong == 'mode':
        os.chmod(levels[level], 0o777)
    elif IS_ROOT:
        os.chown(levels[level], STRANGER, STRANGER)
    else:
        mode = levels[level].stat().st_mode
        seem(monkeypatch, {str(levels[level]): (STRANGER + 1, STRANGER + 1, mode)})
    result, messages = warned(scenes.run, place)
    assert result.built == 1
    assert len(messages) == 1
    assert str(levels[level]) in messages[0]


# Who may share


def info(owner=0, group=0, mode=0o755):
    return os.stat_result((stat.S_IFDIR | mode, 0, 0, 1, owner, group, 0, 0, 0, 0))


def test_the_user_root_and_the_owner_of_the_cache_are_trusted(tmp_path, monkeypatch):
    seem(monkeypatch, {str(tmp_path): (71, 72, stat.S_IFDIR | 0o755)})
    owners = trust.owners(tmp_path)
    me = os.geteuid()
    assert [owners.have(info(owner)) for owner in (0, me, 71, 73)] == [True, True, True, False]
    assert not owners.have(info(73, 72))


def test_the_group_is_trusted_where_it_may_write(tmp_path, monkeypatch):
    seem(monkeypatch, {str(tmp_path): (71, 72, stat.S_IFDIR | 0o2775)})
    owners = trust.owners(tmp_path)
    assert owners.have(info(73, 72))
    assert not owners.have(info(73, 74))


# Parents, as OpenSSH looks at them

ME = os.getuid()
OTHER = ME + 77


@pytest.mark.parametrize(('parent', 'cache', 'is_fine'), [
    # (owner, mode) of the directory above, and of the cache
    ((0, 0o755), (ME, 0o755), True),
    ((ME, 0o755), (ME, 0o755), True),
    ((ME, 0o775), (ME, 0o755), True),      # a group may share
    ((0, 0o777), (ME, 0o755), False),      # everybody can rename it
    ((ME, 0o777), (ME, 0o755), False),
    ((0, 0o1777), (ME, 0o755), True),      # /tmp
    ((0, 0o1777), (0, 0o755), True),
    ((0, 0o1777), (OTHER, 0o755), False),  # whoever was first in /tmp
    ((OTHER, 0o1777), (ME, 0o755), False),
    ((OTHER, 0o755), (ME, 0o755), False),
    ((OTHER, 0o755), (0, 0o2775), False),
    ((0, 0o755), (OTHER, 0o2775), True),   # the cache of a colleague
    ((OTHER, 0o755), (OTHER, 0o2775), True),
    ((0, 0o755), (ME, 0o757), False),
    ((0, 0o755), (ME, 0o1777), False),
])  # fmt: skip
def test_the_directories_above_count(tmp_path, monkeypatch, parent, cache, is_fine):
    path = tmp_path / 'above' / 'cache'
    path.mkdir(parents=True)
    seem(monkeypatch, {
        str(where): (owner, None, stat.S_IFDIR | mode)
        for where, (owner, mode) in ((path.parent, parent), (path, cache))
    })  # fmt: skip
    if is_fine:
        trust.check(path)
        return
    with pytest.raises(SettingError) as error:
        trust.check(path)
    assert str(error.value).startswith(f'egg-cache = {path} ')
    assert 'code into your buildouts' in str(error.value)
    advice = str(error.value).splitlines()[-1].lower()
    assert 'choose another directory' in advice or 'choose a directory below it' in advice


def test_the_way_through_links_counts(tmp_path, monkeypatch):
    (tmp_path / 'real').mkdir()
    (tmp_path / 'open').mkdir()
    (tmp_path / 'open' / 'middle').symlink_to(tmp_path / 'real')
    (tmp_path / 'cache').symlink_to('open/middle')
    trust.check(tmp_path / 'cache')
    os.chmod(tmp_path / 'open', 0o777)
    with pytest.raises(SettingError, match=f'{tmp_path}/open can be written to by everybody'):
        trust.check(tmp_path / 'cache')
    trust.check(tmp_path / 'real')


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / 'a').symlink_to('b')
    (tmp_path / 'b').symlink_to('a')
    trust.check(tmp_path / 'a')
    trust.check(tmp_path / 'a' / 'x')


def test_what_is_made_is_never_open_to_everybody(tmp_path):
    place = scenes.Place(tmp_path)
    before = os.umask(0)
    try:
        result, messages = warned(scenes.run, place)
    finally:
        os.umask(before)
    assert messages == []
    for path in [place.cache, *place.cache.rglob('*')]:
        assert path.is_symlink() or not path.stat().st_mode & stat.S_IWOTH, path
    assert stat.S_IMODE((result.egg / 'demo').stat().st_mode) in (0o777, 0o755)


def test_a_stranger_can_not_make_the_cache_first(tmp_path, monkeypatch):
    # It is checked once more as soon as it is there.
    place = scenes.Place(tmp_path)
    session = new_session(place.cache)
    prepare = session.store.prepare

    def late():
        prepare()
        os.chmod(place.cache, 0o777)

    monkeypatch.setattr(session.store, 'prepare', late)
    with pytest.raises(SettingError):
        session.open()


def test_check_directory_tells_what_is_wrong(tmp_path):
    (tmp_path / 'file').touch()
    (tmp_path / 'link').symlink_to(tmp_path)
    owners = trust.owners(tmp_path)
    for name, reason in (('file', 'is not a directory'), ('link', 'is a link')):
        with pytest.raises(CacheError, match=reason):
            trust.check_directory(tmp_path / name, owners)

"""Trust: can this cache directory be trusted?"""

import os
import stat
from pathlib import Path
from unittest.mock import Mock

import pytest

from egg.cache.common.errors import SettingError
from egg.cache.store import trust
from egg.cache.store.layout import CACHEDIR_TAG, Layout
from egg.cache.store.store import Store


@pytest.mark.parametrize('mode', [0o777, 0o757, 0o702, 0o773])
def test_a_directory_that_everybody_can_write_to_is_refused(tmp_path, mode):
    os.chmod(tmp_path, mode)
    with pytest.raises(SettingError) as info:
        trust.check(tmp_path)
    assert str(info.value) == (
        f'egg-cache = {tmp_path} can be written to by everybody, '
        'so anybody could put code into your buildouts.\n'
        f'Take that away (chmod o-w {tmp_path}), or choose another directory.'
    )


def refusal(path):
    with pytest.raises(SettingError) as info:
        trust.check(path)
    first, advice = str(info.value).split('\n')
    assert first.startswith(f'egg-cache = {path} can be written to by everybody')
    return advice


@pytest.mark.parametrize('path', ['/tmp', '/var/tmp', '/dev/shm'])
def test_nobody_is_told_to_close_what_is_there_for_everybody(path):
    if not os.path.isdir(path) or not os.stat(path).st_mode & stat.S_IWOTH:
        pytest.skip(f'{path} is not for everybody here')
    assert refusal(Path(path)) == (
        f'Choose a directory below it, such as {path}/eggs, or another one.'
    )


def test_a_sticky_directory_is_left_as_it_is_even_if_it_is_empty_or_a_cache(tmp_path):
    os.chmod(tmp_path, 0o1777)
    (tmp_path / 'CACHEDIR.TAG').write_text(CACHEDIR_TAG)
    advice = refusal(tmp_path)
    # And the advice is good.
    below = tmp_path / 'eggs'
    assert f'such as {below},' in advice
    below.mkdir(mode=0o755)
    trust.check(below)


@pytest.mark.parametrize('has_tag', [True, False])
def test_a_directory_that_holds_other_things_is_left_as_it_is(tmp_path, has_tag):
    os.chmod(tmp_path, 0o777)
    (tmp_path / 'thesis.tex').write_text('')
    if has_tag:
        (tmp_path / 'CACHEDIR.TAG').write_text(CACHEDIR_TAG)
    assert refusal(tmp_path) == (
        'It holds other things: choose a directory that is for the egg cache alone.'
    )


def test_a_cache_of_ones_own_may_be_closed(tmp_path):
    Store(Layout(tmp_path), 'key').prepare()
    os.chmod(tmp_path, 0o777)
    assert refusal(tmp_path).startswith(f'Take that away (chmod o-w {tmp_path})')


def test_a_directory_of_somebody_else_is_left_as_it_is(tmp_path, monkeypatch):
    os.chmod(tmp_path, 0o777)
    owner = os.geteuid()
    monkeypatch.setattr(os, 'geteuid', lambda: owner + 4321)
    assert refusal(tmp_path) == f'It belongs to the user {owner}: choose another directory.'


def test_what_can_not_be_read_is_refused_as_well(tmp_path, monkeypatch):
    os.chmod(tmp_path, 0o777)
    monkeypatch.setattr(os, 'listdir', Mock(side_effect=PermissionError))
    assert refusal(tmp_path).startswith('It holds other things')


def test_nobody_is_told_to_mend_a_directory_above(tmp_path):
    cache = tmp_path / 'above' / 'cache'
    cache.mkdir(parents=True)
    os.chmod(cache.parent, 0o777)
    with pytest.raises(SettingError) as info:
        trust.check(cache)
    first, advice = str(info.value).split('\n')
    assert f'{cache.parent} can be written to by everybody, so somebody else' in first
    assert advice.startswith('Choose another directory: below your home, or where only')


@pytest.mark.parametrize('mode', [0o755, 0o700, 0o775, 0o2775, 0o750, 0o555])
def test_a_directory_of_a_user_or_a_group_is_fine(tmp_path, mode):
    os.chmod(tmp_path, mode)
    trust.check(tmp_path)


def test_a_directory_that_is_not_there_is_fine(tmp_path):
    trust.check(tmp_path / 'nowhere')
    (tmp_path / 'file').touch()
    trust.check(tmp_path / 'file' / 'below')


def test_a_link_counts_as_what_it_points_to(tmp_path):
    target = tmp_path / 'target'
    target.mkdir()
    os.chmod(target, 0o777)
    (tmp_path / 'link').symlink_to(target)
    with pytest.raises(SettingError):
        trust.check(tmp_path / 'link')

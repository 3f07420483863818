"""Trust: can this cache directory be trusted?"""

import os

import pytest

from egg.cache import trust
from egg.cache.errors import SettingError


@pytest.mark.parametrize('mode', [0o777, 0o757, 0o702, 0o1777, 0o773])
def test_a_directory_that_everybody_can_write_to_is_refused(tmp_path, mode):
    os.chmod(tmp_path, mode)
    with pytest.raises(SettingError) as info:
        trust.check(tmp_path)
    assert str(info.value) == (
        f'egg-cache = {tmp_path} can be written to by everybody, '
        'so anybody could put code into your buildouts.\n'
        f'Take that away (chmod o-w {tmp_path}), or choose another directory.'
    )


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

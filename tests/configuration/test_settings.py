"""Settings: what did the user ask for?"""

import os
import sys
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import PROPERTY

from egg.cache.common.errors import SettingError
from egg.cache.configuration import settings
from egg.cache.configuration.settings import Exclusion

MODES = {
    # mode: (is_off, reads, writes, replaces)
    'read-write': (False, True, True, False),
    'read-only': (False, True, False, False),
    'refresh': (False, False, True, True),
    'off': (True, False, False, False),
}
PATTERN_MESSAGE = (
    'egg-cache-exclude holds {!r}, which is not a pattern.\n'
    'Allowed are names with wildcards, each with or without a version specifier '
    'and without blanks in it, such as: my.private.* other==2.*'
)


def parse(base='/somewhere', **options):
    return settings.parse({name.replace('_', '-'): text for name, text in options.items()}, base)


def test_a_directory_alone_means_read_write_without_exclusions(tmp_path):
    parsed = parse(egg_cache=str(tmp_path))
    assert parsed == settings.Settings(tmp_path, 'read-write', (), '')
    assert not parsed.excludes('anything', '1.0')


def test_an_unset_directory_is_the_one_of_the_platform():
    directory = parse().directory
    assert directory == platformdirs.user_cache_path('egg-cache', appauthor=False)
    assert directory.is_absolute()
    assert directory.name == 'egg-cache'


@pytest.mark.skipif(sys.platform != 'linux', reason='XDG is for Linux')
def test_the_default_directory_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert parse().directory == tmp_path / 'egg-cache'


@pytest.mark.parametrize('text', ['', '  ', '\n'])
def test_an_empty_directory_switches_the_cache_off(text):
    parsed = parse(egg_cache=text)
    assert parsed.directory is None
    assert parsed.is_off


@pytest.mark.parametrize(('text', 'expected'), [
    ('cache', '/base/cache'),
    ('./cache/', '/base/cache'),
    ('../cache', '/cache'),
    ('/abs/x/../cache', '/abs/cache'),
    ('~/cache', '/home/somebody/cache'),
    ('~', '/home/somebody'),
    ('  /abs/cache  ', '/abs/cache'),
    ('/with blanks/in it', '/with blanks/in it'),
])  # fmt: skip
def test_paths_are_expanded_against_home_and_buildout_directory(monkeypatch, text, expected):
    monkeypatch.setenv('HOME', '/home/somebody')
    assert parse('/base', egg_cache=text).directory == Path(expected)


def test_a_file_is_no_directory(tmp_path):
    path = tmp_path / 'file'
    path.touch()
    with pytest.raises(SettingError) as info:
        parse(egg_cache=str(path))
    assert str(info.value) == (
        f'egg-cache = {path} is not a directory.\n'
        'Allowed is the path of a directory, which is created when it is missing.'
    )


@pytest.mark.parametrize(('text', 'why'), [
    ('~nobody-knows-them/eggs', 'there is no such user'), ('/a\0b', 'no path has a NUL in it'),
])  # fmt: skip
def test_what_can_not_be_a_path_is_explained(text, why):
    with pytest.raises(SettingError) as info:
        parse(egg_cache=text)
    assert str(info.value) == (
        f'egg-cache = {text!r} is not the path of a directory: {why}.\n'
        'Allowed are absolute and relative paths, ~ and the ~name of a user.'
    )


def test_a_size_below_a_byte_is_not_no_limit():
    with pytest.raises(SettingError, match='egg-cache-max-size = 0.4 B is less than one byte'):
        parse(egg_cache_max_size='0.4 B')


def test_several_directories_are_refused():
    with pytest.raises(SettingError) as info:
        parse(egg_cache='/a\n/b')
    assert str(info.value) == (
        "egg-cache has several lines: '/a\\n/b'.\nAllowed is the path of one directory."
    )


def test_a_directory_that_no_filesystem_can_have_never_is_a_traceback():
    # Whether it is a wrong setting or trouble with the cache, buildout must be able to say so.
    path = '/' + 'x' * 300
    try:
        directory = parse(egg_cache=path).directory
    except SettingError as error:
        assert path in str(error)
    else:
        assert directory == Path(path)


def test_an_unreachable_directory_is_not_the_users_mistake(monkeypatch, tmp_path):
    stat = os.stat

    def refuse(path, *args, **kwargs):
        if str(path) == str(tmp_path / 'private' / 'cache'):
            raise PermissionError(13, 'Permission denied', str(path))
        return stat(path, *args, **kwargs)

    monkeypatch.setattr(os, 'stat', refuse)
    parsed = parse(egg_cache=str(tmp_path / 'private' / 'cache'))
    assert parsed.directory == tmp_path / 'private' / 'cache'


@pytest.mark.parametrize('mode', MODES)
def test_each_mode_tells_what_it_does(tmp_path, mode):
    parsed = parse(egg_cache=str(tmp_path), egg_cache_mode=f' {mode}\n')
    assert parsed.mode == mode
    assert (parsed.is_off, parsed.reads, parsed.writes, parsed.replaces) == MODES[mode]


def test_these_are_all_modes_and_options():
    assert list(settings.MODES) == list(MODES)
    assert settings.OPTIONS == (
        'egg-cache', 'egg-cache-mode', 'egg-cache-exclude', 'egg-cache-key',
        'egg-cache-link-mode', 'egg-cache-lock-timeout', 'egg-cache-max-size',
        'egg-cache-self-contained',
    )  # fmt: skip


@pytest.mark.parametrize(('text', 'expected'), [
    (None, None), ('', None), ('0', None), ('500 B', 500), ('10G', 10 * 10**9),
    ('500 MB', 500 * 10**6), ('1.5 GiB', 3 * 2**29), ('10g', 10 * 10**9),
])  # fmt: skip
def test_the_largest_size_is_read_as_people_write_it(text, expected):
    options = {} if text is None else {'egg_cache_max_size': text}
    assert parse(egg_cache='', **options).max_size == expected


def test_ten_are_not_ten_bytes():
    with pytest.raises(SettingError) as info:
        parse(egg_cache='', egg_cache_max_size=' 10\n')
    assert str(info.value) == (
        'egg-cache-max-size = 10 is no size, as it has no unit: 10 bytes are hardly meant.\n'
        'Did you mean 10G?'
    )


@pytest.mark.parametrize('text', ['much', '10 X', '-1', '1e9'])
def test_a_wrong_size_is_explained(text):
    with pytest.raises(SettingError) as info:
        parse(egg_cache='', egg_cache_max_size=text)
    first, second = str(info.value).split('\n')
    assert first == f'egg-cache-max-size = {text} is not a size.'
    assert second.startswith('Allowed are numbers with the unit B, k, M, G or T')


@pytest.mark.parametrize(('text', 'expected'), [
    ('90', 90.0), ('90 s', 90.0), ('90s', 90.0), ('30 min', 1800.0), ('1.5 h', 5400.0),
    ('0', 0.0), ('0.25', 0.25), (' 7 min\n', 420.0), ('', 1800.0), ('1 minute', 60.0),
])  # fmt: skip
def test_the_lock_timeout_is_a_duration(text, expected):
    assert parse(egg_cache='', egg_cache_lock_timeout=text).lock_timeout == expected


def test_the_lock_timeout_is_half_an_hour():
    assert parse(egg_cache='').lock_timeout == 1800.0


@pytest.mark.parametrize('text', ['-1', 'x', '1 y', 'inf', 'nan', '1e9', '1,5', '.5',
                                  '1 h 5 min', '9' * 16, '\u0661'])  # fmt: skip
def test_what_is_no_duration_is_named(text):
    with pytest.raises(SettingError) as info:
        parse(egg_cache='', egg_cache_lock_timeout=text)
    first, second = str(info.value).split('\n')
    assert first == f'egg-cache-lock-timeout = {text} is not a duration.'
    assert second.startswith('Allowed are seconds, and numbers with the unit s, min, h, d or w')


@pytest.mark.parametrize('text', ['write-only', 'Read-Write', 'readonly', '', 'off on'])
def test_a_wrong_mode_is_named_with_those_allowed(tmp_path, text):
    with pytest.raises(SettingError) as info:
        parse(egg_cache=str(tmp_path), egg_cache_mode=text)
    assert str(info.value) == (
        f'egg-cache-mode = {text} is not a mode.\n'
        'Allowed are: read-write, read-only, refresh, off.'
    )


@pytest.mark.parametrize('option', [
    {'egg_cache_mode': 'x'}, {'egg_cache_exclude': '/'}, {'egg_cache_lock_timeout': 'x'},
])  # fmt: skip
def test_wrong_values_count_when_the_cache_is_off(option):
    with pytest.raises(SettingError):
        parse(egg_cache='', **option)


def test_the_key_is_kept_without_blanks_around_it(tmp_path):
    assert parse(egg_cache=str(tmp_path), egg_cache_key=' debian 12 \n').key == 'debian 12'


@pytest.mark.parametrize(('pattern', 'project', 'version', 'expected'), [
    ('demo', 'demo', '1.0', True),
    ('demo', 'demo2', '1.0', False),
    ('my.private.*', 'my.private.thing', '1.0', True),
    ('my.private.*', 'my.private', '1.0', False),
    ('my.private.*', 'my.privateer', '1.0', False),
    ('my.private.*', 'other.my.private.thing', '1.0', False),
    ('My_Private-Thing', 'my.private.thing', '1.0', True),
    ('my--private', 'MY._PRIVATE', '1.0', True),
    ('zope.?', 'zope.i', '1.0', True),
    ('zope.?', 'zope.ii', '1.0', False),
    ('*', 'whatever', '0', True),
    ('*.egg', 'my.egg', '0', True),
    ('other==2.*', 'other', '2.7', True),
    ('other==2.*', 'other', '2.7rc1', True),
    ('other==2.*', 'Other', '3.0', False),
    ('other==2.*', 'another', '2.0', False),
    ('other>=2,<3', 'other', '2.5.dev0', True),
    ('other>=2,<3', 'other', '3', False),
    ('other!=1.0', 'other', '1.0.0', False),
    ('other~=1.4', 'other', '1.9', True),
    ('*>=2.dev0', 'any', '2.0a1', True),
    ('other===2.0', 'other', '2.0', True),
])  # fmt: skip
def test_exclusions_match(pattern, project, version, expected):
    assert Exclusion.parse(pattern).matches(project, version) is expected


def test_excludes_looks_at_each_exclusion(tmp_path):
    parsed = parse(egg_cache=str(tmp_path), egg_cache_exclude='my.private.*\n    other==2.*  x')
    assert [str(row.name) for row in parsed.exclusions] == ['my-private-*', 'other', 'x']
    assert parsed.excludes('My.Private.Thing', '7')
    assert parsed.excludes('other', '2.1')
    assert not parsed.excludes('other', '1.1')
    assert not parsed.excludes('xy', '1')


@pytest.mark.parametrize('text', [
    'a/b', '-demo', '.demo', 'demo==', 'demo==x.y.z!', 'demo=1', '==1.0', '[ab]', 'demo[extra]',
    'demo;python_version<"3"', 'demo@https://example.com', '>=', 'dëmo',
])  # fmt: skip
def test_what_is_no_exclusion_is_named(tmp_path, text):
    with pytest.raises(SettingError) as info:
        parse(egg_cache=str(tmp_path), egg_cache_exclude=f'good {text}')
    assert str(info.value) == PATTERN_MESSAGE.format(text)


def test_an_exclusion_with_a_blank_is_refused(tmp_path):
    with pytest.raises(SettingError) as info:
        parse(egg_cache=str(tmp_path), egg_cache_exclude='other == 2.*')
    assert str(info.value) == PATTERN_MESSAGE.format('==')


@pytest.mark.parametrize('pattern', ['other==2.*', 'other>1', 'other', 'else'])
def test_a_version_that_is_none_never_is_a_traceback(pattern):
    # zc.buildout 4 with an old setuptools still takes such versions.
    assert Exclusion.parse(pattern).matches('other', '2004d-final') is (pattern == 'other')


NAMES = st.from_regex(r'[a-z0-9]+([-_.]{1,2}[a-z0-9]+){0,3}', fullmatch=True)


@PROPERTY
@given(NAMES, st.sampled_from('-_.'), st.booleans())
def test_a_name_excludes_itself_in_every_spelling(name, separator, upper):
    spelling = name.replace('-', separator).replace('_', separator).replace('.', separator)
    assert Exclusion.parse(name).matches(spelling.upper() if upper else spelling, '1.0')


@PROPERTY
@given(st.text(max_size=20))
def test_any_text_is_exclusions_or_a_setting_error(text):
    try:
        parsed = parse(egg_cache='', egg_cache_exclude=text)
    except SettingError as error:
        assert str(error).startswith('egg-cache-exclude holds ')
    else:
        assert len(parsed.exclusions) == len(text.split())

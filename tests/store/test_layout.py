"""Layout: where is what, below the cache directory?"""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import PROPERTY

from egg.cache.common.errors import CacheError
from egg.cache.store import layout
from egg.cache.store.layout import Layout

SHA256 = '9f2c1e07ab34c8d1' + '0' * 48
CACHE = Layout(Path('/cache'))
HOSTILE = ['', '.', '..', '/', '../x', 'x/y', '/etc', 'x\0', '-x', '.x', 'x y', 'x\n', 'x\\y',
           'é', '~', '~x', 'x' * 201, '\udc80', 'x:y']  # fmt: skip
NAMES = st.one_of(st.text(max_size=30), st.text('aZ09-_./\\~\0+!', max_size=30))
VERSIONS = st.one_of(NAMES, st.from_regex(
    r'v?([0-9]!)?[0-9]{1,3}(\.[0-9]{1,3}){0,2}([-_.]?(a|rc|post|dev)[0-9]?)?(\+[a-z0-9.]{1,5})?',
    fullmatch=True))  # fmt: skip


def test_the_tree_is_that_of_the_documentation():
    environment = Path('/cache/v1/cp312-linux-egg5')
    assert CACHE.tag == Path('/cache/CACHEDIR.TAG')
    assert CACHE.environments == Path('/cache/v1')
    assert [CACHE.tmp, CACHE.locks, CACHE.trash] == [
        Path('/cache/tmp'), Path('/cache/locks'), Path('/cache/trash')
    ]  # fmt: skip
    assert CACHE.environment('cp312-linux-egg5') == environment
    assert CACHE.eggs('cp312-linux-egg5') == environment / 'eggs'
    assert CACHE.project('cp312-linux-egg5', 'Zope.Interface') == (
        environment / 'eggs/zope-interface'
    )
    assert CACHE.entry('cp312-linux-egg5', 'zope.interface', '8.7', SHA256) == (
        environment / 'eggs/zope-interface/8.7/9f2c1e07ab34c8d1'
    )
    assert CACHE.origin('cp312-linux-egg5', '51c0d2e8') == environment / 'origins/51c0d2e8'
    assert CACHE.pin('cp312-linux-egg5', '51c0d2e8', 'zope.interface', '8.7') == (
        environment / 'origins/51c0d2e8/zope-interface-8.7'
    )
    assert CACHE.lock('cp312-linux-egg5', SHA256) == (
        Path('/cache/locks/cp312-linux-egg5-9f2c1e07ab34c8d1.lock')
    )


def test_the_cache_directory_tag_is_the_one_that_backup_programs_know():
    assert layout.CACHEDIR_TAG.startswith('Signature: 8a477f597d28d172789f06886806bc55\n')


@pytest.mark.parametrize(('version', 'expected'), [
    ('1.0', '1.0'), ('v1.0', '1.0'), ('1.0-1', '1.0.post1'), ('1.0alpha2', '1.0a2'),
    ('1.0.DEV3', '1.0.dev3'), ('1.0+Local-7', '1.0+local.7'), ('1!2', '1!2'), (' 1.0\n', '1.0'),
    ('01.00', '1.0'), ('1.0.0', '1.0.0'), ('1.0c1', '1.0rc1'),
])  # fmt: skip
def test_versions_have_one_normal_form(version, expected):
    assert layout.version_name(version) == expected


@pytest.mark.parametrize('version', [*HOSTILE, 'one', '1.0/..', '2004d', '1' * 201])
def test_what_is_not_a_version_is_refused(version):
    with pytest.raises(CacheError) as info:
        layout.version_name(version)
    assert str(info.value).endswith('that the egg cache can keep.')
    assert repr(version.strip()) in str(info.value) or repr(version) in str(info.value)


def test_a_version_with_thousands_of_digits_is_refused():
    # Python refuses to convert so many to a number: a ValueError of its own.
    with pytest.raises(CacheError):
        layout.version_name('9' * 5000)


@pytest.mark.parametrize('name', HOSTILE)
def test_what_is_not_one_safe_component_is_refused(name):
    with pytest.raises(CacheError) as info:
        layout.component(name)
    assert str(info.value) == f'{name!r} is not a name that the egg cache can keep.'
    for make in (CACHE.environment, CACHE.eggs, lambda name: CACHE.origin('k', name),
                 lambda name: CACHE.lock(name, SHA256)):  # fmt: skip
        with pytest.raises(CacheError):
            make(name)


def test_two_hundred_characters_are_kept():
    assert layout.component('x' * 200) == 'x' * 200


@PROPERTY
@given(NAMES, VERSIONS)
def test_an_entry_is_below_the_cache_or_refused(project, version):
    try:
        path = CACHE.entry('key', project, version, SHA256)
    except CacheError:
        return
    assert os.path.normpath(path) == str(path)
    assert path.parents[2] == CACHE.eggs('key')
    assert path.name == SHA256[:16]


@PROPERTY
@given(NAMES, VERSIONS)
def test_a_pin_is_below_its_origin_or_refused(project, pin):
    try:
        path = CACHE.pin('key', 'origin', project, pin)
    except CacheError:
        return
    assert os.path.normpath(path) == str(path)
    assert path.parent == CACHE.origin('key', 'origin')


@PROPERTY
@given(st.from_regex(r'[a-z0-9](-[a-z0-9]+)?', fullmatch=True), VERSIONS,
       st.from_regex(r'[a-z0-9](-[a-z0-9]+)?', fullmatch=True), VERSIONS)  # fmt: skip
def test_different_pins_have_different_names(project, pin, other, other_pin):
    try:
        one, two = layout.version_name(pin), layout.version_name(other_pin)
    except CacheError:
        return
    same = CACHE.pin('k', 'o', project, pin) == CACHE.pin('k', 'o', other, other_pin)
    assert same == ((project, one) == (other, two))

"""Environment: on what does the compatibility of an egg depend?"""

import dataclasses
import platform
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging import tags
from support.properties import PROPERTY

from egg.cache.environment import environment
from egg.cache.environment.environment import BUILD_VARIABLES, Environment
from egg.cache.store import layout

PLAIN = Environment('cp312', 'manylinux_2_36_x86_64', 5)
TEXTS = st.text(st.characters(blacklist_categories=['Cs']), max_size=10)


def with_tags(monkeypatch, tag, platforms=('linux_x86_64',)):
    monkeypatch.setattr(tags, 'sys_tags', lambda: iter([tag]))
    monkeypatch.setattr(tags, 'platform_tags', lambda: iter(platforms))
    return environment.current('6.0.1', environ={})


def test_a_plain_environment_can_be_read_in_its_key():
    assert PLAIN.key == 'cp312-manylinux_2_36_x86_64-egg5'


def test_variables_and_user_key_add_a_digest():
    keys = [
        dataclasses.replace(PLAIN, variables={'CC': 'clang'}).key,
        dataclasses.replace(PLAIN, user_key='debian 12').key,
        dataclasses.replace(PLAIN, variables={'CC': 'clang'}, user_key='debian 12').key,
    ]
    assert len(set(keys)) == 3
    for key in keys:
        name, _, digest = key.rpartition('-')
        assert name == PLAIN.key
        assert len(digest) == 16
        assert set(digest) <= set('0123456789abcdef')


@pytest.mark.parametrize('change', [
    {'tag': 'cp313'}, {'tag': 'cp312d'}, {'tag': 'cp313t'}, {'platform': 'musllinux_1_2_x86_64'},
    {'platform': 'manylinux_2_17_x86_64'}, {'egg_format': 4}, {'user_key': 'x'},
    *({'variables': {name: '1'}} for name in BUILD_VARIABLES),
])  # fmt: skip
def test_each_part_of_an_environment_changes_the_key(change):
    assert dataclasses.replace(PLAIN, **change).key != PLAIN.key


def test_the_order_of_variables_does_not_change_the_key():
    one = dataclasses.replace(PLAIN, variables={'CC': '1', 'CXX': '2'})
    other = dataclasses.replace(PLAIN, variables={'CXX': '2', 'CC': '1'})
    assert one.key == other.key


@PROPERTY
@given(st.dictionaries(st.sampled_from(BUILD_VARIABLES), TEXTS), TEXTS,
       st.dictionaries(st.sampled_from(BUILD_VARIABLES), TEXTS), TEXTS)  # fmt: skip
def test_keys_are_the_same_only_for_the_same_environment(variables, key, others, other_key):
    one = dataclasses.replace(PLAIN, variables=variables, user_key=key)
    other = dataclasses.replace(PLAIN, variables=others, user_key=other_key)
    assert (one.key == other.key) == ((variables, key) == (others, other_key))
    assert layout.component(one.key) == one.key


@PROPERTY
@given(st.binary(max_size=8))
def test_a_variable_that_is_not_utf_8_has_a_key(value):
    text = value.decode('utf-8', 'surrogateescape')
    key = dataclasses.replace(PLAIN, variables={'CC': text}).key
    assert layout.component(key) == key


def test_describe_tells_what_the_key_was_made_of():
    full = Environment('cp313t', 'musllinux_1_2_aarch64', 4, {'CC': 'clang'}, 'mine')
    assert full.describe() == {
        'tag': 'cp313t',
        'platform': 'musllinux_1_2_aarch64',
        'egg-format': 4,
        'variables': {'CC': 'clang'},
        'egg-cache-key': 'mine',
    }


def test_current_is_this_interpreter():
    current = environment.current('6.0.1', 'mine', environ={})
    digits = ''.join(map(str, sys.version_info[:2]))
    assert current.tag.endswith(f'p{digits}{getattr(sys, "abiflags", "")}')
    assert current.platform.endswith(platform.machine())
    assert current.egg_format == 5
    assert current.user_key == 'mine'
    assert current.variables == {}


@pytest.mark.parametrize(('version', 'expected'), [
    ('3.4.0', 4), ('4.2.1', 4), ('5.0.0', 5), ('5.2.0', 5), ('6.0.1', 5), ('6.0.0b1', 5),
    ('10.0', 5),
])  # fmt: skip
def test_the_egg_format_follows_the_version_of_buildout(version, expected):
    assert environment.current(version, environ={}).egg_format == expected


@pytest.mark.parametrize(('interpreter', 'abi', 'expected'), [
    ('cp312', 'cp312', 'cp312'),
    ('cp313', 'cp313t', 'cp313t'),
    ('cp312', 'cp312d', 'cp312d'),
    ('pp310', 'pypy310_pp73', 'pp310_pypy310_pp73'),
])  # fmt: skip
def test_the_tag_names_the_abi(monkeypatch, interpreter, abi, expected):
    current = with_tags(monkeypatch, tags.Tag(interpreter, abi, 'linux_x86_64'))
    assert current.tag == expected
    assert layout.component(current.key) == current.key


@pytest.mark.parametrize(('platforms', 'expected'), [
    (['manylinux_2_36_x86_64', 'manylinux_2_35_x86_64', 'linux_x86_64'], 'manylinux_2_36_x86_64'),
    (['linux_x86_64', 'manylinux_2_36_x86_64'], 'manylinux_2_36_x86_64'),
    (['linux_x86_64', 'musllinux_1_2_x86_64'], 'musllinux_1_2_x86_64'),
    (['macosx_14_0_arm64', 'macosx_13_0_arm64'], 'macosx_14_0_arm64'),
    (['linux_x86_64'], 'linux_x86_64'),
])  # fmt: skip
def test_the_platform_names_the_libc(monkeypatch, platforms, expected):
    tag = tags.Tag('cp312', 'cp312', platforms[0])
    assert with_tags(monkeypatch, tag, platforms).platform == expected


@pytest.mark.parametrize('name', BUILD_VARIABLES)
def test_each_build_variable_that_is_set_counts(name):
    plain = environment.current('6.0.1', environ={'PATH': '/bin', 'HOME': '/'})
    assert plain.variables == {}
    changed = environment.current('6.0.1', environ={'PATH': '/bin', name: '-O3'})
    assert changed.variables == {name: '-O3'}
    assert changed.key != plain.key


def test_the_process_environment_is_looked_at(monkeypatch):
    for name in BUILD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('CFLAGS', '-g')
    assert environment.current('6.0.1').variables == {'CFLAGS': '-g'}


@pytest.mark.parametrize('value', ['/bin/false', 'false', '/usr/bin/false', ' /bin/false '])
@pytest.mark.parametrize('name', ['CC', 'CXX'])
def test_a_compiler_that_is_false_does_not_change_the_key(name, value):
    environ = {name: value, 'CFLAGS': '-g'}
    assert environment.current('6.0.1', environ=environ).variables == {'CFLAGS': '-g'}


@pytest.mark.parametrize('environ', [
    {'CC': 'gcc'}, {'CC': ''}, {'CC': '/bin/falsey'}, {'CC': '/not/here'}, {'LDFLAGS': 'false'},
])  # fmt: skip
def test_any_other_compiler_does(environ):
    assert environment.current('6.0.1', environ=environ).variables == environ


@pytest.mark.parametrize(('text', 'environ', 'expected'), [
    ('[global]\nno-compile = yes\n', {}, {'PIP_NO_COMPILE': 'yes'}),
    ('[install]\ncompile = no\n', {'PIP_NO_COMPILE': '1'},
     {'PIP_COMPILE': 'no', 'PIP_NO_COMPILE': '1'}),
    ('[install]\nno-compile = no\n', {'PIP_NO_COMPILE': 'yes'}, {'PIP_NO_COMPILE': 'yes'}),
    ('no section', {}, {}),
])  # fmt: skip
def test_what_pip_compiles_counts_from_its_files_too(tmp_path, text, environ, expected):
    path = tmp_path / 'pip.conf'
    path.write_text(text)
    environ = {'PIP_CONFIG_FILE': str(path), **environ}
    assert environment.build_variables(environ) == expected


def test_only_what_is_built_from_source_has_the_options_of_such_builds():
    assert PLAIN.for_sources({}) is PLAIN
    other = PLAIN.for_sources({'PIP_PRE': 'yes'})
    assert other.variables == {'PIP_PRE': 'yes'}
    assert other.key != PLAIN.key


@pytest.mark.parametrize('name', [*BUILD_VARIABLES, 'PIP_ANYTHING', 'PATH', 'HOME'])
def test_each_variable_that_may_count_is_an_input(name):
    assert environment.inputs({name: 'x', 'EDITOR': 'vi'}) == ((name, 'x'),)

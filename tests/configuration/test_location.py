"""The location: which directory is the egg cache, and who says so."""

import os

import pytest
from support.command import answer, run
from support.eggs import new_store

from egg.cache.configuration import settings
from egg.cache.store import ownership
from egg.cache.store.layout import CACHEDIR_TAG, Layout


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home directory, a current directory, and nothing that names a cache."""
    path = tmp_path / 'home'
    path.mkdir()
    monkeypatch.setenv('HOME', str(path))
    for name in ('EGG_CACHE', 'BUILDOUT_HOME', 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)
    here = tmp_path / 'here'
    here.mkdir()
    monkeypatch.chdir(here)
    return path


@pytest.fixture
def here(home):
    return home.with_name('here')


def configure(here, text):
    (here / 'buildout.cfg').write_text(f'[buildout]\n{text}\n')
    return here / 'buildout.cfg'


def user_defaults(home, text):
    (home / '.buildout').mkdir()
    (home / '.buildout/default.cfg').write_text(f'[buildout]\n{text}\n')
    return home / '.buildout/default.cfg'


def said(capsys, *arguments):
    document = answer(capsys, 'dir', *arguments)
    status, output, errors = run(capsys, 'dir', *arguments)
    assert (status, output) == (0, f'{document["directory"]}\n')
    assert document['source'] in errors
    return document['directory'], document['source']


# In this order


def test_the_argument_comes_first_then_the_variable_the_buildout_the_user_the_default(
    capsys, home, here, monkeypatch
):
    assert said(capsys) == (str(settings.default_directory()), 'default')
    path = user_defaults(home, 'egg-cache = /of/the/user')
    assert said(capsys) == ('/of/the/user', str(path))
    path = configure(here, 'egg-cache = of/the/buildout')
    assert said(capsys) == (f'{here}/of/the/buildout', str(path))
    monkeypatch.setenv('EGG_CACHE', '~/of/the/environment')
    assert said(capsys) == (f'{home}/of/the/environment', 'EGG_CACHE')
    assert said(capsys, '--cache', 'x/../argument') == (f'{here}/argument', '--cache')


def test_an_empty_variable_names_nothing(capsys, monkeypatch):
    monkeypatch.setenv('EGG_CACHE', '')
    assert said(capsys)[1] == 'default'


def test_a_buildout_that_names_none_has_the_default(capsys, here):
    configure(here, 'parts =')
    assert said(capsys) == (str(settings.default_directory()), 'default')


def test_what_names_a_cache_is_asked_before_a_broken_configuration(capsys, here, monkeypatch):
    configure(here, 'extends = missing.cfg')
    assert said(capsys, '--cache', '/x') == ('/x', '--cache')
    monkeypatch.setenv('EGG_CACHE', '/y')
    assert said(capsys) == ('/y', 'EGG_CACHE')


# What is no directory


def test_an_empty_argument_is_status_2(capsys):
    assert run(capsys, 'list', '--cache', '') == (2, '', 'The argument of --cache is empty.\n')


def test_a_broken_configuration_is_one_message(capsys, here):
    path = configure(here, 'extends = missing.cfg')
    status, output, errors = run(capsys, 'list')
    assert (status, output) == (1, '')
    assert errors.startswith(f"{path} can't be read: FileNotFoundError: ")
    assert 'Traceback' not in errors


def test_a_cache_that_is_switched_off_is_no_directory(capsys, here):
    path = configure(here, 'egg-cache =')
    assert run(capsys, 'dir') == (
        1, '', (f'The egg cache is switched off: egg-cache is empty in {path}.\n'
        'Name one with --cache DIR.\n')
    )  # fmt: skip


def test_a_directory_that_only_a_run_knows_is_said_to_be_so(capsys, here):
    path = configure(here, 'egg-cache = ${app:location}\n[app]\nrecipe = x')
    assert run(capsys, 'dir') == (
        1, '', (f'egg-cache = ${{app:location}} in {path}: that is known in a run only.\n'
        'Name the egg cache with --cache DIR.\n')
    )  # fmt: skip


def test_a_wrong_value_is_status_2(capsys, here):
    configure(here, 'egg-cache = buildout.cfg')
    status, output, errors = run(capsys, 'dir')
    assert (status, output) == (2, '')
    assert errors.startswith('egg-cache = buildout.cfg is not a directory.')


def test_a_file_in_the_variable_is_status_2(capsys, here, monkeypatch):
    path = configure(here, '')
    monkeypatch.setenv('EGG_CACHE', str(path))
    assert run(capsys, 'dir')[::2] == (
        2, f'{path} (EGG_CACHE) is not a directory. Name the egg cache with --cache DIR.\n'
    )  # fmt: skip


# What is there


@pytest.mark.parametrize(('make', 'expected'), [
    (lambda path: None, 'missing'),
    (lambda path: os.symlink('nowhere', path), 'missing'),
    (lambda path: path.mkdir(), 'empty'),
    (lambda path: (path.mkdir(), (path / 'README').touch()), 'foreign'),
    (lambda path: (path.mkdir(), (path / 'CACHEDIR.TAG').write_text('of others')), 'foreign'),
    (lambda path: (path.mkdir(), (path / 'CACHEDIR.TAG').mkdir()), 'foreign'),
    (lambda path: (path.mkdir(), (path / 'CACHEDIR.TAG').write_text(CACHEDIR_TAG)), 'cache'),
    (lambda path: (path / 'v1/key/eggs').mkdir(parents=True), 'cache'),
    (new_store, 'cache'),
])  # fmt: skip
def test_what_is_there_is_told_apart(tmp_path, make, expected):
    make(tmp_path / 'cache')
    assert ownership.state(Layout(tmp_path / 'cache')) == expected


def test_a_missing_cache_is_named_with_who_named_it(capsys, here):
    path = configure(here, 'egg-cache = /no/such')
    assert run(capsys, 'list') == (
        0, '', f'There is no egg cache yet: /no/such (named by {path}).\n'
    )  # fmt: skip


def test_a_missing_default_is_called_so(capsys):
    assert run(capsys, 'list') == (
        0, '', f'There is no egg cache yet: {settings.default_directory()} (the default).\n'
    )  # fmt: skip

"""The manual of the command, docs/command.rst, says what is."""

import argparse
import functools
import json
import os
import re
from pathlib import Path

import pytest
from support import command
from support.command import answer, assert_documented
from support.eggs import ENVIRONMENT, KEY, add, new_store, overwrite, write_egg
from support.eggs import manifest as new_manifest

from egg.cache import cli
from egg.cache.stats import history
from egg.cache.store.layout import ENVIRONMENT as ENVIRONMENT_NAME

VERBS = pytest.mark.parametrize('verb', cli.VERBS, ids=lambda verb: verb.NAME)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache with a sound entry of everything, and two that are damaged."""
    store = new_store(tmp_path / 'cache')
    description = {**ENVIRONMENT.describe(), 'variables': {'CC': 'clang'}}
    path = store.layout.environment(KEY) / ENVIRONMENT_NAME
    path.write_text(json.dumps(description))
    egg = write_egg(tmp_path / 'egg')
    os.symlink('__init__.py', egg / 'demo/link')
    store.add(new_manifest(egg), egg)
    overwrite(add(store, tmp_path / 'old', 'demo', '0.9').path / 'entry.json', b'')
    overwrite(add(store, tmp_path / 'other', 'other').egg / 'other/__init__.py', b'')
    monkeypatch.setattr(history, 'uses', lambda *args: {'/home/ada/one': 0.0})
    return store.layout.root


@functools.cache
def compared():
    """Return the verbs that are an argument of assert_documented in any test."""
    tests = [path.read_text('utf-8') for path in Path(__file__).parents[1].rglob('test_*.py')]
    return {name for text in tests for name in re.findall(r"assert_documented\('([\w-]+)'", text)}


@VERBS
def test_each_verb_has_its_section_with_its_examples(verb):
    text = command.section(verb.NAME)
    for line in verb.EXAMPLE.splitlines():
        assert line in text


def understood(verb):
    """Return the arguments of a verb as its help has them, but for what all verbs understand."""
    parser = argparse.ArgumentParser(add_help=False)
    verb.add_arguments(parser)
    for action in parser._actions:
        value = action.metavar or ('|'.join(action.choices) if action.choices else
                                   action.dest.upper() * (action.nargs != 0))  # fmt: skip
        value += ' ...' * (action.nargs == '+')
        for name in action.option_strings or ['']:
            yield f'{name} {value}'.strip()


@VERBS
def test_each_section_has_the_arguments_of_the_parser(verb):
    assert command.arguments(verb.NAME) == list(understood(verb))


def test_the_table_leads_to_each_verb():
    table = command.MANUAL.read_text('utf-8').partition('\nWhich cache\n')[0]
    assert sorted(re.findall(r':ref:`([\w-]+)\s+<\1>`', table)) == sorted(
        verb.NAME for verb in cli.VERBS)  # fmt: skip


@VERBS
def test_the_fields_of_each_verb_are_compared_somewhere(verb):
    assert verb.NAME in compared(), f"no test calls assert_documented('{verb.NAME}', ...)"


def test_no_section_is_about_a_verb_that_is_not_there():
    titles = re.findall(r'^(\S+)\n-+\n', command.MANUAL.read_text('utf-8'), re.M)
    assert set(titles) <= {verb.NAME for verb in cli.VERBS}


def test_fields_of_dir(capsys, cache):
    assert_documented('dir', answer(capsys, 'dir', '--cache', cache))


def test_fields_of_list(capsys, cache):
    assert_documented('list', answer(capsys, 'list', '--cache', cache))


def test_fields_of_show(capsys, cache):
    document = answer(capsys, 'show', 'demo', '--files', '--cache', cache, status=1)
    assert_documented('show', document)


def test_fields_of_verify(capsys, cache):
    (cache / 'trash').rmdir()
    os.symlink('tmp', cache / 'trash')
    assert_documented('verify', answer(capsys, 'verify', '--repair', '--cache', cache, status=1))


def test_fields_of_completion(capsys):
    assert_documented('completion', answer(capsys, 'completion', 'zsh'))


# The comparison itself


@pytest.mark.parametrize('document', [
    {'directory': '/x'}, {'directory': '/x', 'source': 'y', 'more': 1},
    {'directory': '/x', 'source': [{'deep': 1}]},
])  # fmt: skip
def test_a_field_too_much_or_too_little_is_found(document):
    with pytest.raises(AssertionError, match=r'command\.rst'):
        assert_documented('dir', document)


def test_fields_are_named_by_their_way():
    assert list(command.fields({'a': [{'b': 1}, {'c': {'d': []}}], 'e': 2})) == [
        'a', 'a[].b', 'a[].c', 'a[].c.d', 'e']  # fmt: skip

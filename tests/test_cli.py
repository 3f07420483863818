"""The command: which verb is asked for, and of which cache?"""

import itertools
import json
import os
import shlex
import sys
from importlib.metadata import version

import pytest
from support import processes, trees
from support.command import run
from support.eggs import KEY, add, flip, new_store

from egg.cache import cli
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import location
from egg.cache.store.store import Entry

COMMAND = 'import sys\nfrom egg.cache.cli import main\nsys.exit(main(sys.argv[1:]))'
VERBS = pytest.mark.parametrize('verb', cli.VERBS, ids=lambda verb: verb.NAME)
READERS = ('dir', 'list', 'verify')


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A directory without a configuration, and a user without one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    for name in ('EGG_CACHE', 'BUILDOUT_HOME', 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / 'cache'


@pytest.fixture
def full(cache, tmp_path):
    """A cache with two eggs."""
    store = new_store(cache)
    add(store, tmp_path / 'one', 'Demo', '1.0')
    add(store, tmp_path / 'two', 'zope.interface', '8.7')
    return cache


def examples(verb):
    """Return the arguments of each example of a verb."""
    found = []
    for line in verb.EXAMPLE.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(itertools.takewhile(lambda word: word not in ('>', '|', '&&', ';'), lexer))
        if words[:1] == ['egg-cache']:
            found.append(words[1:])
    return found


# Every verb


@VERBS
def test_help_of_each_verb_ends_with_its_example(capsys, verb):
    status, output, errors = run(capsys, verb.NAME, '--help')
    assert (status, errors) == (0, '')
    assert output.startswith(f'usage: egg-cache {verb.NAME} ')
    assert output.partition('\nExample:\n')[2] == ''.join(
        f'  {line}\n' for line in verb.EXAMPLE.splitlines()
    )  # fmt: skip
    assert '--cache DIR' in output
    assert '--json' in output


@VERBS
def test_each_example_is_understood(verb):
    assert examples(verb)
    for words in examples(verb):
        assert cli.parser().parse_args(words).verb is verb


@VERBS
def test_help_names_each_verb_in_one_line(capsys, verb):
    status, output, _ = run(capsys, '--help')
    assert status == 0
    assert f'    {verb.NAME}' in output
    assert ' '.join(verb.HELP.split()) in ' '.join(output.split()).replace('- ', '-')
    assert '\n' not in verb.HELP
    assert not verb.HELP.endswith('.')


@pytest.mark.parametrize('verb', [
    verb for verb in cli.VERBS if getattr(verb, 'CACHE', location.CHECKED) == location.CHECKED
], ids=lambda verb: verb.NAME)  # fmt: skip
def test_a_directory_of_something_else_is_left_alone(capsys, cache, verb):
    cache.mkdir()
    (cache / 'thesis.txt').write_text('of many years')
    before = trees.snapshot(cache)
    for words in examples(verb):
        assert run(capsys, '--cache', cache, *words) == (
            1, '',
            (f'{cache} (named by --cache) is not an egg cache: it holds other things, which are '
            'left alone.\nName the egg cache with --cache DIR.\n'),
        )  # fmt: skip
    assert trees.differences(before, trees.snapshot(cache)) == []


def test_names_of_verbs_are_unique():
    names = [verb.NAME for verb in cli.VERBS]
    assert len(set(names)) == len(names)


# Which cache


@pytest.mark.parametrize('arguments', [
    ['--cache', '{}', 'dir'], ['dir', '--cache', '{}'], ['--cache={}', 'dir'],
    ['--cache', '/elsewhere', 'dir', '--cache', '{}'],
])  # fmt: skip
def test_the_cache_is_named_before_or_after_the_verb(capsys, cache, arguments):
    arguments = [argument.format(cache) for argument in arguments]
    assert run(capsys, *arguments) == (0, f'{cache}\n', '(named by --cache)\n')


@pytest.mark.parametrize('arguments', [['--json', 'dir'], ['dir', '--json']])
def test_json_is_asked_for_before_or_after_the_verb(capsys, cache, arguments):
    status, output, errors = run(capsys, *arguments, '--cache', cache)
    assert (status, errors) == (0, '')
    assert json.loads(output) == {'directory': str(cache), 'source': '--cache'}


@pytest.mark.parametrize('verb', READERS)
def test_no_verb_creates_anything(capsys, cache, verb):
    run(capsys, verb, '--cache', cache)
    assert not cache.exists()


@pytest.mark.parametrize('verb', READERS)
def test_no_verb_that_reads_changes_the_cache(capsys, full, verb):
    [path] = (full / 'v1' / KEY / 'eggs' / 'demo').glob('*/*')
    flip(Entry(path).egg / 'Demo/__init__.py')
    before = trees.snapshot(full)
    run(capsys, verb, '--cache', full)
    assert trees.differences(before, trees.snapshot(full)) == []


# Wrong arguments, and trouble


@pytest.mark.parametrize('arguments', [[], ['nonsense'], ['dir', 'x'], ['--nonsense', 'list'],
                                       ['list', '--cache']])  # fmt: skip
def test_wrong_arguments_are_status_2(capsys, arguments):
    status, output, errors = run(capsys, *arguments)
    assert (status, output) == (2, '')
    assert errors.startswith('usage: egg-cache ')


@pytest.mark.parametrize('verb', READERS)
def test_a_file_is_no_cache(capsys, tmp_path, verb):
    path = tmp_path / 'file'
    path.touch()
    assert run(capsys, verb, '--cache', path) == (
        2, '', f'{path} (--cache) is not a directory. Name the egg cache with --cache DIR.\n'
    )  # fmt: skip


def test_a_directory_that_no_filesystem_can_have_is_no_traceback(capsys):
    status, output, errors = run(capsys, 'list', '--cache', '/' + 'x' * 300)
    assert (status, output) == (1, '')
    assert errors.startswith('That failed: ')
    assert 'File name too long: ' in errors


@pytest.mark.parametrize(('error', 'expected'), [
    (SettingError('That is no size.'), (2, '', 'That is no size.\n')),
    (CacheError('It is gone.'), (1, '', 'It is gone.\n')),
    (PermissionError(13, 'Permission denied', '/x'),
     (1, '', 'That failed: Permission denied: /x.\n')),
    (OSError(28, 'No space left on device'), (1, '', 'That failed: No space left on device.\n')),
    (KeyboardInterrupt(), (130, '', '')),
])  # fmt: skip
def test_trouble_is_a_message_and_a_status(capsys, full, monkeypatch, error, expected):
    def fail(path):
        raise error

    monkeypatch.setattr(os, 'listdir', fail)
    assert run(capsys, 'list', '--cache', full) == expected


@VERBS
@pytest.mark.parametrize(('error', 'status', 'text'), [
    (SettingError('That is no size.'), 2, 'That is no size.'),
    (CacheError('It is gone.'), 1, 'It is gone.'),
    (PermissionError(13, 'Permission denied', '/x'), 1, 'That failed: Permission denied: /x.'),
    (KeyboardInterrupt(), 130, 'It was interrupted.'),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_what_fails_is_a_document_of_each_verb(capsys, cache, monkeypatch, verb, error, status,
                                               text):  # fmt: skip
    def fail(*arguments):
        raise error

    monkeypatch.setattr(verb, 'run', fail)
    words = ['--cache', cache, *examples(verb)[0], '--json']
    found, output, errors = run(capsys, *words)
    assert (found, json.loads(output)) == (status, {'error': text})
    assert status == 130 or errors.endswith(f'{text}\n')


@VERBS
@pytest.mark.parametrize('option', ['--json', '--js'])
def test_wrong_arguments_are_a_document_of_each_verb(capsys, verb, option):
    for words in ([option, verb.NAME, '--nonsense'], [verb.NAME, '--nonsense', 'x', option]):
        status, output, errors = run(capsys, *words)
        assert status == 2
        assert json.loads(output) == {'error': errors.rstrip('\n')}
        assert errors.startswith('usage: egg-cache ')


@pytest.mark.parametrize('words', [
    ['list', '--cache', 'file'], ['list', '--cache', 'foreign'], ['prune', '--max-size', '10'],
    ['remove', 'demo'], ['add', 'nowhere'], ['why', '=='], ['check', 'nowhere'],
    ['pack', 'nowhere'], ['install', 'nowhere', 'x'], ['rollback', 'nowhere'], ['sbom', 'nowhere'],
    ['bootstrap-script', 'nowhere'], ['completion', 'fish'], ['clear'], ['nonsense'], [],
])  # fmt: skip
def test_what_really_fails_is_a_document(capsys, full, tmp_path, words):
    (tmp_path / 'file').touch()
    (tmp_path / 'foreign').mkdir()
    (tmp_path / 'foreign/thesis.tex').touch()
    status, output, errors = run(capsys, '--cache', full, '--json', *words)
    assert status in (1, 2)
    assert json.loads(output) == {'error': errors.rstrip('\n')}


def test_there_is_one_document_even_if_what_comes_later_fails(capsys, full, monkeypatch):
    class Fails:
        def __call__(self, options, layout, console):
            console.answer({'done': True})
            raise CacheError('It is gone.')

    monkeypatch.setattr(cli.listing, 'run', Fails())
    status, output, errors = run(capsys, '--cache', full, '--json', 'list')
    assert (status, json.loads(output), errors) == (1, {'done': True}, 'It is gone.\n')


def test_version(capsys):
    assert run(capsys, '--version') == (0, f'egg-cache {version("egg.cache")}\n', '')


def test_names_that_are_no_utf_8_can_be_printed(cache, tmp_path):
    egg = add(new_store(cache), tmp_path).egg
    try:
        (egg / os.fsdecode(b'caf\xe9')).touch()
    except OSError:
        pytest.skip('this filesystem has no such names')
    environ = {'PYTHONIOENCODING': 'utf-8:strict', 'PYTHONUTF8': '0'}
    status, output, errors = processes.run(
        COMMAND, 'verify', '--cache', cache, environ=environ, errors='replace'
    )
    assert (status, errors) == (1, f'1 egg checked in {cache}, 1 damaged.\n')
    assert output.startswith('demo 1.0: caf\\udce9: expected nothing')


@pytest.mark.skipif(sys.platform == 'win32', reason='pipes')
@pytest.mark.parametrize('unbuffered', ['', '1'])
@pytest.mark.parametrize('verb', ['dir', 'list'])
def test_a_reader_that_has_seen_enough_is_no_trouble(full, verb, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    environ = {'PYTHONUNBUFFERED': unbuffered}
    with processes.start(
        COMMAND, '--cache', full, verb, '--json', stdout=writing, environ=environ
    ) as child:
        os.close(writing)
        _, errors = child.communicate(timeout=processes.TIMEOUT)
    assert (child.returncode, errors) == (0, '')


def test_without_a_configuration_zc_buildout_is_not_even_imported(full):
    script = """
import sys
from egg.cache.cli import main
main(sys.argv[1:])
slow = {'zc', 'pkg_resources', 'rich', 'shtab', 'setuptools', 'pip'}
print([name for name in sys.modules if name.split('.')[0] in slow])
"""
    status, output, _ = processes.run(script, 'dir')
    assert (status, output.splitlines()[1]) == (0, '[]')

"""The command: what is in this egg cache, and is it sound?"""

import os
import sys

import pytest
from support import processes, trees
from support.eggs import KEY, add, flip, new_store, overwrite

from egg.cache import cli, settings
from egg.cache.store import Entry

COMMAND = 'import sys\nfrom egg.cache.cli import main\nsys.exit(main(sys.argv[1:]))'
OTHER_KEY = 'cp39-manylinux_2_36_x86_64-egg5'


@pytest.fixture
def cache(tmp_path):
    return tmp_path / 'cache'


@pytest.fixture
def full(cache, tmp_path):
    """A cache with three eggs in two environments."""
    store = new_store(cache)
    add(store, tmp_path / 'one', 'Demo', '1.0')
    add(store, tmp_path / 'two', 'zope.interface', '8.7', files={'x': b'x' * 12_345})
    add(new_store(cache, OTHER_KEY), tmp_path / 'three', 'Demo', '1.0')
    return cache


def run(capsys, *arguments):
    status = cli.main(list(map(str, arguments)))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def refuse(capsys, *arguments):
    with pytest.raises(SystemExit) as info:
        cli.main(list(map(str, arguments)))
    captured = capsys.readouterr()
    return info.value.code, captured.out, captured.err


def entry(cache, project='demo'):
    [path] = (cache / 'v1' / KEY / 'eggs' / project).glob('*/*')
    return Entry(path)


# Which cache


@pytest.mark.parametrize('arguments', [
    ['--cache', '{}', 'dir'], ['dir', '--cache', '{}'], ['--cache={}', 'dir'],
    ['--cache', '/elsewhere', 'dir', '--cache', '{}'],
])  # fmt: skip
def test_the_cache_is_named_before_or_after_the_command(capsys, cache, arguments):
    arguments = [argument.format(cache) for argument in arguments]
    assert run(capsys, *arguments) == (0, f'{cache}\n', '')


def test_dir_is_the_default_directory(capsys):
    assert run(capsys, 'dir') == (0, f'{settings.default_directory()}\n', '')


def test_the_cache_may_be_relative_or_at_home(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert run(capsys, 'dir', '--cache', 'x/../y') == (0, f'{tmp_path}/y\n', '')
    assert run(capsys, 'dir', '--cache', '~/y') == (0, f'{tmp_path}/home/y\n', '')


def test_no_command_creates_anything(capsys, cache):
    for command in ('dir', 'list', 'verify'):
        run(capsys, command, '--cache', cache)
    assert not cache.exists()


def test_no_command_changes_the_cache(capsys, full):
    flip(entry(full).egg / 'Demo/__init__.py')
    before = trees.snapshot(full)
    for command in ('dir', 'list', 'verify'):
        run(capsys, command, '--cache', full)
    assert trees.differences(before, trees.snapshot(full)) == []


# Wrong arguments


@pytest.mark.parametrize('arguments', [[], ['nonsense'], ['list', 'x'], ['--nonsense', 'list'],
                                       ['list', '--cache']])  # fmt: skip
def test_wrong_arguments_are_status_2(capsys, arguments):
    status, output, errors = refuse(capsys, *arguments)
    assert (status, output) == (2, '')
    assert errors.startswith('usage: egg-cache ')


@pytest.mark.parametrize('command', ['dir', 'list', 'verify'])
def test_a_file_is_no_cache(capsys, tmp_path, command):
    path = tmp_path / 'file'
    path.touch()
    status, output, errors = refuse(capsys, command, '--cache', path)
    assert (status, output) == (2, '')
    assert errors.endswith(f'{path} is not a directory. Name the egg cache with --cache DIR.\n')


def test_a_directory_that_no_filesystem_can_have_is_no_traceback(capsys):
    try:
        status, _, errors = run(capsys, 'list', '--cache', '/' + 'x' * 300)
    except SystemExit as error:
        status, errors = error.code, capsys.readouterr().err
    assert status in (1, 2)
    assert 'xxx' in errors


def test_help_names_the_commands(capsys):
    status, output, _ = refuse(capsys, '--help')
    assert status == 0
    for word in ('dir', 'list', 'verify', '--cache DIR', str(settings.default_directory())):
        assert word in ' '.join(output.split()).replace('- ', '-')


# list


def test_list_is_a_table(capsys, full):
    one, two = [sum(path.stat().st_size for path in entry(full, name).egg.rglob('*')
                    if path.is_file()) for name in ('demo', 'zope-interface')]
    assert (one, two) == (59, 12_414)
    assert run(capsys, 'list', '--cache', full) == (
        0,
        (f'Demo            1.0   59 B  {KEY}\n'
        f'zope.interface  8.7  12 kB  {KEY}\n'
        f'Demo            1.0   59 B  {OTHER_KEY}\n'),
        '',
    )


@pytest.mark.parametrize('make', [lambda cache: None, lambda cache: cache.mkdir(),
                                  lambda cache: (cache.mkdir(), (cache / 'README').touch()),
                                  new_store])  # fmt: skip
def test_an_empty_missing_or_foreign_directory_has_no_eggs(capsys, cache, make):
    make(cache)
    assert run(capsys, 'list', '--cache', cache) == (0, '', f'There are no eggs in {cache}.\n')
    assert run(capsys, 'verify', '--cache', cache) == (
        0, '', f'0 eggs checked in {cache}, 0 damaged.\n'
    )  # fmt: skip


@pytest.mark.parametrize('name', ['.DS_Store', 'file', 'a b'])
def test_foreign_files_are_no_eggs(capsys, full, name):
    (full / 'v1' / name).touch()
    (full / 'v1' / KEY / 'eggs' / name).touch()
    status, output, errors = run(capsys, 'list', '--cache', full)
    assert (status, len(output.splitlines()), errors) == (0, 3, '')


def test_list_leaves_damaged_entries_out_and_says_so(capsys, full):
    overwrite(entry(full).path / 'entry.json', b'')
    assert run(capsys, 'list', '--cache', full) == (
        0,
        (f'zope.interface  8.7  12 kB  {KEY}\n'
        f'Demo            1.0   59 B  {OTHER_KEY}\n'),
        ('demo 1.0 is damaged: entry.json: expected a text with its own checksum, '
        'found another text\n'),
    )


@pytest.mark.parametrize(('count', 'expected'), [
    (0, '0 B'), (512, '512 B'), (999, '999 B'), (1000, '1.0 kB'), (1449, '1.4 kB'),
    (9949, '9.9 kB'), (9950, '10 kB'), (999_499, '999 kB'), (999_500, '1.0 MB'),
    (1_400_000, '1.4 MB'), (301_000_000, '301 MB'), (2_500_000_000, '2.5 GB'),
    (7_000_000_000_000, '7.0 TB'), (10**16, '10000 TB'),
])  # fmt: skip
def test_sizes_are_for_people(count, expected):
    assert cli.size(count) == expected


# verify


def test_verify_of_a_sound_cache_is_status_0(capsys, full):
    assert run(capsys, 'verify', '--cache', full) == (
        0, '', f'3 eggs checked in {full}, 0 damaged.\n'
    )  # fmt: skip


def test_verify_names_each_fault(capsys, full):
    damaged = entry(full)
    overwrite(damaged.egg / 'Demo/__init__.py', b'')
    (damaged.egg / 'added').touch()
    assert run(capsys, 'verify', '--cache', full) == (
        1,
        (f'demo 1.0: added: expected nothing, found file ({damaged.path})\n'
        f'demo 1.0: Demo/__init__.py: expected 12 bytes, found 0 bytes ({damaged.path})\n'),
        f'3 eggs checked in {full}, 1 damaged.\n',
    )


def test_verify_speaks_of_one_egg_in_the_singular(capsys, cache, tmp_path):
    add(new_store(cache), tmp_path)
    assert run(capsys, 'verify', '--cache', cache)[2] == f'1 egg checked in {cache}, 0 damaged.\n'


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
    assert output.startswith('demo 1.0: caf')


def test_trouble_while_reading_is_status_1(capsys, full, monkeypatch):
    def fail(path):
        raise PermissionError(13, 'Permission denied', str(path))

    monkeypatch.setattr(os, 'listdir', fail)
    status, output, errors = run(capsys, 'list', '--cache', full)
    assert (status, output) == (1, '')
    assert errors == (
        f"Can't read the egg cache in {full}: [Errno 13] Permission denied: '{full}/v1'\n"
    )


@pytest.mark.skipif(sys.platform == 'win32', reason='pipes')
@pytest.mark.parametrize('unbuffered', ['', '1'])
@pytest.mark.parametrize('command', ['dir', 'list'])
def test_a_reader_that_has_seen_enough_is_no_trouble(full, command, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    environ = {'PYTHONUNBUFFERED': unbuffered}
    with processes.start(
        COMMAND, command, '--cache', full, stdout=writing, environ=environ
    ) as child:
        os.close(writing)
        _, errors = child.communicate(timeout=processes.TIMEOUT)
    assert (child.returncode, errors) == (0, '')

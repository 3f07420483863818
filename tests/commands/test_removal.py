"""Removal: `egg-cache remove` and `egg-cache clear`, as they are used."""

import io
import os
import sys

import pytest
from support import command, rights, trees
from support.eggs import KEY, add, archive, new_session, new_store, overwrite, useless

from egg.cache.configuration import settings
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.store.store import entries

ORIGIN = Origin('https://example.com/simple/')


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path / 'cache')


@pytest.fixture
def egg_cache(capsys, tmp_path):
    """A function that runs a verb, and returns (exit status, stdout, stderr)."""
    return lambda *arguments: command.run(capsys, '--cache', tmp_path / 'cache', *arguments)


@pytest.fixture
def answer(capsys, tmp_path):
    """A function that runs a verb with `--json`, and returns the document."""
    return lambda *arguments, status=0: command.answer(
        capsys, '--cache', tmp_path / 'cache', *arguments, status=status)


@pytest.fixture
def terminal(monkeypatch):
    """A function that lets somebody sit there who types a text."""

    def sit(text):
        monkeypatch.setenv('TERM', 'xterm')
        monkeypatch.setattr(sys, 'stdin', Terminal(text))
        monkeypatch.setattr(sys, 'stderr', Terminal())
        return sys.stderr

    return sit


def left(store):
    return [str(entry) for entry in entries(store.layout)]


# remove


def test_remove_takes_what_satisfies_any_requirement(store, tmp_path, egg_cache):
    for project, version in (('Lxml', '4.9'), ('lxml', '5.0'), ('foo', '1.0'), ('bar', '1.0')):
        add(store, tmp_path, project, version)
    status, output, errors = egg_cache('remove', '--yes', 'LXML<5', 'foo==1.0', 'foo')
    assert (status, left(store)) == (0, ['bar 1.0', 'lxml 5.0'])
    assert [line.split('  ')[0] for line in output.splitlines()] == ['Lxml 4.9', 'foo 1.0']
    assert errors == 'Removed 2 eggs, and freed 2.5 kB.\n'


def test_remove_says_what_is_not_there(store, tmp_path, egg_cache, answer):
    add(store, tmp_path)
    status, output, errors = egg_cache('remove', '--yes', 'nothing')
    assert (status, output) == (1, '')
    assert errors == f'Nothing in {tmp_path}/cache satisfies nothing.\n'
    document = answer('remove', '--yes', 'nothing', 'demo', status=1)
    assert document['missing'] == ['nothing']
    assert len(document['removed']) == 1
    assert left(store) == []


def test_remove_answers_with_a_document(store, tmp_path, answer):
    entry = add(store, tmp_path)
    document = answer('remove', 'demo', '--dry-run')
    command.assert_documented('remove', document)
    [row] = document.pop('removed')
    assert document == {'directory': str(tmp_path / 'cache'), 'dry_run': True,
                        'freed': row['size'], 'missing': [], 'failures': []}  # fmt: skip
    assert row['path'] == str(entry.path)
    assert row['environment'] == KEY
    assert left(store) == ['demo 1.0']


@pytest.mark.parametrize('verb', [['remove', 'demo'], ['clear']])
def test_a_dry_run_changes_nothing(store, tmp_path, egg_cache, verb):
    add(store, tmp_path)
    before = trees.snapshot(tmp_path / 'cache')
    status, _, errors = egg_cache(*verb, '--dry-run')
    assert status == 0
    assert 'Would remove 1 egg' in errors
    assert trees.differences(before, trees.snapshot(tmp_path / 'cache')) == []


@pytest.mark.parametrize('verb', [['remove', 'demo'], ['clear']])
def test_without_a_terminal_it_refuses(store, tmp_path, egg_cache, verb):
    add(store, tmp_path)
    status, _, errors = egg_cache(*verb)
    assert status == 2
    assert 'Say --yes to go on without a question.' in errors
    assert left(store) == ['demo 1.0']


@pytest.mark.parametrize('verb', [['remove', 'demo'], ['clear']])
@pytest.mark.parametrize(('text', 'is_removed'), [
    ('y\n', True), ('yes\n', True), ('n\n', False), ('\n', False), ('', False)])  # fmt: skip
def test_on_a_terminal_it_asks(store, tmp_path, egg_cache, terminal, verb, text, is_removed):
    add(store, tmp_path)
    screen = terminal(text)
    status, _, _ = egg_cache(*verb)
    assert 'Remove 1 egg (1.' in screen.getvalue()
    assert status == (0 if is_removed else 1)
    assert left(store) == ([] if is_removed else ['demo 1.0'])


@pytest.mark.parametrize('text', ['lxml<<5', '', 'lxml; python_version>"3"', './lxml'])
def test_remove_wants_requirements(store, tmp_path, egg_cache, text):
    add(store, tmp_path)
    status, _, errors = egg_cache('remove', '--yes', 'demo', text)
    assert status == 2
    assert 'is not a requirement' in errors
    assert left(store) == ['demo 1.0']


def test_a_damaged_egg_can_be_removed(store, tmp_path, egg_cache):
    overwrite(add(store, tmp_path).path / 'entry.json', b'')
    assert egg_cache('remove', '--yes', 'demo')[0] == 0
    assert left(store) == []


@pytest.mark.parametrize(('verb', 'expected'), [(['remove', 'demo'], 1), (['clear'], 0)])
def test_a_missing_or_empty_cache(tmp_path, egg_cache, verb, expected):
    assert egg_cache(*verb, '--yes')[0] == expected
    assert not (tmp_path / 'cache').exists()
    new_store(tmp_path / 'cache')
    assert egg_cache(*verb, '--yes')[0] == expected


@pytest.mark.parametrize('verb', [['remove', 'demo'], ['clear']])
@pytest.mark.parametrize('name', ['tmp/mine', 'mine'])
def test_a_foreign_directory_is_left_alone(tmp_path, egg_cache, verb, name):
    (tmp_path / 'cache' / name).parent.mkdir(parents=True)
    (tmp_path / 'cache' / name).write_text('')
    before = trees.snapshot(tmp_path / 'cache')
    errors = egg_cache(*verb, '--yes')[2]
    assert 'is not an egg cache' in errors or 'othing' in errors
    assert trees.differences(before, trees.snapshot(tmp_path / 'cache')) == []


# clear


def used(tmp_path):
    """Fill a cache with all that a run leaves there."""
    session = new_session(tmp_path / 'cache')
    session.open()
    add(session.store, tmp_path)
    pointer = Pointer(archive().name, archive().sha256, '1.0')
    session.remember(ORIGIN, 'demo', '1.0', pointer)
    for directory in (session.layout.tmp, session.layout.trash, session.layout.stats):
        directory.mkdir(exist_ok=True)
    for path in (useless(session.layout.tmp), useless(session.layout.trash),
                 session.layout.stats / 'summary.json', session.layout.stats / 'lock',
                 session.layout.stats / '20240506T070809-4711-0f1e2d3c4b5a6978.jsonl',
                 session.layout.lock(KEY, '0' * 64).with_suffix('.json')):  # fmt: skip
        path.write_bytes(b'12345')
    session.layout.lock(KEY, '0' * 64).write_bytes(b'')
    return session.store


def test_clear_removes_all_that_the_cache_has_made(tmp_path, egg_cache):
    used(tmp_path)
    status, _, errors = egg_cache('clear', '--yes')
    assert status == 0
    assert f'Removed 1 egg from {tmp_path}/cache, and freed ' in errors
    assert os.listdir(tmp_path / 'cache') == []
    new_store(tmp_path / 'cache')


def test_clear_frees_what_a_dry_run_says(tmp_path, answer):
    used(tmp_path)
    size = sum(path.lstat().st_size for path in (tmp_path / 'cache').rglob('*')
               if path.is_file())  # fmt: skip
    expected = answer('clear', '--dry-run')
    assert (expected['freed'], expected['eggs']) == (size, 1)
    command.assert_documented('clear', expected)
    assert answer('clear', '--yes') == {**expected, 'dry_run': False}


def test_clear_leaves_alone_what_others_put_there(tmp_path, egg_cache, answer):
    store = used(tmp_path)
    eggs = store.layout.eggs(KEY)
    mine = [tmp_path / 'cache' / name for name in (
        'notes', 'v2/else', 'tmp/thesis', 'locks/x.lock', 'stats/data.csv', 'trash/x/y',
        'v1/README', f'v1/{KEY}/notes', f'v1/{KEY}/eggs/demo/1.0/notes',
        f'v1/{KEY}/eggs/mine/notes', f'v1/{KEY}/origins/{ORIGIN.key}/mine-1.0')]  # fmt: skip
    (tmp_path / 'outside').mkdir()
    (tmp_path / 'outside/file').write_text('mine')
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('mine')
    for path in (eggs / 'demo/1.0/0123456789abcdef', eggs / 'link', tmp_path / 'cache/link'):
        os.symlink(tmp_path / 'outside', path)
    document = answer('clear', '--yes')
    assert [path for path in mine if path.read_text() != 'mine'] == []
    assert os.listdir(tmp_path / 'outside') == ['file']
    assert document['left'] == [
        str(tmp_path / 'cache' / name)
        for name in ('link', 'locks', 'notes', 'stats', 'tmp', 'trash', 'v1', 'v2')]
    assert os.listdir(tmp_path / 'cache/stats') == ['data.csv']
    assert [str(path) for path in (tmp_path / 'cache/v1').rglob('*.json')] == []
    assert list(entries(store.layout)) == []


def test_clear_does_not_follow_its_own_directories(tmp_path, egg_cache):
    """Somebody may have put one of them on another disk."""
    store = used(tmp_path)
    (tmp_path / 'outside').mkdir()
    (tmp_path / 'outside/file').write_text('mine')
    for path in (store.layout.tmp, store.layout.stats):
        os.rename(path, tmp_path / f'was-{path.name}')
        os.symlink(tmp_path / 'outside', path)
    egg_cache('clear', '--yes')
    assert os.listdir(tmp_path / 'outside') == ['file']
    assert sorted(os.listdir(tmp_path / 'cache')) == ['stats', 'tmp']


def test_clear_leaves_a_tag_of_others(tmp_path, egg_cache):
    store = used(tmp_path)
    store.layout.tag.write_text('Signature: 8a477f597d28d172789f06886806bc55\n# mine\n')
    _, _, errors = egg_cache('clear', '--yes')
    assert f'Left alone: {tmp_path}/cache/CACHEDIR.TAG' in errors


def test_a_reader_without_write_permission_gets_a_message(store, tmp_path, egg_cache):
    entry = add(store, tmp_path)
    os.chmod(entry.path.parent, 0o555)
    try:
        for verb in (['remove', 'demo'], ['clear']):
            with rights.as_modes_say():
                status, _, errors = egg_cache(*verb, '--yes')
            assert status == 1
            assert 'Not removed: demo 1.0: [Errno 13] Permission denied' in errors
    finally:
        os.chmod(entry.path.parent, 0o755)
    assert left(store) == ['demo 1.0']


@pytest.mark.parametrize('mode', [0o555, 0o755])
def test_clear_without_write_permission_frees_nothing_and_says_so(tmp_path, answer, mode):
    store = used(tmp_path)
    (store.layout.root / 'mine').write_text('')
    places = [path for path in [store.layout.root, *store.layout.root.rglob('*')]
              if path.is_dir()]  # fmt: skip
    before = trees.snapshot(tmp_path / 'cache')
    for path in places:
        path.chmod(0o555)
    os.chmod(store.layout.root, mode)
    try:
        with rights.as_modes_say():
            document = answer('clear', '--yes', status=1)
    finally:
        for path in places:
            path.chmod(0o755)
    freed = sum(row.size for path, row in before.items()
                if not (tmp_path / 'cache' / path).exists()) if mode == 0o755 else 0
    assert document['freed'] == freed
    assert document['left'] == [f'{tmp_path}/cache/mine']
    lock = store.layout.lock(KEY, '0' * 64)
    assert f'{lock}: Permission denied' in document['failures']


def test_the_option_is_known():
    assert 'egg-cache-max-size' in settings.OPTIONS

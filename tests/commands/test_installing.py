"""`egg-cache install` and `egg-cache rollback`: releases come into use, and back."""

import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from support import archives as wheels
from support import shipping, trees
from support.command import answer, assert_documented, run
from support.releases import Release, state
from support.runner import egg_part

from egg.cache.standalone import install


@pytest.fixture
def root(tmp_path):
    return tmp_path / 'srv/shop'


@pytest.fixture
def archives(tmp_path):
    """Archives of shop-1.0 to shop-1.3."""
    return [Release(f'1.{number}').pack(tmp_path / f'{number}.tar.gz') for number in range(4)]


def test_a_release_is_installed_and_rolled_back(capsys, root, archives):
    status, output, errors = run(capsys, 'install', archives[0], root, '--test', 'bin/app')
    assert (status, output) == (0, f'{root}/current is shop-1.0 now.\n')
    assert len(errors.splitlines()) == 3
    for archive in archives[1:]:
        status, output, _ = run(capsys, 'install', archive, root, '--keep', '2')
        assert status == 0
    assert output.splitlines()[0].startswith('Removed shop-1.1: ')
    assert output.splitlines()[1] == f'{root}/current is shop-1.3 now; it was shop-1.2.'
    status, output, errors = run(capsys, 'rollback', root)
    assert (status, errors) == (0, '')
    assert output == f'{root}/current is shop-1.2 again; it was shop-1.3.\n'
    status, output, errors = run(capsys, 'rollback', root)
    assert (status, output) == (1, '')
    assert 'There is no earlier release' in errors
    assert state(root)['current'] == 'shop-1.2'


def test_their_fields_are_documented(capsys, root, archives, monkeypatch):
    monkeypatch.setattr(install, 'written_inside', lambda *args: [('var', '[app] var')])
    documents = []
    for archive in archives:
        documents.append(answer(capsys, 'install', archive, root, '--keep', 1))
        if len(documents) == 2:
            (root / 'current/data').write_text('x')
    assert [document['current'] for document in documents] == [
        'shop-1.0', 'shop-1.1', 'shop-1.2', 'shop-1.3']
    assert [document['previous'] for document in documents] == [
        None, 'shop-1.0', 'shop-1.1', 'shop-1.2']
    assert [row['release'] for row in documents[2]['removed']] == ['shop-1.0']
    assert documents[2]['freed'] == documents[2]['removed'][0]['size'] > 10_000
    assert documents[2]['left_behind'] == ['data']
    assert documents[3]['kept'] == [{'release': 'shop-1.1', 'paths': ['data']}]
    assert documents[3]['inside'] == [{'path': 'var', 'named_by': '[app] var'}]
    assert_documented('install', *documents)
    document = answer(capsys, 'rollback', root)
    assert document == {'directory': str(root), 'current': 'shop-1.2', 'previous': 'shop-1.3'}
    assert_documented('rollback', document)


@pytest.mark.parametrize(('arguments', 'status', 'text'), [
    (['--test', 'sh -c "echo no; exit 4"'], 1, 'The test of shop-1.0 failed (exit status 4)'),
    (['--test', "'"], 2, 'No closing quotation'), (['--keep', '0'], 2, '--keep 0'),
    (['--keep', 'x'], 2, 'invalid int'), (['--python', '/nowhere/python'], 1, 'is no program'),
])  # fmt: skip
def test_what_fails_changes_nothing(capsys, root, archives, arguments, status, text):
    found, output, errors = run(capsys, 'install', archives[0], root, *arguments)
    assert (found, output) == (status, '')
    assert text in errors
    assert not root.parent.exists()


def test_neither_needs_an_egg_cache(capsys, tmp_path, root, archives, monkeypatch):
    monkeypatch.setenv('EGG_CACHE', str(tmp_path))
    assert run(capsys, 'install', archives[0], root)[0] == 0
    assert run(capsys, 'rollback', root)[0] == 1
    assert run(capsys, 'install', tmp_path / 'nothing', root)[2].endswith(
        f'That failed: No such file or directory: {tmp_path}/nothing.\n')


def test_an_interrupted_installation_is_undone(root, archives):
    command = [sys.executable, '-c', 'import sys; from egg.cache import cli; sys.exit(cli.main())']
    process = subprocess.Popen([*command, 'install', archives[0], root, '--test', 'sleep 60'],
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    for line in process.stderr:
        if line.startswith('Testing'):
            break
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert errors.startswith('Interrupted')
    assert not root.parent.exists()


# For real: a buildout, its release, and the changes since


def alone(*command):
    """Run a program without a network, where that can be had; return what it prints."""
    without = ['unshare', '-rn']
    if subprocess.run([*without, 'true'], capture_output=True).returncode:
        without = []
    done = subprocess.run([*without, *map(str, command)], capture_output=True, text=True,
                          timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_real_release_and_its_changes_are_installed_without_the_build_host(
        capsys, tmp_path, buildout_factory, index, archives_dir, root, say):
    for version in ('1.0', '2.0'):
        index.add(wheels.make_wheel(archives_dir, 'demo', version, requires=['other']))
    index.add(wheels.make_wheel(archives_dir, 'other', '1.0'))
    paths = []
    for version in ('1.0', '2.0'):
        shop = buildout_factory(egg_part('demo', versions={'demo': version}),
                                directory=tmp_path / f'build-{version}/shop')  # fmt: skip
        shop.run()
        shipping.complete(shop)
        since = ['--since', paths[0]] if paths else []
        for arguments in ([], since)[: 1 + bool(since)]:
            paths.append(tmp_path / f'{len(paths)}.tar.gz')
            assert run(capsys, 'pack', shop.directory, '-o', paths[-1], '--name', 'shop',
                       '--version', version, *arguments)[0] == 0  # fmt: skip
        shop.directory.rename(tmp_path / f'away-{version}')
    index.stop()
    first, full, changes = paths
    # The interpreter that the virtual environment of the tests was made of.
    python = Path(sys.base_prefix, 'bin', 'python{}.{}'.format(*sys.version_info[:2]))
    script = tmp_path / 'install.py'
    with tarfile.open(full) as archive:
        script.write_bytes(archive.extractfile('shop-2.0/install.py').read())
    alone(python, '-I', script, first, root, '--test', 'bin/demo')
    alone(python, '-I', script, changes, root, '--test', 'bin/demo')
    assert alone(root / 'current/bin/demo') == 'demo 2.0\n'
    alone(python, '-I', script, full, tmp_path / 'full')
    nodes = [trees.normalised(place / 'releases/shop-2.0', replace=[place])
             for place in (root, tmp_path / 'full')]  # fmt: skip
    for found in nodes:
        del found['.setup.json']  # It has the digests of scripts, which name their place.
    assert trees.differences(*nodes) == []
    assert alone(python, '-I', script, '--rollback', root).endswith(
        'current is shop-1.0 again; it was shop-2.0.\n')
    assert alone(root / 'current/bin/demo') == 'demo 1.0\n'
    # Moved, and set up once more.
    moved = root.with_name('moved')
    root.rename(moved)
    alone(python, moved / 'current/install.py')
    assert alone(moved / 'current/bin/demo') == 'demo 1.0\n'
    assert str(root) not in (moved / 'current/bin/demo').read_text()
    say(f'{len(nodes[0])} files; full {full.stat().st_size} bytes, '
        f'changes {changes.stat().st_size} bytes')  # fmt: skip

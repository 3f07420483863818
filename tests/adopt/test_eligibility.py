"""Eligibility: may an egg that nobody saw being made be adopted, and if not, why?"""

import os
import stat
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES

import pytest
from packaging import tags
from support.foreign import (
    PLATFORM,
    PYTHON,
    stem,
    write_pip_egg,
    write_setuptools_egg,
)

from egg.cache.adopt import eligibility
from egg.cache.common.errors import CacheError
from egg.cache.eggs.contents import identity
from egg.cache.store import transfer

NAMESPACE = b"# declared\n__import__('pkg_resources').declare_namespace(__name__)\n"


def refusal(egg, egg_format=5):
    """Return why an egg is refused."""
    with pytest.raises(CacheError) as info:
        eligibility.inspect(egg, egg_format)
    return str(info.value)


def test_an_egg_made_by_pip_is_what_its_metadata_says(tmp_path):
    egg = write_pip_egg(tmp_path)
    found = eligibility.inspect(egg, 5)
    assert (found.path, found.project, found.version) == (egg, 'demo', '1.0')
    assert found.archive.name == 'demo-1.0.unknown'
    assert found.archive.url == egg.as_uri()
    assert (found.archive.kind, found.archive.is_known) == ('unknown', False)
    assert len(found.archive.sha256) == 64


def test_its_identity_is_that_of_what_the_cache_keeps(tmp_path):
    egg = write_pip_egg(tmp_path)
    assert eligibility.inspect(egg, 5).archive.sha256 == identity(
        transfer.copy_in(egg, tmp_path / 'copy'))
    os.utime(egg / 'demo/run', (1, 1))
    first = eligibility.inspect(egg, 5).archive.sha256
    assert identity(transfer.copy_in(egg, tmp_path / 'again')) == first
    os.chmod(egg / 'demo/run', 0o755)
    assert eligibility.inspect(egg, 5).archive.sha256 != first


@pytest.mark.parametrize('mode', [0o755, 0o775, 0o700])
def test_its_umask_is_the_one_of_whoever_made_its_directory(tmp_path, mode):
    egg = write_pip_egg(tmp_path)
    os.chmod(egg, mode)
    assert eligibility.inspect(egg, 5).umask == 0o777 & ~mode


# What is no egg


@pytest.mark.parametrize(('name', 'reason'), [
    ('demo.egg-link', 'it is a link to a develop egg'),
    ('tmp4711', 'it is not an egg'),
    (f'{stem()}.egg', 'it is a zipped egg, and zc.buildout unpacks those'),
    ('gone-1.0-py3.12.egg', 'it is not there'),
])  # fmt: skip
def test_what_is_no_egg_is_refused(tmp_path, name, reason):
    if not name.startswith('gone'):
        with zipfile.ZipFile(tmp_path / name, 'w') as archive:
            archive.writestr('EGG-INFO/PKG-INFO', 'Name: demo\nVersion: 1.0\n')
    assert refusal(tmp_path / name) == reason


def test_a_link_to_an_egg_is_refused(tmp_path):
    egg = write_pip_egg(tmp_path / 'elsewhere')
    os.symlink(egg, tmp_path / egg.name)
    assert refusal(tmp_path / egg.name) == 'it is a link'


def test_an_egg_without_metadata_is_refused(tmp_path):
    egg = tmp_path / f'{stem()}.egg'
    egg.mkdir()
    assert 'has no metadata' in refusal(egg)


# Another environment


@pytest.mark.parametrize(('name', 'reason'), [
    (f'demo-1.0-py2.7-{PLATFORM}.egg', f'it is for Python 2.7, and this is {PYTHON}'),
    (f'demo-1.0-py{PYTHON}-plan9-mips.egg', f'it is for plan9-mips, and this is {PLATFORM}'),
    ('demo-1.0.egg', 'its name does not tell project, version and Python'),
    (f'{stem("other")}.egg', 'its metadata is that of demo 1.0'),
    (f'{stem("demo", "2.0")}.egg', 'its metadata is that of demo 1.0'),
])  # fmt: skip
def test_an_egg_with_another_name_is_refused(tmp_path, name, reason):
    assert refusal(write_pip_egg(tmp_path, name=name)) == reason


def test_names_are_compared_as_zc_buildout_writes_them(tmp_path):
    egg = write_pip_egg(tmp_path, 'Some.Thing', '1.0', name=f'{stem("some_thing")}.egg')
    assert eligibility.inspect(egg, 5).project == 'Some.Thing'


def test_development_versions_are_refused(tmp_path):
    assert refusal(write_pip_egg(tmp_path, version='1.0.dev3')) == (
        'development versions are rebuilt under their names')


def test_the_egg_of_a_wheel_for_another_platform_is_refused(tmp_path):
    assert refusal(write_pip_egg(tmp_path, tag='cp27-cp27m-win32')) == (
        'it was a wheel for cp27-cp27m-win32, which is not for here')
    eligibility.inspect(write_pip_egg(tmp_path / 'own', tag=str(next(tags.sys_tags()))), 5)


def test_shared_objects_for_another_python_are_refused(tmp_path):
    own = {f'demo/_own{EXTENSION_SUFFIXES[0]}': b'', 'demo/_any.abi3.so': b'',
           'demo.libs/libxml2-0a1b.so.2': b''}  # fmt: skip
    eligibility.inspect(write_pip_egg(tmp_path, files=own), 5)
    other = {'demo/_c.cpython-27-x86_64-linux-gnu.so': b''}
    assert refusal(write_pip_egg(tmp_path / 'other', files=other)) == (
        'demo/_c.cpython-27-x86_64-linux-gnu.so is for another Python or platform')


# Another zc.buildout


def test_what_release_4_made_of_a_wheel_is_refused_by_later_ones(tmp_path):
    egg = write_setuptools_egg(tmp_path)
    assert eligibility.inspect(egg, 4).project == 'demo'
    assert refusal(egg) == 'it holds EGG-INFO: zc.buildout 4 made it, or it was a zipped egg'


def test_what_later_releases_made_of_a_wheel_is_refused_by_release_4(tmp_path):
    assert refusal(write_pip_egg(tmp_path), 4) == 'zc.buildout 5 or later made it of a wheel'
    egg = write_pip_egg(tmp_path / 'sdist', archive='demo-1.0.tar.gz')
    assert eligibility.inspect(egg, 4) == eligibility.inspect(egg, 5)


def test_a_declared_namespace_was_made_by_release_4(tmp_path):
    egg = write_pip_egg(tmp_path, files={'ns/__init__.py': NAMESPACE, 'ns/demo/x.py': b''},
                        archive='demo-1.0.tar.gz')  # fmt: skip
    assert eligibility.inspect(egg, 4).project == 'demo'
    assert refusal(egg) == 'zc.buildout 4 made it: ns/__init__.py declares a namespace'


def test_a_removed_namespace_was_made_by_a_later_release(tmp_path):
    egg = write_pip_egg(tmp_path, files={'ns/__init__.py': NAMESPACE, 'ns/demo/x.py': b''},
                        removed=['ns/__init__.py'], archive='demo-1.0.tar.gz')  # fmt: skip
    assert eligibility.inspect(egg, 5).project == 'demo'
    assert refusal(egg, 4) == 'zc.buildout 5 or later made it: it has removed ns/__init__.py'


def test_a_namespace_that_nobody_declared_was_made_by_a_later_release(tmp_path):
    egg = write_pip_egg(tmp_path, archive='demo-1.0.tar.gz', files={
        f'{stem()}.dist-info/namespace_packages.txt': b'ns\n', 'ns/demo/x.py': b''})
    assert eligibility.inspect(egg, 5).project == 'demo'
    assert refusal(egg, 4) == 'zc.buildout 5 or later made it: ns declares nothing'


def test_what_was_no_archive_is_refused(tmp_path):
    assert refusal(write_pip_egg(tmp_path, archive=False)) == (
        'it was made from a directory, not from an archive')


# Changed after it was installed


def test_a_changed_file_is_refused(tmp_path):
    egg = write_pip_egg(tmp_path)
    (egg / 'demo/__init__.py').write_bytes(b'VERSION = 2\n')
    assert refusal(egg) == 'demo/__init__.py was changed'


def test_changed_metadata_are_refused(tmp_path):
    egg = write_pip_egg(tmp_path)
    with open(egg / f'{stem()}.dist-info/METADATA', 'a') as stream:
        stream.write('more')
    assert refusal(egg) == f'{stem()}.dist-info/METADATA was changed'
    egg = write_setuptools_egg(tmp_path)
    with open(egg / 'EGG-INFO/PKG-INFO', 'a') as stream:
        stream.write('more')
    assert refusal(egg, 4) == 'EGG-INFO/PKG-INFO was changed'


def test_a_missing_file_is_refused(tmp_path):
    assert refusal(write_pip_egg(tmp_path, removed=['demo/run'])) == 'demo/run is missing'
    assert refusal(write_pip_egg(tmp_path / 'package', removed=['demo/__init__.py'])) == (
        'demo/__init__.py is missing')


def test_an_added_file_is_left_out(tmp_path):
    plain = eligibility.inspect(write_pip_egg(tmp_path / 'plain'), 5)
    found = eligibility.inspect(write_pip_egg(tmp_path, unlisted={'demo/more.py': b''}), 5)
    assert (plain.left_out, found.left_out) == ((), ('demo/more.py',))
    assert found.archive.sha256 == plain.archive.sha256
    assert found.wanted == plain.wanted


def test_without_a_record_nothing_is_compared(tmp_path):
    assert eligibility.inspect(write_pip_egg(tmp_path, record=False), 5).project == 'demo'


# What could do harm


@pytest.mark.parametrize('target', ['/etc/passwd', '../../outside', '..'])
def test_a_link_out_of_the_egg_is_refused(tmp_path, target):
    egg = write_pip_egg(tmp_path)
    os.symlink(target, egg / 'demo/link')
    if target == '..':
        assert eligibility.inspect(egg, 5).left_out == ('demo/link',)
    else:
        assert refusal(egg) == f'demo/link is a link out of the egg, to {target}'


def test_a_link_inside_of_the_egg_is_kept(tmp_path):
    egg = write_pip_egg(tmp_path, record=False)
    os.symlink('../demo/run', egg / 'demo/link')
    assert eligibility.inspect(egg, 5).project == 'demo'


def test_a_link_through_another_link_is_refused(tmp_path):
    """Where `root/..` leads is decided by `root`: here out of the egg."""
    egg = write_pip_egg(tmp_path, record=False, files={'demo/a/b/x': b''})
    os.symlink('../../..', egg / 'demo/a/b/root')
    assert eligibility.inspect(egg, 5).project == 'demo'
    os.symlink('root/../secret', egg / 'demo/a/b/way')
    assert refusal(egg) == 'demo/a/b/way is a link through another link, to root/../secret'


def test_directories_in_each_other_have_an_end(tmp_path):
    egg = write_pip_egg(tmp_path)
    (egg / '/'.join('a' * 200)).mkdir(parents=True)
    assert refusal(egg) == 'its directories are too deep'


def test_an_egg_that_is_linked_to_a_cache_is_refused(tmp_path):
    """All of its files are read-only, but not its directories."""
    egg = write_pip_egg(tmp_path / 'pip', files={'demo/empty': b''})
    os.chmod(egg / 'demo/empty', 0o444)
    assert refusal(egg) == 'demo/empty is read-only, as hard links to an egg cache are'
    egg = write_setuptools_egg(tmp_path)
    os.chmod(egg / 'demo/__init__.py', 0o555)
    assert eligibility.inspect(egg, 4).project == 'demo'
    for path in egg.rglob('*'):
        os.chmod(path, 0o755 if path.is_dir() else 0o444)
    assert 'is read-only, as hard links to an egg cache are' in refusal(egg, 4)


def test_an_egg_that_somebody_protected_is_accepted(tmp_path):
    egg = write_pip_egg(tmp_path)
    for path in (egg, *egg.rglob('*')):
        os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) & 0o555)
    assert eligibility.inspect(egg, 5).umask == 0o222


@pytest.mark.parametrize('path', ['.', 'demo', 'demo/run'])
def test_what_everybody_can_write_to_is_refused(tmp_path, path):
    egg = write_pip_egg(tmp_path)
    os.chmod(egg / path, stat.S_IMODE(os.stat(egg / path).st_mode) | 0o002)
    assert refusal(egg) == f'everybody can write to {path}'


def test_a_pipe_is_refused(tmp_path):
    egg = write_pip_egg(tmp_path)
    os.mkfifo(egg / 'demo/pipe')
    assert refusal(egg) == 'demo/pipe is neither a file nor a directory nor a link'

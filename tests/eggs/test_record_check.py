"""RECORD: is an egg still what was installed, as far as its `RECORD` tells?"""

import os
import py_compile
import shutil
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest
from support.foreign import stem, write_pip_egg, write_setuptools_egg

from egg.cache.adopt import eligibility
from egg.cache.common.errors import CacheError

INFO = f'{stem()}.dist-info'
NAMESPACE = b"__import__('pkg_resources').declare_namespace(__name__)"
PKGUTIL = b"__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
BELOW = {'ns/demo/x.py': b''}


def refusal(egg, egg_format=5):
    """Return why an egg is refused, empty if it isn't."""
    try:
        eligibility.inspect(egg, egg_format)
    except CacheError as error:
        return str(error)
    return ''


def change_record(egg, change):
    [path] = egg.glob('*/RECORD')
    path.write_text(change(path.read_text()))


# Namespaces


@pytest.mark.parametrize(('content', 'further', 'reason'), [
    (PKGUTIL, BELOW, ''),
    (NAMESPACE + b'\n# ' + b'x' * 999, {**BELOW, f'{INFO}/namespace_packages.txt': b'ns\n'}, ''),
    (b'#' * 999, BELOW, 'ns/__init__.py is missing'),
    (b"__version__ = '1.0'\n", BELOW, 'ns/__init__.py is missing'),
    (b'', BELOW, 'ns/__init__.py is missing'),
    (PKGUTIL, {}, 'ns/__init__.py is missing'),
])  # fmt: skip
def test_what_can_not_have_declared_a_namespace_must_not_be_missing(
    tmp_path, content, further, reason
):
    egg = write_pip_egg(tmp_path, files={'ns/__init__.py': content, **further},
                        removed=['ns/__init__.py'])  # fmt: skip
    assert refusal(egg) == reason


def test_an_added_package_is_left_out_with_its_directories(tmp_path):
    """An empty directory could be imported."""
    egg = write_pip_egg(tmp_path, unlisted={'requests/a/__init__.py': b'evil', 'demo/x': b''})
    (egg / 'demo/empty').mkdir()
    found = eligibility.inspect(egg, 5)
    assert found.left_out == ('demo/x', 'requests/a/__init__.py')
    there = {path.relative_to(egg).as_posix() for path in egg.rglob('*')}
    assert there - found.wanted == {*found.left_out, 'requests', 'requests/a'}
    assert 'demo/empty' in found.wanted


def test_data_beside_a_removed_declaration_change_nothing(tmp_path):
    """A program may write into the directory of a namespace."""
    egg = write_pip_egg(tmp_path, files={'ns/__init__.py': PKGUTIL, **BELOW},
                        removed=['ns/__init__.py'], unlisted={'ns/cache.bin': b'x'})  # fmt: skip
    assert eligibility.inspect(egg, 5).left_out == ('ns/cache.bin',)
    # Nor do they hide that another zc.buildout has left it there.
    egg = write_pip_egg(tmp_path / 'four', unlisted={'ns/cache.bin': b'x'},
                        files={'ns/__init__.py': PKGUTIL, **BELOW})  # fmt: skip
    assert 'zc.buildout 4 made it' in refusal(egg)


@pytest.mark.parametrize('name', ['x', 'direct_url.json.orig', 'licenses/MIT'])
def test_what_was_added_to_the_metadata_is_refused(tmp_path, name):
    egg = write_pip_egg(tmp_path, unlisted={f'{INFO}/{name}': b''})
    assert refusal(egg) == f'{INFO}/{name} was added'


@pytest.mark.parametrize(('content', 'declared', 'reason'), [
    (NAMESPACE, b'ns\n', ''),
    (NAMESPACE + b'\nimport evil\n', b'ns\n', 'ns/__init__.py was changed'),
])  # fmt: skip
def test_release_4_adds_nothing_but_declarations(tmp_path, content, declared, reason):
    names = {'other/__init__.py': NAMESPACE, 'other/x.py': b''}
    egg = write_setuptools_egg(
        tmp_path, files={**names, 'EGG-INFO/namespace_packages.txt': declared},
        unlisted={'ns/__init__.py': content, 'ns/x/y.txt': b''})  # fmt: skip
    (egg / 'ns/x/y.txt').unlink()
    assert refusal(egg, 4) == reason
    egg = write_pip_egg(
        tmp_path / 'sdist', archive='demo-1.0.tar.gz', unlisted={'ns/__init__.py': content},
        files={**names, 'ns/x.py': b'', f'{INFO}/namespace_packages.txt': declared})  # fmt: skip
    assert refusal(egg, 4) == reason


# Where the files of an egg are


@pytest.mark.parametrize('path', ['bin/tool.sh', 'demo/test.data/rows', 'bin.data/data/x'])
def test_files_of_the_egg_are_compared_wherever_they_are(tmp_path, path):
    egg = write_pip_egg(tmp_path, files={path: b'good'})
    assert refusal(egg) == ''
    (egg / path).write_bytes(b'evil')
    assert refusal(egg) == f'{path} was changed'
    (egg / path).unlink()
    assert refusal(egg) == f'{path} is missing'


def test_zc_buildout_removes_bin_where_there_are_scripts(tmp_path):
    points = {f'{INFO}/entry_points.txt': b'[console_scripts]\ndemo = demo:main\n'}
    egg = write_pip_egg(tmp_path, files={'bin/a': b'', 'bin/b': b'', **points})
    shutil.rmtree(egg / 'bin')
    assert refusal(egg) == ''
    egg = write_pip_egg(tmp_path / 'b', files={'bin/a': b'', 'bin/b': b'', **points},
                        removed=['bin/a'])  # fmt: skip
    assert refusal(egg) == 'bin/a is missing'


def test_setuptools_moves_what_is_in_the_data_directory(tmp_path):
    places = {'scripts/run': 'EGG-INFO/scripts/run', 'data/share/x': 'share/x',
              'purelib/pure.py': 'pure.py'}  # fmt: skip
    egg = write_setuptools_egg(
        tmp_path, files={f'demo-1.0.data/{path}': b'good' for path in places})
    for path, place in places.items():
        (egg / place).parent.mkdir(exist_ok=True)
        (egg / 'demo-1.0.data' / path).rename(egg / place)
    shutil.rmtree(egg / 'demo-1.0.data')
    assert refusal(egg, 4) == ''
    for place in places.values():
        (egg / place).write_bytes(b'evil')
        assert refusal(egg, 4) == f'{place} was changed'
        (egg / place).write_bytes(b'good')
    (egg / 'EGG-INFO/entry_points.txt').write_bytes(b'')
    assert refusal(egg, 4) == 'EGG-INFO/entry_points.txt was added'


def test_setuptools_leaves_a_data_directory_of_another_name_alone(tmp_path):
    path = 'zope_demo-1.0.data/headers/demo.h'
    egg = write_setuptools_egg(tmp_path, files={path: b'good'})
    assert refusal(egg, 4) == ''
    (egg / path).write_bytes(b'evil')
    assert refusal(egg, 4) == f'{path} was changed'


# A RECORD that tells little


def test_digests_of_another_kind_are_refused(tmp_path):
    egg = write_pip_egg(tmp_path)
    change_record(egg, lambda text: text.replace('sha256=', 'sha512='))
    assert refusal(egg) == 'its RECORD has no sha256 of demo/__init__.py, but sha512'


def test_a_file_without_a_digest_is_refused(tmp_path):
    egg = write_pip_egg(tmp_path, files={'demo/RECORD.py': b''})
    change_record(egg, lambda text: ''.join(
        'demo/RECORD.py,,\n' if line.startswith('demo/RECORD.py') else line
        for line in text.splitlines(True)))  # fmt: skip
    assert refusal(egg) == 'demo/RECORD.py was changed'


def test_a_record_that_can_not_be_read_is_refused(tmp_path):
    egg = write_pip_egg(tmp_path)
    change_record(egg, lambda text: f'{text}"{"x" * 140_000}",,\n')
    assert refusal(egg).startswith('its RECORD is none: ')


# What was compiled


def compiled(egg, source, mode=PycInvalidationMode.TIMESTAMP, **options):
    path = cache_from_source(str(egg / source), **options)
    py_compile.compile(str(egg / source), cfile=path, doraise=True, invalidation_mode=mode)
    return Path(path)


@pytest.mark.parametrize('mode', [
    PycInvalidationMode.TIMESTAMP, PycInvalidationMode.CHECKED_HASH])  # fmt: skip
def test_what_was_compiled_is_accepted(tmp_path, mode):
    egg = write_pip_egg(tmp_path, files={'demo/.hidden.py': b''})
    os.utime(egg / 'demo/__init__.py', ns=(0, 1234567890_999999999))
    path = compiled(egg, 'demo/__init__.py', mode)
    compiled(egg, 'demo/__init__.py', mode, optimization=1)
    hidden = egg / f'demo/__pycache__/.hidden.{path.name.split(".")[1]}.pyc'
    py_compile.compile(str(egg / 'demo/.hidden.py'), cfile=str(hidden), invalidation_mode=mode)
    assert refusal(egg) == ''
    change_record(egg, lambda text: f'{text}{path.relative_to(egg)},,\n')
    assert refusal(egg) == ''


def test_what_was_compiled_of_a_removed_namespace_is_accepted(tmp_path):
    egg = write_pip_egg(tmp_path, files={'ns/__init__.py': PKGUTIL, **BELOW})
    path = compiled(egg, 'ns/__init__.py')
    (egg / 'ns/__init__.py').unlink()
    assert refusal(egg) == ''
    path = path.rename(path.with_name(path.name.replace('__init__', 'other')))
    assert refusal(egg) == (
        f'ns/__pycache__/{path.name} was not compiled from its source as it is now')


@pytest.mark.parametrize('damage', ['time', 'size', 'kind', 'hash', 'short'])
def test_what_was_compiled_of_something_else_is_refused(tmp_path, damage):
    egg = write_pip_egg(tmp_path)
    source = egg / 'demo/__init__.py'
    modes = {'kind': PycInvalidationMode.UNCHECKED_HASH, 'hash': PycInvalidationMode.CHECKED_HASH}
    evil = b'VERSION = 66\n' if damage == 'size' else b'VERSION = 6\n'
    good = source.read_bytes()
    source.write_bytes(evil)
    os.utime(source, (1234567890 + (damage == 'time'),) * 2)
    path = compiled(egg, 'demo/__init__.py', modes.get(damage, PycInvalidationMode.TIMESTAMP))
    source.write_bytes(good)
    os.utime(source, (1234567890,) * 2)
    if damage == 'short':
        path.write_bytes(path.read_bytes()[:12])
    reason = f'{path.relative_to(egg)} was not compiled from its source as it is now'
    assert refusal(egg) == reason
    change_record(egg, lambda text: f'{text}{path.relative_to(egg)},,\n')
    assert refusal(egg) == reason


@pytest.mark.parametrize('name', [
    'extra.txt', '__init__.pyc', '__init__.py.pyc', 'x/__init__.pyc'])  # fmt: skip
def test_nothing_else_may_be_beside_what_was_compiled(tmp_path, name):
    egg = write_pip_egg(tmp_path, unlisted={f'demo/__pycache__/{name}': b''})
    assert eligibility.inspect(egg, 5).left_out == (f'demo/__pycache__/{name}',)

"""A buildout that was moved or copied works, without the place where it was made."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from support import archives, runner, trees
from support import tools as support_tools

from egg.cache.standalone import bootstrap

PYTHON = '.'.join(map(str, sys.version_info[:2]))
SUFFIX = f'py{PYTHON}-{sysconfig.get_platform()}'
CONFIG = {
    'buildout': {'extensions': 'egg.cache', 'egg-cache': '', 'index': 'http://127.0.0.1:9/',
                 'parts': 'app'},
    'app': {'recipe': 'zc.recipe.egg', 'eggs': ['demo', 'packaging'], 'interpreter': 'py'},
}  # fmt: skip


@pytest.fixture(scope='session')
def wheels(tmp_path_factory):
    """A directory with wheels of zc.buildout and what goes with it, and of a demo."""
    directory = tmp_path_factory.mktemp('wheels')
    for name in (*support_tools.NEEDED, support_tools.RECIPE):
        support_tools.wheel_of(name, directory)
    _own_wheel(directory)
    archives.make_wheel(directory, 'demo', '1.0', requires=['packaging'])
    return directory


@pytest.fixture
def buildout(tmp_path, wheels, old):
    """A buildout that has run, with its own eggs and the interpreter `old`."""
    directory = tmp_path / 'build/shop'
    directory.mkdir(parents=True)
    for wheel in wheels.glob('*.whl'):
        _unpack(wheel, directory / 'eggs/v5')
    (directory / 'buildout.cfg').write_text(runner.config_text(CONFIG))
    shutil.copy(bootstrap.__file__, directory)
    run(directory, old, 'bootstrap.py', '--offline')
    run(directory, 'bin/buildout', '-o')
    return directory


@pytest.fixture
def old(tmp_path):
    return _interpreter(tmp_path / 'build/venv')


@pytest.fixture
def new(tmp_path):
    """Another interpreter of the same ABI."""
    return _interpreter(tmp_path / 'production/venv')


def _interpreter(path):
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', path], check=True)
    return path / 'bin/python'


def _own_wheel(directory):
    """Write egg.cache, as it is in this checkout, as a wheel."""
    distribution = support_tools.find('egg.cache')
    stem = f'egg_cache-{distribution.version}'
    source = support_tools.SOURCE
    members = {path.relative_to(source).as_posix(): path.read_bytes()
               for path in (source / 'egg').rglob('*')
               if path.is_file() and '__pycache__' not in path.parts
               and '.mypy_cache' not in path.parts}  # fmt: skip
    for name in ('METADATA', 'PKG-INFO', 'entry_points.txt'):
        text = distribution.read_text(name)
        if text is not None:
            members[f'{stem}.dist-info/{name.replace("PKG-INFO", "METADATA")}'] = text
    members[f'{stem}.dist-info/WHEEL'] = (
        'Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
    return archives.write_wheel(directory / f'{stem}-py3-none-any.whl', members)


def _unpack(wheel, directory):
    """Make the egg of a wheel as zc.buildout 5 and 6 do."""
    name, version = wheel.name.split('-')[:2]
    stem = f'{name.replace("zc_", "zc.").replace("egg_c", "egg.c")}-{version}-{SUFFIX}'
    stem = stem.replace('recipe_egg', 'recipe.egg')
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory / f'{stem}.egg')
    [info] = (directory / f'{stem}.egg').glob('*.dist-info')
    os.rename(info, info.with_name(f'{stem}.dist-info'))


def alone():
    """Return the command that takes the network away from a process, as far as that can be."""
    for options in (['-n'], ['-rn']):
        command = ['unshare', *options, '--']
        if shutil.which('unshare') and subprocess.run([*command, 'true']).returncode == 0:
            return command
    return []


def run(directory, *arguments, ok=True, env=None):
    """Run something in the buildout, without a network, and return its output."""
    result = subprocess.run(
        [*alone(), *map(str, arguments)], cwd=directory, text=True, timeout=600,
        env=runner.environment(directory.parent, env),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    assert (result.returncode == 0) is ok, result.stdout
    return result.stdout


def mentions(directory, *texts):
    """Return the files in which one of the texts occurs, but for compiled modules."""
    needles = [os.fsencode(text) for text in texts]
    return sorted(
        str(path.relative_to(directory)) for path in directory.rglob('*')
        if path.is_file() and path.suffix != '.pyc'
        and any(needle in path.read_bytes() for needle in needles))  # fmt: skip


def own_path(directory):
    """Return what zc.buildout looks through for itself, as bin/buildout starts it."""
    program = (
        'import runpy\n'
        "space = runpy.run_path('bin/buildout', run_name='looked into')\n"
        "print(*space['easy_install'].buildout_and_setuptools_path, sep='\\n')\n")  # fmt: skip
    python = Path(directory, 'bin/buildout').read_text().partition('\n')[0][2:]
    return run(directory, python, '-W', 'ignore', '-c', program).splitlines()


def test_a_copy_is_made_right_and_the_original_left_alone(tmp_path, buildout, old, new):
    copy = tmp_path / 'production/shop'
    before = trees.snapshot(buildout)
    subprocess.run(['cp', '-a', buildout, copy], check=True)
    os.rename(tmp_path / 'build/venv', tmp_path / 'away')
    remark = run(copy, new, 'bootstrap.py', '--offline').splitlines()
    assert remark[0].startswith(f'.installed.cfg was that of {buildout}: ')
    assert remark[-1] == f'{copy}/bin/buildout is ready.'
    assert all(path.startswith(f'{copy}/eggs/') and '_vendor' not in path
               for path in own_path(copy))  # fmt: skip
    assert 'Installing app.' in run(copy, 'bin/buildout', '-o')
    assert trees.differences(before, trees.snapshot(buildout)) == []

    os.rename(buildout, tmp_path / 'gone')
    for script in ('demo', 'py'):
        text = (copy / 'bin' / script).read_text()
        assert text.startswith(f'#!{new}\n')
        assert 'site-packages' not in text
        assert '_vendor' not in text
    assert run(copy, 'bin/demo') == 'demo 1.0\n'
    places = (tmp_path / 'build', old.parent)
    assert set(mentions(copy, *places)) <= {'.installed.cfg.foreign'}

    # And once more, by a rename, with -N.
    os.rename(copy, tmp_path / 'moved')
    os.rename(new.parent.parent, tmp_path / 'venv')
    run(tmp_path / 'moved', tmp_path / 'venv/bin/python', 'bootstrap.py')
    assert 'Installing app.' in run(tmp_path / 'moved', 'bin/buildout', '-N')
    assert run(tmp_path / 'moved', 'bin/demo') == 'demo 1.0\n'
    assert set(mentions(tmp_path / 'moved', tmp_path / 'production')) <= {'.installed.cfg.foreign'}
    assert 'Updating app.' in run(tmp_path / 'moved', 'bin/buildout', '-o')


@pytest.mark.slow
def test_another_installation_of_the_same_python_does(tmp_path, buildout):
    base = Path(sys.base_prefix)
    if base in (Path('/usr'), Path('/usr/local')):
        pytest.skip('this Python is part of the operating system')
    subprocess.run(['cp', '-a', base, tmp_path / 'python'], check=True)
    python = tmp_path / f'python/bin/python{PYTHON}'
    os.rename(buildout, tmp_path / 'moved')
    shutil.rmtree(tmp_path / 'build')
    run(tmp_path / 'moved', python, 'bootstrap.py', '--offline')
    run(tmp_path / 'moved', 'bin/buildout', '-o')
    assert run(tmp_path / 'moved', 'bin/demo') == 'demo 1.0\n'
    assert mentions(tmp_path / 'moved', base / 'bin') == []


@pytest.mark.slow
def test_develop_eggs_are_made_right_without_a_network(tmp_path, wheels, buildout, new):
    (buildout / 'setup.py').write_text(
        'from setuptools import setup\n'
        "setup(name='shop', version='1.0', packages=['shop'], package_dir={'': 'src'},\n"
        "      entry_points={'console_scripts': ['shop = shop:main']})\n")
    (buildout / 'src/shop').mkdir(parents=True)
    (buildout / 'src/shop/__init__.py').write_text('def main():\n    print(__file__)\n')
    config = {**CONFIG, 'buildout': {**CONFIG['buildout'], 'develop': '.'},
              'app': {**CONFIG['app'], 'eggs': 'shop'}}  # fmt: skip
    (buildout / 'buildout.cfg').write_text(runner.config_text(config))
    isolated = {'PIP_NO_BUILD_ISOLATION': None}
    run(buildout, 'bin/buildout', '-o', env=isolated)
    assert run(buildout, 'bin/shop') == f'{buildout}/src/shop/__init__.py\n'
    copy = tmp_path / 'production/shop'
    subprocess.run(['cp', '-a', buildout, copy], check=True)
    shutil.rmtree(tmp_path / 'build')
    run(copy, new, 'bootstrap.py', '--offline')
    run(copy, 'bin/buildout', '-o', env=isolated)
    assert run(copy, 'bin/shop') == f'{copy}/src/shop/__init__.py\n'
    assert set(mentions(copy, tmp_path / 'build')) <= {'.installed.cfg.foreign'}


@pytest.mark.slow
@pytest.mark.parametrize('version', ['4.2.0', '5.2.0', '6.0.1'])
def test_from_nothing_by_way_of_the_index(tmp_path, version, old, new):
    links = tmp_path / 'links'
    support_tools.tools_for(version, tmp_path / 'tools')
    for name in support_tools.NEEDED:
        if support_tools.find(name, [str(tmp_path / 'tools')]):
            support_tools.wheel_of(name, links, [str(tmp_path / 'tools')])
    support_tools.recipe_for(version, links)
    _own_wheel(links)
    archives.make_wheel(links, 'demo', '1.0', requires=['packaging'])
    directory = tmp_path / 'build/shop'
    directory.mkdir()
    config = {**CONFIG, 'buildout': {**CONFIG['buildout'], 'find-links': links}}
    (directory / 'buildout.cfg').write_text(runner.config_text(config))
    shutil.copy(bootstrap.__file__, directory)
    env = {'PIP_FIND_LINKS': links}
    before = trees.snapshot(directory)
    assert 'pip could not get' in run(directory, old, 'bootstrap.py', ok=False)
    assert 'are missing' in run(directory, old, 'bootstrap.py', '--offline', ok=False)
    assert trees.differences(before, trees.snapshot(directory)) == []

    output = run(directory, old, 'bootstrap.py', '--buildout-version', version, env=env)
    assert output.endswith(f'{directory}/bin/buildout is ready.\n')
    assert version in run(directory, 'bin/buildout', '--version')
    run(directory, 'bin/buildout', '-N')
    assert run(directory, 'bin/demo') == 'demo 1.0\n'

    moved = tmp_path / 'production/shop'
    os.rename(directory, moved)
    shutil.rmtree(tmp_path / 'build')
    shutil.rmtree(links)
    run(moved, new, 'bootstrap.py', '--offline')
    run(moved, 'bin/buildout', '-o')
    assert run(moved, 'bin/demo') == 'demo 1.0\n'
    assert set(mentions(moved, tmp_path / 'build')) <= {'.installed.cfg.foreign'}

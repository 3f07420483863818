"""Does it hold for a real application? Zope 6.2 with its published pins, from its real index."""

import os
import shutil
import subprocess
import sys
import tarfile

import pytest
from support import trees
from support.programs import require
from support.runner import Buildout, environment

pytestmark = pytest.mark.slow

CONFIG = '''
[buildout]
extends = {versions}
extensions = egg.cache
egg-cache = {cache}
egg-cache-self-contained = no
parts = zope

[zope]
recipe = zc.recipe.egg
eggs = Zope
interpreter = zopepy

[versions]
zc.recipe.egg = {recipe}
'''

# As a user has it: pip may ask its index and isolate builds.
ONLINE = {'PIP_NO_INDEX': None, 'PIP_NO_BUILD_ISOLATION': None}


@pytest.fixture(scope='module')
def published_pins(tmp_path_factory):
    """The file of version pins in the source distribution of Zope."""
    directory = tmp_path_factory.mktemp('zope')
    subprocess.run(
        [sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--no-binary', ':all:',
         '--no-build-isolation', '-d', str(directory), 'Zope==6.2'],
        check=True,
        env=environment(directory, {**ONLINE, 'PYTHONPATH': os.pathsep.join(sys.path)}))
    [archive] = directory.glob('*.tar.gz')
    with tarfile.open(archive) as sdist:
        text = sdist.extractfile('zope-6.2/versions-prod.cfg').read()
    path = directory / 'versions-prod.cfg'
    path.write_bytes(text)
    return path


@pytest.fixture
def python_without_network(tmp_path):
    """An interpreter whose processes have no network at all."""
    require('unshare')
    options = '-n' if os.geteuid() == 0 else '-rn'
    path = tmp_path / 'python-without-network'
    path.write_text(f'#!/bin/sh\nexec unshare {options} -- {sys.executable} "$@"\n')
    path.chmod(0o755)
    probe = 'import socket; socket.create_connection(("127.0.0.1", 9), 1)'
    result = subprocess.run([path, '-c', probe], capture_output=True, text=True)
    if result.stderr.startswith('unshare: '):
        pytest.skip('nobody may take the network away here, root or not (unshare -n)')
    assert 'unreachable' in result.stderr, result.stderr
    return path


def test_zope_is_copied_without_network_in_a_twentieth_of_the_time(
        tmp_path, tools, home, recipe_wheel, published_pins, python_without_network):
    cache = tmp_path / 'cache'
    config = CONFIG.format(
        versions=published_pins, cache=cache, recipe=recipe_wheel.name.split('-')[1])
    cold = Buildout(tmp_path / 'cold', tools, config, home=home)
    built = cold.run(env=ONLINE, timeout=1200)
    count = len(cold.eggs)
    assert count >= 70
    assert built.lines(f'Egg cache: 0 of {count} eggs copied, {count} built and stored')

    seconds = []
    for number in range(3):
        warm = Buildout(tmp_path / f'warm{number}', tools, config, home=home)
        copied = warm.run(env=ONLINE, python=python_without_network)
        assert copied.lines(f'Egg cache: {count} of {count} eggs copied;')
        assert copied.pip_count == 0
        seconds.append(copied.seconds)
    print(f'Zope 6.2: {count} eggs; cold {built.seconds:.1f} s, warm '
          f'{", ".join(f"{value:.2f} s" for value in seconds)}')
    assert min(seconds) < built.seconds / 20

    before, after = (trees.snapshot(buildout.eggs_directory) for buildout in (cold, warm))
    del before['.'], after['.']
    assert trees.differences(before, after) == []
    for script in warm.path('bin').iterdir():
        text = script.read_text()
        assert str(cache) not in text
        assert text.replace(str(warm.directory), str(cold.directory)) == \
            cold.path('bin', script.name).read_text()

    os.rename(cache, tmp_path / 'away')
    assert warm.script('zopepy', '-c', 'import Zope2; print(Zope2.__name__)') == 'Zope2\n'
    shutil.rmtree(tmp_path / 'away')

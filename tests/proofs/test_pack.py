"""Releases of real buildouts, set up where nothing of the build host is left."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from support import archives, own, shipping, trees
from support.command import answer
from support.runner import egg_part, environment

from egg.cache.release import release

BREW = '''
class Recipe:
    """Compiles: that needs what is only on the build host."""

    def __init__(self, buildout, name, options):
        self.offline = buildout['buildout']['offline'] == 'true'
        self.path = options['location'] = buildout['buildout']['parts-directory'] + '/' + name

    def install(self):
        import os
        assert not self.offline, 'there is no compiler'
        os.makedirs(self.path + '/lib')
        with open(self.path + '/lib/brewed', 'w') as file:
            file.write('brewed')
        os.symlink('brewed', self.path + '/lib/link')
        return self.path

    update = install
'''


# Python 3.12 and later want to be told; early 3.10 and 3.11 don't know it.
FILTER = {'filter': 'tar'} if hasattr(tarfile, 'tar_filter') else {}


@pytest.fixture(autouse=True)
def user(home, tmp_path, monkeypatch):
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    (tmp_path / 'tmp').mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'tmp'))


@pytest.fixture
def offered(index, archives_dir):
    for version in ('1.0', '2.0'):
        index.add(archives.make_wheel(archives_dir, 'dep', version))
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', requires=['dep']))
    index.add(archives.make_wheel(
        archives_dir, 'brew', '1.0', {'brew/__init__.py': BREW},
        entry_points='[zc.buildout]\ndefault = brew:Recipe\n'))
    return index


def unpack(path, directory):
    with tarfile.open(path) as archive:
        archive.extractall(directory, **FILTER)
    [top] = directory.iterdir()
    return top


def output(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_release_works_where_nothing_of_the_build_host_is_left(
    capsys, tmp_path, buildout_factory, offered, server
):
    (server[0] / 'far.cfg').write_text('[versions]\ndep = 2.0\n[versions:python3]\ndep = 1.0\n')
    (tmp_path / 'base.cfg').write_text(
        f'[buildout]\nextends = {server[1]}/far.cfg\n'
        '[macro]\nrecipe = zc.recipe.egg\ninitialization = lib = "${lib:location}/lib/link"\n')
    shop = buildout_factory(directory=tmp_path / 'shop')
    shop.configure(
        '[buildout]\nextends = ../base.cfg\nparts = lib app\n[lib]\nrecipe = brew\n'
        '[app]\n<= macro\neggs = demo\ninitialization +=\n'
        '    conf = "${buildout:directory}/etc/site.conf"\n')
    shop.run()
    shipping.complete(shop)
    shop.path('etc').mkdir()
    shop.path('etc/site.conf').write_text('conf')
    arguments = ['pack', shop.directory, '-o', tmp_path / 'shop.tar.gz', '--version', '1.4',
                 '--include', 'etc', '--include', 'parts/lib']  # fmt: skip
    before = trees.snapshot(shop.directory)
    found = answer(capsys, *arguments)
    assert trees.differences(before, trees.snapshot(shop.directory)) == []
    assert os.listdir(tmp_path / 'tmp') == []
    one = release.read(Path(found['path']))
    assert one.eggs['demo-1.0-py{}.{}{}.egg'.format(*sys.version_info[:2], '-linux-x86_64')][
        'archive']['sha256'] == archives.digest(tmp_path / 'archives/demo-1.0-py3-none-any.whl')
    assert not any(name.startswith('dep-2.0') for name in one.eggs)

    top = unpack(found['path'], tmp_path / 'there')
    os.rename(shop.directory, tmp_path / 'gone')
    offered.stop()
    output(sys.executable, '-I', top / 'install.py')
    text = (top / 'bin/demo').read_text()
    for path in ('lib/link', 'site.conf'):
        [place] = [line.split('"')[1] for line in text.splitlines() if f'/{path}"' in line]
        assert place.startswith(f'{top}/') and os.path.exists(place)
    assert str(shop.directory) not in text
    assert output(top / 'bin/demo') == 'demo 1.0\n'
    assert output(sys.executable, '-I', top / 'install.py', '--verify') is not None


@pytest.mark.slow
def test_a_develop_egg_is_shipped_as_a_real_one_and_upgraded(
    capsys, tmp_path, buildout_factory, offered, say
):
    for wheel in own.wheels(tmp_path / 'own'):
        offered.add(wheel)
    source = shipping.make_source(tmp_path / 'source', 'mine', '0.3', ['dep'])
    config = egg_part('mine', 'demo', buildout={'develop': source})
    shop = buildout_factory(config, directory=tmp_path / 'shop', egg_cache_self_contained='yes')
    shop.run()
    first = answer(capsys, 'pack', shop.directory, '-o', tmp_path / 'one.tar.gz', '--version', '1')
    again = answer(capsys, 'pack', shop.directory, '-o', tmp_path / 'two.tar.gz', '--version', '1')
    assert Path(first['path']).read_bytes() == Path(again['path']).read_bytes()
    shop.run('-o')

    # One egg changes, by a good megabyte that can't be compressed.
    (source / 'mine/data.py').write_text(f'data = {os.urandom(1_000_000).hex()!r}\n')
    shop.run('-o')
    full = answer(capsys, 'pack', shop.directory, '-o', tmp_path / '2.tar.gz', '--version', '2')
    since = answer(capsys, 'pack', shop.directory, '-o', tmp_path / '1-2.tar.gz', '--version', '2',
                   '--since', first['path'])  # fmt: skip
    egg = tmp_path / 'egg.tar.gz'
    [name] = [name for name in release.read(Path(full['path'])).eggs if name.startswith('mine-')]
    top = unpack(full['path'], tmp_path / 'full')
    with tarfile.open(egg, 'w:gz', compresslevel=6) as archive:
        archive.add(top / 'eggs/v5' / name, name)
    sizes = {'full': full['size'], 'since': since['size'], 'egg': egg.stat().st_size}
    say(f'a release in which one egg changed: {sizes} bytes')
    assert since['digest'] == full['digest']
    assert since['size'] < sizes['egg'] + 20_000
    assert since['base']['digest'] == first['digest']

    shutil.rmtree(source)
    os.rename(shop.directory, tmp_path / 'gone')
    offered.stop()
    site = tmp_path / 'site'
    for path in (first['path'], since['path']):
        answer(capsys, 'install', path, site, '--test', 'bin/mine')
    assert output(site / 'current/bin/mine') == 'mine 0.3\n'
    there = json.loads((site / 'current/RELEASE.json').read_bytes())
    assert there == json.loads((top / 'RELEASE.json').read_bytes())


@pytest.mark.slow
def test_a_buildout_built_elsewhere_with_the_same_eggs_gives_the_same_release(
    capsys, tmp_path, buildout_factory, offered
):
    config = egg_part('demo', versions={'dep': '1.0'})
    digests, first = [], None
    for name in ('a/shop', 'b/deeper/shop'):
        shop = buildout_factory(config, directory=tmp_path / name)
        shop.run()
        first = shipping.complete(shop, first)
        # All that was built has the times of its copies.
        for path in shop.eggs_directory.rglob('*'):
            os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
        found = answer(capsys, 'pack', shop.directory, '-o', tmp_path / 'x.tar.gz')
        digests.append((found['digest'], Path(found['path']).read_bytes()))
    assert digests[0] == digests[1]

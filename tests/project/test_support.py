"""The support of the tests: archives, index, runner and trees."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile

import pytest
from support import archives, trees
from support.index import Index
from support.programs import require_compiler
from support.runner import egg_part


def get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def pip_install(archive, target):
    subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--no-index',
                    '-t', str(target), str(archive)], check=True)


def test_a_wheel_has_the_same_bytes_each_time(tmp_path):
    one = archives.make_wheel(tmp_path / 'a', 'demo', '1.0', content='x')
    other = archives.make_wheel(tmp_path / 'b', 'demo', '1.0', content='x')
    assert one.read_bytes() == other.read_bytes()
    changed = archives.make_wheel(tmp_path / 'c', 'demo', '1.0', content='y')
    assert changed.name == one.name
    assert archives.digest(changed) != archives.digest(one)


def test_an_sdist_has_the_same_bytes_each_time(tmp_path):
    one = archives.make_sdist(tmp_path / 'a', 'demo', '1.0', c_extension=True)
    other = archives.make_sdist(tmp_path / 'b', 'demo', '1.0', c_extension=True)
    assert one.read_bytes() == other.read_bytes()


def test_pip_installs_a_wheel_with_everything(tmp_path):
    wheel = archives.make_wheel(
        tmp_path, 'ns.demo', '1.0', executable=['ns/demo/run.sh'], scripts={'tool': '#!python\n'},
        files={'ns/demo/run.sh': '#!/bin/sh\n', 'ns/demo/données/ö.bin': b'\0\1'})
    pip_install(wheel, tmp_path / 'target')
    installed = trees.snapshot(tmp_path / 'target')
    assert installed['ns/demo/run.sh'].mode & 0o111
    assert not installed['ns/demo/__init__.py'].mode & 0o111
    assert installed['ns/demo/données/ö.bin'].size == 2
    assert 'ns/__init__.py' not in installed
    assert 'bin/tool' in installed and 'bin/ns.demo' in installed


def test_an_egg_is_importable(tmp_path):
    egg = archives.make_egg(tmp_path, 'demo', '1.0', python='3.9')
    assert egg.name == 'demo-1.0-py3.9.egg'
    assert 'EGG-INFO/PKG-INFO' in zipfile.ZipFile(egg).namelist()
    output = subprocess.check_output([sys.executable, '-c', 'import demo; demo.main()'],
                                     env={**os.environ, 'PYTHONPATH': str(egg)})
    assert output.split() == [b'demo', b'1.0']


def test_the_index_announces_digests_and_writes_down_requests(tmp_path):
    wheel = archives.make_wheel(tmp_path, 'My.Demo', '1.0+local')
    with Index(wheel) as index:
        page = get(index.url + 'my-demo/').decode()
        assert 'my_demo-1.0%2Blocal' in page
        assert f'#sha256={archives.digest(wheel)}' in page
        assert get(index.archive_url(wheel.name)) == wheel.read_bytes()
        assert index.pages == ['/simple/my-demo/']
        assert index.downloads == [wheel.name]
        index.announce = 'md5'
        assert f'#md5={archives.digest(wheel, "md5")}' in get(index.links_url).decode()
        index.announce = False
        index.add(wheel, requires_python='>=3.9')
        page = get(index.links_url).decode()
        assert '#' not in page and 'data-requires-python="&gt;=3.9"' in page
        assert index.remove('my.demo') == [wheel.name]
        with pytest.raises(urllib.error.HTTPError, match='404'):
            get(index.url + 'my-demo/')


def test_the_index_can_fail_stop_and_come_back(tmp_path):
    with Index(archives.make_wheel(tmp_path, 'demo', '1.0')) as index:
        index.status = 503
        with pytest.raises(urllib.error.HTTPError, match='503'):
            get(index.url)
        index.status = None
        index.stop()
        with pytest.raises(urllib.error.URLError, match='refused'):
            get(index.url)
        index.start()
        assert b'demo' in get(index.url)


def test_differences_of_trees_are_found(tmp_path):
    for name in 'one', 'other':
        path = tmp_path / name
        path.mkdir()
        path.joinpath('same').write_text(f'{path}/bin')
        path.joinpath('same').chmod(0o644)
        path.joinpath('direct_url.json').write_text(name)
        path.joinpath('RECORD').write_text(f'direct_url.json,sha256={name},\n')
        path.joinpath('link').symlink_to('same')
        os.utime(path / 'same', ns=(1, len(name)))
    one, other = tmp_path / 'one', tmp_path / 'other'
    found = trees.differences(trees.snapshot(one), trees.snapshot(other))
    assert any(line.startswith('same: time 3 != 5') for line in found)
    assert trees.differences(trees.normalised(one, [one]), trees.normalised(other, [other])) == []
    other.joinpath('same').chmod(0o600)
    other.joinpath('link').unlink()
    found = trees.differences(trees.normalised(one, [one]), trees.normalised(other, [other]))
    assert found == ['link: only in the first', 'same: mode 0o644 != 0o600']


def test_a_buildout_installs_a_wheel_from_the_index(index, archives_dir, buildout_factory):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', content='hello'))
    buildout = buildout_factory(egg_part('demo'), cache=False)
    result = buildout.run()
    assert buildout.script('demo') == 'demo 1.0 hello\n'
    assert [name.split('-')[0] for name in buildout.eggs] == ['demo', 'zc.recipe.egg']
    assert buildout.egg('demo').joinpath('demo', '__init__.py').is_file()
    assert len(index.downloads) == 2
    assert all(arguments[0] == 'install' for arguments in result.pips)
    assert buildout.run().pip_count == 0


def test_a_buildout_builds_an_sdist_without_any_network(index, archives_dir, buildout_factory):
    require_compiler()
    index.add(archives.make_sdist(archives_dir, 'native', '1.0', c_extension=True))
    buildout = buildout_factory(egg_part('native', interpreter='py'), cache=False)
    buildout.run()
    assert buildout.script('native') == 'native 1.0\n'
    code = 'from native._answer import answer; print(answer())'
    assert buildout.script('py', '-c', code) == '42\n'


def test_two_builds_of_one_configuration_are_the_same(index, archives_dir, buildout_factory):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    snapshots = []
    for _ in range(2):
        buildout = buildout_factory(egg_part('demo'), cache=False)
        buildout.run()
        snapshots.append(trees.normalised(buildout.directory, [buildout.directory]))
    assert trees.differences(*snapshots) == []


def test_a_failing_buildout_shows_its_output(buildout_factory):
    buildout = buildout_factory(egg_part('missing'), cache=False)
    with pytest.raises(AssertionError, match="Couldn't find a distribution for 'missing'"):
        buildout.run()
    assert buildout.run(ok=False).returncode


def test_a_run_can_be_killed(buildout_factory):
    run = buildout_factory(egg_part('demo'), cache=False).start()
    run.wait_for(lambda: 'Creating directory' in run.output)
    assert run.kill().returncode == -9

"""Does a real application leave its build host? Zope 6.2, from its real index."""

import io
import json
import os
import shutil
import tarfile
import time
from pathlib import Path

import pytest
from support import chroot, interpreters, loopback, trees
from support.shop import BuildHost, timed

pytestmark = pytest.mark.slow

SELFTEST = "bin/zopepy -c 'import Zope2.Startup.run'"
CHANGED, OLD, NEW = 'soupsieve', '2.9.1', '2.7'


@pytest.fixture(scope='module')
def built(tmp_path_factory, recipe_wheel):
    """A build host that has packed shop 1.0, and then, with one other egg, 1.1; (host, archives).

    `since` has only what changed.
    """
    host = BuildHost(tmp_path_factory.mktemp('host').resolve(), recipe_wheel.name.split('-')[1])
    host.install_tools()
    host.build('cold build')
    full = host.pack('pack', 'shop-1.0.tar.gz', '--version', '1.0')
    host.pin(CHANGED, NEW)
    host.build('build with one other egg')
    since = host.pack('pack --since', 'shop-1.1-since-1.0.tar.gz', '--version', '1.1',
                      '--since', full)
    second = host.pack('pack 1.1', 'shop-1.1.tar.gz', '--version', '1.1')
    return host, {'1.0': full, '1.1': second, 'since': since}


class Production:
    """A host with an interpreter, a directory for releases, and no network."""

    def __init__(self, python, directory, env):
        self.python = python
        self.directory = directory
        self.env = env

    def install(self, archive, *options, status=0):
        """Run the install.py of an archive; return its output and the seconds it took."""
        script = self.directory.with_name('install.py')
        with tarfile.open(archive) as members:
            [member] = [name for name in members.getnames() if name.endswith('/install.py')
                        and name.count('/') == 1]
            script.write_bytes(members.extractfile(member).read())
        return self.python_alone(script, archive, self.directory, *options, status=status)

    def rollback(self):
        script = self.directory / 'current' / 'install.py'
        return self.python_alone(script, '--rollback', self.directory)

    def python_alone(self, *arguments, status=0):
        command = loopback.alone(self.python, *arguments)
        return timed(command, self.directory.parent, self.env, status)

    @property
    def current(self):
        return os.readlink(self.directory / 'current')

    def page(self):
        """Return the first page that the server of the current release answers with."""
        answer = loopback.get(['bin/runwsgi', 'parts/instance/zope.ini'],
                              self.directory / 'current', self.env)
        assert answer['status'] == 200, answer
        assert '<title>Auto-generated default page</title>' in answer['body'], answer
        return answer

    def version(self, project):
        code = f'import importlib.metadata as found; print(found.version({project!r}))'
        return timed(['bin/zopepy', '-c', code], self.directory / 'current', self.env)[0].strip()


@pytest.fixture
def production(built, tmp_path):
    """Production has an interpreter of its own, and the build host is away."""
    host, _ = built
    env = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': str(tmp_path), 'LC_ALL': 'C.UTF-8'}
    python = interpreters.second(tmp_path / 'interpreter')
    host.data.mkdir(parents=True, exist_ok=True)
    with host.away():
        (tmp_path / 'srv').mkdir()
        yield Production(python, tmp_path / 'srv' / 'shop', env)
    shutil.rmtree(host.data.parent)


def egg_size(archive, project):
    """Return the size that the one egg of a project has as an archive of its own."""
    output = io.BytesIO()
    with tarfile.open(archive) as source, tarfile.open(fileobj=output, mode='w:gz') as target:
        for member in source:
            if f'/{project}-' in member.name and '.egg/' in member.name:
                target.addfile(member, source.extractfile(member) if member.isfile() else None)
    return len(output.getvalue())


def settled(directory):
    """Return what is in an installed release, all of it, without what differs each time.

    These are times of what was made here, and the content of what was compiled.
    """
    packed = json.loads((directory / 'RELEASE.json').read_text())['files']
    nodes = trees.normalised(directory, volatile=['*.pyc'])
    times = trees.snapshot(directory, contents=False)
    return {path: node._replace(time=times[path].time if path in packed else None)
            for path, node in nodes.items()}


def test_zope_leaves_its_build_host_is_upgraded_and_rolled_back(built, production, say, tmp_path):
    host, archives = built
    srv = production
    say(', '.join(f'{what} {seconds:.1f} s' for what, seconds in host.seconds.items()))
    sizes = {name: path.stat().st_size for name, path in archives.items()}

    installed = srv.install(archives['1.0'], '--test', SELFTEST)
    assert srv.current == 'releases/shop-1.0'
    page = srv.page()
    assert srv.version(CHANGED) == OLD
    say(f'shop 1.0: {sizes["1.0"]:,} bytes, installed in {installed[1]:.1f} s; '
        f'the first page after {page["seconds"]:.1f} s')
    script = (srv.directory / 'current/bin/runwsgi').read_text()
    assert script.startswith(f'#!{srv.python}\n') and str(host.directory) not in script

    # A failing test leaves all as it was.
    before = trees.snapshot(srv.directory)
    output, _ = srv.install(
        archives['since'], '--test', "bin/zopepy -c 'raise SystemExit(7)'", status=1)
    assert 'The test of shop-1.1 failed (exit status 7)' in output
    assert kept(before, trees.snapshot(srv.directory)) == []

    # Only what changed, over the first.
    upgraded = srv.install(archives['since'], '--test', SELFTEST)
    assert srv.current == 'releases/shop-1.1'
    srv.page()
    assert srv.version(CHANGED) == NEW
    own = egg_size(archives['1.1'], CHANGED)
    say(f'shop 1.1: {sizes["1.1"]:,} bytes; since 1.0: {sizes["since"]:,}, of which the one egg '
        f'that changed is {own:,}; installed in {upgraded[1]:.1f} s')
    assert own < sizes['since'] < own + 60_000

    rolled_back = srv.rollback()
    assert f'{srv.directory}/current is shop-1.0 again; it was shop-1.1.' in rolled_back[0]
    assert srv.current == 'releases/shop-1.0'
    srv.page()
    assert srv.version(CHANGED) == OLD
    say(f'rolled back in {rolled_back[1]:.1f} s')

    # In the same place, the full archive gives the same release, file by file.
    release = srv.directory / 'releases' / 'shop-1.1'
    upgraded = settled(release)
    os.rename(srv.directory, tmp_path / 'upgraded')
    srv.install(archives['1.1'], '--test', SELFTEST)
    assert trees.differences(settled(release), upgraded) == []
    # What is there now is no base of the archive that has only changes.
    before = trees.snapshot(srv.directory)
    output, _ = srv.install(archives['since'], status=1)
    assert 'has only the changes since shop-1.0' in output
    assert kept(before, trees.snapshot(srv.directory)) == []
    assert srv.page()


def kept(before, after):
    """Return what differs between two snapshots, but for the times of directories."""
    return trees.differences(*(
        {path: node._replace(time=None) if node.type == 'directory' or path == '.lock' else node
         for path, node in nodes.items()} for nodes in (before, after)))


SPEC = Path(__file__).resolve().parents[2] / 'docs' / 'deployment' / 'shop.spec'


@pytest.fixture
def root(production, tmp_path):
    lacking = chroot.lacking()
    if lacking:
        pytest.skip(lacking)
    return chroot.Chroot(tmp_path / 'root', production.python)


def build_rpm(archive, root, directory, selftest=SELFTEST):
    """Build the package of the manual for a release; return its path."""
    version = archive.name.partition('-')[2].removesuffix('.tar.gz')
    macros = {
        '_sourcedir': archive.parent, '_topdir': directory, 'shop_version': version,
        'python': root.python, 'selftest': selftest,
    }  # fmt: skip
    defines = [word for name, value in macros.items() for word in ('--define', f'{name} {value}')]
    timed(['rpmbuild', '-bb', '--nodeps', *defines, SPEC], directory.parent, None)
    [path] = directory.glob(f'RPMS/*/shop-{version}-1.*.rpm')
    return path


def test_zope_is_installed_upgraded_and_removed_as_an_rpm(built, root, say, tmp_path):
    _, archives = built
    started = time.monotonic()
    first = build_rpm(archives['1.0'], root, tmp_path / 'first')
    say(f'RPM of shop 1.0: {first.stat().st_size:,} bytes, '
        f'built in {time.monotonic() - started:.1f} s')
    second = build_rpm(archives['1.1'], root, tmp_path / 'second')
    failing = build_rpm(archives['1.1'], root, tmp_path / 'failing', 'false')
    current = root.path('opt/shop/current')
    version = ['/opt/shop/current/bin/zopepy', '-c', (
        'import importlib.metadata as found; import Zope2.Startup.run; '
        f'print(found.version({CHANGED!r}))')]  # fmt: skip

    started = time.monotonic()
    root.rpm('-i', first)
    say(f'RPM of shop 1.0: installed in {time.monotonic() - started:.1f} s')
    assert os.readlink(current) == 'releases/shop-1.0-1'
    assert root.inside(*version) == f'{OLD}\n'
    root.rpm('-V', 'shop')

    # rpm can't undo what %post has failed to do, but the old package and `current` stay.
    output = root.rpm('-U', failing, status=None)
    assert 'shop-1.0-1 stays' in output
    assert os.readlink(current) == 'releases/shop-1.0-1'
    assert root.inside(*version) == f'{OLD}\n'
    root.rpm('-e', 'shop-1.1')
    assert os.listdir(root.path('opt/shop/releases')) == ['shop-1.0-1']
    assert root.inside(*version) == f'{OLD}\n'

    root.rpm('-U', second)
    assert os.readlink(current) == 'releases/shop-1.1-1'
    assert os.listdir(root.path('opt/shop/releases')) == ['shop-1.1-1']
    assert root.inside(*version) == f'{NEW}\n'
    root.rpm('-V', 'shop')
    # And back.
    root.rpm('-U', '--oldpackage', first)
    assert root.inside(*version) == f'{OLD}\n'
    root.rpm('-e', 'shop')
    assert os.listdir(root.path('opt')) == []

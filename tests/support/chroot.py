"""How does a test install a package into a root directory where its scripts can run?"""

import shlex
import shutil
import subprocess
from pathlib import Path

from support import mounts

SYSTEM = ('bin', 'sbin', 'lib', 'lib32', 'lib64')


class Chroot:
    """A root directory with the programs of this machine, an interpreter, and nothing else.

    `/usr` can't be written to, and there is no network.
    """

    def __init__(self, directory, python):
        self.directory = Path(directory)
        self.python = Path(python)
        for name in ('usr', 'dev', 'proc', 'etc', 'tmp', 'var/tmp', 'opt'):
            self.path(name).mkdir(parents=True)
        for name in SYSTEM:
            if Path('/', name).is_symlink():
                self.path(name).symlink_to(Path('/', name).readlink())
            elif Path('/', name).exists():
                self.path(name).mkdir()

    def path(self, *names):
        return self.directory.joinpath(*names)

    def run(self, *command, status=0):
        """Run a program of this machine that sees the root directory as it will be."""
        script = '\n'.join([*self._mounts(), f'exec {shlex.join(map(str, command))}'])
        done = subprocess.run(
            ['unshare', *self._rights(), '--net', '--mount', '--pid', '--fork', '--kill-child',
             '--', '/bin/sh', '-ec', script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=600)
        assert status in (None, done.returncode), f'{command}: {done.returncode}\n{done.stdout}'
        return done.stdout

    def inside(self, *command, status=0):
        """Run a program in the root directory."""
        return self.run('chroot', self.directory, *command, status=status)

    def rpm(self, *arguments, status=0):
        """Install or remove packages. What they require isn't known to the database there."""
        return self.run('rpm', '--root', self.directory, '--nodeps', *arguments, status=status)

    def _mounts(self):
        places = ['/usr', '/dev', *(f'/{name}' for name in SYSTEM if self._is_directory(name))]
        base = self.python.parents[1]
        if not self.python.is_relative_to('/usr'):
            self.path(*base.parts[1:]).mkdir(parents=True, exist_ok=True)
            places.append(str(base))
        yield 'mount --make-rprivate /'
        for place in places:
            here = shlex.quote(f'{self.directory}{place}')
            yield f'mount --rbind {shlex.quote(place)} {here}'
        yield f'mount -o remount,bind,ro {shlex.quote(str(self.path("usr")))}'
        yield f'mount -t proc proc {shlex.quote(str(self.path("proc")))}'
        # A copied interpreter may have its library beside it.
        yield shlex.join(['ldconfig', '-r', str(self.directory), str(base / 'lib')])

    def _is_directory(self, name):
        return self.path(name).is_dir() and not self.path(name).is_symlink()

    @staticmethod
    def _rights():
        return mounts.ways()[0][1:]


def lacking():
    """Return what is lacking here to build packages and to install them, '' if nothing is."""
    for program in ('rpmbuild', 'rpm', 'chroot', 'ldconfig'):
        if shutil.which(program) is None:
            return f'there is no {program}'
    return '' if mounts.ways() else mounts.LACKING

"""Which other interpreters are there, of the same ABI or of other versions?"""

import glob
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

NAME = 'python{}.{}'.format(*sys.version_info[:2])
PROBE = '''
import ctypes, hashlib, lzma, sqlite3, ssl, sys, sysconfig, zlib
print(sysconfig.get_config_var("SOABI"), sys.base_prefix == sys.prefix, sep="\\n")
'''
# What others installed stays behind, and so does what no program needs.
LEFT_OUT = shutil.ignore_patterns(
    'site-packages', '__pycache__', 'test', 'tests', 'idlelib', 'turtledemo', '*.a')


def second(directory):
    """Return the path of an interpreter that has nothing in common with this one but its ABI.

    That of the operating system if it is another one, else a copy of this one in `directory`,
    without anything that was installed into it.
    """
    for path in (Path('/usr/bin', NAME), Path('/usr/local/bin', NAME)):
        if not path.resolve().is_relative_to(Path(sys.base_prefix).resolve()) and _fits(path):
            return path
    path = copy(directory)
    assert _fits(path), f'{path} does not run'
    return path


def copy(directory):
    """Copy this interpreter with its standard library into `directory`; return its path."""
    base = Path(sys.base_prefix)
    path = Path(directory, 'bin', NAME)
    path.parent.mkdir(parents=True)
    shutil.copy2(base / 'bin' / NAME, path)
    library = Path(sysconfig.get_path('stdlib')).relative_to(sys.base_prefix)
    shutil.copytree(base / library, directory / library, symlinks=True, ignore=LEFT_OUT)
    for shared in base.glob('lib/libpython*.so*'):
        shutil.copy2(shared, directory / 'lib', follow_symlinks=False)
    return path


def _fits(path):
    """Tell whether an interpreter is there, works, and has the ABI of this one."""
    if not path.exists():
        return False
    found = subprocess.run([path, '-I', '-c', PROBE], capture_output=True, text=True)
    return found.stdout.split() == [sysconfig.get_config_var('SOABI'), 'True']


VERSION = 'import sys, platform; print(*sys.version_info[:2], platform.python_implementation())'


def installed(pythons):
    """Return {version: path} of the CPythons on this machine, for versions such as (3, 12)."""
    found = {}
    for candidate in _candidates(pythons):
        # Without the version managers' shims, which may exist for what is not installed.
        result = subprocess.run([candidate, '-c', VERSION], capture_output=True, text=True,
                                env=environ())
        words = result.stdout.split()
        if result.returncode == 0 and words[2:] == ['CPython']:
            version = int(words[0]), int(words[1])
            if version in pythons:
                found.setdefault(version, candidate)
    return dict(sorted(found.items()))


def environ():
    """Return the environment for any interpreter: what this one finds is not for another one."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(('PYTHON', 'PIP_FIND_LINKS'))}


def _candidates(pythons):
    yield sys.executable
    # Beside this interpreter (.../3.12.1/bin/python3.12), as version managers install them.
    siblings = Path(sys.base_prefix).resolve().parent
    for major, minor in pythons:
        program = f'python{major}.{minor}'
        yield from filter(None, [shutil.which(program)])
        yield from sorted(glob.glob(f'{glob.escape(str(siblings))}/*/bin/{program}'))

"""How does a test get a filesystem of its own: a small one, or one that nobody can write to?"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT = 120
#: Why a test is skipped that needs them.
LACKING = 'nobody may have mounts of his own here, root or not (unshare -m)'


def ways():
    """Return the commands that start a process with mounts of its own, as root or not."""
    if shutil.which('unshare') is None:
        return []
    commands = [['unshare', '-m'], ['unshare', '-rm']]
    return [command for command in commands[os.geteuid() != 0 :]
            if subprocess.run([*command, 'mount', '-t', 'tmpfs', 'none', '/mnt'],
                              capture_output=True).returncode == 0]  # fmt: skip


def require():
    """Return the first of these commands, or skip the test."""
    for command in ways():
        return command
    pytest.skip(LACKING)


def wrapper(path, command, *mounts):
    """Write a program that runs Python with `mounts` (shell lines), and return its path."""
    lines = '\n'.join(mounts)
    inner = path.with_name(f'{path.name}-inner')
    inner.write_text(f'#!/bin/sh -e\n{lines}\nexec {sys.executable} "$@"\n')
    path.write_text(f'#!/bin/sh\nexec {" ".join(command)} {inner} "$@"\n')
    for script in (path, inner):
        script.chmod(0o755)
    return path


def run(python, script, *arguments):
    """Run the text `script` with `python`, with all that the test can import; fails with it."""
    path = [str(Path(__file__).parents[1]), *filter(None, sys.path)]
    result = subprocess.run(
        [str(python), '-c', script, *map(str, arguments)], text=True, capture_output=True,
        timeout=TIMEOUT, env={**os.environ, 'PYTHONPATH': os.pathsep.join(path)})  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout

"""How does a test run a piece of code in a process of its own?"""

import os
import subprocess
import sys
from pathlib import Path

TIMEOUT = 30


def start(script, *arguments, **options):
    """Start Python with the text `script`, which can import all that the test can."""
    path = [str(Path(__file__).parents[1]), *filter(None, sys.path)]
    environ = {**os.environ, 'PYTHONPATH': os.pathsep.join(path), **options.pop('environ', {})}
    options = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE,
               'text': True, **options}
    command = [sys.executable, '-c', script, *map(str, arguments)]
    return subprocess.Popen(command, env=environ, **options)


def run(script, *arguments, **options):
    """Run a script to its end; return its exit status, stdout and stderr."""
    with start(script, *arguments, **options) as process:
        output, errors = process.communicate(timeout=TIMEOUT)
    return process.returncode, output, errors

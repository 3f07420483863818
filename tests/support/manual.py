"""What does a user see who does what a manual says?"""

import doctest
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

# First, as it puts pkg_resources in place.
import zc.buildout.buildout  # isort: skip
import pytest
import zc.buildout.testing
from support import own, runner
from support import tools as support_tools
from zope.testing.renormalizing import OutputChecker

README = Path(__file__).resolve().parents[2] / 'README.rst'
DOCS = README.with_name('docs')
HOME = '/home/ada'
PROCESSES = 'processes'

BLOCK = re.compile(r'^\.\. code-block:: (?P<kind>\w+)\n\n(?P<text>(?: {4}.*\n|\n)+)', re.M)
COMMAND = re.compile(r'^\$ (?P<command>.*)\n(?P<output>(?:(?!\$ ).*\n)*)', re.M)
RECIPE_VERSION = re.compile(r'(zc\.recipe\.egg(?:-|==| = | +))\d[\d.]*\d')

NORMALISERS = [
    zc.buildout.testing.normalize_endings,
    zc.buildout.testing.normalize_egg_py,
    # What Python has against zc.buildout depends on the versions of both, and of setuptools.
    (re.compile(r'.*\.py:\d+: \w*Warning: .*\n  .*\n'), ''),
    (RECIPE_VERSION, r'\1N'),
    # With a digest, as the tests have an option of pip that builds depend on.
    (re.compile(r'\bcp3\d+t?-\w+-egg\d(?:-[0-9a-f]{16})?\b'), '<environment key>'),
    (re.compile(r'\b[0-9a-f]{16}\b'), '<digest>'),
    (re.compile(r'\d{4}-\d\d-\d\dT[\d:]+Z'), '<time>'),
    (re.compile(r'http\S+/simple/'), '<index>'),
    (re.compile(r'(for Python|zc\.buildout) \d[\d.]*\d'), r'\1 N'),
    # Is the Python of the tests one of a virtual environment?
    (re.compile(r'Interpreter: .*(?= \(\d)'), 'Interpreter: <Python>'),
    (re.compile(r'\b[\d.]+ [kM]?B\b'), 'N kB'),
    # On a busy machine, seconds become minutes.
    (re.compile(r'\b[\d.]+ (?:s|min|h)(?: \d+ (?:s|min))?\b'), 'N s'),
    # Which of two took longer? And then, columns are as wide as what is in them.
    (re.compile(r'(?<=took\n)(.*)\n(.*)\n'), lambda match: '{}\n{}\n'.format(
        *sorted(match.groups()))),
    (re.compile(r'(?<=\S) {2,}'), ' '),
]
# Eggs of zc.buildout, egg.cache and what they need.
OWN = r'(?:zc[.-]buildout|egg[.-]cache|setuptools|packaging|pip|wheel|filelock|platformdirs)'
# The manual has `...` where it leaves lines out, there and nowhere else: what is read and
# downloaded, and what is said of these eggs.
LEFT_OUT = re.compile(
    r'(?:^(?:root: .*'
    rf"|Getting distribution for '{OWN}==.*"
    rf'|(?:egg\.cache: Copied|Got) {OWN} [\dN].*)\n)+', re.M)  # fmt: skip
NORMALISERS += [
    (LEFT_OUT, '...\n'),
    # Their versions are those that the tests run with.
    (re.compile(rf'^({OWN})-\d[\w.+]*(?=-py)', re.M), r'\1-N'),
    # How many they are depends on the release of zc.buildout.
    (re.compile(r'\b[1-9]\d*( of [1-9]\d*)?(?= eggs? (copied|checked))'), 'N'),
    (re.compile(r'(?<=0 of N eggs copied, )\d+ '), 'N '),
    (re.compile(r'(?<=^hits )\d+(?= \(50 %\)$)', re.M), 'N'),
    (re.compile(r' *\d+(?= by a pin)'), ' N'),
]


class Shell:
    """A shell in the directory `home`, which is the user's home directory too."""

    def __init__(self, home, env):
        self._home = self._directory = home
        self._env = env
        #: Paths that are shown by other names, and texts that are typed in another way.
        self.names = {str(home): HOME}
        self.typed = {}

    def run(self, command):
        """Return what `command` says; like a person's shell, it remembers the directory."""
        for shown, text in self.typed.items():
            command = command.replace(shown, text)
        state = self._home / '.directory'
        script = f'{command}\nstatus=$?; pwd > {shlex.quote(str(state))}; exit $status'
        result = subprocess.run(
            ['/bin/sh', '-c', script],
            cwd=self._directory, env=self._env, stdin=subprocess.DEVNULL, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8')
        self._directory = state.read_text().rstrip('\n')
        output = result.stdout
        for path, name in self.names.items():
            output = output.replace(path, name)
        assert result.returncode == 0, f'$ {command}\n{output}'
        return output


def page(name):
    """Return the text of a page of docs/, such as `recipes/ci`."""
    return DOCS.joinpath(f'{name}.rst').read_text('utf-8')


def blocks(text, kind):
    """Return the code blocks of one kind, without their indentation."""
    return [re.sub('^ {4}', '', match['text'], flags=re.M).rstrip() + '\n'
            for match in BLOCK.finditer(text) if match['kind'] == kind]


def commands(text):
    """Yield (command, output) of all console blocks."""
    for block in blocks(text, 'console'):
        for match in COMMAND.finditer(block):
            yield match['command'], match['output']


def shown_commands(text):
    """Return all commands of `text` that are shown after a prompt."""
    return re.findall(r'^ +\$ (.*)$', text, re.M)


def write_script(path, *arguments):
    """Write a program that runs Python with `arguments` before its own."""
    words = shlex.join(map(str, [sys.executable, *arguments]))
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o755)


def make_user(tmp_path, index, archives_dir):
    """Return (home directory, shell) of a user with tools of his own, which the index has, too."""
    packages = tmp_path / 'site-packages'
    support_tools.from_environment(packages)
    for metadata in packages.glob('egg?cache*'):
        shutil.rmtree(metadata)
    # As a user has it: a release, which the index has too.
    released = own.egg_cache_wheel(archives_dir, '1.0')
    with zipfile.ZipFile(released) as archive:
        archive.extractall(packages)
    for wheel in (*own.wheels(archives_dir), released):
        index.add(wheel)
    home, shell = make_shell(tmp_path, [str(packages)], index)
    shell.names[str(packages.resolve())] = f'{HOME}/venv/lib/python3.12/site-packages'
    return home, shell


def make_shell(tmp_path, tools, index):
    """Return a shell for a user who installed zc.buildout and egg.cache with pip."""
    home = (tmp_path / 'ada').resolve()
    (home / '.buildout').mkdir(parents=True)
    (home / '.buildout' / 'default.cfg').write_text(f'[buildout]\nindex = {index.url}\n')
    bin_path = tmp_path / 'bin'
    launch = json.dumps({'tools': tools, 'log': str(tmp_path / PROCESSES)})
    write_script(bin_path / 'buildout', runner.LAUNCH, launch)
    code = f'import sys; sys.path[:0] = {tools!r}; from egg.cache import cli; sys.exit(cli.main())'
    write_script(bin_path / 'egg-cache', '-c', code)
    # All that it could install is there.
    write_script(bin_path / 'pip', '-c', (
        "import sys; assert sys.argv[1:] == ['install', 'zc.buildout', 'egg.cache'], sys.argv"))
    path = os.pathsep.join([str(bin_path), os.environ['PATH']])
    return home, Shell(home, runner.environment(home, {'PATH': path}))


def run_commands(shell, text, normalisers):
    """Run the commands of `text`; fail with a difference if one says what the manual doesn't."""
    checker = OutputChecker(normalisers)
    for command, expected in commands(text):
        output = shell.run(command)
        if not checker.check_output(expected, output, 0):
            example = doctest.Example(command, expected)
            difference = checker.output_difference(example, output, doctest.REPORT_NDIFF)
            raise AssertionError(f'$ {command}\n{difference}')


needs_eggs_in_v5 = pytest.mark.skipif(
    version('zc.buildout').startswith('4.'), reason='the manual is for eggs in eggs/v5')

"""The manual: README.rst and ARCHITECTURE.rst say what is."""

import doctest
import json
import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

# First, as it puts pkg_resources in place.
import zc.buildout.buildout  # isort: skip
import pytest
import zc.buildout.testing
from support import archives, runner
from zope.testing.renormalizing import OutputChecker

import egg.cache
from egg.cache import environment, settings

README = Path(__file__).resolve().parents[1] / 'README.rst'
ARCHITECTURE = README.with_name('ARCHITECTURE.rst')
HOME = '/home/ada'
PROCESSES = 'processes'
NETWORK_IS_DOWN = '.. tests/test_readme.py: from here on, the network is down.\n'

BLOCK = re.compile(r'^\.\. code-block:: (?P<kind>\w+)\n\n(?P<text>(?: {4}.*\n|\n)+)', re.M)
COMMAND = re.compile(r'^\$ (?P<command>.*)\n(?P<output>(?:(?!\$ ).*\n)*)', re.M)
RECIPE_VERSION = re.compile(r'(zc\.recipe\.egg(?:-|==| = | +))\d[\d.]*\d')

NORMALISERS = [
    zc.buildout.testing.normalize_endings,
    zc.buildout.testing.normalize_egg_py,
    # What Python has against zc.buildout depends on the versions of both, and of setuptools.
    (re.compile(r'.*\.py:\d+: \w*Warning: .*\n  .*\n'), ''),
    (RECIPE_VERSION, r'\1N'),
    (re.compile(r'\bcp3\d+t?-\w+-egg\d\b'), '<environment key>'),
    (re.compile(r'[\d.]+ s saved'), 'N s saved'),
    (re.compile(r' +[\d.]+ [kM]?B\b'), ' N kB'),
]
# What is read and downloaded. Only where the manual says that it leaves it out.
ONLINE_NORMALISERS = [(re.compile(r'^(\.\.\.|root: .*)\n', re.M), '')]


class Shell:
    """A shell in the directory `home`, which is the user's home directory too."""

    def __init__(self, home, env):
        self._home = self._directory = home
        self._env = env

    def run(self, command):
        """Return what `command` says; like a person's shell, it remembers the directory."""
        state = self._home / '.directory'
        script = f'{command}\nstatus=$?; pwd > {shlex.quote(str(state))}; exit $status'
        result = subprocess.run(
            ['/bin/sh', '-c', script],
            cwd=self._directory, env=self._env, stdin=subprocess.DEVNULL, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8')
        self._directory = state.read_text().rstrip('\n')
        output = result.stdout.replace(str(self._home), HOME)
        assert result.returncode == 0, f'$ {command}\n{output}'
        return output


def blocks(text, kind):
    """Return the code blocks of one kind, without their indentation."""
    return [re.sub('^ {4}', '', match['text'], flags=re.M).rstrip() + '\n'
            for match in BLOCK.finditer(text) if match['kind'] == kind]


def commands(text):
    """Yield (command, output) of all console blocks."""
    for block in blocks(text, 'console'):
        for match in COMMAND.finditer(block):
            yield match['command'], match['output']


def write_script(path, *arguments):
    """Write a program that runs Python with `arguments` before its own."""
    words = shlex.join(map(str, [sys.executable, *arguments]))
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o755)


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


@pytest.mark.skipif(
    version('zc.buildout').startswith('4.'), reason='the manual is for eggs in eggs/v5')
def test_the_walk_through_says_what_happens(tmp_path, tools, index, recipe_wheel, archives_dir):
    online, offline = README.read_text(encoding='utf-8').split(NETWORK_IS_DOWN)
    [config] = blocks(online, 'ini')
    recipe_version = recipe_wheel.name.split('-')[1]
    index.add(archives.make_wheel(
        archives_dir, 'pyflakes', '3.2.0', tag='py2.py3-none-any', entry_points=(
            '[console_scripts]\npyflakes = pyflakes:main\n')))
    home, shell = make_shell(tmp_path, tools, index)
    (home / 'buildout.cfg').write_text(RECIPE_VERSION.sub(rf'\g<1>{recipe_version}', config))
    run_commands(shell, online, NORMALISERS + ONLINE_NORMALISERS)
    processes = tmp_path / PROCESSES
    assert index.downloads and 'pip' in processes.read_text()
    index.stop()
    processes.unlink()
    run_commands(shell, offline, NORMALISERS)
    assert not processes.exists()


def test_every_command_of_the_walk_through_is_run():
    text = README.read_text(encoding='utf-8')
    shown = re.findall(r'^    \$ (.*)$', text, re.M)
    assert shown == [command for command, _ in commands(text)]
    assert shown.count('buildout') == 2


def test_the_readme_has_every_option():
    text = README.read_text(encoding='utf-8')
    assert tuple(re.findall(r'^    \* - ``([\w-]+)``:', text, re.M)) == settings.OPTIONS
    for mode in settings.MODES:
        assert f'``{mode}``' in text


def test_the_readme_has_every_build_variable():
    text = README.read_text(encoding='utf-8')
    [block] = re.findall(r'variables is set::\n\n((?: {4}.*\n)+)', text)
    assert tuple(block.split()) == environment.BUILD_VARIABLES


def test_the_architecture_names_every_module():
    text = ARCHITECTURE.read_text(encoding='utf-8')
    table = text.partition('\nLayers\n')[2].partition('\nInvariants\n')[0]
    named = set(re.findall(r'``(\w+)``', table))
    modules = {path.stem for path in Path(egg.cache.__file__).parent.glob('*.py')}
    assert modules - {'__init__'} == named & modules

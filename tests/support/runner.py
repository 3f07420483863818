"""What does a real buildout process do?"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAUNCH = Path(__file__).with_name('launch.py')
# Anything of these in the environment of the tests could change what a buildout gets.
FOREIGN = ('PIP_', 'PYTHON', 'BUILDOUT', 'buildout_testing_index_url', 'XDG_', 'VIRTUAL_ENV',
           'SOURCE_DATE_EPOCH', 'EGG_CACHE', '__PYVENV', 'SETUPTOOLS_')
PROXIES = ('http_proxy', 'https_proxy', 'all_proxy')
# What each buildout says to pip: neither ask an index nor isolate builds. What is built from
# source depends on it, so a command that looks for such eggs has to say it, too (`same_pip`).
PIP = {
    'PIP_CONFIG_FILE': os.devnull,
    'PIP_DISABLE_PIP_VERSION_CHECK': '1',
    'PIP_NO_BUILD_ISOLATION': '0',          # pip reads this as `build_isolation = 0`
    'PIP_NO_CACHE_DIR': '1',
    'PIP_NO_INDEX': '1',
    'PIP_NO_INPUT': '1',
    'PIP_ROOT_USER_ACTION': 'ignore',
}


class Buildout:
    """A buildout in `directory`, run with `tools` (see `support.tools`).

    `defaults` are options of the section [buildout] that every configuration starts
    with. `home` is its user's home directory, by default one beside `directory`. Who runs it as
    another user says so with `owner`.
    """

    owner = None

    def __init__(self, directory, tools, config='', defaults=None, home=None):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.tools = [str(path) for path in tools]
        self.defaults = dict(defaults or {})
        self.home = Path(home or self.directory.with_name(self.directory.name + '-home'))
        self.home.mkdir(parents=True, exist_ok=True)
        self.configure(config)

    def configure(self, config):
        """Write buildout.cfg: `config` is its text, or {section: {option: text or list}}.

        Options in `config` win over the defaults; a default that is None is left out.
        """
        if not isinstance(config, str):
            config = config_text(config)
        defaults = config_text({'buildout': {'parts': '', **self.defaults}})
        self.path('buildout.cfg').write_text(f'{defaults}\n{config}', encoding='utf-8')

    def run(self, *args, ok=True, env=None, python=sys.executable, timeout=300):
        """Run buildout with `args` and return its Result.

        `env` adds to the environment, or takes from it where a value is None. Fails
        with the output when the success is not as expected; `ok=None` expects nothing.
        """
        result = self.start(*args, env=env, python=python).finish(timeout)
        if ok is not None and ok is not (result.returncode == 0):
            expected = 'succeed' if ok else 'fail'
            raise AssertionError(f'buildout was expected to {expected}:\n{result}')
        return result

    def start(self, *args, env=None, python=sys.executable):
        """Start buildout with `args` and return the Run, which may be killed or finished."""
        log = self._new_log()
        settings = json.dumps({'tools': self.tools, 'log': str(log)})
        arguments = [str(python), str(LAUNCH), settings, *map(str, args)]
        return Run(arguments, self.directory, environment(self.home, env), log)

    def script(self, name, *args, env=None, timeout=60):
        """Run a generated script and return its output; fails when the script does."""
        arguments = [str(self.path('bin', name)), *map(str, args)]
        result = Run(arguments, self.directory, environment(self.home, env),
                     self._new_log()).finish(timeout)
        if result.returncode:
            raise AssertionError(f'bin/{name} failed:\n{result}')
        return result.output

    def path(self, *names):
        return self.directory.joinpath(*names)

    @property
    def eggs_directory(self):
        """The directory that holds the eggs; buildout 5 and 6 have it as `eggs/v5`."""
        return self.path('eggs', 'v5') if self.path('eggs', 'v5').exists() else self.path('eggs')

    @property
    def eggs(self):
        """The names of the eggs, sorted."""
        return sorted(path.name for path in self.eggs_directory.glob('*.egg'))

    def egg(self, project):
        """The path of the one egg of `project`, in its own spelling."""
        [path] = self.eggs_directory.glob(f'{project}-*.egg')
        return path

    def _new_log(self):
        logs = self.home / '.runs'
        logs.mkdir(exist_ok=True)
        path = tempfile.mkdtemp(dir=logs)
        if self.owner is not None:
            os.chown(path, self.owner, -1)
        return Path(path, 'processes')


class Run:
    """A buildout process on its way."""

    def __init__(self, arguments, directory, env, log):
        self._log = log
        self._output = log.with_name('output')
        self._started = time.monotonic()
        with open(self._output, 'wb') as output:
            self.process = subprocess.Popen(
                arguments, cwd=directory, env=env, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def output(self):
        """What was said so far."""
        return self._output.read_text(encoding='utf-8', errors='replace')

    def wait_for(self, condition, timeout=60):
        """Return as soon as `condition()` is true; fails when the process ends before."""
        limit = time.monotonic() + timeout
        while not condition():
            if self.process.poll() is not None or time.monotonic() > limit:
                self.kill()
                raise AssertionError(f'waited in vain:\n{self.output}')
            time.sleep(0.005)

    def kill(self):
        """End the process and all that it started with SIGKILL, and return the Result."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.finish()

    def finish(self, timeout=300):
        """Wait for the end and return the Result; a process that takes longer is killed."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f'still running after {timeout} s:\n{self.output}') from None
        return Result(self.process.args, self.process.returncode, self.output,
                      time.monotonic() - self._started, _processes(self._log))


class Result:
    """What came of a run: `returncode`, `output`, `seconds`, and the `processes` it started."""

    def __init__(self, arguments, returncode, output, seconds, processes):
        self.arguments = arguments
        self.returncode = returncode
        self.output = output
        self.seconds = seconds
        self.processes = processes

    @property
    def pips(self):
        """The arguments of each `python -m pip` process: ['install', '--no-deps', ...]."""
        return [arguments[3:] for arguments in self.processes if arguments[1:3] == ['-m', 'pip']]

    @property
    def pip_count(self):
        return len(self.pips)

    def lines(self, *words):
        """The lines of the output in which all `words` occur."""
        return [line for line in self.output.splitlines() if all(word in line for word in words)]

    def __str__(self):
        return f'exit code {self.returncode} after {self.seconds:.1f} s\n{self.output}'


def environment(home, changes=None):
    """Return the environment of a run: that of the tests, but for what could change its result.

    It has the setuptools of the tools for builds.
    """
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(FOREIGN) and name.lower() not in PROXIES}
    env.update({
        'HOME': str(home),
        'LC_ALL': 'C.UTF-8',
        'PYTHONNOUSERSITE': '1',
        **PIP,
        # Or each run asks the index for newer releases of the tools.
        'BUILDOUT_RESTART_AFTER_UPGRADE': '1',
    })
    env.update(changes or {})
    return {name: str(value) for name, value in env.items() if value is not None}


def config_text(sections):
    """Return a configuration as text; lists become one item a line, None is left out."""
    lines = []
    for section, options in sections.items():
        lines.append(f'[{section}]')
        lines.extend(f'{name} = {_value(value)}' for name, value in options.items()
                     if value is not None)
        lines.append('')
    return '\n'.join(lines)


def egg_part(*requirements, name='app', buildout=None, versions=None, **options):
    """Return a configuration with one part, which installs `requirements` and their scripts.

    `buildout` are further options of [buildout], `versions` the pins, `options` those of the part.
    """
    return {
        'buildout': {'parts': name, **(buildout or {})},
        'versions': versions or {},
        name: {'recipe': 'zc.recipe.egg', 'eggs': list(requirements), **options},
    }


def _value(value):
    if isinstance(value, (list, tuple)):
        return ''.join(f'\n    {item}' for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _processes(log):
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text(encoding='utf-8').splitlines()]

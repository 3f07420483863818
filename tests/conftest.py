"""Fixtures: an index, a recipe, and as many buildouts as a test wants."""

import functools
import http.server
import itertools
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support import properties
from support import tools as support_tools
from support.index import Index
from support.runner import PIP, Buildout

from egg.cache.environment import build_options


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    """The path list of zc.buildout and its companions, copied from the test process."""
    return support_tools.from_environment(tmp_path_factory.mktemp('tools'))


@pytest.fixture(scope='session')
def recipe_wheel(tmp_path_factory):
    """zc.recipe.egg as a wheel."""
    return support_tools.wheel_of('zc.recipe.egg', tmp_path_factory.mktemp('recipe'))


@pytest.fixture
def index(recipe_wheel):
    """A running index that offers the recipe and nothing else."""
    with Index(recipe_wheel) as index:
        yield index


@pytest.fixture
def server(tmp_path):
    """A host that serves the files of a directory: (that directory, its URL)."""
    path = tmp_path / 'elsewhere'
    path.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Handler, directory=str(path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever, args=[0.01])
        thread.start()
        yield path, f'http://127.0.0.1:{found.server_port}'
        found.shutdown()
        thread.join()


@pytest.fixture
def say(record_property):
    """A function for counts that are printed at the end, whether the test passes or not."""
    return lambda text: record_property('said', text)


def pytest_report_header():
    return f'TEST_SEED={properties.SEED}'


def pytest_terminal_summary(terminalreporter):
    """Print what was said, by tests in other processes, too."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports
               if getattr(report, 'when', None) == 'call']  # fmt: skip
    said = {(report.nodeid.partition('::')[0], text)
            for report in reports for name, text in report.user_properties if name == 'said'}
    if said:
        terminalreporter.section(f'counts (TEST_SEED={properties.SEED})')
    for path, text in sorted(said):
        terminalreporter.write_line(f'{path}: {text}')


@pytest.fixture
def archives_dir(tmp_path):
    """An empty directory for archives."""
    path = tmp_path / 'archives'
    path.mkdir()
    return path


@pytest.fixture
def home(tmp_path):
    """The home directory of every buildout of a test."""
    path = tmp_path / 'home'
    path.mkdir()
    return path


@pytest.fixture
def cache_dir(tmp_path):
    """The egg cache of every buildout of a test; it doesn't exist yet."""
    return tmp_path / 'cache'


@pytest.fixture(scope='session', autouse=True)
def no_options_of_builds():
    """Whoever runs the tests may have options of pip that count for what is built from source."""
    with pytest.MonkeyPatch.context() as patch:
        for name in build_options.VARIABLES:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def same_pip(monkeypatch):
    """Lets commands in the test process build from source with the options of the buildouts."""
    for name, value in PIP.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def buildout_factory(tmp_path, tools, index, home, cache_dir):
    """A function that makes a new buildout: tmp_path/buildout1, buildout2, ...

    All have the same home directory, index and egg cache. `cache=False` makes one without the
    extension; further keyword arguments are options of [buildout], None takes one away.
    What is beside zc.buildout stays there, as the index has none of it.
    """
    numbers = itertools.count(1)

    def make(config='', cache=True, tools=tools, directory=None, **options):
        defaults = {'index': index.url}
        if cache:
            defaults.update({'extensions': 'egg.cache', 'egg-cache': cache_dir,
                             'egg-cache-self-contained': 'no'})
        defaults.update((name.replace('_', '-'), value) for name, value in options.items())
        directory = directory or tmp_path / f'buildout{next(numbers)}'
        return Buildout(directory, tools, config, defaults, home)

    return make

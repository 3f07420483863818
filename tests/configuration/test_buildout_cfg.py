"""The configuration: read as buildout reads it, and nothing happens."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import archives, processes, trees
from support import tools as support_tools
from support.command import answer
from support.runner import egg_part

from egg.cache.common.errors import CacheError
from egg.cache.configuration import buildout_cfg

READ = """
import dataclasses, json, logging, os, socket, sys
def state():
    return os.getcwd(), list(logging.getLogger().handlers), socket.getdefaulttimeout()
before = state()
from egg.cache.configuration import buildout_cfg as configuration
found = configuration.read(sys.argv[1])
assert state() == before, (before, state())
print(json.dumps(dataclasses.asdict(found)))
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    path = tmp_path / 'home'
    path.mkdir()
    monkeypatch.setenv('HOME', str(path))
    for name in ('BUILDOUT_HOME', 'EGG_CACHE'):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.fixture
def directory(tmp_path):
    path = tmp_path / 'buildout'
    path.mkdir()
    return path


@pytest.fixture
def defaults(home):
    """A function that writes the configuration of the user."""
    def write(text):
        path = home / '.buildout/default.cfg'
        path.parent.mkdir()
        path.write_text(text)
        return path
    return write


def write(directory, text, name='buildout.cfg'):
    path = Path(directory, name)
    path.write_text(text)
    return path


def read(directory):
    """Read a configuration; neither the disk nor the process may change."""
    state = os.getcwd(), sorted(os.environ)
    before = trees.snapshot(directory)
    try:
        return buildout_cfg.read(str(directory))
    finally:
        assert trees.differences(before, trees.snapshot(directory)) == []
        assert (os.getcwd(), sorted(os.environ)) == state


def refused(directory):
    with pytest.raises(CacheError) as info:
        read(directory)
    return str(info.value)


FULL = {
    'buildout.cfg': """
[buildout]
extends = base.cfg
parts = app
develop = src/nothing
eggs-directory = ${paths:root}/eggs
download-cache = downloads
find-links += https://example.com/more
extensions = no.such.extension
[paths]
root = ${buildout:directory}/var
[versions]
demo = 2.0
[app]
recipe = no.such.recipe
""",
    'base.cfg': """
[buildout]
egg-cache = ${paths:root}/cache
index = https://example.com/simple
find-links = https://example.com/links
parts = ${app:parts}
[app]
parts = other
[versions]
demo = 1.0
other = 3.0
""",
}


def check_full(directory, found):
    options = found['options']
    assert found['path'] == str(directory / 'buildout.cfg')
    assert found['directory'] == str(directory)
    assert found['cache_source'] == str(directory / 'base.cfg')
    assert options['egg-cache'] == f'{directory}/var/cache'
    assert options['eggs-directory'] == f'{directory}/var/eggs'
    assert options['download-cache'] == f'{directory}/downloads'
    assert options['index'] == 'https://example.com/simple'
    assert options['find-links'].split() == [
        'https://example.com/links', 'https://example.com/more']
    assert options['allow-hosts'] == '*'
    assert options['newest'] == 'true'
    assert options['offline'] == 'false'
    assert 'extends-cache' not in options
    assert (found['versions']['demo'], found['versions']['other']) == ('2.0', '3.0')


@pytest.mark.parametrize('version', [
    None, *(pytest.param(version, marks=pytest.mark.slow)
            for version in ('4.2.0', '5.2.0', '6.0.1')),
])  # fmt: skip
def test_everything_is_read_as_buildout_does_and_nothing_happens(tmp_path, directory, version):
    for name, text in FULL.items():
        write(directory, text, name)
    environ = {}
    if version is not None:
        paths = support_tools.tools_for(version, tmp_path / 'tools')
        environ['PYTHONPATH'] = os.pathsep.join(paths)
    before = trees.snapshot(directory)
    result = subprocess.run(
        [sys.executable, '-c', READ, str(directory)], env={**os.environ, **environ},
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, '')
    assert trees.differences(before, trees.snapshot(directory)) == []
    check_full(directory, json.loads(result.stdout))


def test_a_real_run_does_what_was_read(
    buildout_factory, index, archives_dir, recipe_wheel, cache_dir, home, monkeypatch, capsys
):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    buildout = buildout_factory({
        **egg_part('demo', versions={
            'demo': '1.0', 'zc.recipe.egg': recipe_wheel.name.split('-')[1],
        }),
        'paths': {'cache': cache_dir},
    }, egg_cache='${paths:cache}')  # fmt: skip
    found = buildout_cfg.read(str(buildout.directory))
    assert not cache_dir.exists()
    buildout.run()
    assert buildout_cfg.read(str(buildout.directory)) == found
    monkeypatch.chdir(buildout.directory)
    assert answer(capsys, 'dir') == {'directory': str(cache_dir), 'source': found.path}
    document = answer(capsys, 'list')
    assert [row['project'] for row in document['entries']] == ['demo', 'zc.recipe.egg']
    [demo] = answer(capsys, 'show', 'demo')['entries']
    assert demo['archive']['url'] == index.archive_url('demo-1.0-py3-none-any.whl')
    assert [use['buildout'] for use in demo['uses']] == [str(buildout.directory)]
    assert answer(capsys, 'verify')['checked'] == 2


# Which file


def test_without_a_configuration_there_is_none(directory):
    assert buildout_cfg.find(str(directory)) is None
    assert refused(directory) == f'There is no buildout.cfg in {directory}.'


def test_the_defaults_of_the_user_count_below_the_buildout(directory, defaults):
    path = defaults('[buildout]\negg-cache = /srv/eggs\nindex = https://example.com/user\n')
    found = read(directory)
    assert (found.path, found.cache_source) == (str(path), str(path))
    assert (found.directory, found.options['egg-cache']) == (str(directory), '/srv/eggs')
    own = write(directory, '[buildout]\nindex = https://example.com/own\n')
    found = read(directory)
    assert (found.path, found.cache_source) == (str(own), str(path))
    assert found.options['egg-cache'] == '/srv/eggs'
    assert found.options['index'] == 'https://example.com/own'
    write(directory, '[buildout]\negg-cache = here\n')
    assert read(directory).cache_source == str(own)


def test_buildout_home_is_where_the_defaults_are(tmp_path, directory, defaults, monkeypatch):
    defaults('[buildout]\negg-cache = /wrong\n')
    monkeypatch.setenv('BUILDOUT_HOME', str(tmp_path))
    write(tmp_path, '[buildout]\negg-cache = /right\n', 'default.cfg')
    assert read(directory).options['egg-cache'] == '/right'


def test_the_directory_is_that_of_the_options(directory):
    write(directory, '[buildout]\ndirectory = below\negg-cache = x\n')
    assert read(directory).directory == f'{directory}/below'


@pytest.mark.parametrize('place', ['.', '/'])
def test_what_is_extended_optionally_is_found_from_anywhere(directory, place, monkeypatch):
    Path(directory, 'buildout.cfg').write_text(
        '[buildout]\noptional-extends = local.cfg gone.cfg\nparts =\n')
    Path(directory, 'local.cfg').write_text('[versions]\nlib = 1.0\n')
    monkeypatch.chdir(place)
    before = os.getcwd()
    assert buildout_cfg.read(str(directory)).versions['lib'] == '1.0'
    assert os.getcwd() == before


def test_where_nobody_may_be_a_configuration_is_read_all_the_same(directory, monkeypatch):
    Path(directory, 'buildout.cfg').write_text('[versions]\nlib = 1.0\n')
    opened = os.open

    def refuse(path, *args, **more):
        if path == '.':
            raise PermissionError(13, 'Permission denied')
        return opened(path, *args, **more)

    monkeypatch.setattr(os, 'open', refuse)
    assert buildout_cfg.read(str(directory)).versions['lib'] == '1.0'


def test_another_file_can_be_named(directory, defaults):
    defaults('[buildout]\nmine = 1\n')
    Path(directory, 'buildout.cfg').write_text('[buildout]\nparts =\n[app]\nport = 1\n')
    Path(directory, 'production.cfg').write_text(
        '[buildout]\nextends = buildout.cfg\n[app]\nport = 2\n')
    found = buildout_cfg.sections(str(directory), name='production.cfg')
    assert found.written['app'] == {'port': '2'} and found.options['mine'] == '1'
    assert found.options['directory'] == str(directory)
    with pytest.raises(CacheError, match=r'There is no gone\.cfg in'):
        buildout_cfg.sections(str(directory), name='gone.cfg')


def test_values_of_several_lines_have_a_source(directory):
    write(directory, '[buildout]\nextends = base.cfg\negg-cache += /b\nx = 1\n')
    write(directory, '[buildout]\negg-cache = /a\n', 'base.cfg')
    found = read(directory)
    assert found.options['egg-cache'] == '/a\n/b'
    assert found.cache_source.endswith('.cfg')


@pytest.mark.parametrize('name', ['offline', 'install-from-cache'])
@pytest.mark.parametrize('is_fetched', [False, True])
def test_what_reading_is_given_itself_is_as_it_is_written(
    directory, defaults, server, name, is_fetched
):
    elsewhere, url = server
    write(elsewhere, '[buildout]\n', 'far.cfg')
    extends = f'extends = {url}/far.cfg\n' if is_fetched else ''
    start = f'[buildout]\n{extends}download-cache = {directory}\nwanted = true\n'
    write(directory, start)
    assert read(directory).options[name] == 'false'
    write(directory, f'{start}{name} = ${{:wanted}}\n')
    assert read(directory).options[name] == 'true'
    defaults(f'[buildout]\n{name} = true\n')
    write(directory, start)
    assert read(directory).options[name] == 'true'
    write(directory, f'{start}{name} = false\n')
    assert read(directory).options[name] == 'false'


# What can't be known


def test_what_only_a_recipe_knows_stays_as_it_is_written(directory):
    write(directory, """
[buildout]
egg-cache = ${app:location}/x
parts = ${app:eggs}
[app]
recipe = no.such.recipe
eggs = ${:_buildout_section_name_}
""")
    options = read(directory).options
    assert options['egg-cache'] == '${app:location}/x'
    assert options['parts'] == 'app'


# What is elsewhere


def test_what_is_extended_from_elsewhere_is_fetched_and_leaves_nothing(directory, server):
    elsewhere, url = server
    write(elsewhere, '[buildout]\negg-cache = /far\n', 'far.cfg')
    write(directory, f'[buildout]\nextends = {url}/far.cfg\nextends-cache = kept\n')
    found = read(directory)
    assert (found.options['egg-cache'], found.cache_source) == ('/far', f'{url}/far.cfg')
    (directory / 'kept').mkdir()
    assert read(directory) == found
    assert os.listdir(directory / 'kept') == []


def test_what_the_extends_cache_has_is_not_fetched(directory, server):
    from hashlib import md5

    elsewhere, url = server
    name = f'{url}/gone.cfg'
    write(directory, f'[buildout]\nextends = {name}\nextends-cache = kept\n')
    (directory / 'kept').mkdir()
    write(directory / 'kept', '[buildout]\negg-cache = /kept\n', md5(name.encode()).hexdigest())
    assert read(directory).options['egg-cache'] == '/kept'


def test_what_cannot_be_fetched_is_one_message(directory, server):
    _, url = server
    path = write(directory, f'[buildout]\nextends = {url}/nothing.cfg\n')
    message = refused(directory)
    assert message.startswith(f"{path} can't be read: Error downloading extends for URL {url}/")
    assert '\n' not in message


# What others wrote


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can be another user')
def test_the_configuration_of_a_stranger_runs_no_code(tmp_path, directory):
    path = write(directory, f'[buildout:os.mkdir({str(tmp_path / "proof")!r})]\n')
    os.chown(path, 4201, -1)
    assert refused(directory) == (
        f'{path} is not read: it belongs to the user 4201, or everybody can write to it, and '
        'reading it can run code.\n'
        'Run this as its owner, or name the egg cache with --cache DIR.'
    )
    assert not (tmp_path / 'proof').exists()


def test_a_configuration_that_everybody_can_write_to_runs_no_code(tmp_path, directory):
    path = write(directory, f'[buildout:os.mkdir({str(tmp_path / "proof")!r})]\n')
    os.chmod(path, 0o666)
    assert 'everybody can write to it' in refused(directory)
    assert not (tmp_path / 'proof').exists()
    os.chmod(path, 0o644)
    read(directory)
    assert (tmp_path / 'proof').exists()


# What is broken


@pytest.mark.parametrize('text', [
    'egg-cache = x\n', '[buildout\n', '[buildout]\nextends = missing.cfg\n',
    '[buildout]\nextends = buildout.cfg\n', '[buildout]\negg-cache = ${nowhere:x}\n',
    '[buildout]\negg-cache = ${buildout:nothing}\n', '[buildout]\na = ${:b}\nb = ${:a}\n',
    '[buildout]\negg-cache = ${x\n  y}:\n[a:1/0]\nb = 1\n', '[buildout]\nversions = nothing\n',
    '\0', '[buildout]\n\xff\n',
])  # fmt: skip
def test_what_is_broken_is_one_message(directory, text):
    path = directory / 'buildout.cfg'
    path.write_bytes(text.encode('latin-1'))
    message = refused(directory)
    assert message.startswith(f"{path} can't be read: ")
    assert '\n' not in message
    assert 'Traceback' not in message


def test_a_directory_in_its_place_is_one_message(directory):
    (directory / 'buildout.cfg').mkdir()
    assert "can't be read: IsADirectoryError" in refused(directory)


def test_a_condition_that_wants_to_end_the_program_is_one_message(directory):
    write(directory, '[buildout]\n[part:__import__("sys").exit(0)]\n')
    assert "can't be read: SystemExit" in refused(directory)


@pytest.mark.parametrize('missing', ['zc', 'zc.buildout.buildout'])
def test_a_zc_buildout_that_cannot_be_imported_is_one_message(directory, missing):
    write(directory, '[buildout]\n')
    script = f"""
import sys
sys.modules[{missing!r}] = None
from egg.cache.cli import main
sys.exit(main(['dir']))
"""
    status, output, errors = processes.run(script, cwd=directory)
    assert (status, output) == (1, '')
    assert 'egg-cache needs zc.buildout, which is not installed beside it' in errors
    assert len(errors.splitlines()) == 2

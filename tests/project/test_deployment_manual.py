"""From the build host to production: docs/deployment.rst says what is."""

import configparser
import os
import re
import shlex
import shutil
import sys

import pytest
from support import archives, interpreters
from support.manual import (
    DOCS,
    HOME,
    NORMALISERS,
    RECIPE_VERSION,
    blocks,
    commands,
    make_user,
    needs_eggs_in_v5,
    page,
    run_commands,
    shown_commands,
)

from egg.cache import cli
from egg.cache.portable import embedded_paths
from egg.cache.standalone import install

EXAMPLES = DOCS / 'deployment'
MARK = re.compile(
    r'^\.\. tests/project/test_deployment_manual\.py: from here on, this is (.*)\.\n', re.M)
BUILD_HOST, PRODUCTION = 'the build host', 'production'

RELEASES = [
    *NORMALISERS,
    (re.compile(r'\b[0-9a-f]{64}\b'), '<sha256>'),
    (re.compile(r'/\S+/egg-cache-pack-\w+'), '<temporary>'),
    (re.compile(r'\b\d+(?= (?:eggs|files|components|changed)\b)'), 'N'),
]  # fmt: skip


@pytest.fixture
def text():
    return page('deployment')


@pytest.fixture
def user(tmp_path, index, recipe_wheel, archives_dir, text):
    """(home directory, shell): the buildout of the manual is in ~/shop, its releases in ~/srv."""
    for version in ('1.4', '1.5'):
        index.add(archives.make_wheel(
            archives_dir, 'shop', version, entry_points='[console_scripts]\nshop = shop:main\n'))
    home, shell = make_user(tmp_path, index, archives_dir)
    # What the extra `release` brings; and production has an interpreter of its own.
    script = tmp_path / 'bin' / 'egg-cache'
    path = os.pathsep.join(sys.path[1:])
    script.write_text(script.read_text().replace('\n', f'\nexport PYTHONPATH={path}\n', 1))
    production = interpreters.second(tmp_path / 'interpreter')
    tmp_path.joinpath('bin', 'python3').symlink_to(production)
    shell.names = {str(home / 'srv'): '/srv', **shell.names}
    shell.typed = {'/srv/': f'{home}/srv/'}
    (home / 'shop').mkdir()
    config = RECIPE_VERSION.sub(rf'\g<1>{recipe_wheel.name.split("-")[1]}',
                                blocks(text, 'ini')[0])
    (home / 'shop' / 'buildout.cfg').write_text(config)
    return home, shell


@pytest.mark.slow
@needs_eggs_in_v5
def test_the_commands_say_what_happens(text, user, index, tmp_path):
    home, shell = user
    away = tmp_path / 'away'
    hosts = [BUILD_HOST, *MARK.findall(text)]
    assert hosts == [BUILD_HOST, PRODUCTION, BUILD_HOST, PRODUCTION, BUILD_HOST]
    for host, part in zip(hosts, MARK.split(text)[::2]):
        if host == PRODUCTION:
            # All that is there is what was shipped.
            (home / 'incoming').mkdir(exist_ok=True)
            for archive in (home / 'shop').glob('*.tar.gz'):
                shutil.copy(archive, home / 'incoming')
            shell.run('cd ~')
            os.rename(home / 'shop', away)
        elif away.exists():
            os.rename(away, home / 'shop')
        run_commands(shell, part, RELEASES)


def test_every_command_is_run(text):
    assert shown_commands(text) == [command for command, _ in commands(text)]


def test_the_commands_have_the_options_that_they_have(text):
    for line in re.findall(r'egg-cache (\w[\w-]* [^`\n]*)', text):
        if line.split()[0] in {verb.NAME for verb in cli.VERBS}:
            cli.parser().parse_args(shlex.split(line))
    for line in re.findall(r'install\.py ((?:shop|--)[^`\n&]*)', text):
        install._options(shlex.split(line))


def test_the_examples_are_in_the_manual(text):
    assert {*re.findall(r':download:`docs/deployment/(\S+) <deployment/\1>`', text)} == {
        path.name for path in EXAMPLES.iterdir()}
    shown = {*blocks(text, 'ini'), *blocks(text, 'docker')}
    for name in ('shop.service', 'Dockerfile'):
        assert EXAMPLES.joinpath(name).read_text() in shown


def test_data_may_be_where_the_manual_has_it(text):
    [block] = [block for block in blocks(text, 'ini') if '\ndata = ' in block]
    paths = re.findall(r' = (/.*)', block)
    assert len(paths) == 2
    assert [path for path in paths if embedded_paths.is_outside_help(path)] == []


def test_the_service_is_started_where_current_leads():
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str
    unit.read_string(EXAMPLES.joinpath('shop.service').read_text())
    service = unit['Service']
    assert service['WorkingDirectory'] == '/srv/shop/current'
    assert service['ExecStart'] == '/srv/shop/current/bin/shop'


def docker_commands():
    """Yield (what is mounted: {target: source}, command) of each RUN of the Dockerfile."""
    text = EXAMPLES.joinpath('Dockerfile').read_text().replace('\\\n', '')
    for line in re.findall(r'^RUN (.*)$', text, re.M):
        mounts = {}
        while line.startswith('--mount='):
            word, line = line.split(None, 1)
            options = dict(option.split('=') for option in word[len('--mount='):].split(','))
            mounts[options['target']] = options.get('source')
        yield mounts, line


@pytest.mark.slow
@needs_eggs_in_v5
def test_the_commands_of_the_image_install_the_release(user, tmp_path):
    home, shell = user
    (home / 'tmp').mkdir()
    (tmp_path / 'bin' / 'pip').write_text('#!/bin/sh\nexit 0\n')
    tools, build, installation = docker_commands()
    assert tools == ({}, 'pip install zc.buildout egg.cache')
    assert list(build[0]) == ['/var/cache/eggs'] and installation[0] == {'/mnt': '/tmp'}
    # The image that builds, and then the other one.
    shell.typed = {'/var/cache': f'{home}/cache', '/tmp/': f'{home}/tmp/',
                   '/mnt/': f'{home}/mnt/', '/srv/': f'{home}/srv/'}
    output = shell.run(f'cd ~/shop && {build[1]} && cd ~')
    assert f'{HOME}/tmp/shop.tar.gz\n' in output
    os.rename(home / 'tmp', home / 'mnt')
    (home / 'tmp').mkdir()
    shutil.move(home / 'shop', tmp_path / 'away')
    shell.run(f'cd ~ && {installation[1]}')
    text = EXAMPLES.joinpath('Dockerfile').read_text()
    [directory] = re.findall(r'^WORKDIR (/srv/.*)$', text, re.M)
    [program] = re.findall(r'^CMD \["(.*)"\]$', text, re.M)
    assert shell.run(f'cd {directory}; {program}') == 'shop 1.4\n'
    assert os.listdir(home / 'tmp') == []

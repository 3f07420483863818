"""The manual: README.rst and the pages of docs/ say what is."""

import ast
import re
import shutil
from pathlib import Path

import pytest
import yaml
from support import archives
from support.manual import (
    DOCS,
    HOME,
    NORMALISERS,
    PROCESSES,
    README,
    RECIPE_VERSION,
    blocks,
    commands,
    make_user,
    needs_eggs_in_v5,
    page,
    run_commands,
    shown_commands,
)

import egg.cache
from egg.cache.common import linking
from egg.cache.configuration import settings
from egg.cache.environment import build_options, environment
from egg.cache.store import trust

#: What a user is told by, or a buildout by way of zc.buildout.
ERRORS = {
    'CacheError', 'SettingError', 'UntrustedError', 'zc.buildout.UserError',
    'Failure', 'Misuse', 'Problem',
}  # fmt: skip
#: The first line of a message that is complete: its first letter is not that of a reason.
SENTENCE = re.compile(
    r'(?=.*[a-z]{2}.* )(?:[A-Z.\-\[]|egg-cache).*(?:[^.]|\.{3})[.:]')  # fmt: skip
NETWORK_IS_DOWN = '.. tests/project/test_readme.py: from here on, the network is down.\n'


@pytest.fixture
def text():
    return README.read_text(encoding='utf-8')


@pytest.fixture
def user(tmp_path, index, recipe_wheel, archives_dir):
    """(home directory, shell, function that adapts a configuration of the manual)"""
    index.add(archives.make_wheel(
        archives_dir, 'pyflakes', '3.2.0', tag='py2.py3-none-any', entry_points=(
            '[console_scripts]\npyflakes = pyflakes:main\n')))
    home, shell = make_user(tmp_path, index, archives_dir)
    recipe_version = recipe_wheel.name.split('-')[1]
    return home, shell, lambda config: RECIPE_VERSION.sub(rf'\g<1>{recipe_version}', config)


@pytest.fixture
def project(user, text):
    """A function that makes a buildout of the user with bin/test; egg.cache is not among its
    extensions, but in ~/.buildout/default.cfg."""
    home, _, adapted = user
    config = adapted(walk_config(text)).replace('extensions = egg.cache\n', '')
    config, versions = config.split('[versions]')

    def make(directory):
        directory.mkdir(parents=True)
        (directory / 'versions.cfg').write_text(f'[versions]{versions}')
        (directory / 'buildout.cfg').write_text(config.replace(
            '[buildout]', '[buildout]\nextends = versions.cfg') + 'scripts = pyflakes=test\n')
        return directory

    with open(home / '.buildout' / 'default.cfg', 'a') as defaults:
        defaults.write(blocks(page('recipes/laptop'), 'ini')[0].replace('[buildout]\n', ''))
        defaults.write('egg-cache-self-contained = no\n')      # They are about the cache.
    return make


@needs_eggs_in_v5
def test_the_walk_through_says_what_happens(tmp_path, user, index, text):
    home, shell, adapted = user
    online, offline = text.split(NETWORK_IS_DOWN)
    config = walk_config(text)
    (home / 'buildout.cfg').write_text(adapted(config))
    run_commands(shell, online, NORMALISERS)
    processes = tmp_path / PROCESSES
    assert index.downloads and 'pip' in processes.read_text()
    index.stop()
    processes.unlink()
    run_commands(shell, offline, NORMALISERS)
    run_commands(shell, page('tutorial'), NORMALISERS)
    assert not processes.exists()

    # The recipes: one with a shared eggs directory, and one that points out of itself.
    for path in (*home.glob('one/eggs/v5/py*'), *home.glob('one/eggs/v5/zc.recipe*')):
        shutil.copytree(path, home / '.buildout' / 'eggs' / 'v5' / path.name)
    for name, eggs in (('shop', 'pyflakes'), ('blog', 'pyflakes\n    packaging')):
        (home / name).mkdir()
        (home / name / 'buildout.cfg').write_text(
            adapted(config).replace('eggs = pyflakes', f'eggs = {eggs}').replace(
                '[buildout]\n', '[buildout]\negg-cache-self-contained = no\n'))
    shell.run('cd ~/blog && buildout && egg-cache clear --yes')
    run_commands(shell, page('recipes/adopt'), NORMALISERS)
    run_commands(shell, page('self-contained'), NORMALISERS)
    assert not processes.exists()


def test_every_command_is_run(text):
    pages = {path.relative_to(DOCS).with_suffix('').as_posix(): path.read_text('utf-8')
             for path in DOCS.rglob('*.rst')}
    with_commands = {name for name, content in pages.items() if shown_commands(content)}
    assert with_commands == {'tutorial', 'recipes/adopt', 'self-contained', 'deployment'}
    for content in (text, *pages.values()):
        assert shown_commands(content) == [command for command, _ in commands(content)]
    assert shown_commands(text).count('buildout') == 2


def walk_config(text):
    """Return the configuration of the first ten minutes."""
    [config] = [block for block in blocks(text, 'ini') if 'parts =' in block]
    return config


def section(text, title):
    """Return the one section with that title."""
    return re.search(rf'\n{title}\n-+\n(.*?\n)(?:\n\n|\Z)', text, re.S)[1]


def steps(block):
    """Return the shell commands of a YAML block, in their order."""
    found, key = [], ''
    for line in block.splitlines():
        new_key = re.fullmatch(r' *([\w-]+):', line)
        item = re.fullmatch(r' *- (run: )?(.*)', line)
        if item and (item[1] or key.endswith('script')):
            found.append(item[2])
        elif new_key:
            key = new_key[1]
    return found


@needs_eggs_in_v5
def test_the_recipes_do_what_they_are_for(user, project, index, tmp_path):
    home, shell, _ = user
    cache = github(section(page('recipes/ci'), 'GitHub Actions'), home, shell, project)
    # From here on, the cache has all, and the network is down.
    index.stop()
    (tmp_path / PROCESSES).unlink()
    gitlab(section(page('recipes/ci'), 'GitLab'), home, shell, project, cache)
    group(page('recipes/group'), home, shell, project, cache)
    docker(page('recipes/docker'), home, shell, project, cache)
    rpm(page('recipes/rpm'), home, shell, project, cache)
    [command] = blocks(page('recipes/read-only'), 'sh')
    project(home / 'production')
    output = shell.run('cd ~/production; ' + command.replace('/srv/eggs', str(cache)))
    assert '2 of 2 eggs copied' in output
    assert not (tmp_path / PROCESSES).exists()


def github(text, home, shell, project):
    """The first run of a job; return the cache."""
    [block] = blocks(text, 'yaml')
    commands = steps(block)
    assert [command.split()[0] for command in commands] == [
        'pip', 'buildout', 'egg-cache', 'bin/test']
    project(home / 'work')
    outputs = [shell.run(f'cd ~/work; {command}') for command in commands]
    assert '2 built and stored' in outputs[1] and outputs[3] == 'pyflakes 3.2.0\n'
    [path] = set(re.findall(r'path: ~/(.*)', block))
    assert list((home / path).glob('v1/*/eggs/pyflakes/3.2.0'))
    return home / path


def gitlab(text, home, shell, project, cache):
    """A job with a restored cache; as GitLab has it, everybody may write everywhere."""
    [block] = blocks(text, 'yaml')
    [name, value] = re.search(r'variables:\n +(\w+): (.*)', block).groups()
    [path] = re.findall(r'paths: \[(.*)/\]', block)
    builds = home / 'builds'
    directory = project(builds / 'group' / 'shop')
    shutil.copytree(cache, directory / path, symlinks=True)
    for open_to_all in (builds, builds / 'group', directory, directory / path):
        open_to_all.chmod(0o777)
    variables = f'CI_BUILDS_DIR={builds}; CI_PROJECT_DIR={directory}; export {name}={value}'
    commands = steps(block)
    assert [command.split()[0] for command in commands] == [
        'chmod', 'pip', 'buildout', 'bin/test', 'egg-cache']
    outputs = [shell.run(f'cd {directory}; {variables}; {command}') for command in commands]
    assert '2 of 2 eggs copied' in outputs[2] and outputs[3] == 'pyflakes 3.2.0\n'
    assert f' of 2 in {HOME}/builds/group/shop/{path},' in outputs[4]


def group(text, home, shell, project, cache):
    """A directory for a group, and a timer that prunes it."""
    [making] = re.findall(r'::\n\n((?: {4}.*\n)+)', text)
    shell.run('mkdir ~/srv')
    shell.run(making.replace('/srv', '~/srv').replace('developers', '$(id -g)'))
    assert (home / 'srv' / 'eggs').stat().st_mode & 0o7777 == 0o2775
    trust.check(home / 'srv' / 'eggs')
    for name in ('shop', 'blog'):
        shutil.copytree(home / 'work', home / 'srv' / name)
    shutil.copytree(cache, home / 'srv' / 'eggs', dirs_exist_ok=True)
    [command] = blocks(text, 'sh')
    assert 'Removed 0 eggs of 2' in shell.run(command.replace('/srv', '~/srv'))


def docker(text, home, shell, project, cache):
    [block] = blocks(text, 'docker')
    mount, command = re.search(r'RUN --mount=(\S+) \\\n +(.*)', block).groups()
    options = dict(option.split('=') for option in mount.split(','))
    assert options['type'] == 'cache' and command.endswith('egg-cache=' + options['target'])
    project(home / 'image')
    output = shell.run('cd ~/image; ' + command.replace(options['target'], str(cache)))
    assert '2 of 2 eggs copied' in output


def rpm(text, home, shell, project, cache):
    """What mock is told, and what the sections of the spec file do."""
    mock = {'plugin_conf': {'bind_mount_opts': {'dirs': []}}}
    exec(blocks(text, 'python')[0], {'config_opts': mock})
    assert mock['plugin_conf']['bind_mount_opts']['dirs'] == [('/srv/eggs', '/srv/eggs')]
    sections = dict(re.findall(r'%(\w+)\n((?:[^%\n].*\n)+)', blocks(text, 'spec')[0]))
    assert list(sections) == ['build', 'install', 'check']
    project(home / 'rpmbuild')
    for section in sections.values():
        section = section.replace('/srv/eggs', str(cache)).replace('%{buildroot}', '~/root')
        output = shell.run(f'set -e; cd ~/rpmbuild; {section}')
    assert output.endswith('is self-contained.\n')
    shell.run('cd; mv rpmbuild gone')
    assert shell.run('~/root/opt/shop/bin/test') == 'pyflakes 3.2.0\n'


def test_the_recipes_in_yaml_are_yaml():
    text = page('recipes/ci')
    github, gitlab = map(yaml.safe_load, blocks(text, 'yaml'))
    jobs = github['jobs']['test']['steps']
    assert [step['run'] for step in jobs if 'run' in step] == steps(blocks(text, 'yaml')[0])
    assert [step['uses'] for step in jobs if 'uses' in step][2:] == [
        'actions/cache/restore@v4', 'actions/cache/save@v4']
    job = gitlab['test']
    assert job['before_script'] + job['script'] + job['after_script'] == steps(
        blocks(text, 'yaml')[1])


def test_the_options_are_all_on_their_page():
    text = page('options')
    assert tuple(re.findall(r'^    \* - ``([\w-]+)``:', text, re.M)) == settings.OPTIONS
    for value in (*settings.MODES, *settings.SELF_CONTAINED, *linking.MODES):
        assert f'``{value}``' in text


def test_every_example_of_an_option_is_allowed():
    examples = re.findall(r'^      - ``(egg-cache\S* = .*)``$', page('options'), re.M)
    assert len(examples) == len(settings.OPTIONS)
    for example in examples:
        name, value = example.split(' = ')
        settings.parse({name: value}, '/')


def messages():
    """Return the messages that the troubleshooting quotes."""
    return [message for line in re.findall(r'^(``.*``)\n {4}', page('troubleshooting'), re.M)
            for message in line[2:-2].split('``, ``')]


def said():
    """Yield (text, whether it is a warning of a buildout) of all texts in the source.

    What is filled in is `...`.
    """
    for path in Path(egg.cache.__file__).parent.rglob('*.py'):
        tree = ast.parse(path.read_text('utf-8'))
        warnings = {id(node.args[index]) for node in ast.walk(tree) if isinstance(node, ast.Call)
                    for index in range(len(node.args))
                    if ast.unparse(node.func) in ('logger.warning', 'logger.log')}
        for node in ast.walk(tree):
            source = filled_in(node)
            if source is not None:
                yield source, id(node) in warnings


def filled_in(node):
    """Return the text of this node, with `...` for what is filled in; None if it is no text."""
    if isinstance(node, ast.JoinedStr):
        return ''.join(part.value if isinstance(part, ast.Constant) else '...'
                       for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub('%[a-z]|{}', '...', node.value)
    return None


def texts(node):
    """Yield the texts in this node, but not the pieces of one."""
    source = filled_in(node)
    if source is not None:
        yield source
    else:
        for child in ast.iter_child_nodes(node):
            yield from texts(child)


def says(source, message):
    """Tell whether a line of what the source says is this message, but for what is filled in."""
    def pieces(text):
        return [piece for piece in re.split(r'[\s.,:()]*\.\.\.[\s.,:()]*', text) if piece]
    return any(pieces(line) == pieces(message) for line in (*source.split('\n'), source))


def test_every_message_of_the_troubleshooting_is_in_the_source():
    sources = {source for source, _ in said()}
    assert [message for message in messages()
            if not any(says(source, message) for source in sources)] == []


def test_every_warning_of_a_buildout_is_in_the_troubleshooting():
    quoted = messages()
    warnings = [source for source, is_warning in said() if is_warning]
    assert len(warnings) > 4
    assert [source for source in warnings
            if not any(says(source, message) for message in quoted)] == []


def errors():
    """Yield the first line of each error that is a sentence; what is filled in is `...`.

    Reasons that become part of such a sentence begin with a small letter, or end without a stop.
    """
    for path in Path(egg.cache.__file__).parent.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) \
                    and ast.unparse(node.exc.func) in ERRORS:
                for source in texts(node.exc):
                    if SENTENCE.fullmatch(source.split('\n')[0]):
                        yield source.split('\n')[0]


def test_every_error_is_in_the_troubleshooting():
    quoted = messages()
    found = set(errors())
    assert len(found) > 100
    assert sorted(line for line in found
                  if not any(says(line, message) for message in quoted)) == []


def test_every_build_variable_is_on_the_page_about_environments():
    [block] = re.findall(r'variables is set::\n\n((?: {4}.*\n)+)', page('environments'))
    assert tuple(block.split()) == environment.BUILD_VARIABLES
    [block] = re.findall(r'count by their content::\n\n((?: {4}.*\n)+)', page('environments'))
    assert tuple(block.split()) == build_options.VARIABLES

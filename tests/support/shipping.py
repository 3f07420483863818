"""How does a test get a buildout that can be packed, without minutes of pip?"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from support import archives, own
from support import tools as support_tools

from egg.cache.standalone import bootstrap

PYTHON = '{}.{}'.format(*sys.version_info[:2])


def own_eggs(eggs_directory):
    """Make the eggs that bin/buildout runs from, egg.cache's included; return their names."""
    found = [f'egg.cache-1.0-py{PYTHON}.egg']
    with tempfile.TemporaryDirectory() as directory:
        wheel = own.egg_cache_wheel(directory, '1.0')
        shutil.unpack_archive(wheel, Path(eggs_directory, found[0]), 'zip')
    for name in support_tools.NEEDED:
        distribution = support_tools.find(name)
        if distribution is not None:
            stem = f'{distribution.metadata["Name"].replace("-", "_")}-{distribution.version}'
            found.append(f'{stem}-py{PYTHON}.egg')
            egg = Path(eggs_directory, found[-1])
            support_tools.copy(distribution, egg, _belongs_to_egg)
    return found


def _belongs_to_egg(path):
    return not path.endswith(('.pyc', 'direct_url.json'))


def buildinfo_document(directory, eggs_directory, buildout_eggs):
    """Return what .buildinfo.json says."""
    return {
        'format': 1,
        'directory': str(directory.resolve()),
        'environment': bootstrap.environment(),
        'executable': sys.executable,
        'directories': {
            'eggs-directory': eggs_directory, 'bin-directory': 'bin',
            'develop-eggs-directory': 'develop-eggs', 'parts-directory': 'parts',
        },
        'buildout_eggs': buildout_eggs,
    }  # fmt: skip


def complete(buildout, like=None):
    """Give a buildout that has run what a run with egg-cache-self-contained = yes leaves.

    Its own eggs are those of another one it is to be `like`.
    """
    eggs = buildout.eggs_directory
    path = eggs.relative_to(buildout.directory).as_posix()
    if like is None:
        names = own_eggs(eggs)
    else:
        names = json.loads(like.path('.buildinfo.json').read_text())['buildout_eggs']
        for name in names:
            shutil.copytree(like.eggs_directory / name, eggs / name)
    document = buildinfo_document(buildout.directory, path, names)
    buildout.path('.buildinfo.json').write_text(json.dumps(document))
    return buildout


def make_source(directory, name, version, requires=(), content='', **files):
    """Write the source of a distribution that setuptools can build."""
    package = directory / name
    package.mkdir(parents=True)
    (package / '__init__.py').write_text(
        archives.MODULE.format(name=name, version=version, content=content))
    (directory / 'setup.py').write_text(archives.SETUP.format(
        name=name, version=version, requires=list(requires), extensions=[],
        entry_points=f'[console_scripts]\n{name} = {name}:main\n'))
    for path, text in files.items():
        (directory / path).write_text(text)
    return directory


class Host:
    """A buildout as a run leaves it, written by hand: no process is needed.

    The part `app` has a script with the eggs demo and dep; the egg `unused` is just there.
    """

    def __init__(self, directory, demo='1.0', options='', sections='', content=''):
        self.directory = Path(directory)
        self.eggs = self.directory / 'eggs/v5'
        self.eggs.mkdir(parents=True)
        for name in ('bin', 'develop-eggs', 'parts'):
            (self.directory / name).mkdir()
        self.own = [self.egg(name, '9.0') for name in ('zc.buildout', 'pip', 'egg.cache')]
        recipe = self.egg('zc.recipe.egg', '6.0', ['zc.buildout', 'deep; python_version > "3"'])
        self.egg('deep', '1.0')
        self.egg('unused', '1.0')
        self.used = [self.egg('demo', demo, ['dep'], content), self.egg('dep', '1.0')]
        self.write('buildout.cfg', (
            '[buildout]\nparts = app\nextensions = egg.cache\negg-cache =\n' + options
            + '[app]\nrecipe = zc.recipe.egg\neggs = demo\n' + sections))  # fmt: skip
        self.script('app', self.used)
        self.parts = {'app': {
            'recipe': 'zc.recipe.egg', 'eggs': 'demo', 'eggs-directory': str(self.eggs),
            '__buildout_signature__': recipe, '__buildout_installed__': self.path('bin/app'),
        }}  # fmt: skip
        self.record()
        self.info()

    def path(self, name):
        return str(self.directory / name)

    def write(self, name, text, time=1_600_000_000):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        os.utime(path, (time, time))
        return path

    def egg(self, project, version, requires=(), content=''):
        """Make an egg and return its name."""
        name = f'{project}-{version}-py{PYTHON}.egg'
        top = f'eggs/v5/{name}'
        lines = ''.join(f'Requires-Dist: {line}\n' for line in requires)
        self.write(f'{top}/{project}-{version}.dist-info/METADATA', (
            f'Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{lines}'))
        self.write(f'{top}/{project.replace(".", "_")}.py', f'version = {version!r}\n')
        if content:
            self.write(f'{top}/data', content)
        return name

    def script(self, name, eggs):
        lines = ''.join(f'  {str(self.eggs / egg)!r},\n' for egg in eggs)
        path = self.write(f'bin/{name}', (
            f'#!{sys.executable}\nimport sys\nsys.path[0:0] = [\n{lines}]\n'))
        path.chmod(0o755)

    def record(self):
        """Write .installed.cfg as zc.buildout does."""
        from zc.buildout import buildout

        with open(self.path('.installed.cfg'), 'w') as file:
            sections = {'buildout': {'parts': ' '.join(self.parts)}, **self.parts}
            for name, options in sections.items():
                buildout._save_options(name, options, file)
                file.write('\n')

    def part(self, name, *paths, **options):
        """Record one more part, and write what it installed."""
        for path in paths:
            if not (self.directory / path).exists():
                self.write(path, f'of {name}\n')
        self.parts[name] = {**options, '__buildout_signature__': '', '__buildout_installed__': (
            '\n'.join(map(self.path, paths)))}  # fmt: skip
        self.record()

    def info(self, **changes):
        document = buildinfo_document(self.directory, 'eggs/v5', self.own)
        self.write('.buildinfo.json', json.dumps({**document, **changes}))

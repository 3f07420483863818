"""Which zc.buildout, setuptools and pip does a buildout run with?

Tools are a list of directories for `sys.path`. The distributions of the test process
are copied into one directory, as in a virtual environment where zc.buildout
was installed with pip, whether the tests themselves run from eggs or from such an
environment.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from support import archives

SOURCE = Path(__file__).resolve().parents[2] / 'src'
NEEDED = ('zc.buildout', 'setuptools', 'pip', 'wheel', 'packaging', 'platformdirs', 'filelock')
RECIPE = 'zc.recipe.egg'
PINS = SOURCE.parent / 'constraints.txt'
# What goes with older releases of zc.buildout; all else is what constraints.txt says.
COMPANIONS = {'4': ['setuptools<82', 'zc.recipe.egg==3.0.0'],
              '5': ['setuptools<82', 'zc.recipe.egg==4.0.0']}


def from_environment(directory):
    """Copy the tools of the test process into `directory` and return the path list."""
    for name in NEEDED:
        distribution = find(name)
        if distribution is not None:
            copy(distribution, directory, _is_of_installation)
    return [str(directory), *_under_test(directory)]


def tools_for(version, directory, kept=None):
    """Put one release of zc.buildout and what it needs into `directory`, return the path list.

    The first call needs the network; what it got is kept in `kept`, by default
    below the user's cache directory.
    """
    shutil.copytree(_installed(version, kept) / 'tools', directory, dirs_exist_ok=True)
    return [str(directory), *_under_test(directory)]


def recipe_for(version, directory, kept=None):
    """Write zc.recipe.egg for that release of zc.buildout as a wheel below `directory`."""
    return wheel_of(RECIPE, directory, [str(_installed(version, kept) / 'recipe')])


def find(name, path=None):
    """Return the installed distribution `name`, found on `path`, or None."""
    for distribution in metadata.distributions(**({'path': path} if path else {})):
        if _normalized(distribution.metadata['Name'] or '') == _normalized(name):
            return distribution
    return None


def copy(distribution, directory, wanted=lambda path: True):
    """Copy the files of an installed distribution that are `wanted` into `directory`."""
    for relative, source in _files(distribution).items():
        if wanted(relative):
            target = Path(directory, relative)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def wheel_of(name, directory, path=None):
    """Turn the installed distribution `name` back into a wheel below `directory`."""
    distribution = find(name, path)
    if distribution is None:
        raise LookupError(f'{name} is not installed, so no wheel can be made of it.')
    members = {relative: source.read_bytes()
               for relative, source in _files(distribution).items()
               if _belongs_to_wheel(relative)}
    return archives.write_wheel(
        Path(directory, f'{_stem(distribution)}-py3-none-any.whl'), members)


def _under_test(directory):
    """Make `directory` say that egg.cache is installed; return the path of its sources.

    buildout wants the metadata of an extension beside those of zc.buildout.
    """
    for metadata_path in SOURCE.glob('egg?cache.egg-info'):
        shutil.copytree(metadata_path, Path(directory, metadata_path.name))
        return [str(SOURCE)]
    # Another interpreter finds what buildout made of `develop = .`.
    distribution = find('egg.cache') or find('egg.cache', [str(SOURCE.parent / 'develop-eggs')])
    if distribution is None:
        return []
    copy(distribution, directory,
         lambda path: '.dist-info/' in path and _is_of_installation(path))
    return [str(SOURCE)]


def _is_of_installation(path):
    """Leave out the origin: that it is an egg, or editable, isn't so where it is copied to."""
    return not path.endswith('/direct_url.json')


def _files(distribution):
    """Return {relative path as in a wheel: path} of an installed distribution.

    What lies elsewhere, such as scripts, is left out.
    """
    root = Path(distribution.locate_file(''))
    if root.suffix == '.egg':
        found = (path.relative_to(root) for path in root.rglob('*'))
    else:
        found = (path for path in distribution.files or ()
                 if '..' not in path.parts and not path.is_absolute())
    return {_renamed(path.as_posix(), distribution): root / path for path in found
            if (root / path).is_file()}


def _renamed(relative, distribution):
    """Return the path as in a wheel: buildout puts the platform into the name of *.dist-info."""
    top, slash, rest = relative.partition('/')
    return f'{_stem(distribution)}.dist-info/{rest}' if top.endswith('.dist-info') else relative


def _stem(distribution):
    return f'{_normalized(distribution.metadata["Name"]).replace("-", "_")}-{distribution.version}'


def _belongs_to_wheel(relative):
    name = relative.split('/')[-1]
    return not (name.endswith('.pyc') or '.dist-info/' in relative
                and name in ('RECORD', 'INSTALLER', 'REQUESTED', 'direct_url.json'))


def _installed(version, kept):
    kept = kept or Path.home() / '.cache' / 'egg.cache-tests'
    root = Path(kept, f'zc.buildout-{version}-{sys.implementation.cache_tag}')
    if not root.exists():
        partial = Path(f'{root}.{os.getpid()}')
        _pip_install(partial / 'tools', [f'zc.buildout=={version}', *NEEDED[1:]], version)
        _pip_install(partial / 'recipe', ['--no-deps', RECIPE], version)
        _publish(partial, root)
    return root


def _publish(partial, root):
    try:
        os.replace(partial, root)
    except OSError:
        if not root.exists():
            raise
        shutil.rmtree(partial)              # another process was faster


def _pip_install(target, requirements, version):
    target.mkdir(parents=True)
    constraints = target.parent / 'constraints.txt'
    constraints.write_text('\n'.join(_pins(version)))
    subprocess.run([sys.executable, '-m', 'pip', 'install', '-qq', '--target', str(target),
                    '-c', str(constraints), *requirements], check=True)


def _pins(version):
    """Return the pins that go with a release of zc.buildout, without digests."""
    companions = COMPANIONS.get(version.split('.')[0], [])
    others = {'zc-buildout', *(_normalized(re.split('[=<]', text)[0]) for text in companions)}
    pinned = re.findall(r'^([a-z0-9-]+)(==.+?) *\\?$', PINS.read_text(), re.M)
    return [*companions, *(project + pin for project, pin in pinned if project not in others)]


def _normalized(name):
    return re.sub(r'[-_.]+', '-', name).lower()

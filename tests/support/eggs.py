"""How does a test get an egg, and an entry in a cache, without zc.buildout?"""

import hashlib
import json
import os
import stat
from pathlib import Path

from egg.cache.buildout.session import Session
from egg.cache.buildout.storing import Builder
from egg.cache.configuration.settings import Settings
from egg.cache.environment.environment import Environment
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.store.layout import Layout
from egg.cache.store.manifest import Archive, Build, Manifest
from egg.cache.store.store import Store

ENVIRONMENT = Environment('cp312', 'manylinux_2_36_x86_64', 5)
KEY = ENVIRONMENT.key
BUILD = Build(12.5, '2024-05-06T07:08:09Z', '6.0.1', '3.12.3', '24.0')
#: When that was, in seconds since the epoch.
BUILT = 1714979289
BUILDER = Builder('6.0.1', '3.12.3', '24.0')


def write_egg(directory, project='demo', version='1.0', files=None):
    """Write an egg as pip makes it below `directory` and return its path.

    `files` are further paths and bytes.
    """
    egg = Path(directory, f'{project}-{version}-py3.12.egg')
    contents = {
        f'{project}/__init__.py': b'VERSION = 1\n',
        f'{project}-{version}.dist-info/METADATA':
            f'Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n\n'.encode(),
        **(files or {}),
    }  # fmt: skip
    for path, content in contents.items():
        target = egg / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.utime(target, ns=(1234567890_987654321, 1234567890_987654321))
    return egg


def archive(project='demo', version='1.0', content='', suffix='-py3-none-any.whl', **fields):
    """Return a wheel as if it had been downloaded; those of other `content` are others."""
    sha256 = hashlib.sha256(f'{project} {version} {content}'.encode()).hexdigest()
    return Archive(f'{project}-{version}{suffix}', sha256, **fields)


def manifest(egg, items=(), project='demo', version='1.0', built_from=None, umask=0o022):
    """Return the manifest of an egg that is made of `items`."""
    built_from = built_from or archive(project, version)
    return Manifest(project, version, Path(egg).name, built_from, BUILD, umask, tuple(items))


def new_store(cache, key=KEY):
    """Return a store that is ready to be used."""
    store = Store(Layout(Path(cache)), key)
    store.prepare()
    return store


def add(store, directory, project='demo', version='1.0', content='', files=None):
    """Write an egg below `directory`, store it, and return its entry."""
    built_from = archive(project, version, content)
    egg = write_egg(Path(directory, content or 'egg'), project, version, files)
    return store.add(manifest(egg, (), project, version, built_from), egg)


def sealed(row):
    """Return a manifest with a right checksum."""
    row.pop('checksum', None)
    body = json.dumps(row, indent=2)[:-2].encode()
    checksum = hashlib.sha256(body).hexdigest()
    return body + f',\n  "checksum": "{checksum}"\n}}\n'.encode()


def useless(directory, number=0):
    """Return a path in `tmp/` or `trash/` as the cache itself makes them."""
    first = '4711' if directory.name == 'tmp' else f'{number:016x}'
    return directory / f'{first}-{number:016x}'


def new_session(cache, mode='read-write', exclusions=(), stores_sdists=True, key='',
                source_builds=None, **options):
    """Return a session that isn't open yet; where it stores no sdists, there is no compiler."""
    settings = Settings(Path(cache), mode, tuple(exclusions), key, **options)
    builds = source_builds or SourceBuilds(missing={} if stores_sdists else {'C': 'gcc'})
    return Session(settings, Path(cache), ENVIRONMENT, BUILDER, lambda: builds)


def overwrite(path, content):
    """Write a cached file anew, and leave its mode as it is."""
    mode = stat.S_IMODE(os.stat(path).st_mode)
    os.chmod(path, 0o644)
    Path(path).write_bytes(content)
    os.chmod(path, mode)


def flip(path, position=0):
    """Flip one bit of a cached file."""
    content = bytearray(Path(path).read_bytes())
    content[position] ^= 1
    overwrite(path, bytes(content))

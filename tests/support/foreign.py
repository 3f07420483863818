"""What do eggs look like that a zc.buildout has made without a cache?"""

import base64
import hashlib
import json
import os
import sys
import sysconfig
from pathlib import Path

PYTHON = '.'.join(map(str, sys.version_info[:2]))
PLATFORM = sysconfig.get_platform()
SCRIPT = '../../bin/demo'


def stem(project='demo', version='1.0', python=PYTHON, platform=PLATFORM):
    return f'{project}-{version}-py{python}' + (f'-{platform}' if platform else '')


def write_pip_egg(
    directory, project='demo', version='1.0', files=None, tag='py3-none-any', removed=(),
    unlisted=None, archive=None, name=None, record=True,
):
    """Write an egg as zc.buildout 5 and 6 make it, and return its path.

    `files` are further paths and bytes; `removed` ones are listed in RECORD, and not there;
    `unlisted` ones the other way round. `archive` is the name of what pip installed, False if
    that was a directory.
    """
    egg = Path(directory, name or f'{stem(project, version)}.egg')
    info = f'{egg.name[:-4]}.dist-info'
    name = f'{project}-{version}-py3-none-any.whl' if archive is None else archive
    about = {'archive_info': {}} if name else {'dir_info': {}}
    contents = {
        f'{project}/__init__.py': b'VERSION = 1\n',
        f'{project}/run': b'#!/bin/sh\n',
        f'{info}/METADATA': _metadata(project, version),
        f'{info}/WHEEL': f'Wheel-Version: 1.0\nTag: {tag}\n'.encode(),
        f'{info}/direct_url.json':
            json.dumps({**about, 'url': f'file:///tmp/somewhere/{name or "demo"}'}).encode(),
        **(files or {}),
    }  # fmt: skip
    listed = {path.replace(f'{info}/', f'{project}-{version}.dist-info/'): content
              for path, content in contents.items()}  # fmt: skip
    listed[SCRIPT] = b'#!python'
    if record:
        contents[f'{info}/RECORD'] = _record(listed, f'{project}-{version}.dist-info/RECORD')
    return _write(egg, contents, removed, unlisted)


def write_setuptools_egg(directory, project='demo', version='1.0', files=None, unlisted=None):
    """Write an egg as setuptools makes it of a wheel for zc.buildout 4, and return its path."""
    egg = Path(directory, f'{stem(project, version, platform=None)}.egg')
    contents = {
        f'{project}/__init__.py': b'VERSION = 1\n',
        'EGG-INFO/PKG-INFO': _metadata(project, version),
        'EGG-INFO/WHEEL': b'Wheel-Version: 1.0\nTag: py3-none-any\n',
        **(files or {}),
    }
    names = {'PKG-INFO': 'METADATA'}
    listed = {}
    for path, content in contents.items():
        top, _, rest = path.partition('/')
        is_info = top == 'EGG-INFO'
        listed[f'{project}-{version}.dist-info/{names.get(rest, rest)}' if is_info else path] = (
            content)
    contents['EGG-INFO/RECORD'] = _record(listed, f'{project}-{version}.dist-info/RECORD')
    return _write(egg, contents, (), {'EGG-INFO/requires.txt': b'', **(unlisted or {})})


def _write(egg, contents, removed, unlisted):
    for path, content in {**contents, **(unlisted or {})}.items():
        if path not in removed:
            target = egg / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            os.utime(target, (1234567890, 1234567890))
    return egg


def _metadata(project, version):
    return f'Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n\n'.encode()


def _record(contents, own):
    lines = []
    for path, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')
        lines.append(f'{path},sha256={digest},{len(content)}')
    return '\n'.join([*lines, f'{own},,', '']).encode()

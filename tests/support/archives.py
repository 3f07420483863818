"""How does a test get a distribution without running a build tool?

Every maker writes one archive below `directory` and returns its path. The same
arguments give the same bytes, wherever and whenever they are used.
"""

import base64
import csv
import gzip
import hashlib
import io
import re
import sys
import tarfile
import time
import zipfile
from pathlib import Path

TIMESTAMP = 1577836800                      # 2020-01-01T00:00:00Z

MODULE = '''\
VERSION = {version!r}
CONTENT = {content!r}


def main():
    print(" ".join(filter(None, [{name!r}, VERSION, CONTENT])))
'''

C_MODULE = '''\
#include <Python.h>

static PyObject *
answer(PyObject *self, PyObject *args)
{
    return PyLong_FromLong(42);
}

static PyMethodDef methods[] = {
    {"answer", answer, METH_NOARGS, "Return 42."},
    {NULL, NULL, 0, NULL}
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_answer", NULL, -1, methods
};

PyMODINIT_FUNC
PyInit__answer(void)
{
    return PyModule_Create(&module);
}
'''

SETUP = '''\
from setuptools import Extension, find_namespace_packages, setup

setup(
    name={name!r},
    version={version!r},
    packages=find_namespace_packages(),
    include_package_data=False,
    package_data={{'': ['*']}},
    install_requires={requires!r},
    entry_points={entry_points!r},
    ext_modules=[Extension(name, sources=[source]) for name, source in {extensions!r}],
)
'''


def make_wheel(directory, name, version, files=None, requires=(), entry_points=None,
               content='', tag='py3-none-any', metadata=(), scripts=None, executable=(),
               default=True, file_name=None):
    """Write a valid wheel and return its path.

    It holds the package `name` (`ns.pkg` gives a native namespace) with `VERSION`,
    `CONTENT` and `main()`, unless `default` is false. Archives of one version differ
    when their `content` differs.

    - `files`: further paths and their text or bytes; they win over the default ones.
    - `entry_points`: text of `entry_points.txt`; None is a console script `name`, '' is none.
    - `requires`: values of `Requires-Dist`; `metadata`: further header lines.
    - `scripts`: names and texts of scripts that are no entry points.
    - `executable`: paths among `files` that get the executable bit.
    """
    stem = f'{_escaped(name)}-{version}'
    info = f'{stem}.dist-info'
    members = _package(name, version, content) if default else {}
    members.update(files or {})
    tops = sorted({path.split('/')[0].split('.py')[0] for path in members})
    for script, text in (scripts or {}).items():
        members[f'{stem}.data/scripts/{script}'] = text
    members[f'{info}/METADATA'] = _metadata(name, version, requires, metadata)
    members[f'{info}/WHEEL'] = _wheel_file(tag)
    members[f'{info}/top_level.txt'] = ''.join(f'{top}\n' for top in tops)
    entry_points = _entry_points(name, entry_points, default)
    if entry_points:
        members[f'{info}/entry_points.txt'] = entry_points
    path = Path(directory, file_name or f'{stem}-{tag}.whl')
    return write_wheel(path, members, executable)


def write_wheel(path, members, executable=()):
    """Write `members` (paths and text or bytes) as a wheel, with a RECORD, and return its path."""
    members = {name: _bytes(data) for name, data in members.items()}
    # Of a distribution that brings others, only its own.
    [info] = {name.split('/')[0] for name in members
              if name.endswith('.dist-info/METADATA') and name.count('/') == 1}
    members[f'{info}/RECORD'] = _record(members, f'{info}/RECORD')
    return _write_zip(path, members, executable)


def make_egg(directory, name, version, files=None, requires=(), entry_points=None, content='',
             python=None):
    """Write a zipped egg for `python` (as in '3.12', None is this one) and return its path."""
    python = python or '.'.join(map(str, sys.version_info[:2]))
    members = _package(name, version, content)
    members.update(files or {})
    members['EGG-INFO/PKG-INFO'] = _metadata(name, version)
    members['EGG-INFO/zip-safe'] = '\n'
    members['EGG-INFO/requires.txt'] = ''.join(f'{line}\n' for line in requires)
    members['EGG-INFO/entry_points.txt'] = _entry_points(name, entry_points, True)
    path = Path(directory, f'{_escaped(name)}-{version}-py{python}.egg')
    return _write_zip(path, {name: _bytes(data) for name, data in members.items()})


def make_sdist(directory, name, version, c_extension=False, files=None, requires=(),
               entry_points=None, content='', metadata=()):
    """Write a setuptools sdist (.tar.gz) and return its path.

    With `c_extension` the package has a module `_answer` in C with a function `answer()`.
    """
    package = name.replace('-', '_')
    members = _package(name, version, content)
    extensions = []
    if c_extension:
        source = package.replace('.', '/') + '/_answer.c'
        members[source] = C_MODULE
        extensions.append((f'{package}._answer', source))
    members['setup.py'] = SETUP.format(
        name=name, version=version, requires=list(requires), extensions=extensions,
        entry_points=_entry_points(name, entry_points, True))
    members['PKG-INFO'] = _metadata(name, version, requires, metadata)
    members.update(files or {})
    stem = f'{_escaped(name)}-{version}'
    return write_tar(Path(directory, f'{stem}.tar.gz'),
                     {f'{stem}/{path}': data for path, data in members.items()})


def write_tar(path, members):
    """Write `members` (paths and text or bytes) as a .tar.gz and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'wb') as raw, \
            gzip.GzipFile('', 'wb', fileobj=raw, mtime=TIMESTAMP) as packed, \
            tarfile.open(fileobj=packed, mode='w', format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(members):
            data = _bytes(members[name])
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), TIMESTAMP, 0o644
            archive.addfile(info, io.BytesIO(data))
    return path


def digest(path, algorithm='sha256'):
    """Return the hex digest of the archive at `path`."""
    return hashlib.new(algorithm, Path(path).read_bytes()).hexdigest()


def _package(name, version, content):
    package = name.replace('-', '_').replace('.', '/')
    text = MODULE.format(name=name, version=version, content=content)
    return {f'{package}/__init__.py': text}


def _entry_points(name, text, default):
    if text is not None or not default:
        return text or ''
    return f'[console_scripts]\n{name} = {name.replace("-", "_")}:main\n'


def _metadata(name, version, requires=(), lines=()):
    return '\n'.join([
        'Metadata-Version: 2.1',
        f'Name: {name}',
        f'Version: {version}',
        *(f'Requires-Dist: {requirement}' for requirement in requires),
        *lines,
        '', 'Made by hand.', ''])


def _wheel_file(tag):
    pure = str(tag.endswith('-none-any')).lower()
    pythons, abis, platforms = tag.split('-')
    tags = [f'Tag: {python}-{abi}-{platform}' for python in pythons.split('.')
            for abi in abis.split('.') for platform in platforms.split('.')]
    return '\n'.join(['Wheel-Version: 1.0', 'Generator: by hand (1.0)',
                      f'Root-Is-Purelib: {pure}', *tags, ''])


def _record(members, record):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    for name in sorted(members):
        checksum = base64.urlsafe_b64encode(hashlib.sha256(members[name]).digest())
        writer.writerow([name, f'sha256={checksum.decode().rstrip("=")}', len(members[name])])
    writer.writerow([record, '', ''])
    return text.getvalue().encode()


def _write_zip(path, members, executable=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, time.gmtime(TIMESTAMP)[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3          # Unix, or the modes below mean nothing
            runs = name in executable or '.data/scripts/' in name
            info.external_attr = (0o100755 if runs else 0o100644) << 16
            archive.writestr(info, members[name])
    return path


def _escaped(name):
    return re.sub(r'[-_.]+', '_', name).lower()


def _bytes(data):
    return data.encode() if isinstance(data, str) else data

"""How does a test get a release, and an archive of it, without a buildout?

Its `bootstrap.py` is a stand-in that writes a `bin/buildout` of two lines, which writes the
script `bin/app`: real processes, and quick ones.
"""

import contextlib
import copy
import hashlib
import importlib
import io
import json
import tarfile
from pathlib import Path

from egg.cache.standalone import install

INSTALL = Path(install.__file__).read_bytes()
TIME = 1_700_000_000
#: The directory of the release is the only argument of all that it does.
BOOTSTRAP = b"""\
import os
os.makedirs('bin', exist_ok=True)
with open('bin/buildout', 'w') as file:
    file.write('#!/bin/sh\\necho "$@" > arguments\\nenv > environment\\n'
               'printf "#!/bin/sh\\\\necho $PWD\\\\n" > bin/app\\nchmod 755 bin/app\\n'
               'echo "__buildout_installed__ = $PWD/bin/app" > .installed.cfg\\n')
os.chmod('bin/buildout', 0o755)
with open('environment-of-bootstrap', 'w') as file:
    file.write(''.join(f'{name}={value}\\n' for name, value in os.environ.items()))
"""
FILES = {
    '.buildinfo.json': b'{}\n',
    'bootstrap.py': BOOTSTRAP,
    'buildout.cfg': b'[buildout]\n',
    'eggs/v5/demo-1.0-py3.egg/demo/__init__.py': b'version = 1\n',
    'eggs/v5/demo-1.0-py3.egg/demo/old.py': b'print "Python 2"\n',
    'eggs/v5/demo-1.0-py3.egg/demo/tool': (b'#!/bin/sh\n', '0755'),
    'install.py': INSTALL,
}
LINKS = {'eggs/v5/demo-1.0-py3.egg/demo/link': '__init__.py'}
DIRECTORIES = ['eggs/v5/demo-1.0-py3.egg/empty']


def row(content, mode='0644'):
    """Return what RELEASE.json says of a file."""
    return {'sha256': hashlib.sha256(content).hexdigest(), 'size': len(content), 'mode': mode,
            'time': TIME}  # fmt: skip


class Release:
    """A release in memory: `contents` by path, `document`, and from there archives of it."""

    def __init__(self, version='1.0', files=(), without=(), name='shop', **fields):
        rows = {path: value if isinstance(value, tuple) else (value, '0644')
                for path, value in {**FILES, **dict(files)}.items() if path not in without}
        self.contents = {path: content for path, (content, _) in rows.items()}
        self.label = f'{name}-{version}'
        links = {path: {'link': target} for path, target in LINKS.items() if path not in without}
        self.document = {
            'format': 1, 'name': name, 'version': version, 'environment': install.environment(),
            'eggs': {'demo-1.0-py3.egg': {'project': 'demo', 'version': '1.0', 'archive': {}}},
            'files': {**{path: row(*value) for path, value in rows.items()}, **links},
            'directories': list(DIRECTORIES), **fields,
        }  # fmt: skip

    @property
    def data(self):
        return install.to_bytes(self.document)

    @property
    def digest(self):
        return hashlib.sha256(self.data).hexdigest()

    def members(self):
        """Return what a full archive holds: {path: header and content}."""
        found = {'RELEASE.json': file('RELEASE.json', self.data)}
        for path, entry in self.document['files'].items():
            if 'link' in entry:
                found[path] = link(path, entry['link'])
            else:
                found[path] = file(path, self.contents[path], int(entry['mode'], 8))
        found.update((path, directory(path)) for path in self.document['directories'])
        return found

    def since(self, base):
        """Return what an archive of the changes since `base` holds."""
        changes = {
            'format': 1, 'digest': self.digest, 'patch': patch(base.document, self.document),
            'base': {**{key: base.document[key] for key in ('name', 'version')},
                     'digest': base.digest},
        }  # fmt: skip
        found = {'SINCE.json': file('SINCE.json', install.to_bytes(changes))}
        for path, member in self.members().items():
            rows = [release.document['files'].get(path) for release in (base, self)]
            if path == 'install.py' or (rows[1] and rows[0] != rows[1]):
                found[path] = member
        return found

    def pack(self, path, base=None, members=None):
        """Write an archive, and return its path."""
        if members is None:
            members = self.since(base) if base else self.members()
        return write(path, self.label, [members[name] for name in sorted(members)])


def patch(before, after):
    """Return a merge patch (RFC 7386) from one document to another."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    result = {key: None for key in before if key not in after}
    result.update((key, patch(before.get(key), value)) for key, value in after.items()
                  if key not in before or before[key] != value)
    return result


def file(path, content=b'', mode=0o644):
    header = tarfile.TarInfo(path)
    header.size, header.mode, header.mtime = len(content), mode, TIME
    return header, content


def link(path, target, kind=tarfile.SYMTYPE):
    header = tarfile.TarInfo(path)
    header.type, header.linkname, header.mtime = kind, target, TIME
    return header, b''


def directory(path):
    return special(path, tarfile.DIRTYPE)


def special(path, kind):
    header = tarfile.TarInfo(path)
    header.type, header.mode, header.mtime = kind, 0o755, TIME
    return header, b''


def write(path, top, members):
    """Write an archive of (header, content) below the directory `top`, by the name of `path`."""
    buffer = io.BytesIO()
    kind = 'w' if path.suffix == '.zst' else 'w:gz'
    with tarfile.open(fileobj=buffer, mode=kind, format=tarfile.PAX_FORMAT) as tar:
        for header, content in members:
            inside = copy.copy(header)
            inside.name = f'{top}/{header.name}' if top else header.name
            tar.addfile(inside, io.BytesIO(content))
    data = buffer.getvalue()
    if path.suffix == '.zst':
        data = zstandard(data)
    path.write_bytes(data)
    return path


def zstandard(data):
    """Compress `data` with what there is: compression.zstd of Python 3.14, or zstandard."""
    try:
        module = importlib.import_module('compression.zstd')
    except ImportError:
        return importlib.import_module('zstandard').ZstdCompressor().compress(data)
    return module.compress(data)


def state(directory):
    """Return what counts in a directory of releases: current, history, and what is left over."""
    directory = Path(directory)
    current = None
    with contextlib.suppress(FileNotFoundError):
        current = (directory / 'current').readlink().name
    history = (directory / 'history').read_text().split() if current else []
    known = {'current', 'history', '.lock', 'releases'}
    left = sorted({path.name for path in directory.iterdir()} - known)
    left += sorted(path.name for path in directory.glob('releases/.*'))
    return {'current': current, 'history': history, 'left': left,
            'releases': sorted(path.name for path in directory.glob('releases/[!.]*'))}


def document(directory):
    return json.loads((Path(directory) / 'RELEASE.json').read_text('utf-8'))

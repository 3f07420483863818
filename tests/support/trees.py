"""Are two directory trees the same, and if not, where do they differ?"""

import csv
import fnmatch
import hashlib
import io
import os
import stat
from collections import namedtuple

# `content` is the sha256 of a file or the target of a link, `time` is in nanoseconds.
Node = namedtuple('Node', 'type mode size time content')

TYPES = {stat.S_IFDIR: 'directory', stat.S_IFREG: 'file', stat.S_IFLNK: 'link'}
VOLATILE = ('*.pyc', 'direct_url.json')


def snapshot(directory, times=True, contents=True):
    """Return {relative path: Node} of everything in `directory`; the directory itself is '.'.

    Nothing is skipped and no link is followed. Without `times` or `contents`, these are None.
    """
    directory = os.fspath(directory)
    return {path: _node(os.path.join(directory, path), times, contents)
            for path in _paths(directory)}


def normalised(directory, replace=(), volatile=VOLATILE):
    """Return a snapshot without what differs between two independent builds.

    Times are None. Files that match `volatile` count by their presence and mode only, here
    and as lines of a RECORD. Each path in `replace` (usually the directory of the
    buildout) counts as one and the same placeholder wherever it is written.
    """
    directory = os.fspath(directory)
    nodes = snapshot(directory, times=False, contents=False)
    for path, node in nodes.items():
        if node.type == 'file':
            data = _settled(os.path.join(directory, path), replace, volatile)
            nodes[path] = node._replace(size=len(data), content=_sha256(data))
    return nodes


def differences(before, after):
    """Return one line for each difference of two snapshots: none means that they are the same."""
    lines = []
    for path in sorted({*before, *after}):
        if path not in after:
            lines.append(f'{path}: only in the first')
        elif path not in before:
            lines.append(f'{path}: only in the second')
        else:
            lines.extend(_node_differences(path, before[path], after[path]))
    return lines


def _node_differences(path, one, other):
    for field in Node._fields:
        values = [getattr(node, field) for node in (one, other)]
        if values[0] != values[1]:
            shown = [oct(value) if field == 'mode' else value for value in values]
            yield f'{path}: {field} {shown[0]} != {shown[1]}'


def _paths(directory):
    yield '.'
    for parent, directories, files in os.walk(directory):
        for name in directories + files:
            yield os.path.relpath(os.path.join(parent, name), directory)


def _node(path, times, contents):
    status = os.lstat(path)
    kind = TYPES.get(stat.S_IFMT(status.st_mode), 'other')
    content = None
    if kind == 'link':
        content = os.readlink(path)
    elif kind == 'file' and contents:
        content = _sha256(_read(path))
    return Node(kind, stat.S_IMODE(status.st_mode), status.st_size if kind == 'file' else None,
                status.st_mtime_ns if times else None, content)


def _settled(path, replace, volatile):
    if _matches(path, volatile):
        return b''
    data = _read(path)
    if os.path.basename(path) == 'RECORD':
        return _settled_record(data, volatile)
    for text in sorted(map(os.fspath, replace), key=len, reverse=True):
        data = data.replace(os.fsencode(text), b'<directory>')
    return data


def _settled_record(data, volatile):
    rows = [row[:1] if row and _matches(row[0], volatile) else row
            for row in csv.reader(io.StringIO(data.decode()))]
    return '\n'.join(sorted(','.join(row) for row in rows)).encode()


def _matches(path, patterns):
    return any(fnmatch.fnmatch(os.path.basename(path), pattern) for pattern in patterns)


def _read(path):
    with open(path, 'rb') as stream:
        return stream.read()


def _sha256(data):
    return hashlib.sha256(data).hexdigest()

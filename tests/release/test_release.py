"""RELEASE.json: written in one way, and read as if a stranger had written it."""

import copy
import dataclasses
import hashlib
import json

import pytest

from egg.cache.common.errors import CacheError
from egg.cache.release import release
from egg.cache.release.release import Release
from egg.cache.standalone.install import to_bytes

ENVIRONMENT = {
    'implementation': 'cpython', 'python': '3.12', 'soabi': 'cpython-312-x86_64-linux-gnu',
    'platform': 'linux-x86_64', 'libc': 'glibc 2.36',
}  # fmt: skip
FILE = {'sha256': '0' * 64, 'size': 3, 'mode': '0644', 'time': 1700000000}


def example(**changes):
    one = Release('shop', '1.4', ENVIRONMENT, {'demo-1.0-py3.12.egg': {'project': 'demo'}},
                  {'eggs/demo-1.0-py3.12.egg/demo.py': FILE, 'link': {'link': 'eggs'}},
                  ('eggs/empty',))  # fmt: skip
    return dataclasses.replace(one, **changes)


def test_the_digest_is_that_of_the_file():
    one = example()
    assert one.digest == hashlib.sha256(to_bytes(one.document)).hexdigest()
    assert to_bytes(one.document).endswith(b'}\n')


def test_what_was_written_is_read_again():
    assert release.parse(to_bytes(example().document), 'here') == example()


def test_the_order_in_which_things_were_found_does_not_count():
    files = dict(reversed(example().files.items()))
    one = example(files=files, directories=('b', 'a'))
    assert one.digest == example(directories=('a', 'b')).digest != example().digest


def test_a_version_that_nobody_gave_depends_on_all_else():
    version = release.version_of(example(version='any'))
    assert version == release.version_of(example()) and len(version) == 12
    assert version != release.version_of(example(name='other'))
    assert version != release.version_of(example(files={'a': {**FILE, 'time': 1}}))


def set_path(document, path, value):
    document = copy.deepcopy(document)
    *above, last = path
    inner = document
    for name in above:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return document


@pytest.mark.parametrize(('path', 'value'), [
    (['format'], 2), (['name'], '../x'), (['name'], None), (['version'], ''), (['eggs'], []),
    (['files', '../out'], FILE), (['files', '/etc/passwd'], FILE), (['files', 'a//b'], FILE),
    (['files', 'link', 'link'], '/etc'), (['files', 'link', 'link'], '../..'),
    (['files', 'link/below'], FILE), (['directories'], ['link']), (['directories'], ['..']),
    (['files', 'x'], {**FILE, 'sha256': 'Z' * 64}), (['files', 'x'], {**FILE, 'size': -1}),
    (['files', 'x'], {**FILE, 'mode': '4755'}), (['files', 'x'], {**FILE, 'time': 'now'}),
    (['environment', 'soabi'], None),
], ids=str)  # fmt: skip
def test_a_document_that_nobody_would_write_is_refused(path, value):
    data = json.dumps(set_path(example().document, path, value)).encode()
    with pytest.raises(CacheError, match=r'here(?s:.*)egg-cache pack'):
        release.parse(data, 'here')


@pytest.mark.parametrize('data', [b'', b'{', b'[]', b'\xff{}', b'[' * 100_000], ids=range(5))
def test_what_is_no_document_is_refused(data):
    with pytest.raises(CacheError, match='here'):
        release.parse(data, 'here')


def test_a_document_is_read_from_its_file(tmp_path):
    path = tmp_path / 'RELEASE.json'
    path.write_bytes(to_bytes(example().document))
    assert release.read(path) == example()


@pytest.mark.parametrize('data', [b'', b'x' * 99, b'\x1f\x8bdamaged', b'\x28\xb5\x2f\xfdxxxx'])
def test_what_is_no_archive_is_refused(tmp_path, data):
    path = tmp_path / 'some.tar.gz'
    path.write_bytes(data)
    with pytest.raises(CacheError, match=r'some\.tar\.gz(?s:.*)egg-cache pack'):
        release.read(path)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(CacheError, match=r"gone can't be read: No such file"):
        release.read(tmp_path / 'gone')

"""`.buildinfo.json`: written and read again, and refused if it is none of ours."""

import json
import os

import pytest

from egg.cache.common.errors import CacheError
from egg.cache.portable import buildinfo
from egg.cache.portable.buildinfo import BuildInfo

INFO = BuildInfo(
    environment={'implementation': 'cpython', 'python': '3.12', 'soabi': 'cpython-312',
                 'platform': 'linux-x86_64', 'libc': 'glibc 2.36'},
    directories={'eggs-directory': 'eggs/v5', 'bin-directory': 'bin'},
    buildout_eggs=('zc.buildout-6.0.1-py3.12.egg', 'pip-26.3-py3.12.egg'),
    directory='/srv/\xe4', executable='/usr/bin/python3.12', egg_cache='/var/cache/eggs',
    configuration='production.cfg',
)  # fmt: skip


def test_what_is_written_is_read(tmp_path):
    buildinfo.write(INFO, tmp_path)
    assert buildinfo.read(tmp_path) == INFO
    assert [path.name for path in tmp_path.iterdir()] == ['.buildinfo.json']


def test_without_a_place_it_names_none(tmp_path):
    info = BuildInfo(INFO.environment, INFO.directories, INFO.buildout_eggs)
    assert set(json.loads(info.text)) == {
        'format', 'environment', 'directories', 'buildout_eggs'}
    buildinfo.write(info, tmp_path)
    assert buildinfo.read(tmp_path) == info


def test_what_is_there_already_is_not_written_again(tmp_path):
    buildinfo.write(INFO, tmp_path)
    before = os.stat(tmp_path / '.buildinfo.json')
    buildinfo.write(INFO, tmp_path)
    assert os.stat(tmp_path / '.buildinfo.json').st_ino == before.st_ino


def test_where_nothing_was_built_there_is_none(tmp_path):
    assert buildinfo.read(tmp_path) is None


def changed(**values):
    return {**json.loads(INFO.text), **values}


@pytest.mark.parametrize(('text', 'complaint'), [
    ('', 'damaged'),
    ('[' * 100_000, 'damaged'),
    ('[]', 'damaged'),
    ('{"format": 1}', 'environment'),
    (json.dumps(changed(format=2)), 'its format is 2, not 1'),
    (json.dumps(changed(buildout_eggs=['../x.egg'])), 'not the name of an egg'),
    (json.dumps(changed(buildout_eggs=['/x.egg'])), 'not the name of an egg'),
    (json.dumps(changed(buildout_eggs=['x'])), 'not the name of an egg'),
    (json.dumps(changed(buildout_eggs=[1])), '1 is no text'),
    (json.dumps(changed(buildout_eggs=None)), 'damaged'),
    (json.dumps(changed(environment={})), 'implementation'),
    (json.dumps(changed(directories=[])), 'damaged'),
    (json.dumps(changed(directories={'eggs-directory': 1})), '1 is no text'),
    (json.dumps(changed(directory='a\0b')), 'is no text'),
])
def test_what_is_none_of_ours_is_refused(tmp_path, text, complaint):
    (tmp_path / '.buildinfo.json').write_text(text)
    with pytest.raises(CacheError, match=complaint) as caught:
        buildinfo.read(tmp_path)
    assert 'Run buildout again' in str(caught.value)

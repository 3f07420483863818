"""Metadata: what does an egg say of itself?"""

import pytest

from egg.cache.eggs import metadata
from egg.cache.common.errors import CacheError

HEADERS = 'Metadata-Version: 2.1\nName: {}\nVersion: {}\n\nName: other\n'


def write(egg, path, text=None, encoding='utf-8'):
    target = egg / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes((text or HEADERS.format('Demo.Thing', '1.0')).encode(encoding))
    return egg


@pytest.mark.parametrize('path', [
    'demo_thing-1.0.dist-info/METADATA', 'Demo.Thing-1.0-py3.12-linux-x86_64.dist-info/METADATA',
    'EGG-INFO/PKG-INFO',
])  # fmt: skip
def test_name_and_version_are_those_of_the_metadata(tmp_path, path):
    egg = write(tmp_path, path)
    assert metadata.name_and_version(egg) == ('Demo.Thing', '1.0')


def test_dist_info_comes_before_egg_info(tmp_path):
    write(tmp_path, 'EGG-INFO/PKG-INFO', HEADERS.format('old', '0.1'))
    egg = write(tmp_path, 'demo-1.0.dist-info/METADATA')
    assert metadata.name_and_version(egg) == ('Demo.Thing', '1.0')


def test_other_directories_do_not_count(tmp_path):
    write(tmp_path, 'demo/_vendor/other-2.0.dist-info/METADATA', HEADERS.format('other', '2.0'))
    egg = write(tmp_path, 'zz-1.0.dist-info/METADATA')
    assert metadata.name_and_version(egg) == ('Demo.Thing', '1.0')


def test_metadata_may_be_in_any_encoding(tmp_path):
    text = 'Author: J\xfcrgen\nName: demo\nSummary: \xff\nVersion: 1.0\n\nB\xf6dy'
    egg = write(tmp_path, 'EGG-INFO/PKG-INFO', text, 'latin-1')
    assert metadata.name_and_version(egg) == ('demo', '1.0')


@pytest.mark.parametrize('text', [
    'Name: demo\n', 'Version: 1.0\n', 'Name:\nVersion: 1.0\n', '\nName: demo\nVersion: 1.0\n',
    'nothing',
])  # fmt: skip
def test_metadata_without_name_and_version_are_none(tmp_path, text):
    egg = write(tmp_path, 'EGG-INFO/PKG-INFO', text)
    with pytest.raises(CacheError) as info:
        metadata.name_and_version(egg)
    assert str(info.value) == f'{egg}/EGG-INFO/PKG-INFO does not tell name and version.'


@pytest.mark.parametrize('path', ['demo/__init__.py', 'demo-1.0.dist-info/RECORD', 'EGG-INFO',
                                  'demo-1.0.dist-info'])  # fmt: skip
def test_an_egg_without_metadata_is_named(tmp_path, path):
    egg = write(tmp_path / 'demo.egg', path)
    with pytest.raises(CacheError) as info:
        metadata.name_and_version(egg)
    assert str(info.value).startswith(f'{egg} has no metadata: ')

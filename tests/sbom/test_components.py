"""Components: what a distribution says of itself, for a bill of materials."""

import pytest

from egg.cache.sbom import components
from egg.cache.sbom.components import Component

HEADERS = 'Metadata-Version: 2.4\nName: Demo.Thing\nVersion: 1.0\n'


def write(egg, path, text=HEADERS):
    target = egg / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding='utf-8')
    return egg


def read(egg):
    """Return the component that an egg is, and fail if there is a remark about it."""
    remarks = []
    component = components.of(egg, remarks)
    assert remarks == []
    return component


def licences(tmp_path, headers):
    egg = write(tmp_path / 'demo-1.0-py3.12.egg', 'x.dist-info/METADATA', HEADERS + headers)
    found = read(egg)
    return found.expression, found.license, found.classifiers


@pytest.mark.parametrize('info', [
    'demo_thing-1.0.dist-info/METADATA', 'EGG-INFO/PKG-INFO',
    'Demo.Thing-1.0-py3.12-linux-x86_64.dist-info/METADATA',
])  # fmt: skip
def test_name_and_version_are_those_of_the_metadata(tmp_path, info):
    component = read(write(tmp_path / 'demo_thing-1.0-py3.12.egg', info))
    assert component == Component('Demo.Thing', '1.0')
    assert component.key == ('demo-thing', '1.0')


def test_requirements_of_both_kinds_of_eggs_are_the_same(tmp_path):
    new = write(tmp_path / 'new.egg', 'x.dist-info/METADATA',
                HEADERS + 'Provides-Extra: web\nRequires-Dist: one>=1\n'
                'Requires-Dist: two; extra == "web"\n')  # fmt: skip
    old = write(tmp_path / 'old.egg', 'EGG-INFO/PKG-INFO')
    write(old, 'EGG-INFO/requires.txt', 'one>=1\n\n[web]\ntwo\n')
    assert read(new).requires == read(old).requires == ('one>=1', 'two; extra == "web"')


@pytest.mark.parametrize(('headers', 'expected'), [
    ('', ('', '', ())),
    ('License-Expression: MIT OR Apache-2.0\n', ('MIT OR Apache-2.0', '', ())),
    ('License: ZPL 2.1\nClassifier: License :: OSI Approved :: Zope Public License\n',
     ('', 'ZPL 2.1', ('Zope Public License',))),
    ('Classifier: License :: Public Domain\nClassifier: License :: OSI Approved :: MIT License\n',
     ('', '', ('Public Domain', 'MIT License'))),
    ('Classifier: Framework :: Zope\n', ('', '', ())),
    ('License: \n        A licence of my own\n        with many lines\n',
     ('', 'A licence of my own', ())),
])  # fmt: skip
def test_licences_are_as_the_metadata_have_them(tmp_path, headers, expected):
    assert licences(tmp_path, headers) == expected


@pytest.mark.parametrize('text', [None, '', 'Name: demo\n', 'Version: 1\n', '\0'])
def test_an_egg_with_unreadable_metadata_is_listed_by_its_name(tmp_path, text):
    egg = tmp_path / 'demo_thing-1.0.post1-py3.12-linux-x86_64.egg'
    egg.mkdir()
    if text is not None:
        write(egg, 'x.dist-info/METADATA', text)
    remarks = []
    assert components.of(egg, remarks) == Component('demo_thing', '1.0.post1')
    assert remarks == [f"{egg.name} is listed by its name, as its metadata can't be read."]


def test_develop_eggs_are_read_where_their_source_is(tmp_path):
    """As setuptools leaves them (zc.buildout 4): beside other metadata in the same source."""
    source, develop = tmp_path / 'src', tmp_path / 'develop-eggs'
    write(source, 'other.egg-info/PKG-INFO', HEADERS.replace('Demo.Thing', 'other'))
    write(source, 'zz_thing.egg-info/PKG-INFO')
    write(develop, 'demo-thing.egg-link', f'{source}\n../')
    write(develop, 'gone.egg-link', f'{tmp_path}/gone\n.')
    write(develop, 'empty.egg-link', '')
    remarks = []
    assert list(components.developed(develop, remarks)) == [
        Component('Demo.Thing', '1.0', is_developed=True),
        Component('empty', is_developed=True), Component('gone', is_developed=True)]  # fmt: skip
    assert [remark.split()[0] for remark in remarks] == ['empty', 'gone']


def test_develop_eggs_of_pip_have_their_metadata_with_them(tmp_path):
    develop = write(tmp_path, 'demo_thing-1.0.dist-info/METADATA')
    write(develop, 'Demo.Thing.egg-link', f'{tmp_path}/gone\n.')
    remarks = []
    assert list(components.developed(develop, remarks)) == [
        Component('Demo.Thing', '1.0', is_developed=True)]
    assert remarks == []


def test_each_is_listed_once_with_its_archive_if_that_is_known():
    archive = {'name': 'demo-1.0.zip'}
    found = components.unique([
        Component('Zoo', '1'), Component('demo', '1.0'), Component('Demo', '1.0', archive),
        Component('DEMO', '1.0'), Component('demo', '2.0'),
    ])  # fmt: skip
    assert found == (Component('Demo', '1.0', archive), Component('demo', '2.0'),
                     Component('Zoo', '1'))  # fmt: skip

"""The bill of materials: a document of CycloneDX."""

import json
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from egg.cache.common.errors import CacheError
from egg.cache.sbom import cyclonedx_json
from egg.cache.sbom.components import Component
from egg.cache.sbom.composition import Composition

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
DIGEST = 'a1' * 32


def document(*components, seconds=None, **fields):
    """Return the document, which is valid."""
    composition = Composition('shop', components=components, **fields)
    text = cyclonedx_json.document(composition, seconds)
    assert VALIDATOR.validate_str(text) is None
    assert text.endswith('}\n')
    return json.loads(text)


def licences(**fields):
    [component] = document(Component('demo', '1.0', **fields))['components']
    found = component.get('licenses', [])
    said = {row.get('license', row).pop('acknowledgement') for row in found}
    assert said <= {'declared'}
    return found


def test_an_invalid_document_is_noticed():
    assert VALIDATOR.validate_str('{"bomFormat": "CycloneDX", "specVersion": "1.6", "x": 1}')
    assert VALIDATOR.validate_str('{"bomFormat": "CycloneDX"}')


def test_a_component_has_name_version_and_package_url():
    [component] = document(Component('Zope.Interface', '8.0+local'))['components']
    assert component == {
        'type': 'library', 'name': 'Zope.Interface', 'version': '8.0+local',
        'bom-ref': 'pkg:pypi/zope-interface@8.0%2Blocal',
        'purl': 'pkg:pypi/zope-interface@8.0%2Blocal',
    }  # fmt: skip


def test_a_component_may_have_no_version():
    [component] = document(Component('demo'))['components']
    assert 'version' not in component
    assert component['purl'] == 'pkg:pypi/demo'


@pytest.mark.parametrize(('archive', 'url'), [
    ({'name': 'demo-1.0.zip', 'sha256': DIGEST, 'url': 'https://example.com/d/demo-1.0.zip'},
     'https://example.com/d/demo-1.0.zip'),
    ({'name': 'demo-1.0+local.zip', 'sha256': DIGEST}, 'demo-1.0+local.zip'),
])  # fmt: skip
def test_the_digest_is_that_of_the_archive(archive, url):
    [component] = document(Component('demo', '1.0', archive))['components']
    assert 'hashes' not in component
    assert component['externalReferences'] == [{
        'type': 'distribution', 'url': url, 'hashes': [{'alg': 'SHA-256', 'content': DIGEST}]}]


def test_what_was_made_of_a_source_is_nothing_that_an_index_has():
    [component] = document(Component('demo', '1.0', is_developed=True))['components']
    assert 'purl' not in component and component['bom-ref'] == 'pkg:pypi/demo@1.0'


@pytest.mark.parametrize('archive', [{}, {'sha256': DIGEST}])
def test_what_has_neither_url_nor_name_is_no_reference(archive):
    [component] = document(Component('demo', '1.0', archive))['components']
    assert 'externalReferences' not in component


def test_a_digest_may_be_unknown():
    [component] = document(Component('demo', '1.0', {'name': 'demo-1.0.zip'}))['components']
    assert component['externalReferences'] == [{'type': 'distribution', 'url': 'demo-1.0.zip'}]


@pytest.mark.parametrize(('fields', 'expected'), [
    ({}, []),
    ({'expression': 'MIT'}, [{'license': {'id': 'MIT'}}]),
    ({'expression': 'MIT OR Apache-2.0', 'classifiers': ('MIT License',)},
     [{'expression': 'MIT OR Apache-2.0'}]),
    ({'expression': 'LicenseRef-Our-Own'},
     [{'license': {'name': 'LicenseRef-Our-Own'}}]),
    ({'expression': 'what we like'}, [{'license': {'name': 'what we like'}}]),
    ({'license': 'ZPL-2.1', 'classifiers': ('Zope Public License',)},
     [{'license': {'id': 'ZPL-2.1'}}]),
    ({'license': 'MIT', 'classifiers': ('MIT License', 'Public Domain')},
     [{'license': {'name': 'MIT'}}, {'license': {'name': 'MIT License'}},
      {'license': {'name': 'Public Domain'}}]),
    ({'license': 'BSD', 'classifiers': ('BSD License',)},
     [{'license': {'name': 'BSD'}}, {'license': {'name': 'BSD License'}}]),
    ({'license': 'UNKNOWN'}, []),
    ({'classifiers': ('MIT License', 'MIT License')}, [{'license': {'name': 'MIT License'}}]),
])  # fmt: skip
def test_licences_are_as_declared(fields, expected):
    found = licences(**fields)
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_what_requires_what():
    found = document(Component('app', '1', requires=('lib[web]',)),
                     Component('lib', '2', requires=('server; extra == "web"',)),
                     Component('server', '3'), asked=('app',))  # fmt: skip
    assert {row['ref']: row.get('dependsOn', []) for row in found['dependencies']} == {
        'buildout': ['pkg:pypi/app@1'], 'pkg:pypi/app@1': ['pkg:pypi/lib@2'],
        'pkg:pypi/lib@2': ['pkg:pypi/server@3'], 'pkg:pypi/server@3': [],
    }  # fmt: skip


def test_a_buildout_without_eggs_is_valid():
    assert document()['dependencies'] == [{'ref': 'buildout'}]


def test_the_whole_and_the_tool_are_named():
    metadata = document(Component('demo', '1'), version='1.4')['metadata']
    expected = {'type': 'application', 'name': 'shop', 'version': '1.4', 'bom-ref': 'buildout'}
    assert metadata['component'] == expected
    [tool] = metadata['tools']['components']
    assert tool['name'] == 'egg.cache'
    assert 'timestamp' not in metadata


def test_the_same_is_the_same_byte_for_byte():
    composition = Composition('shop', components=(Component('a', '1'), Component('b', '2')))
    assert cyclonedx_json.document(composition) == cyclonedx_json.document(composition)
    assert cyclonedx_json.document(composition, 0) == cyclonedx_json.document(composition, 0)


def test_the_serial_number_is_another_one_if_anything_is():
    rows = [Component('a', '1'), Component('a', '2'), Component('a', '1', {'name': 'a.zip'})]
    found = {document(row)['serialNumber'] for row in rows}
    found.add(document(rows[0], seconds=0)['serialNumber'])
    assert len(found) == 4
    assert all(number.startswith('urn:uuid:') and number[23] == '5' for number in found)


def test_the_time_is_the_one_that_is_given():
    assert document(seconds=1577836800)['metadata']['timestamp'] == '2020-01-01T00:00:00+00:00'


def test_without_the_library_one_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cyclonedx.output.json', None)
    with pytest.raises(CacheError) as info:
        cyclonedx_json.document(Composition('shop'))
    assert str(info.value) == (
        'That needs cyclonedx-python-lib, which is not installed.\n'
        'Get it with: pip install "egg.cache[release]"'
    )

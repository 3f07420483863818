"""`egg-cache sbom`: the bill of materials of a buildout, or of a release."""

import json
import os

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from support import archives
from support.command import answer, assert_documented, run
from support.runner import egg_part

from egg.cache.common import files

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


@pytest.fixture
def buildout(buildout_factory, index, archives_dir):
    """A buildout that has run, with three eggs and a develop egg."""
    wheels = [
        archives.make_wheel(archives_dir, 'shop.app', '2.0', requires=['shop_lib[web]>=1'],
                            metadata=['License-Expression: MIT OR Apache-2.0']),
        archives.make_wheel(archives_dir, 'Shop-Lib', '1.5',
                            requires=['server; extra == "web"', 'never; python_version < "3"'],
                            metadata=['Provides-Extra: web', 'License: ZPL-2.1']),
        archives.make_wheel(archives_dir, 'server', '3.0', metadata=[
            'Classifier: License :: OSI Approved :: MIT License',
            'Classifier: License :: Public Domain']),
        archives.make_wheel(archives_dir, 'never', '1.0'),
    ]  # fmt: skip
    for wheel in wheels:
        index.add(wheel)
    found = buildout_factory(egg_part('shop.app'))
    found.run()
    # As setuptools leaves it: here not every release of zc.buildout could make one.
    found.path('src/mine.egg-info').mkdir(parents=True)
    found.path('src/mine.egg-info/PKG-INFO').write_text('Name: mine\nVersion: 0.1\n')
    found.path('src/mine.egg-info/requires.txt').write_text('shop-lib\n')
    found.path('develop-eggs/mine.egg-link').write_text(f'{found.path("src")}\n.')
    return found, {wheel.name: files.sha256(wheel) for wheel in wheels}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, home):
    """What is set where the tests run does not count."""
    monkeypatch.setenv('HOME', str(home))
    for name in ('EGG_CACHE', 'SOURCE_DATE_EPOCH', 'BUILDOUT_HOME'):
        monkeypatch.delenv(name, raising=False)


def test_a_real_buildout(capsys, monkeypatch, buildout, index, tmp_path, cache_dir):
    buildout, digests = buildout
    status, text, errors = run(capsys, 'sbom', buildout.directory)
    assert status == 0, errors
    assert VALIDATOR.validate_str(text) is None
    document = json.loads(text)
    parts = {part['name']: part for part in document['components']}
    assert parts.keys() >= {'shop.app', 'Shop-Lib', 'server', 'mine', 'zc.recipe.egg'}
    assert 'never' not in parts
    assert parts['Shop-Lib']['purl'] == 'pkg:pypi/shop-lib@1.5'
    assert parts['mine']['version'] == '0.1'
    assert 'externalReferences' not in parts['mine']
    # Archives are those that the index offered.
    found = {}
    for name in ('shop.app', 'Shop-Lib', 'server'):
        [reference] = parts[name]['externalReferences']
        [digest] = reference['hashes']
        assert reference['url'].startswith(index.root)
        found[reference['url'].rpartition('/')[2]] = digest['content']
    assert found == {name: digest for name, digest in digests.items() if name[:5] != 'never'}
    assert [row['license'].get('id') for row in parts['Shop-Lib']['licenses']] == ['ZPL-2.1']
    assert [row['expression'] for row in parts['shop.app']['licenses']] == ['MIT OR Apache-2.0']
    edges = {row['ref']: row.get('dependsOn', []) for row in document['dependencies']}
    assert edges['pkg:pypi/shop-app@2.0'] == ['pkg:pypi/shop-lib@1.5']
    assert edges['pkg:pypi/mine@0.1'] == ['pkg:pypi/shop-lib@1.5']
    assert edges['pkg:pypi/shop-lib@1.5'] == ['pkg:pypi/server@3.0']
    assert {'pkg:pypi/shop-app@2.0', parts['zc.recipe.egg']['purl']} <= set(edges['buildout'])
    assert 'pkg:pypi/server@3.0' not in edges['buildout']

    # The same again, from elsewhere, with --json, in a file, and with a time.
    monkeypatch.chdir(buildout.directory)
    assert run(capsys, 'sbom')[1] == run(capsys, 'sbom', '--json')[1] == text
    target = tmp_path / 'shop.json'
    status, output, _ = run(capsys, 'sbom', '-o', target)
    assert (status, output) == (0, f'{target} lists {len(parts)} components.\n')
    assert target.read_text('utf-8') == text
    assert [name for name in os.listdir(tmp_path) if 'json' in name] == ['shop.json']
    monkeypatch.setenv('SOURCE_DATE_EPOCH', '1577836800')
    document = answer(capsys, 'sbom', '-o', target)
    assert document == json.loads(target.read_text('utf-8'))
    assert_documented('sbom', document, document_of_a_name())

    # What pip wrote is known without the cache, too; what the cache knows is not.
    monkeypatch.setenv('EGG_CACHE', str(tmp_path / 'none'))
    without = {part['name']: part for part in answer(capsys, 'sbom')['components']}
    assert without.keys() == parts.keys()
    assert all('://' not in row['url'] for part in without.values()
               for row in part.get('externalReferences', []))  # fmt: skip


def document_of_a_name():
    """Return what the document of a licence has that is in no list."""
    acknowledged = {'acknowledgement': 'declared', 'name': 'MIT License'}
    return {'components': [{'licenses': [{'license': acknowledged}]}]}


@pytest.mark.parametrize('time', ['now', '-1', '1.5', '9' * 12, '9' * 30])
def test_what_is_no_time_is_refused(capsys, monkeypatch, tmp_path, time):
    monkeypatch.setenv('SOURCE_DATE_EPOCH', time)
    status, output, errors = run(capsys, 'sbom', tmp_path)
    assert (status, output) == (2, '')
    assert errors.startswith(f"SOURCE_DATE_EPOCH = '{time}' is no time.\n")


def test_what_is_no_buildout_is_refused(capsys, tmp_path):
    target = tmp_path / 'target.json'
    status, output, errors = run(capsys, 'sbom', tmp_path, '-o', target)
    assert (status, output) == (2, '')
    assert errors.startswith(f'{tmp_path} is no buildout: ')
    assert not target.exists()


@pytest.fixture
def release(tmp_path):
    directory = tmp_path / 'shop-1.4'
    info = directory / 'eggs/demo-1.0-py3.12.egg/demo-1.0.dist-info'
    info.mkdir(parents=True)
    (info / 'METADATA').write_text('Name: demo\nVersion: 1.0\n')
    archive = {'name': 'demo-1.0.zip', 'sha256': 'a1' * 32, 'url': 'https://example.com/demo-1.0.zip'}
    (directory / 'RELEASE.json').write_text(json.dumps({
        'format': 1, 'name': 'shop', 'version': '1.4', 'environment': {}, 'files': {},
        'eggs': {'demo-1.0-py3.12.egg': {'project': 'demo', 'version': '1.0', 'archive': archive}},
    }))  # fmt: skip
    return directory


def test_a_release(capsys, monkeypatch, release):
    # It needs no cache: an unusable one is not looked at.
    monkeypatch.setenv('EGG_CACHE', os.devnull)
    status, text, errors = run(capsys, 'sbom', release)
    assert (status, errors) == (0, '')
    assert VALIDATOR.validate_str(text) is None
    document = json.loads(text)
    assert document['metadata']['component']['version'] == '1.4'
    assert document['components'][0]['externalReferences'][0]['url'] == (
        'https://example.com/demo-1.0.zip')


def test_a_damaged_release_is_refused(capsys, release):
    (release / 'RELEASE.json').write_text('{')
    status, output, errors = run(capsys, 'sbom', release)
    assert (status, output) == (1, '')
    assert errors.startswith(f'{release}/RELEASE.json is damaged: ')


@pytest.mark.parametrize('name', ['', 'missing/sbom.json'])
def test_a_file_that_cannot_be_written_is_named(capsys, release, tmp_path, name):
    before = sorted(os.listdir(tmp_path))
    status, output, errors = run(capsys, 'sbom', release, '-o', tmp_path / name)
    assert (status, output) == (1, '')
    assert errors.startswith(f"{tmp_path / name} can't be written: ")
    assert errors.endswith('\nName another file with -o.\n')
    assert sorted(os.listdir(tmp_path)) == before


def half_built(tmp_path):
    (tmp_path / 'buildout.cfg').write_text('[buildout]\nparts =\negg-cache =\n')
    (tmp_path / '.installed.cfg').write_text('[buildout]\nparts =\n')
    return tmp_path


def test_without_a_cache_the_rest_is_told(capsys, tmp_path):
    status, output, errors = run(capsys, 'sbom', half_built(tmp_path))
    assert status == 0
    assert errors.startswith('What the egg cache knows is left out. The egg cache is switched off')
    assert errors.endswith('\nName one with --cache DIR.\n')
    assert json.loads(output)['dependencies'] == [{'ref': 'buildout'}]


def test_a_cache_that_is_named_has_to_be_one(capsys, tmp_path):
    half_built(tmp_path)
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other/file').write_text('')
    status, output, errors = run(capsys, 'sbom', tmp_path, '--cache', tmp_path / 'other')
    assert (status, output) == (1, '')
    assert 'is not an egg cache' in errors

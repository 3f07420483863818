"""The composition: of which distributions a buildout or a release consists."""

import json

import pytest
from support.eggs import archive, manifest, new_store, write_egg

from egg.cache.common.errors import CacheError, SettingError
from egg.cache.portable import buildinfo
from egg.cache.portable.buildinfo import BuildInfo
from egg.cache.sbom import composition
from egg.cache.sbom.components import Component

DIGEST = 'a1' * 32
ENVIRONMENT = {'implementation': 'cpython', 'python': '3.12', 'soabi': 'cpython-312-x86_64',
               'platform': 'linux-x86_64', 'libc': ''}  # fmt: skip


@pytest.fixture
def buildout(tmp_path):
    """A buildout with a script that has one egg on its path, as buildout leaves it."""
    directory = tmp_path / 'shop'
    write_egg(directory / 'eggs')
    for name in ('bin', 'develop-eggs', 'parts'):
        (directory / name).mkdir()
    write_egg(directory / 'eggs', 'unused')
    (directory / 'bin/app').write_text(
        f"#!/usr/bin/python\nsys.path[0:0] = ['{directory}/eggs/demo-1.0-py3.12.egg']\n")
    (directory / '.installed.cfg').write_text(
        f'[buildout]\nparts = app\n\n[app]\n__buildout_installed__ = {directory}/bin/app\n'
        f'eggs = demo[web]\n\tother\neggs-directory = {directory}/eggs\nrecipe = zc.recipe.egg\n')
    return directory


@pytest.fixture
def release(tmp_path):
    """A function that writes a release with `changes` in its document, and returns its path."""
    def write(**changes):
        directory = tmp_path / 'shop-1.4'
        write_egg(directory / 'eggs', 'demo')
        write_egg(directory / 'eggs', 'own')
        write_egg(directory / 'eggs', 'unlisted')
        (directory / 'buildout.cfg').write_text('[app]\neggs =\n    demo[web]\n    ${x:eggs}\n')
        eggs = {
            'demo-1.0-py3.12.egg': {
                'project': 'Demo', 'version': '1.0', 'archive': {'sha256': DIGEST, 'size': 3}},
            'own-1.0-py3.12.egg': {'project': 'own', 'version': '1.0', 'source': 'develop'},
        }
        document = {'format': 1, 'name': 'shop', 'version': '1.4', 'environment': ENVIRONMENT,
                    'eggs': eggs, 'files': {}, 'directories': [], **changes}  # fmt: skip
        known = {name: value for name, value in document.items() if value is not None}
        (directory / 'RELEASE.json').write_text(json.dumps(known))
        return directory
    return write


def names(found):
    return [component.name for component in found.components]


def test_a_buildout_consists_of_the_eggs_that_it_uses(buildout):
    found = composition.read(buildout)
    assert found.components == (Component('demo', '1.0'),)
    assert (found.name, found.version, found.remarks) == ('shop', '', ())
    assert found.asked == ('demo[web]', 'other')
    assert found.environment['python_version'] == '3.12'


def test_the_eggs_that_buildout_itself_runs_from_belong_to_it(buildout):
    write_egg(buildout / 'eggs', 'own')
    info = BuildInfo({**ENVIRONMENT, 'python': '3.9'}, {}, ['own-1.0-py3.12.egg'])
    buildinfo.write(info, buildout)
    found = composition.read(buildout)
    assert names(found) == ['demo', 'own']
    assert found.environment['python_version'] == '3.9'
    assert composition.egg_cache(buildout) is None


def test_a_buildout_tells_where_its_egg_cache_is(buildout, tmp_path):
    assert composition.egg_cache(buildout) is None
    info = BuildInfo(ENVIRONMENT, {}, [], egg_cache=str(tmp_path / 'cache'))
    buildinfo.write(info, buildout)
    assert composition.egg_cache(buildout) == tmp_path / 'cache'


def test_eggs_may_be_in_the_directory_of_their_format_or_among_the_develop_eggs(buildout):
    (buildout / 'eggs').rename(buildout / 'moved')
    (buildout / 'eggs').mkdir()
    (buildout / 'moved').rename(buildout / 'eggs/v5')
    assert names(composition.read(buildout)) == ['demo']
    (buildout / 'eggs/v5/demo-1.0-py3.12.egg').rename(
        buildout / 'develop-eggs/demo-1.0-py3.12.egg')
    assert names(composition.read(buildout)) == ['demo']


def test_develop_eggs_belong_to_it(buildout):
    info = buildout / 'develop-eggs/mine-1.0.dev0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Name: mine\nVersion: 1.0.dev0\n')
    found = composition.read(buildout)
    assert found.components == (
        Component('demo', '1.0'), Component('mine', '1.0.dev0', is_developed=True))


def test_archives_are_those_that_the_egg_cache_knows(buildout, tmp_path):
    store, built_from = new_store(tmp_path / 'cache'), archive()
    egg = buildout / 'eggs/demo-1.0-py3.12.egg'
    store.add(manifest(egg, built_from=built_from), egg)
    [component] = composition.read(buildout, store.layout).components
    assert component.archive == {'name': built_from.name, 'sha256': built_from.sha256}


def test_what_scripts_take_from_elsewhere_is_told(buildout, tmp_path):
    packages = tmp_path / 'venv/lib/python3.12/site-packages'
    info = packages / 'beside-1.0.dist-info'
    info.mkdir(parents=True)
    (info / 'METADATA').write_text('Name: beside\nVersion: 1.0\n')
    text = (buildout / 'bin/app').read_text()
    (buildout / 'bin/app').write_text(text.replace("['", f"['{packages}', '"))
    text = (buildout / '.installed.cfg').read_text()
    (buildout / '.installed.cfg').write_text(text.replace('\tother', '\tbeside'))
    found = composition.read(buildout)
    assert found.remarks == (f'Not listed is what scripts may take from {packages}: beside.',)
    assert names(found) == ['demo']


def test_an_egg_whose_metadata_is_unreadable_is_listed_with_a_remark(buildout):
    [path] = buildout.glob('eggs/demo*/*.dist-info/METADATA')
    path.write_text('nothing\n')
    found = composition.read(buildout)
    assert found.components == (Component('demo', '1.0'),)
    assert len(found.remarks) == 1


def test_missing_eggs_are_named(buildout):
    (buildout / 'eggs').rename(buildout / 'gone')
    with pytest.raises(CacheError) as info:
        composition.read(buildout)
    assert str(info.value) == (f'Eggs of {buildout} are missing: demo-1.0-py3.12.egg.\n'
                               'Run buildout there, to its end.')  # fmt: skip


def test_what_is_no_buildout_or_has_not_run_is_refused(tmp_path):
    with pytest.raises(SettingError, match='is no buildout'):
        composition.read(tmp_path)
    with pytest.raises(SettingError, match='is no buildout'):
        composition.read(tmp_path / 'missing')
    (tmp_path / 'buildout.cfg').write_text('[buildout]\nparts =\n')
    with pytest.raises(SettingError, match='is not a buildout that has run'):
        composition.read(tmp_path)


def test_a_release_knows_its_eggs_and_archives(release):
    found = composition.read(release())
    assert found.components == (Component('Demo', '1.0', {'sha256': DIGEST}),
                                Component('own', '1.0', is_developed=True))  # fmt: skip
    assert (found.name, found.version, found.remarks) == ('shop', '1.4', ())
    assert found.asked == ('demo[web]', '${x:eggs}')
    assert found.environment['python_version'] == '3.12'


def test_eggs_of_a_release_are_where_the_buildout_had_them(release):
    directory = release()
    buildinfo.write(BuildInfo(ENVIRONMENT, {'eggs-directory': 'lib/eggs/v5'}, ()), directory)
    (directory / 'lib' / 'eggs').mkdir(parents=True)
    (directory / 'eggs').rename(directory / 'lib' / 'eggs' / 'v5')
    assert names(composition.read(directory)) == ['Demo', 'own']
    (directory / '.buildinfo.json').unlink()
    with pytest.raises(CacheError, match='are missing'):
        composition.read(directory)


def test_missing_eggs_of_a_release_are_named(release):
    directory = release()
    (directory / 'eggs/own-1.0-py3.12.egg').rename(directory / 'gone')
    with pytest.raises(CacheError) as info:
        composition.read(directory)
    assert str(info.value) == (f'Eggs of {directory} are missing: own-1.0-py3.12.egg.\n'
                               'Unpack the release again.')  # fmt: skip


def test_a_release_of_another_format_is_refused(release):
    with pytest.raises(CacheError) as info:
        composition.read(release(format=2))
    assert str(info.value).endswith('RELEASE.json has the format 2; known here is 1.\n'
                                    'Use the egg.cache that made it, or a newer one.')  # fmt: skip


@pytest.mark.parametrize('changes', [
    {'name': None}, {'name': ''}, {'version': 1}, {'environment': None}, {'environment': 'x'},
    {'eggs': []}, {'eggs': {'../demo.egg': {'project': 'demo', 'version': '1.0'}}},
    {'eggs': {'demo-1.0-py3.12.egg': {'version': '1.0'}}}, {'eggs': {'demo-1.0-py3.12.egg': []}},
    {'eggs': {'demo-1.0-py3.12.egg': {
        'project': 'demo', 'version': '1.0', 'archive': {'sha256': 'A1' * 32}}}},
    {'eggs': {'demo-1.0-py3.12.egg': {'project': 'demo', 'version': '1.0', 'archive': 'x'}}},
])  # fmt: skip
def test_a_damaged_release_is_refused(release, changes):
    with pytest.raises(CacheError, match=r'RELEASE\.json is damaged: .*\nUnpack'):
        composition.read(release(**changes))


@pytest.mark.parametrize('content', [b'', b'[]', b'\xff', b'{', b'null', b'[' * 100_000])
def test_what_is_no_json_object_is_refused(release, content):
    directory = release()
    (directory / 'RELEASE.json').write_bytes(content)
    with pytest.raises(CacheError, match=r'RELEASE\.json is damaged: .*\nUnpack'):
        composition.read(directory)


def test_a_directory_in_the_place_of_the_document_is_refused(release):
    directory = release()
    (directory / 'RELEASE.json').unlink()
    (directory / 'RELEASE.json').mkdir()
    with pytest.raises(CacheError, match=r'RELEASE\.json is damaged: '):
        composition.read(directory)

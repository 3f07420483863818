"""Provenance: from which archive an egg was made."""

import json
from dataclasses import replace

import pytest
from support import archives
from support.eggs import KEY, archive, manifest, new_store, write_egg
from support.runner import egg_part

from egg.cache.common import files
from egg.cache.eggs import provenance
from egg.cache.common.errors import CacheError
from egg.cache.store.layout import Layout
from egg.cache.eggs.provenance import DIRECT_URL, EGG_CACHE, Provenance

NOTHING = Provenance('demo', '1.0')
DIGEST = 'a1' * 32
URL = 'https://index.example.com/d/demo-1.0-py3-none-any.whl'
INFO = 'demo-1.0.dist-info'


def direct_url(url='file:///tmp/tmp0_get_dist/demo-1.0.tar.gz', **info):
    return json.dumps({'url': url, 'archive_info': info or {'hashes': {'sha256': DIGEST}}})


def egg_with(directory, document, **more):
    """Return the path of an egg with that text in its `direct_url.json`."""
    more[f'{INFO}/direct_url.json'] = document.encode()
    return write_egg(directory, files=more)


def keep(cache, egg, built_from, key=KEY):
    """Store an egg, and return where the cache is."""
    store = new_store(cache, key)
    store.add(manifest(egg, built_from=built_from), egg)
    return store.layout


@pytest.mark.parametrize('info', [
    {'hashes': {'sha256': DIGEST}}, {'hash': f'sha256={DIGEST}'},
    {'hash': 'md5=00', 'hashes': {'md5': '00', 'sha256': DIGEST}},
])  # fmt: skip
def test_pip_tells_name_and_digest_and_the_temporary_directory_is_left_out(tmp_path, info):
    egg = egg_with(tmp_path, direct_url(**info))
    assert provenance.of(egg) == replace(
        NOTHING, name='demo-1.0.tar.gz', sha256=DIGEST, source=DIRECT_URL)
    assert provenance.of(egg).archive == {'name': 'demo-1.0.tar.gz', 'sha256': DIGEST}


def test_a_url_is_told_without_what_may_be_secret(tmp_path):
    url = 'https://ada:secret@example.com/d/demo%2Blocal-1.0.zip?token=secret#sha256=secret'
    found = provenance.of(egg_with(tmp_path, direct_url(url)))
    assert (found.name, found.url) == ('demo+local-1.0.zip',
                                       'https://example.com/d/demo%2Blocal-1.0.zip')  # fmt: skip


@pytest.mark.parametrize('document', [
    '', '[]', '{', 'null', '{"url": "file:///srv/demo", "dir_info": {"editable": true}}',
    '{"url": "https://example.com/demo", "vcs_info": {"vcs": "git", "commit_id": "1"}}',
    '{"url": 1, "archive_info": {}}', '{"archive_info": {"hash": "sha256=00"}}',
    direct_url(hash=DIGEST, hashes=1), direct_url(hashes={'sha256': 'A1' * 32}),
    '{"url": "file:///tmp/demo.zip", "archive_info": []}',
    direct_url('file:///'), direct_url('http://[x/demo.zip'), direct_url(hashes=[DIGEST]),
    '[' * 100_000,
])  # fmt: skip
def test_what_pip_did_not_write_so_tells_nothing(tmp_path, document):
    found = provenance.of(egg_with(tmp_path, document))
    assert found == NOTHING
    assert found.archive == {}


@pytest.mark.parametrize('info', [{'hash': f'sha512={DIGEST}'}, {'hashes': {'md5': '00'}}])
def test_without_a_digest_the_name_is_known(tmp_path, info):
    egg = egg_with(tmp_path, direct_url(**info))
    assert provenance.of(egg) == replace(NOTHING, name='demo-1.0.tar.gz', source=DIRECT_URL)
    built_from = archive(url=URL)
    found = provenance.of(egg, keep(tmp_path / 'cache', egg, built_from))
    assert (found.sha256, found.url, found.source) == (built_from.sha256, URL, EGG_CACHE)


def test_the_cache_adds_where_the_archive_came_from(tmp_path):
    built_from = archive(url=URL)
    egg = egg_with(tmp_path, direct_url(hashes={'sha256': built_from.sha256}))
    layout = keep(tmp_path / 'cache', egg, built_from)
    assert provenance.of(egg, layout).url == URL
    other = egg_with(tmp_path / 'other', direct_url())
    assert provenance.of(other, layout).url == ''


@pytest.mark.parametrize('url', ['/srv/archives/demo.whl', 'file:///srv/archives/demo.whl'])
def test_paths_of_the_build_host_are_left_out(tmp_path, url):
    built_from = archive(url=url)
    egg = egg_with(tmp_path, direct_url(hashes={'sha256': built_from.sha256}))
    assert provenance.of(egg, keep(tmp_path / 'cache', egg, built_from)).url == ''


def test_an_egg_of_which_pip_tells_nothing_is_known_by_its_files(tmp_path):
    """zc.buildout 4 unpacks wheels itself."""
    egg, built_from = write_egg(tmp_path), archive(url=URL)
    layout = keep(tmp_path / 'cache', egg, built_from)
    assert provenance.of(egg, layout) == replace(
        NOTHING, name=built_from.name, sha256=built_from.sha256, url=URL, source=EGG_CACHE)
    assert provenance.of(egg) == NOTHING
    assert provenance.of(egg, Layout(tmp_path / 'none')) == NOTHING


def test_compiled_files_and_the_name_of_the_metadata_do_not_count(tmp_path):
    egg, built_from = write_egg(tmp_path), archive()
    layout = keep(tmp_path / 'cache', egg, built_from)
    (egg / 'demo/__pycache__').mkdir()
    (egg / 'demo/__pycache__/__init__.cpython-312.pyc').write_bytes(b'compiled')
    (egg / INFO).rename(egg / 'demo-1.0-py3.12.dist-info')
    assert provenance.of(egg, layout).sha256 == built_from.sha256


@pytest.mark.parametrize('path', ['demo/__init__.py', f'demo/{INFO}/METADATA', f'{INFO}/RECORD'])
def test_an_egg_of_other_files_is_another_one(tmp_path, path):
    layout = keep(tmp_path / 'cache', write_egg(tmp_path), archive())
    assert provenance.of(write_egg(tmp_path, files={path: b'other'}), layout) == NOTHING


def test_an_egg_of_another_name_is_for_another_environment(tmp_path):
    egg = write_egg(tmp_path)
    layout = keep(tmp_path / 'cache', egg, archive())
    other = egg.rename(egg.with_name('demo-1.0-py3.13.egg'))
    assert provenance.of(other, layout) == NOTHING


def test_two_archives_of_the_same_files_leave_it_open(tmp_path):
    egg = write_egg(tmp_path)
    keep(tmp_path / 'cache', egg, archive())
    layout = keep(tmp_path / 'cache', egg, archive(content='rebuilt'))
    assert provenance.of(egg, layout) == NOTHING


def test_one_archive_in_two_environments_is_one(tmp_path):
    egg, built_from = write_egg(tmp_path), archive(url=URL)
    keep(tmp_path / 'cache', egg, built_from, 'cp312-linux_x86_64-egg5')
    layout = keep(tmp_path / 'cache', egg, replace(built_from, url=''))
    assert provenance.of(egg, layout).url == URL


def test_an_adopted_egg_tells_nothing(tmp_path):
    egg = write_egg(tmp_path)
    layout = keep(tmp_path / 'cache', egg, archive(suffix='.unknown', url='/srv/eggs'))
    assert provenance.of(egg, layout) == NOTHING


def test_trouble_with_the_cache_is_as_if_it_knew_nothing(tmp_path):
    egg = write_egg(tmp_path)
    layout = keep(tmp_path / 'cache', egg, archive())
    [path] = layout.environments.glob('*/eggs/demo/1.0/*/entry.json')
    path.chmod(0o644)
    path.write_bytes(files.read(path).replace(b'"demo"', b'"Demo"'))
    assert provenance.of(egg, layout) == NOTHING


@pytest.mark.parametrize('name', ['missing.egg', 'file.egg', 'empty.egg'])
def test_what_has_no_metadata_is_named(tmp_path, name):
    (tmp_path / 'file.egg').write_bytes(b'PK')
    (tmp_path / 'empty.egg').mkdir()
    with pytest.raises(CacheError) as info:
        provenance.of(tmp_path / name)
    assert str(tmp_path / name) in str(info.value)


def test_a_real_buildout_knows_where_its_eggs_come_from(
    buildout_factory, index, archives_dir, cache_dir
):  # fmt: skip
    wheel = archives.make_wheel(archives_dir, 'demo', '1.0')
    index.add(wheel)
    buildout = buildout_factory(egg_part('demo'))
    buildout.run()
    found = provenance.of(buildout.egg('demo'), Layout(cache_dir))
    assert found == Provenance(
        'demo', '1.0', wheel.name, files.sha256(wheel), found.url, found.source)
    # zc.buildout 4 unpacks wheels without pip.
    assert found.source in (DIRECT_URL, EGG_CACHE)
    assert found.url.startswith(index.url.rsplit('/', 2)[0])
    assert found.url.endswith(f'/{wheel.name}')

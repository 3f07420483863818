"""Index options: where does a buildout look for distributions, by its configuration?"""

import sys

import pytest
from zc.buildout import easy_install

from egg.cache.buildout.hooks.self_contained import Installer
from egg.cache.configuration import index_options
from egg.cache.lookup.origins import public_url

INDEX = 'https://example.com/simple'


def asked(options, tmp_path, monkeypatch):
    """Return the origin that the installer has with these options of `[buildout]`."""
    monkeypatch.setattr(easy_install, '_indexes', {})
    cache = options.get('download-cache')
    monkeypatch.setattr(
        Installer, '_download_cache', cache and str(tmp_path / cache / 'dist'))
    hosts = options.get('allow-hosts', '*').split('\n')
    made = Installer(
        dest=str(tmp_path / 'eggs'),
        links=options.get('find-links', '').split(),
        index=options.get('index'),
        allow_hosts=tuple(host.strip() for host in hosts if host.strip()),
    )
    return made._origin


@pytest.mark.parametrize('options', [
    {},
    {'index': INDEX},
    {'index': f'{INDEX}/', 'allow-hosts': '*.example.com\n  other.example.com\n'},
    {'index': INDEX, 'find-links': '{}/links\n  file://{}/links  file://{}/links/ {}/none'},
    {'index': INDEX, 'find-links': '{}/links', 'download-cache': 'downloads'},
    {'index': 'file://{}/links'},
])  # fmt: skip
def test_the_origin_is_the_one_that_the_installer_has(options, tmp_path, monkeypatch):
    (tmp_path / 'links').mkdir()
    (tmp_path / 'downloads/dist').mkdir(parents=True)
    options = {name: text.replace('{}', str(tmp_path)) for name, text in options.items()}
    expected = asked(options, tmp_path, monkeypatch)
    assert index_options.origin({**options, 'directory': str(tmp_path)}) == expected


def test_an_unset_index_is_that_of_zc_buildout():
    assert public_url(index_options.given('', (), ()).index).rstrip('/') == (
        easy_install.default_index_url.rstrip('/'))


def test_installing_from_the_download_cache_asks_no_index(tmp_path):
    origin = index_options.origin({'index': INDEX, 'download-cache': 'x',
                                   'directory': str(tmp_path),
                                 'install-from-cache': 'true'})  # fmt: skip
    assert not origin.has_pointers


@pytest.mark.parametrize(('stem', 'expected'), [
    ('zc.buildout-6.0', '6.0'), ('zc_buildout-5.2', '5.2'), ('other-1.0', None)])  # fmt: skip
def test_the_version_of_zc_buildout_is_found_however_it_is_spelled(
        stem, expected, tmp_path, monkeypatch):
    name, _, version = stem.partition('-')
    (tmp_path / f'{stem}.dist-info').mkdir()
    (tmp_path / f'{stem}.dist-info/METADATA').write_text(
        f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n')
    monkeypatch.setattr(sys, 'path', [str(tmp_path)])
    assert index_options.buildout_version() == expected

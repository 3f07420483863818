"""What is beside zc.buildout, and what is an egg of the buildout?"""

import os
import sys
from types import SimpleNamespace

import pytest

from egg.cache.eggs import site_packages
from egg.cache.eggs.site_packages import SitePackages
from egg.cache.common.errors import CacheError

PY = f'py{sys.version_info[0]}.{sys.version_info[1]}'


@pytest.fixture
def directory(tmp_path):
    for name in ('packages', 'buildout/eggs/a-1.0-py3.12.egg', 'buildout/develop-eggs', 'src'):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def one(directory):
    return SitePackages(
        [str(directory / 'packages'), str(directory / 'src'),
         str(directory / 'buildout/eggs/a-1.0-py3.12.egg')],
        str(directory / 'buildout/eggs'), str(directory / 'buildout/develop-eggs'))  # fmt: skip


def test_what_is_installed_with_zc_buildout_is_beside_it(one, directory):
    assert one.holds(str(directory / 'packages'))
    assert not one.holds(str(directory / 'elsewhere'))


def test_it_is_known_by_another_name_too(one, directory):
    (directory / 'link').symlink_to('packages')
    assert one.holds(str(directory / 'link'))


def test_an_egg_of_the_buildout_is_not_beside_it(one, directory):
    egg = str(directory / 'buildout/eggs/a-1.0-py3.12.egg')
    assert one.is_egg(egg) and not one.holds(egg)


def test_the_source_of_a_develop_egg_is_not_beside_it(one, directory):
    source = directory / 'src'
    assert one.holds(str(source))
    (directory / 'buildout/develop-eggs/src.egg-link').write_text(f'{source}\n.')
    assert not one.holds(str(source))


@pytest.mark.parametrize(('name', 'project', 'version'), [
    (f'zope.interface-8.7-{PY}-linux-x86_64.egg', 'zope-interface', '8.7'),
    (f'typing_extensions-4.16.0-{PY}.egg', 'Typing.Extensions', '4.16.0'),
    (f'demo-1.0_local-{PY}.egg', 'demo', '1.0-local'),
    ('demo-1.0.egg', 'demo', '1.0'),
])
def test_eggs_are_known_by_project_and_version(tmp_path, name, project, version):
    (tmp_path / name).mkdir()
    (tmp_path / 'tmp123').mkdir()
    # That of another Python comes first and last.
    for python in ('py3.1', 'py9.9'):
        (tmp_path / f'{name.partition("-py")[0]}-{python}.egg').mkdir()
    assert site_packages.egg_names(str(tmp_path)) == {site_packages.key(project, version): name}


def test_a_directory_that_is_missing_has_no_eggs(tmp_path):
    assert site_packages.egg_names(str(tmp_path / 'eggs')) == {}


def test_metadata_are_found_in_any_spelling(tmp_path):
    (tmp_path / 'Zc_Buildout-6.0.1.dist-info').mkdir()
    (tmp_path / 'zc.buildout-6.0.dist-info').mkdir()
    dist = SimpleNamespace(location=str(tmp_path), project_name='zc.buildout', version='6.0.1')
    assert site_packages.metadata_directory(dist).name == 'Zc_Buildout-6.0.1.dist-info'
    dist.version = '7'
    with pytest.raises(CacheError, match='no metadata'):
        site_packages.metadata_directory(dist)
    assert not site_packages.is_editable(dist)


@pytest.mark.parametrize(('name', 'expected'), [
    ('pip-26.3-py3.12-linux-x86_64.dist-info', 'pip-26.3.dist-info'),
    ('zc.buildout-6.0.1-py3.12.dist-info', 'zc.buildout-6.0.1.dist-info'),
    ('pip-26.3.dist-info', 'pip-26.3.dist-info'),
    ('EGG-INFO', 'EGG-INFO'),
])
def test_metadata_get_their_name_back(tmp_path, name, expected):
    (tmp_path / name).mkdir()
    site_packages.restore_metadata_name(tmp_path)
    site_packages.restore_metadata_name(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [expected]


def test_a_hard_link_of_what_is_changed_stays_as_it_was(tmp_path):
    info = tmp_path / 'egg' / 'demo-1.0.dist-info'
    info.mkdir(parents=True)
    text = 'demo-1.0.dist-info/direct_url.json,,\ndemo.py,,\n'
    (info / 'RECORD').write_text(text)
    (info / 'direct_url.json').write_text('{}')
    for name in ('RECORD', 'direct_url.json'):
        os.link(info / name, tmp_path / name)
    site_packages.forget_archive(tmp_path / 'egg')
    assert (info / 'RECORD').read_text() == 'demo.py,,\n'
    assert [path.name for path in info.iterdir()] == ['RECORD']
    assert [path.name for path in (tmp_path / 'egg').iterdir()] == [info.name]
    assert (tmp_path / 'RECORD').read_text() == text
    assert (tmp_path / 'direct_url.json').read_text() == '{}'


def test_another_buildout_may_give_them_back_at_the_same_time(tmp_path, monkeypatch):
    (tmp_path / 'pip-26.3-py3.12.dist-info').mkdir()
    rename = os.rename

    def rename_twice(old, new):
        rename(old, new)
        rename(old, new)

    monkeypatch.setattr(os, 'rename', rename_twice)
    site_packages.restore_metadata_name(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['pip-26.3.dist-info']

"""Archives: which of those in local directories would buildout see?"""

import os

import pytest
from packaging.specifiers import SpecifierSet
from support import archives as make
from zc.buildout import easy_install

from egg.cache.configuration import local_archives

NAMES = [
    'demo-1.0-py3-none-any.whl', 'demo-1.0-1-py3-none-any.whl', 'demo-2.0-py2-none-any.whl',
    'demo-1.0-cp27-cp27m-win_amd64.whl', 'demo-1.0.tar.gz', 'demo-1.0.zip', 'demo-1.1.tgz',
    'demo-1.2.tar.bz2', 'demo-1.0.dev1.tar.gz', 'demo_other-1.0-py3-none-any.whl',
    'demo_other-1.0.tar.gz', 'Demo-1.3.tar.gz', 'readme.txt', 'demo',
]  # fmt: skip


@pytest.fixture
def directory(tmp_path):
    """A directory with archives, as far as their names tell."""
    path = tmp_path / 'links'
    path.mkdir()
    for name in NAMES:
        (path / name).write_text(name)
    make.make_egg(path, 'demo', '1.4')
    return path


def seen_by_buildout(links, project, specifier):
    index = easy_install.AllowHostsPackageIndex('https://example.com/simple/', hosts=('*',))
    index.add_find_links(links)
    requirement = easy_install.pkg_resources.Requirement.parse(f'{project}{specifier}')
    return sorted({dist.location for dist in index[project] if dist in requirement})


@pytest.mark.parametrize('specifier', ['', '==1.0', '>=1.1', '==1.3', '==9', '==1.*'])
@pytest.mark.parametrize('project', ['demo', 'demo-other'])
@pytest.mark.parametrize('spell', [str, lambda path: f'file://{path}/'], ids=['path', 'url'])
def test_those_that_buildout_sees_are_found(directory, project, specifier, spell):
    links = ['https://example.org/links', spell(directory), str(directory / 'missing')]
    found = local_archives.find(links, project, SpecifierSet(specifier))
    expected = seen_by_buildout(links[1:], project, specifier)
    prefix = '' if spell is str else 'file://'
    assert sorted(found) == [path for path in expected if path.startswith(prefix)]
    has_other = project == 'demo-other' and specifier in ('', '==1.0', '==1.*')
    assert bool(found) is (has_other if project != 'demo' else specifier != '==9')


@pytest.mark.parametrize('name', ['demo-x.whl', '.whl', 'demo-.egg', 'demo.egg', '.tar.gz'])
def test_a_name_that_means_nothing_is_passed_over(directory, name):
    before = local_archives.find([str(directory)], 'demo', SpecifierSet())
    (directory / name).write_text('')
    assert local_archives.find([str(directory)], 'demo', SpecifierSet()) == before


def test_an_archive_may_be_named_itself(directory):
    path = str(directory / 'demo-1.0.tar.gz')
    assert local_archives.find([path], 'demo', SpecifierSet('==1.0')) == [os.path.realpath(path)]


def test_digests_come_in_the_order_of_the_paths_and_mark_the_download_cache(directory):
    places = [str(directory / 'demo-1.0.zip'), f'file://{directory}/demo-1.0.tar.gz']
    one, two = local_archives.digests(places)
    assert len({one, two}) == 2
    assert local_archives.digests(places[::-1]) == (one, two)
    assert local_archives.digests(places, str(directory)) == (f'download-cache {one}', two)
    assert local_archives.digests([str(directory)]) == (str(directory),)

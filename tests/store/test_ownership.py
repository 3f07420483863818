"""Ownership: is there an egg cache in this directory, or something else?"""

import os

import pytest
from support import archives, trees
from support.runner import egg_part

from egg.cache.common.errors import UntrustedError
from egg.cache.store import ownership
from egg.cache.store.layout import CACHEDIR_TAG, Layout


@pytest.mark.parametrize('names', [['.keep'], ['lost+found'], ['tmp', 'locks', 'trash', 'stats']])
def test_what_everybody_has_makes_no_owner(tmp_path, names):
    for name in names:
        (tmp_path / name).mkdir()
    assert ownership.state(Layout(tmp_path)) == ownership.EMPTY
    ownership.check(Layout(tmp_path))


@pytest.mark.parametrize('name', ['v1', 'v1/cp312-linux-egg5'])
def test_what_a_killed_process_left_of_a_new_cache_makes_no_owner(tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    assert ownership.state(Layout(tmp_path)) == ownership.EMPTY


@pytest.mark.parametrize('name', ['v1/cp312-linux-egg5/eggs', 'v2/cp312-linux-egg5/eggs'])
def test_a_cache_is_known_by_its_tag_or_its_environments(tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    is_known = name.startswith('v1')
    state = ownership.state(Layout(tmp_path))
    assert state == (ownership.CACHE if is_known else ownership.FOREIGN)
    Layout(tmp_path).tag.write_text(CACHEDIR_TAG)
    assert ownership.state(Layout(tmp_path)) == ownership.CACHE


def test_a_tag_that_is_a_pipe_is_none(tmp_path):
    os.mkfifo(Layout(tmp_path).tag)
    assert ownership.state(Layout(tmp_path)) == ownership.FOREIGN


def test_environments_behind_links_make_no_cache(tmp_path):
    (tmp_path / 'elsewhere/key/eggs').mkdir(parents=True)
    (tmp_path / 'cache').mkdir()
    (tmp_path / 'cache/v1').symlink_to(tmp_path / 'elsewhere')
    assert ownership.state(Layout(tmp_path / 'cache')) == ownership.FOREIGN


@pytest.mark.parametrize('name', ['letter.txt', 'eggs', 'v2', 'v1/api', 'v1/package/api'])
def test_what_is_not_ours_is_refused(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text('')
    with pytest.raises(UntrustedError, match='it holds other things'):
        ownership.check(Layout(tmp_path))


def test_a_directory_that_is_not_there_is_nobodys(tmp_path):
    ownership.check(Layout(tmp_path / 'missing'))


def test_a_buildout_makes_no_cache_among_other_things(
    buildout_factory, index, archives_dir, tmp_path
):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    documents = tmp_path / 'documents'
    documents.mkdir()
    (documents / 'letter.txt').write_text('Dear Ada')
    before = trees.snapshot(documents)
    buildout = buildout_factory(egg_part('demo==1.0'), egg_cache=documents)
    result = buildout.run(ok=False)
    assert result.lines(f'Error: egg-cache = {documents} is not an egg cache')
    assert 'Traceback' not in result.output
    assert trees.differences(before, trees.snapshot(documents)) == []
    assert not os.path.exists(buildout.eggs_directory) or buildout.eggs == []

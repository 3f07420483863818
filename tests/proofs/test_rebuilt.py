"""What if other content comes under a version that is cached already?

In each buildout `pinned` has an exact pin and `free` has none.
"""

import os

import pytest
from support import archives, plain, twins
from support.runner import egg_part


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


def part(pin, *projects):
    return egg_part(*projects, interpreter='py', versions={'pinned': pin})


@pytest.mark.slow
def test_each_content_of_a_dev_version_is_built_once(pair, index, archives_dir):
    config = part('1.0.dev0', 'pinned', 'free')
    expected = {}
    for content, built in (('one', 2), ('two', 2), ('one', 0), ('two', 0)):
        index.add(archives.make_wheel(archives_dir, 'pinned', '1.0.dev0', content=content))
        index.add(archives.make_egg(archives_dir, 'free', '1.0.dev0', content=content))
        expected[content] = expected.get(content) or pair.plain(config)
        buildout, result = pair.run(config, plain=expected[content])
        assert set(plain.contents(buildout, 'pinned', 'free').values()) == {f'1.0.dev0 {content}'}
        assert plain.built_count(result) == built
        assert len(plain.copied(result)) == 2 - built
        assert result.pip_count in (0, built // 2)      # zc.buildout 4 unpacks wheels itself


def test_an_unpinned_release_is_the_one_that_the_index_announces_now(pair, index, archives_dir):
    config = part('1.0', 'free')
    for content in ('one', 'two', 'three'):
        # The last one is of another kind, which buildout prefers, beside the second one.
        make = archives.make_wheel if content == 'three' else archives.make_egg
        index.add(make(archives_dir, 'free', '1.0', content=content))
        buildout, result = pair.run(config)
        assert plain.contents(buildout, 'free') == {'free': f'1.0 {content}'}
        assert plain.built_count(result) == 1


def test_a_release_that_is_replaced_under_its_pin_needs_a_refresh(
        pair, buildout_factory, index, archives_dir):
    config = part('1.0', 'pinned')
    index.add(archives.make_egg(archives_dir, 'pinned', '1.0', content='one'))
    buildout_factory(config).run()
    index.add(archives.make_egg(archives_dir, 'pinned', '1.0', content='two'))
    stale = buildout_factory(config)
    assert plain.copied(stale.run()) == ['pinned 1.0']
    # This is the exception that the manual tells of.
    assert plain.contents(stale, 'pinned') == {'pinned': '1.0 one'}
    expected = pair.plain(config)
    _, result = pair.run(config, plain=expected, egg_cache_mode='refresh')
    assert plain.copied(result) == []
    buildout, result = pair.run(config, plain=expected)
    assert plain.copied(result) == ['pinned 1.0']
    assert plain.contents(buildout, 'pinned') == {'pinned': '1.0 two'}


@pytest.mark.slow
def test_in_a_local_directory_the_replacement_is_noticed(pair, index, archives_dir, tmp_path):
    config = part('1.0', 'pinned', 'free')
    links = tmp_path / 'links'
    expected = {}
    for content, built in (('one', 2), ('two', 2), ('one', 0)):
        for project in ('pinned', 'free'):
            archives.make_egg(links, project, '1.0', content=content)
        expected[content] = expected.get(content) or pair.plain(config, find_links=links)
        buildout, result = pair.run(config, find_links=links, plain=expected[content])
        assert set(plain.contents(buildout, 'pinned', 'free').values()) == {f'1.0 {content}'}
        assert plain.built_count(result) == built
    # As it lies there unchanged, the index is asked for the other one only.
    index.clear()
    _, result = pair.run(config, find_links=links, plain=expected['one'])
    assert len(plain.copied(result)) == 2
    assert '/simple/free/' in index.pages and '/simple/pinned/' not in index.pages
    for path in links.iterdir():
        os.remove(path)
    _, result = pair.run(config, find_links=links)
    assert result.returncode

"""Does each buildout get the archives of its own index and links?

The sources here serve different archives under one name and version. In each buildout `pinned`
has an exact pin and `free` has none.
"""

import os
import shutil

import pytest
from support import archives, plain, twins
from support.index import Index
from support.runner import egg_part

PROJECTS = ('pinned', 'free')


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


@pytest.fixture
def config(recipe_wheel):
    """Of `pinned` and of the recipe nobody has to be asked more than once."""
    return part(recipe_wheel, *PROJECTS)


@pytest.fixture
def servers(recipe_wheel):
    """Two more indexes, and the archives of the second one win when they are equal otherwise."""
    with Index(recipe_wheel) as one, Index(recipe_wheel) as other:
        yield sorted([one, other], key=lambda index: index.root)


def part(recipe_wheel, *requirements, **options):
    versions = {'pinned': '1.0', 'zc.recipe.egg': recipe_wheel.name.split('-')[1]}
    return egg_part(*requirements, versions=versions, **options)


def make(directory, content, projects=PROJECTS, **options):
    return [archives.make_egg(directory, project, '1.0', content=content, **options)
            for project in projects]


def offer(index, directory, content, projects=PROJECTS, **options):
    for path in make(directory, content, projects, **options):
        index.add(path)


def in_turn(pair, config, sources):
    """Run buildouts with the options in `sources`, {content: options}, and then once more.

    Each gets its own archives, and in the second round they are all in the cache.
    """
    expected = {content: pair.plain(config, **sources[content]) for content in sources}
    for number in range(2):
        for content, options in sources.items():
            buildout, result = pair.run(config, plain=expected[content], **options)
            assert got(buildout) == {content}
            assert plain.built_count(result) == (0 if number else 2)
    return expected


def got(buildout):
    return {text.partition(' ')[2] for text in plain.contents(buildout, *PROJECTS).values()}


def asked_for_pinned(*indexes):
    return [path for index in indexes for path in index.requests if 'pinned' in path]


def test_two_indexes_in_turn(pair, config, servers, archives_dir):
    for name, server in zip('ab', servers):
        offer(server, archives_dir / name, name)
    sources = {'a': {'index': servers[0].url}, 'b': {'index': servers[1].url}}
    expected = in_turn(pair, config, sources)
    for server in servers:
        server.clear()
    pair.run(config, plain=expected['b'], **sources['b'])
    assert not asked_for_pinned(*servers)


@pytest.mark.slow
def test_three_local_directories_in_turn_and_swapped(pair, config, tmp_path):
    sources = {}
    for name in 'abc':
        make(tmp_path / name, name)
        sources[name] = {'find_links': tmp_path / name}
    expected = in_turn(pair, config, sources)
    os.rename(tmp_path / 'a', tmp_path / 'd')
    os.rename(tmp_path / 'b', tmp_path / 'a')
    os.rename(tmp_path / 'd', tmp_path / 'b')
    for directory, content in (('a', 'b'), ('b', 'a')):
        buildout, result = pair.run(
            config, find_links=tmp_path / directory, plain=expected[content])
        assert got(buildout) == {content} and plain.built_count(result) == 0
    # Of two directories the one with the greater path wins, in whatever order they are given.
    for names, content in (('ab', 'a'), ('cb', 'c')):
        buildout, result = pair.run(
            config, find_links=[tmp_path / name for name in names], plain=expected[content])
        assert got(buildout) == {content} and plain.built_count(result) == 0


@pytest.mark.slow
def test_pages_of_links_beside_an_index(pair, config, index, servers, archives_dir):
    offer(index, archives_dir / 'index', 'index', ['free'])
    for name, server in zip('ab', servers):
        offer(server, archives_dir / name, name, ['pinned'])
    expected = {}
    for name, server in (*zip('ab', servers), *zip('ab', servers)):
        options = {'find_links': server.links_url}
        expected[name] = expected.get(name) or pair.plain(config, **options)
        buildout, result = pair.run(config, **options, plain=expected[name])
        assert plain.contents(buildout, *PROJECTS) == {
            'pinned': f'1.0 {name}', 'free': '1.0 index'}
    assert plain.built_count(result) == 0


def test_a_link_to_one_archive_counts_with_its_digest(pair, config, index, archives_dir):
    for content in 'aba':
        offer(index, archives_dir / content, content)
        links = [f'{index.archive_url(path.name)}#sha256={archives.digest(path)}'
                 for path in sorted(archives_dir.joinpath(content).iterdir())]
        buildout, _ = pair.run(config, find_links=links, index=index.root + 'nothing')
        assert got(buildout) == {content}


def test_a_directory_with_a_page_of_links_counts_with_the_page(
        pair, config, servers, archives_dir, tmp_path):
    links = tmp_path / 'links'
    links.mkdir()
    for name, server in zip('aba', [*servers, servers[0]]):
        offer(server, archives_dir / name, name)
        links.joinpath('index.html').write_text(''.join(
            f'<a href="{server.archive_url(path.name)}">{path.name}</a>\n'
            for path in archives_dir.joinpath(name).iterdir()))
        buildout, _ = pair.run(config, find_links=f'file://{links}/')
        assert got(buildout) == {name}


def test_a_page_that_links_to_local_files_is_read_each_time(pair, config, index, tmp_path):
    paths = make(tmp_path, '')
    answer = index.answer
    page = ''.join(f'<a href="file://{path}">{path.name}</a>\n' for path in paths)
    index.answer = lambda path: (
        (200, 'text/html', page.encode()) if path == '/links/' else answer(path))
    for content in 'aba':
        make(tmp_path, content)
        buildout, _ = pair.run(config, find_links=index.links_url)
        assert got(buildout) == {content}


def test_hosts_that_are_not_allowed_give_nothing_from_the_cache_either(
        pair, buildout_factory, config, recipe_wheel, servers, archives_dir):
    mine, foreign = servers
    offer(mine, archives_dir / 'mine', 'mine')
    offer(foreign, archives_dir / 'foreign', 'foreign')
    foreign.add(archives.make_egg(archives_dir, 'free', '2.0', content='foreign'))
    foreign.add(archives.make_egg(archives_dir, 'other', '1.0'))
    options = {'index': mine.url, 'find_links': foreign.links_url}
    other = part(recipe_wheel, 'other')
    buildout, _ = pair.run(part(recipe_wheel, *PROJECTS, 'other'), **options)
    assert plain.contents(buildout, *PROJECTS) == {
        'pinned': '1.0 foreign', 'free': '2.0 foreign'}
    options['allow_hosts'] = mine.root.split('/')[2]
    buildout, _ = pair.run(config, **options)
    assert got(buildout) == {'mine'}
    assert pair.run(other, **options)[1].returncode
    # Nobody answers, and all of this is in the cache.
    mine.stop()
    foreign.stop()
    assert pair.run(other, **options)[1].returncode
    fallen_back = buildout_factory(config, **options)
    warning = "For 'free' the best that is in the egg cache is used, free 1.0"
    assert fallen_back.run().lines(warning)
    assert got(fallen_back) == {'mine'}


def test_an_index_that_says_no_is_believed_though_it_was_silent_on_another(
        pair, buildout_factory, index, archives_dir):
    offer(index, archives_dir, '')
    config = egg_part(*PROJECTS)
    buildout_factory(config).run()
    answer = index.answer
    index.answer = lambda path: (
        (500, 'text/plain', b'') if path == '/simple/pinned/' else answer(path))
    index.remove('free')
    result = buildout_factory(config).run(ok=False)
    assert result.lines("For 'pinned' the best that is in the egg cache is used, pinned 1.0")
    assert result.lines("Couldn't find a distribution for 'free'.")


def test_the_links_of_an_egg_count_for_what_comes_after_it(
        pair, config, recipe_wheel, servers, archives_dir):
    mine, linked = servers
    offer(linked, archives_dir / 'linked', 'linked', [*PROJECTS, 'lib'])
    offer(mine, archives_dir / 'mine', 'mine', requires=['lib'],
          files={'EGG-INFO/dependency_links.txt': f'{linked.links_url}\n'})
    first = part(recipe_wheel, 'pinned')
    expected = pair.plain(first, index=mine.url)
    for _ in range(2):
        mine.clear()
        buildout, result = pair.run(first, plain=expected, index=mine.url)
        assert plain.contents(buildout, 'pinned', 'lib') == {
            'pinned': '1.0 mine', 'lib': '1.0 linked'}
    assert plain.built_count(result) == 0
    assert not asked_for_pinned(mine)
    # Who has these links from the start finds a better `pinned` there.
    buildout, _ = pair.run(config, index=mine.url, find_links=linked.links_url)
    assert got(buildout) == {'linked'}


def test_local_indexes(pair, config, tmp_path):
    sources = {}
    for name, spelling in (('a', '{}'), ('b', 'file://{}')):
        for project in PROJECTS:
            make(tmp_path / name / project, name, [project])
        sources[name] = {'index': spelling.format(tmp_path / name)}
    expected = in_turn(pair, config, sources)
    for project in PROJECTS:
        make(tmp_path / 'a' / project, 'b', [project])
    buildout, _ = pair.run(config, **sources['a'], plain=expected['b'])
    assert got(buildout) == {'b'}


def test_without_a_sha256_the_archive_tells_which_egg_it_is(
        pair, config, index, archives_dir):
    for content, built in (('one', 2), ('one', 0), ('two', 1)):
        [path] = make(archives_dir, content, ['free'])
        index.add(path, announce='md5')
        if content == 'one':
            [path] = make(archives_dir, content, ['pinned'])
            index.add(path, announce=False)
        _, result = pair.run(config)
        assert plain.built_count(result) == built


def test_no_secret_gets_into_the_cache(
        pair, buildout_factory, config, index, archives_dir, cache_dir):
    offer(index, archives_dir / 'index', 'index')
    options = {
        'index': index.url.replace('//', '//robot:hunter2@'),
        'find_links': [f'{url.replace("//", "//robot:hunter2@")}?token=hunter2'
                       for url in (index.links_url, index.root + 'missing/')],
    }
    for built in (2, 0):
        buildout, result = pair.run(config, **options)
        assert plain.built_count(result) == built
    for path in cache_dir.rglob('*'):
        assert 'hunter2' not in path.name and 'robot' not in path.name
        if path.is_file():
            text = path.read_bytes()
            assert b'hunter2' not in text and b'robot' not in text, path
    index.stop()
    fallen_back = buildout_factory(config, **options).run('-v')
    warnings = [*fallen_back.lines('No answer from'), *fallen_back.lines('not resolved before')]
    assert warnings and not [line for line in warnings if 'hunter2' in line]


def test_what_is_installed_from_a_download_cache_lies_there(
        pair, config, index, archives_dir, tmp_path):
    offer(index, archives_dir, '')
    pair.run(config)
    index.clear()
    downloads = tmp_path / 'downloads'
    downloads.joinpath('dist').mkdir(parents=True)
    options = {'download_cache': downloads, 'install_from_cache': True}
    assert pair.run(config, **options)[1].returncode
    for path in archives_dir.glob('*.egg'):
        shutil.copy(path, downloads / 'dist')
    _, result = pair.run(config, **options)
    assert len(plain.copied(result)) == 2
    assert index.requests == []


def test_a_pinned_set_needs_no_network_with_a_download_cache(
        pair, recipe_wheel, index, archives_dir, tmp_path):
    offer(index, archives_dir, '')
    config = part(recipe_wheel, 'pinned')
    expected = pair.plain(config)
    for name, built in (('one', 1), ('one', 0), ('one', 0), ('own', 0)):
        index.clear()
        tmp_path.joinpath(name).mkdir(exist_ok=True)
        _, result = pair.run(config, download_cache=tmp_path / name, plain=expected)
        assert plain.built_count(result) == built
        assert built or index.requests == []


@pytest.mark.slow
def test_a_download_cache_comes_before_other_directories(pair, config, index, tmp_path):
    for name in ('one', 'two'):
        make(tmp_path / name / 'dist', name)
    for name, other in (('one', 'two'), ('two', 'one')):
        options = {'download_cache': tmp_path / name, 'find_links': tmp_path / other / 'dist'}
        buildout, _ = pair.run(config, **options)
        assert got(buildout) == {name}
    # An index comes before a directory, but not before a download cache.
    for path in tmp_path.joinpath('one', 'dist').iterdir():
        index.add(path)
    for name in ('empty', 'other empty'):
        tmp_path.joinpath(name).mkdir()
    links = tmp_path / 'two' / 'dist'
    expected = pair.plain(config, download_cache=tmp_path / 'empty', find_links=links)
    buildout, _ = pair.run(config, plain=expected, download_cache=tmp_path / 'other empty',
                           find_links=links)
    assert got(buildout) == {'one'}
    buildout, _ = pair.run(config, download_cache=tmp_path / 'two', find_links=tmp_path / 'empty')
    assert got(buildout) == {'two'}

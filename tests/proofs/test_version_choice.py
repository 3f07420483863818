"""Which version does a buildout take, when its cache holds tempting ones?

The cache was filled from another index, which knows versions that this one does not have. In the
content of an egg is the name of its index.
"""

import pytest
from support import archives, plain, twins
from support.index import Index
from support.runner import egg_part

# project: (versions here, versions in the cache only, requirement, constraint in [versions],
#           the version that is taken, the one that is taken without `prefer-final`)
CASES = {
    'newest': ('1.0 1.1', '1.2 2.0a1', '', '', '1.1', '1.1'),
    'range': ('1.0 1.5 2.0', '1.9 2.1', '<2', '', '1.5', '1.5'),
    'exclusion': ('1.0 1.1 1.2', '1.3', '!=1.2', '', '1.1', '1.1'),
    'compatible': ('1.4.1 1.5 2.0', '1.9', '~=1.4', '', '1.5', '1.5'),
    'wildcard': ('1.0 1.4 2.0', '1.9 1.9+x', '==1.*', '', '1.4', '1.4'),
    'greater': ('1.0 1.0.post1 1.1a1', '1.2 1.0+x', '>1.0', '', '1.1a1', '1.1a1'),
    'arbitrary': ('1.0', '1.0+x', '===1.0', '', '1.0', '1.0'),
    'final': ('1.0 1.1a1', '1.1rc1 1.1', '', '', '1.0', '1.1a1'),
    'unfinal': ('1.0a1 1.0b2 1.0.dev7', '1.0', '', '', '1.0b2', '1.0b2'),
    'rebuilt': ('1.0 1.1.dev1', '1.1.dev2 1.1.dev1', '', '', '1.0', '1.1.dev1'),
    'prerange': ('1.0 1.1a1', '1.1b1', '>=1.1a1', '', '1.1a1', '1.1a1'),
    'post': ('1.0 1.0.post1', '1.0.post2', '', '', '1.0.post1', '1.0.post1'),
    'epoch': ('2.0 1!1.0', '3.0 2!0.1', '', '', '1!1.0', '1!1.0'),
    'local': ('1.0+a 1.0+b', '1.0+c', '', '', '1.0+b', '1.0+b'),
    'pin': ('1.0 1.1', '1.0 1.2', '', '1.0', '1.0', '1.0'),
    'pinnedpost': ('1.0 1.0.post1', '1.0.post1 1.0+x', '', '1.0', '1.0', '1.0'),
    'pinnedpre': ('1.0a1 1.0', '1.0a2', '==1.0a1', '', '1.0a1', '1.0a1'),
    'pinnedepoch': ('1.0 1!1.0', '1!1.0+x', '', '1!1.0', '1!1.0', '1!1.0'),
    'lackslocal': ('1.0', '1.0+x', '', '1.0', '1.0', '1.0'),
    'haslocal': ('1.0 1.0+x', '1.0', '', '==1.0', '1.0+x', '1.0+x'),
    'onlylocal': ('1.0+x', '1.0 1.0+y', '==1.0', '', '1.0+x', '1.0+x'),
    'pinnedlocal': ('1.0 1.0+x 1.0+y', '1.0+x', '', '1.0+x', '1.0+x', '1.0+x'),
    'zeros': ('1', '1.0 1.0.0', '==1.0', '', '1', '1'),
    'constrained': ('1.0 1.5 2.0', '1.9 2.1', '', '>=1,<2', '1.5', '1.5'),
    'narrowed': ('1.0 1.5 2.0', '1.1', '>=1.0', '<1.5', '1.0', '1.0'),
    'python': ('1.0', '1.1 1.0+x', '; python_version > "3"', '', '1.0', '1.0'),
    'nowhere': ('1.0', '1.0', '; python_version < "3"', '', None, None),
}  # fmt: skip


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


@pytest.fixture
def tempt(buildout_factory, recipe_wheel, archives_dir):
    """A function that fills the cache with eggs from another index: {project: versions}."""
    def fill(versions):
        parts = {}
        with Index(recipe_wheel) as other:
            for project, version in pairs(versions):
                other.add(egg(archives_dir / 'other', project, version))
                parts[f'part{len(parts)}'] = {
                    'recipe': 'zc.recipe.egg:eggs', 'eggs': f'{project}=={version}'}
            config = {'buildout': {'parts': ' '.join(parts)}, **parts}
            assert plain.built_count(buildout_factory(config, index=other.url).run())
    return fill


def egg(directory, project, version, **options):
    return archives.make_egg(directory, project, version, content=directory.name, **options)


def pairs(versions):
    return [(project, version) for project in versions for version in versions[project].split()]


def test_each_requirement_gets_what_this_index_has(pair, tempt, index, archives_dir):
    tempt({project: case[1] for project, case in CASES.items()})
    for project, version in pairs({project: case[0] for project, case in CASES.items()}):
        index.add(egg(archives_dir / 'here', project, version))
    config = egg_part(
        *(project + case[2] for project, case in CASES.items()),
        versions={project: case[3] for project, case in CASES.items() if case[3]},
        buildout={'show-picked-versions': True, 'update-versions-file': 'picked.cfg'},
        interpreter='py')
    for column, arguments, options in ((4, ['-n'], {}), (5, ['-N'], {'prefer_final': False})):
        buildout, result = pair.run(config, *arguments, **options)
        taken = {project: f'{case[column]} here'
                 for project, case in CASES.items() if case[column]}
        assert plain.contents(buildout, *taken) == taken
        copied = plain.copied(result)
        # Those of the first round are in the cache now.
        again = [project for project, case in CASES.items() if case[4] and case[4] == case[5]]
        assert len(copied) == (0 if column == 4 else len(again)), copied
    shown, written = plain.picked(buildout, result)
    assert shown == written and 'newest = 1.1' in shown and 'pin = 1.0' not in shown


@pytest.mark.slow
def test_what_this_index_lacks_is_no_better_than_without_a_cache(
        pair, tempt, index, archives_dir):
    tempt({'demo': '1.0 1.0+x 1.1', 'newer': '1.0 2.0'})
    index.add(egg(archives_dir / 'here', 'demo', '2.0'))
    index.add(egg(archives_dir / 'here', 'newer', '1.0'))
    index.add(egg(archives_dir / 'here', 'newer', '2.0'), requires_python='>=99')
    for requirement, versions in (('demo', {'demo': '1.0'}), ('demo<2', {}),
                                  ('newer', {'newer': '2.0'})):
        _, result = pair.run(egg_part(requirement, versions=versions))
        assert result.returncode and not plain.copied(result), requirement
    buildout, _ = pair.run(egg_part('newer'))
    assert plain.contents(buildout, 'newer') == {'newer': '1.0 here'}
    expected = pair.plain(egg_part('demo'), allow_picked_versions=False)
    for built in (1, 0):
        _, result = pair.run(egg_part('demo'), plain=expected, allow_picked_versions=False)
        assert result.returncode and len(plain.copied(result)) == 1 - built
    _, result = pair.run(egg_part('demo>2', versions={'demo': '2.0'}))
    assert result.lines('The requirement', 'is not allowed by your [versions] constraint')


def test_a_conflict_stays_a_conflict(pair, tempt, index, archives_dir):
    tempt({'demo': '1.0', 'lib': '1.0 2.0'})
    index.add(egg(archives_dir / 'here', 'demo', '1.0', requires=['lib<2']))
    for version in ('1.0', '2.0'):
        index.add(egg(archives_dir / 'here', 'lib', version))
    for requirements, versions in ((['demo'], {'lib': '2.0'}), (['lib', 'demo'], {})):
        _, result = pair.run(egg_part(*requirements, versions=versions))
        assert result.returncode and result.lines('version')


def test_a_buildout_that_is_run_again_moves_on_as_it_would_without_a_cache(
        pair, tempt, buildout_factory, index, archives_dir):
    tempt({'demo': '1.1 2.0a1', 'other': '1.1', 'lib': '3.0'})
    config = egg_part('demo', 'other', versions={'other': '1.0'})
    both = [buildout_factory(config, cache=cache) for cache in (False, True)]

    def run(*arguments):
        runs = [buildout.start(*arguments) for buildout in both]
        expected = plain.outcome(both[0], runs[0].finish())
        return plain.compared(expected, both[1], runs[1].finish())

    for project in ('demo', 'other'):
        index.add(egg(archives_dir / 'here', project, '1.0', requires=['lib']))
    index.add(egg(archives_dir / 'here', 'lib', '1.0'))
    run('-N')
    for project in ('demo', 'other', 'lib'):
        index.add(egg(archives_dir / 'here', project, '1.1'))
    index.add(egg(archives_dir / 'here', 'demo', '2.0a1'))
    assert plain.built_count(run('-N')) == 0
    assert plain.built_count(run('-n')) == 2
    run('-n', 'buildout:prefer-final=false')
    run('-n', 'versions:other=1.1', 'versions:demo=1.0')
    assert plain.built_count(run('versions:other=1.0', 'versions:lib=1.0')) == 0
    assert run('-n', 'versions:other=7').returncode


@pytest.mark.slow
def test_a_project_has_one_name_in_every_spelling(pair, index, archives_dir):
    index.add(archives.make_wheel(archives_dir, 'ns.demo', '1.0'))
    index.add(archives.make_wheel(
        archives_dir, 'Products.Thing', '1.0', requires=['Ns_Demo>=1'],
        file_name='Products.Thing-1.0-py3-none-any.whl'))
    built = []
    for demo, thing, pins in (('ns.demo', 'Products.Thing', ['Ns-Demo', 'products_thing']),
                              ('ns_demo', 'products-thing', ['ns.demo', 'Products.Thing']),
                              ('Ns.Demo', 'Products_Thing', [])):
        config = egg_part(thing, demo, versions=dict.fromkeys(pins, '1.0'))
        index.clear()
        _, result = pair.run(config, show_picked_versions=True)
        built.append(plain.built_count(result))
    assert built == [2, 0, 0]


@pytest.mark.slow
def test_extras_and_markers_are_those_of_the_egg(pair, tempt, index, archives_dir):
    tempt({'demo': '1.0', 'lib': '1.0 2.0', 'old': '1.0', 'opt': '1.0'})
    index.add(egg(archives_dir / 'here', 'demo', '1.0', requires=[
        'lib<2', '[extra]', 'opt', '[:python_version < "3"]', 'old']))
    for project, version in (('lib', '1.0'), ('opt', '1.0')):
        index.add(egg(archives_dir / 'here', project, version))
    pins = {'demo': '1.0', 'lib': '1.0', 'opt': '1.0'}
    for requirement, versions, names in (('demo', {}, ['demo', 'lib']),
                                         ('demo [extra]', pins, ['demo', 'lib', 'opt'])):
        expected = pair.plain(egg_part(requirement, versions=versions))
        for _ in range(2):
            buildout, result = pair.run(egg_part(requirement, versions=versions), plain=expected)
            assert [name.split('-')[0] for name in buildout.eggs] == names
        assert len(plain.copied(result)) == len(names)
    _, result = pair.run(egg_part('demo [other]'))
    assert result.returncode

"""Dependencies: which component requires which."""

import platform

import pytest

from egg.cache.sbom import dependencies
from egg.cache.sbom.components import Component

HERE = dependencies.markers({})


def graph(requires, asked=(), environment=HERE):
    """Return (direct, edges) by names alone, of {name or (name, version): requirements}."""
    found = [
        Component(*(name if isinstance(name, tuple) else (name, '1')), requires=tuple(texts))
        for name, texts in requires.items()
    ]
    direct, edges = dependencies.graph(found, asked, environment)
    assert list(edges) == sorted(edges)
    return (
        [name for name, _ in direct],
        {name: [other for other, _ in others] for (name, _), others in edges.items() if others},
    )


def test_only_what_is_there_is_required():
    assert graph({'app': ['Lib.One>=1', 'missing'], 'lib-one': []}) == (
        ['app'], {'app': ['lib-one']})  # fmt: skip


def test_markers_hold_for_the_environment_of_the_buildout():
    requires = {'app': ['a; python_version < "3.10"', 'b; sys_platform == "darwin"',
                        'c; platform_machine == "arm64"', 'd; implementation_name == "cpython"'],
                'a': [], 'b': [], 'c': [], 'd': []}  # fmt: skip
    there = {'implementation': 'cpython', 'python': '3.9', 'platform': 'macosx-11.0-arm64'}
    assert graph(requires, (), dependencies.markers(there))[1] == {'app': ['a', 'b', 'c', 'd']}
    there = {'implementation': 'pypy', 'python': '3.13', 'platform': 'linux-x86_64'}
    assert graph(requires, (), dependencies.markers(there))[1] == {}


def test_names_of_eggs_tell_the_python_where_nothing_else_does():
    eggs = ['a-1.0-py3.7.egg', 'b-1.0-py3.7-linux-x86_64.egg', 'zc.recipe.egg']
    assert dependencies.markers({}, eggs)['python_full_version'] == '3.7.0'
    for unclear in ([], [*eggs, 'c-1.0-py3.10.egg']):
        found = dependencies.markers({}, unclear)['python_full_version']
        assert found == platform.python_version()


def test_extras_count_if_somebody_asks_for_them():
    requires = {'app': ['lib[web]'], 'lib': ['server; extra == "web"', 'more; extra == "all"'],
                'server': [], 'more': []}  # fmt: skip
    assert graph(requires) == (['app', 'more'], {'app': ['lib'], 'lib': ['server']})
    assert graph(requires, ['lib[all]']) == (
        ['app', 'lib'], {'app': ['lib'], 'lib': ['more', 'server']})  # fmt: skip


def test_an_extra_may_be_one_of_the_distribution_itself():
    requires = {'app': ['app[web]; extra == "all"', 'server; extra == "web"'], 'server': []}
    assert graph(requires, ['app[all]']) == (['app'], {'app': ['server']})


def test_the_whole_requires_what_is_asked_for():
    requires = {'app': ['lib'], 'lib': []}
    assert graph(requires, ['lib', 'missing', '${other:eggs}', 'lib<3'])[0] == ['app', 'lib']


def test_the_whole_requires_what_nothing_else_does():
    assert graph({'a-lib': [], 'z-app': ['a-lib']}) == (['z-app'], {'z-app': ['a-lib']})


def test_what_requires_each_other_is_not_lost():
    requires = {'a': ['b'], 'b': ['a'], 'c': []}
    assert graph(requires) == (['a', 'c'], {'a': ['b'], 'b': ['a']})


def test_of_several_versions_those_are_required_that_do():
    requires = {'app': ['lib>=2'], ('lib', '1'): [], ('lib', '2'): [], ('lib', 'old'): []}
    found = [Component(*(name if isinstance(name, tuple) else (name, '1')), requires=tuple(texts))
             for name, texts in requires.items()]  # fmt: skip
    assert dependencies.graph(found, (), HERE)[1]['app', '1'] == [('lib', '2')]


@pytest.mark.parametrize('text', ['lib=1', '', 'lib; extra =', 'lib; nonsense == "1"'])
def test_what_is_no_requirement_is_passed_over(text):
    assert graph({'app': [text, 'other'], 'lib': [], 'other': []})[1] == {'app': ['other']}

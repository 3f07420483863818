"""Which eggs a buildout needs."""

from pathlib import Path

import pytest
from support import archives

from egg.cache.release import required_eggs
from egg.cache.release.required_eggs import Egg


def egg(title, version='1.0', *requires):
    return Egg(f'{title}-{version}.egg', title, version, requires)


def chosen(eggs, needed=(), requirements=(), pins=None, **more):
    names = required_eggs.choose(eggs, needed, requirements, pins or {}, **more)
    return sorted(name[:-len('.egg')] for name in names)


def test_what_is_needed_comes_with_what_it_requires_and_nothing_else():
    eggs = [egg('app', '1.0', 'Zope.Interface>1'), egg('zope-interface', '2.0', 'deep'),
            egg('deep'), egg('unused', '1.0', 'deep')]  # fmt: skip
    assert chosen(eggs, ['app-1.0.egg']) == ['app-1.0', 'deep-1.0', 'zope-interface-2.0']


@pytest.mark.parametrize(('needed', 'pins', 'expected'), [
    ((), {}, 'lib-10.0'),
    ((), {'lib': '9.0'}, 'lib-9.0'),
    ((), {'Lib': '9.0'}, 'lib-9.0'),
    (('lib-8.0.egg',), {'lib': '9.0'}, 'lib-8.0'),
])  # fmt: skip
def test_of_several_eggs_the_needed_one_is_taken_then_the_pinned_then_the_newest(
    needed, pins, expected
):
    eggs = [egg('lib', version) for version in ('8.0', '9.0', '10.0')]
    assert chosen(eggs, needed, ['lib'], pins) == [expected]


def test_an_egg_that_does_not_satisfy_the_requirement_is_not_taken():
    eggs = [egg('lib', '1.0'), egg('lib', '2.0')]
    assert chosen(eggs, ['lib-1.0.egg'], ['lib>1']) == ['lib-1.0', 'lib-2.0']


def test_extras_and_markers_count():
    eggs = [egg('app', '1.0', 'more; extra == "full"', 'old; python_version < "3.9"',
                'new; python_version > "3.8"'), egg('more'), egg('old'), egg('new')]  # fmt: skip
    assert chosen(eggs, (), ['app']) == ['app-1.0', 'new-1.0']
    assert chosen(eggs, (), ['app[full]']) == ['app-1.0', 'more-1.0', 'new-1.0']
    assert chosen(eggs, (), ['app'], environment={'python_version': '3.8'}) == [
        'app-1.0', 'old-1.0']  # fmt: skip


def test_what_comes_from_elsewhere_is_passed_over():
    eggs = [egg('app', '1.0', 'Mine'), egg('mine', '0.9')]
    assert chosen(eggs, (), ['app'], without=['mine']) == ['app-1.0']


def test_what_is_no_requirement_is_passed_over():
    assert chosen([egg('app')], (), ['=', 'app']) == ['app-1.0']


def test_circles_end():
    assert chosen([egg('a', '1.0', 'b'), egg('b', '1.0', 'a')], (), ['a']) == ['a-1.0', 'b-1.0']


def test_eggs_are_read_in_both_forms(tmp_path):
    zipped = archives.make_egg(tmp_path, 'zipped', '1.0', requires=['x'])
    directory = tmp_path / 'new.style-2.0-py3.12.egg/new_style-2.0.dist-info'
    directory.mkdir(parents=True)
    (directory / 'METADATA').write_text('Name: new.style\nVersion: 2.0\nRequires-Dist: y\n')
    (tmp_path / 'empty.egg').mkdir()
    assert required_eggs.available(Path(tmp_path)) == [
        Egg('new.style-2.0-py3.12.egg', 'new.style', '2.0', ('y',)),
        Egg(zipped.name, 'zipped', '1.0', ('x',)),
    ]  # fmt: skip

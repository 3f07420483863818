"""Are the pins of constraints.txt those of versions.cfg, and is all pinned that is installed?"""

import configparser
import re
import runpy
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools'))

import pins
from pins import Pin

TOP = pins.TOP
PINS = pins.read_constraints((TOP / 'constraints.txt').read_text())
VERSIONS = pins.read_versions((TOP / 'versions.cfg').read_text())
BOOTSTRAP = runpy.run_path(str(TOP / 'bootstrap.py'))
EXAMPLE = """\
# By a tool.
#    with a comment
one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
two-more==2.0 ; python_full_version < '3.11' \\
    --hash=sha256:cc
two-more==2.1rc1 ; python_full_version >= '3.11' \\
    --hash=sha256:dd
win==0.1 ; sys_platform == 'win32' \\
    --hash=sha256:ee
"""
FOUND = [Pin('one', '1.0', ''), Pin('two-more', '2.0', "python_full_version < '3.11'"),
         Pin('two-more', '2.1rc1', "python_full_version >= '3.11'"),
         Pin('win', '0.1', "sys_platform == 'win32'")]  # fmt: skip


def setup_cfg():
    parser = configparser.RawConfigParser()
    parser.read(TOP / 'setup.cfg')
    return parser


# The files


@pytest.mark.parametrize('python', pins.PYTHONS)
def test_buildout_gets_the_pins_of_that_python(python):
    wanted = pins.on_python(PINS, python)
    section = VERSIONS.get(f'versions:python{python.replace(".", "")}', {})
    got = {**VERSIONS['versions'], **section}
    assert {project: got.get(project) for project in wanted} == wanted
    # What is in the section of that Python is needed there.
    assert section.keys() <= wanted.keys()


def test_buildout_gets_no_other_pins():
    assert pins.sections(PINS) == VERSIONS


def test_the_pythons_are_those_of_the_classifiers():
    classifiers = setup_cfg()['metadata']['classifiers']
    assert re.findall(r'Python :: (3\.\d+)$', classifiers, re.M) == pins.PYTHONS
    requires = setup_cfg()['options']['python_requires']
    assert requires == f'>={pins.PYTHONS[0]}'
    noxfile = (TOP / 'noxfile.py').read_text()
    assert f'PYTHONS = {pins.PYTHONS!r}\n' in noxfile
    oldest = '.'.join(map(str, BOOTSTRAP['OLDEST_PYTHON']))
    assert oldest == pins.PYTHONS[0]


def test_each_pin_has_digests():
    text = (TOP / 'constraints.txt').read_text()
    blocks = re.split(r'\n(?=[a-z0-9])', text)[1:]
    assert len(blocks) == len(PINS)
    for block in blocks:
        digests = re.findall(r'^    --hash=sha256:[0-9a-f]{64}(?: \\)?$', block, re.M)
        assert len(digests) == len(block.strip().splitlines()) - 1 > 0, block


def test_no_file_names_an_index():
    for name in ('constraints.txt', 'versions.cfg', 'requirements.in'):
        assert '://' not in (TOP / name).read_text()


@pytest.mark.parametrize('python', pins.PYTHONS)
def test_all_that_is_asked_for_is_pinned(python):
    options = setup_cfg()
    texts = [options['options']['install_requires'], *options['options.extras_require'].values(),
             re.sub('^#.*', '', (TOP / 'requirements.in').read_text(), flags=re.M)]  # fmt: skip
    pinned = pins.on_python(PINS, python)
    for requirement in map(Requirement, filter(None, '\n'.join(texts).splitlines())):
        marker = requirement.marker
        if marker is None or marker.evaluate({'python_version': python}):
            name = canonicalize_name(requirement.name)
            assert requirement.specifier.contains(pinned[name], prereleases=True), requirement


def test_buildout_pins_egg_cache_as_it_is():
    parser = configparser.RawConfigParser(delimiters='=')
    parser.read(TOP / 'buildout.cfg')
    assert parser['versions']['egg.cache'] == setup_cfg()['metadata']['version']
    assert parser['buildout']['allow-picked-versions'] == 'false'


# bootstrap.py


@pytest.mark.parametrize('python', pins.PYTHONS)
def test_bootstrap_takes_what_it_needs_with_markers_and_digests(python):
    text = BOOTSTRAP['selected']((TOP / 'constraints.txt').read_text(), BOOTSTRAP['NEEDED'])
    found = pins.read_constraints(text)
    assert sorted(pins.on_python(found, python)) == BOOTSTRAP['NEEDED']
    assert set(found) <= set(PINS)
    assert text.count('--hash=sha256:') >= 2 * len(found)


def test_bootstrap_names_all_that_is_required():
    found, waiting = set(), ['zc.buildout', *setup_cfg()['options']['install_requires'].split()]
    while waiting:
        name = waiting.pop()
        found.add(str(canonicalize_name(name)))
        for requirement in map(Requirement, metadata.requires(name) or ()):
            is_needed = requirement.marker is None or requirement.marker.evaluate({'extra': ''})
            if is_needed and canonicalize_name(requirement.name) not in found:
                waiting.append(requirement.name)
    assert found <= {*BOOTSTRAP['NEEDED']}


def test_selected_pins_are_whole():
    selected = BOOTSTRAP['selected']
    assert selected(EXAMPLE, ['one']) == (
        'one==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n')
    assert selected(EXAMPLE, ['two-more', 'one']).count('==') == 3
    assert selected(EXAMPLE, ['two', 'more', 'on']) == ''


# Renewing


def test_what_uv_writes_is_read():
    assert pins.read_constraints(EXAMPLE) == FOUND


@pytest.mark.parametrize('line', ['one', 'one>=1.0', '--index-url x', 'one @ file:///x', 'One==1'])
def test_a_line_that_is_no_pin_is_an_error(line):
    with pytest.raises(ValueError, match='no pin: '):
        pins.read_constraints(f'{EXAMPLE}{line}\n')


def test_a_marker_decides_for_which_python():
    assert pins.on_python(FOUND, '3.10') == {'one': '1.0', 'two-more': '2.0'}
    assert pins.on_python(FOUND, '3.15') == {'one': '1.0', 'two-more': '2.1rc1'}
    with pytest.raises(ValueError, match='two-more has two pins for Python 3.12'):
        pins.on_python([*FOUND, Pin('two-more', '3', '')], '3.12')


def test_a_pin_counts_for_each_release_of_a_python():
    early = Pin('soup', '2', "python_full_version < '3.11.5'")
    late = Pin('soup', '4', "python_full_version >= '3.11.5'")
    assert pins.sections([early, late], ['3.11', '3.12']) == {
        'versions': {'soup': '4'}, 'versions:python311': {'soup': '2'}}


def test_an_older_python_has_a_section_of_what_differs():
    old = Pin('only-old', '1', "python_full_version < '3.12'")
    found = pins.sections([*FOUND, old], ['3.10', '3.11', '3.15'])
    assert found == {
        'versions': {'one': '1.0', 'two-more': '2.1rc1', 'only-old': '1'},
        'versions:python310': {'two-more': '2.0'},
    }
    text = pins.versions_cfg(found, pins.spelling('Two.More = 1\n', 'only_old>=2\n'))
    assert text.partition('\n\n')[2] == (
        '[versions]\nTwo.More = 2.1rc1\none = 1.0\nonly_old = 1\n\n'
        '[versions:python310]\nTwo.More = 2.0\n')
    assert pins.read_versions(text) == found


def test_what_changed_is_a_line_for_each_project():
    new = [FOUND[0]._replace(version='1.10'), FOUND[1], Pin('new', '3', ''), FOUND[3]]
    assert pins.changes(FOUND, new) == [
        'new: none -> 3', 'one: 1.0 -> 1.10', 'two-more: 2.0, 2.1rc1 -> 2.0']
    assert pins.changes(FOUND, FOUND) == []
    assert pins.changes([FOUND[3]], []) == ['win: 0.1 -> none']

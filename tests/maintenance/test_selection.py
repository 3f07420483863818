"""The selection: which entries somebody means, and what tells them apart."""

import pytest
from support.eggs import KEY, add, new_store, overwrite

from egg.cache.common.errors import SettingError
from egg.cache.maintenance import selection
from egg.cache.store.entry import Entry

OTHER_KEY = 'cp39-manylinux_2_36_x86_64-egg5'


@pytest.fixture
def layout(tmp_path):
    store, other = new_store(tmp_path / 'cache'), new_store(tmp_path / 'cache', OTHER_KEY)
    for number, (project, version) in enumerate(
        [('lxml', '5.2.1'), ('lxml', '10.0'), ('zope.interface', '8.7'), ('zope-event', '5.0rc1')]
    ):
        add(store, tmp_path / str(number), project, version)
    add(other, tmp_path / 'other', 'lxml', '10.0')
    add(store, tmp_path / 'again', 'lxml', '5.2.1', content='rebuilt')
    return store.layout


def names(layout, wanted=None):
    return [f'{entry} {entry.environment_key[:4]}' for entry in selection.select(layout, wanted)]


def test_without_a_wish_all_are_meant_and_versions_are_in_their_order(layout):
    assert names(layout) == [
        'lxml 5.2.1 cp31', 'lxml 5.2.1 cp31', 'lxml 10.0 cp31', 'lxml 10.0 cp39',
        'zope-event 5.0rc1 cp31', 'zope-interface 8.7 cp31',
    ]  # fmt: skip


@pytest.mark.parametrize(('text', 'count'), [
    ('*', 6), ('lxml', 4), ('LXML', 4), ('l?ml', 4), ('zope.*', 2), ('Zope_*', 2), ('x*', 0),
    ('lxml>=6', 2), ('lxml == 5.2.1', 2), ('zope.*<8', 1), ('zope-event>=4', 1), ('lxml!=10', 2),
])  # fmt: skip
def test_patterns(layout, text, count):
    assert len(names(layout, selection.pattern(text))) == count


@pytest.mark.parametrize('text', ['', ' ', '/', '../x', 'lxml=1', 'lxml==', '[ab]', 'a[b]', '>=5'])
def test_what_is_no_pattern_is_refused(text):
    with pytest.raises(SettingError) as info:
        selection.pattern(text)
    assert str(info.value).startswith(f'{text!r} is not a pattern.\nAllowed are names')


@pytest.mark.parametrize(('text', 'count'), [
    ('lxml', 4), ('Lxml >= 6', 2), ('zope_event', 1), ('zope.event>4,<6', 1), ('lxml===5.2.1', 2),
])  # fmt: skip
def test_requirements(layout, text, count):
    assert len(names(layout, selection.requirement(text))) == count


@pytest.mark.parametrize('text', ['', '*', 'lxml=1', 'lxml[html]', 'lxml; python_version > "3"',
                                  'lxml @ https://example.com/lxml.zip', '../lxml'])  # fmt: skip
def test_what_is_no_requirement_is_refused(text):
    with pytest.raises(SettingError) as info:
        selection.requirement(text)
    assert str(info.value).startswith(f'{text!r} is not a requirement: ')


def test_a_directory_that_is_no_version_comes_first_and_satisfies_no_specifier(layout):
    path = layout.eggs(KEY) / 'lxml' / 'nonsense' / ('0' * 16)
    path.mkdir(parents=True)
    assert names(layout)[0] == 'lxml nonsense cp31'
    assert 'lxml nonsense cp31' not in names(layout, selection.requirement('lxml>0'))


def test_only_what_looks_like_another_one_has_a_mark(layout):
    found = list(selection.select(layout))
    marks = selection.marks(found)
    assert [str(entry) for entry in marks] == ['lxml 5.2.1', 'lxml 5.2.1']
    assert len(set(marks.values())) == 2
    assert all(entry.manifest.archive.sha256.startswith(mark) for entry, mark in marks.items())


@pytest.mark.parametrize('content', [None, b'', b'[]', b'\xff', b'{'])
def test_an_environment_that_cannot_be_read_is_empty(layout, content):
    path = layout.environment(KEY) / 'environment.json'
    if content is not None:
        path.write_bytes(content)
    assert selection.environment(layout, KEY) == {}


@pytest.mark.parametrize(('text', 'expected'), [
    ('zope.*', ("'zope.*' is not a requirement: it is a pattern, which egg-cache list alone "
                'understands.\nAllowed is a project ')),
    ('lxml<<5', "'lxml<<5' is not a requirement: Expected "),
    ('lxml==5.*, *', "'lxml==5.*, *' is not a requirement: Expected "),
])  # fmt: skip
def test_what_is_no_requirement_is_told_in_two_lines(text, expected):
    with pytest.raises(SettingError) as error:
        selection.requirement(text)
    assert str(error.value).startswith(expected)
    assert len(str(error.value).splitlines()) == 2
    assert '^' not in str(error.value)


def test_a_title_is_spelled_as_the_egg_has_it(layout):
    [entry] = selection.select(layout, selection.requirement('zope-interface'))
    assert selection.title(entry) == 'zope.interface 8.7'
    overwrite(entry.path / 'entry.json', b'')
    assert selection.title(Entry(entry.path)) == 'zope-interface 8.7'

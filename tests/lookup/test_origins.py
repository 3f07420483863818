"""Origins: may a pin be answered without asking an index?"""

import dataclasses
import json
import os
import platform

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import PROPERTY

from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.store.layout import Layout

KEY = 'cp312-linux-egg5'
INDEX = 'https://index.example.org/simple'
SHA256, OTHER, THIRD = 'a' * 64, 'b' * 64, 'c' * 64
POINTER = Pointer('demo-1.0.whl', SHA256, '1.0', (OTHER,), True)
ROW = {
    'name': 'demo-1.0.whl', 'sha256': SHA256, 'version': '1.0', 'local': [OTHER],
    'was-local': True,
}  # fmt: skip


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path / 'cache')
    layout.tmp.mkdir(parents=True)
    return layout


def write(layout, origin=None, project='demo', pin='1.0', pointer=POINTER):
    origins.write(layout, KEY, origin or Origin(INDEX), project, pin, pointer)


def read(layout, origin=None, project='demo', pin='1.0'):
    return origins.read(layout, KEY, origin or Origin(INDEX), project, pin)


# The key


@pytest.mark.parametrize('other', [
    Origin('https://example.com/simple'),
    Origin(INDEX, ('https://example.com/links',)),
    Origin(INDEX, ('/some/directory',)),
    Origin(INDEX, (), ('index.example.org',)),
    Origin('https://index.example.org:8443/simple'),
    Origin('http://index.example.org/simple'),
    Origin('/local/index'),
    Origin(INDEX, python='3.12.99'),
])  # fmt: skip
def test_each_place_changes_the_key(other):
    assert other.key != Origin(INDEX).key


def test_the_order_of_links_counts():
    links = ('https://a.example.com', 'https://b.example.com')
    assert Origin(INDEX, links).key != Origin(INDEX, links[::-1]).key


@pytest.mark.parametrize('index', [
    'https://user:password@index.example.org/simple', 'https://token@index.example.org/simple',
    'https://user:p@ss@index.example.org/simple',
])  # fmt: skip
def test_credentials_do_not_count(index):
    assert Origin(index).key == Origin(INDEX).key
    assert Origin(INDEX, (index,)).key == Origin(INDEX, (INDEX,)).key


@pytest.mark.parametrize('suffix', ['?for=one', '?for=two', f'#sha256={SHA256}'])
def test_a_link_counts_with_query_and_fragment(suffix):
    link = 'https://example.com/links'
    assert Origin(INDEX, (link + suffix,)).key != Origin(INDEX, (link,)).key
    assert Origin(INDEX + suffix).key == Origin(INDEX).key


def test_local_directories_count_but_not_their_paths(tmp_path):
    keys = set()
    for name in ('one', 'two'):
        (tmp_path / name).mkdir()
        (tmp_path / name / f'{name}.whl').touch()
        keys.add(Origin(INDEX, (str(tmp_path / name),)).key)
        keys.add(Origin(INDEX, ((tmp_path / name).as_uri(),)).key)
    assert len(keys) == 1
    assert keys != {Origin(INDEX).key}
    assert keys == {Origin(INDEX, (str(tmp_path / 'missing'),)).key}


@pytest.mark.parametrize('spelling', [str, lambda path: path.as_uri()])
def test_a_local_page_of_links_counts_with_its_content(tmp_path, spelling):
    page = tmp_path / 'page with blanks.html'
    page.write_text('<a href="demo-1.0.whl">')
    before = Origin(INDEX, (spelling(page),)).key
    page.write_text('<a href="demo-2.0.whl">')
    assert Origin(INDEX, (spelling(page),)).key != before
    page.rename(tmp_path / 'moved.html')
    assert Origin(INDEX, (spelling(tmp_path / 'moved.html'),)).key == Origin(
        INDEX, (str(tmp_path / 'moved.html'),)
    ).key
    page.write_text('<a href="demo-1.0.whl">')
    assert Origin(INDEX, (spelling(page),)).key == before


def test_the_key_is_sixteen_digits():
    key = Origin(INDEX, ('x\udc80',)).key
    assert len(key) == 16
    assert set(key) <= set('0123456789abcdef')


def test_describe_holds_no_secrets():
    origin = Origin('https://user:secret@index.example.org/simple?token=secret',
                    ('https://secret@example.com/x#secret', '/some/path'), ('*.org',))
    assert origin.describe() == {
        'index': 'https://index.example.org/simple',
        'find-links': ['https://example.com/x', '/some/path'],
        'allow-hosts': ['*.org'],
        'python': platform.python_version(),
    }


@pytest.mark.parametrize(('index', 'expected'), [
    (INDEX, True), ('http://localhost:8000', True), ('/local/index', False),
    ('file:///local/index', False), ('FILE:///x', False), ('index', False),
])  # fmt: skip
def test_pins_are_remembered_for_remote_indexes(index, expected):
    assert Origin(index).has_pointers is expected


# URLs


@pytest.mark.parametrize(('place', 'expected'), [
    ('https://example.com', True), ('HTTP://example.com', True), ('git+ssh://x/y', True),
    ('svn://x', True), ('ftp://x', True), ('file:///x', False), ('File:///x', False),
    ('/x', False), ('x/y', False), ('', False), ('./x:y', False), ('~/x', False),
])  # fmt: skip
def test_what_is_remote(place, expected):
    assert origins.is_remote(place) is expected


@pytest.mark.parametrize(('url', 'expected'), [
    ('https://example.com/a/b.whl', 'https://example.com/a/b.whl'),
    ('https://user:password@example.com:8443/a', 'https://example.com:8443/a'),
    ('https://us@er:pass@word@example.com/a', 'https://example.com/a'),
    ('https://example.com/a?token=x&y=z', 'https://example.com/a'),
    ('https://example.com/a#sha256=abc', 'https://example.com/a'),
    ('https://example.com/a?x#y', 'https://example.com/a'),
    ('https://example.com', 'https://example.com'),
    ('git+ssh://git@example.com/x.git', 'git+ssh://example.com/x.git'),
    ('/local/a#md5=x', '/local/a'),
    ('/local/a?b', '/local/a?b'),
    ('file:///local/a#md5=x', 'file:///local/a'),
])  # fmt: skip
def test_a_public_url_holds_no_secrets(url, expected):
    assert origins.public_url(url) == expected


@PROPERTY
@given(st.from_regex(r'[a-z]{1,5}', fullmatch=True), st.from_regex(r'[A-Z0-9@:%]{4,12}',
       fullmatch=True))  # fmt: skip
def test_no_password_is_ever_public(user, password):
    url = f'https://{user}:{password}@example.com/x?p={password}#{password}'
    assert origins.public_url(url) == 'https://example.com/x'


@pytest.mark.parametrize(('place', 'expected'), [
    ('/a b', '/a b'), ('file:///a%20b', '/a b'), ('FILE:///a', '/a'), ('x/%20', 'x/%20'),
    ('file:///a#md5=1', '/a'),
])  # fmt: skip
def test_local_paths(place, expected):
    assert origins.local_path(place) == expected


# Pointers


@pytest.mark.parametrize(('was_local', 'then', 'now', 'expected'), [
    # Chosen from the index: local copies of the same archive change nothing.
    (False, (), (), True),
    (False, (), (SHA256,), True),
    (False, (SHA256,), (), True),
    (False, (), (OTHER,), False),
    (False, (OTHER,), (OTHER,), True),
    (False, (OTHER,), (), False),
    (False, (OTHER,), (SHA256, OTHER), True),
    (False, (OTHER,), (OTHER, SHA256), True),
    (False, (OTHER, THIRD), (THIRD, OTHER), False),
    (False, (OTHER,), (OTHER, OTHER), False),
    # Chosen from a local directory: any change counts.
    (True, (SHA256,), (SHA256,), True),
    (True, (SHA256,), (), False),
    (True, (SHA256,), (SHA256, SHA256), False),
    (True, (SHA256,), (OTHER,), False),
    (True, (SHA256,), (SHA256, OTHER), False),
    (True, (OTHER, SHA256), (OTHER, SHA256), True),
    (True, (OTHER, SHA256), (SHA256, OTHER), False),
    (True, (OTHER, SHA256), (SHA256,), False),
])  # fmt: skip
def test_a_pointer_holds_as_long_as_the_choice_is_the_same(was_local, then, now, expected):
    pointer = Pointer('demo.whl', SHA256, '1.0', then, was_local)
    assert pointer.holds(list(now)) is expected


@PROPERTY
@given(st.lists(st.sampled_from([SHA256, OTHER, THIRD])), st.booleans())
def test_a_pointer_holds_when_nothing_changed(local, was_local):
    assert Pointer('demo.whl', SHA256, '1.0', tuple(local), was_local).holds(local)


def test_a_pointer_comes_back(layout):
    write(layout)
    assert read(layout) == POINTER
    assert read(layout, project='DEMO', pin='1.0') == POINTER
    path = layout.pin(KEY, Origin(INDEX).key, 'demo', '1.0')
    assert json.loads(path.read_text()) == ROW
    assert os.listdir(layout.tmp) == []


def test_a_pointer_is_replaced(layout):
    write(layout)
    changed = dataclasses.replace(POINTER, sha256=OTHER)
    write(layout, pointer=changed)
    assert read(layout) == changed


def test_another_pin_origin_or_environment_has_no_pointer(layout):
    write(layout)
    assert read(layout, pin='1.1') is None
    assert read(layout, pin='1.0.0') is None
    assert read(layout, project='demo2') is None
    assert read(layout, Origin('https://example.com')) is None
    assert origins.read(layout, 'cp313-linux-egg5', Origin(INDEX), 'demo', '1.0') is None


def test_the_origin_is_described_once(layout):
    origin = Origin('https://user:secret@index.example.org/simple')
    write(layout, origin)
    path = layout.origin(KEY, origin.key) / 'origin.json'
    assert json.loads(path.read_text()) == origin.describe()
    before = os.stat(path)
    write(layout, Origin(INDEX), pin='2.0')
    assert os.stat(path) == before


@pytest.mark.parametrize('content', [
    b'', b'{', b'[]', b'null', b'1', b'"x"', b'\xff\xfe', b'[' * 100_000,
    *(json.dumps({**ROW, **change}).encode() for change in [
        {'sha256': 'a' * 63}, {'sha256': 'A' * 64}, {'sha256': f'{SHA256}\n'},
        {'sha256': '../../../etc'}, {'sha256': None}, {'local': None}, {'local': 7},
    ]),
    *(json.dumps({name: value for name, value in ROW.items() if name != missing}).encode()
      for missing in ROW),
])  # fmt: skip
def test_a_broken_pointer_is_none(layout, content):
    write(layout)
    layout.pin(KEY, Origin(INDEX).key, 'demo', '1.0').write_bytes(content)
    assert read(layout) is None


def test_a_pointer_that_is_a_directory_is_none(layout):
    layout.pin(KEY, Origin(INDEX).key, 'demo', '1.0').mkdir(parents=True)
    assert read(layout) is None


@pytest.mark.parametrize(('version', 'expected'), [
    ('1.0', True), ('1.0rc1', True), ('1.0.post1', True), ('1.0+local', True), ('1!1.0', True),
    ('1.0.dev0', False), ('1.0.dev3', False), ('1.0rc1.dev1', False), ('1.0.dev0+local', False),
    ('1.0dev', False), ('2004d', False), ('', False), ('one', False),
    pytest.param('9' * 5000, False, id='thousands of digits'),
])  # fmt: skip
def test_what_can_be_pinned(version, expected):
    assert origins.can_be_pinned(version) is expected


@pytest.mark.parametrize(('pin', 'version', 'expected'), [
    ('1.0', '1.0', True), ('1.0', '1.0+fix', True), ('1.0', '1.0.0', True),
    ('1.0a1', '1.0a1', True),
    ('1.0+fix', '1.0', False), ('1.0', '1.0.post1', False), ('1.0', '1.0.1', False),
    ('1.0', 'none', False), ('none', '1.0', False), ('1.0', '9' * 5000, False),
])  # fmt: skip
def test_a_pin_allows_local_versions(pin, version, expected):
    assert origins.allows(pin, version) is expected

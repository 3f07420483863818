"""One flat configuration says what many files said."""

import dataclasses

import pytest

from egg.cache.configuration import buildout_cfg
from egg.cache.release import flattening
from egg.cache.release.flattening import Frame

EGGS = '/eggs/v5'


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    monkeypatch.delenv('BUILDOUT_HOME', raising=False)
    (tmp_path / 'home/.buildout').mkdir(parents=True)
    return tmp_path / 'home'


@pytest.fixture
def flat(tmp_path):
    """A function that returns the flat sections of configuration files, and their text."""
    def make(frame=None, **texts):
        directory = tmp_path / 'shop'
        for name, text in texts.items():
            path = directory / f'{name}.cfg'
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        sections = buildout_cfg.sections(str(directory))
        parts = sections.options.get('parts', '').split()
        frame = frame or Frame([str(directory)], {'eggs-directory': 'eggs'}, f'{directory}{EGGS}')
        frame = frame if frame.parts else dataclasses.replace(frame, parts=parts)
        found = flattening.flatten(sections, frame)
        names = flattening.names(sections.files, frame.roots)
        return found, flattening.to_text(found, names.values())
    return make


def reread(tmp_path, text):
    """Return the sections of a text, read in another directory, without the user's defaults."""
    (tmp_path / 'there').mkdir()
    (tmp_path / 'there/buildout.cfg').write_text(text)
    return buildout_cfg.sections(str(tmp_path / 'there'), has_defaults=False)


def test_everything_that_files_say_is_there_and_no_default(tmp_path, home, flat):
    (home / '.buildout/default.cfg').write_text(
        '[buildout]\nprefer-final = false\n[mine]\nx = 1\n')
    found, text = flat(
        buildout='[buildout]\nextends = base.cfg\nparts += b\n'
                 '[b]\n<= a\neggs += more\nx = ${a:recipe}\n',
        base='[buildout]\nparts = a\n[a]\nrecipe = r\neggs =\n  one\n    two\n\n  three\n'
             '[versions]\nlib = 1\n[versions:python3]\nlib = 2\n'
             '[versions:sys.version_info < (3,)]\nlib = 3\n',
    )  # fmt: skip
    assert found['a'] == {'recipe': 'r', 'eggs': 'one\n  two\n\nthree'}
    assert found['b'] == {'<': 'a', 'eggs +': 'more', 'x': '${a:recipe}'}
    assert found['versions'] == {'lib': '2'} and found['mine'] == {'x': '1'}
    assert found['buildout'] == {
        'prefer-final': 'false', 'parts': 'a\nb', 'eggs-directory': 'eggs',
        'eggs-directory-version': '', 'develop': '', 'egg-cache': '',
        'egg-cache-self-contained': 'check', 'offline': 'true', 'newest': 'false'}  # fmt: skip
    (home / '.buildout/default.cfg').write_text('[mine]\ny = 2\n')
    again = reread(tmp_path, text)
    assert flattening.differences(found, again.written) == ['[buildout] eggs-directory']
    assert again.inherited['b']['eggs'] == 'one\n  two\n\nthree\nmore'
    assert text.startswith('# One file, made by egg-cache pack of:\n# - elsewhere/default.cfg\n'
                           '# - buildout.cfg\n# - base.cfg\n')  # fmt: skip


@pytest.mark.parametrize('value', [
    'x', '', 'a\nb', '\n  deep\n    deeper', '#no comment', 'a\n# none\n; either', '[x]', 'a = b',
    '${:_profile_base_location_}/x', '%(x)s', 'a   b', '=', '\n[section]\nname = value',
])  # fmt: skip
def test_values_of_all_kinds_are_what_they_were(tmp_path, flat, value):
    written = value.replace('\n', '\n    ')
    found, text = flat(buildout=(
        f'[buildout]\nparts =\n[a]\n_profile_base_location_ = x\nv = {written}\n'))  # fmt: skip
    again = reread(tmp_path, text).written
    assert flattening.differences({'a': found['a']}, {'a': again['a']}) == []
    assert found['a']['v'] == buildout_cfg.sections(str(tmp_path / 'shop')).written['a']['v']


def test_what_was_needed_to_build_is_left_out(flat):
    found, _ = flat(buildout=(
        '[buildout]\nparts =\ndevelop = src/*\ndownload-cache = x\nextends-cache = y\n'
        'install-from-cache = true\nabi-tag-eggs = true\negg-cache = z\negg-cache-mode = off\n'
        'update-versions-file = v.cfg\nexecutable = /usr/bin/python3\ninstalled = .installed.cfg\n'
        'auto-checkout = shop\n'
        'log-level = WARNING\nextensions = egg.cache\n'))  # fmt: skip
    assert {name: value for name, value in found['buildout'].items() if value} == {
        'log-level': 'WARNING', 'extensions': 'egg.cache', 'eggs-directory': 'eggs',
        'egg-cache-self-contained': 'check', 'offline': 'true', 'newest': 'false'}  # fmt: skip


def test_paths_into_the_buildout_move_with_it_and_others_stay(tmp_path, flat):
    shop = tmp_path / 'shop'
    found, _ = flat(buildout=(
        f'[buildout]\nparts =\n[a]\nx = {shop}/etc:{shop} {shop}-old/{shop}2\n'
        f'y = {shop}/eggs/v5/z /opt{shop}\n'))  # fmt: skip
    assert found['a']['x'] == (
        f'${{buildout:directory}}/etc:${{buildout:directory}} {shop}-old/{shop}2')
    assert found['a']['y'].startswith('${buildout:eggs-directory}/z ')


def test_a_frozen_part_keeps_what_was_recorded_but_its_recipe(tmp_path, flat):
    shop = tmp_path / 'shop'
    recorded = {'recipe': 'cmmi', 'location': f'{shop}/parts/lib', '__buildout_installed__': 'x',
                '__buildout_signature__': 'y', 'made': '1'}  # fmt: skip
    frame = Frame([str(shop)], {}, f'{shop}{EGGS}', ['b'], {'lib': recorded})
    found, text = flat(frame, buildout=(
        '[buildout]\nparts = lib b\n[lib]\nrecipe = cmmi\n[heir]\n<= lib\nmore = 1\n'
        '[b]\nx = ${lib:location}\n'))  # fmt: skip
    assert found['lib'] == {'location': '${buildout:directory}/parts/lib', 'made': '1'}
    assert found['heir'] == {'recipe': 'cmmi', 'more': '1'}
    assert found['buildout']['parts'] == 'b'
    assert '<' not in reread(tmp_path, text).written['heir']


def test_versions_of_what_was_developed_are_pinned_to_what_it_became(tmp_path, flat):
    shop = tmp_path / 'shop'
    frame = Frame([str(shop)], {}, f'{shop}{EGGS}', ['a'], {}, {'My.App': '0.3'})
    text = '[buildout]\nparts = a\nversions = pins\n[pins]\nmy_app = 0.2\nlib = 1\n'
    found, _ = flat(frame, buildout=text)
    assert found['pins'] == {'lib': '1', 'My.App': '0.3'}


def test_passwords_are_kept_only_where_they_may_be_needed(flat):
    found, _ = flat(buildout=(
        '[buildout]\nparts =\nindex = https://ada:secret@pypi.example/simple/\n'
        'find-links = https://ada:secret@example.com/a?token=1\n    /srv/links\n'
        '[app]\ndatabase = postgresql://ada:secret@db/shop\n'
        'find-links += http://u:p@example.com/b\n'))  # fmt: skip
    assert found['buildout']['index'] == 'https://pypi.example/simple/'
    assert found['buildout']['find-links'].split() == ['https://example.com/a', '/srv/links']
    assert flattening.secrets(found) == ['[app] database']
    assert 'u:p' not in str(found['app'])
    text = flattening.without_passwords('see https://a:b@c/d http://token@e')
    assert text == 'see https://c/d http://e'


def test_texts_lose_all_that_is_secret_in_urls():
    text = flattening.without_passwords('a = https://a:b@c@d/e?private_token=f#g "h://i?j" k?l')
    assert text == 'a = https://d/e#g "h://i" k?l'


def test_options_that_are_called_passwords_are_named():
    sections = {'buildout': {'versions': 'pins'}, 'pins': {'my.token': '1'},
                'db': {'db-password +': 'x', 'password': '', 'user': 'ada', 'passwords': 'x'},
                'url': {'at': 'http://a:b@c@d'}}  # fmt: skip
    assert flattening.secrets(sections) == ['[db] db-password +', '[url] at']


@pytest.mark.parametrize(('option', 'value', 'is_secret'), [
    ('user', 'admin:admin', True), ('zope-user', ' admin:s3:cret!\n', True),
    ('user', 'ada', False), ('user', '1000:1000', False), ('user', '${users:zope}', False),
    ('users', 'a:b', False), ('user', 'file:///etc/user', False),
])  # fmt: skip
def test_a_user_with_a_password_is_one(option, value, is_secret):
    expected = [f'[app] {option}'] if is_secret else []
    assert flattening.secrets({'app': {option: value}}) == expected


def test_files_have_names_that_say_nothing_of_the_build_host():
    files = ['/srv/shop/buildout.cfg', '/srv/shop/sub/a.cfg', '/home/ada/base.cfg',
             '/home/bob/base.cfg', 'https://u:p@example.com:8080/x/../y.cfg?z=1']  # fmt: skip
    assert list(flattening.names(files, ['/srv/shop']).values()) == [
        'buildout.cfg', 'sub/a.cfg', 'elsewhere/base.cfg', 'elsewhere/base-2.cfg',
        'elsewhere/example.com/x/y.cfg']  # fmt: skip


def test_differences_are_named():
    assert flattening.differences({'a': {'x': '1', 'y': '\n2'}}, {'a': {'x': '2', 'y': '2'}}) == [
        '[a] x']  # fmt: skip
    assert flattening.differences({'a': {'x': '1'}}, {'b': {'x': '1'}}) == ['[a] x', '[b] x']

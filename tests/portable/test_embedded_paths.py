"""Which absolute paths does a text mention?"""

import time
from pathlib import Path

import pytest

from egg.cache.portable import embedded_paths


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / 'shop'
    (path / 'eggs').mkdir(parents=True)
    return path


def paths(text, *own):
    return [path for _, path in embedded_paths.absolute_paths(text, [str(name) for name in own])]


@pytest.mark.parametrize('quote', ['"', "'", ''])
@pytest.mark.parametrize('name', [
    'shop+old', 'shop~', 'shop@2', 'shop-old', 'shop_old', 'shop.old', 'shop2', 'shop%',
    'shop copy', 'shop (copy)', 'shop,old', 'shop;x', 'shop=1', 'shop:1', 'shop{2}',
])  # fmt: skip
def test_a_sibling_whose_name_begins_with_that_of_the_buildout_is_not_in_it(shop, name, quote):
    path = shop.parent / name / 'eggs' / 'demo.egg'
    path.mkdir(parents=True)
    assert str(path) in paths(f'path = {quote}{path}{quote}\n', shop)


@pytest.mark.parametrize('text', [
    '{}', "'{}'", '{}:', '{}, x', '({})', '[{}]', '{}\\n', '{}=x', '{}; ls x/y', '{}|x', '<{}>',
    '{}/eggs', "'{}/a (b)/c'", 'file://{}/eggs', '//{}', '-L{}/lib', '{} copy/x', '{}/eggs/a b/c',
    '"{}/bin/run --all x/y"', 'x=${{y:-{}/eggs}}',
])  # fmt: skip
@pytest.mark.parametrize('name', ['shop', 'our shop', 'shop (2)'])
def test_what_is_in_the_buildout_is_left_out(tmp_path, name, text):
    own = tmp_path / name
    found = paths(text.format(own), own)
    assert [path for path in found if not f'{path}/'.startswith(f'{own}/')] == []


def test_a_name_of_the_buildout_within_another_path_is_another_path(shop):
    assert paths(f'/backup{shop}/eggs /back+{shop}/eggs /back/{shop}/eggs', shop) == [
        f'/backup{shop}/eggs', f'/back+{shop}/eggs', f'/back/{shop}/eggs']


def test_a_path_that_goes_up_again_is_not_in_the_buildout(shop):
    other = shop.parent / 'other shop'
    other.mkdir()
    for quote in '"\'':
        assert paths(f'{quote}{shop}/../other shop{quote}', shop) == [f'{shop}/../other shop']
    assert paths(f'{shop}/../other', shop) == [f'{shop}/../other']


@pytest.mark.parametrize('text', [
    'url = sqlite:////srv/x/y', 'serverurl = unix:///srv/x/y', 'file:///srv/x/y',
    'path = //srv/x/y', '"\\/srv\\/x\\/y"', 'args = -f/srv/x/y', '-f/srv/x/y', "'-I/srv/x/y'",
    'text = "one\\n/srv/x/y"', 'one\\t/srv/x/y', 'PATH=$PATH:/srv/x/y', 'root /srv/x/y;',
    'in /srv/x/y.', '${x:-/srv/x/y}', '"/srv/x/y:lib"', 'sqlite:////srv/x/y?timeout=1',
])  # fmt: skip
def test_paths_are_found_in_any_dress(text):
    assert paths(text)[0].partition('?')[0] == '/srv/x/y'


@pytest.mark.parametrize('text', [
    'http://srv/x/y', 'https://example.com/srv/x/y', 'https://example.com//srv/x/y',
    'sqlite:///srv/x/y', 'a/srv/x/y', '$(pwd)/srv/x/y', '[x]/srv/x/y',
    './srv/x/y', '../srv/x/y', '~/srv/x/y', '$x/srv/x/y', '${x}/srv/x/y',
    '%(x)s/srv/x/y', 'root+/srv/x/y', 'and-f/srv/x/y', '/ // ///', 's//srv/x/',
])  # fmt: skip
def test_what_is_no_absolute_path_is_left_out(text):
    assert paths(text) == []


def test_a_list_in_quotes_is_many_paths(shop):
    text = f'''"{shop}/a.egg:/srv/b.egg" "{shop}/bin/run -c /srv/c.egg" '{shop}/x -f/srv/d.egg' '''
    assert paths(text, shop) == ['/srv/b.egg', '/srv/c.egg', '/srv/d.egg']


def test_what_is_longer_than_a_path_can_be_is_none():
    assert paths('/srv' * 1025) == []
    assert paths('/srv' * 1024) == ['/srv' * 1024]


@pytest.mark.parametrize('path', ['/var/run', '/var/run/app.pid', '/var/lock/app', '/run/app.pid'])
def test_files_of_running_processes_are_of_the_system(path):
    assert embedded_paths.is_of_system(path)
    assert not embedded_paths.is_outside_help(path)


@pytest.mark.parametrize('path', ['/var/log/x', '/var/runner/x', '/var/local/run'])
def test_other_files_below_var_are_not(path):
    assert not embedded_paths.is_of_system(path)


@pytest.mark.parametrize('path', ['/var/lib/shop', '/var/log/shop', '/var/lib/shop/data'])
def test_data_that_this_machine_does_not_have_lies_wherever_it_should(path):
    assert not embedded_paths.is_outside_help(path)


def test_data_that_this_machine_has_is_named():
    [there, *_] = (path for path in Path('/var/lib').iterdir())
    assert embedded_paths.is_outside_help(str(there))
    assert embedded_paths.is_outside_help(str(there / 'data'))


@pytest.mark.parametrize('path', ['/', '/.', '/./', '/tmp/.'])
def test_a_directory_that_is_too_general_means_nothing(path):
    assert not embedded_paths.is_outside_help(path)


@pytest.mark.parametrize('piece', [
    '"/q {:06}.egg"', "'/q {:06}", '/q/{:06}\\/', '"/x/shop {:06}/', '//{:06}', '/x/shop,{:06} ',
])  # fmt: skip
def test_the_time_grows_as_the_text_does(piece):
    def seconds(count):
        text = ''.join(piece.format(number) for number in range(count))
        start = time.process_time()
        paths(text, '/x/shop')
        return time.process_time() - start
    # Quadratic time would be 400 times as much, a minute for the first of these.
    assert seconds(40_000) < 60 * max(seconds(2_000), 0.005)

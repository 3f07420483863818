"""`egg-cache pack`: what goes into a release, and what is refused; without a trial."""

import json
import os
import signal
import tarfile
from pathlib import Path

import pytest
from support import shipping, trees
from support.command import answer, assert_documented, run

from egg.cache import standalone
from egg.cache.release import flattening, packing, release, trial_install
from egg.cache.standalone import install


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    for name in ('BUILDOUT_HOME', 'EGG_CACHE'):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / 'tmp').mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'tmp'))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def trials(monkeypatch):
    """What trials were made of; they do nothing. Real ones are in test_trial.py, test_pack.py."""
    made = []
    monkeypatch.setattr(trial_install, 'run', lambda stage, *args: made.append(
        (trees.snapshot(stage), *args)))
    return made


@pytest.fixture
def shop(tmp_path):
    return shipping.Host(tmp_path / 'shop')


def pack(capsys, *arguments):
    """Pack and return (JSON document, {path in the release: member}, release)."""
    document = answer(capsys, 'pack', *arguments)
    with tarfile.open(document['path']) as archive:
        members = {member.name.partition('/')[2]: member for member in archive}
    return document, members, release.read(Path(document['path']))


def refused(capsys, *arguments, status=1):
    """Fail to pack, leave nothing behind, and return what was said."""
    before = trees.snapshot('.', times=False)
    found, output, errors = run(capsys, 'pack', *arguments)
    assert (found, output) == (status, ''), errors
    assert trees.differences(before, trees.snapshot('.', times=False)) == []
    return errors


def text_of(document, name):
    with tarfile.open(document['path']) as archive:
        path = f'{document["name"]}-{document["version"]}/{name}'
        return archive.extractfile(path).read().decode()


# What is in it


def test_a_release_has_what_its_parts_use_and_nothing_else(capsys, shop, trials):
    shop.write('log/today.log', 'x')
    shop.write('eggs/v5/demo-1.0-py3.12.egg/__pycache__/demo.cpython-312.pyc', b'x')
    document, members, one = pack(capsys, shop.directory, '--version', '1.4')
    assert document['path'] == os.path.abspath('shop-1.4.tar.gz')
    assert sorted(name.partition('-')[0] for name in one.eggs) == [
        'deep', 'demo', 'dep', 'egg.cache', 'pip', 'zc.buildout', 'zc.recipe.egg']  # fmt: skip
    rest = {path for path in members if not path.startswith('eggs/')}
    assert rest == {
        '.buildinfo.json', 'RELEASE.json', 'bootstrap.py', 'buildout.cfg', 'install.py',
        'configuration/buildout.cfg'}  # fmt: skip
    assert not any('__pycache__' in path for path in members)
    assert one.files.keys() == members.keys() - {'RELEASE.json'}
    assert (document['digest'], document['egg_count']) == (one.digest, 7)
    source = Path(standalone.__file__).parent
    assert text_of(document, 'install.py') == (source / 'install.py').read_text()
    [(tried, executable, *_)] = trials
    assert {path for path, node in tried.items() if node.type == 'file'} == members.keys()
    assert os.listdir('tmp') == []


def add_tests(shop, section='', script='bin/test'):
    """Let the shop have a part that makes a test runner, with an egg that only that needs."""
    runner = shop.egg('runner', '1.0', ['dep'])
    text = Path(shop.path('buildout.cfg')).read_text()
    shop.write('buildout.cfg', text.replace('parts = app', 'parts = app test', 1)
               + f'[test]\nrecipe = zc.recipe.egg\neggs = runner\n{section}')  # fmt: skip
    shop.script('test', [runner, shop.used[1]])
    shop.part('test', script, recipe='zc.recipe.egg', eggs='runner')


def test_parts_are_left_out_with_the_eggs_that_only_they_need(capsys, shop, trials):
    before = pack(capsys, shop.directory)[2]
    add_tests(shop)
    with_tests = pack(capsys, shop.directory)[2]
    assert with_tests.eggs.keys() - before.eggs.keys() == {f'runner-1.0-py{shipping.PYTHON}.egg'}
    document, _, one = pack(capsys, shop.directory, '--without', 'test')
    assert one.eggs == before.eggs
    assert 'parts = app\n' in text_of(document, 'buildout.cfg')
    *_, expected, _, _, options, _, known = trials[-1]
    assert (expected.keys(), options.keys(), known.keys()) == ({'app'}, {'app'}, {'app'})
    *_, expected, _, _, options, _, known = trials[-2]
    assert (expected.keys(), options.keys(), known.keys()) == (
        {'app', 'test'}, {'app', 'test'}, {'app', 'test'})


def test_scripts_that_no_recipe_told_of_are_expected_but_where_parts_are_left_out(
    capsys, shop, trials
):
    shop.part('other', 'parts/other', recipe='zc.recipe.egg')
    shop.script('quiet', shop.used)
    shop.write('bin/own', '#!/bin/sh\n')
    pack(capsys, shop.directory)
    *_, expected, _, _, _, _, known = trials[-1]
    assert (expected.keys(), known.keys()) == ({'app', 'quiet'}, {'app', 'quiet', 'own'})
    pack(capsys, shop.directory, '--without', 'other')
    *_, expected, _, _, _, _, known = trials[-1]
    assert (expected.keys(), known.keys()) == ({'app'}, {'app', 'quiet', 'own'})


def test_what_a_left_out_part_leads_to_does_not_matter(capsys, shop, tmp_path):
    add_tests(shop, script='parts/test/site.conf')
    shop.write('parts/test/site.conf', f'data = {tmp_path}/elsewhere\n')
    assert 'elsewhere' in refused(capsys, shop.directory)
    pack(capsys, shop.directory, '--without', 'test')


@pytest.mark.parametrize('more', ['[app]\nport = ${test:port}\n',
                                  '[app]\nport = ${ports:app}\n[ports]\napp = ${test:port}\n'])
def test_a_part_that_another_one_needs_is_not_left_out(capsys, shop, more):
    add_tests(shop, f'port = 1\n{more}')
    section = 'ports' if 'ports' in more else 'app'
    said = refused(capsys, shop.directory, '--without', 'test', status=2)
    assert f'--without test: [{section}] refers to it' in said
    said = refused(capsys, shop.directory, '--without', 'tests', status=2)
    assert said == (
        '--without tests: there is no such part.\nThese are there: app, test.\n')


def test_two_packs_are_the_same_bytes_wherever_the_buildout_is(capsys, tmp_path, shop):
    other = shipping.Host(tmp_path / 'somewhere/else/shop')
    paths = [Path(answer(capsys, 'pack', where.directory, '-o', f'{number}.tar.gz')['path'])
             for number, where in enumerate((shop, shop, other))]  # fmt: skip
    one, again, there = (path.read_bytes() for path in paths)
    assert one == again
    # The configuration as it was is the same, too: nothing in it names the directory.
    assert one == there


def test_the_configuration_that_buildout_was_given_counts(capsys, shop, trials):
    shop.write('production.cfg', '[buildout]\nextends = buildout.cfg\n[app]\nport = 1\n')
    shop.parts['app'].update(port='1', location=shop.path('parts/app'))
    shop.record()
    document, *_ = pack(capsys, shop.directory, '--version', '1')
    assert 'port' not in text_of(document, 'buildout.cfg')
    shop.info(configuration='production.cfg')
    document, members, _ = pack(capsys, shop.directory, '--version', '2')
    assert 'port = 1\n' in text_of(document, 'buildout.cfg')
    assert 'configuration/production.cfg' in members
    # With them, the trial compares those of the release.
    rest = {'recipe': 'zc.recipe.egg', 'eggs': 'demo', 'eggs-directory': None, 'location': None}
    assert [args[-3] for args in trials] == [
        {'app': {**rest, 'port': None}}, {'app': {**rest, 'port': '1'}}]  # fmt: skip


def test_buildinfo_says_nothing_of_the_build_host(capsys, shop):
    document, *_ = pack(capsys, shop.directory)
    info = json.loads(text_of(document, '.buildinfo.json'))
    assert info.keys() == {'format', 'environment', 'directories', 'buildout_eggs'}
    assert info['directories']['eggs-directory'] == 'eggs/v5'
    assert info['buildout_eggs'] == shop.own


def test_name_and_version_can_be_given(capsys, shop):
    document, *_ = pack(capsys, shop.directory, '--name', 'web', '--version', '2')
    assert (document['name'], document['version']) == ('web', '2')
    document, _, one = pack(capsys, shop.directory)
    assert document['version'] == release.version_of(one)


@pytest.mark.parametrize('arguments', [('--name', '../x'), ('--version', 'a/b'), ('-o', 'x.zip'),
                                       ('--name', 'x' * 190, '--version', 'y' * 20)])  # fmt: skip
def test_wrong_arguments_are_named(capsys, shop, arguments):
    assert arguments[0] in refused(capsys, shop.directory, *arguments, status=2) or (
        '.tar.gz' in arguments[1] or arguments[0] == '-o')  # fmt: skip


# What is included


def test_included_files_come_along_as_they_are(capsys, shop):
    shop.write('etc/site.conf', 'x').chmod(0o600)
    shop.write('var/data/a', 'a')
    document, members, one = pack(
        capsys, shop.directory, '--include', 'etc', '--include', 'var/data/a', '--include',
        shop.path('var/data'))  # fmt: skip
    assert members['etc/site.conf'].mode == 0o644
    assert members['etc/site.conf'].mtime == 1_600_000_000
    assert 'var/data/a' in one.files


@pytest.mark.parametrize(('path', 'message'), [
    ('gone', 'is not there'), ('..', 'not below'), ('../shop2', 'not below'), ('.', 'not below'),
    ('/etc', 'not below'), ('buildout.cfg', 'has its own'), ('eggs', 'has its own'),
    ('eggs/v5', 'has its own'), ('.installed.cfg', 'has its own'), ('out/passwd', 'elsewhere'),
])  # fmt: skip
def test_what_can_not_be_included_is_named(capsys, shop, path, message):
    os.symlink('/etc', shop.path('parts/out'))
    path = path.replace('out/', 'parts/out/')
    if 'parts' in path:
        # A link out is refused anyway: it is not self-contained.
        assert 'not self-contained' in refused(capsys, shop.directory, '--include', path)
        return
    os.unlink(shop.path('parts/out'))
    errors = refused(capsys, shop.directory, '--include', path, status=2)
    assert message in errors and f'--include {path}' in errors


def test_special_files_are_refused_where_they_are_included(capsys, shop):
    os.mkdir(shop.path('run'))
    os.mkfifo(shop.path('run/pipe'))
    assert 'run/pipe is a pipe' in refused(capsys, shop.directory, '--include', 'run')
    pack(capsys, shop.directory)


def test_a_link_to_what_is_not_included_is_refused(capsys, shop):
    shop.write('var/data', 'x')
    os.makedirs(shop.path('etc'))
    os.symlink('../var/data', shop.path('etc/link'))
    errors = refused(capsys, shop.directory, '--include', 'etc')
    assert 'etc/link is a link to' in errors and 'include that, too' in errors
    _, _, one = pack(capsys, shop.directory, '--include', 'etc', '--include', 'var')
    assert one.files['etc/link'] == {'link': '../var/data'}


def test_a_part_that_is_included_is_frozen(capsys, tmp_path):
    shop = shipping.Host(tmp_path / 'shop', options='parts += lib\n',
                         sections='[lib]\nrecipe = cmmi\nx = ${:location}\n')  # fmt: skip
    shop.part('lib', 'parts/lib/libx.so', recipe='cmmi', location=shop.path('parts/lib'))
    document, *_ = pack(capsys, shop.directory, '--include', 'parts/lib')
    text = text_of(document, 'buildout.cfg')
    assert '[lib]\nlocation = ${buildout:directory}/parts/lib\n' in text
    assert 'parts = app\n' in text
    document, *_ = pack(capsys, shop.directory)
    assert 'recipe = cmmi' in text_of(document, 'buildout.cfg')
    # Something that it installed is not included.
    shop.part('lib', 'parts/lib/libx.so', 'var/x', recipe='cmmi', location=shop.path('parts/lib'))
    document, *_ = pack(capsys, shop.directory, '--include', 'parts/lib')
    assert 'recipe = cmmi' in text_of(document, 'buildout.cfg')


def test_passwords_are_named(capsys, tmp_path):
    shop = shipping.Host(
        tmp_path / 'shop', options='index = https://ada:swordfish@example.com/simple\n',
        sections='[db]\nurl = postgresql://ada:hunter2@db/x\n')  # fmt: skip
    status, output, errors = run(capsys, 'pack', shop.directory, '-o', 'a.tar.gz')
    assert status == 0 and 'Without its password in the release: [buildout] index.' in errors
    assert 'With a password in the release: [db] url.' in errors
    with tarfile.open('a.tar.gz') as archive:
        data = b''.join(archive.extractfile(m).read() for m in archive if m.isfile())
    assert b'swordfish' not in data and data.count(b'hunter2') == 1


# What is refused


def test_a_directory_that_is_no_buildout_is_refused(capsys, tmp_path):
    (tmp_path / 'x').mkdir()
    assert 'is no buildout' in refused(capsys, 'x', status=2)


@pytest.mark.parametrize(('harm', 'message'), [
    (lambda shop: os.unlink(shop.path('.buildinfo.json')), 'there is no .buildinfo.json'),
    (lambda shop: shop.write('.buildinfo.json', '{'), 'damaged'),
    (lambda shop: shop.info(directory='/srv/other'), 'was built in /srv/other'),
    (lambda shop: shop.info(executable='/gone/python'), 'is gone: /gone/python'),
    (lambda shop: os.unlink(shop.path('.installed.cfg')), 'not a buildout that has run'),
    (lambda shop: shop.write('buildout.cfg', '[buildout]\nparts = app web\n'), 'the part web'),
    (lambda shop: os.rename(shop.eggs / shop.used[0], shop.path('old')), 'the egg demo-1.0'),
    (lambda shop: os.rename(shop.eggs / shop.own[1], shop.path('old')), 'the egg pip-9.0'),
    (lambda shop: os.unlink(shop.path('bin/app')), 'bin/app, of the part app'),
    (lambda shop: shop.write('buildout.cfg', '[buildout]\nparts = app\nextensions = egg_more'),
     'an egg of the extension egg_more'),
    (lambda shop: shop.write('develop-eggs/x.egg-link', '/gone/x\n.'), 'the source /gone/x'),
])  # fmt: skip
def test_what_is_not_built_to_its_end_is_refused(capsys, shop, harm, message):
    harm(shop)
    errors = refused(capsys, shop.directory)
    assert message in errors and 'un buildout' in errors


def test_a_release_is_not_packed_again(capsys, shop):
    shop.write('RELEASE.json', '{}')
    assert 'is a release: it was packed before' in refused(capsys, shop.directory)


def test_what_is_not_self_contained_is_refused(capsys, shop):
    shop.script('app', [*shop.used, '/opt/site-packages'])
    errors = refused(capsys, shop.directory)
    assert 'not self-contained' in errors and '/opt/site-packages' in errors
    assert 'bin/app' in errors and 'What to do:' in errors


def test_a_large_file_that_was_not_looked_at_does_no_harm(capsys, shop):
    shop.write('parts/big.txt', 'x' * 4_000_001)
    pack(capsys, shop.directory)


def test_what_is_there_anywhere_can_be_allowed(capsys, shop, tmp_path):
    (tmp_path / 'data' / 'deep').mkdir(parents=True)
    shop.write('etc/app.conf', f'data = {tmp_path}/data/deep\n')
    for allowed in ([], ['--allow', f'{tmp_path}/dat'], ['--allow', f'{tmp_path}/data/deep/x']):
        errors = refused(capsys, shop.directory, *allowed)
        assert f'{tmp_path}/data/deep' in errors and 'named with --allow' in errors
    pack(capsys, shop.directory, '--allow', f'{tmp_path}/data/')
    assert 'not an absolute path' in refused(capsys, shop.directory, '--allow', 'data', status=2)


def test_a_site_packages_can_not_be_allowed(capsys, shop):
    shop.script('app', [*shop.used, '/opt/site-packages'])
    assert '/opt/site-packages' in refused(capsys, shop.directory, '--allow', '/opt')


def test_what_the_script_of_buildout_itself_needs_does_not_count(capsys, shop):
    shop.write('bin/buildout', '#!/usr/bin/python3\nimport sys\nsys.path[:0] = ["/site-packages"]')
    pack(capsys, shop.directory)


def test_a_trial_that_fails_leaves_the_earlier_archive(capsys, shop, monkeypatch):
    Path('a.tar.gz').write_text('earlier')

    def fail(*args):
        raise packing.CacheError('no')

    monkeypatch.setattr(trial_install, 'run', fail)
    assert refused(capsys, shop.directory, '-o', 'a.tar.gz').endswith('\nno\n')


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_nothing_behind(capsys, shop, monkeypatch, number):
    # As in a shell, whatever the tests themselves ignore.
    handler = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, handler)
    try:
        monkeypatch.setattr(trial_install, 'run', lambda *args: signal.raise_signal(number))
        refused(capsys, shop.directory, status=128 + number)
        assert signal.getsignal(number) == handler
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(('where', 'message'), [
    ('staging.Stage.copy', 'has no room'), ('tarball._add', "can't take the archive"),
])  # fmt: skip
def test_without_room_nothing_is_left(capsys, shop, monkeypatch, where, message):
    def full(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(f'egg.cache.release.{where}', full)
    assert message in refused(capsys, shop.directory)


def test_a_value_that_does_not_survive_is_refused(capsys, shop, monkeypatch):
    monkeypatch.setattr(flattening, '_option_lines', lambda option, value: [f'{option} = x'])
    assert "can't be said in one file: [app] eggs" in refused(capsys, shop.directory)


# What changed


def test_an_archive_of_changes_leads_from_one_release_to_the_next(capsys, tmp_path, shop):
    old, _, base = pack(capsys, shop.directory, '--version', '1.4')
    big = os.urandom(300_000)
    new_shop = shipping.Host(tmp_path / 'new/shop', demo='1.1', content=big)
    full, _, one = pack(capsys, new_shop.directory, '--version', '1.5')
    Path('RELEASE.json').write_bytes(install.to_bytes(base.document))
    for number, since in enumerate((old['path'], 'RELEASE.json')):
        document = answer(capsys, 'pack', new_shop.directory, '--version', '1.5', '--since', since,
                          '-o', f'{number}.tar.gz')  # fmt: skip
        assert document['digest'] == full['digest']
        assert document['base'] == {'name': 'shop', 'version': '1.4', 'digest': old['digest']}
        with tarfile.open(document['path']) as archive:
            names = {member.name.partition('/')[2] for member in archive}
        changes = json.loads(text_of(document, 'SINCE.json'))
        assert 'RELEASE.json' not in names and 'install.py' in names
        assert {name for name in names if name.startswith('eggs/')} == {
            path for path in one.files if '/demo-1.1-' in path}
        merged = install.merged(base.document, changes['patch'])
        assert install.to_bytes(merged) == install.to_bytes(one.document)
    assert Path('0.tar.gz').read_bytes() == Path('1.tar.gz').read_bytes()
    assert document['size'] < full['size']
    assert len(big) < document['size'] < len(big) + 24_000


@pytest.mark.parametrize(('arguments', 'message'), [
    (('--version', '1'), 'Nothing changed since shop-1'),
    (('--name', 'blog'), 'another application'),
])  # fmt: skip
def test_what_is_no_base_is_refused(capsys, shop, arguments, message):
    pack(capsys, shop.directory, '--version', '1', '-o', 'old.tar.gz')
    assert message in refused(capsys, shop.directory, '--since', 'old.tar.gz', *arguments)


def test_the_default_name_of_changes_names_the_base(capsys, shop):
    pack(capsys, shop.directory, '--version', '1', '-o', 'old.tar.gz')
    document = answer(capsys, 'pack', shop.directory, '--version', '2', '--since', 'old.tar.gz')
    assert Path(document['path']).name == 'shop-2-since-1.tar.gz'
    # Only the document differs; install.py is what installs it.
    assert document['packed_file_count'] == 1


def test_fields_of_pack(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(install, 'written_inside', lambda *args: [('var', '[app] var')])
    shop = shipping.Host(tmp_path / 'shop', sections='[db]\nurl = postgresql://a:b@db/x\n'
                         'index = http://a:b@example.com\n')  # fmt: skip
    first, *_ = pack(capsys, shop.directory, '--version', '1', '-o', 'old.tar.gz')
    [egg] = shop.eggs.glob('demo-*.egg')
    shop.write(f'{egg}/demo-1.0.dist-info/RECORD', 'gone.py,sha256=x,1\n')
    second = answer(capsys, 'pack', shop.directory, '--version', '2', '--since', 'old.tar.gz',
                    '--allow-changed')  # fmt: skip
    assert second['inside'] == [{'path': 'var', 'named_by': '[app] var'}]
    assert [row['missing'] for row in second['modified']] == [['gone.py']]
    assert egg.name in first['incomparable']
    assert_documented('pack', first, second)


def test_zstd_is_as_good(capsys, shop):
    document = answer(capsys, 'pack', shop.directory, '-o', 'a.tar.zst')
    again = answer(capsys, 'pack', shop.directory, '-o', 'b.tar.zst')
    assert Path('a.tar.zst').read_bytes() == Path('b.tar.zst').read_bytes()
    assert release.read(Path('a.tar.zst')).digest == document['digest'] == again['digest']

"""What points out of a buildout: selfcontained, mentions, elf, places and `egg-cache check`."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import archives, foreign, properties
from support.command import answer, assert_documented, section
from support.programs import require
from support.runner import egg_part

from egg.cache import cli
from egg.cache.common.errors import SettingError
from egg.cache.portable import buildout_paths, elf, selfcontained
from egg.cache.portable.findings import KINDS, Finding

SCRIPT = '''\
#!{python}

import sys
sys.path[0:0] = [
  '{path}',
  ]

import demo
'''


@pytest.fixture
def outside(tmp_path):
    """A directory that is not in the buildout, with an egg and a file."""
    path = tmp_path / 'elsewhere'
    (path / 'demo-1.0-py3.12.egg').mkdir(parents=True)
    (path / 'file').write_text('')
    return path


@pytest.fixture
def tree(tmp_path):
    """A function that writes files, given by their names and texts, and returns the buildout."""
    def write(files=(), installed='[buildout]\nparts =\n'):
        directory = tmp_path / 'shop'
        for name in ('bin', 'eggs/demo-1.0-py3.12.egg', 'parts', 'develop-eggs'):
            (directory / name).mkdir(parents=True, exist_ok=True)
        for name, data in {**dict(files), '.installed.cfg': installed}.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return directory
    return write


def everything(directory, **options):
    return selfcontained.everything(buildout_paths.find(directory, lambda directory: options))


def findings(directory):
    return everything(directory).findings


def check(*arguments):
    return cli.main(['check', *map(str, arguments)])


def make_library(path, *arguments):
    """Compile a shared object with nothing in it."""
    require('gcc')
    path.parent.mkdir(parents=True, exist_ok=True)
    # It needs a library, or nothing would be looked for anywhere.
    subprocess.run(['gcc', '-shared', '-o', str(path), '-x', 'c', os.devnull,
                    '-Wl,--no-as-needed', '-lgcc_s',
                    '-x', 'none', *arguments],
                   check=True)  # fmt: skip
    return path


@pytest.mark.parametrize(('name', 'text', 'kind', 'line', 'target'), [
    ('bin/app', SCRIPT, 'script', 5, 'demo-1.0-py3.12.egg'),
    ('bin/app', '#!/bin/sh\nexport HOME_OF_SHOP={path}/file\n', 'script', 2, 'file'),
    ('bin/app', '#!/bin/sh\nLD_LIBRARY_PATH=/usr/lib:{path}/file:/lib\n', 'script', 2, 'file'),
    ('bin/app', '#!/bin/sh\ncc -I{path}/file\n', 'script', 2, 'file'),
    ('bin/app', "url = 'file://{path}/file'\n", 'script', 1, 'file'),
    ('bin/app', '{own}/../elsewhere/file\n', 'script', 1, 'file'),
    ('develop-eggs/demo.egg-link', '{path}\n..', 'develop', 1, ''),
    ('develop-eggs/__editable__.demo-1.0.pth', '{path}\n', 'develop', 1, ''),
    ('develop-eggs/demo.pth', '# none\n../../elsewhere\n', 'develop', 2, ''),
    ('develop-eggs/demo.pth', "import sys; sys.path.append('{path}')\n", 'develop', 1, ''),
    ('develop-eggs/__editable___demo_finder.py', "\nMAPPING = {{'demo': '{path}/no'}}\n",
     'develop', 2, 'no'),
    ('eggs/demo-1.0-py3.12.egg/demo-1.0.dist-info/direct_url.json',
     '{{"dir_info": {{"editable": true}}, "url": "file://{path}"}}', 'develop', None, ''),
    ('parts/instance/etc/zope.conf', '\nlog {path}/new.log\n', 'part', 2, 'new.log'),
    ('etc/nginx.conf', 'root "{path}/file";\n', 'part', 1, 'file'),
])  # fmt: skip
def test_each_kind_of_pointer_is_found(tree, outside, name, text, kind, line, target):
    path = outside / target if text == SCRIPT else outside
    text = text.format(python='/usr/bin/python3', own=outside.parent / 'shop', path=path)
    assert findings(tree({name: text})) == [
        Finding(kind, name, str(outside / target), line)]


def test_site_packages_are_told_apart(tree):
    text = SCRIPT.format(python='/usr/bin/python3', path='/usr/lib/python3/dist-packages')
    assert findings(tree({'bin/app': text})) == [
        Finding('site-packages', 'bin/app', '/usr/lib/python3/dist-packages', 5)]


@pytest.mark.parametrize('text', [
    '#!/usr/bin/env python3\n',
    'cat /etc/hosts > /dev/null; cd /tmp; ls /usr/lib /proc/self\n',
    'https://example.com/tmp/file http:/{outside}/file a/tmp/file ./tmp/file ~/file\n',
    "'/view/@@edit', '/login', '/Products.Demo/none'\n",
    "'{own}/eggs/demo-1.0-py3.12.egg', '{own}', \"{own}/parts/new\"\n",
    '{alias}/eggs/demo-1.0-py3.12.egg\n',
    '{own}/parts/../eggs\n',
    'library = {standard}\n',
])  # fmt: skip
def test_what_is_inside_or_of_the_system_does_not_count(tree, tmp_path, outside, text):
    alias = tmp_path / 'alias'
    alias.symlink_to('shop')
    standard = os.path.dirname(os.__file__)
    text = text.format(own=tmp_path / 'shop', alias=alias, standard=standard, outside=outside)
    report = everything(tree({'bin/app': text, 'parts/app/app.conf': text}))
    assert report.is_self_contained, report


def test_a_buildout_is_looked_at_by_any_of_its_names(tree, tmp_path, outside):
    directory = tree({'bin/app': f"'{tmp_path}/shop/eggs', '{outside}/file'\n"})
    (tmp_path / 'alias').symlink_to(directory)
    assert findings(tmp_path / 'alias') == findings(directory)
    assert [finding.target for finding in findings(directory)] == [str(outside / 'file')]


def test_paths_with_blanks_are_one_path(tree, tmp_path):
    other = tmp_path / 'my shop'
    other.mkdir()
    assert [finding.target for finding in findings(tree({'bin/app': f"path = '{other}'\n"}))] == [
        str(other)]
    moved = tree().rename(tmp_path / 'our shop')
    (moved / 'bin' / 'app').write_text(f"'{moved}/eggs/demo-1.0-py3.12.egg'\n")
    assert findings(moved) == []


def test_a_path_of_another_machine_counts_in_a_script(tree):
    text = "'/nowhere/eggs/demo-1.0-py3.12.egg'\n"
    assert [finding.kind for finding in findings(
        tree({'bin/app': text, 'parts/app/comment.py': text}))] == ['script']


def test_local_additions_to_the_system_count(tree):
    directory = tree({'bin/app': 'x = /usr/local/demo\n'})
    assert [finding.target for finding in findings(directory)] == ['/usr/local/demo']


def test_a_source_that_is_gone_counts(tree):
    name = 'develop-eggs/__editable___demo_finder.py'
    assert findings(tree({name: "MAPPING = {'demo': '/nowhere/src'}"})) == [
        Finding('develop', name, '/nowhere/src', 1)]


def test_links_that_lead_out_are_found_and_not_followed(tree, outside):
    directory = tree()
    (directory / 'var').symlink_to(outside)
    (directory / 'parts' / 'up').symlink_to('../../elsewhere/file')
    (directory / 'parts' / 'inside').symlink_to('../eggs')
    (directory / 'parts' / 'broken').symlink_to('nothing')
    (directory / 'parts' / 'loop').symlink_to('loop')
    (outside / 'file').write_text("'/nowhere/eggs/demo-1.0-py3.12.egg'")
    (directory / 'bin' / 'app').symlink_to(outside / 'file')
    assert sorted((finding.kind, finding.path, finding.target)
                  for finding in findings(directory)) == [
        ('link', 'bin/app', str(outside / 'file')),
        ('link', 'parts/up', str(outside / 'file')),
        ('link', 'var', str(outside)),
    ]


def test_run_paths_of_shared_objects_are_found(tree, outside):
    directory = tree()
    make_library(directory / 'parts/lib/libx.so', '-Wl,-soname,' + str(outside / 'libx.so'))
    make_library(
        directory / 'eggs/demo-1.0-py3.12.egg/demo/_demo.so.1',
        str(directory / 'parts/lib/libx.so'), '-Wl,--no-as-needed',
        str(directory / 'parts/lib/libx.so'),
        f'-Wl,-rpath,$ORIGIN/../lib:{outside}:{directory}/parts/lib:/usr/lib')
    assert sorted(finding.target for finding in findings(directory)
                  if finding.kind == 'library') == [str(outside), str(outside / 'libx.so')]


def test_a_program_in_the_bin_directory_is_a_shared_object_too(tree, outside):
    directory = tree()
    make_library(directory / 'bin' / 'tool.so', f'-Wl,-rpath,{outside}')
    assert findings(directory) == [Finding('library', 'bin/tool.so', str(outside))]


@pytest.mark.parametrize(('run_path', 'target'), [
    ('$ORIGIN/../../../elsewhere', 'elsewhere'),
    ('${ORIGIN}/../../../elsewhere', 'elsewhere'),
    ('../elsewhere', 'elsewhere'),
    ('/usr/lib/../local/demo', '/usr/local/demo'),
    ('$ORIGIN/../../parts:parts/lib:$ORIGIN:.', None),
    ('$ORIGIN/' + '../' * 30 + 'usr/lib', None),
])  # fmt: skip
def test_relative_run_paths_are_followed(tree, outside, run_path, target):
    directory = tree()
    make_library(directory / 'eggs/demo-1.0-py3.12.egg/_demo.so', f'-Wl,-rpath,{run_path}')
    assert [finding.target for finding in findings(directory)] == (
        [str(outside.parent / target)] if target else [])


def test_a_program_in_an_egg_has_a_run_path_too(tree, outside):
    directory = tree()
    name = 'eggs/demo-1.0-py3.12.egg/bin/tool'
    make_library(directory / name, f'-Wl,-rpath,{outside}').chmod(0o755)
    assert findings(directory) == [Finding('library', name, str(outside))]


def test_scripts_below_the_bin_directory_are_scripts(tree, outside):
    directory = tree({'bin/sub/deep/run': SCRIPT.format(python='/usr/bin/python3',
                                                        path='/nowhere/demo.egg')})
    report = everything(directory)
    assert report.findings == [
        Finding('script', 'bin/sub/deep/run', '/nowhere/demo.egg', 5)]
    assert report.interpreters == {'/usr/bin/python3': 1}


def test_eggs_among_the_parts_are_no_parts(tree, outside):
    directory = tree({'parts/eggs/demo.egg/demo.py': f"'{outside}/file'\n"},
                     '[buildout]\n[app]\neggs-directory = parts/eggs\n')
    assert findings(directory) == []


def test_a_link_in_circles_is_passed_over(tree, outside):
    directory = tree({'bin/app': f"'{outside}/file'\n"})
    for name in ('bin', 'parts', 'develop-eggs'):
        (directory / name / 'loop').symlink_to('loop')
    report = everything(directory)
    assert report.findings == [Finding('script', 'bin/app', str(outside / 'file'), 1)]
    assert not report.unread


def test_the_second_line_of_an_egg_link_is_relative_to_the_first(tree, outside):
    own = outside.parent / 'shop'
    assert findings(tree({'develop-eggs/demo.egg-link': f'\n{own}/src/lib/python\n../../'})) == []
    assert findings(tree({'develop-eggs/demo.egg-link': f'{outside}\n../../'})) == [
        Finding('develop', 'develop-eggs/demo.egg-link', str(outside), 1)]


def test_a_url_that_is_nested_without_end_is_passed_over(tree):
    assert findings(tree({'eggs/x.dist-info/direct_url.json': '[' * 200_000})) == []


@pytest.mark.parametrize('flag', ['--enable-new-dtags', '--disable-new-dtags'])
def test_rpath_and_runpath_are_read(tmp_path, flag):
    library = make_library(tmp_path / 'x.so', f'-Wl,-rpath,/one:$ORIGIN:/two,{flag}')
    assert elf.library_paths(library) == ['/one', '$ORIGIN', '/two']


def test_a_shared_object_without_run_path_has_none(tmp_path):
    assert elf.library_paths(make_library(tmp_path / 'x.so')) == []


def test_a_broken_shared_object_is_a_value_error_or_read(tmp_path):
    sound = make_library(tmp_path / 'x.so', '-Wl,-rpath,/one').read_bytes()
    chance, broken, errors = random.Random(properties.SEED), tmp_path / 'broken.so', 0
    for number in range(300):
        data = bytearray(sound[:chance.randrange(len(sound))] if number % 2 else sound)
        for _ in range(8 * (number % 2 == 0)):
            data[chance.randrange(64 + 56 * 11)] = chance.randrange(256)
        broken.write_bytes(data)
        try:
            elf.library_paths(broken)
        except ValueError:
            errors += 1
    assert errors > 50


def test_directories_elsewhere_come_first(tree, outside):
    script = f"'{outside}/demo-1.0-py3.12.egg'\n"
    directory = tree({'bin/app': script}, f'[buildout]\n\n[app]\neggs-directory = {outside}\n')
    assert [(finding.kind, finding.path) for finding in findings(directory)] == [
        ('directory', 'eggs-directory (.installed.cfg)'), ('script', 'bin/app')]


def test_options_say_where_scripts_and_parts_are(tree, outside):
    (outside / 'scripts').mkdir()
    (outside / 'scripts' / 'app').write_text(f'x = {outside}/file\n')
    directory = tree({'buildout.cfg': '', 'pieces/app.conf': f'x = {outside}/file\n'})
    report = everything(directory, **{
        'bin-directory': '${buildout:directory}/../elsewhere/scripts',
        'parts-directory': 'pieces', 'eggs-directory': '/nowhere/${other:option}'})
    assert [(finding.kind, finding.path) for finding in report.findings] == [
        ('directory', 'bin-directory (.installed.cfg)'),
        ('script', str(outside / 'scripts' / 'app')),
        ('part', 'pieces/app.conf'),
    ]


def test_files_that_were_installed_elsewhere_are_found(tree, outside):
    own = outside.parent / 'shop'
    installed = (f'[buildout]\ninstalled_develop_eggs = {outside}/demo.egg-link\n'
                 f'[app]\n__buildout_installed__ = {own}/bin/app\n\t{outside}/file\n'
                 f'data = {outside}\n\t{outside}/more\n')
    assert [(finding.line, finding.target) for finding in findings(tree((), installed))] == [
        (2, str(outside / 'demo.egg-link')), (5, str(outside / 'file'))]


def test_what_parts_installed_is_looked_at_wherever_it_is(tree, outside):
    text, own = f'root {outside}/file\n', outside.parent / 'shop'
    installed = (f'[buildout]\ninstalled_develop_eggs = {own}/develop-eggs/x.dist-info\n'
                 f'[app]\n__buildout_installed__ = {own}/nginx.conf\n\t{own}/var/app\n')
    directory = tree({
        'develop-eggs/x.dist-info/METADATA': text,
        'nginx.conf': text, 'var/app/deep/x': text, 'var/else': text}, installed)
    assert sorted(finding.path for finding in findings(directory)) == [
        'nginx.conf', 'var/app/deep/x']


def test_the_configuration_is_read_only_if_that_is_needed(tree):
    said = '[app]\n_e = {0}/eggs\n_b = {0}/bin\ndevelop-eggs-directory = {0}/develop-eggs\n'
    directory = tree({'buildout.cfg': ''})
    tree({}, said.format(directory))
    found = buildout_paths.find(directory, None)
    assert found == buildout_paths.find(directory, lambda path: 1 / 0)
    tree({}, said.format(directory).replace('_b', 'b'))
    with pytest.raises(ZeroDivisionError):
        buildout_paths.find(directory, lambda path: 1 / 0)


def test_interpreters_are_named_apart(tree, tmp_path):
    inside = tmp_path / 'shop' / 'venv'
    long = "#!/bin/sh\n'''exec' {}/bin/python3.12 \"$0\" \"$@\"\n' '''\n"
    directory = tree({
        'bin/one': f'#!{tmp_path}/venv/bin/python3\n',
        'bin/two': f'#! {tmp_path}/venv/bin/python3 -S\n',
        'bin/three': '#!/usr/bin/env python3\n',
        'bin/four': long.format(inside),
        'venv/pyvenv.cfg': '',
    })
    (inside / 'bin').mkdir()
    (inside / 'bin' / 'python').symlink_to('/usr/local/bin/python3')
    (tmp_path / 'venv').mkdir()
    (tmp_path / 'venv' / 'pyvenv.cfg').write_text('')
    report = everything(directory)
    assert report.is_self_contained
    assert report.interpreters == {
        f'{inside}/bin/python3.12': 1, f'{tmp_path}/venv/bin/python3': 2,
        '/usr/bin/env python3': 1, f'{inside}/bin/python': 0}
    assert selfcontained.virtual_environment(f'{tmp_path}/venv/bin/python3') == str(
        tmp_path / 'venv')
    assert selfcontained.virtual_environment('/usr/bin/python3') is None


def test_what_is_no_text_is_passed_over(tree, outside):
    directory = tree({
        'bin/binary': b'\0\1\2' + bytes(outside / 'file'),
        'bin/latin': b'# \xe4\xf6\xfc\n' + bytes(outside / 'file') + b'\n',
        'parts/none.json': '[]', 'parts/direct_url.json': '[1]', 'direct_url.json': '{"x": 1',
        'eggs/x.so': '/* a script of the linker */', 'bin/empty': '',
        'eggs/x.dist-info/direct_url.json':
            f'{{"dir_info": {{"editable": false}}, "url": "file://{outside}"}}',
        'eggs/module.py': f"'{outside}/file'", '.git/objects/x.pth': f'{outside}/file',
    })
    os.mkfifo(directory / 'bin' / 'pipe')
    os.mkfifo(directory / 'parts' / 'pipe')
    report = everything(directory)
    assert report.findings == [Finding('script', 'bin/latin', str(outside / 'file'), 2)]
    assert not report.unread


def test_scripts_alone_are_looked_at_for_the_scripts(tree, outside):
    directory = tree({'bin/app': f"'{outside}/file'\n", 'develop-eggs/x.egg-link': f'{outside}\n'})
    report = selfcontained.scripts(buildout_paths.find(directory))
    assert [finding.path for finding in report.findings] == ['bin/app']


def test_what_can_not_be_read_is_said(tree, monkeypatch, capsys):
    directory = tree({'parts/large.txt': 'x' * 100})
    shutil.rmtree(directory / 'bin')
    (directory / 'bin').write_text('')
    monkeypatch.setattr(selfcontained, 'MAXIMUM_SIZE', 99)
    assert check(directory) == 1
    output = capsys.readouterr()
    assert 'Not looked at: bin: Not a directory.\n' in output.err
    assert 'Not looked at: parts/large.txt: it is larger than 4 MB.\n' in output.err
    assert output.out == f'Nothing that was looked at leads out of {directory}.\n'


METADATA = 'Metadata-Version: 2.1\nName: {}\nVersion: 1.0\n'


def test_what_scripts_need_of_a_site_packages_is_named(tree, tmp_path, capsys):
    packages = tmp_path / 'venv/lib/python3.12/site-packages'
    for name, requires in (
        ('Setup.Tools', []), ('deep', []), ('wide', ['deep', 'x; extra == "other"']),
        ('more', []), ('idle', []), ('x', []), ('own', []),
    ):
        path = packages / f'{name}-1.0.dist-info'
        path.mkdir(parents=True)
        (path / 'METADATA').write_text(
            METADATA.format(name) + ''.join(f'Requires-Dist: {text}\n' for text in requires))
    egg, own = 'eggs/demo-1.0-py3.12.egg', tmp_path / 'shop'
    (packages / 'broken-1.0.dist-info').mkdir()
    script = SCRIPT.format(
        python='/usr/bin/python3',
        path=f"{own}/{egg}',\n  join(base, 'eggs/own-1.0.egg'),\n  '{packages}")
    requires = ('setup_tools', 'own', 'gone', 'wide>1', 'x; extra == "no"',
                'more; extra == "yes"', 'idle; python_version < "3"')  # fmt: skip
    directory = tree({
        'bin/app': script,
        f'{egg}/demo-1.0.dist-info/METADATA': METADATA.format('demo') + ''.join(
            f'Requires-Dist: {text}\n' for text in requires),
        'eggs/own-1.0.egg/EGG-INFO/PKG-INFO': METADATA.format('own'),
    }, f'[app]\n__buildout_installed__ = {own}/bin/app\neggs = demo[yes]\n  a b\n')
    names = ['deep', 'more', 'Setup.Tools', 'wide']
    [finding] = answer(capsys, 'check', directory, status=1)['findings']
    assert (finding['kind'], finding['distributions']) == ('site-packages', names)
    assert check(directory) == 1
    assert f'\n     needed of it: {", ".join(names)}\n' in capsys.readouterr().out


def test_what_is_no_buildout_is_exit_status_2(tmp_path, capsys):
    for path in (tmp_path, tmp_path / 'missing', Path(__file__)):
        with pytest.raises(SettingError):
            buildout_paths.find(path)
        assert check(path) == 2
    assert f'{tmp_path} is no buildout' in capsys.readouterr().err


def test_a_buildout_that_was_not_built_yet_is_said_to_be(tmp_path, capsys):
    (tmp_path / 'buildout.cfg').write_text('[buildout]\nparts =\n')
    assert check(tmp_path) == 1
    output = capsys.readouterr()
    assert output.err == ''
    assert output.out == (
        f'Nothing leads out of {tmp_path}, but it was not built yet. Run buildout.\n')


def test_a_broken_configuration_does_not_matter(tree, capsys):
    directory = tree({'buildout.cfg': '[buildout]\nextends = missing.cfg\n[', 'bin/app': ''})
    assert check(directory) == 0, capsys.readouterr()


def test_the_answer_for_people(tree, outside, capsys):
    paths = ''.join(f"  '{outside}/demo-{number}-py3.12.egg',\n" for number in range(6))
    directory = tree({'bin/app': '#!/usr/bin/python3\n' + paths, 'x.egg-link': f'{outside}/x\n'})
    assert check(directory) == 1
    output = capsys.readouterr()
    # An empty directory, that egg.
    assert output.err.startswith('Nobody can tell') and 'know them: demo-1.0-' in output.err
    head, advice = output.out.split('What to do:\n')
    assert head == (
        'bin/app\n'
        f'  2-7: 6 paths in {outside}\n'
        'x.egg-link\n'
        f'  1: {outside}/x (develop egg)\n'
        'Interpreter: /usr/bin/python3 (1 script).\n')
    assert advice.startswith('- Scripts have paths')
    assert advice.splitlines()[-1] == (
        f'{directory} is not self-contained: 7 paths lead out of it, in 2 files.')


@pytest.mark.parametrize(('configuration', 'installed', 'expected', 'others'), [
    # A run that failed after the option was taken away.
    ('', 'eggs', 'Run buildout, to its end', ['Take away the option', 'Delete']),
    # It is still there.
    ('eggs-directory = {}', 'eggs', 'Take away the option', ['to its end', 'Delete']),
    # A copy.
    ('', 'all', 'Run bootstrap.py here', ['Take away the option', 'to its end']),
    # A copy with a shared eggs directory.
    ('eggs-directory = {}', 'all', 'Run bootstrap.py here', ['to its end']),
])  # fmt: skip
def test_what_installed_cfg_alone_has_elsewhere_is_no_option(
    tree, outside, monkeypatch, capsys, configuration, installed, expected, others
):
    monkeypatch.setenv('HOME', str(outside))
    eggs = outside / 'eggs'
    lines = {
        'eggs': f'_e = {eggs}\n',
        'all': (f'_e = {eggs}\n_b = {outside}/bin\n_d = {outside}/dev\n'
                f'__buildout_installed__ = {outside}/bin/app\n'),
    }  # fmt: skip
    directory = tree({'buildout.cfg': f'[buildout]\nparts =\n{configuration.format(eggs)}\n'},
                     f'[buildout]\nparts = app\n[app]\n{lines[installed]}')  # fmt: skip
    assert check(directory) == 1
    advice = ' '.join(capsys.readouterr().out.partition('What to do:')[2].split())
    assert advice.count(expected) == 1
    assert not [other for other in others if other in advice]


def test_names_of_files_give_no_orders_to_a_terminal(tree, outside, capsys):
    assert check(tree({'etc/\x1b[2J': f'{outside}/file\n'})) == 1
    assert 'etc/\\x1b[2J\n' in capsys.readouterr().out


def test_the_answer_for_scripts(tree, outside, capsys):
    directory = tree({'bin/app': f'#!/usr/bin/python3\n{outside}/file\n'})
    assert check(directory, '--json') == 1
    assert json.loads(capsys.readouterr().out) == {
        'buildout': str(directory),
        'is_self_contained': False,
        'is_built': True,
        'findings': [
            {'kind': 'script', 'path': 'bin/app', 'line': 2, 'target': f'{outside}/file',
             'distributions': []}],
        'interpreters': [{'path': '/usr/bin/python3', 'script_count': 1,
                          'virtual_environment': None, 'is_inside': False}],
        'unread': [], 'modified': [], 'incomparable': ['demo-1.0-py3.12.egg'],
    }  # fmt: skip


def test_the_manual_names_the_fields_and_the_kinds(tree, outside, monkeypatch, capsys):
    directory = tree({'bin/app': f'#!/usr/bin/python3\n{outside}/file\n', 'etc/x': 'x' * 1000})
    foreign.write_pip_egg(directory / 'eggs', removed=['demo/run'])
    monkeypatch.setattr(selfcontained, 'MAXIMUM_SIZE', 999)
    assert_documented('check', answer(capsys, 'check', directory, status=1))
    kinds = section('check').partition('\n\nThe path of')[0]
    assert set(KINDS) <= set(re.findall('``([a-z-]+)``', kinds))


def test_there_is_advice_for_each_kind(tree, outside, capsys):
    from egg.cache.commands.buildout import check as verb

    assert set(verb._ADVICE) == set(verb._WORDS) == set(KINDS)


def test_files_of_eggs_are_not_read(tree, monkeypatch):
    directory = tree({'eggs/demo-1.0-py3.12.egg/demo.py': '', 'bin/app': ''})
    texts = []
    monkeypatch.setattr(selfcontained._Check, '_text', lambda self, path: texts.append(path))
    assert everything(directory).is_self_contained
    assert texts == [str(directory / 'bin' / 'app')]


def test_a_real_buildout(buildout_factory, index, archives_dir, tmp_path, capsys):
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0'))
    buildout = buildout_factory(egg_part('demo'))
    buildout.run()
    assert check(buildout.directory) == 0, capsys.readouterr()
    assert f'Interpreter: {sys.executable}' in capsys.readouterr().out

    # A copy: its scripts and .installed.cfg are those of the original.
    copy = shutil.copytree(buildout.directory, tmp_path / 'copy')
    assert check(copy, '--json') == 1
    found = json.loads(capsys.readouterr().out)['findings']
    assert [item['path'].split()[0] for item in found if item['kind'] == 'directory'] == [
        'eggs-directory', 'bin-directory', 'develop-eggs-directory']
    assert {item['kind'] for item in found} == {'directory', 'installed', 'script'}

    # What zc.buildout finds beside itself is not an egg of the buildout.
    buildout.configure(egg_part('demo', 'packaging'))
    buildout.run()
    assert check(buildout.directory, '--json') == 1
    found = json.loads(capsys.readouterr().out)['findings']
    assert [(item['path'], item['target']) for item in found] == [
        ('bin/demo', buildout.tools[0])]

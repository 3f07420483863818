"""bootstrap.py: eggs by hand, which do no more than tell what they were started with."""

import ast
import json
import os
import re
import runpy
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support import command, interpreters, trees
from support.eggs import archive, overwrite
from support.eggs import manifest as new_manifest
from support.rights import as_modes_say

from egg.cache.environment import environment as environments
from egg.cache.standalone import bootstrap
from egg.cache.standalone.bootstrap import Problem, differences, foreign_root, satisfies, set_aside
from egg.cache.store.layout import Layout
from egg.cache.store.store import Store

PYTHON = '.'.join(map(str, sys.version_info[:2]))
SUFFIX = f'py{PYTHON}-{sysconfig.get_platform()}'
HERE = bootstrap.environment()

MAIN = """\
import json, sys

def main(arguments=None):
    if '--version' in sys.argv:
        print('buildout version 6.0.1')
        return
    from zc.buildout import easy_install
    print(json.dumps({'path': sys.path, 'own': easy_install.buildout_and_setuptools_path}))
"""


def write_egg(directory, project, version='1.0', requires=(), files=None, python=PYTHON):
    """Write an egg as zc.buildout makes it and return its path."""
    suffix = SUFFIX.replace(f'py{PYTHON}', f'py{python}')
    egg = Path(directory, f'{project}-{version}-{suffix}.egg')
    lines = ['Metadata-Version: 2.1', f'Name: {project}', f'Version: {version}',
             *(f'Requires-Dist: {requirement}' for requirement in requires), '', 'Name: no']
    contents = {f'{project}-{version}-{suffix}.dist-info/METADATA': '\n'.join(lines),
                f'{project}.py': '', **(files or {})}  # fmt: skip
    for path, content in contents.items():
        (egg / path).parent.mkdir(parents=True, exist_ok=True)
        (egg / path).write_text(content)
    return egg


def write_buildout_egg(directory, version='6.0.1', requires=('packaging>=23', 'pip')):
    return write_egg(directory, 'zc.buildout', version, requires, {
        'zc/buildout/__init__.py': '', 'zc/buildout/buildout.py': MAIN,
        'zc/buildout/easy_install.py': 'buildout_and_setuptools_path = []\n',
    })  # fmt: skip


def write_extension(directory, **options):
    return write_egg(directory, 'egg.cache', files={
        f'egg.cache-1.0-{SUFFIX}.dist-info/entry_points.txt': '[zc.buildout.extension]\nx = y\n',
    }, **options)  # fmt: skip


def write_info(place, eggs, **fields):
    document = {
        'format': 1, 'directory': '/old', 'executable': '/old/python', 'environment': HERE,
        'directories': {'eggs-directory': 'eggs/v5', 'bin-directory': 'bin'},
        'buildout_eggs': [Path(egg).name for egg in eggs], **fields,
    }  # fmt: skip
    (place / '.buildinfo.json').write_text(json.dumps(document))


@pytest.fixture(autouse=True)
def own_caches(monkeypatch, tmp_path):
    """Let nobody look into the cache of whoever runs the tests."""
    monkeypatch.delenv('EGG_CACHE', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'no-caches'))


@pytest.fixture
def directory(tmp_path):
    """A buildout that has buildout.cfg and nothing else."""
    path = tmp_path / 'shop'
    path.mkdir()
    (path / 'buildout.cfg').write_text('[buildout]\nextensions = egg.cache\nparts =\n')
    return path


@pytest.fixture
def eggs(directory):
    """The own eggs of that buildout, as .buildinfo.json lists them."""
    place = directory / 'eggs/v5'
    made = [write_buildout_egg(place), write_extension(place),
            write_egg(place, 'packaging', '26.0'), write_egg(place, 'pip', '25.0')]  # fmt: skip
    write_info(directory, made)
    return made


def started(script, **env):
    """Run a script and return what the fake zc.buildout tells."""
    # bin/test gives its own sys.path to all processes.
    environ = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    result = subprocess.run([script, 'install'], capture_output=True, text=True,
                            env={**environ, 'PYTHONDONTWRITEBYTECODE': '1', **env})
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refused(directory, match, **options):
    """Fail unless the buildout is refused, and nothing in it is changed."""
    before = trees.snapshot(directory)
    with pytest.raises(Problem, match=match):
        bootstrap.bootstrap(str(directory), offline=True, **options)
    assert trees.differences(before, trees.snapshot(directory)) == []


# bin/buildout


def test_the_script_runs_the_listed_eggs_in_their_order(directory, eggs):
    script = bootstrap.bootstrap(str(directory), offline=True)
    assert script == str(directory / 'bin/buildout')
    told = started(script)
    assert told['path'][:4] == list(map(str, eggs))
    assert told['own'] == [str(eggs[1])]
    assert Path(script).read_text().startswith(f'#!{sys.executable}\n')
    assert stat.S_IMODE(os.stat(script).st_mode) & 0o711 == 0o711
    assert sorted(os.listdir(directory / 'bin')) == ['buildout']


def test_the_script_of_the_old_place_is_replaced_even_if_it_is_a_link(directory, eggs, tmp_path):
    (tmp_path / 'old').write_text('old')
    (directory / 'bin').mkdir()
    (directory / 'bin/buildout').symlink_to(tmp_path / 'old')
    started(bootstrap.bootstrap(str(directory), offline=True))
    assert (tmp_path / 'old').read_text() == 'old'


def test_what_is_beside_the_interpreter_is_not_seen(directory, eggs, tmp_path):
    # As a *-nspkg.pth does it.
    beside = tmp_path / 'lib/site-packages'
    (tmp_path / 'start').mkdir()
    (tmp_path / 'start/sitecustomize.py').write_text(
        'import sys, types\n'
        f"sys.path.append('{beside}')\n"
        "sys.modules['zc'] = types.ModuleType('zc')\n"
        f"sys.modules['zc'].__path__ = ['{beside}/zc']\n"
    )
    script = bootstrap.bootstrap(str(directory), offline=True)
    path = started(script, PYTHONPATH=str(tmp_path / 'start'))['path']
    assert str(tmp_path / 'start') in path
    assert not [entry for entry in path if entry.endswith(('site-packages', 'dist-packages'))]


def test_the_copies_that_setuptools_brings_are_no_distributions(directory, eggs, monkeypatch):
    vendored = eggs[2] / 'setuptools/_vendor'
    (vendored / 'copied-1.0.dist-info').mkdir(parents=True)
    (vendored / 'copied_module.py').write_text('')
    script = bootstrap.bootstrap(str(directory), offline=True)
    monkeypatch.setattr(sys, 'path', [*sys.path])
    for name in ('zc', 'zc.buildout', 'zc.buildout.easy_install', 'zc.buildout.buildout'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    text = Path(script).read_text()
    program = text.replace("if __name__ == '__main__':", 'if False:') + (
        "import copied_module\n"
        "print(type(pkgutil.get_importer(os.path.dirname(copied_module.__file__))).__name__)\n"
    ).replace('import', f'sys.path.append({str(vendored)!r})\nimport', 1)
    result = subprocess.run([sys.executable, '-'], input=program, capture_output=True, text=True)
    assert result.stdout == 'Modules\n', result.stderr


@pytest.mark.parametrize('name', ['an interpreter', "it's a \"python\" $HOME", 'long' * 40])
def test_an_interpreter_that_no_kernel_takes_is_started_by_a_shell(
        directory, eggs, tmp_path, monkeypatch, name):
    python = tmp_path / name / 'python'
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, 'executable', str(python))
    script = bootstrap.bootstrap(str(directory), offline=True)
    assert Path(script).read_text().startswith('#!/bin/sh\n')
    assert started(script)['path'][0] == str(eggs[0])


def test_metadata_of_own_eggs_are_called_as_in_their_wheel(directory, eggs):
    other = write_egg(eggs[0].parent, 'other')
    before = os.stat(eggs[0]).st_mtime_ns
    for _ in range(2):
        bootstrap.bootstrap(str(directory), offline=True)
    assert [path.name for path in eggs[0].glob('*-info')] == ['zc.buildout-6.0.1.dist-info']
    assert os.stat(eggs[0]).st_mtime_ns == before
    assert [path.name for path in other.glob('*-info')] == [f'other-1.0-{SUFFIX}.dist-info']


# Without .buildinfo.json


def test_own_eggs_are_found_by_their_metadata(directory):
    place = directory / 'eggs/v5'
    write_egg(place, 'packaging', '22.0')
    newest = [
        write_buildout_egg(place, requires=['packaging>=23,<27', 'pip', 'wheel; extra == "test"',
                                            'tomli; python_version < "3"']),
        write_extension(place, requires=['filelock']),
        write_egg(place, 'packaging', '26.10'), write_egg(place, 'pip', '25.0'),
        write_egg(place, 'filelock', '3.0'),
    ]  # fmt: skip
    write_egg(place, 'packaging', '26.9')
    write_egg(place, 'packaging', '27.0')
    write_egg(place, 'packaging', '26.11', python='2.7')
    write_egg(place, 'wheel')
    write_egg(place, 'unrelated')
    told = started(bootstrap.bootstrap(str(directory), offline=True))
    found = [path for path in told['path'] if path.startswith(str(directory / 'eggs'))]
    assert found == list(map(str, newest))


def test_metadata_of_release_4_are_read(directory):
    place = directory / 'eggs'
    egg = write_buildout_egg(place, '4.2.0', ())
    [info] = egg.glob('*.dist-info')
    os.rename(info, egg / 'EGG-INFO')
    os.rename(egg / 'EGG-INFO/METADATA', egg / 'EGG-INFO/PKG-INFO')
    (egg / 'EGG-INFO/requires.txt').write_text('pip\n\n[test]\nmanuel\n')
    (directory / 'buildout.cfg').write_text('[buildout]\n')
    pip = write_egg(place, 'pip')
    assert bootstrap.read_egg(str(egg)).requires == ['pip']
    told = started(bootstrap.bootstrap(str(directory), offline=True))
    assert told['path'][:2] == [str(egg), str(pip)]
    assert (egg / 'EGG-INFO').exists()


def test_the_eggs_directory_is_where_the_last_run_had_it(directory):
    egg = write_buildout_egg(directory / 'var/shared/v5', requires=())
    write_extension(egg.parent)
    (directory / '.installed.cfg').write_text(
        '[buildout]\n[app]\n_e = /old/var/shared/v5\n_b = /old/scripts\n'
        '__buildout_installed__ = /old/bin/app\n\t/old/bin/other\n')
    script = bootstrap.bootstrap(str(directory), offline=True)
    assert script == str(directory / 'scripts/buildout')
    assert started(script)['path'][0] == str(egg)


@pytest.mark.parametrize(('version', 'specifiers', 'expected'), [
    ('1.0', '', True), ('1.0', '>=1', True), ('1', '>=1.0', True), ('1.0.dev1', '>=1.0', False),
    ('1.0.1', '<=1.0', False), ('1.10', '>1.9', True), ('1.0.post1', '>1.0', True),
    ('82.0.0', '<82', False), ('81.9', '>=70,<82', True), ('2.5', '~=2.2', True),
    ('3.0', '~=2.2', False), ('2.2.9', '~=2.2.1', True), ('2.3', '~=2.2.1', False),
    ('1.2.3', '==1.2.*', True), ('1.3', '==1.2.*', False), ('1.3', '!=1.2.*', True),
    ('1.2', '!=1.2', False), ('2.9', '~=2.0', True), ('3.0', '~=2.0', False),
    ('1.0.0.dev1', '<1', True), ('10.0', '>=10', True), ('1.0.10', '>1.0.9', True),
    ('1.0+local', '==1.0', True), ('1.0rc1', '<1.0', True),
])  # fmt: skip
def test_versions_are_compared_as_everywhere(version, specifiers, expected):
    assert satisfies(version, bootstrap._SPECIFIER.findall(specifiers)) is expected


# For which interpreter


@pytest.mark.parametrize(('needed', 'said'), [
    ({'python': '2.7'}, 'Python 2.7 is needed'), ({'implementation': 'pypy'}, 'pypy is needed'),
    ({'soabi': 'cpython-27dmu'}, 'ABI cpython-27dmu is needed'),
    ({'platform': 'linux-s390x'}, 'platform linux-s390x is needed'),
])  # fmt: skip
def test_another_interpreter_is_refused_before_anything_is_written(
        directory, eggs, needed, said):
    write_info(directory, eggs, environment={**HERE, **needed})
    refused(directory, said)


def test_names_of_eggs_tell_for_which_interpreter_they_are(directory):
    write_egg(directory / 'eggs/v5', 'zc.buildout', python='2.7')
    refused(directory, f'Python 2.7 is needed, and this is {PYTHON}')
    write_egg(directory / 'eggs/v5', 'zc.buildout')
    assert bootstrap.guessed_environment(str(directory / 'eggs/v5'), HERE)['python'] == PYTHON


def test_shared_objects_tell_for_which_abi_they_are(directory):
    files = {'speedups.cpython-27dmu-s390x-linux-gnu.so': '', 'all.abi3.so': ''}
    write_egg(directory / 'eggs/v5', 'lxml', files=files)
    refused(directory, 'ABI cpython-27dmu-s390x-linux-gnu is needed')


@pytest.mark.parametrize(('needed', 'found', 'is_compiled', 'count'), [
    ('glibc 2.36', 'glibc 2.36', True, 0), ('glibc 2.36', 'glibc 2.41', True, 0),
    ('glibc 2.36', 'glibc 2.4', True, 1), ('glibc 2.36', 'glibc 2.4', False, 0),
    ('glibc 2.36', 'musl 3.0', True, 1), ('glibc 2.36', '', True, 1), ('', 'glibc 2.4', True, 0),
])  # fmt: skip
def test_the_libc_may_be_newer(needed, found, is_compiled, count):
    assert len(differences({'libc': needed}, {'libc': found}, is_compiled)) == count


def test_an_older_libc_does_no_harm_where_nothing_is_compiled(directory, eggs):
    name = HERE['libc'].split(' ')[0] or 'glibc'
    write_info(directory, eggs, environment={**HERE, 'libc': f'{name} 99.0'})
    started(bootstrap.bootstrap(str(directory), offline=True))
    write_egg(eggs[0].parent, 'lxml', files={'speedups.abi3.so': ''})
    refused(directory, f'{name} 99.0 or newer is needed')


def test_an_interpreter_of_another_version_is_refused(directory, eggs):
    shutil.copy(bootstrap.__file__, directory)
    before = trees.snapshot(directory)
    others = interpreters.installed([(3, minor) for minor in range(10, 16)
                                     if minor != sys.version_info[1]])  # fmt: skip
    if not others:
        pytest.skip('there is no CPython of another version from 3.10 to 3.15')
    for python in others.values():
        result = subprocess.run([python, 'bootstrap.py'], cwd=directory, capture_output=True,
                                text=True, env=interpreters.environ())  # fmt: skip
        assert f'Python {PYTHON} is needed, and this is 3.' in result.stderr
        assert (result.returncode, result.stdout) == (1, '')
        assert trees.differences(before, trees.snapshot(directory)) == []


def test_a_python_that_is_too_old_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'version_info', (3, 9, 18))
    assert bootstrap.main([]) == 1
    assert capsys.readouterr().err.endswith('is too old for egg.cache; take 3.10 or newer.\n')


def test_the_script_can_be_read_by_a_python_that_is_too_old():
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 6))


# What is refused


def test_a_directory_that_is_no_buildout_is_refused(tmp_path):
    refused(tmp_path, 'is no buildout: it has no buildout.cfg')


def test_a_buildout_without_eggs_is_refused_offline(directory):
    refused(directory, 'zc.buildout, egg.cache are missing')


def test_an_egg_that_is_listed_and_not_there_is_refused_offline(directory, eggs):
    shutil.rmtree(eggs[3])
    refused(directory, 'pip==25.0 is missing')
    eggs[3].mkdir()
    refused(directory, 'pip==25.0 is missing')


def test_a_list_without_zc_buildout_is_refused(directory, eggs):
    write_info(directory, eggs[1:])
    refused(directory, 'There is no zc.buildout among the eggs')


def test_eggs_that_do_not_run_are_refused(directory, eggs, capsys):
    (eggs[0] / 'zc/buildout/buildout.py').write_text('raise SystemError("broken")')
    refused(directory, 'does not run from these eggs')
    assert 'SystemError: broken' in capsys.readouterr().err


@pytest.mark.parametrize('document', [
    '', 'x', '[]', '{}', 'null', '{"format": 2}', '{"format": true}', '[' * 100000, '\udcff',
    {'buildout_eggs': ['../../x-1.0-py3.12.egg']}, {'buildout_eggs': ['/x-1.0-py3.12.egg']},
    {'buildout_eggs': ['..']}, {'buildout_eggs': ['x']}, {'buildout_eggs': [1]},
    {'buildout_eggs': 'zc.buildout-1.0-py3.12.egg'}, {'buildout_eggs': None},
    {'buildout_eggs': ['x\n-1.0-py3.12.egg']}, {'buildout_eggs': ['x\33-1.0-py3.12.egg']},
    {'buildout_eggs': ['a-1-py3.12-b/../../x.egg']},
    {'directories': {'eggs-directory': '../elsewhere'}}, {'directories': []},
    {'directories': {'bin-directory': 1}}, {'directories': {'bin-directory': 'a\0b'}},
    {'directories': {'bin-directory': ''}}, {'environment': []}, {'environment': {'python': 3}},
    {'directory': 7}, {'egg_cache': 'relative'}, {'egg_cache': ['/x']}, {'directory': ''},
], ids=lambda document: re.sub(r'\W+', ' ', str(document))[:40])  # fmt: skip
def test_a_buildinfo_that_nobody_wrote_is_refused(directory, eggs, document):
    path = directory / '.buildinfo.json'
    if isinstance(document, str):
        path.write_text(document, errors='surrogateescape')
    else:
        write_info(directory, eggs, **document)
    refused(directory, r'\.buildinfo\.json is not what egg\.cache wrote')
    path.unlink()
    started(bootstrap.bootstrap(str(directory), offline=True))


def test_a_pipe_in_the_place_of_a_file_stops_nobody(directory, eggs):
    (directory / '.buildinfo.json').unlink()
    os.mkfifo(directory / '.buildinfo.json')
    refused(directory, r'\.buildinfo\.json is not what egg\.cache wrote')


@pytest.mark.parametrize('name', ['bin', 'eggs'])
def test_nothing_is_written_elsewhere(directory, eggs, tmp_path, name):
    elsewhere = tmp_path / 'elsewhere'
    if name == 'eggs':
        os.rename(directory / 'eggs', elsewhere)
        before = trees.snapshot(elsewhere)
        (directory / name).symlink_to(elsewhere)
        started(bootstrap.bootstrap(str(directory), offline=True))
    else:
        elsewhere.mkdir()
        before = trees.snapshot(elsewhere)
        (directory / name).symlink_to(elsewhere)
        refused(directory, 'this script writes nothing elsewhere')
    assert trees.differences(before, trees.snapshot(elsewhere)) == []


def test_a_bin_directory_with_another_name_elsewhere_is_refused(directory, eggs, tmp_path):
    write_info(directory, eggs, directories={'bin-directory': str(tmp_path / 'x'),
                                             'eggs-directory': 'eggs/v5'})  # fmt: skip
    refused(directory, 'this script writes nothing elsewhere')
    assert not (tmp_path / 'x').exists()


def test_a_directory_that_nobody_may_write_to_is_refused(directory, eggs):
    directory.chmod(0o555)
    try:
        with as_modes_say():
            refused(directory, 'is not a directory that you may write to')
    finally:
        directory.chmod(0o755)


@pytest.mark.parametrize('version', ['', '--index-url=x', '6 0', '../x'])
def test_what_is_no_version_is_refused(directory, eggs, version):
    refused(directory, 'is not a version', version=version)


@pytest.mark.parametrize('function', ['copy2', 'mkstemp', 'mkdtemp'])
def test_what_was_begun_on_a_full_disk_goes_again(
        directory, eggs, store, monkeypatch, capsys, function):
    module = shutil if function == 'copy2' else bootstrap.tempfile
    original = getattr(module, function)

    def fail(*args, **options):
        place = args[1] if args else options.get('dir', '')
        if str(place).startswith(str(directory)):
            raise OSError(28, 'No space left on device', 'source', None, place)
        return original(*args, **options)

    for egg, project in zip(eggs, ('zc.buildout', 'egg.cache', 'packaging', 'pip')):
        cached(store, egg, project, egg.name.split('-')[1])
    shutil.rmtree(directory / 'eggs')
    before = trees.snapshot(directory, times=False)
    monkeypatch.setattr(module, function, fail)
    monkeypatch.setattr(bootstrap, '__file__', str(directory / 'bootstrap.py'))
    arguments = ['--offline', '--cache', str(store.layout.root)]
    assert bootstrap.main(arguments) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert f': No space left on device: {directory}' in line
    assert trees.differences(before, trees.snapshot(directory, times=False)) == []
    monkeypatch.setattr(module, function, original)
    assert bootstrap.main(arguments) == 0
    started(directory / 'bin/buildout')


@pytest.mark.parametrize(('pins', 'expected'), [
    ({'versions.cfg': '5.2.0'}, '^zc.buildout==5.2.0, egg.cache are missing'),
    ({'versions.cfg': '5.2.0', 'buildout.cfg': '5.2.0'},
     '^zc.buildout==5.2.0, egg.cache are missing'),
    ({'versions.cfg': '5.2.0', 'other.cfg': '6.0.1'}, '^zc.buildout, egg.cache are missing'),
    ({'versions.cfg': '${versions:x}'}, '^zc.buildout, egg.cache are missing'),
])  # fmt: skip
def test_a_new_checkout_gets_the_zc_buildout_that_it_pins(directory, pins, expected):
    for name, version in pins.items():
        with open(directory / name, 'a') as file:
            file.write(f'\n[versions]\nzc.buildout = {version}\nzc.buildout.more = 1\n')
    refused(directory, expected)


# Whose is .installed.cfg?

INSTALLED = """\
[buildout]
installed_develop_eggs = {0}/develop-eggs/shop.egg-link
\t{0}/develop-eggs/other.egg-link
parts = app

[app]
__buildout_installed__ = {0}/bin/app
\t/etc/cron.d/app
_b = {0}/bin
_e = {0}/eggs/v5
location = /old/unrelated/parts/x
recipe = zc.recipe.egg
"""


@pytest.mark.parametrize(('text', 'expected'), [
    (INSTALLED.format('/old/shop'), '/old/shop'),
    (INSTALLED.format('/srv/bin/shop'), '/srv/bin/shop'),
    (INSTALLED.format('/parts/eggs/bin'), '/parts/eggs/bin'),
    ('[a]\n__buildout_installed__ = /old/parts/a\n', '/old'),
    ('[a]\n__buildout_installed__ =\n\t/old/parts/a\n', '/old'),
    ('[a]\neggs-directory = /old/eggs\n', '/old'),
    ('[a]\neggs-directory = /old/eggs-of-others\n', None),
    ('[a]\n__buildout_installed__ = /etc/cron.d/app\n', None),
    ('[a]\nsomething = /old/bin/app\n', None), ('', None), ('[buildout]\nparts =\n', None),
])  # fmt: skip
def test_an_installed_cfg_tells_whose_it_is(tmp_path, text, expected):
    assert foreign_root(text, str(tmp_path)) == expected


def test_names_of_directories_may_be_others():
    text = '[a]\n_e = /old/var/shared\n__buildout_installed__ = /old/scripts/a\n'
    assert foreign_root(text, '/new') is None
    assert foreign_root(text, '/new', ('var/shared', 'scripts')) == '/old'


def test_an_installed_cfg_is_ones_own_by_any_name_of_the_directory(tmp_path):
    (tmp_path / 'real').mkdir()
    (tmp_path / 'link').symlink_to('real')
    for one, other in (('real', 'link'), ('link', 'real'), ('real', 'real')):
        text = INSTALLED.format(tmp_path / one)
        assert foreign_root(text, str(tmp_path / other)) is None
    assert foreign_root(INSTALLED.format(tmp_path / 'real2'), str(tmp_path / 'real')) == str(
        tmp_path / 'real2')  # fmt: skip


def test_a_foreign_installed_cfg_is_set_aside(directory):
    path = directory / '.installed.cfg'
    assert set_aside(str(directory)) is None
    path.write_text(INSTALLED.format(directory))
    assert set_aside(str(directory)) is None
    assert path.exists()
    path.write_text(INSTALLED.format('/old'))
    assert set_aside(str(directory)) == '/old'
    assert not path.exists()
    assert '/old/bin/app' in (directory / '.installed.cfg.foreign').read_text()


def test_buildinfo_tells_where_a_buildout_was(directory):
    text = '[a]\n__buildout_installed__ = /old/etc/a\n'
    (directory / '.installed.cfg').write_text(text)
    write_info(directory, [], directory=str(directory))
    assert set_aside(str(directory)) is None
    write_info(directory, [], directory='/older')
    assert set_aside(str(directory)) is None
    write_info(directory, [], directory='/old')
    assert set_aside(str(directory)) == '/old'


def test_directories_outside_of_every_copy_say_nothing(directory):
    (directory / '.installed.cfg').write_text('[a]\n__buildout_installed__ = /opt/shop/bin/a\n')
    write_info(directory, [], directory=str(directory), directories={
        'bin-directory': '/opt/shop/bin', 'eggs-directory': 'eggs'})  # fmt: skip
    assert set_aside(str(directory)) is None
    write_info(directory, [], directory=str(directory))
    assert set_aside(str(directory)) is None
    with open(directory / '.installed.cfg', 'a') as file:
        file.write('_b = /opt/shop/bin\n')
    assert set_aside(str(directory)) == '/opt/shop'


@pytest.mark.parametrize(('name', 'expected'), [
    ('other.cfg', False), ('.installed.cfg', True), ('buildout.cfg', True),
    ('bin/buildout', True),
])  # fmt: skip
def test_what_a_part_installed_elsewhere_alone_makes_no_buildout_of_that_place(
        directory, tmp_path, name, expected):
    other = tmp_path / 'elsewhere'
    (other / 'bin').mkdir(parents=True)
    (directory / '.installed.cfg').write_text(
        f'[a]\n__buildout_installed__ = {other}/bin/run\neggs-directory = /home/me/eggs/v5\n')
    (other / name).write_text('')
    assert set_aside(str(directory)) == (str(other) if expected else None)


def test_the_script_sets_it_aside_last(directory, eggs, capsys):
    (directory / '.installed.cfg').write_text(INSTALLED.format('/old'))
    os.rename(eggs[0], directory / 'away')
    refused(directory, 'is missing')
    os.rename(directory / 'away', eggs[0])
    bootstrap.bootstrap(str(directory), offline=True)
    assert (directory / '.installed.cfg.foreign').exists()
    assert '.installed.cfg was that of /old: it is' in capsys.readouterr().err


# From the egg cache


@pytest.fixture
def store(tmp_path):
    """The part of an egg cache that is of this environment."""
    store = Store(Layout(tmp_path / 'cache'), '')
    current = environments.current('6.0.1', environ={})
    store = Store(Layout(tmp_path / 'cache'), current.key)
    store.prepare()
    path = store.layout.environment(current.key) / 'environment.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(current.describe()))
    return store


def cached(store, egg, project, version):
    """Move an egg to the cache and return its entry."""
    entry = store.add(new_manifest(egg, (), project, version, archive(project, version)), egg)
    shutil.rmtree(egg)
    return entry


def test_missing_eggs_come_from_the_cache(directory, eggs, store):
    os.symlink('packaging.py', eggs[2] / 'link')
    (eggs[2] / 'empty').mkdir()
    (eggs[2] / 'packaging.py').chmod(0o755)
    before = trees.snapshot(eggs[2])
    cached(store, eggs[2], 'packaging', '26.0')
    refused(directory, 'packaging==26.0 is missing')
    script = bootstrap.bootstrap(str(directory), True, str(store.layout.root))
    assert started(script)['path'][2] == str(eggs[2])
    bootstrap.restore_metadata_name(str(eggs[2]))
    after = trees.snapshot(eggs[2])
    names = {path: path.replace(f'-{SUFFIX}.dist-info', '.dist-info') for path in before}
    expected = {names[path]: node for path, node in before.items()}
    expected['link'] = expected['link']._replace(time=after['link'].time)
    assert trees.differences(expected, after) == []


@pytest.mark.parametrize('way', ['buildinfo', 'variable', 'default'])
def test_the_cache_is_found(directory, eggs, store, way, monkeypatch, tmp_path):
    cached(store, eggs[2], 'packaging', '26.0')
    if way == 'variable':
        monkeypatch.setenv('EGG_CACHE', str(store.layout.root))
    elif way == 'default':
        monkeypatch.setattr(bootstrap.sys, 'platform', 'linux')
        monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'caches'))
        (tmp_path / 'caches').mkdir()
        (tmp_path / 'caches/egg-cache').symlink_to(store.layout.root)
    else:
        write_info(directory, eggs, egg_cache=str(store.layout.root))
    started(bootstrap.bootstrap(str(directory), offline=True))


def test_without_buildinfo_the_newest_cached_egg_that_fits_is_taken(directory, store, tmp_path):
    for project, version in (('packaging', '22.0'), ('packaging', '26.10'), ('packaging', '26.9'),
                             ('pip', '25.0')):  # fmt: skip
        cached(store, write_egg(tmp_path / 'made', project, version), project, version)
    cached(store, write_buildout_egg(tmp_path / 'made'), 'zc.buildout', '6.0.1')
    cached(store, write_extension(tmp_path / 'made'), 'egg.cache', '1.0')
    script = bootstrap.bootstrap(str(directory), True, str(store.layout.root))
    names = [Path(path).name for path in started(script)['path'] if '/eggs/v5/' in path]
    assert [name.partition('-py')[0] for name in names] == [
        'zc.buildout-6.0.1', 'egg.cache-1.0', 'packaging-26.10', 'pip-25.0']


@pytest.mark.parametrize('damage', ['content', 'added', 'manifest', 'link', 'writable'])
def test_a_damaged_egg_is_not_used(directory, eggs, store, capsys, damage):
    entry = cached(store, eggs[2], 'packaging', '26.0')
    if damage == 'content':
        overwrite(entry.egg / 'packaging.py', b'evil = 1')
    elif damage == 'added':
        entry.egg.chmod(0o755)
        (entry.egg / 'evil.py').write_text('')
    elif damage == 'manifest':
        text = (entry.path / 'entry.json').read_text()
        overwrite(entry.path / 'entry.json', text.replace('"format": 1', '"format": 1 ').encode())
    elif damage == 'link':
        entry.path.rename(store.layout.root / 'elsewhere')
        entry.path.symlink_to(store.layout.root / 'elsewhere')
    else:
        entry.path.chmod(0o777)
    refused(directory, 'packaging==26.0 is missing', cache=str(store.layout.root))
    assert str(entry.path) in capsys.readouterr().err


def test_entries_of_another_environment_are_not_used(directory, eggs, store):
    cached(store, eggs[2], 'packaging', '26.0')
    [path] = store.layout.environments.glob('*/environment.json')
    document = {**json.loads(path.read_text()), 'variables': {'CC': 'clang'}}
    path.write_text(json.dumps(document))
    refused(directory, 'packaging==26.0 is missing', cache=str(store.layout.root))


def test_a_cache_that_everybody_can_write_to_is_refused(directory, eggs, store, capsys):
    cached(store, eggs[2], 'packaging', '26.0')
    root = store.layout.root
    root.chmod(0o777)
    refused(directory, 'everybody can write to it', cache=str(root))
    write_info(directory, eggs, egg_cache=str(root))
    refused(directory, 'packaging==26.0 is missing')
    assert f'The egg cache {root} is not used' in capsys.readouterr().err
    refused(directory, 'is not an egg cache', cache=str(root / 'nowhere'))


# The file


def test_the_copied_file_says_in_its_last_line_that_it_is_done(directory, eggs):
    shutil.copy(bootstrap.__file__, directory)
    command_line = [sys.executable, '-I', 'bootstrap.py', '--offline']
    result = subprocess.run(command_line, cwd=directory, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, '')
    assert result.stdout == f'{directory}/bin/buildout is ready.\n'
    shutil.rmtree(eggs[0])
    result = subprocess.run(command_line, cwd=directory, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, '')
    assert result.stderr.startswith('bootstrap: zc.buildout==6.0.1 is missing')


def test_the_command_writes_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status, output, _ = command.run(capsys, 'bootstrap-script')
    assert status == 0
    assert output.startswith(f'{tmp_path}/bootstrap.py is written.')
    assert Path('bootstrap.py').read_bytes() == Path(bootstrap.__file__).read_bytes()
    assert runpy.run_path('bootstrap.py')['environment']() == HERE
    document = command.answer(capsys, 'bootstrap-script')
    assert document == {'path': f'{tmp_path}/bootstrap.py', 'is_new': False}
    command.assert_documented('bootstrap-script', document)


def test_the_command_replaces_no_other_file(tmp_path, capsys):
    path = tmp_path / 'file'
    path.write_text('mine')
    status, _, errors = command.run(capsys, 'bootstrap-script', '-o', path)
    assert (status, path.read_text()) == (1, 'mine')
    assert 'is there, and is something else' in errors
    assert command.run(capsys, 'bootstrap-script', '-o', path, '--force')[0] == 0
    assert path.read_bytes() == Path(bootstrap.__file__).read_bytes()
    for wrong in (tmp_path, tmp_path / 'no/file'):
        assert command.run(capsys, 'bootstrap-script', '-o', wrong, '--force')[0] == 1


def test_the_command_prints_the_file(capsys):
    assert command.run(capsys, 'bootstrap-script', '-o', '-')[1] == (
        Path(bootstrap.__file__).read_text())  # fmt: skip
    assert command.run(capsys, 'bootstrap-script', '-o', '-', '--json')[0] == 1

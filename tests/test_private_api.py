"""Does this zc.buildout have all that the installer relies on, and what if it has not?"""

import builtins
import inspect

import pytest
from support import archives, twins
from support import tools as support_tools
from support.runner import egg_part
from zc.buildout import easy_install

from egg.cache import installer

# How a later zc.buildout may differ: buildout itself still works with each of these.
GONE = '''
import builtins
from zc.buildout import easy_install
builtins.{name} = easy_install.{name}
del easy_install.{name}
'''
OTHER_SIGNATURE = '''
from zc.buildout import easy_install
original = easy_install.{owner}{name}
def changed(*args, **options):
    return original(*args, **options)
easy_install.{owner}{name} = changed
'''
RELIED_ON = [*installer.SIGNATURES, *installer.NAMES]
DIFFERENCES = {
    **{name: GONE.format(name=name)
       for name in (*installer.NAMES, *installer.SIGNATURES, 'Installer') if '.' not in name},
    **{name: OTHER_SIGNATURE.format(owner=name.partition('.')[0] + '.',
                                    name=name.partition('.')[2])
       for name in installer.SIGNATURES if '.' in name},
    'Installer.__init__': OTHER_SIGNATURE.format(owner='Installer.', name='__init__'),
}
REPORT = {  # What is said, where it is not the name itself.
    'Installer': 'Installer._satisfied',
    'Installer.__init__': 'Installer._dest',
}
TYPICAL = ('Installer._satisfied', 'call_pip_install', 'UNPACKERS')


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


def test_nothing_is_lacking():
    assert installer.lacking() == []


@pytest.mark.parametrize('name', installer.SIGNATURES)
def test_a_function_has_the_parameters_that_are_relied_on(name):
    function = easy_install
    for part in name.split('.'):
        function = getattr(function, part)
    expected = installer.SIGNATURES[name]
    assert tuple(inspect.signature(function).parameters)[:len(expected)] == expected


@pytest.mark.parametrize('name', installer.NAMES)
def test_a_name_is_there(name):
    assert hasattr(easy_install, name)


def test_attributes_of_installers_and_indexes_are_there():
    found = easy_install.Installer(check_picked=False)
    for name in installer.ATTRIBUTES['Installer']:
        assert hasattr(found, name)
    index = easy_install.AllowHostsPackageIndex('http://127.0.0.1:9/')
    for name in installer.ATTRIBUTES['AllowHostsPackageIndex']:
        assert hasattr(index, name)


def test_whatever_the_installer_uses_is_listed():
    """All private names of buildout in the source of the installer are looked for."""
    source = inspect.getsource(installer)
    listed = {part for name in RELIED_ON for part in name.split('.')}
    listed.update(name for names in installer.ATTRIBUTES.values() for name in names)
    used = {word for word in dir(easy_install) if word.startswith('_') and word[1] != '_'
            and f'easy_install.{word}' in source}
    used |= {word for word in dir(easy_install.Installer) if word.startswith('_')
             and word[1] != '_' and (f'super().{word}' in source)}
    assert used <= listed
    assert {'_satisfied', '_get_dist'} <= used


@pytest.mark.parametrize('name', [name for name in RELIED_ON if '.' not in name])
def test_a_name_that_is_gone_is_lacking(monkeypatch, name):
    monkeypatch.setattr(builtins, name, getattr(easy_install, name), raising=False)
    monkeypatch.delattr(easy_install, name)
    assert installer.lacking() == [name]


@pytest.mark.parametrize('name', [name for name in RELIED_ON if '.' in name])
def test_a_method_that_is_gone_or_has_other_parameters_is_lacking(monkeypatch, name):
    owner, _, method = name.partition('.')
    monkeypatch.setattr(getattr(easy_install, owner), method, lambda self, other: None)
    assert installer.lacking() == [name]
    monkeypatch.setattr(getattr(easy_install, owner), method, None)
    assert installer.lacking() == [name]


@pytest.mark.parametrize('owner', installer.ATTRIBUTES)
def test_an_attribute_that_no_initialiser_sets_is_lacking(monkeypatch, owner):
    for base in inspect.getmro(getattr(easy_install, owner))[:-1]:
        if '__init__' in vars(base):
            monkeypatch.setattr(base, '__init__', lambda self: None)
    names = installer.ATTRIBUTES[owner]
    assert installer.lacking() == [f'{owner}.{name}' for name in names]


def assert_it_is_switched_off(buildout, difference):
    result = buildout.run()
    [warning] = result.lines('The egg cache is switched off')
    report = REPORT.get(difference, difference)
    assert result.lines('where these differ:', report)
    assert result.lines('Is there a newer egg.cache?')
    assert not result.lines('Egg cache:') and 'Traceback' not in result.output
    return result


def test_without_what_it_relies_on_it_switches_itself_off_and_the_build_goes_on(
        buildout_factory, index, archives_dir, tools, tmp_path, cache_dir):
    index.add(archives.make_egg(archives_dir, 'demo', '1.0'))
    config = egg_part('demo', versions={'demo': '1.0'})
    plain = buildout_factory(config, cache=False)
    plain.run()
    for number, name in enumerate(TYPICAL):
        less = twins.patched(tmp_path / f'patch{number}', tools, DIFFERENCES[name])
        buildout = buildout_factory(config, tools=less)
        assert_it_is_switched_off(buildout, name)
        twins.assert_same(plain, buildout)
        assert not cache_dir.exists()


@pytest.mark.slow
@pytest.mark.parametrize('name', [name for name in DIFFERENCES if name not in TYPICAL])
def test_each_difference_is_noticed_by_a_real_buildout(buildout_factory, tools, tmp_path, name):
    less = twins.patched(tmp_path / 'patch', tools, DIFFERENCES[name])
    assert_it_is_switched_off(buildout_factory({}, tools=less), name)


@pytest.mark.slow
@pytest.mark.parametrize('version', ['4.2.0', '5.2.0', '6.0.1'])
def test_no_release_lacks_anything(buildout_factory, tmp_path, version):
    tools = support_tools.tools_for(version, tmp_path / 'tools')
    result = twins.run_code(buildout_factory({}, tools=tools), '''
from egg.cache import installer
from importlib.metadata import version
print(version("zc.buildout"), installer.lacking())
''')
    assert result.lines(f'{version} []')

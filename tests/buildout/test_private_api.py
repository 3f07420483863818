"""Does this zc.buildout have all that the hooks rely on, and what if it has not?"""

import builtins
import inspect
from pathlib import Path

import pytest
from support import archives, twins
from support import tools as support_tools
from support.runner import egg_part
from zc.buildout import easy_install

from egg.cache.buildout.hooks import compatibility

# How a later zc.buildout may differ: buildout itself still works with each of these.
GONE = '''
import builtins
from zc.buildout import easy_install
builtins.{name} = easy_install.{name}
del easy_install.{name}
'''
OTHER_SIGNATURE = '''
from zc.buildout import buildout, easy_install
owner = {module}.{owner}
original = owner.{name}
def changed(*args, **options):
    return original(*args, **options)
owner.{name} = changed
'''


def other_signature(name):
    owner, _, method = name.partition('.')
    module = 'buildout' if owner == 'Buildout' else 'easy_install'
    return OTHER_SIGNATURE.format(module=module, owner=owner, name=method)


HOOKS = Path(compatibility.__file__).parent
RELIED_ON = [*compatibility.SIGNATURES, *compatibility.NAMES]
DIFFERENCES = {
    **{name: GONE.format(name=name)
       for name in (*compatibility.NAMES, *compatibility.SIGNATURES, 'Installer')
       if '.' not in name},
    **{name: other_signature(name) for name in compatibility.SIGNATURES if '.' in name},
    'Installer.__init__': other_signature('Installer.__init__'),
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
    assert compatibility.lacking() == []


@pytest.mark.parametrize('name', compatibility.SIGNATURES)
def test_a_function_has_the_parameters_that_are_relied_on(name):
    function = compatibility.owner(name)
    for part in name.split('.'):
        function = getattr(function, part)
    expected = compatibility.SIGNATURES[name]
    assert tuple(inspect.signature(function).parameters)[:len(expected)] == expected


@pytest.mark.parametrize('name', compatibility.NAMES)
def test_a_name_is_there(name):
    assert hasattr(easy_install, name)


def test_attributes_of_installers_and_indexes_are_there():
    found = easy_install.Installer(check_picked=False)
    for name in compatibility.ATTRIBUTES['Installer']:
        assert hasattr(found, name)
    index = easy_install.AllowHostsPackageIndex('http://127.0.0.1:9/')
    for name in compatibility.ATTRIBUTES['AllowHostsPackageIndex']:
        assert hasattr(index, name)


def test_whatever_the_hooks_use_is_listed():
    """All private names of buildout in the source of the hooks are looked for."""
    source = '\n'.join(path.read_text() for path in HOOKS.glob('*.py'))
    listed = {part for name in RELIED_ON for part in name.split('.')}
    listed.update(name for names in compatibility.ATTRIBUTES.values() for name in names)
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
    assert compatibility.lacking() == [name]


@pytest.mark.parametrize('name', [name for name in RELIED_ON if '.' in name])
def test_a_method_that_is_gone_or_has_other_parameters_is_lacking(monkeypatch, name):
    owner, _, method = name.partition('.')
    cls = getattr(compatibility.owner(name), owner)
    monkeypatch.setattr(cls, method, lambda self, other, third, fourth: None)
    assert compatibility.lacking() == [name]
    monkeypatch.setattr(cls, method, None)
    assert compatibility.lacking() == [name]


@pytest.mark.parametrize('owner', compatibility.ATTRIBUTES)
def test_an_attribute_that_no_initialiser_sets_is_lacking(monkeypatch, owner):
    for base in inspect.getmro(getattr(easy_install, owner))[:-1]:
        if '__init__' in vars(base):
            monkeypatch.setattr(base, '__init__', lambda self: None)
    names = compatibility.ATTRIBUTES[owner]
    assert compatibility.lacking() == [f'{owner}.{name}' for name in names]


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
from egg.cache.buildout.hooks import compatibility
from importlib.metadata import version
print(version("zc.buildout"), compatibility.lacking())
''')
    assert result.lines(f'{version} []')

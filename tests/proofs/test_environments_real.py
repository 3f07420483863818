"""Two environments never share an entry: real buildouts in each of them."""

import sys

import pytest
from packaging import tags
from support import archives, twins
from support import tools as support_tools
from support.runner import egg_part

from egg.cache.environment import environment

PLATFORM = '''
from packaging import tags
tags.platform_tags = lambda: iter({platforms!r})
'''
INTERPRETER = '''
from packaging import tags
real = next(tags.sys_tags())
tags.sys_tags = lambda *args, **kwargs: iter([tags.Tag({interpreter!r}, {abi!r}, real.platform)])
'''


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


@pytest.fixture
def demo(index, archives_dir):
    """A configuration with one egg: a zipped one, for it is the fastest to get."""
    index.add(archives.make_egg(archives_dir, 'demo', '1.0'))
    return egg_part('demo', versions={'demo': '1.0'})


@pytest.mark.slow
def test_no_environment_sees_the_entries_of_another(
        buildout_factory, demo, tools, tmp_path, cache_dir):
    digits = f'cp{sys.version_info[0]}{sys.version_info[1]}'
    patches = {
        'musl': PLATFORM.format(platforms=['musllinux_1_2_x86_64', 'linux_x86_64']),
        'glibc': PLATFORM.format(platforms=['manylinux_2_17_x86_64', 'linux_x86_64']),
        'mac': PLATFORM.format(platforms=['macosx_14_0_arm64']),
        'free-threaded': INTERPRETER.format(interpreter=digits, abi=f'{digits}t'),
        'debug': INTERPRETER.format(interpreter=digits, abi=f'{digits}d'),
        'pypy': INTERPRETER.format(interpreter='pp310', abi='pypy310_pp73'),
    }
    runs = {'plain': {}}
    for name, code in patches.items():
        runs[name] = {'tools': twins.patched(tmp_path / f'patch-{name}', tools, code)}
    runs.update({'key': {'egg_cache_key': 'rhel9'}, 'other key': {'egg_cache_key': 'fips'}})
    environs = {name: {name.split()[0]: value} for name, value in (
        ('CFLAGS', '-O1'), ('CFLAGS (other)', '-O2'), ('CC', 'gcc'))}
    known = set()
    for name in [*runs, *environs]:
        options, env = runs.get(name, {}), environs.get(name)
        first = buildout_factory(demo, **options).run(env=env)
        assert first.lines('Egg cache: 0 of 1 egg copied, 1 built and stored'), name
        [key] = set(twins.keys(cache_dir)) - known
        known.add(key)
    assert twins.entries(cache_dir) == {('demo', '1.0'): len(known)}
    # They do share with themselves.
    for name in ('plain', 'free-threaded', 'CC'):
        second = buildout_factory(demo, **runs.get(name, {})).run(env=environs.get(name))
        assert second.lines('Egg cache: 1 of 1 egg copied'), name
    assert set(twins.keys(cache_dir)) == known


@pytest.mark.parametrize(('interpreter', 'abi', 'platforms', 'expected'), [
    ('cp313', 'cp313t', ['manylinux_2_36_x86_64'], 'cp313t-manylinux_2_36_x86_64-egg5'),
    ('cp314', 'cp314t', ['macosx_14_0_arm64'], 'cp314t-macosx_14_0_arm64-egg5'),
    ('cp313', 'cp313td', ['linux_x86_64'], 'cp313td-linux_x86_64-egg5'),
    ('cp313', 'cp313', ['manylinux_2_36_x86_64'], 'cp313-manylinux_2_36_x86_64-egg5'),
])
def test_a_free_threaded_interpreter_has_keys_of_its_own(
        monkeypatch, interpreter, abi, platforms, expected):
    monkeypatch.setattr(
        tags, 'sys_tags', lambda: iter([tags.Tag(interpreter, abi, platforms[0])]))
    monkeypatch.setattr(tags, 'platform_tags', lambda: iter(platforms))
    assert environment.current('6.0.1', environ={}).key == expected


@pytest.mark.slow
def test_eggs_of_buildout_4_are_not_those_of_later_ones(
        buildout_factory, index, archives_dir, tmp_path, cache_dir, recipe_wheel):
    """Namespace packages of one format break those of the other."""
    index.remove(recipe_wheel.name)
    init = '__import__("pkg_resources").declare_namespace(__name__)\n'
    for name in ('old.one', 'old.two'):
        package, module = name.split('.')
        stem = f'{name.replace(".", "_")}-1.0.dist-info'
        index.add(archives.make_wheel(
            archives_dir, name, '1.0', {
                f'{package}/__init__.py': init, f'{stem}/namespace_packages.txt': 'old\n'}))
    part = egg_part('old.one', 'old.two', versions={'old.one': '1.0', 'old.two': '1.0'},
                    interpreter='py')
    seen = []
    for version in ('4.2.0', '5.2.0', '6.0.1'):
        directory = tmp_path / f'tools-{version}'
        tools = support_tools.tools_for(version, directory)
        recipe = support_tools.recipe_for(version, tmp_path / f'recipe-{version}')
        index.add(recipe)
        plain = buildout_factory(part, tools=tools, cache=False)
        plain.run()
        for number in range(2):
            cached = buildout_factory(part, tools=tools)
            result = cached.run()
            hits = bool(result.lines('Copied old.one 1.0'))
            # Releases 5 and 6 share their eggs.
            assert hits is (number == 1 or version == '6.0.1')
            twins.assert_same(plain, cached)
            output = cached.script(
                'py', '-c', 'import old.one, old.two; print(old.one.VERSION, old.two.VERSION)')
            assert output.endswith('1.0 1.0\n')
        seen.append(set(twins.keys(cache_dir)))
        index.remove(recipe.name)
    assert [len(keys) for keys in seen] == [1, 2, 2]
    [four] = [key for key in seen[0] if key.endswith('-egg4')]
    assert len(list(cache_dir.glob(f'v1/{four}/eggs/old-*'))) == 2

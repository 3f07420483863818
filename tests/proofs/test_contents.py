"""Whatever is in an egg, it gets into the cache and out of it unharmed."""

import os
import stat
import sys
import zipfile

import pytest
from support import archives, trees, twins
from support.runner import egg_part

SCRIPT = '#!python\nimport {name}\nprint("script of", {name}.VERSION)\n'


@pytest.fixture(scope='session')
def tools(tmp_path_factory):
    return twins.tools_with_recipe(tmp_path_factory.mktemp('tools'))


def write_egg(directory, name, members):
    """Write a zipped egg of `members`: {path: (mode or None, data)}; paths with / at the end
    are directories."""
    path = archives.make_egg(directory, name, '1.0')
    with zipfile.ZipFile(path, 'a', zipfile.ZIP_DEFLATED) as archive:
        for member, (mode, data) in members.items():
            info = zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = (mode or 0) << 16
            archive.writestr(info, data)
    return path


@pytest.mark.slow
def test_scripts_modes_and_names_survive(buildout_factory, index, archives_dir, cache_dir):
    long_name = 'n' * 251 + '.txt'
    deep = '/'.join(['d' * 200] * 8)
    index.add(archives.make_wheel(
        archives_dir, 'wheely', '1.0',
        files={
            'wheely/data/empty.txt': '',
            'wheely/data/nul.bin': b'\0\xff\r\n',
            'wheely/data/grüße ☃ 日本.txt': 'ä',
            'wheely/data/with blank\'s "quotes".txt': 'x',
            f'wheely/{long_name}': 'long',
            'wheely/run.sh': '#!/bin/sh\necho run\n',
            'wheely/.hidden': 'h',
            'wheely/__pycache__/stale.txt': 'not bytecode',
        },
        executable=['wheely/run.sh'],
        entry_points='[console_scripts]\nwheely = wheely:main\nwheely-2 = wheely:main\n',
        scripts={'old-wheely': SCRIPT.format(name='wheely')}))
    index.add(archives.make_wheel(
        archives_dir, 'scripty', '1.0', entry_points='',
        scripts={'old-scripty': SCRIPT.format(name='scripty')}))
    index.add(write_egg(archives_dir, 'eggy', {
        'eggy/empty/': (0o755, ''),
        'eggy/readonly.txt': (0o100444, 'r'),
        'eggy/secret.txt': (0o100600, 's'),
        'eggy/run.sh': (0o100755, '#!/bin/sh\necho run\n'),
        'eggy/odd.sh': (0o100711, 'o'),
        'eggy/unset.txt': (None, 'u'),
        f'eggy/{deep}/end.txt': (0o100644, 'deep'),
        'eggy/größe.txt': (0o100644, 'ö'),
        'EGG-INFO/scripts/old-eggy': (0o100755, SCRIPT.format(name='eggy')),
    }))
    config = egg_part(
        'wheely', 'scripty', 'eggy',
        versions={'wheely': '1.0', 'scripty': '1.0', 'eggy': '1.0'})
    both = twins.run(buildout_factory, config)
    assert both.served.result.lines('Egg cache: 3 of 3 eggs copied')
    assert both.served.result.pip_count == 0
    served, stored = both.served.buildout, both.storing.buildout
    # Even the times are those of what was stored, or bytecode would be stale.
    for name in ('wheely', 'scripty', 'eggy'):
        assert trees.differences(
            trees.snapshot(stored.egg(name)), trees.snapshot(served.egg(name))) == []
    wheely, eggy = served.egg('wheely') / 'wheely', served.egg('eggy') / 'eggy'
    assert wheely.joinpath(long_name).read_text() == 'long'
    assert wheely.joinpath('data', 'grüße ☃ 日本.txt').read_text() == 'ä'
    assert wheely.joinpath('data', 'nul.bin').read_bytes() == b'\0\xff\r\n'
    assert os.access(wheely / 'run.sh', os.X_OK)
    assert eggy.joinpath('empty').is_dir() and not any(eggy.joinpath('empty').iterdir())
    assert eggy.joinpath(deep, 'end.txt').read_text() == 'deep'
    modes = {name: stat.S_IMODE(eggy.joinpath(name).stat().st_mode)
             for name in ('readonly.txt', 'secret.txt', 'run.sh', 'odd.sh')}
    assert modes == {'readonly.txt': 0o444, 'secret.txt': 0o600, 'run.sh': 0o755, 'odd.sh': 0o711}
    # The copy is the buildout's own: its files can be changed as those of a built egg can.
    assert os.access(wheely / '__init__.py', os.W_OK)
    assert served.script('wheely-2') == 'wheely 1.0\n'
    assert served.script('old-eggy') == 'script of 1.0\n'
    programs = [{path.name for path in twin.buildout.path('bin').iterdir()} for twin in both]
    assert programs[0] == programs[1] == programs[2] >= {'wheely', 'wheely-2', 'old-eggy'}


@pytest.mark.parametrize('umasks', [('022', '077'), ('077', '022')])
def test_modes_are_those_that_the_same_user_would_have_built(
        buildout_factory, index, archives_dir, tmp_path, umasks):
    index.add(archives.make_wheel(
        archives_dir, 'wheely', '1.0', {'wheely/run.sh': 'x'}, executable=['wheely/run.sh']))
    index.add(write_egg(archives_dir, 'eggy', {
        'eggy/readonly.txt': (0o100444, 'r'),
        'eggy/secret.txt': (0o100600, 's'),
        'eggy/run.sh': (0o100755, 'x'),
    }))
    config = egg_part('wheely', 'eggy', versions={'wheely': '1.0', 'eggy': '1.0'})

    def python(umask):
        path = tmp_path / f'python-{umask}'
        path.write_text(f'#!/bin/sh\numask {umask}\nexec {sys.executable} "$@"\n')
        path.chmod(0o755)
        return path

    theirs, ours = map(python, umasks)
    buildout_factory(config).run(python=theirs)
    plain, served = buildout_factory(config, cache=False), buildout_factory(config)
    plain.run(python=ours)
    assert served.run(python=ours).lines('Egg cache: 2 of 2 eggs copied')
    twins.assert_same(plain, served)


@pytest.mark.slow
def test_namespace_packages_work_together(buildout_factory, index, archives_dir):
    old = '__import__("pkg_resources").declare_namespace(__name__)\n'
    index.add(archives.make_wheel(archives_dir, 'native.one', '1.0'))
    for name in ('old.one', 'old.two'):
        info = f'{name.replace(".", "_")}-1.0.dist-info'
        index.add(archives.make_wheel(
            archives_dir, name, '1.0',
            {'old/__init__.py': old, f'{info}/namespace_packages.txt': 'old\n'}))
    index.add(archives.make_egg(archives_dir, 'native.two', '1.0'))
    names = ['native.one', 'native.two', 'old.one', 'old.two']
    config = egg_part(*names, versions=dict.fromkeys(names, '1.0'), interpreter='py')
    both = twins.run(buildout_factory, config)
    assert both.served.result.lines('Egg cache: 4 of 4 eggs copied')
    code = ('import native.one, native.two, old.one, old.two; '
            'print(native.two.VERSION, old.one.VERSION, old.two.VERSION)')
    assert both.served.buildout.script('py', '-c', code).endswith('1.0 1.0 1.0\n')


@pytest.mark.slow
def test_an_egg_of_ten_thousand_files(buildout_factory, index, archives_dir):
    index.add(write_egg(archives_dir, 'big', {
        f'big/d{number % 100}/f{number}.txt': (0o100644, str(number))
        for number in range(10_000)}))
    config = egg_part('big', versions={'big': '1.0'})
    both = twins.run(buildout_factory, config)
    assert both.served.result.lines('Egg cache: 1 of 1 egg copied')
    assert len(trees.snapshot(both.served.buildout.egg('big'), contents=False)) > 10_100
    # In proportion: a copy costs some seconds at the worst, whatever the machine.
    assert both.served.result.seconds < 2 * both.plain.result.seconds + 20


def test_a_path_that_is_too_long_for_the_cache_is_one_warning(
        buildout_factory, index, archives_dir, tmp_path, cache_dir):
    """It fits where the eggs are, but not into a cache directory with a long name."""
    index.add(write_egg(archives_dir, 'deep', {
        '/'.join(['deep', *['d' * 250] * 10, 'end.txt']): (0o100644, 'end')}))
    config = egg_part('deep', versions={'deep': '1.0'})
    plain = buildout_factory(config, cache=False)
    plain.run()
    cache = tmp_path.joinpath('cache', *['c' * 250] * 6)
    for _ in range(2):
        buildout = buildout_factory(config, egg_cache=cache)
        result = buildout.run()
        assert len(result.lines("Can't", 'the egg cache in')) == 1
        assert result.lines('File name too long')
        assert not result.lines('Copied')
        twins.assert_same(plain, buildout)
        assert not list(cache.glob('tmp/*')) and not list(cache.glob('v1/*/eggs/*/*/*'))

"""Modified: which files of an egg are not as they were built?"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import archives, shipping
from support.command import answer, run
from support.eggs import new_store
from support.foreign import stem, write_pip_egg, write_setuptools_egg
from support.runner import egg_part, environment

from egg.cache.adopt import adoption
from egg.cache.environment.environment import current
from egg.cache.portable import modified_eggs
from egg.cache.portable.modified_eggs import EGG_CACHE, RECORD, Modified
from egg.cache.release import release
from egg.cache.store import manifest as manifests
from egg.cache.store.manifest import Archive

INFO = f'{stem()}.dist-info'


def test_an_egg_is_as_it_was_built(tmp_path):
    for egg in (write_pip_egg(tmp_path / 'pip'), write_setuptools_egg(tmp_path / 'setuptools')):
        found = modified_eggs.of(egg)
        assert found == Modified(egg.name, RECORD)
        assert found.is_fit and not found.is_modified


def test_each_file_is_named(tmp_path):
    egg = write_pip_egg(tmp_path, files={'demo/a.py': b'a', 'demo/b.txt': b'b'},
                        unlisted={'demo/c.bin': b'c', 'x/y/z': b''})  # fmt: skip
    (egg / 'demo/a.py').write_bytes(b'b')
    (egg / 'demo/b.txt').unlink()
    found = modified_eggs.of(egg)
    assert found == Modified(
        egg.name, RECORD, ('demo/a.py',), ('demo/b.txt',), ('demo/c.bin', 'x/y/z'))
    assert list(map(str, found.faults)) == [
        'demo/a.py was changed', 'demo/b.txt is missing', 'demo/c.bin was added',
        'x/y/z was added']
    assert modified_eggs.surplus(egg, found.added) == {'demo/c.bin', 'x/y/z', 'x/y', 'x'}


@pytest.mark.parametrize(('path', 'is_fit'), [
    ('demo/data.bin', True), ('demo/more.py', False), ('more.so', False), ('more.pyc', False),
])  # fmt: skip
def test_a_module_that_was_added_makes_another_program(tmp_path, path, is_fit):
    found = modified_eggs.of(write_pip_egg(tmp_path, unlisted={path: b'x'}))
    assert (found.added, found.is_modified, found.is_fit) == ((path,), False, is_fit)


@pytest.mark.parametrize('path', [
    'demo/__pycache__/__init__.cpython-312.pyc', 'demo/__pycache__/gone.cpython-312.pyc',
    'demo/__pycache__/__init__.cpython-312.pyc.140234', 'demo/__init__.pyc'])  # fmt: skip
def test_what_python_compiled_does_not_count(tmp_path, path):
    egg = write_pip_egg(tmp_path, unlisted={path: b'whatever'})
    assert modified_eggs.of(egg).paths == {}


def test_what_buildout_and_those_who_rebuild_eggs_do_does_not_count(tmp_path):
    declared = b"__import__('pkg_resources').declare_namespace(__name__)\n"
    vendored = 'setuptools/_vendor/wheel-1.0.dist-info'
    egg = write_pip_egg(
        tmp_path, removed=['ns/__init__.py', f'{INFO}/direct_url.json', f'{vendored}/METADATA'],
        files={'ns/__init__.py': declared, 'ns/demo/x.py': b'', f'{vendored}/METADATA': b'x',
               f'{INFO}/namespace_packages.txt': b'ns\nother\n'},
        unlisted={'other/__init__.py': declared})  # fmt: skip
    assert modified_eggs.of(egg).paths == {}
    # Only a part of such a directory is another matter.
    (egg / vendored).mkdir(parents=True)
    assert modified_eggs.of(egg).missing == (f'{vendored}/METADATA',)


def test_what_nobody_could_adopt_can_be_compared(tmp_path):
    egg = write_pip_egg(tmp_path)
    (egg / 'demo/run').chmod(0o666)
    os.symlink('/etc', egg / 'demo/etc')
    os.mkfifo(egg / 'demo/pipe')
    assert modified_eggs.of(egg) == Modified(egg.name, RECORD, added=('demo/etc', 'demo/pipe'))


def test_without_a_record_the_egg_cache_tells(tmp_path):
    egg = write_setuptools_egg(tmp_path / 'eggs')
    (egg / 'EGG-INFO/RECORD').unlink()
    store = new_store(tmp_path / 'cache')
    assert modified_eggs.of(egg, store.layout) == Modified(egg.name)
    build = manifests.Build(0.0, '', '', '', '')
    for number in range(2):
        archive = Archive(f'demo-1.0-{number}.zip', f'{number}' * 64)
        store.add(manifests.Manifest('demo', '1.0', egg.name, archive, build, 0o022, ()), egg)
        # Two archives made nearly the same egg: the one that is more like it counts.
        (egg / 'demo/number').write_text(str(number))
    (egg / 'demo/number').write_text('0')
    assert modified_eggs.of(egg, store.layout) == Modified(egg.name, EGG_CACHE)
    (egg / 'demo/__init__.py').write_text('edited')
    (egg / 'demo/__pycache__').mkdir()
    (egg / 'demo/__pycache__/x.cpython-312.pyc').write_text('')
    (egg / 'demo/number').unlink()
    (egg / 'demo/more').write_text('')
    assert modified_eggs.of(egg, store.layout).paths == {
        'changed': ['demo/__init__.py'], 'added': ['demo/more']}
    assert modified_eggs.of(egg) == Modified(egg.name)
    text = modified_eggs.remark([Modified('a'), Modified('b', RECORD), Modified('c')])
    assert text.endswith(': a, c.')
    assert modified_eggs.remark([Modified('b', RECORD)]) == ''


# Real buildouts


@pytest.fixture(autouse=True)
def user(home, tmp_path, monkeypatch):
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    (tmp_path / 'tmp').mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'tmp'))


@pytest.mark.slow
def test_an_edited_egg_is_named_and_not_packed(
    capsys, tmp_path, buildout_factory, index, archives_dir
):
    for name, requires in (('dep', []), ('demo', ['dep'])):
        index.add(archives.make_wheel(archives_dir, name, '1.0', requires=requires))
    shop = buildout_factory(egg_part('demo'), directory=tmp_path / 'shop')
    shop.run()
    shipping.complete(shop)
    [egg] = shop.eggs_directory.glob('demo-*.egg')
    [other] = shop.eggs_directory.glob('dep-*.egg')
    archive = tmp_path / 'shop.tar.gz'
    pack = ['pack', shop.directory, '-o', archive, '--version', '1']
    document = answer(capsys, 'check', shop.directory)
    assert (document['modified'], document['incomparable']) == ([], [])

    # What a program leaves behind is named, and left out.
    (other / 'dep/cache.xml.bin').write_bytes(b'cached')
    status, output, _ = run(capsys, 'check', shop.directory)
    assert status == 0 and f'{other.name}\n  dep/cache.xml.bin was added\n' in output
    status, _, errors = run(capsys, *pack)
    assert status == 0, errors
    assert f'Not in the release: {other.name}/dep/cache.xml.bin was added' in errors
    one = release.read(archive)
    assert not [path for path in one.files if path.endswith('cache.xml.bin')]
    assert 'archive' in one.eggs[egg.name] and 'modified' not in one.eggs[other.name]

    # What was edited or is gone is refused.
    archive.unlink()
    [module] = egg.glob('demo/__init__.py')
    module.write_text(module.read_text() + '# edited\n')
    status, output, _ = run(capsys, 'check', shop.directory)
    assert status == 1 and f'{egg.name}\n  demo/__init__.py was changed\n' in output
    status, output, errors = run(capsys, *pack)
    assert (status, output, archive.exists()) == (1, '', False)
    assert f'    {egg.name}/demo/__init__.py was changed\n' in errors
    assert 'cache.xml.bin' not in errors and '--allow-changed' in errors
    [row] = [row for row in answer(capsys, 'sbom', shop.directory)['components']
             if row['name'] == 'demo']  # fmt: skip
    assert 'changed: demo/__init__.py' in row['pedigree']['notes']

    # What is meant is packed as it is, and the documents say so.
    document = answer(capsys, *pack, '--allow-changed')
    assert [(row['egg'], row['changed'], row['added']) for row in document['modified']] == [
        (egg.name, ['demo/__init__.py'], []), (other.name, [], ['dep/cache.xml.bin'])]
    one = release.read(archive)
    wheel = archives_dir / 'demo-1.0-py3-none-any.whl'
    assert 'archive' not in one.eggs[egg.name]
    assert one.eggs[egg.name]['modified']['changed'] == ['demo/__init__.py']
    assert one.eggs[egg.name]['modified']['archive']['sha256'] == archives.digest(wheel)
    subprocess.run([sys.executable, '-m', 'tarfile', '-e', archive, tmp_path / 'there'],
                   check=True, capture_output=True)  # fmt: skip
    [top] = (tmp_path / 'there').iterdir()
    assert (top / egg.relative_to(shop.directory) / 'demo/__init__.py').read_text() == (
        module.read_text())
    bill = {row['name']: row for row in answer(capsys, 'sbom', top)['components']}
    assert 'changed: demo/__init__.py' in bill['demo']['pedigree']['notes']
    assert 'purl' not in bill['demo'] and 'externalReferences' not in bill['demo']
    [original] = bill['demo']['pedigree']['ancestors']
    assert original['purl'] == 'pkg:pypi/demo@1.0'
    assert 'pedigree' not in bill['zc.buildout']


def test_an_egg_that_was_edited_after_it_was_packed_is_another_component(capsys, tmp_path):
    from support.releases import Release

    one = Release('1.0', {
        f'eggs/v5/demo-1.0-py3.egg/demo-1.0.dist-info/{name}': text
        for name, text in {'METADATA': b'Name: demo\nVersion: 1.0\n'}.items()})
    one.document['eggs']['demo-1.0-py3.egg']['archive'] = {'name': 'demo-1.0.zip'}
    for path, content in one.contents.items():
        place = tmp_path / 'top' / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (tmp_path / 'top/.buildinfo.json').write_text(json.dumps({
        **shipping.buildinfo_document(tmp_path, 'eggs/v5', [])}))
    (tmp_path / 'top/RELEASE.json').write_bytes(one.data)
    os.symlink('__init__.py', tmp_path / 'top/eggs/v5/demo-1.0-py3.egg/demo/link')
    [row] = answer(capsys, 'sbom', tmp_path / 'top')['components']
    assert row['externalReferences'] and 'pedigree' not in row
    Path(tmp_path, 'top/eggs/v5/demo-1.0-py3.egg/demo/old.py').write_text('edited')
    [row] = answer(capsys, 'sbom', tmp_path / 'top')['components']
    assert 'externalReferences' not in row
    assert row['pedigree']['notes'].endswith('changed or missing: demo/old.py.')


def test_the_cache_takes_what_the_record_has(tmp_path):
    """A running program has written into the egg."""
    plain = write_pip_egg(tmp_path / 'plain')
    egg = write_pip_egg(tmp_path / 'used', unlisted={'demo/new/x.bin': b'x'})
    here = current('6.0.1')
    found = []
    for name, place in (('a', plain), ('b', egg)):
        store = adoption.prepare(new_store(tmp_path / name).layout, here)
        [one] = adoption.adopt(store, [place], [adoption.origins.EVERYWHERE], here.egg_format)
        [entry] = store.versions('demo')
        assert list(entry.faults()) == []
        found.append((one.outcome, one.left_out, {item.path for item in entry.manifest.items}))
    assert found == [('added', (), found[0][2]), ('added', ('demo/new/x.bin',), found[0][2])]
    assert not any(path.endswith(('new', 'x.bin')) for path in found[1][2])

"""Wheels of what is installed: made again by `RECORD`, or refused."""

import csv
import subprocess
import sys
import zipfile

import pytest
from support import archives

from egg.cache.eggs import wheel_rebuild
from egg.cache.common.errors import CacheError


def installed(directory, wheel):
    """Install a wheel as pip does, below a prefix; return its metadata directory."""
    prefix = directory / 'prefix'
    subprocess.run(
        [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index',
         '--ignore-installed',
         '--no-warn-script-location', '--disable-pip-version-check',
         '--root-user-action=ignore', '--prefix', prefix, wheel],
        check=True,
    )  # fmt: skip
    [info] = prefix.glob('lib*/python*/site-packages/*.dist-info')
    return info


def members(wheel):
    """Return {name: (content, is it executable)} of a wheel, but for its RECORD."""
    with zipfile.ZipFile(wheel) as archive:
        return {one.filename: (archive.read(one), bool(one.external_attr >> 16 & 0o111))
                for one in archive.infolist() if not one.filename.endswith('/RECORD')}


@pytest.fixture
def rich_wheel(tmp_path):
    """A wheel with all that a wheel can have."""
    return archives.make_wheel(
        tmp_path, 'ns.demo', '1.0', tag='py2.py3-none-any', requires=['other'],
        files={
            'ns_demo-1.0.data/data/share/demo/table.txt': 'data',
            'ns/demo/run.sh': '#!/bin/sh\n', 'ns/demo/\xe4.txt': 'not ASCII',
        },
        scripts={'by-hand': '#!python\nprint("by hand")\n', 'shell': '#!/bin/sh\necho\n'},
        executable=['ns/demo/run.sh'],
        entry_points='[console_scripts]\nDemo = ns.demo:main\n',
    )  # fmt: skip


@pytest.fixture
def simple(tmp_path):
    """The metadata of an installed wheel, written by hand."""
    packages = tmp_path / 'packages'
    with zipfile.ZipFile(archives.make_wheel(tmp_path, 'demo', '1.0')) as archive:
        archive.extractall(packages)
    return packages / 'demo-1.0.dist-info'


def test_a_wheel_is_what_it_was_before_it_was_installed(tmp_path, rich_wheel):
    info = installed(tmp_path, rich_wheel)
    assert (info.parents[3] / 'bin' / 'Demo').exists()
    again = wheel_rebuild.rebuild(info, tmp_path / 'prefix')
    assert again.name == rich_wheel.name
    # A wheel from elsewhere may say that a script is executable; an installer makes it so.
    before = {name: (data, '.data/scripts/' in name or mode)
              for name, (data, mode) in members(rich_wheel).items()}
    assert members(again) == before


def test_its_record_lists_all_of_it(tmp_path, simple):
    wheel = wheel_rebuild.rebuild(simple, tmp_path / 'packages')
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read('demo-1.0.dist-info/RECORD').decode()
        names = archive.namelist()
    rows = list(csv.reader(text.splitlines()))
    assert [row[0] for row in rows] == names
    assert all(row[1].startswith('sha256=') for row in rows[:-1]) and rows[-1][1:] == ['', '']


def test_the_same_installation_gives_the_same_bytes(tmp_path, simple):
    first = wheel_rebuild.rebuild(simple, tmp_path / 'packages').read_bytes()
    (simple / 'METADATA').touch()
    assert wheel_rebuild.rebuild(simple, tmp_path / 'packages').read_bytes() == first


@pytest.mark.parametrize(('spoil', 'complaint'), [
    (lambda info: (info.parent / 'demo' / '__init__.py').write_text('changed'),
     'demo/__init__.py is not what was installed'),
    (lambda info: (info.parent / 'demo' / '__init__.py').unlink(), "can't be read"),
    (lambda info: (info / 'RECORD').unlink(), 'has no RECORD'),
    (lambda info: (info / 'WHEEL').unlink(), 'has no WHEEL'),
    (lambda info: (info / 'WHEEL').write_text('Tag: nonsense\n'), 'names no tag'),
    (lambda info: (info / 'direct_url.json').write_text(
        '{"url": "file:///src", "dir_info": {"editable": true}}'), 'editable'),
])
def test_what_is_no_longer_what_was_installed_is_refused(tmp_path, simple, spoil, complaint):
    spoil(simple)
    with pytest.raises(CacheError, match=complaint):
        wheel_rebuild.rebuild(simple, tmp_path)


def test_what_the_installer_wrote_stays_out(tmp_path, simple):
    for name in ('INSTALLER', 'REQUESTED', 'direct_url.json'):
        (simple / name).write_text('{}')
        with open(simple / 'RECORD', 'a') as file:
            file.write(f'demo-1.0.dist-info/{name},,\n')
    with open(simple / 'RECORD', 'a') as file:
        file.write('demo/__pycache__/__init__.cpython-312.pyc,,\n')
    assert {name.rpartition('/')[2] for name in members(wheel_rebuild.rebuild(simple, tmp_path))} == {
        '__init__.py', 'METADATA', 'WHEEL', 'top_level.txt', 'entry_points.txt'}


def test_the_identity_of_what_is_installed_is_that_of_its_files(tmp_path, rich_wheel):
    first, second = (installed(tmp_path / name, rich_wheel) for name in ('one', 'two'))
    identity = wheel_rebuild.identity(first)
    assert wheel_rebuild.identity(second) == identity and len(identity) == 64
    # pip says so of a wheel that it was given by its path.
    (first / 'direct_url.json').unlink()
    assert wheel_rebuild.identity(first) == identity
    assert wheel_rebuild.is_from_index(first) and not wheel_rebuild.is_from_index(second)
    (second.parent / 'ns/demo/run.sh').chmod(0o644)
    assert wheel_rebuild.identity(second) != identity
    (second.parent / 'ns/demo/run.sh').write_text('#!/bin/sh\necho\n')
    with pytest.raises(CacheError, match='is not what was installed'):
        wheel_rebuild.identity(second)

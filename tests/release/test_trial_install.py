"""A release is set up at another place before it is packed."""

import contextlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from egg.cache.common.errors import CacheError
from egg.cache.portable.buildout_paths import BuildoutPaths
from egg.cache.release import trial_install

EGGS = ['demo-1.0-py3.12.egg', 'dep-1.0-py3.12.egg']
SET_UP = """
import os, sys
assert sys.flags.isolated and sys.argv[1:] == ['--no-compile']
here = os.path.dirname(os.path.abspath(__file__))
os.makedirs('bin')
open('.installed.cfg', 'w').write('')
for name, eggs in {scripts!r}.items():
    with open(os.path.join('bin', name), 'w') as file:
        file.write(''.join(os.path.join(here, 'eggs', egg) + chr(10) for egg in eggs))
{more}
"""


def first(report):
    return f'{report.findings[0].path}: {report.findings[0].target}'


@pytest.fixture
def tried(tmp_path):
    """A function that tries a stage whose install.py writes scripts, and runs `more`."""
    def run(scripts, more='', expected=None, real=(), options=None, known=None):
        shutil.rmtree(tmp_path / 'bin', ignore_errors=True)
        (tmp_path / 'install.py').write_text(SET_UP.format(scripts=scripts, more=more))
        trial_install.run(tmp_path, sys.executable, 'bin', expected or {'app': EGGS}, real, first,
                          options, known=known)
    return run


def test_scripts_with_the_same_eggs_are_well(tried):
    tried({'app': EGGS, 'buildout': ['other-1.0-py3.12.egg']})


def test_eggs_that_were_made_of_sources_are_well(tried):
    tried({'app': EGGS}, expected={'app': EGGS[:1]}, real=EGGS[1:])


@pytest.mark.parametrize(('scripts', 'message'), [
    ({}, 'bin/app would be missing'),
    ({'app': EGGS, 'more': []}, 'bin/more would be new'),
    ({'app': EGGS[:1]}, r'bin/app: without dep-1\.0-py3\.12\.egg'),
    ({'app': [EGGS[0], 'dep-2.0-py3.12.egg']}, r'without dep-1\.0.*; with dep-2\.0'),
])  # fmt: skip
def test_scripts_that_differ_are_named(tried, scripts, message):
    with pytest.raises(CacheError, match=rf'would not be what they are here(?s:.*){message}'):
        tried(scripts)


def test_only_eggs_that_differ_are_a_matter_of_pins(tried):
    with pytest.raises(CacheError) as refused:
        tried({'app': EGGS, 'more': []})
    assert 'Run buildout here once more' in str(refused.value)
    assert 'Pin' not in str(refused.value)
    with pytest.raises(CacheError, match=r'\nPin the versions'):
        tried({'app': EGGS[:1]})


def test_a_script_that_is_there_need_not_be_listed(tried):
    tried({'app': EGGS, 'more': EGGS[:1]}, known={'app': EGGS, 'more': EGGS[:1]})
    with pytest.raises(CacheError, match=r'bin/more: without dep-1\.0'):
        tried({'app': EGGS, 'more': EGGS[:1]}, known={'app': EGGS, 'more': EGGS})
    with pytest.raises(CacheError, match='bin/other would be new'):
        tried({'app': EGGS, 'other': []}, known={'more': EGGS})


@pytest.mark.parametrize(('text', 'message'), [
    ('port = 1\nbin = {here}/bin\n', None),
    ('port = 2\nbin = {here}/bin\n', r'\[app\] port would be another'),
    ('port = 1\nbin = {here}/bon\n', r'\[app\] bin would be another'),
    ('port = 1\n', r'\[app\] bin would be missing'),
    ('port = 1\nbin = {here}/bin\nmore = 1\n', r'\[app\] more would be new'),
    (None, 'the part app would be missing'),
])  # fmt: skip
def test_parts_with_other_options_are_named(tried, tmp_path, text, message):
    here = {'port': ' 1', 'bin': '/srv/shop/bin', 'time': '1', 'index': 'http://a:b@c',
            '__buildout_installed__': '/srv/shop/bin/app'}  # fmt: skip
    options = {'app': trial_install.plain(here, ['/srv/shop'], {'port', 'bin'})}
    section = '' if text is None else f'[app]\n{text}time = 2\nindex = http://c\n'
    more = f"open('.installed.cfg', 'w').write({section!r}.replace('{{here}}', here))"
    with contextlib.ExitStack() as refused:
        if message:
            refused.enter_context(pytest.raises(CacheError, match=message))
        tried({'app': EGGS}, more, options=options)


def test_what_fails_is_told_without_the_temporary_directory(tried, tmp_path):
    with pytest.raises(CacheError, match=r'--include') as caught:
        tried({'app': EGGS}, 'print("lacking", here)\nsys.exit(3)')
    assert 'lacking TRIAL' in str(caught.value) and str(tmp_path) not in str(caught.value)


def test_what_leads_out_is_told(tried):
    more = """open(os.path.join('bin', 'app'), 'a').write("'/opt/x/site-packages'")"""
    with pytest.raises(CacheError, match=r'not be self-contained(?s:.*)bin/app: /opt/x/site-p'):
        tried({'app': EGGS}, more)


def test_only_scripts_of_parts_are_compared(tmp_path):
    for name in ('app', 'by-hand', 'buildout'):
        (tmp_path / name).write_text('/x/eggs/demo-1.0-py3.12.egg/y')
    found = trial_install.scripts(tmp_path, {'app', 'buildout', 'gone'})
    assert found == {'app': {'demo-1.0-py3.12.egg'}}
    assert trial_install.scripts(tmp_path / 'gone') == {}


def test_scripts_are_recognised_among_what_parts_installed(tmp_path):
    (tmp_path / 'bin').mkdir()
    os.symlink('bin', tmp_path / 'link')
    where = BuildoutPaths(tmp_path, {'bin-directory': tmp_path / 'link'})
    paths = [f'{tmp_path}/bin/app', f'{tmp_path}/link/other', f'{tmp_path}/parts/no']
    assert trial_install.installed(where, paths) == {'app', 'other'}
    assert Path(paths[0]).parent.is_dir()

"""Used eggs: which eggs does a buildout use?"""

import os

import pytest
from support import rights

from egg.cache.common.errors import SettingError
from egg.cache.portable import used_eggs

INSTALLED = """\
[buildout]
installed_develop_eggs = {0}/develop-eggs/own.egg-link
parts = app conf

[app]
__buildout_installed__ = {0}/bin/app
\t{0}/bin/other
__buildout_signature__ = zc.recipe.egg-6.0.0-py3.12-linux-x86_64.egg pip-e88f6647fa89
_b = {0}/bin
recipe = zc.recipe.egg

[conf]
__buildout_installed__ = {0}/parts/conf
%(__buildout_space_n__)s = 1
"""
SCRIPT = """\
#!/usr/bin/python
import sys
sys.path[0:0] = [
  '/srv/eggs/v5/zope.interface-8.5-py3.12-linux-x86_64.egg',
  "/srv/eggs/v5/lxml-5.2.1+local.1-py3.12-linux-x86_64.egg/inner",
  '/home/ada/app/src/own.egg-info',
  '/home/ada/app/develop-eggs/own.egg-link',
]
"""


@pytest.fixture
def buildout(tmp_path):
    directory = tmp_path / 'app'
    for name in ('bin', 'parts/conf', 'elsewhere'):
        (directory / name).mkdir(parents=True)
    (directory / '.installed.cfg').write_text(INSTALLED.format(directory))
    (directory / 'bin/app').write_text(SCRIPT)
    (directory / 'parts/conf/zope.conf').write_text('path /srv/eggs/conf-1.0-py3.12.egg\n')
    (directory / 'elsewhere/notes').write_text('/srv/eggs/unused-1.0-py3.12.egg\n')
    return directory


def test_eggs_are_those_of_scripts_and_of_what_parts_installed(buildout):
    assert used_eggs.eggs(buildout) == {
        'zc.recipe.egg', 'zc.recipe.egg-6.0.0-py3.12-linux-x86_64.egg',
        'zope.interface-8.5-py3.12-linux-x86_64.egg',
        'lxml-5.2.1+local.1-py3.12-linux-x86_64.egg', 'conf-1.0-py3.12.egg',
    }  # fmt: skip


def test_links_and_large_files_are_no_scripts(buildout):
    os.symlink('/', buildout / 'parts/conf/everything')
    content = b'/big-1.0-py3.12.egg' + bytes(used_eggs.LARGEST)
    (buildout / 'parts/conf/Data.fs').write_bytes(content)
    (buildout / 'parts/conf/x-1.0.egg').mkdir()
    (buildout / 'parts/conf/x-1.0.egg/file').write_text('/inside-1.0-py3.12.egg')
    os.mkfifo(buildout / 'bin/pipe')
    assert len(used_eggs.eggs(buildout)) == 5
    name = b'/big-1.0-py3.12.egg'
    (buildout / 'parts/conf/zope.conf').write_bytes(name + bytes(used_eggs.LARGEST - len(name)))
    assert 'big-1.0-py3.12.egg' in used_eggs.eggs(buildout)
    assert used_eggs.LARGEST == 4 << 20


@pytest.mark.parametrize('name', ['', 'nowhere', 'file'])
def test_a_directory_that_is_no_buildout_is_wrong(tmp_path, name):
    (tmp_path / 'file').write_text('')
    with pytest.raises(SettingError) as info:
        used_eggs.eggs(tmp_path / name)
    assert 'is not a buildout that has run' in str(info.value)


def test_what_can_not_be_understood_is_wrong(buildout):
    (buildout / '.installed.cfg').write_text('no section\n')
    with pytest.raises(SettingError, match='uses is unknown'):
        used_eggs.eggs(buildout)


def test_what_can_not_be_read_is_wrong(buildout):
    os.chmod(buildout / 'parts/conf', 0)
    with rights.as_modes_say(), pytest.raises(SettingError, match='Permission denied'):
        used_eggs.eggs(buildout)
    os.chmod(buildout / 'parts/conf', 0o755)


def test_what_is_gone_is_passed_over(buildout):
    (buildout / 'parts/conf/zope.conf').unlink()
    (buildout / 'parts/conf').rmdir()
    assert len(used_eggs.eggs(buildout)) == 4

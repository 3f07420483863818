"""pip's own configuration: what does pip itself say of it?"""

import json
import os
import subprocess
import sys

import pytest

from egg.cache.common.errors import CacheError
from egg.cache.environment import pip_config

PIP = """
import json
from pip._internal.configuration import Configuration
found = Configuration(False)
found.load()
print(json.dumps([path for _, paths in found.iter_config_files() for path in paths]))
values = {}
for key, value in found.items():
    for name, text in (value.items() if isinstance(value, dict) else [(key, value)]):
        values[name.split('.', 1)[1]] = text
print(json.dumps(values))
"""


@pytest.fixture
def environ(tmp_path, monkeypatch):
    """The variables of a user for whom no file of this machine counts."""
    (tmp_path / 'prefix').mkdir()
    monkeypatch.setattr(sys, 'prefix', str(tmp_path / 'prefix'))
    return {'HOME': str(tmp_path / 'home'), 'XDG_CONFIG_DIRS': f'{tmp_path}/all:{tmp_path}/more',
            'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'}  # fmt: skip


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def own(environ, **variables):
    found = pip_config.options({**environ, **variables})
    # This machine may have a file that can't be put elsewhere.
    fixed = '/etc/pip.conf'
    sections = pip_config._read(fixed) if os.path.exists(fixed) else {}
    others = {name: value for values in sections.values() for name, value in values.items()}
    return {name: value for name, value in found.items()
            if name != 'config-file' and value != others.get(name)}


def test_there_may_be_none(environ):
    assert own(environ) == {}


def test_the_later_file_wins_and_a_variable_over_all(tmp_path, environ):
    places = ['all/pip/pip.conf', 'more/pip/pip.conf', 'home/.pip/pip.conf',
              'home/.config/pip/pip.conf', 'prefix/pip.conf']  # fmt: skip
    for number, place in enumerate(places):
        write(tmp_path / place, f'[global]\npre = {number}\nonly{number} = x\n')
        assert own(environ)['pre'] == str(number)
        assert own(environ)[f'only{number}'] == 'x'
    assert own(environ, PIP_PRE='yes')['pre'] == 'yes'
    # The section for one command, then the variable; an empty value is none.
    write(tmp_path / places[0], '[install]\npre = special\n[wheel]\npre = no\n')
    assert own(environ)['pre'] == 'special'
    assert own(environ, PIP_PRE='')['pre'] == 'special'
    assert own(environ, PIP_PRE='1')['pre'] == '1'


def test_a_named_file_replaces_that_of_the_user(tmp_path, environ):
    write(tmp_path / 'all/pip/pip.conf', '[global]\none = 1\n')
    write(tmp_path / 'home/.config/pip/pip.conf', '[global]\ntwo = 2\n')
    named = write(tmp_path / 'named', '[global]\nno_binary = x\n--pre = y\n')
    assert own(environ, PIP_CONFIG_FILE=named) == {'one': '1', 'no-binary': 'x', 'pre': 'y'}
    assert own(environ, PIP_CONFIG_FILE=f'{named}-not') == {'one': '1', 'two': '2'}
    assert own(environ, PIP_CONFIG_FILE=os.devnull, PIP_PRE='1') == {'pre': '1'}
    other = write(tmp_path / 'xdg/pip/pip.conf', '[global]\nthree = 3\n')
    found = pip_config.files({**environ, 'XDG_CONFIG_HOME': str(tmp_path / 'xdg')})
    assert other in found and '/etc/pip.conf' in found


@pytest.mark.parametrize('content', [b'no section', b'[global]\n[global]\n', b'[global]\nx=\xff'])
def test_what_pip_cannot_read_is_an_error(tmp_path, environ, content):
    path = tmp_path / 'named'
    path.write_bytes(content)
    with pytest.raises(CacheError, match="named can't be read: "):
        own(environ, PIP_CONFIG_FILE=str(path), LC_ALL='C.UTF-8')


def test_pip_itself_reads_the_same(tmp_path, environ, monkeypatch):
    monkeypatch.undo()
    write(tmp_path / 'all/pip/pip.conf', '[global]\nno_binary = one\n[install]\npre = 1\n')
    write(tmp_path / 'home/.pip/pip.conf', '[install]\npre = 2\nuse-feature = old\n')
    write(tmp_path / 'home/.config/pip/pip.conf', '[install]\n--use_feature = new\n')
    environ['PIP_PREFER_BINARY'] = '1'
    environ['PYTHONPATH'] = os.pathsep.join(sys.path)
    told = subprocess.run([sys.executable, '-c', PIP], env=environ, check=True, text=True,
                          stdout=subprocess.PIPE).stdout.splitlines()  # fmt: skip
    assert sorted(json.loads(told[0])) == sorted(pip_config.files(environ))
    expected = {'no-binary': 'one', 'pre': '2', 'use-feature': 'new', 'prefer-binary': '1'}
    for found in (json.loads(told[1]), pip_config.options(environ)):
        assert {name: found.get(name) for name in expected} == expected

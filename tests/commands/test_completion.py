"""egg-cache completion: a shell completes the arguments."""

import os
import subprocess

import pytest
from support import processes
from support.command import answer, run
from support.programs import require

from egg.cache import cli

COMPLETE = """
source {script}
COMP_WORDS=({words} '{last}')
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMP_LINE="${{COMP_WORDS[*]}}"
COMP_POINT=${{#COMP_LINE}}
function=$(complete -p egg-cache | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function egg-cache '{last}' ''
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def complete(capsys, tmp_path):
    """A function that lets bash complete a line."""
    require('bash', 'sed')
    script = tmp_path / 'script'
    status, output, errors = run(capsys, 'completion', 'bash')
    assert (status, errors) == (0, '')
    script.write_text(output)

    def complete(line):
        words, _, last = line.rpartition(' ')
        text = COMPLETE.format(script=script, words=words, last=last)
        result = subprocess.run(
            ['bash', '--norc', '-c', text], cwd=tmp_path, check=True, text=True,
            capture_output=True,
        )
        assert result.stderr == ''
        return sorted(result.stdout.split())

    return complete


def test_bash_completes_verbs(complete):
    assert complete('egg-cache ') == sorted(verb.NAME for verb in cli.VERBS)
    assert complete('egg-cache ver') == ['verify']


def test_bash_completes_options_and_choices(complete):
    assert complete('egg-cache verify --re') == ['--repair']
    assert complete('egg-cache show --') == ['--cache', '--files', '--help', '--json']
    assert complete('egg-cache completion ') == ['bash', 'zsh']


def test_bash_completes_directories(complete, tmp_path):
    (tmp_path / 'cache-one').mkdir()
    (tmp_path / 'cache-file').touch()
    assert complete('egg-cache --cache cache-') == ['cache-one']
    assert complete('egg-cache list --cache cache-') == ['cache-one']


def test_zsh_understands_the_script(capsys, tmp_path):
    require('zsh')
    (tmp_path / '_egg-cache').write_text(run(capsys, 'completion', 'zsh')[1])
    subprocess.run(['zsh', '-n', str(tmp_path / '_egg-cache')], check=True)


def test_the_script_for_zsh_names_each_verb(capsys):
    status, output, _ = run(capsys, 'completion', 'zsh')
    assert status == 0
    assert output.startswith('#compdef egg-cache\n')
    for verb in cli.VERBS:
        assert f"\n    {verb.NAME}:'" in output


def test_the_script_as_json(capsys):
    document = answer(capsys, 'completion', 'bash')
    assert document['shell'] == 'bash'
    assert 'complete ' in document['script']


@pytest.mark.parametrize('arguments', [[], ['tcsh']])
def test_another_shell_is_status_2(capsys, arguments):
    status, output, errors = run(capsys, 'completion', *arguments)
    assert (status, output) == (2, '')
    assert 'usage: egg-cache completion' in errors


@pytest.mark.parametrize('there', [None, 'missing', 'file'])
def test_the_cache_does_not_matter(capsys, tmp_path, there):
    path = tmp_path / 'there'
    if there == 'file':
        path.touch()
    assert run(capsys, 'completion', 'bash', *(['--cache', path] if there else []))[0] == 0


def test_without_shtab_it_is_said_how_to_get_it():
    script = """
import sys
sys.modules['shtab'] = None
from egg.cache.cli import main
sys.exit(main(['completion', 'bash']))
"""
    assert processes.run(script) == (1, '', (
        'That needs shtab, which is not installed.\n'
        'Get it with: pip install "egg.cache[cli]"\n'))  # fmt: skip


def test_a_broken_configuration_does_not_matter(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'buildout.cfg').write_text('nonsense')
    assert run(capsys, 'completion', 'bash')[0] == 0
    assert os.listdir(tmp_path) == ['buildout.cfg']

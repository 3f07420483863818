"""The console: people, pipes and scripts are each told what is for them."""

import io
import json
import os
import pty
import sys
import threading

import pytest
from support import processes

from egg.cache.common import console
from egg.cache.common.console import Console

TITLES, ROWS = ['project', 'size'], [['demo', '5 B'], ['x' * 200, '1.2 kB']]
SCRIPT = """
import sys
from egg.cache.common.console import Console
console = Console(sys.argv[1:] == ['json'])
console.table(['project', 'size'], [['demo', '5 B'], ['x' * 200, '1.2 kB']], right={'size'})
console.line(console.styled('bold', 'bold'))
list(console.progress(range(3), 3, 'Counting'))
console.answer({'a': 1})
console.remark('done')
"""
WITHOUT_RICH = 'import sys\nsys.modules["rich"] = None\n'
PLAIN = f'{"project":200}    size\n{"demo":200}     5 B\n{"x" * 200}  1.2 kB\nbold\n'


def terminal():
    """Return the two ends of a new terminal; skip the test where there is none to be had."""
    try:
        return pty.openpty()
    except OSError as error:
        pytest.skip(f'there are no pseudo-terminals: {error}')


def on_terminal(script, answer='', **environ):
    """Run a script on a terminal of 80 columns; return what that shows."""
    leader, follower = terminal()
    environ = {'TERM': 'xterm', 'COLUMNS': '80', 'NO_COLOR': '', **environ}
    process = processes.start(script, stdin=follower, stdout=follower, stderr=follower,
                              environ=environ)  # fmt: skip
    os.close(follower)
    os.write(leader, answer.encode())
    chunks = []

    def read():
        try:
            while True:
                chunks.append(os.read(leader, 10_000))
        except OSError:                         # The other side is closed.
            pass

    reader = threading.Thread(target=read)
    reader.start()
    assert process.wait(processes.TIMEOUT) == 0
    reader.join(processes.TIMEOUT)
    os.close(leader)
    return b''.join(chunks).decode().replace('\r\n', '\n')


# Pipes


@pytest.mark.parametrize('script', [SCRIPT, WITHOUT_RICH + SCRIPT], ids=['rich', 'plain'])
def test_into_a_pipe_goes_the_same_with_rich_and_without(script):
    assert processes.run(script, environ={'FORCE_COLOR': '1'}) == (0, PLAIN, 'done\n')


def test_into_a_pipe_nothing_is_drawn_and_rich_is_not_imported():
    script = f'{SCRIPT}\nprint([name for name in sys.modules if name.startswith("rich")])'
    assert processes.run(script)[1] == f'{PLAIN}[]\n'


def test_json_is_all_there_is(capsys):
    speaker = Console(is_json=True)
    speaker.table(TITLES, ROWS)
    speaker.line('text')
    speaker.answer({'a': {'b': 1}})
    speaker.remark('beside')
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {'a': {'b': 1}}
    assert captured.err == 'beside\n'


def test_without_json_there_is_no_document(capsys):
    Console().answer({'a': 1})
    assert capsys.readouterr() == ('', '')


def test_a_table_without_rows_has_no_titles(capsys):
    Console().table(TITLES, [])
    assert capsys.readouterr() == ('', '')


def test_the_end_of_a_line_has_no_blanks():
    lines = list(console.plain_table(['a', 'b'], [['1', ''], ['22', '333']]))
    assert lines == ['a   b', '1', '22  333']


# Terminals


def test_on_a_terminal_rich_folds_no_row_and_draws_a_bar():
    shown = on_terminal(SCRIPT)
    assert f'\n{"x" * 200}  1.2 kB\n' in shown
    assert '\x1b[1mbold\x1b[0m' in shown
    assert 'Counting ' in shown
    assert '100%' in shown


@pytest.mark.parametrize('without', ['', WITHOUT_RICH], ids=['rich', 'plain'])
@pytest.mark.parametrize(('other', 'expected'), [
    ('env', ['a 1 B', 'b 2 B', 'place: env']), ('else', ['a 1 B env', 'b 2 B else'])])  # fmt: skip
def test_on_a_terminal_a_wide_column_is_the_last_or_told_once(without, other, expected):
    script = f"""{without}
from egg.cache.common.console import Console
rows = [['a', 'env', '1 B'], ['b', {other!r}, '2 B']]
Console().table(['name', 'place', 'size'], rows, right={{'size'}}, wide='place')
"""
    lines = [' '.join(line.split()) for line in on_terminal(script).splitlines()]
    assert lines[1:] == expected
    plain = f'name  place  size\na     env     1 B\nb     {other:5}   2 B\n'
    assert processes.run(script) == (0, plain, '')


def test_on_a_terminal_without_rich_it_is_plain_and_counted():
    shown = on_terminal(WITHOUT_RICH + SCRIPT)
    assert 'x' * 200 in shown
    assert '\rCounting: 2 of 3\r\x1b[K' in shown
    assert '\x1b[1mbold\x1b[0m' in shown


@pytest.mark.parametrize('script', [SCRIPT, WITHOUT_RICH + SCRIPT], ids=['rich', 'plain'])
def test_no_color_takes_the_colours_away(script):
    shown = on_terminal(script, NO_COLOR='1')
    assert '\x1b[3' not in shown
    assert '\nbold\n' in shown


def test_a_dumb_terminal_is_like_a_pipe():
    assert on_terminal(SCRIPT, TERM='dumb') == PLAIN + 'done\n'


def test_a_bar_on_stderr_leaves_a_piped_stdout_alone():
    leader, follower = terminal()
    with processes.start(SCRIPT, stderr=follower, environ={'TERM': 'xterm'}) as process:
        output, _ = process.communicate(timeout=processes.TIMEOUT)
    os.close(follower)
    os.close(leader)
    assert (process.returncode, output) == (0, PLAIN)


# Questions


@pytest.mark.parametrize(('answer', 'expected'), [
    ('y\n', True), ('Yes\n', True), ('n\n', False), ('\n', False), ('yeah\n', False),
])  # fmt: skip
def test_a_question_is_answered_on_a_terminal(answer, expected):
    script = 'from egg.cache.common.console import Console\nprint(Console().confirm("Really?"))'
    shown = on_terminal(script, answer)
    assert 'Really? [y/N] ' in shown
    assert shown.endswith(f'{expected}\n')


def test_without_a_terminal_the_answer_is_no(capsys, monkeypatch):
    monkeypatch.setattr(sys, 'stdin', io.StringIO('y\n'))
    assert Console().confirm('Really?') is False
    assert capsys.readouterr() == ('', '')


# Texts


@pytest.mark.parametrize(('text', 'expected'), [
    ('café', 'café'), ('a\x1b[31mb', 'a\\x1b[31mb'), ('a\nb', 'a\\nb'), ('\x9b', '\\x9b'),
    ('caf\udce9', 'caf\\udce9'), ('\u202e', '\\u202e'), ('', ''),
])  # fmt: skip
def test_nothing_in_a_name_is_obeyed_by_the_terminal(text, expected):
    assert console.printable(text) == expected


def test_an_unknown_style_is_a_mistake():
    with pytest.raises(KeyError):
        Console().styled('x', 'blink')

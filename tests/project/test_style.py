"""Does the code read as STYLE.md says? Only what a reader would trip over is looked at."""

import ast
from pathlib import Path

import pytest

from egg import cache

SOURCE = Path(cache.__file__).parent
MODULES = sorted([*SOURCE.glob('*.py'), *SOURCE.glob('commands/*.py'),
                  *SOURCE.glob('standalone/*.py')])  # fmt: skip
# Those that are longer may not grow. What is copied out of here, `standalone`, has to be one file.
LINES = {'installer.py': 486, 'session.py': 340, 'bootstrap.py': 1175, 'install.py': 1525}


@pytest.mark.parametrize('path', MODULES, ids=lambda path: path.stem)
def test_a_module_opens_with_the_question_it_answers(path):
    text = path.read_text('utf-8')
    first = (ast.get_docstring(ast.parse(text)) or '').partition('\n')[0]
    assert first.endswith(('?', '.'))


@pytest.mark.parametrize('path', MODULES, ids=lambda path: path.stem)
def test_a_module_can_be_read_in_one_go(path):
    lines = path.read_text('utf-8').splitlines()
    assert len(lines) <= LINES.get(path.name, 280)
    assert max(map(len, lines), default=0) <= 99


@pytest.mark.parametrize('path', MODULES, ids=lambda path: path.stem)
def test_a_module_is_python_3_10(path):
    ast.parse(path.read_text('utf-8'), feature_version=(3, 10))


@pytest.mark.parametrize('path', MODULES, ids=lambda path: path.stem)
def test_only_the_console_prints(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text('utf-8')))
             if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'print']
    assert path.name == 'console.py' or path.parent.name == 'standalone' or calls == []

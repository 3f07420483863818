"""Does the code read as STYLE.md says? Only what a reader would trip over is looked at."""

import ast
from pathlib import Path

import pytest

from egg import cache

SOURCE = Path(cache.__file__).parent
MODULES = sorted(SOURCE.rglob('*.py'))
# What is copied out of here has to be one file. Others that are longer may not grow.
LINES = {
    'standalone/bootstrap.py': 1300, 'standalone/install.py': 1600,
}  # fmt: skip


def name(path):
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_a_module_opens_with_the_question_it_answers(path):
    text = path.read_text('utf-8')
    first = (ast.get_docstring(ast.parse(text)) or '').partition('\n')[0]
    assert first.endswith(('?', '.'))


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_a_module_can_be_read_in_one_go(path):
    lines = path.read_text('utf-8').splitlines()
    assert len(lines) <= LINES.get(name(path), 260)
    assert max(map(len, lines), default=0) <= 99


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_a_module_is_python_3_10(path):
    ast.parse(path.read_text('utf-8'), feature_version=(3, 10))


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_only_the_console_prints(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text('utf-8')))
             if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'print']
    assert path.name == 'console.py' or path.parent.name == 'standalone' or calls == []

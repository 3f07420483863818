"""Can a reader find and open the pages? bin/docs looks at the links between them."""

import re

import docutils.core
import pytest
from support.manual import DOCS, README

ROOT = README.parent
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob('*.rst'))


@pytest.mark.parametrize('name', PAGES)
def test_each_page_opens_with_the_question_that_it_answers(name):
    text = DOCS.joinpath(name).read_text('utf-8')
    assert re.match(r'(=+\n)?.+\n=+\n\n\*[^*]+\?\*\n\n', text)


def test_the_readme_is_short():
    assert len(README.read_text('utf-8').splitlines()) <= 200


def test_the_readme_leads_to_every_page():
    """But for the list of the recipes, and the page that is ARCHITECTURE.rst."""
    links = set(re.findall(r'<(\S+\.rst)>`_', README.read_text('utf-8')))
    assert links == {'ARCHITECTURE.rst', *(f'docs/{name}' for name in PAGES)} - {
        'docs/recipes/index.rst', 'docs/internals.rst'}  # fmt: skip
    assert all(ROOT.joinpath(link).is_file() for link in links)


def test_an_index_can_show_the_description():
    """PyPI shows no description that has directives of Sphinx, or any fault."""
    text = '\n'.join(ROOT.joinpath(name).read_text('utf-8')
                     for name in ('README.rst', 'CHANGES.rst'))
    docutils.core.publish_doctree(text, settings_overrides={
        'halt_level': 2, 'report_level': 2, 'raw_enabled': False,
        'file_insertion_enabled': False, 'warning_stream': None})
    assert re.findall(r':[\w:]+:`', text) == []

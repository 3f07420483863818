"""What the last run of a buildout wrote down."""

import io

import pytest
from zc.buildout import buildout

from egg.cache.common.errors import CacheError
from egg.cache.portable import installed_cfg

# Blanks at the ends of lines, comments that are none, names with capitals.
OPTIONS = {
    'recipe': 'demo', 'Name': 'x', 'text': '  one\n\n  two \n', 'hash': 'a\n# no comment\n; b',
    'percent': '100%', '__buildout_installed__': '/x/a\n/x/b',
}  # fmt: skip


def write(directory, *sections):
    output = io.StringIO()
    for name, options in sections:
        buildout._save_options(name, options, output)
        output.write('\n')
    (directory / '.installed.cfg').write_text(output.getvalue())
    return installed_cfg.read(directory)


def test_options_are_read_as_zc_buildout_wrote_them(tmp_path):
    found = write(tmp_path, ('buildout', {'parts': 'demo'}), ('demo', OPTIONS))
    assert found['demo'] == OPTIONS
    assert installed_cfg.paths(found['demo']) == ['/x/a', '/x/b']


def test_the_last_list_of_parts_counts_without_those_that_are_gone(tmp_path):
    found = write(tmp_path, ('buildout', {'parts': 'a'}), ('demo', OPTIONS),
                  ('buildout', {'parts': 'demo gone'}))  # fmt: skip
    assert installed_cfg.parts(found) == ('demo',)


def test_where_no_buildout_has_run_it_is_said(tmp_path):
    with pytest.raises(CacheError, match=r'not a buildout that has run'):
        installed_cfg.read(tmp_path)


def test_what_is_no_record_is_refused(tmp_path):
    (tmp_path / '.installed.cfg').write_text('nothing\n')
    with pytest.raises(CacheError, match='damaged'):
        installed_cfg.read(tmp_path)

"""Constraints: what does such a file say?"""

import pytest

from egg.cache.common.errors import CacheError
from egg.cache.environment import constraints


def summary(path, **environ):
    return constraints.summary(str(path), environ)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'constraints.txt'
    path.write_text('# Why?\n\nsetuptools  == 80.9.0 # so\nwheel<1\n')
    return path


def test_it_is_what_it_says_without_remarks(file, tmp_path):
    assert summary(file) == 'setuptools == 80.9.0; wheel<1'
    other = tmp_path / 'other.txt'
    other.write_bytes(b'setuptools == \\\r\n80.9.0\r\nwheel<1')
    assert summary(other) == summary(file.as_uri()) == summary(file)
    other.write_text('setuptools == 80.9.1\nwheel<1')
    assert summary(other) != summary(file)
    assert summary(f'{file} {other}') == f'{summary(file)}; {summary(other)}'


@pytest.mark.parametrize('line', ['-c {}', '-c{}', '-r {}', '--constraint {}', '--requirement={}',
                                  '--constraint={} # so'])  # fmt: skip
def test_what_it_names_counts_with_its_content(file, tmp_path, line):
    (tmp_path / 'below').mkdir()
    outer = tmp_path / 'below/outer.txt'
    outer.write_text('one\n' + line.format('../constraints.txt') + '\ntwo\n')
    assert summary(outer) == f'one; {summary(file)}; two'
    file.unlink()
    with pytest.raises(CacheError, match=r"constraints.txt can't be read: No such file"):
        summary(outer)


def test_variables_count_with_their_values(file):
    file.write_text('setuptools==${VERSION}\n${OTHER}\n$VERSION\n')
    assert summary(file, VERSION='80') == 'setuptools==80; ${OTHER}; $VERSION'


def test_long_ones_and_secrets_are_told_by_their_digest(file):
    file.write_text(''.join(f'project{number}==1.0\n' for number in range(50)))
    long = summary(file)
    assert long.startswith('50 lines (sha256 ') and len(long) < 60
    file.write_text('x @ https://user:secret@example.com/x.whl')
    assert summary(file).startswith('1 line (sha256 ')
    file.write_text('')
    assert summary(file) == ''


def test_a_file_that_includes_itself_is_an_error(file):
    file.write_text(f'-c {file.name}\n')
    with pytest.raises(CacheError, match='includes itself'):
        summary(file)


def test_a_url_counts_by_content(server):
    directory, url = server
    (directory / 'a.txt').write_text('-c b.txt\none\n')
    (directory / 'b.txt').write_text('two\n')
    assert summary(f'{url}/a.txt') == 'two; one'
    (directory / 'b.txt').unlink()
    with pytest.raises(CacheError, match=r"/b\.txt can't be read: "):
        summary(f'{url}/a.txt')


@pytest.mark.parametrize('url', ['http://127.0.0.1:9/x?secret', 'https://u:secret@127.0.0.1:9/x',
                                 'http://[', 'file:///not/here', '/not/here', 'ftp:x'])
def test_what_cannot_be_read_is_an_error_without_secrets(url):
    with pytest.raises(CacheError) as info:
        summary(url)
    assert "can't be read" in str(info.value) and 'secret' not in str(info.value)

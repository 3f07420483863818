"""Build options: which decide about an egg that is built from source?"""

import pytest

from egg.cache.common.errors import CacheError
from egg.cache.environment import build_options


@pytest.fixture
def read(tmp_path):
    def read(pip='26.3', **variables):
        environ = {'HOME': str(tmp_path), 'PIP_CONFIG_FILE': '/dev/null', **variables}
        return build_options.read(pip, environ)

    return read


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'constraints.txt'
    path.write_text('setuptools<81\n')
    return str(path)


@pytest.mark.parametrize('name', [
    'PATH', 'PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_FIND_LINKS', 'PIP_NO_INDEX', 'PIP_PROXY',
    'PIP_CERT', 'PIP_NO_COMPILE', 'PIP_NO_CACHE_DIR', 'PIP_QUIET', 'PIP_BUILD_OPTION',
])  # fmt: skip
def test_where_things_come_from_does_not_count(read, name):
    assert read(**{name: 'https://u:secret@example.com/'}) == {}


@pytest.mark.parametrize('name', build_options.VARIABLES)
def test_each_option_counts(read, file, name):
    found = read('23.0', **{name: file if name.endswith('CONSTRAINT') else '1'})
    assert list(found) == [name]


@pytest.mark.parametrize(('pip', 'counts'), [
    ('22.3', True), ('25.3', True), ('26.1.2', True), ('26.2', False), ('27.0', False),
])  # fmt: skip
def test_later_releases_have_no_other_constraints_for_builds(read, file, pip, counts):
    assert bool(read(pip, PIP_CONSTRAINT=file)) is counts
    assert read(pip, PIP_BUILD_CONSTRAINT=file) == {'PIP_BUILD_CONSTRAINT': 'setuptools<81'}


@pytest.mark.parametrize(('value', 'expected'), [
    ('1', {'PIP_PRE': 'yes'}), ('True', {'PIP_PRE': 'yes'}), ('on', {'PIP_PRE': 'yes'}),
    ('0', {}), ('no', {}), ('', {}), ('odd', {'PIP_PRE': 'odd'}),
])  # fmt: skip
def test_all_ways_to_say_yes_are_one(read, value, expected):
    assert read(PIP_PRE=value) == expected


def test_no_build_isolation_is_read_upside_down_by_pip(read):
    assert read(PIP_NO_BUILD_ISOLATION='0') == {'PIP_NO_BUILD_ISOLATION': 'no'}
    assert read(PIP_NO_BUILD_ISOLATION='false') == {'PIP_NO_BUILD_ISOLATION': 'no'}


def test_how_pip_gets_what_it_gets_does_not_count(read):
    assert read(PIP_USE_FEATURE='truststore fast-deps') == {}
    assert read(PIP_USE_FEATURE='truststore venv-isolation') == {
        'PIP_USE_FEATURE': 'venv-isolation'}  # fmt: skip


def test_the_files_of_pip_count_like_variables(read, tmp_path, file):
    configuration = tmp_path / 'pip.conf'
    configuration.write_text(f'[global]\nbuild-constraint = {file}\n[install]\npre = true\n')
    assert read(PIP_CONFIG_FILE=str(configuration)) == {
        'PIP_BUILD_CONSTRAINT': 'setuptools<81', 'PIP_PRE': 'yes'}  # fmt: skip
    assert read(PIP_BUILD_CONSTRAINT=file, PIP_PRE='1') == read(PIP_CONFIG_FILE=str(configuration))


def test_a_constraint_that_cannot_be_read_is_an_error(read):
    with pytest.raises(CacheError, match="/not/here can't be read: No such file"):
        read(PIP_BUILD_CONSTRAINT='/not/here')


def test_the_files_of_setuptools_count(read, tmp_path):
    (tmp_path / '.pydistutils.cfg').write_text('[build_ext]\n\ndebug=1\n')
    assert read() == {'.pydistutils.cfg': '[build_ext]; debug=1'}
    (tmp_path / 'extra.cfg').write_text('[build]\n')
    assert read(DIST_EXTRA_CONFIG=str(tmp_path / 'extra.cfg'))['DIST_EXTRA_CONFIG'] == '[build]'
    assert 'DIST_EXTRA_CONFIG' not in read(DIST_EXTRA_CONFIG='/not/here')

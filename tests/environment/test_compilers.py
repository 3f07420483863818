"""Compilers: which would a build find here?"""

import os

import pytest

from egg.cache.environment import compilers
from egg.cache.environment.compilers import CXX, FORTRAN, RUST, C


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A function that makes programs, in the only directory of PATH; the headers are there."""
    place = tmp_path / 'bin'
    place.mkdir()
    (tmp_path / 'include').mkdir()
    (tmp_path / 'include/Python.h').touch()
    variables = {'CC': 'gcc -pthread', 'CXX': 'g++ -pthread', 'INCLUDEPY': '/not/here'}
    monkeypatch.setattr(compilers.sysconfig, 'get_config_var', variables.get)
    monkeypatch.setattr(compilers.sysconfig, 'get_path', lambda name: str(tmp_path / name))

    def make(*names):
        for name in names:
            (place / name).touch()
            os.chmod(place / name, 0o755)
        return {'PATH': str(place)}

    return make


def missing(environ, *languages):
    found = compilers.missing(environ)
    return {language: found[language] for language in languages or (C, CXX) if language in found}


def test_nothing_is_missing_where_all_is_there(tools):
    assert compilers.missing(tools('gcc', 'g++', 'cargo', 'gfortran')) == {}


def test_what_python_was_built_with_is_looked_for(tools):
    assert compilers.missing(tools()) == {
        C: 'gcc', CXX: 'g++', RUST: 'cargo', FORTRAN: 'gfortran'}  # fmt: skip
    assert missing(tools('gcc')) == {CXX: 'g++'}


@pytest.mark.parametrize(('variables', 'expected'), [
    ({'CC': 'clang'}, {C: 'clang'}),
    ({'CC': '/opt/x/gcc -pthread'}, {C: '/opt/x/gcc'}),
    ({'CC': 'ccache gcc'}, {C: 'ccache'}),
    ({'CC': 'distcc gcc'}, {}),
    ({'CC': 'distcc clang -O1'}, {C: 'clang'}),
    ({'CC': 'env LC_ALL=C clang'}, {C: 'clang'}),
    ({'CC': 'gcc -O1', 'CXX': 'g++ -O1'}, {}),
    ({'CC': ''}, {C: 'CC (empty)'}),
    ({'CC': '-O1'}, {C: 'CC (-O1)'}),
    ({'CC': "gcc '"}, {C: "gcc '"}),
    ({'CC': '/bin/false'}, {C: '/bin/false'}),
    ({'CXX': ' false '}, {CXX: 'false'}),
    ({'CXX': 'clang++'}, {CXX: 'clang++'}),
    ({'LDSHARED': 'ld.gold -shared'}, {C: 'ld.gold', CXX: 'ld.gold'}),
    ({'LDCXXSHARED': 'ld.gold -shared'}, {CXX: 'ld.gold'}),
    ({'AR': 'llvm-ar'}, {C: 'llvm-ar', CXX: 'llvm-ar'}),
    ({'LDFLAGS': 'false'}, {}),
])  # fmt: skip
def test_what_variables_name_is_looked_for(tools, variables, expected):
    assert missing({**tools('gcc', 'g++', 'distcc', 'env'), **variables}) == expected


@pytest.mark.parametrize(('variables', 'expected'), [
    ({}, {}), ({'CARGO': 'cargo-1.80'}, {RUST: 'cargo-1.80'}), ({'FC': 'f77'}, {FORTRAN: 'f77'}),
    ({'F90': 'flang'}, {}),
])  # fmt: skip
def test_other_languages_have_their_own(tools, variables, expected):
    assert missing({**tools('cargo', 'flang'), **variables}, RUST, FORTRAN) == expected


def test_without_the_headers_of_python_nothing_is_compiled(tools, tmp_path):
    environ = tools('gcc', 'g++')
    (tmp_path / 'include/Python.h').unlink()
    assert missing(environ) == {C: 'Python.h', CXX: 'Python.h'}
    assert missing({**environ, 'CC': 'clang'}) == {C: 'clang', CXX: 'Python.h'}
    (tmp_path / 'own').mkdir()
    (tmp_path / 'own/Python.h').touch()
    for name, value in (('CPATH', f'/x:{tmp_path}/own'), ('CFLAGS', f'-O1 -I{tmp_path}/own')):
        assert missing({**environ, name: value}) == {}


def test_a_file_that_nobody_may_run_is_no_compiler(tools, tmp_path):
    environ = tools('gcc', 'g++')
    os.chmod(tmp_path / 'bin/gcc', 0o644)
    assert missing(environ) == {C: 'gcc'}

"""Which compilers would a build find here?

A part of a distribution that needs a compiler can be optional: where there is none, the build
ends well, and nothing but the missing module tells of it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sysconfig
from collections.abc import Iterable, Mapping

C, CXX, RUST, FORTRAN = 'C', 'C++', 'Rust', 'Fortran'
LANGUAGES = (C, CXX, RUST, FORTRAN)

_COMPILERS = ('CC', 'CXX')
_LINKERS = {C: ('LDSHARED', 'AR'), CXX: ('LDCXXSHARED', 'LDSHARED', 'AR')}
_FORTRAN = ('gfortran', 'flang', 'flang-new', 'ifx', 'ifort', 'f95', 'nvfortran')
# What comes before the name of the compiler, as in `ccache gcc`.
_WRAPPERS = ('ccache', 'distcc', 'env', 'icecc', 'nice', 'sccache')


def says_never(name: str, value: str) -> bool:
    """Tell whether a variable says that nothing is to be compiled: `CC=/bin/false`."""
    return name in _COMPILERS and os.path.basename(value.strip()) == 'false'


def missing(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a build would not find, by language: `{'C++': 'g++', 'Rust': 'cargo'}`.

    setuptools takes the compilers that `CC` and `CXX` name, else those that Python was built
    with; setuptools-rust takes `CARGO`, else `cargo`.
    """
    found = {C: _c_compiler('CC', environ), CXX: _c_compiler('CXX', environ)}
    for language, names in _LINKERS.items():
        for name in names:
            if name in environ:
                found[language] = found[language] or _lacking(environ[name], environ, name)
    if not _has_headers(environ):
        found.update({name: found[name] or 'Python.h' for name in (C, CXX)})
    found[RUST] = _lacking(environ.get('CARGO', 'cargo'), environ, 'CARGO')
    found[FORTRAN] = _fortran(environ)
    return {language: tool for language, tool in found.items() if tool}


def _c_compiler(name: str, environ: Mapping[str, str]) -> str:
    command = environ.get(name, sysconfig.get_config_var(name) or name.lower())
    return command.strip() if says_never(name, command) else _lacking(command, environ, name)


def _lacking(command: str, environ: Mapping[str, str], name: str) -> str:
    """Return the program that a command such as `ccache gcc -pthread` lacks, '' if none.

    `name` is that of the variable, which is said where it names no program.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return command.strip()
    for word in words:
        is_wrapper = os.path.basename(word) in _WRAPPERS
        if '=' not in word and shutil.which(word, path=environ.get('PATH', os.defpath)) is None:
            return word if not word.startswith('-') else f'{name} ({command.strip()})'
        if not is_wrapper and '=' not in word:
            return ''
    return f'{name} ({command.strip() or "empty"})'


def _fortran(environ: Mapping[str, str]) -> str:
    given = [name for name in ('FC', 'F90', 'F77') if name in environ]
    for name in given:
        tool = _lacking(environ[name], environ, name)
        if tool:
            return tool
    path = environ.get('PATH', os.defpath)
    has_any = given or any(shutil.which(name, path=path) for name in _FORTRAN)
    return '' if has_any else _FORTRAN[0]


def _has_headers(environ: Mapping[str, str]) -> bool:
    return any(os.path.isfile(os.path.join(place, 'Python.h')) for place in _includes(environ))


def _includes(environ: Mapping[str, str]) -> Iterable[str]:
    """Yield the directories in which a compiler looks for the headers of Python."""
    for name in ('include', 'platinclude'):
        yield sysconfig.get_path(name)
    yield sysconfig.get_config_var('INCLUDEPY') or ''
    for name in ('CPATH', 'C_INCLUDE_PATH', 'CPLUS_INCLUDE_PATH'):
        yield from environ.get(name, '').split(os.pathsep)
    for name in ('CFLAGS', 'CPPFLAGS', 'CC'):
        for word in environ.get(name, '').split():
            if word.startswith('-I'):
                yield word[2:]

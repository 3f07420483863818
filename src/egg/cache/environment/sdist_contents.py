"""What might a compiler make of this source distribution?

What a build leaves out where there is no compiler can't be seen in its egg. So this looks into
the archive, and takes a distribution for pure only if nothing in it could be compiled, and
nothing in what builds it could write such a file: where there is any doubt, a compiler of C or
C++ might have had work to do.
"""

from __future__ import annotations

import ast
import os
import re
import tarfile
import zipfile
from collections.abc import Iterator

from egg.cache.environment.compilers import CXX, FORTRAN, LANGUAGES, RUST, C

_C_SUFFIXES = ('.c',)
_ANY_SUFFIXES = (
    '.asm', '.cc', '.cpp', '.cu', '.cxx', '.c++', '.d', '.go', '.i', '.m', '.mm', '.pxd', '.pxi',
    '.pyx', '.s', '.swg', '.zig',
)  # fmt: skip
_FORTRAN_SUFFIXES = (
    '.f', '.f03', '.f08', '.f77', '.f90', '.f95', '.for', '.ftn', '.pyf',
)  # fmt: skip

_CONFIGURATIONS = ('setup.py', 'setup.cfg', 'pyproject.toml')
_LARGEST = 1_000_000

# Words for extension modules, and for what could make some in a way of its own.
_EXTENSIONS = re.compile(
    r'ext[-_]modules|extension\(|build_ext|build_clib|cffi_modules|cython|mypyc|pybind|nanobind|'
    r'cmdclass|command[-_]packages|distclass|setup[-_]requires|libraries\s*=|compiler|subprocess|'
    r'os\.(system|popen|exec|spawn)|\bpbr\b|\b(setup_)?hooks?\b|backend-path|'
    r'^\s*build\s*=\s*[\'"{]|skbuild|scikit|meson|cmake|\bsip\b|swig',
    re.I | re.M,
)
_RUST = re.compile(r'(?<!t)rust|maturin', re.I)
_FORTRAN = re.compile(r'fortran|f2py|numpy|meson|cmake|scikit|skbuild', re.I)
_BUILD_SYSTEM = re.compile(r'^\s*\[\s*build-system\s*\]([^\n]*\n(?!\s*\[\S)[^\n]*)*', re.M)
_QUOTED = re.compile(r'[\'"]\s*([A-Za-z_][A-Za-z0-9._:-]*)')
# Backends, and what they require, that never compile anything unless something above says so.
_PURE = {
    'flit_core', 'flit_core.buildapi', 'flit-core', 'hatch-fancy-pypi-readme', 'hatch-vcs',
    'hatchling', 'hatchling.build', 'pdm-backend', 'pdm.backend', 'poetry-core', 'poetry_core',
    'poetry.core.masonry.api', 'setuptools', 'setuptools-scm', 'setuptools_scm',
    'setuptools.build_meta', 'setuptools.build_meta:__legacy__', 'tomli', 'uv-build', 'uv_build',
    'wheel',
}  # fmt: skip
# Modules by which a setup.py reads files and says what there is.
_HARMLESS = {
    '__future__', 'ast', 'codecs', 'collections', 'configparser', 'datetime', 'functools', 'glob',
    'io', 'itertools', 'json', 'operator', 'os', 'pathlib', 'platform', 're', 'setuptools',
    'string', 'sys', 'textwrap', 'time', 'typing', 'warnings',
}  # fmt: skip
_OBSCURE = {'__import__', 'compile', 'eval', 'exec', 'getattr', 'globals', 'setattr'}


def languages(path: str) -> frozenset[str]:
    """Return the languages that might be compiled of the source distribution at `path`.

    Of one that can't be read, all.
    """
    try:
        found, texts = set(), {}
        for name, text in _members(path):
            found |= _of_file(name)
            if text is not None:
                texts[os.path.basename(name)] = text
        if not _FORTRAN.search('\n'.join(texts.values())):
            found.discard(FORTRAN)  # Setuptools alone doesn't know what to do with it.
        return frozenset(found | _of_build(texts))
    # Whatever is wrong with it: then nobody knows.
    except Exception:  # noqa: BLE001
        return frozenset(LANGUAGES)


def _of_file(name: str) -> set[str]:
    suffix = os.path.splitext(name)[1].lower()
    if suffix in _C_SUFFIXES:
        return {C}
    if suffix in _ANY_SUFFIXES:
        return {C, CXX}
    if os.path.basename(name) == 'Cargo.toml':
        return {RUST}
    return {FORTRAN} if suffix in _FORTRAN_SUFFIXES else set()


def _of_build(texts: dict[str, str]) -> set[str]:
    found = set()
    everything = '\n'.join(texts.values())
    if (
        not {'setup.py', 'pyproject.toml'} & texts.keys()
        or _EXTENSIONS.search(everything)
        or not _has_pure_backend(texts.get('pyproject.toml', ''))
        or not _is_plain(texts.get('setup.py', ''))
    ):
        found |= {C, CXX}
    if _RUST.search(everything):
        found |= {C, RUST}
    return found


def _has_pure_backend(pyproject: str) -> bool:
    """Tell whether [build-system] names nothing that is unknown here."""
    if 'build-system' not in pyproject:
        return True
    section = _BUILD_SYSTEM.search(pyproject)
    return section is not None and {name.lower() for name in _QUOTED.findall(section[0])} <= (
        _PURE | {'python_version'}
    )


def _is_plain(setup: str) -> bool:
    """Tell whether a setup.py runs no code but its own, and that of setuptools."""
    for node in ast.walk(ast.parse(setup)):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ['.' * node.level + (node.module or '')]
        elif isinstance(node, ast.Name) and node.id in _OBSCURE:
            return False
        if any(module.partition('.')[0] not in _HARMLESS for module in modules):
            return False
    return True


def _members(path: str) -> Iterator[tuple[str, str | None]]:
    """Yield the names of all files of an archive, with the text of those that say how to build."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for entry in packed.infolist():
                is_small = _is_configuration(entry.filename, entry.file_size)
                yield entry.filename, _text(packed.read(entry)) if is_small else None
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isdir():
                continue
            text = None
            if _is_configuration(member.name, member.size):
                content = archive.extractfile(member)
                text = _text(content.read()) if content is not None else None
            yield member.name, text


def _is_configuration(name: str, size: int) -> bool:
    parts = name.removeprefix('./').split('/')
    if len(parts) != 2 or parts[1] not in _CONFIGURATIONS:
        return False
    if size > _LARGEST:
        raise ValueError(f'{name} is too large')
    return True


def _text(content: bytes) -> str:
    return content.decode('utf-8')

"""Contents of source distributions: what might a compiler make of this source distribution?"""

import zipfile

import pytest
from support import archives

from egg.cache.environment import sdist_contents
from egg.cache.environment.compilers import CXX, FORTRAN, LANGUAGES, RUST, C

PLAIN = """\
import os, re
from setuptools import find_packages, setup
def read(name):
    with open(os.path.join(os.path.dirname(__file__), name)) as file:
        return file.read()
setup(name='demo', version='1.0', packages=find_packages(), long_description=read('README.rst'),
      classifiers=['Topic :: Software Development :: Libraries'])
"""
BACKEND = '[build-system]\nrequires = ["{}>=2"]\nbuild-backend = "{}"\n'
BOTH = {C, CXX}


def languages(directory, files):
    members = {f'demo-1.0/{path}': text for path, text in files.items()}
    path = archives.write_tar(directory / 'demo-1.0.tar.gz', members)
    return sdist_contents.languages(str(path))


@pytest.mark.parametrize('files', [
    {'setup.py': PLAIN},
    {'setup.py': 'import setuptools\nsetuptools.setup()', 'setup.cfg': '[metadata]\nname = demo'},
    {'pyproject.toml': BACKEND.format('flit_core', 'flit_core.buildapi')},
    {'pyproject.toml': BACKEND.format('hatchling', 'hatchling.build') + '[project]\nname = "x"'},
    {'setup.py': PLAIN, 'pyproject.toml': '[build-system]\nrequires = [\n  "setuptools>=61,<80",\n'
     '  "wheel",\n  "tomli; python_version < \'3.11\'",\n]\n'},
    {'setup.py': PLAIN, 'docs/Makefile': 'all:', 'tests/example.rs': '', 'tests/example.f': ''},
    {'setup.py': PLAIN, 'tests/setup.py': 'Extension()'},
    {'setup.py': PLAIN.replace('demo', 'trust')},
])  # fmt: skip
def test_what_is_pure_is_taken_for_pure(tmp_path, files):
    assert languages(tmp_path, files) == set()


@pytest.mark.parametrize(('files', 'expected'), [
    ({'src/a.c': ''}, {C}), ({'a.C': ''}, {C}), ({'a.pyx': ''}, BOTH), ({'a/b.cpp': ''}, BOTH),
    ({'a.cc': ''}, BOTH), ({'a.mm': ''}, BOTH), ({'a.s': ''}, BOTH), ({'Cargo.toml': ''}, {RUST}),
    ({'a.f90': '', 'setup.cfg': '# f2py'}, {FORTRAN}),
])  # fmt: skip
def test_sources_tell_the_language(tmp_path, files, expected):
    assert languages(tmp_path, {'setup.py': PLAIN, **files}) == expected


@pytest.mark.parametrize('line', [
    'setup(ext_modules=[])', 'Extension("a", ["a.c"])', 'setup(cffi_modules=["build.py:ffi"])',
    'setup(cmdclass={})', 'setup(setup_requires=["x"])', 'setup(libraries = [])',
    'import subprocess', 'import own', 'from . import own', 'from distutils.core import setup',
    'from Cython.Build import cythonize', 'exec(open("x").read())', 'os.system("make")',
    '__import__("x")', 'setup(use_scm_version=True, pbr=True)', 'print "Python 2"',
])  # fmt: skip
def test_a_setup_that_could_write_sources_is_not_taken_for_pure(tmp_path, line):
    assert languages(tmp_path, {'setup.py': f'{PLAIN}\n{line}\n'}) >= BOTH


@pytest.mark.parametrize(('name', 'text'), [
    ('setup.cfg', '[build_ext]\ninplace = 1'), ('setup.cfg', '[options]\nsetup_requires = x'),
    ('pyproject.toml', BACKEND.format('setuptools', 'own')),
    ('pyproject.toml', BACKEND.format('mystery', 'setuptools.build_meta')),
    ('pyproject.toml', BACKEND.format('setuptools', 'setuptools.build_meta') + 'backend-path="."'),
    ('pyproject.toml', BACKEND.format('hatchling', 'hatchling.build')
     + '[tool.hatch.build.hooks.custom]\n'),
    ('pyproject.toml', BACKEND.format('poetry-core', 'poetry.core.masonry.api')
     + '[tool.poetry]\nbuild = "build.py"\n'),
    ('pyproject.toml', 'build-system.requires = ["mystery"]\n'),
    ('pyproject.toml', '[[tool.setuptools.ext-modules]]\n'),
])  # fmt: skip
def test_other_files_may_say_so_too(tmp_path, name, text):
    assert languages(tmp_path, {'setup.py': PLAIN, name: text}) >= BOTH


@pytest.mark.parametrize('text', [
    BACKEND.format('maturin', 'maturin'), BACKEND.format('setuptools-rust', 'setuptools'),
])  # fmt: skip
def test_rust_is_told_by_what_a_build_requires(tmp_path, text):
    assert languages(tmp_path, {'pyproject.toml': text}) >= {RUST}


def test_of_what_cannot_be_read_nobody_knows(tmp_path):
    assert sdist_contents.languages(str(tmp_path / 'missing.tar.gz')) == set(LANGUAGES)
    (tmp_path / 'torn.tar.gz').write_bytes(b'\x1f\x8b torn')
    assert sdist_contents.languages(str(tmp_path / 'torn.tar.gz')) == set(LANGUAGES)
    assert languages(tmp_path, {'setup.py': b'\xff'}) == set(LANGUAGES)
    assert languages(tmp_path, {'setup.py': ' ' * 1_000_001}) == set(LANGUAGES)
    assert languages(tmp_path, {'README': ''}) == BOTH


def test_a_zip_file_is_read_as_well(tmp_path):
    for extra, expected in ((None, set()), ('demo-1.0/a.c', {C})):
        with zipfile.ZipFile(tmp_path / 'demo.zip', 'w') as packed:
            packed.writestr('demo-1.0/setup.py', PLAIN)
            if extra:
                packed.writestr(extra, '')
        assert sdist_contents.languages(str(tmp_path / 'demo.zip')) == expected

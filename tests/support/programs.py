"""What does a test need that no package on an index has, and what if that is not there?"""

import shutil
import sysconfig
from pathlib import Path

import pytest

from egg.cache.environment import compilers


def require(*names):
    """Skip the test unless all these programs are there; the reason names what is lacking."""
    lacking = [name for name in names if shutil.which(name) is None]
    if lacking:
        pytest.skip(f'there is no {" and no ".join(lacking)}')


def require_compiler():
    """Skip the test unless extension modules in C and C++ can be compiled.

    Where one of them can't be, what is built from source is not stored.
    """
    require('cc')
    header = Path(sysconfig.get_path('include'), 'Python.h')
    if not header.exists():
        pytest.skip(f'there is no {header}')
    missing = compilers.missing()
    for language in (compilers.C, compilers.CXX):
        if language in missing:
            pytest.skip(f'there is no compiler of {language}: {missing[language]}')

"""What both scripts say in copies of their own: the same question gets the same answer."""

import itertools
import json

import pytest
from packaging.utils import canonicalize_name

from egg.cache.common.errors import CacheError
from egg.cache.portable import buildinfo
from egg.cache.standalone import bootstrap, install
from egg.cache.store import transfer

HERE = {
    'implementation': 'cpython', 'python': '3.12', 'soabi': 'cpython-312-x86_64-linux-gnu',
    'platform': 'linux-x86_64', 'libc': 'glibc 2.36',
}  # fmt: skip
ENVIRONMENTS = [  # what is needed, what is found, compiled or not, does it do?
    ({}, {}, True, True),
    ({'implementation': 'pypy'}, {}, False, False),
    ({'python': '3.13'}, {}, False, False),
    ({'soabi': 'cpython-312d-x86_64-linux-gnu'}, {}, False, False),
    ({'platform': 'linux-aarch64'}, {}, False, False),
    ({}, {'libc': 'glibc 2.35'}, True, False),
    ({}, {'libc': 'glibc 2.35'}, False, True),
    ({}, {'libc': 'glibc 2.100'}, True, True),
    ({'libc': 'glibc 2.9'}, {'libc': 'glibc 2.17'}, True, True),
    ({'libc': 'musl 1.2'}, {}, True, False),
    ({'libc': 'musl 1.2'}, {}, False, True),
    ({'libc': ''}, {}, True, True),
    ({}, {'libc': ''}, True, False),
    ({'libc': ''}, {'libc': ''}, True, True),
]
BUILDINFO = {
    'format': 1, 'environment': HERE, 'buildout_eggs': ['demo-1.0-py3.12.egg'],
    'directories': {'bin-directory': 'scripts', 'eggs-directory': 'var/eggs'},
}  # fmt: skip
DOCUMENTS = {  # the file, is it read?
    'as it is written': (json.dumps(BUILDINFO), True),
    'with more in it': (json.dumps({**BUILDINFO, 'later': [1]}), True),
    'empty': ('', False),
    'cut off': (json.dumps(BUILDINFO)[:-9], False),
    'deep': ('[' * 100_000, False),
    'a list': ('[]', False),
    'a text': ('"x"', False),
    'null': ('null', False),
    'directories are a list': (json.dumps({**BUILDINFO, 'directories': ['bin']}), False),
    'directories are null': (json.dumps({**BUILDINFO, 'directories': None}), False),
    'a number for a path': (json.dumps({**BUILDINFO, 'directories': {'bin-directory': 1}}), False),
    'NUL in a path': (json.dumps({**BUILDINFO, 'directories': {'bin-directory': 'a\0b'}}), False),
}
PATHS = {
    'eggs': True, 'var/eggs': True, 'a b/\xe4': True, '..a/b..': True, '.hidden': True,
    '': False, '..': False, '../eggs': False, 'var/../eggs': False, 'eggs/..': False,
    'e\0ggs': False, 1: False, None: False,
}  # fmt: skip
# A release spells each path in one way, and has none that is elsewhere; a buildout may.
ONLY_IN_A_BUILDOUT = ['.', './eggs', 'var//eggs', 'eggs/', '/srv/eggs']
ERRORS = {
    OSError(2, 'No such file'): 'No such file',
    OSError(13, 'Permission denied', '/srv/x'): 'Permission denied: /srv/x',
    OSError('odd'): 'odd',
}


def test_the_environment_is_the_same():
    assert bootstrap.environment() == install.environment()
    assert set(bootstrap.environment()) == set(buildinfo.ENVIRONMENT)


@pytest.mark.parametrize(('needed', 'found', 'is_compiled', 'does'), ENVIRONMENTS)
def test_an_environment_does_for_both_or_for_none(needed, found, is_compiled, does):
    needed, found = {**HERE, **needed}, {**HERE, **found}
    assert (bootstrap.differences(needed, found, is_compiled) == []) is does
    assert install.differing(needed, found, is_compiled) is not does


@pytest.mark.parametrize(('text', 'is_read'), DOCUMENTS.values(), ids=DOCUMENTS)
def test_buildinfo_is_read_or_refused_by_all(tmp_path, text, is_read):
    (tmp_path / buildinfo.NAME).write_text(text)
    readers = {
        bootstrap.Problem: lambda: bootstrap.read_buildinfo(str(tmp_path))['directories'],
        install.Failure: lambda: install._places(str(tmp_path)),
        CacheError: lambda: buildinfo.read(tmp_path).directories,
    }
    for error, read in readers.items():
        if is_read:
            assert read() == BUILDINFO['directories']
        else:
            with pytest.raises(error, match=buildinfo.NAME):
                read()


@pytest.mark.parametrize('path', [*PATHS, *ONLY_IN_A_BUILDOUT])
def test_a_path_is_safe_for_both_or_for_none(path):
    assert bootstrap._is_path(path) is PATHS.get(path, True)
    if PATHS.get(path):
        assert install._path(path) == path
    else:
        with pytest.raises((ValueError, TypeError)):
            install._path(path)


@pytest.mark.parametrize('is_file', [True, False])
def test_modes_become_the_same(is_file):
    modes = (0o777, 0o755, 0o750, 0o700, 0o711, 0o666, 0o664, 0o644, 0o640, 0o600, 0o555, 0o444)
    for mode, stored, umask in itertools.product(modes, (0, 0o02, 0o22, 0o77), (0o02, 0o22, 0o77)):
        assert bootstrap._received_mode(mode, stored, umask, is_file) == (
            transfer.received_mode(mode, stored, umask, is_file))  # fmt: skip


@pytest.mark.parametrize('name', ['demo', 'Demo', 'zope.interface', 'a__b-.c', 'X_1'])
def test_names_become_the_same(name):
    assert bootstrap._canonical(name) == canonicalize_name(name)


@pytest.mark.parametrize(('error', 'said'), ERRORS.items(), ids=str)
def test_errors_are_told_in_the_same_words(error, said):
    assert bootstrap._plain(error) == install._plain(error) == said

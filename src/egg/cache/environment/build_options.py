"""Which options decide about an egg that is built from source?

Those that `pip install` passes on to a build, or that choose among the distributions that a build
requires. Wheels don't depend on them. Where distributions come from (`index-url`, `find-links`)
is not among them, no more than the index of a buildout or the time of a build: mirrors differ in
their names, and often have a password in them. Who wants the same versions in all builds, pins
them with a build constraint, and that counts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from packaging.version import Version

from egg.cache.common.errors import CacheError
from egg.cache.environment import constraints, pip_config

# Files, by content.
_FILES = ('build-constraint', 'constraint')
_FLAGS = (
    'ignore-requires-python', 'no-deps', 'no-use-pep517', 'no-build-isolation', 'pre',
    'prefer-binary', 'use-pep517',
)  # fmt: skip
_TEXTS = (
    'all-releases', 'config-settings', 'global-option', 'install-option', 'no-binary',
    'only-binary', 'only-final', 'uploaded-prior-to', 'use-deprecated', 'use-feature',
)  # fmt: skip
# How pip gets what it gets, and not what.
_HARMLESS = ('fast-deps', 'truststore', 'legacy-certs', 'html5lib')

_YES = ('y', 'yes', 't', 'true', 'on', '1')
_NO = ('n', 'no', 'f', 'false', 'off', '0')

#: The variables that stand for pip's options, whether they or one of pip's files say it.
VARIABLES = tuple(
    sorted(f'PIP_{name.upper().replace("-", "_")}' for name in (*_FILES, *_FLAGS, *_TEXTS))
)

# From this release on, pip has constraints for builds alone, and no others count for them.
_SEPARATE = Version('26.2')


def read(pip: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what is said to the release `pip`, by variable: `{'PIP_PRE': 'yes'}`.

    Raises `CacheError` where a file or URL that pip would read for a build can't be read.
    """
    given = pip_config.options(environ)
    found = {}
    for name in _FLAGS:
        value = _flag(given.get(name, ''))
        # pip reads `no-build-isolation = 0` as it is meant for `build-isolation`.
        if value and (value != 'no' or name == 'no-build-isolation'):
            found[name] = value
    for name in _TEXTS:
        words = [word for word in given.get(name, '').split() if word not in _HARMLESS]
        if words:
            found[name] = ' '.join(words)
    for name in _FILES:
        if name in given and (name != 'constraint' or Version(pip) < _SEPARATE):
            found[name] = constraints.summary(given[name], environ)
    options = {f'PIP_{name.upper().replace("-", "_")}': text for name, text in found.items()}
    return {name: text for name, text in {**options, **_distutils(environ)}.items() if text}


def _distutils(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the user's own files for setuptools, by content: it reads those that are there.

    https://setuptools.pypa.io/en/latest/deprecated/distutils/configfile.html
    """
    home = environ.get('HOME') or os.path.expanduser('~')
    places = {
        'DIST_EXTRA_CONFIG': environ.get('DIST_EXTRA_CONFIG', ''),
        '.pydistutils.cfg': os.path.join(home, '.pydistutils.cfg'),
    }
    found = {}
    for name, path in places.items():
        try:
            with open(path, 'rb') as file:
                text = file.read(constraints.LARGEST).decode('utf-8', 'surrogateescape')
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except OSError as error:
            raise CacheError(f"{path} can't be read: {error.strerror}") from error
        found[name] = constraints.shortened(
            [' '.join(line.split()) for line in text.splitlines() if line.strip()]
        )
    return found


def _flag(text: str) -> str:
    value = text.strip().lower()
    return 'yes' if value in _YES else 'no' if value in _NO else value

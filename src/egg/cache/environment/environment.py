"""On what does the compatibility of an egg depend?

Two buildouts share an entry only if they have the same environment: interpreter and ABI,
platform with its libc, egg format, build variables and the user's own `egg-cache-key`. What is
built from source depends on more: on the options of such builds (`build_options`).
"""

from __future__ import annotations

import hashlib
import json
import os
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from packaging import tags

from egg.cache.common.errors import CacheError
from egg.cache.environment import compilers, pip_config

#: Variables that change what compilers, setuptools or pip make of the same archive.
BUILD_VARIABLES = (
    'AR',
    'ARCHFLAGS',
    'ARFLAGS',
    'CARGO_BUILD_TARGET',
    'CC',
    'CFLAGS',
    'CPATH',
    'CPLUS_INCLUDE_PATH',
    'CPP',
    'CPPFLAGS',
    'CXX',
    'CXXFLAGS',
    'C_INCLUDE_PATH',
    'DISTUTILS_USE_SDK',
    'F77',
    'F90',
    'FC',
    'FFLAGS',
    'LDCXXSHARED',
    'LDFLAGS',
    'LDSHARED',
    'LD_RUN_PATH',
    'LIBRARY_PATH',
    'MACOSX_DEPLOYMENT_TARGET',
    'PIP_COMPILE',
    'PIP_NO_COMPILE',
    'PKG_CONFIG_PATH',
    'PURE_PYTHON',
    'PYTHONOPTIMIZE',
    'RUSTFLAGS',
    'SDKROOT',
    'SETUPTOOLS_SCM_PRETEND_VERSION',
    'SETUPTOOLS_USE_DISTUTILS',
    '_PYTHON_HOST_PLATFORM',
)

# Where compilers and configuration files are looked for, and what takes their place.
_PLACES = (
    'CARGO', 'DIST_EXTRA_CONFIG', 'HOME', 'PATH', 'XDG_CONFIG_DIRS', 'XDG_CONFIG_HOME',
)  # fmt: skip

# Of these, pip's own files may speak, too.
_OPTIONS = {'PIP_COMPILE': 'compile', 'PIP_NO_COMPILE': 'no-compile'}


def abi_tag() -> str:
    """Return how zc.buildout calls the directory of this interpreter's eggs, such as `cp313t`.

    With its option `abi-tag-eggs` that is a directory in `eggs/`, or from release 5 on in
    `eggs/v5`. The rule is that of its `pep425tags.get_abi_tag`, the same from release 4 to 6.
    """
    soabi = str(sysconfig.get_config_var('SOABI') or '')
    if soabi.startswith('cpython-'):
        return 'cp' + soabi.split('-')[1]
    return soabi.replace('.', '_').replace('-', '_')


@dataclass(frozen=True)
class Environment:
    """What the eggs of one environment have in common.

    `tag` is the interpreter with its ABI, such as `cp313t`; `platform` is the platform tag with
    the libc version (PEP 600, PEP 656), such as `manylinux_2_36_x86_64`; `egg_format` is 4 or 5.
    """

    tag: str
    platform: str
    egg_format: int
    variables: Mapping[str, str] = field(default_factory=dict)
    user_key: str = ''

    @property
    def key(self) -> str:
        """The name of the directory that holds this environment's entries."""
        name = f'{self.tag}-{self.platform}-egg{self.egg_format}'
        if not self.variables and not self.user_key:
            return name
        text = json.dumps([sorted(self.variables.items()), self.user_key])
        return f'{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}'

    def for_sources(self, options: Mapping[str, str]) -> Environment:
        """Return the environment of what is built from source with these `options`.

        It is this one if there are none. Other archives become the same eggs whatever they are.
        """
        return replace(self, variables={**self.variables, **options}) if options else self

    def describe(self) -> dict[str, object]:
        """Return what the key was made of, for `environment.json`."""
        return {
            'tag': self.tag,
            'platform': self.platform,
            'egg-format': self.egg_format,
            'variables': dict(self.variables),
            'egg-cache-key': self.user_key,
        }


def current(
    buildout_version: str, user_key: str = '', environ: Mapping[str, str] = os.environ
) -> Environment:
    """Return the environment of this process.

    The tags are the first and most specific ones that `packaging.tags` has for this
    interpreter. zc.buildout 5 and 6 make the same eggs, those of earlier versions differ:
    namespace packages break both ways when they are mixed.
    """
    tag = next(tags.sys_tags())
    return Environment(
        tag=tag.abi if tag.abi.startswith(tag.interpreter) else f'{tag.interpreter}_{tag.abi}',
        platform=_platform(),
        egg_format=5 if int(buildout_version.split('.')[0]) >= 5 else 4,
        variables=build_variables(environ),
        user_key=user_key,
    )


def build_variables(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the build variables that are set, or that pip's configuration stands for."""
    found = {
        name: environ[name]
        for name in BUILD_VARIABLES
        if name in environ and not compilers.says_never(name, environ[name])
    }
    # What pip can't read, it says itself.
    with suppress(CacheError):
        options = pip_config.options(environ)
        for variable, name in _OPTIONS.items():
            if variable not in found and name in options:
                found[variable] = options[name]
    return found


def inputs(environ: Mapping[str, str] = os.environ) -> tuple[tuple[str, str], ...]:
    """Return the variables that an environment, or a build from source, may depend on."""
    return tuple(sorted(
        (name, value) for name, value in environ.items()
        if name in BUILD_VARIABLES or name in _PLACES or name.startswith('PIP_')
    ))  # fmt: skip


def _platform() -> str:
    """Return the platform tag that names the libc, else the first one there is.

    Not every version of packaging has them in the same order.
    """
    platforms = list(tags.platform_tags())
    libc = [name for name in platforms if name.startswith(('manylinux_', 'musllinux_'))]
    return (libc or platforms)[0]

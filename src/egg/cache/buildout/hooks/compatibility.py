"""Has this zc.buildout all that the hooks rely on?

These are the private names of zc.buildout that the modules in this folder use, and nobody else
does. Where one of them is missing or differs, the egg cache switches itself off.
"""

from __future__ import annotations

import inspect
from typing import Any

from zc.buildout import buildout, easy_install

#: The private names that are relied on: functions and methods with their parameters ...
SIGNATURES = {
    'Environment.can_add': ('self', 'dist'),
    'Installer._satisfied': ('self', 'req', 'source'),
    'Installer._obtain': ('self', 'requirement', 'source'),
    'Installer._fetch': ('self', 'dist', 'tmp', 'download_cache'),
    'Installer._get_dist': ('self', 'requirement', 'ws'),
    'Installer._make_env': ('self',),
    'Installer._env_rescan_dest': ('self',),
    'Installer._check_picked_requirement_versions': ('self', 'requirement', 'dists'),
    'Installer.install': ('self', 'specs', 'working_set'),
    'AllowHostsPackageIndex.open_url': ('self', 'url', 'warning'),
    'AllowHostsPackageIndex.url_ok': ('self', 'url', 'fatal'),
    'AllowHostsPackageIndex.find_packages': ('self', 'requirement'),
    'AllowHostsPackageIndex.not_found_in_index': ('self', 'requirement'),
    'call_pip_install': ('spec', 'dest'),
    'develop': ('setup', 'dest'),
    '_maybe_copy_and_rename_wheel': ('dist', 'dest'),
    '_move_to_eggs_dir_and_compile': ('dist', 'dest'),
    'Buildout._maybe_upgrade': ('self',),
}
# Here further parameters do no harm: they are handed on, or never given.
_MAY_HAVE_MORE = ('AllowHostsPackageIndex.url_ok', 'call_pip_install', 'develop')
#: ... other names, and attributes that an initialiser sets.
NAMES = ('UNPACKERS', 'buildout_and_setuptools_path', 'logger', 'pkg_resources')
ATTRIBUTES = {
    'Installer': ('_dest', '_path', '_env', '_index', '_links', '_allow_hosts'),
    'AllowHostsPackageIndex': ('index_url',),
}


def lacking() -> list[str]:
    """Return the private names that this zc.buildout has no longer, or has otherwise."""
    wrong = [name for name in NAMES if not hasattr(easy_install, name)]
    for name, parameters in SIGNATURES.items():
        found = _parameters(name)
        if name in _MAY_HAVE_MORE:
            found = found[: len(parameters)]
        if found != parameters:
            wrong.append(name)
    for name, attributes in ATTRIBUTES.items():
        known = _initialised(getattr(easy_install, name, object))
        wrong.extend(f'{name}.{attribute}' for attribute in attributes if attribute not in known)
    return wrong


def owner(name: str) -> Any:
    """Return the module of zc.buildout that a name of `SIGNATURES` is in."""
    return buildout if name.startswith('Buildout.') else easy_install


def _parameters(name: str) -> tuple[str, ...]:
    function: Any = owner(name)
    for part in name.split('.'):
        function = getattr(function, part, None)
    return tuple(inspect.signature(function).parameters) if inspect.isfunction(function) else ()


def _initialised(cls: type) -> set[str]:
    """Return the names that occur in the initialisers of `cls` and its bases."""
    initialisers = (vars(base).get('__init__') for base in inspect.getmro(cls))
    return {
        name
        for initialise in initialisers
        if inspect.isfunction(initialise)
        for name in initialise.__code__.co_names
    }

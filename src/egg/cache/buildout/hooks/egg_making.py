"""How does an archive become an egg: is it copied, or made as buildout makes it?

What makes eggs in buildout, `call_pip_install` and its unpackers, is wrapped. The egg of an
archive that is being installed comes by way of its `Installation`. Directories and editable
installs pass through, so custom builds and develop eggs are neither stored nor served.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from egg.cache.buildout.hooks import state
from egg.cache.common import disk_space
from egg.cache.common.errors import UnwritableError


def pip_install(original: Any) -> Any:
    def call_pip_install(spec: str, dest: str, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs or os.path.isdir(spec):
            return original(spec, dest, *args, **kwargs)

        def make() -> Path:
            [egg] = original(spec, dest)
            return Path(egg)

        return [str(_egg_of(spec, dest, make))]

    return call_pip_install


def unpackers(originals: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wrapped unpackers for each suffix.

    zc.buildout 4 unpacks wheels itself, and its unpackers get the directory to unpack into; those
    of later versions get the path of the egg.
    """
    wrap = _unpacker_into if '.whl' in originals else _unpacker_to
    return {suffix: wrap(original) for suffix, original in originals.items()}


def _unpacker_to(original: Any) -> Any:
    def unpack(location: str, egg: str) -> None:
        def make() -> Path:
            original(location, egg)
            return Path(egg)

        _egg_of(location, os.path.dirname(egg), make)

    return unpack


def _unpacker_into(original: Any) -> Any:
    def unpack(location: str, directory: str) -> None:
        def make() -> Path:
            original(location, directory)
            [name] = os.listdir(directory)
            return Path(directory) / name

        _egg_of(location, directory, make)

    return unpack


def wheel_rename(original: Any) -> Any:
    def rename(dist: Any, dest: str) -> Any:
        """Look into a wheel for its name, but not into one that was never downloaded."""
        installation = state.current.installation
        if installation is not None and installation.copy is not None:
            return None
        return original(dist, dest)

    return rename


def _egg_of(path: str, directory: str, make: Callable[[], Path]) -> Path:
    installation = state.current.installation
    if installation is None:
        return make()
    try:
        return installation.egg(path, directory, make)
    except (Exception, SystemExit) as error:
        found = disk_space.of_build(error, os.path.dirname(directory))
        if found is None or isinstance(error, UnwritableError):
            raise
        raise found from error

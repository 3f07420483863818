"""Is something pinned to another version than the one that is installed beside zc.buildout?

What an extension requires, buildout fetches before it loads any: an egg cache comes too late for
that. Where there is no network, buildout then stops.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from importlib.metadata import distributions

from zc.buildout import easy_install

from egg.cache.portable import relocation

logger = logging.getLogger('egg.cache')


def remark(extensions: str) -> None:
    """Say what of all that these `extensions` require should be installed in another version."""
    differing = list(_differing(extensions.split()))
    if not differing:
        return
    pins = ', '.join(f'{project} = {pin} ({there} is installed)'
                     for project, pin, there in differing)  # fmt: skip
    wanted = ' '.join(f'{project}=={pin}' for project, pin, _ in differing)
    logger.warning(
        'What [versions] pin differs from what is installed beside zc.buildout: %s.\n'
        'buildout fetches such pins of what its extensions require before it loads them, so each '
        'new buildout needs a network for that. To mend it: %s -m pip install %s',
        pins, sys.executable, wanted,
    )  # fmt: skip


def _differing(extensions: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield project, pin, and the version that is installed."""
    for dist in relocation.closure(extensions).values():
        pin = relocation.pin_of(dist.project_name)
        if pin is not None:
            there = _installed(dist.project_name)
            if there is not None and there != pin:
                yield dist.project_name, pin, there


def _installed(project: str) -> str | None:
    """Return the version that is installed beside zc.buildout, None if there is none."""
    places = easy_install.buildout_and_setuptools_path
    found = distributions(name=project, path=places)
    return next((one.version for one in found), None)

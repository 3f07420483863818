"""Which eggs of extensions did buildout fetch before it loaded them, and does the cache have them?

buildout fetches all extensions, and what they require, before any of them can help: the next
buildout will do so again. But parts may need the same eggs, so they are stored now.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from egg.cache.buildout.session import Session
from egg.cache.configuration import index_options, local_archives
from egg.cache.eggs import provenance
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Pointer
from egg.cache.portable import modified_eggs, relocation
from egg.cache.store.manifest import Archive


def note(session: Session, options: Mapping[str, str]) -> None:
    """Store the eggs of extensions that the cache lacks, and count those of this run."""
    directory = os.path.realpath(options['eggs-directory'])
    begun = _begin()
    for dist in relocation.closure(options.get('extensions', '').split()).values():
        if os.path.dirname(os.path.realpath(dist.location)) != directory:
            continue
        is_new = os.stat(dist.location).st_ctime >= begun
        session.counters.early += is_new
        archive = provenance.direct(Path(dist.location))
        if archive is None or not archive.sha256:
            continue
        project, version = dist.project_name, dist.version
        if session.find(project, version, archive) is None and _is_as_made(dist.location):
            session.keep(project, version, archive, Path(dist.location))
        if is_new:
            _remember(session, options, dist, archive)


def _is_as_made(location: str) -> bool:
    found = modified_eggs.of(Path(location))
    return found.against == 'RECORD' and not found.paths


def _remember(session: Session, options: Mapping[str, str], dist: Any, archive: Archive) -> None:
    """Keep what a pin stands for, be it one of [versions] or what buildout picked just now.

    Where archives lie in local directories nobody knows which of them was chosen.
    """
    origin = index_options.origin(options)
    only = SpecifierSet(f'=={dist.version}')
    if not local_archives.find(origin.find_links, dist.project_name, only):
        pointer = Pointer(archive.name, archive.sha256, dist.version)
        pin = relocation.pin_of(dist.project_name) or dist.version
        if origins.allows(pin, dist.version):
            session.remember(origin, dist.project_name, pin, pointer)


def _begin() -> float:
    """Return when this process began, in seconds since the epoch; now if nobody tells."""
    try:
        with open('/proc/self/stat', encoding='utf-8', errors='replace') as file:
            ticks = int(file.read().rpartition(')')[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf('SC_CLK_TCK')
    except (OSError, ValueError, IndexError, AttributeError):
        age = 0.0
    return time.time() - age

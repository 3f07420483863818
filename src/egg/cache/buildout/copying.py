"""How does a run get a verified copy of an egg?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from egg.cache.common.errors import UnwritableError
from egg.cache.common.linking import Linker
from egg.cache.store import transfer
from egg.cache.store.entry import Entry
from egg.cache.store.manifest import Manifest


@dataclass(frozen=True)
class Copy:
    """A verified copy of an egg, at the path `egg`; copying took `seconds`."""

    egg: Path
    manifest: Manifest
    seconds: float


def copy(entry: Entry, directory: Path, umask: int, linker: Linker) -> Copy:
    """Copy the egg of `entry` into `directory`, for a user with `umask`.

    Raises `DamagedError` for the entry, and `UnwritableError` if there is no room for it in
    `directory`.
    """
    started = time.monotonic()
    manifest = entry.manifest
    target = directory / manifest.egg
    try:
        transfer.copy_out(manifest, entry.egg, target, umask, linker)
    except UnwritableError:
        # Somebody may make room at this moment; a build would take longer.
        transfer.copy_out(manifest, entry.egg, target, umask, linker)
    return Copy(target, manifest, time.monotonic() - started)

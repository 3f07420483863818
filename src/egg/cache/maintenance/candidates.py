"""What is known of an entry that might go, and what is it worth?"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.maintenance import manifest_summary
from egg.cache.store.entry import Entry
from egg.cache.store.layout import MANIFEST, Layout, version_name
from egg.cache.store.store import entries

#: What an egg saves at the least: a request, a download and a process. Of adopted eggs, nobody
#: knows more.
LEAST_SECONDS = 1.0


@dataclass(frozen=True)
class Candidate:
    """An entry as it is weighed.

    `size` is that of all its files in bytes, `seconds` what fetching and building took (nothing
    for a damaged one), `last_use` in seconds since the epoch, `egg` the name of the egg.
    """

    entry: Entry
    egg: str
    size: int
    seconds: float
    last_use: float
    #: Project and version as the egg spells them, and as `egg-cache list` has them.
    spelling: tuple[str, str] = field(default=('', ''), compare=False)

    @property
    def group(self) -> tuple[str, str]:
        """What is compared with each other by version: a project in an environment."""
        return self.entry.environment_key, self.entry.path.parent.parent.name

    @cached_property
    def version(self) -> Version | None:
        try:
            return Version(self.entry.path.parent.name)
        except InvalidVersion:
            return None

    @property
    def value(self) -> int:
        """The seconds saved for each byte, as a power of two.

        The same build takes twice as long on a busy machine, so a finer scale would measure
        noise, and the last use would never count.
        """
        if self.seconds <= 0:
            return -1000
        return math.floor(math.log2(max(self.seconds, LEAST_SECONDS) / max(self.size, 1)))


def survey(layout: Layout) -> Iterator[Candidate]:
    """Yield all entries, as they are weighed."""
    for entry in entries(layout):
        candidate = weigh(entry)
        if candidate is not None:
            yield candidate


def weigh(entry: Entry) -> Candidate | None:
    """Return an entry as it is weighed, None if it is gone.

    Its manifest is believed: at worst, the wrong egg is built again.
    """
    path = str(entry.path)
    try:
        info = os.lstat(path)
    except OSError:
        return None
    try:
        if not stat.S_ISDIR(info.st_mode):
            raise ValueError('not a directory')
        with files.opened(f'{path}/{MANIFEST}') as descriptor:
            text = files.content(descriptor)
        found = manifest_summary.read(text)
        [egg] = {*os.listdir(path)} - {MANIFEST}
    except (OSError, ValueError):
        names = _spelling(entry)
        return Candidate(entry, '', files.tree_size(path), 0.0, info.st_mtime, names)
    seconds = max(found.seconds, LEAST_SECONDS)
    return Candidate(
        entry, egg, found.size + len(text), seconds, info.st_mtime, _spelling(entry, found)
    )


def _spelling(
    entry: Entry, found: manifest_summary.Outline | None = None
) -> tuple[str, str]:
    """Return project and version as the manifest of an entry has them, if it is about them."""
    names = entry.path.parent.parent.name, entry.path.parent.name
    with suppress(CacheError):
        if found and names == (canonicalize_name(found.project), version_name(found.version)):
            return found.project, found.version
    return names


def worth(candidate: Candidate) -> tuple[int, float, str]:
    """Return what candidates are sorted by, the least valuable first."""
    return candidate.value, candidate.last_use, str(candidate.entry.path)

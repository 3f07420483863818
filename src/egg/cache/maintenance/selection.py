"""Which entries does somebody mean, and how are they told apart?"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from egg.cache.common import files
from egg.cache.common.errors import DamagedError, SettingError
from egg.cache.configuration.settings import Exclusion
from egg.cache.store.entry import Entry
from egg.cache.store.layout import ENVIRONMENT, Layout
from egg.cache.store.store import entries

#: So many digits of a sha256 tell archives apart, for people.
_SHORT = 12

# In the name, not in a version: `lxml==5.*` is a requirement.
_WILDCARD = re.compile(r'[^<>=!~;@]*[*?]')


def pattern(text: str) -> Exclusion:
    """Return what `zope.*`, `zope.* >= 5` or `lxml==5.2.1` stands for, or raise `SettingError`."""
    try:
        return Exclusion.parse(''.join(text.split()))
    except SettingError as error:
        raise SettingError(
            f'{text!r} is not a pattern.\nAllowed are names with the wildcards * and ?, with or '
            'without a version specifier, such as: "zope.*" or "lxml >= 5".'
        ) from error


def requirement(text: str) -> Exclusion:
    """Return what a requirement such as `lxml` or `lxml >= 5` stands for.

    Raises `SettingError` for what isn't one, or asks for more than versions of a project.
    """
    try:
        found = Requirement(text)
        if found.url or found.extras or found.marker:
            raise InvalidRequirement('extras, markers and URLs say nothing here')
    except InvalidRequirement as error:
        # What comes below shows the place, with blanks before it.
        reason = str(error).partition('\n')[0]
        if _WILDCARD.match(text):
            reason = 'it is a pattern, which egg-cache list alone understands'
        raise SettingError(
            f'{text!r} is not a requirement: {reason}.\n'
            'Allowed is a project with or without a version specifier, such as: lxml or "lxml>=5".'
        ) from error
    return Exclusion(canonicalize_name(found.name), found.specifier)


def select(layout: Layout, wanted: Exclusion | None = None) -> Iterator[Entry]:
    """Yield the entries that match, all without `wanted`: by project, version, environment.

    Manifests are not read, so damaged entries are among them.
    """
    found = []
    for entry in entries(layout):
        project, version = entry.path.parent.parent.name, entry.path.parent.name
        try:
            rank = (project, Version(version), entry.environment_key, entry.path.name)
        except ValueError:  # Nobody asks for what is no version.
            rank = (project, Version('0'), entry.environment_key, entry.path.name)
            if wanted is not None and wanted.specifier:
                continue
        if wanted is None or wanted.matches(project, version):
            found.append((rank, entry))
    found.sort(key=lambda pair: pair[0])
    for _, entry in found:
        yield entry


def title(entry: Entry) -> str:
    """Return project and version in one line, as `spelling` has them."""
    return ' '.join(spelling(entry))


def spelling(entry: Entry) -> tuple[str, str]:
    """Return project and version as the egg spells them, if its manifest can be read."""
    try:
        return entry.manifest.project, entry.manifest.version
    except (OSError, DamagedError):
        return entry.path.parent.parent.name, entry.path.parent.name


def marks(found: Iterable[Entry]) -> dict[Entry, str]:
    """Return a mark for each entry that looks like another one: the sha256 of its archive."""
    all_of_them = list(found)
    counts = Counter((str(entry), entry.environment_key) for entry in all_of_them)
    return {
        entry: entry.path.name[:_SHORT]
        for entry in all_of_them
        if counts[str(entry), entry.environment_key] > 1
    }


def environment(layout: Layout, key: str) -> dict[str, object]:
    """Return what the environment key was made of; empty if that can't be read."""
    try:
        found = json.loads(files.read(layout.environment(key) / ENVIRONMENT))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

"""What changed from one release to the next?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from egg.cache.common.errors import CacheError
from egg.cache.release.release import FORMAT, Release


def changed(old: Release, new: Release) -> frozenset[str]:
    """Return the paths of files and empty directories whose content the old release has not.

    Modes and times are no content: whoever copies a file of the old release sets them.
    """
    files = {path for path, file in new.files.items()
             if _content(file) != _content(old.files.get(path, {}))}  # fmt: skip
    return frozenset(files | (set(new.directories) - set(old.directories)))


def document(old: Release, new: Release) -> dict[str, Any]:
    """Return what `SINCE.json` says: which release it leads to, from which one, and how."""
    return {
        'format': FORMAT,
        'base': {'name': old.name, 'version': old.version, 'digest': old.digest},
        'digest': new.digest,
        'patch': patch(old.document, new.document),
    }


def check(old: Release, new: Release) -> None:
    """Raise `CacheError` unless the one can be upgraded to the other."""
    if old.name != new.name:
        raise CacheError(
            f'{old} is another application than {new.name}, so its files are no base.\n'
            f'Name a release of {new.name} with --since, or leave it out.'
        )
    for name, value in new.environment.items():
        if name != 'libc' and old.environment[name] != value:
            raise CacheError(
                f'{old} is for another environment: its {name} is {old.environment[name]}, and '
                f'here it is {value}.\n'
                'Pack a full release, without --since.'
            )
    if old.digest == new.digest:
        raise CacheError(
            f'Nothing changed since {old}: there is nothing to pack.\n'
            'Give another --version if it is to be a release of its own.'
        )


def patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) from one document to another, both without null."""
    found: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for name, value in new.items():
        before = old.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            inner = patch(before, value)
            if inner:
                found[name] = inner
        elif name not in old or before != value:
            found[name] = value
    return found


def _content(file: Mapping[str, Any]) -> tuple[object, object]:
    return file.get('sha256'), file.get('link')

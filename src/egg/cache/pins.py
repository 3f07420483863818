"""Which archive does a pin stand for, and if nobody knows it without an index, why?"""

from __future__ import annotations

from collections.abc import Sequence

from egg.cache import origins
from egg.cache.errors import DamagedError
from egg.cache.origins import Origin, Pointer
from egg.cache.store import Store

#: Why an index is asked for a pin.
OBSTACLES = {
    'no-pin': 'no version is pinned',
    'development': 'development versions are often rebuilt under their names',
    'local-index': 'a local index costs no network',
    'new-origin': 'the pin was not resolved before in this origin',
    'local-archives': 'local archives came or went since the pin was resolved',
    'adopted': 'the index decides between an egg that was taken over and another one',
}


def resolve(
    store: Store, origin: Origin, project: str, pin: str, local: Sequence[str]
) -> tuple[Pointer | None, str]:
    """Return what `project == pin` stands for in `origin`; or None, and one of `OBSTACLES`.

    `local` are the sha256 of archives for it that lie in local directories now. Raises
    `CacheError` for what can't be trusted.
    """
    if not origins.can_be_pinned(pin):
        return None, 'development'
    if not origin.has_pointers:
        return None, 'local-index'
    pointer = _read(store, origin, project, pin) or _read(store, origins.EVERYWHERE, project, pin)
    if pointer is None:
        return None, 'new-origin'
    if not pointer.holds(local):
        return None, 'local-archives'
    if pointer.is_adopted and _has_rival(store, project, pin, pointer):
        return None, 'adopted'
    return pointer, ''


def _read(store: Store, origin: Origin, project: str, pin: str) -> Pointer | None:
    store.check_once(store.layout.origin(store.key, origin.key))
    return origins.read(store.layout, store.key, origin, project, pin)


def _has_rival(store: Store, project: str, pin: str, adopted: Pointer) -> bool:
    """Tell whether there is another egg that the pin may stand for.

    One of another version, such as `1.0+local` for the pin `1.0`, or one whose archive is known,
    damaged or not.
    """
    own = store.entry(project, adopted.version, adopted.sha256).path
    for entry in store.versions(project):
        version = entry.path.parent.name
        if entry.path != own and origins.allows(pin, version):
            try:
                if version != own.parent.name or entry.manifest.archive.is_known:
                    return True
            except DamagedError:
                return True
    return False

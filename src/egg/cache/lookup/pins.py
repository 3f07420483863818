"""Which archive does a pin stand for, and if nobody knows it without an index, why?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from egg.cache.common.errors import DamagedError
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.store.store import Store

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
    store: Store, origin: Origin, project: str, pin: str, local: Sequence[str],
    for_sources: Callable[[], Store] | None = None,
) -> tuple[Pointer | None, str]:  # fmt: skip
    """Return what `project == pin` stands for in `origin`; or None, and one of `OBSTACLES`.

    `local` are the sha256 of archives for it that lie in local directories now. Pointers are
    kept in `store`; those to adopted eggs, which may have been built from source, in the store
    that `for_sources` returns. Raises `CacheError` for what can't be trusted.
    """
    if not origins.can_be_pinned(pin):
        return None, 'development'
    if not origin.has_pointers:
        return None, 'local-index'
    stores = [store]
    pointer = _pointer(store, origin, project, pin)
    if for_sources is not None and (pointer is None or pointer.is_adopted):
        other = for_sources()
        if other.key != store.key:
            stores.insert(0, other)
            pointer = _pointer(other, origin, project, pin)
    if pointer is None:
        return None, 'new-origin'
    if not pointer.holds(local):
        return None, 'local-archives'
    if pointer.is_adopted:
        own = stores[0].entry(project, pointer.version, pointer.sha256).path
        if any(_has_rival(one, project, pin, own) for one in stores):
            return None, 'adopted'
    return pointer, ''


def _pointer(store: Store, origin: Origin, project: str, pin: str) -> Pointer | None:
    return _read(store, origin, project, pin) or _read(store, origins.EVERYWHERE, project, pin)


def _read(store: Store, origin: Origin, project: str, pin: str) -> Pointer | None:
    store.check_once(store.layout.origin(store.key, origin.key))
    return origins.read(store.layout, store.key, origin, project, pin)


def _has_rival(store: Store, project: str, pin: str, own: Path) -> bool:
    """Tell whether there is another egg than the `own` one that the pin may stand for.

    One of another version, such as `1.0+local` for the pin `1.0`, or one whose archive is known,
    damaged or not.
    """
    for entry in store.versions(project):
        version = entry.path.parent.name
        if entry.path != own and origins.allows(pin, version):
            try:
                if version != own.parent.name or entry.manifest.archive.is_known:
                    return True
            except DamagedError:
                return True
    return False

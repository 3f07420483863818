"""How does the cache take over eggs that others made?

Nobody knows the archive of such an egg, so it is kept under a digest of its own, and a pointer of
its own leads to it: in the origins that the user names, or in all. It answers exact pins alone,
until the cache has an egg of that version whose archive is known.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from egg.cache.adopt import eligibility
from egg.cache.adopt.eligibility import AdoptableEgg
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.eggs import contents
from egg.cache.environment.environment import Environment, abi_tag
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.lookup.stores import may_be_built
from egg.cache.store import trust
from egg.cache.store.layout import Layout, version_name
from egg.cache.store.manifest import Archive, Build, Manifest
from egg.cache.store.store import Entry, Store

ADDED, KNOWN, REFUSED = 'added', 'already there', 'refused'

_FORMAT_DIRECTORY = re.compile(r'v[0-9]+')
_ABI_DIRECTORY = re.compile(re.escape(abi_tag()))


@dataclass(frozen=True)
class Adopted:
    """What became of one egg: ADDED, KNOWN or REFUSED, then with the `reason`.

    `left_out` are files in it that are none of its own.
    """

    egg: Path
    outcome: str
    reason: str = ''
    project: str = ''
    version: str = ''
    size: int = 0
    left_out: tuple[str, ...] = ()


def eggs(place: Path) -> Iterator[Path]:
    """Yield what could be an egg: `place` itself, or what is in that eggs directory.

    zc.buildout 5 and later keep their eggs in `v5` below it, and with `abi-tag-eggs` in a
    directory for each ABI: only this interpreter's is entered. Raises `SettingError` for what is
    neither, and `OSError`.
    """
    if place.name.endswith(('.egg', '.egg-link')):
        yield place
        return
    if not place.is_dir():
        raise SettingError(
            f'{place} is not a directory.\nAllowed are eggs, and directories with eggs in them.'
        )
    yield from _inside(place, _FORMAT_DIRECTORY, _ABI_DIRECTORY)


def _inside(directory: Path, *entered: re.Pattern[str]) -> Iterator[Path]:
    """Yield what is in a directory; of those that are `entered`, what is in them instead.

    A later one may be in an earlier one.
    """
    for name in sorted(os.listdir(directory)):
        path = directory / name
        for position, pattern in enumerate(entered):
            if pattern.fullmatch(name) and path.is_dir():
                yield from _inside(path, *entered[position + 1:])
                break
        else:
            yield path


def prepare(layout: Layout, environment: Environment) -> Store:
    """Return the store of an environment, with all that it needs; raise as `trust.check`."""
    trust.check(layout.root)
    store = Store(layout, environment.key)
    store.prepare()
    trust.check(layout.root)
    store.describe(environment.describe())
    return store


def adopt(
    store: Store,
    places: Iterable[Path],
    targets: Iterable[Origin],
    egg_format: int,
    excludes: Callable[[str, str], bool] = lambda project, version: False,
    is_dry: bool = False,
    main: Store | None = None,
) -> Iterator[Adopted]:
    """Take over the eggs at absolute paths, so that they answer pins in the origins `targets`.

    `main` is the store of wheels and of pointers to known archives, where `store`, that of what
    may be built from source, is another one (`stores`). Raises `OSError` if the cache can't be
    written to; what can't be read is refused.
    """
    wanted = tuple(targets)
    stores = [store] if main is None or main.key == store.key else [store, main]
    candidates = list(places)
    offers = set(filter(None, map(eligibility.offered, candidates)))
    for egg in candidates:
        try:
            found = eligibility.inspect(egg, egg_format)
            if excludes(found.project, found.version):
                raise CacheError('egg-cache-exclude excludes it')
            _check_versions(stores, found, offers)
        except (OSError, CacheError, RecursionError) as error:
            yield Adopted(egg, REFUSED, _sentence(error))
            continue
        open_ = [origin for origin in wanted if not _is_answered(stores, origin, found)]
        size = 0
        if open_ and not is_dry:
            try:
                size = _keep(store, found, open_)
            except CacheError as error:
                yield Adopted(egg, REFUSED, _sentence(error))
                continue
        yield Adopted(
            egg, ADDED if open_ else KNOWN, '', found.project, version_name(found.version), size,
            found.left_out,
        )  # fmt: skip


def _check_versions(
    stores: Iterable[Store], egg: AdoptableEgg, offers: Iterable[tuple[str, str]]
) -> None:
    """Refuse `1.0` where there is `1.0+local`: the pin `1.0` stands for that one, too."""
    project, own = canonicalize_name(egg.project), version_name(egg.version)
    there = {version for name, version in offers if name == project}
    for store in stores:
        there.update(entry.path.parent.name for entry in store.versions(project))
    for version in sorted(there):
        if origins.allows(own, version) and version_name(version) != own:
            raise CacheError(f'there is {version}, too, and the pin {own} may stand for that')


def _keep(store: Store, egg: AdoptableEgg, targets: Iterable[Origin]) -> int:
    """Store the egg, then its pointers; return its size in bytes."""
    entry = store.add(_manifest(egg), egg.path, wanted=egg.wanted)
    # Somebody may have changed it since it was inspected.
    if contents.identity(entry.manifest.items) != egg.archive.sha256:
        store.remove(entry)
        raise CacheError('it was changed while it was copied')
    pin = version_name(egg.version)
    pointer = Pointer(egg.archive.name, egg.archive.sha256, egg.version)
    for origin in targets:
        store.check(store.layout.origin(store.key, origin.key))
        origins.write(store.layout, store.key, origin, egg.project, pin, pointer)
    return entry.manifest.size


def _is_answered(stores: Sequence[Store], origin: Origin, egg: AdoptableEgg) -> bool:
    """Tell whether the pin has an egg already: that one stays."""
    pin = version_name(egg.version)
    for store in stores:
        store.check(store.layout.origin(store.key, origin.key))
        pointer = origins.read(store.layout, store.key, origin, egg.project, pin)
        # Eggs that the main store has adopted answer nobody here.
        if pointer is None or (pointer.is_adopted and store is not stores[0]):
            continue
        is_built = may_be_built(Archive(pointer.name, pointer.sha256))
        with suppress(CacheError):
            entry: Entry = stores[0 if is_built else -1].entry(
                egg.project, pointer.version, pointer.sha256
            )
            if entry.exists():
                return True
    return False


def _manifest(egg: AdoptableEgg) -> Manifest:
    return Manifest(
        project=egg.project,
        version=egg.version,
        egg=egg.path.name,
        archive=egg.archive,
        # How it was built, and how long that took, nobody knows.
        build=Build(0.0, time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), '', '', ''),
        umask=egg.umask,
        items=(),
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return 'something in it is nested too deeply'
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    place = getattr(error, 'filename', None)
    return f'{text}: {place}' if place else text

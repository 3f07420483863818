"""Of which distributions does this buildout, or this release, consist?"""

from __future__ import annotations

import configparser
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from egg.cache.common import files, validation
from egg.cache.common.errors import CacheError
from egg.cache.eggs import provenance
from egg.cache.portable import (
    buildinfo,
    buildout_paths,
    modified_eggs,
    script_requirements,
    selfcontained,
    used_eggs,
)
from egg.cache.portable.findings import SITE_PACKAGES
from egg.cache.release import release
from egg.cache.sbom import components, dependencies
from egg.cache.sbom.components import EGG, Component
from egg.cache.standalone import install
from egg.cache.store.layout import Layout

_AGAIN = 'Unpack the release again.'


@dataclass(frozen=True)
class Composition:
    """A buildout or a release, and its `components`, sorted.

    `asked` are the requirements of its parts, `environment` the values of markers there,
    `remarks` what people should know: of what is not in here, above all.
    """

    name: str
    version: str = ''
    components: tuple[Component, ...] = ()
    asked: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def is_release(directory: Path) -> bool:
    """Tell whether there is an unpacked release in `directory`."""
    return os.path.lexists(directory / release.NAME)


def read(directory: Path, layout: Layout | None = None) -> Composition:
    """Return of what the buildout or the unpacked release in `directory` consists.

    Of the eggs of a buildout, the egg cache at `layout` may know the archives; a release knows
    them itself. Raises `SettingError` for what is neither, `CacheError` for what is damaged.
    """
    directory = Path(os.path.abspath(directory))
    return _release(directory) if is_release(directory) else _buildout(directory, layout)


def egg_cache(directory: Path) -> Path | None:
    """Return the egg cache that the last run of the buildout in `directory` used, if it says."""
    info = buildinfo.read(directory)
    return Path(info.egg_cache) if info is not None and info.egg_cache else None


def _buildout(directory: Path, layout: Layout | None) -> Composition:
    found, info = buildout_paths.find(directory), buildinfo.read(directory)
    eggs = _eggs(found, {*used_eggs.eggs(directory), *(info.buildout_eggs if info else ())})
    remarks: list[str] = []
    own = []
    for egg in eggs:
        component = components.of(egg, remarks)
        with suppress(CacheError):
            component = replace(component, archive=provenance.of(egg, layout).archive)
        with suppress(OSError):
            state = modified_eggs.of(egg, layout)
            if state.is_modified:
                component = replace(component, modified=_modified(state.paths))
        own.append(component)
    own += components.developed(found.directories['develop-eggs-directory'], remarks)
    return Composition(
        os.path.basename(os.path.realpath(directory)) or 'buildout',
        components=components.unique(own),
        asked=tuple(_asked(directory / buildout_paths.INSTALLED)),
        environment=dependencies.markers(
            info.environment if info else {}, [egg.name for egg in eggs]
        ),
        remarks=(*remarks, *_beside(found)),
    )


def _release(directory: Path) -> Composition:
    path = directory / release.NAME
    document = _document(path)
    if document.get('format') != release.FORMAT:
        raise CacheError(
            f'{path} has the format {document.get("format")!r:.40}; known here is '
            f'{release.FORMAT}.\nUse the egg.cache that made it, or a newer one.'
        )
    try:
        name, version = validation.filled(document['name']), validation.filled(document['version'])
        packed = {validation.name(egg): _row(row) for egg, row in sorted(document['eggs'].items())}
        environment = dependencies.markers(dict(document['environment']))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, f'{type(error).__name__}, {error}') from error
    info = buildinfo.read(directory)
    eggs = directory / (info.directories.get('eggs-directory', 'eggs') if info else 'eggs')
    missing = [egg for egg in packed if not (eggs / egg).is_dir()]
    if missing:
        raise _missing(missing, directory, _AGAIN)
    remarks: list[str] = []
    since = _changed_since(directory, eggs)
    own = [
        replace(components.of(eggs / egg, remarks),
                **{**row, 'modified': row['modified'] or since.get(egg, '')})
        for egg, row in packed.items()
    ]  # fmt: skip
    asked = _asked(directory / buildout_paths.CONFIGURATION)
    return Composition(
        name, version, components.unique(own), tuple(asked), environment, tuple(remarks)
    )


def _changed_since(directory: Path, eggs: Path) -> dict[str, str]:
    """Return which eggs of an unpacked release are not as they were packed, and in what way."""
    path = str(directory)
    found: dict[str, list[str]] = {}
    with suppress(install.Failure):
        for name in install.damaged(path, install.load(path)):
            with suppress(ValueError):
                egg, *rest = (directory / name).relative_to(eggs).parts
                found.setdefault(egg, []).append('/'.join(rest))
    return {egg: _modified({'changed or missing': names}) for egg, names in found.items()}


def _modified(paths: Mapping[str, Sequence[str]]) -> str:
    """Return a sentence that names what is not as it was built."""
    texts = [f'{kind}: {", ".join(names)}' for kind, names in paths.items()]
    return f'Not as it was built. {"; ".join(texts)}.'


def _row(row: Any) -> dict[str, Any]:
    """Return what `RELEASE.json` has of an egg."""
    changed = dict(row.get('modified', {}))
    archive = dict(changed.pop('archive', None) or row.get('archive', {}))
    known = {name: validation.filled(archive[name]) for name in ('name', 'url') if name in archive}
    if 'sha256' in archive:
        known['sha256'] = validation.digest(archive['sha256'])
    return {
        'name': validation.filled(row['project']),
        'version': validation.filled(row['version']),
        'archive': known,
        'is_developed': row.get('source') == 'develop',
        'modified': _modified(
            {kind: list(map(validation.text, changed[kind]))
             for kind in modified_eggs.KINDS if kind in changed}
        ) if changed else '',
    }


def _document(path: Path) -> dict[str, Any]:
    """Return the JSON document in a file; raise `CacheError` if it is none."""
    try:
        document = json.loads(files.read(path))
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(document, dict):
        raise _damaged(path, 'it holds no object')
    return document


def _damaged(path: Path, reason: str) -> CacheError:
    return CacheError(f'{path} is damaged: {reason}.\n{_AGAIN}')


def _eggs(found: buildout_paths.BuildoutPaths, names: Collection[str]) -> list[Path]:
    """Return the paths of the eggs with these names; raise `CacheError` if some are missing."""
    eggs = found.directories['eggs-directory']
    above = (eggs, eggs / 'v5', found.directories['develop-eggs-directory'])
    paths, missing = [], []
    for name in sorted(filter(EGG.fullmatch, names)):
        path = next((place / name for place in above if (place / name).is_dir()), None)
        if path is None:
            missing.append(name)
        else:
            paths.append(path)
    if missing:
        raise _missing(missing, found.directory, 'Run buildout there, to its end.')
    return paths


def _missing(names: list[str], directory: Path, advice: str) -> CacheError:
    return CacheError(f'Eggs of {directory} are missing: {", ".join(names)}.\n{advice}')


def _asked(path: Path) -> Iterator[str]:
    """Yield what the options `eggs` of a configuration ask for, as far as it can be read."""
    parser = configparser.RawConfigParser(strict=False, delimiters=('=',), allow_no_value=True)
    with suppress(OSError, configparser.Error):
        parser.read_string(path.read_text('utf-8', 'surrogateescape'))
        for section in parser.values():
            lines = (section.get('eggs') or '').splitlines()
            yield from filter(None, map(str.strip, lines))


def _beside(found: buildout_paths.BuildoutPaths) -> Iterator[str]:
    """Yield remarks about what scripts take from elsewhere, as there are no eggs of it."""
    taken: dict[str, set[str]] = {}
    for finding in selfcontained.scripts(found).findings:
        if finding.kind == SITE_PACKAGES:
            names = script_requirements.names(found, finding.path, finding.target)
            taken.setdefault(finding.target, set()).update(names)
    for target, found_names in sorted(taken.items()):
        what = ', '.join(sorted(found_names, key=str.lower)) or 'anything'
        yield f'Not listed is what scripts may take from {target}: {what}.'

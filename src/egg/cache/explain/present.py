"""What does a buildout have already: develop eggs, eggs, and what is beside zc.buildout?"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from egg.cache.configuration.buildout_cfg import Configuration
from egg.cache.configuration.settings import is_listed
from egg.cache.eggs import metadata, site_packages, source_metadata, wheel_rebuild
from egg.cache.environment import environment

_TRUE = ('true', 'yes', 'on')


@dataclass(frozen=True)
class Distribution:
    """Something that is there: an egg, a source that is developed, or what is installed.

    `place` is the name of the egg, the directory of the source, or that of the metadata.
    `requires` is None if it is not known. `is_named` tells whether the name is.
    """

    project: str
    version: str
    place: str
    requires: tuple[str, ...] | None = ()
    is_named: bool = True

    def satisfies(self, specifier: SpecifierSet) -> bool:
        """Tell whether it is of such a version; one that nobody knows could be any."""
        try:
            return not self.version or specifier.contains(self.version, prereleases=True)
        except ValueError:
            return False


@dataclass(frozen=True)
class Present:
    """What there is. `missing` are sources that are to be checked out: {directory: what for}."""

    developed: tuple[Distribution, ...] = ()
    eggs_directory: Path = Path()
    missing: dict[str, str] = field(default_factory=dict)

    def develop_egg(self, project: str, specifier: SpecifierSet) -> Distribution | None:
        """Return the develop egg that buildout takes for a requirement, None if it takes none."""
        for one in self.developed:
            if _is_called(one.project, project) and one.satisfies(specifier):
                return one
        return None

    def eggs_of(self, project: str, specifier: SpecifierSet) -> Iterator[Distribution]:
        """Yield the eggs of the buildout that satisfy what is asked for."""
        directory = self.eggs_directory
        for name in sorted(os.listdir(directory)) if directory.is_dir() else ():
            if name.endswith('.egg') and not site_packages.is_for_other_python(name):
                called, _, rest = name.partition('-')
                number = rest.partition('-')[0].removesuffix('.egg')
                if _is_called(called, project):
                    found = Distribution(
                        project, number, name, metadata.requires(directory / name)
                    )
                    if found.satisfies(specifier):
                        yield found

    def active(self, project: str, specifier: SpecifierSet) -> Distribution | None:
        """Return what is on the path of this process, as on that of buildout, and satisfies it."""
        try:
            found = distribution(project)
        except (PackageNotFoundError, ValueError):
            return None
        here = Distribution(
            found.metadata['Name'], found.version, str(getattr(found, '_path', '')),
            tuple(found.requires or ()),
        )  # fmt: skip
        return here if here.satisfies(specifier) else None

    def beside(self, project: str, specifier: SpecifierSet) -> Distribution | None:
        """Return what is installed beside zc.buildout and satisfies what is asked for."""
        here = self.active(project, specifier)
        is_egg = here is not None and self.eggs_directory in Path(here.place).parents
        return None if is_egg else here


def is_from_index(one: Distribution) -> bool:
    """Tell whether an index may have the archive of what is installed."""
    path = Path(one.place)
    # In eggs it is always said, since buildout lets pip install what was downloaded before.
    return path.parent.suffix == '.egg' or wheel_rebuild.is_from_index(path)


def read(configuration: Configuration) -> Present:
    """Return what the buildout with this configuration has."""
    options, root = configuration.options, configuration.directory
    eggs_directory = os.path.join(
        root,
        options.get('eggs-directory', 'eggs'),
        options.get('eggs-directory-version', ''),
        environment.abi_tag() if options.get('abi-tag-eggs', 'false') == 'true' else '',
    )
    developed, missing = [], {}
    for pattern in options.get('develop', '').split():
        place = os.path.join(root, os.path.expanduser(pattern))
        developed += [_developed(path) for path in sorted(glob.glob(place)) or [place]]
    for name, (what, place) in _checkouts(configuration).items():
        if os.path.isdir(place):
            developed.append(_developed(place, name))
        else:
            missing[place] = what
            developed.append(Distribution(name, '', place, None))
    return Present(tuple(developed), Path(eggs_directory), missing)


def _developed(path: str, name: str = '') -> Distribution:
    # Of a file, such as `setup.py`, it is the directory.
    directory = Path(os.path.dirname(path) if os.path.isfile(path) else path)
    said = source_metadata.read(directory)
    return Distribution(
        said.name or name or directory.name, said.version, os.path.normpath(directory),
        said.requires, bool(said.name or name),
    )  # fmt: skip


def _checkouts(configuration: Configuration) -> dict[str, tuple[str, str]]:
    """Return the sources that mr.developer checks out and develops.

    {name: (kind and URL, directory)}.
    """
    options = configuration.options
    if not is_listed(options.get('extensions', ''), 'mr.developer'):
        return {}
    chosen = options.get('auto-checkout', '').split()
    found = {}
    for name, text in configuration.sources.items():
        words = text.split()
        given = dict(word.split('=', 1) for word in words[2:] if '=' in word)
        if (name in chosen or '*' in chosen) and given.get('egg', 'true').lower() in _TRUE:
            place = os.path.join(given.get('path') or options.get('sources-dir', 'src'), name)
            place = os.path.join(configuration.directory, given.get('full-path') or place)
            found[name] = ' '.join(words[:2]), place
    return found


def _is_called(name: str, project: str) -> bool:
    return bool(canonicalize_name(name) == canonicalize_name(project))

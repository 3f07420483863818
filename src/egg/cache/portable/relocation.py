"""What does a buildout need to live without the place where it was built?

At the end of a run, eggs of zc.buildout, of the extensions and recipes, and of what they require
are in its eggs directory, `.buildinfo.json` says where and with what it was built, and whatever
still leads out of it is named.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from zc.buildout import easy_install

from egg.cache.eggs import site_packages
from egg.cache.portable import buildinfo, buildout_paths, selfcontained
from egg.cache.portable.buildinfo import BuildInfo
from egg.cache.portable.buildout_paths import DIRECTORIES, BuildoutPaths
from egg.cache.portable.findings import SITE_PACKAGES
from egg.cache.standalone import bootstrap

pkg_resources: Any = getattr(easy_install, 'pkg_resources', None)
logger = logging.getLogger('egg.cache')

_OPTION = re.compile(r'-[vqhWUoOnNDA]*([ct])(.*)', re.S)
_RECIPE = re.compile(r'^recipe *= *([^\s:]+)', re.M)


def complete(options: Mapping[str, str], egg_cache: str) -> None:
    """Let the buildout with these options of `[buildout]` have all that it needs.

    `egg_cache` is the directory of the egg cache, or empty. Does nothing where the eggs are
    elsewhere: then the buildout isn't on its own anyway.
    """
    directory = Path(os.path.realpath(options['directory']))
    here = buildout_paths.find(directory)
    eggs_directory = options['eggs-directory']
    if not here.holds(eggs_directory):
        return
    runs = closure(['zc.buildout', *options.get('extensions', '').split()])
    recipes = closure(_recipes(here))
    names = _eggs({**recipes, **runs}, options)
    known = [names.get(_key(dist)) for dist in runs.values()]
    for name in filter(None, known):
        site_packages.restore_metadata_name(Path(eggs_directory, name))
    buildinfo.write(
        BuildInfo(
            environment=bootstrap.environment(),
            directories={name: _relative(here, options[name]) for name in DIRECTORIES},
            buildout_eggs=[name for name in known if name is not None],
            directory=str(directory),
            executable=sys.executable,
            egg_cache=egg_cache,
            configuration=_configuration(sys.argv[1:], directory),
        ),
        directory,
    )


def report(options: Mapping[str, str], is_asked_for: bool) -> None:
    """Say whether the directories and the scripts of a buildout lead out of it.

    Eggs that are elsewhere were somebody's choice, and are no news, unless they are asked for.
    """
    here = buildout_paths.find(Path(options['directory']))
    if not here.holds(options['eggs-directory']) and not is_asked_for:
        return
    findings = selfcontained.scripts(here).findings
    if not findings:
        return
    is_leak = any(finding.kind == SITE_PACKAGES for finding in findings)
    first, count = findings[0], len(findings)
    logger.log(
        logging.WARNING if is_leak or is_asked_for else logging.INFO,
        'This buildout is not self-contained: %s leads to %s%s.\n'
        '"egg-cache check" tells what to do.',
        first.path, first.target,
        '' if count == 1 else f', and {count - 1} more path{"s" * (count > 2)} out of it',
    )  # fmt: skip


def _configuration(arguments: Iterable[str], directory: Path) -> str:
    """Return the file that buildout was given with `-c`, relative to its directory, or ''."""
    given, rest = '', list(arguments)
    # What follows them is a command.
    while rest and (rest[0].startswith('-') or '=' in rest[0]):
        match = _OPTION.fullmatch(rest.pop(0))
        if match:
            value = match[2] or ''.join(rest[:1])
            del rest[: not match[2]]
            given = value if match[1] == 'c' else given
    # It was relative to where buildout was started, and is beside what buildout makes.
    for name in filter(None, (given, os.path.basename(given))):
        path = os.path.relpath(os.path.realpath(directory / name), directory)
        if (directory / path).is_file():
            is_inside = not path.startswith('..')
            found = path if is_inside else os.path.normpath(directory / path)
            return '' if found == 'buildout.cfg' else found
    return ''


def _recipes(here: BuildoutPaths) -> Iterator[str]:
    """Yield the requirements of recipes whose parts are installed."""
    with suppress(OSError):
        text = (here.directory / buildout_paths.INSTALLED).read_text('utf-8', 'surrogateescape')
        yield from dict.fromkeys(_RECIPE.findall(text))


def closure(roots: Iterable[str]) -> dict[str, Any]:
    """Return {normalised name: active distribution} of all that `roots` need, roots first."""
    active = {canonicalize_name(dist.project_name): dist for dist in pkg_resources.working_set}
    waiting = [pkg_resources.Requirement.parse(root) for root in roots]
    seen: set[tuple[str, frozenset[str]]] = set()
    found: dict[str, Any] = {}
    while waiting:
        requirement = waiting.pop(0)
        name = canonicalize_name(requirement.project_name)
        extras = frozenset(requirement.extras)
        if name not in active or (name, extras) in seen:
            continue
        seen.add((name, extras))
        dist = found.setdefault(name, active[name])
        waiting += dist.requires(tuple(extras & set(dist.extras)))
    return found


def _eggs(dists: Mapping[str, Any], options: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Return the names of the eggs in the eggs directory, after making those that lack."""
    directory = options['eggs-directory']
    names = site_packages.egg_names(directory)
    versions = {name: _version(dist) for name, dist in dists.items()}
    lacking = [
        f'{dist.project_name}=={_version(dist)}' for dist in dists.values()
        if _key(dist) not in names
    ]  # fmt: skip
    if not lacking:
        return names
    is_offline = options.get('offline') == 'true'
    try:
        easy_install.install(
            lacking,
            None if is_offline else directory,
            links=options.get('find-links', '').split(),
            index=options.get('index'),
            path=[options['develop-eggs-directory'], directory],
            newest=False,
            versions=versions,
            allow_hosts=options.get('allow-hosts', '*').split(),
            check_picked=False,
        )
    # Whatever it is: the parts are installed, and that is what the run was for.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        logger.warning(
            'Not all that zc.buildout itself needs could be made an egg (%s): %s.\n'
            'So the buildout can\'t be set up elsewhere without a network. Run it again where '
            'there is one.', ', '.join(lacking), str(error).rstrip('.'),
        )  # fmt: skip
    return site_packages.egg_names(directory)


def pin_of(project: str) -> str | None:
    """Return the version that [versions] pin a project to, None if they don't."""
    constraint = easy_install.default_versions().get(canonicalize_name(project), '')
    if not constraint or constraint[0] in '<>':
        return None
    return str(constraint.removeprefix('=='))


def _version(dist: Any) -> str:
    """Return the version of which an egg is wanted: that of the pin, whatever is active now."""
    return pin_of(dist.project_name) or str(dist.version)


def _key(dist: Any) -> tuple[str, str]:
    return site_packages.key(dist.project_name, _version(dist))


def _relative(here: BuildoutPaths, path: str) -> str:
    return here.relative(os.path.realpath(path)) if here.holds(path) else path

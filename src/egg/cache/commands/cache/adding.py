"""Which eggs can be taken over from an existing eggs directory?"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from egg.cache.adopt import adoption, destination
from egg.cache.adopt.adoption import ADDED, KNOWN, REFUSED, Adopted
from egg.cache.commands.cache.pruning import eggs
from egg.cache.common import units
from egg.cache.common.console import Console, printable
from egg.cache.common.errors import SettingError
from egg.cache.configuration import buildout_cfg, index_options, location, settings
from egg.cache.configuration.buildout_cfg import Configuration
from egg.cache.configuration.settings import Settings
from egg.cache.explain import questions
from egg.cache.lookup.origins import EVERYWHERE, Origin, public_url
from egg.cache.store import ownership
from egg.cache.store.layout import Layout
from egg.cache.store.store import Store

NAME = 'add'
HELP = 'take over eggs from an existing eggs directory, so that the first run already hits'
EXAMPLE = (
    'egg-cache add ~/.buildout/eggs --buildout ~/projects/app\n'
    'egg-cache add /srv/eggs/v5 --index https://packages.example.com/simple --dry-run\n'
    'egg-cache add /srv/eggs --all-origins'
)
# It is made if there is none yet.
CACHE = location.NAMED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'places', metavar='DIR|EGG', nargs='+',
        help='a directory with eggs in it, or in v5 or the directory of this ABI below it; '
        'or one egg',
    )  # fmt: skip
    parser.add_argument(
        '--buildout', metavar='DIR', action='append', default=[],
        help='let them answer the exact pins of this buildout, and of all others with the same '
        'index, find-links and allow-hosts (default: the buildout here)',
    )  # fmt: skip
    parser.add_argument('--index', metavar='URL', help='the same for this index')
    parser.add_argument(
        '--find-links', metavar='URL', nargs='+', action='extend', default=[],
        help='the find-links beside that index, in their order',
    )  # fmt: skip
    parser.add_argument(
        '--allow-hosts', metavar='PATTERN', nargs='+', action='extend', default=[],
        help='the allow-hosts beside that index',
    )  # fmt: skip
    parser.add_argument(
        '--all-origins', action='store_true', help='let them answer the exact pins of everybody'
    )
    parser.add_argument(
        '--key', metavar='TEXT', help='the egg-cache-key (default: that of the buildout, if any)'
    )
    parser.add_argument('--dry-run', action='store_true', help='change nothing')


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    location.check(options.location)
    configurations = _configurations(options)
    targets = _targets(options, configurations)
    wanted = [_settings(one) for one in configurations]
    main, current, buildout = destination.environments(options.key, wanted)
    places = list(_places(options.places))
    store = Store(layout, current.key) if options.dry_run else adoption.prepare(layout, current)

    def excludes(project: str, number: str) -> bool:
        return any(one.excludes(project, number) for one in wanted)

    work = adoption.adopt(
        store, places, targets, current.egg_format, excludes, options.dry_run,
        Store(layout, main.key),
    )  # fmt: skip
    outcomes = list(console.progress(work, len(places), 'Adding'))
    unpinned = _unpinned(configurations, outcomes)
    document = _document(layout, options.dry_run, current.key, targets, outcomes)
    console.answer({**document, 'unpinned': unpinned})
    would = 'Would add' if options.dry_run else 'Added'
    for one in outcomes:
        if one.outcome == ADDED:
            console.line(f'{would} {one.project} {one.version}.')
            if one.left_out:
                console.remark(f'Left out of it, as its RECORD does not have that: '
                               f'{printable(", ".join(one.left_out))}.')  # fmt: skip
        elif one.outcome == REFUSED:
            console.remark(f'Refused {printable(str(one.egg))}: {printable(one.reason)}.')
    counts = {kind: sum(one.outcome == kind for one in outcomes) for kind in _KINDS}
    size = sum(one.size for one in outcomes)
    console.remark(
        f'{would} {eggs(counts[ADDED])}'
        + ('' if options.dry_run else f' ({units.size(size)})')
        + f' to {layout.root}; {counts[KNOWN]} already there, {counts[REFUSED]} refused.'
    )
    if not counts[ADDED] and not counts[KNOWN]:
        return 1
    console.remark(
        f'They are for Python {platform.python_version()} and zc.buildout {buildout}, that is '
        f'{current.key}, and answer exact pins {_described(targets)}.'
    )
    for row in unpinned:
        console.remark(_unpinned_text(row['buildout'], row['projects']))
    return 0


_KINDS = (ADDED, KNOWN, REFUSED)


def _places(texts: list[str]) -> Iterator[Path]:
    """Yield what could be an egg; an egg cache has eggs of its own, and they are known."""
    for text in texts:
        place = Path(os.path.abspath(text))
        if place.is_dir() and ownership.state(Layout(place)) == ownership.CACHE:
            raise SettingError(
                f'{place} is an egg cache.\n'
                'Allowed are eggs, and directories with eggs in them.'
            )
        yield from adoption.eggs(place)


def _configurations(options: argparse.Namespace) -> list[Configuration]:
    """Return the configurations that are named, else the one here, if there is any."""
    here = os.path.join(os.getcwd(), 'buildout.cfg')
    directories = options.buildout or ([os.getcwd()] if os.path.exists(here) else [])
    for directory in directories:
        if not os.path.exists(os.path.join(directory, 'buildout.cfg')):
            raise SettingError(f'There is no buildout.cfg in {directory}.')
    return [buildout_cfg.read(directory) for directory in directories]


def _targets(options: argparse.Namespace, configurations: list[Configuration]) -> list[Origin]:
    """Return the origins in which pins are answered."""
    has_parts = bool(options.index or options.find_links or options.allow_hosts)
    if options.all_origins + has_parts + bool(options.buildout) > 1:
        raise SettingError(
            'Say either --buildout, or --index with --find-links and --allow-hosts, or '
            '--all-origins.'
        )
    if options.all_origins:
        return [EVERYWHERE]
    if has_parts:
        found = [
            index_options.given(options.index or '', options.find_links, options.allow_hosts)
        ]
    else:
        found = [index_options.origin(one.options) for one in configurations]
    if not found:
        raise SettingError(
            'Nobody knows from which archives these eggs were built, so it has to be said whose '
            'pins they may answer.\nName a buildout with --buildout DIR, or its --index URL, or '
            'say --all-origins.'
        )
    for origin in found:
        if not origin.has_pointers:
            raise SettingError(
                f'{origin.index} is a local index: that is asked each time, so that an egg '
                'of which nobody knows the archive would never be used.'
            )
    return found


def _settings(one: Configuration) -> Settings:
    given = {name: one.options[name] for name in settings.OPTIONS if name in one.options}
    return settings.parse(given, one.directory)


def _unpinned(
    configurations: list[Configuration], outcomes: list[Adopted]
) -> list[dict[str, Any]]:
    """Return the added projects that buildouts have no exact pin for: only pins are answered."""
    added = sorted({one.project for one in outcomes if one.outcome == ADDED}, key=str.lower)
    found = []
    for one in configurations:
        # A range, such as `>=4`, is none.
        projects = [name for name in added
                    if questions.pin_of(one.versions, name)[:1] in ('', '<', '>')]  # fmt: skip
        if projects:
            found.append({'buildout': one.directory, 'projects': projects})
    return found


def _unpinned_text(buildout: str, projects: list[str]) -> str:
    names = printable(', '.join(projects))
    have, whom, are = ('has', 'it', 'it is') if len(projects) == 1 else (
        'have', 'them', 'they are')  # fmt: skip
    return (
        f'{len(projects)} of them {have} no pin in {printable(buildout)}: {names}. An index '
        f'decides about {whom}, so {are} built once more.'
    )


def _described(targets: list[Origin]) -> str:
    if targets == [EVERYWHERE]:
        return 'in all origins'
    texts = []
    for origin in targets:
        text = f'of the index {public_url(origin.index)}'
        if origin.find_links:
            text += f' with {" ".join(map(public_url, origin.find_links))}'
        texts.append(text)
    return ' and '.join(texts)


def _document(
    layout: Layout, is_dry: bool, key: str, targets: list[Origin], outcomes: list[Adopted]
) -> dict[str, Any]:
    def rows(outcome: str) -> list[dict[str, Any]]:
        return [
            {
                'egg': str(one.egg), 'project': one.project, 'version': one.version,
                'left_out': list(one.left_out),
            }
            for one in outcomes if one.outcome == outcome
        ]  # fmt: skip

    return {
        'directory': str(layout.root),
        'dry_run': is_dry,
        'environment': key,
        'origins': [
            {name.replace('-', '_'): value for name, value in origin.describe().items()}
            for origin in targets
        ],
        'size': sum(one.size for one in outcomes),
        'added': rows(ADDED),
        'already_there': rows(KNOWN),
        'refused': [
            {'egg': str(one.egg), 'reason': one.reason}
            for one in outcomes if one.outcome == REFUSED
        ],
    }  # fmt: skip

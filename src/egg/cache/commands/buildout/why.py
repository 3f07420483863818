"""Would this buildout hit, and if not, why?"""

from __future__ import annotations

import argparse
import os
from typing import Any

from egg.cache.common.console import Console, printable
from egg.cache.common.errors import DamagedError
from egg.cache.configuration import location
from egg.cache.configuration.location import Location
from egg.cache.explain import answers, explanation, questions
from egg.cache.explain.answers import HIT, Explanation
from egg.cache.maintenance import selection
from egg.cache.store import ownership
from egg.cache.store.entry import Entry
from egg.cache.store.layout import Layout

NAME = 'why'
HELP = 'tell whether a buildout would hit, and if not, what differs; exit status 1 for a miss'
EXAMPLE = 'egg-cache why lxml\negg-cache why lxml==5.2.1 --buildout /srv/site'
CACHE = location.UNUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'requirement', metavar='REQUIREMENT',
        help='a project, then with the version that the buildout pins, or one with a version',
    )  # fmt: skip
    parser.add_argument(
        '--buildout', metavar='DIR', help='the buildout that asks (default: here)'
    )


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    named = None
    if options.cache or os.environ.get(location.VARIABLE):
        named = location.find(options.cache, os.getcwd())
    asked = questions.read(
        options.requirement, options.buildout, None if named is None else named.directory
    )
    directory = asked.question.settings.directory
    if directory is None:
        answer = Explanation(answers.MISS, 'off', detail=asked.off)
    else:
        layout = Layout(directory)
        if location.check(named or Location(directory, asked.directory)) == ownership.MISSING:
            console.remark(f'There is no egg cache in {directory} yet.')
        answer = explanation.explain(asked.question, layout)
    remarks = list(asked.remarks(layout, answer))
    wanted = f'{asked.question.project}{asked.question.specifier}'
    console.answer({
        'requirement': wanted,
        'buildout': asked.directory,
        'directory': None if directory is None else str(directory),
        'environment': asked.question.environment.key,
        'outcome': answer.outcome,
        'asks_index': answer.asks_index,
        'reason': answer.reason or None,
        'detail': answer.detail or None,
        'entry': _document(answer.entry),
        'differences': [vars(difference) for difference in answer.differences],
        'remarks': remarks,
    })
    console.line(printable(f'{wanted}: {_sentence(answer)}'))
    if answer.entry is not None and (answer.outcome == HIT or answer.entry.exists()):
        is_meant = answer.outcome == HIT or answer.reason in ('damaged', 'stranger')
        nearest = 'entry' if is_meant else 'nearest'
        console.line(f'  {nearest}: {printable(str(answer.entry.path))}')
    for difference in answer.differences:
        console.line(f'  {printable(difference.input)}:')
        console.line(f'    here   {printable(difference.here) or "(not set)"}')
        console.line(f'    there  {printable(difference.there) or "(not set)"}')
    if answer.reason == 'unsafe':
        console.remark(answer.detail)
    for remark in remarks:
        console.remark(printable(remark))
    return 0 if answer.outcome == HIT else 1


def _sentence(answer: Explanation) -> str:
    if answer.outcome == HIT:
        if not answer.reason:
            return 'hit, without asking an index.'
        return (
            'hit, if the index offers the archive that the cache has: it is asked, as '
            f'{answers.OBSTACLES[answer.reason]}.'
        )
    # What makes a cache unsafe is a message of two lines, said beside.
    detail = f' ({answer.detail})' if answer.detail and answer.reason != 'unsafe' else ''
    return f'miss, {answers.REASONS[answer.reason]}{detail}.'


def _document(entry: Entry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    project, version = selection.spelling(entry)
    document: dict[str, Any] = {
        'path': str(entry.path),
        'project': project,
        'version': version,
        'environment': entry.environment_key,
    }
    try:
        archive = entry.manifest.archive
    except DamagedError:
        return document
    if not archive.is_known:
        return {**document, 'archive': None, 'sha256': None}
    return {**document, 'archive': archive.name, 'sha256': archive.sha256}

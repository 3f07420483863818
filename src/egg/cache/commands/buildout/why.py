"""Would this buildout hit, and if not, why?"""

from __future__ import annotations

import argparse
import os
from typing import Any

from packaging.requirements import Requirement

from egg.cache.common.console import Console, printable
from egg.cache.common.errors import DamagedError, SettingError
from egg.cache.configuration import location
from egg.cache.configuration.location import Location
from egg.cache.explain import answers, explanation, present, questions, survey
from egg.cache.explain.answers import HIT, MISS, THERE, Explanation
from egg.cache.explain.outcomes import ASK, FAIL, OUTCOMES, Survey
from egg.cache.explain.questions import Asking, Inquiry
from egg.cache.maintenance import selection
from egg.cache.store import ownership
from egg.cache.store.entry import Entry
from egg.cache.store.layout import Layout

NAME = 'why'
HELP = 'tell whether a buildout would hit, and if not, what differs; exit status 1 for a miss'
EXAMPLE = 'egg-cache why lxml\negg-cache why lxml==5.2.1 --buildout /srv/site\negg-cache why --all'
CACHE = location.UNUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'requirement', metavar='REQUIREMENT', nargs='*',
        help='a project, then with the version that the buildout pins, or one with a version',
    )  # fmt: skip
    parser.add_argument(
        '--all', action='store_true',
        help='all that the buildout asks for: would it hit, ask an index, or fail without one?',
    )  # fmt: skip
    parser.add_argument(
        '--buildout', metavar='DIR', help='the buildout that asks (default: here)'
    )


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    wanted = [questions.requirement(text) for text in options.requirement]
    if bool(wanted) is options.all:
        raise SettingError(
            f'why was given {"both" if wanted else "neither"} a REQUIREMENT and --all.\n'
            'Name projects, such as: egg-cache why lxml, or ask for all: egg-cache why --all.'
        )
    named = None
    if options.cache or os.environ.get(location.VARIABLE):
        named = location.find(options.cache, os.getcwd())
    asking = questions.read(
        options.buildout, None if named is None else named.directory, options.all
    )
    directory = asking.settings.directory
    known = None if directory is None else Layout(directory)
    if known is not None:
        place = named or Location(known.root, asking.directory)
        if location.check(place) == ownership.MISSING:
            console.remark(f'There is no egg cache in {directory} yet.')
    if options.all:
        return _tell_all(survey.survey(asking, known), asking, console)
    found = [_answer(asking, requirement, known) for requirement in wanted]
    documents = [_document(asking, *one) for one in found]
    console.answer(documents[0] if len(found) == 1 else _several(asking, documents))
    for one in found:
        _tell(console, *one)
    return 0 if all(answer.outcome != MISS for _, answer, _ in found) else 1


def _several(asking: Asking, documents: list[dict[str, Any]]) -> dict[str, Any]:
    directory = asking.settings.directory
    return {
        'buildout': asking.directory,
        'directory': None if directory is None else str(directory),
        'environment': asking.environment.key,
        'requirements': documents,
    }


def _answer(
    asking: Asking, requirement: Requirement, layout: Layout | None
) -> tuple[Inquiry, Explanation, list[str]]:
    """Return what is asked, the answer, and what else there is to know."""
    asked = asking.ask(requirement)
    question = asked.question
    developed = present.read(asking.configuration).develop_egg(
        question.project, question.specifier)  # fmt: skip
    if developed is not None and not question.contradiction:
        answer = Explanation(THERE, 'develop', detail=developed.place)
    elif layout is None:
        answer = Explanation(MISS, 'off', detail=asking.off)
    else:
        answer = explanation.explain(question, layout)
    return asked, answer, list(asked.remarks(layout, answer))


def _document(
    asking: Asking, asked: Inquiry, answer: Explanation, remarks: list[str]
) -> dict[str, Any]:
    directory = asking.settings.directory
    return {
        'requirement': f'{asked.question.project}{asked.question.specifier}',
        'buildout': asking.directory,
        'directory': None if directory is None else str(directory),
        'environment': asking.environment.key,
        'outcome': answer.outcome,
        'asks_index': answer.asks_index,
        'reason': answer.reason or None,
        'detail': answer.detail or None,
        'entry': _entry(answer.entry),
        'differences': [vars(difference) for difference in answer.differences],
        'remarks': remarks,
    }


def _tell(console: Console, asked: Inquiry, answer: Explanation, remarks: list[str]) -> None:
    wanted = f'{asked.question.project}{asked.question.specifier}'
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


def _tell_all(found: Survey, asking: Asking, console: Console) -> int:
    ordered = sorted(found.answers, key=lambda one: OUTCOMES.index(one.outcome))
    counts = {name: sum(one.outcome == name for one in ordered) for name in OUTCOMES}
    documents = [
        {
            'requirement': one.requirement, 'of': list(one.of), 'outcome': one.outcome,
            'reason': one.reason or None, 'why': one.why, 'entry': _entry(one.entry),
        }
        for one in ordered
    ]  # fmt: skip
    console.answer(
        {**_several(asking, documents), 'counts': counts, 'remarks': found.remarks}
    )
    rows = [
        (one.outcome, printable(one.requirement), printable(_of(one.of)), printable(one.why))
        for one in ordered
    ]
    console.table(('would', 'requirement', 'of', 'why'), rows)
    console.line(
        f'{len(ordered)} requirements: {counts[THERE]} there, {counts[HIT]} hit, '
        f'{counts[ASK]} would ask an index, {counts[FAIL]} would fail without a '
        'network.'
    )
    for remark in found.remarks:
        console.remark(printable(remark))
    return 1 if found.needs_network else 0


def _of(names: tuple[str, ...]) -> str:
    more = len(names) - 1
    return f'{names[0]}, and {more} more' if more else names[0]


def _sentence(answer: Explanation) -> str:
    if answer.outcome == THERE:
        return f'not asked for: it is a develop egg, {answer.detail}.'
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


def _entry(entry: Entry | None) -> dict[str, Any] | None:
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

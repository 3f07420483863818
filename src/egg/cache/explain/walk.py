"""How do the requirements of a buildout lead to others, and what answers each of them?"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from egg.cache.common.errors import CacheError
from egg.cache.eggs import metadata, wheel_rebuild
from egg.cache.explain import answers, explanation, needs, present
from egg.cache.explain.answers import HIT, THERE, Explanation, Question
from egg.cache.explain.needs import EARLY, KEPT, RUN, Need
from egg.cache.explain.outcomes import ASK, FAIL, Answer, Survey
from egg.cache.explain.present import Distribution, Present
from egg.cache.explain.questions import Asking
from egg.cache.lookup import origins
from egg.cache.lookup.stores import Stores
from egg.cache.store.entry import Entry
from egg.cache.store.layout import Layout

_EARLY = (
    'buildout fetches it before it loads the egg cache: install it beside zc.buildout, with pip'
)


@dataclass(frozen=True)
class _Found:
    """What answers a need, its name and version, and what it requires in turn."""

    answer: Answer
    title: str
    version: str = ''
    requires: tuple[str, ...] = ()


class Walk:
    """Goes from what is asked for to what that requires."""

    def __init__(
        self, asking: Asking, layout: Layout | None, there: Present, found: Survey
    ) -> None:
        self._asking = asking
        self._layout = layout
        self._there = there
        self._survey = found
        # Where a version is asked for that [versions] don't change.
        self._unpinned = replace(
            asking, configuration=replace(asking.configuration, versions={})
        )
        self._known: dict[tuple[str, str, str], _Found] = {}
        self._seen: set[tuple[str, str, str, str]] = set()

    def run(self) -> None:
        self._follow(needs.of_buildout(self._asking))
        if needs.keeps_eggs_of_itself(self._asking):
            self._follow(list(self._eggs_of_itself()))
        self._follow(needs.of_parts(self._asking))

    def _eggs_of_itself(self) -> Iterator[Need]:
        """Yield the exact versions of what runs the buildout: it gets eggs of them."""
        for project, specifier, _ in list(self._known):
            beside = self._there.active(project, SpecifierSet(specifier))
            if beside is not None:
                yield Need(_exact(beside), 'zc.buildout itself', KEPT)

    def _follow(self, roots: Iterable[Need]) -> None:
        waiting = deque(roots)
        while waiting:
            need = waiting.popleft()
            found = self._find(need)
            self._survey.add(replace(found.answer, of=(need.of,)))
            name = canonicalize_name(need.requirement.name)
            for extra in ('', *sorted(need.requirement.extras)) if need.who != KEPT else ():
                key = name, found.answer.requirement, extra, need.who
                if key not in self._seen:
                    self._seen.add(key)
                    applying = metadata.applying(found.requires, extra, {})
                    waiting += (Need(one, found.title, need.who) for one in applying)

    def _find(self, need: Need) -> _Found:
        """Return what answers a need: what was chosen before for another one, if that does."""
        question = self._question(need)
        project, specifier = canonicalize_name(question.project), question.specifier
        if (project, str(specifier), need.who) not in self._known and not question.contradiction:
            for (name, _, who), found in self._known.items():
                is_chosen = name == project and who == need.who and found.version
                if is_chosen and specifier.contains(found.version, prereleases=True):
                    return found
        key = project, str(specifier), need.who
        if key not in self._known:
            self._known[key] = self._look(need, question)
        return self._known[key]

    def _question(self, need: Need) -> Question:
        asking = self._unpinned if need.who == KEPT else self._asking
        return asking.ask(need.requirement).question

    def _look(self, need: Need, question: Question) -> _Found:
        project, specifier = question.project, question.specifier
        wanted = f'{project}{specifier}'
        if question.contradiction:
            why = f'{answers.REASONS["contradiction"]} ({question.contradiction})'
            return _Found(Answer(wanted, (), FAIL, why, 'contradiction'), project)
        developed = self._there.develop_egg(project, specifier)
        if developed is not None:
            why = f'a develop egg: {developed.place}'
            return _found_there(Answer(wanted, (), THERE, why), developed)
        active = self._there.active(project, specifier)
        if active is not None and need.who in (RUN, EARLY):
            why = f'buildout runs with {active.version}'
            return _found_there(Answer(wanted, (), THERE, why), active)
        seeks = self._asking.seeks_newest(specifier)
        for egg in self._there.eggs_of(project, specifier):
            return _found_there(_of_what_is_there(wanted, f'{egg.place} is there', seeks), egg)
        beside = self._there.beside(project, specifier)
        if beside is None:
            return self._from_cache(question, wanted, need.who == EARLY)
        is_own = self._asking.settings.self_contained == 'yes'
        if seeks or not is_own:
            why = f'{beside.version} is installed beside zc.buildout'
            return _found_there(_of_what_is_there(wanted, why, seeks), beside)
        return _found_there(self._of_installed(wanted, beside), beside)

    def _of_installed(self, wanted: str, beside: Distribution) -> Answer:
        """Answer for an egg of what is installed beside zc.buildout."""
        is_from_index = present.is_from_index(beside)
        reason = ''
        if is_from_index:
            answer = self._from_cache(self._unpinned.ask(_exact(beside)).question, wanted).answer
            if answer.outcome == HIT:
                return answer
            reason = answer.reason
        entry = self._entry_of_installed(beside)
        if entry is not None:
            return Answer(wanted, (), HIT, 'an egg of what is installed', '', entry)
        if is_from_index:
            why = 'without an answer, an egg is made of what is installed'
            return Answer(wanted, (), ASK, why, reason)
        return Answer(wanted, (), THERE, 'an egg is made of what is installed')

    def _entry_of_installed(self, beside: Distribution) -> Entry | None:
        asking = self._asking
        if self._layout is None or asking.settings.is_off or not asking.settings.reads:
            return None
        with suppress(OSError, CacheError):
            identity = wheel_rebuild.identity(Path(beside.place))
            stores = Stores(self._layout, asking.environment, asking.source_builds)
            entry = stores.main.entry(beside.project, beside.version, identity)
            return entry if entry.exists() and next(entry.faults(), None) is None else None
        return None

    def _from_cache(self, question: Question, wanted: str, is_early: bool = False) -> _Found:
        """Return what the cache answers. What is asked for early only tells what it requires."""
        if self._layout is None:
            found = Explanation(answers.MISS, 'off', detail=self._asking.off)
        else:
            found = explanation.explain(question, self._layout)
        entry = found.entry if found.outcome == HIT else None
        if is_early:
            answer = Answer(wanted, (), FAIL, _EARLY, 'extension')
        elif entry is not None:
            is_asked = found.asks_index and found.reason != 'local-index'
            why = answers.OBSTACLES[found.reason] if is_asked else str(entry)
            answer = Answer(wanted, (), ASK if is_asked else HIT, why, found.reason, entry)
        else:
            answer = self._missing(question, wanted, found)
        if entry is None:
            return _Found(answer, question.project)
        return _Found(answer, str(entry), entry.path.parent.name, metadata.requires(entry.egg))

    def _missing(self, question: Question, wanted: str, found: Explanation) -> Answer:
        detail = f' ({found.detail})' if found.detail and found.reason != 'unsafe' else ''
        why = f'{answers.REASONS[found.reason]}{detail}'
        if not question.is_offline and (
            question.local or self._is_in_local_index(question.project)
        ):
            return Answer(wanted, (), ASK, f'{why}, but there is a local archive', found.reason)
        return Answer(wanted, (), FAIL, why, found.reason)

    def _is_in_local_index(self, project: str) -> bool:
        index = self._asking.origin.index
        return not origins.is_remote(index) and any(
            os.path.isdir(os.path.join(origins.local_path(index), name))
            for name in (project, canonicalize_name(project))
        )


def _of_what_is_there(wanted: str, why: str, seeks_newest: bool) -> Answer:
    if not seeks_newest:
        return Answer(wanted, (), THERE, why)
    why = f'{why}, and buildout looks for a newer one, as {answers.OBSTACLES["no-pin"]}'
    return Answer(wanted, (), ASK, why, 'no-pin')


def _found_there(answer: Answer, one: Distribution) -> _Found:
    title = f'{one.project} {one.version}'.rstrip()
    return _Found(answer, title, one.version, one.requires or ())


def _exact(beside: Distribution) -> Requirement:
    return Requirement(f'{beside.project}=={beside.version}')

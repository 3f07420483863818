"""What does a buildout ask its egg cache, as far as its configuration tells?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import buildout_cfg, index_options, local_archives, settings
from egg.cache.configuration.buildout_cfg import Configuration
from egg.cache.configuration.settings import Settings
from egg.cache.environment import environment, source_builds
from egg.cache.environment.environment import Environment
from egg.cache.environment.source_builds import SourceBuilds
from egg.cache.explain import comparison, present
from egg.cache.explain.answers import BUILT, THERE, Explanation, Question
from egg.cache.lookup import origins
from egg.cache.lookup.origins import Origin
from egg.cache.stats import history
from egg.cache.store.layout import Layout


@dataclass(frozen=True)
class Inquiry:
    """A question, and the buildout that asks it. `pin` is what its [versions] say."""

    question: Question
    asking: Asking
    pin: str

    def remarks(self, layout: Layout | None, answer: Explanation) -> Iterator[str]:
        """Yield what else somebody should know who wants to understand the `answer`."""
        question, asking = self.question, self.asking
        there = present.read(asking.configuration)
        for egg in there.eggs_of(question.project, question.specifier):
            yield f'{egg.place} is in the buildout already, so the egg cache is not asked for it.'
        beside = there.beside(question.project, question.specifier)
        if beside is not None and answer.outcome != THERE:
            yield self._beside(beside.version)
        compiler = question.source_builds.compiler
        if compiler and answer.reason in BUILT:
            yield (
                f'{compiler} is not there, so what is built from source here and could have been '
                'compiled is not stored: it may lack something.'
            )
        if layout is None:
            return
        last = history.last_run(layout, os.path.realpath(asking.directory))
        if last is not None and last.environment and last.environment != question.environment.key:
            yield (
                f'The last run of this buildout had another environment: {last.environment}; '
                f'here it is {question.environment.key}.'
            )
            here = question.environment.describe()
            for difference in comparison.compare(here, last.description):
                yield (
                    f'{difference.input}: {difference.here or "not set"} here, '
                    f'{difference.there or "not set"} in that run.'
                )

    def _beside(self, version: str) -> str:
        there = f'{self.question.project} {version} is installed beside zc.buildout'
        if self.asking.seeks_newest(self.question.specifier):
            return f'{there}, and buildout takes that unless an index has a newer one.'
        if self.question.settings.self_contained == 'yes':
            return f'{there}, and buildout takes that version: parts get an egg of it.'
        return f'{there}, and buildout takes that: the egg cache is not asked.'


@dataclass(frozen=True)
class Asking:
    """A buildout that asks, and all that its questions have in common."""

    configuration: Configuration
    settings: Settings
    environment: Environment
    source_builds: SourceBuilds
    origin: Origin

    @property
    def directory(self) -> str:
        return self.configuration.directory

    @property
    def options(self) -> Mapping[str, str]:
        """The options of `[buildout]`."""
        return self.configuration.options

    @property
    def off(self) -> str:
        """What switches the egg cache off where there is no cache directory."""
        if settings.is_listed(self.options.get('extensions', '')):
            return 'egg-cache is empty'
        return 'egg.cache is not among the extensions'

    @property
    def is_offline(self) -> bool:
        return self.options.get('offline') == 'true'

    def seeks_newest(self, specifier: SpecifierSet) -> bool:
        """Tell whether buildout looks for something newer than what it has."""
        is_newest = self.options.get('newest', 'true') == 'true' and not self.is_offline
        return is_newest and origins.exact_pin(specifier) is None

    def ask(self, requirement: Requirement) -> Inquiry:
        """Return what is asked for a requirement. Raises `SettingError` for a pin that is none."""
        pin = pin_of(self.configuration.versions, requirement.name)
        specifier = _constrained(requirement, pin)
        places = local_archives.find(self.origin.find_links, requirement.name, specifier)
        in_cache = self.options.get('download-cache', '').strip()
        question = Question(
            project=requirement.name,
            specifier=specifier,
            settings=self.settings,
            environment=self.environment,
            source_builds=self.source_builds,
            origin=self.origin,
            local=local_archives.digests(
                places,
                os.path.realpath(os.path.join(self.directory, in_cache, 'dist'))
                if in_cache else None,
            ),
            prefers_final=self.options.get('prefer-final', 'true') == 'true',
            is_offline=self.is_offline,
            contradiction=_contradiction(requirement, pin),
        )  # fmt: skip
        return Inquiry(question, self, pin)


def read(
    directory: str | None = None, cache: Path | None = None, has_parts: bool = False
) -> Asking:
    """Return what the buildout in `directory` (None: the one here, or else the user's defaults)
    asks with.

    It is read for the interpreter and the variables of this process. `cache` is another cache
    directory than that of the configuration. Its parts are only read if it `has_parts`. Raises
    `SettingError` and `CacheError`.
    """
    if directory is not None and not os.path.exists(os.path.join(directory, 'buildout.cfg')):
        raise SettingError(f'There is no buildout.cfg in {directory}.')
    found = buildout_cfg.read(directory or '.', has_parts)
    options, root = found.options, found.directory
    chosen = settings.parse(
        {name: options[name] for name in settings.OPTIONS if name in options}, root
    )
    if not settings.is_listed(options.get('extensions', '')):
        chosen = settings.Settings(None, self_contained='no')
    elif cache is not None:
        chosen = replace(chosen, directory=cache)
    links = [_absolute(link, root) for link in options.get('find-links', '').split()]
    return Asking(
        found,
        chosen,
        environment.current(_buildout_version(), chosen.key),
        source_builds.current(index_options.pip_version()),
        index_options.origin({**options, 'directory': root, 'find-links': '\n'.join(links)}),
    )


def requirement(text: str) -> Requirement:
    """Return the requirement that a user wrote; raise `SettingError` if it is none."""
    try:
        found = Requirement(text)
        if found.url:
            raise InvalidRequirement('a URL is none')
    except InvalidRequirement as error:
        raise SettingError(
            f'{text!r} is not a requirement.\n'
            'Allowed is the name of a project, with or without versions, such as: lxml or '
            '"lxml==5.2.1".'
        ) from error
    return found


def pin_of(versions: Mapping[str, str], project: str) -> str:
    """Return what [versions] have for a project, '' if nothing."""
    for name, pin in versions.items():
        if canonicalize_name(name) == canonicalize_name(project):
            return pin.strip()
    return ''


def _constrained(requirement: Requirement, pin: str) -> SpecifierSet:
    """Return what is asked for when [versions] hold `pin`, as zc.buildout has it."""
    if not pin:
        return requirement.specifier
    try:
        if pin[0] in '<>':
            return requirement.specifier & SpecifierSet(pin)
        pinned = SpecifierSet(pin if pin.startswith('=') else f'=={pin}')
    except InvalidSpecifier as error:
        raise SettingError(
            f'[versions] has {requirement.name} = {pin}, which is not a version.\n'
            'Allowed are versions, such as 5.2.1, and ranges, such as >=5.'
        ) from error
    # Where they contradict each other buildout stops; what was asked for is answered.
    fits = _satisfies(next(iter(pinned)).version, requirement.specifier)
    return pinned if fits else requirement.specifier


def _contradiction(requirement: Requirement, pin: str) -> str:
    """Return what [versions] have, if that is a version that the requirement doesn't allow."""
    number = pin.removeprefix('==').strip()
    try:
        Version(number)
    except ValueError:  # A range, or nothing.
        return ''
    if not requirement.specifier or _satisfies(number, requirement.specifier):
        return ''
    return f'{requirement.name} = {pin}'


def _absolute(link: str, directory: str) -> str:
    return link if ':' in link.partition('/')[0] else os.path.join(directory, link)


def _buildout_version() -> str:
    found = index_options.buildout_version()
    if found is None:
        raise CacheError(
            'There is no zc.buildout beside this egg-cache, so it is unknown which eggs that '
            'would want.\nRun the egg-cache that is installed with the zc.buildout of the '
            'buildout.'
        )
    return found


def _satisfies(number: str, specifier: SpecifierSet) -> bool:
    try:
        return specifier.contains(number, prereleases=True)
    except ValueError:
        return False

"""What does a buildout ask its egg cache, as far as its configuration tells?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import buildout_cfg, index_options, local_archives, settings
from egg.cache.environment import environment, source_builds
from egg.cache.explain import comparison
from egg.cache.explain.answers import BUILT, Explanation, Question
from egg.cache.stats import history
from egg.cache.store.layout import Layout


@dataclass(frozen=True)
class Inquiry:
    """A question, and the buildout that asks it. `pin` is what its [versions] say."""

    question: Question
    directory: str
    options: Mapping[str, str]
    pin: str

    @property
    def off(self) -> str:
        """What switches the egg cache off where the question has no cache directory."""
        if settings.is_listed(self.options.get('extensions', '')):
            return 'egg-cache is empty'
        return 'egg.cache is not among the extensions'

    def remarks(self, layout: Layout, answer: Explanation) -> Iterator[str]:
        """Yield what else somebody should know who wants to understand the `answer`."""
        question = self.question
        for name in _eggs(self.options, self.directory, question):
            yield f'{name} is in the buildout already, so the egg cache is not asked for it.'
        if _is_beside(question):
            yield (
                f'{question.project} is installed beside zc.buildout; if that one does, '
                'the egg cache is not asked.'
            )
        compiler = question.source_builds.compiler
        if compiler and answer.reason in BUILT:
            yield (
                f'{compiler} is not there, so what is built from source here and could have been '
                'compiled is not stored: it may lack something.'
            )
        last = history.last_run(layout, os.path.realpath(self.directory))
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


def read(text: str, directory: str | None = None, cache: Path | None = None) -> Inquiry:
    """Return what the buildout in `directory` (None: the one here, or else the user's defaults)
    asks when it wants the requirement `text`.

    It is read for the interpreter and the variables of this process. `cache` is another cache
    directory than that of the configuration. Raises `SettingError` and `CacheError`.
    """
    requirement = _requirement(text)
    if directory is not None and not os.path.exists(os.path.join(directory, 'buildout.cfg')):
        raise SettingError(f'There is no buildout.cfg in {directory}.')
    found = buildout_cfg.read(directory or '.')
    options, root = found.options, found.directory
    chosen = settings.parse(
        {name: options[name] for name in settings.OPTIONS if name in options}, root
    )
    if not settings.is_listed(options.get('extensions', '')):
        chosen = settings.Settings(None)
    elif cache is not None:
        chosen = replace(chosen, directory=cache)
    pin = pin_of(found.versions, requirement.name)
    specifier = _constrained(requirement, pin)
    links = [_absolute(link, root) for link in options.get('find-links', '').split()]
    origin = index_options.origin({**options, 'directory': root, 'find-links': '\n'.join(links)})
    places = local_archives.find(origin.find_links, requirement.name, specifier)
    in_cache = options.get('download-cache', '').strip()
    question = Question(
        project=requirement.name,
        specifier=specifier,
        settings=chosen,
        environment=environment.current(_buildout_version(), chosen.key),
        source_builds=source_builds.current(index_options.pip_version()),
        origin=origin,
        local=local_archives.digests(
            places, os.path.realpath(os.path.join(root, in_cache, 'dist')) if in_cache else None
        ),
        prefers_final=options.get('prefer-final', 'true') == 'true',
        is_offline=options.get('offline') == 'true',
        contradiction=_contradiction(requirement, pin),
    )
    return Inquiry(question, root, options, pin)


def pin_of(versions: Mapping[str, str], project: str) -> str:
    """Return what [versions] have for a project, '' if nothing."""
    for name, pin in versions.items():
        if canonicalize_name(name) == canonicalize_name(project):
            return pin.strip()
    return ''


def _requirement(text: str) -> Requirement:
    try:
        requirement = Requirement(text)
        if requirement.url:
            raise InvalidRequirement('a URL is none')
    except InvalidRequirement as error:
        raise SettingError(
            f'{text!r} is not a requirement.\n'
            'Allowed is the name of a project, with or without versions, such as: lxml or '
            '"lxml==5.2.1".'
        ) from error
    return requirement


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


def _eggs(options: Mapping[str, str], directory: str, question: Question) -> Iterator[str]:
    """Yield the names of the eggs of the buildout that satisfy what is asked for."""
    place = os.path.join(
        directory,
        options.get('eggs-directory', 'eggs'),
        options.get('eggs-directory-version', ''),
        environment.abi_tag() if options.get('abi-tag-eggs', 'false') == 'true' else '',
    )
    for name in sorted(os.listdir(place)) if os.path.isdir(place) else ():
        project, _, rest = name.partition('-')
        number = rest.partition('-')[0].removesuffix('.egg')
        if name.endswith('.egg') and canonicalize_name(project) == canonicalize_name(
            question.project
        ) and _satisfies(number, question.specifier):
            yield name


def _is_beside(question: Question) -> bool:
    try:
        return _satisfies(version(question.project), question.specifier)
    except PackageNotFoundError:
        return False


def _satisfies(number: str, specifier: SpecifierSet) -> bool:
    try:
        return specifier.contains(number, prereleases=True)
    except ValueError:
        return False

"""Which of all requirements of a buildout would need a network, and why?"""

from __future__ import annotations

import os

from egg.cache.configuration import index_options
from egg.cache.environment import build_system
from egg.cache.explain import present
from egg.cache.explain.answers import HIT, THERE
from egg.cache.explain.outcomes import FAIL, Answer, Survey
from egg.cache.explain.questions import Asking
from egg.cache.explain.walk import Walk
from egg.cache.lookup import build_requirements, origins
from egg.cache.store.layout import Layout


def survey(asking: Asking, layout: Layout | None) -> Survey:
    """Answer for all that the buildout asks for; `layout` is None if there is no egg cache.

    Reads every file of each entry that would be copied. Raises `CacheError` and `SettingError`.
    """
    found = Survey()
    there = present.read(asking.configuration)
    for url in asking.configuration.fetched:
        found.add(Answer(url, ('extends',), FAIL, 'it is not in an extends-cache', 'extends'))
    for place, what in there.missing.items():
        found.add(_checkout(place, what))
    for one in there.developed:
        if one.place not in there.missing:
            found.add(_build(asking, layout, one.place))
        if one.requires is None or not one.is_named:
            what = 'what it requires' if one.is_named else 'its name and what it requires'
            found.remarks.append(f'{one.place} does not say, before it is built, {what}.')
    Walk(asking, layout, there, found).run()
    if asking.configuration.parts:
        found.remarks.append('What recipes ask for beyond their eggs, only they know.')
    return found


def _checkout(place: str, what: str) -> Answer:
    of = ('mr.developer',)
    url = what.partition(' ')[2]
    # `user@host:path` is remote, too.
    if origins.is_remote(url) or (':' in url and not origins.local_path(url).startswith('/')):
        return Answer(what, of, FAIL, f'{place} is not checked out', 'source')
    return Answer(what, of, THERE, f'{place} is checked out from this machine')


def _build(asking: Asking, layout: Layout | None, directory: str) -> Answer:
    """Answer for what the build of a develop egg requires."""
    source = build_system.read(directory)
    wanted = ', '.join(source.requires)
    name = os.path.relpath(directory, asking.directory)
    of = (f'the build of {name}',)
    if not os.path.isdir(directory):
        return Answer(wanted, of, FAIL, f'there is no {directory}', 'source')
    index = asking.options.get('index', '')
    origin = build_requirements.origin(
        directory, index, asking.environment.key, index_options.pip_version()
    )
    if origin is None:
        return Answer(wanted, of, THERE, 'pip is told not to isolate builds')
    reads = not asking.settings.is_off and asking.settings.reads
    if layout is not None and reads:
        entries = build_requirements.find(layout, origin)
        if entries:
            kept = ', '.join(map(str, entries))
            return Answer(wanted, of, HIT, f'a build of this kind got {kept}')
    if asking.is_offline and source.is_setuptools:
        why = 'buildout is offline, so setuptools is taken as it is'
        return Answer(wanted, of, THERE, why)
    return Answer(wanted, of, FAIL, 'no build of this kind was seen before', 'build')

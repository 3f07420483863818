"""What does a buildout ask for, as far as its configuration tells?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from egg.cache.explain.questions import Asking

#: What zc.buildout looks for a newer version of, in each run that may.
UPGRADED = ('zc.buildout', 'wheel', 'pip', 'setuptools')

#: Who asks: the process of buildout, for what it runs itself; before the egg cache is loaded, for
#: extensions; a part; and in the end, for eggs of what runs it (`relocation`). What runs already
#: does for the first two; the others get an egg.
RUN, EARLY, PART, KEPT = 'run', 'early', 'part', 'kept'


@dataclass(frozen=True)
class Need:
    """A requirement, what it is `of` (for people), and who asks for it."""

    requirement: Requirement
    of: str
    who: str = PART


def of_buildout(asking: Asking) -> Iterator[Need]:
    """Yield what buildout asks for itself: extensions, and what it looks for upgrades of."""
    for text in asking.options.get('extensions', '').split():
        yield from _needs(text, 'an extension', EARLY)
    if asking.options.get('newest', 'true') == 'true' and not asking.is_offline:
        for project in UPGRADED:
            yield Need(Requirement(project), 'zc.buildout itself', RUN)


def of_parts(asking: Asking) -> Iterator[Need]:
    """Yield recipes and the eggs that parts list; what else a recipe asks for only it knows."""
    for part, options in asking.configuration.parts.items():
        recipe = options['recipe'].partition(':')[0]
        yield from _needs(recipe, f'the recipe of {part}', RUN)
        for text in _eggs(part, recipe, options.get('eggs', options.get('egg'))):
            yield from _needs(text, f'the part {part}')


def keeps_eggs_of_itself(asking: Asking) -> bool:
    """Tell whether there will be eggs of zc.buildout itself in the buildout."""
    root = os.path.realpath(asking.directory)
    eggs = os.path.realpath(os.path.join(root, asking.options.get('eggs-directory', 'eggs')))
    is_inside = os.path.commonpath([root, eggs]) == root
    return asking.settings.self_contained == 'yes' and is_inside


def _eggs(part: str, recipe: str, listed: str | None) -> list[str]:
    if listed is None:
        return [part] if recipe.strip() == 'zc.recipe.egg' else []
    return [line.strip() for line in listed.splitlines() if line.strip()]


def _needs(text: str, of: str, who: str = PART) -> Iterator[Need]:
    """Yield the need for a requirement as it is written; nothing for what only a recipe knows."""
    try:
        yield Need(Requirement(text), of, who)
    except InvalidRequirement:
        return

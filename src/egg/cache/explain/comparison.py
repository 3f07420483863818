"""In which inputs do two environments, or two origins, differ?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What an environment key and an origin key are made of, as it is said to people.
INPUTS = {
    'tag': 'interpreter and ABI',
    'platform': 'platform',
    'egg-format': 'egg format',
    'egg-cache-key': 'egg-cache-key',
    'index': 'index',
    'find-links': 'find-links',
    'allow-hosts': 'allow-hosts',
    'python': 'Python',
}


@dataclass(frozen=True)
class Difference:
    """One input, as this buildout has it and as the nearest entry or origin has it."""

    input: str
    here: str
    there: str


def compare(here: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return where two descriptions of an environment or an origin differ."""
    found = []
    for name, label in INPUTS.items():
        if (name in here or name in there) and here.get(name) != there.get(name):
            found.append(Difference(label, _text(here.get(name)), _text(there.get(name))))
    ours, theirs = _mapping(here.get('variables')), _mapping(there.get('variables'))
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            found.append(Difference(name, _text(ours.get(name)), _text(theirs.get(name))))
    return tuple(found)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ' '.join(map(str, value))
    return '' if value is None else str(value)

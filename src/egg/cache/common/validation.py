"""Is this value, which a stranger may have written, what it should be?

Each function returns its argument, with its type, or raises `ValueError` or `TypeError`.
"""

from __future__ import annotations

import os
import re
from typing import Any

_SHA256 = re.compile(r'[0-9a-f]{64}')
_MODE = re.compile(r'0[0-7]{3}')
_MAXIMUM = 2**63 - 1


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f'{value!r:.40} is not a text')
    return value


def filled(value: Any) -> str:
    if not text(value):
        raise ValueError('a text is empty')
    return str(value)


def path(value: Any) -> str:
    """Return a text that a file system can have as a path."""
    os.fsencode(filled(value))
    if '\0' in value:
        raise ValueError(f'{value!r:.40} is not a path')
    return str(value)


def name(value: Any) -> str:
    if path(value) in ('.', '..') or '/' in value:
        raise ValueError(f'{value!r:.40} is not the name of a file')
    return str(value)


def digest(value: Any) -> str:
    if _SHA256.fullmatch(text(value)) is None:
        raise ValueError(f'{value!r:.40} is not a sha256')
    return str(value)


def number(value: Any) -> int:
    if type(value) is not int or not -_MAXIMUM <= value <= _MAXIMUM:
        raise ValueError(f'{value!r:.40} is not a number')
    return value


def seconds(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= _MAXIMUM:
        raise ValueError(f'{value!r:.40} is not a number of seconds')
    return float(value)


def mode(value: Any) -> int:
    if _MODE.fullmatch(text(value)) is None:
        raise ValueError(f'{value!r:.40} is not a mode')
    return int(value, 8)

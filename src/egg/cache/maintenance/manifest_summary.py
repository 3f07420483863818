"""What does a manifest say in short?

For those who look at all entries at once: nothing is checked, and the rows of the files are not
read one by one, which is some thirty times faster than `manifest.load`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from egg.cache.common import validation

_FILES = b',\n  "files": ['
_SIZE = re.compile(rb'"size": ([0-9]{1,19})')


@dataclass(frozen=True)
class Outline:
    """A manifest in short: `seconds` of fetching and building, `size` of all files in bytes.

    `project` and `version` are as the egg spells them.
    """

    seconds: float
    size: int
    project: str
    version: str


def read(data: bytes) -> Outline:
    """Return what the text of a manifest says in short, or raise `ValueError`."""
    head, _, files = data.partition(_FILES)
    try:
        row = json.loads(head + b'}')
        seconds = validation.seconds(row['build']['seconds'])
        project, version = validation.filled(row['project']), validation.filled(row['version'])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f'{type(error).__name__}: {error}') from error
    return Outline(seconds, sum(map(int, _SIZE.findall(files))), project, version)

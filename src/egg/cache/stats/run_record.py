"""What did one run do?

The record of a run is a file of JSON lines: one about the run, then one for each event. It is
read as if a stranger had written it: what isn't as it should be is passed over.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from egg.cache.store.inventory import RECORD

#: How an egg was hit, from the cheapest to the dearest. All texts stand after any number.
HITS = {
    'pin': 'by a pin, without asking an index',
    'announced': 'by an archive that an index announced',
    'archive': 'by an archive that was downloaded, or is local',
    'fallback': 'without an answer from an index',
    'installed': 'by what is installed beside zc.buildout',
}

#: Why an egg was built. Of several reasons it is the first one: those further down wouldn't
#: have made it a hit either. A pin that is new to its origin is none: the index is asked, and
#: then there is a hit, or one of these.
MISSES = {
    'excluded': 'excluded by egg-cache-exclude',
    'refresh': 'egg-cache-mode = refresh',
    'damaged': 'the entry was damaged',
    'trouble': 'trouble with the cache',
    'no-sdists': 'without a compiler, no source distribution is stored',
    'other-archive': 'there from another archive, or taken over',
    'other-environment': 'built in another environment',
    'never-built': 'never built',
}

#: The events of a run, beside its end.
HIT, MISS, STORED, DAMAGED, TROUBLE, END = 'hit', 'miss', 'stored', 'damaged', 'trouble', 'end'

#: More files than this in `stats/` are folded into their sums.
MANY = 300

_LONGEST_TEXT = 4096
_MAXIMUM = 2**63 - 1
_MAXIMUM_SECONDS = 1e9
# The last second of the year 9999.
_MAXIMUM_TIME = 253402300799.0


@dataclass(frozen=True)
class Event:
    """Something that happened with one egg; seconds since the epoch, bytes and seconds.

    `detail` is one of `HITS` or `MISSES`, the damaged file, or what the trouble was. `sha256` is
    shortened. `build_seconds` is how long the build took, now or when the egg was stored.
    """

    kind: str
    time: float
    project: str = ''
    version: str = ''
    detail: str = ''
    archive: str = ''
    sha256: str = ''
    origin: str = ''
    environment: str = ''
    bytes: int = 0
    build_seconds: float = 0.0
    copy_seconds: float = 0.0

    @property
    def seconds_saved(self) -> float:
        return max(0.0, self.build_seconds - self.copy_seconds) if self.kind == HIT else 0.0


@dataclass(frozen=True)
class Run:
    """One run of a buildout: `buildout` is its directory, `environment` the environment key.

    `description` tells what that key was made of. A run that `continues` goes on in a second
    file, as somebody removed the first one.
    """

    time: float
    buildout: str = ''
    environment: str = ''
    description: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    mode: str = ''
    continues: bool = False
    events: tuple[Event, ...] = ()
    is_finished: bool = False


def are_many(directory: Path) -> bool:
    """Tell whether there are so many records in `directory` that they should be folded."""
    try:
        names = filter(RECORD.fullmatch, os.listdir(directory))
        return sum(1 for _ in names) > MANY
    except OSError:
        return False


def line(row: Mapping[str, object]) -> bytes:
    """Return `row` as one line."""
    return json.dumps(row, separators=(',', ':')).encode() + b'\n'


def load(data: bytes) -> Run | None:
    """Return the run in the text `data`, None if its first line is none.

    A line that was cut off, or isn't one of ours, is passed over.
    """
    first, _, rest = data.partition(b'\n')
    row = row_of(first)
    if row is None or row.get('event') != 'run':
        return None
    events, is_finished = [], False
    for text in rest.split(b'\n'):
        row_of_event = row_of(text)
        if row_of_event is None:
            continue
        kind = row_of_event.get('event')
        if kind == END:
            is_finished = True
        elif kind in (HIT, MISS, STORED, DAMAGED, TROUBLE):
            events.append(_event(str(kind), row_of_event))
    return Run(
        time=number(row.get('time')),
        buildout=text_of(row.get('buildout')),
        environment=text_of(row.get('environment')),
        description=description(row.get('description')),
        versions=texts(row.get('versions')),
        mode=text_of(row.get('mode')),
        continues=row.get('continues') is True,
        events=tuple(events),
        is_finished=is_finished,
    )


def is_finished(data: bytes) -> bool:
    """Tell whether the record in the text `data` is complete, without reading all of it."""
    row = row_of(data.rstrip(b'\n').rpartition(b'\n')[2])
    return row is not None and row.get('event') == END


def text_of(value: Any) -> str:
    """Return a text that can be shown on any terminal; '' for what isn't a text."""
    if not isinstance(value, str):
        return ''
    text = value[:_LONGEST_TEXT]
    if text.isprintable():
        return text
    return ''.join(char if char.isprintable() else '?' for char in text)


def texts(value: Any) -> dict[str, str]:
    """Return a mapping of texts; empty for what isn't one."""
    if not isinstance(value, dict):
        return {}
    return {text_of(name): text_of(text) for name, text in list(value.items())[:100]}


def number(value: Any, most: float = _MAXIMUM_TIME) -> float:
    """Return a finite number that isn't less than nothing; 0 for what isn't one."""
    if type(value) not in (int, float):
        return 0.0
    try:
        result = float(value)
    except OverflowError:
        return 0.0
    return result if math.isfinite(result) and 0 <= result <= most else 0.0


def count(value: Any) -> int:
    """Return a whole number that isn't less than nothing; 0 for what isn't one."""
    return value if type(value) is int and 0 <= value <= _MAXIMUM else 0


def description(value: Any) -> dict[str, Any]:
    """Return what an environment key was made of (`Environment.describe`)."""
    if not isinstance(value, dict) or not value:
        return {}
    return {
        'tag': text_of(value.get('tag')),
        'platform': text_of(value.get('platform')),
        'egg-format': count(value.get('egg-format')),
        'variables': texts(value.get('variables')),
        'egg-cache-key': text_of(value.get('egg-cache-key')),
    }


def row_of(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object in `data`, None if there is none."""
    try:
        row = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _event(kind: str, row: Mapping[str, Any]) -> Event:
    return Event(
        kind=kind,
        time=number(row.get('time')),
        project=text_of(row.get('project')),
        version=text_of(row.get('version')),
        detail=text_of(row.get('detail')),
        archive=text_of(row.get('archive')),
        sha256=text_of(row.get('sha256')),
        origin=text_of(row.get('origin')),
        environment=text_of(row.get('environment')),
        bytes=count(row.get('bytes')),
        build_seconds=number(row.get('build_seconds'), _MAXIMUM_SECONDS),
        copy_seconds=number(row.get('copy_seconds'), _MAXIMUM_SECONDS),
    )

"""How do people write sizes, durations, ages and times?"""

from __future__ import annotations

import re
from datetime import datetime, timezone

from egg.cache.common.errors import SettingError

_NUMBER = r'(?P<number>[0-9]{1,15}(\.[0-9]{1,9})?)\s*'
_SIZE = re.compile(_NUMBER + r'((?P<prefix>[kmgt])(?P<binary>i?)(?P<byte>b?)|b|byte|bytes)?', re.I)
_DURATION = re.compile(_NUMBER + r'(?P<unit>[a-z]+)?')

_ISO = '%Y-%m-%dT%H:%M:%SZ'
_FIRST = datetime(1000, 1, 1, tzinfo=timezone.utc).timestamp()
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc).timestamp()
_PREFIXES = 'kmgt'
# More than that are bytes, or seconds, in earnest.
_MANY_BYTES, _MANY_SECONDS = 1e6, 1e5
_MINUTE, _HOUR, _DAY, _WEEK = 60.0, 3600.0, 24 * 3600.0, 7 * 24 * 3600.0
_SECONDS = {
    's': 1.0, 'min': _MINUTE, 'h': _HOUR, 'd': _DAY, 'w': _WEEK,
    'second': 1.0, 'minute': _MINUTE, 'hour': _HOUR, 'day': _DAY, 'week': _WEEK,
}  # fmt: skip
#: Units of an age, largest first: seconds, and how it is written for one and for more.
_AGES = (
    (365.25 * _DAY, '1 year', 'years'), (365.25 / 12 * _DAY, '1 month', 'months'),
    (_DAY, '1 day', 'days'), (_HOUR, '1 h', 'h'), (_MINUTE, '1 min', 'min'),
)  # fmt: skip


def size(count: float) -> str:
    """Return a number of bytes as people read it: `512 B`, `1.4 MB`; k is 1000."""
    if count < 1000:
        return f'{count:.0f} B'
    number, units = count / 1000, ['kB', 'MB', 'GB', 'TB']
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        del units[0]
    return f'{number:.0f} {units[0]}' if number >= 9.95 else f'{number:.1f} {units[0]}'


def duration(seconds: float) -> str:
    """Return how long something took as people read it: `0.4 s`, `12 s`, `3 min 20 s`, `2 h`."""
    if seconds < 9.95:
        return '0 s' if seconds < 0.05 else f'{seconds:.1f} s'
    whole = round(seconds)
    for unit, below, names in ((3600, 60, ('h', 'min')), (60, 1, ('min', 's'))):
        if whole >= unit:
            count, rest = divmod(round(whole / below), unit // below)
            return f'{count} {names[0]} {rest} {names[1]}' if rest else f'{count} {names[0]}'
    return f'{whole} s'


def age(seconds: float) -> str:
    """Return how long ago something was, in its largest unit: `5 min`, `1 day`, `3 months`."""
    seconds = max(0.0, seconds)
    for unit, one, more in _AGES:
        count = int(seconds // unit)
        if count:
            return one if count == 1 else f'{count} {more}'
    return f'{int(seconds)} s'


def moment(seconds: float) -> str:
    """Return a time, in seconds since the epoch, in ISO 8601, UTC: `2024-05-06T07:08:09Z`.

    The years are 1000 to 9999: a filesystem may hold any time, ISO 8601 has no others.
    """
    within = min(max(seconds, _FIRST), _LAST)
    return datetime.fromtimestamp(within, timezone.utc).strftime(_ISO)


def since(text: str, now: float) -> str:
    """Return how long before `now` a time in ISO 8601 was, `?` for what is none."""
    try:
        then = datetime.fromisoformat(text.replace('Z', '+00:00'))
    except ValueError:
        return '?'
    return age(now - then.timestamp()) if then.tzinfo else '?'


def parse_size(text: str) -> int:
    """Return the number of bytes that `text` stands for: `0`, `500 B`, `10G`, `1.5 GB`, `2GiB`.

    Raises `SettingError` for what isn't a size, and for a number without a unit: who says 10
    means gigabytes, and would lose every egg. With an `i` the unit counts by 1024, else by 1000.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise SettingError(
            f'{text!r} is not a size.\n'
            'Allowed are numbers with the unit B, k, M, G or T (by 1000) or Ki, Mi, Gi or Ti '
            '(by 1024), such as: 500M, 10G, 1.5 GB, 2GiB.'
        )
    if float(match['number']) and match['number'] == text.strip():
        raise _no_unit('size', match['number'], 'bytes', 'G', _MANY_BYTES)
    power = _PREFIXES.index(match['prefix'].lower()) + 1 if match['prefix'] else 0
    factor: int = (1024 if match['binary'] else 1000) ** power
    count = float(match['number']) * factor
    if 0 < count < 1:
        raise SettingError(f'{text!r} is less than one byte.\nAllowed are whole bytes.')
    return round(count)


def parse_duration(text: str) -> float:
    """Return the seconds that `text` stands for: `90`, `30 min`, `12h`, `90d`, `2 weeks`.

    Raises `SettingError` for what isn't a duration. Where seconds would do harm, ask `parse_age`.
    """
    match = _DURATION.fullmatch(text.strip())
    unit = (match['unit'] or 's') if match else ''
    factor = _SECONDS.get(unit) or _SECONDS.get(unit[:-1] if len(unit) > 2 else '')
    if match is None or factor is None:
        raise SettingError(
            f'{text!r} is not a duration.\n'
            'Allowed are seconds, and numbers with the unit s, min, h, d or w, such as: '
            '30 min, 12h, 90d, 2w.'
        )
    return float(match['number']) * factor


def parse_age(text: str) -> float:
    """Return the seconds that `text` stands for, as `parse_duration` does, but with a unit.

    Raises `SettingError` for a number without one, too: who says 90 means days, and would lose
    whatever was not used within these 90 seconds.
    """
    seconds, number = parse_duration(text), text.strip()
    if seconds and not number[-1].isalpha():
        raise _no_unit('duration', number, 'seconds', 'd', _MANY_SECONDS)
    return seconds


def _no_unit(what: str, number: str, base: str, likely: str, most: float) -> SettingError:
    """Return the error of a number that would be bytes or seconds, with what is meant."""
    # A large one was counted by a program.
    own = 'B' if base == 'bytes' else 's'
    meant = own if float(number) >= most else likely
    remark = f': {number} {base} are hardly meant' if meant == likely else ''
    return SettingError(
        f'{number!r} is no {what}, as it has no unit{remark}.\nDid you mean {number}{meant}?'
    )

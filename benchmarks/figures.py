"""What do the seconds say: medians, ratios, goals, tables?

Nothing here measures. The figures are one JSON document:

    {"format": 1, "at": "2026-01-31T12:00:00Z", "rounds": 5, "machine": {"cpu": "...", ...},
     "remarks": ["..."],
     "configurations": [{"name": "zope", "title": "Zope 6.2", "eggs": 77, "files": 5461,
                         "bytes": 62000000, "seconds": {"shared": [0.71, 0.70], ...}}]}
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1

#: Every way by its name in the figures, in the order of the table.
WAYS = {
    'none': 'no cache',
    'fill': 'no cache yet: built and stored',
    'shared': 'shared eggs directory',
    'auto': 'egg cache',
    'copy': 'egg cache, copies',
    'reflink': 'egg cache, reflinks',
    'hardlink': 'egg cache, hard links',
    'cp -a': 'cp -a of the eggs',
    'cp -al': 'cp -al of the eggs',
    'uv copy': 'uv, copies',
    'uv hardlink': 'uv, hard links',
}
COLD = ('none', 'fill')
OURS = ('auto', 'copy', 'reflink', 'hardlink')


@dataclass(frozen=True)
class Goal:
    """The sum of the medians of `above`, divided by that of `below`, is at most `bound`."""

    text: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    bound: float

    def ratio(self, medians: dict[str, float]) -> float | None:
        """Return the ratio, None if something of it was not measured."""
        if not medians.keys() >= {*self.above, *self.below}:
            return None
        return sum(medians[way] for way in self.above) / sum(medians[way] for way in self.below)


GOALS = (
    Goal('egg cache, copies / (shared eggs directory + cp -a)',
         ('copy',), ('shared', 'cp -a'), 1.15),
    Goal('egg cache, hard links / shared eggs directory', ('hardlink',), ('shared',), 1.4),
)  # fmt: skip


def medians(configuration: dict[str, Any]) -> dict[str, float]:
    """Return the median seconds of each way that was measured, in the order of the table."""
    seconds = configuration['seconds']
    return {way: statistics.median(seconds[way]) for way in WAYS if seconds.get(way)}


def cold(medians: dict[str, float]) -> float | None:
    """Return the seconds of a buildout without a cache, or of the one that filled it."""
    return next((medians[way] for way in COLD if way in medians), None)


def verdict(text: str, ratio: float, bound: float) -> str:
    """Return one line that tells a ratio, its bound, and whether it was kept."""
    return f'{text} = {ratio:.3f}, at most {bound:g}: {"met" if ratio <= bound else "MISSED"}'


def report(figures: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the table for a terminal."""
    yield about(figures)
    for remark in figures['remarks']:
        yield f'({remark})'
    for configuration in figures['configurations']:
        yield ''
        yield from _report_one(configuration)


def _report_one(configuration: dict[str, Any]) -> Iterator[str]:
    yield (
        f'{configuration["title"]}: {configuration["eggs"]} eggs, '
        f'{configuration["files"]:,} files, {configuration["bytes"] / 1e6:.0f} MB'
    )
    found = medians(configuration)
    first, shared = cold(found), found.get('shared')
    yield f'  {"":32}{"median":>10}{"least":>10}{"most":>10}{"of cold":>9}{"of shared":>11}'
    for way, median in found.items():
        raw = configuration['seconds'][way]
        seconds = ''.join(f'{value:8.2f} s' for value in (median, min(raw), max(raw)))
        yield (
            f'  {WAYS[way]:32}{seconds}'
            f'{_divided(median, first, 3):>9}{_divided(median, shared, 2):>11}'
        )
    for goal in GOALS:
        ratio = goal.ratio(found)
        if ratio is not None:
            yield '  ' + verdict(goal.text, ratio, goal.bound)


def rst(figures: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the README's table; each ratio is to a warm shared eggs directory."""
    configurations = figures['configurations']
    found = [medians(configuration) for configuration in configurations]
    rows = [[''], ['']]
    for configuration in configurations:
        rows[0] += [configuration['title'], '']
        rows[1] += [f'{configuration["eggs"]} eggs', 'ratio']
    rows[0][0] = '\\'
    for way, title in WAYS.items():
        if any(way in one for one in found):
            row = [title]
            for one in found:
                row += [seconds(one[way]) if way in one else '',
                        _divided(one.get(way), one.get('shared'), 2)]  # fmt: skip
            rows.append(row)
    yield from _simple_table(rows, header_count=2)
    yield ''
    yield (
        f'{rounds(figures)}, in seconds; each ratio is to the warm shared eggs '
        f'directory. {about(figures)}.'
    )


def rounds(figures: dict[str, Any]) -> str:
    """Return how often each way was measured: those without a warm cache take minutes."""
    counts = {
        len(one['seconds'][way])
        for one in figures['configurations'] for way in COLD if one['seconds'].get(way)
    }  # fmt: skip
    text = f'Medians of {figures["rounds"]}'
    if counts <= {figures['rounds']}:
        return text
    return f'{text} ({max(counts)} without a warm cache)'


def seconds(value: float) -> str:
    """Return a duration as the table and the chart show it."""
    return f'{value:.0f} s' if value >= 20 else f'{value:.1f} s' if value >= 10 else (
        f'{value:.2f} s')  # fmt: skip


def about(figures: dict[str, Any]) -> str:
    """Return on what it was measured, as one line."""
    machine = figures['machine']
    return (
        f'{machine["cpu"]}, {machine["cores"]} cores, {machine["filesystem"]}, '
        f'{machine["kernel"]}, Python {machine["python"]}, zc.buildout {machine["buildout"]}'
    )


def dump(figures: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps({'format': FORMAT, **figures}, indent=1) + '\n', encoding='utf-8')


def load(path: Path) -> dict[str, Any]:
    """Return the figures in the file `path`; end if they are of another kind."""
    figures: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
    if figures.get('format') != FORMAT:
        sys.exit(f'{path} does not hold figures of format {FORMAT}: measure again.')
    return figures


def _divided(value: float | None, by: float | None, digits: int) -> str:
    if value is None or not by:
        return ''
    return f'{value / by:.{digits}f}' if value / by < 20 else f'{value / by:.0f}'


def _simple_table(rows: Sequence[Sequence[str]], header_count: int) -> Iterator[str]:
    """Yield `rows` as a simple table (reStructuredText); columns but for the first align right."""
    widths = [max(1, *map(len, column)) for column in zip(*rows)]
    line = '  '.join('=' * width for width in widths)
    yield line
    for number, row in enumerate(rows):
        if number == header_count:
            yield line
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        yield '  '.join(cells).rstrip()
    yield line

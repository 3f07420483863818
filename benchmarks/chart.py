"""How does the chart of the README come from the figures?

Above, what people feel: a buildout without a cache against one with a warm egg cache. Below, for
each configuration, all warm ways on a scale of their own. It is SVG, written by hand: text stays
text, and the colours follow the reader's light or dark mode.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

import figures as figures_module

WIDTH = 900
MARGIN = 20
TOP = 66
BAR = 18
STEP = 25
TITLE = 30
AXIS = 52
#: How far the axes are from the left edge of their panel, and how much is left for values.
LABELS = 165
VALUES = 60

LIGHT = {'paper': '#ffffff', 'ink': '#1f2328', 'faint': '#59636e', 'grid': '#d1d9e0',
         'cold': '#bc4c00', 'ours': '#0969da', 'other': '#818b98'}  # fmt: skip
DARK = {'paper': '#0d1117', 'ink': '#f0f6fc', 'faint': '#9198a1', 'grid': '#3d444d',
        'cold': '#f0883e', 'ours': '#4493f8', 'other': '#7d8590'}  # fmt: skip


#: A label, seconds, and the kind that its colour tells.
Bar = tuple[str, float, str]


def draw(figures: dict[str, Any]) -> str:
    """Return the chart as the text of an SVG file."""
    configurations = figures['configurations']
    body, top = _panel('Without a cache, and with a warm one', _felt(configurations), MARGIN, TOP,
                       WIDTH - 2 * MARGIN)  # fmt: skip
    for first in range(0, len(configurations), 2):
        bottoms = [top]
        for number, configuration in enumerate(configurations[first:first + 2]):
            left = MARGIN + number * WIDTH // 2
            title = (f'{configuration["title"]}: {configuration["eggs"]} eggs, '
                     f'{configuration["files"]:,} files')  # fmt: skip
            lines, bottom = _panel(title, _warm(configuration), left, top,
                                   WIDTH // 2 - 2 * MARGIN)  # fmt: skip
            body += lines
            bottoms.append(bottom)
        top = max(bottoms)
    height = top + 14
    size = f'width="{WIDTH}" height="{height}"'
    return '\n'.join([
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc"',
        f'    {size} viewBox="0 0 {WIDTH} {height}">',
        '<title id="title">How long a buildout takes with a warm egg cache</title>',
        f'<desc id="desc">{escape(_described(figures))}</desc>',
        _style(),
        f'<rect class="paper" {size}/>',
        _text(MARGIN, 28, 'How long a buildout takes', 'head'),
        _text(MARGIN, 47, f'{figures_module.rounds(figures)}, each in a new directory', 'faint'),
        *body,
        _text(MARGIN, height - 12, figures_module.about(figures), 'faint small'),
        '</svg>',
        '',
    ])  # fmt: skip


def ticks(largest: float) -> list[float]:
    """Return round numbers from 0 to at least `largest`: four to six of them, evenly apart."""
    if largest <= 0:
        return [0.0, 1.0]
    rough = largest / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    return [round(number * step, 10) for number in range(math.ceil(largest / step - 1e-9) + 1)]


def _felt(configurations: Sequence[dict[str, Any]]) -> list[Bar]:
    """Return the bars of cold and warm runs."""
    bars = []
    for configuration in configurations:
        medians = figures_module.medians(configuration)
        cold = figures_module.cold(medians)
        ours = next((medians[way] for way in figures_module.OURS if way in medians), None)
        for label, value, kind in (('no cache', cold, 'cold'), ('egg cache', ours, 'ours')):
            if value is not None:
                bars.append((f'{configuration["title"]}, {label}', value, kind))
    return bars


def _warm(configuration: dict[str, Any]) -> list[Bar]:
    """Return the bars of all warm ways; `auto` is one of the other link modes."""
    medians = figures_module.medians(configuration)
    return [
        (figures_module.WAYS[way], value, 'ours' if way in figures_module.OURS else 'other')
        for way, value in medians.items() if way not in (*figures_module.COLD, 'auto')
    ]  # fmt: skip


def _panel(
    title: str, bars: Sequence[Bar], left: int, top: int, width: int
) -> tuple[list[str], int]:
    """Return the elements of one panel, and where the next one may begin below it."""
    lines = [_text(left, top + 14, title, 'title')]
    start, end = left + LABELS, left + width - VALUES
    marks = ticks(max((value for _, value, _ in bars), default=0))
    scale = (end - start) / marks[-1]
    top += TITLE
    bottom = top + len(bars) * STEP
    for mark in marks:
        x = start + mark * scale
        lines.append(
            f'<line class="grid" x1="{x:.1f}" y1="{top - 4}" x2="{x:.1f}" y2="{bottom}"/>'
        )
        lines.append(_text(x, bottom + 15, f'{mark:g}', 'faint small middle'))
    for number, (label, value, kind) in enumerate(bars):
        y = top + number * STEP
        length = max(value * scale, 1)
        middle = y + BAR / 2 + 4.5
        lines += [
            _text(start - 8, middle, label, 'end'),
            f'<rect class="{kind}" x="{start}" y="{y}" width="{length:.1f}" height="{BAR}"/>',
            _text(start + length + 6, middle, figures_module.seconds(value), 'value'),
        ]
    lines.append(_text((start + end) / 2, bottom + 32, 'seconds', 'faint small middle'))
    return lines, bottom + AXIS


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _style() -> str:
    """Return the style; values have a rim of paper, so that no line of the grid crosses them."""
    return '\n'.join([
        '<style>',
        'text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }',
        '.head { font-size: 18px; font-weight: 600; }',
        '.title { font-size: 14px; font-weight: 600; }',
        '.small { font-size: 12px; }',
        '.middle { text-anchor: middle; }',
        '.end { text-anchor: end; }',
        '.value { font-variant-numeric: tabular-nums; paint-order: stroke; stroke-width: 4px; }',
        *_colours(LIGHT),
        '@media (prefers-color-scheme: dark) {',
        *_colours(DARK),
        '}',
        '</style>',
    ])  # fmt: skip


def _colours(colours: dict[str, str]) -> Iterator[str]:
    yield f'text {{ fill: {colours["ink"]}; }}'
    yield f'.faint {{ fill: {colours["faint"]}; }}'
    yield f'.value {{ stroke: {colours["paper"]}; }}'
    yield f'.grid {{ stroke: {colours["grid"]}; }}'
    for kind in ('paper', 'cold', 'ours', 'other'):
        yield f'.{kind} {{ fill: {colours[kind]}; }}'


def _described(figures: dict[str, Any]) -> str:
    """Return what the chart shows, for those who can't see it."""
    sentences = []
    for configuration in figures['configurations']:
        medians = figures_module.medians(configuration)
        shown = ', '.join(f'{figures_module.WAYS[way]} {figures_module.seconds(value)}'
                          for way, value in medians.items())  # fmt: skip
        sentences.append(f'{configuration["title"]}: {shown}.')
    return ' '.join(sentences)

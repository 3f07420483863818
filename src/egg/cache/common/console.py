"""How does the command speak: to people, to pipes, to scripts?

Data goes to stdout, remarks to stderr. What goes into a pipe is plain, complete, and the same
everywhere; on a terminal, rich draws tables and progress bars if it is installed.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO, TypeVar

from egg.cache.common.errors import printable as printable

_T = TypeVar('_T')

#: Escape sequences of the styles; nothing else may be asked for.
STYLES = {'bold': '1', 'dim': '2', 'red': '31', 'green': '32', 'yellow': '33', 'cyan': '36'}

# More than any row has.
_ANY_WIDTH = 100_000


class Console:
    """Where a verb says what it has to say; with `is_json` nothing but one document on stdout."""

    def __init__(self, is_json: bool = False) -> None:
        self.is_json = is_json
        self._has_answered = False
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Names of files may be anything.
            sys.stdout.reconfigure(errors='backslashreplace')

    def answer(self, document: Mapping[str, Any]) -> None:
        """Print the JSON document, if one is wanted."""
        if self.is_json:
            self._has_answered = True
            print(json.dumps(document, indent=2))

    def fail(self, text: str) -> None:
        """Print why it could not be done, if a JSON document is wanted and none was printed."""
        if not self._has_answered:
            self.answer({'error': text})

    def line(self, text: str = '') -> None:
        """Print a line of data, unless a JSON document is wanted."""
        if not self.is_json:
            print(text)

    def table(
        self, titles: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str] = (),
        wide: str = '',
    ) -> None:  # fmt: skip
        """Print rows below their titles, unless a JSON document is wanted or there are no rows.

        Columns whose title is among `right` are set flush right. On a terminal, the column with
        the title `wide` is the last one, or a line of its own where all rows have the same.
        """
        cells = [list(row) for row in rows]
        if self.is_json or not cells:
            return
        common = ''
        if wide and is_terminal(sys.stdout):
            titles, cells, common = _narrowed(titles, cells, wide)
        rich_table = _rich('rich.table') if is_terminal(sys.stdout) else None
        if rich_table is None:
            for text in plain_table(titles, cells, right):
                print(text)
        else:
            table = rich_table.Table(box=None, pad_edge=False, header_style='bold')
            for title in titles:
                side = 'right' if title in right else 'left'
                table.add_column(title, justify=side, no_wrap=True)
            for row in cells:
                table.add_row(*map(_rich('rich.text').Text.from_ansi, row))
            # Nothing is folded within a row, or shortened, however narrow the terminal is.
            _rich('rich.console').Console(
                file=sys.stdout, width=_ANY_WIDTH, no_color=not has_colours()
            ).print(table)
        if common:
            print(f'{wide}: {common}')

    def remark(self, text: str) -> None:
        """Say something beside the data."""
        sys.stdout.flush()
        print(text, file=sys.stderr, flush=True)

    def progress(self, items: Iterable[_T], total: int, what: str) -> Iterator[_T]:
        """Yield the items; on a terminal, show how many of the `total` are done.

        Nothing may be printed in between.
        """
        if not is_terminal(sys.stderr) or not total:
            yield from items
            return
        rich_progress = _rich('rich.progress')
        if rich_progress is None:
            yield from _counted(items, total, what)
            return
        console = _rich('rich.console').Console(stderr=True, no_color=not has_colours())
        yield from rich_progress.track(
            items, description=what, total=total, console=console, transient=True
        )

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer a question."""
        return is_terminal(sys.stdin) and is_terminal(sys.stderr)

    def confirm(self, question: str) -> bool:
        """Ask a yes-or-no question on a terminal; without one, the answer is no."""
        if not self.can_ask:
            return False
        sys.stdout.flush()
        print(f'{question} [y/N] ', end='', file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ('y', 'yes')

    def styled(self, text: str, style: str) -> str:
        """Return `text` in one of the `STYLES`, where stdout is a terminal that may have it."""
        code = STYLES[style]
        return f'\x1b[{code}m{text}\x1b[0m' if is_terminal(sys.stdout) and has_colours() else text


def plain_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str] = ()
) -> Iterator[str]:
    """Yield the lines of a table without any decoration; nothing is shortened."""
    columns = list(zip(titles, *rows))
    widths = [max(map(len, column)) for column in columns]
    for row in (titles, *rows):
        cells = (
            cell.rjust(width) if title in right else cell.ljust(width)
            for cell, title, width in zip(row, titles, widths)
        )
        yield '  '.join(cells).rstrip()


def _narrowed(
    titles: Sequence[str], rows: Sequence[Sequence[str]], wide: str
) -> tuple[list[str], list[list[str]], str]:
    """Return a table with the column `wide` at its end, or without it, and what is in it."""
    place = titles.index(wide)
    values = {row[place] for row in rows}

    def moved(row: Sequence[str]) -> list[str]:
        rest = [*row[:place], *row[place + 1:]]
        return rest if len(values) == 1 else [*rest, row[place]]

    common = min(values) if len(values) == 1 else ''
    return moved(titles), [moved(row) for row in rows], common


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether somebody looks at `stream` on a terminal that can move its cursor."""
    return (
        stream is not None and not stream.closed and stream.isatty()
        and os.environ.get('TERM') != 'dumb'
    )  # fmt: skip


def has_colours() -> bool:
    """Tell whether colours are welcome (https://no-color.org)."""
    return not os.environ.get('NO_COLOR')


def _rich(module: str) -> Any:
    """Return a module of rich, None if that is not installed.

    Imported late: whoever is not on a terminal does not wait for it.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def _counted(items: Iterable[_T], total: int, what: str) -> Iterator[_T]:
    """Yield the items and show how many there were, where there is no rich."""
    try:
        for number, item in enumerate(items):
            print(f'\r{what}: {number} of {total}', end='', file=sys.stderr, flush=True)
            yield item
    finally:
        print('\r\x1b[K', end='', file=sys.stderr, flush=True)

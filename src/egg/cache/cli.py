"""`egg-cache`: which verb is asked for, and of which cache?

Data goes to stdout, remarks to stderr. Exit status: 0 done, 1 faults found, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol

from egg.cache.commands import completion
from egg.cache.commands.buildout import (
    bootstrapping,
    check,
    installing,
    packing,
    rollback,
    sbom,
    why,
)
from egg.cache.commands.cache import (
    adding,
    clearing,
    directory,
    listing,
    pruning,
    removal,
    showing,
    stats,
    verification,
)
from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import location
from egg.cache.store import ownership
from egg.cache.store.layout import Layout


class Verb(Protocol):
    """What a module in `commands` has."""

    NAME: str
    HELP: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace, layout: Layout, console: Console) -> int: ...


#: All verbs, in the order of the help.
VERBS: tuple[Verb, ...] = (
    directory,
    listing,
    showing,
    verification,
    stats,
    why,
    adding,
    pruning,
    removal,
    clearing,
    check,
    bootstrapping,
    packing,
    installing,
    rollback,
    sbom,
    completion,
)  # fmt: skip


# What a verb should never let happen: it promises a document.
_UNKNOWN = 'That failed, and nobody knows why.'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `egg-cache`, the command; return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # As what can't be parsed can't say what it wants.
    console = Console(any(len(word) > 2 and '--json'.startswith(word) for word in words))
    try:
        try:
            options = parser().parse_args(words)
            console.is_json = options.json
            status = run(options, console)
            console.fail('It was interrupted.' if status > 128 else _UNKNOWN)
        except BrokenPipeError:
            raise
        except (CacheError, OSError, KeyboardInterrupt) as error:
            status, text = _outcome(error)
            console.fail(text or 'It was interrupted.')
            if text:
                console.remark(text)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever reads has seen enough; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the verb of `options` on the cache that it wants; return its exit status.

    The verb finds in `options.location` where the cache is and who says so.
    """
    verb: Verb = options.verb
    wanted = getattr(verb, 'CACHE', location.CHECKED)
    if wanted == location.UNUSED:
        options.location = location.default()
    else:
        options.location = location.find(options.cache, os.getcwd())
    if wanted == location.CHECKED and location.check(options.location) == ownership.MISSING:
        console.remark(f'There is no egg cache yet: {options.location}.')
    return verb.run(options, options.location.layout, console)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all arguments."""
    result = _Parser(
        prog='egg-cache',
        description='Look into the egg cache of zc.buildout, and look after it.',
        epilog='Example:\n  egg-cache list "zope.*"\n\n"egg-cache VERB --help" tells more.',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        '--version', action=_Version, nargs=0, help='print the version of the command'
    )
    _add_common(result, None, False)
    result.set_defaults(parser=result)
    verbs = result.add_subparsers(dest='verb_name', metavar='VERB', required=True, title='verbs')
    for verb in VERBS:
        sub = verbs.add_parser(
            verb.NAME,
            help=verb.HELP,
            description=f'{verb.HELP[0].upper()}{verb.HELP[1:]}.',
            epilog='Example:\n' + ''.join(f'  {line}\n' for line in verb.EXAMPLE.splitlines()),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(verb=verb)
        verb.add_arguments(sub)
        _add_common(sub, argparse.SUPPRESS, argparse.SUPPRESS)
    return result


def _add_common(parser: argparse.ArgumentParser, cache: str | None, json: bool | str) -> None:
    """Add what is understood before and after the verb; after it, nothing has a default."""
    parser.add_argument(
        '--cache', metavar='DIR', default=cache,
        help='the cache directory; else what EGG_CACHE says, or buildout.cfg here, or '
        '~/.buildout/default.cfg, or the default',
    )  # fmt: skip
    parser.add_argument(
        '--json', action='store_true', default=json,
        help='answer with one JSON document, for scripts',
    )  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Leaves it to `main` to say what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        raise SettingError(f'{self.format_usage()}{self.prog}: error: {message}')


class _Version(argparse.Action):
    """Looks for the version only when it is asked for: that takes its time."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        Console().line(f'egg-cache {version("egg.cache")}')
        parser.exit()


def _plain(error: OSError) -> str:
    """Return what is wrong, and with which file, without the number of the error."""
    if not error.strerror or error.filename is None:
        return error.strerror or str(error)
    return f'{error.strerror}: {printable(str(error.filename))}'


def _outcome(error: BaseException) -> tuple[int, str]:
    """Return the exit status of an error, and its message: none where nobody has to be told."""
    if isinstance(error, KeyboardInterrupt):
        return 130, ''
    if isinstance(error, OSError):
        return 1, f'That failed: {_plain(error)}.'
    return 2 if isinstance(error, SettingError) else 1, str(error)

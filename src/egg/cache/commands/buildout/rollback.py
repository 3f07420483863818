"""How does the release before come back into use?"""

from __future__ import annotations

import argparse

from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError
from egg.cache.configuration import location
from egg.cache.standalone import install
from egg.cache.store.layout import Layout

NAME = 'rollback'
HELP = 'switch back to the release that was current before'
EXAMPLE = 'egg-cache rollback /srv/shop'
CACHE = location.UNUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('directory', metavar='DIR', help='where releases are installed')


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    try:
        outcome = install.rollback(
            options.directory, lambda text: console.remark(printable(text))
        )
    except install.Failure as error:
        raise CacheError(str(error)) from error
    except install.Interrupted as error:
        console.remark(install.INTERRUPTED)
        return 128 + error.number
    console.answer({
        'directory': outcome.directory,
        'current': outcome.current,
        'previous': outcome.previous,
    })  # fmt: skip
    console.line(printable(install.told_back(outcome)))
    return 0

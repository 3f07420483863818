"""How does a release get onto this machine, and into use?"""

from __future__ import annotations

import argparse

from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import location
from egg.cache.standalone import install
from egg.cache.store.layout import Layout

NAME = 'install'
HELP = 'install a release, test it, and only then switch to it'
EXAMPLE = 'egg-cache install shop-1.4.tar.gz /srv/shop --test "bin/app --selftest"'
CACHE = location.UNUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('archive', metavar='ARCHIVE', help='what egg-cache pack has written')
    parser.add_argument(
        'directory', metavar='DIR',
        help='where releases are installed; missing, empty, or with others in it',
    )  # fmt: skip
    install.add_options(parser)


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    try:
        outcome = install.install(
            options.archive, options.directory, options.python, options.test, options.keep,
            lambda text: console.remark(printable(text)),
        )  # fmt: skip
    except install.Misuse as error:
        raise SettingError(str(error)) from error
    except install.Failure as error:
        raise CacheError(str(error)) from error
    except install.Interrupted as error:
        console.remark(install.INTERRUPTED)
        return 128 + error.number
    console.answer(_document(outcome))
    for text in filter(None, (install.told_removed(outcome), install.told(outcome))):
        console.line(printable(text))
    return 0


def _document(outcome: install.Outcome) -> dict[str, object]:
    return {
        'directory': outcome.directory,
        'current': outcome.current,
        'previous': outcome.previous or None,
        'removed': [{'release': name, 'size': size} for name, size in outcome.removed],
        'freed': sum(size for _, size in outcome.removed),
        'kept': [{'release': name, 'paths': paths} for name, paths in outcome.kept],
        'left_behind': outcome.left_behind,
        'inside': [{'path': path, 'named_by': source} for path, source in outcome.inside],
    }

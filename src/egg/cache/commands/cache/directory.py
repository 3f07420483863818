"""Where is the egg cache, and who says so?"""

from __future__ import annotations

import argparse

from egg.cache.common.console import Console
from egg.cache.configuration import location
from egg.cache.store.layout import Layout

NAME = 'dir'
HELP = 'print the cache directory, and who says that it is that one'
EXAMPLE = 'egg-cache dir\ndu -sh "$(egg-cache dir)"'
CACHE = location.NAMED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    where: location.Location = options.location
    console.answer({'directory': str(where.directory), 'source': where.source})
    console.line(str(where.directory))
    if not console.is_json:
        console.remark(str(where).removeprefix(f'{where.directory} '))
    return 0

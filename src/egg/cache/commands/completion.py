"""How does a shell complete the arguments of `egg-cache`?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from egg.cache.common.console import Console
from egg.cache.common.errors import CacheError
from egg.cache.configuration import location
from egg.cache.store.layout import Layout

NAME = 'completion'
HELP = 'print a script that lets a shell complete the arguments'
EXAMPLE = (
    'egg-cache completion bash > ~/.local/share/bash-completion/completions/egg-cache\n'
    'egg-cache completion zsh > ~/.zfunc/_egg-cache'
)
CACHE = location.UNUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('shell', choices=('bash', 'zsh'), help='the shell')


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    try:
        import shtab
    except ImportError as error:
        raise CacheError(
            'That needs shtab, which is not installed.\n'
            'Get it with: pip install "egg.cache[cli]"'
        ) from error
    for action in _actions(options.parser):
        if action.metavar == 'DIR':
            vars(action)['complete'] = shtab.DIRECTORY
    script = shtab.complete(options.parser, shell=options.shell)
    console.answer({'shell': options.shell, 'script': script})
    console.line(script)
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of its verbs."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield from _actions(verb)

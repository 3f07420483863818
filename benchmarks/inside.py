"""What does a buildout do when a part of egg.cache is taken out, or timed?

    python inside.py unverified BUILDOUT [argument ...]
    python inside.py clock FILE BUILDOUT [argument ...]

Runs the script BUILDOUT in this process, with its modules of egg.cache changed as soon as they
are imported. `unverified` believes what the cache holds: nobody asks for sizes and modes, hashes,
or looks for files that were added. `clock` writes the seconds that went into storing to FILE.
"""

from __future__ import annotations

import atexit
import importlib.abc
import importlib.machinery
import inspect
import json
import os
import runpy
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

Patch = Callable[[Any], None]

#: Where storing happens: modules, and functions or methods of theirs. None calls another one.
STORING = {
    'egg.cache.store.store': ('Store.add',),
    'egg.cache.buildout.session': ('Session.open', 'Session.remember', 'Session.finish'),
    'egg.cache.common.files': ('sha256',),
}


def unverified() -> dict[str, Patch]:
    """Return what takes verification out of `integrity`, and leaves the copying."""

    def patch(integrity: Any) -> None:
        def tree_faults(manifest: Any, egg: Any) -> Iterator[Any]:
            return iter(())

        def open_file(item: Any, path: Any) -> tuple[int, int]:
            return os.open(path, integrity.READ), item.mtime_ns

        def read_file(item: Any, reader: Any, writer: Any = None) -> None:
            missing = item.size if writer is not None else 0
            while missing:
                chunk = os.read(reader, min(missing, integrity.CHUNK))
                missing = missing - len(chunk) if chunk else 0
                integrity.write_all(writer, chunk)

        for replacement in (tree_faults, open_file, read_file):
            # What is no longer there must not make verification look as if it cost nothing.
            original = getattr(integrity, replacement.__name__)
            assert _parameters(original) == _parameters(replacement), original
            setattr(integrity, replacement.__name__, replacement)

    return {'egg.cache.store.integrity': patch}


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def clock(path: str) -> dict[str, Patch]:
    """Return what takes the time of storing; at the end of the process it is written."""
    spent = dict.fromkeys((name for names in STORING.values() for name in names), 0.0)

    def write() -> None:
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(spent, file)

    def patch(module: Any) -> None:
        for name in STORING[module.__name__]:
            owner, _, attribute = f'.{name}'.rpartition('.')
            owner = getattr(module, owner[1:]) if owner else module
            setattr(owner, attribute, timed(name, getattr(owner, attribute)))

    def timed(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return original(*arguments, **options)
            finally:
                spent[name] += time.perf_counter() - started

        return call

    atexit.register(write)
    return dict.fromkeys(STORING, patch)


class AfterImport(importlib.abc.MetaPathFinder):
    """Calls the patch of a module when it was imported, wherever it came from."""

    def __init__(self, patches: dict[str, Patch]) -> None:
        self.patches = patches

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        patch = self.patches.pop(name, None)
        spec = importlib.machinery.PathFinder.find_spec(name, path) if patch else None
        if patch is None or spec is None or spec.loader is None:
            return None
        original = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            original(module)
            patch(module)

        # To replace the method of this one loader is the point.
        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def main() -> None:
    what, *arguments = sys.argv[1:]
    patches = unverified() if what == 'unverified' else clock(arguments.pop(0))
    sys.meta_path.insert(0, AfterImport(patches))
    sys.argv[:] = arguments
    sys.path[0] = os.path.dirname(arguments[0])
    runpy.run_path(arguments[0], run_name='__main__')


if __name__ == '__main__':
    main()

"""Activates the egg cache in every process that imports `zc.buildout.buildout`.

Each home directory has a cache of its own, and the tests of zc.buildout put it into the temporary
directory of each test. The caches lie beside the log: some tests list all that is in the directory
of the home. Each egg that is stored or copied is a line in the log.
"""

import functools
import hashlib
import importlib.abc
import importlib.util
import logging
import os
import sys

NAME = 'zc.buildout.buildout'


class Finder(importlib.abc.MetaPathFinder):
    """Finds nothing itself, but is told when the module has been loaded."""

    def find_spec(self, name, path, target=None):
        if name != NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            activate_always(module.Buildout)

        spec.loader.exec_module = exec_module
        return spec


def activate_always(buildout_class):
    """Activate the cache now, and again for each buildout: a new one deactivates it."""
    # The tests compare the whole output: of ours, they may see warnings only.
    logging.getLogger('egg.cache').setLevel(logging.WARNING)
    original = buildout_class.__init__

    def __init__(self, *args, **kwargs):
        original(self, *args, **kwargs)
        activate()

    buildout_class.__init__ = __init__
    activate()


def activate():
    from egg.cache.buildout.hooks import activation

    activation.activate(session(), session)


def session():
    return session_in(os.path.expanduser('~'))


@functools.cache
def session_in(home):
    from importlib.metadata import version
    from pathlib import Path

    from egg.cache.buildout.session import Session
    from egg.cache.buildout.storing import Builder
    from egg.cache.configuration import settings
    from egg.cache.environment import environment

    name = hashlib.sha256(home.encode()).hexdigest()[:16]
    directory = os.path.join(os.path.dirname(os.environ['EGG_CACHE_UPSTREAM_LOG']), 'caches', name)
    chosen = settings.parse({'egg-cache': directory}, home)
    session = Session(
        chosen,
        Path(chosen.directory),
        environment.current('6.0.1'),
        Builder('6.0.1', sys.version.split()[0], version('pip')),
    )
    log_calls(session, 'arrived', 'copied')
    log_calls(session.store, 'add', 'stored')
    session.open()
    return session


def log_calls(thing, name, event):
    original = getattr(thing, name)

    def logged(*args, **kwargs):
        with open(os.environ['EGG_CACHE_UPSTREAM_LOG'], 'a', encoding='utf-8') as log:
            log.write(f'{event}\n')
        return original(*args, **kwargs)

    setattr(thing, name, logged)


sys.meta_path.insert(0, Finder())

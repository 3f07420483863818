"""What does a run of buildout do with the cache? The same as the installer, without zc.buildout.

Each scene is prepared once, and then played in copies of that directory.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support import trees
from support.eggs import flip, new_session, useless, write_egg

from egg.cache.buildout.installation import Installation
from egg.cache.lookup.origins import Origin, Pointer
from egg.cache.maintenance import verify
from egg.cache.store.layout import Layout
from egg.cache.store.store import entries

ORIGIN = Origin('https://example.com/simple')
PACKAGE = {
    'demo/run': b'#!/bin/sh\n',
    'demo/empty.txt': b'',
    'demo/data.bin': bytes(range(256)) * 9,
}


@dataclass
class Place:
    """A directory with archives, an eggs directory, and a cache unless that is a shared one."""

    top: Path
    shared: Path = None

    @property
    def cache(self):
        return self.shared or self.top / 'cache'

    @property
    def eggs(self):
        return self.top / 'eggs'

    @property
    def layout(self):
        return Layout(self.cache)

    def archive(self, project='demo'):
        """Return the path of the archive of a project; the bytes don't matter."""
        path = self.top / f'{project}-1.0-py3-none-any.whl'
        if not path.exists():
            path.write_bytes(project.encode())
        return path

    def make(self, directory, project='demo'):
        """Build an egg of the project as pip would, and return its path."""
        egg = write_egg(directory, project, '1.0', PACKAGE)
        mask = os.umask(0o022)
        os.umask(mask)
        os.chmod(egg / 'demo/run', 0o777 & ~mask | 0o111)
        os.makedirs(egg / 'demo/nothing', exist_ok=True)
        if not os.path.lexists(egg / 'demo/link'):
            os.symlink('run', egg / 'demo/link')
        for path, _, _ in os.walk(egg, topdown=False):
            os.utime(path, ns=(10**18, 10**18))
        return egg


@dataclass
class Result:
    """The path of the egg that arrived, how often one was built, and the session."""

    egg: Path
    built: int
    session: object


def run(place, operations=None, mode='read-write', project='demo', eggs=None, **options):
    """Let one egg arrive as in a run of buildout, and return the Result.

    What belongs to buildout itself passes `operations` unharmed.
    """
    session = new_session(place.cache, mode, **options)
    return arrive(session, place, operations, project, eggs, session.open())


def arrive(session, place, operations=None, project='demo', eggs=None, is_used=True):
    """Let one egg arrive in an open session; the cache may be one that can't be used."""
    eggs = eggs or place.eggs
    built = []
    with paused(operations):
        eggs.mkdir(exist_ok=True)
        path = place.archive(project)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        scratch = Path(tempfile.mkdtemp(dir=eggs))

    def make():
        built.append(project)
        with paused(operations):
            return place.make(scratch, project)

    if not is_used:
        egg = make()
    else:
        entry = session.pinned(ORIGIN, project, '1.0', ())
        arrival = Installation(session, str(eggs))
        with session.trouble('look up'):
            if entry is None or not arrival.stage(entry):
                arrival.resolve(
                    project, '1.0', f'https://example.com/{path.name}#sha256={digest}'
                )
        egg = arrival.egg(str(path), str(scratch), make)
        if arrival.is_resolved:
            session.remember(ORIGIN, project, '1.0', Pointer(path.name, digest, '1.0'))
        arrival.close()
    with paused(operations):
        final = eggs / egg.name
        shutil.rmtree(final, ignore_errors=True)
        os.rename(egg, final)
        shutil.rmtree(scratch)
    return Result(final, len(built), session)


def paused(operations):
    return contextlib.nullcontext() if operations is None else operations.paused()


def expected(place):
    """Return what the egg of the project is made of, as it is built."""
    directory = Path(tempfile.mkdtemp(dir=place.top))
    nodes = snapshot(place.make(directory))
    shutil.rmtree(directory)
    return nodes


def snapshot(egg):
    """Return a snapshot of an egg in which links have no times."""
    return {path: node._replace(time=None) if node.type == 'link' else node
            for path, node in trees.snapshot(egg).items()}  # fmt: skip


def faults(layout):
    """Return all that is wrong with the entries of a cache, as text."""
    return [f'{entry}: {fault}' for entry, found in verify.faults(layout) for fault in found]


def entry(place, project='demo'):
    """Return the one entry of a project."""
    [found] = [entry for entry in entries(place.layout) if str(entry).startswith(f'{project} ')]
    return found


# Each scene: what is there before, and what happens.


def nothing(place):
    pass


def stored(place):
    run(place)
    shutil.rmtree(place.eggs)


def damaged(place):
    stored(place)
    flip(entry(place).egg / 'demo/__init__.py')


def left_over(place):
    stored(place)
    for directory in (place.layout.tmp, place.layout.trash):
        for number in range(4):
            path = useless(directory, number)
            if number % 2:
                place.make(path)
            else:
                path.write_text('{}')
        for name in os.listdir(directory):
            os.utime(directory / name, (1, 1))


def refresh(place, operations=None):
    return run(place, operations, 'refresh')


def remove(place, operations=None):
    new_session(place.cache).store.remove(entry(place))


def sweep(place, operations=None):
    new_session(place.cache).store.sweep()


SCENES = {
    'store': (nothing, run),
    'copy-out': (stored, run),
    'set-aside': (damaged, run),
    'refresh': (stored, refresh),
    'remove': (stored, remove),
    'sweep': (left_over, sweep),
}


class Stage:
    """Plays one scene as often as needed, each time in a new copy of what is there before."""

    def __init__(self, directory, name):
        self.directory = Path(directory)
        prepare, self.play = SCENES[name]
        self.template = Place(self.directory / 'template')
        self.template.top.mkdir(parents=True)
        prepare(self.template)
        self.expected = expected(self.template)
        self.number = 0

    def new(self):
        """Return a copy of the template."""
        self.number += 1
        top = self.directory / f'copy{self.number}'
        shutil.copytree(self.template.top, top, symlinks=True)
        return Place(top)


def age(place):
    """Let everything in tmp and trash be old."""
    for directory in (place.layout.tmp, place.layout.trash):
        if directory.is_dir():
            for name in os.listdir(directory):
                os.utime(directory / name, (1, 1), follow_symlinks=False)


def leftovers(place):
    """Return what is in tmp and trash."""
    return sorted(
        f'{directory.name}/{name}'
        for directory in (place.layout.tmp, place.layout.trash)
        if directory.is_dir()
        for name in os.listdir(directory)
    )

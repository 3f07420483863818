"""What if the process dies, or the disk says no, at operation N?

`Operations` stands between the program and the functions of `os` that touch the filesystem, and
gives each of their calls below one directory to a plan: `Record`, `Kill` or `Fail`. That they
are all of them is what `test_crash` compares with the audit events of Python.
"""

import contextlib
import os
import signal
import sys
import traceback
import warnings
from dataclasses import dataclass, field

#: What changes something ...
CHANGES = (
    'mkdir', 'rename', 'replace', 'link', 'symlink', 'unlink', 'remove', 'rmdir', 'chmod',
    'fchmod', 'chown', 'utime', 'truncate', 'ftruncate', 'write', 'open', 'close',
)  # fmt: skip
#: ... and what only looks.
LOOKS = ('read', 'stat', 'lstat', 'fstat', 'scandir', 'listdir', 'readlink', 'access')
WRITING = os.O_WRONLY | os.O_RDWR


@dataclass
class Operation:
    """One call: its `name`, the `paths` that it is about, and its arguments."""

    name: str
    paths: tuple
    arguments: tuple
    options: dict = field(default_factory=dict)
    changes: bool = True

    def __str__(self):
        return f'{self.name} {" ".join(self.paths)}'


class Operations:
    """A context in which `plan(operation, call)` makes each call below `directory`, or several."""

    def __init__(self, directory, plan):
        directories = directory if isinstance(directory, list) else [directory]
        self.directory = tuple(map(os.path.realpath, directories))
        self.plan = plan
        self.files = {}
        self.writes = set()
        self.is_paused = False
        self.originals = {name: getattr(os, name) for name in CHANGES + LOOKS}

    def __enter__(self):
        for name, original in self.originals.items():
            setattr(os, name, self.wrapped(name, original))
        return self

    def __exit__(self, *error):
        for name, original in self.originals.items():
            setattr(os, name, original)

    @contextlib.contextmanager
    def paused(self):
        """Let pass what belongs to the test."""
        before, self.is_paused = self.is_paused, True
        try:
            yield
        finally:
            self.is_paused = before

    def wrapped(self, name, original):
        def call(*arguments, **options):
            operation = self.operation(name, arguments, options)
            if self.is_paused or not any(path.startswith(self.directory)
                                         for path in operation.paths):  # fmt: skip
                return self.noted(operation, original(*arguments, **options))

            def make():
                return original(*operation.arguments, **operation.options)

            return self.noted(operation, self.plan(operation, make))

        return call

    def operation(self, name, arguments, options):
        count = 2 if name in ('rename', 'replace', 'link') else 1
        positions = [1] if name == 'symlink' else range(count)
        paths = [self.path(arguments[position] if len(arguments) > position else '.', options)
                 for position in positions]  # fmt: skip
        changes = name in CHANGES
        if name == 'open':
            flags = arguments[1] if len(arguments) > 1 else options['flags']
            changes = bool(flags & (WRITING | os.O_CREAT))
        elif name == 'close':
            changes = arguments[0] in self.writes
        return Operation(name, tuple(paths), arguments, options, changes)

    def path(self, given, options):
        if isinstance(given, int):
            return self.files.get(given, '')
        directory = self.files.get(options.get('dir_fd'), '')
        return os.path.join(directory, os.fsdecode(given))

    def noted(self, operation, result):
        if operation.name == 'open':
            self.files[result] = operation.paths[0]
            (self.writes.add if operation.changes else self.writes.discard)(result)
        return result


class Record:
    """A plan that writes down what happens."""

    def __init__(self):
        self.operations = []

    def __call__(self, operation, call):
        self.operations.append(operation)
        return call()


class Kill:
    """A plan that ends the process with SIGKILL: before, in the middle of or after one change.

    'in' is for what is written: half of it is.
    """

    def __init__(self, number, when):
        self.number = number
        self.when = when
        self.count = 0

    def __call__(self, operation, call):
        if not operation.changes:
            return call()
        self.count += 1
        if self.count != self.number:
            return call()
        if self.when == 'in':
            descriptor, data = operation.arguments
            operation.arguments = descriptor, data[: len(data) // 2]
        try:
            if self.when != 'before':
                call()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)


class Fail:
    """A plan in which one operation fails with `number` of errno, or all from then on.

    With `lasts`, all those from then on fail that such a disk refuses: looking still works, and
    if there is only no room, removing, too.
    """

    def __init__(self, position, error, lasts=()):
        self.position = position
        self.error = error
        self.lasts = lasts
        self.count = 0
        self.failed = []

    def __call__(self, operation, call):
        self.count += 1
        later = self.count > self.position and operation.changes and operation.name in self.lasts
        if self.count != self.position and not later:
            return call()
        self.failed.append(operation)
        if operation.name == 'close':
            call()  # As on NFS: it is closed, but what was written is lost.
        raise OSError(self.error, os.strerror(self.error), operation.paths[0])


def fork():
    """Fork; those who run several tests at once have a thread, which no child needs."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)
        return os.fork()


def in_child(function, *arguments):
    """Call `function` in a forked process; return its exit status, negative for a signal."""
    pid = fork()
    if pid == 0:
        status = 1
        try:
            function(*arguments)
            status = 0
        except BaseException:  # noqa: BLE001 - it must not run the tests of its parent
            traceback.print_exc(file=sys.__stderr__)
            sys.__stderr__.flush()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

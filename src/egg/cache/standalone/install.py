#!/usr/bin/env python3
"""How does a release of a buildout get into its place, with nothing but Python?

    python3 install.py                    set up the release that this file lies in
    python3 install.py --verify [DIR]     is each file of that release as it was packed?
    python3 install.py ARCHIVE DIR        install a release; DIR/current leads to it from then on
    python3 install.py --rollback DIR     DIR/current leads to the release before again

Needs the standard library of Python 3.10 or newer and nothing else, no egg.cache either: each
release brings this file. On an older Python it can be read, too, to say so.

    DIR/current                     a link to releases/NAME, switched in one step
    DIR/releases/NAME/              a release, set up
    DIR/releases/NAME/.setup.json   which files the set-up made, and what was there before
    DIR/releases/.NAME.RANDOM/      one on its way in or out; the next run removes what is left
    DIR/history                     which releases were current, the newest last
    DIR/.lock                       one installation at a time; says who that is

Its parts, in the order of reading: the environment; the document, RELEASE.json; the archive; the
files of a release; other programs; setting up; a directory of releases; installing; rolling back;
the command line. The environment and the paths that are safe are told in bootstrap.py, too; a
test of egg.cache holds the two against each other.
"""

import argparse
import configparser
import errno
import fcntl
import gzip
import hashlib
import importlib
import json
import os
import platform
import re
import secrets
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

# An older Python has to be able to read on until here, to say so.
if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit(f'This needs Python 3.10 or newer, and {sys.executable} is {sys.version.split()[0]}.')

FORMAT = 1
DOCUMENT, CHANGES, BUILDINFO = 'RELEASE.json', 'SINCE.json', '.buildinfo.json'
RECORD, INSTALLED = '.setup.json', '.installed.cfg'
KEEP = 3
INTERRUPTED = 'Interrupted; what was begun is undone, and nothing was switched.'

_LARGEST_DOCUMENT = 64_000_000
_LARGEST_FILE = 1 << 40
_CHUNK = 1 << 20
_MOST = 50
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_LOCK = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_MODES = {'0644': 0o644, '0755': 0o755}
_ENVIRONMENT = ('implementation', 'python', 'soabi', 'platform', 'libc')
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_delayed: 'list[int]' = []
_SHA256 = re.compile('[0-9a-f]{64}')
_RECORDED = re.compile(r'^__buildout_installed__ *=(.*(?:\n[ \t].*)*)', re.M)
_AGAIN = ('If nothing runs from it, move that directory away, as it may hold data, and install '
          'the release again.')  # fmt: skip
_COMPILED = re.compile(r'(?:.*/)?__pycache__/[^/]+\.pyc(?:\.[0-9]+)?')
# What processes leave in `DIR/releases` that are killed: `_Root.staged`.
_STAGED = re.compile(r'\..+\.[0-9a-f]{12}')
# What programs write to is called so: directories, and the ends of the names of files.
_WRITTEN = re.compile(r'(?:.*?/)??(?:var|logs?|data|databases?|filestorage|blobstorage|blobs'
                      r'|uploads|sessions)(?=/|$)|.+\.(?:fs|log|db|sqlite3?)$')  # fmt: skip


class Failure(Exception):
    """What went wrong, with what, and what to do."""

    status = 1


class Misuse(Failure):
    """An argument that makes no sense."""

    status = 2


class Interrupted(BaseException):
    """A signal that ends the process."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _plain(error: OSError) -> str:
    where = f': {error.filename}' if error.filename else ''
    return f'{error.strerror or error}{where}'


def _silent(remark: str) -> None:
    """Say nothing."""


# The environment


def environment() -> dict[str, str]:
    """Return what of this Python and system a release depends on."""
    return {
        'implementation': sys.implementation.name,
        'python': '{}.{}'.format(*sys.version_info[:2]),
        'soabi': sysconfig.get_config_var('SOABI') or '',
        'platform': sysconfig.get_platform(),
        'libc': ' '.join(platform.libc_ver()).strip(),
    }


def environment_of(python: str) -> dict[str, str]:
    """Return the environment of an interpreter."""
    if python == sys.executable:
        return environment()
    command = [python, '-I', os.path.abspath(__file__), '--environment']
    output = _run(command, os.getcwd(), f'{python} as the interpreter')
    try:
        found = json.loads(output)
        return {name: str(found[name]) for name in _ENVIRONMENT}
    except (ValueError, KeyError, TypeError):
        raise Failure(f'{python} is no interpreter: it answered {output!r:.60}.') from None


def _interpreter(python: str) -> str:
    found = shutil.which(python)
    if found is None:
        raise Failure(f'{python} is no program. Give the path of a Python.')
    return os.path.abspath(found)


def differing(needed: dict[str, str], found: dict[str, str], is_compiled: bool) -> bool:
    """Tell whether a release for one environment is of no use in another one."""
    same = ('implementation', 'python', 'soabi', 'platform')
    if any(needed[name] != found[name] for name in same):
        return True
    (name, version), (name_here, here) = (
        row['libc'].partition(' ')[::2] for row in (needed, found)
    )
    return is_compiled and bool(name) and (name != name_here or _numbers(version) > _numbers(here))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r'\d+', version)]


def _described(row: dict[str, str]) -> str:
    names = {'cpython': 'CPython', 'pypy': 'PyPy'}
    name = names.get(row['implementation'], row['implementation'])
    libc = f' with {row["libc"]}' if row['libc'] else ''
    return f'{name} {row["python"]} ({row["soabi"]}) on {row["platform"]}{libc}'


def _require_environment(release: 'Release', found: dict[str, str], python: str) -> None:
    if differing(release.environment, found, release.is_compiled):
        newer = ' or newer' if release.environment['libc'] and release.is_compiled else ''
        raise Failure(
            f'{release.label} needs {_described(release.environment)}{newer}. '
            f'{python} is {_described(found)}. Take a Python that fits, or pack the release '
            'again in an environment like this one.'
        )
    if re.search(r'\s', python):
        raise Failure(f'{python} has blanks in its path, so no script of zc.buildout would run. '
                      'Take another one, or a link to it.')  # fmt: skip


# The document


class Release:
    """What `RELEASE.json` says. Raises `ValueError` or the like for what it can't say."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.digest = hashlib.sha256(data).hexdigest()
        self.document: dict[str, Any] = parsed(data)
        self.label = _label(self.document)
        self.environment = {key: _text(self.document['environment'][key]) for key in _ENVIRONMENT}
        self.files: dict[str, dict[str, Any]] = {
            _path(path): _entry(path, row) for path, row in _table(self.document['files']).items()
        }
        #: The empty directories, and all directories.
        self.directories = [_path(path) for path in _list(self.document['directories'])]
        self.tree = {*self.directories}
        for path in (*self.files, *self.directories):
            self.tree.update(_above(path))
        both = self.tree.intersection(self.files)
        if both:
            raise ValueError(f'{min(both)!r:.80} is a file and a directory')

    @property
    def is_compiled(self) -> bool:
        return any(path.endswith('.so') or '.so.' in path for path in self.files)

    @property
    def size(self) -> int:
        return sum(row.get('size', 0) for row in self.files.values())


def parsed(data: bytes) -> dict[str, Any]:
    """Return a document of the format that is known here. Raises `ValueError`."""
    document = _table(json.loads(data.decode()))
    if document.get('format') != FORMAT:
        raise ValueError(
            f'its format is {document.get("format")!r:.20}, and not {FORMAT}: a newer egg-cache '
            'made it. Take the install.py of that one'
        )
    return document


def to_bytes(document: dict[str, Any]) -> bytes:
    """Return the one text that a document has: its digest depends on each byte."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True) + '\n').encode()


def merged(document: Any, patch: Any) -> Any:
    """Return a document to which a merge patch was applied (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f'{value!r:.60} is not an object')
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f'{value!r:.60} is not a list')
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f'{value!r:.60} is not a text')
    os.fsencode(value)
    return value


def _component(value: Any) -> str:
    """Return a name that is good for a directory and a line of text."""
    if not _text(value).isprintable() or '/' in value or len(os.fsencode(value)) > 100 or (
            value[:1] in ('', '.', '-')):  # fmt: skip
        raise ValueError(f'{value!r:.60} is not a name or version')
    return str(value)


def _label(row: dict[str, Any]) -> str:
    return f'{_component(row["name"])}-{_component(row["version"])}'


def _path(value: Any) -> str:
    parts = _text(value).split('/')
    if {'', '.', '..'}.intersection(parts) or '\0' in value or (
            value in (DOCUMENT, CHANGES, RECORD)):  # fmt: skip
        raise ValueError(f'{value!r:.80} is not a path in a release')
    return str(value)


def _above(path: str) -> Iterator[str]:
    """Yield the directories above a path, the nearest first."""
    while '/' in path:
        path = path.rpartition('/')[0]
        yield path


def _entry(path: str, row: Any) -> dict[str, Any]:
    if 'link' in _table(row):
        return {'link': _link(path, row['link'])}
    if _SHA256.fullmatch(_text(row['sha256'])) is None or row['mode'] not in _MODES:
        raise ValueError(f'{path!r:.80} has a digest or a mode that can not be')
    for key, most in (('size', _LARGEST_FILE), ('time', 1 << 34)):
        if type(row[key]) is not int or not 0 <= row[key] <= most:
            raise ValueError(f'{path!r:.80} has the {key} {row[key]!r:.40}')
    return {key: row[key] for key in ('sha256', 'size', 'mode', 'time')}


def _link(path: str, target: Any) -> str:
    """Return the target of a link that stays in the release.

    `..` may only be at its beginning: after the name of another link it would lead elsewhere.
    """
    parts = _text(target).split('/')
    ups = next((number for number, part in enumerate(parts) if part != '..'), len(parts))
    if target[:1] in ('', '/') or '\0' in target or '..' in parts[ups:] or ups > path.count('/'):
        raise ValueError(f'{path!r:.80} is a link out of the release, to {target!r:.80}')
    return str(target)


def read_release(data: bytes, path: str) -> Release:
    """Return the release whose document is the bytes `data`, found in `path`."""
    with _explained(path):
        return Release(data)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise Failure(f'{path} can not be installed: its document has no {error}.') from error
    except (ValueError, TypeError, RecursionError) as error:
        raise Failure(f'{path} can not be installed: {error}.') from error


def load(directory: str) -> Release:
    """Return the release in `directory`."""
    path = os.path.join(directory, DOCUMENT)
    try:
        with open(path, 'rb', opener=lambda name, flags: os.open(name, _READ)) as file:
            return read_release(file.read(_LARGEST_DOCUMENT), path)
    except OSError as error:
        raise Failure(f'{directory} is no release: {path}: {error.strerror}.') from error


# The archive


class _Gauge:
    """A stream of which no more can be read than was allowed: a small archive may hold much."""

    def __init__(self, stream: BinaryIO, path: str) -> None:
        self._stream = stream
        self._path = path
        self._left = 0

    def allow(self, size: int) -> None:
        """Allow to read what follows: a file of `size`, and what may be around it."""
        self._left = size + _CHUNK

    def read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except Exception as error:  # each decompressor has exceptions of its own
            if isinstance(error, OSError) and error.errno:
                raise
            raise Failure(f'{self._path} is damaged: {error}.') from error
        self._left -= len(data)
        if self._left < 0:
            raise Failure(f'{self._path} is no release: there is more in it than it says.')
        return data


_Member = tuple[str, tarfile.TarInfo, Iterator[bytes]]


def members(path: str) -> Iterator[_Member]:
    """Yield name, header and content of each member of an archive; nothing of it is believed."""
    with _decompressed(path) as stream:
        gauge: Any = _Gauge(stream, path)
        gauge.allow(0)
        try:
            with tarfile.open(fileobj=gauge, mode='r|', bufsize=tarfile.RECORDSIZE) as tar:
                for member in tar:
                    gauge.allow(member.size)
                    content = _content(tar, member)
                    yield member.name, member, content
                    for _ in content:
                        pass
                    gauge.allow(0)
            while gauge.read(_CHUNK):
                pass  # the sum at the end of the archive is compared there
        except (tarfile.TarError, ValueError, OverflowError, EOFError, AttributeError) as error:
            raise Failure(f'{path} is damaged, or no release: {error}.') from error


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(member) if _is_file(member) else None
    left = member.size
    while file is not None and left:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            return
        left -= len(chunk)
        yield chunk


def _is_file(member: tarfile.TarInfo) -> bool:
    return member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()


@contextmanager
def _decompressed(path: str) -> Iterator[BinaryIO]:
    with open(path, 'rb', opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Failure(f'{path} is no release: it is no file.')
        start = os.pread(file.fileno(), 4, 0)
        if start[:2] == b'\x1f\x8b':
            with gzip.GzipFile(fileobj=file) as stream:
                # All that is done with it is reading.
                yield stream  # type: ignore[misc]
        elif start == b'\x28\xb5\x2f\xfd':
            with _zstandard(path, file) as stream:
                yield stream
        else:
            raise Failure(f'{path} is no release: neither a .tar.gz nor a .tar.zst.')


@contextmanager
def _zstandard(path: str, file: BinaryIO) -> Iterator[BinaryIO]:
    """Decompress with Python, with the module zstandard, or with the program zstd."""
    stream = _zstandard_of_python(file)
    if stream is not None:
        yield stream
        return
    try:
        process = subprocess.Popen(['zstd', '-dcq'], stdin=file, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
    except OSError:
        raise Failure(
            f'{path} can be read by Python 3.14, with the module zstandard, or with the program '
            'zstd, and none of them is here. Install one, or pack a .tar.gz.'
        ) from None
    assert process.stdout is not None
    try:
        # A pipe of bytes, which mypy knows as IO[bytes].
        yield process.stdout  # type: ignore[misc]
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _zstandard_of_python(file: BinaryIO) -> Any:
    with suppress(ImportError):
        return importlib.import_module('compression.zstd').ZstdFile(file)
    with suppress(ImportError):
        module = importlib.import_module('zstandard')
        return module.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return None


def read_document(path: str) -> tuple[str, bytes]:
    """Return `NAME/RELEASE.json` or `NAME/SINCE.json`, whichever an archive has, and its bytes."""
    for name, member, content in members(path):
        if name.partition('/')[2] in (DOCUMENT, CHANGES) and _is_file(member):
            if member.size > _LARGEST_DOCUMENT:
                raise Failure(f'{path} is no release: {name} is larger than it can be.')
            return name, b''.join(content)
    raise Failure(f'{path} is no release of egg-cache: there is no {DOCUMENT} in it.')


# The files of a release


def unpack(path: str, document: tuple[str, bytes], release: Release, stage: str) -> set[str]:
    """Write what is in an archive into the new directory `stage`; return the paths of the files.

    Each one is verified, and everything that the release doesn't list is refused.
    """
    seen: set[str] = set()
    made = {''}
    for name, member, content in members(path):
        top, _, inside = name.partition('/')
        if top != release.label or inside in seen:
            what = 'twice' if top == release.label else f'outside of {release.label}/'
            raise Failure(f'{path} is refused: it has {name!r:.80} {what}.')
        seen.add(inside)
        row = release.files.get(inside, {})
        if (name == document[0] and _is_file(member) and b''.join(content) == document[1]) or (
                member.isdir() and (not inside or inside in release.tree)) or (
                member.issym() and member.linkname == row.get('link')):  # fmt: skip
            continue
        if not _is_file(member) or 'sha256' not in row or row['size'] != member.size:
            raise Failure(f'{path} is refused: {name!r:.80} is not what its document says.')
        _make_directory(stage, inside.rpartition('/')[0], made)
        if not _write(os.path.join(stage, inside), row, content):
            raise Failure(f'{path} is damaged: {name} is not what its document says.')
    return seen & {*release.files}


def complete(release: Release, stage: str) -> None:
    """Make what needs no content: directories, links, and last of all the document."""
    made = {''}
    for path in release.directories:
        _make_directory(stage, path, made)
    for path, row in release.files.items():
        if 'link' in row:
            _make_directory(stage, path.rpartition('/')[0], made)
            os.symlink(row['link'], os.path.join(stage, path))
    row = {'mode': '0644', 'time': max((row.get('time', 0) for row in release.files.values()),
                                       default=0)}  # fmt: skip
    _write(os.path.join(stage, DOCUMENT), row, [release.data])


def copy(base: str, release: Release, stage: str, written: set[str]) -> None:
    """Copy all files that are not `written` from another release, verifying them."""
    made = {''}
    for path, row in release.files.items():
        if path in written or 'link' in row:
            continue
        _make_directory(stage, path.rpartition('/')[0], made)
        source = os.path.join(base, path)
        try:
            with open(source, 'rb', opener=lambda name, flags: os.open(name, _READ)) as file:
                is_good = _write(os.path.join(stage, path), row, _chunks(file))
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.EISDIR):
                raise
            is_good = False
        if not is_good:
            raise Failure(f'{source} is not as it was packed, so {release.label} can not be made '
                          'from it. Install the full release.')  # fmt: skip


def damaged(directory: str, release: Release) -> list[str]:
    """Return the paths in `directory` that are not as the release has them; others don't count."""
    return sorted(path for path, row in release.files.items()
                  if not _is_good(os.path.join(directory, path), row))  # fmt: skip


def _is_good(path: str, row: dict[str, Any]) -> bool:
    try:
        if 'link' in row:
            return os.readlink(path) == str(row['link'])
        if os.lstat(path).st_size != row['size']:
            return False
        with open(path, 'rb', opener=lambda name, flags: os.open(name, _READ)) as file:
            return _digest(file) == str(row['sha256'])
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE):
            raise
        return False


def _require_good(directory: str, release: Release, advice: str) -> None:
    paths = damaged(directory, release)
    if paths:
        more = f' and {len(paths) - 1} more' if len(paths) > 1 else ''
        raise Failure(
            f'{directory} is not as {release.label} was packed: {paths[0]}{more}. {advice}'
        )


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_CHUNK), b'')


def _make_directory(stage: str, path: str, made: set[str]) -> None:
    if path not in made:
        _make_directory(stage, path.rpartition('/')[0], made)
        with suppress(FileExistsError):
            os.mkdir(os.path.join(stage, path))
            os.chmod(os.path.join(stage, path), 0o755)
        made.add(path)


def _write(path: str, row: dict[str, Any], content: Iterable[bytes]) -> bool:
    """Write a new file; return whether it is what the release has."""
    digest = hashlib.sha256()
    descriptor = os.open(path, _CREATE, 0o600)
    try:
        for chunk in content:
            digest.update(chunk)
            while chunk:
                chunk = chunk[os.write(descriptor, chunk):]
        os.fchmod(descriptor, _MODES[row['mode']])
        os.utime(descriptor, (row['time'], row['time']))
    finally:
        os.close(descriptor)
    return row.get('sha256') in (None, digest.hexdigest())


# Other programs


def _run(command: Sequence[str], directory: str, what: str, lock: Sequence[int] = (),
         env: dict[str, str] | None = None) -> str:  # fmt: skip
    """Run a program to its end and return what it printed. Raises `Failure` with the end of that.

    A program that is given the `lock` holds it as long as it runs, whatever happens to this one.
    """
    with tempfile.TemporaryFile() as output:
        process = None
        try:
            with _delayed_signals():
                process = subprocess.Popen(
                    command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, pass_fds=lock, start_new_session=True, umask=0o022,
                )  # fmt: skip
            status = process.wait()
        except OSError as error:
            raise Failure(f'{what} can not be started: {command[0]}: {error.strerror}.') from error
        finally:
            if process is not None:
                _end(process)
        output.seek(max(0, output.seek(0, os.SEEK_END) - 8000))
        text = output.read().decode(errors='replace')
    if status:
        how = f'exit status {status}' if status > 0 else f'signal {-status}'
        lines = ''.join(f'\n    {line}' for line in text.rstrip().splitlines()[-15:])
        raise Failure(f'{what} failed ({how}): {shlex.join(command)}{lines}')
    return text


def _end(process: 'subprocess.Popen[bytes]') -> None:
    """End a program that still runs, and what it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)


@contextmanager
def _signals() -> Iterator[None]:
    """Let signals that end the process end it in an orderly way, as `Interrupted`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, _stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: object = None) -> None:
    if _delayed:
        _delayed.append(number)
    else:
        _ignore_signals()
        raise Interrupted(number)


@contextmanager
def _delayed_signals() -> Iterator[None]:
    """Let a signal wait: who is stopped while he starts a process doesn't know which one."""
    _delayed.append(0)
    try:
        yield
    finally:
        number = _delayed[-1]
        _delayed.clear()
    if number:
        _stop(number)


def _ignore_signals() -> None:
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


# Setting up


def set_up(directory: str, is_compiled: bool = True) -> Release:
    """Make the scripts and parts of the release in `directory`, for this place and this Python."""
    release = load(directory)
    _require_environment(release, environment(), sys.executable)
    _require_good(directory, release, _AGAIN)
    foreign = ('PYTHON', '__PYVENV', 'PIP_', 'BUILDOUT', 'EGG_CACHE')
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    bootstrap = [sys.executable, '-I', 'bootstrap.py', '--offline']
    places = _places(directory)
    buildout = [os.path.join(directory, places['bin-directory'], 'buildout'), '-U', '-o']
    others = begin(directory, release)
    _run(bootstrap, directory, f'Setting up {release.label}', env=env)
    _run(buildout, directory, f'Setting up {release.label}', env=env)
    if is_compiled:
        _compile(directory, places['eggs-directory'], env)
    finish(directory, release, others)
    return release


def fault_of_set_up(directory: str) -> str:
    """Return what set-up made of a release and is not there, or not for this place; or ''."""
    script = os.path.join(directory, _places(directory)['bin-directory'], 'buildout')
    texts = []
    for path in (script, os.path.join(directory, INSTALLED)):
        try:
            with open(path, encoding='utf-8', errors='surrogateescape') as file:
                texts.append(file.read(_LARGEST_DOCUMENT))
        except FileNotFoundError:
            return f'{path} is missing'
    if 'sys.path[0:0]' in texts[0] and f'{os.path.realpath(directory)}{os.sep}' not in texts[0]:
        return f'{script} is for another place'
    gone = [path for path in _recorded(texts[1]) if not os.path.lexists(path)]
    return f'{gone[0]} is missing' if gone else ''


def _recorded(text: str) -> list[str]:
    """Return the paths that an `.installed.cfg` says were installed."""
    lines = (line.strip() for match in _RECORDED.finditer(text) for line in match[1].split('\n'))
    return [path for path in lines if os.path.isabs(path)]


def _places(directory: str) -> dict[str, str]:
    """Return where in a release scripts and eggs are."""
    places = {'bin-directory': 'bin', 'eggs-directory': 'eggs'}
    path = os.path.join(directory, BUILDINFO)
    with _explained(path), open(path, 'rb') as file:
        found = _table(_table(json.loads(file.read())).get('directories', {}))
        places.update((name, _path(found[name])) for name in places if name in found)
    return places


def _compile(directory: str, eggs: str, env: dict[str, str]) -> None:
    """Compile the eggs; some may hold what no Python 3 can compile, and that is no fault."""
    compileall = [sys.executable, '-I', '-m', 'compileall', '-qq', '--invalidation-mode',
                  'timestamp']  # fmt: skip
    # Where processes can't share anything, one has to do; what is compiled is passed over.
    for jobs in (['-j', '0'], []):
        with suppress(Failure):
            _run([*compileall, *jobs, eggs], directory, 'Compiling', env=env)
            return


# What was made since


def added(directory: str, release: Release) -> list[str]:
    """Return the files of a release that neither its archive nor its set-up made as they are.

    Links are among them, and directories that can't be read. What Python compiled doesn't count.
    """
    files, others = _read_record(directory)
    if files is None and others is not None:
        # Its first set-up was killed: what wasn't there before is of that.
        return sorted({*others}.intersection(_extra(directory, release)))
    is_complete = files is not None and others is None
    listed = set() if is_complete else _listed(directory)
    return sorted(path for path in _extra(directory, release) if path not in listed
                  and not _is_as_set_up(directory, path, files or {}))  # fmt: skip


def data(directory: str, release: Release) -> list[str]:
    """Return what would be lost with a release: what was added, and what was changed in it.

    Empty files and links hold nothing that could be lost.
    """
    changed = damaged(directory, release)
    return [path for path in (*changed, *added(directory, release))
            if _holds_anything(os.path.join(directory, path))]  # fmt: skip


def begin(directory: str, release: Release) -> list[str]:
    """Take down what is there before a set-up, so that it doesn't count as made by it."""
    files, others = _read_record(directory)
    if others is None:
        others = added(directory, release)
    if files is None and os.path.lexists(os.path.join(directory, INSTALLED)):
        files = {}  # It was set up by an install.py that took nothing down.
    _write_record(directory, files, others)
    return others


def finish(directory: str, release: Release, others: Sequence[str]) -> None:
    """Take down what a set-up, or a test, has made: all that isn't among the `others`."""
    files: _Rows = {}
    for path in sorted({*_extra(directory, release)}.difference(others)):
        place = os.path.join(directory, path)
        with suppress(FileNotFoundError):
            if os.path.islink(place):
                files[path] = {'link': os.readlink(place)}
            elif os.path.isfile(place):
                with open(place, 'rb', opener=lambda name, flags: os.open(name, _READ)) as file:
                    size = os.fstat(file.fileno()).st_size
                    files[path] = {'size': size, 'sha256': _digest(file)}
    _write_record(directory, files, None)


def _extra(directory: str, release: Release) -> Iterator[str]:
    """Yield the files and links in a release that are not of its archive, and aren't compiled."""
    own = {DOCUMENT, INSTALLED, RECORD, f'{RECORD}.new'}
    waiting = ['']
    while waiting:
        above = waiting.pop()
        try:
            with os.scandir(os.path.join(directory, above)) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        except OSError:
            yield above or '.'
            continue
        for entry in entries:
            path = os.path.join(above, entry.name)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            elif not (path in own or path in release.files or _is_compiled(directory, path)) and (
                    entry.is_symlink() or entry.is_file(follow_symlinks=False)):  # fmt: skip
                yield path


def _is_compiled(directory: str, path: str) -> bool:
    return _COMPILED.fullmatch(path) is not None or (
        path.endswith('.pyc') and os.path.exists(os.path.join(directory, path[:-1])))  # fmt: skip


def _is_as_set_up(directory: str, path: str, files: dict[str, dict[str, Any]]) -> bool:
    try:
        return path in files and _is_good(os.path.join(directory, path), files[path])
    except OSError:
        return False


def _holds_anything(path: str) -> bool:
    """Tell whether anything could be lost with a file, or a directory that can't be read."""
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(info.st_mode) or (stat.S_ISREG(info.st_mode) and info.st_size > 0)


def _listed(directory: str) -> set[str]:
    """Return what buildout says that it installed: files alone, as directories may hold data."""
    text = _text_of(os.path.join(directory, INSTALLED))
    script = os.path.join(directory, _places(directory)['bin-directory'], 'buildout')
    return {os.path.relpath(os.path.realpath(path), os.path.realpath(directory))
            for path in (*_recorded(text), script)}  # fmt: skip


def _text_of(path: str) -> str:
    with suppress(FileNotFoundError), open(path, encoding='utf-8',
                                           errors='surrogateescape') as file:  # fmt: skip
        return file.read(_LARGEST_DOCUMENT)
    return ''


_Rows = dict[str, dict[str, Any]]


def _read_record(directory: str) -> tuple[_Rows | None, list[str] | None]:
    """Return the files that were set up, and those that a set-up which didn't end found there."""
    try:
        with open(os.path.join(directory, RECORD), 'rb') as file:
            document = parsed(file.read(_LARGEST_DOCUMENT))
        files, others = document['files'], document['others']
        if files is not None:
            files = {path: row if 'link' in row else {**row, 'size': int(row['size'])}
                     for path, row in _table(files).items()}  # fmt: skip
        return files, None if others is None else list(map(_text, _list(others)))
    except (OSError, ValueError, KeyError, TypeError):
        return None, None


def _write_record(directory: str, files: _Rows | None, others: list[str] | None) -> None:
    stage = os.path.join(directory, f'{RECORD}.new')
    with suppress(FileNotFoundError):
        os.unlink(stage)
    text = to_bytes({'format': FORMAT, 'files': files, 'others': others})
    _write(stage, {'mode': '0644', 'time': 0}, [text])
    os.utime(stage)
    os.replace(stage, os.path.join(directory, RECORD))


def written_inside(directory: str, release: Release) -> list[tuple[str, str]]:
    """Return (path, who names it) of what parts will write to in the release that is set up there.

    Those are directories and files that its archive doesn't have, with names that data and logs
    have. They are lost to the next release.
    """
    places = _places(directory)
    own = (*places.values(), 'develop-eggs')
    held = {*release.files}
    for path in release.files:
        held.update(_above(path))
    roots = '|'.join(re.escape(root) for root in {directory, os.path.realpath(directory)})
    mention = re.compile(rf'(?:{roots})/([^\s\'"<>:;,()\[\]{{}}|&]+)')
    found: dict[str, str] = {}
    for source, text in _texts(directory):
        for match in mention.finditer(text):
            path = os.path.normpath(match[1])
            if not f'{path}/'.startswith(tuple(f'{place}/' for place in own)) and (
                    path not in held):  # fmt: skip
                name = _WRITTEN.match(path)
                if name is not None:
                    found.setdefault(name[0], source)
    return sorted((path, source) for path, source in found.items()
                  if not any(above in found for above in _above(path)))  # fmt: skip


def _texts(directory: str) -> Iterator[tuple[str, str]]:
    """Yield (who says so, text) of the options of parts, and of the files that they have made."""
    parser = configparser.RawConfigParser(
        strict=False, delimiters=('=',), comment_prefixes=(), allow_no_value=True
    )
    with suppress(configparser.Error):
        parser.read_string(_text_of(os.path.join(directory, INSTALLED)))
    for name in parser.sections():
        for option, value in parser.items(name):
            if not option.startswith('__buildout_') and name != 'buildout':
                yield f'[{name}] {option}', value or ''
    files, _ = _read_record(directory)
    for path, row in (files or {}).items():
        if row.get('size', _CHUNK) < _CHUNK:
            text = _text_of(os.path.join(directory, path))
            if '\0' not in text:
                yield path, text


# A directory of releases


class Outcome:
    """To what `DIR/current` leads now, and before; what was removed, with its size.

    `kept` are old releases that hold data, with the paths; `left_behind` is what was written into
    the one before; `inside` is what parts will write to in the current one, and who names it.
    """

    def __init__(self, root: '_Root', current: str, previous: str) -> None:
        self.directory = root.directory
        self.current = current
        self.previous = previous
        self.removed: list[tuple[str, int]] = []
        self.kept: list[tuple[str, list[str]]] = []
        self.left_behind: list[str] = []
        self.inside: list[tuple[str, str]] = []


class _Root:
    """A directory that releases are installed in."""

    def __init__(self, directory: str) -> None:
        self.directory = os.path.abspath(directory)
        self.releases = os.path.join(self.directory, 'releases')
        self.link = os.path.join(self.directory, 'current')
        self.lock: list[int] = []

    def release(self, label: str) -> str:
        return os.path.join(self.releases, label)

    def staged(self, label: str) -> str:
        return os.path.join(self.releases, f'.{label}.{secrets.token_hex(6)}')

    def require(self, is_new: bool) -> None:
        """Raise `Failure` unless this is a directory for releases, or, if `is_new`, may be one."""
        try:
            names = {*os.listdir(self.directory)}
        except FileNotFoundError:
            names = set()
        except OSError as error:
            raise Failure(f'{self.directory}: {error.strerror}. Choose another one.') from error
        if os.path.isdir(self.releases) and names & {'.lock', 'history'}:
            self.current()
        elif not is_new:
            raise Failure(f'No release was installed in {self.directory}.')
        elif names - {'.lock', 'lost+found'}:
            raise Failure(f'{self.directory} holds other things than releases. Choose a directory '
                          'that is empty, or not there yet.')  # fmt: skip

    def current(self) -> str:
        """Return the name of the current release, '' if there is none."""
        try:
            target = os.readlink(self.link)
        except FileNotFoundError:
            return ''
        except OSError:
            raise Failure(
                f'{self.link} is no link, so it can not be switched. Move it away.'
            ) from None
        directory, label = os.path.split(target)
        if os.path.join(self.directory, directory) != self.releases or label in ('', '.', '..'):
            raise Failure(f'{self.link} leads to {target}, which is not in {self.releases}. '
                          'Remove the link.')  # fmt: skip
        return label

    def installed(self) -> list[str]:
        """Return the names of all releases that are here."""
        return [name for name in sorted(os.listdir(self.releases))
                if not name.startswith('.') and not os.path.islink(self.release(name))
                and os.path.isfile(os.path.join(self.release(name), DOCUMENT))]  # fmt: skip

    def history(self) -> list[str]:
        """Return the names of releases as they became current; the last one is current now."""
        names, current = self._written(), self.current()
        # Else somebody was stopped between the link and the history, or switched the link himself.
        return names if not current or names[-1:] == [current] else [*names, current]

    def _written(self) -> list[str]:
        try:
            with open(os.path.join(self.directory, 'history'), encoding='utf-8') as file:
                return file.read().splitlines()
        except (FileNotFoundError, UnicodeDecodeError):
            return []

    def write_history(self, names: list[str]) -> None:
        if names == self._written():
            return
        stage = os.path.join(self.directory, f'.history.{secrets.token_hex(6)}')
        row = {'mode': '0644', 'time': 0}
        _write(stage, row, [''.join(f'{name}\n' for name in names).encode()])
        os.utime(stage)
        os.replace(stage, os.path.join(self.directory, 'history'))

    def switch(self, label: str) -> None:
        """Make `current` lead to a release, in one step, and not before its files are on disk."""
        os.sync()
        stage = os.path.join(self.directory, f'.current.{secrets.token_hex(6)}')
        os.symlink(f'releases/{label}', stage)
        os.replace(stage, self.link)
        with suppress(OSError):  # not every filesystem can
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def remove(self, label: str) -> int:
        """Remove a release and return its size; it is gone at once, whatever happens then."""
        trash = self.staged('trash')
        os.rename(self.release(label), trash)
        size = _tree_size(trash)
        _remove_tree(trash)
        return size

    def tidy(self) -> None:
        """Remove what processes left that were killed. Only for who has the lock."""
        for name in os.listdir(self.releases):
            if _STAGED.fullmatch(name):
                _remove_tree(os.path.join(self.releases, name))
        for name in os.listdir(self.directory):
            if name.startswith(('.current.', '.history.')):
                with suppress(OSError):
                    os.unlink(os.path.join(self.directory, name))
        self.write_history(self.history())

    def keep(self, count: int, outcome: Outcome) -> None:
        """Remove all but the newest releases, never the current one and the one before it.

        What holds data stays. The `outcome` is told of both.
        """
        history, installed = self.history(), self.installed()
        newest = list(dict.fromkeys(name for name in reversed(history) if name in installed))
        victims = [name for name in installed if name not in newest[:max(count, 2)]]
        for name in victims:
            found = self.data(name)
            if found:
                outcome.kept.append((name, found))
            else:
                outcome.removed.append((name, self.remove(name)))
        gone = {name for name, _ in outcome.removed}
        if gone:
            self.write_history([name for name in history if name not in gone])

    def data(self, label: str) -> list[str]:
        """Return what would be lost with a release."""
        path = self.release(label)
        try:
            return data(path, load(path))
        except Failure:
            return [DOCUMENT]  # Nobody knows what is in it.

    @contextmanager
    def locked(self, what: str, say: Callable[[str], None]) -> Iterator[None]:
        """Be the only one who changes anything here; make the directory where it is missing."""
        made = []
        path = self.directory
        while not os.path.exists(path):
            made.append(path)
            path = os.path.dirname(path)
        os.makedirs(self.directory, exist_ok=True)
        descriptor = self._lock(what, say)
        self.lock = [descriptor]
        try:
            # Who may enter the directory may read what is in it, as with the files of releases.
            _make_directory(self.directory, 'releases', {''})
            self.tidy()
            yield
        finally:
            self._forsake(made)
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            with suppress(OSError):
                os.close(descriptor)

    def _lock(self, what: str, say: Callable[[str], None]) -> int:
        path = os.path.join(self.directory, '.lock')
        while True:
            os.makedirs(self.directory, exist_ok=True)
            descriptor = os.open(path, _LOCK, 0o644)
            try:
                _wait(descriptor, self.directory, say)
                # Who had it may have removed it, with all else.
                if os.path.exists(path) and os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, f'process {os.getpid()}, which {what}'.encode())
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _forsake(self, made: Sequence[str]) -> None:
        """Remove what was made, if no release is in it."""
        with suppress(OSError):
            os.rmdir(self.releases)
            os.unlink(os.path.join(self.directory, '.lock'))
            for path in made:
                os.rmdir(path)


def _wait(descriptor: int, directory: str, say: Callable[[str], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 300, 0).decode(errors='replace') or 'another process'
        say(f'Waiting for {holder} in {directory}.')
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _tree_size(path: str) -> int:
    return sum(os.lstat(os.path.join(parent, name)).st_size
               for parent, _, names in os.walk(path) for name in names)  # fmt: skip


def _remove_tree(path: str) -> None:
    """Remove as much as can be; the next run tries again."""
    with suppress(OSError, RecursionError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


# Installing


def install(archive: str, directory: str, python: str = sys.executable, test: str = '',
            keep: int = KEEP, say: Callable[[str], None] = _silent) -> Outcome:  # fmt: skip
    """Install a release in `directory`, test it there, and switch to it.

    Whatever fails, `current` is as it was. Raises `Failure`.
    """
    command = _command(test)
    if keep < 1:
        raise Misuse(f'--keep {keep}: the current release is always kept. Give 1 or more.')
    root, python = _Root(directory), _interpreter(python)
    with _signals():
        root.require(is_new=True)
        document = read_document(archive)
        release = _announced(archive, document, root)
        _require_environment(release, environment_of(python), python)
        try:
            with root.locked(f'installs {release.label}', say):
                return _install(archive, document, release, root, python, command, keep, say)
        except OSError as error:
            raise _explanation(error, release, root) from error


def _command(test: str) -> list[str]:
    try:
        return shlex.split(test)
    except ValueError as error:
        raise Misuse(f'--test {test}: {error}.') from error


def _announced(archive: str, document: tuple[str, bytes], root: _Root) -> Release:
    """Return the release that an archive holds, or that it makes of its base."""
    name, data = document
    if name.endswith(DOCUMENT):
        release = read_release(data, archive)
    else:
        with _explained(archive):
            changes = parsed(data)
            base = load(_base(archive, changes, root))
            data = to_bytes(merged(base.document, _table(changes['patch'])))
            if hashlib.sha256(data).hexdigest() != changes['digest']:
                raise ValueError('its changes do not make the release that it announces')
        release = read_release(data, archive)
    if name.partition('/')[0] != release.label:
        raise Failure(f'{archive} is refused: {name!r:.80} is about {release.label}.')
    return release


def _base(archive: str, changes: dict[str, Any], root: _Root) -> str:
    """Return the directory of the release that an archive has the changes since."""
    base = _table(changes['base'])
    label = _label(base)
    with suppress(FileNotFoundError):
        for name in sorted(root.installed(), key=lambda name: name != label):
            with open(os.path.join(root.release(name), DOCUMENT), 'rb') as file:
                if _digest(file) == base['digest']:
                    return root.release(name)
    raise Failure(
        f'{archive} has only the changes since {label} (digest {base["digest"]!s:.12}), which is '
        f'not in {root.releases}. Install that first, or the full release.'
    )


def _install(archive: str, document: tuple[str, bytes], release: Release, root: _Root,
             python: str, command: Sequence[str], keep: int,
             say: Callable[[str], None]) -> Outcome:  # fmt: skip
    previous, path = root.current(), root.release(release.label)
    is_there = _is_there(root, release)
    if is_there and previous == release.label:
        fault = fault_of_set_up(path)
        if fault:
            again = shlex.join([python, os.path.join(path, 'install.py')])
            raise Failure(f'{release.label} is current already, but {fault}.\n'
                          f'This sets it up again: {again}')
        if command:
            say(f'Testing {release.label}: {shlex.join(command)}')
            _run(command, path, f'The test of {release.label}, which is current already,')
        return Outcome(root, previous, previous)
    try:
        if not is_there:
            say(f'Unpacking {release.label} into {path}.')
            _place(archive, document, release, root)
        others = begin(path, release)
        say(f'Setting up {release.label}{_virtual(python)}.')
        _run([python, '-I', os.path.join(path, 'install.py')], path,
             f'Setting up {release.label}', lock=root.lock)  # fmt: skip
        if command:
            say(f'Testing {release.label}: {shlex.join(command)}')
            _run(command, path, f'The test of {release.label}')
        # Nothing of that is data yet: nobody has used the release.
        finish(path, release, others)
        _ignore_signals()
        root.switch(release.label)
    except BaseException:
        if not is_there and os.path.lexists(path):
            root.remove(release.label)
        raise
    outcome = Outcome(root, release.label, previous)
    try:
        root.write_history(root.history())
        _remember(outcome, release, root, say)
        root.keep(keep, outcome)
    except OSError as error:
        say(f'The next installation will tidy up; now that failed: {error}.')
    for label, paths in outcome.kept:
        say(f'{root.release(label)} stays, as it holds what is nowhere else: {_some(paths)}. Move '
            'that to a place of its own, and then remove the directory.')  # fmt: skip
    return outcome


def _remember(outcome: Outcome, release: Release, root: _Root,
              say: Callable[[str], None]) -> None:  # fmt: skip
    """Say which data the release before has, and where those of this one will be."""
    with suppress(Failure):
        if outcome.previous not in ('', release.label):
            path = root.release(outcome.previous)
            outcome.left_behind = [name for name in added(path, load(path))
                                   if _holds_anything(os.path.join(path, name))]  # fmt: skip
        outcome.inside = written_inside(root.release(release.label), release)
    if outcome.left_behind:
        say(f'{outcome.previous} holds what was written into it, and {release.label} does not '
            f'have that: {_some(outcome.left_behind)}.')  # fmt: skip
    if outcome.inside:
        say(told_inside(outcome.inside))


def told_inside(found: Sequence[tuple[str, str]]) -> str:
    """Return what to say of data that lie in a release."""
    places = _some([f'{path} (named by {source})' for path, source in found])
    return (f'Data inside of the release: {places}. The next release starts without them. Give '
            'them a directory that stays, by an option of the part, such as var = /srv/NAME/var.')


def _some(texts: Sequence[str], most: int = 3) -> str:
    """Return the first of many texts, and how many more there are."""
    shown = ', '.join(text if text.isprintable() else repr(text) for text in texts[:most])
    return shown + (f' and {len(texts) - most} more' if len(texts) > most else '')


def _virtual(python: str) -> str:
    """Return what to say of an interpreter that somebody may remove, thinking it is his own."""
    directory = os.path.dirname(os.path.dirname(os.path.abspath(python)))
    is_virtual = os.path.exists(os.path.join(directory, 'pyvenv.cfg'))
    return f' with {python}, of a virtual environment that has to stay' if is_virtual else ''


def _is_there(root: _Root, release: Release) -> bool:
    """Tell whether a release was installed before, as it is now. Raises `Failure` for another one.

    What was never current is what a killed process left: it is removed. One that was, and was
    rolled back, may hold data: then it stays.
    """
    path = root.release(release.label)
    if not os.path.lexists(path):
        return False
    if load(path).digest != release.digest:
        raise Failure(
            f'{path} is there already, and is another {release.label}. Give the new one a version '
            'of its own (egg-cache pack --version).'
        )
    if release.label in root.history():
        _require_good(path, release, _AGAIN)
        return True
    if data(path, release):
        _require_good(path, release, _AGAIN)
        return True
    root.remove(release.label)
    return False


def _place(archive: str, document: tuple[str, bytes], release: Release, root: _Root) -> None:
    """Write the files of a release beside the others, and give it its name when all are there."""
    stage = root.staged(release.label)
    try:
        os.mkdir(stage, 0o700)
        written = unpack(archive, document, release, stage)
        if document[0].endswith(CHANGES):
            with _explained(archive):
                base = _base(archive, parsed(document[1]), root)
            copy(base, release, stage, written)
        elif written != {*release.files}:
            lacking = min({*release.files} - written)
            raise Failure(f'{archive} is damaged: {lacking} and perhaps more is not in it.')
        complete(release, stage)
        os.chmod(stage, 0o755)
        os.rename(stage, root.release(release.label))
    except BaseException:
        _remove_tree(stage)
        raise


def _explanation(error: OSError, release: Release, root: _Root) -> Failure:
    """Return what to say of an operating system that refuses."""
    need = ''
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        need = f' It needs {_size(release.size)}, and as much for what is compiled.'
    return Failure(f'{release.label} can not be installed in {root.directory}: '
                   f'{_plain(error)}.{need} Nothing was changed.')  # fmt: skip


# Rolling back


def rollback(directory: str, say: Callable[[str], None] = _silent) -> Outcome:
    """Switch back to the release that was current before. Raises `Failure`."""
    root = _Root(directory)
    with _signals():
        root.require(is_new=False)
        try:
            with root.locked('rolls back', say):
                return _rollback(root)
        except OSError as error:
            raise Failure(f'{root.directory} can not be rolled back: {_plain(error)}.') from error


def _rollback(root: _Root) -> Outcome:
    history, installed, current = root.history(), root.installed(), root.current()
    while history and (history[-1] == current or history[-1] not in installed):
        history.pop()
    if not current or not history:
        only = f': {current} is the only one that is known' if current else ''
        raise Failure(f'There is no earlier release in {root.directory}{only}.')
    label = history[-1]
    path = root.release(label)
    _require_good(path, load(path), f'{root.link} leads to {current} as before. To switch all the '
                  f'same: ln -sfn releases/{label} {shlex.quote(root.link)}')  # fmt: skip
    fault = fault_of_set_up(path)
    if fault:
        raise Failure(f'{label} is not set up as it was: {fault}. {root.link} leads to {current} '
                      f'as before.\nThis sets {label} up again: python3 {path}/install.py')
    _ignore_signals()
    # The history first: until the link is switched, what it leads to counts as the newest.
    root.write_history(history)
    root.switch(label)
    return Outcome(root, label, current)


# The command line


def told(outcome: Outcome) -> str:
    """Return the last line that an installation prints."""
    link = os.path.join(outcome.directory, 'current')
    if outcome.current == outcome.previous:
        return f'{link} is {outcome.current} already; all its files are as they were packed.'
    was = f'; it was {outcome.previous}' if outcome.previous else ''
    return f'{link} is {outcome.current} now{was}.'


def told_back(outcome: Outcome) -> str:
    """Return what rolling back prints."""
    link = os.path.join(outcome.directory, 'current')
    return f'{link} is {outcome.current} again; it was {outcome.previous}.'


def told_removed(outcome: Outcome) -> str:
    """Return what was removed, '' for nothing."""
    if not outcome.removed:
        return ''
    names = ', '.join(name for name, _ in outcome.removed)
    return f'Removed {names}: {_size(sum(size for _, size in outcome.removed))} freed.'


def _size(size: int) -> str:
    return f'{size / 1e6:.1f} MB' if size >= 1e6 else f'{size / 1e3:.0f} kB'


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; return the exit status."""
    options = _options(arguments)
    try:
        for line in _answers(options):
            sys.stdout.write(f'{line}\n')
        return 0
    except Failure as error:
        _remark(str(error))
        return error.status
    except OSError as error:
        _remark(f'That failed: {_plain(error)}.')
        return 1
    except Interrupted as error:
        _remark(INTERRUPTED)
        return 128 + error.number


def _remark(text: str) -> None:
    sys.stderr.write(f'{text}\n')
    sys.stderr.flush()


def _answers(options: argparse.Namespace) -> Iterator[str]:
    here = os.path.dirname(os.path.realpath(__file__))
    if options.environment:
        yield json.dumps(environment())
    elif options.rollback is not None:
        yield told_back(rollback(options.rollback, _remark))
    elif options.archive is None and options.verify is None:
        with _signals():
            release = set_up(here, not options.no_compile)
        yield f'{release.label} is set up in {here}{_virtual(sys.executable)}.'
    elif options.archive is None:
        yield verify(options.verify or here)
    else:
        outcome = install(options.archive, options.directory, options.python, options.test,
                          options.keep, _remark)  # fmt: skip
        yield from filter(None, (told_removed(outcome), told(outcome)))


def verify(path: str) -> str:
    """Return that all files of a release are as they were packed, and none were added.

    A directory of releases stands for the current one. Raises `Failure` for what is otherwise.
    """
    directory = os.path.realpath(path)
    link = os.path.join(directory, 'current')
    if os.path.lexists(link) and not os.path.lexists(os.path.join(directory, DOCUMENT)):
        directory = os.path.realpath(link)
    release = load(directory)
    _require_good(directory, release, _AGAIN)
    count = f'All {len(release.files)} files in {directory} are as {release.label} was packed'
    fault = fault_of_set_up(directory)
    if fault and os.path.lexists(os.path.join(directory, INSTALLED)):
        raise Failure(f'{count}, but {fault}.\nThis sets it up again: python3 '
                      f'{os.path.join(directory, "install.py")}')
    others = added(directory, release)
    if others:
        lines = [f'\n    {_some([name])}' for name in others[:_MOST]]
        more = f'\n    and {len(others) - _MOST} more' if len(others) > _MOST else ''
        raise Failure(f'{count}, but these were added, or changed since it was set up:'
                      f'{"".join(lines)}{more}')
    return f'{count}.'


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='install.py',
        usage='install.py | --verify [DIR] | ARCHIVE DIR [options] | --rollback DIR',
        description='Set up the release that this file lies in, or install an archive.',
    )
    parser.add_argument('archive', metavar='ARCHIVE', nargs='?', help='a .tar.gz or .tar.zst')
    parser.add_argument('directory', metavar='DIR', nargs='?', help='where releases are installed')
    add_options(parser)
    parser.add_argument('--rollback', metavar='DIR', help='switch back to the release before')
    parser.add_argument('--verify', metavar='DIR', nargs='?', const='', help='compare all digests')
    parser.add_argument('--environment', action='store_true', help=argparse.SUPPRESS)
    parser.add_argument('--no-compile', action='store_true', help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if (options.archive is None) != (options.directory is None):
        parser.error('an archive and a directory are wanted')
    if (options.archive, options.rollback, options.verify).count(None) < 2:
        parser.error('these are two things at once')
    return options


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of an installation."""
    parser.add_argument(
        '--test', metavar='CMD', default='',
        help='a command that has to succeed in the directory of the release before the switch',
    )  # fmt: skip
    parser.add_argument(
        '--keep', metavar='N', type=int, default=KEEP,
        help=f'how many releases are kept, the current one included (default: {KEEP})',
    )  # fmt: skip
    parser.add_argument(
        '--python', metavar='PY', default=sys.executable,
        help='the interpreter that the release is set up with (default: the one that runs this)',
    )  # fmt: skip


if __name__ == '__main__':
    sys.exit(main())

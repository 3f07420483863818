"""What does the configuration of a buildout say, without running that buildout?

zc.buildout's own class reads it, so that what is extended, `${section:option}` and the user's
defaults count as they do in a run; it is stopped as soon as it has read everything, before it
makes a directory, loads an extension or installs a recipe. What only a recipe or an extension
knows isn't there: references to it stay as they are written.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import socket
import stat
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from egg.cache.common import files
from egg.cache.common.errors import CacheError

#: Seconds to wait for each answer where the configuration extends one of another host.
TIMEOUT = 20.0

# What a user wants everywhere.
_DEFAULTS = 'default.cfg'
# What zc.buildout calls the source of options that are given beside the files.
_GIVEN = 'COMMAND_LINE_VALUE'
_BESIDE = (_GIVEN, 'DEFAULT_VALUE', 'COMPUTED_VALUE', 'IMPLICIT_VALUE')
_CACHE_SOURCE = re.compile(r'^egg-cache=.*\n(?:(?!    |[+-]=  ).*\n)*?(?:    |[+-]=  )(.+)', re.M)


@dataclass(frozen=True)
class Configuration:
    """What is written for the buildout in `directory`; `path` is the file that says it.

    `options` are those of `[buildout]`, defaults included, but for `extends-cache`; `versions`
    are the pins, as they are written. `cache_source` is the file with `egg-cache`.
    """

    path: str
    directory: str
    options: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    cache_source: str = ''


@dataclass(frozen=True)
class Sections:
    """What the files say, as it is written, and `files`, {path or URL: text} in reading order.

    `written` has no defaults; conditions are decided and files merged, references and macros
    (`<=`) are left. `inherited` are the sections with a macro, with what that stands for.
    `options` are those of `[buildout]`, defaults included.
    """

    options: Mapping[str, str]
    written: Mapping[str, Mapping[str, str]]
    inherited: Mapping[str, Mapping[str, str]]
    files: Mapping[str, str]


def find(directory: str) -> str | None:
    """Return the path of the configuration that counts in `directory`, None if there is none.

    That is `buildout.cfg` there, else the `default.cfg` of the user.
    """
    home = os.environ.get('BUILDOUT_HOME', os.path.join(os.path.expanduser('~'), '.buildout'))
    for path in (os.path.join(directory, 'buildout.cfg'), os.path.join(home, _DEFAULTS)):
        if os.path.exists(path):
            return os.path.abspath(path)
    return None


def read(directory: str) -> Configuration:
    """Return the configuration that counts in `directory`; changes nothing on the disk.

    Asks the network only if something is extended that is elsewhere, and not in the
    `extends-cache`. Raises `CacheError` if there is no configuration, none that can be read, or
    one of a stranger.
    """
    return _both(directory)[0]


def sections(directory: str, has_defaults: bool = True, name: str = '') -> Sections:
    """Return all sections of the configuration that counts in `directory`, as `read` does.

    The defaults of the user count only if `has_defaults`. `name` is the path of another file than
    `buildout.cfg`, if there is one.
    """
    return _both(directory, has_defaults, name)[1]


def _both(
    directory: str, has_defaults: bool = True, name: str = ''
) -> tuple[Configuration, Sections]:
    directory = os.path.abspath(directory)
    path = os.path.normpath(os.path.join(directory, name)) if name else find(directory)
    if path is None or not os.path.exists(path):
        raise CacheError(f'There is no {name or "buildout.cfg"} in {directory}.')
    _check_owner(path)
    offline = [('offline', 'true')]
    online = [('offline', 'false'), ('extends-cache', ''), ('install-from-cache', 'false')]
    try:
        with _quiet():
            import zc.buildout

            try:
                return _read(path, directory, offline, has_defaults)
            except zc.buildout.UserError as error:
                if 'offline mode' not in str(error) and 'download cache' not in str(error):
                    raise
                return _read(path, directory, online, has_defaults)
    except CacheError:
        raise
    except ModuleNotFoundError as error:
        raise CacheError(
            f'To read {path}, egg-cache needs zc.buildout, which is not installed beside it.\n'
            'Install it there (pip install zc.buildout), or name the egg cache with --cache DIR.'
        ) from error
    # The condition of a section is Python, and may raise anything.
    except (Exception, SystemExit) as error:
        raise CacheError(f'{path} can\'t be read: {_described(error)}') from error


def _check_owner(path: str) -> None:
    """Refuse what a stranger wrote: the condition of a section is code, which reading runs."""
    info = os.stat(path)
    if info.st_uid not in (0, os.geteuid()) or info.st_mode & stat.S_IWOTH:
        raise CacheError(
            f'{path} is not read: it belongs to the user {info.st_uid}, or everybody can write to '
            'it, and reading it can run code.\n'
            'Run this as its owner, or name the egg cache with --cache DIR.'
        )


def _read(
    path: str, directory: str, given: list[tuple[str, str]], has_defaults: bool
) -> tuple[Configuration, Sections]:
    if os.path.dirname(path) != directory:
        given = [*given, ('directory', directory)]
    reader = _reader()
    # What is extended optionally is looked for in the working directory.
    with _collected() as texts, files.inside(directory):
        try:
            reader(
                path, [('buildout', *pair) for pair in given],
                use_user_defaults=os.path.basename(path) != _DEFAULTS and has_defaults,
            )  # fmt: skip
        except _Done as done:
            options, versions, annotated, written, inherited = done.args
    options.pop('extends-cache', None)
    root = os.path.join(directory, options.get('directory', ''))
    source = _CACHE_SOURCE.search(annotated)
    configuration = Configuration(
        path, root, options, versions, _absolute(source[1], root) if source else path
    )
    return configuration, Sections(options, written, inherited, texts)


@contextlib.contextmanager
def _collected() -> Iterator[dict[str, str]]:
    """Collect the text of each configuration file that is read meanwhile."""
    from zc.buildout import configparser

    texts: dict[str, str] = {}
    parse = configparser.parse

    def collect(file: Any, name: str, *args: Any) -> Any:
        text = texts[name.partition(' (downloaded as ')[0]] = file.read()
        return parse(io.StringIO(text), name, *args)

    configparser.parse = collect
    try:
        yield texts
    finally:
        configparser.parse = parse


class _Done(Exception):
    """Everything is read: options, versions, what `buildout annotate` says, and all sections."""


def _reader() -> Any:
    """Return a class that reads a configuration and raises `_Done`."""
    from zc.buildout.buildout import Buildout

    class Options(Buildout.Options):
        def initialize(self) -> None:
            """Install no recipe."""

        def get(self, option: str, default: Any = None, seen: Any = None) -> Any:
            value = super().get(option, default, seen)
            is_reference = value is None and seen is not None
            if is_reference and option != '_buildout_section_name_' and 'recipe' in self.keys():
                return f'${{{self.name}:{option}}}'
            return value

    class Reader(Buildout):
        is_reading = False

        def __getitem__(self, section: str) -> Any:
            if not self.is_reading:
                # The first section that is asked for, [buildout], by the constructor itself.
                self.is_reading = True
                for name in ('offline', 'install-from-cache'):
                    self._raw['buildout'][name] = self._written(name)
                options, versions = dict(self['buildout']), {}
                if options.get('versions'):
                    versions = dict(self[options['versions']])
                output = io.StringIO()
                with contextlib.redirect_stdout(output):
                    self.annotate(['buildout'])
                raise _Done(
                    options, versions, output.getvalue(), self._sections(), self._inherited()
                )
            return super().__getitem__(section)

        def _sections(self) -> dict[str, dict[str, str]]:
            """Return what the files say, with what they add to defaults."""
            found = {
                section: {
                    name: str(key.value) for name, key in options.items()
                    if any(item.source not in _BESIDE for item in key.history)
                }
                for section, options in self._annotated.items()
            }  # fmt: skip
            return {section: options for section, options in found.items()
                    if options or section != 'versions'}  # fmt: skip

        def _inherited(self) -> dict[str, dict[str, str]]:
            return {
                section: dict(self.Options(self, section, options)._do_extend_raw(
                    section, options, []))
                for section, options in self._raw.items() if '<' in options
            }  # fmt: skip

        def _written(self, name: str) -> str:
            """Return what the files say where reading them was given something else."""
            history = self._annotated['buildout'][name].history
            return str([item for item in history if item.source != _GIVEN][-1].value)

    Reader.Options = Options
    return Reader


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what zc.buildout says to itself, and don't wait for ever."""
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        socket.setdefaulttimeout(timeout)


def _absolute(source: str, directory: str) -> str:
    return source if '://' in source else os.path.join(directory, source)


def _described(error: BaseException) -> str:
    """Return in one line what is wrong."""
    kind = type(error)
    text = ' '.join(str(error).split())
    return text if kind.__module__.startswith('zc.') and text else f'{kind.__name__}: {text}'

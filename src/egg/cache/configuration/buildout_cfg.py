"""What does the configuration of a buildout say, without running that buildout?

zc.buildout's own class reads it, so that what is extended, `${section:option}` and the user's
defaults count as they do in a run; it is stopped as soon as it has read everything, before it
makes a directory, loads an extension or installs a recipe. What only a recipe or an extension
knows isn't there: references to it stay as they are written.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.configuration import zc_reader

# What a user wants everywhere.
_DEFAULTS = 'default.cfg'
_CACHE_SOURCE = re.compile(r'^egg-cache=.*\n(?:(?!    |[+-]=  ).*\n)*?(?:    |[+-]=  )(.+)', re.M)


@dataclass(frozen=True)
class Configuration:
    """What is written for the buildout in `directory`; `path` is the file that says it.

    `options` are those of `[buildout]`, defaults included, but for `extends-cache`; `versions`
    are the pins, as they are written. `cache_source` is the file with `egg-cache`. `parts` are
    the sections with a recipe that buildout installs, if they were asked for. `fetched` are the
    URLs of what is extended, if a network was needed for them. `sources` are those of
    mr.developer, {name: text}.
    """

    path: str
    directory: str
    options: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    cache_source: str = ''
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fetched: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


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


def read(directory: str, has_parts: bool = False) -> Configuration:
    """Return the configuration that counts in `directory`; changes nothing on the disk.

    Asks the network only if something is extended that is elsewhere, and not in the
    `extends-cache`. Raises `CacheError` if there is no configuration, none that can be read, or
    one of a stranger.
    """
    return _both(directory, has_parts=has_parts)[0]


def sections(directory: str, has_defaults: bool = True, name: str = '') -> Sections:
    """Return all sections of the configuration that counts in `directory`, as `read` does.

    The defaults of the user count only if `has_defaults`. `name` is the path of another file than
    `buildout.cfg`, if there is one.
    """
    return _both(directory, has_defaults, name)[1]


def _both(
    directory: str, has_defaults: bool = True, name: str = '', has_parts: bool = False
) -> tuple[Configuration, Sections]:
    directory = os.path.abspath(directory)
    path = os.path.normpath(os.path.join(directory, name)) if name else find(directory)
    if path is None or not os.path.exists(path):
        raise CacheError(f'There is no {name or "buildout.cfg"} in {directory}.')
    _check_owner(path)
    offline = [('offline', 'true')]
    online = [('offline', 'false'), ('extends-cache', ''), ('install-from-cache', 'false')]
    try:
        with zc_reader.quiet():
            import zc.buildout

            try:
                return _read(path, directory, offline, has_defaults, has_parts)
            except zc.buildout.UserError as error:
                if 'offline mode' not in str(error) and 'download cache' not in str(error):
                    raise
                found, all_sections = _read(path, directory, online, has_defaults, has_parts)
                fetched = tuple(name for name in all_sections.files if '://' in name)
                return replace(found, fetched=fetched), all_sections
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
    path: str, directory: str, given: list[tuple[str, str]], has_defaults: bool,
    has_parts: bool,
) -> tuple[Configuration, Sections]:  # fmt: skip
    if os.path.dirname(path) != directory:
        given = [*given, ('directory', directory)]
    reader = zc_reader.reader(has_parts)
    # What is extended optionally is looked for in the working directory.
    with zc_reader.collected() as texts, files.inside(directory):
        try:
            reader(
                path, [('buildout', *pair) for pair in given],
                use_user_defaults=os.path.basename(path) != _DEFAULTS and has_defaults,
            )  # fmt: skip
        except zc_reader.Done as done:
            options, versions, annotated, written, inherited, parts, sources = done.args
    options.pop('extends-cache', None)
    root = os.path.join(directory, options.get('directory', ''))
    source = _CACHE_SOURCE.search(annotated)
    configuration = Configuration(
        path, root, options, versions, _absolute(source[1], root) if source else path,
        parts, sources=sources,
    )  # fmt: skip
    return configuration, Sections(options, written, inherited, texts)


def _absolute(source: str, directory: str) -> str:
    return source if '://' in source else os.path.join(directory, source)


def _described(error: BaseException) -> str:
    """Return in one line what is wrong."""
    kind = type(error)
    text = ' '.join(str(error).split())
    return text if kind.__module__.startswith('zc.') and text else f'{kind.__name__}: {text}'

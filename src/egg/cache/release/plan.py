"""What has a release of this buildout beside its eggs, and what does its configuration say?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from egg.cache import standalone
from egg.cache.common import files
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import buildout_cfg
from egg.cache.portable import installed_cfg
from egg.cache.portable.buildinfo import NAME as BUILDINFO
from egg.cache.portable.buildinfo import BuildInfo
from egg.cache.release import flattening, release
from egg.cache.release.preflight import Built
from egg.cache.release.required_eggs import Egg

_CONFIGURATION, _FILES = 'buildout.cfg', 'configuration'
INSTALLER = 'install.py'
_SCRIPTS = ('bootstrap.py', INSTALLER)
#: What pack itself makes, or what must not come along.
_RESERVED = frozenset({
    _CONFIGURATION, _FILES, BUILDINFO, release.NAME, release.SINCE, release.RECORD,
    '.installed.cfg', *_SCRIPTS,
})  # fmt: skip


def included(built: Built, paths: Sequence[str]) -> list[str]:
    """Return paths that are to be included, relative to the buildout, none below another.

    Raises `SettingError` for what is no place in the buildout, or comes along anyway.
    """
    directory = built.where.directory
    eggs = os.path.relpath(built.where.directories['eggs-directory'], directory)
    found = set()
    for given in paths:
        path = os.path.normpath(given)
        if os.path.isabs(path):
            path = os.path.relpath(os.path.realpath(path), os.path.realpath(directory))
        if path == '.' or path.startswith('..'):
            raise SettingError(
                f'--include {given} is not below {directory}.\nName files and directories of the '
                'buildout; what lies elsewhere has to be brought into it by a part.'
            )
        if not os.path.lexists(directory / path):
            raise SettingError(f'--include {given} is not there: {directory / path}.')
        if path.split('/')[0] in _RESERVED or path == eggs or eggs.startswith(f'{path}/'):
            raise SettingError(f'--include {given}: a release has its own {path}. Leave it out.')
        if not built.where.holds(os.path.realpath(directory / os.path.dirname(path))):
            raise SettingError(f'--include {given} is elsewhere, by way of a link.')
        found.add(path)
    return sorted(path for path in found
                  if not any(path.startswith(f'{other}/') for other in found))  # fmt: skip


def frozen(built: Built, include: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """Return the options of the parts that are shipped as they are: all they have is included.

    Parts that only make develop eggs are so, too, as those are shipped as real ones.
    """
    directory = built.where.directory
    links = built.where.directories['develop-eggs-directory']
    suffixes = ('.egg-link', '.pth', '.dist-info', '.py')

    def is_shipped(path: str) -> bool:
        place = os.path.relpath(directory / path, directory)
        is_link = (directory / path).parent == links and path.endswith(suffixes)
        return is_link or any(f'{place}/'.startswith(f'{other}/') for other in include)

    return {
        name: options for name, options in built.parts.items()
        if installed_cfg.paths(options) and all(map(is_shipped, installed_cfg.paths(options)))
    }  # fmt: skip


def generated(
    built: Built, include: Sequence[str], real: Sequence[Egg]
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file that is made for the release.

    `include` are the included paths, `real` the eggs made of sources.
    """
    names = flattening.names(built.sections.files, built.where.names)
    for source, name in names.items():
        text = flattening.without_passwords(built.sections.files[source])
        yield f'{_FILES}/{name}', text.encode('utf-8', 'surrogateescape')
    flat = flattening.flatten(built.sections, _frame(built, include, real))
    text = flattening.to_text(flat, names.values())
    yield _CONFIGURATION, text.encode('utf-8', 'surrogateescape')
    info = BuildInfo(built.info.environment, directories(built), built.info.buildout_eggs)
    yield BUILDINFO, info.text.encode('utf-8', 'surrogateescape')
    for name in _SCRIPTS:
        yield name, files.read(Path(standalone.__file__).with_name(name))


def directories(built: Built) -> dict[str, str]:
    """Return where a release has its directories, relative to it."""
    return {name: os.path.relpath(path, built.where.directory)
            for name, path in built.where.directories.items()}  # fmt: skip


def checked(
    built: Built, include: Sequence[str], real: Sequence[Egg], root: Path
) -> flattening.Flat:
    """Return the configuration of the release in the directory `root`.

    Raises `CacheError` if the file there says anything else.
    """
    flat = flattening.flatten(built.sections, _frame(built, include, real))
    found = buildout_cfg.sections(str(root), has_defaults=False).written
    # Directories are made absolute by whoever reads them.
    differing = [name for name in flattening.differences(flat, found)
                 if name.partition('] ')[2] not in directories(built)]  # fmt: skip
    if differing:
        raise CacheError(
            f'This can\'t be said in one file: {", ".join(differing)}.\n'
            'Write these values in another way, run buildout, and pack again.'
        )
    return flat


def _frame(built: Built, include: Sequence[str], real: Sequence[Egg]) -> flattening.Frame:
    kept = frozen(built, include)
    parts = built.sections.options.get('parts', '').split()
    roots = dict.fromkeys((*built.where.names, built.info.directory))
    return flattening.Frame(
        [root for root in roots if root],
        directories(built),
        str(built.where.directories['eggs-directory']),
        [name for name in parts if name not in kept and name not in built.left_out],
        kept,
        {egg.title: egg.version for egg in real},
    )

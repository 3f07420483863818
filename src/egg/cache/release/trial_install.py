"""Does a release work at another place, and as it did where it was built?"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from egg.cache.common.errors import CacheError
from egg.cache.portable import buildout_paths, installed_cfg, selfcontained
from egg.cache.portable.buildout_paths import BuildoutPaths
from egg.cache.portable.findings import Report
from egg.cache.release import develop_eggs, flattening

_EGG = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+!-]*\.egg(?![\w-])')
_OWN = 'buildout'
_LARGEST = 4 << 20
# Passwords are left out of them.
_PUBLIC = frozenset({'index', 'find-links'})

#: Of each part its options: what they are, None where that may be anything.
Options = Mapping[str, Mapping[str, str | None]]


def scripts(directory: Path, names: Collection[str] | None = None) -> dict[str, frozenset[str]]:
    """Return the scripts in a directory of them, with the names of the eggs in each.

    Only those with one of these `names`, if any are given; that of buildout itself never.
    """
    found: dict[str, frozenset[str]] = {}
    if directory.is_dir():
        for path in sorted(directory.iterdir()):
            is_wanted = path.name != _OWN and (names is None or path.name in names)
            if is_wanted and path.is_file() and path.stat().st_size <= _LARGEST:
                text = path.read_text('utf-8', 'replace')
                found[path.name] = frozenset(_EGG.findall(text))
    return found


def run(
    stage: Path, executable: str, bin_directory: str, expected: Mapping[str, Iterable[str]],
    real: Collection[str], explain: Callable[[Report], str],
    options: Options | None = None, allowed: Sequence[str] = (),
    known: Mapping[str, Iterable[str]] | None = None,
) -> None:  # fmt: skip
    """Set up the release that is staged in a directory, as at its target.

    Raises `CacheError` if that fails, if anything then leads out of it, but for the places that
    are `allowed`, or if scripts that are `expected` are not there, or others than those and the
    `known` ones, or scripts with other eggs but for those in `real`, which were made of sources,
    or if parts have other `options`.
    """
    done = subprocess.run(
        [executable, '-I', str(stage / 'install.py'), '--no-compile'], cwd=stage,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding='utf-8', errors='replace',
    )  # fmt: skip
    if done.returncode:
        raise CacheError(
            'The release does not work at another place, so it was not packed. Its trial said:\n'
            f'{develop_eggs.tail(done.stdout.replace(str(stage), "TRIAL"))}\n'
            'If a file is missing there, take it along with --include. A part that can only be '
            'built here is taken as it is if everything that it installed is included.'
        )
    report = selfcontained.everything(buildout_paths.find(stage)).allowing(allowed)
    if not report.is_self_contained:
        text = explain(report).replace(str(stage), 'TRIAL')
        raise CacheError(
            'At another place, the release would not be self-contained, so it was not packed:\n'
            f'{text}'
        )
    there = scripts(stage / bin_directory)
    _refuse(
        _other_scripts(expected, {**(known or {}), **expected}, there),
        'Run buildout here once more, and pack again. A script that nothing makes here any more '
        'has to be removed first.',
    )
    _refuse(
        _other_eggs({**(known or {}), **expected}, there, real),
        'Pin the versions, run buildout, and pack again.',
    )
    if options:
        found = {name: plain(values, [str(stage)])
                 for name, values in installed_cfg.read(stage).items()}  # fmt: skip
        _refuse(
            _other_options(options, found),
            'Run buildout with the configuration as it is now, without options on its command '
            'line, and pack again.',
        )


def installed(where: BuildoutPaths, paths: Iterable[str]) -> frozenset[str]:
    """Return the names of the scripts among the paths that parts have installed."""
    directory = os.path.realpath(where.directories['bin-directory'])
    return frozenset(os.path.basename(path) for path in paths
                     if os.path.realpath(os.path.dirname(path)) == directory)  # fmt: skip


def plain(
    options: Mapping[str, str], roots: Iterable[str], known: Collection[str] | None = None
) -> dict[str, str | None]:
    """Return options as they are at any place, those alone that no password is left out of.

    `roots` are paths of the buildout. Only what is `known`, if that is given, has a value.
    """
    places = dict.fromkeys(roots, '${buildout:directory}')
    return {
        name: ' '.join(flattening.relocated(value, places).split())
        if known is None or name in known else None
        for name, value in options.items()
        if name not in _PUBLIC and not name.startswith('__buildout_')
    }  # fmt: skip


def _refuse(faults: Iterable[str], advice: str) -> None:
    text = '\n'.join(f'    {fault}' for fault in faults)
    if text:
        raise CacheError(
            'At another place, the parts would not be what they are here, so nothing was '
            'packed:\n'
            f'{text}\n{advice}'
        )


def _other_options(here: Options, there: Options) -> Iterable[str]:
    for name, options in here.items():
        found = there.get(name)
        if found is None:
            yield f'the part {name} would be missing'
            continue
        for option in sorted(options.keys() | found.keys()):
            if option not in found:
                yield f'[{name}] {option} would be missing'
            elif option not in options:
                yield f'[{name}] {option} would be new'
            elif options[option] is not None and options[option] != found[option]:
                yield f'[{name}] {option} would be another'


def _other_scripts(
    expected: Collection[str], known: Collection[str], there: Collection[str]
) -> Iterable[str]:
    """Yield which scripts would be missing, and which nobody knows.

    Recipes needn't tell buildout which scripts they made: what is there counts.
    """
    for name in sorted({*expected, *there}):
        if name not in there:
            yield f'bin/{name} would be missing'
        elif name not in known:
            yield f'bin/{name} would be new'


def _other_eggs(
    here: Mapping[str, Iterable[str]], there: Mapping[str, Iterable[str]], real: Collection[str]
) -> Iterable[str]:
    for name in sorted(here.keys() & there.keys()):
        before, after = set(here[name]), set(there[name])
        lost, gained = sorted(before - after), sorted(after - before - set(real))
        if lost or gained:
            yield f'bin/{name}: ' + '; '.join(
                f'{what} {", ".join(eggs)}'
                for what, eggs in (('without', lost), ('with', gained)) if eggs
            )  # fmt: skip

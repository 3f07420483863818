"""Does a release work at another place, and as it did where it was built?"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from egg.cache import developed, places, selfcontained
from egg.cache.errors import CacheError
from egg.cache.places import Places

_EGG = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+!-]*\.egg(?![\w-])')
_OWN = 'buildout'
_LARGEST = 4 << 20


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
    real: Collection[str], explain: Callable[[selfcontained.Report], str],
) -> None:  # fmt: skip
    """Set up the release that is staged in a directory, as at its target.

    Raises `CacheError` if that fails, if anything then leads out of it, or if there are other
    scripts than `expected`, or scripts with other eggs but for those in `real`, which were made
    of sources.
    """
    done = subprocess.run(
        [executable, '-I', str(stage / 'install.py')], cwd=stage, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', errors='replace',
    )  # fmt: skip
    if done.returncode:
        raise CacheError(
            'The release does not work at another place, so it was not packed. Its trial said:\n'
            f'{developed.tail(done.stdout.replace(str(stage), "TRIAL"))}\n'
            'If a file is missing there, take it along with --include. A part that can only be '
            'built here is taken as it is if everything that it installed is included.'
        )
    report = selfcontained.everything(places.find(stage))
    if not report.is_self_contained:
        text = explain(report).replace(str(stage), 'TRIAL')
        raise CacheError(
            'At another place, the release would not be self-contained, so it was not packed:\n'
            f'{text}'
        )
    faults = list(_differences(expected, scripts(stage / bin_directory), real))
    if faults:
        raise CacheError(
            'At another place, the parts would not be what they are here, so nothing was packed:\n'
            + '\n'.join(f'    {fault}' for fault in faults)
            + '\nPin the versions, run buildout, and pack again.'
        )


def installed(where: Places, paths: Iterable[str]) -> frozenset[str]:
    """Return the names of the scripts among the paths that parts have installed."""
    directory = os.path.realpath(where.directories['bin-directory'])
    return frozenset(os.path.basename(path) for path in paths
                     if os.path.realpath(os.path.dirname(path)) == directory)  # fmt: skip


def _differences(
    here: Mapping[str, Iterable[str]], there: Mapping[str, Iterable[str]], real: Collection[str]
) -> Iterable[str]:
    for name in sorted(here.keys() | there.keys()):
        if name not in there:
            yield f'bin/{name} would be missing'
        elif name not in here:
            yield f'bin/{name} would be new'
        else:
            before, after = set(here[name]), set(there[name])
            lost, gained = sorted(before - after), sorted(after - before - set(real))
            if lost or gained:
                yield f'bin/{name}: ' + '; '.join(
                    f'{what} {", ".join(eggs)}'
                    for what, eggs in (('without', lost), ('with', gained)) if eggs
                )  # fmt: skip

"""What does the build of a develop egg require, as far as the egg cache has it?

The buildout built it before, and what that got was kept: a release needs no index for it either.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from egg.cache.common import files
from egg.cache.common.errors import CacheError
from egg.cache.configuration import index_options
from egg.cache.environment import environment
from egg.cache.lookup import build_requirements
from egg.cache.store.layout import Layout


def lay_out(source: Path, options: Mapping[str, str], cache: Layout, directory: Path) -> bool:
    """Copy the archives into `directory`; tell whether all of them were there, and sound.

    `options` are those of `[buildout]`.
    """
    release = index_options.buildout_version()
    if release is None:
        return False
    key = environment.current(release, options.get('egg-cache-key', '').strip()).key
    with suppress(CacheError, OSError):
        origin = build_requirements.origin(
            str(source), options.get('index', ''), key, index_options.pip_version()
        )
        entries = [] if origin is None else build_requirements.find(cache, origin)
        for entry in entries:
            archive = entry.manifest.archive
            target = directory / archive.name
            shutil.copyfile(entry.egg / archive.name, target)
            if files.sha256(str(target)) != archive.sha256:
                return False
        return bool(entries)
    return False

"""Can this cache directory be trusted?

Whoever can write to an egg cache runs code in every buildout that uses it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from egg.cache.errors import SettingError


def check(directory: Path) -> None:
    """Raise `SettingError` if everybody can write to the cache `directory`."""
    try:
        mode = os.stat(directory).st_mode
    except OSError:
        return
    if mode & stat.S_IWOTH:
        raise SettingError(
            f'egg-cache = {directory} can be written to by everybody, '
            'so anybody could put code into your buildouts.\n'
            f'Take that away (chmod o-w {directory}), or choose another directory.'
        )

"""Does a file leave the cache as a copy, as a clone or as a hard link?

A clone (reflink) shares its blocks with the cached file until one of them is changed: btrfs and
XFS have them. A hard link is the cached file itself, under another name.
"""

from __future__ import annotations

import errno
import logging
import os
import threading

try:
    from fcntl import ioctl
except ImportError:  # No POSIX, no clones; `Linker` looks before it calls.
    ioctl = None  # type: ignore[assignment]

logger = logging.getLogger('egg.cache')

#: What `egg-cache-link-mode` may be.
MODES = ('auto', 'copy', 'reflink', 'hardlink')

#: Smaller files are copied even where they could be cloned: there is no whole block to share, and
#: they were read anyway, to be verified. With 27,000 files of eggs on XFS and btrfs, 4 kB cost as
#: little system time as no bound, and 1 MB cost a third more.
CLONE_SIZE = 1 << 12

# FICLONE of linux/fs.h: _IOW(0x94, 9, int).
_FICLONE = 0x40049409
# What says that this filesystem, or this pair of them, or this user can't.
_UNABLE = (
    errno.EXDEV, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTTY,
    errno.EINVAL,
)  # fmt: skip


class Linker:
    """How verified files leave the cache in one run; `mode` is one of `MODES`.

    Where that can't be done, files are copied, with one remark if it was asked for. `clones` and
    `links` tell what is worth trying.
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.clones = mode in ('auto', 'reflink') and ioctl is not None
        self.links = mode == 'hardlink'
        self._lock = threading.Lock()
        self._has_remarked = False

    def link(self, source: str, target: str) -> bool:
        """Make `target` another name of the file `source`, or tell that it must be copied."""
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:
            if error.errno == errno.EMLINK:  # This one has too many names already.
                return False
            if error.errno not in _UNABLE:
                raise
            self.links = False
            self._remark('linked', error)
            return False
        return True

    def clone(self, size: int, source: int, target: int) -> bool:
        """Let the new, open file `target` share the blocks of `source`, or tell that it can't."""
        if size < CLONE_SIZE:
            return False
        try:
            ioctl(target, _FICLONE, source)
        except OSError as error:
            if error.errno not in _UNABLE:
                raise
            self.clones = False
            if self.mode != 'auto':
                self._remark('cloned', error)
            return False
        return True

    def _remark(self, done: str, error: OSError) -> None:
        with self._lock:
            if self._has_remarked:
                return
            self._has_remarked = True
        logger.warning(
            "Files of the egg cache can't be %s here (%s), so they are copied.\n"
            'Put egg cache and buildout on one filesystem that can do it, or say '
            'egg-cache-link-mode = copy.',
            done,
            error.strerror,
        )

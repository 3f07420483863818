"""Which mode has a file in the cache, and which one outside of it?"""

from __future__ import annotations

from egg.cache.store.manifest import Manifest

# What is asked for, and what is forced, when an egg is made.
_WAYS = ((0o666, 0), (0o777, 0), (0o777, 0o111))
_FILE_WAYS = ((0o666, 0), (0o777, 0o111), (0o777, 0))


def cached_mode(mode: int) -> int:
    """Return the mode of a file in the cache: read-only, for everybody who gets that far."""
    return 0o555 if mode & 0o111 else 0o444


def received_mode(mode: int, stored_umask: int, umask: int, is_file: bool = False) -> int:
    """Return the mode that a file or directory has for a user with `umask`.

    What the builder's umask decided is decided by the receiver's; what an archive asked for
    in so many words stays. pip lets everybody run an executable file, whatever the umask.
    """
    for asked, forced in _FILE_WAYS if is_file else _WAYS:
        if mode == asked & ~stored_umask | forced:
            return asked & ~umask | forced
    return mode


def has_modes_of_its_own(manifest: Manifest) -> bool:
    """Tell whether files got the modes that the archive has for them, whatever the umask.

    setuptools unpacks so. zc.buildout lets it unpack zipped eggs and, before release 5, wheels;
    pip does the rest and respects the umask.
    """
    kind = manifest.archive.kind
    if kind == 'unknown':
        return any(item.path == 'EGG-INFO' for item in manifest.items)
    return kind == 'egg' or (kind == 'wheel' and manifest.build.buildout.startswith('4.'))

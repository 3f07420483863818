"""What can go wrong, in one family of exceptions.

A message says what happened, to which file, and what to do; it never begins with "Error:",
because buildout adds that.
"""


def printable(text: str) -> str:
    """Return `text` with everything escaped that a terminal would not show, but obey.

    Lone surrogates, too, which stand for bytes that are no text: no stream takes them.
    """
    return text if text.isprintable() else ''.join(
        char if char.isprintable() else char.encode('unicode_escape').decode() for char in text
    )  # fmt: skip


class CacheError(Exception):
    """Something is wrong with the egg cache."""


class SettingError(CacheError):
    """An option has a value that is not allowed."""


class UntrustedError(SettingError):
    """The cache directory holds other things, or others could put something into it."""


class DamagedError(CacheError):
    """An entry is not what was stored.

    `path` is the file, relative to the egg (or the name of the manifest), `expected` and `found`
    say in a few words what differs. Strangers may have written all three: the message escapes what
    can't be shown.
    """

    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(printable(f'{path}: expected {expected}, found {found}'))
        self.path = path
        self.expected = expected
        self.found = found


class UnwritableError(CacheError):
    """A directory of the buildout itself is full or can't be written to: no fault of the cache.

    Plain buildout would fail there as well, so this one is not turned into a warning.
    """

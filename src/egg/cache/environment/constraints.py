"""What does a file of pip's constraints say?

It is the content that counts, wherever it lies and whatever its name is, and that of all files
that it names itself (https://pip.pypa.io/en/stable/reference/requirements-file-format/).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from egg.cache.common.errors import CacheError

#: Seconds that a server has to answer, and bytes that are read. pip asks it, too, in each build.
PATIENCE = 10.0
LARGEST = 10_000_000

#: What is longer, or could hold a password, is told by its digest.
LONGEST = 100

_URL = re.compile('(https?|file):', re.I)
_COMMENT = re.compile(r'(^|\s+)#.*$')
_NESTED = re.compile(r'(?:-[rc]\s*|--(?:requirement|constraint|build-constraint)[=\s]\s*)(\S+)')
_VARIABLE = re.compile(r'\$\{([A-Z0-9_]+)\}')


def summary(places: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return what the files at `places` say; the same text for the same content.

    `places` are paths and URLs with blanks between them, as pip has them. Raises `CacheError`
    for one that can't be read.
    """
    return shortened(
        [line for place in places.split() for line in _lines(place, environ, frozenset())]
    )


def shortened(lines: list[str]) -> str:
    """Return lines as they are if they are few, else how many they are and their digest."""
    text = '; '.join(lines)
    if len(text) <= LONGEST and '://' not in text and text.isprintable():
        return text
    text = '\n'.join(lines)
    digest = hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()
    return f'{len(lines)} {"line" if len(lines) == 1 else "lines"} (sha256 {digest[:32]})'


def _lines(place: str, environ: Mapping[str, str], above: frozenset[str]) -> Iterator[str]:
    """Yield what counts of a file: no comments, and instead of the name of a file its lines."""
    if place in above:
        raise CacheError(f'{place} includes itself')
    text = _text(place).replace('\\\n', '')
    for line in text.splitlines():
        line = _COMMENT.sub('', line).strip()
        line = _VARIABLE.sub(lambda match: environ.get(match[1]) or match[0], line)
        nested = _NESTED.fullmatch(line)
        if nested is not None:
            yield from _lines(_beside(place, nested[1]), environ, above | {place})
        elif line:
            yield ' '.join(line.split())


def _beside(place: str, name: str) -> str:
    if _URL.match(place):
        return urljoin(place, name)
    return name if _URL.match(name) else os.path.join(os.path.dirname(place), name)


def _text(place: str) -> str:
    try:
        if re.match('https?:', place, re.I):
            content = _fetched(place)
        else:
            path = url2pathname(urlsplit(place).path) if _URL.match(place) else place
            with open(path, 'rb') as file:
                content = file.read(LARGEST)
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or getattr(error, 'reason', None) or error
        raise CacheError(f"{_public(place)} can't be read: {reason}") from error
    return content.decode('utf-8', 'surrogateescape').replace('\r\n', '\n')


def _fetched(url: str) -> bytes:
    # Imported late: most hosts have no such URL.
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=PATIENCE) as answer:
            return bytes(answer.read(LARGEST))
    except URLError:
        raise
    except Exception as error:  # Whatever a server does: http.client has exceptions of its own.
        raise OSError(str(error)) from error


def _public(place: str) -> str:
    """Return a place without what may be secret."""
    try:
        parts = urlsplit(place)
    except ValueError:
        return 'what is no URL'
    return parts._replace(netloc=parts.netloc.rpartition('@')[2], query='').geturl()

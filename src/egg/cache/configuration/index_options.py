"""Where does a buildout look for distributions, and which zc.buildout is beside this process?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from egg.cache.lookup.origins import Origin


def origin(options: Mapping[str, str]) -> Origin:
    """Return the origin that the options of `[buildout]` stand for.

    A part may have an index or find-links of its own: its origin is another one.
    """
    cache = options.get('download-cache', '').strip()
    if cache:
        cache = os.path.join(options.get('directory', ''), os.path.expanduser(cache), 'dist')
    if cache and options.get('install-from-cache', '').strip() == 'true':
        return Origin('file://' + cache, (cache,), ('*',))
    return given(
        options.get('index', ''),
        options.get('find-links', '').split(),
        options.get('allow-hosts', '*').split('\n'),
        cache,
    )


def given(
    index: str, find_links: Iterable[str], allow_hosts: Iterable[str], download_cache: str = ''
) -> Origin:
    """Return the origin of an index (an empty one is zc.buildout's own), links and hosts."""
    index = index.strip() or _default_index()
    links = list(_links(find_links))
    if download_cache and download_cache not in links:
        links.insert(0, download_cache)
    hosts = tuple(host.strip() for host in allow_hosts if host.strip())
    if index.startswith('file://'):
        index = index[len('file://') :]
    return Origin(index if index.endswith('/') else f'{index}/', tuple(links), hosts or ('*',))


def buildout_version() -> str | None:
    """Return the version of the zc.buildout that is installed beside this process, if one is."""
    with suppress(PackageNotFoundError):
        return version('zc.buildout')
    return None


def pip_version() -> str:
    """Return the version of the pip beside this process.

    It is `0` if there is none: then buildout doesn't get anything from source.
    """
    try:
        return version('pip')
    except PackageNotFoundError:
        return '0'


def _links(links: Iterable[str]) -> Iterator[str]:
    for link in links:
        is_directory = link.startswith('file://') and os.path.isdir(link[len('file://') :])
        yield f'{link}/' if is_directory and not link.endswith('/') else link


def _default_index() -> str:
    # Imported late: who names an index doesn't need zc.buildout.
    from zc.buildout import easy_install

    return str(getattr(easy_install, 'default_index_url', ''))

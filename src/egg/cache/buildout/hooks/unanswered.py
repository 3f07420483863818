"""Which URLs gave no answer, so that nobody knows what there is?"""

from __future__ import annotations

from typing import Any

from egg.cache.lookup import origins


def watch(index: Any) -> None:
    """Take note of the URLs that `index` gets no answer from."""
    if 'open_url' in vars(index):
        return
    silent: set[str] = set()
    original = index.open_url

    def open_url(url: str, warning: Any = None) -> Any:
        answer = original(url, warning)
        if answer is None or (getattr(answer, 'code', None) or 200) >= 500:
            silent.add(url)
        return answer

    # A function may have attributes; mypy doesn't let it.
    open_url.silent = silent  # type: ignore[attr-defined]
    index.open_url = open_url


def is_silent(index: Any) -> bool:
    silent = getattr(vars(index).get('open_url'), 'silent', ())
    return any(url.startswith(index.index_url) for url in silent)


def urls(index: Any, project: str) -> list[str]:
    """Return the URLs that gave no answer, but for the pages of other projects."""
    silent = getattr(vars(index).get('open_url'), 'silent', ())
    return sorted(url for url in silent if origins.concerns(url, index.index_url, project))

"""What decides here about an egg that is built from source, and from no other archive?

The options of such builds make an environment of their own (`environment`). And what a build may
have left out, for want of a compiler, is nobody else's: it is not stored. Whoever has the
compiler would have got more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from egg.cache.common.errors import CacheError
from egg.cache.environment import build_options, compilers


@dataclass(frozen=True)
class SourceBuilds:
    """How this process builds from source.

    `options` are as `build_options.read` returns them. `obstacle` says why nobody knows them;
    then no such egg is shared. `missing` are the compilers that aren't there, by language.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    obstacle: str = ''
    missing: Mapping[str, str] = field(default_factory=dict)

    def withholds(self, path: str) -> str:
        """Return why what is built of the source distribution at `path` is nobody else's, ''
        if it is like that of everybody with these options."""
        if self.obstacle or not self.missing:
            return self.obstacle
        # Imported late: it reads archives, and most buildouts miss nothing.
        from egg.cache.environment import sdist_contents

        wanted = sdist_contents.languages(path)
        tools = [tool for language, tool in self.missing.items() if language in wanted]
        return f'without {" and ".join(dict.fromkeys(tools))} it may lack something' * bool(tools)

    @property
    def compiler(self) -> str:
        """What is missing of that which extension modules in C and C++ need, '' if nothing."""
        return self.missing.get(compilers.C, '') or self.missing.get(compilers.CXX, '')


def current(pip: str, environ: Mapping[str, str] = os.environ) -> SourceBuilds:
    """Return how this process would build now, with the release `pip`."""
    missing = compilers.missing(environ)
    try:
        return SourceBuilds(build_options.read(pip, environ), '', missing)
    except CacheError as error:
        return SourceBuilds({}, str(error), missing)

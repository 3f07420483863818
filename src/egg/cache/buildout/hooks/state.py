"""What is known of the run of zc.buildout that uses the egg cache?

`current` is it: `activation` puts another one there, and nobody else does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from egg.cache.buildout.installation import Installation
from egg.cache.buildout.session import Session
from egg.cache.eggs.site_packages import SitePackages


@dataclass
class RunState:
    """One run, from `activate` to `deactivate`; one that knows nothing where there is none.

    `follow` returns the session to be used from now on, `options` are those of `[buildout]`.
    `site_packages` is there where parts get eggs of what is in them, `installation` while a
    distribution is being installed. `refused` are those that no egg could be made of;
    `has_no_room` tells that no further ones are made of what is installed. `originals` is what
    `activation` has replaced: {(owner, name): value}.
    """

    session: Session | None = None
    follow: Callable[[], Session] | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    site_packages: SitePackages | None = None
    installation: Installation | None = None
    is_upgrading: bool = False
    refused: set[str] = field(default_factory=set)
    has_no_room: bool = False
    originals: dict[tuple[Any, str], Any] = field(default_factory=dict)

    @cached_property
    def eggs_directory(self) -> str:
        return os.path.realpath(self.options.get('eggs-directory', os.devnull))


current = RunState()

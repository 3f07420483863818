"""What leads out of a buildout, and what could not be looked at?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from egg.cache.portable.buildout_paths import BuildoutPaths

#: Kinds of findings, in the order in which people hear of them.
DIRECTORY, SITE_PACKAGES, SCRIPT, DEVELOP, LINK, LIBRARY, PART, COPIED = KINDS = (
    'directory', 'site-packages', 'script', 'develop', 'link', 'library', 'part', 'installed'
)  # fmt: skip

#: Why a file was not looked at: there is more text in it than anybody has written.
TOO_LARGE = 'it is larger than 4 MB'


@dataclass(frozen=True)
class Finding:
    """In `path`, relative to the buildout if it is there, `target` is outside of it."""

    kind: str
    path: str
    target: str
    line: int | None = None


@dataclass
class Report:
    """What points out of a buildout, and what could not be read (path: reason).

    `interpreters` are the paths of those that run the scripts, with the number of scripts.
    """

    places: BuildoutPaths
    findings: list[Finding] = field(default_factory=list)
    interpreters: dict[str, int] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    @property
    def is_self_contained(self) -> bool:
        return not self.findings and not self.unread

    def allowing(self, places: Sequence[str]) -> Report:
        """Return a report without what leads to one of these places, which are there anywhere.

        Nor does it matter there that a large file was not looked at.
        """

        def is_allowed(finding: Finding) -> bool:
            is_data = finding.kind not in (DIRECTORY, SITE_PACKAGES, COPIED)
            return is_data and any(
                f'{finding.target}/'.startswith(f'{place.rstrip("/")}/') for place in places
            )

        return replace(
            self,
            findings=[finding for finding in self.findings if not is_allowed(finding)],
            unread={path: reason for path, reason in self.unread.items() if reason != TOO_LARGE},
        )

"""What did the egg cache do for this run?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from egg.cache.common import units


@dataclass
class Counters:
    """The counts of one run, for its last line. `saved` is in seconds.

    `early` are the eggs of extensions that buildout got before it could load the egg cache.
    """

    copied: int = 0
    built: int = 0
    stored: int = 0
    saved: float = 0.0
    early: int = 0

    def copy(self, build_seconds: float, copy_seconds: float) -> None:
        """Count an egg that was copied instead of being built."""
        self.copied += 1
        saved = build_seconds - copy_seconds
        if saved > 0 and math.isfinite(saved):
            self.saved += saved

    def summary(self) -> str | None:
        """Return the line that ends a run, None if no egg arrived."""
        total = self.copied + self.built
        if not total and not self.early:
            return None
        text = f'Egg cache: {self.copied} of {_eggs(total)} copied'
        if self.built:
            text += f', {self.built} built'
        if self.stored:
            text += ' and stored' if self.stored == self.built else f', {self.stored} stored'
        text += f'; {units.duration(self.saved)} saved.'
        if self.early:
            text += (
                f' {_eggs(self.early)} of extensions were fetched before the egg cache was '
                'loaded.'
            )
        return text


def _eggs(count: int) -> str:
    return f'{count} egg' if count == 1 else f'{count} eggs'

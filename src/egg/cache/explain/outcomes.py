"""What may come of all that a buildout asks for?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from egg.cache.explain.answers import HIT, THERE
from egg.cache.store.entry import Entry

#: It would ask an index, and do without an answer; it would fail without a network.
ASK, FAIL = 'ask', 'fail'
#: What may come of a requirement, from the best to the worst.
OUTCOMES = (THERE, HIT, ASK, FAIL)


@dataclass(frozen=True)
class Answer:
    """What would come of one requirement: one of `OUTCOMES`, and `why`, for people.

    `of` is who asks. `reason` is one of `answers.REASONS` or `OBSTACLES`, or `extends`, `source`,
    `build` and `extension`; '' for what is well.
    """

    requirement: str
    of: tuple[str, ...]
    outcome: str
    why: str
    reason: str = ''
    entry: Entry | None = None


@dataclass
class Survey:
    """All answers, and the `remarks` on what could not be looked at."""

    answers: list[Answer] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, answer: Answer) -> None:
        """Add an answer; one that is there already is only told who else asks."""
        for number, one in enumerate(self.answers):
            if (one.requirement, one.outcome, one.why) == (
                answer.requirement, answer.outcome, answer.why
            ):  # fmt: skip
                of = tuple(dict.fromkeys((*one.of, *answer.of)))
                self.answers[number] = replace(one, of=of)
                return
        self.answers.append(answer)

    @property
    def needs_network(self) -> bool:
        return any(one.outcome in (ASK, FAIL) for one in self.answers)

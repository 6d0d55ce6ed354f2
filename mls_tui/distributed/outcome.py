"""What came of tasks, and what that adds to the row of their run. Pure: no request is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic.alias_generators import to_camel

from mls_tui.domain import keys
from mls_tui.domain.run import ImportRun, Problem, ProblemKind
from mls_tui.storage import items
from mls_tui.storage.attributes import to_attributes

MOST_PROBLEMS = 20
"""Problems of one task that are kept one by one; all are counted."""
_LONGEST_NAME = 200
MOST_KINDS = 25
"""Kinds of warnings that one update names: with every count, an UpdateExpression stays below DynamoDB's 4 KB."""
OTHER_KINDS = "further warnings of other kinds"


@dataclass(frozen=True, slots=True)
class RunKey:
    """The row of one run."""

    user: str
    run: str
    started_at: int

    @classmethod
    def of(cls, run: ImportRun) -> RunKey:
        return cls(run.user_id, run.run_id, run.started_at)

    @property
    def pk(self) -> str:
        return items.pk(self.user)

    @property
    def sk(self) -> str:
        return keys.run_sk(self.started_at, self.run)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one task. ``counts`` and ``warnings`` are added to the run's, ``pending`` to its tasks outstanding;
    ``noted`` is how many problems were noted beforehand; ``ended`` says that the feed was read to its end. ``total`` is
    the MLS's count."""

    task: str
    counts: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    pending: int = -1
    noted: int = 0
    ended: bool = False
    total: int | None = None

    @property
    def failed(self) -> bool:
        """Whether its listing is one for the dead letters."""
        return any(problem.kind is ProblemKind.LISTING for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Intent:
    """A change of one listing that a task is about to make, and what it will add to the counts. ``synced_at`` is the
    listing's own, which tells this version from any other; 0 for a deletion."""

    listing_id: str
    synced_at: int
    counts: Mapping[str, int]

    @property
    def name(self) -> tuple[str, int]:
        return self.listing_id, self.synced_at


class Sums:
    """What several outcomes add to a run's row, as one update."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, ...], int] = {}
        self._kinds: set[str] = set()
        self._ended = False
        self._total: int | None = None

    def take(self, outcome: Outcome) -> None:
        for name, count in outcome.counts.items():
            self._plus(("counts", to_camel(name)), count)
        for kind, count in outcome.warnings.items():
            name = kind[:_LONGEST_NAME]
            if name in self._kinds or len(self._kinds) < MOST_KINDS:
                self._kinds.add(name)
            else:
                name = OTHER_KINDS
            self._plus(("warnings", name), count)
        self._plus(("pending",), outcome.pending)
        self._plus(("problems",), len(outcome.problems) + outcome.noted)
        self._ended = self._ended or outcome.ended
        self._total = outcome.total if outcome.total is not None else self._total

    def _plus(self, path: tuple[str, ...], count: int) -> None:
        self._sums[path] = self._sums.get(path, 0) + count

    def update(self, now: int) -> dict[str, Any]:
        names, values = {"#d": "Data", "#u": "updatedAt"}, {":now": now}
        changes = ["#d.#u = :now", "UpdatedAt = :now"]
        for number, (path, count) in enumerate(self._sums.items()):
            if not count:
                continue
            place = "#d"
            for depth, part in enumerate(path):
                alias = f"#p{number}x{depth}"
                names[alias], place = part, f"{place}.{alias}"
            values[f":v{number}"] = count
            values[":zero"] = 0
            changes.append(f"{place} = if_not_exists({place}, :zero) + :v{number}")
        if self._ended:
            names["#ended"], values[":yes"] = "feedEnded", True
            changes.append("#d.#ended = :yes")
        if self._total is not None:
            names["#total"], values[":total"] = "expected", self._total
            changes.append("#d.#total = :total")
        return {
            "UpdateExpression": "SET " + ", ".join(changes),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_attributes(values),
        }

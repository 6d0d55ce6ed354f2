"""Each promise broken on purpose: one edit of the source, and the tests that must fail once it is made. A test that
was never seen to fail proves nothing; ``python -m tests.promises.breaks`` makes every edit in a copy and looks."""

from __future__ import annotations

from tests.promises.breaks.attacks import ATTACKS
from tests.promises.breaks.breaks import Break
from tests.promises.breaks.guarding import GUARDING
from tests.promises.breaks.importing import IMPORTING
from tests.promises.breaks.keeping import KEEPING
from tests.promises.breaks.machine import MACHINE
from tests.promises.breaks.storing import STORING
from tests.promises.breaks.trying import TRYING

__all__ = ["BREAKS", "Break"]

BREAKS: tuple[Break, ...] = (
    tuple(sorted((*STORING, *IMPORTING, *TRYING, *MACHINE, *KEEPING), key=lambda each: each.promise))
    + GUARDING
    + ATTACKS
)

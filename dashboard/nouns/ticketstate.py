"""What is known of one ticket: its states and stages, and the value that its events leave behind."""

from __future__ import annotations

import struct
from typing import cast

import msgspec

from dashboard.nouns.ticketevents import Verdict

STAGES = ("report", "file", "dispatch", "handle", "inspect", "close")  # 上报 立案 派遣 处置 核查 结案
STAGE_OF = {
    "reported": 0, "verifying": 0, "accepted": 0, "filed": 1, "dispatched": 2, "in_progress": 3, "done": 4,
    "inspecting": 4, "closed": 5,
}  # fmt: skip
ASIDE = frozenset({"rejected", "voided", "merged"})
STATES = ("", *STAGE_OF, *sorted(ASIDE))  # The first is a ticket of which only something later has arrived.
OPEN = frozenset(STAGE_OF) - {"closed"}
HANDLING = frozenset({"dispatched", "in_progress"})
WHISTLE_NONE, WHISTLE_OPEN, WHISTLE_ANSWERED = range(3)
YEAR = 366 * 86400.0  # A suspension is never longer, in seconds.
STEP = struct.Struct("<dBB")  # A step from stage to stage: when, and the numbers of both.


class Ticket(msgspec.Struct, gc=False, array_like=True):
    """What is known of one ticket: its present state, and ``trail``, all its events packed (see ``tickets``).

    Moments are seconds since 1970 UTC. ``reported`` is None while only later events have arrived; such a ticket
    counts nowhere yet. ``since`` is when it came into its stage, ``steps`` are its moves from stage to stage.
    ``clock`` holds the moments at which the handling clock started, stopped, started …; with an even number it
    stands still, and where the last start lies ahead it starts by itself then. ``plain`` says that nothing but
    open and closed is known of it; one that is ``exempted`` counts as on time.
    """

    source: str
    number: str
    reported: float | None = None
    title: str = ""
    category: str = ""
    condition: str = ""
    unit: str = ""
    channel: str = ""
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    flaw: str = ""
    caller: str = ""
    urgent: bool = False
    due: float | None = None
    state: str = ""
    plain: bool = True
    since: float = 0.0
    accepted: float | None = None
    filed: float | None = None
    dispatched: float | None = None  # The latest dispatch; the first one is the first start of the clock.
    first_dispatched: float | None = None
    signed: float | None = None
    contacted: float | None = None
    done_at: float | None = None
    closed: float | None = None
    verdict: Verdict = ""
    clock: tuple[float, ...] = ()
    granted: tuple[float, ...] = ()
    suspended: float | None = None
    suspended_until: float | None = None
    level: int = 0
    supervised: float | None = None
    supervise_due: float | None = None
    supervisor: str = ""
    whistle: int = WHISTLE_NONE
    whistled: float | None = None
    answered: float | None = None
    lead: str = ""
    supporting: tuple[str, ...] = ()
    score: float | None = None
    returns: int = 0
    transfers: int = 0
    reworks: int = 0
    passed: bool | None = None
    reopened: int = 0
    called: float | None = None
    solved: bool | None = None
    satisfied: bool | None = None
    stars: int | None = None
    into: str = ""
    anomalies: tuple[str, ...] = ()
    last: float = float("-inf")
    steps: bytes = b""
    trail: bytes = b""
    exempted: bool = False  # New fields come at the end: a snapshot of before lacks them, and is still read.

    @property
    def key(self) -> str:
        """The name of the ticket across all sources; a source holds no ``|``."""
        return f"{self.source}|{self.number}"

    @property
    def open(self) -> bool:
        """Whether it still is somebody's work."""
        return self.state in OPEN

    @property
    def stage(self) -> int | None:
        """The stage it stands in, an index of ``STAGES``; None before its report and aside.

        A plain ticket that has a unit is being handled, as far as anybody can know.
        """
        if self.plain and self.state == "reported":
            return 3 if self.unit else 0
        return STAGE_OF.get(self.state)

    @property
    def running(self) -> bool:
        """Whether the handling clock has been started and not stopped (it may be suspended for a while)."""
        return len(self.clock) % 2 == 1


def number_of(stage: int | None) -> int:
    """How ``steps`` number a stage; none at all comes behind the last."""
    return len(STAGES) if stage is None else stage


def steps(ticket: Ticket) -> list[tuple[float, int, int]]:
    """The ticket's moves from stage to stage: when, from and to; ``len(STAGES)`` stands for none of them."""
    return cast("list[tuple[float, int, int]]", list(STEP.iter_unpack(ticket.steps)))

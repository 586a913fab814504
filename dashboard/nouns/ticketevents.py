"""What can happen to a ticket: the ``ticket.*`` events, in the order of its life.

Sources tell as much of it as they know: most exports only when a ticket was reported and closed. All moments
are the events' own times; ``by`` is who did it (a unit or a person, masked), ``why`` the reason (masked).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from dashboard.events import Event

Verdict = Literal["", "on_time", "overdue"]
Stars = Annotated[int, msgspec.Meta(ge=1, le=5)]
Level = Annotated[int, msgspec.Meta(ge=0, le=3)]
Score = Annotated[float, msgspec.Meta(ge=0, le=100)]


class TicketEvent(Event, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.event"):
    """What all of them have: ``subject`` is the ticket's number; never sent by itself."""

    by: str = ""
    why: str = ""


class TicketReported(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.reported"):
    """A case came in. ``place`` is a code, empty where only the city is known, and then ``flaw`` says why.

    ``point`` is (lon, lat) in WGS-84 degrees, ``due`` the source's own deadline, ``channel`` how the
    citizen came (hotline, app), ``unit`` who is responsible. ``condition`` is the filing condition within the
    category. ``caller`` is an opaque mark that is equal for the same citizen, never a number.
    """

    title: str = ""
    category: str = ""
    unit: str = ""
    channel: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    due: datetime | None = None
    flaw: str = ""
    condition: str = ""
    caller: str = ""
    urgent: bool = False

    def retold(self, at: datetime) -> TicketAmended:
        """Its source says it in other words: what it says now holds from then on."""
        moment = max(at, self.time)
        said = {
            name: getattr(self, name) for name in TicketAmended.__struct_fields__ if name not in ("id", "time", "why")
        }
        return TicketAmended(id=f"{self.id}:{round(1e6 * moment.timestamp())}", time=moment, **said)


class TicketVerifying(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.verifying"):
    """Somebody was sent to see whether it is so (核实), before it is filed."""


class TicketAccepted(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.accepted"):
    """The centre has taken it on (受理)."""


class TicketRejected(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.rejected"):
    """The centre has not: it is nobody's, or not so."""


class TicketFiled(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.filed"):
    """A case exists (立案)."""


class TicketDispatched(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.dispatched"):
    """A unit is responsible (派遣); an empty ``unit``, ``category`` or ``condition`` leaves what was known.

    ``due`` is the source's own deadline for this handling.
    """

    unit: str = ""
    category: str = ""
    condition: str = ""
    due: datetime | None = None


class TicketSigned(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.signed"):
    """The unit has acknowledged (签收)."""


class TicketContacted(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.contacted"):
    """The unit has spoken with the citizen."""


class TicketReturned(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.returned"):
    """The unit has sent it back (回退), with its reason: the handling pauses until it is dispatched again."""


class TicketExtended(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.extended"):
    """An extension was asked for (延期) and granted, which adds one original limit, or refused."""

    granted: bool


class TicketSuspended(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.suspended"):
    """The handling rests (挂账) ``until`` then, at most a year; without ``until``, for a year or until resumed."""

    until: datetime | None = None


class TicketResumed(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.resumed"):
    """It rests no more, before its time."""


class TicketDone(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.done"):
    """The unit says it is handled (处置完成)."""


class TicketInspected(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.inspected"):
    """Somebody went to see whether that is so (核查)."""

    passed: bool


class TicketReworked(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.reworked"):
    """It was not, and the unit goes on (返工), with the reason."""


class TicketClosed(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.closed"):
    """A case was closed (结案); ``verdict`` is the source's own word on whether that was in time."""

    verdict: Verdict = ""


class TicketCalledBack(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.called_back"):
    """The citizen was asked (回访); None where there was no answer. ``reopen`` opens the ticket again, once."""

    solved: bool | None = None
    satisfied: bool | None = None
    reopen: bool = False


class TicketRated(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.rated"):
    """The citizen has rated it (好差评), 1 to 5; the lowest two are bad."""

    stars: Stars


class TicketWhistled(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.whistled"):
    """A street that cannot settle it alone calls departments (吹哨): one leads, others support."""

    lead: str = ""
    supporting: tuple[str, ...] = ()


class TicketReportedIn(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.reported_in"):
    """A department that was called is there (报到)."""

    unit: str


class TicketWhistleAnswered(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.whistle_answered"):
    """The street says that its whistle was answered."""


class TicketWhistleClosed(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.whistle_closed"):
    """The street has scored the departments, 0 to 100."""

    score: Score


class TicketSupervised(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.supervised"):
    """Somebody watches over it (督办), at a level of 1 to 3, until ``due``; level 0 ends that."""

    level: Level
    due: datetime | None = None


class TicketMerged(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.merged"):
    """It is the same matter as another ticket, whose number is ``into`` (并案)."""

    into: str


class TicketVoided(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.voided"):
    """It should not be there (作废), with the reason."""


class TicketExempted(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.exempted"):
    """It is left out of the appraisal (豁免), with the reason: it counts as on time, however long it takes. What was
    ``granted`` is taken back, or was refused in the first place, where it is not.
    """

    granted: bool


class TicketAmended(TicketEvent, frozen=True, kw_only=True, omit_defaults=True, tag="ticket.amended"):
    """Its report is put right (更正): all that it says, anew. What a dispatch has settled since stays as it is."""

    title: str = ""
    category: str = ""
    unit: str = ""
    channel: str = ""
    place: str = ""
    point: tuple[float, float] | None = None
    due: datetime | None = None
    flaw: str = ""
    condition: str = ""
    caller: str = ""
    urgent: bool = False


TICKET_EVENTS: tuple[type[TicketEvent], ...] = tuple(TicketEvent.__subclasses__())
"""All of them, as they stand above: their order where one moment has several and more than one of them fits, and how
a ticket's trail numbers them. New ones come at the end of the file."""

"""Instructions of leaders (领导批示): who asked whom for what until when, reported done, sent back or closed.

One is given on a ticket or on a number, comes back to its leader when it is reported done, and is then closed or
sent back with a reason. What a ticket's own source says of the ticket stays as it is: an instruction stands beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec

from dashboard.events import Act, Event, Ref, pack
from dashboard.masking import clean, cut, mask
from dashboard.nouns.noun import Alert, Document, Noun, Rules
from dashboard.words import Words

ROWS = 40  # Of those in hand; a panel shows as many as fit.
ENDED_ROWS = 12
ENDED_FOR = 7 * 86400.0  # Seconds for which one that has ended is still told.
PERIOD = 30 * 86400.0  # Seconds of which closed ones are counted.
TEXT = 500  # Characters of a text, a comment or a reason.

Short = Annotated[str, msgspec.Meta(max_length=200)]
Needed = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Said = Annotated[str, msgspec.Meta(max_length=TEXT)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT)]


class InstructionEvent(Act, frozen=True, kw_only=True, omit_defaults=True, tag="instruction.event"):
    """What all of them have: ``subject`` is what the instruction is on, a ticket's key (``source|number``) or the id of
    a number; ``instruction`` is its own id, ``by`` who acts. Never sent by itself.
    """

    instruction: Ref
    by: Needed


class InstructionGiven(InstructionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="instruction.given"):
    """A leader asks ``to`` (a unit or a person) for something until ``due``.

    ``title`` is what the ticket or the number is called, ``said`` what the number said then, ``place`` the code of the
    place they are of.
    """

    to: Needed
    text: Reason
    due: datetime
    title: Said = ""
    said: Short = ""
    place: Ref | None = None


class InstructionReported(InstructionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="instruction.reported"):
    """Whoever was asked says that it is done, and how."""

    comment: Reason


class InstructionReturned(InstructionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="instruction.returned"):
    """The leader does not take that for done and sends it back, with the reason, and where need be until later."""

    why: Reason
    due: datetime | None = None


class InstructionClosed(InstructionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="instruction.closed"):
    """The leader takes it for done."""

    comment: Said = ""


class InstructionWithdrawn(
    InstructionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="instruction.withdrawn"
):
    """The leader asks for it no more, with the reason."""

    why: Reason


EVENTS: tuple[type[InstructionEvent], ...] = (
    InstructionGiven, InstructionReported, InstructionReturned, InstructionClosed, InstructionWithdrawn,
)  # fmt: skip
"""All of them, in the order in which they count where one moment has several."""

MAY: Mapping[str, Mapping[type[InstructionEvent], str]] = {
    "": {InstructionGiven: "given"},
    "given": {InstructionReported: "reported", InstructionWithdrawn: "withdrawn"},
    "reported": {InstructionReturned: "given", InstructionClosed: "closed", InstructionWithdrawn: "withdrawn"},
    "closed": {},
    "withdrawn": {},
}
"""State → what may follow → the state after it. One that does not fit changes nothing and is kept as an anomaly."""
OPEN = frozenset({"given", "reported"})


class Instruction(msgspec.Struct):
    """An instruction as its events leave it; moments in seconds since 1970 UTC.

    ``reported`` is when it was last said to be done, ``on_time`` whether that was by the deadline of then, ``answer``
    what was said with it; ``why`` the latest reason for sending it back or withdrawing it.
    """

    id: str
    subject: str
    state: str = ""
    by: str = ""
    to: str = ""
    text: str = ""
    title: str = ""
    said: str = ""
    place: str = ""
    given: float = 0.0
    due: float = 0.0
    reported: float | None = None
    reporter: str = ""
    answer: str = ""
    on_time: bool | None = None
    returns: int = 0
    why: str = ""
    ended: float | None = None
    anomalies: tuple[str, ...] = ()
    steps: tuple[tuple[float, str, str, str], ...] = ()  # When, what, who, and what they said.


def _text(text: str, longest: int = TEXT) -> str:
    return cut(clean(mask(text)), longest)


def lived(events: Iterable[InstructionEvent]) -> Instruction:
    """The instruction that these events of one id make, in whatever order and however often they come.

    An event id that came with two contents is the earlier of them.
    """
    first: dict[tuple[str, str], tuple[float, int, bytes, InstructionEvent]] = {}
    for event in events:
        key, one = (event.source, event.id), (event.time.timestamp(), EVENTS.index(type(event)), pack(event), event)
        if key not in first or one[:3] < first[key][:3]:
            first[key] = one
    found = sorted(first.values(), key=lambda one: one[:3])
    after = Instruction(found[0][3].instruction, found[0][3].subject)
    for at, _, _, event in found:
        _go(after, event, at)
    return after


def _go(one: Instruction, event: InstructionEvent, at: float) -> None:
    kind = event.kind.removeprefix("instruction.")
    state = MAY[one.state].get(type(event))
    if state is None:
        one.anomalies += (f"{kind}_while_{one.state or 'not_given'}",)
        return
    one.state = state
    said = ""
    if isinstance(event, InstructionGiven):
        one.subject, one.by, one.to, one.place = event.subject, event.by, _text(event.to, 200), event.place or ""
        one.text, one.title, one.said = _text(event.text), _text(event.title, 200), _text(event.said, 200)
        one.given, one.due, said = at, event.due.timestamp(), one.text
        if one.due <= at:
            one.anomalies += ("due_before_given",)
    elif isinstance(event, InstructionReported):
        said = one.answer = _text(event.comment)
        one.reported, one.reporter, one.on_time = at, event.by, at <= one.due
    elif isinstance(event, InstructionReturned):
        said = one.why = _text(event.why)
        one.returns += 1
        one.due = event.due.timestamp() if event.due is not None else one.due
    elif isinstance(event, InstructionClosed):
        said, one.ended = _text(event.comment), at
    elif isinstance(event, InstructionWithdrawn):
        said = one.why = _text(event.why)
        one.ended = at
    one.steps += ((at, kind, event.by, said),)


def light(one: Instruction, now: float, soon_share: float, worst_multiple: float) -> str:
    """The light by its deadline, exactly as a ticket has it: none once it is reported done or has ended.

    The time it has is from when it was given to its deadline, nights and holidays included.
    """
    if one.state != "given":
        return "none"
    whole = max(0.0, one.due - one.given)
    if now > one.due + worst_multiple * whole:
        return "worst"
    return "overdue" if now > one.due else "soon" if now > one.due - soon_share * whole else "normal"


class Instructions:
    """The slice of the board: every instruction with the events it comes from."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.now = 0.0
        self.events: dict[str, list[InstructionEvent]] = {}
        self.all: dict[str, Instruction] = {}

    def fold(self, event: Event) -> None:
        """Take in what somebody did."""
        if isinstance(event, InstructionEvent):
            mine = self.events.setdefault(event.instruction, [])
            if event not in mine:
                mine.append(event)
                self.all[event.instruction] = lived(mine)

    def advance(self, now: float) -> None:
        """Lights are worked out when a view is asked for."""
        self.now = now

    def dump(self) -> object:
        """The events: everything follows from them."""
        return sorted((event for mine in self.events.values() for event in mine), key=pack)

    def load(self, dumped: object) -> None:
        """Live through the events again."""
        fresh = Instructions(self.rules)
        for event in msgspec.convert(dumped, list[_Any]):
            fresh.fold(event)
        self.events, self.all = fresh.events, fresh.all

    def at(self, place: str) -> list[Instruction]:
        """Those that are of a place or of one below it; what names no place that is known is the whole city's."""
        places = self.rules.places
        return [
            one
            for one in self.all.values()
            if one.state and place in (places.path(one.place) if one.place in places else (places.root.code,))
        ]


_Any = InstructionGiven | InstructionReported | InstructionReturned | InstructionClosed | InstructionWithdrawn
_ORDER = ("worst", "overdue", "reported", "soon", "normal")


def row_of(one: Instruction, now: float, rules: Rules) -> dict[str, Any]:
    """An instruction as views tell it; ``ticket`` is the ticket's key, empty for one on a number."""
    return {
        "id": one.id, "subject": one.subject, "ticket": one.subject if "|" in one.subject else "",
        "state": one.state, "light": light(one, now, rules.soon_share, rules.worst_multiple),
        "title": one.title, "said": one.said, "place": one.place, "by": one.by, "to": one.to, "text": one.text,
        "since": one.given, "due": one.due, "reported": one.reported, "reporter": one.reporter, "answer": one.answer,
        "on_time": one.on_time, "returns": one.returns, "why": one.why, "ended": one.ended,
    }  # fmt: skip


def view_instructions(board: Instructions, place: str, now: float) -> Document:
    """Those in hand: long overdue ones first, then overdue, then those that came back and wait for their leader, then
    by deadline; and those that ended within a week. ``on_time`` is [reported in time, closed] of 30 days.

    Of all in hand, listed or not, ``late`` counts those that are overdue, ``first`` is the one of these whose deadline
    passed first, and ``to`` counts them by who was asked.
    """
    mine = board.at(place)
    rows = [row_of(one, now, board.rules) for one in mine if one.state in OPEN]
    rows.sort(
        key=lambda row: (
            _ORDER.index("reported" if row["state"] == "reported" else row["light"]), row["due"], row["id"]
        )
    )  # fmt: skip
    ended = [one for one in mine if one.ended is not None and one.ended > now - ENDED_FOR]
    ended.sort(key=lambda one: (-(one.ended or 0.0), one.id))
    closed = [one for one in mine if one.state == "closed" and (one.ended or 0.0) > now - PERIOD]
    late = [row for row in rows if row["light"] in ("overdue", "worst")]
    return {
        "instructions": rows[:ROWS],
        "ended": [row_of(one, now, board.rules) for one in ended[:ENDED_ROWS]],
        "open": len(rows),
        "back": sum(row["state"] == "reported" for row in rows),
        "late": len(late),
        "first": min(late, key=lambda row: (row["due"], row["id"]), default=None),
        "to": dict(sorted(Counter(row["to"] for row in rows).items())),
        "on_time": [sum(bool(one.on_time) for one in closed), len(closed)],
        "anomalies": sum(len(one.anomalies) for one in mine),
    }


def alerts(board: Instructions, now: float) -> Iterator[Alert]:
    """Instructions of leaders that are overdue, worse where they are long so."""
    for one in board.all.values():
        shown = light(one, now, board.rules.soon_share, board.rules.worst_multiple)
        if shown not in ("overdue", "worst"):
            continue
        yield Alert(
            f"instruction|{one.id}|{one.due:.0f}", 2 if shown == "worst" else 3, one.due,
            Words(f"领导批示超期 · {one.title or one.text}", f"Instruction overdue · {one.title or one.text}"),
            Words(f"{one.by} → {one.to}:{one.text}", f"{one.by} → {one.to}: {one.text}"),
            one.place if one.place in board.rules.places else "", one.to,
            f"/ticket?{urlencode({'key': one.subject})}" if "|" in one.subject else "",
        )  # fmt: skip


NOUN = Noun(
    name="instruction", events=EVENTS, slice=Instructions, views={"instructions": view_instructions}, alerts=alerts
)

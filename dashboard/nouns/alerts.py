"""Alerts: what stands that somebody has to see to, who has taken note of it, and what was said at the desk.

What stands is told by the nouns, of their slices and of now alone; kept here is only what people did. So the same
acts in any order end in the same board, and a replay from history stands as the board did before. An acknowledgement
holds for an occurrence and up to its severity: what gets worse is open again, and what comes again is another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from typing import Annotated, Any

import msgspec

from dashboard.events import Act, Event, Ref
from dashboard.nouns.noun import Alert, Document, Noun, Rules, SetBack, Told

KEPT = 5_000  # The latest acts; older ones are in history alone.
ROWS = 200  # Alerts of a view; all are counted.
LOG = 200  # Lines of the log.
SHIFT = 12 * 3600.0  # Seconds.
SEVERITIES = (1, 2, 3, 4)  # I to IV, the first the worst.

Severity = Annotated[int, msgspec.Meta(ge=1, le=4)]
Pair = tuple[str, str]  # In Chinese and in English.
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=8000)]
Name = Annotated[str, msgspec.Meta(max_length=60)]


class AlarmAct(Act, frozen=True, kw_only=True, omit_defaults=True, tag="alarm"):
    """Something done about an alert; ``title`` is what the screen called it, so that the log can still say it."""

    alert: Ref
    title: Pair = ("", "")
    comment: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class AlarmAcknowledged(AlarmAct, frozen=True, kw_only=True, omit_defaults=True, tag="alarm.acknowledged"):
    """Somebody has taken note of it while it was of this severity."""

    severity: Severity


class AlarmReopened(AlarmAct, frozen=True, kw_only=True, omit_defaults=True, tag="alarm.reopened"):
    """What was acknowledged or put off is open again: somebody has taken it back."""


class AlarmSnoozed(AlarmAct, frozen=True, kw_only=True, omit_defaults=True, tag="alarm.snoozed"):
    """It is put off until a moment of the city's time (seconds since 1970 UTC), unless it gets worse before."""

    severity: Severity
    until: Annotated[float, msgspec.Meta(ge=0, le=1e11)]


class AlarmAssigned(AlarmAct, frozen=True, kw_only=True, omit_defaults=True, tag="alarm.assigned"):
    """Somebody is to see to it; "" takes that back."""

    to: Name


class DeskNoted(Act, frozen=True, kw_only=True, omit_defaults=True, tag="desk.noted"):
    """A note in the desk's log, of an alert or of nothing in particular."""

    text: Text
    alert: Ref | None = None
    title: Pair = ("", "")


class DeskHandedOver(Act, frozen=True, kw_only=True, omit_defaults=True, tag="desk.handed_over"):
    """The desk goes over to another, with what the next shift has to know."""

    to: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    summary: Annotated[str, msgspec.Meta(max_length=8000)] = ""


ACTS = (AlarmAcknowledged, AlarmReopened, AlarmSnoozed, AlarmAssigned, DeskNoted, DeskHandedOver)
Order = tuple[datetime, str, str]


def order_of(act: Act) -> Order:
    """Where an act stands among others: by its time, and at one moment by its name."""
    return act.time, act.source, act.id


class Standing(msgspec.Struct, frozen=True):
    """What holds for an alert at a moment: whether it is open, and who did what about it."""

    acknowledged: AlarmAcknowledged | None = None
    snoozed: AlarmSnoozed | None = None
    assigned: AlarmAssigned | None = None

    @property
    def open(self) -> bool:
        """Whether nobody has taken note of it and it is not put off."""
        return self.acknowledged is None and self.snoozed is None


class Alerts:
    """The acts of the desk: the latest of them, and what follows for each alert."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.acts: dict[tuple[str, str], Act] = {}
        self._oldest: list[Order] = []  # A heap.
        self._about: dict[str, list[AlarmAct]] = {}
        self._time = SetBack()
        self._told: Told = lambda now: ()

    def listen(self, told: Told) -> None:
        """Ask ``told`` what stands."""
        self._told = told

    # -- folding -----------------------------------------------------------------------------------------

    def fold(self, event: Event) -> None:
        """Take in one act; of more than ``KEPT`` the earliest are let go."""
        if not isinstance(event, ACTS):
            return
        act = self._time.held(event)
        if (act.source, act.id) in self.acts:
            return
        self._keep(act)
        while len(self.acts) > KEPT:
            _, source, id_ = heappop(self._oldest)
            gone = self.acts.pop((source, id_))
            if isinstance(gone, AlarmAct):
                self._about[gone.alert].remove(gone)
                if not self._about[gone.alert]:
                    del self._about[gone.alert]

    def _keep(self, act: Act) -> None:
        self.acts[act.source, act.id] = act
        heappush(self._oldest, order_of(act))
        if isinstance(act, AlarmAct):
            mine = self._about.setdefault(act.alert, [])
            mine.append(act)
            mine.sort(key=order_of)

    def advance(self, now: float) -> None:
        """What stands is worked out when a view is asked for; only a clock that is put right changes anything.

        Acts of a moment that is yet to come are held to be of now, in the order they had.
        """
        if not self._time.to(now):
            return
        ahead = sorted((act for act in self.acts.values() if act.time.timestamp() > now), key=order_of)
        for place, act in enumerate(ahead):
            moment = datetime.fromtimestamp(now - 1e-6 * (len(ahead) - place), UTC)
            self.acts[act.source, act.id] = msgspec.structs.replace(act, time=moment)
        if ahead:
            self._build(list(self.acts.values()))

    def _build(self, acts: list[Act]) -> None:
        self.acts, self._about, self._oldest = {}, {}, []
        for act in sorted(acts, key=order_of):
            self._keep(act)
        heapify(self._oldest)

    def dump(self) -> object:
        """The acts."""
        return sorted(self.acts.values(), key=order_of)

    def load(self, dumped: object) -> None:
        """Take the acts back."""
        # The members are only known as a union, which is nothing that a list of types can say to a type checker.
        self._build(msgspec.convert(dumped, _DUMPED))

    # -- looking -----------------------------------------------------------------------------------------

    def told(self, now: float, place: str) -> Iterator[tuple[str, Alert]]:
        """What the nouns tell of a place and all below it, and of the whole city: the noun's name, and the alert."""
        places = self.rules.places
        for noun, alert in self._told(now):
            if not alert.place or place in (code for code in places.path(alert.place)):
                yield noun, alert

    def standing(self, alert: Alert, now: float) -> Standing:
        """What people did about an alert, as far as it holds now."""
        acknowledged: AlarmAcknowledged | None = None
        snoozed: AlarmSnoozed | None = None
        assigned: AlarmAssigned | None = None
        for act in self._about.get(alert.key, ()):
            if isinstance(act, AlarmAcknowledged):
                acknowledged, snoozed = act, None
            elif isinstance(act, AlarmSnoozed):
                snoozed = act
            elif isinstance(act, AlarmReopened):
                acknowledged = snoozed = None
            elif isinstance(act, AlarmAssigned):
                assigned = act if act.to else None
        if acknowledged is not None and acknowledged.severity > alert.severity:
            acknowledged = None
        if snoozed is not None and (snoozed.severity > alert.severity or snoozed.until <= now):
            snoozed = None
        return Standing(acknowledged, snoozed, assigned)


def row_of(noun: str, alert: Alert, held: Standing) -> dict[str, Any]:
    """One alert as the screens get it."""
    ack, snoozed, assigned = held.acknowledged, held.snoozed, held.assigned
    return {
        "key": alert.key, "severity": alert.severity, "noun": noun, "since": alert.since, "place": alert.place,
        "unit": alert.unit, "title": [alert.title.zh, alert.title.en], "text": [alert.text.zh, alert.text.en],
        "link": alert.link,
        "acknowledged": ack and {"by": ack.by, "at": ack.time.timestamp(), "comment": ack.comment},
        "assigned": assigned and {"to": assigned.to, "by": assigned.by, "at": assigned.time.timestamp()},
        "snoozed_until": snoozed and snoozed.until,
    }  # fmt: skip


def view_alerts(board: Alerts, place: str, now: float) -> Document:
    """What stands at a place: first what is open, the worst first and then the latest; then what is seen to.

    ``counts`` are all of each severity, ``open`` those that nobody has taken note of; ``unacknowledged`` is their sum.
    """
    counts, open_ = (dict.fromkeys(map(str, SEVERITIES), 0) for _ in range(2))
    rows: list[tuple[tuple[int, int, float, str], dict[str, Any]]] = []
    for noun, alert in board.told(now, place):
        if alert.ended is not None:
            continue
        held = board.standing(alert, now)
        counts[str(alert.severity)] += 1
        open_[str(alert.severity)] += held.open
        rank = 0 if held.open else 1 if held.snoozed is None else 2
        rows.append(((rank, alert.severity, -alert.since, alert.key), row_of(noun, alert, held)))
    rows.sort(key=lambda row: row[0])
    return {
        "alerts": [row for _, row in rows[:ROWS]], "counts": counts, "open": open_,
        "unacknowledged": sum(open_.values()),
    }  # fmt: skip


def view_handover(board: Alerts, place: str, now: float) -> Document:
    """The desk's log, newest first: what was done and noted, what was raised and what is over; and the shift.

    The shift began with the latest hand-over; where there was none, and for one that lasts longer, it is taken to be of
    ``SHIFT`` seconds. ``holder`` is who has taken over, None where nobody ever did.
    """
    handed = [act for act in board.acts.values() if isinstance(act, DeskHandedOver)]
    last = max(handed, key=order_of, default=None)
    begun = now - SHIFT if last is None else max(now - SHIFT, last.time.timestamp())
    told = list(board.told(now, place))
    stands = {alert.key: alert for _, alert in told if alert.ended is None}
    lines = [_line(act, stands) for act in board.acts.values()]
    done = Counter(line["kind"] for line in lines if line["at"] >= begun)
    raised, over = (dict.fromkeys(map(str, SEVERITIES), 0) for _ in range(2))
    for noun, alert in told:
        about = {
            "by": "", "to": "", "text": "", "title": [alert.title.zh, alert.title.en], "alert": alert.key, "noun": noun,
            "severity": alert.severity, "stands": alert.ended is None,
        }  # fmt: skip
        if begun <= alert.since <= now:
            raised[str(alert.severity)] += 1
            lines.append({"id": f"raised {alert.key}", "at": alert.since, "kind": "raised", **about})
        if alert.ended is not None and begun <= alert.ended <= now:
            over[str(alert.severity)] += 1
            lines.append({"id": f"ended {alert.key}", "at": alert.ended, "kind": "ended", **about})
    lines.sort(key=lambda line: (-line["at"], line["id"]))
    return {
        "holder": last and {"name": last.to, "by": last.by, "since": last.time.timestamp(), "summary": last.summary},
        "log": lines[:LOG],
        "shift": {
            "since": begun, "raised": raised, "ended": over,
            **{kind: done[kind] for kind in ("acknowledged", "snoozed", "assigned", "reopened", "noted")},
        },
    }  # fmt: skip


def _line(act: Act, stands: Mapping[str, Alert]) -> dict[str, Any]:
    """An act as a line of the log."""
    said: Any = act
    alert = getattr(act, "alert", None)
    return {
        "id": act.id, "at": act.time.timestamp(), "kind": act.kind.rpartition(".")[2], "by": act.by,
        "to": getattr(act, "to", ""), "text": getattr(act, "comment", "") or getattr(act, "text", "")
        or getattr(act, "summary", ""), "title": list(getattr(act, "title", ("", ""))), "alert": alert,
        "until": getattr(act, "until", None), "severity": getattr(said, "severity", None), "stands": alert in stands,
    }  # fmt: skip


_DUMPED: Any = list[AlarmAcknowledged | AlarmReopened | AlarmSnoozed | AlarmAssigned | DeskNoted | DeskHandedOver]

NOUN = Noun(name="alert", events=ACTS, slice=Alerts, views={"alerts": view_alerts, "handover": view_handover})

"""How each feed is doing: heard of when, refused how much, and whether it is late, silent or was never seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from dashboard.events import Event
from dashboard.nouns.duty import one_line
from dashboard.nouns.noun import Alert, Document, FeedRule, Noun, Rules
from dashboard.words import Words

BEAT = 2.0  # Seconds between two beats of every feed.


class FeedBeat(Event, frozen=True, kw_only=True, omit_defaults=True, tag="feed.beat"):
    """A feed (``subject``) tells how it is doing; ``time`` is wall time, and the counters run since its first day.

    ``received = stored + duplicate + dead`` at all times. ``waiting`` counts batches that the stream has
    not taken yet. ``error`` is one plain sentence, empty while all is well. ``began`` is when this process
    opened the source; ``done`` says that a source that ends, such as a file read once, has ended.
    """

    durable: ClassVar[bool] = False

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    dead: int = 0
    flawed: int = 0
    restarts: int = 0
    waiting: int = 0
    last_success: datetime | None = None
    last_event: datetime | None = None
    error: str = ""
    began: datetime | None = None
    done: bool = False


class Health:
    """The latest beat of each feed."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.beats: dict[str, FeedBeat] = {}

    def fold(self, event: Event) -> None:
        """Keep a feed's latest beat, which is the last to come: one spool orders them, whatever the clock does."""
        if isinstance(event, FeedBeat):
            self.beats[event.subject] = event

    def advance(self, now: float) -> None:
        """Ages are worked out when a view is asked for."""

    def dump(self) -> object:
        """The beats."""
        return list(self.beats.values())

    def load(self, dumped: object) -> None:
        """Take the beats back."""
        self.beats = {beat.subject: beat for beat in msgspec.convert(dumped, list[FeedBeat])}


def state_of(rule: FeedRule, beat: FeedBeat | None, wall: float) -> str:
    """``never``, ``live``, ``late``, ``silent`` or ``failing``, at wall time ``wall``.

    Late from one and a half intervals without a success, silent from three (and not before 10 s). A feed
    without an interval (it is pushed to) is live while its process beats.
    """
    if beat is None:
        return "never"
    if wall - beat.time.timestamp() > max(5 * BEAT, 10.0):
        return "silent"
    if beat.last_success is None:
        return "failing" if beat.error else ("live" if rule.interval is None else "never")
    if rule.interval is not None and not beat.done:
        age = wall - beat.last_success.timestamp()
        if age > max(3 * rule.interval, 10.0):
            return "silent"
        if age > max(1.5 * rule.interval, 5.0):
            return "late"
    return "failing" if beat.error else "live"


def view_feeds(health: Health, place: str, wall: float) -> Document:
    """Every configured feed with its state and counters, in the city file's order. ``wall`` is wall time."""
    rows: list[dict[str, Any]] = []
    for rule in health.rules.feeds:
        beat = health.beats.get(rule.name)
        row: dict[str, Any] = {
            "name": rule.name, "kind": rule.kind, "nouns": list(rule.nouns), "interval": rule.interval,
            "state": state_of(rule, beat, wall), "heard": None, "source": rule.source or rule.name,
        }  # fmt: skip
        if beat is not None:
            # A source that is only posted to owes us nothing: what counts is that its door is open.
            heard = beat.time if rule.interval is None else beat.last_success
            row |= {
                "heard": heard.timestamp() if heard else None,
                "last_event": beat.last_event.timestamp() if beat.last_event else None,
                "beat": beat.time.timestamp(), "error": beat.error,
                "began": beat.began.timestamp() if beat.began else None, "done": beat.done,
            } | {name: getattr(beat, name) for name in COUNTERS}  # fmt: skip
        rows.append(row)
    return {"feeds": rows}


COUNTERS = ("received", "stored", "duplicate", "dead", "flawed", "restarts", "waiting")


def alerts(health: Health, wall: float) -> Iterator[Alert]:
    """Sources that are silent, failing or were never heard of; where nothing beats at all, that alone. Wall time."""
    beats = health.beats.values()
    newest = max((beat.time.timestamp() for beat in beats), default=None)
    if newest is not None and wall - newest > max(5 * BEAT, 10.0):
        title = Words("数据接入进程无心跳", "The process of the feeds does not beat")
        yield Alert(f"feed|house|{newest:.0f}", 1, newest, title)
        return
    for rule in health.rules.feeds:
        beat = health.beats.get(rule.name)
        state = state_of(rule, beat, wall)
        if beat is None or state not in ALERTING:
            continue
        severity, words = ALERTING[state]
        last = beat.last_success or beat.began
        since = wall if last is None else last.timestamp()
        # One that fails and works by turns is told of once an hour.
        mark = since if state == "silent" else since // 3600
        said = one_line(beat.error)
        yield Alert(
            f"feed|{rule.name}|{state}|{mark if last else 0:.0f}", severity, since,
            Words(f"数据源{words.zh} · {rule.name}", f"Feed {words.en} · {rule.name}"), Words(said, said),
        )  # fmt: skip


ALERTING = {
    "silent": (2, Words("无声", "silent")), "failing": (3, Words("故障", "failing")),
    "never": (3, Words("未接入", "never heard")),
}  # fmt: skip
NOUN = Noun(name="feed", events=(FeedBeat,), slice=Health, views={"feeds": view_feeds}, alerts=alerts)

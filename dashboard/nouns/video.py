"""Cameras: what their platforms list and poll, and the state of each by that and the time alone.

A platform's poll is one event, however many cameras it has: a status for all of them (``usual``) and those that
differ (``others``), so that 30,000 cameras each ten seconds are a few events and history stays small and whole.
A camera's record is its ``trail``, the moments at which its status changed; everything else follows from it.

Sources of the rules: a camera is offline after three missed heartbeats in a row, which here are polls that do not
find it; one that comes and goes is damped; after a restart of the platform its cameras have time to come back;
where the platform itself is silent its cameras are unknown, which is not offline.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple

import msgspec

from dashboard.events import Event
from dashboard.nouns.thresholds import VideoTable

ONLINE, DEGRADED, OFFLINE, PLANNED, UNKNOWN = range(5)
STATES = ("online", "degraded", "offline", "planned", "unknown")

DOWN, PICTURE, CLOCK, LOSS, RECORDER = 1, 2, 4, 8, 16  # What ails a camera in a poll; 0 is well.
FLAPPING = 32  # Worked out here, never sent.
FAULTS = {"picture": PICTURE, "clock": CLOCK, "loss": LOSS, "recorder": RECORDER, "flapping": FLAPPING}

PATIENCE = 10.0  # Seconds before which no platform is called silent.
KEPT = 32  # Polls that are kept whole, so that one that comes late can take its place.
NEVER = float("-inf")
EVER = float("inf")

Count = Annotated[int, msgspec.Meta(ge=0)]
Text = Annotated[str, msgspec.Meta(max_length=200)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=4_102_444_800)]  # Since 1970 UTC, up to the year 2100.


class Camera(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a camera. ``lon`` and ``lat`` are WGS-84; ``planned`` are outages that were announced,
    as (from, to) in seconds since 1970 UTC.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    name: Text = ""
    place: Text = ""
    street: Text = ""
    switch: Text = ""
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    planned: tuple[tuple[Seconds, Seconds], ...] = ()


class CamerasListed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="camera.listed"):
    """A platform (``subject``) lists its cameras, or the ``part`` of them that bears this name, completely.

    What was in the part's last list and is not in this one is no longer there.
    """

    part: str = ""
    cameras: tuple[Camera, ...] = ()


class CamerasPolled(Event, frozen=True, kw_only=True, omit_defaults=True, tag="camera.polled"):
    """A platform (``subject``) was asked at ``time`` for all its cameras, as it is each ``interval`` seconds.

    ``others`` maps the id of each camera that is not as ``usual`` to its status, a sum of ``DOWN``, ``PICTURE``,
    ``CLOCK``, ``LOSS`` and ``RECORDER``. ``restarted`` is when the platform itself came up, 0 if it does not say.
    """

    interval: Annotated[float, msgspec.Meta(gt=0, le=86_400)]
    usual: Annotated[int, msgspec.Meta(ge=0, lt=32)] = 0
    others: dict[str, Annotated[int, msgspec.Meta(ge=0, lt=32)]] = msgspec.field(default_factory=dict)
    restarted: Seconds = 0.0


class CamerasRecorded(Event, frozen=True, kw_only=True, omit_defaults=True, tag="camera.recorded"):
    """How many seconds of a local day (YYYY-MM-DD) cameras of a platform have recorded so far, and should have.

    The latest word on a camera and day counts.
    """

    day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
    seconds: dict[str, tuple[Count, Count]] = msgspec.field(default_factory=dict)


class Poll(NamedTuple):
    """A poll that is kept whole."""

    time: float
    id: str
    interval: float
    usual: int
    others: Mapping[str, int]

    def of(self, camera: str) -> int:
        """The status of a camera; one that is down has no other ailment."""
        status = self.others.get(camera, self.usual)
        return DOWN if status & DOWN else status


class Verdict(NamedTuple):
    """A camera's state with its faults, since when, and when time alone may change it."""

    state: int
    faults: int
    since: float
    until: float


class Platform:
    """What is known of one platform apart from its cameras. All moments are seconds since 1970 UTC."""

    __slots__ = ("gaps", "interval", "key", "name", "polls", "restarts", "table", "times")

    def __init__(self, key: str, name: str, table: VideoTable) -> None:
        self.key, self.name, self.table = key, name, table
        self.interval = 0.0
        self.times: list[float] = []  # All polls within the horizon, in order.
        self.polls: list[Poll] = []  # The last of them, whole.
        self.restarts: list[float] = []
        self.gaps: list[tuple[float, float]] = []  # From when it was silent, and the poll that ended it.

    def take(self, poll: Poll, restarted: float) -> bool | None:
        """Put a poll in its place: True if it is the latest, False if it came late, None if it changes nothing."""
        restarted = round(restarted / 60) * 60.0  # Who works it out from how long it has been up is off by seconds.
        if restarted and restarted not in self.restarts:
            self.restarts.insert(bisect_left(self.restarts, restarted), restarted)
        if not self.times or poll.time > self.times[-1]:
            self._gap(poll)
            self.times.append(poll.time)
            self.polls.append(poll)
            if len(self.polls) > KEPT:
                del self.polls[0]
            self.interval = poll.interval
            return True
        if len(self.polls) == KEPT and poll.time < self.polls[0].time:
            return None
        at = bisect_left(self.polls, (poll.time,))
        if at < len(self.polls) and self.polls[at].time == poll.time:
            if poll.id <= self.polls[at].id:
                return None
            self.polls[at] = poll
        else:
            self.polls.insert(at, poll)
            self.times.insert(bisect_left(self.times, poll.time), poll.time)
        self.interval = self.polls[-1].interval
        first, rest = self.polls[0], self.polls[1:]
        self.gaps = [gap for gap in self.gaps if gap[1] <= first.time]
        times, self.times = self.times, self.times[: bisect_right(self.times, first.time)]
        for one in rest:
            self._gap(one)
            self.times.append(one.time)
        assert self.times == times
        return False

    def set_back(self, now: float) -> None:
        """Hold what was polled at moments after ``now`` to be of now: it was stamped by a clock that ran ahead.

        Of those polls the last one stays.
        """
        if self.polls and self.polls[-1].time > now:
            latest = self.polls[-1]._replace(time=now)
            self.polls = [*(poll for poll in self.polls if poll.time < now), latest]
            self.times = [*self.times[: bisect_left(self.times, now)], now]
        self.gaps = [gap for gap in self.gaps if gap[1] <= now]
        self.restarts = [start for start in self.restarts if start <= now + 60]

    def _gap(self, poll: Poll) -> None:
        """Note the silence that a poll ends."""
        if self.times:
            silent = self.times[-1] + self._patience(poll.interval)
            if poll.time > silent:
                self.gaps.append((silent, poll.time))

    def _patience(self, interval: float) -> float:
        return max(self.table.silent_intervals * interval, PATIENCE)

    @property
    def grace(self) -> float:
        """Seconds after a restart or a silence in which nothing is missed."""
        return 60 * self.table.grace_minutes

    @property
    def silent_at(self) -> float:
        """From when it is silent, should nothing more be heard of it."""
        return self.times[-1] + self._patience(self.interval) if self.times else NEVER

    def forgiving(self) -> Iterator[tuple[float, float]]:
        """The spans in which a camera that is not found has missed nothing: after restarts and after silences."""
        for start in (*self.restarts, *(end for _, end in self.gaps)):
            yield start, start + self.grace

    def forgiven(self, start: float, end: float) -> Iterator[tuple[float, float]]:
        """What of them lies from ``start`` to ``end``."""
        for a, b in self.forgiving():
            if max(a, start) < min(b, end):
                yield max(a, start), min(b, end)

    def misses(self, start: float, end: float) -> int:
        """How many polls that count lie in ``start <= time < end``."""
        times = self.times
        low, high = bisect_left(times, start), bisect_left(times, end)
        if high - low == 0:
            return 0
        counted, reached = high - low, low
        for a, b in sorted(self.forgiving()):
            first, last = max(bisect_left(times, a), reached), min(bisect_left(times, b), high)
            if last > first:
                counted -= last - first
                reached = last
        return counted

    def forget_before(self, moment: float) -> None:
        """Drop what lies before ``moment``; the polls that are kept whole stay."""
        first = min(moment, self.polls[0].time) if self.polls else moment
        del self.times[: bisect_left(self.times, first)]
        self.restarts = [start for start in self.restarts if start + self.grace >= first]
        self.gaps = [gap for gap in self.gaps if gap[1] + self.grace >= first]


class Watched:
    """A camera with its trail of (moment, status) in order, each status other than the one before."""

    __slots__ = ("camera", "first", "key", "listed", "part", "platform", "stamp", "trail", "verdict")

    def __init__(self, camera: Camera, platform: Platform) -> None:
        self.key = f"{platform.key}|{camera.id}"  # What tells it from all others.
        self.camera, self.platform = camera, platform
        self.part, self.stamp = "", (NEVER, "")  # The list it was last in.
        self.listed = False
        self.first = EVER  # When it was listed for the first time; polls before say nothing of it.
        self.trail: list[tuple[float, int]] = []
        self.verdict: Verdict | None = None  # As it is counted; None while it is not.

    def note(self, time: float, status: int) -> bool:
        """The status at the latest poll; True if it is another than before."""
        if self.trail and self.trail[-1][1] == status:
            return False
        self.trail.append((time, status))
        return True

    def set_back(self, now: float) -> None:
        """Hold what was noted at moments after ``now`` to be of now, the last of it."""
        self.first, self.stamp = (
            min(self.first, now) if self.first < EVER else EVER,
            (min(self.stamp[0], now), self.stamp[1]),
        )
        if self.trail and self.trail[-1][0] > now:
            status = self.trail[-1][1]
            self.trail = [step for step in self.trail if step[0] < now]
            self.note(now, status)

    def retrace(self) -> None:
        """Build anew the end of the trail, from the polls that are kept whole."""
        polls = self.platform.polls
        if not polls:
            return
        self.trail = [step for step in self.trail if step[0] < polls[0].time]
        for poll in polls:
            if poll.time >= self.first:
                self.note(poll.time, poll.of(self.camera.id))

    # -- what follows from the trail -----------------------------------------------------------------------

    def judge(self, now: float) -> Verdict:
        """Its state at ``now``."""
        platform, trail = self.platform, self.trail
        table, until = platform.table, EVER
        for start, end in self.camera.planned:
            if start <= now < end:
                return Verdict(PLANNED, 0, start, end)
            if now < start:
                until = min(until, start)
        if not trail:
            return Verdict(UNKNOWN, 0, NEVER, until)
        if now > platform.silent_at:
            return Verdict(UNKNOWN, 0, platform.silent_at, until)
        since, status = trail[-1]
        if len(trail) >= table.flaps:
            calm = self._calm_at()
            if calm is not None and now < calm:
                return Verdict(DEGRADED, FLAPPING, calm - 60 * table.calm_minutes, min(until, calm))
        if status & DOWN:
            if platform.misses(since, EVER) >= table.misses:
                return Verdict(OFFLINE, 0, since, until)
            before = trail[-2][1] if len(trail) > 1 else DOWN
            forgiven = any(a <= poll < b for poll in platform.times[-table.misses :] if poll >= since
                           for a, b in platform.forgiving())  # fmt: skip
            if forgiven or before & DOWN:
                return Verdict(UNKNOWN, 0, since, until)
            since, status = trail[-2]
        return Verdict(DEGRADED if status else ONLINE, status, since, until)

    def _calm_at(self) -> float | None:
        """When it is calm again, if it is flapping or has been; None if it never was."""
        table = self.platform.table
        flaps, window, rest = table.flaps, 60 * table.flap_minutes, 60 * table.calm_minutes
        turns: list[float] = []
        calm: float | None = None
        before: int | None = None
        for time, status in self.trail:
            down = status & DOWN
            if before is not None and down != before:
                turns.append(time)
                restless = calm is not None and time < calm
                if restless or (len(turns) >= flaps and time - turns[-flaps] <= window):
                    calm = time + rest
            before = down
        return calm

    def outages(self, now: float) -> Iterator[tuple[float, float]]:
        """The spans (from, to) in which it was offline, the last one up to ``now`` or to where its platform fell
        silent. What was planned, and what nobody could know, is part of them: see ``offline_within``.
        """
        trail, platform = self.trail, self.platform
        for at, (start, status) in enumerate(trail):
            if status & DOWN:
                last = at + 1 == len(trail)
                end = EVER if last else trail[at + 1][0]
                if platform.misses(start, end) >= platform.table.misses:
                    yield start, min(now, platform.silent_at) if last else end

    def offline_within(self, start: float, end: float, now: float) -> float:
        """Seconds of ``start`` to ``end`` in which it was offline: not planned, and not unknown."""
        away = self._away()
        total = 0.0
        for a, b in self.outages(now):
            a, b = max(a, start), min(b, end)
            if b > a:
                total += b - a - _covered(a, b, away)
        return total

    def known_within(self, start: float, end: float, now: float) -> float:
        """Seconds of ``start`` to ``end`` in which it should have been online and its state was known: not planned,
        heard of before, its platform neither silent nor just back without it. Those of ``offline_within`` are among
        them.
        """
        if not self.trail:
            return 0.0
        start, end = max(start, self.trail[0][0]), min(end, now, self.platform.silent_at)
        return end - start - _covered(start, end, [*self._away(), *self.unknown()]) if end > start else 0.0

    def _away(self) -> list[tuple[float, float]]:
        """The spans that count neither way: planned, or its platform was silent."""
        return [*self.camera.planned, *self.platform.gaps]

    def unknown(self) -> Iterator[tuple[float, float]]:
        """The spans in which it was not found, and that was no outage: it had never been there, or its platform had
        just come back.
        """
        trail, platform = self.trail, self.platform
        ever = bool(platform.restarts or platform.gaps)
        for at, (start, status) in enumerate(trail):
            if status & DOWN and (ever or not at):
                end = trail[at + 1][0] if at + 1 < len(trail) else EVER
                if platform.misses(start, end) < platform.table.misses:
                    yield from platform.forgiven(start, end) if at else [(start, end)]

    def forget_before(self, moment: float) -> None:
        """Shorten the trail before ``moment`` to what still counts: when it was first heard of, the outages that reach
        beyond it, and its end.
        """
        keep = bisect_left(self.trail, (moment, 0)) - 1
        if keep > 1:
            del self.trail[1:keep]

    def smooth_before(self, moment: float) -> None:
        """Leave out of the trail what lies before ``moment`` and counts for nothing, too short for an outage and not
        unknown either, so that flapping is cheap.
        """
        trail, kept, platform = self.trail, list[tuple[float, int]](), self.platform
        for at, (start, status) in enumerate(trail):
            end = trail[at + 1][0] if at + 1 < len(trail) else EVER
            if (
                status & DOWN and end < moment and platform.misses(start, end) < platform.table.misses
                and not (at and any(platform.forgiven(start, end)))
            ):  # fmt: skip
                continue
            if not kept or kept[-1][1] != status:
                kept.append((start, status))
        self.trail = kept


def _covered(start: float, end: float, spans: list[tuple[float, float]]) -> float:
    """How many seconds from ``start`` to ``end`` lie in any of the spans."""
    total, reached = 0.0, start
    for a, b in sorted(spans) if len(spans) > 1 else spans:
        a, b = max(a, reached), min(b, end)
        if b > a:
            total += b - a
            reached = b
    return total

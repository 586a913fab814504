"""The cameras' slice of the board: the state of each, and how many are in which, at every place and platform.

Like the tickets' counts these are sums of what single cameras contribute: one whose state changes is taken out as
it was and put back as it is. Only those whose status a poll changes are looked at; time is kept by a heap of the
moments at which it alone changes a state, and by each platform's last poll.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from heapq import heappop, heappush
from typing import Any

import msgspec

from dashboard.events import Event
from dashboard.nouns.noun import Rules, SetBack
from dashboard.nouns.periods import Calendar
from dashboard.nouns.video import (
    DOWN,
    EVER,
    STATES,
    Camera,
    CamerasListed,
    CamerasPolled,
    CamerasRecorded,
    Platform,
    Poll,
    Verdict,
    Watched,
)

DAYS = 2  # Today and yesterday are kept; each local midnight what is older goes.
LONG = 64  # Steps of a trail from which on it is looked through for what no longer counts.


class Roll:
    """One platform with its cameras."""

    __slots__ = ("cameras", "fresh", "open", "parts", "platform", "silent")

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.cameras: dict[str, Watched] = {}
        self.parts: dict[str, tuple[float, str, frozenset[str]]] = {}
        self.fresh: set[str] = set()  # Listed, and not polled since.
        self.open: set[str] = set()  # Not found by the last poll, and not yet judged for good.
        self.silent = True


class Cameras:
    """The cameras' slice of the board."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.calendar = Calendar(rules.zone)
        self.now = 0.0
        self.day = 0  # The local day, as ``date.toordinal``.
        self.horizon = float("-inf")
        self.late = 0  # Polls that came too late to be put in their place.
        # How often a state, a list or a recording has changed: what is worked out from them is kept until then.
        self.round = self.lists = self.records = 0
        self.rolls: dict[str, Roll] = {}
        self.counts: dict[str, list[int]] = defaultdict(lambda: [0] * len(STATES))
        self.by_platform: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(STATES))
        self.recorded: dict[tuple[str, int], tuple[float, str, int, int]] = {}  # (key, day) → time, id, done, due
        self.restless: set[str] = set()  # Keys of the cameras that are down, or were within the horizon.
        self.kept: dict[Any, Any] = {}  # What views have worked out, until a state or a list changes.
        self._moments: list[tuple[float, str, str]] = []
        self._time = SetBack()

    # -- folding -------------------------------------------------------------------------------------------

    def fold(self, event: Event) -> None:
        """Take in a list, a poll or a day's recordings."""
        event = self._time.held(event)
        if isinstance(event, CamerasPolled):
            self._poll(self._roll(event), event)
        elif isinstance(event, CamerasListed):
            self._list(self._roll(event), event)
        elif isinstance(event, CamerasRecorded):
            self._record(event)

    def _roll(self, event: Event) -> Roll:
        key = f"{event.source}|{event.subject}"
        roll = self.rolls.get(key)
        if roll is None:
            roll = self.rolls[key] = Roll(Platform(key, event.subject, self.rules.video))
            self.lists += 1
        return roll

    def _list(self, roll: Roll, event: CamerasListed) -> None:
        stamp = event.time.timestamp(), event.id
        before = roll.parts.get(event.part)
        latest = before is None or before[:2] < stamp
        if latest:
            roll.parts[event.part] = (*stamp, frozenset(camera.id for camera in event.cameras))
        self.lists += 1
        seen: set[str] = set()
        for camera in event.cameras:
            seen.add(camera.id)
            watched = roll.cameras.get(camera.id)
            if watched is None:
                watched = roll.cameras[camera.id] = Watched(camera, roll.platform)
            if stamp[0] < watched.first:
                watched.first = stamp[0]
                self._retrace(watched)
                roll.fresh.add(camera.id)
            if watched.stamp < stamp:
                self._count(watched, None)
                watched.camera, watched.stamp, watched.part = camera, stamp, event.part
                self._plan(roll, watched)
            self._judge(roll, watched)
        for name in (before[2] - seen) if latest and before else ():
            self._judge(roll, roll.cameras[name])

    def _retrace(self, watched: Watched) -> None:
        watched.retrace()
        if any(status & DOWN for _, status in watched.trail):
            self.restless.add(watched.key)

    def _present(self, roll: Roll, watched: Watched) -> bool:
        """Whether the latest list of the part it was last in still holds it."""
        part = roll.parts.get(watched.part)
        return part is not None and watched.camera.id in part[2]

    def _poll(self, roll: Roll, event: CamerasPolled) -> None:
        platform = roll.platform
        before = platform.polls[-1] if platform.polls else None
        poll = Poll(event.time.timestamp(), event.id, event.interval, event.usual, event.others)
        restarts = len(platform.restarts)
        latest = platform.take(poll, event.restarted)
        if latest is None:
            known = poll.time in {one.time for one in platform.polls}
            self.late += not known
            return
        if not latest:
            self.round += 1
            for watched in roll.cameras.values():
                self._retrace(watched)
                self._judge(roll, watched)
            return
        silent = self.now > platform.silent_at
        if roll.silent != silent or before is None or before.usual != poll.usual or len(platform.restarts) != restarts:
            touched = set(roll.cameras)
        else:
            touched = {name for name, _ in before.others.items() ^ poll.others.items()} | roll.fresh
        roll.silent = silent
        roll.fresh = set()
        for name in touched:
            found = roll.cameras.get(name)
            if found is None:
                continue
            if found.first > poll.time:
                roll.fresh.add(name)
            elif found.note(poll.time, poll.of(name)):
                self.round += 1
                if len(found.trail) > LONG:
                    found.smooth_before(min(poll.time - 60 * self.rules.video.flap_minutes, platform.polls[0].time))
        for name in touched | roll.open:
            if name in roll.cameras:
                self._judge(roll, roll.cameras[name])

    def _record(self, event: CamerasRecorded) -> None:
        try:
            day = date.fromisoformat(event.day).toordinal()
        except ValueError:  # It looks like a day and is none.
            self.late += 1
            return
        if day < self.day - DAYS or not event.seconds:
            return
        self.records += 1
        stamp = event.time.timestamp(), event.id
        for name, (done, due) in event.seconds.items():
            slot = f"{event.source}|{event.subject}|{name}", day
            known = self.recorded.get(slot)
            if known is None or known[:2] < stamp:
                self.recorded[slot] = (*stamp, done, due)

    # -- time ----------------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Turn what time alone turns: planned outages, flapping that has calmed, platforms that fall silent."""
        if self._time.to(now):
            self._go_back(now)
        self.now = now
        while self._moments and self._moments[0][0] <= now:
            _, key, name = heappop(self._moments)
            roll = self.rolls[key]
            if name in roll.cameras:
                self._judge(roll, roll.cameras[name])
        for roll in self.rolls.values():
            silent = now > roll.platform.silent_at
            if silent != roll.silent:
                roll.silent = silent
                for watched in roll.cameras.values():
                    self._judge(roll, watched)
        day = self.calendar.day_and_month(now)[0]
        if day != self.day:
            self.day = day
            before = self.calendar.midnight(self.calendar.midnight(now) - 43_200)
            self._forget(self.calendar.midnight(before - 43_200))

    def _go_back(self, now: float) -> None:
        """Judge every camera anew; what was polled and listed by a clock that ran ahead is held to be of now."""
        self.now = now
        self.round += 1
        self.lists += 1
        for roll in self.rolls.values():
            roll.platform.set_back(now)
            roll.parts = {part: (min(time, now), event, ids) for part, (time, event, ids) in roll.parts.items()}
            roll.silent = now > roll.platform.silent_at
            for watched in roll.cameras.values():
                watched.set_back(now)
                self._plan(roll, watched)
                self._judge(roll, watched)

    def _forget(self, horizon: float) -> None:
        """Let go of what no view asks for any more, even should the clock go back over a midnight: all before that
        with which the day before yesterday began.
        """
        self.horizon = horizon
        self.round += 1
        for roll in self.rolls.values():
            roll.platform.forget_before(horizon)
            for watched in roll.cameras.values():
                watched.forget_before(horizon)
                if not any(status & DOWN for _, status in watched.trail):
                    self.restless.discard(watched.key)
        self.records += 1
        for slot in [slot for slot in self.recorded if slot[1] < self.day - DAYS]:
            del self.recorded[slot]

    def _plan(self, roll: Roll, watched: Watched) -> None:
        for moment in (moment for span in watched.camera.planned for moment in span):
            if moment > self.now:
                heappush(self._moments, (moment, roll.platform.key, watched.camera.id))

    # -- counting ------------------------------------------------------------------------------------------

    def _judge(self, roll: Roll, watched: Watched) -> None:
        """Look at a camera anew, and count what has changed."""
        name = watched.camera.id
        watched.listed = self._present(roll, watched)
        verdict = watched.judge(self.now)
        if watched.trail and watched.trail[-1][1] & DOWN:
            self.restless.add(watched.key)
            if roll.platform.misses(watched.trail[-1][0], EVER) < self.rules.video.misses:
                roll.open.add(name)
            else:
                roll.open.discard(name)
        else:
            roll.open.discard(name)
        if verdict.until < EVER and (watched.verdict is None or watched.verdict.until != verdict.until):
            heappush(self._moments, (verdict.until, roll.platform.key, name))
        self._count(watched, verdict if watched.listed else None)

    def _count(self, watched: Watched, verdict: Verdict | None) -> None:
        before = watched.verdict
        watched.verdict = verdict
        if before == verdict:
            return
        self.round += 1
        was, will = before and before.state, verdict and verdict.state
        if was == will:
            return
        platform = watched.platform.key
        for code in self.rules.places.path(watched.camera.place):
            counts, mine = self.counts[code], self.by_platform[code, platform]
            if was is not None:
                counts[was] -= 1
                mine[was] -= 1
            if will is not None:
                counts[will] += 1
                mine[will] += 1

    # -- snapshot ------------------------------------------------------------------------------------------

    def dump(self) -> object:
        """Platforms, cameras and recordings; counts and states follow from them."""
        return [
            self.now, self.late,
            [
                [
                    roll.platform.key, roll.platform.name, roll.platform.interval, roll.platform.times,
                    roll.platform.polls, roll.platform.restarts, roll.platform.gaps,
                    {name: [time, event, sorted(ids)] for name, (time, event, ids) in roll.parts.items()},
                    [[w.camera, w.part, w.stamp, w.first, w.trail] for w in roll.cameras.values()],
                ]
                for roll in self.rolls.values()
            ],
            [[*slot, *value] for slot, value in self.recorded.items()],
        ]  # fmt: skip

    def load(self, dumped: object) -> None:
        """Build the slice anew."""
        now, late, rolls, recorded = msgspec.convert(dumped, _Dumped)
        fresh = Cameras(self.rules)
        fresh.late = late
        for key, name, interval, times, polls, restarts, gaps, parts, cameras in rolls:
            platform = Platform(key, name, self.rules.video)
            platform.interval, platform.times, platform.polls = interval, times, polls
            platform.restarts, platform.gaps = restarts, gaps
            roll = fresh.rolls[key] = Roll(platform)
            roll.parts = {part: (time, event, frozenset(ids)) for part, (time, event, ids) in parts.items()}
            for camera, part, stamp, first, trail in cameras:
                watched = roll.cameras[camera.id] = Watched(camera, platform)
                watched.part, watched.stamp, watched.first, watched.trail = part, stamp, first, trail
        fresh.now = now
        fresh.recorded = {(key, day): (time, event, done, due) for key, day, time, event, done, due in recorded}
        for roll in fresh.rolls.values():
            roll.silent = now > roll.platform.silent_at
            last = roll.platform.times[-1] if roll.platform.times else float("-inf")
            for name, watched in roll.cameras.items():
                if any(status & DOWN for _, status in watched.trail):
                    fresh.restless.add(watched.key)
                if watched.first > last:
                    roll.fresh.add(name)
                fresh._plan(roll, watched)
                fresh._judge(roll, watched)
        fresh.advance(now)
        self.__dict__.update(fresh.__dict__)

    # -- for the views -------------------------------------------------------------------------------------

    def watched(self, place: str) -> list[Watched]:
        """The listed cameras at a place and below it, in the order of their keys."""
        slot = ("watched", place, self.lists)
        found: list[Watched] | None = self.kept.get(slot)
        if found is None:
            for old in [old for old in self.kept if old[:2] == slot[:2]]:
                del self.kept[old]
            path = self.rules.places.path
            found = [
                watched
                for roll in self.rolls.values()
                for watched in roll.cameras.values()
                if watched.listed and place in path(watched.camera.place)
            ]
            found.sort(key=lambda watched: watched.key)
            self.kept[slot] = found
        return found

    def known_within(self, place: str, start: float, end: float, now: float) -> float:
        """Seconds of all cameras at a place in which they should have been online and their state was known."""
        alike: dict[tuple[Platform, float], float] = {}
        total = 0.0
        for watched in self.watched(place):
            if not watched.trail or watched.trail[0][0] >= end:
                continue
            if watched.camera.planned or (watched.key in self.restless and any(watched.unknown())):
                total += watched.known_within(start, end, now)
            else:  # It is known for as long as others of its platform.
                slot = watched.platform, max(start, watched.trail[0][0])
                if slot not in alike:
                    alike[slot] = watched.known_within(start, end, now)
                total += alike[slot]
        return total


_Dumped = tuple[
    float,
    int,
    list[
        tuple[
            str,
            str,
            float,
            list[float],
            list[Poll],
            list[float],
            list[tuple[float, float]],
            dict[str, tuple[float, str, list[str]]],
            list[tuple[Camera, str, tuple[float, str], float, list[tuple[float, int]]]],
        ]
    ],
    list[tuple[str, int, float, str, int, int]],
]

"""Recordings: what the cameras of a platform have recorded of a day, as far as their recorder can tell.

A recorder is asked for each camera by itself, which takes long; so it is done seldom, beside the polls, a few at a
time. What it lists are files. A camera about which it gave no answer, or one that cannot be true, is left out: how
much it has recorded is unknown, and not nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from dashboard.events import Event
from dashboard.masking import cut, mask
from dashboard.nouns.video import CamerasRecorded
from dashboard.sources.feed import Context, Rejected, SourceFailed, SourceNonsense
from dashboard.sources.values import Refusal

AT_ONCE = 4  # Cameras that a recorder is asked about at a time.
TOLD = 2000  # Cameras of one event.
Span = tuple[float, float]
Read = Callable[[Any, Any, Span, float], tuple[list[Span], float]]
"""How a kind reads the reply about one camera: f(reply, settings, day, until) → what was recorded, and up to when it
is known. ``day`` is from midnight to midnight and ``until`` the moment of the question, in seconds since 1970 UTC.
"""


class RecordingSettings(BaseModel):
    """Whether recordings are asked for, and in which zone the platform lives; its settings extend these."""

    recordings: Annotated[float, Field(ge=60)] | None = None  # Seconds between two looks at them; else never.
    zone: str = ""  # Of times that name none; the city's.
    settle: Annotated[float, Field(ge=0, le=86_400)] = 3600.0  # A file is listed when it is closed, at the latest then.


@dataclass(frozen=True)
class Recorded:
    """What was answered about a local day: the reply for each camera, or why there was none."""

    moment: float
    day: str
    replies: Mapping[str, Any]
    failed: Mapping[str, str] = field(default_factory=dict)
    planned: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        some = [f"{camera}: {reply}" for camera, reply in list(self.replies.items())[:3]]
        return mask(f"{self.day} {' '.join(some)}"[:4096])


class Looker:
    """Looks for recordings beside the polls. The day before is looked at once more after midnight."""

    def __init__(self, every: float, settings: Any, ctx: Context, look: Callable[[Any, date], Awaitable[Any]]) -> None:
        self.every, self.settings, self.ctx, self.look = every, settings, ctx, look
        self.zone = ZoneInfo(settings.zone)
        self.began = float("-inf")
        self.last: date | None = None
        self._task: asyncio.Task[list[Recorded]] | None = None

    def begin(self, cameras: Mapping[str, Any], planned: Mapping[str, tuple[Span, ...]]) -> None:
        """Look at these cameras, if it is time and nothing is under way."""
        now = self.ctx.now()
        if self._task is None and cameras and now.timestamp() - self.began >= self.every:
            self.began = now.timestamp()
            today = now.astimezone(self.zone).date()
            days = [today] if self.last == today else [today - timedelta(days=1), today]
            self.last = today
            self._task = asyncio.create_task(self._all(days, dict(cameras), planned))

    def found(self) -> list[Recorded]:
        """What has been found since; empty while it is under way."""
        if self._task is None or not self._task.done():
            return []
        task, self._task = self._task, None
        return task.result()

    def close(self) -> None:
        """Look no further."""
        if self._task is not None:
            self._task.cancel()

    async def _all(
        self, days: list[date], cameras: dict[str, Any], planned: Mapping[str, tuple[Span, ...]]
    ) -> list[Recorded]:
        found = []
        for day in days:
            replies: dict[str, Any] = {}
            failed: dict[str, str] = {}
            waiting = iter(cameras.items())

            async def work(
                day: date = day, waiting: Iterator[tuple[str, Any]] = waiting, replies: dict[str, Any] = replies,
                failed: dict[str, str] = failed,
            ) -> None:  # fmt: skip
                for camera, called in waiting:
                    try:
                        replies[camera] = await self.look(called, day)
                    except SourceFailed as error:
                        failed[camera] = str(error)

            async with asyncio.TaskGroup() as tasks:
                for _ in range(AT_ONCE):
                    tasks.create_task(work())
            found.append(Recorded(self.ctx.now().timestamp(), day.isoformat(), replies, failed, planned))
        return found


def recordings_of(found: Recorded, settings: Any, ctx: Context, read: Read) -> Iterator[Event | Rejected]:
    """The seconds recorded and due of each camera that is known, and what was refused, once for each reason."""
    zone = ZoneInfo(settings.zone)
    midnight = datetime.fromisoformat(found.day).replace(tzinfo=zone)
    day = midnight.timestamp(), (midnight + timedelta(days=1)).timestamp()
    until = min(day[1], found.moment)
    seconds: dict[str, tuple[int, int]] = {}
    unknown = {"recordings_unknown": [(camera, why) for camera, why in found.failed.items()]}
    for camera, reply in sorted(found.replies.items()):
        try:
            spans, known = read(reply, settings, day, found.moment)
        except (SourceNonsense, Refusal) as nonsense:
            unknown.setdefault(nonsense.reason, []).append((camera, nonsense.detail))
            continue
        asked = without([(day[0], min(known, until))], found.planned.get(camera, ()))
        due = round(length(asked))
        if due > 0:
            seconds[camera] = min(due, round(length(common(spans, asked)))), due
    name, source = settings.platform or settings.name, settings.source or settings.name
    time, stamp = datetime.fromtimestamp(found.moment, UTC), round(found.moment * 1000)
    told = list(seconds.items())
    for at in range(0, len(told), TOLD):
        yield CamerasRecorded(
            id=f"{name}:recorded:{found.day}:{at // TOLD}:{stamp}", source=source, subject=name, time=time,
            day=found.day, seconds=dict(told[at : at + TOLD]),
        )  # fmt: skip
    for reason, cameras in unknown.items():
        if cameras:
            camera, why = cameras[0]
            many = f"of {len(cameras):,} cameras nobody knows; of the first: {why}"
            yield Rejected(reason, mask(camera)[:200], f"{found.day} {cut(camera, 60)}", many[:400], kept=True)


# -- spans of time -------------------------------------------------------------------------------------------------


def length(spans: list[Span]) -> float:
    """How long spans are that do not overlap."""
    return sum(end - start for start, end in spans)


def joined(spans: list[Span]) -> list[Span]:
    """The same in order, those that touch or overlap made one.

    >>> joined([(5, 7), (1, 3), (2, 4)])
    [(1, 4), (5, 7)]
    """
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        elif end > start:
            found.append((start, end))
    return found


def common(some: list[Span], others: list[Span]) -> list[Span]:
    """What lies in both.

    >>> common([(0, 5), (4, 8)], [(3, 4), (6, 20)])
    [(3, 4), (6, 8)]
    """
    return joined([
        (max(start, other), min(end, last))
        for start, end in joined(some)
        for other, last in joined(others)
        if max(start, other) < min(end, last)
    ])  # fmt: skip


def without(spans: list[Span], others: tuple[Span, ...]) -> list[Span]:
    """What lies in ``spans`` and in none of ``others``.

    >>> without([(0, 10)], ((2, 3), (9, 12)))
    [(0, 2), (3, 9)]
    """
    for start, end in others:
        spans = [
            part for first, last in spans for part in ((first, min(last, start)), (max(first, end), last))
            if part[0] < part[1]
        ]  # fmt: skip
    return spans

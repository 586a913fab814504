"""What the video platforms have in common: from cameras as they are read to lists, polls and refusals.

A platform is asked for everything each interval. Its poll is one event; its list of cameras is told in parts, and a
part only when it is another than the one last stored, so that ten thousand cameras that stay what they are cost
nothing. Half a list is no list: where a page fails the whole poll is left out, and the board says unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any, NamedTuple, cast
from zlib import crc32

import msgspec

from dashboard.events import Event
from dashboard.ground.coordinates import System, to_wgs84
from dashboard.ground.outlines import Point
from dashboard.masking import clean, cut, mask
from dashboard.nouns.video import DOWN, Camera, CamerasListed, CamerasPolled
from dashboard.sources.feed import Context, Delivery, Feed, Rejected, SourceNonsense
from dashboard.sources.inventory import Seen, VideoSettings, inventory_of
from dashboard.sources.recordings import Looker, Recorded, recordings_of
from dashboard.sources.recordings import Read as ReadRecordings
from dashboard.sources.values import Refusal, point_of
from dashboard.sources.whereabouts import beside

PARTS = 16  # Of a platform's list; a camera's id decides which it is in.
INTERVAL = 60.0  # Seconds, where neither the kind nor the city file says.
REFUSED = PARTS  # The part of what is refused, so that it too is told once and not with every poll.
LONGEST = 120  # Characters of an id.


@dataclass(frozen=True)
class Asked:
    """One whole poll: the replies as they came, when they were asked for, and which parts are to be listed anew."""

    moment: float
    replies: Sequence[Any]
    fresh: frozenset[int] = frozenset(range(PARTS + 1))
    restarted: float = 0.0
    inventory: tuple[Seen, ...] = ()
    letters: tuple[Rejected, ...] = ()  # What is refused of the inventory.
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)  # What was worked out of it before.

    def __str__(self) -> str:
        return mask(" ".join(str(reply) for reply in self.replies[:3])[:4096])


class Replies(NamedTuple):
    """The replies to one whole poll, when the platform came up (0 if it does not say), and which cameras may be asked
    about their recordings, each with what it is called in that question.
    """

    replies: Sequence[Any]
    restarted: float = 0.0
    recorders: Mapping[str, Any] = {}


Ask = Callable[[], Awaitable[Replies]]
"""How a kind asks for one whole poll."""

Look = Callable[[Any, date], Awaitable[Any]]
"""How a kind asks what was recorded on a day, by what the camera is called in that question."""

Read = Callable[[Sequence[Any], Any, float], Iterable["Seen | Rejected"]]
"""How a kind reads its replies: f(replies, settings, moment) → cameras and refusals, purely."""


def platform(
    kind: str,
    caption: str,
    Settings: type[VideoSettings],
    asking: Callable[[Any, Context], AbstractAsyncContextManager[tuple[Ask, Look | None]]],
    read: Read,
    recorded: ReadRecordings | None = None,
    **words: Any,
) -> Feed:
    """A kind of feed that is a video platform: how it is entered and asked, and how its replies are read."""

    async def open_(settings: Any, ctx: Context) -> AsyncIterator[Delivery]:
        settings = _at_home(settings, ctx)
        async with asking(settings, ctx) as (ask, look):
            async with aclosing(cast(Any, polls(settings, ctx, ask, read, look))) as found:
                async for delivery in found:
                    yield delivery

    def parse(payload: Asked | Recorded, settings: Any, ctx: Context) -> Iterator[Event | Rejected]:
        settings = _at_home(settings, ctx)
        if isinstance(payload, Recorded):
            assert recorded is not None
            return recordings_of(payload, settings, ctx, recorded)
        return events_of(payload, settings, ctx, read)

    return Feed(kind, caption, parse, open_, Settings, nouns=("camera",), **words)


def _at_home(settings: Any, ctx: Context) -> Any:
    """Settings whose times are in a zone: where they name none, in the city's."""
    return settings.model_copy(update={"zone": ctx.city.zone}) if getattr(settings, "zone", None) == "" else settings


async def polls(
    settings: VideoSettings, ctx: Context, ask: Ask, read: Read, look: Look | None = None
) -> AsyncIterator[Delivery]:
    """Ask each ``interval`` seconds; a delivery is a whole poll and knows which parts of the list have changed.

    What was recorded is looked for beside that, and delivered when all of it is known.

    Raises:
        SourceFailed: if the platform or the inventory cannot be read.
    """
    known: dict[int, bytes] = {}
    every = getattr(settings, "recordings", None)
    looker = None if look is None or every is None else Looker(every, settings, ctx, look)
    try:
        while True:
            answer = await ask()
            moment = ctx.now().timestamp()
            inventory, letters = await asyncio.to_thread(inventory_of, settings, ctx)
            asked = Asked(moment, answer.replies, restarted=answer.restarted, inventory=inventory, letters=letters)
            try:
                found = await asyncio.to_thread(digests, asked, settings, ctx, read)
            except SourceNonsense:
                yield Delivery(asked)  # parse says the same of it, and it is dead-lettered.
            else:
                yield Delivery(replace(asked, fresh=frozenset(p for p, one in found.items() if known.get(p) != one)))
                known = found
            if looker is not None:
                for seen in looker.found():
                    yield Delivery(seen)
                looker.begin(answer.recorders, {one.id: one.planned for one in inventory if one.planned})
            # Each platform has a moment of its own within the interval, so that many do not come all at once.
            interval = settings.interval or INTERVAL
            phase = crc32(settings.name.encode()) / 2**32 * interval
            await asyncio.sleep((phase - ctx.now().timestamp()) % interval or interval)
    finally:
        if looker is not None:
            looker.close()


# -- from cameras to events --------------------------------------------------------------------------------------


def events_of(asked: Asked, settings: VideoSettings, ctx: Context, read: Read) -> Iterator[Event | Rejected]:
    """The lists that are fresh, one poll, and, where they are fresh, what was refused or is flawed.

    Raises:
        SourceNonsense: as ``read`` does.
    """
    cameras, status, refused = gathered(asked, settings, ctx, read)
    name, source = settings.platform or settings.name, settings.source or settings.name
    time, stamp = datetime.fromtimestamp(asked.moment, UTC), round(asked.moment * 1000)
    if REFUSED in asked.fresh:
        yield from refused
    parts: list[list[Camera]] = [[] for _ in range(PARTS)]
    for camera in cameras:
        parts[part_of(camera.id)].append(camera)
    for part, mine in enumerate(parts):
        if part in asked.fresh:
            yield CamerasListed(
                id=f"{name}:listed:{part}:{stamp}", source=source, subject=name, time=time, part=str(part),
                cameras=tuple(mine),
            )  # fmt: skip
    usual = DOWN if sum(1 for one in status.values() if one == DOWN) * 2 > len(status) else 0
    others = {camera: one for camera, one in sorted(status.items()) if one != usual}
    yield CamerasPolled(
        id=f"{name}:polled:{stamp}", source=source, subject=name, time=time, interval=settings.interval or INTERVAL,
        usual=usual, others=others, restarted=asked.restarted,
    )  # fmt: skip


def digests(asked: Asked, settings: VideoSettings, ctx: Context, read: Read) -> dict[int, bytes]:
    """What stands in each part, in a few bytes, so that whoever asks knows which have changed.

    Raises:
        SourceNonsense: as ``read`` does.
    """
    cameras, _, refused = gathered(asked, settings, ctx, read)
    sums = [blake2b(digest_size=12) for _ in range(PARTS + 1)]
    for camera in cameras:
        sums[part_of(camera.id)].update(msgspec.msgpack.encode(camera))
    for letter in refused:
        sums[REFUSED].update(f"{letter.reason}\0{letter.where}\0{letter.raw}".encode("utf-8", "replace"))
    return {part: one.digest() for part, one in enumerate(sums)}


def part_of(camera: str) -> int:
    """The part of the list a camera is in."""
    return crc32(camera.encode("utf-8", "replace")) % PARTS


def gathered(
    asked: Asked, settings: VideoSettings, ctx: Context, read: Read
) -> tuple[list[Camera], dict[str, int], list[Rejected]]:
    """The cameras in order of their ids with points in WGS-84, the status of each, and what was refused or flawed."""
    if "gathered" not in asked.memo:
        asked.memo["gathered"] = _gathered(asked, settings, ctx, read)
    return asked.memo["gathered"]  # type: ignore[no-any-return]


def _gathered(
    asked: Asked, settings: VideoSettings, ctx: Context, read: Read
) -> tuple[list[Camera], dict[str, int], list[Rejected]]:
    refused = list(asked.letters)
    seen: dict[str, Seen] = {}
    for one in read(asked.replies, settings, asked.moment):
        if isinstance(one, Rejected):
            refused.append(one)
        elif not one.id or len(one.id) > LONGEST or not one.id.isprintable():
            refused.append(
                Rejected("bad_id", repr(one)[:1000], cut(clean(one.id), 60), "no id, too long or unprintable")
            )
        elif one.id in seen:
            refused.append(Rejected("camera_twice", repr(one)[:1000], one.id, "its first mention counts"))
        else:
            seen[one.id] = one
    for known in asked.inventory:
        there = seen.get(known.id)
        seen[known.id] = known if there is None else _merged(there, known)
    rows = sorted(seen.values(), key=lambda one: one.id)
    points = [_wgs84(one, settings.coordinates, refused) for one in rows]
    located = ctx.gazetteer.locate_many(points)
    cameras: list[Camera] = []
    said: list[tuple[Point, str]] = []
    for one, point, (code, flaw) in zip(rows, points, located, strict=True):
        place = _place(one.place, ctx)
        if flaw in ("zero_point", "swapped_point", "outside"):
            nowhere = flaw != "outside" or point is None or abs(point[1]) > 90  # No map has such a latitude.
            refused.append(Rejected(flaw, f"{one.point}", one.id, "drawn nowhere" if nowhere else "", kept=True))
            point = None if nowhere else point
        if one.place and not place:
            refused.append(Rejected("unknown_place", one.place[:200], one.id, "taken from its point", kept=True))
        if point is not None and place and code is not None:
            said.append((point, place))
        lon, lat = point or (None, None)
        cameras.append(Camera(
            id=one.id, name=cut(mask(clean(one.name)), 120), place=place or code or "",
            street=cut(clean(one.street), 120), switch=cut(clean(one.switch), 120),
            lon=lon, lat=lat, planned=one.planned,
        ))  # fmt: skip
    note = beside(said, settings.coordinates, ctx, settings.platform or settings.name)
    if note is not None:
        refused.append(note)
    return cameras, {one.id: DOWN if one.status & DOWN else one.status for one in rows}, refused


def _merged(there: Seen, known: Seen) -> Seen:
    """A camera of the platform with what the inventory knows better."""
    return replace(
        there, name=known.name or there.name, point=known.point or there.point, place=known.place or there.place,
        street=known.street or there.street, switch=known.switch or there.switch,
        planned=known.planned, more=known.more,
    )  # fmt: skip


def _wgs84(one: Seen, system: System, refused: list[Rejected]) -> Point | None:
    if one.point is None:
        return None
    try:
        point = point_of(str(one.point[0]), str(one.point[1]))
    except Refusal as refusal:
        refused.append(Rejected(refusal.reason, f"{one.point}", one.id, refusal.detail, kept=True))
        return None
    if point is None or point == (0.0, 0.0) or abs(point[1]) > 90:
        return point
    lon, lat = to_wgs84(point, system)
    return round(lon, 7), round(lat, 7)


def _place(said: str, ctx: Context) -> str:
    """A place by its code, the beginning of it (as GB/T 2260 shortens codes), or its name; "" if it is none."""
    if not said:
        return ""
    if said in ctx.places:
        return said
    return ctx.places.named(said) or ""

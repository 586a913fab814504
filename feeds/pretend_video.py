"""A simulated district's cameras: platforms, switches and streets by seed, and what ails them as time passes.

Nothing here is measured; ``pretendcameras`` makes it up. Each platform lists its cameras once a day and is polled in
turn, and every hour it is told what they have recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from dashboard.events import Event
from dashboard.nouns.video import Camera, CamerasListed, CamerasPolled, CamerasRecorded
from dashboard.sources.feed import Context, Delivery, Feed, SourceFailed
from dashboard.sources.feed import Settings as Common
from dashboard.sources.pretendcameras import HOUR, Life, district_of

PART = 400  # Cameras in one list.
PAST = 300.0  # Seconds between two polls while the past is told …
CHUNK = 200  # … of which so many are one delivery.
NAP = 1.0  # Seconds after which the wall clock is looked at again.


class Settings(Common):
    """What cameras to pretend. Another seed or number is another district: begin with an empty folder."""

    seed: int = 1
    platforms: dict[str, Annotated[int, Field(gt=0)]]  # Platform → how many cameras it has.
    roads: dict[str, list[str]] = {}  # noqa: RUF012 - town → roads that its cameras stand in.
    poll: Annotated[float, Field(ge=1, le=3600)] = 30.0  # Seconds between two polls of a platform.
    days: Annotated[int, Field(ge=0, le=2)] = 1  # How many past days are told at the first start.


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """The lists of each day, the polls of the past at first every five minutes, then each as it is due.

    The cursor is the moment of the last poll that was told.

    Raises:
        SourceFailed: if the city has no outlines.
    """
    life = await asyncio.to_thread(life_of, settings, context)
    zone = context.city.tz
    if context.cursor is None:
        first = (context.now().astimezone(zone) - timedelta(days=settings.days)).date()
        reached = datetime.combine(first, datetime.min.time(), zone).timestamp()
    else:
        reached = float(context.cursor)
    listed, count = 0, len(life.district.names)
    waiting: list[dict[str, Any]] = []
    while True:
        now = context.now().timestamp()
        if reached > now + HOUR:  # The clock was set back; what was told stays told.
            reached = now
        step = (PAST if now - reached > 2 * PAST else settings.poll) / count
        turn = int(reached / step + 1e-6) + 1  # Each platform is polled in a moment of its own.
        moment = turn * step
        if moment > now or len(waiting) >= CHUNK:
            if waiting:
                yield Delivery(waiting, f"{reached:.3f}")
                waiting = []
            if moment > now:
                await asyncio.sleep(min(moment - now, NAP))
            continue
        if life.local(moment) != listed:
            listed = life.local(moment)
            waiting += lists(life, listed)
        if int(moment // HOUR) != int(reached // HOUR):
            waiting += recordings(life, moment)
        reached = moment
        if not life.silent(turn % count, moment):
            waiting.append(await asyncio.to_thread(poll, life, turn % count, moment, step * count))


def life_of(settings: Settings, context: Context) -> Life:
    """The cameras of these settings, as time passes.

    Raises:
        SourceFailed: if the city has no outlines.
    """
    try:
        district = district_of(
            context.places, context.gazetteer.outlines, context.city.tz, seed=settings.seed,
            platforms=settings.platforms, roads=settings.roads,
        )  # fmt: skip
    except ValueError as error:
        raise SourceFailed(str(error)) from error
    return Life(district)


def lists(life: Life, day: int) -> list[dict[str, Any]]:
    """The lists of all platforms as they stand at a day's beginning."""
    district, planned = life.district, life.planned(day)
    found = []
    for owner, name in enumerate(district.names):
        mine = np.flatnonzero(district.platform == owner).tolist()
        for part, start in enumerate(range(0, len(mine), PART)):
            found.append({
                "what": "listed", "platform": name, "moment": district.midnight(day), "part": str(part),
                "cameras": [
                    (district.cameras[camera], tuple(planned.get(camera, ()))) for camera in mine[start : start + PART]
                ],
            })  # fmt: skip
    return found


def poll(life: Life, owner: int, moment: float, interval: float) -> dict[str, Any]:
    """One platform's poll."""
    status = life.status(moment)
    hit = np.flatnonzero((life.district.platform == owner) & (status > 0)).tolist()
    return {
        "what": "polled", "platform": life.district.names[owner], "moment": moment, "interval": interval,
        "others": {life.district.cameras[camera].id: int(status[camera]) for camera in hit},
        "restarted": life.restart(owner, moment),
    }  # fmt: skip


def recordings(life: Life, moment: float) -> list[dict[str, Any]]:
    """What every camera has recorded of the day so far, platform by platform."""
    district = life.district
    due, done = life.recorded(moment)
    day = date.fromordinal(life.local(moment)).isoformat()
    if due <= 0:
        return []
    found = []
    for owner, name in enumerate(district.names):
        mine = np.flatnonzero(district.platform == owner).tolist()
        seconds = {district.cameras[camera].id: int(done[camera]) for camera in mine}
        found.append({
            "what": "recorded", "platform": name, "moment": moment, "day": day, "due": due, "done": seconds,
        })  # fmt: skip
    return found


def parse(payload: list[Mapping[str, Any]], settings: Settings, context: Context) -> Iterator[Event]:
    """One event for each list, poll or day's recordings."""
    source = settings.source or settings.name
    for told in payload:
        platform, moment = told["platform"], told["moment"]
        name = f"{platform}:{told['what']}:{told.get('part', '')}:{round(moment * 1000)}"
        time = datetime.fromtimestamp(moment, UTC)
        if told["what"] == "polled":
            yield CamerasPolled(
                id=name, source=source, subject=platform, time=time, interval=told["interval"],
                others=told["others"], restarted=told["restarted"],
            )  # fmt: skip
        elif told["what"] == "listed":
            cameras = tuple(
                Camera(
                    id=camera.id, name=camera.name, place=camera.place, street=camera.street, switch=camera.switch,
                    lon=camera.lon, lat=camera.lat, planned=planned,
                )
                for camera, planned in told["cameras"]
            )  # fmt: skip
            yield CamerasListed(id=name, source=source, subject=platform, time=time, part=told["part"], cameras=cameras)
        else:
            seconds = {camera: (done, told["due"]) for camera, done in told["done"].items()}
            yield CamerasRecorded(id=name, source=source, subject=platform, time=time, day=told["day"], seconds=seconds)


FEED = Feed(
    kind="pretend_video",
    caption="A simulated district's cameras, by seed",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("camera",),
    interval=30.0,
    mapped="cameras of `platforms` by `seed`, polled each `poll` seconds, with faults that come and go.",
    refused="nothing: it is made up here.",
    example='[[feeds]]\nkind = "pretend_video"\nname = "cameras"\nplatforms = { "雪亮工程" = 400, "城管视频" = 200 }\n',
)

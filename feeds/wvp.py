"""WVP-PRO (GB/T 28181): its devices and their channels by its HTTP API, page by page; a channel is a camera.

What the platform says of a device is believed only while its heartbeats are young: a device that it calls online
and that has not been heard for three heartbeats is not (its own users report states that lie). Source of the
replies' form: the project's Swagger (``/api/device/query/devices``, ``…/{deviceId}/channels``), its tables' columns.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any, TypeGuard
from urllib.parse import quote

from pydantic import Field

from dashboard.masking import mask
from dashboard.nouns.video import DOWN
from dashboard.sources.feed import Context, Rejected, SourceFailed, SourceNonsense
from dashboard.sources.fetch import Fetcher, Reply, WebSettings
from dashboard.sources.inventory import Seen, VideoSettings
from dashboard.sources.platforms import Ask, Look, Replies, platform
from dashboard.sources.recordings import RecordingSettings, Span
from dashboard.sources.values import moments

INTERVAL = 60.0
AT_ONCE = 4  # Pages under way.
MISSED = 3  # Heartbeats of a device.
UP = {"on": True, "online": True, "1": True, "true": True, "off": False, "offline": False, "0": False, "false": False}


class Settings(VideoSettings, RecordingSettings, WebSettings):
    """Where it is, and how many rows a page has."""

    page: Annotated[int, Field(ge=1, le=2000)] = 500
    most: Annotated[int, Field(ge=1, le=10_000)] = 2000  # Pages of one poll; whoever has more has no end.
    heartbeats: bool = True  # Whether a device that has not been heard is down whatever is said of it.


@asynccontextmanager
async def asking(settings: Settings, ctx: Context) -> AsyncIterator[tuple[Ask, Look]]:
    """Ask for all devices and for the channels of each, and for the recordings of a channel on a day."""
    async with Fetcher(settings, ctx) as web:
        slots = asyncio.Semaphore(AT_ONCE)
        left = 0

        async def pages(device: str) -> list[tuple[str, Reply]]:
            nonlocal left
            path = "api/device/query/devices" + (f"/{quote(device, safe='')}/channels" if device else "")
            found: list[tuple[str, Reply]] = []
            wanted = 1
            while len(found) < wanted:
                left -= 1
                if left < 0:
                    raise SourceFailed(f"has more than {settings.most:,} pages; if that is right, raise most")
                async with slots:
                    reply = await web.get(path, {"page": str(len(found) + 1), "count": str(settings.page)})
                found.append((device, reply))
                wanted = _pages(reply, settings.page)
            return found

        async def ask() -> Replies:
            nonlocal left
            web.forget()
            left = settings.most
            replies = await pages("")
            names = [name for _, reply in replies for name in _names(reply)]
            try:
                async with asyncio.TaskGroup() as tasks:
                    waiting = [tasks.create_task(pages(name)) for name in names]
            except* SourceFailed as errors:
                raise errors.exceptions[0] from None
            channels = [one for task in waiting for one in task.result()]
            return Replies([*replies, *channels], 0.0, dict(_recorders(channels)) if settings.recordings else {})

        async def look(called: tuple[str, str], day: date) -> Reply:
            device, channel = (quote(name, safe="") for name in called)
            asked = {"startTime": f"{day} 00:00:00", "endTime": f"{day} 23:59:59"}
            return await web.get(f"api/gb_record/query/{device}/{channel}", asked)

        yield ask, look


def _recorders(channels: list[tuple[str, Reply]]) -> Iterator[tuple[str, tuple[str, str]]]:
    """The cameras of devices, each with device and channel as they are asked for; nonsense is left to ``read``."""
    for device, reply in channels:
        try:
            rows = _document(reply)["list"]
        except SourceNonsense:
            continue
        for row in rows:
            if isinstance(row, dict) and (name := _name(row)) and not _parental(row):
                channel = next((row[key] for key in ("channelId", "deviceId") if isinstance(row.get(key), str)), name)
                yield name, (device, channel)


def recorded(reply: Reply, settings: Settings, day: Span, until: float) -> tuple[list[Span], float]:
    """What a device says it has recorded of a day, and up to when that is known: a file is listed once it is closed.

    Raises:
        SourceNonsense: ``recordings_refused`` in the platform's words, ``truncated_list``, or ``bad_record`` for a
            file whose times are none.
    """
    document = reply.document
    if not isinstance(document, dict) or document.get("code", 0) not in (0, 200):
        said = document.get("msg") if isinstance(document, dict) else document
        raise SourceNonsense("recordings_refused", mask(str(said))[:120])
    found = document.get("data", document)
    rows = found.get("recordList", []) if isinstance(found, dict) else None
    if rows is None and isinstance(found, dict):
        rows = []  # It has nothing of that day.
    if not isinstance(rows, list):
        raise SourceNonsense("not_a_page", "has no recordList")
    total = found.get("sumNum")
    if isinstance(total, int) and total > len(rows):
        raise SourceNonsense("truncated_list", f"says it has {total:,} recordings, and {len(rows):,} came")
    clock = moments(settings.zone, ("iso",))
    spans = []
    for row in rows:
        try:
            start, end = (clock(str(row[key])).timestamp() for key in ("startTime", "endTime"))
        except (ValueError, KeyError, TypeError) as error:
            raise SourceNonsense("bad_record", mask(f"{str(row)[:80]}: {error}")) from None
        if end < start:
            raise SourceNonsense("bad_record", f"a recording ends before it begins: {row['startTime']}")
        spans.append((start, end))
    return spans, day[1] if until - settings.settle >= day[1] else until - settings.settle


def _document(reply: Reply) -> dict[str, Any]:
    """What a reply holds: ``{"total": …, "list": […]}``.

    Raises:
        SourceFailed: if the platform refuses.
        SourceNonsense: ``not_a_page``.
    """
    found = reply.document
    if isinstance(found, dict) and "code" in found and "list" not in found:
        code = found["code"]
        if code not in (0, 200):
            what = "it does not know us; check auth" if code in (401, 403) else str(found.get("msg", ""))[:120]
            raise SourceFailed(f"answers code {str(code)[:20]}: {what}")
        found = found.get("data")
    if not isinstance(found, dict) or not isinstance(found.get("list"), list):
        raise SourceNonsense("not_a_page", "is no page of WVP: it has no list")
    return found


def _pages(reply: Reply, page: int) -> int:
    """How many pages there are by a reply; nonsense is left to ``read``."""
    try:
        total = _document(reply).get("total")
    except SourceNonsense:
        return 0
    return math.ceil(total / page) if isinstance(total, int) and total > 0 else 1


def _names(reply: Reply) -> list[str]:
    """The ids of the devices on a page; nonsense is left to ``read``."""
    try:
        rows = _document(reply)["list"]
    except SourceNonsense:
        return []
    return [
        row["deviceId"]
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("deviceId"), str) and row["deviceId"]
    ]


def read(replies: Sequence[tuple[str, Reply]], settings: Settings, moment: float) -> Iterator[Seen | Rejected]:
    """The channels of all devices, each down where its device is.

    Raises:
        SourceFailed: if the platform refuses.
        SourceNonsense: ``not_a_page`` or ``truncated_list``.
    """
    up: dict[str, bool] = {}
    counts: dict[str, tuple[int, int]] = {}
    for device, reply in replies:
        page = _document(reply)
        total = page.get("total")
        came = counts.get(device, (0, 0))[0] + len(page["list"])
        counts[device] = came, total if isinstance(total, int) else came
        for number, row in enumerate(page["list"], 1):
            where = f"{device or 'device'} row {number}"
            if not isinstance(row, dict):
                yield Rejected("wrong_type", str(row)[:1000], where, "a row is a JSON object")
            elif not device:
                yield from _device(row, where, up, settings, moment)
            else:
                yield from _channel(row, where, up.get(device, False))
    for device, (came, total) in counts.items():
        if came < total:
            raise SourceNonsense(
                "truncated_list", f"{device or 'devices'}: says it has {total:,} rows, and {came:,} came"
            )


def _device(
    row: dict[str, Any], where: str, up: dict[str, bool], settings: Settings, moment: float
) -> Iterator[Seen | Rejected]:
    """Note whether a device is up."""
    name = row.get("deviceId")
    online = _truth(row.get("onLine", row.get("online")))
    if not isinstance(name, str) or not name:
        yield Rejected("missing_field", mask(str(row))[:1000], where, "deviceId is missing")
        return
    if online is None:
        yield Rejected("missing_field", mask(str(row))[:1000], name[:80], "onLine is neither true nor false")
        return
    each, heard = row.get("heartBeatInterval"), row.get("keepaliveTime")
    up[name] = online
    if online and settings.heartbeats and isinstance(heard, str) and heard:
        try:
            last = moments(settings.zone, ("iso",))(heard).timestamp()
        except ValueError as error:
            yield Rejected("bad_time", heard[:80], name[:80], f"keepaliveTime: {error}", kept=True)
            return
        beat = each if _measured(each) and each > 0 else 60.0
        up[name] = moment - last <= MISSED * beat + 30


def _channel(row: dict[str, Any], where: str, device_up: bool) -> Iterator[Seen | Rejected]:
    """One channel."""
    name = _name(row)
    status = _truth(row.get("gbStatus") or row.get("status"))
    if not name:
        yield Rejected("missing_field", mask(str(row))[:1000], where, "channelId is missing")
        return
    if _parental(row):
        return  # A directory of channels, and no camera.
    if status is None:
        yield Rejected("missing_field", mask(str(row))[:1000], name[:80], "status is neither ON nor OFF")
        return
    lon, lat = (row.get(f"gb{key.capitalize()}") or row.get(key) for key in ("longitude", "latitude"))
    point = (lon, lat) if _measured(lon) and _measured(lat) else None
    title = next((row[key] for key in ("gbName", "name") if isinstance(row.get(key), str)), "")
    code = next((row[key] for key in ("gbCivilCode", "civilCode") if isinstance(row.get(key), str)), "")
    yield Seen(name, title, point, code if len(code) > 6 else "", status=0 if status and device_up else DOWN)


def _name(row: dict[str, Any]) -> str:
    """The id of a channel: newer platforms write ``gbDeviceId``, older ones ``channelId``."""
    keys = ("gbDeviceId", "channelId", "deviceId")
    return next((row[key] for key in keys if isinstance(row.get(key), str) and row[key]), "")


def _measured(value: object) -> TypeGuard[int | float]:
    """Whether it is a number that a measurement can be; JSON knows longer ones."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _parental(row: dict[str, Any]) -> bool:
    return bool(row.get("gbParental") or row.get("parental") in (1, True)) and row.get("subCount", 0) not in (0, None)


def _truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return UP.get(str(value).strip().lower()) if isinstance(value, str | int) else None


FEED = platform(
    "wvp", "Devices and channels of a WVP-PRO (GB/T 28181), by its HTTP API", Settings, asking, read, recorded,
    interval=INTERVAL,
    mapped=(
        "a channel is a camera; it is down where its `status` is OFF, its device is not `onLine`, or the device's "
        "`keepaliveTime` is three `heartBeatInterval`s old, whatever the platform says. `longitude` and `latitude` in "
        "the system named by `coordinates`, `civilCode` is its place if it is one of the city's. With `recordings` "
        "(seconds) each channel's device is asked for its files of the day (`/api/gb_record/query`): their spans, "
        "without overlaps and planned outages, of the day up to `settle` seconds ago."
    ),
    refused=(
        "a page without `list`, fewer rows than `total`, pages beyond `most`, another code than 0 (401 by name); rows "
        "without an id or a state; lists of recordings that are not whole (the camera is left out). A "
        "layer whose points fit their places better in another coordinate system is named."
    ),
    example="""\
[[feeds]]
kind = "wvp"
name = "gb28181"
platform = "雪亮工程"
url = "http://10.0.0.7:18080/"
auth = { kind = "key", header = "access-token", secret_file = "wvp.token" }
coordinates = "gcj02"
recordings = 3600                  # seconds between two looks at what was recorded
timeout = 90                       # a device may take long to answer that
""",
)  # fmt: skip

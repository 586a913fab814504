"""WVP-PRO (GB/T 28181): its devices and their channels by its HTTP API, page by page; a channel is a camera.

What the platform says of a device is believed only while its heartbeats are young: a device that it calls online
and that has not been heard for three heartbeats is not (its own users report states that lie). Source of the
replies' form: the project's Swagger (``/api/device/query/devices``, ``…/{deviceId}/channels``), its tables' columns.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, Any, TypeGuard
from urllib.parse import quote

from pydantic import Field

from dashboard.events import Event
from dashboard.feed import Context, Delivery, Feed, Rejected, SourceFailed, SourceNonsense
from dashboard.fetch import Fetcher, Reply, WebSettings
from dashboard.masking import mask
from dashboard.platforms import Asked, Seen, VideoSettings, events_of, polls
from dashboard.values import moments
from dashboard.video import DOWN

INTERVAL = 60.0
AT_ONCE = 4  # Pages under way.
MISSED = 3  # Heartbeats of a device.
UP = {"on": True, "online": True, "1": True, "true": True, "off": False, "offline": False, "0": False, "false": False}


class Settings(VideoSettings, WebSettings):
    """Where it is, how many rows a page has, and the zone of its times if it is not the city's."""

    page: Annotated[int, Field(ge=1, le=2000)] = 500
    most: Annotated[int, Field(ge=1, le=10_000)] = 2000  # Pages of one poll; whoever has more has no end.
    heartbeats: bool = True  # Whether a device that has not been heard is down whatever is said of it.
    zone: str = ""


async def open(settings: Settings, ctx: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """Ask for all devices, and for the channels of each, every ``interval`` seconds.

    Raises:
        SourceFailed: if it cannot be reached, or does not know us.
    """
    if not settings.zone:
        settings = settings.model_copy(update={"zone": ctx.city.zone})
    async with Fetcher(settings, ctx) as web:
        slots = asyncio.Semaphore(AT_ONCE)
        left = 0

        async def pages(device: str) -> list[tuple[str, Reply]]:
            nonlocal left
            path = (
                f"api/device/query/devices/{quote(device, safe='')}/channels" if device else "api/device/query/devices"
            )
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

        async def ask() -> tuple[Sequence[tuple[str, Reply]], float]:
            nonlocal left
            web.forget()
            left = settings.most
            replies = await pages("")
            names = [name for _, reply in replies for name in _names(reply)]
            async with asyncio.TaskGroup() as tasks:
                waiting = [tasks.create_task(pages(name)) for name in names]
            return [*replies, *(one for task in waiting for one in task.result())], 0.0

        try:
            async for delivery in polls(settings, ctx, ask, read):
                yield delivery
        except* SourceFailed as errors:
            raise errors.exceptions[0] from None


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
            last = moments(settings.zone or "Asia/Shanghai", ("iso",))(heard).timestamp()
        except ValueError as error:
            yield Rejected("bad_time", heard[:80], name[:80], f"keepaliveTime: {error}", kept=True)
            return
        beat = each if _measured(each) and each > 0 else 60.0
        up[name] = moment - last <= MISSED * beat + 30


def _channel(row: dict[str, Any], where: str, device_up: bool) -> Iterator[Seen | Rejected]:
    """One channel; newer platforms write ``gbDeviceId``, older ones ``channelId``."""
    name = next(
        (row[key] for key in ("gbDeviceId", "channelId", "deviceId") if isinstance(row.get(key), str) and row[key]), ""
    )
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


def _measured(value: object) -> TypeGuard[int | float]:
    """Whether it is a number that a measurement can be; JSON knows longer ones."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _parental(row: dict[str, Any]) -> bool:
    return bool(row.get("gbParental") or row.get("parental") in (1, True)) and row.get("subCount", 0) not in (0, None)


def _truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return UP.get(str(value).strip().lower()) if isinstance(value, str | int) else None


def parse(payload: Asked, settings: Settings, ctx: Context) -> Iterator[Event | Rejected]:
    """Lists and one poll."""
    if not settings.zone:
        settings = settings.model_copy(update={"zone": ctx.city.zone})
    return events_of(payload, settings, ctx, read)


FEED = Feed(
    kind="wvp",
    caption="Devices and channels of a WVP-PRO (GB/T 28181), by its HTTP API",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("camera",),
    interval=INTERVAL,
    mapped=(
        "a channel is a camera; it is down where its `status` is OFF, its device is not `onLine`, or the device's "
        "`keepaliveTime` is three `heartBeatInterval`s old, whatever the platform says. `longitude` and `latitude` in "
        "the system named by `coordinates`, `civilCode` is its place if it is one of the city's."
    ),
    refused=(
        "a page without `list`, fewer rows than `total`, pages beyond `most`, another code than 0 (401 by name); rows "
        "without an id or a state. A layer whose points fit their places better in another coordinate system is named."
    ),
    example="""\
[[feeds]]
kind = "wvp"
name = "gb28181"
platform = "雪亮工程"
url = "http://10.0.0.7:18080/"
auth = { kind = "key", header = "access-token", secret_file = "wvp.token" }
coordinates = "gcj02"
""",
)

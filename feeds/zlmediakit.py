"""ZLMediaKit: which streams it carries, by its HTTP API; a camera of the inventory whose stream is gone is down.

Its list names only what streams at this moment, so the inventory says what should. Ids are ``app/stream``. Source of
the replies' form: the project's OpenAPI and its wiki (MediaServer HTTP API, getMediaList, getMP4RecordFile).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field

from dashboard.nouns.video import DOWN, LOSS, PICTURE, RECORDER
from dashboard.sources.feed import Context, Rejected, SourceFailed, SourceNonsense
from dashboard.sources.fetch import Fetcher, Reply, WebSettings
from dashboard.sources.inventory import Seen, VideoSettings, inventory_of
from dashboard.sources.platforms import Ask, Look, Replies, platform
from dashboard.sources.recordings import RecordingSettings, Span

INTERVAL = 30.0
YOUNG = 10  # Seconds of a stream's life in which a track need not be ready.
KEY = 60.0  # Seconds that it may wait for a key frame before it begins a new file.
FILE = re.compile(r"(\d\d)-(\d\d)-(\d\d)(?:-(\d{1,6}))?\.mp4", re.ASCII)
REFUSALS = {-100: "it does not know our secret; check auth", -300: "it knows no such call; is it a ZLMediaKit?"}


class Settings(VideoSettings, RecordingSettings, WebSettings):
    """Where it is, and what a stream must have to be called well."""

    inventory: str  # What should stream; without it nothing could ever be missed.
    recording: bool = False  # Whether each stream is to be recorded as MP4.
    vhost: str = "__defaultVhost__"
    segment: Annotated[float, Field(gt=0)] = 3600.0  # Seconds of a recording's file, record.fileSecond of the server.
    loss: Annotated[float, Field(gt=0, le=100)] = 5.0  # Percent of packets lost from which on it is degraded.


@asynccontextmanager
async def asking(settings: Settings, ctx: Context) -> AsyncIterator[tuple[Ask, Look]]:
    """Ask for all streams, and for the recordings of one on a day."""
    async with Fetcher(settings, ctx) as web:

        async def ask() -> Replies:
            web.forget()  # A poll that finds nothing changed is a poll all the same.
            reply = await web.get("index/api/getMediaList")
            if settings.recordings is None:
                return Replies((reply,))
            inventory, _ = await asyncio.to_thread(inventory_of, settings, ctx)
            return Replies((reply,), 0.0, {one.id: one.id for one in inventory if "/" in one.id})

        async def look(camera: str, day: date) -> Reply:
            app, _, stream = camera.partition("/")
            asked = {"vhost": settings.vhost, "app": app, "stream": stream, "period": day.isoformat()}
            return await web.get("index/api/getMP4RecordFile", asked)

        yield ask, look


def _data(reply: Reply) -> Any:
    """What a reply holds under ``data``; it leaves that out where there is none.

    Raises:
        SourceFailed: if it does not know us.
        SourceNonsense: ``not_a_media_list``.
    """
    document = reply.document
    if not isinstance(document, dict) or not isinstance(document.get("code"), int):
        raise SourceNonsense("not_a_media_list", "is no reply of ZLMediaKit: it has no code")
    code = document["code"]
    if code != 0:
        raise SourceFailed(f"answers code {code}: {REFUSALS.get(code, str(document.get('msg', 'no reason'))[:120])}")
    return document.get("data")


def recorded(reply: Reply, settings: Settings, day: Span, until: float) -> tuple[list[Span], float]:
    """What is certain to have been recorded of a day, by the names of its files, and up to when that is known.

    A name says when its file begins (``08-00-00.mp4``, in newer servers ``08-00-00-3.mp4`` with its number in a row),
    and not when it ends: that is known only where the next of the row begins, or where files follow one another as
    the server cuts them. A file that was broken off counts nothing, and the day is known up to the last one's start.

    Raises:
        SourceNonsense: ``not_a_media_list``, or ``bad_name`` for a file named otherwise.
    """
    try:
        data = _data(reply)
    except SourceFailed as failed:
        raise SourceNonsense("recordings_refused", str(failed)) from None
    paths = data.get("paths") if isinstance(data, dict) else None
    if not isinstance(paths, list):
        raise SourceNonsense("not_a_media_list", "has no list of paths")
    files = []
    for path in paths:
        found = FILE.fullmatch(path) if isinstance(path, str) else None
        if found is None and isinstance(path, str) and (path.startswith(".") or not path.endswith(".mp4")):
            continue  # It is being written, or is none of its recordings.
        if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3]) > 59:
            raise SourceNonsense("bad_name", f"{str(path)[:40]!r} is no name of a recording")
        start = day[0] + 3600 * int(found[1]) + 60 * int(found[2]) + int(found[3])
        files.append((start, -1 if found[4] is None else int(found[4])))
    files.sort()
    spans = []
    for (start, number), (after, further) in pairwise(files):
        in_a_row = further == number + 1 if number >= 0 else settings.segment <= after - start <= settings.segment + KEY
        if in_a_row:
            spans.append((start, after))
    last = files[-1][0] if files else day[0]
    seen = min(until, day[1])
    return spans, last if seen - last <= 2 * settings.segment + KEY else min(seen, until - settings.settle)


def read(replies: Sequence[Reply], settings: Settings, moment: float) -> Iterator[Seen | Rejected]:
    """The streams of a reply, each once however many protocols it is offered by.

    Raises:
        SourceFailed: if it does not know us.
        SourceNonsense: ``not_a_media_list``, if it is no list of streams.
    """
    rows = _data(replies[0])
    rows = [] if rows is None else rows
    if not isinstance(rows, list):
        raise SourceNonsense("not_a_media_list", f"data is no list but a {type(rows).__name__}")
    best: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        where = f"stream {number}"
        if not isinstance(row, dict):
            yield Rejected("wrong_type", str(row)[:1000], where, "a stream is a JSON object")
            continue
        app, stream = row.get("app"), row.get("stream")
        if not isinstance(app, str) or not isinstance(stream, str) or not app or not stream:
            yield Rejected("missing_field", str(row)[:1000], where, "app and stream name a stream")
            continue
        name, status = f"{app}/{stream}", _status(row, settings)
        if name not in best or status < best[name]:
            best[name] = status
    for name, status in best.items():
        yield Seen(name, status=status)


def _status(row: dict[str, Any], settings: Settings) -> int:
    """What ails a stream by what is said of it; what is not said does not ail it."""
    tracks = row.get("tracks")
    videos = [track for track in tracks if isinstance(track, dict) and track.get("codec_type") == 0] if isinstance(
        tracks, list) else []  # fmt: skip
    young = _number(row.get("aliveSecond"), YOUNG + 1) <= YOUNG
    status = 0
    if not young:
        if isinstance(tracks, list) and not any(track.get("ready", True) for track in videos):
            status |= PICTURE
        if row.get("bytesSpeed") == 0:
            return DOWN  # It is listed, and nothing comes of it.
    if any(_number(track.get("loss"), 0) > settings.loss for track in videos):
        status |= LOSS
    if settings.recording and row.get("isRecordingMP4") is False:
        status |= RECORDER
    return status


def _number(value: object, otherwise: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e18:
        return otherwise
    return value


FEED = platform(
    "zlmediakit", "Streams of a ZLMediaKit, by its HTTP API", Settings, asking, read, recorded,
    interval=INTERVAL,
    mapped=(
        "a stream `app/stream` is the camera of that id in the `inventory`; one that is not listed, or of which no "
        "byte comes, is down; no video track that is ready: picture; `loss` of its tracks: loss; not recorded although "
        "`recording = true`: recorder. One that streams and is not in the inventory is a camera too. With `recordings` "
        "(seconds) `getMP4RecordFile` says what was recorded of the day: from a file's start to the next one's of its "
        "row; a file broken off counts nothing."
    ),
    refused=(
        "a reply without `code`, another code than 0 (a wrong secret by name), streams without `app` and `stream`; of "
        "the inventory: lines without an id, ids twice, points that are none, plans that end before they begin. A "
        "layer that fits its places better in another coordinate system is named (`gcj02_read_as_wgs84` …); cameras "
        "about whose recordings nobody knows, once for each reason."
    ),
    example="""\
[[feeds]]
kind = "zlmediakit"
name = "streams"
platform = "城管视频"
url = "http://10.0.0.5:80/"
auth = { kind = "key", query = "secret", secret_file = "zlm.secret" }
inventory = "cameras.csv"
coordinates = "gcj02"
recordings = 3600                  # seconds between two looks at what was recorded
segment = 3600                     # seconds after which the server begins a new file
""",
)  # fmt: skip

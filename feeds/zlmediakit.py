"""ZLMediaKit: which streams it carries, by its HTTP API; a camera of the inventory whose stream is gone is down.

Its list names only what streams at this moment, so the inventory says what should. Ids are ``app/stream``. Source of
the replies' form: the project's OpenAPI and its wiki (MediaServer HTTP API, getMediaList).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from dashboard.events import Event
from dashboard.feed import Context, Delivery, Feed, Rejected, SourceFailed, SourceNonsense
from dashboard.fetch import Fetcher, Reply, WebSettings
from dashboard.platforms import Asked, Seen, VideoSettings, events_of, polls
from dashboard.video import DOWN, LOSS, PICTURE, RECORDER

INTERVAL = 30.0
YOUNG = 10  # Seconds of a stream's life in which a track need not be ready.
REFUSALS = {-100: "it does not know our secret; check auth", -300: "it knows no such call; is it a ZLMediaKit?"}


class Settings(VideoSettings, WebSettings):
    """Where it is, and what a stream must have to be called well."""

    inventory: str  # What should stream; without it nothing could ever be missed.
    recording: bool = False  # Whether each stream is to be recorded as MP4.
    loss: Annotated[float, Field(gt=0, le=100)] = 5.0  # Percent of packets lost from which on it is degraded.


async def open(settings: Settings, ctx: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """Ask for all streams each ``interval`` seconds.

    Raises:
        SourceFailed: if it cannot be reached, or does not know us.
    """
    async with Fetcher(settings, ctx) as web:

        async def ask() -> tuple[Sequence[Reply], float]:
            web.forget()  # A poll that finds nothing changed is a poll all the same.
            return (await web.get("index/api/getMediaList"),), 0.0

        async for delivery in polls(settings, ctx, ask, read):
            yield delivery


def read(replies: Sequence[Reply], settings: Settings, moment: float) -> Iterator[Seen | Rejected]:
    """The streams of a reply, each once however many protocols it is offered by.

    Raises:
        SourceFailed: if it does not know us.
        SourceNonsense: ``not_a_media_list``, if it is no list of streams.
    """
    document = replies[0].document
    if not isinstance(document, dict) or not isinstance(document.get("code"), int):
        raise SourceNonsense("not_a_media_list", "is no reply of ZLMediaKit: it has no code")
    code = document["code"]
    if code != 0:
        raise SourceFailed(f"answers code {code}: {REFUSALS.get(code, str(document.get('msg', 'no reason'))[:120])}")
    rows = document.get("data", [])  # It leaves data out where nothing streams.
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


def parse(payload: Asked, settings: Settings, ctx: Context) -> Iterator[Event | Rejected]:
    """Lists and one poll."""
    return events_of(payload, settings, ctx, read)


FEED = Feed(
    kind="zlmediakit",
    caption="Streams of a ZLMediaKit, by its HTTP API",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("camera",),
    interval=INTERVAL,
    mapped=(
        "a stream `app/stream` is the camera of that id in the `inventory`; one that is not listed, or of which no "
        "byte comes, is down; no video track that is ready: picture; `loss` of its tracks: loss; not recorded although "
        "`recording = true`: recorder. One that streams and is not in the inventory is a camera too."
    ),
    refused=(
        "a reply without `code`, another code than 0 (a wrong secret by name), streams without `app` and `stream`; of "
        "the inventory: lines without an id, ids twice, points that are none, plans that end before they begin. A "
        "layer that fits its places better in another coordinate system is named (`gcj02_read_as_wgs84` …)."
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
""",
)

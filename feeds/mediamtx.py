"""MediaMTX: its paths by the control API, page by page; each configured path is a camera.

Source of the replies' form: the project's OpenAPI (``/v3/paths/list``, ``/v3/info``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from dashboard.nouns.video import DOWN, PICTURE
from dashboard.sources.feed import Context, Rejected, SourceFailed, SourceNonsense
from dashboard.sources.fetch import Fetcher, Reply, WebSettings
from dashboard.sources.inventory import Seen, VideoSettings
from dashboard.sources.platforms import Ask, Replies, platform

INTERVAL = 30.0
VIDEO = ("av1", "vp9", "vp8", "h265", "h264", "mpeg-4 video", "mpeg-1/2 video", "m-jpeg")


class Settings(VideoSettings, WebSettings):
    """Where it is, and how many paths a page has."""

    page: Annotated[int, Field(ge=1, le=1000)] = 500
    most: Annotated[int, Field(ge=1, le=1000)] = 200  # Pages; whoever has more has no end.


@asynccontextmanager
async def asking(settings: Settings, ctx: Context) -> AsyncIterator[tuple[Ask, None]]:
    """Ask for all pages of paths, and when the server came up."""
    async with Fetcher(settings, ctx) as web:

        async def ask() -> Replies:
            web.forget()
            replies: list[Reply] = []
            pages = 1
            while len(replies) < pages:
                asked = {"page": str(len(replies)), "itemsPerPage": str(settings.page)}
                replies.append(await web.get("v3/paths/list", asked))
                pages = _pages(replies[-1], settings)
            return Replies(replies, _started(await _info(web)))

        yield ask, None


async def _info(web: Fetcher) -> Reply | None:
    try:
        return await web.get("v3/info")
    except SourceFailed:  # Servers before 1.11 do not have it.
        return None


def _pages(reply: Reply, settings: Settings) -> int:
    """How many pages there are by a reply; nonsense is left to ``read``."""
    try:
        found = reply.document
    except SourceNonsense:
        return 0
    pages = found.get("pageCount", 1) if isinstance(found, dict) else 1
    if not isinstance(pages, int):
        return 0
    if pages > settings.most:
        raise SourceFailed(f"says it has {pages:,} pages of {settings.page} paths; if that is right, raise most")
    return pages


def _started(reply: Reply | None) -> float:
    """When the server came up, in seconds since 1970 UTC; 0 if it does not say so as it should."""
    try:
        found = reply.document if reply is not None else {}
        moment = datetime.fromisoformat(found["started"])
        return moment.timestamp() if moment.tzinfo else 0.0
    except (SourceNonsense, ValueError, KeyError, TypeError, OverflowError):
        return 0.0


def read(replies: Sequence[Reply], settings: Settings, moment: float) -> Iterator[Seen | Rejected]:
    """The paths of all pages.

    Raises:
        SourceNonsense: ``not_a_path_list`` or ``truncated_list``.
    """
    count = 0
    total: object = 0
    for number, reply in enumerate(replies):
        page = reply.document
        if not isinstance(page, dict) or not isinstance(page.get("items"), list):
            raise SourceNonsense("not_a_path_list", f"page {number} is no list of paths: it has no items")
        total = page.get("itemCount", 0)
        count += len(page["items"])
        for place, row in enumerate(page["items"], 1):
            where = f"page {number} path {place}"
            if not isinstance(row, dict):
                yield Rejected("wrong_type", str(row)[:1000], where, "a path is a JSON object")
            elif not isinstance(row.get("name"), str) or not row["name"]:
                yield Rejected("missing_field", str(row)[:1000], where, "name is missing")
            else:
                up = row.get("online", row.get("ready"))
                if not isinstance(up, bool):
                    yield Rejected(
                        "missing_field", str(row)[:1000], row["name"][:80], "neither online nor ready is said"
                    )
                    continue
                yield Seen(row["name"], status=_status(row) if up else DOWN)
    if isinstance(total, int) and count < total:
        raise SourceNonsense("truncated_list", f"says it has {total:,} paths, and {count:,} came")


def _status(row: dict[str, Any]) -> int:
    """A path without a track of video has no picture; where no tracks are said nothing is known against it."""
    tracks = row.get("tracks2")
    if isinstance(tracks, list):
        codecs = [str(track.get("codec", "")) for track in tracks if isinstance(track, dict)]
    else:
        tracks = row.get("tracks")
        codecs = [track for track in tracks if isinstance(track, str)] if isinstance(tracks, list) else []
    return PICTURE if codecs and not any(codec.lower() in VIDEO for codec in codecs) else 0


FEED = platform(
    "mediamtx", "Paths of a MediaMTX, by its control API", Settings, asking, read,
    interval=INTERVAL,
    mapped=(
        "each path is a camera of that id; `online` (`ready` in older servers) says whether it is up, tracks without "
        "video are a fault of the picture, `started` of `/v3/info` is a restart of the platform. The `inventory` gives "
        "names, points, streets, switches and planned outages, and the cameras that should be there."
    ),
    refused=(
        "a page without `items`, fewer paths than `itemCount` says, pages beyond `most`; paths without a name or "
        "without `online` and `ready`, a name twice."
    ),
    example="""\
[[feeds]]
kind = "mediamtx"
name = "paths"
platform = "社会面汇聚"
url = "http://10.0.0.6:9997/"
auth = { kind = "basic", user = "wall", secret_file = "mediamtx.secret" }
inventory = "cameras.csv"
""",
)  # fmt: skip

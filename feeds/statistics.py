"""Figures of a statistics bureau: its easyquery service, the World Bank, or a table it puts on the web or in a folder.

A figure keeps all that was ever said of it: when the bureau's reply changes, what is new in it is told as of that
moment (or of the day the bureau itself names), and nothing else; so each vintage is a revision. A figure that is not
there is told as missing; it is never a zero.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

import msgspec
from pydantic import Field, field_validator, model_validator

from dashboard.events import Event
from dashboard.sources.feed import Context, Delivery, Feed, Rejected, SourceFailed, SourceNonsense
from dashboard.sources.fetch import Fetcher, WebSettings
from dashboard.sources.figures import FigureSettings, Report, all_figures_of, figures_of, mark_of

INTERVAL = 3600.0
PAGES = 100


class Settings(FigureSettings, WebSettings):
    """Where the figures are: at ``url``, asked with ``parameters`` or by posting ``form``, or in the file ``path``."""

    url: str = ""
    path: str | None = None  # Relative to the city file.
    parameters: dict[str, str] = Field(default_factory=dict)
    form: dict[str, str] = Field(default_factory=dict)
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 1000  # Of the World Bank.

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        return WebSettings.web_address(value) if value else value

    @model_validator(mode="after")
    def _somewhere(self) -> Settings:
        if bool(self.url) == (self.path is not None):
            raise ValueError("name a url or a path, and not both")
        return self


class Cursor(msgspec.Struct, omit_defaults=True):
    """What was said last: a digest of all of it, and the marks of its figures."""

    digest: str = ""
    told: frozenset[str] = frozenset()


async def fetch(settings: Settings, ctx: Context) -> AsyncIterator[Delivery]:
    """Ask every ``interval`` seconds; what is the same as last time is not told again.

    Raises:
        SourceFailed: if the bureau cannot be reached, or the file not be read.
    """
    cursor = _cursor(ctx.cursor)
    while True:
        pages = await (_from_web(settings, ctx) if settings.url else asyncio.to_thread(_from_file, settings, ctx))
        digest = blake2b(b"\0".join(body for _, body in pages), digest_size=16).hexdigest()
        if digest == cursor.digest:
            yield Delivery([])
        else:
            now = ctx.now().replace(microsecond=0)
            before, marks = cursor.told, set[str]()
            for number, (name, body) in enumerate(pages, 1):
                report = Report(name, body, now, before)
                marks |= await asyncio.to_thread(_marks, report, settings, ctx)
                # After a crash the pages that are stored are not told again.
                last = number == len(pages)
                cursor = Cursor(digest, frozenset(marks)) if last else Cursor("", before | marks)
                yield Delivery(report, msgspec.json.encode(cursor).decode())
        await asyncio.sleep(settings.interval or INTERVAL)


def _marks(report: Report, settings: Settings, ctx: Context) -> set[str]:
    """The marks of all that a report says; none if it says nothing that could be read."""
    try:
        return {mark_of(found) for found in all_figures_of(report, settings, ctx)}
    except SourceNonsense:
        return set()


def _cursor(text: str | None) -> Cursor:
    try:
        return msgspec.json.decode(text or "{}", type=Cursor)
    except msgspec.MsgspecError:
        return Cursor()  # All is told once more, as of now.


async def _from_web(settings: Settings, ctx: Context) -> list[tuple[str, bytes]]:
    pages: list[tuple[str, bytes]] = []
    parameters = dict(settings.parameters)
    if settings.format == "worldbank":
        parameters |= {"format": "json", "per_page": str(settings.page_size)}
    async with Fetcher(settings, ctx) as web:
        for page in range(1, PAGES + 1):
            if settings.format == "worldbank":
                parameters["page"] = str(page)
            reply = await web.send("POST" if settings.form else "GET", None, parameters, data=settings.form or None)
            name = reply.url.partition("?")[0].rpartition("/")[2]
            pages.append((name, reply.body))
            if settings.format != "worldbank" or _last(reply.body, page):
                return pages
    raise SourceFailed(f"{settings.url}: has more than {PAGES} pages; raise page_size, or ask for less")


def _last(body: bytes, page: int) -> bool:
    """Whether there is no page after this one; what cannot be read has none."""
    try:
        about = msgspec.json.decode(body, type=list[Any])[0]
        return not page < int(about["pages"])
    except (msgspec.MsgspecError, IndexError, KeyError, TypeError, ValueError, RecursionError):
        return True


def _from_file(settings: Settings, ctx: Context) -> list[tuple[str, bytes]]:
    assert settings.path is not None
    file: Path = ctx.city.path(settings.path)
    try:
        before = file.stat()
        if before.st_size > settings.max_bytes:
            raise SourceFailed(f"{file} has {before.st_size:,} bytes; if that is right, raise max_bytes")
        body = file.read_bytes()
        after = file.stat()
    except FileNotFoundError:
        raise SourceFailed(f"there is no file {file}; put it there, or set path") from None
    except OSError as error:
        raise SourceFailed(f"{file} cannot be read: {error.strerror}") from error
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        raise SourceFailed(f"{file} is being written; it is read again in a moment")
    return [(file.name, body)]


def parse(payload: Report | list[Rejected], settings: Settings, ctx: Context) -> Iterable[Event | Rejected]:
    """The figures of a report.

    Raises:
        SourceNonsense: if it is no report, or says that something is wrong.
    """
    return payload if isinstance(payload, list) else figures_of(payload, settings, ctx)


FEED = Feed(
    kind="statistics",
    caption="Figures of a statistics bureau: easyquery, the World Bank, tables on the web or in a file",
    parse=parse,
    open=fetch,
    Settings=Settings,
    nouns=("indicator",),
    interval=INTERVAL,
    mapped=(
        "the bureau's code is the series; names, units and regions come from its reply (`wdnodes`), in a table from "
        "`table` and from headings such as 地区生产总值（亿元）. 2024, 202409, 2024Q3, 2024C, 2024年1-9月 are "
        "periods; the last, and what is called 累计, is a sum of the year so far. `places` says which region is which "
        "place; another region is kept to compare with. `hasdata` false, `—` and an empty cell are a missing value. "
        "Of a reply that has changed only what is new in it is told, as a vintage of its own."
    ),
    refused=(
        "the bureau's own errors (in its words), periods that are none or not over, values that contradict their own "
        "text, another unit than set in `units`, `1.234,5`, totals rows, cells in error."
    ),
    example="""\
[[feeds]]
kind = "statistics"
name = "bureau"
url = "https://data.stats.example/easyquery.htm"
format = "easyquery"
interval = 3600
region = "全国"                        # whose figures are those that name no region; without it the city's own
places = { "佛山市" = "440605" }
spans = { A0D0101 = "level" }

[feeds.form]
m = "QueryData"
dbcode = "hgyd"
rowcode = "zb"
colcode = "sj"
wds = "[]"
dfwds = '[{"wdcode":"zb","valuecode":"A0D01"},{"wdcode":"sj","valuecode":"LAST13"}]'
""",
)

"""Any JSON or XML service that is asked on a timer: JMESPath says where records and fields stand in its replies.

Each record becomes a ticket or another event of the house. What a field holds is read strictly: a time without
a format, a number in another unit or a word nobody knows is refused with its reason, and the record beside it
passes. Pages are followed up to a limit; a source of one page is not even sent again what has not changed (ETag).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dashboard.events import Event
from dashboard.sources.feed import Context, Delivery, Feed, Rejected, SourceNonsense
from dashboard.sources.fetch import Fetcher, Reply, WebSettings
from dashboard.sources.mapped import mapped
from dashboard.sources.mapping import MapSettings, fillable, records_of, search_quietly

Payload = Reply | list[Rejected]


class Paging(BaseModel):
    """How one page leads to the next. With ``next`` alone it is the next page's address, with ``parameter`` its token.

    ``parameter`` alone counts: from ``first`` in steps of ``step``, until a page has no records. Without either
    the reply's header ``Link`` says where to go on (RFC 8288, rel="next").
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    next: str | None = None
    parameter: Annotated[str, Field(pattern=r"^[\w.\[\]-]{1,60}$")] | None = None
    first: int = 1
    step: Annotated[int, Field(ge=1)] = 1
    most: Annotated[int, Field(ge=1, le=10_000)] = 100  # Pages; whoever has more has no end.

    @field_validator("next")
    @classmethod
    def _next(cls, value: str | None) -> str | None:
        if value is not None:
            MapSettings.expression(value)
        return value


class Settings(MapSettings, WebSettings):
    """What is asked for, how often, and how its pages follow one another."""

    method: Literal["GET", "POST"] = "GET"
    parameters: dict[str, str] = Field(default_factory=dict)  # Of the address.
    body: dict[str, Any] | None = None  # Of a POST, as JSON.
    paging: Paging | None = None

    @model_validator(mode="after")
    def _sense(self) -> Settings:
        if self.body is not None and self.method == "GET":
            raise ValueError('a body goes with method = "POST" only')
        return self


async def fetch(settings: Settings, ctx: Context) -> AsyncIterator[Delivery]:
    """Ask every ``interval`` seconds; each page is one delivery.

    Raises:
        SourceFailed: if there is no reply that could be read.
    """
    async with Fetcher(settings, ctx) as web:
        while True:
            began = asyncio.get_running_loop().time()
            async for payload in _pages(web, settings):
                yield Delivery(payload)
            took = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(0.0, (settings.interval or INTERVAL) - took))


async def _pages(web: Fetcher, settings: Settings) -> AsyncIterator[Payload]:
    paging = settings.paging
    url: str | None = None
    parameters = dict(settings.parameters)
    at = paging.first if paging is not None else 0
    seen: set[bytes] = set()
    for page in range(paging.most if paging is not None else 1):
        if paging is not None and paging.parameter is not None and paging.next is None:
            parameters[paging.parameter] = str(at + page * paging.step)
        if paging is not None:
            web.forget()  # A page that has not changed leads to pages that may have; only a whole one says where on.
        reply = await web.send(settings.method, url, parameters if url is None else None, json=settings.body)
        if reply.body in seen:
            yield [_endless(reply, f"page {page + 1} is one that came before; the source does not go on")]
            return
        seen.add(reply.body)
        yield reply
        if paging is None:
            return
        onward = _onward(reply, settings, paging)
        if onward is None:
            return
        if paging.parameter is None:
            url = str(httpx.URL(reply.url).join(onward))
        elif paging.next is not None:
            parameters[paging.parameter] = onward
    yield [_endless(reply, f"it has more than {page + 1} pages; narrow what is asked for, or raise paging.most")]


def _endless(reply: Reply, detail: str) -> Rejected:
    return Rejected("endless_paging", "", reply.url.partition("?")[0], detail)


def _onward(reply: Reply, settings: Settings, paging: Paging) -> str | None:
    """What leads to the next page; None behind the last one, or where this one cannot be read."""
    if paging.next is None and paging.parameter is None:
        links = httpx.Response(200, headers={"link": (reply.headers or {}).get("link", "")}).links
        return links.get("next", {}).get("url")
    try:
        document = reply.document
        if paging.next is None:
            return "" if records_of(document, settings) else None
    except SourceNonsense:
        return None
    found = search_quietly(paging.next, document)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None


def parse(payload: Payload, settings: Settings, ctx: Context) -> Iterable[Event | Rejected]:
    """The events of one page.

    Raises:
        SourceNonsense: if it cannot be read as a whole, or has no list of records where one should be.
    """
    if isinstance(payload, list):
        return payload
    if payload.unchanged:
        return []
    return mapped(records_of(payload.document, settings), settings, ctx)


INTERVAL = 60.0
FEED = Feed(
    kind="http",
    caption="Any JSON or XML service, asked on a timer, its records mapped by JMESPath",
    parse=parse,
    open=fetch,
    Settings=Settings,
    nouns=fillable(),
    interval=INTERVAL,
    mapped=(
        "`records` is where the list of records stands, `fields` where each field of the event stands (JMESPath; "
        "XML is read as JSON, attributes as `@name`); `values` turns a source's words into ours. Without `time` it is "
        "the moment of reading, without `id` the content tells what is new. Pages by `paging`, by `Link`, or one."
    ),
    refused=(
        "replies longer than `max_bytes` unpacked or later than `timeout`, redirects to other hosts, login "
        "pages, NaN and 1e400, keys twice, depth, document types in XML, another encoding than said, pages without "
        "end; of records: identifiers a spreadsheet rounded (1.1E+17), numbers in another unit, `1.234,5`, years 0000 "
        "and 9999, times a day ahead."
    ),
    example="""\
[[feeds]]
kind = "http"
name = "gauges"
url = "https://water.example/api/stations"
interval = 60
auth = { kind = "bearer", secret_file = "water.token" }
ca_file = "authority.pem"          # a private authority's certificate
cert_file = "wall.pem"             # our own certificate, and its key, where the source wants to see one
key_file = "wall.key"
hosts = ["files.water.example"]    # it may send us there too, and nowhere else
parameters = { area = "440605" }
records = "data.stations[]"        # where the list of records is
event = "sensor.reading"           # or "ticket", or another type of event
time_formats = ["iso", "unix_ms"]
paging = { next = "data.next", most = 20 }

[feeds.fields]                     # a field: where it stands in a record; a constant in quotes
subject = "code"
name = "title"
quantity = "'level'"
unit = "'ft'"                      # feet are turned into metres, and never taken for them
value = "water_level"              # 1,234.5, 1.2万, 12%, １２３; "—" is no value, and refused as that
time = "observed_at"
lon = "location.lon"
lat = "location.lat"
""",
)

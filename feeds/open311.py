"""Service requests of a GeoReport v2 server (Open311), in JSON or XML, with pages and the extensions in use.

https://wiki.open311.org/GeoReport_v2. Each request becomes ``ticket.reported`` and, once it is closed,
``ticket.closed``: at the moment its log says (the extension ``notes``), else when it was last updated. A server
that knows ``updated_after`` is asked for what has changed; of another the last ``days`` are read again and again,
and what has been read before goes no further.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, field_validator

from dashboard.events import Event
from dashboard.sources.feed import Context, Delivery, Feed, Rejected, SourceNonsense
from dashboard.sources.fetch import Fetcher, Reply, WebSettings
from dashboard.sources.mapped import tickets_of
from dashboard.sources.mapping import MapSettings, search_quietly
from dashboard.sources.values import moments, raw_of, short_text

INTERVAL = 300.0
AHEAD = 600.0  # Seconds; an update further ahead of the clock does not move the cursor.
KNOWN = 500_000  # Requests that are known not to have changed; beyond these some are read twice.


class Settings(WebSettings):
    """Where the server is, and what of it is read."""

    format: Literal["json", "xml"] = "json"
    jurisdiction: str | None = None  # Sent as jurisdiction_id, where the server serves several cities.
    days: Annotated[float, Field(gt=0, le=3660)] = 90.0  # How far back requests are read.
    page_size: Annotated[int, Field(ge=1, le=1000)] = 100
    pages: Annotated[int, Field(ge=1, le=10_000)] = 500
    updated_after: str | None = None  # The parameter by which the server gives what has changed, if it can.
    parameters: dict[str, str] = Field(default_factory=dict)  # What else the server wants to be asked with.
    place: str | None = None  # Where a request names its place, such as extended_attributes.ward (JMESPath).
    place_by: tuple[Literal["code", "point", "name"], ...] = ("code", "point", "name")

    caller: str | None = None  # Where it says who reported, such as extended_attributes.account; only a mark is kept.

    @field_validator("place", "caller")
    @classmethod
    def _place(cls, value: str | None) -> str | None:
        if value is not None:
            MapSettings.expression(value)
        return value


@dataclass(frozen=True, slots=True)
class Page:
    """The requests of a reply that were not known yet."""

    requests: list[Any] = field(default_factory=list)

    def __str__(self) -> str:
        return raw_of(self.requests)


class Cursor(msgspec.Struct, omit_defaults=True):
    """The latest update that has been read, as seconds since 1970 UTC."""

    updated: float = 0.0


Payload = Page | Reply | list[Rejected]


async def fetch(settings: Settings, ctx: Context) -> AsyncIterator[Delivery]:
    """Read the last days, then every ``interval`` seconds what has changed; each page is one delivery.

    Raises:
        SourceFailed: if the server does not answer as it should.
    """
    cursor = _cursor(ctx.cursor, ctx.now())
    known: dict[str, bytes] = {}
    async with Fetcher(settings, ctx) as web:
        while True:
            began = asyncio.get_running_loop().time()
            latest, whole = cursor.updated, True
            async for payload, updated in _pages(web, settings, cursor, known, ctx.now()):
                whole = updated is not None
                latest = max(latest, updated or 0.0)
                yield Delivery(payload)
            if whole:  # Else there is more behind the pages that were read, and it is to be asked for again.
                cursor.updated = latest
            yield Delivery(Page(), msgspec.json.encode(cursor).decode())  # All pages are on disk by now.
            took = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(0.0, (settings.interval or INTERVAL) - took))


def _cursor(text: str | None, now: datetime) -> Cursor:
    try:
        found = msgspec.json.decode(text or "{}", type=Cursor)
    except msgspec.MsgspecError:
        return Cursor()  # What was read before comes again, as duplicates.
    return found if found.updated <= now.timestamp() + AHEAD else Cursor()


async def _pages(
    web: Fetcher, settings: Settings, cursor: Cursor, known: dict[str, bytes], now: datetime
) -> AsyncIterator[tuple[Payload, float | None]]:
    """The pages, each with the latest update in it; None with what is said where they end before their time."""
    parameters = {**settings.parameters, "page_size": str(settings.page_size)}
    if settings.jurisdiction is not None:
        parameters["jurisdiction_id"] = settings.jurisdiction
    start = now - timedelta(days=settings.days)
    if settings.updated_after is not None and cursor.updated:
        # A minute twice: clocks of servers differ, and what is known already is left out.
        start = datetime.fromtimestamp(cursor.updated, UTC) - timedelta(minutes=1)
        parameters[settings.updated_after] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    else:
        parameters["start_date"] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    base = settings.url.rstrip("/")
    url = f"{base}/requests.{settings.format}"
    before: set[bytes] = set()
    web.forget()  # A page that has not changed leads to pages that may have.
    for page in range(1, settings.pages + 1):
        reply = await web.get(url, {**parameters, "page": str(page)})
        digest = blake2b(reply.body, digest_size=16).digest()
        if digest in before:
            return  # It knows no pages, and has given all it has at once.
        before.add(digest)
        try:
            requests = requests_of(reply.document)
        except SourceNonsense:
            yield reply, None
            return
        fresh = [request for request in requests if _is_new(request, known)]
        updates = (_updated(request) for request in requests)
        yield Page(fresh), max((one for one in updates if one <= now.timestamp() + AHEAD), default=0.0)
        if not requests:
            return
    yield (
        [Rejected("endless_paging", "", url, f"it has more than {settings.pages} pages; set days, or raise pages")],
        None,
    )


def _is_new(request: Any, known: dict[str, bytes]) -> bool:
    """Whether a request was not seen like this before."""
    digest = blake2b(raw_of(request).encode(), digest_size=8).digest()
    number = str(request.get("service_request_id", "")) if isinstance(request, dict) else ""
    if known.get(number) == digest:
        return False
    if number:
        known.pop(number, None)
        known[number] = digest
        if len(known) > KNOWN:
            known.pop(next(iter(known)))
    return True


def _updated(request: Any) -> float:
    text = request.get("updated_datetime") if isinstance(request, dict) else None
    try:
        return moments("UTC", ("iso",))(str(text)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def requests_of(document: Any) -> list[Any]:
    """The requests of a reply.

    Raises:
        SourceNonsense: ``source_error`` with what the server says, or ``no_requests`` for another kind of reply,
            such as a list of services.
    """
    if isinstance(document, dict):
        if "errors" in document or "error" in document:
            raise SourceNonsense("source_error", _errors(document))
        for name in ("service_requests", "requests"):
            if name in document:
                document = document[name]
                break
        else:
            names = ", ".join(map(repr, list(document)[:5]))
            raise SourceNonsense("no_requests", f"has {short_text(names)} and no service_requests")
        if isinstance(document, dict) and "request" in document:
            document = document["request"]  # XML; a single one is no list there.
        if document == "" or document is None:
            return []
        if isinstance(document, dict):
            document = [document]
    if not isinstance(document, list):
        raise SourceNonsense("no_requests", f"is a {type(document).__name__} and no list of requests")
    if document and all(isinstance(one, dict) and "service_request_id" not in one for one in document):
        if all("code" in one and "description" in one for one in document):
            raise SourceNonsense("source_error", _errors({"errors": document}))
        if not any("token" in one for one in document):
            names = ", ".join(map(repr, list(document[0])[:5]))
            raise SourceNonsense("no_requests", f"its records have {short_text(names)} and no service_request_id")
    return document


def _errors(document: dict[str, Any]) -> str:
    """What the server says is wrong."""
    found: Any = document.get("errors", document.get("error"))
    while isinstance(found, dict | list) and found:
        found = next(iter(found), None) if isinstance(found, list) else found.get("error", found.get("description"))
    return f"the server says: {short_text(str(found or 'error'))}"


def parse(payload: Payload, settings: Settings, ctx: Context) -> Iterable[Event | Rejected]:
    """The tickets of a page.

    Raises:
        SourceNonsense: if it is no list of requests.
    """
    if isinstance(payload, list):
        return payload
    if isinstance(payload, Reply) and payload.unchanged:
        return []
    return _tickets(payload.requests if isinstance(payload, Page) else requests_of(payload.document), settings, ctx)


def _tickets(requests: list[Any], settings: Settings, ctx: Context) -> Iterator[Event | Rejected]:
    lines = []
    for number, request in enumerate(requests, 1):
        where = f"request {number}"
        if not isinstance(request, dict):
            lines.append(b"")
            yield Rejected("wrong_type", raw_of(request), where, f"is a {type(request).__name__} and no request")
        elif not _said(request, "service_request_id") and _said(request, "token"):
            lines.append(b"")
            yield Rejected(
                "not_filed_yet", raw_of(request), where, "has a token and no number yet; it comes again with one"
            )
        else:
            ticket, flaws = _ticket(request, settings)
            lines.append(msgspec.json.encode(ticket))
            for reason, detail in flaws:
                yield Rejected(reason, raw_of(request), where, detail, kept=True)
    table = MapSettings(
        name=settings.name, kind=settings.kind, source=settings.source, place_by=settings.place_by,
        fields={"number": "number", "reported": "reported"},
    )  # fmt: skip
    yield from tickets_of(lines, table, ctx, "request")


def _said(request: dict[str, Any], name: str) -> Any:
    """A value of a request; None where it is empty, or an element of XML with nothing in it."""
    value = request.get(name)
    if isinstance(value, dict | list):
        return None
    return _whole(value.strip() or None) if isinstance(value, str) else _whole(value)


def _whole(value: Any) -> Any:
    """A text that can be written down: half a character cannot, and becomes a question mark."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _ticket(request: dict[str, Any], settings: Settings) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """A request as a row of a table under our names, and what is flawed in it."""
    flaws = []
    status = str(_said(request, "status") or "").lower()
    if status not in ("open", "closed"):
        flaws.append(("unknown_status", f"{short_text(status)!r} is neither open nor closed; it counts as open"))
    closed = _closed(request) if status == "closed" else None
    if status == "closed" and closed is None:
        flaws.append(("no_closing_time", "is closed, and nobody says when; it counts as open"))
    category = _said(request, "service_name") or _said(request, "service_code")
    place = search_quietly(settings.place, request) if settings.place is not None else _said(request, "zipcode")
    caller = None if settings.caller is None else search_quietly(settings.caller, request)
    found = {
        "number": _said(request, "service_request_id"), "caller": caller,
        "reported": _said(request, "requested_datetime"),
        "title": _said(request, "description") or category, "category": category,
        "unit": _said(request, "agency_responsible"),
        "channel": search_quietly("extended_attributes.channel", request),
        "due": _said(request, "expected_datetime"), "closed": closed,
        "place_code": place, "place_name": place, "lon": _said(request, "long"), "lat": _said(request, "lat"),
    }  # fmt: skip
    return {name: _whole(value) for name, value in found.items() if isinstance(value, str | int | float)}, flaws


def _closed(request: dict[str, Any]) -> str | None:
    """When a closed request was closed: its log's latest word on that, else its last update."""
    notes = request.get("notes")
    if isinstance(notes, list):
        told = [note.get("datetime") for note in notes if isinstance(note, dict) and note.get("type") == "closed"]
        if told and isinstance(told[-1], str):
            return told[-1]
    found = _said(request, "updated_datetime")
    return str(found) if found is not None else None


FEED = Feed(
    kind="open311",
    caption="Service requests of a GeoReport v2 server (Open311), in JSON or XML",
    parse=parse,
    open=fetch,
    Settings=Settings,
    nouns=("ticket",),
    interval=INTERVAL,
    mapped=(
        "`service_request_id` is the number, `description` or `service_name` the title, `service_name` the category, "
        "`agency_responsible` the unit, `requested_datetime` and `expected_datetime` report and deadline, `lat`/`long` "
        "the point, `place` or `zipcode` the place. `status` closed gives a closing at the time of the log (`notes`), "
        "else of `updated_datetime`; `extended_attributes.channel` is the channel. A request in other words than "
        "before is put right."
    ),
    refused=(
        "the server's own errors (in its words), lists of services, requests that have only a token yet, closings "
        "before the report, rounded numbers; a status that is neither open nor closed counts as open and is noted."
    ),
    example="""\
[[feeds]]
kind = "open311"
name = "requests"
url = "https://311.example/dev/v2"
format = "json"
jurisdiction = "city.example"
days = 90
updated_after = "updated_after"          # where the server knows it
parameters = { extensions = "true" }
place = "extended_attributes.ward"
caller = "extended_attributes.account"   # of who reported only a mark is kept
auth = { kind = "key", query = "api_key", secret_env = "OPEN311_KEY" }
""",
)

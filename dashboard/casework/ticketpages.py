"""The tickets behind every number: the table of what an address asks for, its export, and the page of one ticket.

All questions to history run in threads of their own, a few at a time, so that a slow disk holds up nobody's link.
"""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote

import dash_ag_grid
from dash import html
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from dashboard.casework import orders
from dashboard.casework.frozen import Frozen
from dashboard.casework.ticketasks import FILTERS, SORTS, Asked, AskError, asked, chips
from dashboard.casework.ticketface import face
from dashboard.casework.ticketquery import PAGE, TicketQuery, order_of
from dashboard.casework.ticketrows import COLUMNS, Reader, line
from dashboard.casework.ticketsheet import CUT, MOST, as_csv, as_workbook
from dashboard.city import City
from dashboard.masking import mask
from dashboard.nouns.noun import Rules
from dashboard.nouns.ticketstory import story
from dashboard.screens.marks import clipped, fraction
from dashboard.screens.moment import Moment
from dashboard.screens.page import to_json
from dashboard.screens.topbar import bar
from dashboard.travel.history import HistoryFailed
from dashboard.travel.messages import Messages
from dashboard.words import Words, percent

THREADS = 4
T = TypeVar("T")
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
FAILED = Words("工单库暂时无法读取", "The tickets cannot be read just now")
FROZEN = Words("已冻结", "Frozen:")
GONE = Words("没有这张工单", "There is no such ticket")
TITLE = Words("工单", "Tickets")
SEARCH = Words("搜索工单号或标题", "Search number or title")


Sent = Callable[[str], Sequence[Mapping[str, Any]]]
"""The messages sent about a ticket, by its key: at, step, to, state."""


class TicketPages:
    """The doors of one web process to the tickets of one city."""

    def __init__(
        self, city: City, query: TicketQuery, rules: Rules, moment: Moment, sent: Sent = lambda key: (),
        told: orders.Orders = lambda key: (),
    ) -> None:  # fmt: skip
        self.city, self.query, self.rules, self.moment, self.sent = city, query, rules, moment, sent
        self.orders = told
        self.places, self.frozen = rules.places, Frozen(query, rules)
        self.threads = ThreadPoolExecutor(THREADS, "tickets")

    def routes(self) -> list[BaseRoute]:
        """The addresses of the data; the pages themselves are ``grid_page`` and ``face_page``."""
        found: dict[str, Callable[[Request, Reader], Awaitable[Response]]] = {
            "/tickets/rows": self.rows, "/tickets/count": self.count, "/tickets/names": self.names,
            "/tickets/export.{kind}": self.export, "/ticket/data": self.ticket,
        }  # fmt: skip
        return [Route(path, self.door(answer), methods=["GET"]) for path, answer in found.items()]

    def door(
        self, answer: Callable[[Request, Reader], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """A door that answers in the reader's language and at the city's time, says how old that is, and refuses
        with a reason.
        """

        async def opened(request: Request) -> Response:
            language = request.query_params.get("lang", "")
            language = language if language in self.city.languages else self.city.languages[0]
            said = await self.moment()
            reader = Reader(self.city, self.places, language, float(said["now"]))
            try:
                found = await answer(request, reader)
            except AskError as error:
                return JSONResponse({"reason": str(error)}, 400)
            except HistoryFailed:
                return JSONResponse({"reason": FAILED[language]}, 503, {"retry-after": "5"})
            if said.get("as_of") is not None:
                found.headers["x-as-of"] = json.dumps(
                    {name: said.get(name) for name in ("now", "as_of", "wall", "behind")}
                )
            return found

        return opened

    async def ask(self, question: Callable[..., T], *given: Any) -> T:
        """The answer to a question that waits for the disk, from a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, question, *given)

    def _asked(self, request: Request) -> Asked:
        return asked(request.query_params.multi_items(), self.places)

    # -- the table ---------------------------------------------------------------------------------------

    async def rows(self, request: Request, to: Reader) -> Response:
        """A page of lines, and the word with which the next one is asked for."""
        what = self._asked(request)
        after = _unpack(request.query_params.get("after", ""))
        page = await self.ask(self.query.page, what, to.now, after, PAGE)
        lines = [line(row, to) for row in page.rows]
        return _json({"rows": lines, "after": _pack(page.after)})

    async def count(self, request: Request, to: Reader) -> Response:
        """How many there are, the filters in plain words, and the order."""
        what = self._asked(request)
        counts = await self.ask(self.query.counts, what, to.now)
        sort, down = order_of(what)
        kept = await self.ask(self._frozen, what, to)
        path = [{"code": code, "title": self.places[code].title(to.language)} for code in self.places.path(what.place)]
        return _json({
            "counts": counts, "frozen": kept, "chips": chips(what, self.city, self.places, to.language), "path": path,
            "sort": {"by": sort, "down": down}, "limits": MOST,
            "children": [{"code": c.code, "title": c.title(to.language)} for c in self.places.children(what.place)],
        })  # fmt: skip

    def _frozen(self, what: Asked, to: Reader) -> dict[str, Any] | None:
        """The frozen figure of a month's rate, where the address asks for just that; None where there is none."""
        named = [(name, values) for name, values in what.filters if name not in ("rate", "period", "met")]
        by: list[tuple[str, tuple[str, ...]]] = (
            [("place", (what.place,))] if what.place != self.places.root.code else []
        )
        by += [pair for pair in named if pair[0] in ("unit", "category", "source")]
        if not what.get("rate") or len(by) > 1 or len(by) < len(named) or any(len(values) > 1 for _, values in by):
            return None
        (month,), (rate,) = what.get("period"), what.get("rate")
        group, name = (by[0][0], by[0][1][0]) if by else ("", "")
        found = self.frozen.month(month)
        figure = None if found is None else self.frozen.kept(month).get((group, name, rate))
        if found is None or figure is None:
            return None
        shown = percent(figure.part, figure.whole, 2)
        when = f"{to.moment(found.at)[:10]} {clipped(mask(found.who))}"
        return {"text": f"{FROZEN[to.language]} {shown} % · {fraction(figure.part, figure.whole)} · {when}"}

    async def names(self, request: Request, to: Reader) -> Response:
        """What can be filtered by at a place, with the number of tickets of each name."""
        place = request.query_params.get("place", self.places.root.code)
        if place not in self.places:
            raise AskError(f"place: there is no place {place!r} here")
        found = await self.ask(self.query.names, place, to.now)
        shown = {name: [[value, to.name(value), n] for value, n in values[:300]] for name, values in found.items()}
        for name, about in FILTERS.items():
            if about.kind == "choice":
                shown[name] = [[value, words[to.language], None] for value, words in about.values.items()]
        yes = [
            [name, about.yes[to.language]] for name, about in FILTERS.items() if about.kind == "yes" and name != "met"
        ]
        titles = {name: about.words[to.language] for name, about in FILTERS.items()}
        return _json({"names": shown, "yes": yes, "titles": titles})

    async def export(self, request: Request, to: Reader) -> Response:
        """All that is asked for, as a file; where that is too much, its last line says so."""
        kind = request.path_params["kind"]
        if kind not in KINDS:
            raise AskError(f"export: {kind!r} is none of {', '.join(KINDS)}")
        what, most = self._asked(request), MOST[kind]
        all_of_them = (await self.ask(self.query.counts, what, to.now))["n"]
        last = CUT[to.language].format(most=most, all=all_of_them) if all_of_them > most else ""
        found = self.query.every(what, to.now, most)
        name = f"{self.city.name}-tickets-{to.moment(to.now)[:10]}.{kind}"
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        pieces = (as_csv if kind == "csv" else as_workbook)(found, to, last)
        return StreamingResponse(self._streamed(pieces), 200, headers, KINDS[kind])

    async def _streamed(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        while (piece := await self.ask(next, pieces, None)) is not None:
            yield piece

    # -- one ticket --------------------------------------------------------------------------------------

    async def ticket(self, request: Request, to: Reader) -> Response:
        """The parts of a ticket's page, and where it lies."""
        source, bar, number = request.query_params.get("key", "").partition("|")
        row = await self.ask(self.query.ticket, source, number) if bar else None
        if row is None:
            return JSONResponse({"reason": GONE[to.language]}, 404)
        told = await self.ask(story, source, number, row["trail"] or b"", self.rules, to.now)
        others = await self.ask(self.query.related, row, to.now)
        sent = await self.ask(self.sent, f"{source}|{number}")
        parts = await self.ask(face, row, told, others, sent, to)
        asked_for = await self.ask(self.orders, f"{source}|{number}")
        parts["orders"] = orders.face(f"{source}|{number}", row, asked_for, self.rules, to)
        parts["titles"]["orders"] = orders.title(asked_for, to)
        path = self.places.path(row["place"] or "")
        near = [[o["lon"], o["lat"]] for o in others.get("spot", ()) if o["lon"] is not None]
        where = {
            "lon": row["lon"],
            "lat": row["lat"],
            "place": path[-1],
            "around": path[-2] if len(path) > 1 else path[0],
            "near": near,
        }
        return Response(to_json({"parts": parts, "where": where}), media_type="application/json")


# -- pages ---------------------------------------------------------------------------------------------------


def grid_page(city: City) -> Any:
    """The table's page; ``tickets.mjs`` gives the grid its columns and fetches its rows."""
    options = {
        "cacheBlockSize": PAGE, "maxConcurrentDatasourceRequests": 8,
        "infiniteInitialRowCount": 1, "blockLoadDebounceMillis": 40, "suppressDragLeaveHidesColumns": True,
        "rowHeight": 34, "headerHeight": 36, "animateRows": False, "suppressMovableColumns": True,
    }  # fmt: skip
    tools = [
        html.Div([
            html.Span("⌕", className="glass", **{"aria-hidden": "true"}),
            html.Div(id="desk-search", **{"data-hint-zh": SEARCH.zh, "data-hint-en": SEARCH.en}),
        ], className="search"),
        html.Div(id="desk-chips", className="chips"), html.Div(id="desk-add", className="add"),
        html.Span(className="gap"), html.Div(id="desk-export", className="export"),
    ]  # fmt: skip
    about = {name: [words.zh, words.en] for name, words in COLUMNS.items()}
    return html.Div([
        html.Header(bar(city), className="bar"),
        html.Div([html.H1(id="desk-count"), html.Div(id="desk-sums", className="sums")], className="summary"),
        html.Div(tools, className="tools"),
        html.Div(id="desk-fault", className="fault", role="alert", hidden=True),
        html.Div(dash_ag_grid.AgGrid(
            id="desk-grid", rowModelType="infinite", columnDefs=[], dashGridOptions=options,
            style={"height": "100%", "width": "100%"},
            columnSize=None,
        ), className="grid"),
        html.Div(id="desk-panel", className="chooser", hidden=True),
    ], id="desk", className="desk", **{"data-columns": json.dumps(about), "data-sorts": " ".join(SORTS)})  # fmt: skip


def face_page(city: City) -> Any:
    """One ticket's page; ``ticket.mjs`` fetches its parts and draws each in its place."""

    def part(name: str, kind: str = "") -> Any:
        return (html.Ol if name == "life" else html.Div)(id=f"face-{name}", className=kind)

    def card(name: str, kind: str = "") -> Any:
        return html.Section([html.H2(id=f"title-{name}"), part(name, kind)], className=f"card {name}")

    return html.Div([
        html.Header(bar(city), className="bar"),
        html.Div(id="desk-fault", className="fault", role="alert", hidden=True),
        html.Div(id="face-head", className="face-head"),
        html.Main([
            html.Div([
                html.Section(part("facts", "facts"), className="card"),
                html.Section(part("map", "map"), className="card where"),
            ], className="column"),
            html.Div([card("clock"), card("life")], className="column broad"),
            html.Div([card("orders"), card("messages"), html.Section(part("related"), className="card related")],
                     className="column"),
        ], className="face"),
    ], id="desk", className="desk one")  # fmt: skip


def sent_by(url: str) -> Sent:
    """What the escalation's log says of a ticket, the newest first; nothing where there is none."""
    log = Messages(url)

    def sent(key: str) -> Sequence[Mapping[str, Any]]:
        try:
            found = log.newest(40, ticket=key)
        except HistoryFailed:
            return []
        return [
            {
                "at": one.sent or one.noted,
                "step": one.name,
                "to": f"{one.post} {one.channel}".strip(),
                "state": one.state,
            }
            for one in found
        ]

    return sent


def _json(value: Any) -> Response:
    return Response(to_json(value), media_type="application/json")


def _pack(after: Sequence[Any] | None) -> str | None:
    return None if after is None else urlsafe_b64encode(json.dumps(list(after)).encode()).decode()


def _unpack(word: str) -> tuple[Any, ...] | None:
    """The row after which a page goes on.

    Raises:
        AskError: if it is no such word.
    """
    if not word:
        return None
    with suppress(ValueError):
        found = json.loads(urlsafe_b64decode(word))
        if isinstance(found, list) and len(found) == 3 and all(isinstance(part, str) for part in found[1:]):
            return tuple(found)
    raise AskError("after: is no row this server has named")

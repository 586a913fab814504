"""The page of the rates: of any place and period, by unit, place, category, feed or channel, down to the tickets."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from dash import html
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboard.casework.frozen import Figures
from dashboard.casework.ratetable import BY, RatesAsked, Row, as_csv, document, month_of, rates_asked, rows_of
from dashboard.casework.ticketasks import period_words, span
from dashboard.casework.ticketpages import KINDS, TicketPages
from dashboard.casework.ticketrows import Reader
from dashboard.city import City
from dashboard.masking import mask
from dashboard.screens.marks import clipped
from dashboard.screens.page import to_json
from dashboard.screens.topbar import bar
from dashboard.words import Words

FROZEN = Words(
    "已冻结：{who} · {when} · 第 {version} 版", "Frozen by {who} on {when}, version {version}"
)  # fmt: skip
TITLE = Words("指标", "Rates")


class RatePages:
    """The doors of one web process to the rates of one city, beside those to its tickets."""

    def __init__(self, pages: TicketPages) -> None:
        self.pages = pages

    def routes(self) -> list[BaseRoute]:
        """The addresses of the data; the page itself is ``rates_page``."""
        found = {"/rates/data": self.data, "/rates/export.csv": self.export}
        return [Route(path, self.pages.door(answer), methods=["GET"]) for path, answer in found.items()]

    async def data(self, request: Request, to: Reader) -> Response:
        """The table, its period in words, the way down to its place, and who froze it where somebody has."""
        what, all_of_it, rows, frozen = await self._found(request, to)
        places, calendar = self.pages.places, self.pages.query.calendar
        start, end = span(what.period, to.now, calendar)
        path = [{"code": code, "title": places[code].title(to.language)} for code in places.path(what.place)]
        said = {
            "title": TITLE[to.language], "period_words": period_words(what.period, to.language), "frozen": frozen,
            "days": [_day(start, to), _day(end - 1, to)], "running": start <= to.now < end, "path": path,
            "today": to.moment(to.now)[:10], "groups": [[name, words[to.language]] for name, words in BY.items()],
        }  # fmt: skip
        found = document(what, all_of_it, rows, to) | said
        return Response(to_json(found), media_type="application/json")

    async def export(self, request: Request, to: Reader) -> Response:
        """The same as a file; its last line says who froze it where somebody has."""
        what, all_of_it, rows, frozen = await self._found(request, to)
        name = f"{self.pages.city.name}-rates-{what.place}-{what.by}-{what.period.replace(':', '')}.csv"
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(as_csv(what, all_of_it, rows, to, frozen), 200, headers, KINDS["csv"])

    async def _found(self, request: Request, to: Reader) -> tuple[RatesAsked, Row, list[Row], str]:
        query, frozen = self.pages.query, self.pages.frozen
        what = rates_asked(request.query_params.multi_items(), self.pages.places, to, query.calendar)
        month = month_of(what.period, to.now, query.calendar)

        def asked() -> tuple[Row, list[Row], str]:
            whole = query.rates(what.place, what.period, to.now, "")[""]
            groups = query.rates(what.place, what.period, to.now, what.by)
            by = frozen.month(month) if month else None
            kept: Figures = frozen.kept(month, by.version) if by else {}
            said = ""
            if by:
                who, when = clipped(mask(by.who)), to.moment(by.at)
                said = FROZEN[to.language].format(who=who, when=when, version=by.version)
            return (*rows_of(what, whole, groups, kept, to), said)

        return (what, *await self.pages.ask(asked))


def _day(moment: float, to: Reader) -> str:
    """The day of a moment; empty for one that has no end."""
    return "" if moment in (float("inf"), float("-inf")) else to.moment(moment)[:10]


def rates_page(city: City) -> Any:
    """The page; ``rates.mjs`` fetches the table and draws it."""
    return html.Div([
        html.Header(bar(city), className="bar"),
        html.Div([html.H1(id="desk-title"), html.Div(id="desk-sums", className="sums")], className="summary"),
        html.Div([
            html.Div(id="desk-periods", className="segments"), html.Div(id="desk-dates", className="dates"),
            html.Span(className="gap"), html.Div(id="desk-by", className="segments"),
            html.Div(id="desk-export", className="export"),
        ], className="tools"),
        html.Div(id="desk-fault", className="fault", role="alert", hidden=True),
        html.Div(id="desk-table", className="rates", tabIndex="-1"),
    ], id="desk", className="desk")  # fmt: skip

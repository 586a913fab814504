"""Statistics as bureaus give them: replies of easyquery and of the World Bank, and tables, as indicator events."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from dashboard.events import Event, pack
from dashboard.nouns.indicators import IndicatorReported
from dashboard.nouns.releases import Period, Span
from dashboard.sources.documents import read_json, text_of
from dashboard.sources.feed import Context, Rejected, Settings, SourceNonsense
from dashboard.sources.quantities import quantity_of
from dashboard.sources.sheets import Row, rows_of
from dashboard.sources.values import Refusal, moments, number_of, raw_of, short_text

HEADED = re.compile(r"(.+?)\s*[（(]([^()（）]{1,20})[)）]")  # 地区生产总值（亿元）
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
LATE = timedelta(days=40)  # A figure of a period that ends later than this from now is no figure yet.


class Layout(BaseModel):
    """How a table stands: which column holds what, or with ``across`` what the names of all other columns are.

    ``period`` may put several columns together: ``{year}Q{quarter}``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    period: str
    value: str | None = None
    series: str | None = None
    name: str | None = None
    region: str | None = None
    unit: str | None = None
    across: Literal["series", "region"] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Layout:
        if (self.value is None) == (self.across is None):
            raise ValueError("name the column of the value, or with across what the other columns' names are")
        return self

    @property
    def period_columns(self) -> list[str]:
        """The columns that make up the period."""
        return re.findall(r"\{([^{}]*)\}", self.period) or [self.period]

    @property
    def columns(self) -> list[str]:
        """The columns that have to be there."""
        others = (self.value, self.series, self.name, self.region, self.unit)
        return list(dict.fromkeys([*self.period_columns, *(name for name in others if name is not None)]))


class FigureSettings(Settings):
    """What a bureau's figures are of, where it does not say so itself."""

    format: Literal["auto", "easyquery", "worldbank", "table"] = "auto"
    table: Layout | None = None
    series: str | None = None  # The code, where a table holds a single series.
    region: str = ""  # Whose figures are those that name no region; empty: the city's own.
    places: dict[str, str] = Field(default_factory=dict)  # Regions, as the bureau names or codes them → places.
    units: dict[str, str] = Field(default_factory=dict)  # Of series whose source names none.
    spans: dict[str, Span] = Field(default_factory=dict)  # Of series; else seen in their name.
    encoding: str | None = None
    sheet: str | None = None

    def span_of(self, code: str, name: str, up_to: bool) -> Span:
        """Whether a figure is of its period alone, of the year so far, or a level at its end."""
        if code in self.spans:
            return self.spans[code]
        if up_to or "累计" in name:
            return "cumulative"
        return (
            "level"
            if re.search("期末|年末|月末|余额", name) and "同比" not in name and "增长" not in name
            else "single"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What a bureau gave, and when it was seen to say so. ``told`` are the marks of what it has said before."""

    name: str
    body: bytes
    seen: datetime
    told: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.body[:4096].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure in a source's own words."""

    where: str
    raw: Any
    code: str
    period: str
    value: Any
    unit: str = ""
    name: str = ""
    region: str = ""
    region_code: str = ""
    published: datetime | None = None


def mark_of(found: Event | Rejected) -> str:
    """A few letters that are equal for the same figure of the same value, or the same refusal, whenever it is said."""
    if isinstance(found, Rejected):
        said = f"{found.reason}\0{found.raw}".encode("utf-8", "replace")
    else:
        said = pack(msgspec.structs.replace(found, id=found.id.rpartition("@")[0], time=NEVER))
    return b64encode(blake2b(said, digest_size=9).digest()).decode()


def figures_of(report: Report, settings: FigureSettings, ctx: Context) -> Iterator[Event | Rejected]:
    """What is new in a report: a figure that has another value than before, or none before, is a vintage of its own.

    Raises:
        SourceNonsense: if it is no report of the kind, ``source_error`` with what the source says.
    """
    found = all_figures_of(report, settings, ctx)
    return (one for one in found if mark_of(one) not in report.told) if report.told else found


def all_figures_of(report: Report, settings: FigureSettings, ctx: Context) -> Iterator[Event | Rejected]:
    """The events of a report, each figure taken or refused by itself.

    Raises:
        SourceNonsense: if it is no report of the kind, ``source_error`` with what the source says.
    """
    kind, document = settings.format, None
    if kind == "auto" and report.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and settings.table is None:
        document = read_json(text_of(report.body, settings.encoding))
        kind = "easyquery" if isinstance(document, dict) else "worldbank"
    elif kind in ("easyquery", "worldbank"):
        document = read_json(text_of(report.body, settings.encoding))
    if kind == "easyquery":
        found = _easyquery(document)
    elif kind == "worldbank":
        found = _worldbank(document, ctx)
    else:
        found = _table(report, settings)
    for figure in found:
        if isinstance(figure, Rejected):
            yield figure
            continue
        try:
            yield _event(figure, report, settings, ctx)
        except Refusal as refusal:
            yield Rejected(refusal.reason, raw_of(figure.raw), figure.where, short_text(refusal.detail))


def _event(figure: Figure, report: Report, settings: FigureSettings, ctx: Context) -> IndicatorReported:
    code = number_of(figure.code.strip())
    try:
        period, up_to = Period.read(figure.period)
    except ValueError as error:
        raise Refusal("bad_period", str(error)) from None
    time = figure.published or report.seen
    if period.end > (time + LATE).date() and figure.value not in (None, ""):
        raise Refusal("period_in_future", f"{period} is not over")
    name = short_text(figure.name)
    wanted = settings.units.get(code, figure.unit)
    if figure.unit and code in settings.units and figure.unit != wanted:
        raise Refusal("wrong_unit", f"{code} comes in {figure.unit} and is set to be in {wanted}")
    value, unit = quantity_of(figure.value, wanted.strip())
    region = short_text(figure.region) or settings.region
    span = settings.span_of(code, name, up_to)
    return IndicatorReported(
        id=f"{code}|{region}|{period}|{span}@{time.isoformat()}", source=settings.source or settings.name, subject=code,
        time=time, period=str(period), span=span, unit=short_text(unit), value=value, name=name, region=region,
        place=_place(region, figure.region_code, settings, ctx), published=figure.published is not None,
    )  # fmt: skip


def _place(region: str, code: str, settings: FigureSettings, ctx: Context) -> str:
    """The place a region is; empty where it is none of the city's, and then it is only compared with."""
    if not region and not code:
        return ctx.places.root.code
    for said in (region, code):
        known = settings.places.get(said, said)
        if known in ctx.places:
            return known
        named = ctx.places.named(known) if known else None
        if named is not None:
            return named
    return ""


# -- the bureau's easyquery ------------------------------------------------------------------------------------


def _easyquery(document: Any) -> Iterator[Figure | Rejected]:
    """Figures of data.stats.gov.cn/easyquery.htm, as recorded in March 2026."""
    if not isinstance(document, dict) or "returncode" not in document:
        raise SourceNonsense("no_figures", "has no returncode; ask with m=QueryData")
    data = document.get("returndata")
    if document["returncode"] != 200 or not isinstance(data, dict):
        raise SourceNonsense("source_error", f"the bureau says {document['returncode']}: {short_text(str(data))}")
    nodes, axes = data.get("datanodes"), data.get("wdnodes")
    if not isinstance(nodes, list) or not isinstance(axes, list):
        raise SourceNonsense("no_figures", "has no datanodes and wdnodes")
    words: dict[tuple[str, str], dict[str, Any]] = {}
    for axis in axes:
        if isinstance(axis, dict) and isinstance(axis.get("nodes"), list):
            for node in axis["nodes"]:
                if isinstance(node, dict):
                    words[str(axis.get("wdcode")), str(node.get("code"))] = node
    for number, node in enumerate(nodes, 1):
        where = f"figure {number}"
        try:
            yield _node(node, words, where)
        except Refusal as refusal:
            yield Rejected(refusal.reason, raw_of(node), where, refusal.detail)


def _node(node: Any, words: dict[tuple[str, str], dict[str, Any]], where: str) -> Figure:
    if not isinstance(node, dict) or not isinstance(node.get("data"), dict) or not isinstance(node.get("wds"), list):
        raise Refusal("wrong_type", "has no data and wds")
    codes = {
        one["wdcode"]: one["valuecode"]
        for one in node["wds"]
        if isinstance(one, dict) and isinstance(one.get("wdcode"), str) and isinstance(one.get("valuecode"), str)
    }
    if not {"zb", "sj"} <= set(codes):
        raise Refusal("missing_field", "says no indicator (zb) or no time (sj)")
    about = words.get(("zb", codes["zb"]), {})
    region = words.get(("reg", codes.get("reg", "")), {})
    return Figure(
        where, node, codes["zb"], codes["sj"], _told(node["data"]), _words(about.get("unit")),
        _words(about.get("cname")) or _words(about.get("name")),
        _words(region.get("cname")) or _words(region.get("name")) or codes.get("reg", ""), codes.get("reg", ""),
    )  # fmt: skip


def _words(value: Any) -> str:
    """A text of a reply; what is none says nothing."""
    return value if isinstance(value, str) else ""


def _told(data: dict[str, Any]) -> Any:
    """The value of a node; None where the bureau has none, which it writes as a zero with ``hasdata`` false."""
    if data.get("hasdata") is False:
        return None
    text, number = data.get("strdata"), data.get("data")
    if not isinstance(text, str) or not text.strip():
        return number
    value, _ = quantity_of(text)
    other = quantity_of(number)[0] if isinstance(number, int | float) else None
    if value is not None and other is not None and abs(value - other) > 1e-6 * max(1.0, abs(value)):
        raise Refusal("contradiction", f"says {text[:20]} and {number} of the same figure")
    return text


# -- the World Bank --------------------------------------------------------------------------------------------


def _worldbank(document: Any, ctx: Context) -> Iterator[Figure | Rejected]:
    """Figures of api.worldbank.org/v2 with format=json: a list of what it is about, and of figures."""
    if not isinstance(document, list) or not document or not isinstance(document[0], dict):
        raise SourceNonsense("no_figures", "is no reply of the World Bank; ask with format=json")
    about, rows = document[0], document[1] if len(document) > 1 else None
    if "message" in about:
        said = about["message"]
        while isinstance(said, list) and said:
            said = said[0]
        words = said.get("value") if isinstance(said, dict) else said
        raise SourceNonsense("source_error", f"the bank says: {short_text(str(words))}")
    if rows is None and "total" in about:
        return
    if not isinstance(rows, list):
        raise SourceNonsense("no_figures", "has no list of figures")
    published = None
    if isinstance(about.get("lastupdated"), str):
        try:
            published = moments(ctx.city.zone, ("iso",))(about["lastupdated"])
        except (ValueError, OverflowError):
            raise SourceNonsense("impossible_date", f"lastupdated is {about['lastupdated'][:40]!r}") from None
    for number, row in enumerate(rows, 1):
        where = f"figure {number}"
        if not isinstance(row, dict) or not all(isinstance(row.get(key), dict) for key in ("indicator", "country")):
            yield Rejected("wrong_type", raw_of(row), where, "has no indicator and country")
            continue
        yield Figure(
            where, row, _words(row["indicator"].get("id")), _words(row.get("date")), row.get("value"),
            _words(row.get("unit")), _words(row["indicator"].get("value")),
            _words(row["country"].get("value")) or _words(row["country"].get("id")),
            _words(row.get("countryiso3code")) or _words(row["country"].get("id")), published,
        )  # fmt: skip


# -- tables ----------------------------------------------------------------------------------------------------


def _table(report: Report, settings: FigureSettings) -> Iterator[Figure | Rejected]:
    layout = settings.table
    if layout is None:
        raise SourceNonsense("no_figures", "is neither easyquery nor the World Bank; say in table how it stands")
    rows, notes = rows_of(
        report.name, report.body, layout.columns, encoding=settings.encoding, sheet=settings.sheet,
        rest=layout.across is not None,
    )  # fmt: skip
    yield from notes
    for row in rows:
        if row.fault is not None:
            raw = row.values.get("") or dict(row.values)
            yield Rejected(row.fault.reason, raw_of(raw), row.where, row.fault.detail)
        else:
            yield from _of_row(row, layout, settings)


def _of_row(row: Row, layout: Layout, settings: FigureSettings) -> Iterator[Figure]:
    def said(column: str | None) -> str:
        found = row.values.get(column) if column is not None else None
        return "" if found is None or isinstance(found, dict | list | bool) else str(found).strip()

    period = said(layout.period)
    if "{" in layout.period:
        period = re.sub(r"\{([^{}]*)\}", lambda found: said(found[1]), layout.period)
    code, name, region, unit = said(layout.series), said(layout.name), said(layout.region), said(layout.unit)
    if layout.across is None:
        code = code or settings.series or name
        value = row.values.get(layout.value or "")
        yield Figure(row.where, dict(row.values), code, period, value, unit, name or code, region)
        return
    for column in row.values:
        if column in layout.columns:
            continue
        headed = HEADED.fullmatch(column)
        head, own = (headed[1], headed[2]) if headed else (column, "")
        raw = {"period": period, column: row.values[column]}
        where = f"{row.where}, {short_text(column)[:40]}"
        if layout.across == "series":
            yield Figure(where, raw, head, period, row.values[column], unit or own, head, region)
        else:
            yield Figure(
                where, raw, code or settings.series or name, period, row.values[column], unit or own, name, head
            )

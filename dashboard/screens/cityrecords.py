"""What stands behind the numbers of emergencies, car parks and the economy: incidents, gauges, warnings, vintages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.nouns.noun import Document
from dashboard.screens.amounts import period_words, written
from dashboard.screens.panel import Behind, Context, Record
from dashboard.screens.servicerecords import joined, place_of
from dashboard.words import Words, count, measured, percent

Views = Mapping[str, Document]
Row = Mapping[str, Any]
LOOKS = {"alarm": "overdue", "warn": "soon", "normal": "normal"}

# -- emergencies ---------------------------------------------------------------------------------------------

GAUGES = Words("水位点", "Level gauges")
WRONG = {
    "silent": Words("无声", "silent"), "stuck": Words("卡死", "stuck"), "wrong_unit": Words("单位不符", "wrong unit"),
    "never": Words("从未上报", "never heard"),
}  # fmt: skip
WARNED = {1: ("worst", Words("红色", "red")), 2: ("overdue", Words("橙色", "orange")),
          3: ("soon", Words("黄色", "yellow")), 4: ("normal", Words("蓝色", "blue"))}  # fmt: skip


def _incidents(views: Views, ctx: Context) -> Sequence[Record]:
    return [
        Record(
            one["title"] or ctx.city.translated(one.get("category", ""), ctx.language) or one["number"],
            ctx.named(one["unit"]), one["light"], ctx.case(one["key"]), one["due"],
        )
        for one in views["incidents"].get("incidents", [])
    ]  # fmt: skip


def _levels(keep: Callable[[Row], bool]) -> Callable[..., Sequence[Record]]:
    def records(views: Views, ctx: Context) -> Sequence[Record]:
        return [
            Record(
                ctx.city.translated(gauge["name"], ctx.language),
                joined(
                    WRONG[gauge["fault"]][ctx.language] if gauge["fault"] in WRONG else "",
                    measured(gauge["value"], gauge["unit"], ctx.language), place_of(gauge["place"], ctx),
                ),
                "paused" if gauge["fault"] else LOOKS.get(gauge["grade"], "none"), "", since=gauge["at"],
            )
            for gauge in views["water"].get("levels", [])
            if keep(gauge)
        ]  # fmt: skip

    return records


def _rains(views: Views, ctx: Context) -> Sequence[Record]:
    """The rain gauges, the wettest first; after a dry day the incidents, which the card shows in their place."""
    if max((hour for hour in views["water"].get("hours", []) if hour is not None), default=None) == 0:
        return _incidents(views, ctx)
    return [
        Record(
            ctx.city.translated(gauge["name"], ctx.language),
            joined(measured(gauge["value"], gauge["unit"], ctx.language), place_of(gauge["place"], ctx)),
            "paused" if gauge["fault"] else LOOKS.get(gauge["grade"], "none"), "", since=gauge["at"],
        )
        for gauge in views["water"].get("rains", [])
    ]  # fmt: skip


def _faults(views: Views, ctx: Context) -> Sequence[Record]:
    view = views["gauge_faults"]
    found = [
        Record(
            ctx.city.translated(gauge["name"], ctx.language),
            joined(WRONG.get(gauge["fault"], WRONG["silent"])[ctx.language], place_of(gauge["place"], ctx)),
            "paused", "", since=gauge["since"],
        )
        for gauge in view.get("faults", [])
    ]  # fmt: skip
    return found + [Record(name, WRONG["never"][ctx.language], "none", "") for name in view.get("never", [])]


def _warnings(views: Views, ctx: Context) -> Sequence[Record]:
    return [
        Record(
            one["text"] or one["what"], joined(WARNED[one["level"]][1][ctx.language], place_of(one["place"], ctx)),
            WARNED[one["level"]][0], "", since=one["since"],
        )
        for one in views["warnings"].get("warnings", [])
    ]  # fmt: skip


INCIDENTS = Behind(Words("在办突发事件", "Incidents in hand"), ("incidents",), _incidents)
HIGH = Behind(GAUGES, ("water",), _levels(lambda gauge: gauge["grade"] in ("warn", "alarm") and not gauge["fault"]))
LEVELS = Behind(GAUGES, ("water",), _levels(lambda gauge: True))
RAINS = Behind(Words("雨量点", "Rain gauges"), ("water", "incidents"), _rains)
GAUGE_FAULTS = Behind(Words("不可信的监测点", "Gauges that are not believed"), ("gauge_faults",), _faults)
WARNINGS = Behind(Words("生效预警", "Warnings in force"), ("warnings",), _warnings)

# -- car parks -----------------------------------------------------------------------------------------------


def _parks(keep: Callable[[float, Context], bool] = lambda part, ctx: True) -> Callable[..., Sequence[Record]]:
    def records(views: Views, ctx: Context) -> Sequence[Record]:
        table, found = ctx.city.sensors, []
        for _, name, cars, size, at in views["parking"].get("parks", []):
            part = cars / size if size else 0.0
            if keep(part, ctx):
                said = joined(f"{count(cars)} / {count(size)}", f"{percent(round(cars), round(size), 0)} %")
                look = "overdue" if part > 1 else "soon" if part >= table.full else "normal"
                found.append(Record(ctx.city.translated(name, ctx.language), said, look, "", since=at))
        return found

    return records


PARK = Words("停车场", "Car parks")
CAR_PARKS = Behind(PARK, ("parking",), _parks())
FULL_PARKS = Behind(PARK, ("parking",), _parks(lambda part, ctx: part >= ctx.city.sensors.full))
FREE_PARKS = Behind(PARK, ("parking",), _parks(lambda part, ctx: part < 1))

# -- the economy ---------------------------------------------------------------------------------------------

WAS = Words("{} → {}", "{} → {}")
TOLD = Words("发布与修订", "As told and put right")
NO_RECORDS = Words(
    "由发布机构按合计发布，没有逐条明细；所列为各次发布与修订",
    "Told as a sum by who publishes it, without single records; listed is each telling, and what was put right since",
)
STATES = {"overdue": "overdue", "current": "normal"}


def told_first(views: Views, ctx: Context) -> list[Mapping[str, Any]]:
    """The figures as the card has them: in the order of the city file, growths with their amounts, none without one."""
    growths = {rule.growth for rule in ctx.city.indicators.series.values()}
    rows = views["indicators"].get("series", [])
    return [row for row in rows if row["code"] not in growths and row["value"] is not None]


def _amount(value: float | None, unit: str, ctx: Context) -> str:
    return f"{written(value, unit)} {ctx.city.translated(unit, ctx.language) if value is not None else ''}".strip()


def _told(row: Row, ctx: Context) -> Record:
    name = ctx.city.translated(row["name"], ctx.language)
    period = period_words(row["period"], ctx.language, row["span"])
    return Record(
        name, joined(period, _amount(row["value"], row["unit"], ctx)), STATES.get(row["state"], "none"), "",
        since=row["said"],
    )  # fmt: skip


def _revised(one: Row, ctx: Context) -> Record:
    name = ctx.city.translated(one["name"], ctx.language)
    changed = WAS[ctx.language].format(
        _amount(one["from"], one["from_unit"], ctx), _amount(one["to"], one["to_unit"], ctx)
    )
    return Record(name, joined(period_words(one["period"], ctx.language), changed), "soon", "", since=one["at"])


def _figure(at: int) -> Callable[..., Sequence[Record]]:
    """What was told of the card's figure at that place, and what of it was put right."""

    def records(views: Views, ctx: Context) -> Sequence[Record]:
        rows = told_first(views, ctx)[at : at + 1]
        keys = {row["key"] for row in rows}
        revisions = [one for one in views["revisions"].get("revisions", []) if one["key"] in keys]
        return [*(_told(row, ctx) for row in rows), *(_revised(one, ctx) for one in revisions)]

    return records


def _figures(views: Views, ctx: Context) -> Sequence[Record]:
    """All figures as they were told last, and then all that was put right: a row finds its own by its name."""
    rows = [row for row in views["indicators"].get("series", []) if row["value"] is not None]
    revisions = views["revisions"].get("revisions", [])
    return [*(_told(row, ctx) for row in rows), *(_revised(one, ctx) for one in revisions)]


def _overdue(views: Views, ctx: Context) -> Sequence[Record]:
    """The figures whose release has passed, by when that was."""
    late = [row for row in views["indicators"].get("series", []) if row["state"] == "overdue"]
    return [
        Record(
            ctx.city.translated(row["name"], ctx.language), period_words(row["coming"], ctx.language), "overdue", "",
            row["due"],
        )
        for row in sorted(late, key=lambda row: (row["due"] or 0.0, row["key"]))
    ]  # fmt: skip


def _regions(views: Views, ctx: Context) -> Sequence[Record]:
    """What was told of each place below, of the first figure that is told by place."""
    return [
        Record(
            ctx.places[code].title(ctx.language),
            joined(
                ctx.city.translated(figure["name"], ctx.language),
                period_words(figure["period"], ctx.language, figure["span"]),
                _amount(cell["value"], cell["unit"], ctx),
            ),
            "none", "",
        )
        for figure in views["regions"].get("regions", {}).values()
        for code, cell in figure["places"].items()
        if code in ctx.places
    ]  # fmt: skip


def _revisions(views: Views, ctx: Context) -> Sequence[Record]:
    return [_revised(one, ctx) for one in views["revisions"].get("revisions", [])]


FIRST_FIGURES = {
    name: Behind(TOLD, ("indicators", "revisions"), _figure(at), NO_RECORDS)
    for at, name in enumerate(("first", "second", "third"))
}
FIGURES = Behind(TOLD, ("indicators", "revisions"), _figures, NO_RECORDS)
OVERDUE = Behind(Words("逾期未报的指标", "Figures that are overdue"), ("indicators",), _overdue)
REGIONS = Behind(TOLD, ("regions",), _regions, NO_RECORDS)
REVISIONS = Behind(TOLD, ("revisions",), _revisions, NO_RECORDS)

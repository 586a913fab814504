"""What stands behind the numbers of service and market: halls, late cases, ratings, plans, licences, failed samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.nouns.noun import Document
from dashboard.nouns.serviceviews import SOON
from dashboard.screens.marks import fraction
from dashboard.screens.panel import Behind, Context, Record
from dashboard.words import DASH, Words, compact, percent

Views = Mapping[str, Document]
Row = Mapping[str, Any]
LOOKS = {"alarm": "overdue", "warn": "soon"}
SLACK = 0.03  # As the panel of the plans has it: by how much of a plan it may be behind before it warns.

SUMMED = Behind(
    Words("明细", "Single records"),
    why=Words(
        "来源按合计报送，没有逐条明细；报送的来源与时间见「数据来源」",
        "Its source tells the sum as such and no single records; which source, and when, is said under “Rests on”",
    ),
)
COUNTED = Behind(
    Words("明细", "Single records"),
    why=Words(
        "逐条收到、即时计入合计；屏幕只保留合计",
        "They come one by one and are counted as they come; the screens are told the counts alone",
    ),
)


def joined(*parts: str) -> str:
    """What is said of a record, in the order of its parts; empty ones are left out."""
    return " · ".join(part for part in parts if part)


def place_of(code: str, ctx: Context) -> str:
    """The name of a place; nothing where it is not known, or is this very place."""
    return ctx.places[code].title(ctx.language) if code in ctx.places and code != ctx.place else ""


# -- government service --------------------------------------------------------------------------------------

MINUTES, WAITING = Words("分钟", "min"), Words("{} 人等候", "{} waiting")
ACCEPTED, LONGEST = Words("今日受理 {}", "{} accepted today"), Words("最长 {} 分钟", "longest {} min")
SILENT, CLOSED = Words("无声", "silent"), Words("未开放", "closed")
WINDOWS = Words("{} 个窗口", "{} windows")


def _halls(said: Callable[[Row, str], str], look: Callable[[Row, float], str]) -> Callable[..., Sequence[Record]]:
    """The halls with what is said of each; one of which nothing is said is left out."""

    def records(views: Views, ctx: Context) -> Sequence[Record]:
        view = views["service_halls"]
        goal = view.get("goal", 0.98)
        return [
            Record(ctx.city.translated(one["name"], ctx.language), text, look(one, goal), "")
            for one in view.get("halls", [])
            if (text := said(one, ctx.language))
        ]

    return records


def _queue(hall: Row, language: str) -> str:
    if hall["state"] in ("silent", "closed"):
        return (SILENT if hall["state"] == "silent" else CLOSED)[language]
    if hall["state"] is None:
        return ACCEPTED[language].format(compact(hall["accepted"], language))
    longest = "" if hall["longest"] is None else LONGEST[language].format(f"{hall['longest']:.0f}")
    return joined(WAITING[language].format(compact(hall["waiting"], language)), longest)


def _wait_look(hall: Row, goal: float) -> str:
    return "none" if hall["state"] != "open" else LOOKS.get(hall["grade"], "normal")


def _rate(hall: Row, name: str, language: str) -> str:
    part, whole = hall[name]
    return f"{percent(part, whole)} % · {fraction(part, whole, language)}" if whole else ""


def _kept_look(hall: Row, goal: float) -> str:
    kept, due = hall["on_time"]
    return "soon" if kept < goal * due else "normal"


HALL = Words("各办事大厅", "The halls")
WAITS = Behind(HALL, ("service_halls",), _halls(_queue, _wait_look))
ACCEPTANCES = Behind(
    HALL, ("service_halls",),
    _halls(
        lambda hall, language: ACCEPTED[language].format(compact(hall["accepted"], language)),
        lambda hall, goal: "none",
    ),
    why=COUNTED.why,
)  # fmt: skip
PROMISES = Behind(HALL, ("service_halls",), _halls(lambda hall, language: _rate(hall, "on_time", language), _kept_look))
OPINIONS = Behind(
    HALL, ("service_halls",), _halls(lambda hall, language: _rate(hall, "good", language), lambda hall, goal: "none")
)
OPEN_WINDOWS = Behind(
    HALL, ("service_halls",),
    _halls(
        lambda hall, language: WINDOWS[language].format(hall["windows"]) if hall["windows"] is not None else "",
        lambda hall, goal: "none",
    ),
)  # fmt: skip


def _late(views: Views, ctx: Context) -> Sequence[Record]:
    return [
        Record(
            joined(ctx.city.translated(case["item"], ctx.language), case["number"]),
            ctx.city.translated(case["hall"], ctx.language) or place_of(case["place"], ctx),
            "worst" if case["over"] else "overdue", "", case["due"],
        )
        for case in views["service_late"].get("cases", [])
    ]  # fmt: skip


LATE_CASES = Behind(Words("超期办件", "Late cases"), ("service_late",), _late)
ITEMS = Behind(
    LATE_CASES.title, LATE_CASES.reads, _late,
    Words("事项与渠道为计数之和，逐件列出的是其中在办而超期者",
          "Items and channels are counts; listed one by one are those of the cases that are open and late"),
)  # fmt: skip


def _bad(keep: Callable[[Row], bool] = lambda rating: True) -> Callable[..., Sequence[Record]]:
    def records(views: Views, ctx: Context) -> Sequence[Record]:
        return [
            Record(
                ctx.city.translated(one["item"], ctx.language) or DASH,
                joined(
                    "★" * max(0, min(5, one["stars"])),
                    ctx.city.translated(one["hall"], ctx.language) or place_of(one["place"], ctx),
                    ctx.city.translated(one["about"], ctx.language),
                ),
                "overdue" if one["late"] else "soon" if one["days"] <= SOON else "normal", "", one["due"],
            )
            for one in views["service_ratings"].get("rows", [])
            if keep(one)
        ]  # fmt: skip

    return records


BAD = Words("待整改差评", "Bad ratings to put right")
BAD_RATINGS = Behind(BAD, ("service_ratings",), _bad())
SOON_RATINGS = Behind(BAD, ("service_ratings",), _bad(lambda one: not one["late"] and one["days"] <= SOON))
LATE_RATINGS = Behind(BAD, ("service_ratings",), _bad(lambda one: bool(one["late"])))


# -- the market ----------------------------------------------------------------------------------------------

FORM = Words("在册 {} · 本月新设 {} · 注销 {}", "{} now · {} new this month · {} cancelled")
FOUND, BEHIND = Words("发现问题 {}", "{} problems found"), Words("滞后 {}", "{} behind")


def _forms(views: Views, ctx: Context) -> Sequence[Record]:
    def said(n: int | None) -> str:
        return compact(n, ctx.language, 6)

    return [
        Record(
            ctx.city.translated(one["name"], ctx.language),
            FORM[ctx.language].format(said(one["active"]), said(one["registered"]), said(one["cancelled"])), "none", "",
        )
        for one in views["market_entities"].get("kinds", [])
    ]  # fmt: skip


BY_FORM = Behind(
    Words("按类型", "By legal form"), ("market_entities",), _forms,
    Words("存量由登记系统按类型报合计，其后逐户加减；没有逐户名单",
          "The register tells its stock as a sum by form, and each that comes or goes is counted since; there is no "
          "list of names"),
)  # fmt: skip


def _plans(views: Views, ctx: Context) -> Sequence[Record]:
    language = ctx.language
    records = []
    for plan in views["market_inspections"].get("plans", []):
        late = plan["gap"] / plan["planned"] if plan["planned"] else 0.0
        records.append(
            Record(
                ctx.city.translated(plan["name"], language),
                joined(
                    place_of(plan["where"], ctx), fraction(plan["done"], plan["planned"], language),
                    BEHIND[language].format(compact(round(plan["gap"]), language)) if plan["gap"] >= 0.5 else "",
                    FOUND[language].format(compact(plan["found"], language)),
                ),
                "overdue" if late > 3 * SLACK else "soon" if late > SLACK else "normal", "",
            )
        )  # fmt: skip
    return records


PLANS = Behind(Words("检查计划", "Plans of inspection"), ("market_inspections",), _plans)


def _ending(keep: Callable[[Row, Sequence[int]], bool] = lambda row, days: True) -> Callable[..., Sequence[Record]]:
    def records(views: Views, ctx: Context) -> Sequence[Record]:
        view = views["market_due"]
        near = view.get("days", (7, 30))
        return [
            Record(
                f"{ctx.city.translated(row['category'], ctx.language)} {row['number']}".strip(),
                place_of(row["place"], ctx),
                "overdue" if row["days"] < 0 else "soon" if row["days"] <= near[0] else "normal", "", row["expires"],
            )
            for row in view.get("rows", [])
            if keep(row, near)
        ]  # fmt: skip

    return records


DUE = Words("证照与特种设备", "Licences and equipment")
ENDING = Behind(DUE, ("market_due",), _ending())
ENDED = Behind(DUE, ("market_due",), _ending(lambda row, days: row["days"] < 0))
ENDING_SOON = Behind(DUE, ("market_due",), _ending(lambda row, days: 0 <= row["days"] <= days[0]))
ENDING_LATER = Behind(DUE, ("market_due",), _ending(lambda row, days: row["days"] >= 0))


def _failed(views: Views, ctx: Context) -> Sequence[Record]:
    return [
        Record(
            f"{ctx.city.translated(one['category'], ctx.language)} {one['number']}".strip(),
            joined(place_of(one["place"], ctx), ctx.city.translated(one["found"], ctx.language)), "overdue", "",
            since=one["at"],
        )
        for one in views["market_food"].get("failed", [])
    ]  # fmt: skip


FAILED_SAMPLES = Behind(Words("不合格样品", "Samples that failed"), ("market_food",), _failed)

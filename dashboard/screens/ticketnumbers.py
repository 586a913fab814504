"""The key numbers of the tickets: in hand, overdue, due, intake, closures, on time, and what callers say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.nouns.noun import Document
from dashboard.screens.keynumber import (
    KeyNumber,
    Piece,
    Reading,
    Row,
    Views,
    highest_first,
    lowest_first,
    percent_of,
)
from dashboard.screens.panel import Context, Record
from dashboard.words import LIGHTS, Words

FORTNIGHT = Words("近 14 日", "14 days")
PIECE = Words("件", "")
PERCENT = Words("%", "%")
YESTERDAY = Words("昨日同刻", "yesterday by now")
NIGHT = Words("今日零点", "midnight")
KEPT = Words("按期结案", "Closed on time")
DUE = Words("至今应结", "Due so far")

_PLACE = {
    "open": 0, "late": 0, "hour": 0, "reported": 0, "closed": 0, "due": [0, 0], "solved": [0, 0], "satisfied": [0, 0],
}  # fmt: skip
EXAMPLE: dict[str, Document] = {
    "tickets": {
        "open": 3186,
        "lights": {"none": 161, "normal": 2310, "soon": 486, "overdue": 187, "worst": 42},
        "in_hour": 74,
        "in_hour_units": 17,
        "today": {"opened": 1412, "closed": 1357},
        "yesterday": {"opened": 1378, "closed": 1402},
        "month_so_far": [26110, 25214],
    },
    "days": {
        "open": [2870, 2911, 2954, 2902, 2868, 2925, 2990, 3051, 3012, 2984, 3040, 3105, 3131, 3186],
        "reported": [2610, 2702, 2655, 1980, 1902, 2688, 2731, 2790, 2744, 2703, 2066, 1988, 2760, 1412],
        "closed": [2590, 2661, 2612, 2032, 1936, 2631, 2666, 2729, 2783, 2731, 2010, 1923, 2734, 1357],
        "due": [
            [2501, 2588], [2570, 2650], [2522, 2607], [1962, 2019], [1871, 1930], [2549, 2640], [2571, 2681],
            [2630, 2741], [2688, 2779], [2640, 2726], [1944, 2013], [1850, 1921], [2641, 2740], [1301, 1359],
        ],
        "missed": [71, 66, 74, 49, 51, 78, 90, 93, 80, 71, 58, 62, 84, 41],
        "solved": [[410, 452]] * 13 + [[203, 226]],
        "satisfied": [[421, 452], [398, 431], [402, 440], [300, 322], [288, 312], [417, 449], [401, 439], [433, 470],
                      [429, 462], [411, 447], [301, 330], [290, 316], [426, 459], [207, 226]],
        "month": {"solved": [8604, 9422], "satisfied": [8713, 9422]},
        "places": {
            code: {**_PLACE, "open": n, "late": late, "hour": n // 40, "reported": n // 2, "closed": n // 2 - 9,
                   "due": [int(8 * n * share), 8 * n], "solved": [n, n + n // 9], "satisfied": [n, n + n // 11]}
            for code, n, late, share in (
                ("440605011", 712, 31, 0.981), ("440605121", 268, 12, 0.972), ("440605122", 301, 19, 0.966),
                ("440605123", 214, 6, 0.985), ("440605124", 824, 88, 0.941), ("440605125", 571, 52, 0.953),
                ("440605126", 296, 21, 0.969),
            )
        },
        "late": [
            {"key": "tickets|NH2026111800017", "number": "NH2026111800017", "title": "虹岭路排水口堵塞反复投诉",
             "unit": "排水公司", "place": "440605124", "due": 1_795_200_000.0, "light": "worst", "level": 2},
            {"key": "tickets|NH2026111900231", "number": "NH2026111900231", "title": "毅贤路夜间施工噪声扰民",
             "unit": "环境分局", "place": "440605125", "due": 1_795_262_000.0, "light": "overdue", "level": 0},
        ],
        "soon": [
            {"key": "tickets|NH2026112000088", "number": "NH2026112000088", "title": "南海大道井盖破损",
             "unit": "市政中心", "place": "440605011", "due": 1_795_303_000.0, "light": "soon", "level": 0},
            {"key": "tickets|NH2026112000102", "number": "NH2026112000102", "title": "里水大道路灯不亮",
             "unit": "供电局", "place": "440605126", "due": 1_795_304_900.0, "light": "soon", "level": 0},
        ],
    },
}  # fmt: skip
"""One set of the views these numbers read."""


def _below(name: str, **filters: str | int) -> Callable[[Views, Context], Sequence[Row]]:
    """The places directly below by a member of ``days.places``; the worst first."""

    def rows(views: Views, ctx: Context) -> Sequence[Row]:
        found: Mapping[str, Mapping[str, Any]] = views["days"].get("places", {})
        if "rate" in filters:
            return lowest_first([
                Row(code, percent_of(*row[name]), row[name][0], row[name][1], behind=ctx.behind(code, **filters))
                for code, row in found.items()
            ])  # fmt: skip
        return highest_first([Row(code, row[name], behind=ctx.behind(code, **filters)) for code, row in found.items()])

    return rows


def _records(name: str) -> Callable[[Views, Context], Sequence[Record]]:
    """The tickets of a list of ``days``."""

    def records(views: Views, ctx: Context) -> Sequence[Record]:
        return [
            Record(row["title"] or row["number"], row["unit"], row["light"], ctx.case(row["key"]), row["due"])
            for row in views["days"].get(name, [])
        ]

    return records


def _line(views: Views, name: str) -> list[float | None]:
    return list(views["days"].get(name, []))


def _rates(views: Views, name: str) -> list[float | None]:
    return [percent_of(part, whole) for part, whole in views["days"].get(name, [])]


def read_open(views: Views, ctx: Context) -> Reading:
    """Open tickets, by light."""
    view = views["tickets"]
    line = _line(views, "open")
    pieces = [
        Piece(words, n, light=name, behind=ctx.behind(light=name))
        for name, (_, words) in LIGHTS.items()
        if (n := view.get("lights", {}).get(name, 0))
    ]
    return Reading(view.get("open", 0), line=line, before=line[-2] if len(line) > 1 else None, pieces=pieces)


def read_late(views: Views, ctx: Context) -> Reading:
    """Open tickets past their deadline; its line are the deadlines missed on each day."""
    lights = views["tickets"].get("lights", {})
    over, worst = lights.get("overdue", 0), lights.get("worst", 0)
    pieces = [
        Piece(LIGHTS["overdue"][1], over, light="overdue", behind=ctx.behind(light="overdue")),
        Piece(LIGHTS["worst"][1], worst, light="worst", behind=ctx.behind(light="worst")),
    ]
    return Reading(over + worst, line=_line(views, "missed"), pieces=pieces)


def read_hour(views: Views, ctx: Context) -> Reading:
    """Open tickets that fall due within the hour."""
    view = views["tickets"]
    pieces = [Piece(Words("涉及单位", "Units concerned"), view.get("in_hour_units", 0))]
    return Reading(view.get("in_hour", 0), pieces=pieces)


def read_intake(views: Views, ctx: Context) -> Reading:
    """What was reported since midnight."""
    view = views["tickets"]
    today, before = view.get("today", {}), view.get("yesterday", {})
    pieces = [
        Piece(YESTERDAY, before.get("opened", 0)),
        Piece(Words("今日结案", "Closed today"), today.get("closed", 0), behind=ctx.behind(closed="today")),
    ]
    return Reading(today.get("opened", 0), line=_line(views, "reported"), before=before.get("opened"), pieces=pieces)


def read_closed(views: Views, ctx: Context) -> Reading:
    """What was closed since midnight."""
    view = views["tickets"]
    today, before = view.get("today", {}), view.get("yesterday", {})
    pieces = [
        Piece(YESTERDAY, before.get("closed", 0)),
        Piece(Words("今日上报", "Reported today"), today.get("opened", 0), behind=ctx.behind(reported="today")),
    ]
    return Reading(today.get("closed", 0), line=_line(views, "closed"), before=before.get("closed"), pieces=pieces)


def read_on_time(views: Views, ctx: Context) -> Reading:
    """The on-time rate of the month so far; its line is that of each day."""
    whole, part = views["tickets"].get("month_so_far", (0, 0))
    due = {"rate": "on_time", "period": "month"}
    pieces = [Piece(KEPT, part, behind=ctx.behind(**due, met=1)), Piece(DUE, whole, behind=ctx.behind(**due))]
    return Reading(percent_of(part, whole), part, whole, line=_rates(views, "due"), pieces=pieces)


def _said(name: str, rate: str, good: Words) -> Callable[[Views, Context], Reading]:
    """A rate of what callers said this month, with its line by day."""

    def read(views: Views, ctx: Context) -> Reading:
        part, whole = views["days"].get("month", {}).get(name, (0, 0))
        asked = {"rate": rate, "period": "month"}
        pieces = [
            Piece(good, part, behind=ctx.behind(**asked, met=1)),
            Piece(Words("有效回访", "Valid call-backs"), whole, behind=ctx.behind(**asked)),
        ]
        return Reading(percent_of(part, whole), part, whole, line=_rates(views, name), pieces=pieces)

    return read


BOTH = ("tickets", "days")
KEY_NUMBERS = (
    KeyNumber(
        "open", Words("在办工单", "Open tickets"), PIECE, BOTH, read_open,
        Words("已上报、未结案的工单，含本级及以下；曲线为每日终了时的在办数",
              "Reported and not yet closed, here and below; the line is what stood open as each day ended"),
        FORTNIGHT, NIGHT, "down", rows=_below("open", open=1), records=_records("soon"),
        behind=lambda ctx: ctx.behind(open=1), example=EXAMPLE, large="stages", rank=10,
    ),
    KeyNumber(
        "late", Words("超期未结", "Overdue"), PIECE, BOTH, read_late,
        Words("已过时限仍未结案的工单；曲线为时限在当日而未按期办结的件数，每件计一次",
              "Open tickets past their deadline; the line is how many deadlines were missed on each day, each once"),
        Words("每日失期 · 近 14 日", "missed a day · 14 days"), good="down", rows=_below("late", late=1),
        records=_records("late"),
        behind=lambda ctx: ctx.behind(late=1), example=EXAMPLE, large="urgent", rank=11,
    ),
    KeyNumber(
        "hour", Words("1 小时内到期", "Due in 1 h"), PIECE, BOTH, read_hour,
        Words("时限在未来 60 分钟内的在办工单", "Open tickets whose deadline lies in the next 60 minutes"),
        good="down", rows=_below("hour", due_in=60), records=_records("soon"),
        behind=lambda ctx: ctx.behind(due_in=60), example=EXAMPLE, large="hour", rank=60,
    ),
    KeyNumber(
        "on_time", Words("本月按期结案率", "On time this month"), PERCENT, BOTH, read_on_time,
        Words("按期结案 ÷ 本月至今应结（时限已到，或已结案）；曲线为每日按期率",
              "Closed on time ÷ due to close this month so far (deadline passed, or closed); the line is each day's"),
        FORTNIGHT, good="up", digits=1, rows=_below("due", rate="on_time", period="month"), records=_records("late"),
        behind=lambda ctx: ctx.behind(rate="on_time", period="month"), example=EXAMPLE, large="rates", rank=12,
    ),
    KeyNumber(
        "intake", Words("今日上报", "Reported today"), PIECE, BOTH, read_intake,
        Words("今日零点至今上报的工单，与昨日同一时刻相比；曲线为每日上报，末点为今日至今",
              "Reported since midnight, against yesterday by the same time; the line is each day's, today's last"),
        FORTNIGHT, YESTERDAY, rows=_below("reported", reported="today"),
        behind=lambda ctx: ctx.behind(reported="today"), example=EXAMPLE, large="trend", rank=13,
    ),
    KeyNumber(
        "closed", Words("今日结案", "Closed today"), PIECE, BOTH, read_closed,
        Words("今日零点至今结案的工单，与昨日同一时刻相比；曲线为每日结案，末点为今日至今",
              "Closed since midnight, against yesterday by the same time; the line is each day's, today's last"),
        FORTNIGHT, YESTERDAY, "up", rows=_below("closed", closed="today"),
        behind=lambda ctx: ctx.behind(closed="today"), example=EXAMPLE, large="trend", rank=14,
    ),
    KeyNumber(
        "satisfaction", Words("本月满意率", "Satisfied this month"), PERCENT, BOTH,
        _said("satisfied", "satisfaction", Words("满意", "Satisfied")),
        Words("本月回访中表示满意 ÷ 有效回访；曲线为每日满意率",
              "Satisfied ÷ valid call-backs this month; the line is each day's rate"),
        FORTNIGHT, good="up", digits=1, rows=_below("satisfied", rate="satisfaction", period="month"),
        behind=lambda ctx: ctx.behind(rate="satisfaction", period="month"), example=EXAMPLE, large="rates", rank=15,
    ),
    KeyNumber(
        "resolution", Words("本月解决率", "Solved this month"), PERCENT, BOTH,
        _said("solved", "resolution", Words("已解决", "Solved")),
        Words("本月回访中表示已解决 ÷ 有效回访；曲线为每日解决率",
              "Solved ÷ valid call-backs this month; the line is each day's rate"),
        FORTNIGHT, good="up", digits=1, rows=_below("solved", rate="resolution", period="month"),
        behind=lambda ctx: ctx.behind(rate="resolution", period="month"), example=EXAMPLE, large="rates", rank=30,
    ),
)  # fmt: skip

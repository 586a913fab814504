"""The key numbers of the other modules: service, water, emergencies, data sharing, cloud and network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from dashboard.screens.networkrecords import NOT_WELL, STALE
from dashboard.screens.panel import Context, Record
from dashboard.words import LIGHTS, Words, compact

PERCENT = Words("%", "%")
GRADES = {"alarm": "worst", "warn": "soon"}

SERVICE_EXAMPLE: dict[str, Document] = {
    "service": {
        "today": {"accepted": 1038, "finished": 986, "same_day": 610}, "before": {"accepted": 977, "finished": 1004},
        "open": 989, "late": 9, "on_time": [14752, 15018], "on_time_before": [12836, 13100], "goal": 0.98,
    },
    "service_halls": {
        "halls": [
            {"name": "狮山政务服务中心", "place": "440605124", "on_time": [2438, 2540], "waiting": 41, "longest": 42.0,
             "grade": "alarm"},
            {"name": "大沥政务服务中心", "place": "440605125", "on_time": [2164, 2196], "waiting": 28, "longest": 24.0,
             "grade": "warn"},
        ],
        "total": 8,
    },
}  # fmt: skip
WATER_EXAMPLE: dict[str, Document] = {
    "water": {
        "levels": [
            {"key": "g|W-U01|level", "name": "佛平路下穿隧道", "place": "440605011", "value": 0.31, "unit": "m",
             "fault": "", "grade": "alarm", "trend": "rising", "at": 1_795_301_900.0},
            {"key": "g|W-R03|level", "name": "毅贤路低洼路段", "place": "440605125", "value": 0.16, "unit": "m",
             "fault": "", "grade": "warn", "trend": "steady", "at": 1_795_301_900.0},
        ],
        "total": 18, "working": 16, "over": {"warn": 3, "alarm": 1}, "places": {"440605011": 1, "440605125": 3},
        "rising": 4,
    },
}  # fmt: skip
INCIDENTS_EXAMPLE: dict[str, Document] = {
    "incidents": {
        "incidents": [
            {"key": "tickets|NH2026112000310", "number": "NH2026112000310", "title": "桂平路燃气异味",
             "unit": "燃气公司", "due": 1_795_303_900.0, "light": "soon"},
        ],
        "total": 42, "categories": [["道路积水", 30], ["燃气隐患", 12]], "places": {"440605011": 12, "440605124": 30},
        "lights": {"normal": 31, "soon": 7, "overdue": 3, "worst": 1, "none": 0},
    },
}  # fmt: skip
SHARING_EXAMPLE: dict[str, Document] = {
    "sharing": {
        "entries": 4820, "linked": [4526, 4820], "on_time": [4246, 4314], "broken": 14,
        "requests": {"asked": 1859, "granted": 1328, "refused": 492, "pending": 39, "overdue": 2},
    },
    "sharing_departments": {
        "departments": [{"department": "通信办", "on_time": 47, "due": 58},
                        {"department": "残联", "on_time": 54, "due": 59}],
        "number": 75,
    },
}  # fmt: skip
CLOUD: dict[str, Document] = {
    "cloud": {
        "states": {"host": {"up": 78, "down": 1, "unknown": 1}, "link": {"up": 57, "down": 1, "unknown": 0},
                   "service": {"up": 39, "down": 1, "unknown": 0}},
        "availability": {"host": [22833, 23040], "link": [16400, 16704], "service": [11510, 11520]},
    },
}  # fmt: skip


# -- government service --------------------------------------------------------------------------------------


def read_service(views: Views, ctx: Context) -> Reading:
    """按期办结率 of the month, against the month before."""
    view = views["service"]
    part, whole = view.get("on_time", (0, 0))
    today = view.get("today", {})
    goal = view.get("goal")
    pieces = [
        Piece(Words("今日受理", "Accepted today"), today.get("accepted", 0)),
        Piece(Words("今日办结", "Finished today"), today.get("finished", 0)),
        Piece(Words("在办", "In hand"), view.get("open", 0)),
        Piece(Words("超期", "Late"), view.get("late", 0), light="overdue"),
    ]
    return Reading(
        percent_of(part, whole), part, whole, before=percent_of(*view.get("on_time_before", (0, 0))), pieces=pieces,
        target=None if goal is None else round(100 * goal, 6),
    )  # fmt: skip


def service_rows(views: Views, ctx: Context) -> Sequence[Row]:
    """The halls by their rate."""
    halls = views["service_halls"].get("halls", [])
    return lowest_first(
        [Row("", percent_of(*one["on_time"]), one["on_time"][0], one["on_time"][1], one["name"]) for one in halls]
    )


def service_records(views: Views, ctx: Context) -> Sequence[Record]:
    """The halls where people wait."""
    halls = [one for one in views["service_halls"].get("halls", []) if one.get("waiting")]
    halls.sort(key=lambda one: (-one["waiting"], one["name"]))
    said = Words("{n} 人等候", "{n} waiting")
    return [
        Record(
            one["name"],
            said[ctx.language].format(n=compact(one["waiting"], ctx.language)),
            GRADES.get(one["grade"], "normal"),
            "",
        )
        for one in halls
    ]


# -- water and emergencies -----------------------------------------------------------------------------------


def read_water(views: Views, ctx: Context) -> Reading:
    """Level gauges at their warning threshold or above, of those that can be believed."""
    view = views["water"]
    over = view.get("over", {})
    pieces = [
        Piece(Words("警报", "Alarm"), over.get("alarm", 0), light="worst"),
        Piece(Words("警戒", "Warning"), over.get("warn", 0), light="soon"),
        Piece(Words("上涨", "Rising"), view.get("rising", 0)),
        Piece(Words("可信", "Working"), view.get("working", 0)),
        Piece(Words("全部", "All"), view.get("total", 0)),
    ]
    return Reading(sum(over.values()), pieces=pieces)


def _high(views: Views) -> list[Mapping[str, Any]]:
    return [one for one in views["water"].get("levels", []) if one["grade"] in GRADES and not one["fault"]]


def water_rows(views: Views, ctx: Context) -> Sequence[Row]:
    """How many of them are at each place directly below."""
    return highest_first([Row(code, n) for code, n in views["water"].get("places", {}).items()])


def water_records(views: Views, ctx: Context) -> Sequence[Record]:
    """The gauges, the worst first."""
    return [Record(one["name"], f"{one['value']:g} {one['unit']}", GRADES[one["grade"]], "") for one in _high(views)]


def read_incidents(views: Views, ctx: Context) -> Reading:
    """Emergencies in hand, by light."""
    view = views["incidents"]
    lights = view.get("lights", {})
    pieces = [Piece(words, lights[name], light=name) for name, (_, words) in LIGHTS.items() if lights.get(name)]
    return Reading(view.get("total", 0), pieces=pieces)


def incident_rows(views: Views, ctx: Context) -> Sequence[Row]:
    """The places directly below by how many they have."""
    return highest_first([Row(code, n) for code, n in views["incidents"].get("places", {}).items()])


def incident_records(views: Views, ctx: Context) -> Sequence[Record]:
    """Those with the least time left."""
    return [
        Record(one["title"] or one["number"], one["unit"], one["light"], ctx.case(one["key"]), one["due"])
        for one in views["incidents"].get("incidents", [])
    ]


# -- data sharing, cloud and network -------------------------------------------------------------------------


def read_sharing(views: Views, ctx: Context) -> Reading:
    """更新及时率 of the catalogue."""
    view = views["sharing"]
    part, whole = view.get("on_time", (0, 0))
    asked = view.get("requests", {})
    pieces = [
        Piece(Words("目录", "Entries"), view.get("entries", 0)),
        Piece(Words("中断", "Broken"), view.get("broken", 0), light="overdue"),
        Piece(Words("需求待批", "Requests pending"), asked.get("pending", 0)),
        Piece(Words("逾期", "overdue"), asked.get("overdue", 0), light="soon"),
    ]
    return Reading(percent_of(part, whole), part, whole, pieces=pieces)


def sharing_rows(views: Views, ctx: Context) -> Sequence[Row]:
    """The departments by their rate."""
    return lowest_first([
        Row("", percent_of(one["on_time"], one["due"]), one["on_time"], one["due"], one["department"])
        for one in views["sharing_departments"].get("departments", [])
        if one["due"]
    ])  # fmt: skip


def read_cloud(views: Views, ctx: Context) -> Reading:
    """可用率 of hosts, links and services together over 24 hours, in five minutes up throughout ÷ sampled."""
    view = views["cloud"]
    pairs = view.get("availability", {})
    part, whole = (sum(pair[at] for pair in pairs.values()) for at in (0, 1))
    states = view.get("states", {})
    names = {
        "host": Words("主机", "Hosts"), "link": Words("链路", "Links"), "service": Words("服务", "Services"),
    }  # fmt: skip
    down = Words("不通", "down")
    pieces = [
        Piece(Words(f"{words.zh}{down.zh}", f"{words.en} {down.en}"), states[name].get("down", 0), light="overdue")
        for name, words in names.items()
        if name in states
    ]
    return Reading(percent_of(part, whole), part, whole, pieces=pieces)


KEY_NUMBERS = (
    KeyNumber(
        "service", Words("政务按期办结率", "Service on time"), PERCENT, ("service", "service_halls"), read_service,
        Words("承诺时限内办结 ÷ 本月应办结；与上月相比",
              "Finished as promised ÷ due this month; against the month before"),
        compared=Words("上月", "last month"), good="up", digits=1, rows=service_rows, records=service_records,
        example=SERVICE_EXAMPLE, large="service", rank=18,
    ),
    KeyNumber(
        "water", Words("超警戒水位点", "High water"), Words("处", ""), ("water",), read_water,
        Words("可信水位点中达到警戒或更高者",
              "Of the level gauges that can be believed, those at their warning or above"),
        good="down", rows=water_rows, records=water_records, example=WATER_EXAMPLE, large="emergency_water", rank=19,
    ),
    KeyNumber(
        "incidents", Words("突发事件", "Incidents"), Words("件", ""), ("incidents",), read_incidents,
        Words("城市文件所列类别、紧急件与短时限的在办工单",
              "Open tickets of the categories, urgency or limit that the city file names"),
        good="down", rows=incident_rows, records=incident_records, example=INCIDENTS_EXAMPLE,
        large="emergency", rank=31,
    ),
    KeyNumber(
        "sharing", Words("数据更新及时率", "Data on time"), PERCENT, ("sharing", "sharing_departments"), read_sharing,
        Words("在各自周期内更新的目录 ÷ 应更新的目录",
              "Entries updated within their own cycle ÷ entries that have one"),
        good="up", digits=1, rows=sharing_rows, stands=STALE, example=SHARING_EXAMPLE, large="sharing", rank=20,
    ),
    KeyNumber(
        "cloud", Words("云网可用率", "Cloud and network up"), PERCENT, ("cloud",), read_cloud,
        Words("近 24 小时全程为通的五分钟 ÷ 被采样的五分钟，主机、链路、服务合计",
              "Five minutes up throughout ÷ five minutes sampled over 24 h, of hosts, links and services"),
        good="up", digits=2, stands=NOT_WELL, example=CLOUD, large="cloud", rank=32,
    ),
)  # fmt: skip

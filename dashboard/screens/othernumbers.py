"""The key numbers of video, indicators and instructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.nouns.noun import Document
from dashboard.screens.cityrecords import OVERDUE
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
from dashboard.words import CAMERAS, Words, compact

PERCENT = Words("%", "%")
AWAY = Words("昨日在线时长", "yesterday, by time")
LIGHT_OF = {"given": "normal", "reported": "none"}

VIDEO_EXAMPLE: dict[str, Document] = {
    "video": {
        "total": 10222, "rate": [9838, 10190],
        "counts": {"online": 9711, "degraded": 127, "offline": 318, "planned": 32, "unknown": 34},
    },
    "video_time": {"away": {"today": [9_400_000, 577_000_000], "yesterday": [21_100_000, 883_000_000]}},
    "video_worst": {
        "places": [
            {"place": "440605124", "name": "", "rate": [2310, 2461], "offline": 118, "unknown": 33, "degraded": 40,
             "bound": 0.04},
            {"place": "440605125", "name": "", "rate": [1804, 1888], "offline": 71, "unknown": 1, "degraded": 26,
             "bound": 0.03},
        ],
        "number": 7,
    },
    "video_faults": {
        "faults": [
            {"key": "f1", "cause": "switch", "name": "狮山-SW07", "since": 1_795_290_000.0, "down": 61, "members": 61,
             "place": "440605124", "platform": "雪亮工程", "some": ["桃园路口东"]},
            {"key": "f2", "cause": "street", "name": "毅贤路", "since": 1_795_260_000.0, "down": 12, "members": 12,
             "place": "440605125", "platform": "城管视频", "some": ["毅贤路 3 号"]},
        ],
        "number": 64, "cameras": 318, "alarms": 2, "single": 62,
    },
}  # fmt: skip
INSTRUCTION_EXAMPLE = {
    "id": "i1", "subject": "tickets|NH2026111800017", "ticket": "tickets|NH2026111800017", "state": "given",
    "light": "overdue", "title": "虹岭路排水口堵塞反复投诉", "said": "", "place": "440605124",
    "by": "分管副区长", "to": "排水公司", "text": "今日内查清堵塞原因，报整改方案",
    "since": 1_795_210_000.0, "due": 1_795_296_000.0, "reported": None, "reporter": "", "answer": "",
    "on_time": None, "returns": 1, "why": "下游仍堵", "ended": None,
}  # fmt: skip
INSTRUCTIONS_EXAMPLE: dict[str, Document] = {
    "instructions": {
        "instructions": [
            INSTRUCTION_EXAMPLE,
            {
                "id": "i2", "subject": "late", "ticket": "", "state": "reported", "light": "none", "title": "超期未结",
                "said": "229 件", "place": "440605124", "by": "区长", "to": "狮山执法办",
                "text": "一周内把超期降到 50 件以下", "since": 1_794_800_000.0, "due": 1_795_400_000.0,
                "reported": 1_795_295_000.0, "reporter": "狮山执法办", "answer": "已降至 47 件，附清单",
                "on_time": True, "returns": 0, "why": "", "ended": None,
            },
            {
                "id": "i3", "subject": "video", "ticket": "", "state": "given", "light": "normal",
                "title": "视频在线率", "said": "96.5 %", "place": "", "by": "区长", "to": "公安分局",
                "text": "查明狮山片区掉线原因", "since": 1_795_290_000.0, "due": 1_795_450_000.0, "reported": None,
                "reporter": "", "answer": "", "on_time": None, "returns": 0, "why": "", "ended": None,
            },
        ],
        "ended": [
            {
                "id": "i0", "subject": "tickets|NH2026111500311", "ticket": "tickets|NH2026111500311",
                "state": "closed", "light": "none", "title": "小区电梯故障维修迟缓", "said": "",
                "place": "440605011", "by": "区长", "to": "住建局", "text": "三日内恢复运行",
                "since": 1_794_700_000.0, "due": 1_795_000_000.0, "reported": 1_794_950_000.0,
                "reporter": "住建局", "answer": "已修复并年检", "on_time": True, "returns": 0, "why": "",
                "ended": 1_795_100_000.0,
            },
        ],
        "open": 3, "back": 1, "late": 1, "first": INSTRUCTION_EXAMPLE,
        "to": {"公安分局": 1, "排水公司": 1, "狮山执法办": 1},
        "on_time": [14, 16], "anomalies": 0,
    },
}  # fmt: skip


# -- video ---------------------------------------------------------------------------------------------------


def read_video(views: Views, ctx: Context) -> Reading:
    """在线率, and the cameras by state; yesterday's is by time, since states of then are not counted."""
    view = views["video"]
    part, whole = view.get("rate", (0, 0))
    counts = view.get("counts", {})
    pieces = [
        Piece(words, counts[name], light=light) for name, (light, words) in CAMERAS.items() if counts.get(name, 0)
    ]
    away, could = views["video_time"].get("away", {}).get("yesterday", (0, 0))
    before = percent_of(could - away, could)
    return Reading(percent_of(part, whole), part, whole, before=before, pieces=pieces)


def video_rows(views: Views, ctx: Context) -> Sequence[Row]:
    """The places directly below, or the streets of the lowest level, by their rate."""
    return lowest_first([
        Row(row["place"], percent_of(*row["rate"]), row["rate"][0], row["rate"][1], row["name"])
        for row in views["video_worst"].get("places", [])
    ])  # fmt: skip


def video_records(views: Views, ctx: Context) -> Sequence[Record]:
    """The faults with most cameras down."""
    found = views["video_faults"].get("faults", [])
    return [Record(_fault(row, ctx.language), row["platform"], "overdue", "", None) for row in found]


def _fault(row: Mapping[str, Any], language: str) -> str:
    return f"{row['name']} · {compact(row['down'], language)}"


# -- indicators ----------------------------------------------------------------------------------------------


def read_overdue(views: Views, ctx: Context) -> Reading:
    """The figures whose release has passed."""
    view = views["indicators"]
    late = [one for one in view.get("series", []) if one["state"] == "overdue"]
    pieces = [Piece(Words("全部指标", "All of them"), view.get("total", 0))]
    pieces += [Piece(Words(one["name"], one["name"]), None) for one in late[:5]]
    return Reading(view.get("overdue", 0), pieces=pieces)


INDICATORS_EXAMPLE: dict[str, Document] = {
    "indicators": {
        "series": [{"code": "gdp", "name": "地区生产总值", "state": "overdue"},
                   {"code": "retail", "name": "社会消费品零售总额", "state": "fresh"}],
        "total": 18, "overdue": 1, "never": [],
    },
}  # fmt: skip


# -- instructions --------------------------------------------------------------------------------------------


def read_instructions(views: Views, ctx: Context) -> Reading:
    """Those in hand, and of these how many are late or wait for their leader."""
    view = views["instructions"]
    part, whole = view.get("on_time", (0, 0))
    pieces = [
        Piece(Words("超期", "Late"), view.get("late", 0), light="overdue"),
        Piece(Words("待阅办结", "To be read"), view.get("back", 0), light="soon"),
        Piece(Words("近 30 日按期办结率", "On time, 30 days"), percent_of(part, whole), "%"),
    ]
    return Reading(view.get("open", 0), pieces=pieces)


def instruction_rows(views: Views, ctx: Context) -> Sequence[Row]:
    """By who was asked, those with most first."""
    return highest_first([Row("", n, name=name) for name, n in views["instructions"].get("to", {}).items()])


def instruction_records(views: Views, ctx: Context) -> Sequence[Record]:
    """What was asked, with the ticket it is on."""
    return [
        Record(
            row["text"], row["to"], row["light"] if row["state"] == "given" else "none",
            ctx.case(row["ticket"]) if row["ticket"] else "", row["due"] if row["state"] == "given" else None,
        )
        for row in views["instructions"].get("instructions", [])
    ]  # fmt: skip


KEY_NUMBERS = (
    KeyNumber(
        "video", Words("视频在线率", "Cameras online"), PERCENT, ("video", "video_time", "video_worst", "video_faults"),
        read_video,
        Words("在线（含异常）÷ 应在线（不含计划停用）；昨日为在线时长 ÷ 应在线且状态已知的时长",
              "Online, degraded ones too ÷ all but planned outages; yesterday's is time online ÷ time in which they "
              "should be online and their state was known"),
        compared=AWAY, good="up", digits=1, rows=video_rows, records=video_records, example=VIDEO_EXAMPLE,
        large="video_rate", rank=16,
    ),
    KeyNumber(
        "instructions", Words("批示在办", "Instructions"), Words("项", ""), ("instructions",), read_instructions,
        Words("已批示、未办结的事项，含待领导阅办者", "Given and not yet closed, those that wait to be read too"),
        good="down", rows=instruction_rows, records=instruction_records, example=INSTRUCTIONS_EXAMPLE,
        large="supervised", rank=17,
    ),
    KeyNumber(
        "figures", Words("指标逾期未报", "Figures overdue"), Words("项", ""), ("indicators",), read_overdue,
        Words("发布日期已过而未报送的经济指标", "Economic figures whose release date has passed"),
        good="down", stands=OVERDUE, example=INDICATORS_EXAMPLE, rank=40,
    ),
)  # fmt: skip

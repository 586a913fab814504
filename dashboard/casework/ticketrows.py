"""A ticket as a line of a table: its cells in words, on a screen, in a CSV and in a workbook alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dashboard.casework.ticketasks import STATES
from dashboard.city import City
from dashboard.places import PlaceTree
from dashboard.screens.marks import SHORT, clipped
from dashboard.words import DASH, LIGHTS, STAGES, Words

ENDED = frozenset({"", "closed", "rejected", "voided", "merged"})
YES, NO = Words("是", "Yes"), Words("否", "No")
COLUMNS: dict[str, Words] = {
    "light": Words("灯", "Light"), "number": Words("工单号", "Number"), "title": Words("标题", "Title"),
    "category": Words("事项", "Category"), "unit": Words("责任单位", "Unit"), "place": Words("地点", "Place"),
    "channel": Words("来源", "Channel"), "stage": Words("环节", "Stage"), "reported": Words("上报时间", "Reported"),
    "deadline": Words("时限", "Deadline"), "closed": Words("结案时间", "Closed"),
    "on_time": Words("按期", "On time"), "verdict": Words("来源判定", "Source says"),
}  # fmt: skip
EXPORTED: dict[str, Words] = {
    **COLUMNS, "state": Words("状态", "State"), "source": Words("数据源", "Feed"),
    "condition": Words("立案条件", "Condition"), "dispatched": Words("派遣时间", "Dispatched"),
    "done_at": Words("处置完成", "Handled"), "due": Words("来源时限", "Source's deadline"),
    "extensions": Words("延期", "Extensions"), "returns": Words("回退", "Returns"), "reworks": Words("返工", "Reworks"),
    "exempted": Words("豁免", "Exempted"),
    "level": Words("督办级别", "Supervision"), "flaw": Words("位置说明", "Flaw"), "lon": Words("经度", "Longitude"),
    "lat": Words("纬度", "Latitude"),
}  # fmt: skip
MOMENTS = ("reported", "deadline", "closed", "dispatched", "done_at", "due")
VERDICTS = {"on_time": Words("按期", "On time"), "overdue": Words("超期", "Overdue")}


@dataclass(frozen=True)
class Reader:
    """For whom a row is written: the city, its places, the language, and the city's time in seconds since 1970."""

    city: City
    places: PlaceTree
    language: str
    now: float

    def moment(self, at: float | None, seconds: bool = False) -> str:
        """A moment in the city's zone; a dash for none."""
        if at is None:
            return DASH
        try:
            local = datetime.fromtimestamp(at, UTC).astimezone(self.city.tz)
        except (OverflowError, ValueError):
            return DASH
        return f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"

    def name(self, text: str) -> str:
        """A category, unit or channel as the language has it."""
        return clipped(self.city.translated(text or "", self.language)) or DASH

    def place(self, code: str) -> str:
        """A place with the one above it; the code itself where it is not known."""
        if code not in self.places:
            return clipped(code) or DASH
        path = self.places.path(code)
        return " · ".join(self.places[step].title(self.language) for step in path[-2:] if step != path[0]) or (
            self.places[code].title(self.language)
        )


def light_of(row: Mapping[str, Any], now: float) -> str:
    """The light of an open ticket at a moment of the city's time; empty for one that is no longer open.

    >>> light_of({"state": "in_progress", "suspended_until": None, "soon_at": 5, "deadline": 8, "worst_at": 20}, 8.5)
    'overdue'
    """
    if row["state"] in ENDED:
        return ""
    if row["suspended_until"] is not None and row["suspended_until"] >= now:
        return "paused"
    if row["soon_at"] is None or row["deadline"] is None:
        return "none"
    if now > (row["worst_at"] if row["worst_at"] is not None else float("inf")):
        return "worst"
    return "overdue" if now > row["deadline"] else "soon" if now > row["soon_at"] else "normal"


def cells(row: Mapping[str, Any], to: Reader) -> dict[str, str]:
    """Every exported cell of a row as text."""
    light = light_of(row, to.now)
    shape, word = LIGHTS[light] if light else ("", Words("", ""))
    found = {name: to.moment(row[name]) for name in MOMENTS}
    texts = {name: to.name(row[name]) for name in ("category", "unit", "channel")}
    on_time = row["on_time"]
    return {
        **found, **texts,
        "light": f"{shape} {word[to.language]}".strip(), "number": clipped(row["number"]), "source": row["source"],
        "title": clipped(row["title"] or "") or DASH, "place": to.place(row["place"] or ""),
        "stage": STAGES[row["stage"]][to.language] if row["stage"] in STAGES else DASH,
        "state": STATES[row["state"]][to.language] if row["state"] in STATES else DASH,
        "on_time": DASH if on_time is None else (YES if on_time else NO)[to.language],
        "exempted": (YES if row["exempted"] else NO)[to.language],
        "verdict": VERDICTS[row["verdict"]][to.language] if row["verdict"] in VERDICTS else DASH,
        "condition": to.name(row["condition"]) if row["condition"] else "", "flaw": clipped(row["flaw"] or ""),
        **{name: str(row[name] or 0) for name in ("extensions", "returns", "reworks", "level")},
        **{name: "" if row[name] is None else f"{row[name]:.6f}" for name in ("lon", "lat")},
    }  # fmt: skip


def line(row: Mapping[str, Any], to: Reader) -> dict[str, Any]:
    """A row as the table on the screen takes it: the cells it shows, its key, and what its countdown counts to. One
    that is no longer open has no light; in its place stands how it ended.
    """
    texts = cells(row, to)
    light = light_of(row, to.now)
    runs = light in ("normal", "soon", "overdue", "worst")
    shape, _ = LIGHTS[light] if light else ("", None)
    this_year = f"{to.moment(to.now)[:4]}-"
    short = {name: texts[name].removeprefix(this_year) for name in ("reported", "deadline", "closed")}
    code = row["place"] or ""
    return {
        **{name: texts[name] for name in COLUMNS}, **short,
        "light": f"{shape} {SHORT[light][to.language]}" if light else texts["state"], "where": texts["place"],
        "place": to.places[code].title(to.language) if code in to.places else texts["place"],
        "key": f"{row['source']}|{row['number']}", "tone": light or ("late" if row["on_time"] == 0 else "ended"),
        "due": row["deadline"] if runs else None,
    }  # fmt: skip

"""What is asked of the tickets: an address's words as a filter, and the same filter in words a person reads.

The address is the whole state of the tickets' page, so that going back, sending a link and clicking on a number
of the wall are all one thing. What is not understood is refused with its name: a filter that is silently left
out would show a wrong number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from dashboard.city import City
from dashboard.nouns.periods import Calendar
from dashboard.nouns.ways import WAYS
from dashboard.places import PlaceTree
from dashboard.words import DASH, LIGHTS, STAGES, Words

Kind = Literal["name", "choice", "yes", "period", "minutes", "rate", "moves", "text"]
MOST = 200  # Characters of a value, and values of a filter, at the most.

STATES: dict[str, Words] = {
    "reported": Words("已上报", "Reported"), "verifying": Words("核实中", "Verifying"),
    "accepted": Words("已受理", "Accepted"), "filed": Words("已立案", "Filed"),
    "dispatched": Words("已派遣", "Dispatched"), "in_progress": Words("处置中", "In progress"),
    "done": Words("处置完成", "Done"), "inspecting": Words("核查中", "Inspecting"), "closed": Words("已结案", "Closed"),
    "rejected": Words("不予受理", "Rejected"), "voided": Words("已作废", "Voided"), "merged": Words("已并案", "Merged"),
}  # fmt: skip
RATES: dict[str, Words] = {
    "closing": Words("结案率", "Closing rate"), "on_time": Words("按期结案率", "On-time rate"),
    "filing": Words("立案率", "Filing rate"), "exact_filing": Words("准确立案率", "Exact filing"),
    "exact_dispatch": Words("准确派遣率", "Exact dispatch"), "response": Words("响应率", "Response rate"),
    "resolution": Words("解决率", "Resolution rate"), "satisfaction": Words("满意率", "Satisfaction rate"),
    "repeat": Words("重复投诉率", "Repeat rate"),
}  # fmt: skip

FORMULAS: dict[str, Words] = {
    "closing": Words("已结案 ÷ 应结案", "Closed ÷ due to close"),
    "on_time": Words("按期结案 ÷ 应结案", "Closed on time ÷ due to close"),
    "filing": Words("立案 ÷ 上报", "Filed ÷ reported"),
    "exact_filing": Words("（立案 − 作废）÷ 立案", "(Filed − voided) ÷ filed"),
    "exact_dispatch": Words("（派遣 − 回退）÷ 派遣", "(Dispatched − returned) ÷ dispatched"),
    "response": Words("时限内签收并联系 ÷ 派遣", "Signed and contacted in time ÷ dispatched"),
    "resolution": Words("“已解决” ÷ 有效回访", "“Solved” ÷ valid call-backs"),
    "satisfaction": Words("“满意” ÷ 有效回访", "“Satisfied” ÷ valid call-backs"),
    "repeat": Words("同一人同一事 30 日内再报 ÷ 上报", "Same caller and matter again within 30 days ÷ reported"),
}  # fmt: skip

LEVELS: dict[str, Words] = {
    "grid": Words("网格", "Grid"), "village": Words("村居", "Village"), "community": Words("社区", "Community"),
    "town": Words("镇街", "Town"), "street": Words("街道", "Street"), "district": Words("区级", "District"),
    "city": Words("市级", "City"), "neighbourhood": Words("片区", "Area"),
}  # fmt: skip
STEPS: dict[str, Words] = {
    "accept": Words("未受理", "Not accepted"), "dispatch": Words("未派遣", "Not dispatched"),
    "sign": Words("未签收", "Not signed for"),
}  # fmt: skip
AGES: dict[str, Words] = {
    "0": Words("1 天内", "Below 1 day"), "1": Words("1–3 天", "1–3 days"), "2": Words("3–7 天", "3–7 days"),
    "3": Words("7 天以上", "Above 7 days"),
}  # fmt: skip
OUTLOOKS: dict[str, Words] = {
    "due": Words("全部", "All of them"), "kept": Words("已按期结案", "Closed on time"),
    "undecided": Words("未定", "Undecided"), "lost": Words("已定超期", "Surely late"),
}  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """One thing that can be asked. ``words`` name it; ``yes`` and ``no`` are what a yes-or-no filter says."""

    kind: Kind
    words: Words
    values: Mapping[str, Words] = field(default_factory=dict)
    yes: Words = Words("", "")
    no: Words = Words("", "")


def _yes(yes: Words, no: Words) -> Filter:
    return Filter("yes", yes, yes=yes, no=no)


FILTERS: dict[str, Filter] = {
    "unit": Filter("name", Words("责任单位", "Unit")),
    "category": Filter("name", Words("事项", "Category")),
    "channel": Filter("name", Words("来源", "Channel")),
    "source": Filter("name", Words("数据源", "Feed")),
    "caller": Filter("name", Words("同一来电人", "Same caller")),
    "state": Filter("choice", Words("状态", "State"), STATES),
    "stage": Filter("choice", Words("环节", "Stage"), STAGES),
    "light": Filter("choice", Words("灯色", "Light"), {name: words for name, (_, words) in LIGHTS.items()}),
    "age": Filter("choice", Words("在本环节", "In its stage"), AGES),
    "waits": Filter("choice", Words("超时", "Overdue"), STEPS),
    "outlook": Filter("choice", Words("本月应结", "Due this month"), OUTLOOKS),
    "level": Filter("name", Words("办理层级", "Settled by"), LEVELS),
    "whistle": Filter("choice", Words("吹哨", "Whistle"), {
        "any": Words("有吹哨", "Whistled"), "open": Words("待报到", "Open"), "answered": Words("已报到", "Reported in"),
    }),
    "open": _yes(Words("在办", "Open"), Words("不在办", "No longer open")),
    "done": _yes(Words("已结案", "Closed"), Words("未结案", "Not closed")),
    "late": _yes(Words("已超期", "Overdue now"), Words("未超期", "Not overdue now")),
    "behind": _yes(Words("本环节超时", "Late in its stage"), Words("本环节未超时", "Not late in its stage")),
    "prompt": _yes(Words("按时报到", "Reported in on time"), Words("逾时报到", "Reported in late")),
    "on_time": _yes(Words("按期结案", "Closed on time"), Words("逾期结案", "Closed late")),
    "agree": _yes(Words("与来源判定一致", "Agrees with the source"),
                  Words("与来源判定不一致", "Differs from the source")),
    "returned": _yes(Words("有回退", "Returned"), Words("无回退", "Never returned")),
    "reworked": _yes(Words("有返工", "Reworked"), Words("无返工", "Never reworked")),
    "extended": _yes(Words("有延期", "Extended"), Words("无延期", "Never extended")),
    "exempted": _yes(Words("已豁免", "Exempted"), Words("未豁免", "Not exempted")),
    "reopened": _yes(Words("重新打开过", "Reopened"), Words("未重新打开", "Never reopened")),
    "suspended": _yes(Words("挂账中", "Suspended now"), Words("未挂账", "Not suspended")),
    "supervised": _yes(Words("督办中", "Supervised"), Words("未督办", "Not supervised")),
    "anomaly": _yes(Words("有异常事件", "With anomalies"), Words("无异常事件", "Without anomalies")),
    "grassroots": _yes(Words("基层办理", "Unit of the grassroots"), Words("非基层办理", "Unit above the grassroots")),
    "here": _yes(Words("仅记在本级", "At this level only"), Words("记在下级", "At a level below")),
    "unplaced": _yes(Words("位置存疑", "Place in doubt"), Words("位置明确", "Place known")),
    "limited": _yes(Words("有时限", "Has a limit"), Words("无时限", "Has no limit")),
    "reported": Filter("period", Words("上报于", "Reported")),
    "closed": Filter("period", Words("结案于", "Closed")),
    "deadline": Filter("period", Words("时限在", "Deadline")),
    "answered": Filter("period", Words("报到于", "Whistle answered")),
    "due_in": Filter("minutes", Words("即将到期", "Due soon")),
    "rate": Filter("rate", Words("计入", "Counts in"), RATES),
    "moved": Filter("moves", Words("流转", "Moved"), {name: words for name, (words, _) in WAYS.items()}),
    "period": Filter("period", Words("期间", "Period")),
    "met": _yes(Words("达标", "Met"), Words("未达标", "Not met")),
    "q": Filter("text", Words("文字", "Text")),
}  # fmt: skip
DUE_WITHIN, DUE_IN = Words("{} 分钟内到期", "Due within {} min"), Words("{} 分钟后到期", "Due in {} min")
COLON = Words("：", ": ")
SORTS: dict[str, Words] = {
    "deadline": Words("时限", "Deadline"), "reported": Words("上报时间", "Reported"),
    "closed": Words("结案时间", "Closed"), "number": Words("工单号", "Number"), "unit": Words("责任单位", "Unit"),
    "category": Words("事项", "Category"), "place": Words("地点", "Place"), "channel": Words("来源", "Channel"),
    "stage": Words("环节", "Stage"), "title": Words("标题", "Title"),
}  # fmt: skip
PASSED_OVER = frozenset(
    {"lang", "theme", "map", "after", "limit", "by", "key"}
)  # Words of an address that filter nothing.
NAMED: dict[str, Words] = {
    "today": Words("今日", "today"), "yesterday": Words("昨日", "yesterday"),
    "yesterday_so_far": Words("昨日同刻之前", "yesterday up to this hour"), "week": Words("本周", "this week"),
    "month": Words("本月", "this month"), "last_month": Words("上月", "last month"), "year": Words("今年", "this year"),
}  # fmt: skip


class AskError(ValueError):
    """An address asks for something that is not known; the text says what, and what is allowed."""


@dataclass(frozen=True)
class Asked:
    """What is asked: a place with all below it, filters by name with their values, and the order.

    ``sort`` is a key of ``SORTS``. Values of one filter are alternatives, filters hold all together.
    """

    place: str
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sort: str = ""
    descending: bool = False

    def get(self, name: str) -> tuple[str, ...]:
        """The values of a filter; none where it is not asked for."""
        return next((values for found, values in self.filters if found == name), ())

    def without(self, name: str) -> Asked:
        """The same without one filter."""
        return replace(self, filters=tuple(pair for pair in self.filters if pair[0] != name))

    def address(self, root: str) -> str:
        """The words of its address, in a fixed order. ``root`` is the place that need not be named.

        >>> Asked("A", (("open", ("1",)), ("unit", ("X", ""))), "deadline", True).address("T")
        'place=A&open=1&unit=X&unit=&sort=-deadline'
        """
        pairs = [("place", self.place)] if self.place != root else []
        pairs += [(name, value) for name, values in self.filters for value in values]
        if self.sort:
            pairs.append(("sort", ("-" if self.descending else "") + self.sort))
        return urlencode(pairs)


def place_and_words(
    pairs: Iterable[tuple[str, str]], places: PlaceTree, passed_over: frozenset[str]
) -> tuple[str, list[tuple[str, str]]]:
    """The place an address's words ask for, the root where they name none; and the others but ``passed_over``.

    Raises:
        AskError: where there is no such place, or a value is too long.
    """
    place, words = places.root.code, []
    for name, value in pairs:
        if name in passed_over:
            continue
        if len(value) > MOST:
            raise AskError(f"{name}: is longer than {MOST} characters")
        if name == "place":
            if value not in places:
                raise AskError(f"place: there is no place {value!r} here")
            place = value
        else:
            words.append((name, value))
    return place, words


def asked(pairs: Iterable[tuple[str, str]], places: PlaceTree) -> Asked:
    """What an address's words ask.

    Raises:
        AskError: naming the word or value that is not known.

    ``place`` is the root where it is not said. An empty value is one too: tickets without a unit.
    """
    place, words = place_and_words(pairs, places, PASSED_OVER)
    order = ""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in words:
        if name == "sort":
            if value.removeprefix("-") not in SORTS:
                raise AskError(f"sort: {value!r} is none of {', '.join(SORTS)}")
            order = value
        elif name in FILTERS:
            if FILTERS[name].kind == "text" and not value.strip():
                continue
            _check(name, value)
            if value not in found.get(name, ()):
                found[name] = (*found.get(name, ()), value)
            if len(found[name]) > (MOST if FILTERS[name].kind in ("name", "choice", "moves") else 1):
                raise AskError(f"{name}: is asked for too often")
        else:
            raise AskError(f"{name!r} is no filter; known are place, sort, {', '.join(FILTERS)}")
    if bool({"rate", "moved"} & found.keys()) != ("period" in found) or ("met" in found and "rate" not in found):
        raise AskError(
            "rate, period and met belong together: say rate=on_time&period=month, with met=1 what was met; "
            "and so do moved and period: say moved=handle-inspect&period=week"
        )
    filters = tuple((name, found[name]) for name in FILTERS if name in found)
    return Asked(place, filters, order.removeprefix("-"), order.startswith("-"))


def _check(name: str, value: str) -> None:
    what = FILTERS[name]
    if what.kind in ("choice", "rate", "moves") and value not in what.values:
        raise AskError(f"{name}: {value!r} is none of {', '.join(what.values)}")
    if what.kind == "yes" and value not in ("0", "1"):
        raise AskError(f"{name}: takes 1 (yes) or 0 (no), not {value!r}")
    if what.kind == "minutes" and not re.fullmatch(r"(\d{1,5}-)?[1-9]\d{0,5}", value):
        raise AskError(f"{name}: takes a number of minutes, or two with - between, not {value!r}")
    if what.kind == "period":
        span(value, 0.0, _ANY)


# -- periods -------------------------------------------------------------------------------------------------

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?)?)?")


def span(text: str, now: float, calendar: Calendar) -> tuple[float, float]:
    """The moments from which (inclusive) and up to which (exclusive) a period lasts, in the city's zone.

    A period is a name of ``NAMED``, a year, a month, a day (``2026``, ``2026-10``, ``2026-10-05``), or two of
    these or of moments (``2026-10-05T08:00``) with ``..`` between them; one side may be left out.

    Raises:
        AskError: if it is none of these.
    """
    if text in NAMED:
        return _named(text, now, calendar)
    if ".." in text:
        first, _, last = text.partition("..")
        start = _stretch(first, calendar)[0] if first else float("-inf")
        end = _stretch(last, calendar)[1] if last else float("inf")
        if (not first and not last) or start >= end:
            raise AskError(f"period: {text!r} ends before it begins")
        return start, end
    return _stretch(text, calendar)


def _named(text: str, now: float, calendar: Calendar) -> tuple[float, float]:
    midnight, tomorrow = calendar.midnight(now), calendar.next_midnight(now)
    local = datetime.fromtimestamp(now, calendar.zone)
    match text:
        case "today":
            return midnight, tomorrow
        case "yesterday":
            return calendar.midnight(calendar.day_before(now)), midnight
        case "yesterday_so_far":
            before = calendar.day_before(now)
            return calendar.midnight(before), before
        case "week":
            monday = local.date() - timedelta(days=local.weekday())
            return _moment(monday, calendar), _moment(monday + timedelta(days=7), calendar)
        case "month":
            return _stretch(f"{local:%Y-%m}", calendar)
        case "last_month":
            return _stretch(f"{local.date().replace(day=1) - timedelta(days=1):%Y-%m}", calendar)
        case _:
            return _stretch(f"{local:%Y}", calendar)


def _moment(day: date, calendar: Calendar) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=calendar.zone).timestamp()


def _stretch(text: str, calendar: Calendar) -> tuple[float, float]:
    """From when until when a year, month, day or moment lasts."""
    found = _DATE.fullmatch(text)
    try:
        if not found:
            raise ValueError
        year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups())
        assert year is not None
        if not 1900 <= year <= 2200:
            raise ValueError
        first = date(year, month or 1, day or 1)
        if hour is not None:
            at = datetime(year, first.month, first.day, hour, minute or 0, second or 0, tzinfo=calendar.zone)
            return at.timestamp(), at.timestamp()
    except ValueError:
        known = ", ".join(NAMED)
        raise AskError(f"period: {text!r} is none; write {known}, 2026, 2026-10, 2026-10-05 or FROM..TO") from None
    if day is not None:
        last = first + timedelta(days=1)
    elif month is not None:
        last = (first + timedelta(days=31)).replace(day=1)
    else:
        last = date(year + 1, 1, 1)
    return _moment(first, calendar), _moment(last, calendar)


_ANY = Calendar(ZoneInfo("UTC"))  # Any calendar will do to see whether a period can be read.


# -- in plain words ------------------------------------------------------------------------------------------


def chips(what: Asked, city: City, places: PlaceTree, language: str) -> list[dict[str, str]]:
    """The filters in plain words, each with the address that leaves it out."""
    root = places.root.code
    shown = []
    if what.place != root:
        up = replace(what, place=root).address(root)
        shown.append({"name": "place", "text": places[what.place].title(language), "without": up})
    for name, values in what.filters:
        if name in ("period", "met"):
            continue
        rest = what.without(name).without("met") if name == "rate" else what.without(name)
        if not rest.get("rate") and not rest.get("moved"):
            rest = rest.without("period")
        shown.append({"name": name, "text": said(name, values, what, city, language), "without": rest.address(root)})
    return shown


def said(name: str, values: tuple[str, ...], what: Asked, city: City, language: str) -> str:
    """One filter in plain words."""
    about, colon = FILTERS[name], COLON[language]
    if about.kind == "yes":
        return (about.yes if values[0] == "1" else about.no)[language]
    if about.kind == "minutes":
        first, _, last = values[0].rpartition("-")
        span_ = f"{first}–{last}" if first else last
        return (DUE_IN if first else DUE_WITHIN)[language].format(span_)
    if about.kind == "rate":
        met = {"1": FILTERS["met"].yes, "0": FILTERS["met"].no}.get(next(iter(what.get("met")), ""))
        parts = [RATES[values[0]][language], period_words(what.get("period")[0], language)]
        return " · ".join([*parts, met[language]] if met else parts)
    if about.kind == "moves":
        texts = [about.values[value][language] for value in values]
        return f"{about.words[language]}{colon}{' / '.join(texts)} · {period_words(what.get('period')[0], language)}"
    if about.kind == "period":
        gap = " " if language == "en" else ""
        return f"{about.words[language]}{gap}{period_words(values[0], language)}"
    if about.kind == "text":
        return f"“{values[0]}”"
    if name == "caller":
        return about.words[language]
    texts = [
        about.values[value][language] if value in about.values else city.translated(value, language) or DASH
        for value in values
    ]
    return f"{about.words[language]}{colon}{' / '.join(texts)}"


def period_words(text: str, language: str) -> str:
    """A period as it is said; dates stand as they are written.

    >>> period_words("month", "zh"), period_words("2026-10", "en"), period_words("2026-10-01..", "en")
    ('本月', '2026-10', '2026-10-01 – …')
    """
    if text in NAMED:
        return NAMED[text][language]
    first, dots, last = text.partition("..")
    return f"{first or '…'} – {last or '…'}".replace("T", " ") if dots else text.replace("T", " ")

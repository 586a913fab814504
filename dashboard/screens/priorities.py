"""Three things today: what of everything a leader should look at first, and why, chosen by one stated rule.

Each kind of matter offers at most one thing, so that no flood of one kind hides the others. They are ranked by how far
matters have come: danger that nobody has taken up (1), a deadline that has passed (2), one that will be missed as
things stand (3), what hangs or is not known (4); within a rank the one that concerns more comes first. Every sentence
names the numbers it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dashboard.board import VIEWS
from dashboard.masking import cut
from dashboard.nouns.noun import Document
from dashboard.screens.alerts import address_of
from dashboard.screens.panel import Context
from dashboard.words import STAGES, Words, compact, in_percent

Views = Mapping[str, Document]
DANGER, PASSED, COMING, HANGING = 1, 2, 3, 4
THINGS = 3
DARK = 0.01  # The share of all cameras that one fault must take down to stand beside missed deadlines.
NAME, TITLE = 12, 24  # Characters of a name within a sentence, and of a title.
GRAVE = ("1", "2")  # The severities of alerts that are danger.
CROWD = 5  # Tickets of one unit that fall due within the hour, from which on that is worth a word.
RULE = Words(
    "先无人确认的重大告警、再已超期、再将超期、后卡滞；同级按涉及件数。每类至多一件。",
    "Grave alerts nobody has acknowledged first, then deadlines missed, then those about to be, then what hangs; "
    "within a rank by how many it concerns. One of a kind.",
)


@dataclass(frozen=True)
class Thing:
    """One matter: its rank, how many it concerns, what it is, why it stands here, where it leads, on which subject (a
    ticket's key or a number's id) an instruction about it would be.
    """

    kind: str
    rank: int
    weight: float
    title: Words
    why: Words
    behind: str
    subject: str
    since: float | None = None


def _both(pair: Any, fallback: str = "") -> Words:
    """A text of a view in both languages, which says it as a pair, or as one text for both."""
    if isinstance(pair, (list, tuple)) and len(pair) == 2:
        return Words(cut(str(pair[0]), TITLE), cut(str(pair[1]), 2 * TITLE))
    text = cut(str(pair or fallback), TITLE)
    return Words(text, text)


def _names(name: str, ctx: Context) -> Words:
    return Words(short(name), short(ctx.city.translated(name, "en")))


def short(text: str, room: int = 2 * NAME) -> str:
    """A text of at most so much room, a Chinese character taking two.

    >>> short("环卫中心", 6), short("Sanitation", 12)
    ('环卫…', 'Sanitation')
    """
    taken = 0
    for at, sign in enumerate(text):
        taken += 1 if sign.isascii() else 2
        if taken > room:
            return text[: max(0, at - 1)] + "…"
    return text


def _place(code: str, ctx: Context) -> Words:
    if code not in ctx.places:
        return Words(code, code)
    return Words(ctx.places[code].title("zh"), ctx.places[code].title("en"))


def _n(value: float) -> Words:
    return Words(compact(value, "zh"), compact(value, "en"))


def alerts(view: Document, views: Views, ctx: Context) -> Iterator[Thing]:
    """The worst alert that is open: nobody has acknowledged it, nor put it off."""
    whole = sum(view.get("open", {}).get(severity, 0) for severity in GRAVE)
    for one in view.get("alerts", [])[:1] if whole else ():  # Open ones come first, the worst of them before others.
        title, text = _both(one["title"]), _both(one.get("text"))
        more = whole - 1
        why = Words(
            f"{text.zh}；{['Ⅰ', 'Ⅱ'][one['severity'] - 1]} 级，无人确认" + (f"，另有 {more} 起" if more else ""),
            f"{text.en}; level {['I', 'II'][one['severity'] - 1]}, nobody has acknowledged it"
            + (f", and {more} more" if more else ""),
        )
        yield Thing("alert", DANGER, whole, title, why, address_of(one, ctx), _subject(one), one.get("since"))


def _subject(alert: Mapping[str, Any]) -> str:
    """What an instruction on an alert would be on: its ticket where it is one's, else the alert itself."""
    link = urlsplit(alert.get("link") or "")
    keys = parse_qs(link.query).get("key", []) if link.path == "/ticket" else []
    return keys[0] if keys else "alert:" + str(alert.get("key", "")).replace("|", ":")


def late_instructions(view: Document, views: Views, ctx: Context) -> Iterator[Thing]:
    """The instruction that is late for longest."""
    one, late = view.get("first"), view.get("late", 0)
    if one:
        to, n, among = _names(one["to"], ctx), _n(late), _n(view.get("open", 0))
        yield Thing(
            "instruction", PASSED, late,
            Words(f"批示超期：{cut(one['text'], NAME + 4)}", f"Instruction overdue: {cut(one['text'], NAME)}"),
            Words(f"{to.zh}未按期办结；超期批示共 {n.zh} 项，在办 {among.zh} 项",
                  f"{to.en} has not done it in time; {n.en} of {among.en} instructions are late"),
            ctx.case(one["ticket"]) if one["ticket"] else "", one["subject"], one["due"],
        )  # fmt: skip


def supervised(view: Document, views: Views, ctx: Context) -> Iterator[Thing]:
    """The supervised ticket whose deadline passed first."""
    one, late = view.get("first"), view.get("late", 0)
    if one:
        unit, n = _names(one["unit"], ctx), _n(late)
        yield Thing(
            "supervised", PASSED, late, _both(one["title"], one["number"]),
            Words(f"{one['level']} 级督办已过期限；{unit.zh or '无责任单位'}在办；此类共 {n.zh} 件",
                  f"Level {one['level']} supervision, past its deadline; with {unit.en or 'nobody'}; {n.en} such"),
            ctx.case(one["key"]), one["key"], one["due"],
        )  # fmt: skip


def worst_place(view: Document, views: Views, ctx: Context) -> Iterator[Thing]:
    """Where most overdue tickets are, if one place directly below has much more than its share of all that are known
    here, also of those that are known of no place below.
    """
    rows, here = view.get("places", {}), views.get("tickets", {})
    late = sum(here.get("lights", {}).get(light, 0) for light in ("overdue", "worst"))
    stood = here.get("open", 0)
    if not late or len(rows) < 2:
        return
    code, row = max(rows.items(), key=lambda item: (item[1]["late"], item[0]))
    share, own = min(1.0, row["late"] / late), min(1.0, row["open"] / max(1, stood))
    if share < 1.3 * own:
        return
    place, of_late, of_open = _place(code, ctx), in_percent(100 * share, 0), in_percent(100 * own, 0)
    yield Thing(
        "place", PASSED, row["late"],
        Words(f"{place.zh}超期 {_n(row['late']).zh} 件", f"{place.en}: {_n(row['late']).en} overdue"),
        Words(f"占全部超期 {_n(late).zh} 件的 {of_late} %，而在办只占 {of_open} %",
              f"{of_late} % of all {_n(late).en} overdue tickets, with {of_open} % of the open ones"),
        ctx.behind(code, late=1), "late",
    )  # fmt: skip


def forecast(view: Document, views: Views, ctx: Context) -> Iterator[Thing]:
    """The month that will miss its target as it stands."""
    target = ctx.city.cockpit.targets.get("on_time")
    mid, low, high = view.get("mid"), view.get("low"), view.get("high")
    if target is None or mid is None or low is None or high is None or 100 * mid >= target:
        return
    close = view.get("close") or {}
    sure = 100 * high < target
    middle, least, most = (in_percent(100 * share) for share in (mid, low, high))
    advice = Words("", "")
    if close.get("n"):
        advice = Words(
            f"；今日办结最易失分的 {_n(close['n']).zh} 件可到 {in_percent(100 * close['to'])} %",
            f"; closing the {_n(close['n']).en} likeliest losses today makes it {in_percent(100 * close['to'])} %",
        )
    yield Thing(
        "forecast", COMING, view.get("open", 0),
        Words(f"本月按期率预计 {middle} %，{'达不到' if sure else '可能达不到'} {target:g} %",
              f"On time this month: {middle} % expected, {'short' if sure else 'maybe short'} of {target:g} %"),
        Words(f"九成把握在 {least}–{most} %，未定 {_n(view.get('open', 0)).zh} 件{advice.zh}",
              f"{least}–{most} % at nine in ten, {_n(view.get('open', 0)).en} undecided{advice.en}"),
        ctx.behind(rate="on_time", period="month"), "on_time",
    )  # fmt: skip


def hour(view: Document, views: Views, ctx: Context) -> Iterator[Thing]:
    """The unit with most tickets that fall due within the hour."""
    units, all_of_them = view.get("units", []), sum(view.get("quarters", []))
    for unit, n, _ in units[:1]:
        if n >= CROWD:
            name = _names(unit, ctx)
            yield Thing(
                "hour", COMING, n,
                Words(f"{name.zh or '未派单位'} 1 小时内到期 {_n(n).zh} 件",
                      f"{name.en or 'No unit'}: {_n(n).en} due in 1 h"),
                Words(f"全部 1 小时内到期 {_n(all_of_them).zh} 件，涉及 {len(units)} 个单位，它最多",
                      f"the most of {len(units)} units; {_n(all_of_them).en} fall due within the hour in all"),
                ctx.behind(unit=unit, due_in=60), "hour",
            )  # fmt: skip


def dark(view: Document, views: Views, ctx: Context) -> Iterator[Thing]:
    """The fault that takes most cameras down at once."""
    shared = [one for one in view.get("faults", []) if one["cause"] != "camera"]
    total = views.get("video", {}).get("total", 0)
    for one in sorted(shared, key=lambda one: (-one["down"], one["key"]))[:1]:
        place = _place(one["place"], ctx) if one["place"] else Words("", "")
        name = one["name"] or one["platform"]
        cause = {"network": Words("网络", "Network"), "platform": Words("平台", "Platform"),
                 "switch": Words("交换机", "Switch"), "street": Words("道路", "Street")}[one["cause"]]  # fmt: skip
        number, share = view.get("alarms", 0), one["down"] / total if total else 0.0
        yield Thing(
            "video", PASSED if share >= DARK else HANGING, one["down"],
            Words(f"{cause.zh} {name} 故障，{_n(one['down']).zh} 路视频中断",
                  f"{cause.en} {_names(name, ctx).en}: {_n(one['down']).en} cameras dark"),
            Words(f"{place.zh or '全区'}一处故障；占全部 {_n(total).zh} 路的 {in_percent(100 * share)} %，"
                  f"共同故障 {number} 起",
                  f"one fault in {place.en or 'the whole city'}: {in_percent(100 * share)} % of all {_n(total).en}; "
                  f"{number} shared faults"),
            "/video" if "video" in ctx.city.screens else "", "video", one["since"],
        )  # fmt: skip


def stuck(view: Document, views: Views, ctx: Context) -> Iterator[Thing]:
    """The ticket that hangs longest, measured by its likes."""
    for one in view.get("tickets", [])[:1]:
        stage, n = STAGES.get(one["stage"], Words("", "")), view.get("n", 0)
        times = one.get("times") or 0.0
        unit = _names(one["unit"], ctx)
        yield Thing(
            "stuck", HANGING, n, _both(one["title"], one["category"] or one["number"]),
            Words(f"停在“{stage.zh}”，为同类九成工单用时的 {times:.0f} 倍；{unit.zh or '无责任单位'}；"
                  f"卡滞共 {_n(n).zh} 件",
                  f"in “{stage.en}” {times:.0f} times as long as nine in ten of its kind; {unit.en or 'no unit'}; "
                  f"{_n(n).en} are stuck"),
            ctx.case(one["key"]), one["key"], one["since"],
        )  # fmt: skip


def figures(view: Document, views: Views, ctx: Context) -> Iterator[Thing]:
    """The economic figures that should be out."""
    late, n = [one for one in view.get("series", []) if one.get("state") == "overdue"], view.get("overdue", 0)
    if late and n:
        names = "、".join(cut(one["name"], NAME) for one in late[:3])
        yield Thing(
            "figures", HANGING, n,
            Words(f"{_n(n).zh} 项指标逾期未报", f"{_n(n).en} figures are overdue"),
            Words(f"{names}；发布日期已过，全部 {_n(view.get('total', 0)).zh} 项",
                  f"{names}; their release date has passed, of {_n(view.get('total', 0)).en} in all"),
            "", "figures",
        )  # fmt: skip


KINDS: dict[str, Callable[[Document, Views, Context], Iterator[Thing]]] = {
    view: kind
    for view, kind in {
        "alerts": alerts, "instructions": late_instructions, "supervised": supervised, "days": worst_place,
        "forecast": forecast, "hour": hour, "video_faults": dark, "stuck": stuck, "indicators": figures,
    }.items()
    if view in VIEWS
}  # fmt: skip
"""View → what it offers; of the views that this house has."""


def things(views: Views, ctx: Context) -> list[Thing]:
    """All that is worth a word, the first first; a kind whose view is missing or empty offers nothing."""
    found = [thing for view, kind in KINDS.items() if views.get(view) for thing in kind(views[view], views, ctx)]
    return sorted(found, key=lambda thing: (thing.rank, -thing.weight, thing.kind))

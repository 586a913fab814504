"""The faces of a panel: normal, loading, empty, late, silent, wrong, and extremes derived from its example."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.board import Board
from dashboard.nouns.noun import Document, Rules
from dashboard.screens.panel import Panel
from dashboard.words import Words

Views = Mapping[str, Document]
LONG = "特别长的名称用来看看它放不放得下（第二期改扩建工程）"
LONG_EN = " with a name so long that it can hardly fit anywhere"
MANY = 40
TIMES = 1e9  # From here on a number is a moment in seconds since 1970, and stays what it is.
NAMED = frozenset(("name", "title", "unit", "category", "channel", "error", "label", "owner", "address", "reason"))
BEFORE = frozenset(("yesterday", "before", "previous", "last_month", "last_year", "day_before"))
CODED = frozenset(("states", "points", "level", "severity"))  # Their numbers are codes and places, not amounts.
GROWTH = frozenset(("growth", "change", "delta", "yoy", "mom", "trend", "net"))


@dataclass(frozen=True)
class Face:
    """One way a panel can look: what its feeds are (``state``), and what is made of its example's views.

    ``change`` is None where nothing comes: not yet, or no more; ``fault`` means that the views cannot be painted.
    The state ``stalled`` is a board that is ``age`` seconds behind, ``lost`` a link that has been gone so long; with
    ``broken`` an entry of the data catalogue that it rests on has been broken so long.
    """

    id: str
    title: Words
    change: Callable[[Panel, Rules], Views] | None
    state: str = "live"
    age: float = 3.0  # Seconds since its feeds were heard.
    fault: bool = False


def example(panel: Panel, rules: Rules) -> Views:
    """The example itself."""
    return panel.example


def empty(panel: Panel, rules: Rules) -> Views:
    """A board that has never heard of anything."""
    board = Board(rules)
    return {view: board.view(view, rules.places.root.code)["data"] for view in panel.reads}


def _is_name(key: str, value: str) -> bool:
    return bool(value) and (key in NAMED or " " in value or not value.isascii())


def _walk(value: Any, change: Callable[[str, Any], Any], key: str = "") -> Any:
    """A copy in which ``change(key, value)`` has seen every plain value; a list's items have the list's key."""
    if key in CODED:
        return copy.deepcopy(value)
    if isinstance(value, Mapping):
        return {name: _walk(item, change, str(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walk(item, change, key) for item in value]
    return change(key, value)


def _changed(change: Callable[[str, Any], Any]) -> Callable[[Panel, Rules], Views]:
    return lambda panel, rules: {view: _walk(document, change) for view, document in panel.example.items()}


def _longer(key: str, value: Any) -> Any:
    if not isinstance(value, str) or not _is_name(key, value):
        return value
    return value + (LONG_EN if value.isascii() else LONG)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < TIMES


def _larger(key: str, value: Any) -> Any:
    """Eight digits; all counts grow by the same, so that parts stay parts."""
    return value * 10_000 if _is_count(value) else value


def _zero(key: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value >= TIMES:
        return value
    return type(value)(0) if isinstance(value, int) or abs(value) <= 1 else value


def negative(panel: Panel, rules: Rules) -> Views:
    """What was before is more than what is now, and what is called growth is below nothing."""

    def less(key: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: grown(item) if name in BEFORE else less(str(name), item) for name, item in value.items()}
        if isinstance(value, list):
            return [less(key, item) for item in value]
        signed = key in GROWTH and isinstance(value, (int, float)) and not isinstance(value, bool)
        return -abs(value) if signed else value

    def grown(value: Any) -> Any:
        return _walk(value, lambda key, number: 3 * number + 7 if _is_count(number) else number)

    return {view: less("", document) for view, document in panel.example.items()}


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, (dict, list)) for item in value)


def many(panel: Panel, rules: Rules) -> Views:
    """Forty of everything that comes in rows, each with a name of its own."""

    def more(value: Any, key: str = "") -> Any:
        if key not in CODED and _are_rows(value):
            return [numbered(copy.deepcopy(value[n % len(value)]), n) for n in range(max(MANY, len(value)))]
        if isinstance(value, Mapping):
            return {name: more(item, str(name)) for name, item in value.items()}
        return value

    def numbered(item: Any, n: int) -> Any:
        named = [False]

        def name(key: str, value: Any) -> Any:
            if isinstance(value, str) and (key == "key" or (_is_name(key, value) and not named[0])):
                named[0] = named[0] or key != "key"
                return f"{value} {n + 1}"
            return value

        return _walk(item, name)

    return {view: more(document) for view, document in panel.example.items()}


def none(panel: Panel, rules: Rules) -> Views:
    """No rows at all, where the rest is as it was."""

    def bare(value: Any) -> Any:
        if _are_rows(value):
            return []
        return {name: bare(item) for name, item in value.items()} if isinstance(value, Mapping) else value

    return {view: bare(document) for view, document in panel.example.items()}


FACES: tuple[Face, ...] = (
    Face("loading", Words("载入中", "Loading"), None),
    Face("normal", Words("正常", "Normal"), example),
    Face("empty", Words("空", "Empty"), empty),
    Face("late", Words("迟到", "Late"), example, "late", 400.0),
    Face("silent", Words("无声", "Silent"), example, "silent", 5400.0),
    Face("failing", Words("故障", "Failing"), example, "failing", 700.0),
    Face("resting", Words("所依中断", "Rests on what is broken"), example, "broken", 7300.0),
    Face("never", Words("未接入", "Never heard"), empty, "never"),
    Face("wrong", Words("数据有误", "Wrong data"), example, fault=True),
    Face("long", Words("长名称", "Long names"), _changed(_longer)),
    Face("large", Words("八位数", "Eight digits"), _changed(_larger)),
    Face("zero", Words("零", "Zero"), _changed(_zero)),
    Face("negative", Words("负增长", "Negative growth"), negative),
    Face("many", Words("四十行", "Forty rows"), many),
    Face("none", Words("没有行", "No rows"), none),
    Face("stalled", Words("停滞", "Stalled"), example, "stalled", 60.0),
    Face("lost", Words("断线", "Link lost"), example, "lost", 60.0),
)
"""All faces in the order in which a screen can show them: what has been painted once does not load again."""

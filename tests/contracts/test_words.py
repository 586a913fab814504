"""Every caption has both languages, and the example cities translate every name that their own data bring."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.city import City, read_city
from dashboard.screens.layout import all_layouts
from dashboard.sources.pretence import CHANNELS
from tests.contracts.catalogue import Unreadable, Value, tables
from tests.servers import ROOT

OWN = "镇街"  # A matter of the town itself, whose unit has a name of its own.
CHINESE = re.compile("[\u3400-\u9fff]")
SPEAKING = sorted(
    file for folder in ("panels", "layouts", "dashboard", "feeds") for file in (ROOT / folder).rglob("*.py")
)
SCRIPTS = sorted(file for file in (ROOT / "assets").rglob("*.mjs") if re.search(r"\bzh\b\s*:", file.read_text("utf-8")))


def words_in(file: Path) -> Iterator[tuple[int, str, str]]:
    """Every ``Words(zh, en)`` of a module whose texts stand in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Words":
            texts = [part.value for part in node.args if isinstance(part, ast.Constant)]
            if len(texts) == 2:
                yield node.lineno, str(texts[0]), str(texts[1])


@pytest.mark.parametrize("file", SPEAKING, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_whoever_speaks_speaks_both_languages(file: Path) -> None:
    for line, zh, en in words_in(file):
        assert bool(zh) == bool(en) or (zh and len(zh) <= 2), (
            f"{file.name}:{line}: {zh!r} has no English, or {en!r} no Chinese"
        )
        assert not CHINESE.search(en), f"{file.name}:{line}: {en!r} is no English"
        if re.search("[A-Za-z]{4,}", en) and zh:
            assert CHINESE.search(zh), f"{file.name}:{line}: {zh!r} is no Chinese"


def test_there_is_something_to_find() -> None:
    assert sum(1 for file in SPEAKING for _ in words_in(file)) > 150
    assert len(SCRIPTS) > 10


def differing(zh: Value, en: Value, where: str) -> Iterator[str]:
    """What is amiss between a table's two languages, name by name."""
    if isinstance(zh, dict) and isinstance(en, dict):
        for name in sorted(zh.keys() ^ en.keys()):
            yield f"{where}.{name} is in one language only"
        for name in sorted(zh.keys() & en.keys()):
            yield from differing(zh[name], en[name], f"{where}.{name}")
    elif isinstance(zh, list) and isinstance(en, list):
        if len(zh) != len(en):
            yield f"{where} is longer in one language"
        for number, (one, other) in enumerate(zip(zh, en, strict=False)):
            yield from differing(one, other, f"{where}.{number}")
    elif isinstance(zh, str) and isinstance(en, str):
        if ("=>" in zh) != ("=>" in en):
            yield f"{where} is made from what it is told in one language only"
        if CHINESE.search(en):
            yield f"{where}: {en} is no English"
        if re.search("[A-Za-z]{2,}", en) and not CHINESE.search(zh):
            yield f"{where}: {zh} is no Chinese"
        if (zh == '""') != (en == '""'):
            yield f"{where}: {zh} beside {en}, one of which says nothing"
    else:
        yield f"{where} has another shape in the other language"


TABLE = """const W = {
  zh: { n: (n) => `${n ? "}" : `{`} 件`, a: ["", "甲"], /* } */ "b c": { d: '、，' }, }, // }
  en: { n: (n) => `${n}, of them`, a: ["", "first"], "b c": { d: ", " } },
};"""
FAULTS = [
    (', "first"]', "]", "is longer in one language"), ('"first"', '"第一"', "is no English"),
    ('["", "甲"]', '["", "first"]', "is no Chinese"), ('"first"', '""', "says nothing"),
    ('"b c": { d: ", " }', "b: 1", "in one language only"), ('{ d: ", " }', '", "', "another shape"),
    ("(n) => `${n}, of them`", '"of them"', "is made from what it is told"),
]  # fmt: skip


def test_a_table_is_read_as_it_is_written_and_each_kind_of_fault_is_seen() -> None:
    ((line, table),) = tables(TABLE)
    assert line == 1
    assert table["zh"] == {"n": '(n) => `${n ? "}" : `{`} 件`', "a": ['""', '"甲"'], "b c": {"d": "'、，'"}}
    assert not list(differing(table["zh"], table["en"], "line 1"))
    for part, other, said in FAULTS:
        assert part in TABLE
        ((_, table),) = tables(TABLE.replace(part, other))
        assert [fault for fault in differing(table["zh"], table["en"], "line 1") if said in fault], (part, other)
    for cut in ("{ zh: {", '{ zh: "a', "{ zh: `${1", "{ zh: {...more} }", "{ zh: { a: 1, a: 2 } }"):
        with pytest.raises(Unreadable):
            list(tables(cut))


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_script_s_words_are_the_same_in_both_languages(file: Path) -> None:
    text = file.read_text("utf-8")
    found = list(tables(text))
    assert len(found) == len(re.findall(r"\bzh\b\s*:", text)), "every table is read"
    for line, table in found:
        assert set(table) == {"zh", "en"}, f"line {line}"
        faults = list(differing(table["zh"], table["en"], f"line {line}"))
        assert not faults, "\n".join(faults)


def test_titles_and_periods_of_layouts_have_both_languages() -> None:
    for layout in all_layouts().values():
        assert CHINESE.search(layout.title.zh)
        assert not CHINESE.search(layout.title.en)


def nanhai() -> City:
    return read_city(ROOT / "cities" / "nanhai.toml")


def test_the_simulated_district_has_english_for_every_name_it_brings() -> None:
    city = nanhai()
    with (ROOT / "cities" / "nanhai_matters.csv").open(encoding="utf-8-sig", newline="") as stream:
        matters = list(csv.DictReader(stream))
    towns = [
        row["name"]
        for row in csv.DictReader((ROOT / "cities" / "nanhai.csv").open(encoding="utf-8-sig"))
        if row["level"] == "town"
    ]
    (tickets,) = (feed for feed in city.feeds if feed.name == "tickets")
    own = getattr(tickets, "town_unit", "{town}")
    names = {row["category"] for row in matters} | set(CHANNELS)
    names |= {row["unit"] for row in matters if row["unit"] != OWN}
    names |= {own.replace("{town}", re.sub("(镇|街道)$", "", town)) for town in towns}
    lacking = sorted(name for name in names if CHINESE.search(name) and CHINESE.search(city.translated(name, "en")))
    assert not lacking, "cities/nanhai.toml: [translations] lacks " + ", ".join(lacking)


def test_the_simulated_gauges_and_figures_have_english_too() -> None:
    city = nanhai()
    with (ROOT / "cities" / "nanhai_sensors.csv").open(encoding="utf-8-sig", newline="") as stream:
        names = {row["name"] for row in csv.DictReader(stream)}
    (figures,) = (feed for feed in city.feeds if feed.kind == "pretend_indicators")
    for figure in getattr(figures, "figures", {}).values():
        names |= {figure["name"], figure["unit"]}
    names |= {series.name for series in city.indicators.series.values() if series.name}
    assert len(names) > 70
    assert not [name for name in names if CHINESE.search(city.translated(name, "en"))]


def test_a_translation_is_english_and_its_name_is_not() -> None:
    for name, english in nanhai().translations.items():
        assert english.strip()
        assert not CHINESE.search(english), f"{name}: {english!r}"

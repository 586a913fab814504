"""Every caption has both languages, and the example cities translate every name that their own data bring."""

from __future__ import annotations

import csv
import re

import pytest

from dashboard.city import City, read_city
from dashboard.doors.catalogue import gathered
from dashboard.doors.wordtables import CHINESE, Unreadable, differing, tables
from dashboard.screens.layout import all_layouts
from dashboard.sources.pretence import CHANNELS
from tests.servers import ROOT

OWN = "镇街"  # A matter of the town itself, whose unit has a name of its own.
CATALOGUE = gathered(ROOT)


def test_every_caption_has_both_languages() -> None:
    """Of the modules and of the scripts alike, those that are filled in included."""
    assert not CATALOGUE.amiss, "\n".join(CATALOGUE.amiss)


def test_there_is_something_to_find() -> None:
    of_scripts = [caption for caption in CATALOGUE.captions if caption.where.startswith("assets/")]
    assert len(CATALOGUE.captions) - len(of_scripts) > 1400
    assert len(of_scripts) > 300
    assert len({caption.where.partition(":")[0] for caption in of_scripts}) > 10
    assert sum("{" in caption.zh for caption in CATALOGUE.captions) > 80, "what is filled in is found too"


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
    (whole,) = tables(TABLE)
    table = whole.values
    assert whole.line == 1
    assert TABLE[whole.start : whole.end + 1] == TABLE.removeprefix("const W = ")
    assert table["zh"] == {"n": '(n) => `${n ? "}" : `{`} 件`', "a": ['""', '"甲"'], "b c": {"d": "'、，'"}}
    assert not list(differing(table["zh"], table["en"], "line 1"))
    for part, other, said in FAULTS:
        assert part in TABLE
        (table,) = (found.values for found in tables(TABLE.replace(part, other)))
        assert [fault for fault in differing(table["zh"], table["en"], "line 1") if said in fault], (part, other)
    for cut in ("{ zh: {", '{ zh: "a', "{ zh: `${1", "{ zh: {...more} }", "{ zh: { a: 1, a: 2 } }"):
        with pytest.raises(Unreadable):
            list(tables(cut))


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

"""The city's table of limits. What is wrong in one is in ``tests/cities/faulty``."""

from __future__ import annotations

import csv
from pathlib import Path

from dashboard.city import make_city, read_city
from dashboard.limits import limits_of
from dashboard.nouns.sla import Limit

CITIES = Path(__file__).resolve().parents[2] / "cities"


def test_a_table_in_english_with_quoted_cells(tmp_path: Path) -> None:
    (tmp_path / "limits.csv").write_text(
        '﻿limit,condition,category,note\n2 urgent hours,"missing, in the road",Manhole,\n4,,Kerb,two lines\n'.replace(
            "4,", "4 working hours,"
        )
        + '\n1 working day,loose,"Manhole","a ""note""\non two lines"\n',
        encoding="utf-8",
    )
    table = {"name": "town", "title": {"zh": "镇", "en": "Town"}, "zone": "UTC", "places": {}}
    limits = {"file": "limits.csv", "hours": {"Lamp": 24}, "default": "7 days", "urgent": "30 min"}
    found = limits_of(make_city({**table, "limits": limits}, tmp_path / "town.toml"))
    assert found.of("Manhole", "missing, in the road") == Limit(2)
    assert found.of("Manhole", "loose") == Limit(1, "work_day")
    assert found.of("Manhole") == Limit(7, "natural_day")
    assert found.of("Kerb", "anything") == Limit(4, "work_hour")
    assert found.of("Lamp") == Limit(24)
    assert found.of("Lamp", urgent=True) == Limit(0.5)
    assert found.flaw("Bench") == "unknown_category"


def test_hours_alone_go_on_working() -> None:
    table = {"name": "town", "title": {"zh": "镇", "en": "Town"}, "zone": "UTC", "places": {}}
    old = limits_of(make_city({**table, "limits": {"default_hours": 48, "hours": {"路灯": 24}}}, Path("town.toml")))
    assert (old.of("路灯"), old.of("井盖"), old.flaw("井盖")) == (Limit(24), Limit(48), "")


def test_the_shipped_table_covers_the_simulated_district() -> None:
    limits = limits_of(read_city(CITIES / "nanhai.toml"))
    with (CITIES / "nanhai_matters.csv").open(encoding="utf-8") as stream:
        categories = {row["category"] for row in csv.DictReader(stream)}
    assert {category for category, _ in limits.exact} == categories
    assert {limit.clock for limit in limits.exact.values()} == {"urgent_hour", "work_hour", "work_day", "natural_day"}
    # One manhole class has four limits by GB/T 30428, and the hotline's profile is 2 h, 24 h, 7 d and 15 d.
    assert limits.of("井盖破损", "破损、下沉，危及通行") == Limit(2, "urgent_hour")
    assert len({limit for (category, _), limit in limits.exact.items() if category == "井盖破损"}) == 4
    hotline = {limit for (category, _), limit in limits.exact.items() if category in ("物业管理", "消费纠纷")}
    assert hotline == {Limit(2), Limit(24), Limit(7, "natural_day"), Limit(15, "natural_day")}


def test_every_category_and_condition_of_the_shipped_table_has_an_english_name() -> None:
    city = read_city(CITIES / "nanhai.toml")
    limits = limits_of(city)
    names = {name for pair in limits.exact for name in pair} | set(limits.categories)
    assert len(names) > 100
    assert [name for name in names if not city.translated(name, "en").isascii()] == []
    assert city.translated("坑洼、开裂", "en") == "Potholes or cracks"
    assert city.translated("坑洼、开裂", "zh") == "坑洼、开裂"

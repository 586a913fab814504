"""City files: a good one is read, and each faulty one is refused with the sentence in its first line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.city import CityError, make_city, read_city
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.screens.layout import all_layouts
from dashboard.sources.feed import bind, rules_of

CITIES = Path(__file__).resolve().parents[1] / "cities"
FAULTY = sorted((CITIES / "faulty").glob("*.toml"))
SHIPPED = sorted((CITIES.parents[1] / "cities").glob("*.toml"))


def check(file: Path) -> None:
    """All that is looked at before anything is started."""
    city = read_city(file)
    rules = rules_of(city)
    Gazetteer.of(city, rules.places).check()
    for screen in city.screens:
        if screen not in all_layouts():
            raise CityError(f"{file}: screens: there is no layout {screen!r}; known are {', '.join(all_layouts())}")


def test_the_good_one_is_good() -> None:
    city = read_city(CITIES / "good.toml")
    places = read_places(city)
    assert [feed.name for feed in bind(city)] == ["cases", "hotline"]
    assert places.root.code == "T"
    assert places["A"].population == 1200
    assert places.named("老甲") == "A"
    assert Gazetteer.of(city, places).locate(113.15, 23.05) == ("B", "")


@pytest.mark.parametrize("file", FAULTY, ids=lambda file: file.stem)
def test_a_fault_is_said_in_a_sentence(file: Path) -> None:
    said = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").replace("{folder}", str(file.parent))
    with pytest.raises(CityError) as error:
        check(file)
    if said.startswith("/"):  # The fault is in a file that the city file names.
        assert str(error.value) == said
    else:
        assert str(error.value).startswith(f"{file}: {said}")
        assert "\n" not in str(error.value)


def test_each_fault_has_one_cause() -> None:
    """Without its fault each file is the good one: so what is said is about the fault."""
    assert len(FAULTY) >= 40
    good = (CITIES / "good.toml").read_text(encoding="utf-8").splitlines()[1:]
    for file in FAULTY:
        lines = [line.replace("../", "") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
        assert len(set(good) ^ set(lines)) <= 3, file.stem


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CityError, match=r"nowhere\.toml: there is no such file"):
        read_city(tmp_path / "nowhere.toml")


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "city.toml"
    file.write_bytes('name = "镇"'.encode("gb18030"))
    with pytest.raises(CityError, match="cannot be read"):
        read_city(file)


def test_variables_stand_for_what_differs_between_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "city.toml"
    text = (CITIES / "good.toml").read_text(encoding="utf-8")
    file.write_text(
        text.replace('"places.csv"', '"${HERE}/places.csv"').replace('"cases.csv"', '"${CASES:-cases.csv}"')
    )
    assert read_city(file, {"HERE": str(CITIES)}).places.file == f"{CITIES}/places.csv"
    monkeypatch.setenv("HERE", 'a "quoted" \\ name')
    monkeypatch.setenv("CASES", "other.csv")
    city = read_city(file)
    assert city.places.file == 'a "quoted" \\ name/places.csv'
    assert city.feeds[0].model_dump()["path"] == "other.csv"
    monkeypatch.delenv("CASES")
    assert read_city(file).feeds[0].model_dump()["path"] == "cases.csv"


def test_several_faults_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(CityError) as error:
        make_city({"name": "town", "zone": "nowhere"}, tmp_path / "city.toml")
    assert {line.split(": ")[1] for line in str(error.value).splitlines()} == {"title", "zone", "places"}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_cities_that_come_with_the_house(file: Path) -> None:
    data = CITIES.parents[1] / "../shared/data/boston311"
    if file.stem == "boston" and not data.is_dir():
        pytest.skip("../shared/data/boston311 is not there: Boston's places were not read")
    city = read_city(file, {"BOSTON": str(data.resolve())})
    rules = rules_of(city)
    Gazetteer.of(city, rules.places).check()
    assert len(rules.places) > 1
    assert rules.feeds

"""The measurements are found, named and written as they are promised."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import app
from bench import run as benches
from bench.exactness import WEIGHTS, derive, kills, load
from bench.ingest import write_table
from bench.run import Bench, Figure
from dashboard.refusal import Refused


def test_every_measurement_is_found_by_its_name_and_says_what_it_is() -> None:
    found = benches.all_benches()
    assert {"exactness", "faults", "ingest"} <= set(found)
    assert all(name == one.name and one.caption for name, one in found.items())
    assert found["exactness"].long
    assert found["faults"].long
    assert not found["ingest"].long


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match=r"no measurement 'nothing'; there are .*exactness \(long\).*ingest"):
        benches.main(["ingest", "nothing"])


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two measurements, one of them long, and one that fails; the list tells which have run."""
    ran: list[str] = []

    def measure(name: str, *figures: Figure) -> Bench:
        def run() -> Iterator[Figure]:
            ran.append(name)
            yield from figures
            if name == "broken":
                raise ValueError("it cannot be measured")

        return Bench(name, f"about {name}", run, long=name == "slow")

    quick = (Figure("quick.rate", 30, "events/s", 120), Figure("quick.left", 0, "tickets", 0))
    known = [measure("broken", Figure("broken.half", 1.0, "s")), measure("slow"), measure("quick", *quick)]
    monkeypatch.setattr(benches, "all_benches", lambda: {one.name: one for one in known})
    return ran


def test_long_ones_run_only_when_named(made: list[str]) -> None:
    benches.main([])
    assert made == ["broken", "quick"]
    benches.main(["slow"])
    assert made == ["broken", "quick", "slow"]


def test_figures_are_printed_and_written_as_json_and_one_that_fails_costs_only_itself(
    made: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    no_bar = {"least": None, "most": None, "met": None}
    assert benches.main(["broken", "quick"], str(file)) == 1
    assert json.loads(file.read_text()) == [
        {"name": "broken.half", "value": 1.0, "unit": "s", "baseline": None, "ratio": None, **no_bar},
        {"name": "quick.rate", "value": 30, "unit": "events/s", "baseline": 120, "ratio": 0.25, **no_bar},
        {"name": "quick.left", "value": 0, "unit": "tickets", "baseline": 0, "ratio": None, **no_bar},
    ]
    said = capsys.readouterr()
    assert "quick.rate" in said.out
    assert "it cannot be measured" in said.err
    assert benches.main(["quick"], str(file)) == 0
    with pytest.raises(Refused, match="cannot be written"):
        benches.main(["quick"], str(tmp_path / "no" / "such" / "folder.json"))


@pytest.mark.parametrize(
    ("bar", "met"),
    [
        ({}, None), ({"least": 20.0}, True), ({"least": 20.1}, False), ({"most": 20.0}, True), ({"most": 19.9}, False),
        ({"least": 20.0, "most": 20.0}, True), ({"least": 0.0, "most": 19.0}, False),
    ],
)  # fmt: skip
def test_a_figure_is_held_against_its_bar(bar: dict[str, float], met: bool | None) -> None:
    assert Figure("a", 20.0, "s", **bar).met is met
    assert Figure("a", math.nan, "s", **bar).met is (None if met is None else False)


def test_a_missed_bar_is_said_and_with_strict_it_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = [
        Figure("a.frames", 14.8, "1/s", least=20.0),
        Figure("a.missed", 0, "", most=0.0),
        Figure("a.heap", 22.5, "MB"),
    ]
    strict = {"strict": True}
    monkeypatch.setattr(benches, "all_benches", lambda: {"a": Bench("a", "about a", lambda: figures)})
    assert (app.main(["bench", "a"]), app.main(["bench", "a", "--strict"])) == (0, 1)
    said = capsys.readouterr()
    assert [line.split()[-1] for line in said.out.splitlines()[:3]] == ["MISSED", "met", "MB"]
    assert "≥ 20" in said.out
    assert said.err.count("missed: a.frames\n") == 2
    del figures[0]
    assert benches.main(["a"], options=strict) == 0
    assert "missed:" not in capsys.readouterr().err


STUB = """#!/bin/sh
echo "$@" >>"$0.log"
case "$1 $2" in
    gallery\\ --help) exit 0 ;;
    gallery*) [ -z "$DEFECTS" ] || echo "$DEFECTS" >"$2/defects.json"; exit "$GALLERY" ;;
    bench*) exit "$BENCH" ;;
esac
"""


@pytest.mark.parametrize(
    ("bench", "gallery", "defects", "code"),
    [
        (0, 0, "[]", 0), (1, 0, "[]", 1), (0, 1, "[]", 1), (0, 0, '[{"kind": "cut"}]', 1), (0, 0, "", 1),
    ],
)  # fmt: skip
def test_a_night_fails_by_a_missed_bar_or_a_defect_and_does_all_of_it_anyway(
    tmp_path: Path, bench: int, gallery: int, defects: str, code: int
) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(Path(app.__file__).parent / ".ci" / "nightly", tmp_path / ".ci" / "nightly")
    (tmp_path / "citywall").write_text(STUB, encoding="utf-8")
    (tmp_path / "citywall").chmod(0o755)
    folder = tmp_path / "to here"
    (folder / "gallery").mkdir(parents=True)
    (folder / "gallery" / "defects.json").write_text("[]")  # Of the night before.
    around = {name: value for name, value in os.environ.items() if not name.startswith("CITYWALL_")}
    told = {"BENCH": str(bench), "GALLERY": str(gallery), "DEFECTS": defects}
    ran = subprocess.run(
        [tmp_path / ".ci" / "nightly", folder, "--jobs", "2"], env={**around, **told}, timeout=20, check=False,
        capture_output=True,
    )  # fmt: skip
    assert ran.returncode == code, ran.stderr
    asked = (tmp_path / "citywall.log").read_text(encoding="utf-8").splitlines()
    assert asked[1] == f"bench endurance firstview scenes --strict --minutes 60 --json {folder}/figures.json"
    assert asked[2:] == [f"gallery {folder}/gallery --jobs 2"]
    assert set(asked[1].split()[1:4]) <= set(benches.all_benches())


# -- what the exactness trial rests on -------------------------------------------------------------------------


def test_a_load_is_the_same_for_its_seed_and_holds_what_it_should() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    batches = list(load(7, 4000, now, ["A", "B"]))
    assert batches == list(load(7, 4000, now, ["A", "B"]))
    assert batches != list(load(8, 4000, now, ["A", "B"]))
    rows = [row for batch in batches for row in batch]
    good = [row for row in rows if not row["id"].endswith("-x")]
    first: dict[str, object] = {}
    again = reused = 0
    for row in good:
        again += first.setdefault(row["id"], row) == row
        reused += first[row["id"]] != row
    assert 4000 <= len(first) <= 4002
    assert again - len(first) > 0.03 * len(first)
    assert reused > 0
    assert len(rows) - len(good) > 0.005 * len(rows)
    order = [row["id"] for row in good]
    closings = [name for name in first if name.endswith("-c")]
    assert any(order.index(name) < order.index(name[:-1] + "r") for name in closings[:400])


def test_tickets_are_derived_by_the_earliest_report_and_closing() -> None:
    def event(name: str, kind: str, hour: int, **data: object) -> tuple[tuple[str, str], dict[str, object]]:
        time = f"2026-02-01T{hour:02d}:00:00+00:00"
        return ("s", name), {"source": "s", "id": name, "type": kind, "time": time, "subject": "1", "data": data}

    texts = {"category": "c", "unit": "u", "channel": "h"}
    events = dict([
        event("b", "ticket.reported", 5, title="later", place="A", **texts),
        event("c", "ticket.closed", 9, verdict="overdue"),
        event("a", "ticket.reported", 4, title="earlier", place="nowhere", **texts),
        event("d", "ticket.closed", 7),
    ])  # fmt: skip
    (ticket,) = derive(events, {"A"}).values()
    assert (ticket["title"], ticket["place"]) == ("earlier", "")
    assert (ticket["closed"], ticket["verdict"]) == (datetime(2026, 2, 1, 7, tzinfo=UTC).timestamp(), "")


def test_every_role_is_among_enough_kills() -> None:
    assert len(kills(1, 10)) == 10
    assert len(kills(1, 3)) == 3
    assert len(WEIGHTS) == 6


def test_the_table_of_the_ingest_measurement_has_the_events_it_says(tmp_path: Path) -> None:
    events = write_table(tmp_path / "cases.csv", 500)
    lines = (tmp_path / "cases.csv").read_text("utf-8").splitlines()
    assert len(lines) == 501
    closed = sum(bool(line.split(",")[7]) for line in lines[1:])
    assert events == 500 + closed


def test_the_feeds_intervals_are_those_of_the_healthy_and_a_silent_one_counts() -> None:
    from bench.feeds import INTERVAL, quantile, ratios, told, way_of

    assert [way_of(number) for number in (0, 5, 10, 15, 20, 1)] == ["refused", "hang", "error", "login", "refused", ""]
    steady = [100 + INTERVAL * n for n in range(10)]
    asked = {0: [100.0], 1: steady, 2: steady[:3]}
    found = ratios(asked, 100, steady[-1])
    assert found[:11] == [1.0] * 11
    assert found[11:] == [7.0]  # It was asked no more.
    assert quantile([1.0] * 95 + [9.0] * 5, 0.95) == 9.0
    states = {0: "failing", 1: "live", 5: "live"}
    assert told({f"source-{number:03d}": {"state": state} for number, state in states.items()}) == (2, 200)

"""Tables of other cities: what a row becomes, and what is refused and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.city import CityError
from dashboard.nouns.tickets import TicketClosed, TicketReported
from dashboard.sources.feed import SourceFailed, bind
from tests.town import (
    COLUMNS,
    GOOD,
    HEADER,
    NOW,
    at,
    context,
    deliveries,
    file_feed,
    parsed,
    reasons,
    record,
    row,
    rows,
    table,
    town,
)

# -- what a row becomes --------------------------------------------------------------------------------------


async def test_a_row_becomes_a_report_and_a_closing(tmp_path: Path) -> None:
    events, rejected = await table(tmp_path, rows(GOOD))
    assert rejected == []
    assert events == [
        TicketReported(
            id="7:reported", source="cases", time=datetime(2026, 2, 1, 0, 0, tzinfo=UTC), subject="7", title="灯不亮",
            category="路灯", unit="城管", channel="热线", place="A", point=(113.05, 23.05),
            due=datetime(2026, 2, 2, 0, 0, tzinfo=UTC),
        ),
        TicketClosed(
            id="7:closed", source="cases", time=datetime(2026, 2, 1, 12, 0, tzinfo=UTC), subject="7", verdict="on_time"
        ),
    ]  # fmt: skip


async def test_an_open_row_has_no_closing(tmp_path: Path) -> None:
    events, _ = await table(tmp_path, rows(row(closed="", word="")), source="hotline")
    assert [(event.id, event.source) for event in events] == [("7:reported", "hotline")]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cases.tsv", {}),
        ("cases.tab", {}),
        ("cases.txt", {}),
        ("cases.txt", {"format": "tsv"}),
        ("cases.csv", {"delimiter": "\t"}),
    ],
)
async def test_tabs(tmp_path: Path, name: str, settings: dict[str, Any]) -> None:
    events, rejected = await table(tmp_path, rows(GOOD).replace(",", "\t"), name, **settings)
    assert (len(events), rejected) == (2, [])


@pytest.mark.parametrize("delimiter", [";", "|"])
async def test_the_delimiter_is_seen_in_the_header(tmp_path: Path, delimiter: str) -> None:
    events, rejected = await table(tmp_path, rows(GOOD).replace(",", delimiter))
    assert (len(events), rejected) == (2, [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_encodings_are_told_apart(tmp_path: Path, encoding: str) -> None:
    events, rejected = await table(tmp_path, rows(*[row(id=n) for n in range(20)]).encode(encoding))
    assert rejected == []
    assert {(event.title, event.unit) for event in events if isinstance(event, TicketReported)} == {("灯不亮", "城管")}


async def test_gb18030_far_behind_plain_ascii(tmp_path: Path) -> None:
    plain = [row(id=n, title="x", type="x", unit="x", via="x", name="") for n in range(1500)]
    events, rejected = await table(tmp_path, rows(*plain, row(id="last")).encode("gb18030"))
    assert rejected == []
    assert events[-2].title == "灯不亮"


async def test_windows_line_ends_and_blank_lines(tmp_path: Path) -> None:
    body = rows(GOOD, "", row(id=8)).replace("\n", "\r\n")
    events, rejected = await table(tmp_path, body)
    assert ([event.id for event in events][::2], rejected) == (["7:reported", "8:reported"], [])


async def test_quoted_newlines_and_delimiters(tmp_path: Path) -> None:
    events, rejected = await table(tmp_path, rows(row(title='"one, two\nthree ""four"""'), row(id=8)))
    assert ([event.title for event in events[::2]], rejected) == (['one, two three "four"', "灯不亮"], [])


@pytest.mark.parametrize(
    ("text", "formats", "utc"),
    [
        ("2026-02-01 08:00:30", ["iso"], "2026-02-01T00:00:30"),
        ("2026-02-01T08:00:30", ["iso"], "2026-02-01T00:00:30"),
        ("2026-02-01T08:00:30Z", ["iso"], "2026-02-01T08:00:30"),
        ("2026-02-01 08:00:30-05:00", ["iso"], "2026-02-01T13:00:30"),
        ("2026-02-01", ["iso"], "2026-01-31T16:00:00"),
        ("01/02/2026 08:00:30", ["%d/%m/%Y %H:%M:%S"], "2026-02-01T00:00:30"),
        ("2026年2月1日", ["iso", "%Y年%m月%d日"], "2026-01-31T16:00:00"),
        ("1769904030", ["unix"], "2026-02-01T00:00:30"),
    ],
)
async def test_dates(tmp_path: Path, text: str, formats: list[str], utc: str) -> None:
    events, rejected = await table(
        tmp_path, rows(row(opened=text, due="", closed="", word=""), row(id=8, opened=text, due="", closed="")),
        time_formats=formats,
    )  # fmt: skip
    assert [event.time for event in events] == [datetime.fromisoformat(utc + "Z")] * 2
    assert rejected == []


async def test_a_zone_of_its_own_and_clocks_that_go_back(tmp_path: Path) -> None:
    lines = [
        row(id=1, opened="2025-11-01 12:00:00", closed="2025-11-03 12:00:00", due=""),
        row(id=2, opened="2025-11-02 01:50:00", closed="2025-11-02 01:10:00", due=""),
    ]
    events, rejected = await table(tmp_path, rows(*lines), zone="America/New_York")
    assert [event.time.isoformat()[5:16] for event in events] == [
        "11-01T16:00", "11-03T17:00", "11-02T05:50", "11-02T06:10",
    ]  # fmt: skip
    assert rejected == []


async def test_days_without_a_time(tmp_path: Path) -> None:
    events, rejected = await table(
        tmp_path, rows(row(opened="2026-02-01 08:00", due="2026-02-02", closed="2026-02-01"))
    )
    report, closing = events
    assert report.due == datetime(2026, 2, 2, 15, 59, 59, tzinfo=UTC)  # The end of that day in the town.
    assert closing.time == report.time  # Later that day, whenever it was.
    assert rejected == []


@pytest.mark.parametrize(
    ("order", "values", "place", "flaw"),
    [
        (["code", "point", "name"], {"code": "B", "lon": 113.05, "lat": 23.05}, "B", ""),
        (["point", "code"], {"code": "B", "lon": 113.05, "lat": 23.05}, "A", ""),
        (["code", "point"], {"code": "nowhere", "lon": 113.05, "lat": 23.05}, "A", ""),
        (["point", "name"], {"code": "", "lon": "", "lat": "", "name": "beta"}, "B", ""),
        (["name"], {"name": " old  ALPHA "}, "A", ""),
        (["code"], {"code": "nowhere"}, "", "unknown_place"),
        (["name"], {"name": "nowhere"}, "", "unknown_place"),
        (["point"], {"lon": 114, "lat": 23.05}, "", "outside"),
        (["point"], {"lon": 0, "lat": 0}, "", "zero_point"),
        (["point"], {"lon": 23.05, "lat": 113.05}, "", "swapped_point"),
        (["point"], {"lon": "NaN", "lat": 23.05}, "", "bad_coordinates"),
        (["point"], {"lon": "inf", "lat": 23.05}, "", "bad_coordinates"),
        (["point"], {"lon": "113.05°", "lat": 23.05}, "", "bad_coordinates"),
        (["point"], {"lon": 113050000, "lat": 23.05}, "", "bad_coordinates"),
        (["code", "point", "name"], {"code": "", "lon": "", "lat": "", "name": ""}, "", "no_place"),
    ],
)
async def test_places(tmp_path: Path, order: list[str], values: dict[str, Any], place: str, flaw: str) -> None:
    events, rejected = await table(tmp_path, rows(row(**values)), place_by=order)
    assert (events[0].place, events[0].flaw) == (place, flaw)
    assert reasons(rejected) == []
    assert reasons(rejected, kept=True) == ([flaw] if flaw else [])
    if flaw in ("zero_point", "swapped_point", "bad_coordinates"):
        assert events[0].point is None


async def test_a_useless_point_is_noted_though_the_place_is_known(tmp_path: Path) -> None:
    events, rejected = await table(tmp_path, rows(row(lon=0, lat=0), row(id=8, lon="x")))
    assert [(event.place, event.flaw, event.point) for event in events[::2]] == [("A", "", None)] * 2
    assert reasons(rejected, kept=True) == ["zero_point", "bad_coordinates"]


# -- bad rows: each has its reason, and the good row beside it passes ------------------------------------------


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(id=""), "no_number"),
        (row(id="9" * 500), "bad_number"),
        (row(id="1.1E+17"), "bad_number"),
        (row(opened=""), "no_reported_time"),
        ("合计,,,,,,,,,,,,", "no_reported_time"),
        (row(opened="2026-02-30 08:00"), "impossible_date"),
        (row(opened="0000-00-00 00:00"), "impossible_date"),
        (row(opened="9999-12-31 23:59"), "impossible_date"),
        (row(opened="1900-01-01 00:00"), "impossible_date"),
        (row(opened="yesterday"), "impossible_date"),
        (row(closed="31/12/2026"), "impossible_date"),
        (row(opened="2026-03-09 08:00", due="", closed=""), "time_in_future"),
        (row(closed="2026-01-31 08:00"), "closed_before_reported"),
        (row(closed="2026-01-31"), "closed_before_reported"),
        (GOOD + ",more", "wrong_field_count"),
        (GOOD.rsplit(",", 1)[0], "wrong_field_count"),
        ("<html><body>Please log in</body></html>", "wrong_field_count"),
        ('8,"2026-02-01 08:00,a quote is left open,,,,,,,,,,', "wrong_field_count"),
    ],
)
async def test_a_bad_row_is_refused_by_name(tmp_path: Path, bad: str, reason: str) -> None:
    events, rejected = await table(tmp_path, rows(row(id="first"), bad, row(id="last")))
    assert [event.subject for event in events] == ["first", "first", "last", "last"]
    (letter,) = rejected
    assert (letter.reason, letter.where, letter.kept) == (reason, "line 3", False)
    assert letter.raw == bad


async def test_an_open_quote_costs_its_own_line_only(tmp_path: Path) -> None:
    lines = [row(id=n) for n in range(2500)]
    lines[700] = row(id=700, title='"open')
    lines[900] = row(id=900, title='"closed in the next line\nhere"')
    events, rejected = await table(tmp_path, rows(*lines))
    assert {event.subject for event in events} == {str(n) for n in range(2500) if n != 700}
    assert [(letter.reason, letter.where) for letter in rejected] == [("wrong_field_count", "line 702")]


async def test_a_deadline_that_cannot_be_is_noted(tmp_path: Path) -> None:
    events, rejected = await table(tmp_path, rows(row(due="9999-12-31 23:59:59"), row(id=8, due="soon")))
    assert [event.due for event in events[::2]] == [None, None]
    assert reasons(rejected, kept=True) == ["impossible_date", "impossible_date"]


async def test_a_line_in_another_encoding(tmp_path: Path) -> None:
    body = (
        rows(row(id=1), "?", row(id=2))
        .encode()
        .replace(b"?", row(id=3, title="Dëad räts", name="").encode("latin-1", "replace"))
    )
    events, rejected = await table(tmp_path, body)
    assert [event.subject for event in events[::2]] == ["1", "2"]
    assert [(letter.reason, letter.where) for letter in rejected] == [("bad_encoding", "line 3")]


async def test_gbk_said_to_be_utf_8(tmp_path: Path) -> None:
    events, rejected = await table(tmp_path, rows(GOOD).encode("gbk"), encoding="utf-8")
    assert events == []
    assert reasons(rejected) == ["bad_encoding"]


async def test_a_200_kb_title_is_cut_and_noted(tmp_path: Path) -> None:
    events, rejected = await table(tmp_path, rows(row(title="长" * 200_000), row(id=8)))
    assert (len(events[0].title), events[0].title[-1]) == (500, "…")
    assert reasons(rejected, kept=True) == ["title_too_long"]
    assert len(rejected[0].raw) <= 4096
    assert events[2].subject == "8"


async def test_a_record_without_end_is_refused_and_not_held(tmp_path: Path) -> None:
    events, rejected = await table(tmp_path, rows(row(id=1), row(title="x" * (3 << 20)), row(id=2)))
    assert [event.subject for event in events[::2]] == ["1", "2"]
    assert [(letter.reason, letter.where) for letter in rejected] == [("record_too_long", "line 3")]


async def test_markup_passes_as_plain_text(tmp_path: Path) -> None:
    title = "<script>alert(1)</script><img src=x onerror=alert(2)>=HYPERLINK"
    events, rejected = await table(tmp_path, rows(row(title=title)))
    assert (events[0].title, rejected) == (title, [])


async def test_personal_numbers_are_masked_everywhere(tmp_path: Path) -> None:
    secret = "13800138000"
    lines = [row(title=f"回电{secret}", type=f"投诉 {secret}"), row(id=8, title=f"回电{secret}", opened="never")]
    events, rejected = await table(
        tmp_path, rows(*lines, row(id=9, title=secret, code="nowhere", lon="", lat="", name=""))
    )
    assert secret not in repr((events, rejected))
    assert len(rejected) == 2


async def test_an_unknown_word_for_the_verdict_is_noted(tmp_path: Path) -> None:
    events, rejected = await table(tmp_path, rows(row(word="perhaps")))
    assert events[1].verdict == ""
    assert reasons(rejected, kept=True) == ["unknown_verdict"]


# -- JSON ----------------------------------------------------------------------------------------------------


async def test_json_lines_and_documents_say_the_same(tmp_path: Path) -> None:
    records = [record(id=n, closed=None) for n in range(2500)]
    plain = await table(tmp_path, rows(*[row(id=n, closed="") for n in range(2500)]))
    lines = await table(tmp_path, "\n".join(map(json.dumps, records)), "cases.jsonl")
    document = await table(tmp_path, json.dumps(records, indent=1, ensure_ascii=False), "cases.json")
    inside = await table(tmp_path, json.dumps({"count": 2500, "cases": records}), "cases.json")
    assert plain == lines == document == inside
    assert len(plain[0]) == 2500


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "not_json"),
        ('{"id": NaN}', "not_json"),
        ('{"id": 1, "lon": Infinity}', "not_json"),
        ('{"id": 1, "lon": 1e400}', "not_json"),
        ("[" * 10_000 + "]" * 10_000, "not_json"),
        ('"text"', "wrong_type"),
        (json.dumps(record(title={"a": 1})), "wrong_type"),
        (json.dumps(record(title=True)), "wrong_type"),
        (json.dumps(record(id=None)), "no_number"),
        ("<!doctype html>", "not_json"),
    ],
)
async def test_a_bad_json_line_is_refused_by_name(tmp_path: Path, bad: str, reason: str) -> None:
    body = "\n".join([json.dumps(record(id=1)), bad, json.dumps(record(id=2))])
    events, rejected = await table(tmp_path, body, "cases.jsonl")
    assert [event.subject for event in events[::2]] == ["1", "2"]
    assert [(letter.reason, letter.where) for letter in rejected] == [(reason, "line 2")]


async def test_a_record_of_a_document_is_refused_by_itself(tmp_path: Path) -> None:
    body = json.dumps([record(id=1), {"id": 2}, record(id=3, title=["deep"])])
    events, rejected = await table(tmp_path, body, "cases.json")
    assert [event.subject for event in events[::2]] == ["1"]
    assert [(letter.reason, letter.where) for letter in rejected] == [
        ("no_reported_time", "record 2"),
        ("wrong_type", "record 3"),
    ]


# -- what is wrong with a file as a whole -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body", "reason", "sentence"),
    [
        ("cases.csv", "id,title\n1,x\n", "missing_column", "'opened' (columns.reported); it has 'id', 'title'"),
        ("cases.csv", HEADER + ",id\n", "missing_column", "has more than one column 'id'"),
        ("cases.csv", "", "missing_column", "is empty; its first line must name the columns"),
        ("cases.csv", b"\xff\xfei\x00d\x00", "bad_encoding", "is UTF-16; save it as UTF-8"),
        ("cases.jsonl", '{"number": 1}\n', "missing_column", "has no field 'id' (columns.number); it has 'number'"),
        ("cases.json", '{"a": [', "not_json", "is no JSON"),
        ("cases.json", "[" * 100_000, "not_json", "is no JSON"),
    ],
)  # fmt: skip
async def test_a_file_that_cannot_be_read_says_so_once(
    tmp_path: Path, name: str, body: str | bytes, reason: str, sentence: str
) -> None:
    file = tmp_path / name
    file.write_bytes(body.encode() if isinstance(body, str) else body)
    city = town(tmp_path, file_feed(path=name))
    (bound,), ctx = bind(city), context(city)
    assert bound.feed.open is not None
    source = bound.feed.open(bound.settings, ctx)
    first = await anext(source)
    assert reasons(parsed(bound, ctx, [first])[1]) == [reason]
    with pytest.raises(SourceFailed) as said:
        await anext(source)
    assert sentence in str(said.value)
    assert str(file) in str(said.value)
    with pytest.raises(SourceFailed):  # The next attempt says so again, but counts no further letter.
        await anext(bound.feed.open(bound.settings, at(ctx, NOW, first.cursor)))


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    city = town(tmp_path, file_feed(path="nothing.csv"))
    (bound,), ctx = bind(city), context(city)
    with pytest.raises(SourceFailed, match=r"nothing\.csv: there is no such file"):
        await deliveries(bound, ctx)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "path: is missing"),
        ({"path": "a", "columns": {"number": "id"}}, "columns.reported: is missing"),
        ({"path": "a", "columns": {**COLUMNS, "lat": None}}, "lon and lat go together"),
        ({"path": "a", "zone": "Mars/Base"}, "'Mars/Base' is no time zone"),
        ({"path": "a", "encoding": "klingon"}, "'klingon' is no encoding"),
        ({"path": "a", "follow": True, "replay": "max"}, "follow and replay exclude each other"),
        ({"path": "a", "replay": -1}, "replay"),
        ({"path": "a", "colour": 1}, "colour: is not a key that is known here"),
        ({"path": "a", "verdicts": {"yes": "maybe"}}, "verdicts.yes"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(CityError) as error:
        bind(town(tmp_path, file_feed(**settings)))
    assert said in str(error.value)
    assert f"{tmp_path}/town.toml: feeds.cases" in str(error.value)

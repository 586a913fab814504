"""A folder of dropped files: what is read of them, when they are taken, and where they go."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, cast

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from dashboard.city import CityError
from dashboard.doors.feedtry import attempt
from dashboard.nouns.sensors import SensorReading
from dashboard.nouns.tickets import TicketClosed, TicketReported
from dashboard.sources.feed import BoundFeed, Context, Delivery, Rejected, SourceFailed, SourceNonsense, bind
from feeds.folder import File, Folder
from tests.town import DATA, context, parsed, reasons, town

COLUMNS = {"number": "工单号", "title": "标题", "reported": "上报时间", "closed": "结案时间", "place_name": "镇街"}
HEADER = list(COLUMNS.values())
GOOD = ["7", "灯不亮", "2026-02-01 08:00", "2026-02-01 20:00", "甲"]
QUICK = {"look": 0.01, "settle": 0.03, "patience": 0.3}


def drop(folder: Path) -> Path:
    found = folder / "drop"
    found.mkdir(exist_ok=True)
    return found


def bound(folder: Path, **more: Any) -> tuple[BoundFeed, Context]:
    feed = {"kind": "folder", "name": "bureau", "path": "drop", "columns": COLUMNS, **QUICK, **more}
    city = town(folder, feed)
    return bind(city)[0], context(city)


def read(folder: Path, name: str, body: bytes, **more: Any) -> tuple[list[Any], list[Rejected]]:
    found, ctx = bound(folder, **more)
    return parsed(found, ctx, [Delivery(File(name, body))])


def refusal(folder: Path, name: str, body: bytes, **more: Any) -> SourceNonsense:
    with pytest.raises(SourceNonsense) as error:
        read(folder, name, body, **more)
    return error.value


def lines(*rows: list[str], sign: str = ",") -> str:
    return "".join(sign.join(row) + "\n" for row in [HEADER, *rows])


def book(fill: Callable[[Any], None], **workbook: Any) -> bytes:
    """An XLSX file whose first sheet is filled by ``fill``."""
    made = openpyxl.Workbook()
    for name, value in workbook.items():
        setattr(made, name, value)
    fill(made.active)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def sheet(*rows: list[Any]) -> bytes:
    def fill(page: Any) -> None:
        for row in [HEADER, *rows]:
            page.append(row)

    return book(fill)


def repacked(body: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with its parts changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for part in before.infolist():
            after.writestr(part.filename, change(part.filename, before.read(part)))
    return out.getvalue()


# -- what is read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize(("name", "sign"), [("a.csv", ","), ("a.CSV", ";"), ("a.tsv", "\t"), ("a.txt", "|")])
def test_text_in_any_encoding(tmp_path: Path, encoding: str, name: str, sign: str) -> None:
    events, rejected = read(tmp_path, name, lines(*[[str(n), *GOOD[1:]] for n in range(9)], sign=sign).encode(encoding))
    assert rejected == []
    assert len(events) == 18
    assert (events[0].title, events[0].place) == ("灯不亮", "A")


def test_a_row_becomes_a_report_and_a_closing(tmp_path: Path) -> None:
    for name, body in (("a.csv", lines(GOOD).encode()), ("a.xlsx", sheet(GOOD)),
                       ("a.jsonl", json.dumps(dict(zip(HEADER, GOOD, strict=True))).encode()),
                       ("a.json", json.dumps({"rows": [dict(zip(HEADER, GOOD, strict=True))]}).encode())):  # fmt: skip
        events, rejected = read(tmp_path, name, body)
        assert rejected == []
        assert [(type(event), event.subject) for event in events] == [(TicketReported, "7"), (TicketClosed, "7")]
        assert events[0].time.isoformat() == "2026-02-01T00:00:00+00:00"


def test_the_header_may_stand_below_a_title_and_in_two_rows(tmp_path: Path) -> None:
    def fill(page: Any) -> None:
        page.append(["2026年2月工单明细表"])
        page.merge_cells("A1:E1")
        page.append(["单位：件"])
        page.append(["工单", None, "时间", None, "镇街"])
        page.append(["工单号", "标题", "上报时间", "结案时间", None])
        page.merge_cells("A3:B3")
        page.merge_cells("C3:D3")
        page.merge_cells("E3:E4")
        page.append(GOOD)

    events, rejected = read(tmp_path, "a.xlsx", book(fill))
    assert (len(events), rejected, events[0].place) == (2, [], "A")
    columns = COLUMNS | {"reported": "时间/上报时间"}
    events, _ = read(tmp_path, "a.xlsx", book(fill), columns=columns)
    assert len(events) == 2
    text = "工单,,时间,,镇街\n工单号,标题,上报时间,结案时间,\n" + ",".join(GOOD) + "\n"
    assert len(read(tmp_path, "a.csv", text.encode(), columns=columns | {"place_name": "镇街"})[0]) == 2


def test_a_merged_cell_belongs_to_all_its_rows(tmp_path: Path) -> None:
    def fill(page: Any) -> None:
        page.append(HEADER)
        page.append(GOOD)
        page.append(["8", *GOOD[1:4], None])
        page.merge_cells("E2:E3")

    events, _ = read(tmp_path, "a.xlsx", book(fill))
    assert [event.place for event in events if isinstance(event, TicketReported)] == ["A", "A"]


@pytest.mark.parametrize("epoch", [None, CALENDAR_MAC_1904])
def test_dates_of_either_calendar(tmp_path: Path, epoch: Any) -> None:
    def fill(page: Any) -> None:
        page.append(HEADER)
        page.append(["7", "x", datetime(2026, 2, 1, 8, 0), datetime(2026, 2, 1, 20, 0), "甲"])  # noqa: DTZ001

    events, rejected = read(tmp_path, "a.xlsx", book(fill, **({"epoch": epoch} if epoch else {})))
    assert rejected == []
    assert [event.time.isoformat() for event in events] == ["2026-02-01T00:00:00+00:00", "2026-02-01T12:00:00+00:00"]


def test_formulas_are_their_results_and_without_one_refused(tmp_path: Path) -> None:
    body = sheet(["=1+6", *GOOD[1:]], ["8", *GOOD[1:]])
    events, rejected = read(tmp_path, "a.xlsx", body)
    assert reasons(rejected) == ["formula_without_value"]
    assert {event.subject for event in events} == {"8"}
    worked = repacked(body, lambda name, part: re.sub(rb"<v ?/>|<v></v>", b"<v>7</v>", part))
    events, rejected = read(tmp_path, "a.xlsx", worked)
    assert rejected == []
    assert {event.subject for event in events} == {"7", "8"}


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (440605202601010013, "bad_number"),
        (1.1e17, "bad_number"),
        (13800138000, "13800138000"),
        (7.0, "7"),
        ("007", "007"),
    ],
)
def test_identifiers_that_a_spreadsheet_rounded_are_refused(tmp_path: Path, number: Any, found: str) -> None:
    events, rejected = read(tmp_path, "a.xlsx", sheet([number, *GOOD[1:]]))
    assert (events[0].subject if events else reasons(rejected)[0]) == found


@pytest.mark.parametrize("word", ["合计", "总 计", "小计：", "Total", "Grand total", "Subtotal"])
def test_totals_rows_are_no_records(tmp_path: Path, word: str) -> None:
    total = [word, "3", "", "", ""]
    for name, body in (("a.csv", lines(GOOD, total).encode()), ("a.xlsx", sheet(GOOD, total))):
        events, rejected = read(tmp_path, name, body)
        assert len(events) == 2
        assert reasons(rejected) == ["totals_row"]


def test_a_cell_far_out_costs_no_time(tmp_path: Path) -> None:
    far = repacked(sheet(GOOD), lambda name, part: re.sub(rb'r="(A?)2"', rb'r="\g<1>400000"', part))
    began = monotonic()
    events, _ = read(tmp_path, "a.xlsx", far)
    assert monotonic() - began < 20
    assert {event.subject for event in events} <= {"7"}


def test_hidden_sheets_are_left_out_and_noted(tmp_path: Path) -> None:
    def fill(page: Any) -> None:
        page.append(HEADER)
        page.append(GOOD)
        other = page.parent.create_sheet("旧表")
        other.sheet_state = "hidden"
        other.append(HEADER)
        other.append(["8", *GOOD[1:]])

    events, rejected = read(tmp_path, "a.xlsx", book(fill))
    assert {event.subject for event in events} == {"7"}
    assert reasons(rejected, kept=True) == ["hidden_sheet"]
    assert {event.subject for event in read(tmp_path, "a.xlsx", book(fill), sheet="旧表")[0]} == {"8"}
    assert refusal(tmp_path, "a.xlsx", book(fill), sheet="新表").reason == "missing_sheet"


def test_hidden_rows_and_columns_are_left_out_and_counted(tmp_path: Path) -> None:
    """Filtered out or folded away: nobody sees them, so nobody counts them."""

    def fill(page: Any) -> None:
        page.append(["内部备注", *HEADER])
        for number in range(7, 13):
            page.append(["secret", str(number), *GOOD[1:]])
        page.row_dimensions[3].hidden = True
        page.row_dimensions.group(5, 5, outline_level=1, hidden=True)
        page.row_dimensions[20].hidden = True  # Nothing stands there.
        page.column_dimensions["A"].hidden = True

    events, rejected = read(tmp_path, "a.xlsx", book(fill))
    assert {event.subject for event in events} == {"7", "9", "11", "12"}
    assert [(one.reason, one.detail.partition(" of ")[0]) for one in rejected if one.kept] == [
        ("hidden_rows", "2 hidden rows"), ("hidden_columns", "1 hidden column"),
    ]  # fmt: skip


def test_a_column_that_is_wanted_and_hidden_is_said_to_be(tmp_path: Path) -> None:
    def fill(page: Any) -> None:
        page.append(HEADER)
        page.append(GOOD)
        page.column_dimensions.group("A", "B", hidden=True)

    found = refusal(tmp_path, "a.xlsx", book(fill))
    assert found.reason == "missing_column"
    assert found.detail == f"its column {HEADER[0]!r} is hidden; show it, or name another"


def test_a_merged_title_over_a_hidden_row_and_rows_without_numbers(tmp_path: Path) -> None:
    def fill(page: Any) -> None:
        page.append(["工单", *[""] * (len(HEADER) - 1)])
        page.merge_cells(start_row=1, start_column=1, end_row=2, end_column=len(HEADER))
        page.append([])
        page.append(HEADER)
        page.append(GOOD)
        page.append(["8", *GOOD[1:]])
        page.row_dimensions[2].hidden = True
        page.row_dimensions[5].hidden = True

    whole = book(fill)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            if "worksheets/" in name:
                part = re.sub(rb'<row r="\d+"', b"<row", part)
                part = re.sub(rb'<c r="[A-Z]+\d+"', b"<c", part)
            after.writestr(name, part)
    for body in (whole, out.getvalue()):
        events, rejected = read(tmp_path, "a.xlsx", body)
        assert len({event.subject for event in events}) == 1
        assert "hidden_rows" in reasons(rejected, kept=True)


def test_readings_with_units(tmp_path: Path) -> None:
    columns = {"subject": "站码", "value": "水位(m)", "time": "时间"}
    constants = {"quantity": "level", "unit": "m"}
    rows = ["g1,１.５", 'g2,"1,234.5"', "g3,3 ft", "g4,—"]
    text = "站码,水位(m),时间\n" + "".join(f"{row},2026-03-01 11:00\n" for row in rows)
    events, rejected = read(
        tmp_path, "a.csv", text.encode(), event="sensor.reading", columns=columns, constants=constants
    )
    assert [(type(event), event.value, event.unit) for event in events] == [
        (SensorReading, 1.5, "m"), (SensorReading, 1234.5, "m"),
    ]  # fmt: skip
    assert [(letter.reason, letter.where) for letter in rejected] == [("wrong_unit", "line 4"), ("no_value", "line 5")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('7,"half,2026-02-01 08:00,,甲\n8,x,2026-02-01 08:00,,甲', "wrong_field_count"),
        ("7,x,2026-02-01 08:00,,甲,extra", "wrong_field_count"), ("1.1E+17,x,2026-02-01 08:00,,甲", "bad_number"),
        (",x,2026-02-01 08:00,,甲", "no_number"), ("7,x,0000-00-00,,甲", "impossible_date"),
        ("7,x,9999-12-31,,甲", "impossible_date"), ("7,x,2026-02-01 08:00,2026-01-01,甲", "closed_before_reported"),
    ],
)  # fmt: skip
def test_bad_rows_beside_good_ones(tmp_path: Path, text: str, reason: str) -> None:
    body = lines() + text + "\n" + ",".join(["beside", *GOOD[1:]]) + "\n"
    events, rejected = read(tmp_path, "a.csv", body.encode())
    assert reasons(rejected) == [reason]
    assert events[-1].subject == "beside"


# -- files that are refused whole --------------------------------------------------------------------------------


def test_a_missing_column_is_named_with_what_there_is(tmp_path: Path) -> None:
    body = lines(GOOD).replace("上报时间", "登记时间").encode()
    found = refusal(tmp_path, "a.csv", body)
    assert found.reason == "missing_column"
    assert found.detail == "has no column '上报时间'; it has '工单号', '标题', '登记时间', '结案时间', '镇街'"
    twice = lines(GOOD).replace("标题", "工单号").encode()
    assert "has more than one column '工单号'" in refusal(tmp_path, "a.csv", twice).detail


def bomb() -> bytes:
    return repacked(sheet(GOOD), lambda name, part: part + b" " * (64 << 20) if name.endswith("sheet1.xml") else part)


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("a.xlsx", bomb(), "zip_bomb"),
        ("a.xlsx", repacked(sheet(GOOD), lambda n, p: b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + p), "forbidden_xml"),
        ("a.xlsx", sheet(GOOD)[:-900], "not_xlsx"),
        ("a.xlsx", sheet(GOOD)[:200], "not_xlsx"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "not_xlsx"),
        ("a.xlsx", lines(GOOD).encode(), "not_xlsx"),
        ("a.xlsx", repacked(sheet(GOOD), lambda n, p: b"<x/>" if "sheet1" in n else p), "missing_column"),
        ("a.xlsx", repacked(sheet(GOOD), lambda n, p: b"<" if "workbook" in n else p), "not_xlsx"),
        ("a.xls", b"x", "unknown_format"), ("a", b"x", "unknown_format"), ("a.zip", b"PK", "unknown_format"),
        ("a.csv", b"", "empty_file"), ("a.csv", b"\xef\xbb\xbf\r\n", "empty_file"), ("a.csv", bytes(99), "empty_file"),
        ("a.json", b"[" * 10_000, "too_deep"), ("a.json", b'[{"a": NaN}]', "not_finite"),
        ("a.json", b"{}", "no_records"),
    ],
)  # fmt: skip
def test_files_that_are_refused(tmp_path: Path, name: str, body: bytes, reason: str) -> None:
    assert refusal(tmp_path, name, body).reason == reason


# -- when they are taken and where they go -----------------------------------------------------------------------


async def taken(found: BoundFeed, ctx: Context, while_: Callable[[list[Delivery]], bool]) -> list[Delivery]:
    """What the feed gives until ``while_`` says no."""
    given: list[Delivery] = []
    async with asyncio.timeout(20), aclosing(cast(Any, found.feed.open)(found.settings, ctx)) as stream:
        task: asyncio.Task[Any] = asyncio.ensure_future(anext(stream))
        while while_(given):
            done, _ = await asyncio.wait({task}, timeout=0.02)
            if done:
                given.append(task.result())
                task = asyncio.ensure_future(anext(stream))
        task.cancel()
        await asyncio.wait({task})
    return given


def there(folder: Path, name: str) -> bool:
    return (folder / "drop" / name).exists()


async def test_a_whole_file_goes_to_done_once_it_is_stored(tmp_path: Path) -> None:
    found, ctx = bound(tmp_path)
    (drop(tmp_path) / "a.csv").write_text(lines(GOOD, ["合计", "", "", "", ""]))
    given = await taken(found, ctx, lambda given: not there(tmp_path, "done/a.csv"))
    events, rejected = parsed(found, ctx, given)
    assert len(events) == 2
    assert [letter.where for letter in rejected] == ["a.csv line 3"]
    assert not there(tmp_path, "a.csv")
    assert not there(tmp_path, "done/a.csv.reason.txt")


async def test_what_is_useless_goes_to_failed_with_the_reason_beside_it(tmp_path: Path) -> None:
    found, ctx = bound(tmp_path)
    (drop(tmp_path) / "a.csv").write_text(lines(["", "x", "", "", ""], ["", "x", "", "", ""]))
    (drop(tmp_path) / "b.csv").write_text("a,b\n1,2\n")
    (drop(tmp_path) / "c.xls").write_text("x")
    given = await taken(found, ctx, lambda given: not there(tmp_path, "failed/c.xls"))
    failed = tmp_path / "drop" / "failed"
    assert (failed / "a.csv.reason.txt").read_text() == "no_number (2): line 2: \n"
    assert (failed / "b.csv.reason.txt").read_text().startswith("missing_column (1): b.csv: has no column '工单号'")
    assert "unknown_format" in (failed / "c.xls.reason.txt").read_text()
    assert reasons(parsed(found, ctx, given)[1]) == ["no_number", "no_number", "missing_column", "unknown_format"]


async def test_a_file_that_still_grows_is_waited_for(tmp_path: Path) -> None:
    found, ctx = bound(tmp_path, settle=0.25)
    file = drop(tmp_path) / "a.csv"
    file.write_text(lines())
    grown = 0

    def growing(given: list[Delivery]) -> bool:
        nonlocal grown
        if grown < 20:
            grown += 1
            assert not given
            with file.open("a") as stream:
                stream.write(",".join([str(grown), *GOOD[1:]]) + "\n")
        return not there(tmp_path, "done/a.csv")

    events, rejected = parsed(found, ctx, await taken(found, ctx, growing))
    assert (len(events), rejected) == (40, [])


async def test_half_a_workbook_is_waited_for_and_given_up_after_a_while(tmp_path: Path) -> None:
    whole = sheet(GOOD)
    (drop(tmp_path) / "a.xlsx").write_bytes(whole[:-300])
    found, ctx = bound(tmp_path, patience=0.4)
    seen = asyncio.get_running_loop().time()
    given = await taken(found, ctx, lambda given: not there(tmp_path, "failed/a.xlsx"))
    assert asyncio.get_running_loop().time() - seen >= 0.4
    assert reasons(parsed(found, ctx, given)[1]) == ["not_xlsx"]


@pytest.mark.parametrize("name", [".hidden.csv", "~$a.xlsx", "a.csv.part", "a.csv.tmp", "a.crdownload"])
async def test_what_is_not_meant_for_us_stays(tmp_path: Path, name: str) -> None:
    found, ctx = bound(tmp_path)
    (drop(tmp_path) / name).write_text(lines(GOOD))
    (drop(tmp_path) / "z.csv").write_text(lines(GOOD))
    await taken(found, ctx, lambda given: not there(tmp_path, "done/z.csv"))
    assert there(tmp_path, name)


async def test_links_are_put_away_unread(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(lines(GOOD))
    (drop(tmp_path) / "a.csv").symlink_to("../secret.csv")
    os.mkfifo(drop(tmp_path) / "b.csv")
    found, ctx = bound(tmp_path)
    given = await taken(found, ctx, lambda given: not there(tmp_path, "failed/b.csv"))
    events, rejected = parsed(found, ctx, given)
    assert events == []
    assert reasons(rejected) == ["no_file", "no_file"]
    assert (tmp_path / "drop/failed/a.csv").is_symlink()
    assert secret.exists()


async def test_the_same_file_under_another_name_brings_nothing(tmp_path: Path) -> None:
    found, ctx = bound(tmp_path)
    (drop(tmp_path) / "a.csv").write_text(lines(GOOD))
    given = await taken(found, ctx, lambda given: not there(tmp_path, "done/a.csv"))
    cursor = [delivery.cursor for delivery in given if delivery.cursor][-1]
    (drop(tmp_path) / "b.csv").write_text(lines(GOOD))
    (drop(tmp_path) / "a.csv").write_text(lines(["8", *GOOD[1:]]))
    again = replace(ctx, cursor=cursor)
    given = await taken(found, again, lambda given: not there(tmp_path, "done/b.csv"))
    events, rejected = parsed(found, again, given)
    assert {event.subject for event in events} == {"8"}
    assert [(letter.reason, letter.where) for letter in rejected] == [("same_file", "b.csv")]
    assert there(tmp_path, "done/a.2.csv")


async def test_a_stop_before_a_file_is_put_away_loses_and_doubles_nothing(tmp_path: Path) -> None:
    found, ctx = bound(tmp_path)
    (drop(tmp_path) / "a.csv").write_text(lines(GOOD))
    first = await taken(found, ctx, lambda given: not given)
    assert there(tmp_path, "a.csv")
    again = replace(ctx, cursor=None)  # It was not stored either.
    second = await taken(found, again, lambda given: not there(tmp_path, "done/a.csv"))
    assert parsed(found, ctx, first)[0] == parsed(found, ctx, second)[0]


async def test_a_file_that_takes_the_name_of_one_being_stored_is_read_in_its_turn(tmp_path: Path) -> None:
    found, ctx = bound(tmp_path)
    place, seen = drop(tmp_path), list[str]()
    (place / "a.csv").write_text("<html>log in</html>\n" * 3, encoding="utf-8")
    (tmp_path / "right").write_text(lines(GOOD), encoding="utf-8")
    assert found.feed.open is not None
    async with aclosing(cast(Any, found.feed.open(found.settings, ctx))) as source:
        async for delivery in source:
            events, refused = parsed(found, ctx, [delivery])
            if refused:
                (tmp_path / "right").replace(place / "a.csv")
            seen += [event.id for event in events]
            if seen:
                break
    assert seen == ["7:reported", "7:closed"]


async def test_what_is_written_over_a_file_while_it_is_put_away_is_read_in_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, ctx = bound(tmp_path)
    file, seen, free = drop(tmp_path) / "a.csv", list[str](), Folder._free
    file.write_text("<html>log in</html>\n" * 3, encoding="utf-8")

    def meanwhile(target: Path, name: str) -> Path:
        """The last moment before it is moved."""
        if target.name == "failed":
            file.write_text(lines(GOOD), encoding="utf-8")
        return free(target, name)

    monkeypatch.setattr(Folder, "_free", staticmethod(meanwhile))
    assert found.feed.open is not None
    async with asyncio.timeout(10), aclosing(cast(Any, found.feed.open(found.settings, ctx))) as source:
        async for delivery in source:
            seen += [event.id for event in parsed(found, ctx, [delivery])[0]]
            if seen:
                break
    assert seen == ["7:reported", "7:closed"]


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    found, ctx = bound(tmp_path)
    with pytest.raises(SourceFailed, match=r"there is no folder .*drop; make it, or set path"):
        await taken(found, ctx, lambda given: True)


async def test_a_file_too_large_is_put_away(tmp_path: Path) -> None:
    found, ctx = bound(tmp_path, max_bytes=100)
    (drop(tmp_path) / "a.csv").write_text(lines(*[GOOD] * 20))
    given = await taken(found, ctx, lambda given: not there(tmp_path, "failed/a.csv"))
    assert reasons(parsed(found, ctx, given)[1]) == ["too_large"]


# -- the city file, feed try, and real tables ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"columns": {"number": "a"}}, "columns: ticket needs reported; say where they stand"),
        ({"columns": {**COLUMNS, "colour": "c"}}, "columns: ticket has no field 'colour'"),
        ({"constants": {"number": "1"}}, "number has a column and a constant; leave one out"),
        ({"event": "x"}, "event: 'x' is none of"),
        ({"path": None}, "path"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(CityError) as error:
        bound(tmp_path, **changed)
    assert says in str(error.value)


def test_constants_are_texts_whatever_is_in_them(tmp_path: Path) -> None:
    events, _ = read(tmp_path, "a.csv", lines(GOOD).encode(), constants={"channel": 'it\'s \\ "热线"'})
    assert events[0].channel == 'it\'s \\ "热线"'


async def test_try_shows_a_file_and_leaves_it_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (drop(tmp_path) / "a.csv").write_text(lines(GOOD))
    _, ctx = bound(tmp_path)
    assert await attempt(ctx.city, "bureau", 5) == 0
    assert "ticket.reported subject=7 title=灯不亮 place=A(甲)" in capsys.readouterr().out
    assert there(tmp_path, "a.csv")
    (drop(tmp_path) / "a.csv").write_text("a,b\n1,2\n")
    assert await attempt(ctx.city, "bureau", 5) == 1
    assert "would send nothing: missing_column: has no column" in capsys.readouterr().err
    assert there(tmp_path, "a.csv")


BOSTON = {
    "number": "case_enquiry_id", "reported": "open_dt", "due": "target_dt", "closed": "closed_dt",
    "title": "case_title",
    "category": "type", "unit": "department", "channel": "source", "verdict": "ontime", "place_name": "neighborhood",
    "lon": "longitude", "lat": "latitude",
}  # fmt: skip
# How many tickets each recorded table gives, and what is refused of it.
TABLES: dict[str, tuple[int, list[str]]] = {
    "boston311-100.csv": (100, []), "boston311-100.tab": (100, []), "boston311-100.jsonl": (100, []),
    "boston311-100-untrimmed.jsonl": (100, []), "boston311-100-diff.csv": (100, []),
    "boston311-100-notime.csv": (100, []), "boston311-100-with-nonascii.csv": (100, []),
    "boston311-dmy-100.csv": (100, []), "boston311-100-20dupes-random.csv": (100, []),
    "boston311-100-bad.tsv": (99, ["wrong_field_count"]),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_every_recorded_table_is_read(tmp_path: Path, name: str) -> None:
    file = DATA / "tickets_dirty" / name
    if not file.exists():
        pytest.skip(f"the recorded tables are not beside the project ({file})")
    formats = ["iso", "%d/%m/%Y %H:%M:%S"]
    verdicts = {"verdict": {"ONTIME": "on_time", "OVERDUE": "overdue"}}
    events, rejected = read(
        tmp_path,
        name,
        file.read_bytes(),
        columns=BOSTON,
        zone="America/New_York",
        time_formats=formats,
        values=verdicts,
    )
    tickets = [event for event in events if isinstance(event, TicketReported)]
    assert (len(tickets), reasons(rejected)) == TABLES[name]


def test_every_recorded_table_is_known_here() -> None:
    folder = DATA / "tickets_dirty"
    if not folder.is_dir():
        pytest.skip(f"the recorded tables are not beside the project ({folder})")
    assert {file.name for file in folder.iterdir()} == set(TABLES)


def test_real_gauges_and_car_parks(tmp_path: Path) -> None:
    folder = DATA / "sensors"
    if not folder.is_dir():
        pytest.skip(f"the recorded readings are not beside the project ({folder})")
    level = "USGS:01589330:00065:00000"
    events, rejected = read(
        tmp_path, "DeadRun_Instant.csv", (folder / "DeadRun_Instant.csv").read_bytes(), event="sensor.reading",
        columns={"value": level, "time": "datetimeUTC"},
        constants={"subject": "01589330", "quantity": "level", "unit": "ft"},
    )  # fmt: skip
    assert (len(events), events[0].value, events[0].unit, reasons(rejected)) == (8928, 0.93, "ft", [])
    events, rejected = read(
        tmp_path, "birmingham.csv", (folder / "birmingham_occupancy_2016.csv").read_bytes(), event="sensor.reading",
        columns={"subject": "system_code", "value": "occupancy", "capacity": "capacity", "time": "timestamp"},
        constants={"quantity": "occupied", "unit": "spaces"}, zone="Europe/London",
    )  # fmt: skip
    assert (len(events), reasons(rejected)) == (18368, [])

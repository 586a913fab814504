"""Who called is a mark in every feed that brings tickets: equal for the same number, never the number itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboard.nouns.tally import Tickets
from dashboard.nouns.ticketflow import view_rates
from dashboard.nouns.tickets import TicketReported
from dashboard.sources.feed import Context, Delivery, Post, Rejected, bind, rules_of
from dashboard.sources.fetch import Reply
from feeds.folder import File
from feeds.sql import Rows
from feeds.websocket import Push
from tests.town import context, deliveries, parsed, town

# Three calls of one matter by one citizen, as three offices write the number; one by another; and one that nobody can
# read, of a caller whose number looks like none.
CALLS = [("1", "02-01", "138 0013 8000"), ("2", "02-03", "13800138000"), ("3", "02-25", "138-0013-8000"),
         ("4", "02-04", "13900139000"), ("5", "02-05", ""), ("6", "32-99", "a-85-77")]  # fmt: skip
COLUMNS = {"number": "id", "reported": "opened", "category": "type", "caller": "phone"}
RECORDS = [
    {"id": number, "opened": f"2026-{day}T08:00:00", "type": "路灯", "phone": caller} for number, day, caller in CALLS
]
CSV = "id,opened,type,phone\n" + "".join(",".join(map(str, one.values())) + "\n" for one in RECORDS)
Found = tuple[list[Any], list[Rejected]]


def given(folder: Path, payload: Any, **feed: Any) -> Found:
    """What a feed of these settings makes of a payload."""
    city = town(folder, {"name": "calls", **feed})
    (bound,), ctx = bind(city), context(city)
    return parsed(bound, ctx, [Delivery(payload)])


async def of_file(folder: Path) -> Found:
    (folder / "calls.csv").write_text(CSV, encoding="utf-8")
    city = town(folder, {"kind": "file", "name": "calls", "path": "calls.csv", "columns": COLUMNS})
    (bound,), ctx = bind(city), context(city)
    return parsed(bound, ctx, await deliveries(bound, ctx))


async def of_folder(folder: Path) -> Found:
    (folder / "drop").mkdir()
    return given(folder, File("calls.csv", CSV.encode()), kind="folder", path="drop", columns=COLUMNS)


async def of_http(folder: Path) -> Found:
    reply = Reply(json.dumps({"cases": RECORDS}).encode())
    return given(folder, reply, kind="http", url="http://x.example/", records="cases", event="ticket", fields=COLUMNS)


async def of_sql(folder: Path) -> Found:
    more = {"url": "sqlite:///x.db", "query": "SELECT 1", "watermark": "opened", "key": "id", "columns": COLUMNS}
    return given(folder, Rows(RECORDS), kind="sql", **more)


async def of_websocket(folder: Path) -> Found:
    push = Push(json.dumps(RECORDS))
    return given(folder, [push], kind="websocket", url="ws://x.example/", columns=COLUMNS)


async def of_open311(folder: Path) -> Found:
    requests = [
        {"service_request_id": one["id"], "status": "open", "service_name": one["type"], "account": one["phone"],
         "requested_datetime": f"{one['opened']}+08:00"} for one in RECORDS
    ]  # fmt: skip
    reply = Reply(json.dumps(requests).encode())
    return given(folder, reply, kind="open311", url="http://x.example/", days=3660, caller="account")


async def of_cloudevents(folder: Path) -> Found:
    events = [
        {"specversion": "1.0", "id": f"{one['id']}-r", "source": "calls", "type": "ticket.reported",
         "time": f"{one['opened']}+08:00", "subject": one["id"], "data": {"category": "路灯", "caller": one["phone"]}}
        for one in RECORDS[:5]
    ]  # fmt: skip
    post = Post({"content-type": "application/cloudevents-batch+json"}, json.dumps(events).encode())
    return given(folder, post, kind="cloudevents")


KINDS: list[Callable[[Path], Any]] = [
    of_file, of_folder, of_http, of_sql, of_websocket, of_open311, of_cloudevents,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.removeprefix("of_"))
async def test_a_caller_is_a_mark_and_repeated_complaints_are_counted(
    tmp_path: Path, kind: Callable[[Path], Any]
) -> None:
    events, refused = await kind(tmp_path)
    reports = {event.subject: event for event in events if isinstance(event, TicketReported)}
    assert sorted(reports) == ["1", "2", "3", "4", "5"]
    marks = {number: report.caller for number, report in reports.items()}
    assert marks["1"] == marks["2"] == marks["3"] != marks["4"]
    assert marks["5"] == ""
    said = repr(events) + repr(refused)
    for number in ("13800138000", "138 0013 8000", "138-0013-8000", "13900139000", "a-85-77"):
        assert number not in said, "neither in an event nor in what was refused"
    if kind is not of_cloudevents:
        assert [letter.reason for letter in refused if not letter.kept] == ["impossible_date"]
    board = Tickets(rules_of(town(tmp_path)))
    for event in events:
        board.fold(event)
    ctx: Context = context(town(tmp_path))
    board.advance(ctx.now().timestamp() - 2 * 86400)  # On the last day but one of February.
    assert view_rates(board, "T", board.now)["month"]["repeat"] == [2, 5], "the second and the third of one citizen"

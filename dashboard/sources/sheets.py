"""Tables in files: CSV, JSON lines and XLSX as rows of texts under a header, wherever in the sheet that stands."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.masking import clean
from dashboard.sources.documents import read_json, text_of
from dashboard.sources.feed import Rejected, SourceNonsense
from dashboard.sources.records import decode, split
from dashboard.sources.values import Refusal
from dashboard.sources.workbooks import HEADS, Cells, Sheet, workbook

HEADER_IN = HEADS  # Rows at the top among which the header is looked for: titles and notes may stand above it.
DEEPEST = 3  # Rows a header may have.
TOTAL = re.compile(
    r"[\s　]*(合[\s　]*计|总[\s　]*计|小[\s　]*计|共[\s　]*计|(grand[\s-]*)?totals?|sub-?totals?|sum)[\s　:：]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a table: its texts by column, where it stands, and what makes it useless if anything does."""

    where: str
    values: Mapping[str, Any]
    fault: Refusal | None = None


def rows_of(name: str, body: bytes, wanted: Sequence[str], *, encoding: str | None = None,
            delimiter: str | None = None, sheet: str | None = None,
            rest: bool = False) -> tuple[Iterator[Row], list[Rejected]]:  # fmt: skip
    """The rows of a file that have the ``wanted`` columns, and notes on what nobody sees in it and was left out.

    With ``rest`` they hold all other columns that have a name, too.

    Raises:
        SourceNonsense: ``unknown_format``, ``not_xlsx``, ``zip_bomb``, ``forbidden_xml``, ``not_json``, ``empty_file``,
            ``missing_column``, ``missing_sheet``, ``too_large`` or ``bad_encoding``.
    """
    ending = name.lower().rpartition(".")[2]
    if not body.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise SourceNonsense("empty_file", f"{clean(name)[:80]} is empty")
    if ending in ("xlsx", "xlsm"):
        return _from_workbook(body, wanted, sheet, rest, clean(name)[-80:])
    if ending in ("jsonl", "ndjson"):
        return _from_lines(body, encoding), []
    if ending == "json":
        return _from_json(body, encoding), []
    if ending in ("csv", "tsv", "tab", "txt"):
        tabs = "\t" if ending in ("tsv", "tab") else None
        return _from_text(body, wanted, encoding, delimiter or tabs, rest), []
    old = " of an old kind" if ending in ("xls", "et", "doc") else ""
    raise SourceNonsense(
        "unknown_format", f"{clean(name)[-80:]} is a file{old} that is not read; save it as .xlsx or .csv"
    )


# -- the header ------------------------------------------------------------------------------------------------


def find_header(rows: Sequence[Cells], wanted: Sequence[str], rest: bool = False) -> tuple[int, dict[str, int]] | None:
    """The row behind the header, and where in it each wanted column stands; None if there is no header.

    A header of several rows gives names such as ``年度/目标``, or its last part where that is the only one.
    """
    for depth in range(1, DEEPEST + 1):  # A header of one row anywhere comes before one of several.
        for at in range(min(HEADER_IN, len(rows) - depth + 1)):
            names = _names(rows[at : at + depth])
            found = {column: _only(names, column) for column in wanted}
            if all(place is not None for place in found.values()):
                places = {column: place for column, place in found.items() if place is not None}
                more = {"/".join(parts): number for number, parts in enumerate(names) if rest and parts}
                return at + depth, {
                    name: place for name, place in more.items() if place not in places.values()
                } | places
    return None


def _names(rows: Sequence[Cells]) -> list[list[str]]:
    """The parts of each column's name, from the top."""
    width = max(len(row) for row in rows)
    parts: list[list[str]] = [[] for _ in range(width)]
    for number, row in enumerate(rows):
        before = ""
        for column in range(width):
            cell = row[column] if column < len(row) else ""
            text = "" if isinstance(cell, Refusal) else " ".join(cell.split())
            if not text and number < len(rows) - 1:
                text = before  # A heading over several columns stands in the first of them.
            before = text
            if text and (not parts[column] or parts[column][-1] != text):
                parts[column].append(text)
    return parts


def _only(names: list[list[str]], wanted: str) -> int | None:
    """The one column of a name; None if there is none, or more than one."""
    whole = [number for number, parts in enumerate(names) if "/".join(parts) == wanted]
    last = [number for number, parts in enumerate(names) if parts and parts[-1] == wanted]
    for found in (whole, last):
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _lacking(rows: Sequence[Cells], wanted: Sequence[str], where: str) -> SourceNonsense:
    """What to say where there is no header: which columns are missing in the row that comes nearest."""
    best: list[str] = []
    for row in rows[:HEADER_IN]:
        names = [" ".join(cell.split()) for cell in row if isinstance(cell, str)]
        if not best or sum(column in names for column in wanted) > sum(column in best for column in wanted):
            best = names
    lack = [column for column in wanted if best.count(column) != 1]
    there = ", ".join(repr(clean(name)[:30]) for name in best if name)[:300]
    twice = [column for column in lack if column in best]
    what = f"has more than one column {twice[0]!r}" if twice else f"has no column {lack[0] if lack else wanted[0]!r}"
    return SourceNonsense("missing_column", f"{where}{what}; it has {there or 'none'}")


def _records(rows: Sequence[Cells], places: Mapping[str, int], first: int, unit: str) -> Iterator[Row]:
    """The rows below a header; empty ones are left out, and those that add up others are refused."""
    for number, cells in enumerate(rows, first):
        if not any(cells):
            continue
        where = f"{unit} {number}"
        values: dict[str, str] = {}
        fault: Refusal | None = None
        for column, place in places.items():
            cell = cells[place] if place < len(cells) else ""
            if isinstance(cell, Refusal):
                fault = fault or Refusal(cell.reason, f"{column}: {cell.detail}")
            else:
                values[column] = cell.strip()
        lead = next((cell for cell in cells if cell), "")
        if isinstance(lead, str) and TOTAL.fullmatch(lead):
            fault = Refusal("totals_row", f"{lead.strip()} adds up other rows")
        yield Row(where, values, fault)


# -- text ------------------------------------------------------------------------------------------------------


def _from_text(
    body: bytes, wanted: Sequence[str], encoding: str | None, delimiter: str | None, rest: bool
) -> Iterator[Row]:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        body, encoding = text_of(body).encode(), "utf-8"
    lines, bad = decode(body, encoding)
    top = lines[: 2 * HEADER_IN]
    chosen = delimiter or max(",;\t|", key=lambda sign: max((line.count(sign) for line in top), default=0))
    head: list[Cells] = []
    ends: list[int] = []
    reader = csv.reader(top, delimiter=chosen)
    try:
        for row in reader:
            head.append(tuple(row))
            ends.append(reader.line_num)
    except csv.Error:
        pass  # A fault further down; the header may stand before it.
    found = find_header(head, wanted, rest)
    if found is None:
        raise _lacking(head, wanted, "")
    start, places = ends[found[0] - 1], found[1]
    if not bad.isdisjoint(range(start)):
        raise SourceNonsense("bad_encoding", "its header is not in one encoding; save it as UTF-8")
    width = len(head[found[0] - 1])
    for first, end, fields in split(lines[start:], chosen, width):
        where = f"line {start + first + 1}"
        if not bad.isdisjoint(range(start + first, start + end)):
            yield Row(
                where,
                {"": "".join(lines[start + first : start + end])},
                Refusal("bad_encoding", "is not in the file's encoding"),
            )
        elif len(fields) != width:
            open_quote = "a quote is left open, or text stands behind one"
            wrong = f"{len(fields)} fields under {width} columns" if fields else open_quote
            raw = "".join(lines[start + first : start + end])
            yield Row(where, {"": raw}, Refusal("wrong_field_count", wrong))
        else:
            for found_row in _records([fields], places, 0, ""):
                yield Row(where, found_row.values, found_row.fault)


def _from_lines(body: bytes, encoding: str | None) -> Iterator[Row]:
    lines, bad = decode(body, encoding)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"line {number}"
        if number - 1 in bad:
            yield Row(where, {"": line}, Refusal("bad_encoding", "is not in the file's encoding"))
            continue
        try:
            found = read_json(line)
        except SourceNonsense as nonsense:
            yield Row(where, {"": line}, Refusal(nonsense.reason, nonsense.detail))
            continue
        yield _object(where, found)


def _from_json(body: bytes, encoding: str | None) -> Iterator[Row]:
    found = read_json(text_of(body, encoding))
    if isinstance(found, dict):
        found = next((value for value in found.values() if isinstance(value, list)), None)
    if not isinstance(found, list):
        raise SourceNonsense("no_records", "holds no list of records")
    for number, record in enumerate(found, 1):
        yield _object(f"record {number}", record)


def _object(where: str, found: Any) -> Row:
    if not isinstance(found, dict):
        return Row(where, {"": str(found)[:200]}, Refusal("wrong_type", "is no object"))
    return Row(where, found)


# -- workbooks -------------------------------------------------------------------------------------------------


def _from_workbook(
    body: bytes, wanted: Sequence[str], only: str | None, rest: bool, name: str
) -> tuple[Iterator[Row], list[Rejected]]:
    sheets = workbook(body)
    shown = [sheet for sheet in sheets if not sheet.hidden]
    if only is not None:
        shown = [sheet for sheet in sheets if sheet.name == only]
        if not shown:
            names = ", ".join(repr(clean(sheet.name)[:30]) for sheet in sheets)
            raise SourceNonsense("missing_sheet", f"has no sheet {only!r}; it has {names}")
    found = [(sheet, header) for sheet in shown if (header := find_header(sheet.rows, wanted, rest)) is not None]
    if not found:
        nearest = max(
            shown, key=lambda one: sum(c in row for row in one.rows[:HEADER_IN] for c in wanted), default=None
        )
        covered = [column for sheet in shown for column in wanted if column in sheet.covered[2]]
        if covered:
            raise SourceNonsense("missing_column", f"its column {covered[0]!r} is hidden; show it, or name another")
        raise _lacking(nearest.rows if nearest else [], wanted, f"the sheet {nearest.name!r} " if nearest else "")

    def rows() -> Iterator[Row]:
        for sheet, (start, places) in found:
            unit = "row" if len(found) == 1 else f"{clean(sheet.name)[:40]} row"
            yield from _records(sheet.rows[start:], places, start + 1, unit)

    aside = [sheet for sheet in sheets if sheet.hidden and sheet not in shown]
    return rows(), list(_unseen(aside, [sheet for sheet, _ in found], name))


def _unseen(aside: Sequence[Sheet], read: Sequence[Sheet], name: str) -> Iterator[Rejected]:
    """What nobody sees in a workbook, counted and named."""
    for sheet in aside:
        where = f"the sheet {clean(sheet.name)[:40]!r} is hidden and was left out"
        yield Rejected("hidden_sheet", "", name, where, kept=True)
    for sheet in read:
        rows, columns, _ = sheet.covered
        for reason, number, what in (("hidden_rows", rows, "row"), ("hidden_columns", columns, "column")):
            if number:
                many = f"{number:,} hidden {what}{'s' if number > 1 else ''} of the sheet {clean(sheet.name)[:40]!r}"
                yield Rejected(reason, "", name, f"{many} left out, as nobody sees them", kept=True)

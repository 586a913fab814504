"""Tables in files: CSV, JSON lines and XLSX as rows of texts under a header, wherever in the sheet that stands."""

from __future__ import annotations

import csv
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils import range_boundaries

from dashboard.documents import read_json, text_of
from dashboard.feed import SourceNonsense
from dashboard.masking import clean
from dashboard.records import decode, split
from dashboard.values import Refusal

HEADER_IN = 30  # Rows at the top among which the header is looked for: titles and notes may stand above it.
DEEPEST = 3  # Rows a header may have.
UNPACKED = 256 << 20  # Bytes of a workbook's parts together.
RATIO = 400  # A part that unpacks to more than so many times its size is a bomb, once it is large.
PARTS = 5000
WIDEST = 1000  # Columns.
LONGEST = 1_000_000  # Rows.
TOTAL = re.compile(
    r"[\s　]*(合[\s　]*计|总[\s　]*计|小[\s　]*计|共[\s　]*计|(grand[\s-]*)?totals?|sub-?totals?|sum)[\s　:：]*",
    re.IGNORECASE,
)
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
ERRORS = frozenset(("#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA"))
BROKEN = (  # What openpyxl raises over workbooks that are none.
    KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, AssertionError, EOFError, OSError,
    zipfile.BadZipFile, ParseError, NotImplementedError, RecursionError, zlib.error,
)  # fmt: skip
Cells = Sequence["str | Refusal"]


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a table: its texts by column, where it stands, and what makes it useless if anything does."""

    where: str
    values: Mapping[str, Any]
    fault: Refusal | None = None


@dataclass(slots=True)
class Sheet:
    """Cells as they stand, ``merged`` as (first row, first column, last row, last column) counted from 0."""

    name: str
    rows: list[Cells]
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden: bool = False


def rows_of(name: str, body: bytes, wanted: Sequence[str], *, encoding: str | None = None,
            delimiter: str | None = None, sheet: str | None = None) -> tuple[Iterator[Row], list[str]]:  # fmt: skip
    """The rows of a file that have the ``wanted`` columns, and notes on what was left aside.

    Raises:
        SourceNonsense: ``unknown_format``, ``not_xlsx``, ``zip_bomb``, ``forbidden_xml``, ``not_json``, ``empty_file``,
            ``missing_column``, ``missing_sheet``, ``too_large`` or ``bad_encoding``.
    """
    ending = name.lower().rpartition(".")[2]
    if not body.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise SourceNonsense("empty_file", f"{clean(name)[:80]} is empty")
    if ending in ("xlsx", "xlsm"):
        return _from_workbook(body, wanted, sheet)
    if ending in ("jsonl", "ndjson"):
        return _from_lines(body, encoding), []
    if ending == "json":
        return _from_json(body, encoding), []
    if ending in ("csv", "tsv", "tab", "txt"):
        return _from_text(body, wanted, encoding, delimiter or ("\t" if ending in ("tsv", "tab") else None)), []
    old = " of an old kind" if ending in ("xls", "et", "doc") else ""
    raise SourceNonsense(
        "unknown_format", f"{clean(name)[-80:]} is a file{old} that is not read; save it as .xlsx or .csv"
    )


# -- the header ------------------------------------------------------------------------------------------------


def find_header(rows: Sequence[Cells], wanted: Sequence[str]) -> tuple[int, dict[str, int]] | None:
    """The row behind the header, and where in it each wanted column stands; None if there is no header.

    A header of several rows gives names such as ``年度/目标``, or its last part where that is the only one.
    """
    for at in range(min(HEADER_IN, len(rows))):
        for depth in range(1, DEEPEST + 1):
            if at + depth > len(rows):
                break
            names = _names(rows[at : at + depth])
            found = {column: _only(names, column) for column in wanted}
            if all(place is not None for place in found.values()):
                return at + depth, {column: place for column, place in found.items() if place is not None}
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


def _from_text(body: bytes, wanted: Sequence[str], encoding: str | None, delimiter: str | None) -> Iterator[Row]:
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
    found = find_header(head, wanted)
    if found is None:
        raise _lacking(head, wanted, "")
    start, places = ends[found[0] - 1], found[1]
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
            wrong = f"{len(fields)} fields under {width} columns" if fields else "a quote is left open"
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


def _from_workbook(body: bytes, wanted: Sequence[str], only: str | None) -> tuple[Iterator[Row], list[str]]:
    sheets = workbook(body)
    notes = [f"the sheet {clean(sheet.name)[:40]!r} is hidden and was left out" for sheet in sheets if sheet.hidden]
    shown = [sheet for sheet in sheets if not sheet.hidden]
    if only is not None:
        shown = [sheet for sheet in sheets if sheet.name == only]
        if not shown:
            names = ", ".join(repr(clean(sheet.name)[:30]) for sheet in sheets)
            raise SourceNonsense("missing_sheet", f"has no sheet {only!r}; it has {names}")
    found = [(sheet, header) for sheet in shown if (header := find_header(sheet.rows, wanted)) is not None]
    if not found:
        nearest = max(
            shown, key=lambda one: sum(c in row for row in one.rows[:HEADER_IN] for c in wanted), default=None
        )
        raise _lacking(nearest.rows if nearest else [], wanted, f"the sheet {nearest.name!r} " if nearest else "")

    def rows() -> Iterator[Row]:
        for sheet, (start, places) in found:
            unit = "row" if len(found) == 1 else f"{clean(sheet.name)[:40]} row"
            yield from _records(sheet.rows[start:], places, start + 1, unit)

    return rows(), notes


def workbook(body: bytes) -> list[Sheet]:
    """The sheets of an XLSX file, each cell as text: dates as ISO, numbers as they are, merged cells filled.

    A formula is its last result; one that was never worked out, and a cell in error, is a ``Refusal`` in its place.

    Raises:
        SourceNonsense: ``not_xlsx``, ``zip_bomb``, ``forbidden_xml`` or ``too_large``.
    """
    merged, formulas = _inspect(body)
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
        plain = openpyxl.load_workbook(io.BytesIO(body), read_only=True, keep_links=False) if formulas else None
        sheets = []
        for number, sheet in enumerate(book.worksheets):
            raw = plain.worksheets[number] if plain is not None else None
            found = Sheet(str(sheet.title), _cells(sheet, raw), hidden=sheet.sheet_state != "visible")
            found.merged = merged.get(_part(sheet), [])
            _fill(found)
            sheets.append(found)
        book.close()
        if plain is not None:
            plain.close()
    except SourceNonsense:
        raise
    except BROKEN as error:
        raise SourceNonsense("not_xlsx", f"is no workbook that can be read: {clean(str(error))[:120]}") from None
    return sheets


def _part(sheet: Any) -> str:
    """The name of a sheet's part in the archive."""
    return str(getattr(sheet, "_worksheet_path", "")).lstrip("/")


def _inspect(body: bytes) -> tuple[dict[str, list[tuple[int, int, int, int]]], bool]:
    """Unpack each part within limits: what is merged in which sheet, and whether there are formulas at all."""
    if body[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise SourceNonsense("not_xlsx", "is an old .xls or has a password; save it as .xlsx without one")
    merged: dict[str, list[tuple[int, int, int, int]]] = {}
    formulas, total = False, 0
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = archive.infolist()
            if len(parts) > PARTS:
                raise SourceNonsense("zip_bomb", f"has {len(parts):,} parts")
            for part in parts:
                if part.flag_bits & 1:
                    raise SourceNonsense("not_xlsx", "has a password; save it without one")
                with archive.open(part) as stream:
                    content = stream.read(UNPACKED - total + 1)
                total += len(content)
                if total > UNPACKED or (len(content) > 8 << 20 and len(content) > RATIO * max(part.compress_size, 1)):
                    raise SourceNonsense("zip_bomb", f"unpacks to far more than its {len(body):,} bytes")
                if part.filename.endswith((".xml", ".rels")):
                    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\x00<\x00!" in content:
                        raise SourceNonsense("forbidden_xml", f"{clean(part.filename)[:60]} holds a document type")
                    if "worksheets/" in part.filename:
                        formulas = formulas or b"<f" in content or b":f>" in content
                        merged[part.filename] = [_corners(ref[1].decode()) for ref in MERGED.finditer(content)]
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, zlib.error, lzma.LZMAError) as error:
        raise SourceNonsense("not_xlsx", f"is no whole workbook: {clean(str(error))[:120]}") from None
    return merged, formulas


def _corners(ref: str) -> tuple[int, int, int, int]:
    left, top, right, bottom = range_boundaries(ref)
    return int(top or 1) - 1, int(left or 1) - 1, int(bottom or 1) - 1, int(right or 1) - 1


def _cells(sheet: Any, plain: Any) -> list[Cells]:
    rows: list[Cells] = []
    formulas: Iterable[Any] = plain.iter_rows(values_only=True) if plain is not None else ()
    behind = iter(formulas)
    for row in sheet.iter_rows(max_col=WIDEST):
        raw = next(behind, ())
        texts: list[str | Refusal] = []
        for column, cell in enumerate(row):
            value = cell.value
            if value is None and column < len(raw) and raw[column] is not None:
                texts.append(Refusal("formula_without_value", "holds a formula that was never worked out"))
            else:
                texts.append(text_of_cell(value, str(getattr(cell, "number_format", None) or "")))
        while texts and texts[-1] == "":
            texts.pop()
        rows.append(texts)
        if len(rows) > LONGEST:
            raise SourceNonsense("too_large", f"has more than {LONGEST:,} rows; split it")
    while rows and not rows[-1]:
        rows.pop()
    return rows


def text_of_cell(value: object, form: str = "") -> str | Refusal:
    """A cell as text. A whole number of more than 15 figures was rounded by the spreadsheet, and says so (``E+``)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        day_only = not re.search(r"[hH时]", form) and (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if day_only else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, int | float):
        if value != value or abs(value) == float("inf"):
            return Refusal("not_finite", "is no finite number")
        if abs(value) >= 1e15:
            return f"{float(value):.14E}"
        return str(int(value)) if value == int(value) else repr(value)
    text = str(value)
    return Refusal("error_cell", f"is {text}") if text in ERRORS else text


def _fill(sheet: Sheet) -> None:
    """Write a merged cell's value into all of its cells, as far as rows and columns go."""
    for top, left, bottom, right in sheet.merged[:100_000]:
        if top >= len(sheet.rows) or left >= len(sheet.rows[top]) or right > WIDEST:
            continue
        value = sheet.rows[top][left]
        for number in range(top, min(bottom + 1, len(sheet.rows))):
            cells = list(sheet.rows[number])
            cells += [""] * (right + 1 - len(cells))
            cells[left : right + 1] = [value] * (right + 1 - left)
            sheet.rows[number] = cells

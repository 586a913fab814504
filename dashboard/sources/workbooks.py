"""Workbooks: the sheets of an XLSX file as texts, unpacked within limits and read as a person sees them."""

from __future__ import annotations

import io
import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils import range_boundaries

from dashboard.masking import clean
from dashboard.sources.feed import SourceNonsense
from dashboard.sources.values import Refusal

UNPACKED = 256 << 20  # Bytes of a workbook's parts together.
RATIO = 400  # A part that unpacks to more than so many times its size is a bomb, once it is large.
PARTS = 5000
WIDEST = 1000  # Columns.
LONGEST = 1_000_000  # Rows.
HEADS = 30  # Rows in which the heads of columns stand.
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
COLUMN = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
NUMBERED = re.compile(rb'\sr="(\d{1,7})"')
ENDS = re.compile(rb'\s(min|max)="(\d{1,5})"')
HIDDEN = re.compile(rb'\s(?:hidden="(?:1|true)"|(?:ht|width)="0(?:\.0*)?")')
ERRORS = frozenset(("#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA"))
warnings.filterwarnings("ignore", module="openpyxl")  # What is odd in a workbook is told by what is read of it.
BROKEN = (  # What openpyxl raises over workbooks that are none.
    KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, AssertionError, EOFError, OSError,
    zipfile.BadZipFile, ParseError, NotImplementedError, RecursionError, zlib.error,
)  # fmt: skip
Cells = Sequence["str | Refusal"]


@dataclass(slots=True)
class Sheet:
    """Cells as a person sees them: those of hidden rows and columns are empty.

    ``merged`` is (first row, first column, last row, last column) counted from 0, as are the hidden rows and columns.
    ``covered`` is how many of these hold something, and the texts at the top of hidden columns.
    """

    name: str
    rows: list[Cells]
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    covered: tuple[int, int, frozenset[str]] = (0, 0, frozenset())


Shape = tuple[list[tuple[int, int, int, int]], frozenset[int], frozenset[int]]
"""What is merged in a sheet, and its hidden rows and columns."""
NONE: Shape = ([], frozenset(), frozenset())


def workbook(body: bytes) -> list[Sheet]:
    """The sheets of an XLSX file, each cell as text: dates as ISO, numbers as they are, merged cells filled.

    A formula is its last result; one that was never worked out, and a cell in error, is a ``Refusal`` in its place.

    Raises:
        SourceNonsense: ``not_xlsx``, ``zip_bomb``, ``forbidden_xml`` or ``too_large``.
    """
    shapes, formulas = _inspect(body)
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
        plain = openpyxl.load_workbook(io.BytesIO(body), read_only=True, keep_links=False) if formulas else None
        sheets = []
        for number, sheet in enumerate(book.worksheets):
            raw = plain.worksheets[number] if plain is not None else None
            found = Sheet(str(sheet.title), _cells(sheet, raw), hidden=sheet.sheet_state != "visible")
            found.merged, found.hidden_rows, found.hidden_columns = shapes.get(_part(sheet), NONE)
            _fill(found)
            _cover(found)
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


def _inspect(body: bytes) -> tuple[dict[str, Shape], bool]:
    """Unpack each part within limits: the shape of each sheet, and whether there are formulas at all."""
    if body[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise SourceNonsense("not_xlsx", "is an old .xls or has a password; save it as .xlsx without one")
    shapes: dict[str, Shape] = {}
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
                        corners = [_corners(ref[1].decode()) for ref in MERGED.finditer(content)]
                        shapes[part.filename] = corners, _hidden_rows(content), _hidden_columns(content)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, zlib.error, lzma.LZMAError) as error:
        raise SourceNonsense("not_xlsx", f"is no whole workbook: {clean(str(error))[:120]}") from None
    return shapes, formulas


def _hidden_rows(content: bytes) -> frozenset[int]:
    """The rows that are hidden, filtered out, folded away or without height; one without a number follows the last."""
    found, number = set(), 0
    if HIDDEN.search(content) is None:
        return frozenset()
    for row in ROW.finditer(content):
        said = NUMBERED.search(row[1])
        number = int(said[1]) if said is not None else number + 1
        if HIDDEN.search(row[1]) is not None:
            found.add(number - 1)
    return frozenset(found)


def _hidden_columns(content: bytes) -> frozenset[int]:
    """The columns that are hidden or have no width."""
    found: set[int] = set()
    for column in COLUMN.finditer(content):
        if HIDDEN.search(column[1]) is not None:
            ends = {name: int(number) for name, number in ENDS.findall(column[1])}
            found.update(range(ends.get(b"min", 1) - 1, min(ends.get(b"max", 0), WIDEST)))
    return frozenset(found)


def _corners(ref: str) -> tuple[int, int, int, int]:
    left, top, right, bottom = range_boundaries(ref)
    return int(top or 1) - 1, int(left or 1) - 1, int(bottom or 1) - 1, int(right or 1) - 1


def _cells(sheet: Any, plain: Any) -> list[Cells]:
    rows: list[Cells] = []
    formulas: Iterable[Any] = plain.iter_rows(values_only=True) if plain is not None else ()
    behind = iter(formulas)
    for row in sheet.iter_rows():
        raw = next(behind, ())
        texts: list[str | Refusal] = []
        for column, cell in enumerate(row[:WIDEST]):
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


def _cover(sheet: Sheet) -> None:
    """Empty the cells of hidden rows and columns."""
    rows, columns, texts = 0, set[int](), set[str]()
    for number, cells in enumerate(sheet.rows):
        if number in sheet.hidden_rows:
            rows += any(cells)
            sheet.rows[number] = ()
            continue
        full = {column for column in sheet.hidden_columns if column < len(cells) and cells[column]}
        if full:
            columns |= full
            if number < HEADS:
                texts |= {str(cells[column]) for column in full}
            sheet.rows[number] = ["" if column in full else cell for column, cell in enumerate(cells)]
    sheet.covered = rows, len(columns), frozenset(texts)

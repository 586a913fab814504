"""Tickets as a file: CSV and workbook, streamed as they are read, with nothing in them that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from dashboard.ticketrows import EXPORTED, Reader, cells
from dashboard.words import Words

MOST = {"csv": 500_000, "xlsx": 100_000}  # Rows of a file: a workbook is packed as a whole, and the disk must hold it.
PLAIN = re.compile(r"-?\d+(\.\d+)?")
CHUNK = 1000  # Lines of a CSV that are sent at once.
CUT = Words(
    "仅导出前 {most:,} 条，共 {all:,} 条；请缩小筛选范围",
    "Only the first {most:,} of {all:,}; narrow the filter for the rest",
)


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: what begins like one gets an apostrophe before it.

    >>> guarded("=HYPERLINK(1)"), guarded("  +1"), guarded("井盖"), guarded("-71.05")
    ("'=HYPERLINK(1)", "'  +1", '井盖', '-71.05')
    """
    if PLAIN.fullmatch(text):
        return text
    begins = text.lstrip()[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠") or text[:1] in ("\t", "\r", "\n")
    return f"'{text}" if begins else text


def as_csv(rows: Iterable[Mapping[str, Any]], to: Reader, last: str = "") -> Iterator[bytes]:
    """The lines of a CSV with its head, in UTF-8 with a mark that Excel reads; ``last`` is a line of its own."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([words[to.language] for words in EXPORTED.values()])
    mark = b"\xef\xbb\xbf"
    for number, row in enumerate(rows, start=1):
        texts = cells(row, to)
        writer.writerow([guarded(texts[name]) for name in EXPORTED])
        if number % CHUNK == 0:
            yield mark + buffer.getvalue().encode("utf-8", "replace")
            mark = b""
            buffer.seek(0)
            buffer.truncate()
    if last:
        writer.writerow([last])
    yield mark + buffer.getvalue().encode("utf-8", "replace")


def as_workbook(rows: Iterable[Mapping[str, Any]], to: Reader, last: str = "") -> IO[bytes]:
    """The same as a workbook, in a file that is gone when it is closed. Every cell is text, whatever it begins with."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("tickets")
    sheet.freeze_panes = "A2"
    head = []
    for words in EXPORTED.values():
        cell = WriteOnlyCell(sheet, words[to.language])
        cell.font = Font(bold=True)
        head.append(cell)
    sheet.append(head)
    for row in rows:
        texts = cells(row, to)
        line = []
        for name in EXPORTED:
            cell = WriteOnlyCell(sheet)
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", texts[name])
            cell.data_type = "s"  # Also what begins with "=".
            line.append(cell)
        sheet.append(line)
    if last:
        sheet.append([last])
    file = tempfile.TemporaryFile(prefix="citywall-")  # noqa: SIM115 - it is closed by who sends it.
    book.save(file)
    file.seek(0)
    return file

"""Tickets as a file: CSV and workbook, streamed as they are read, with nothing in them that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from dashboard.casework.ticketrows import EXPORTED, Reader, cells
from dashboard.words import Words

MOST = {"csv": 500_000, "xlsx": 500_000}  # Rows of a file; a sheet of Excel's holds a million.
PLAIN = re.compile(r"-?\d+(\.\d+)?")
CHUNK = 1000  # Lines that are sent at once.
CUT = Words(
    "仅导出前 {most:,} 条，共 {all:,} 条；请缩小筛选范围",
    "Only the first {most:,} of {all:,}; narrow the filter for the rest",
)

# The parts of a workbook with one sheet, its first line bold and standing still (ECMA-376). openpyxl packs a workbook
# only when it is whole, so that the first byte would leave when the last row has been read.
_ROOM = "http://schemas.openxmlformats.org"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
SHEET = "xl/worksheets/sheet1.xml"
PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_ROOM}/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/{SHEET}" ContentType="{_KIND}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_ROOM}/package/2006/relationships"><Relationship Id="rId1" Target="xl/workbook.xml" '
        f'Type="{_ROOM}/officeDocument/2006/relationships/officeDocument"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_ROOM}/spreadsheetml/2006/main" xmlns:r="{_ROOM}/officeDocument/2006/relationships">'
        '<sheets><sheet name="tickets" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_ROOM}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{_ROOM}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_ROOM}/officeDocument/2006/relationships/styles" Target="styles.xml"/>'
        "</Relationships>"
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_ROOM}/spreadsheetml/2006/main"><fonts count="2"><font><sz val="11"/></font>'
        '<font><b/><sz val="11"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf fontId="0" xfId="0"/>'
        '<xf fontId="1" xfId="0" applyFont="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
}  # fmt: skip
BEGIN = (
    f'<worksheet xmlns="{_ROOM}/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
END = "</sheetData></worksheet>"


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


def as_workbook(rows: Iterable[Mapping[str, Any]], to: Reader, last: str = "") -> Iterator[bytes]:
    """The same as a workbook, packed while it is sent. Every cell is text, whatever it begins with."""
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED) as book:
        for name, text in PARTS.items():
            book.writestr(ZipInfo(name), f"{XML}{text}", ZIP_DEFLATED)
        packed = ZipInfo(SHEET)
        packed.compress_type = ZIP_DEFLATED
        with book.open(packed, "w") as sheet:
            sheet.write(f"{XML}{BEGIN}".encode())
            sheet.write(_line((words[to.language] for words in EXPORTED.values()), bold=True))
            for number, row in enumerate(rows, start=1):
                texts = cells(row, to)
                sheet.write(_line(texts[name] for name in EXPORTED))
                if number % CHUNK == 0:
                    yield sink.taken()
            if last:
                sheet.write(_line([last]))
            sheet.write(END.encode())
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Where a packed file goes piece by piece: it can be written, and taken, but never gone back in."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def taken(self) -> bytes:
        """What has been written since this was last asked."""
        held, self._held = bytes(self._held), bytearray()
        return held


def _line(texts: Iterable[str], *, bold: bool = False) -> bytes:
    style = ' s="1"' if bold else ""
    parts = (f'<c t="inlineStr"{style}><is><t xml:space="preserve">{_text(text)}</t></is></c>' for text in texts)
    return f"<row>{''.join(parts)}</row>".encode("utf-8", "replace")


def _text(text: str) -> str:
    """A text as XML may hold it. What looks like one of Excel's own escapes is escaped as Excel does it."""
    return escape(re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", ILLEGAL_CHARACTERS_RE.sub("", text)))

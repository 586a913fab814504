"""The records of a delimited file: where one ends and the next begins, whatever its encoding and quoting."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

csv.field_size_limit(16 << 20)  # The module's limit of 128 kB would refuse a long field without a word on which.


def decode(body: bytes, encoding: str | None) -> tuple[list[str], set[int]]:
    """The lines of ``body`` with their ends, and the indices of those that are not in the encoding.

    Without an encoding it is UTF-8, or GB18030 where most of what is no UTF-8 is plain GB 2312: other
    eight-bit encodings would turn into Chinese by accident.
    """
    chosen = encoding or "utf-8"
    try:
        return _lines(body.decode(chosen)), set()
    except UnicodeDecodeError:
        raw = body.splitlines(keepends=True) if chosen.startswith("utf-16") else body.split(b"\n")
    if encoding is None:
        strange = [line for line in raw if not _decodes(line, "utf-8")]
        wide = any(not line.isascii() and _decodes(line, "utf-8") for line in raw)
        if not wide and 2 * sum(_decodes(line, "gb2312") for line in strange) > len(strange):
            chosen = "gb18030"
    bad = {at for at, line in enumerate(raw) if not _decodes(line, chosen)}
    texts = [line.decode(chosen, "backslashreplace") for line in raw]
    return _lines("\n".join(text.replace("\n", " ") for text in texts)), bad


def _lines(text: str) -> list[str]:
    return StringIO(text.removeprefix("\ufeff"), newline="\n").readlines()


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def split(lines: list[str], delimiter: str, width: int) -> Iterator[tuple[int, int, list[str]]]:
    """The records of delimited lines as ``(first line, line behind the last, fields)``; blank lines are left out.

    A quote left open would swallow good lines behind it: where a record over several lines has not ``width``
    fields, its first line is taken as a record by itself, and reading goes on at the next. Text behind a closed quote
    (``"1,234.5"138``) would be put together with it to another value; such a record has no fields.
    """
    at = 0
    while at < len(lines):
        rest = (lines[number] for number in range(at, len(lines))) if at else lines
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        start, base = at, at
        try:
            for fields in reader:
                end = base + reader.line_num
                if len(fields) != width and end - start > 1:
                    break
                if fields:
                    yield start, end, fields
                start = end
            else:
                return
        except csv.Error:
            pass
        yield start, start + 1, []
        at = start + 1


def whole(lines: list[bytes], delimiter: str) -> int:
    """How many of the lines make up whole records: those behind are the beginning of one with a quote open.

    Quotes and line ends are the same bytes in every encoding that is read here. Where every line has its
    quotes in pairs, none is open at its end.
    """
    if not any(line.count(b'"') % 2 for line in lines):
        return len(lines)
    reader = csv.reader((line.decode("latin-1") for line in lines), delimiter=delimiter, strict=True)
    end = 0
    try:
        for _ in reader:
            end = reader.line_num
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return end
    return len(lines)  # Faulty quotes are for ``split`` to sort out.

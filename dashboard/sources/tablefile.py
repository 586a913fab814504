"""A table's file: read in chunks of whole records, from where it was left, and noticed when it is replaced."""

from __future__ import annotations

import csv
import os
from datetime import datetime
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from dashboard.masking import mask
from dashboard.sources.feed import Rejected, SourceFailed
from dashboard.sources.records import decode, whole
from dashboard.sources.tables import Chunk, TableSettings, missing
from dashboard.sources.values import RAW

ROWS = 1000  # Records of a chunk.
BYTES = 4 << 20  # A chunk of long records ends here.
LONGEST = 1 << 20  # Bytes of a record; a longer one is refused without being held in memory.
OPEN = 5 * ROWS  # Lines within which a quote has to be closed.
VERIFY = 64 << 20  # A file that has grown is compared with what was read of it up to this size, in bytes.
BLOCK = 1 << 20


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """Up to where a file has been read: byte, number of the next line, and a hash of all bytes before."""

    at: int = 0
    line: int = 1
    hash: str = ""


class TableFile:
    """The open file. ``fault`` is what makes it unreadable as a whole, and None if nothing does.

    A JSON document is one line per record inside, so that the rest need not know.

    Raises:
        SourceFailed: if the file is not there or may not be read.
    """

    def __init__(self, path: Path, settings: TableSettings) -> None:
        self.path = path
        self.fault: Rejected | None = None
        self.columns: tuple[str, ...] = ()
        self.delimiter = ","
        kind = settings.format_of(path)
        self._document = kind == "json"
        self._left = False
        try:
            self._file: BinaryIO = path.open("rb")
            self._stat = os.fstat(self._file.fileno())
            if self._document:
                self._file = self._load(self._file)
        except FileNotFoundError:
            raise SourceFailed(f"{path}: there is no such file; put it there, or set path") from None
        except OSError as error:
            raise SourceFailed(f"{path} cannot be read: {error.strerror}") from error
        self._head = b""
        if kind == "csv":
            self._header(settings)
        elif self.fault is None:
            self._keys(settings)
        self.rewind()

    def _load(self, file: BinaryIO) -> BinaryIO:
        """The document's records, one to a line: the document if it is a list, else the first list in it."""
        with file:
            body = file.read()
        try:
            found: Any = msgspec.json.decode(body, type=list[msgspec.Raw] | dict[str, msgspec.Raw])
            if isinstance(found, dict):
                lists = [raw for raw in found.values() if bytes(raw)[:1] == b"["]
                found = msgspec.json.decode(lists[0], type=list[msgspec.Raw]) if lists else []
            return BytesIO(b"".join(msgspec.json.format(bytes(raw), indent=-1) + b"\n" for raw in found))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            self.fault = Rejected("not_json", _shown(body), "the file", f"is no JSON: {str(error) or 'too deep'}")
            return BytesIO()

    def _header(self, settings: TableSettings) -> None:
        self._head = self._file.readline(LONGEST)
        if self._head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            self.fault = Rejected("bad_encoding", "", "line 1", "is UTF-16; save it as UTF-8")
            return
        text = "".join(decode(self._head, settings.encoding)[0])
        self.delimiter = settings.delimiter_of(self.path, text)
        if text.strip():
            self.columns = tuple(name.strip() for name in next(csv.reader([text], delimiter=self.delimiter)))
            lack = missing(self.columns, settings)
        else:
            lack = "is empty; its first line must name the columns"
        if lack:
            self.fault = Rejected("missing_column", _shown(self._head), "line 1", lack)

    def _keys(self, settings: TableSettings) -> None:
        """JSON leaves out what is empty, so only what every record needs is looked for, in the first ones."""
        keys: dict[str, None] = {}
        for _ in range(100):
            try:
                found = msgspec.json.decode(self._file.readline(LONGEST))
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
                continue
            keys |= dict.fromkeys(found if isinstance(found, dict) else ())
        for role in ("number", "reported"):
            name = getattr(settings.columns, role)
            if keys and name not in keys and self.fault is None:
                lack = f"has no field {name!r} (columns.{role}); it has {', '.join(map(repr, keys))}"
                self.fault = Rejected("missing_column", "", "line 1", lack)

    # -- where it is read --------------------------------------------------------------------------------

    @property
    def mark(self) -> Mark:
        """Up to where it has been read."""
        return Mark(self._at, self._line, self._hash.hexdigest())

    def rewind(self) -> None:
        """Go back to the first record."""
        self._at, self._line = len(self._head), 2 if self._head else 1
        self._hash = blake2b(self._head, digest_size=16)

    def resume(self, mark: Mark) -> bool:
        """Go on at ``mark``, or from the first record and False if this is not the file it was made in."""
        self.rewind()
        if mark.at <= self._at:
            return mark.at in (0, self._at)
        digest = self._digest(mark.at)
        if digest is None or digest.hexdigest() != mark.hash:
            return False
        self._at, self._line, self._hash = mark.at, mark.line, digest
        return True

    def _digest(self, upto: int) -> blake2b | None:
        """The hash of all bytes before ``upto``; None if there are not so many."""
        self._file.seek(0)
        digest, left = blake2b(digest_size=16), upto
        while left:
            block = self._file.read(min(left, BLOCK))
            if not block:
                return None
            digest.update(block)
            left -= len(block)
        return digest

    def replaced(self) -> bool:
        """Whether the path names another file by now, or one whose part that was read has changed."""
        self._left = self._left or self._changed()
        return self._left

    def _changed(self) -> bool:
        try:
            now = self.path.stat()
        except OSError:
            return False  # In the middle of being replaced, perhaps; the old one is still open.
        before, self._stat = self._stat, now
        if (now.st_dev, now.st_ino) != (before.st_dev, before.st_ino):
            return True
        if (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns):
            return False
        if self._document or now.st_size < self._at:
            return True
        if now.st_size > before.st_size and self._at > VERIFY:
            return False
        digest = self._digest(self._at)
        return digest is None or digest.digest() != self._hash.digest()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    # -- what is in it -----------------------------------------------------------------------------------

    def chunk(self, now: datetime, *, last: bool) -> Chunk | list[Rejected] | None:
        """The next records; None if there are none. A record too long comes as a refusal by itself.

        A record whose end is not there yet waits for it, or with ``last`` is taken as it is.
        """
        self._file.seek(self._at)
        lines: list[bytes] = []
        size, want, ended = 0, ROWS, False
        while True:
            while len(lines) < want and size < BYTES and not ended:
                line = self._file.readline(LONGEST)
                if len(line) == LONGEST and not line.endswith(b"\n"):
                    if not lines:
                        return self._too_long(line, last)
                    ended = True
                elif not line or not (last or line.endswith(b"\n")):
                    ended = True
                else:
                    lines.append(line)
                    size += len(line)
            ready = whole(lines, self.delimiter) if self.columns else len(lines)
            if ready or not lines or ended or size >= BYTES or want >= OPEN:
                break
            want += ROWS
        if (ended and last) or (not ready and (size >= BYTES or want >= OPEN)):
            ready = len(lines)
        if not ready:
            return None
        body = b"".join(lines[:ready])
        found = Chunk(body, self._line, self.columns, self.delimiter, "record" if self._document else "line", now)
        self._pass(body, ready)
        return found

    def rest(self, now: datetime) -> Chunk | list[Rejected] | None:
        """What waits for its end, without passing it by."""
        here = self._at, self._line, self._hash.copy()
        try:
            return self.chunk(now, last=True)
        finally:
            self._at, self._line, self._hash = here

    def _pass(self, body: bytes, lines: int) -> None:
        self._hash.update(body)
        self._at += len(body)
        self._line += lines

    def _too_long(self, line: bytes, last: bool) -> list[Rejected] | None:
        here, digest = self._at, self._hash.copy()
        first, size = line, 0
        while line:
            self._hash.update(line)
            self._at += len(line)
            size += len(line)
            if line.endswith(b"\n"):
                break
            line = self._file.readline(LONGEST)
        else:
            if not last:
                self._at, self._hash = here, digest
                return None
        self._line += 1
        return [Rejected("record_too_long", _shown(first), f"line {self._line - 1}", f"{size:,} bytes")]


def _shown(body: bytes) -> str:
    return mask(body[:RAW].decode("utf-8", "replace").rstrip("\r\n"))

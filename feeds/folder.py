"""A folder into which files are dropped: CSV, TSV, JSON lines or XLSX, each taken once it is whole, and put away.

A file that is still being copied is waited for. Read, it is moved to ``done``; one of which nothing could be used
goes to ``failed`` with a note beside it that says why. The same content under another name brings nothing again.
Nothing outside the folder is ever opened: links are put away unread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Annotated

import msgspec
from pydantic import Field

from dashboard.events import Event
from dashboard.masking import clean
from dashboard.sources.feed import Context, Delivery, Feed, Rejected, SourceFailed, SourceNonsense
from dashboard.sources.mapping import fillable
from dashboard.sources.sheets import rows_of
from dashboard.sources.tablemap import ColumnSettings, events_of

REMEMBERED = 500  # Files whose content is known.
SLICE = 5000  # Events and refusals of one delivery.
UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", "~", ".download")
INTERVAL = 60.0


class Settings(ColumnSettings):
    """Which folder, and how its files are read."""

    path: str  # Relative to the city file.
    look: Annotated[float, Field(gt=0)] = 5.0  # Seconds between two looks.
    settle: Annotated[float, Field(ge=0)] = 5.0  # Seconds for which a file has to stay the same to be whole.
    patience: Annotated[float, Field(ge=0)] = 60.0  # Seconds after which one that seems cut off is given up.
    max_bytes: Annotated[int, Field(gt=0)] = 64 << 20
    encoding: str | None = None  # utf-8 or gb18030, told apart by themselves.
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    sheet: str | None = None  # The one sheet of a workbook; else all that are shown and have the columns.


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was found."""

    name: str
    body: bytes

    def __str__(self) -> str:
        return clean(self.name)


class Cursor(msgspec.Struct, omit_defaults=True):
    """The contents that have been read, as digest → name, the latest last."""

    read: dict[str, str] = {}


Items = list["Event | Rejected"]


def parse(payload: File | Items, settings: Settings, ctx: Context) -> Iterable[Event | Rejected]:
    """The events of a file's rows; what ``fetch`` has read already is given on as it is.

    Raises:
        SourceNonsense: if it is no table, or has not the columns.
    """
    return payload if isinstance(payload, list) else _read(payload, settings, ctx)


def _read(file: File, settings: Settings, ctx: Context) -> Iterator[Event | Rejected]:
    rows, notes = rows_of(
        file.name, file.body, settings.wanted, encoding=settings.encoding, delimiter=settings.delimiter,
        sheet=settings.sheet,
    )  # fmt: skip
    yield from notes
    yield from events_of(rows, settings, ctx)


async def fetch(settings: Settings, ctx: Context) -> AsyncIterator[Delivery]:
    """Look into the folder for ever, and take each file once it is whole.

    Raises:
        SourceFailed: if the folder is not there, or files cannot be moved in it.
    """
    folder = Folder(ctx.city.path(settings.path), settings)
    cursor = _cursor(ctx.cursor)
    heard = monotonic()
    while True:
        for name in await asyncio.to_thread(folder.whole, at_once=ctx.trial):
            async for delivery in _taken(folder, name, cursor, settings, ctx):
                yield delivery
            heard = monotonic()
        if 2 * (monotonic() - heard) >= (settings.interval or INTERVAL) or ctx.trial:
            heard = monotonic()
            yield Delivery([])  # The folder is there, and has nothing new.
        if ctx.trial:
            return
        await asyncio.sleep(settings.look)


def _cursor(text: str | None) -> Cursor:
    try:
        return msgspec.json.decode(text or "{}", type=Cursor)
    except msgspec.MsgspecError:
        return Cursor()  # What is read again is a duplicate.


async def _taken(
    folder: Folder, name: str, cursor: Cursor, settings: Settings, ctx: Context
) -> AsyncIterator[Delivery]:
    """One file, in slices; it is put away when the last of them is on disk."""
    said = clean(name)
    try:
        body = await asyncio.to_thread(folder.read, name)
    except SourceNonsense as nonsense:
        yield Delivery([Rejected(nonsense.reason, "", said, nonsense.detail)])
        await asyncio.to_thread(folder.put_away, name, "failed", f"{nonsense.reason}: {nonsense.detail}", ctx)
        return
    if body is None:
        return
    digest = blake2b(body, digest_size=16).hexdigest()
    if digest in cursor.read:
        known = cursor.read[digest]
        note = f"holds the same as {known}, which was read before; nothing of it is new"
        yield Delivery([Rejected("same_file", "", said, note, kept=True)])
        await asyncio.to_thread(folder.put_away, name, "done", "", ctx)
        return
    items, reasons, count = list["Event | Rejected"](), Counter[str](), 0
    details: dict[str, str] = {}
    events = await asyncio.to_thread(_all, File(name, body), settings, ctx)
    if isinstance(events, SourceNonsense) and not ctx.trial and folder.may_grow(name, events):
        return
    if isinstance(events, SourceNonsense):
        reasons[events.reason] += 1
        details[events.reason] = f"{said}: {events.detail}"
        items = [Rejected(events.reason, "", said, events.detail)]
    else:
        items = events
        for item in items:
            if isinstance(item, Event):
                count += 1
            elif not item.kept:
                reasons[item.reason] += 1
                details.setdefault(item.reason, f"{item.where}: {item.detail}")
    for start in range(0, max(len(items), 1), SLICE):
        if start + SLICE >= len(items) and count:  # What failed may be tried again, under other settings.
            cursor.read[digest] = said
            while len(cursor.read) > REMEMBERED:
                cursor.read.pop(next(iter(cursor.read)))
        last = start + SLICE >= len(items)
        yield Delivery(
            _named(items[start : start + SLICE], said), msgspec.json.encode(cursor).decode() if last else None
        )
    note = "\n".join(f"{reason} ({number}): {details[reason]}" for reason, number in reasons.most_common())
    await asyncio.to_thread(folder.put_away, name, "done" if count else "failed", note or "it has no rows", ctx)


def _named(items: Items, name: str) -> Items:
    """Refusals with the file's name before the place in it."""
    return [_in_file(item, name) if isinstance(item, Rejected) and item.where != name else item for item in items]


def _in_file(letter: Rejected, name: str) -> Rejected:
    """A refusal that says in which file it stands."""
    return Rejected(letter.reason, letter.raw, f"{name} {letter.where}", letter.detail, letter.kept)


def _all(file: File, settings: Settings, ctx: Context) -> Items | SourceNonsense:
    try:
        return list(_read(file, settings, ctx))
    except SourceNonsense as nonsense:
        return nonsense


def _shape(found: os.stat_result) -> tuple[int, int, int]:
    """What is another where a file was written anew or has been replaced."""
    return found.st_size, found.st_mtime_ns, found.st_ino


class Folder:
    """The folder, and what is known of the files in it that are not whole yet."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path, self.settings = path, settings
        self._seen: dict[str, tuple[tuple[int, int, int], float]] = {}

    def whole(self, *, at_once: bool = False) -> list[str]:
        """The files that have not changed for a while, by name.

        Raises:
            SourceFailed: if the folder is not there or may not be read.
        """
        try:
            entries = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(self.path)}
        except FileNotFoundError:
            raise SourceFailed(f"there is no folder {self.path}; make it, or set path") from None
        except OSError as error:
            raise SourceFailed(f"{self.path} cannot be read: {error.strerror}; give this user the right to") from error
        now = monotonic()
        ready = []
        for name, found in sorted(entries.items()):
            if name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED) or stat.S_ISDIR(found.st_mode):
                continue
            shape = _shape(found)
            known = self._seen.get(name)
            if known is None or known[0] != shape:
                self._seen[name] = known = (shape, now)
            if at_once or now - known[1] >= self.settings.settle:
                ready.append(name)
        self._seen = {name: known for name, known in self._seen.items() if name in entries}
        if ready and not at_once and not os.access(self.path, os.W_OK | os.X_OK):
            raise SourceFailed(f"files cannot be moved in {self.path}; give this user the right to write there")
        return ready

    def may_grow(self, name: str, nonsense: SourceNonsense) -> bool:
        """Whether a file that looks cut off may still be on its way; a copy may rest for a while."""
        known = self._seen.get(name)
        cut = nonsense.reason in ("not_xlsx", "empty_file") or (
            nonsense.reason == "not_json" and "breaks off" in nonsense.detail
        )
        return cut and known is not None and monotonic() - known[1] < self.settings.patience

    def read(self, name: str) -> bytes | None:
        """The content of a file; None if it changed or went away while it was read.

        Raises:
            SourceNonsense: ``no_file`` for a link or a device, ``too_large``, ``unreadable``.
        """
        try:
            handle = os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            if (self.path / name).is_symlink():
                raise SourceNonsense(
                    "no_file", f"{clean(name)} is a link, which is not followed; put the file itself here"
                ) from None
            raise SourceNonsense("unreadable", f"{clean(name)} cannot be read: {error.strerror}") from None
        with os.fdopen(handle, "rb") as stream:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode):
                raise SourceNonsense("no_file", f"{clean(name)} is no ordinary file")
            if before.st_size > self.settings.max_bytes:
                limit = f"{before.st_size:,} bytes are more than max_bytes = {self.settings.max_bytes:,}"
                raise SourceNonsense("too_large", f"{clean(name)}: {limit}; split it or raise that")
            body = stream.read(self.settings.max_bytes + 1)
            after = os.fstat(handle)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(body) != after.st_size:
            self._seen.pop(name, None)
            return None
        return body

    def put_away(self, name: str, where: str, note: str, ctx: Context) -> None:
        """Move a file to ``done`` or ``failed``, beside one of the same name if there is one, with a note why.

        Where another has taken its name since it was looked at, that one stays and is read in its turn; so does what
        is written over it at the very moment, which is put back.

        Raises:
            SourceFailed: if it cannot be moved.
        """
        if ctx.trial:
            return
        target = self.path / where
        known = self._seen.pop(name, None)
        try:
            found = (self.path / name).lstat()
            if known is not None and known[0] != _shape(found):
                return
            target.mkdir(exist_ok=True)
            if target.is_symlink():
                raise SourceFailed(f"{target} is a link; make it a folder of its own")
            free = self._free(target, name)
            written = target / f"{free.name}.reason.txt"
            if where == "failed" and note:
                with (
                    contextlib.suppress(FileExistsError),
                    written.open("x", encoding="utf-8", errors="replace") as file,
                ):
                    file.write(note + "\n")
            (self.path / name).rename(free)
            if _shape(free.lstat()) != _shape(found):
                free.rename(self._free(self.path, name))
                written.unlink(missing_ok=True)
        except FileNotFoundError:
            pass  # Somebody took it away meanwhile.
        except OSError as error:
            raise SourceFailed(
                f"{clean(name)} cannot be moved to {target}: {error.strerror}; give this user the right to write there"
            ) from error

    @staticmethod
    def _free(target: Path, name: str) -> Path:
        stem, dot, ending = name.rpartition(".")
        for number in range(1, 100_000):
            free = target / (name if number == 1 else f"{stem}.{number}{dot}{ending}")
            if not os.path.lexists(free):
                return free
        raise SourceFailed(f"{target} is full of files called {clean(name)}; empty it")


FEED = Feed(
    kind="folder",
    caption="Files dropped into a folder: CSV, TSV, JSON lines, XLSX, each taken once it is whole",
    parse=parse,
    open=fetch,
    Settings=Settings,
    nouns=fillable(),
    interval=INTERVAL,
    mapped=(
        "`columns` names the header's columns, wherever in the first 30 rows it stands (in two rows: `年度/目标`), "
        "`constants` what no column says, `event` what a row becomes. UTF-8 and GB18030 are told apart; dates of "
        "either calendar (1900, 1904), results of formulas, merged cells are read as a person sees them."
    ),
    refused=(
        "totals rows, formulas never worked out, cells in error, identifiers a spreadsheet rounded (1.1E+17), rows "
        "with too many or few fields; of files: zip bombs, document types, passwords, .xls, links, missing columns "
        "(`failed/NAME.reason.txt` says which). Hidden sheets, rows and columns are left out, as nobody sees them, and "
        "counted; half-copied files are left alone."
    ),
    example="""\
[[feeds]]
kind = "folder"
name = "bureau"
path = "/srv/drop/bureau"
event = "ticket"                   # or another type of event
constants = { channel = "上报表" }
time_formats = ["iso", "%Y/%m/%d %H:%M"]

[feeds.columns]
number = "工单号"
title = "标题"
category = "类别"
unit = "责任单位"
reported = "上报时间"
closed = "结案时间"
place_name = "镇街"
""",
)

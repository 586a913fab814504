"""The messages of the escalation in SQL: what is to be sent, what was, to whom, when, and whether it arrived.

A message is written down before it is sent and marked as under way before it leaves, so that a crash at any moment
leaves one of three things: it is still to be sent, it was sent, or nobody knows. In the last case it is sent again
under the same id, which a receiver that looks at the ``Idempotency-Key`` takes once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Column, Connection, Double, Index, Integer, MetaData, Table, Text, func, or_, select, text
from sqlalchemy.schema import CreateIndex, CreateTable

from dashboard.travel.history import LOCK, History
from dashboard.travel.history import tickets as ticket_rows

WAITING, SENDING, SENT, FAILED, MOOT, SHOWN = STATES = ("waiting", "sending", "sent", "failed", "moot", "shown")
metadata = MetaData()
messages = Table(
    "messages", metadata,
    Column("step", Text, primary_key=True),  # Ticket, run of its clock and step: see ``escalation.Due.id``.
    Column("channel", Text, primary_key=True),  # Empty where nobody stands for the post.
    Column("ticket", Text, nullable=False), Column("name", Text, nullable=False), Column("post", Text, nullable=False),
    Column("unit", Text, nullable=False), Column("moment", Double, nullable=False),  # When the step was due.
    Column("noted", Double, nullable=False),
    Column("title", Text, nullable=False), Column("body", Text, nullable=False),
    Column("state", Text, nullable=False), Column("next", Double, nullable=False),  # When it is to be tried (again).
    Column("tries", Integer, nullable=False), Column("doubts", Integer, nullable=False),
    Column("copy", Integer, nullable=False),  # How often a person asked for it again after it had arrived.
    Column("sent", Double), Column("error", Text, nullable=False),
    Index("messages_next", "state", "channel", "next"), Index("messages_noted", "noted"),
    Index("messages_ticket", "ticket"),
    sqlite_with_rowid=False,
)  # fmt: skip
about = Table(
    "messages_about", metadata, Column("name", Text, primary_key=True), Column("value", Double, nullable=False)
)  # fmt: skip

_INSERT = text(
    f"INSERT INTO messages ({', '.join(column.name for column in messages.c)}) "
    f"VALUES ({', '.join(f':{column.name}' for column in messages.c)}) ON CONFLICT (step, channel) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one channel, as it stands in the log. Moments are seconds since 1970 UTC."""

    step: str
    channel: str
    ticket: str
    name: str
    post: str
    unit: str
    moment: float
    noted: float
    title: str
    body: str
    state: str = WAITING
    next: float = 0.0
    tries: int = 0
    doubts: int = 0
    copy: int = 0
    sent: float | None = None
    error: str = ""

    @property
    def id(self) -> str:
        """Its name among all messages; the same however often it is sent."""
        return f"{self.step}|{self.channel}" + (f"|{self.copy}" if self.copy else "")

    @property
    def run(self) -> float:
        """When the run of the ticket's clock began."""
        return float(self.step.rsplit("|", 2)[1])

    @property
    def clock(self) -> str:
        """Which of the ticket's clocks it is about: ``handle``, or one before it."""
        clock, slash, _ = self.step.rsplit("|", 1)[1].partition("/")
        return clock if slash else "handle"

    def row(self) -> dict[str, Any]:
        """The message by the names of its columns."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message that was under way; ``next`` is when to try again where it did not arrive."""

    step: str
    channel: str
    state: str
    at: float
    error: str = ""
    next: float = 0.0


class Messages:
    """The outbox and the log, in the same database as history. One courier at a time works on it.

    All methods raise ``history.HistoryFailed`` where the database cannot be reached or refuses.
    """

    def __init__(self, url: str) -> None:
        self.history = History(url)
        self.engine = self.history.engine
        self._ready = False

    def prepare(self) -> None:
        """Make the tables that are not there yet, history's too."""
        if self._ready:
            return
        self.history.prepare()
        with self.engine.begin() as db:
            if self.history.postgres:
                db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            for table in metadata.sorted_tables:
                db.execute(CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    db.execute(CreateIndex(index, if_not_exists=True))
        self._ready = True

    def close(self) -> None:
        """Let go of all connections."""
        self.history.close()

    def began(self, moment: float) -> float:
        """When the escalation of this city began: ``moment``, at the first time this is asked, and that ever after."""
        with self.engine.begin() as db:
            db.execute(
                text("INSERT INTO messages_about (name, value) VALUES ('began', :at) ON CONFLICT (name) DO NOTHING"),
                {"at": moment},
            )
            return float(db.execute(select(about.c.value).where(about.c.name == "began")).scalar_one())

    # -- the courier's work ------------------------------------------------------------------------------

    def known(self, steps: Sequence[str]) -> set[str]:
        """Those of the steps that were taken already, whatever the channel."""
        found: set[str] = set()
        with self.engine.connect() as db:
            for start in range(0, len(steps), 500):
                query = select(messages.c.step).where(messages.c.step.in_(steps[start : start + 500]))
                found.update(db.execute(query).scalars())
        return found

    def take(self, fresh: Iterable[Message]) -> None:
        """Write new messages down; one that stands there already stays as it is."""
        rows = [message.row() for message in fresh]
        if rows:
            with self.engine.begin() as db:
                db.execute(_INSERT, rows)

    def doubt(self, under_way: Collection[tuple[str, str]] = (), channels: Sequence[str] = ()) -> int:
        """After a crash: what was under way, and is not in ``under_way``, is to be sent again under the same id.

        Messages to channels other than ``channels`` have nowhere to go, and have failed. Returns how many are in doubt.
        """
        here = messages.c
        with self.engine.begin() as db:
            marked = db.execute(select(here.step, here.channel).where(here.state == SENDING)).all()
            lost = [{"step": row.step, "channel": row.channel} for row in marked if tuple(row) not in under_way]
            if lost:
                statement = "UPDATE messages SET state = 'waiting', next = 0, doubts = doubts + 1 "
                db.execute(text(statement + "WHERE step = :step AND channel = :channel"), lost)
            stray = messages.update().where(here.state == WAITING, here.channel.not_in(list(channels)))
            db.execute(stray.values(state=FAILED, error="no_such_channel"))
            return len(lost)

    def claim(self, channels: Mapping[str, int], now: float, outcomes: Sequence[Outcome] = ()) -> list[Message]:
        """For each channel up to so many messages whose time has come, marked as under way.

        Those whose ticket has been handled meanwhile, or has gone to another unit, are marked as moot instead.
        ``outcomes`` of messages that were under way before are written down in the same transaction.
        """
        claimed: list[Message] = []
        with self.engine.begin() as db:
            _settle(db, outcomes)
            for channel, room in channels.items():
                if room <= 0:
                    continue
                query = (
                    select(messages)
                    .where(messages.c.state == WAITING, messages.c.channel == channel, messages.c.next <= now)
                    .order_by(messages.c.next, messages.c.step)
                    .limit(room)
                )
                claimed += [Message(**row._mapping) for row in db.execute(query)]
            if not claimed:
                return []
            moot = _handled(db, claimed)
            for state, some in (
                (SENDING, [one for one in claimed if one.step not in moot]),
                (MOOT, [one for one in claimed if one.step in moot]),
            ):
                if some:
                    statement = text("UPDATE messages SET state = :state WHERE step = :step AND channel = :channel")
                    db.execute(statement, [{"state": state, "step": m.step, "channel": m.channel} for m in some])
        return [message for message in claimed if message.step not in moot]

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what became of messages that were under way."""
        with self.engine.begin() as db:
            _settle(db, outcomes)

    def counts(self) -> dict[str, int]:
        """How many messages are in each state."""
        with self.engine.connect() as db:
            found = db.execute(select(messages.c.state, func.count()).group_by(messages.c.state))
            return dict.fromkeys(STATES, 0) | {state: int(n) for state, n in found}

    def oldest(self, now: float) -> float | None:
        """Since when the message waits that waits longest and not for quiet hours to end; None if none does."""
        with self.engine.connect() as db:
            query = select(func.min(messages.c.noted)).where(
                messages.c.state.in_((WAITING, SENDING)), or_(messages.c.next <= now, messages.c.tries > 0)
            )
            return cast("float | None", db.execute(query).scalar_one())

    # -- the log -----------------------------------------------------------------------------------------

    def newest(self, limit: int, *, failed: bool = False, ticket: str = "") -> list[Message]:
        """The latest messages; with ``failed`` those that have not arrived though they were tried."""
        query = select(messages).order_by(messages.c.noted.desc(), messages.c.step, messages.c.channel).limit(limit)
        if failed:
            query = query.where(or_(messages.c.state == FAILED, (messages.c.state == WAITING) & (messages.c.tries > 0)))
        if ticket:
            query = query.where(messages.c.ticket == ticket)
        with self.engine.connect() as db:
            return [Message(**row._mapping) for row in db.execute(query)]

    def resend(self, message_id: str | None = None) -> int:
        """Have a message sent again, or all that failed; returns how many.

        One that had arrived goes out as another copy, under another id; one that had not keeps its own.
        """
        again = {"state": WAITING, "next": 0.0, "tries": 0, "error": ""}
        with self.engine.begin() as db:
            if message_id is None:
                query = messages.update().where(messages.c.state == FAILED).values(**again)
                return int(db.execute(query).rowcount)
            found = next(
                (
                    message
                    for message in (Message(**row._mapping) for row in db.execute(_candidates(message_id)))
                    if message_id in (message.id, f"{message.step}|{message.channel}")
                ),
                None,
            )
            if found is None or not found.channel or found.state in (SENDING, WAITING):
                return 0
            here = (messages.c.step == found.step) & (messages.c.channel == found.channel)
            more = found.copy + (found.state == SENT)
            return int(db.execute(messages.update().where(here).values(**again, copy=more)).rowcount)


def lines(found: Iterable[Message], counts: Mapping[str, int]) -> Iterable[str]:
    """The log for people: a line for each message, and how many there are in each state."""
    for one in found:
        state = one.state + (f" ({one.error})" if one.error else "")
        state += " in doubt" if one.doubts and one.sent is None else ""
        to = f"{one.post} of {one.unit}" + (f" by {one.channel}" if one.channel else ", on the desk alone")
        yield f"{_time(one.moment)}  {one.name:<12}{one.ticket}  to {to}: {state}" + (
            f" at {_time(one.sent)}" if one.sent else ""
        )
        yield f"    {one.body}"
        yield f"    {one.id}, tried {one.tries} times"
    yield ", ".join(f"{counts[state]:,} {state}" for state in STATES)


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _candidates(message_id: str) -> Any:
    """The messages whose id begins as this one does: a step's name holds ``|`` itself, and so may a ticket's."""
    parts = message_id.split("|")
    steps = ["|".join(parts[:at]) for at in range(2, len(parts))]
    return select(messages).where(messages.c.step.in_(steps))


def _settle(db: Connection, outcomes: Sequence[Outcome]) -> None:
    if outcomes:
        statement = text(
            "UPDATE messages SET state = :state, tries = tries + 1, error = :error, next = :next, "
            "sent = CASE WHEN :state = 'sent' THEN CAST(:at AS DOUBLE PRECISION) ELSE sent END "
            "WHERE step = :step AND channel = :channel"
        )
        db.execute(statement, [{name: getattr(one, name) for name in Outcome.__slots__} for one in outcomes])


def _handled(db: Connection, claimed: Collection[Message]) -> set[str]:
    """The steps among these that nobody needs any more.

    History may be behind the board that found a step due: an end before that moment is not the last word on the
    ticket, and neither is a unit from before the clock's run began.
    """
    by_source: dict[str, list[str]] = {}
    for message in claimed:
        source, _, number = message.ticket.partition("|")
        by_source.setdefault(source, []).append(number)
    t = ticket_rows.c
    columns = (t.number, t.closed, t.done_at, t.state, t.unit, t.dispatched, t.since)
    rows = {
        f"{source}|{row.number}": row
        for source, numbers in by_source.items()
        for row in db.execute(select(*columns).where(t.source == source, t.number.in_(numbers)))
    }

    def over(message: Message) -> bool:
        row = rows.get(message.ticket)
        if row is None:
            return False
        if message.clock != "handle":  # It has been accepted, or has left the stage in which the clock ran.
            return row.since > message.run + 0.001 or (message.clock == "accept" and row.state == "accepted")
        ended = max((moment for moment in (row.done_at, row.closed) if moment is not None), default=None)
        if ended is not None and ended >= message.moment:
            return True
        moved = row.unit != message.unit and row.dispatched is not None and row.dispatched > message.run
        return moved or row.state in ("rejected", "voided", "merged")

    return {message.step for message in claimed if over(message)}

"""A ticket's whole life: no path leaves the table, time adds up, and no order of arrival matters."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dashboard.board import Board
from dashboard.nouns.life import TABLE, live, why_not
from dashboard.nouns.shelf import Shelf
from dashboard.nouns.sla import used
from dashboard.nouns.tally import Tickets
from dashboard.nouns.ticketevents import TICKET_EVENTS, TicketEvent
from dashboard.nouns.tickets import apply, complaints, deadline, light, on_time, relived, spans, trail
from dashboard.nouns.ticketstate import ASIDE, HANDLING, STATES, Ticket, steps
from dashboard.nouns.ticketviews import NOUN
from dashboard.travel.historian import Historian
from dashboard.travel.history import History
from dashboard.travel.history import tickets as history_table
from dashboard.travel.stream import Entry
from dashboard.travel.ticketfacts import row_of
from tests.lives import KINDS, RULES, TREE, batch, board_of, moment, shown, tick, told


def lived(*events: TicketEvent) -> Ticket:
    ticket: Ticket | None = None
    for event in events:
        ticket = apply(ticket, event)
    assert ticket is not None
    return ticket


def minutes(*kinds: str | tuple[str, dict[str, Any]]) -> list[TicketEvent]:
    """Events a minute after one another."""
    plain = [(kind, cast("dict[str, Any]", {})) if isinstance(kind, str) else kind for kind in kinds]
    return [told(kind, float(n), **data) for n, (kind, data) in enumerate(plain)]


FULL = minutes(
    "reported", "verifying", "accepted", "filed", "dispatched", "signed", "contacted", "done", "inspected", "closed",
    ("called_back", {"solved": True, "satisfied": True}), "rated",
)  # fmt: skip


def test_the_whole_life_leads_through_all_stages() -> None:
    seen = []
    ticket: Ticket | None = None
    for event in FULL:
        ticket = apply(ticket, event)
        seen.append(ticket.state)
    assert ticket is not None
    assert seen[:10] == [
        "reported", "verifying", "accepted", "filed", "dispatched", "in_progress", "in_progress", "done", "inspecting",
        "closed",
    ]  # fmt: skip
    assert [(start, end) for _, start, end in steps(ticket)] == [(6, 0), (0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert (ticket.anomalies, ticket.stars, ticket.solved, ticket.satisfied) == ((), 4, True, True)
    assert trail(ticket) == FULL
    assert relived(ticket.source, ticket.number, ticket.trail) == ticket


@pytest.mark.parametrize("state", [state for state in STATES if state])
@pytest.mark.parametrize("kind", KINDS)
def test_the_table_alone_decides_what_may_follow_what(state: str, kind: str) -> None:
    paths: dict[str, list[Any]] = {
        "reported": ["reported"], "verifying": ["reported", "verifying"], "accepted": ["reported", "accepted"],
        "filed": ["reported", "accepted", "filed"], "dispatched": ["reported", "filed", "dispatched"],
        "in_progress": ["reported", "filed", "dispatched", "signed"],
        "done": ["reported", "filed", "dispatched", "signed", "done"],
        "inspecting": ["reported", "filed", "dispatched", "done", "inspected"],
        "closed": ["reported", "filed", "dispatched", "done", "closed"], "rejected": ["reported", "rejected"],
        "voided": ["reported", "voided"], "merged": ["reported", "merged"],
    }  # fmt: skip
    before = lived(*minutes(*paths[state]))
    assert before.state == state
    after = apply(before, told(kind, 60))
    fits = state in TABLE[KINDS[kind]].states and not why_not(before, told(kind, 60), moment(60).timestamp())
    assert (after.anomalies == ()) == fits
    if not fits:
        assert after.state == state
        assert (after.clock, after.steps, after.returns) == (before.clock, before.steps, before.returns)
        assert after.anomalies[0].startswith("not_from_") == (state not in TABLE[KINDS[kind]].states)


def test_an_end_is_an_end() -> None:
    for state in ASIDE:
        assert all(state not in found.states for found in TABLE.values()), state


# -- the clock ---------------------------------------------------------------------------------------------


def test_returned_to_the_same_unit_what_was_left_goes_on_and_another_begins_anew() -> None:
    events = [
        told("reported", 0), told("filed", 1), told("dispatched", 10), told("returned", 40), told("dispatched", 100),
    ]  # fmt: skip
    same = lived(*events)
    assert deadline(lived(*events[:-1]), RULES) is None, "nobody knows how long it lies there"
    assert deadline(same, RULES) == moment(100 + 120 - 30).timestamp()
    assert (same.returns, same.transfers) == (1, 0)
    other = lived(*events[:-1], told("dispatched", 100, unit="west"))
    assert deadline(other, RULES) == moment(100 + 120).timestamp()
    assert (other.transfers, other.unit) == (1, "west")


def test_a_suspension_pauses_and_ends_by_itself() -> None:
    events = [told("reported", 0), told("dispatched", 0), told("signed", 5), told("suspended", 30, until=moment(300))]
    ticket = lived(*events)
    assert deadline(ticket, RULES) == moment(300 + 90).timestamp()
    for at, name in [(30, 0), (300, 0), (300.1, 1), (390, 2), (390.1, 3)]:
        assert light(ticket, moment(at).timestamp(), RULES)[0] == name, at
    assert deadline(apply(ticket, told("resumed", 90)), RULES) == moment(90 + 90).timestamp()
    assert apply(ticket, told("resumed", 301)).anomalies == ("not_suspended",)
    assert apply(ticket, told("suspended", 310)).anomalies == ("second_suspension",)
    done = apply(ticket, told("done", 60))
    assert (done.anomalies, done.suspended_until, len(done.clock)) == ((), None, 2), "done while it rested"


def test_a_suspended_ticket_is_not_due_to_close_and_is_again_afterwards() -> None:
    events = [told("reported", 0), told("dispatched", 0), told("suspended", 30, until=moment(300))]
    for now, due in ((20, 1), (60, 0), (301, 1)):
        board = board_of(events[: 2 if now == 20 else 3], now)
        assert board.view("tickets", "d")["data"]["due_month"] == [due, 0], now


def test_an_extension_adds_one_limit_twice_at_most_and_only_in_time() -> None:
    base = [told("reported", 0), told("dispatched", 0), told("signed", 1)]
    once = lived(*base, told("extended", 100))
    twice = apply(once, told("extended", 200))
    assert (deadline(once, RULES), deadline(twice, RULES)) == (moment(240).timestamp(), moment(360).timestamp())
    assert apply(twice, told("extended", 300)).anomalies == ("third_extension",)
    assert apply(twice, told("extended", 300, granted=False)).anomalies == ()
    late = lived(*base, told("extended", 121))
    assert deadline(late, RULES) == moment(120).timestamp()
    assert complaints(late, RULES) == ("extended_after_overdue",)


def test_rework_and_reopening_go_on_with_what_was_left() -> None:
    events = [
        told("reported", 0), told("dispatched", 0), told("done", 50), told("inspected", 60, passed=False),
        told("closed", 61), told("reworked", 70), told("done", 100), told("inspected", 110), told("closed", 120),
    ]  # fmt: skip
    ticket = lived(*events)
    assert (ticket.anomalies, ticket.reworks, on_time(ticket, RULES)) == (("failed_inspection",), 1, True)
    assert deadline(ticket, RULES) == moment(70 + 70).timestamp()
    back = apply(ticket, told("called_back", 200, satisfied=False, reopen=True))
    assert (back.state, back.reopened, back.closed) == ("in_progress", 1, None)
    assert deadline(back, RULES) == moment(200 + 40).timestamp()
    again = lived(*events, told("called_back", 200, solved=False, reopen=True), told("done", 250), told("closed", 260))
    assert on_time(again, RULES) is False
    assert apply(again, told("called_back", 300, satisfied=False, reopen=True)).anomalies[-1] == "second_reopening"


def test_an_exempted_ticket_counts_as_on_time_until_that_is_taken_back() -> None:
    late = lived(told("reported", 0), told("filed", 1), told("dispatched", 2), told("done", 200), told("closed", 210))
    assert on_time(late, RULES) is False
    granted = apply(late, told("exempted", 300))
    assert (granted.exempted, on_time(granted, RULES), granted.anomalies) == (True, True, ())
    assert (granted.state, granted.clock, granted.steps) == (late.state, late.clock, late.steps)
    for ticket, told_by_history in ((late, (0, 0)), (granted, (1, 1))):
        row = dict(zip(history_table.c.keys(), row_of(ticket, RULES), strict=True))
        assert (row["on_time"], row["exempted"]) == told_by_history
    back = apply(granted, told("exempted", 400, granted=False))
    assert (back.exempted, on_time(back, RULES), back.anomalies) == (False, False, ())
    # It may be said at any time of its life but its end, and in any order.
    early = lived(told("reported", 0), told("exempted", 0.5))
    assert (early.exempted, early.plain, on_time(early, RULES)) == (True, True, None)
    voided = apply(apply(late, told("voided", 250)), told("exempted", 300))
    assert (voided.exempted, voided.anomalies) == (False, ("not_from_voided",))
    assert apply(apply(late, told("exempted", 400, granted=False)), told("exempted", 300)) == back


BEFORE_EXEMPTIONS = (
    "reported", "verifying", "accepted", "rejected", "filed", "dispatched", "signed", "contacted", "returned",
    "extended", "suspended", "resumed", "done", "inspected", "reworked", "closed", "called_back", "rated", "whistled",
    "reported_in", "whistle_answered", "whistle_closed", "supervised", "merged", "voided",
)  # fmt: skip


def test_a_snapshot_and_a_trail_of_before_the_exemptions_are_read_as_they_were_meant() -> None:
    assert tuple(KINDS)[: len(BEFORE_EXEMPTIONS)] == BEFORE_EXEMPTIONS, "trails number the events by their order"
    assert Ticket.__struct_fields__[:2] == ("source", "number")
    assert Ticket.__struct_fields__[54:] == ("trail", "exempted"), "an old ticket ends with its trail"
    board = board_of([*FULL, *CLOSED[:3], told("reported", 0, "2", unit="east")], 600)
    now, tickets = msgspec.msgpack.decode(msgspec.msgpack.encode(board.slices["ticket"].dump()))
    old = Tickets(RULES)
    old.load([now, [ticket[:55] for ticket in tickets]])
    assert old.tickets == cast(Tickets, board.slices["ticket"]).tickets
    with pytest.raises(msgspec.ValidationError):
        Tickets(RULES).load([now, [[*ticket[:30], 1, *ticket[30:]] for ticket in tickets]])


def test_a_plain_ticket_is_handled_from_its_report_until_it_is_closed() -> None:
    ticket = lived(told("reported", 0, unit="east", due=moment(60)))
    assert (ticket.stage, ticket.plain, deadline(ticket, RULES)) == (3, True, moment(60).timestamp())
    assert lived(told("reported", 0)).stage == 0
    closed = apply(ticket, told("closed", 60))
    assert (closed.stage, on_time(closed, RULES)) == (5, True)
    # With the first event of the long life the source's deadline is only kept beside ours.
    filed = apply(ticket, told("filed", 5))
    assert (filed.stage, filed.plain, deadline(filed, RULES)) == (1, False, None)
    assert deadline(apply(filed, told("dispatched", 10)), RULES) == moment(10 + 120).timestamp()
    assert filed.due == moment(60).timestamp()


def test_a_report_that_is_put_right_is_counted_as_it_is_now_and_what_was_settled_since_stays() -> None:
    other: dict[str, Any] = {
        "title": "Hole",
        "category": "noise",
        "condition": "",
        "unit": "west",
        "place": "b",
        "due": moment(90),
    }
    plain = lived(told("reported", 0, unit="east", place="a1", due=moment(60)))
    after = apply(plain, told("amended", 5, **other))
    assert (after.title, after.category, after.unit, after.place) == ("Hole", "noise", "west", "b")
    assert (after.reported, after.stage, after.due, after.anomalies) == (plain.reported, 3, moment(90).timestamp(), ())
    assert lived(told("amended", 5, **other), told("reported", 0, unit="east", due=moment(60))).title == "Hole"
    sent = lived(*BEFORE, told("amended", 5, **other))
    assert (sent.title, sent.place) == ("Hole", "b")
    assert (sent.category, sent.condition, sent.unit) == ("cover", "broken", "east")
    assert lived(*CLOSED, told("amended", 50, **other)).state == "closed"
    board = board_of([told("reported", 0, place="a1"), told("amended", 1, **other)], 10)
    found = [board.view("tickets", place)["data"]["open"] for place in ("a1", "b", "d")]
    assert found == [0, 1, 1]  # Its place counts it no more, and the other does.


# -- what does not fit -------------------------------------------------------------------------------------

BEFORE = [told("reported", 0), told("filed", 1), told("dispatched", 2), told("signed", 3)]
CLOSED = [*BEFORE, told("done", 30), told("closed", 40)]
WRONG: dict[str, tuple[list[TicketEvent], TicketEvent]] = {
    "unknown_category": ([], told("reported", 0, category="dragons", condition="")),
    "unknown_condition": ([], told("reported", 0, condition="haunted")),
    "unknown_unit": ([], told("reported", 0, unit="nobody")),
    "bad_limit": ([], told("reported", 0, due=moment(0))),
    "closed_before_reported": ([told("reported", 0)], told("closed", -1)),
    "signed_unreported": ([], told("signed", 3)),
    "second_reopening": (
        [*CLOSED, told("called_back", 50, satisfied=False, reopen=True), told("done", 60), told("closed", 70)],
        told("called_back", 80, satisfied=False, reopen=True),
    ),
    "reopened_without_complaint": (CLOSED, told("called_back", 50, satisfied=True, reopen=True)),
    "extended_after_overdue": (BEFORE, told("extended", 500)),
    "return_without_reason": (BEFORE, told("returned", 20, why=" ")),
    "rework_without_reason": (CLOSED[:-1], told("reworked", 35, why="")),
    "exempt_without_reason": (CLOSED, told("exempted", 50, why="")),
    "exempted_unreported": ([], told("exempted", 3)),
    "amended_unreported": ([], told("amended", 3)),
    "void_without_reason": (BEFORE, told("voided", 20, why="")),
    "not_from_in_progress": (BEFORE, told("closed", 20)),
    "not_from_closed": (CLOSED, told("signed", 50)),
    "not_whistled_for": ([*BEFORE, told("whistled", 5)], told("reported_in", 6, unit="west")),
    "merged_into_itself": (BEFORE, told("merged", 5, into="1")),
    "suspended_too_long": (BEFORE, told("suspended", 5, until=moment(60 * 24 * 400))),
}


@pytest.mark.parametrize("reason", WRONG)
def test_what_does_not_fit_is_named_counted_and_bends_nothing(reason: str) -> None:
    good, bad = WRONG[reason]
    with_it, without = board_of([*good, bad], 600), board_of(good, 600)
    for seed in range(8):
        assert shown(board_of([*good, bad], 600, seed=seed)) == shown(with_it)
    assert with_it.view("anomalies", "d")["data"] == {"sources": {"one": {reason: 1}}, "n": 1}
    if bad.kind != "ticket.reported":
        views = {key: data for key, data in shown(with_it).items() if key[0] != "anomalies"}
        assert views == {key: data for key, data in shown(without).items() if key[0] != "anomalies"}
    kept = cast(Tickets, with_it.slices["ticket"]).tickets["one|1"]
    assert bad in trail(kept), "it is kept all the same"


def test_events_of_one_moment_are_understood_as_the_table_allows() -> None:
    at_once = [told(kind, 5, id=kind[::-1]) for kind in ("reported", "accepted", "filed", "dispatched", "signed")]
    for seed in range(20):
        board = board_of(at_once, 10, seed=seed)
        (ticket,) = cast(Tickets, board.slices["ticket"]).tickets.values()
        assert (ticket.state, ticket.anomalies) == ("in_progress", ())


def test_an_id_that_comes_with_two_contents_counts_once_and_the_same_in_every_order() -> None:
    one, other = told("reported", 5, id="r", place="a1"), told("reported", 6, id="r", place="b")
    views = [shown(board_of(events, 10)) for events in ([one, other], [other, one], [other, one, other])]
    assert views[0] == views[1] == views[2]
    assert views[0]["tickets", "a"]["total"] == 1
    assert views[0]["anomalies", "d"]["n"] == 0


def test_a_caller_with_the_same_matter_within_thirty_days_complains_again() -> None:
    day = 24 * 60
    calls = [
        told("reported", at * day, str(n), caller=caller, category=category)
        for n, (at, caller, category) in enumerate(
            [(0, "x", "noise"), (3, "x", "noise"), (4, "x", "cover"), (5, "y", "noise"), (35, "x", "noise"),
             (6, "", "noise")]
        )
    ]  # fmt: skip
    for seed in (None, 1, 2, 3):
        slice_ = cast(Tickets, board_of(calls, 40 * day, seed=seed).slices["ticket"])
        slice_.settle()
        assert slice_._repeated == {"one|1"}
    # Without the first report, the second one is the first, and with it again it is not.
    later = cast(Tickets, board_of([*calls[1:], calls[0]], 40 * day).slices["ticket"])
    later.settle()
    assert later._repeated == {"one|1"}


# -- any life ----------------------------------------------------------------------------------------------

LIKELY = {
    "": ["reported"], "reported": ["accepted", "filed", "dispatched", "closed"], "verifying": ["accepted", "filed"],
    "accepted": ["filed", "dispatched"], "filed": ["dispatched"], "dispatched": ["signed", "done", "returned"],
    "in_progress": ["done", "contacted", "suspended", "resumed", "extended", "returned"],
    "done": ["inspected", "closed", "reworked"], "inspecting": ["closed", "reworked"],
    "closed": ["called_back", "rated"], "rejected": [], "voided": [], "merged": [],
}  # fmt: skip
DATA: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "reported": st.fixed_dictionaries(
        {"place": st.sampled_from([*TREE.by_code, "", "nowhere"]),
         "unit": st.sampled_from(["", "east", "west", "nobody"]),
         "category": st.sampled_from(["cover", "noise", "dragons"]),
         "condition": st.sampled_from(["", "broken", "gone", "haunted"]), "caller": st.sampled_from(["", "x"]),
         "urgent": st.booleans(), "due": st.none() | st.integers(-30, 4000).map(moment)}),
    "dispatched": st.fixed_dictionaries(
        {"unit": st.sampled_from(["east", "west", ""]), "condition": st.sampled_from(["", "gone"])}),
    "returned": st.fixed_dictionaries({"why": st.sampled_from(["no", ""])}),
    "inspected": st.fixed_dictionaries({"passed": st.booleans()}),
    "extended": st.fixed_dictionaries({"granted": st.booleans()}),
    "suspended": st.fixed_dictionaries({"until": st.none() | st.integers(0, 3000).map(moment)}),
    "exempted": st.fixed_dictionaries({"granted": st.booleans(), "why": st.sampled_from(["flood", "flood", ""])}),
    "supervised": st.fixed_dictionaries({"level": st.integers(0, 3)}),
    "called_back": st.fixed_dictionaries(
        {"solved": st.sampled_from([None, True, False]), "satisfied": st.sampled_from([None, True, False]),
         "reopen": st.booleans()}),
}  # fmt: skip
NUMBERS = ("1", "2", "3")


class Lives(RuleBasedStateMachine):
    """Three tickets to which anything happens at any time, likely things more often."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[TicketEvent] = []
        self.tickets: dict[str, Ticket] = {}
        self.at = 0

    @rule(data=st.data(), number=st.sampled_from(NUMBERS), after=st.sampled_from([0, 1, 5, 60, 700]))
    def tell(self, data: st.DataObject, number: str, after: int) -> None:
        """Something happens to a ticket, that may fit or not."""
        self.at += after
        state = self.tickets[number].state if number in self.tickets else ""
        likely = LIKELY[state]
        kind = data.draw(st.sampled_from([*likely, *likely, *KINDS]) if likely else st.sampled_from(list(KINDS)))
        more: dict[str, Any] = data.draw(DATA.get(kind, st.just({})))
        event = told(kind, self.at, number, id=f"e{len(self.events)}", **more)
        self.events.append(event)
        self.tickets[number] = apply(self.tickets.get(number), event)

    @invariant()
    def no_path_leaves_the_table(self) -> None:
        """Every ticket is in a state that the table knows, and came there by moves that it allows."""
        for ticket in self.tickets.values():
            assert ticket.state in STATES
            again = Ticket(ticket.source, ticket.number)
            for event in trail(ticket):
                start = again.state
                reason = live(again, event, event.time.timestamp())
                row = TABLE[type(event)]
                if reason:
                    assert again.state == start
                else:
                    assert start in row.states
                    reopened = event.kind == "ticket.called_back" and getattr(event, "reopen", False)
                    assert again.state == (row.to or start) or (reopened and again.state in ("in_progress", "reported"))
            assert again.state == ticket.state

    @invariant()
    def running_and_paused_make_up_what_has_passed(self) -> None:
        """The clock runs exactly while somebody handles the ticket and it is not suspended; the rest is paused."""
        for ticket in self.tickets.values():
            if not ticket.clock:
                continue
            now = max(moment(self.at).timestamp(), ticket.clock[0])
            ran = 3600 * used(spans(ticket), now, RULES.calendar, "urgent_hour")
            assert ran == pytest.approx(self.by_hand(ticket, now), abs=1e-3)
            bounds = [at for at in ticket.clock if at <= now]
            paused = sum(start - stop for stop, start in zip(bounds[1::2], [*bounds[2::2], now], strict=False))
            assert ran + paused == pytest.approx(now - ticket.clock[0], abs=1e-3)

    @staticmethod
    def by_hand(ticket: Ticket, now: float) -> float:
        """Seconds of handling, added up from state to state, without the ticket's own clock."""
        shadow, seconds, last, resumes = Ticket(ticket.source, ticket.number), 0.0, 0.0, 0.0
        began = ticket.clock[0]

        def handled(until: float) -> float:
            if shadow.state not in HANDLING and not (shadow.plain and shadow.state == "reported"):
                return 0.0
            return max(0.0, until - max(last, resumes, began))

        for event in trail(ticket):
            at = event.time.timestamp()
            seconds += handled(at)
            last = at
            had = shadow.suspended
            live(shadow, event, at)
            if shadow.suspended is not None and had is None:
                resumes = shadow.suspended_until or at
            elif shadow.suspended_until is None:
                resumes = 0.0
        return seconds + handled(now)

    def teardown(self) -> None:
        """However the same events come, the board is the same; and every place counts what its children count."""
        plain = board_of(self.events, self.at + 30)
        expected = shown(plain)
        for seed in (1, 2):
            assert shown(board_of(self.events, self.at + 30, seed=seed)) == expected
        assert shown(Board.restore(RULES, plain.dump())) == expected
        slice_ = cast(Tickets, plain.slices["ticket"])
        for place in TREE.by_code:
            own, below = slice_.tally(place), [slice_.tally(child.code) for child in TREE.children(place)]
            here = [t for t in slice_.tickets.values() if (t.place if t.place in TREE else "d") == place]
            only = Tickets(RULES)
            only.advance(slice_.now)
            only.tickets = Shelf(here)
            only._waiting = dict.fromkeys(only.tickets)
            only._repeated = slice_._repeated
            for slot in {slot for tally in (own, *below) for slot in tally.counts}:
                if isinstance(slot, str):
                    assert own[slot] == sum(tally[slot] for tally in below) + only.city[slot], (place, slot)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_replay_from_history_gives_the_same_board(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    events: list[TicketEvent] = []
    at = 0
    for n in range(data.draw(st.integers(1, 30))):
        at += data.draw(st.sampled_from([0, 3, 300]))
        kind = data.draw(st.sampled_from([*KINDS, "reported", "dispatched", "done", "closed"]))
        number = data.draw(st.sampled_from(NUMBERS))
        more: dict[str, Any] = data.draw(DATA.get(kind, st.just({})))
        events.append(told(kind, at, number, id=f"e{n}", **more))
    order = data.draw(st.permutations(events))
    history = History(f"sqlite:///{tmp_path_factory.mktemp('life') / 'h.db'}", RULES)
    historian = Historian(history)
    historian.start()
    size = data.draw(st.integers(1, 10))
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    for seq, part in enumerate(parts, 1):
        historian.take([Entry(f"{seq}-0", "one@1", seq, len(part), batch(part))], 0.0)
    replayed = Board(RULES)
    for kept in history.batches("one@1", 0, len(parts)):
        replayed.fold("one@1", kept.seq, kept.packed)
    straight = board_of(events, at + 1)
    replayed.fold("clock", 1, batch([tick(at + 1)]))
    assert shown(replayed) == shown(straight)
    assert {ticket.key: ticket for ticket in history.all_tickets()} == cast(Tickets, straight.slices["ticket"]).tickets
    history.close()


def test_every_event_and_every_view_has_its_noun() -> None:
    assert set(NOUN.events) == set(TICKET_EVENTS) == set(TABLE)


def test_lights_turn_at_their_moments_without_any_event_also_after_a_restart() -> None:
    events = [
        told("reported", 0), told("dispatched", 0), told("signed", 1), told("suspended", 30, until=moment(300)),
        told("reported", 0, "2", due=moment(100)),
    ]  # fmt: skip
    moments = (10, 30, 75, 101, 201, 299, 301, 355, 391, 511)
    running = board_of(events, 5)
    seen = []
    for at in moments:
        restarted = Board.restore(RULES, running.dump())
        for board in (running, restarted):
            board.fold(f"clock {at}", 1, batch([tick(at)]))
        fresh = board_of(events, at)
        assert shown(running) == shown(restarted) == shown(fresh), at
        lights = running.view("tickets", "d")["data"]["lights"]
        seen.append([name for name, n in lights.items() for _ in range(n)])
    assert seen == [
        ["none", "normal"], ["none", "normal"], ["none", "soon"], ["none", "overdue"], ["none", "worst"],
        ["none", "worst"], ["normal", "worst"], ["soon", "worst"], ["overdue", "worst"], ["worst", "worst"],
    ]  # fmt: skip


def test_what_waits_to_be_counted_is_counted_by_itself_when_it_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.nouns.tally.AT_ONCE", 3)
    tickets = Tickets(RULES)
    for n in range(10):
        tickets.fold(told("reported", n, str(n)))
        assert len(tickets._waiting) <= 3
    assert tickets.city["total"] == 10

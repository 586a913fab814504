"""The stages: what their formula calls late is what is counted as late."""

from __future__ import annotations

from dashboard.words import STAGES
from panels.stages import PANEL
from tests.dashboard.nouns.test_ticketflow import board_of, event, life, view

STEPS = {"report": ("受理", "accepted"), "file": ("派遣", "dispatched"), "dispatch": ("签收", "signed")}


def test_late_before_the_handling_is_a_step_that_is_overdue_and_the_formula_says_so() -> None:
    board = board_of(
        *life("new", -4, upto="reported"), event("new", "verifying", -3.9), *life("filed", -15, upto="filed"),
        *life("sent", -28, upto="dispatched"), event("sent", "extended", -5, granted=True),
    )  # fmt: skip
    rows = {row["stage"]: row["late"] for row in view(board, "stages")["stages"]}
    lights = view(board, "tickets")["lights"]
    for stage, (zh, en) in STEPS.items():
        assert rows[stage] == 1, stage
        assert STAGES[stage].zh in PANEL.formula.zh
        assert zh in PANEL.formula.zh
        assert STAGES[stage].en.lower() in PANEL.formula.en
        assert en in PANEL.formula.en
    assert lights["overdue"] + lights["worst"] == 0, "nobody's deadline has passed"

"""The flow's picture says of every move back what it is, and nothing that its table counts otherwise."""

from __future__ import annotations

import pytest

from panels.flow import PANEL
from tests.contracts.test_panels import context
from tests.dashboard.nouns.test_ticketflow import board_of, event, life, view
from tests.panels.test_decide import said

WORDS = {"zh": ("改派", "回退", "返工", "重开"), "en": ("Sent on", "Returned", "Reworked", "Reopened")}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_ticket_sent_on_to_another_unit_is_not_called_returned(language: str) -> None:
    board = board_of(*life("1", -9, upto="signed"), event("1", "dispatched", -2, unit="乙办"))
    flow = view(board, "flow")
    assert ["handle", "dispatch", 1] in flow["week"]["links"]
    assert flow["week"]["returns"] == [0, 1], "it was dispatched once, and sent on once"
    painted = PANEL.paint({"flow": flow}, context(language=language))
    picture = said(painted, "flow-picture.children")
    assert f"↩ {WORDS[language][0]} 1" in picture
    assert not any(word in picture for word in WORDS[language][1:])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_other_move_back_keeps_its_name(language: str) -> None:
    moves = [["handle", "file", 7], ["dispatch", "file", 5], ["inspect", "handle", 3], ["close", "handle", 2]]
    forth = [["file", "dispatch", 90], ["dispatch", "handle", 90], ["handle", "inspect", 90], ["inspect", "close", 90]]
    painted = PANEL.paint({"flow": {"week": {"links": [*forth, *moves]}}}, context(language=language))
    picture = said(painted, "flow-picture.children")
    sent_on, returned, reworked, reopened = WORDS[language]
    for told in (f"{returned} 7", f"{returned} 5", f"{reworked} 3", f"{reopened} 2"):
        assert f"↩ {told}" in picture
    assert sent_on not in picture

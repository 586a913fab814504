"""A ticket's page shows what leaders asked for on it, from history, closed ones too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dashboard.casework.orders import face, orders_by, title
from dashboard.casework.ticketrows import Reader
from dashboard.nouns.instructions import InstructionClosed, InstructionGiven, InstructionReported
from dashboard.screens.page import to_json
from dashboard.travel.history import History
from tests.contracts.test_panels import PLACES, city
from tests.flow import rules

START = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def test_orders_are_read_by_ticket_and_lead_to_what_can_be_done(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    history = History(url, rules())
    history.prepare()
    about: dict[str, Any] = {"source": "desk", "by": "区长", "subject": "hotline|7"}
    told = [
        InstructionGiven(id="1", time=START, instruction="a", to="east", text="<b>今日办结</b>",
                         due=START + timedelta(hours=8), **about),
        InstructionGiven(id="2", time=START + timedelta(hours=1), instruction="b", to="east", text="报方案",
                         due=START + timedelta(hours=9), **about),
        InstructionReported(id="3", time=START + timedelta(hours=2), instruction="b", comment="已报", **about),
        InstructionClosed(id="4", time=START + timedelta(hours=3), instruction="b", **about),
        InstructionGiven(id="5", time=START, instruction="c", to="east", text="别处",
                         due=START + timedelta(hours=8), **{**about, "subject": "hotline|8"}),
    ]  # fmt: skip
    history.write(told, [], [], {})
    orders = orders_by(url)
    found = orders("hotline|7")
    assert [(one.id, one.state) for one in found] == [("b", "closed"), ("a", "given")]
    assert orders("hotline|9") == []
    to = Reader(city(), PLACES, "zh", (START + timedelta(hours=9)).timestamp())
    assert title(found, to) == "领导批示 · 1 项在办"
    row = {"title": "井盖", "category": "", "number": "7", "place": "A", "unit": "east"}
    drawn = to_json(face("hotline|7", row, found, rules(), to)).decode()
    assert "<b>今日办结</b>" in drawn, "as text, which draw.mjs never runs"
    assert '"data-instruct":"hotline|7"' in drawn
    assert "overdue" in drawn
    assert "已办结" in drawn

"""Tickets fall due while roles are killed: a real web hook receives each step exactly once, and the log agrees."""

from __future__ import annotations

import os
import random

import pytest

from bench.escalation import Receiver, city, expected_of, trial
from bench.house import House, until

TICKETS = int(os.environ.get("CITYWALL_ALARM_TICKETS", "200"))


@pytest.mark.slow
def test_each_step_is_received_once_whoever_dies() -> None:
    """Beside the kills, the receiver refuses a twentieth, and takes a fiftieth without saying so."""
    with (
        Receiver(random.Random(2), refused=0.05, silent=0.02) as receiver,
        city(receiver) as file,
        House(file) as house,
    ):
        outcome = trial(house, receiver, TICKETS, seed=20_261_121, first=8, last=14, pause=1.2, patience=60)
        assert outcome.differing == []
        assert outcome.expected == outcome.received == len(expected_of(TICKETS))
        assert outcome.deliveries > outcome.received  # Some came twice, under the same key: nobody can know better.
        assert sum(outcome.kills.values()) >= 5
        until(house.ready, 30, "nothing is wrong any more")
        assert b'citywall_escalation_messages{state="sent"} ' in house.get("/metrics")[1]
        assert "secret-path" not in house.log.read_text(encoding="utf-8")

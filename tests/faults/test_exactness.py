"""Nothing is lost, doubled or miscounted, whatever dies: board = history = the generator's ledger."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bench.exactness import FEED, Outcome, Trial, kill, kills
from bench.faults import Fault, faults, full_disk, stop_sql
from bench.house import House, until
from tests.servers import Postgres

EVENTS = int(os.environ.get("CITYWALL_FAULT_EVENTS", "5000"))
SECONDS = float(os.environ.get("CITYWALL_FAULT_SECONDS", "3"))
SEED = 20_261_121


def exact(outcome: Outcome) -> None:
    """Every event of the ledger is in board and history once, and every count follows from them."""
    assert outcome.differing == []
    assert outcome.events == outcome.kept == outcome.counters.stored
    assert outcome.tickets > outcome.events / 4
    assert outcome.counters.duplicate > 0
    assert outcome.counters.dead > 0
    assert outcome.places == 12


@pytest.mark.slow
def test_ten_kills_during_a_load_lose_double_and_miscount_nothing() -> None:
    with House() as house:
        trial = Trial(house, SEED)
        trial.run(2 * EVENTS, kills(SEED, 10), pause=1.5)
        exact(trial.check())


@pytest.mark.slow
@pytest.mark.parametrize("name", faults(0.0))
def test_a_fault_during_a_load_loses_doubles_and_miscounts_nothing(name: str) -> None:
    with House() as house:
        trial = Trial(house, SEED)
        trial.run(EVENTS, [faults(SECONDS)[name]])
        exact(trial.check())


@pytest.mark.slow
def test_postgresql_killed_during_a_load_loses_nothing(postgres_server: Postgres, postgres_url: str) -> None:
    gone: Fault = stop_sql(postgres_server, SECONDS)
    with House(environment={"DATABASE_URL": postgres_url}) as house:
        trial = Trial(house, SEED)
        trial.run(EVENTS, [gone, kill("historian"), kill("projector")])
        exact(trial.check())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="a full disk is simulated by prlimit, which only Linux has")
def test_a_full_disk_is_said_in_a_plain_sentence_and_what_was_not_stored_is_taken_later() -> None:
    with House() as house:
        trial = Trial(house, SEED)
        batches = trial.batches(1000)
        trial.send(batches[0])
        with full_disk(house, "feeds"):
            status, body = house.post(FEED, json.dumps(batches[1]).encode())
            said = json.loads(body)
            assert status == 503
            assert said["reason"] == "disk"
            assert "load.db cannot be written" in said["say"]
            assert house.pid("feeds"), "the feeds' process goes on"
        for batch in batches[1:]:
            trial.send(batch)
        exact(trial.check())


def test_the_board_speaks_again_soon_after_each_kill() -> None:
    with House() as house:
        trial = Trial(house, SEED)
        trial.send(trial.batches(300)[0])
        for role in ("projector", "valkey", "historian", "feeds", "web"):
            kill(role)(house)
            until(lambda: not house.ready(), 2.0, "the fault is seen") if role == "web" else None
            until(house.ready, 10.0, lambda: f"ready again: {house.get('/readyz')[1]!r}")
            house.settle(FEED, 10.0)

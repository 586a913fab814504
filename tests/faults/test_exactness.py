"""Nothing is lost, doubled or miscounted, whatever dies: board = history = the generator's ledger."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bench.exactness import FEED, Outcome, Trial, compare, kill, kills
from bench.faults import STREAM, Fault, faults, full_disk, stop_sql, unread
from bench.house import LOAD_CITY, House, free_port, until
from tests.servers import Postgres

EVENTS = int(os.environ.get("CITYWALL_FAULT_EVENTS", "4000"))
SECONDS = float(os.environ.get("CITYWALL_FAULT_SECONDS", "2"))
LINUX = Path("/proc").is_dir()
PATIENCE = 30 + 2 * SECONDS
SEED = 20_261_121


pytestmark = pytest.mark.timeout(4 * PATIENCE)


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
        trial = Trial(house, SEED, PATIENCE)
        trial.run(2 * EVENTS, kills(SEED, 10), pause=1.2)
        exact(trial.check())
        # The comparison itself: one event more, or one less, in the ledger alone is noticed.
        batch = next(iter(Trial(house, SEED + 1, PATIENCE).batches(1)))
        trial.ledger.note([{**row, "id": f"other-{row['id']}", "subject": "other"} for row in batch])
        wrong = compare(house, trial.ledger, trial.sent).differing
        assert any("('generator', 'other')" in line for line in wrong)
        assert any("events, the ledger" in line for line in wrong)
        assert any(line.startswith("90: total") for line in wrong)


@pytest.mark.slow
@pytest.mark.parametrize("fault", STREAM)
def test_a_stream_that_is_lost_while_it_is_written_and_read_costs_nothing(fault: str) -> None:
    """Once as it comes, and twice with batches in it that no reader has seen."""
    with House() as house:
        trial = Trial(house, SEED, PATIENCE)
        trial.run(EVENTS, [STREAM[fault], unread(STREAM[fault]), unread(STREAM[fault])])
        exact(trial.check())


OTHERS = {name: fault for name, fault in faults(SECONDS).items() if name.removesuffix("_unread") not in STREAM}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["snapshot", "sqlite", "frozen", "disk_full"])
def test_faults_one_after_the_other_during_a_load_cost_nothing(kind: str) -> None:
    """Of a kind: the snapshot lost or damaged, SQLite locked, each role frozen, each role's disk full."""
    with House() as house:
        trial = Trial(house, SEED, PATIENCE)
        chosen = [fault for name, fault in OTHERS.items() if kind in name]
        assert chosen or not LINUX
        trial.run(EVENTS, chosen)
        exact(trial.check())


@pytest.mark.slow
def test_postgresql_killed_during_a_load_loses_nothing(postgres_server: Postgres, postgres_url: str) -> None:
    gone: Fault = stop_sql(postgres_server, SECONDS)
    with House(environment={"DATABASE_URL": postgres_url}) as house:
        trial = Trial(house, SEED, PATIENCE)
        trial.run(EVENTS, [gone, kill("historian"), kill("projector")])
        exact(trial.check())


@pytest.mark.skipif(not LINUX, reason="a full disk is simulated by prlimit, which only Linux has")
def test_a_full_disk_is_said_in_a_plain_sentence_and_what_was_not_stored_is_taken_later() -> None:
    with House() as house:
        trial = Trial(house, SEED, PATIENCE)
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
        trial = Trial(house, SEED, PATIENCE)
        trial.send(trial.batches(300)[0])
        for role in ("projector", "valkey", "historian", "feeds", "web"):
            kill(role)(house)
            until(lambda: not house.ready(), 2.0, "the fault is seen") if role == "web" else None
            until(house.ready, 10.0, lambda: f"ready again: {house.get('/readyz')[1]!r}")
            house.settle(FEED, 10.0)


@pytest.mark.skipif(not LINUX, reason="a full disk is simulated by prlimit, which only Linux has")
@pytest.mark.parametrize("command", ["run", "feeds"])
def test_a_house_whose_disk_is_full_says_so_in_one_sentence(command: str, tmp_path: Path) -> None:
    words = [sys.executable, "-P", "-m", "app", command, "--city", str(LOAD_CITY), "--home", str(tmp_path / "home")]
    done = subprocess.run(
        [*words, "--port", str(free_port())], env={**os.environ, "PYTHONPATH": str(Path.cwd())}, timeout=30,
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)),
    )  # fmt: skip
    assert done.returncode == 2
    said = done.stderr.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith("citywall: ")
    assert "cannot be written" in said[0]
    assert "--home" in said[0]

"""The supervisor: roles come back, nothing is left behind, and a second one is told who is there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from dashboard.doors import supervisor
from dashboard.refusal import Refused
from dashboard.travel import valkey
from tests.servers import _there, until

RUN = """
import json, pathlib, sys
from dashboard.doors import supervisor
from dashboard.travel.roles import speak
from dashboard.refusal import Refused
speak()
try:
    commands, data = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
    held = lambda: print("held", flush=True)
    sys.exit(supervisor.run(commands, data, valkey=len(sys.argv) > 3, patience=1.0, held=held))
except Refused as error:
    sys.exit(str(error))
"""
SLEEP = ["sleep", "1000"]
STUBBORN = [
    sys.executable, "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(1000)",
]  # fmt: skip
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a supervisor on ``tmp_path``; what it says is in ``tmp_path/said``."""
    started = []

    def begin(commands: dict[str, list[str]], *more: str) -> subprocess.Popen[str]:
        with (tmp_path / "said").open("a") as said:
            words = [sys.executable, "-c", RUN, json.dumps(commands), str(tmp_path), *more]
            started.append(subprocess.Popen(words, stderr=said, stdout=said, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()
    valkey.stop(tmp_path)


def roles(data: Path) -> dict[str, dict[str, Any]]:
    """The state file's roles; none before it is written."""
    file = data / "run" / "supervisor.json"
    return dict(json.loads(file.read_text())["roles"]) if file.exists() else {}


def lives(data: Path, role: str) -> int:
    """The process of a role; 0 while there is none."""
    pid = int(roles(data).get(role, {}).get("pid") or 0)
    return pid if pid and _there(pid) else 0


def test_a_killed_role_is_back_within_a_second_and_the_others_stay(tmp_path: Path, start: Start) -> None:
    start({"one": SLEEP, "two": SLEEP})
    first = until(lambda: lives(tmp_path, "one"))
    other = until(lambda: lives(tmp_path, "two"))
    os.kill(first, signal.SIGKILL)
    again = until(lambda: lives(tmp_path, "one") not in (0, first) and lives(tmp_path, "one"), 1.0)
    assert again != first
    assert lives(tmp_path, "two") == other
    assert (roles(tmp_path)["one"]["restarts"], roles(tmp_path)["two"]["restarts"]) == (1, 0)


def test_a_role_that_keeps_failing_is_tried_ever_more_rarely(tmp_path: Path, start: Start) -> None:
    file = tmp_path / "tries"
    start({"bad": ["sh", "-c", f"date +%s.%N >> '{file}'; exit 3"], "absent": ["/no/such/program"]})
    until(lambda: file.exists() and len(file.read_text().split()) >= 5, 20)
    times = [float(line) for line in file.read_text().split()[:5]]
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps[0] < 0.6
    assert gaps[3] > 0.75  # 0.2 · 2³ s, half of it jitter
    said = [json.loads(line) for line in (tmp_path / "said").read_text().splitlines() if line != "held"]
    assert any(
        line["level"] == "warning" and "bad: process" in line["say"] and "code 3" in line["say"] for line in said
    )
    assert any(line["level"] == "error" and "absent: cannot be started" in line["say"] for line in said)


def test_sigterm_ends_all_roles_and_the_deaf_one_too(tmp_path: Path, start: Start) -> None:
    process = start({"one": SLEEP, "deaf": STUBBORN}, "valkey")
    until(lambda: "deaf\n" in (tmp_path / "said").read_text())
    numbers = [lives(tmp_path, "one"), lives(tmp_path, "deaf"), valkey.pid(tmp_path)]
    assert all(numbers)
    process.terminate()
    assert process.wait(10) == 0
    assert not any(number and _there(number) for number in numbers)
    assert roles(tmp_path)["one"]["pid"] is None


def test_a_second_signal_ends_the_deaf_at_once(tmp_path: Path, start: Start) -> None:
    process = start({"deaf": STUBBORN})
    until(lambda: "deaf\n" in (tmp_path / "said").read_text())
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    until(lambda: "ending the roles: asked to by SIGINT" in (tmp_path / "said").read_text())
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert time.monotonic() - began < 0.9  # The patience of these tests is 1 s.


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets the kernel kill the children of a killed parent")
def test_a_killed_supervisor_leaves_no_roles_and_the_next_one_takes_valkey_over(tmp_path: Path, start: Start) -> None:
    process = start({"one": SLEEP, "deaf": STUBBORN}, "valkey")
    until(lambda: "deaf\n" in (tmp_path / "said").read_text())
    numbers = [lives(tmp_path, "one"), lives(tmp_path, "deaf")]
    server = valkey.pid(tmp_path)
    process.kill()
    process.wait()
    until(lambda: not any(_there(number) for number in numbers), 2.0)
    start({"one": SLEEP}, "valkey")
    until(lambda: lives(tmp_path, "one") not in (0, numbers[0]))
    assert valkey.pid(tmp_path) == server


def test_a_killed_valkey_is_back_within_a_second_on_the_same_socket(tmp_path: Path, start: Start) -> None:
    start({"one": SLEEP}, "valkey")
    first = until(lambda: lives(tmp_path, "valkey"))
    os.kill(first, signal.SIGKILL)
    again = until(lambda: lives(tmp_path, "valkey") not in (0, first) and lives(tmp_path, "valkey"), 1.0)
    with Redis.from_url(valkey.address(tmp_path)) as redis:
        assert redis.info("server")["process_id"] == again
    assert roles(tmp_path)["valkey"]["restarts"] == 1


def test_a_second_supervisor_is_told_who_is_there(tmp_path: Path, start: Start) -> None:
    first = start({"one": SLEEP})
    until(lambda: lives(tmp_path, "one"))
    second = start({"one": SLEEP})
    assert second.wait(10) == 1
    said = (tmp_path / "said").read_text().splitlines()
    assert said[-1].startswith(f"{tmp_path} is run by process {first.pid};")
    assert said.count("held") == 1  # Whoever does not hold the folder says nothing of an address.
    assert first.poll() is None


def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match=f"port {port} of 127.0.0.1 is taken; choose another with --port"):
            supervisor.claim_port("127.0.0.1", port)
    supervisor.claim_port("127.0.0.1", port)
    with pytest.raises(Refused, match="nothing can be served at 203"):
        supervisor.claim_port("203.0.113.1", port)

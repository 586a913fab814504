"""The embedded Valkey: one server however many start it, and its data over every end."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from dashboard.refusal import Refused
from dashboard.travel import valkey
from tests.servers import Valkey, until


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    with contextlib.suppress(Refused):
        valkey.stop(tmp_path)


def test_eight_racing_starters_get_one_server(data: Path) -> None:
    words = "from dashboard.travel import valkey; d = pathlib.Path(sys.argv[1]); print(valkey.ensure(d), valkey.pid(d))"
    command = [sys.executable, "-c", f"import pathlib, sys; {words}", str(data)]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(8)]
    said = {starter.communicate(timeout=30)[0] for starter in starters}
    assert said == {f"{valkey.address(data)} {valkey.pid(data)}\n".encode()}
    with Redis.from_url(valkey.address(data)) as redis:
        assert redis.ping()


def test_it_listens_on_a_private_socket_alone_and_keeps_what_it_is_told(data: Path) -> None:
    with Redis.from_url(valkey.ensure(data)) as redis:
        asked = redis.config_get("port", "appendonly", "appendfsync", "maxmemory-policy", "aof-load-truncated", "dir")
        assert asked == {
            "port": "0", "appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction",
            "aof-load-truncated": "yes", "dir": str(data.resolve() / "valkey"),
        }  # fmt: skip
    path = valkey.runtime_folder(data) / "valkey.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["a b", "quo\"te's \\ %s #1", "数据", "x" * 150])
def test_any_name_of_a_data_folder_will_do(tmp_path: Path, name: str) -> None:
    data = tmp_path / name
    with Redis.from_url(valkey.ensure(data)) as redis:
        assert redis.ping()
    path = valkey.runtime_folder(data) / "valkey.sock"
    assert len(os.fsencode(path)) <= valkey.LONGEST
    valkey.stop(data)
    assert not path.exists()
    if not path.is_relative_to(data):
        path.parent.rmdir()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / ("x" * 120)
    valkey.runtime_folder(data).chmod(0o755)
    with pytest.raises(Refused, match="not a private folder"):
        valkey.ensure(data)
    taken = Path(f"/tmp/citywall-{os.getuid()}") / valkey._mark(data.resolve())
    taken.rmdir()


def test_a_killed_server_comes_back_with_its_data(own_valkey: Valkey) -> None:
    with Redis.from_url(own_valkey.url) as redis:
        redis.set("a", "1")
        until(lambda: redis.info("persistence")["aof_pending_bio_fsync"] == 0)
        time.sleep(1.1)  # Written to the file each second.
        own_valkey.kill()
        own_valkey.start()
        assert redis.get("a") == b"1"
        assert redis.info("server")["process_id"] == valkey.pid(own_valkey.data)


def test_a_torn_tail_of_the_file_loads_up_to_the_tear(data: Path) -> None:
    with Redis.from_url(valkey.ensure(data)) as redis:
        for n in range(100):
            redis.set(f"key{n}", "x" * 50)
    valkey.stop(data)
    (file,) = (data / "valkey" / "appendonlydir").glob("*.incr.aof")
    with file.open("r+b") as torn:
        torn.truncate(file.stat().st_size - 30)
    with Redis.from_url(valkey.ensure(data)) as redis:
        assert redis.dbsize() == 99


def test_an_unreadable_file_is_put_aside_and_the_server_starts_empty(data: Path) -> None:
    with Redis.from_url(valkey.ensure(data)) as redis:
        redis.set("a", "1")
    valkey.stop(data)
    (file,) = (data / "valkey" / "appendonlydir").glob("*.incr.aof")
    file.write_bytes(b"*3\r\n$3\r\nSET\r\n" + b"\xff" * 200)
    with Redis.from_url(valkey.ensure(data)) as redis:
        assert redis.dbsize() == 0
    assert list((data / "valkey").glob("appendonlydir.broken/*.incr.aof"))


def test_a_frozen_server_is_named_and_no_second_one_started(data: Path) -> None:
    valkey.ensure(data)
    number = valkey.pid(data)
    assert number is not None
    os.kill(number, signal.SIGSTOP)
    try:
        with pytest.raises(Refused, match=f"process {number}, does not answer"):
            valkey.ensure(data, patience=0.5)
    finally:
        os.kill(number, signal.SIGCONT)
    assert valkey.ensure(data) == valkey.address(data)
    assert valkey.pid(data) == number


def test_stop_ends_a_frozen_server_too(data: Path) -> None:
    valkey.ensure(data)
    number = valkey.pid(data)
    assert number is not None
    os.kill(number, signal.SIGSTOP)
    valkey.stop(data, patience=0.3)
    assert valkey.pid(data) is None
    assert not valkey.running(data)


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Refused, match=r"cannot be made: .*; name another data folder"):
        valkey.ensure(tmp_path / "file")

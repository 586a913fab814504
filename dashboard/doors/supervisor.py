"""The supervisor: keeps the roles of one data folder running, and the embedded Valkey with them.

Each role is a child process in a session of its own, so that Ctrl-C reaches the supervisor alone and it ends them in
order. One that ends by itself is started again, after a wait that doubles up to five seconds while it keeps failing.
If the supervisor is killed, the kernel kills its children; Valkey stays, and the next start finds it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dashboard.refusal import Refused
from dashboard.travel import valkey as embedded
from dashboard.travel.roles import Backoff

LOG = logging.getLogger("citywall.supervisor")
HANGUP = ", which a terminal sends when it is closed; start it with nohup or as a service to let it go on"
STEADY = 10.0  # Seconds after which a role that runs has shown that it can, and a next end is a first one again.


@dataclass
class Role:
    """A role under supervision. ``started`` is wall time; ``due`` is monotonic: when it was, or is, to be started."""

    name: str
    command: Sequence[str]
    child: subprocess.Popen[bytes] | None = None
    started: float | None = None
    restarts: int = 0
    due: float = 0.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.2, cap=5.0))

    def state(self, pid: int | None) -> dict[str, object]:
        """What the state file says of it; without a process while it waits to be started again."""
        return {"pid": pid, "started": self.started, "restarts": self.restarts}


def claim_port(host: str, port: int) -> None:
    """See that a port can be served at, before anything is started.

    Raises:
        Refused: if it is taken, not allowed, or the host is not of this machine.
    """
    try:
        kind, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except (OSError, OverflowError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number == errno.EADDRINUSE:
            raise Refused(f"port {port} of {host} is taken; choose another with --port") from error
        if number == errno.EACCES:
            raise Refused(f"port {port} is not allowed to this user; choose one above 1023 with --port") from error
        raise Refused(f"nothing can be served at {host}:{port}: {error}; see --host and --port") from error


def run(
    commands: Mapping[str, Sequence[str]],
    data: Path,
    *,
    valkey: bool = False,
    patience: float = 10.0,
    held: Callable[[], None] = lambda: None,
) -> int:
    """Run the commands, role by role, until SIGTERM, SIGINT or SIGHUP; then end them in order and return 0.

    With ``valkey``, the embedded server of ``data`` is kept up too, and ended last. A role that has not ended
    ``patience`` seconds after it was asked to, or when the signal comes a second time, is killed.
    ``run/supervisor.json`` tells each role's process, start and restarts. ``held`` is called once the folder is ours
    and before anything is started.

    Raises:
        Refused: if another supervisor runs this data folder, or Valkey cannot be started.
    """
    with _alone(data), _signals() as signals:
        if valkey:
            embedded.ensure(data)
        held()
        house = _Supervisor([Role(name, command) for name, command in commands.items()], data, valkey)
        while not signals.asked:
            signals.wait(house.tend())
        LOG.info("ending the roles: asked to by %s%s", signals.first, HANGUP if signals.first == "SIGHUP" else "")
        house.end(patience, signals)
        if valkey:
            embedded.stop(data, patience)
        LOG.info("ended")
    return 0


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold the data folder's lock; the file names the process that has it."""
    file = data / "run" / "supervisor.lock"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}; name another folder with --home") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(lock, 20, 0).decode().strip() or "another"
            raise Refused(f"{data} is run by process {owner}; end it, or name another with --home") from error
        os.pwrite(lock, b"%-20d" % os.getpid(), 0)
        yield
    finally:
        os.close(lock)


@dataclass
class _Signals:
    """Counts the requests to end; a wait ends early when a signal comes or a child ends."""

    pipe: int
    asked: int = 0
    first: str = ""  # The name of the signal that asked first: whoever reads the log wants to know who ended it.

    def ask(self, number: int, frame: object) -> None:
        if number != signal.SIGCHLD:
            self.asked += 1
            self.first = self.first or signal.Signals(number).name

    def wait(self, seconds: float) -> None:
        if select.select([self.pipe], [], [], seconds)[0]:
            os.read(self.pipe, 1000)


@contextlib.contextmanager
def _signals() -> Iterator[_Signals]:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signals = _Signals(reader)
    numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGCHLD]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # As nohup sets it.
        numbers.append(signal.SIGHUP)
    before = [(number, signal.signal(number, signals.ask)) for number in numbers]
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield signals
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before:
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _tied_to(parent: int) -> Callable[[], None] | None:
    """What a child does before its command: ask the kernel to kill it when the supervisor ends. Linux only."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def tie() -> None:
        prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # It ended before the kernel was asked.
            os._exit(1)

    return tie


class _Supervisor:
    def __init__(self, roles: list[Role], data: Path, valkey: bool) -> None:
        self.roles, self.data, self.valkey = roles, data, valkey
        self.began = time.time()
        self.server = Role("valkey", (), started=self.began)
        self.tie = _tied_to(os.getpid())
        self.said = ""

    def tend(self) -> float:
        """Start what is to be started and note what has ended; return the seconds until the next look."""
        wait = 0.25 if self.valkey else 5.0  # Valkey may be no child of ours, so that only looking tells.
        if self.valkey and not embedded.running(self.data):
            self._revive()
        now = time.monotonic()
        for role in self.roles:
            if role.child and role.child.poll() is not None:
                if now - role.due > STEADY:
                    role.backoff.reset()
                pause = role.backoff.next()
                LOG.warning("%s: process %d %s; again in %.1f s", role.name, role.child.pid, _end(role.child), pause)
                role.child, role.due = None, now + pause
                role.restarts += 1
            if role.child is None and role.due <= now:
                self._start(role)
            if role.child is None:
                wait = min(wait, max(role.due - now, 0.01))
        self._write()
        return wait

    def _start(self, role: Role) -> None:
        try:
            role.child = subprocess.Popen(
                role.command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=self.tie
            )
        except OSError as error:
            pause = role.backoff.next()
            LOG.error("%s: cannot be started: %s; again in %.1f s", role.name, error, pause)
            role.due = time.monotonic() + pause
            return
        role.started = time.time()
        LOG.info("%s: started as process %d", role.name, role.child.pid)

    def _revive(self) -> None:
        if time.monotonic() < self.server.due:
            return
        try:
            embedded.ensure(self.data)
        except (Refused, OSError) as error:  # A full disk, for one; it may be free again in a moment.
            LOG.error("valkey: %s", error)
            self.server.due = time.monotonic() + self.server.backoff.next()
            return
        self.server.backoff.reset()
        self.server.restarts += 1
        self.server.started = time.time()
        LOG.warning("valkey: had ended; started again as process %s", embedded.pid(self.data))

    def end(self, patience: float, signals: _Signals) -> None:
        """End all roles: ask, wait, and kill those who stay."""
        asked, until = signals.asked, time.monotonic() + patience
        for role in self.roles:
            if role.child:
                role.child.send_signal(signal.SIGTERM)
        while left := [role for role in self.roles if role.child and role.child.poll() is None]:
            if time.monotonic() > until or signals.asked > asked:
                for role in left:
                    assert role.child
                    LOG.warning("%s: process %d does not end and is killed", role.name, role.child.pid)
                    role.child.kill()
                    role.child.wait()
            signals.wait(0.1)
        for role in self.roles:
            role.child = None
        self.valkey = False
        self._write()

    def _write(self) -> None:
        """Write the state file, in one piece, if it would say something new."""
        roles = {role.name: role.state(role.child.pid if role.child else None) for role in self.roles}
        if self.valkey:
            roles["valkey"] = self.server.state(embedded.pid(self.data))
        text = json.dumps({"pid": os.getpid(), "started": self.began, "roles": roles}, indent=2)
        if text == self.said:
            return
        file = self.data / "run" / "supervisor.json"
        try:
            file.with_suffix(".new").write_text(text + "\n", encoding="utf-8")
            file.with_suffix(".new").replace(file)
            self.said = text
        except OSError as error:
            LOG.error("%s cannot be written: %s", file, error)


def _end(child: subprocess.Popen[bytes]) -> str:
    code = child.returncode
    return f"ended with code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"

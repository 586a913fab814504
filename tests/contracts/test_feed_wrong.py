"""`citywall feed try` on sources that are wrong: exit code 1, and one plain sentence that says what and what to do."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from dashboard.doors import feedtry
from dashboard.doors.feedtry import attempt
from dashboard.sources.feed import kinds
from tests.contracts.test_feed_blocks import OWN, block_of, city_of, secrets
from tests.servers import Mosquitto, free_port
from tests.source import Asked, reply, source

Changes = dict[str, Any]
Wrong = tuple[Callable[[Path], AbstractAsyncContextManager[Changes]], str]
PAGE = "<!doctype html><html><head><title>统一身份认证</title></head><body>请登录</body></html>"


# -- sources on the web --------------------------------------------------------------------------------------------


def answers(said: bytes | Callable[[Asked], bytes], *, tls: bool = False) -> Callable[..., Any]:
    """A source that always gives this answer; with ``tls`` under a certificate that nobody believes."""

    @asynccontextmanager
    async def stage(folder: Path) -> AsyncIterator[Changes]:
        (folder / "cameras.csv").write_text("id,name\nlive/a,A\n", encoding="utf-8")
        async with source(said, certified(folder) if tls else None) as served:
            yield {"url": served.url + "/"}

    return stage


def certified(folder: Path) -> SSLContext:
    """A certificate of its own."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(cert), "-subj", "/CN=hall", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    return tls


def nobody(scheme: str = "http") -> Callable[..., Any]:
    """No one is there."""

    @asynccontextmanager
    async def stage(folder: Path) -> AsyncIterator[Changes]:
        (folder / "cameras.csv").write_text("id,name\nlive/a,A\n", encoding="utf-8")
        yield {"url": f"{scheme}://127.0.0.1:{free_port()}/"}

    return stage


WEB: dict[str, Wrong] = {
    "nobody there": (nobody(), "cannot be reached"),
    "an old address": (answers(reply("gone", 404)), "answers 404: there is nothing at that address; check url"),
    "a login page": (answers(reply(PAGE, content_type="text/html")), "a web page (统一身份认证)"),
    "a wrong key": (answers(reply("no", 401)), "answers 401: it does not know us; check auth"),
    "no right": (answers(reply("no", 403)), "answers 403: it refuses us; check auth"),
    "trouble": (answers(reply("oops", 500)), "answers 500: the server is in trouble"),
    "too often": (answers(reply("slow", 429)), "answers 429: we ask too often; raise interval"),
    "a bad certificate": (answers(reply("[]"), tls=True), "its certificate is not believed"),
    "another host": (
        answers(reply(status=302, location="http://169.254.169.254/latest/meta-data/")),
        "169.254.169.254",
    ),
    "a file": (answers(reply(status=302, location="file:///etc/passwd")), "only http and https are followed"),
    "nothing at all": (answers(reply(b"")), "empty"),
    "something else": (answers(reply(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))), ""),
    "broken off": (answers(reply(b'{"a": [1, 2')), "breaks off"),
}
WEB_KINDS = ("http", "open311", "statistics", "prometheus", "zlmediakit", "wvp", "mediamtx")
# What a kind says in words of its own.
OWN_WORDS = {
    ("prometheus", "nothing at all"): "has no samples", ("prometheus", "broken off"): "",
    ("statistics", "nothing at all"): "",
}  # fmt: skip


# -- other sources -------------------------------------------------------------------------------------------------


def settings(**changes: Any) -> Callable[..., Any]:
    """Nobody is put up; only the settings are others."""

    @asynccontextmanager
    async def stage(folder: Path) -> AsyncIterator[Changes]:
        yield {name: value(folder) if callable(value) else value for name, value in changes.items()}

    return stage


def file(name: str, text: str | bytes) -> Callable[[Path], str]:
    """The path of a file that is there."""

    def made(folder: Path) -> str:
        (folder / "drop").mkdir(exist_ok=True)
        (folder / "drop" / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return str(folder / "drop" / name)

    return made


def dropped(name: str, text: str | bytes) -> Callable[[Path], str]:
    """The folder in which such a file is."""
    return lambda folder: str(Path(file(name, text)(folder)).parent)


def pushed(serves: Callable[[ServerConnection], Any]) -> Callable[..., Any]:
    """A WebSocket that does this."""

    @asynccontextmanager
    async def stage(folder: Path) -> AsyncIterator[Changes]:
        port = free_port()
        async with serve(serves, "127.0.0.1", port):
            yield {"url": f"ws://127.0.0.1:{port}"}

    return stage


async def _say(socket: ServerConnection) -> None:
    await socket.send('{"hello": "world"}')
    await socket.wait_closed()


async def _leave(socket: ServerConnection) -> None:
    await socket.close(reason="no more for you")


def as_socket(stage: Callable[..., Any], scheme: str = "ws") -> Callable[..., Any]:
    """The same source on the web, asked as a WebSocket or broker."""

    @asynccontextmanager
    async def other(folder: Path) -> AsyncIterator[Changes]:
        async with stage(folder) as changes:
            yield {"url": re.sub("^https?", scheme, changes["url"]).rstrip("/")}

    return other


@asynccontextmanager
async def _stranger(folder: Path) -> AsyncIterator[Changes]:
    """A broker that lets nobody in."""
    server = Mosquitto("allow_anonymous false")
    try:
        yield {"url": server.url}
    finally:
        server.close()


def _database(folder: Path) -> str:
    with sqlite3.connect(folder / "hotline.db") as db:
        db.execute("CREATE TABLE cases (id, opened, changed, title, class, dept, closed, town)")
    db.close()
    return "sqlite:///hotline.db"


def _no_database(folder: Path) -> str:
    (folder / "x.db").write_text("this is no database, and it is quite long " * 30)
    return "sqlite:///x.db"


MQTT: dict[str, Wrong] = {
    "nobody there": (nobody("mqtt"), "since nobody is there"),
    "a web server": (as_socket(answers(reply("no", 400)), "mqtt"), ""),
    "a bad certificate": (as_socket(answers(reply("no"), tls=True), "mqtts"), "its certificate is not believed"),
    "a wrong password": (_stranger, "does not let us in (Not authorized); check auth"),
    "no password file": (settings(auth={"kind": "basic", "user": "a", "secret_file": "gone"}), "gone holds no secret"),
}
WRONG: dict[str, dict[str, Wrong]] = {
    **dict.fromkeys(WEB_KINDS, WEB),
    "websocket": {
        "nobody there": (nobody("ws"), "cannot be reached"),
        "an old address": (as_socket(answers(reply("gone", 404))), "answers 404 and not as a WebSocket"),
        "a login page": (as_socket(answers(reply(PAGE))), "answers 200 and not as a WebSocket"),
        "a wrong key": (as_socket(answers(reply("no", 401))), "answers 401"),
        "another host": (as_socket(answers(reply(status=302, location="http://x/"))), "sends us elsewhere"),
        "a bad certificate": (as_socket(answers(reply("no"), tls=True), "wss"), "its certificate is not believed"),
        "one that leaves": (pushed(_leave), "has closed the connection (no more for you)"),
        "something else": (pushed(_say), "missing_field"),
    },
    "mqtt": MQTT,
    "sql": {
        "no file": (settings(url="sqlite:///gone.db", auth=None), "gone.db is not there; name the database's file"),
        "another table": (settings(url=_database, auth=None, query="SELECT * FROM tickets"), "no such table: tickets"),
        "no such column": (settings(url=_database, auth=None, watermark="touched"), "touched"),
        "no rows": (settings(url=_database, auth=None), "it was reached, and holds nothing now"),
        "nobody there": (settings(url=lambda _: f"postgresql://127.0.0.1:{free_port()}/x"), "since nobody is there"),
        "no driver": (settings(url="oracle://db.example/x", auth=None), "needs the driver oracledb"),
        "no database": (settings(url=_no_database, auth=None), ""),
    },
    "folder": {
        "no folder": (settings(path="gone"), "there is no folder"),
        "nothing in it": (settings(path=str), "it was reached, and holds nothing now"),
        "another column": (settings(path=dropped("a.csv", "a,b\n1,2\n")), "has no column '工单号'"),
        "an old workbook": (settings(path=dropped("a.xls", b"\xd0\xcf\x11\xe0")), "save it as .xlsx or .csv"),
        "an empty file": (settings(path=dropped("a.csv", "")), "is empty"),
    },
    "file": {
        "no file": (settings(path="gone.csv"), "there is no such file"),
        "another column": (settings(path=file("a.csv", "a,b\n1,2\n")), "has no column 'id'"),
        "an empty file": (settings(path=file("a.csv", "")), ""),
        "a folder": (settings(path=str), ""),
    },
    "probe": {
        "no inventory": (settings(), "cannot be read"),
        "another column": (settings(inventory=file("c.csv", "name,url\na,b\n")), "column"),
        "no password file": (settings(inventory=file("c.csv", "id,address\na,rtsp://10.20.0.1/\n"),
                                      secret_file="gone.secret"), "gone.secret cannot be read; put the password there"),
    },
}  # fmt: skip
POSTED = {
    "cloudevents": {b"": "not_json", b"{}": "", b"<html>": "not_json", b'[{"specversion": "9"}]': ""},
    "desk": {b"": "not_json", b"{}": "", b'{"id": 1}': ""},
}
CASES = [(kind, name) for kind, cases in sorted(WRONG.items()) for name in cases]
LEAKS = re.compile(
    r"Traceback|Errno|Error\b|Exception|<class|0x[0-9a-f]{6}|httpx|httpcore|_ssl|asyncio|SSL:|\\n|None\b"
)


def sentence(said: str, name: str) -> str:
    """The one plain sentence that was said: nothing of a program's inside is in it."""
    (line,) = said.splitlines()
    assert line.startswith(f"citywall: the feed {name} "), line
    assert len(line) < 400, line
    assert not LEAKS.search(line), line
    assert not line.endswith((":", ": ", "()")), line
    return line


def test_every_kind_is_tried_on_wrong_sources() -> None:
    assert set(WRONG) | set(POSTED) | OWN == set(kinds()), "say how a source of it may be wrong"
    assert all(len(cases) >= 3 for cases in WRONG.values())


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_wrong_source_is_said_in_one_plain_sentence(
    kind: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "mqtt" and Mosquitto.tool() is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    monkeypatch.setattr(feedtry, "SECONDS", 5.0)
    monkeypatch.setenv("OPEN311_KEY", "secret")
    table = block_of(kind) | ({"ca_file": None, "cert_file": None, "key_file": None} if kind == "http" else {})
    secrets(tmp_path, table)
    stage, expected = WRONG[kind][name]

    async def look() -> int:
        async with stage(tmp_path) as changes:
            return await attempt(city_of(tmp_path, table | changes), table["name"], 3)

    assert asyncio.run(look()) == 1
    line = sentence(capsys.readouterr().err, table["name"])
    assert OWN_WORDS.get((kind, name), expected) in line
    assert "Bearer" not in line


@pytest.mark.parametrize("kind", POSTED)
def test_a_wrong_body_is_said_in_one_plain_sentence(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = block_of(kind)
    for body, expected in POSTED[kind].items():
        assert asyncio.run(attempt(city_of(tmp_path, table), table["name"], 3, lambda body=body: body)) == 1  # type: ignore[misc]
        assert expected in sentence(capsys.readouterr().err, table["name"])
    assert asyncio.run(attempt(city_of(tmp_path, table), table["name"], 3)) == 1
    assert "it is posted to; give it a body with --stdin" in sentence(capsys.readouterr().err, table["name"])
    assert json.dumps(table)  # Its block is data alone.

"""The one way out over HTTP: where it goes, what it takes, and the sentence for everything it refuses."""

from __future__ import annotations

import asyncio
import gzip
import socket
import subprocess
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from ssl import CERT_REQUIRED, PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from dashboard.sources.feed import SourceFailed
from dashboard.sources.fetch import LONGEST_WAIT, Fetcher, Reply, WebSettings, _wait
from dashboard.sources.hosts import Doorkeeper
from tests.source import Asked, reply, source
from tests.town import NOW, context, town


def settings(url: str, **more: Any) -> WebSettings:
    return WebSettings.model_validate({"name": "hall", "kind": "http", "url": url, **more})


@asynccontextmanager
async def fetcher(folder: Path, url: str, **more: Any) -> AsyncIterator[Fetcher]:
    async with Fetcher(settings(url, **more), context(town(folder))) as web:
        yield web


async def refused(folder: Path, answer: Any, **more: Any) -> str:
    """What is said of a source that answers so."""
    async with source(answer) as served, fetcher(folder, served.url, **more) as web:
        with pytest.raises(SourceFailed) as error:
            await web.get()
        said = str(error.value)
        assert said.startswith(served.url)
        assert "\n" not in said
        return said


async def got(folder: Path, answer: Any, **more: Any) -> Reply:
    async with source(answer) as served, fetcher(folder, served.url, **more) as web:
        return await web.get()


# -- what it takes ---------------------------------------------------------------------------------------------


async def test_a_reply_is_taken_whole(tmp_path: Path) -> None:
    found = await got(tmp_path, reply('{"a": [1]}'))
    assert found.document == {"a": [1]}
    assert not found.unchanged


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(b'{"a": 1}')),
        ("x-gzip", gzip.compress(b'{"a"') + gzip.compress(b": 1}") + b"\0" * 32),
        ("deflate", zlib.compress(b'{"a": 1}')),
        ("deflate", zlib.compressobj(wbits=-15).compress(b"") + zlib.compress(b'{"a": 1}')[2:-4]),
        ("identity", b'{"a": 1}'),
    ],
)
async def test_packed_replies_are_unpacked(tmp_path: Path, coding: str, packed: bytes) -> None:
    assert (await got(tmp_path, reply(packed, content_encoding=coding))).document == {"a": 1}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_bomb_is_refused_before_it_has_unfolded(tmp_path: Path, coding: str) -> None:
    packer = zlib.compressobj(9, wbits=31 if coding == "gzip" else 15)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    assert len(bomb) < 300_000
    said = await refused(tmp_path, reply(bomb, content_encoding=coding), max_bytes=1 << 20)
    assert "sends more than 1,048,576 bytes; if that is right, raise max_bytes" in said


async def test_a_reply_that_says_it_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    assert "raise max_bytes" in await refused(tmp_path, reply(content_length="99999999999"))


async def test_a_reply_without_a_length_is_cut_off_too(tmp_path: Path) -> None:
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> bytes | None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    assert "raise max_bytes" in await refused(tmp_path, endless, max_bytes=1 << 20)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (reply(gzip.compress(b"x" * 999)[:-5], content_encoding="gzip"), "packed reply breaks off"),
        (reply(b"not packed", content_encoding="gzip"), "says its reply is packed as gzip, and it is not"),
        (reply(b"?", content_encoding="br"), "packs its reply as br, which was not asked for"),
        (reply(b"?", content_encoding="gzip, gzip"), "packs its reply as gzip, gzip"),
        (reply(b'{"a"', content_length="40"), "broke off"),
        (b"SSH-2.0-OpenSSH_9\r\n", "does not speak HTTP"),
        (b"", "broke off"),
        (reply(status=304), "it says nothing has changed, though it was not asked that"),
        (reply(status=401), "answers 401: it does not know us; check auth"),
        (reply("<error>Invalid api_key</error>", 403), "refuses us; check auth (it says: Invalid api_key)"),
        (reply(status=404), "nothing at that address; check url"),
        (reply(status=500), "the server is in trouble"),
        (reply("电话13800138000", 500), "(it says: 电话138******00)"),
        (reply(status=204), "answers 204"),
        (reply(status=206), "answers 206"),
    ],
)
async def test_what_is_wrong_is_said(tmp_path: Path, answer: bytes, says: str) -> None:
    assert says in await refused(tmp_path, answer)


@pytest.mark.parametrize(
    "answer",
    [
        reply("<!DOCTYPE html><html><title>统一身份认证 登录</title>", content_type="text/html"),
        reply("\ufeff  <!-- x --> <HTML><head><title>统一身份认证 登录</title>"),
        reply('{"a": "<title>统一身份认证 登录</title>"}', content_type="text/html; charset=utf-8"),
    ],
)
async def test_a_login_page_is_not_taken_for_data(tmp_path: Path, answer: bytes) -> None:
    said = await refused(tmp_path, answer)
    assert (
        "answers with a web page (统一身份认证 登录) where data should be, as a login does; check auth and url" in said
    )


# -- how long it waits -----------------------------------------------------------------------------------------


async def test_a_slow_drip_ends_at_the_limit_for_the_whole(tmp_path: Path) -> None:
    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> bytes | None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)
        return None

    began = asyncio.get_running_loop().time()
    assert "was not there after 0.3 s; if it is slow, raise timeout" in await refused(tmp_path, drip, timeout=0.3)
    assert asyncio.get_running_loop().time() - began < 5


async def test_nobody_at_the_address(tmp_path: Path) -> None:
    with socket.socket() as shut:
        shut.bind(("127.0.0.1", 0))
        async with fetcher(tmp_path, f"http://127.0.0.1:{shut.getsockname()[1]}/") as web:
            with pytest.raises(SourceFailed, match=r"cannot be reached.*; is the server up"):
                await web.get()


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (429, "30", 30.0), (503, " 7 ", 7.0), (503, "99999999999999999999", LONGEST_WAIT), (429, "soon", 0.0),
        (429, "-5", 0.0), (500, "30", 0.0), (503, "Sun, 01 Mar 2026 04:01:00 GMT", 60.0),
        (503, "Sun, 01 Mar 2026 03:01:00 GMT", 0.0), (503, "Sun, 01 Mar 9999 04:01:00 GMT", LONGEST_WAIT),
    ],
)  # fmt: skip
async def test_a_busy_source_is_left_alone_for_as_long_as_it_asks(
    tmp_path: Path, status: int, header: str, wait: float
) -> None:
    assert _wait(header, status, NOW) == wait
    async with source(reply(status=status, retry_after=header)) as served, fetcher(tmp_path, served.url) as web:
        with pytest.raises(SourceFailed) as error:
            await web.get()
        assert error.value.wait == wait
    assert _wait(header, status, NOW + timedelta(days=9000)) <= LONGEST_WAIT


# -- where it goes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254:80 is not among the feed's hosts"),
        ("file:///etc/passwd", "sends us to file:, and only http and https are followed"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "sends us to gopher:"),
        ("//elsewhere.example/x", "elsewhere.example:80 is not among the feed's hosts"),
        ("http://127.0.0.1:6379/", "127.0.0.1:6379 is not among"),
        ("http://2130706433/", "2130706433:80 is not among"),
        ("http://wall:secret@127.0.0.1/", "with a password in it"),
        ("http://[::ffff:169.254.169.254]/", "is not among"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_it_is_not_sent_elsewhere(tmp_path: Path, location: str, says: str, status: int) -> None:
    assert says in await refused(tmp_path, reply(status=status, location=location))


async def test_it_is_sent_to_hosts_that_are_named_but_does_not_say_there_who_we_are(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("geheim\n")
    async with source(reply('{"a": 1}')) as other:
        onward = reply(status=302, location=f"{other.url}/data")
        async with source(onward) as served:
            auth = {"secret_file": "token"}
            async with fetcher(
                tmp_path, served.url, hosts=[httpx.URL(other.url).netloc.decode()], auth=auth, headers={"x-own": "1"}
            ) as web:
                assert (await web.get()).document == {"a": 1}
        assert served.asked[0].headers["authorization"] == "Bearer geheim"
        assert other.asked[0].path == "/data"
        assert not {"authorization", "x-own"} & set(other.asked[0].headers)


async def test_a_circle_ends(tmp_path: Path) -> None:
    assert "sends us on more than 5 times" in await refused(tmp_path, reply(status=302, location="/again"))


@pytest.mark.parametrize(
    "addresses",
    [["169.254.169.254"], ["127.0.0.1"], ["0.0.0.0"], ["::1"], ["fe80::1%2"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"],
     ["224.0.0.1"], ["100.100.100.200"], ["fd00:ec2::254"], ["255.255.255.255"]],
)  # fmt: skip
async def test_a_name_that_leads_to_this_machine_or_to_metadata_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    async def resolve(*args: Any, **more: Any) -> list[Any]:
        return [(None, None, None, "", (address, 80)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    with pytest.raises(SourceFailed, match="where no feed goes unless told"):
        await Doorkeeper(["hall.example:80"]).addresses("hall.example", 80)
    named = Doorkeeper(["hall.example:80", addresses[0].partition("%")[0]])
    assert await named.addresses("hall.example", 80) == addresses
    addresses.append("10.1.2.3")
    assert await Doorkeeper(["Hall.Example."]).addresses("hall.example", 80) == ["10.1.2.3"]


async def test_the_address_that_was_checked_is_the_one_that_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    async with source(reply("[]")) as served:
        port = httpx.URL(served.url).port
        loop = asyncio.get_running_loop()
        real = loop.getaddrinfo

        async def resolve(host: Any, *args: Any, **more: Any) -> Any:
            if host == "hall.example":
                asked.append(host)
                return [(None, None, None, "", ("127.0.0.1", port))] if len(asked) == 1 else []
            return await real(host, *args, **more)

        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        async with fetcher(tmp_path, f"http://hall.example:{port}/", hosts=["127.0.0.1"]) as web:
            assert (await web.get()).document == []
    assert asked == ["hall.example"]
    assert served.asked[0].headers["host"] == f"hall.example:{port}"


async def test_proxies_and_passwords_of_the_environment_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with source(reply("[]")) as served, fetcher(tmp_path, served.url) as web:
        await web.get()
    assert "authorization" not in served.asked[0].headers


# -- who we are ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "bearer"}, "authorization", "Bearer s3cr3t"),
        ({"kind": "basic", "user": "wall"}, "authorization", "Basic d2FsbDpzM2NyM3Q="),
        ({"kind": "key", "header": "X-Api-Key"}, "x-api-key", "s3cr3t"),
    ],
)
@pytest.mark.parametrize("where", ["file", "env"])
async def test_we_say_who_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: dict[str, str], header: str, value: str, where: str
) -> None:
    (tmp_path / "token").write_text("s3cr3t\n")
    monkeypatch.setenv("HALL_TOKEN", "s3cr3t")
    named = {"secret_file": "token"} if where == "file" else {"secret_env": "HALL_TOKEN"}
    async with source(reply("[]")) as served, fetcher(tmp_path, served.url, auth=auth | named) as web:
        await web.get()
        assert served.asked[0].headers[header] == value
        (tmp_path / "token").write_text("another")
        monkeypatch.setenv("HALL_TOKEN", "another")
        await web.get()
        assert served.asked[1].headers[header] != value  # It is read afresh each time.


async def test_a_key_in_the_address_is_never_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "token").write_text("s3cr3t")
    caplog.set_level("INFO")
    auth = {"kind": "key", "query": "api_key", "secret_file": "token"}
    answers = [reply("[]"), reply("no such key s3cr3t", 403)]
    async with source(lambda asked: answers.pop(0)) as served, fetcher(tmp_path, served.url, auth=auth) as web:
        await web.get(params={"page": "1"})
        assert served.asked[0].query == {"page": "1", "api_key": "s3cr3t"}
        with pytest.raises(SourceFailed) as error:
            await web.get()
        assert "no such key ***" in str(error.value)
        assert "s3cr3t" not in str(error.value) + caplog.text


async def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with fetcher(tmp_path, "http://127.0.0.1:9/", auth={"secret_file": "nowhere"}) as web:
        with pytest.raises(SourceFailed, match=r"auth: the file .*nowhere holds no secret; put the secret there"):
            await web.get()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate of its own for 127.0.0.1."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(cert), "-subj", "/CN=hall", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return key, cert


def _lock(key: Path) -> None:
    """The same key with a password."""
    locked = ["openssl", "ec", "-aes256", "-passout", "pass:x", "-in", str(key), "-out", str(key.parent / "locked.pem")]
    subprocess.run(locked, check=True, capture_output=True, timeout=30)


async def test_a_private_authority(tmp_path: Path) -> None:
    key, cert = certificate(tmp_path)
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    async with source(reply("[]"), tls) as served:
        async with fetcher(tmp_path, served.url, ca_file="cert.pem") as web:
            assert (await web.get()).document == []
        async with fetcher(tmp_path, served.url) as web:
            with pytest.raises(SourceFailed, match=r"certificate is not believed .*; renew it, or name its authority"):
                await web.get()
        with pytest.raises(SourceFailed, match="cannot be read as certificates"):
            async with fetcher(tmp_path, served.url, ca_file="key.pem"):
                pass
    down = reply(status=302, location="http://127.0.0.1:80/")
    async with (
        source(down, tls) as served,
        fetcher(tmp_path, served.url, ca_file="cert.pem", hosts=["127.0.0.1"]) as web,
    ):
        with pytest.raises(SourceFailed, match="from https to http"):
            await web.get()


async def test_a_source_that_wants_to_see_our_certificate(tmp_path: Path) -> None:
    key, cert = certificate(tmp_path)
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    tls.verify_mode = CERT_REQUIRED
    tls.load_verify_locations(cert)
    (tmp_path / "both.pem").write_text(cert.read_text() + key.read_text())
    (tmp_path / "other").mkdir()
    certificate(tmp_path / "other")
    wanted = "want(s)? to see a certificate of ours.*cert_file"  # It says so, or only cuts the connection.
    async with source(reply("[]"), tls) as served:
        for ours in ({"cert_file": "cert.pem", "key_file": "key.pem"}, {"cert_file": "both.pem"}):
            async with fetcher(tmp_path, served.url, ca_file="cert.pem", **ours) as web:
                assert (await web.get()).document == []
        async with fetcher(tmp_path, served.url, ca_file="cert.pem") as web:
            with pytest.raises(SourceFailed, match=wanted):
                await web.get()
        other = {"cert_file": "other/cert.pem", "key_file": "other/key.pem"}
        async with fetcher(tmp_path, served.url, ca_file="cert.pem", **other) as web:
            with pytest.raises(SourceFailed, match=wanted):
                await web.get()


async def test_certificates_that_cannot_be_used_are_said_in_a_sentence(tmp_path: Path) -> None:
    key, _ = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    certificate(tmp_path / "other")
    _lock(key)
    for wrong in ({"cert_file": "key.pem"}, {"cert_file": "cert.pem", "key_file": "other/key.pem"},
                  {"cert_file": "gone.pem"}, {"cert_file": "cert.pem", "key_file": "locked.pem"}):  # fmt: skip
        with pytest.raises(SourceFailed, match="cannot be read as a certificate and its key"):
            async with fetcher(tmp_path, "https://127.0.0.1:9/", **wrong):
                pass


# -- what is asked ---------------------------------------------------------------------------------------------


async def test_what_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        known = asked.headers.get("if-none-match"), asked.headers.get("if-modified-since")
        if known == ('"7"', "Sun, 01 Mar 2026 04:00:00 GMT"):
            return reply(status=304)
        return reply("[]", etag='"7"', last_modified="Sun, 01 Mar 2026 04:00:00 GMT")

    async with source(answer) as served, fetcher(tmp_path, served.url) as web:
        assert [(await web.get()).unchanged for _ in range(3)] == [False, True, True]
        assert not (await web.get("/other")).unchanged
        web.forget()
        assert not (await web.get()).unchanged


async def test_a_form_is_posted_and_not_sent_on_behind_303(tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        return reply("[]") if asked.path == "/b" else reply(status=303, location="/b")

    async with source(answer) as served, fetcher(tmp_path, f"{served.url}/a") as web:
        await web.send("POST", data={"m": "QueryData"})
    assert [(asked.method, asked.path, asked.body) for asked in served.asked] == [
        ("POST", "/a", b"m=QueryData"),
        ("GET", "/b", b""),
    ]


# -- what the city file may say ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": "file:///etc/passwd"}, "is no web address; write one that begins with http:// or https://"),
        ({"url": "hall.example"}, "is no web address"),
        ({"url": "http://"}, "is no web address"),
        ({"url": "http://wall:pw@hall.example/"}, "holds a password; name its file in auth"),
        ({"url": "http://[::1"}, "is no address"),
        ({"hosts": ["http://x.example/"]}, "is no host; write a name or address"),
        ({"hosts": [""]}, "is no host"),
        ({"auth": {"kind": "bearer"}}, "name either secret_file or secret_env"),
        ({"auth": {"secret_file": "a", "secret_env": "B"}}, "name either secret_file or secret_env"),
        ({"auth": {"kind": "basic", "secret_file": "a"}}, 'user goes with kind = "basic"'),
        ({"auth": {"kind": "key", "secret_file": "a"}}, "one of header and query"),
        ({"auth": {"kind": "key", "secret_file": "a", "header": "x\r\ny"}}, "should match pattern"),
        ({"headers": {"Authorization": "x"}}, "may not stand here; use auth"),
        ({"headers": {"x": "a\r\nb"}}, "no header that could be sent"),
        ({"timeout": 0}, "greater than 0"),
    ],
)
def test_settings_that_cannot_be(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as error:
        settings(**({"url": "http://hall.example/"} | given))
    assert says in str(error.value)

"""RTSP and ONVIF as far as a camera's health needs them: one question, one answer, within limits of time and size.

RFC 2326 for OPTIONS and DESCRIBE, RFC 7616 and 2617 for digest authentication, ONVIF Core for the device's time. What
comes from a camera is never trusted: lines and bodies have lengths, headers a number, and XML no document type.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5, sha256

from dashboard.sources.documents import local, read_xml
from dashboard.sources.feed import SourceNonsense

LINE, HEADERS, BODY = 4096, 64, 65_536  # Bytes of a line, number of headers, bytes of a body.
AGENT = "citywall"
PARAMETER = re.compile(r"""(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))""")
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    '<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)


class Refused(Exception):
    """What a camera answered cannot be used; the word says why."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Answer:
    """A camera's answer: its status, its headers by lower-case name (of several the first), and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


async def read_answer(reader: asyncio.StreamReader, protocol: str = "RTSP") -> Answer:
    """One answer from an open connection.

    Raises:
        Refused: ``not_rtsp``, ``too_large`` or ``broke_off``.
    """
    try:
        first = await _line(reader)
        found = re.fullmatch(rf"{protocol}/[12]\.\d (\d{{3}})(?: .*)?", first)
        if not found:
            raise Refused("not_rtsp" if protocol == "RTSP" else "not_http", first[:60])
        headers: dict[str, str] = {}
        offered: list[str] = []
        for _ in range(HEADERS):
            line = await _line(reader)
            if not line:
                break
            name, _, value = line.partition(":")
            name = name.strip().lower()
            if name == "www-authenticate":
                offered.append(value.strip())
            headers.setdefault(name, value.strip())
        else:
            raise Refused("too_large", f"more than {HEADERS} headers")
        # Of several ways to say who we are digest is the one that tells nobody the password.
        for way in offered:
            if way.lower().startswith("digest"):
                headers["www-authenticate"] = way
                break
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 9 or int(length) > BODY:
            raise Refused("too_large", f"a body of {length[:20]} bytes")
        body = await reader.readexactly(int(length))
    except asyncio.IncompleteReadError:
        raise Refused("broke_off", "the camera hung up in mid-sentence") from None
    except (asyncio.LimitOverrunError, ValueError):
        raise Refused("too_large", "a line without end") from None
    return Answer(int(found[1]), headers, body)


async def _line(reader: asyncio.StreamReader) -> str:
    raw = await reader.readuntil(b"\n")
    if len(raw) > LINE:
        raise Refused("too_large", "a line without end")
    return raw.decode("latin-1").rstrip("\r\n")


def credentials(challenge: str, method: str, uri: str, user: str, password: str, nonce: str = "") -> str:
    """The header ``Authorization`` that answers a challenge. ``nonce`` is ours, and drawn if it is left out.

    Raises:
        Refused: ``unknown_challenge``, if it is neither digest by MD5 or SHA-256 nor basic.

    >>> credentials('Basic realm="x"', "OPTIONS", "rtsp://h/", "a", "b")
    'Basic YTpi'
    """
    kind, _, rest = challenge.partition(" ")
    if kind.lower() == "basic":
        from base64 import b64encode

        return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
    if kind.lower() != "digest":
        raise Refused("unknown_challenge", kind[:40])
    said = {name.lower(): quoted or plain for name, quoted, plain in PARAMETER.findall(rest[:LINE])}
    algorithm = said.get("algorithm", "MD5").upper()
    digest = {"MD5": md5, "SHA-256": sha256, "MD5-SESS": md5, "SHA-256-SESS": sha256}.get(algorithm)
    if digest is None or "nonce" not in said or "realm" not in said:
        raise Refused("unknown_challenge", algorithm[:40])

    def hashed(text: str) -> str:
        return digest(text.encode()).hexdigest()

    ours = nonce or secrets.token_hex(8)
    first = hashed(f"{user}:{said['realm']}:{password}")
    if algorithm.endswith("-SESS"):
        first = hashed(f"{first}:{said['nonce']}:{ours}")
    second = hashed(f"{method}:{uri}")
    parts = {"username": user, "realm": said["realm"], "nonce": said["nonce"], "uri": uri}
    ways = [way.strip() for way in said.get("qop", "").split(",")]
    text = ""
    if "auth" in ways:
        answer = hashed(f"{first}:{said['nonce']}:00000001:{ours}:auth:{second}")
        text = f', qop=auth, nc=00000001, cnonce="{ours}"'
    else:
        answer = hashed(f"{first}:{said['nonce']}:{second}")
    parts["response"] = answer
    if "opaque" in said:
        parts["opaque"] = said["opaque"]
    if "algorithm" in said:
        text += f", algorithm={said['algorithm']}"
    return "Digest " + ", ".join(f'{name}="{_quoted(value)}"' for name, value in parts.items()) + text


def _quoted(text: str) -> str:
    """A value without what would end its quotes or its line."""
    return re.sub(r'[\r\n"]', "", text)


def request(method: str, uri: str, number: int, **headers: str) -> bytes:
    """One RTSP request."""
    lines = {
        "CSeq": str(number),
        "User-Agent": AGENT,
        **{name.replace("_", "-"): v for name, v in headers.items() if v},
    }
    return "\r\n".join([f"{method} {uri} RTSP/1.0", *(f"{k}: {v}" for k, v in lines.items()), "", ""]).encode()


def has_video(sdp: bytes) -> bool:
    """Whether a session description (RFC 8866) offers video."""
    return any(line.startswith(b"m=video ") for line in sdp.replace(b"\r", b"\n").split(b"\n"))


def device_time(soap: str) -> datetime:
    """The time a camera holds to be true, by its answer to ONVIF's GetSystemDateAndTime, in UTC.

    Raises:
        Refused: ``not_onvif``, if it holds no UTC time that could be one.
    """
    try:
        root = read_xml(soap)
    except SourceNonsense as nonsense:
        raise Refused(nonsense.reason, nonsense.detail) from None
    for element in root.iter():
        if local(element.tag) == "UTCDateTime":
            numbers = {local(part.tag): (part.text or "").strip() for part in element.iter()}
            try:
                year, month, day, hour, minute, second = (
                    int(numbers[name]) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")
                )
                return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
            except (KeyError, ValueError, OverflowError):
                raise Refused("not_onvif", f"its time is {str(numbers)[:120]}") from None
    raise Refused("not_onvif", "it tells no UTC time")

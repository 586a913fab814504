"""Painting: one panel, painted once, as the bytes that go to every screen that shows it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from time import time
from typing import Any

import msgspec

from dashboard.screens.page import to_json
from dashboard.screens.panel import Context, Panel, rests_of

log = logging.getLogger("web")


def member(panel: Panel, documents: Mapping[str, Mapping[str, Any]], ctx: Context) -> tuple[bytes, bool]:
    """The panel's member of a paint message: its name and, in bytes, what is to be set; and whether that could be done.

    ``documents`` are the views it reads, with what they rest on.
    """
    about: dict[str, Any] = {
        "offset": min((d["offset"] for d in documents.values()), default=0),
        "as_of": min((d["as_of"] for d in documents.values()), default=0.0),
        "feeds": sorted({feed for d in documents.values() for feed in d["feeds"]}),
    }
    rests = rests_of(panel, about["feeds"], ctx.city, ctx.language)
    about |= {"rests": rests} if rests else {}
    try:
        props = to_json(panel.paint({view: d["data"] for view, d in documents.items()}, ctx))
    except Exception:
        log.exception("panel %s cannot be painted at %s", panel.id, ctx.place)
        about["fault"] = True
        props = b"{}"
    head = json.dumps(panel.id).encode() + b":" + msgspec.json.encode(about)[:-1]
    return head + b',"props":' + props + b"}", "fault" not in about


def bundled(number: int, epoch: str | None, ctx: Context, members: Iterable[bytes]) -> str:
    """A paint message: its number, the board's epoch, where and for whom, and the panels painted."""
    about = {"t": "paint", "n": number, "epoch": epoch, "now": time(), "place": ctx.place, "lang": ctx.language}
    return (msgspec.json.encode(about)[:-1] + b',"panels":{' + b",".join(members) + b"}}").decode()

"""What people do on the screens, posted to /act by the pages themselves: acknowledged, assigned, noted, instructed.

An act is a JSON object of ``id`` (a UUID, the same at each attempt), ``type``, ``by``, ``data`` and, where it is
about a thing, ``subject``. Which types there are the nouns say: every event of theirs that is an ``Act``. When it
happened is when it reached us first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, cast, get_args

import msgspec
from pydantic import Field

from dashboard.board import CODEC, NOUNS
from dashboard.events import Act, Event, Ref
from dashboard.masking import UNSHOWABLE, mask
from dashboard.sources.documents import read_json, text_of
from dashboard.sources.feed import Context, Feed, Post, Rejected, SourceNonsense
from dashboard.sources.feed import Settings as Common
from dashboard.sources.values import EARLIEST, LATEST, Refusal, reason_of

KEYS = ("id", "type", "by", "data", "subject")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
LONGEST = 8_000  # Characters of one text: a hand-over's summary is a page or two.
LONGEST_NAME = 60
LONGEST_SUBJECT = 300


class Settings(Common):
    """How large an act may be."""

    max_bytes: Annotated[int, Field(gt=0)] = 64 << 10


def acts() -> list[str]:
    """The types of acts that any noun declares."""
    return sorted(kind for kind, wanted in CODEC.types.items() if issubclass(wanted, Act))


def parse(payload: Post, settings: Settings, ctx: Context) -> Iterable[Event | Rejected]:
    """The act of one post.

    Raises:
        SourceNonsense: naming what is wrong with it; nothing of an act that is flawed is taken.
    """
    try:
        yield _act(read_json(text_of(payload.body, "utf-8")), settings, ctx)
    except Refusal as refusal:
        raise SourceNonsense(refusal.reason, mask(refusal.detail)) from None


def _act(said: Any, settings: Settings, ctx: Context) -> Event:
    if not isinstance(said, dict):
        raise Refusal("wrong_type", "an act is a JSON object")
    if unknown := sorted(set(said) - set(KEYS)):
        raise Refusal("unknown_field", f"{unknown[0][:40]!r} is none of {', '.join(KEYS)}")
    for key in KEYS[:3]:
        if not isinstance(said.get(key), str) or not said[key].strip():
            raise Refusal("missing_field" if said.get(key) in (None, "") else "wrong_type", f"{key} must be a text")
    if not UUID.fullmatch(said["id"]):
        raise Refusal("bad_id", "id must be a UUID, made anew for each act")
    wanted = CODEC.types.get(said["type"])
    if wanted is None or not issubclass(wanted, Act):
        raise Refusal("unknown_type", f"{said['type'][:60]!r} is none of {', '.join(acts())}")
    data = said.get("data", {})
    if not isinstance(data, dict):
        raise Refusal("wrong_type", "data must be a JSON object")
    subject = said.get("subject", "")
    if not isinstance(subject, str) or len(subject) > LONGEST_SUBJECT or UNSHOWABLE.search(subject):
        raise Refusal("bad_subject", f"subject is a printable text of at most {LONGEST_SUBJECT} characters")
    if "by" in data:
        raise Refusal("unknown_field", "by stands beside data, not in it")
    envelope = {"id": said["id"].lower(), "source": settings.source or settings.name, "time": ctx.now()}
    envelope["subject"] = subject
    try:
        event = CODEC.typed(said["type"], envelope, {**data, "by": _person(said["by"], ctx)})
    except ValueError as error:
        raise Refusal(reason_of(str(error)), str(error)) from None
    return _tidy(event)


def _person(name: str, ctx: Context) -> str:
    """Who it was: one of the city's people where it names any.

    Raises:
        Refusal: ``unknown_person`` or ``bad_name``.
    """
    name = name.strip()
    if ctx.city.people:
        if all(person.name != name for person in ctx.city.people):
            raise Refusal("unknown_person", "by names nobody of [[people]] in the city file")
    elif len(name) > LONGEST_NAME or UNSHOWABLE.search(name):
        raise Refusal("bad_name", f"a name has at most {LONGEST_NAME} characters, all of them printable")
    return name


def _tidy(event: Event) -> Event:
    """The act as it is kept: texts masked and without what cannot be shown, times in UTC; references as they are."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(cast(Any, event))}
    changed = {}
    for name in event.__struct_fields__:
        if name in ("id", "source", "subject", "time", "by"):
            continue
        value = getattr(event, name)
        if not _names(kinds[name]):
            changed[name] = _kept(name, value)
        elif isinstance(value, str) and UNSHOWABLE.search(value):
            raise Refusal("bad_name", f"{name} names a thing, in printable characters")
    tidy = msgspec.structs.replace(event, **changed)
    try:
        # What was only blanks or signs that cannot be shown is gone by now, and may be too little.
        return msgspec.convert(msgspec.to_builtins(tidy, builtin_types=(datetime,)), type(event))
    except msgspec.ValidationError as error:
        raise Refusal(reason_of(str(error)), str(error)) from None


def _names(kind: Any) -> bool:
    """Whether a field of this type names a thing of the house."""
    return bool(kind == Ref or Ref in get_args(kind))


def _kept(name: str, value: Any) -> Any:
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise Refusal("too_long", f"{name} has {len(value):,} characters; {LONGEST:,} are the most")
        return mask("\n".join(UNSHOWABLE.sub(" ", line).rstrip() for line in value.splitlines()).strip())
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise Refusal("bad_time", f"{name} names no zone; write Z or +08:00 behind it")
        if not EARLIEST <= value.year <= LATEST:
            raise Refusal("bad_time", f"{name} is not between {EARLIEST} and {LATEST}")
        return value.astimezone(UTC)
    if isinstance(value, tuple):
        return tuple(_kept(name, part) for part in value)
    if isinstance(value, Mapping):
        return {_kept(name, key): _kept(name, part) for key, part in value.items()}
    return value


FEED = Feed(
    kind="desk",
    caption="what people do on the screens, posted to /act by our own pages",
    parse=parse,
    Settings=Settings,
    nouns=tuple(name for name, noun in NOUNS.items() if any(issubclass(kind, Act) for kind in noun.events)),
    everywhere=True,
    mapped=(
        "every event that a noun declares as an act; its time is when it reached us first, and the same id again is "
        "the same act. Every city has this feed, named `desk`, without configuring it; 2xx only after the durable "
        "write."
    ),
    refused=(
        "posts from pages of another origin; ids that are no UUID, unknown types, fields and, where the city names "
        "`[[people]]`, persons; texts beyond 8,000 characters; an id that came before with another content."
    ),
    example="""\
[[feeds]]
kind = "desk"
name = "desk"
""",
)

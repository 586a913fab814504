"""What holds for every kind of feed there is, and will hold for the next."""

from __future__ import annotations

import inspect
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from dashboard.board import NOUNS
from dashboard.city import City, CityError, make_city
from dashboard.sources.feed import BoundFeed, Context, Feed, Post, Rejected, Settings, SourceNonsense, bind, kinds
from tests.town import context

ROOT = Path(__file__).resolve().parents[2]
KINDS = sorted(kinds())


def city_of(kind: Feed, folder: Path, **changed: object) -> City:
    """A city whose only feed is the kind's example, with the facts that come with the house beside it."""
    (table,) = tomllib.loads(kind.example)["feeds"]
    city = {
        "name": "town",
        "title": {"zh": "镇", "en": "Town"},
        "zone": "Asia/Shanghai",
        "places": {"file": str(ROOT / "cities" / "nanhai.csv"), "outlines": "schematic"},
        "feeds": [table | changed],
    }
    return make_city(city, folder / "town.toml")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Feed:
    return kinds()[request.param]


def test_the_kinds_of_the_spine_are_there() -> None:
    assert set(KINDS) >= {"clock", "cloudevents", "file", "pretend"}


def test_it_is_named_for_its_file_and_has_a_caption(kind: Feed) -> None:
    module = import_module(f"feeds.{kind.kind}")
    assert module.FEED is kind
    assert module.__doc__
    assert kind.caption
    assert not kind.caption.endswith(".")


def test_it_says_what_it_maps_and_what_it_refuses(kind: Feed) -> None:
    for words in (kind.mapped, kind.refused):
        assert words.endswith(".")
        assert "\n" not in words


def test_it_fills_nouns_that_there_are(kind: Feed) -> None:
    assert kind.nouns
    assert set(kind.nouns) <= set(NOUNS)


def test_its_example_works(kind: Feed, tmp_path: Path) -> None:
    (bound,) = bind(city_of(kind, tmp_path))
    assert bound.feed is kind
    assert bound.settings.kind == kind.kind
    assert bound.source == bound.name


def test_its_settings_extend_the_common_ones_and_take_no_unknown_key(kind: Feed, tmp_path: Path) -> None:
    assert issubclass(kind.Settings, Settings)
    with pytest.raises(CityError) as error:
        bind(city_of(kind, tmp_path, colour="red"))
    assert "colour: is not a key that is known here; check its spelling" in str(error.value)


def test_it_says_how_soon_it_is_to_be_heard_of_again(kind: Feed, tmp_path: Path) -> None:
    (bound,) = bind(city_of(kind, tmp_path))
    assert bound.settings.interval == kind.interval
    (slow,) = bind(city_of(kind, tmp_path, interval=300))
    assert slow.settings.interval == 300


GARBAGE = [
    b"",
    b"\x00\xff" * 100,
    b"<html>log in</html>",
    b'{"a": NaN}',
    b"[" * 50_000,
    b"null",
    b"[[]]",
    "市".encode("gbk"),
]


@pytest.mark.parametrize("body", GARBAGE)
@pytest.mark.parametrize("name", [name for name in KINDS if kinds()[name].open is None])
def test_a_kind_that_is_posted_to_names_what_is_wrong(name: str, body: bytes, tmp_path: Path) -> None:
    kind = kinds()[name]
    city = city_of(kind, tmp_path)
    (bound,), ctx = bind(city), context(city)
    for headers in ({}, {"content-type": "application/json"}, {"content-type": "application/cloudevents-batch+json"}):
        assert reasons_of(kind, Post(headers, body), bound, ctx)


def reasons_of(kind: Feed, post: Post, bound: BoundFeed, ctx: Context) -> list[str]:
    """Why nothing of a post is taken; fails if anything is."""
    try:
        found = list(kind.parse(post, bound.settings, ctx))
    except SourceNonsense as nonsense:
        return [nonsense.reason]
    assert all(isinstance(item, Rejected) and not item.kept for item in found)
    return [item.reason for item in found if isinstance(item, Rejected)]


def test_opening_is_apart_from_parsing(kind: Feed) -> None:
    """``parse`` is an ordinary function that takes payload, settings and context; ``open`` is asynchronous."""
    assert not inspect.iscoroutinefunction(kind.parse)
    assert not inspect.isasyncgenfunction(kind.parse)
    assert len(inspect.signature(kind.parse).parameters) == 3
    if kind.open is not None:
        assert inspect.isasyncgenfunction(kind.open)
        assert len(inspect.signature(kind.open).parameters) == 2


def test_the_context_knows_only_what_a_feed_may_know() -> None:
    assert set(Context.__dataclass_fields__) >= {"city", "places", "gazetteer", "cursor", "now", "data"}

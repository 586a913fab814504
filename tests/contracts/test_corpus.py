"""Every kind of feed is fuzzed or has a reason; what was found interesting once is tried again each time."""

from __future__ import annotations

import random

import pytest

from bench import fuzz
from bench.fuzz import CORPUS, corpus_of, faults, numbers_of, search
from bench.mutations import mutated
from bench.targets import TARGETS, UNFUZZED, Target
from dashboard.sources.feed import kinds

NAMED = {f"{target.kind}-{target.name}": target for target in TARGETS}


def test_every_kind_is_fuzzed_or_has_a_reason() -> None:
    fuzzed = {target.kind for target in TARGETS}
    assert not fuzzed & set(UNFUZZED)
    assert all(len(reason.split()) > 3 for reason in UNFUZZED.values())
    assert set(kinds()) == fuzzed | set(UNFUZZED), "give it a target in bench/targets.py, or a reason"


def test_each_kept_case_belongs_to_a_target() -> None:
    known = {file for target in TARGETS for file in corpus_of(target)}
    assert {file for file in CORPUS.rglob("*") if file.is_file()} == known
    assert all(file.stat().st_size <= fuzz.SMALL for file in known)


@pytest.mark.parametrize("name", NAMED)
def test_the_kept_cases_still_hold(name: str) -> None:
    target = NAMED[name]
    cases = [*target.seeds, *(file.read_bytes() for file in corpus_of(target))]
    assert {fault: body[:200] for body in cases for fault in faults(target, body)} == {}


@pytest.mark.parametrize("name", NAMED)
def test_a_seed_says_something(name: str) -> None:
    """A target whose seeds come to nothing would fuzz nothing."""
    target = NAMED[name]
    assert any(fuzz.outcome(target, body)[0] for body in target.seeds)


@pytest.mark.parametrize("name", NAMED)
def test_a_short_search_finds_nothing(name: str) -> None:
    target = NAMED[name]
    _, lines, found = search(target, 2026, 20.0, most=60, recorded=False)
    assert lines > 20
    assert found == {}


def test_mutations_depend_on_their_seed_alone() -> None:
    body = TARGETS[0].seeds[0]
    first = [mutated(body, random.Random(7), [body]) for _ in range(3)]
    assert first == [mutated(body, random.Random(7), [body]) for _ in range(3)]


def test_a_bent_number_and_a_fault_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from msgspec.structs import replace

    target: Target = NAMED["http-sensor"]
    real = fuzz.outcome
    body = target.seeds[0]

    def bent(target: Target, body: bytes) -> object:
        events, rejected = real(target, body)
        return [replace(event, value=event.value + 0.5) for event in events], rejected  # type: ignore[attr-defined]

    monkeypatch.setattr(fuzz, "outcome", bent)
    assert faults(target, body) == ["sensor.reading.value is 1235.0, which was not sent"]

    def broken(target: Target, body: bytes) -> object:
        raise KeyError("v")

    monkeypatch.setattr(fuzz, "outcome", broken)
    assert faults(target, body)[0].startswith("KeyError at test_corpus.py")


def test_numbers_are_seen_in_every_dress() -> None:
    target = NAMED["http-sensor"]
    found, _ = numbers_of(target, '{"a": "1,234.5", "b": "１２", "c": "\\u0037", "d": -3e2}'.encode())
    assert {1234.5, 12.0, 7.0, -300.0} <= found

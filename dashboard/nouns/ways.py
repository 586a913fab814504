"""The ways a ticket can move from stage to stage, by the names under which they are asked for and told."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.words import STAGES, Words

Pairs = frozenset[tuple[str, str]]
"""From which stage to which."""


def _some(starts: tuple[str, ...], *stops: str) -> Pairs:
    return frozenset((start, stop) for start in starts for stop in stops)


def _all() -> Iterator[tuple[str, Words, Pairs]]:
    yield "sent", Words("派遣", "Dispatched"), _some(("report", "file"), "dispatch")
    yield "returned", Words("回退", "Returned"), _some(("dispatch", "handle"), "report", "file")
    yield "checked", Words("送核查", "Sent to inspection"), _some(("report", "file", "dispatch", "handle"), "inspect")
    yield "reworked", Words("返工", "Reworked"), _some(("inspect",), "handle")
    for stage, words in STAGES.items():
        others = tuple(other for other in STAGES if other != stage)
        yield f"into-{stage}", Words(f"进入{words.zh}", f"Into {words.en}"), _some(others, stage)
        yield f"from-{stage}", Words(f"离开{words.zh}", f"Out of {words.en}"), _some((stage,), *others)
        for other in others:
            to = STAGES[other]
            yield f"{stage}-{other}", Words(f"{words.zh} → {to.zh}", f"{words.en} → {to.en}"), _some((stage,), other)


WAYS: dict[str, tuple[Words, Pairs]] = {name: (words, pairs) for name, words, pairs in _all()}
"""Name → what it is called, and which moves it is: all into or out of a stage, from one to another, or a kind."""

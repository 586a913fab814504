"""The casework screen: whole and readable in every face, drawn in shapes of our own, and a step away from the wall."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.city import read_city
from dashboard.doors.gallery import Viewer, Wanted, pictures
from dashboard.doors.stage import Stage
from dashboard.screens.faces import FACES
from tests.servers import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

ROUNDS = [((1920, 1080), "en", "dark"), ((3840, 1080), "zh", "light")]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(read_city(ROOT / "cities" / "nanhai.toml")) as stage:
        yield stage


@pytest.mark.parametrize(("size", "language", "theme"), ROUNDS, ids=lambda value: str(value).replace(", ", "x"))
def test_no_face_has_a_defect(
    browser: Browser, stage: Stage, tmp_path: Path, size: tuple[int, int], language: str, theme: str
) -> None:
    wanted = Wanted(layouts=("casework",), sizes=(size,), languages=(language,), themes=(theme,))
    taken = pictures(stage, browser, wanted, tmp_path, print)
    assert {"normal", "long", "large", "many"} <= {picture.face for picture in taken}
    assert not [f"{picture.name} {defect}" for picture in taken for defect in picture.defects]


def test_the_flow_is_drawn_and_the_other_screens_are_a_step_away(
    new_context: Callable[..., BrowserContext], stage: Stage
) -> None:
    viewer = Viewer(stage, new_context().new_page(), "en", "dark")
    viewer.open("casework")
    viewer.show(next(face for face in FACES if face.id == "normal"))
    shapes = viewer.page.evaluate(
        "() => [...document.querySelectorAll('#flow svg > *')].map((one) => [one.localName, one.getBBox().height > 0])"
    )
    assert {name for name, _ in shapes} == {"path", "rect"}
    assert all(drawn for _, drawn in shapes)
    links = "() => [...document.querySelectorAll('.screens a')].map((a) => [a.getAttribute('href'), a.ariaCurrent])"
    query = viewer.page.evaluate("() => location.search")
    assert query
    found = dict(viewer.page.evaluate(links))
    assert found[f"/casework{query}"] == "page"
    assert found[f"/wall{query}"] is None
    assert found[f"/screens{query}"] is None
    viewer.page.evaluate("() => citywall.go({ place: '440605124' })")
    assert all("place=440605124" in href for href, _ in viewer.page.evaluate(links))

"""The gallery: every face of every panel, looked at on a stage; and an eye that sees each kind of defect."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe

import app
from dashboard.city import read_city
from dashboard.doors.gallery import CONTRAST, KINDS, LOOK, SIZES, THEMES, Picture, Viewer, Wanted, index, pictures
from dashboard.doors.stage import OTHERS, Stage, others
from dashboard.screens.faces import FACES
from dashboard.screens.layout import all_layouts, smallest
from dashboard.screens.panel import Context, all_panels
from dashboard.screens.trace import listed, lists_of
from dashboard.screens.tracerows import silent
from tests.servers import ROOT, chromium, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

# A few of the gallery's rounds; the whole of it is `./citywall gallery DIR`.
ROUNDS = [
    ((1920, 1080), "zh", "dark"),
    ((3840, 1080), "en", "light"),
    ((1280, 800), "en", "dark"),
    ((1024, 1366), "zh", "light"),
]
DEAR = 8e6  # Pixels from which on a picture takes so long that there are fewer of them.
SPEAKING = {"opening": "◌", "late": "■", "silent": "◆", "failing": "▲", "fault": "✕", "never": "○"}
FACE = """() => Object.fromEntries([...document.querySelectorAll(".card[data-panel]")].map((card) => {
  const part = (selector, pseudo) => getComputedStyle(card.querySelector(selector), pseudo);
  const plate = part(":scope > .plate").display !== "none" ? card.querySelector(":scope > .plate").textContent : "";
  const shape = [part("header .age", "::before").content, plate && part(":scope > .plate", "::before").content];
  return [card.dataset.panel, {
    state: card.dataset.state, body: card.querySelector(":scope > .body").innerText.trim(),
    words: card.querySelector("header .age").textContent + plate,
    shape: shape.filter((one) => one && one !== "none" && one !== "normal").join("").replaceAll('"', ""),
    colour: part("header").backgroundColor + getComputedStyle(card).borderTopColor +
      getComputedStyle(card).borderTopStyle,
  }];
}))"""


# The size of type in which each panel says its state, as a share of the screen's height: the words and their shape.
MARKS = """() => {
  const cards = [...document.querySelectorAll("#wall > [data-panel]:not(#header)")];
  return cards.filter((card) => card.offsetParent).map((card) => {
    const age = card.querySelector(":scope > .age, :scope > header .age");
    const sizes = [null, "::before"].map((pseudo) => parseFloat(getComputedStyle(age, pseudo).fontSize));
    return [card.id, card.dataset.state, Math.min(...sizes) / innerHeight, age.getBoundingClientRect().width > 0];
  });
}"""
# A glyph is read from 250 times its height: on a hall's wall three metres high, from ten metres, this share of it.
ACROSS_THE_HALL = 10 / 250 / 3


def rotated() -> Iterator[tuple[str, tuple[int, int], str, str]]:
    """Every layout that is found at one size, in one language and theme, so that all of these take their turn."""
    layouts = all_layouts()
    for at, layout in enumerate([*layouts, *([OTHERS] if others(layouts) else [])]):
        size, turn = SIZES[at % len(SIZES)], at // len(SIZES)
        yield layout, size, ("zh", "en")[(at + turn) % 2], THEMES[(at // 2 + turn) % 2]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(read_city(ROOT / "cities" / "nanhai.toml")) as stage:
        yield stage


@pytest.mark.parametrize(("size", "language", "theme"), ROUNDS, ids=lambda value: str(value).replace(", ", "x"))
def test_no_face_of_any_panel_has_a_defect(
    browser: Browser, stage: Stage, tmp_path: Path, size: tuple[int, int], language: str, theme: str
) -> None:
    wanted = Wanted(layouts=("wall",), sizes=(size,), languages=(language,), themes=(theme,))
    taken = pictures(stage, browser, wanted, tmp_path, print)
    assert len(taken) >= 6
    assert {"normal", "long", "large", "many"} <= {picture.face for picture in taken}
    assert all(picture.pieces > 20 for picture in taken)
    assert all((tmp_path / picture.file).stat().st_size > 10_000 for picture in taken)
    assert not [f"{picture.name} {defect}" for picture in taken for defect in picture.defects]
    assert json.loads((tmp_path / "defects.json").read_text(encoding="utf-8")) == []
    assert taken[-1].file in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("layout", "size", "language", "theme"), list(rotated()), ids=lambda part: str(part).replace(", ", "x")
)
def test_no_layout_has_a_defect_at_the_size_whose_turn_it_is(
    browser: Browser, stage: Stage, tmp_path: Path, layout: str, size: tuple[int, int], language: str, theme: str
) -> None:
    faces = ("normal", "long") if size[0] * size[1] > DEAR else ("normal", "long", "large")
    wanted = Wanted(layouts=(layout,), sizes=(size,), languages=(language,), themes=(theme,), faces=faces)
    taken = pictures(stage, browser, wanted, tmp_path, print, index=False)
    assert tuple(picture.face for picture in taken) == faces
    assert all(picture.pieces > 20 for picture in taken)
    assert all((tmp_path / picture.file).stat().st_size > 10_000 for picture in taken)
    assert not [f"{picture.name} {defect}" for picture in taken for defect in picture.defects]


def test_every_size_language_and_theme_has_its_turn() -> None:
    rounds = list(rotated())
    assert {layout for layout, *_ in rounds} >= set(all_layouts())
    assert {size for _, size, *_ in rounds} == set(SIZES)
    assert len({(language, theme) for *_, language, theme in rounds}) == 4


def test_the_faces_are_told_apart_by_shape_word_and_colour(
    new_context: Callable[..., BrowserContext], stage: Stage
) -> None:
    viewer = Viewer(stage, new_context().new_page(), "zh", "dark")
    viewer.open("wall")
    seen: dict[str, dict[str, Any]] = {}
    for name in ("loading", "empty", "normal", "late", "silent", "failing", "wrong", "never"):
        viewer.show(next(face for face in FACES if face.id == name))
        seen[name] = viewer.page.evaluate(FACE)
        marks = viewer.page.evaluate(MARKS)
        assert len(marks) > 8
        if name in ("late", "silent", "failing", "wrong"):
            assert not [mark for mark in marks if mark[2] < ACROSS_THE_HALL or not mark[3]], name
    for panel in seen["normal"]:
        faces = {name: found[panel] for name, found in seen.items()}
        empty = faces.pop("empty")  # It is heard of, and says that there is nothing.
        assert (empty["state"], empty["shape"]) == ("live", "")
        assert re.search("[–○无没]", empty["body"]), f"{panel}: {empty['body']}"
        assert empty["body"] not in {face["body"] for face in faces.values()}, panel
        never = faces["never"]  # Of what was never heard there is no nought, and not even that there is nothing.
        assert (never["body"], never["words"]) == ("", 2 * "未接入"), panel
        assert faces["normal"]["state"] == "live"
        assert faces["normal"]["shape"] == ""
        for name, face in faces.items():
            if name != "normal":
                assert SPEAKING[face["state"]] in face["shape"], f"{panel} {name}"
                assert face["words"].strip()
        assert len({face["words"] for face in faces.values()}) == len(faces)
        assert len({faces[name]["colour"] for name in ("loading", "normal", "late", "silent", "wrong")}) == 5


def test_a_board_that_is_behind_is_catching_up_while_its_time_moves_on_and_stalled_when_it_stands(
    new_context: Callable[..., BrowserContext], stage: Stage
) -> None:
    viewer = Viewer(stage, new_context().new_page(), "en", "dark")
    viewer.open("wall")
    normal, stalled = (next(face for face in FACES if face.id == name) for name in ("normal", "stalled"))
    seen = []
    for face in (
        normal,
        replace(stalled, age=600.0),
        replace(stalled, age=300.0),
        stalled,
        replace(stalled, age=300.0),
    ):
        viewer.show(face)
        seen.append({(one["state"], one["words"]) for one in viewer.page.evaluate(FACE).values()})
    assert [{state for state, _ in found} for found in seen] == [
        {"live"}, {"stalled"}, {"catching"}, {"catching"}, {"stalled"},
    ]  # fmt: skip
    assert {words for _, words in seen[2]} == {"catching up 5 min"}


def test_the_numbers_of_the_modules_answer_with_what_stands_behind_them(
    new_context: Callable[..., BrowserContext], stage: Stage
) -> None:
    """A figure that is told as a sum, a card's number with its records, and the cell of a row on a module's screen."""
    viewer = Viewer(stage, new_context(viewport={"width": 1920, "height": 1080}).new_page(), "en", "dark")
    page = viewer.page
    viewer.open("wall")
    viewer.show(next(face for face in FACES if face.id == "normal"))
    answer = page.locator("dialog.answer[open]")

    def asked(selector: str, *parts: str) -> list[str]:
        """The names of the records in the answer to a click, which says all ``parts``; it is open still."""
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        page.locator(selector).first.click()
        page.wait_for_selector("dialog.answer .records > *")
        said = answer.inner_text()
        assert not [part for part in parts if part not in said], said
        return answer.locator(".records .name").all_inner_texts()

    names = asked(
        "#economy-first .number", "GDP", "Formula", "Rests on", "As of 2026-", "Told as a sum by who publishes"
    )
    assert names == ["GDP", "<b>地区生产总值</b>"], "what was told and what was put right; a text stays a text"
    assert "3,238.1" in answer.locator(".records .quiet").first.inner_text()
    assert answer.locator(".records time[data-since]").first.get_attribute("data-since") == "1792634400"
    names = asked("#market-due .number", "Licences and equipment", "Near their end", "All of them under Market")
    assert names[0] == "Elevators C261015-0114"
    faults = Axe().run(page, context="dialog.answer", options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert faults.violations_count == 0, faults.generate_report()
    assert asked("#service-rate-why span", "On time", "The halls", "14,752 / 15,018")[0] == "Shishan Service Hall"
    page.keyboard.press("Escape")
    page.locator("#service h2 button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.answer .records > *")
    answer.locator("a.all").click()
    page.wait_for_url("**/service?lang=en")
    rows = "#service_halls-rows .row"
    page.wait_for_selector(rows)
    viewer.rest()
    names = asked(f"{rows} .n:has-text('%')", "On time", "By the longest wait", "Its row", "Windows", "Rests on")
    assert page.locator("#answer-title").inner_text() == "Shishan Service Hall · On time"
    assert answer.locator(".answer-number").inner_text() == "96.0 %"
    assert names == ["Shishan Service Hall"], "the row's own record"
    assert answer.locator("a.all").count() == 0, "it is on this very screen"
    assert len(asked("#service_late-rows .row .days", "Late cases", "Residence permit · Over by")) == 1
    assert viewer.complaints == []


CELLS = """() => Object.fromEntries([...document.querySelectorAll("[data-panel]")].map((card) => [
  card.dataset.panel, citywall.answer.cells(card).map(({ list, row, cell }) => JSON.stringify([list, row, cell])),
]))"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_number_noted_of_a_list_is_one_the_page_asks_for(
    new_context: Callable[..., BrowserContext], stage: Stage, language: str
) -> None:
    """What counts as a row, a name and a number is told by the tracer and by the page, each for itself."""
    viewer = Viewer(stage, new_context(viewport={"width": 1920, "height": 1080}).new_page(), language, "dark")
    normal = next(face for face in FACES if face.id == "normal")
    ctx = Context(stage.city, stage.places, stage.places.root.code, language, "normal")
    panels = listed(all_panels(), ctx)
    compared: dict[str, int] = {}
    for layout in all_layouts():
        viewer.open(layout)
        viewer.show(normal)
        for name, asked in viewer.page.evaluate(CELLS).items():
            if (panel := panels.get(name)) is None:
                continue
            noted = {
                json.dumps([component, row, cell], ensure_ascii=False, separators=(",", ":"))
                for component, rows in lists_of(panel.paint(stage.views(panel, normal), ctx)).items()
                if component not in silent(panel.frame(ctx))
                for row, cells in rows.items() for cell in cells
            }  # fmt: skip
            assert not noted - set(asked), f"{layout} {name}"
            compared[name] = len(noted)
    assert compared.keys() == panels.keys()
    assert sum(compared.values()) > 400


FAULTY = {
    "cut": "<div style='width:40px;height:20px;overflow:hidden;white-space:nowrap'>1,234,567,890</div>",
    "over": "<p style='position:absolute;top:200px'>12</p><p style='position:absolute;top:203px'>345</p>",
    "small": "<p style='font-size:9px'>12</p>",
    "faint": "<p style='color:#333'>12</p>",
    "outside": "<section data-panel='a' style='width:20px;height:30px'><p style='width:300px'>12 12 12</p></section>",
    "scroll": "<div style='height:40px;overflow:auto'><p style='height:400px'>12</p></div>",
    "language": "<p>Forgotten words</p>",
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_eye_sees_each_kind_of_defect(page: Page, kind: str) -> None:
    style = "<style>body { background: #000; color: #fff; font: 16px sans-serif; }</style>"
    page.set_content(f"<html lang='zh'>{style}<div id='wall'><p>12</p>{FAULTY[kind]}</div></html>")
    settings = {"smallest": smallest(1920, 1080), "contrast": CONTRAST, "texts": []}
    found = cast("dict[str, Any]", page.evaluate(LOOK.read_text(encoding="utf-8"), settings))
    assert {name for name in KINDS if found[name]} == {kind}, found


LINE = "width:100px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis"
ROW = f"<div class='rows'><div style='{LINE}'>"


@pytest.mark.parametrize(
    ("line", "faulty"),
    [
        (f"<div style='{LINE}'>Revenue since January 1,234</div>", True),
        (f"<div style='{LINE}'>1.5 % of everything</div>", False),
        (f"<div style='{LINE}'>Revenue 1234 %</div>", True),
        (f"{ROW}Revenue since January <b>12</b></div></div>", True),
        (f"<div style='{LINE}'>Revenue since January</div>", False),
        (f"<div class='name' style='{LINE}'>Camera of the lake 1234</div>", False),
        (f"{ROW}<span class='name'>Lake of the north side 03</span></div></div>", False),
    ],
)
def test_an_ellipsis_may_shorten_a_name_and_never_an_amount(page: Page, line: str, *, faulty: bool) -> None:
    style = "<style>body { background: #000; color: #fff; font: 16px monospace; }</style>"
    page.set_content(f"<html lang='en'>{style}<div id='wall'><p>12</p>{line}</div></html>")
    settings = {"smallest": smallest(1920, 1080), "contrast": CONTRAST, "texts": []}
    found = cast("dict[str, Any]", page.evaluate(LOOK.read_text(encoding="utf-8"), settings))
    assert bool(found["cut"]) == faulty, found


def test_the_gallery_is_a_folder_with_an_index_and_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if chromium() is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    for refused, said in ((["--panel", "no-such"], "no panel 'no-such'"), (["--size", "large"], "1920x1080")):
        assert app.main(["gallery", str(tmp_path), "--examples", *refused]) == 2
        assert said in capsys.readouterr().err


def test_the_index_tells_of_every_picture_and_runs_nothing_that_is_written_in_one() -> None:
    evil = "</script><script>alert(1)</script>"
    picture = Picture(
        "wall", (1920, 1080), "normal", "zh", "dark", "a.png", {"today": [1, 2, 3, 4]}, [{"kind": "cut", "what": evil}]
    )
    text = index([picture])
    assert text.count("<script") == 1
    data = text.split("const pictures = ", 1)[1].split(";\nconst fields", 1)[0]
    assert json.loads(data)[0]["defects"][0]["what"] == evil
    assert "http" not in text.replace("http-equiv", "")


def test_every_panel_stands_on_some_stage(stage: Stage) -> None:
    assert {panel for layout in stage.layouts.values() for panel in layout.panels} == set(all_panels())


@pytest.mark.skipif(not Path("/proc").is_dir() or chromium() is None, reason="needs Chromium, and processes as files")
def test_nothing_of_a_gallery_outlives_it(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "app", "gallery", str(tmp_path), "--examples", "--layout", "casework"]
    mark = f"CITYWALL_TEST_GALLERY={tmp_path}"
    running = subprocess.Popen(
        [*command, "--jobs", "2"], cwd=ROOT, env={**os.environ, **dict([mark.split("=")])}, stdout=subprocess.DEVNULL
    )

    def left() -> list[str]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # It has just ended.
                if mark.encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_text().replace("\0", " "))
        return found

    try:
        until(lambda: any(tmp_path.glob("*.png")), 60, "a picture is drawn")
        assert len(left()) > 3, "the gallery, its workers and their browsers"
    finally:
        running.kill()
        running.wait()
    until(lambda: not left(), 20, "all that it has started has ended")

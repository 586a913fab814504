"""The gallery: every panel in every face and every layout at every size, as pictures with a list of their defects."""

from __future__ import annotations

import atexit
import html
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import product
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from dashboard.city import City
from dashboard.doors.stage import Stage
from dashboard.refusal import Refused
from dashboard.screens.faces import FACES, Face
from dashboard.screens.layout import smallest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = ((1920, 1080), (3840, 2160), (3840, 1080), (7680, 2160), (6656, 1792), (1280, 800), (1366, 1024), (1024, 1366))
EVERY_FACE = ((1920, 1080),)  # Sizes at which every face is shown; at the others those of ``ELSEWHERE``.
ELSEWHERE = ("normal", "late", "wrong", "long", "large", "many")
THEMES = ("dark", "light")
CONTRAST = 4.5  # WCAG 2.2, 1.4.3, level AA.
LOOK = Path(__file__).with_name("look.js")
PAGE = Path(__file__).with_name("gallery.html")
KINDS = ("cut", "over", "small", "faint", "outside", "scroll", "language")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars=0")
# The page's clock stands still; the timers run on.
CLOCK = """
const Real = Date;
window.stands = NOW; // Moved on by hand.
window.Date = class extends Real { constructor(...given) { given.length ? super(...given) : super(window.stands); } };
Date.now = () => window.stands;
window.asked = 0; // Answers that are still to come.
const ask = window.fetch;
window.fetch = (...given) => { window.asked += 1; return ask(...given).finally(() => { window.asked -= 1; }); };
"""
STILL = """(n) => {
  const charts = [...document.querySelectorAll(".js-plotly-plot")].filter((chart) => chart.offsetParent !== null);
  return Number(document.documentElement.dataset.painted) >= n && document.fonts.status === "loaded" &&
    charts.every((chart) => chart.querySelector(".main-svg"));
}"""
# The page stands still once nothing is asked for or put off and four frames in a row have changed nothing of it; a
# chart that the page would put off, as it draws each once a second at most, is drawn at once.
FRAMES = """() => new Promise((done) => {
  let frames = 0;
  const seen = new MutationObserver(() => { frames = 0; });
  seen.observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
  const end = performance.now() + 10_000;
  const look = () => {
    citywall.drawNow?.();
    frames = window.asked || citywall.pending?.() || document.fonts.status !== "loaded" ? 0 : frames + 1;
    if (frames <= 4 && performance.now() < end) return requestAnimationFrame(look);
    seen.disconnect();
    done(frames > 4);
  };
  requestAnimationFrame(look);
})"""


@dataclass(frozen=True)
class Wanted:
    """What is to be rendered; an empty selection means all."""

    panels: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = SIZES
    languages: tuple[str, ...] = ()
    themes: tuple[str, ...] = THEMES
    faces: tuple[str, ...] = ()
    everything: bool = False  # Every face at every size.


@dataclass
class Picture:
    """One picture: where it lies, what it shows, and what is wrong with it."""

    layout: str
    size: tuple[int, int]
    face: str
    language: str
    theme: str
    file: str = ""
    cards: dict[str, list[float]] = field(default_factory=dict)
    defects: list[dict[str, str]] = field(default_factory=list)
    pieces: int = 0

    @property
    def name(self) -> str:
        """What a picture is called."""
        return f"{self.layout}-{self.size[0]}x{self.size[1]}-{self.face}-{self.language}-{self.theme}"


def chromium() -> str:
    """The system's Chromium.

    Raises:
        Refused: if there is none.
    """
    names = os.environ.get("CITYWALL_CHROMIUM", "chromium chromium-browser google-chrome google-chrome-stable").split()
    mac = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
    found = next((path for name in (*names, *mac) if (path := shutil.which(name))), None)
    if found is None:
        raise Refused("the gallery needs Chromium (Debian: apt-get install chromium), or its path in CITYWALL_CHROMIUM")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser of the system's.

    Raises:
        Refused: if there is none, or nothing to drive it with.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        raise Refused("the gallery needs playwright: pip install --require-hashes -r requirements-test.lock") from None
    path = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


class Viewer:
    """One page on the stage."""

    def __init__(self, stage: Stage, page: Page, language: str, theme: str) -> None:
        self.stage, self.page = stage, page
        self.language, self.theme = language, theme
        self.complaints: list[str] = []
        page.on("console", lambda said: self._hear(said))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, said: Any) -> None:
        if said.type == "error":
            self.complaints.append(f"{said.text} {said.location.get('url', '')}".strip())

    def open(self, layout: str) -> None:
        """Load the page of a layout, which waits for its first paint."""
        self.stage.face = FACES[0]
        self.page.add_init_script(CLOCK.replace("NOW", str(int(self.stage.now(FACES[0]) * 1000))))
        self.page.goto(f"{self.stage.url}/{layout}?lang={self.language}&theme={self.theme}")
        opened = "() => [...document.querySelectorAll('[data-panel]')].some((card) => card.dataset.state === 'opening')"
        self.page.wait_for_function(opened, timeout=30_000)
        self.rest()

    def rest(self) -> None:
        """Wait until the page stands still."""
        if not self.page.evaluate(FRAMES):
            self.complaints.append("the page does not come to rest")

    def wear(self, theme: str) -> None:
        """Change to a theme in place, as a click on it does."""
        if theme != self.theme:
            self.theme = theme
            self.page.evaluate("(theme) => citywall.go({ theme })", theme)
            self.page.evaluate("() => new Promise((done) => setTimeout(done, 110))")  # What redraws the charts.
            self.rest()

    def show(self, face: Face) -> None:
        """Show a face and wait until the page stands still."""
        n = self.stage.show(face)
        if face.state == "lost":
            self.page.evaluate("(age) => { window.stands += age * 1000; }", face.age)
            self.page.wait_for_function("() => document.documentElement.dataset.link === 'lost'", timeout=10_000)
        elif face.change is not None:
            self.page.wait_for_function(STILL, arg=n, timeout=30_000)
        self.rest()

    def look(self, face: Face, size: tuple[int, int], layout: str) -> dict[str, Any]:
        """What is wrong with the page as it stands; see ``look.js``."""
        settings = {
            "smallest": smallest(*size), "contrast": CONTRAST,
            "texts": sorted(self.stage.texts(face)) if face.change else [],
        }  # fmt: skip
        return cast("dict[str, Any]", self.page.evaluate(LOOK.read_text(encoding="utf-8"), settings))

    def axe(self) -> list[str]:
        """What axe-core finds serious or critical."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {one['help']}: {node['html'][:120]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


def layouts_of(stage: Stage, wanted: Wanted) -> list[str]:
    """The layouts that are wanted, or that the wanted panels stand on."""
    names = [name for name in stage.layouts if not wanted.layouts or name in wanted.layouts]
    panels = set(wanted.panels)
    return [name for name in names if not panels or panels & set(stage.layouts[name].panels)]


def pictures(
    stage: Stage, running: Browser, wanted: Wanted, folder: Path, say: Callable[[str], None], *, index: bool = True
) -> list[Picture]:
    """All pictures that are wanted, taken and looked at; with ``index`` the list of them is kept up meanwhile."""
    layouts = layouts_of(stage, wanted)
    languages = [name for name in stage.city.languages if not wanted.languages or name in wanted.languages]
    rounds = list(product(layouts, wanted.sizes, languages))
    taken: list[Picture] = []
    # One context keeps what pages are made of; each size and language has a page of its own, which both themes share.
    context = running.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", reduced_motion="reduce")
    for at, (layout, size, language) in enumerate(rounds, start=1):
        began = monotonic()
        page = context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        viewer = Viewer(stage, page, language, wanted.themes[0])
        viewer.open(layout)
        mine = []
        for number, face in enumerate(chosen(wanted, size)):
            viewer.show(face)
            for theme in wanted.themes[:: -1 if number % 2 else 1]:
                viewer.wear(theme)
                mine.append(_picture(viewer, face, size, layout, folder, wanted.panels))
            stage.faults.clear()
        page.close()
        taken += mine
        if index:
            write(taken, folder)  # After each round, so that one that is cut short leaves what it has.
        bad = sum(len(picture.defects) for picture in mine)
        say(f"{at}/{len(rounds)} {layout} {size[0]}x{size[1]} {language}: {len(mine)} pictures, {bad} defects, "
            f"{monotonic() - began:.0f} s")  # fmt: skip
    context.close()
    return taken


def _picture(
    viewer: Viewer, face: Face, size: tuple[int, int], layout: str, folder: Path, panels: Sequence[str]
) -> Picture:
    """The page as it stands: looked at, and saved."""
    picture = Picture(layout, size, face.id, viewer.language, viewer.theme)
    seen = viewer.look(face, size, layout)
    picture.cards, picture.pieces = seen["cards"], seen["pieces"]
    picture.defects = [{"kind": kind, "what": what} for kind in KINDS for what in seen[kind]]
    if face.id == "normal":
        picture.defects += [{"kind": "axe", "what": what} for what in viewer.axe()]
    picture.defects += [{"kind": "console", "what": what} for what in viewer.complaints]
    viewer.complaints.clear()
    picture.defects += [
        {"kind": "fault", "what": f"{panel}: {what}"}
        for (panel, name), what in viewer.stage.faults.items()
        if name == face.id
    ]
    picture.file = _save(viewer.page, picture, folder, panels)
    return picture


def chosen(wanted: Wanted, size: tuple[int, int]) -> list[Face]:
    """The faces to show at a size."""
    if wanted.faces:
        return [face for face in FACES if face.id in wanted.faces]
    if wanted.everything or wanted.panels or size in EVERY_FACE:
        return list(FACES)
    return [face for face in FACES if face.id in ELSEWHERE]


def _save(page: Page, picture: Picture, folder: Path, panels: Sequence[str]) -> str:
    """The picture as a file of the folder: the page, or where panels are named each of them alone."""
    if not panels:
        page.screenshot(path=folder / f"{picture.name}.png", animations="disabled")
        return f"{picture.name}.png"
    for panel in panels:
        if panel in picture.cards:
            x, y, width, height = picture.cards[panel]
            clip: Any = {"x": x, "y": y, "width": width, "height": height}
            page.screenshot(path=folder / f"{panel}-{picture.name}.png", clip=clip, animations="disabled")
    return f"{panels[0]}-{picture.name}.png"


def hang(
    city: City,
    folder: Path,
    wanted: Wanted,
    say: Callable[[str], None] = print,
    *,
    simulated: bool = True,
    jobs: int = 1,
) -> list[Picture]:
    """Render what is wanted into ``folder``: pictures, ``index.html`` and ``defects.json``; several ``jobs`` share it.

    Raises:
        Refused: if there is no browser, or a name is none that is known.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with Stage(city, simulated=simulated and jobs == 1) as stage:
        _check(stage, wanted)
        if jobs == 1:
            with browser() as running:
                return pictures(stage, running, wanted, folder, say)
        layouts = layouts_of(stage, wanted)
    taken: list[Picture] = []
    workers = ProcessPoolExecutor(jobs, get_context("spawn"), _Worker.begin, (city, folder, simulated))
    with workers:
        parts = [replace(wanted, layouts=(layout,), sizes=(size,)) for layout, size in product(layouts, wanted.sizes)]
        for at, mine in enumerate(workers.map(_Worker.take, parts), start=1):
            taken += mine
            write(taken, folder)
            bad, (width, height) = sum(len(picture.defects) for picture in mine), mine[0].size
            say(f"{at}/{len(parts)} {mine[0].layout} {width}x{height}: {len(mine)} pictures, {bad} defects")
    return taken


class _Worker:
    """What each process of a gallery has for itself: its stage and its browser, for as long as it lives."""

    work: Callable[[Wanted], list[Picture]]
    open = ExitStack()

    @classmethod
    def begin(cls, city: City, folder: Path, simulated: bool) -> None:
        Thread(target=_end_with, args=(parent_process(),), daemon=True).start()
        stage = cls.open.enter_context(Stage(city, simulated=simulated))
        running = cls.open.enter_context(browser())
        atexit.register(cls.open.close)
        cls.work = partial(pictures, stage, running, folder=folder, say=lambda line: None, index=False)

    @classmethod
    def take(cls, wanted: Wanted) -> list[Picture]:
        return cls.work(wanted=wanted)  # type: ignore[call-arg]


def _end_with(parent: Any) -> None:
    """A worker whose gallery was killed would wait for its next part for ever; its browser ends with it."""
    parent.join()
    os._exit(1)


def write(taken: Sequence[Picture], folder: Path) -> None:
    """The index and the list of defects as far as the pictures go."""
    defects = [{"picture": picture.name, **defect} for picture in taken for defect in picture.defects]
    (folder / "defects.json").write_text(json.dumps(defects, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "index.html").write_text(index(taken), encoding="utf-8")


def _check(stage: Stage, wanted: Wanted) -> None:
    known: Iterable[tuple[str, Iterable[str], Iterable[str]]] = (
        ("panel", wanted.panels, {panel for layout in stage.layouts.values() for panel in layout.panels}),
        ("layout", wanted.layouts, stage.layouts),
        ("language", wanted.languages, stage.city.languages),
        ("theme", wanted.themes, THEMES),
        ("face", wanted.faces, [face.id for face in FACES]),
    )
    for kind, asked, there in known:
        for name in asked:
            if name not in there:
                raise Refused(f"there is no {kind} {name!r}; known are {', '.join(sorted(there))}")


def index(taken: Sequence[Picture]) -> str:
    """The gallery's page: all pictures with choices by layout, size, face, language, theme and panel."""
    data = [
        {
            **asdict(picture), "name": picture.name, "size": f"{picture.size[0]}x{picture.size[1]}",
            "width": picture.size[0], "alone": not picture.file.startswith(picture.name),
        }
        for picture in taken
    ]  # fmt: skip
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    defects = sum(len(picture.defects) for picture in taken)
    page = (
        PAGE.read_text(encoding="utf-8")
        .replace("PICTURES", html.escape(str(len(taken))))
        .replace("DEFECTS", str(defects))
    )
    return page.replace("DATA", text)

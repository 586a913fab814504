"""The desk in a real browser: all of it by keyboard, alarms that sound until somebody acknowledges, nothing lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from bench.browser import FEED
from bench.house import LOAD_CITY, House, until
from tests.browser.screen import serious

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]
PEOPLE = """
[[people]]
name = "陈静"
title = "值班长"

[[people]]
name = "李伟明"

[sensors.quantities.level]
warn = 0.3
alarm = 0.5
"""
# Every tone that is started is counted and its pitch kept, and so is how loud each tune leaves. What stands open can be
# told by the test instead of the house (`alone`), or be narrowed to one of it (`only`); time can be moved on (`later`).
TONES = """
window.tones = 0;
window.pitches = [];
window.loud = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...about) {
  window.tones += 1;
  window.pitches.push(this.frequency.value);
  return start.apply(this, about);
};
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...about) {
  if (to === this.context.destination) window.loud.push(this.gain.value);
  return connect.call(this, to, ...about);
};
window.later = 0;
const now = Date.now;
Date.now = () => now() + window.later;
window.addEventListener("citywall:alerts", (event) => {
  if (window.alone && !event.detail.told) return event.stopImmediatePropagation();
  if (window.only) event.detail.open = event.detail.open.filter((row) => row.key === window.only);
  window.standing = event.detail.open;
});
"""
# Tells the page that alerts of these severities are open (null: those that are), so many seconds from now and at a time
# of the city's day (null: its own), and gives the severities that were heard of it at once.
TELL = """([severities, seconds, clock]) => {
  const heard = new Set(citywall.sound.played);
  const city = citywall.time.city;
  const day = new Date(1000 * city()).toISOString().slice(0, 10);
  if (clock) citywall.time.city = () => Date.parse(`${day}T${clock}:30+08:00`) / 1000;
  window.later = 1000 * seconds;
  const open = severities ? severities.map((severity) => ({ key: `t${severity}`, severity })) : window.standing;
  window.dispatchEvent(new CustomEvent("citywall:alerts", { detail: { told: true, open } }));
  window.later = 0;
  citywall.time.city = city;
  return citywall.sound.played.filter((one) => !heard.has(one)).map((one) => one.severity);
}"""
TUNES = """() => [1, 2, 3, 4].map((severity) => {
  pitches.length = 0;
  citywall.sound.play(severity);
  return [...pitches];
})"""
ROWS = "() => [...document.querySelectorAll('.alert')].map((row) => [row.dataset.key, row.className, row.textContent])"
HERE = """() => {
  const found = document.activeElement;
  return found.id || found.dataset.act || found.dataset.shift || found.dataset.severity || found.dataset.feed
    || found.closest("[id]")?.id + " " + found.tagName;
}"""


def said(kind: str, subject: str, ago: float, **data: Any) -> dict[str, Any]:
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    return {
        "specversion": "1.0", "id": f"{kind}-{subject}", "source": FEED, "type": kind, "subject": subject,
        "time": moment.isoformat(), "data": data,
    }  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("city")
    shutil.copy(LOAD_CITY.with_name("load.csv"), folder)
    text = LOAD_CITY.read_text(encoding="utf-8").replace('screens = ["wall"]', 'screens = ["desk"]')
    head, places, rest = text.partition("[places]")
    (folder / "load.toml").write_text(head + PEOPLE + "\n" + places + rest, encoding="utf-8")
    events = [
        said("ticket.reported", "1", 600, title="下穿通道<b>积水</b>", category="water", place="9001", unit="east"),
        said("ticket.supervised", "1", 300, level=3),
        said("ticket.reported", "2", 500, title="树木倒伏", category="roads", place="9002", unit="west"),
        said("ticket.supervised", "2", 200, level=1),
        said("sensor.reading", "g", 60, quantity="level", value=0.7, unit="m", name="海五路下穿", place="9001"),
        said("sensor.reading", "bad", 60, quantity="level", value="13800138000", unit="m"),
    ]
    with House(folder / "load.toml") as house:
        status, answer = house.post(FEED, json.dumps(events).encode())
        assert (status, json.loads(answer)["stored"]) == (202, 5), answer
        house.settle(FEED)
        yield house


@pytest.fixture
def desk(house: House, new_context: Callable[..., BrowserContext]) -> Page:
    page = new_context(viewport={"width": 1600, "height": 1000}, reduced_motion="reduce").new_page()
    page.add_init_script(TONES)
    page.goto(f"{house.url}/desk", wait_until="commit")
    page.wait_for_function("() => document.querySelectorAll('.alert').length === 3", timeout=20_000)
    return page


def rows(page: Page) -> list[list[str]]:
    return [list(row) for row in page.evaluate(ROWS)]


def state(page: Page, key: str) -> str:
    """What a row says of an alert: open, seen or off."""
    (kind,) = [kind for mine, kind, _ in rows(page) if mine == key]
    return kind.split()[2]


def pick(page: Page, key: str) -> None:
    """Choose an alert by keyboard, wherever it stands."""
    page.focus("#desk_queue-list")
    page.keyboard.press("Home")
    for _ in range(9):
        if page.get_attribute(".alert[aria-selected=true]", "data-key") == key:
            return
        page.keyboard.press("j")
    raise AssertionError(f"{key} is not in the queue")


def test_a_night_at_the_desk_by_keyboard_alone(desk: Page) -> None:
    page = desk
    found = rows(page)
    assert [kind.split()[1:] for _, kind, _ in found] == [["s1", "open"], ["s2", "open"], ["s3", "open"]]
    assert "下穿通道<b>积水</b>" in found[0][2], "markup in a title is read and not run"
    # Before anybody has touched the page no browser plays, and the desk says so.
    assert page.evaluate("() => citywall.sound.state()") == "locked"
    until(lambda: page.inner_text("#desk_queue-muted").startswith("声音尚未开启"), 10, "it says that it is mute")
    assert page.evaluate("() => window.tones") == 0
    # The first key opens the sound, and what is open is said at once: five notes of the worst.
    page.keyboard.press("j")
    until(lambda: page.evaluate("() => citywall.sound.state()") == "on", 5, "the sound is on")
    until(lambda: page.evaluate("() => window.tones") >= 5, 5, "the worst alarm was played")
    assert page.evaluate("() => citywall.sound.played[0].severity") == 1
    assert page.get_attribute("#desk_queue-list", "aria-activedescendant") == page.evaluate(
        "(key) => [...document.querySelectorAll('.alert')].find((row) => row.dataset.key === key).id", found[1][0]
    )
    page.keyboard.press("k")
    assert page.get_attribute(".alert >> nth=0", "aria-selected") == "true"

    # Acknowledged by name with a comment; the name is asked for once.
    page.keyboard.press("a")
    page.keyboard.type("已派人 13800138000")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.act-who")
    assert page.evaluate("() => document.activeElement.textContent") == "陈静值班长"
    assert not serious(page, "dialog.act-who")
    page.keyboard.press("Enter")
    until(lambda: state(page, found[0][0]) == "seen", 10, "it is acknowledged")
    assert page.get_attribute(".alert[aria-selected=true]", "data-key") == found[1][0], "the next one is at hand"
    pick(page, found[0][0])
    said_of_it = "陈静 · 确认：已派人 138******00"
    until(lambda: said_of_it in page.inner_text("#desk_detail-facts"), 10, "its comment stands beside it, masked")
    assert page.inner_text("#desk_queue-n1") == "0/1"
    # Undone, and done again without another question.
    page.keyboard.press("u")
    until(lambda: state(page, found[0][0]) == "open", 10, "it is open again")
    pick(page, found[0][0])
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    until(lambda: state(page, found[0][0]) == "seen", 10, "it is acknowledged again")
    # Put off, and handed to somebody.
    pick(page, found[1][0])
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    until(lambda: state(page, found[1][0]) == "off", 10, "it is put off")
    pick(page, found[2][0])
    page.keyboard.press("g")
    page.select_option("#desk_detail-form select", "李伟明")
    page.keyboard.press("Enter")
    until(lambda: "→ 李伟明" in page.inner_text(".queue"), 10, "it is with somebody")

    # A note, and the hand-over with what the next one has to know.
    page.focus("#desk_queue-list")
    page.keyboard.press("n")
    page.keyboard.type("水泵车已到")
    page.keyboard.press("Control+Enter")
    until(lambda: "水泵车已到" in page.inner_text("#desk_log-rows"), 10, "the note is in the log")
    page.keyboard.press("h")
    prefilled = page.input_value("#desk_log-form textarea")
    assert "三级督办 · 下穿通道<b>积水</b>" in prefilled
    assert "水泵车已到" in prefilled
    page.click("#desk_log-form [type=submit]")
    until(lambda: page.inner_text("#desk_log-holder").startswith("当班 李伟明"), 10, "another has the desk")
    # Whoever sits here now acts in their own name.
    page.get_by_role("dialog").get_by_role("button", name="李伟明").click()
    until(lambda: page.inner_text("#desk_queue-person") == "值守人 李伟明", 5, "the desk knows who sits at it")
    # Mute says so.
    page.focus("#desk_queue-list")
    page.keyboard.press("x")
    assert "告警不会响" in page.inner_text("#desk_queue-muted")
    page.keyboard.press("x")
    until(lambda: page.inner_text("#desk_queue-muted") == "", 5, "it sounds again")

    # The sources: what was refused and why, and the record itself only where it is asked for.
    page.focus(f"[data-feed={FEED}]")
    page.keyboard.press("Enter")
    until(lambda: "wrong_type 1" in page.inner_text("#desk_feeds-rows"), 10, "the reason")
    assert "138" not in page.inner_text("#desk_feeds-rows")
    page.click("#desk_feeds-rows button.ask")
    page.wait_for_selector("details.letter")
    page.click("details.letter summary")
    until(lambda: "138******00" in page.inner_text("details.letter pre"), 5, "the record, masked")
    assert "13800138000" not in page.content()
    assert page.evaluate("() => document.getAnimations().length") == 0, "nothing moves where that is not wanted"


def test_the_keyboard_reaches_everything_and_assistive_technology_knows_what_it_is(desk: Page) -> None:
    page = desk
    page.focus("#desk_queue-list")
    seen: list[str] = []
    for _ in range(90):
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        if seen and here == seen[0] and len(seen) > 30:
            break
        seen.append(here)
    wanted = {
        "1", "2", "3", "4", "desk_queue-list", "desk_queue-person", "desk_queue-sound", "desk_queue-quiet",
        "desk_queue-volume INPUT", "desk_queue-help", "note", "acknowledge", "snooze", "assign", "map", "ticket",
        "over", "export", "print", FEED, "clock", "desk",
    }  # fmt: skip
    assert wanted <= set(seen), wanted - set(seen)
    assert seen.count("note") >= 2, "a note about the alert, and one in the log"
    page.focus("#desk_queue-list")
    page.keyboard.press("?")
    assert page.is_visible("#desk_queue-keys")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    worst = [one for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
    assert not worst, [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in worst]
    page.keyboard.press("Escape")
    assert not page.is_visible("#desk_queue-keys")


def test_the_sound_keeps_quiet_hours_and_repeats_until_somebody_has_seen_to_it(desk: Page, house: House) -> None:
    page = desk

    def heard(severities: list[int] | None, seconds: float, clock: str | None = None) -> list[int]:
        return list(page.evaluate(TELL, [severities, seconds, clock]))

    def quiet(*hours: str) -> None:
        page.click("#desk_queue-quiet")
        dialog = page.locator("dialog.act-who")
        dialog.locator("[type=checkbox]").set_checked(True)
        for field, hour in zip(dialog.locator("[type=time]").all(), hours, strict=True):
            field.fill(hour)
        dialog.get_by_role("button", name="完成").click()

    page.evaluate("() => { window.alone = true; localStorage.setItem('citywall.person', '陈静'); }")
    page.keyboard.press("j")
    until(lambda: page.evaluate("() => citywall.sound.state()") == "on", 5, "the sound is on")
    assert heard([], 0) == []
    tunes = page.evaluate(TUNES)
    assert len({tuple(tune) for tune in tunes}) == 4
    assert len(tunes[0]) > max(len(tune) for tune in tunes[1:]), "the worst says most"
    for volume, gain in ((100, 1.0), (50, 0.25), (0, 0.0), (70, 0.49)):
        page.locator("#desk_queue-volume input").fill(str(volume))
        assert page.evaluate("() => window.loud.at(-1)") == pytest.approx(gain)

    # By the city's clock, over midnight: only the worst is said; the rest is when the quiet hours are over.
    quiet("22:00", "06:00")
    assert heard([2], 0, "23:30") == []
    assert heard([2], 60, "05:59") == []
    assert heard([1, 2], 120, "05:59") == [1], "what is new and critical"
    assert heard([1, 2], 180, "05:59") == [1], "and again"
    assert heard([2], 240, "05:59") == []
    assert heard([2], 300, "06:00") == [2]
    assert heard([2], 310, "12:00") == [], "it rests between"
    assert heard([2], 340, "12:00") == [2]
    assert heard([2], 400, "22:00") == []
    quiet("08:00", "08:00")
    assert heard([2], 460, "07:59") == [2]
    assert heard([2], 520, "08:00") == [2], "from eight to eight is no quiet day"

    # One of the house's own alerts.
    before = {row[0] for row in rows(page)}
    events = [
        said("ticket.reported", "9", 100, title="桥面塌陷", category="roads", place="9003", unit="west"),
        said("ticket.supervised", "9", 50, level=3),
    ]
    house.post(FEED, json.dumps(events).encode())
    until(lambda: len(rows(page)) == len(before) + 1, 10, "it is in the queue")
    (key,) = {row[0] for row in rows(page)} - before
    page.evaluate("""(key) => {
      window.only = key;
      window.alone = false;
      window.standing = [{ key, severity: 1 }];
    }""", key)  # fmt: skip
    assert heard(None, 600) == [1]
    assert heard(None, 603) == [], "it rests between"
    assert heard(None, 610) == [1], "it repeats"
    pick(page, key)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    until(lambda: state(page, key) == "seen", 10, "it is acknowledged")
    until(lambda: page.evaluate("() => window.standing.length") == 0, 5, "nothing of it is open")
    assert heard(None, 4000) == [], "and silent"
    house.post(FEED, json.dumps([said("ticket.closed", "9", 0)]).encode())
    until(lambda: len(rows(page)) == len(before), 10, "it has ended")


@pytest.mark.outage
def test_an_act_that_does_not_arrive_says_so_and_is_done_once_when_it_can(desk: Page) -> None:
    page = desk
    page.evaluate("() => localStorage.setItem('citywall.person', '陈静')")
    page.route("**/act", lambda route: route.abort())
    page.evaluate("() => { citywall.act('desk.noted', { text: '断网时写下' }); }")
    page.wait_for_selector("#act-mark")
    assert "尚未送达" in page.inner_text("#act-mark")
    page.reload()  # What was done is not lost with the page.
    page.wait_for_selector("#act-mark")
    page.unroute("**/act")
    until(lambda: "断网时写下" in page.inner_text("#desk_log-rows"), 20, "it has arrived")
    page.wait_for_selector("#act-mark", state="detached")
    assert page.inner_text("#desk_log-rows").count("断网时写下") == 1


@pytest.mark.outage
def test_an_act_has_its_answer_in_its_own_page_and_a_full_storage_loses_none(desk: Page) -> None:
    page, other = desk, desk.context.new_page()
    other.goto(f"{page.url.partition('/desk')[0]}/desk", wait_until="commit")
    other.wait_for_function("() => document.querySelectorAll('.alert').length === 3", timeout=20_000)
    other.evaluate("() => localStorage.setItem('citywall.person', '李伟明')")
    until(lambda: page.inner_text("#desk_queue-person") == "值守人 李伟明", 5, "a name said elsewhere is known here")
    # One page of the browser delivers what another could not: it is done once, and the other hears of it.
    page.route("**/act", lambda route: route.abort())
    page.evaluate(
        "() => { citywall.act('desk.noted', { text: '甲页写下' }).then((act) => { window.answered = act; }); }"
    )
    page.wait_for_selector("#act-mark")
    other.evaluate("() => citywall.act('desk.noted', { text: '乙页写下' })")
    until(lambda: "甲页写下" in page.inner_text("#desk_log-rows"), 10, "the other page delivered it")
    assert page.evaluate("() => localStorage.getItem('citywall.acts')") == "[]"
    page.unroute("**/act")
    until(lambda: page.evaluate("() => window.answered?.data.text") == "甲页写下", 15, "it has its answer")
    page.wait_for_selector("#act-mark", state="detached")
    assert page.inner_text("#desk_log-rows").count("甲页写下") == 1
    # And one for which there is no room is sent all the same.
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }; }")
    page.evaluate("() => citywall.act('desk.noted', { text: '存储已满' })")
    until(lambda: "存储已满" in page.inner_text("#desk_log-rows"), 10, "it has arrived")


# Fifteen seconds pass at once: the time after which a chosen ticket's story is asked for again.
SOON = """
const later = window.setTimeout;
window.setTimeout = (work, ms, ...about) => later(work, ms === 15000 ? 150 : ms, ...about);
"""


def test_what_one_is_at_stays_while_the_rest_moves_on(house: House, desk: Page) -> None:
    def post(event: dict[str, Any], number: int) -> None:
        status, answer = house.post(FEED, json.dumps([event | {"id": f"{event['subject']}-{number}"}]).encode())
        assert (status, json.loads(answer)["rejected"]) == (202, []), answer

    def river(ago: float, value: float) -> dict[str, Any]:
        return said("sensor.reading", "h", ago, quantity="level", value=value, unit="m", name="临时水尺", place="9002")

    page = desk
    page.add_init_script(SOON)
    page.reload()
    page.wait_for_function("() => document.querySelectorAll('.alert').length === 3", timeout=20_000)
    page.evaluate("() => localStorage.setItem('citywall.person', '陈静')")
    # A ticket's story goes on while it is looked at, and what stays as it is stays where it is.
    pick(page, next(key for key, _, text in rows(page) if "三级督办" in text))
    page.wait_for_selector("#desk_detail-story ol")
    before = page.inner_text("#desk_detail-story")
    page.evaluate("() => { document.querySelector('#desk_detail-story ol').mark = true; }")
    for _ in range(2):
        page.wait_for_event("response", lambda answer: "/ticket/data" in answer.url)
    assert page.evaluate("() => document.querySelector('#desk_detail-story ol').mark"), "it was not drawn anew"
    post(said("ticket.dispatched", "1", 1, unit="west"), 1)
    until(lambda: page.inner_text("#desk_detail-story") != before, 10, "it tells what came")

    # An alert that ends while something is said about it is still the one that it is said about.
    post(river(40, 0.7), 1)
    until(lambda: any("临时水尺" in text for _, _, text in rows(page)), 10, "it is in the queue")
    (key,) = [one for one, _, text in rows(page) if "临时水尺" in text]
    pick(page, key)
    page.keyboard.press("a")
    page.keyboard.type("已退水")
    post(river(2, 0.0), 2)
    until(lambda: "已解除" in page.inner_text("#desk_detail-head"), 10, "it says that it is over")
    assert key not in [one for one, _, _ in rows(page)]
    assert "临时水尺" in page.inner_text("#desk_detail-head")
    with page.expect_request("**/act") as posted:
        page.keyboard.press("Enter")
    about = (posted.value.post_data_json or {})["data"]
    assert (about["alert"], about["comment"]) == (key, "已退水")
    until(lambda: "临时水尺" not in page.inner_text("#desk_detail-head"), 5, "another is at hand")

    # A source's elements stay while its figures go on: the focus, and what is selected in a letter.
    page.click(f"[data-feed={FEED}]")
    page.click("#desk_feeds-rows button.ask")
    page.click("details.letter summary")
    page.focus("details.letter pre")
    page.evaluate("() => { for (const one of document.querySelectorAll('[data-feed], .letter pre')) one.mark = true; }")
    received = page.inner_text(f"[data-feed={FEED}] .n >> nth=2")
    post(river(1, 0.0), 3)
    until(lambda: page.inner_text(f"[data-feed={FEED}] .n >> nth=2") != received, 10, "its figures go on")
    assert page.evaluate("() => [...document.querySelectorAll('[data-feed], .letter pre')].every((one) => one.mark)")
    assert page.evaluate("() => document.activeElement.localName") == "pre"

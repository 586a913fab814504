// The cockpit: a tap on a number chooses it, its parts and places follow; each number says how old it is, and a number
// whose views keep no past draws the line that was noted of it over the last day.

import { line } from "./answer.mjs";
import { folded } from "./live/age.mjs";
import { SHAPES, STATES } from "./states.mjs";

const citywall = (window.citywall ??= {});
const html = document.documentElement;
const YOUNG = 3600; // s that a trace begins to be drawn with: a shorter one would be an upright stroke at its end
const EVERY = 300000; // ms between two looks at the traces, which are noted every five minutes
const WORDS = { zh: { ago: (t) => `${t}前` }, en: { ago: (t) => `${t} ago` } };
const here = () => document.querySelector('#wall[data-screen="cockpit"]');
const lang = () => (html.lang === "en" ? "en" : "zh");

// -- which number is chosen ----------------------------------------------------------------------------------

const style = document.createElement("style");
document.head.append(style);
let chosen = "";

citywall.chosen = () => {
  const block = document.querySelector(`.ck-block[data-number="${CSS.escape(chosen)}"]`) ?? document.querySelector(".ck-block");
  return block ? { id: block.dataset.number, title: block.dataset.title, said: block.dataset.said, large: block.dataset.large } : null;
};

function choose() {
  const wall = here();
  if (!wall) return;
  const tiles = [...wall.querySelectorAll(".ck-tile")];
  const asked = new URLSearchParams(location.search).get("number");
  chosen = (tiles.find((tile) => tile.dataset.number === asked) ?? tiles[0])?.dataset.number ?? "";
  const name = CSS.escape(chosen);
  const text = `.ck-block[data-number="${name}"] { display: grid !important; } .ck-block:not([data-number="${name}"]) { display: none !important; }`;
  if (style.textContent !== text) style.textContent = text;
  for (const tile of tiles) {
    if (tile.dataset.number === chosen) tile.setAttribute("aria-current", "true");
    else tile.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || !here()) return;
  const tile = event.target.closest?.("a[data-number]");
  if (tile) {
    event.preventDefault();
    citywall.go({ number: tile.dataset.number });
    return;
  }
  // The way down keeps the language and the theme.
  const link = event.target.closest?.("a.ck-go, a.ck-record, a.ck-piece, a.ck-all, a.ck-thing-go");
  const href = link?.getAttribute("href") ?? "";
  if (href.startsWith("/") && citywall.address?.theme === "light" && !href.includes("theme=")) {
    link.setAttribute("href", `${href}${href.includes("?") ? "&" : "?"}theme=light`);
  }
});
window.addEventListener("citywall:address", ({ detail: { before, now } }) => {
  choose();
  if (before.place === now.place) return;
  // The lines are the other place's: they go at once, and this one's are asked for when it is painted.
  for (const trace of document.querySelectorAll(".ck-line svg.trace")) trace.remove();
  asked = 0;
});
window.addEventListener("citywall:painted", () => look());

// -- how old each number is ----------------------------------------------------------------------------------

function ages() {
  const about = citywall.about?.("cockpit_numbers");
  for (const span of document.querySelectorAll(".ck-age")) {
    const mine = span.dataset.feeds.split(" ");
    let [state, oldest] = folded(about?.feeds.filter((one) => mine.includes(one.name)) ?? []);
    if (html.dataset.link === "lost") state = "lost";
    const old = oldest === null || !citywall.ago ? "" : citywall.ago(citywall.time.wall() - oldest, lang());
    const ago = old && WORDS[lang()].ago(old);
    const text = !about || html.dataset.link === "opening" ? "" : state === "live" ? ago : `${SHAPES[state]} ${STATES[lang()][state]} ${old}`.trim();
    if (span.textContent !== text) span.textContent = text;
    if (span.dataset.state !== state) span.dataset.state = state;
  }
}

// -- the lines of the last day -------------------------------------------------------------------------------

function drawTrace(box, points, every, now) {
  const before = box.querySelector("svg.trace");
  const painted = box.querySelector(".drawing"); // Its own line, which came while this one was asked for.
  const found = painted ? null : line(points, every, now, [100, 40, 2]);
  if (!found || now - found.since < YOUNG) before?.remove();
  else if (before) before.replaceWith(found.drawing);
  else box.append(found.drawing);
}

let traced = "";
async function traces() {
  const boxes = [...document.querySelectorAll(".ck-line[data-trace]")].filter((box) => !box.querySelector(".drawing"));
  if (!here() || !boxes.length || html.dataset.link !== "up") return;
  const place = citywall.address.place;
  const query = new URLSearchParams([["place", place], ...boxes.map((box) => ["figure", box.dataset.trace])]);
  try {
    const answer = await fetch(`/trace?${query}`, { cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (!answer.ok) return;
    const said = await answer.json();
    if (place !== citywall.address.place) return;
    traced = place;
    for (const box of boxes) drawTrace(box, said.figures?.[box.dataset.trace]?.points ?? [], said.every, said.now);
  } catch {
    // The line is looked for again; the number itself says how old it is.
  }
}

let asked = 0;
function look() {
  if (!here()) return;
  if (!chosen) choose();
  ages();
  const due = Date.now() - asked > (traced === citywall.address?.place ? EVERY : 10000);
  const turning = !!document.querySelector("#cockpit_numbers[data-turning]");
  if (due && !turning && html.dataset.link === "up") {
    asked = Date.now();
    traces();
  }
}
setInterval(look, 1000);
look();

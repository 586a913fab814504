// The last good picture: a kept screen notes what was painted, and shows it when it is opened without a network, as what
// it is: with the link marked as lost and the age of every card. The page itself is kept by the worker, kept-worker.js.

import "./live.mjs"; // Its takers are wrapped here.
import { address, html, meta, stage } from "./live/address.mjs";
import { age } from "./live/age.mjs";
import { takers } from "./live/link.mjs";
import { painted, ready, takePaint } from "./live/paint.mjs";
import { said, version } from "./live/pulse.mjs";

const NAME = "citywall.kept"; // in localStorage: {place|lang: memory}
const EVERY = 5000; // ms between two notes
const MOST = 4; // pictures that are kept: of so many places and languages
const WAIT = 1500; // ms for which the link is waited for before the last picture is shown
const manifest = document.querySelector("link[rel=manifest]")?.getAttribute("href");
const keeps = () => !!manifest && (!stage() || manifest === `/${stage().dataset.screen}.webmanifest`); // The first paint comes before the stage.
const key = () => `${address.place}|${address.lang}`;
const days = Number(meta("keep")) || 0;

function read() {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}");
  } catch {
    return {};
  }
}

function forget() {
  try {
    localStorage.removeItem(NAME);
  } catch {
    // Where nothing may be stored nothing is.
  }
}

// -- noting --------------------------------------------------------------------------------------------------

let mine = null; // what was painted of this page: {version, heard, skew, beat, place, lang, epoch, panels}
let noted = 0;
let forgotten = false; // Whoever may not see this any more has no picture of it either.

function note() {
  if (!mine?.beat || !days || forgotten || !keeps()) return;
  noted = Date.now();
  const all = read();
  all[`${mine.place}|${mine.lang}`] = mine;
  const newest = Object.entries(all).sort((a, b) => b[1].heard - a[1].heard).slice(0, MOST);
  try {
    localStorage.setItem(NAME, JSON.stringify(Object.fromEntries(newest)));
  } catch {
    forget(); // It is full: an old picture is worse than none.
  }
}

const { beat: takeBeat, paint: takeIt } = takers;
takers.beat = (beat) => {
  takeBeat?.(beat);
  if (mine) [mine.beat, mine.heard, mine.skew] = [beat, Date.now(), said.skew];
  if (html.dataset.kept) delete html.dataset.kept;
};
takers.paint = (paint) => {
  takeIt?.(paint);
  if (!keeps() || paint.place !== address.place || paint.lang !== address.lang) return;
  if (!mine || mine.place !== paint.place || mine.lang !== paint.lang || mine.epoch !== paint.epoch) {
    mine = { version, place: paint.place, lang: paint.lang, epoch: paint.epoch, heard: Date.now(), skew: said.skew, beat: said.pulse, panels: {} };
  }
  Object.assign(mine.panels, paint.panels);
  [mine.heard, mine.skew, mine.beat] = [Date.now(), said.skew, said.pulse];
  if (Date.now() - noted > EVERY) note();
};
setInterval(() => mine && mine.heard > noted && Date.now() - noted > EVERY && note(), EVERY);
window.addEventListener("pagehide", note);
document.addEventListener("visibilitychange", () => document.hidden && note());

// -- showing -------------------------------------------------------------------------------------------------

// The picture of this place and language, unless it is too old or of other pages than these.
function last() {
  const found = read()[key()];
  if (!found) return null;
  if (found.version === version && Date.now() - found.heard < 86400e3 * days) return found;
  return null;
}

// Shows it. Unless one has `moved` to another place or language, what came by the link since is newer and stays.
function show(moved = false) {
  if (!moved && said.frame && html.dataset.kept !== "shown") return;
  const found = last();
  if (!found) {
    html.dataset.kept = "none";
    return;
  }
  [said.pulse, said.skew, said.frame] = [found.beat, found.skew, found.heard];
  html.dataset.link = "lost";
  html.dataset.kept = "shown";
  takePaint({ n: 0, place: found.place, lang: found.lang, epoch: found.epoch, panels: found.panels });
  painted.n = 0;
  painted.epoch = null; // The server is asked for everything.
  age(); // Each card says at once how old it is.
}

function begin() {
  if (!ready()) return setTimeout(begin, 50);
  for (const [name, one] of Object.entries(read())) if (Date.now() - one.heard > 86400e3 * days) {
    const all = read();
    delete all[name];
    localStorage.setItem(NAME, JSON.stringify(all));
  }
  if (!keeps()) return;
  setTimeout(() => !said.frame && show(), navigator.onLine ? WAIT : 0);
  window.addEventListener("citywall:address", ({ detail: { before, now } }) => {
    if ((before.place !== now.place || before.lang !== now.lang) && html.dataset.link === "lost") show(true);
  });
  register();
}

async function register() {
  const worker = navigator.serviceWorker; // Only there on https and on this very machine.
  if (!worker || !days) return;
  worker.addEventListener("message", (event) => {
    if (event.data !== "forget") return;
    forgotten = true;
    forget();
  });
  try {
    await worker.register("/kept-worker.js", { scope: `/${stage().dataset.screen}`, updateViaCache: "none" });
    await worker.ready;
    html.dataset.shell = "kept";
  } catch (error) {
    console.info(`citywall: the page cannot be kept (${error.message})`);
  }
}
begin();

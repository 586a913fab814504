// Setting what was painted: only what differs, the charts not too often, everything before the next frame.

import { address, cards, html, stage } from "./address.mjs";
import { figures, inTheme } from "./charts.mjs";
import { unfold } from "./frames.mjs";
import { bring, lacks } from "./suites.mjs";
import { wearing } from "./theme.mjs";

const citywall = (window.citywall ??= {});
citywall.sinks ??= {}; // component id → f(property, value), for components a module draws itself

const CHART = 1000; // ms between two drawings of a chart, the dearest thing on the page
export const waiting = new Map(); // component.property → value, until the page has been drawn
export const painted = { n: 0, at: 0, epoch: null }; // the latest paint that was applied: number, our clock in ms, epoch
export const shown = new Map(); // panel → {feeds, as_of, fault}
const offsets = new Map(); // panel → offset of what is shown
const owners = new Map(); // component.property → the panel it is of
const last = new Map(); // component.property → JSON of what was set last
const charted = new Map(); // component.property → when a chart was last drawn
const turned = new Set();
let again = 0;

export const ready = () => !!window.dash_clientside?.set_props && !!citywall.draw && !!stage();

// Does something as soon as the page has been drawn for the first time.
export function whenReady(work) {
  if (ready()) return work();
  const look = () => {
    if (!ready()) return;
    drawn.disconnect();
    clearInterval(timer);
    work();
  };
  const drawn = new MutationObserver(look);
  drawn.observe(html, { childList: true, subtree: true });
  const timer = setInterval(look, 50); // The last of what it takes may come without a change of the page.
}

export const offset = () => Math.max(0, ...offsets.values()) || null;
citywall.drawNow = () => { if (waiting.size) charted.clear(), flush(); }; // For pictures, where nobody waits a second.
citywall.pending = () => waiting.size; // What has come and is not drawn yet.

// What was painted holds no longer: another place, language or epoch.
export function outdate() {
  offsets.clear();
}

// Another scene stands on the page: nothing that was set is there any more.
export function forget() {
  for (const known of [waiting, shown, offsets, owners, last, charted, figures]) known.clear();
  turned.clear();
  clearTimeout(again);
  again = 0;
}

// Takes a paint if it is of this page; false where it is not.
export function takePaint(paint) {
  if (paint.place !== address.place || paint.lang !== address.lang) return false;
  if (paint.epoch !== painted.epoch) {
    painted.epoch = paint.epoch;
    outdate();
  }
  for (const [id, panel] of Object.entries(paint.panels)) {
    if (offsets.get(id) > panel.offset) continue;
    offsets.set(id, panel.offset);
    shown.set(id, { feeds: panel.feeds ?? [], rests: panel.rests ?? {}, as_of: panel.as_of, fault: !!panel.fault });
    for (const [target, value] of Object.entries(panel.props)) {
      const text = JSON.stringify(value);
      if (last.get(target) === text) continue;
      last.set(target, text);
      owners.set(target, id);
      waiting.set(target, value);
    }
    turned.add(id);
  }
  painted.n = paint.n;
  painted.at = Date.now();
  flush();
  return true;
}

export function flush() {
  if (!ready()) return;
  unfold(); // First of all: it would wipe away what was painted before it.
  const here = new Set([...cards()].map((card) => card.dataset.panel));
  for (const [target, value] of waiting) {
    if (!here.has(owners.get(target))) {
      waiting.delete(target); // A last word to the scene before this one.
      last.delete(target);
      continue;
    }
    const dot = target.lastIndexOf(".");
    const [component, property] = [target.slice(0, dot), target.slice(dot + 1)];
    if (property === "figure") {
      const rest = CHART - (performance.now() - (charted.get(target) ?? -Infinity));
      if (rest > 0) {
        again ||= setTimeout(() => { again = 0; flush(); }, rest);
        continue;
      }
      charted.set(target, performance.now());
      figures.set(target, value);
      if (!roomy(component)) {
        waiting.delete(target); // It is drawn when there is room: a resize draws all charts anew.
        continue;
      }
    }
    const sink = citywall.sinks[component];
    const plain = property === "children" && citywall.plain?.(value);
    if (!sink && !plain && property !== "figure" && lacks(last.get(target) ?? "")) {
      bring().then(flush, () => setTimeout(flush, CHART));
      continue;
    }
    waiting.delete(target);
    try {
      const place = document.getElementById(component);
      if (sink) sink(property, value);
      else if (plain && place) citywall.draw(place, value);
      else if (place && citywall.drawn(place)) throw new Error("only an example that paints it so has Dash draw it");
      else window.dash_clientside.set_props(component, { [property]: property === "figure" ? inTheme(value) : value });
    } catch (error) {
      last.delete(target); // It is tried again with the next paint.
      console.error(`citywall: ${target} cannot be set`, error);
    }
  }
  for (const id of turned) {
    const card = document.getElementById(id);
    if (card) delete card.dataset.turning;
  }
  turned.clear();
  citywall.tick?.(); // Countdowns that are new have their text before the frame is drawn.
  html.dataset.painted = painted.n;
  window.dispatchEvent(new Event("citywall:painted"));
}

// All charts once more, in another theme or size.
let redrawing = 0;
export function redraw() {
  clearTimeout(redrawing);
  redrawing = setTimeout(() => {
    for (const [target, figure] of figures) waiting.has(target) || waiting.set(target, figure);
    flush();
  }, wearing.paper ? 0 : 100);
}
window.addEventListener("citywall:theme", redraw);

// Whether a chart has room for its axes: where the shape of the screen leaves a panel out, or a sliver of it, plotly fails.
function roomy(component) {
  const box = document.getElementById(component);
  return !box || (box.clientWidth > 60 && box.clientHeight > 40);
}

// Runs after the next frame was drawn, or a little later on a page nobody sees.
export function afterFrame(work) {
  let done = false;
  const once = () => {
    if (!done) {
      done = true;
      work();
    }
  };
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, 700);
}

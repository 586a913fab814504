// The browser's end of /live: sets what was painted, says how old every card is, and never leaves an old number
// looking new. What it is made of stands in the rooms beside it.

import { address, applyAddress, cards, html, meta } from "./live/address.mjs";
import { age } from "./live/age.mjs";
import "./live/first.mjs";
import { unfold } from "./live/frames.mjs";
import { begin, hello, say, takers, watchLink } from "./live/link.mjs";
import { afterFrame, flush, outdate, redraw, takePaint, whenReady } from "./live/paint.mjs";
import { takeBeat } from "./live/pulse.mjs";
import { restart, writing } from "./live/restart.mjs";
import { change, standing } from "./live/scene.mjs";
import { wear } from "./live/theme.mjs";

const citywall = (window.citywall ??= {});
const acknowledge = (n) => say({ t: "ack", n });

takers.beat = (beat) => takeBeat(beat) && !writing() && restart("version"); // The next beat asks again.
takers.paint = (paint) => {
  if (!takePaint(paint)) return acknowledge(paint.n);
  afterFrame(() => {
    citywall.tick?.();
    acknowledge(paint.n);
  });
};

window.addEventListener("citywall:address", ({ detail: { before, now } }) => {
  if (before.place === now.place && before.lang === now.lang) return;
  outdate();
  for (const card of cards()) card.dataset.turning = "";
  hello();
});
window.addEventListener("citywall:up", age);
window.addEventListener("resize", redraw);

// Twice a second: has the link fallen silent, and how old is everything?
setInterval(() => {
  watchLink();
  age();
}, 500);

html.lang = address.lang;
wear(address.theme);
// Not before all modules are there: what comes for a component that a module draws would find nobody to take it.
if (document.readyState === "complete") begin();
else document.addEventListener("DOMContentLoaded", begin, { once: true });
whenReady(() => {
  unfold();
  html.dataset.schematic = meta("schematic");
  applyAddress();
  flush();
  hello(undefined, false);
  if (standing().panel) change(standing()); // An address with a panel in it was loaded as its layout.
});

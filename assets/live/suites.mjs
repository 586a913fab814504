// Component suites that the page does without at first: loaded once it is painted, or when something needs them before.

import { html, meta } from "./address.mjs";

const AFTER = 2000; // ms behind the first paint, when the page has come to rest
const NAMED = /"namespace":"(dash_\w+)"/g;
let coming = null;
let there = false;

// Whether a component tree, as JSON, has components of a suite that is not loaded yet.
export const lacks = (text) => !there && [...text.matchAll(NAMED)].some(([, suite]) => !window[suite]);

export function bring() {
  const scripts = meta("later").split(" ").filter(Boolean); // in the order they build on each other
  coming ??= Promise.all(scripts.map((src) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, { src, async: false, onload: resolve, onerror: () => reject(new Error(`${src} did not come`)) });
    script.dataset.again = ""; // Whoever needs it asks again where it did not come.
    document.head.append(script);
  }))).then(() => { there = true; }, (error) => {
    coming = null; // It is tried again when something needs them.
    throw error;
  });
  return coming;
}

window.addEventListener("citywall:painted", () => {
  const rest = () => html.dataset.link === "up" && bring().catch((error) => console.warn("citywall:", error.message));
  setTimeout(() => (window.requestIdleCallback ?? setTimeout)(rest), AFTER);
}, { once: true });

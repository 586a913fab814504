// The theme: a dark room, a tablet in daylight, paper. Charts are drawn in it.

import { address, html } from "./address.mjs";
import { flush, waiting } from "./paint.mjs";

export const wearing = { paper: false };

export function wear(theme) {
  if (html.dataset.theme === theme) return;
  html.dataset.theme = theme;
  window.dispatchEvent(new CustomEvent("citywall:theme", { detail: { theme } }));
  redraw();
}

for (const [name, begins] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(name, () => {
    wearing.paper = begins;
    wear(begins ? "light" : address.theme);
  });
}

// Charts cannot read a style sheet: what a panel paints as var(--ink) becomes the theme's colour, and a length such as
// 1.5em a number of pixels at the chart's size of type. The house's type for both is in assets/tokens.css.
export const figures = new Map(); // component.property → figure as painted

export function inTheme(figure) {
  const style = getComputedStyle(html);
  const em = Math.max(1.3 * parseFloat(style.fontSize), 11);
  const token = (value) => {
    const name = /^var\((--[\w-]+)\)$/.exec(value);
    if (name) return style.getPropertyValue(name[1]).trim();
    return /^-?\d+(\.\d+)?em$/.test(value) ? parseFloat(value) * em : value;
  };
  const walk = (value) => {
    if (typeof value === "string") return token(value);
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(walk);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item)]));
  };
  return walk(figure);
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

// The figures of charts as they were painted, and in the colours and sizes of the theme.

import { html } from "./address.mjs";

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

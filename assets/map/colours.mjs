// What a place's colour and number say: tickets, on-time rate or tickets per 1,000; and the legend of the colours.

import { grouped, percent } from "../numbers.mjs";
import { colour, state } from "./scene.mjs";

const citywall = window.citywall;

export const mode = () => (state.doc?.modes[citywall.address?.map] ? citywall.address.map : "tickets");

export function figure(row) {
  if (!row) return null;
  if (mode() === "rate") return row.due > 0 ? row.on_time / row.due : null;
  if (mode() === "people") return row.population > 0 ? (1000 * row.open) / row.population : null;
  return row.open;
}


function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 2.5, 5, 10].find((n) => n * power >= step * 0.999);
}

// The steps of the present colouring, lowest first: from which figure on, which colour.
export function scale() {
  if (mode() === "rate") {
    const [low, middle, high] = state.doc.steps;
    return [[-Infinity, "rate-1"], [low, "rate-2"], [middle, "rate-3"], [high, "rate-4"]];
  }
  const found = Object.values(state.doc.places).map(figure).filter((value) => value !== null);
  const [least, most] = found.length ? [Math.min(...found), Math.max(...found)] : [0, 1];
  const step = nice(Math.max((most - least) / 4, mode() === "tickets" ? 1 : 0.01));
  const base = Math.floor(least / step);
  return [1, 2, 3, 4, 5].map((n) => [n === 1 ? -Infinity : +((base + n - 1) * step).toFixed(6), `amount-${n}`]);
}

export function written(value) {
  if (value === null) return "–";
  if (mode() === "rate") return percent(100 * value);
  return mode() === "people" ? value.toFixed(2) : grouped(Math.round(value));
}

export function fill(row, steps) {
  const value = figure(row);
  if (value === null) return colour("unknown");
  let found = steps[0][1];
  for (const [from, name] of steps) if (value >= from - 1e-9) found = name;
  return colour(found);
}

export function legend(steps) {
  const box = document.getElementById("map-legend");
  if (!box) return;
  // From a hundred thousand on the numbers of the legend are written as 万 or K, so that it keeps to its corner.
  const short = (value) => new Intl.NumberFormat(document.documentElement.lang === "en" ? "en" : "zh-CN", { notation: "compact" }).format(value);
  const plain = (value) => (mode() === "rate" ? `${+(100 * value).toFixed(1)} %` : value < 1e5 ? grouped(value) : short(value));
  const rows = steps.map(([from, name], at) => {
    const next = steps[at + 1]?.[0];
    const text = at === 0 ? `< ${plain(next)}` : next === undefined ? `≥ ${plain(from)}` : `${plain(from)} – ${plain(next)}`;
    return [name, text];
  });
  rows.reverse();
  if (Object.values(state.doc.places).some((row) => figure(row) === null)) rows.push(["unknown", state.doc.none]);
  box.replaceChildren(...rows.map(([name, text]) => {
    const row = document.createElement("div");
    row.className = "step";
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = colour(name);
    const words = document.createElement("span");
    words.textContent = text;
    row.append(swatch, words);
    return row;
  }));
  box.hidden = !Object.keys(state.doc.places).length;
}

// What the rooms of the map share: the map and what was said of it, the colours of the theme, the layers that are on.

import { percent } from "../numbers.mjs";

const citywall = (window.citywall ??= {});

export const L = window.L;
export const meta = (name) => document.querySelector(`meta[name="citywall-${name}"]`)?.content ?? "";
const css = getComputedStyle(document.documentElement);
const colours = new Map(); // To read one from the style has the browser look through all that has changed on the page.
window.addEventListener("citywall:theme", () => colours.clear());
export function colour(name) {
  if (!colours.has(name)) colours.set(name, css.getPropertyValue(`--${name}`).trim());
  return colours.get(name);
}
export const rem = () => parseFloat(css.fontSize);
export const english = () => document.documentElement.lang === "en";
export const LIGHTS = ["normal", "soon", "overdue", "worst", "paused", "none"]; // as dashboard/words.py orders them
export const LIGHT_COLOURS = ["ok", "soon", "overdue", "worst", "paused", "none"];

export const state = {
  map: null,
  doc: null, // the places below with their numbers, as panels/map.py paints them
  rows: null, // the tickets as points
  layers: null, // the states of what the layers show
  drawn: null, // the place whose outlines are drawn,
  at: null, // and were drawn last: null and the same while they are drawn anew
  canvas: null, // what outlines are drawn with
  outer: null, // the neighbours, dimmed
  inner: null, // the places that are counted
  labels: new Map(), // code → {marker, box, title, value, more, spot, feature}
  points: null,
  home: null, // bounds of the place
  free: null, // the pixels above and below that the places were fitted between
  moved: false, // whether somebody has moved the map since
  beyond: 0, // how far beyond the map's edges is drawn what stands on it, as a share of its size
  under: null, // the place under the pointer: {feature, aside, chosen}
};

// The layers that are on: those in the address, or those whose home this screen is; none where it is the tickets' turn.
export function shown() {
  const known = state.doc?.layers ?? {};
  const wanted = (citywall.address?.layer ?? "").split(",");
  if (wanted[0] === "tickets") return [];
  const found = Object.keys(known).filter((id) => wanted.includes(id));
  if (found.length) return found;
  const screen = document.getElementById("wall")?.dataset.screen;
  return Object.keys(known).filter((id) => known[id].home.includes(screen));
}

// The layer whose rates stand on the places: the first that is on.
export const layer = () => shown()[0] ?? "tickets";

// What is known of a layer's states at this place; null while it is the tickets' turn, or nothing came yet.
export const states = (id = layer()) =>
  state.layers?.place === citywall.address?.place ? state.layers.layers[id] ?? null : null;

export const share = (pair) => (pair?.[1] ? percent((100 * pair[0]) / pair[1]) : "–");

export const titleOf = (feature) => {
  const { name: zh, name_en: en, code } = feature.properties;
  return (english() && en) || zh || code;
};

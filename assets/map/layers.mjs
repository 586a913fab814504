// What stands on the map as points: the tickets, or the layers that are switched on; and the legend of their states.
// A layer's points are fetched once by their version; its states come with every change.

import { grouped } from "../numbers.mjs";
import { refit } from "./outlines.mjs";
import { stamp } from "./points.mjs";
import { layer, rem, shown, state, states } from "./scene.mjs";

const citywall = window.citywall;

// Draws what is on; what is drawn already is changed by difference.
export function drawPoints() {
  const on = shown();
  if (on.length) return drawLayers(on);
  const rows = state.rows;
  if (!state.points) return;
  const mine = rows?.place === citywall.address?.place ? rows.points : [];
  Object.assign(citywall.points, { layer: "tickets", number: mine.length, changed: state.points.set(mine) });
  const counts = [0, 0, 0, 0, 0, 0];
  for (const row of mine) counts[row[3]]++;
  if (state.doc) legend([["", "", state.doc.lights.map(([, , word], at) => [at, word, counts[at]])]]);
}

// The shape, word and number of each state that anything is in; where several layers are on, each in a line of its own
// behind its name. ``groups`` are [title, frame, [[light, word, number], …]].
let written = "";
function legend(groups) {
  const box = document.getElementById("map-lights");
  const text = JSON.stringify([groups, document.documentElement.dataset.theme]);
  if (!box || (text === written && box.firstChild)) return; // Another scene brings an empty box.
  written = text;
  const lines = groups.map(([title, frame, entries]) => {
    const items = entries.filter(([, , number]) => number).map(([at, word, number]) => {
      const [light, shape] = state.doc.lights[at];
      const item = document.createElement("span");
      item.append(frame ? picture(at, frame) : mark(light, shape), ` ${word} ${grouped(number)}`);
      return item;
    });
    if (!title) return items;
    const line = document.createElement("div");
    const name = document.createElement("b");
    name.textContent = title;
    line.append(name, ...items);
    return [line];
  });
  box.replaceChildren(...lines.flat());
  box.classList.toggle("several", groups.some(([title]) => title));
  refit();
}

function mark(light, shape) {
  const found = document.createElement("span");
  found.className = `light ${light}`;
  found.textContent = shape;
  return found;
}

// The very picture that stands on the map.
function picture(light, frame) {
  const ratio = window.devicePixelRatio || 1;
  const canvas = stamp(light, Math.round(1.5 * rem() * ratio), frame);
  canvas.className = "stamp";
  canvas.style.width = `${canvas.width / ratio}px`;
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

const fetched = new Map(); // layer|place → {version, rows}, the latest few
const asking = new Set(); // what is under way

async function ask(name, place, version) {
  const slot = `${name}|${place}`;
  const wanted = `${slot}|${version}`;
  if (asking.has(slot)) return;
  asking.add(slot);
  try {
    const answer = await fetch(`/layers/${encodeURIComponent(name)}/${encodeURIComponent(place)}.json?v=${version}`);
    if (!answer.ok) throw new Error(`layer ${wanted}: status ${answer.status}`);
    const { version: said, points: found } = await answer.json();
    fetched.delete(slot);
    fetched.set(slot, { version: said, rows: found.map(([id, lon, lat, title]) => [id, lon, lat, 5, title, name, 0, 0]) });
    while (fetched.size > 12) fetched.delete(fetched.keys().next().value);
    asking.delete(slot);
    drawPoints();
  } catch (error) {
    console.warn("citywall:", error.message);
    setTimeout(() => { asking.delete(slot); drawPoints(); }, 2000);
  }
}

// The rows of a layer in the states that were said last, as [key, lon, lat, light, title, layer, state, place in the
// order]; null until the points of this very version are here: what is drawn stays as it was last right.
function rowsOf(name) {
  const found = states(name);
  if (!found?.version) return [];
  const known = fetched.get(`${name}|${citywall.address.place}`);
  if (known?.version !== found.version) {
    ask(name, citywall.address.place, found.version);
    return null;
  }
  const { looks } = state.doc.layers[name];
  let at = 0;
  for (let i = 0; i < found.states.length; i += 2) {
    const look = looks[found.states[i]][0];
    for (const end = at + found.states[i + 1]; at < end && at < known.rows.length; at++) {
      const row = known.rows[at];
      row[3] = look;
      row[6] = found.states[i];
      row[7] = at;
    }
  }
  return known.rows;
}

function drawLayers(on) {
  const { points } = state;
  if (!points || !state.doc) return;
  const parts = on.map(rowsOf);
  const here = `${citywall.address.place} ${on}`;
  if (parts.includes(null) && points.drawn === here) return; // The rest is on its way.
  const rows = parts.length === 1 ? parts[0] ?? [] : parts.flatMap((part) => part ?? []);
  const frames = Object.fromEntries(on.map((id) => [id, state.doc.layers[id].frame ?? ""]));
  Object.assign(citywall.points, { layer: layer(), number: rows.length, changed: points.set(rows, frames) });
  points.drawn = here;
  legend(on.map((id) => {
    const { looks, title, frame } = state.doc.layers[id];
    const counts = states(id)?.counts ?? [];
    return [on.length > 1 ? title : "", frame ?? "", looks.map(([look, word], at) => [look, word, counts[at]])];
  }));
}

// Which layers the buttons show as on.
export function press() {
  const on = shown();
  for (const button of document.querySelectorAll("[data-map-layer]")) {
    const { mapLayer: id } = button.dataset;
    button.setAttribute("aria-pressed", String(on.length ? on.includes(id) : id === "tickets"));
  }
}

// What the address says once a layer is switched: the tickets stand alone, the others beside each other.
citywall.switched = (id) => {
  if (id === "tickets") return id;
  const on = shown();
  const wanted = Object.keys(state.doc?.layers ?? {}).filter((one) => on.includes(one) !== (one === id));
  return wanted.join(",") || "tickets";
};

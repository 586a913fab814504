// The places' names with their numbers: as many as fit, where most room is first, each a way down.

import { grouped } from "../numbers.mjs";
import { mode, figure, fill, legend, scale, written } from "./colours.mjs";
import { L, colour, layer, share, state, states, titleOf } from "./scene.mjs";
import { words } from "./words.mjs";

const citywall = window.citywall;

// A label for each place, at the spot with most room. Its name leads down: by Tab and Enter, and by a finger; a mouse
// goes through it to the place below. Its number leads to the tickets it counts.
export function name(below) {
  for (const feature of below.features) {
    const { code, spot: [lon, lat, room, width] } = feature.properties;
    const box = document.createElement("div");
    const [title, value, more] = ["button", "a", "span"].map((tag, at) => {
      const part = document.createElement(tag);
      part.className = ["title", "value", "more"][at];
      box.append(part);
      return part;
    });
    title.type = "button";
    title.addEventListener("click", (event) => {
      event.stopPropagation(); // The map would look for a point below the finger.
      citywall.go({ place: code });
    });
    const spot = { latlng: L.latLng(lat, lon), room, width };
    const icon = L.divIcon({ html: box, className: "place-label", iconSize: [0, 0] });
    const marker = L.marker(spot.latlng, { icon, interactive: false, keyboard: false }).addTo(state.map);
    state.labels.set(code, { marker, box, title, value, more, spot, feature });
  }
}

// Colours and numbers anew; outlines stay as they are.
export function dress() {
  if (!state.inner || !state.doc) return;
  const steps = scale();
  const plain = layer() !== "tickets"; // Under another layer's points the places keep quiet.
  state.inner.eachLayer((shape) => {
    const code = shape.feature?.properties.code;
    if (!code || !shape.setStyle) return;
    const row = state.doc.places[code];
    const wanted = row && !plain ? fill(row, steps) : colour(plain ? "unknown" : "raised");
    const edge = colour(plain ? "line" : "border");
    if (shape.options.fillColor !== wanted || shape.options.color !== edge) shape.setStyle({ fillColor: wanted, color: edge });
  });
  const box = document.querySelector("#map .modes");
  if (box) box.hidden = plain;
  const w = words();
  for (const [code, label] of state.labels) {
    const row = state.doc.places[code];
    write(label.title, titleOf(label.feature));
    label.title.setAttribute("aria-label", w.into(titleOf(label.feature)));
    if (plain) {
      label.value.removeAttribute("href");
      label.value.title = "";
      const pair = states()?.places?.[code]; // Where all is well, or nothing stands, the name alone says so.
      write(label.value, pair && pair[0] !== pair[1] ? share(pair) : "");
      write(label.more, "");
      continue;
    }
    write(label.value, written(figure(row)));
    const behind = row ? `${row.behind?.[mode()] ?? row.behind?.tickets ?? ""}` : "";
    if (behind) label.value.setAttribute("href", behind);
    else label.value.removeAttribute("href");
    label.value.title = behind ? w.lists : "";
    const late = row?.late ? ` · ${w.lateShort} ${grouped(row.late)}` : "";
    write(label.more, row ? (mode() === "tickets" ? late.slice(3) : w.counted(grouped(row.open))) : "");
  }
  if (plain) document.getElementById("map-legend")?.replaceChildren();
  else legend(steps);
  arrange();
}

// Whether the name of a place is written there: who clicks on it means the place, whatever point lies below it.
export function named({ clientX: x, clientY: y } = {}) {
  for (const { marker, title } of state.labels.values()) {
    if (marker.getElement()?.classList.contains("out")) continue;
    const { left, top, right, bottom } = title.getBoundingClientRect();
    if (left <= x && x <= right && top <= y && y <= bottom) return true;
  }
  return false;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Where most room is first, each label stands where it fits into its place and over no other; else shorter, else not at all.
export function arrange() {
  const { map } = state;
  if (!state.home?.isValid()) return; // A city without outlines has nothing to label.
  const taken = [];
  const perDegree = map.project([state.home.getCenter().lat + 0.005, 0]).subtract(map.project([state.home.getCenter().lat - 0.005, 0])).y * -100;
  const sorted = [...state.labels.values()].sort((a, b) => b.spot.room - a.spot.room);
  for (const label of sorted) {
    const element = label.marker.getElement();
    if (!element) continue;
    const middle = map.latLngToContainerPoint(label.spot.latlng);
    let stands = false;
    for (const brief of [false, true]) {
      element.classList.toggle("brief", brief);
      element.classList.remove("out");
      const [w, h] = [label.box.offsetWidth, label.box.offsetHeight];
      const roomy = label.spot.room * perDegree * 2 > h * 0.7 && label.spot.width * perDegree > w * 0.9;
      const box = [middle.x - w / 2, middle.y - h / 2, middle.x + w / 2, middle.y + h / 2];
      if (roomy && !taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) {
        taken.push(box);
        stands = true;
        break;
      }
    }
    element.classList.toggle("out", !stands);
  }
}

// What is under the pointer: the tooltip that says so, and what a click there does.

import { grouped } from "../numbers.mjs";
import { openCard } from "./card.mjs";
import { named } from "./labels.mjs";
import { L, english, layer, share, state, states, titleOf } from "./scene.mjs";
import { words } from "./words.mjs";

const citywall = window.citywall;
let tooltip = null;
let last = null; // the latest event of the pointer while it is over the map

function detail(code) {
  const row = state.doc?.places[code];
  if (!row) return [];
  if (layer() !== "tickets") {
    const pair = states()?.places?.[code];
    const counted = pair ? ` (${grouped(pair[0])} / ${grouped(pair[1])})` : "";
    return [`${state.doc.layers[layer()].rate} ${share(pair)}${counted}`];
  }
  const w = words();
  const rate = row.due > 0 ? `${share([row.on_time, row.due])} (${grouped(row.on_time)} / ${grouped(row.due)})` : "–";
  return [
    `${w.open} ${grouped(row.open)} · ${w.soon} ${grouped(row.soon)} · ${w.late} ${grouped(row.late)}`,
    `${w.rate} ${rate}`,
  ];
}

// What is known of a point of a layer: its state in words with its reading, how old that is, how much time is left.
function facts(found) {
  const lang = english() ? "en" : "zh";
  const about = state.doc?.layers[found.layer];
  const [text, at, due] = states(found.layer)?.said?.[found.at] ?? [];
  const word = about?.looks[found.state]?.[1];
  const lines = [[text, word].filter(Boolean).join(" · ")];
  const now = citywall.time?.city();
  if (at && now && citywall.ago) lines.push(words().ago(citywall.ago(now - at, lang)));
  if (due && now && citywall.left) lines.push(`${words().left} ${citywall.left(due - now, lang)}`);
  return lines.filter(Boolean);
}

// Text goes in as text: a name may hold what looks like markup.
function showTip(latlng, title, lines = []) {
  const box = document.createElement("div");
  box.append(title);
  for (const line of lines) {
    const row = document.createElement("span");
    row.className = "quiet";
    row.textContent = line;
    box.append(row);
  }
  tooltip ??= L.tooltip({ className: "plain", direction: "top", offset: [0, -10], opacity: 1 });
  tooltip.setContent(box).setLatLng(latlng);
  if (!state.map.hasLayer(tooltip)) tooltip.addTo(state.map);
}

export function hideTip() {
  tooltip?.remove();
  last = null;
}

// What stands there is told anew once it has changed, for a pointer may rest on a wall for days.
export function pointAgain() {
  if (last && state.map) point({ ...last, latlng: state.map.containerPointToLatLng(last.containerPoint) });
}

// Whether a click on the area goes further down: then a point takes it only where it really hits the point.
const descends = () => Object.keys(state.doc?.places ?? {}).length > 0;

// The point that the pointer means. Where nothing lies below, and for a finger, somewhat beside it is meant too.
function aimed({ latlng, originalEvent }) {
  if (!state.points?.known.size || named(originalEvent)) return null;
  const finger = originalEvent?.pointerType === "touch" || originalEvent?.pointerType === "pen";
  const least = descends() ? (finger ? 12 : 0) : finger ? 22 : 8; // 24 and 44 pixels across: WCAG 2.2, 2.5.8 and 2.5.5
  return state.points.nearest(latlng, least);
}

// What a click on what was found opens: a ticket's page, the card of a thing, or nothing. Where points lie so close that
// they would hide the places below, as ten thousand cameras of a whole city do, a click goes down instead.
const CROWD = 2000;
function leads(found) {
  if (!found) return "";
  const kind = found.layer ? state.doc?.layers[found.layer]?.leads : "ticket";
  return kind === "card" && descends() && state.points.known.size > CROWD ? "" : kind ?? "";
}

// Tooltip and cursor for where the pointer is: a ticket that opens, a place that is entered, or neither.
export function point(event) {
  if (event.originalEvent?.target?.closest?.("a")) return hideTip(); // A label's number says itself where it leads.
  last = event;
  const w = words();
  const found = aimed(event);
  const opens = leads(found);
  const { under } = state;
  const enters = !opens && under && !under.chosen;
  state.map.getContainer().dataset.click = opens || (enters ? "place" : "none");
  if (found && (found.title || opens)) {
    const lines = found.layer ? facts(found) : [];
    if (opens === "ticket") lines.push(w.opens);
    else if (opens) lines.push(w.known);
    showTip([found.lat, found.lon], found.title || w.ticket, lines);
  } else if (under) {
    const { feature, aside, chosen } = under;
    const lines = aside ? [] : detail(feature.properties.code);
    showTip(event.latlng, titleOf(feature), chosen ? lines : [...lines, w.goes]);
  } else {
    tooltip?.remove();
  }
}

// Opens the ticket that is drawn where the pointer is, or the card of what else is; whether there was anything. Where a
// click goes down, a finger, which cannot hover, is told what it is; a mouse leaves the click to the place below.
let opening = false;
let taken = null;
export function caseAt(event) {
  if (opening) return true;
  const found = aimed(event);
  const kind = leads(found);
  if (kind === "card") {
    hideTip();
    if (event.originalEvent !== taken) openCard(found); // The outline below and the map tell of one click.
    taken = event.originalEvent;
    return true;
  }
  if (!kind) {
    if (found?.title && event.originalEvent?.pointerType === "touch") point(event);
    return false;
  }
  opening = true;
  const lang = new URLSearchParams(location.search).get("lang");
  location.assign(`/ticket?key=${encodeURIComponent(found.key)}${lang ? `&lang=${lang}` : ""}`);
  setTimeout(() => (opening = false), 3000);
  return true;
}

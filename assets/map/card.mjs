// What is known of one thing on the map, once it was clicked: asked of the board, kept up while it is open.

import { L, english, state } from "./scene.mjs";
import { words } from "./words.mjs";

const citywall = window.citywall;
const AGAIN = 5000; // ms after which it is asked for again
const LASTS = 120_000; // ms: on a wall nobody closes it
let card = null; // {popup, timer, ends, key, before}

export function closeCard() {
  if (!card) return;
  const { popup, timer, ends, before } = card;
  card = null;
  clearTimeout(timer);
  clearTimeout(ends);
  const element = popup.getElement();
  const inside = element?.contains(document.activeElement);
  popup.remove();
  element?.remove(); // It would fade out for a while, and another stand beside it.
  if (inside) before?.focus?.({ preventScroll: true });
}

// Opens the card of a thing, as assets/map/pointing.mjs found it.
export function openCard(found) {
  closeCard();
  const box = document.createElement("section");
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-label", found.title || found.key);
  box.tabIndex = -1;
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    closeCard();
  });
  L.DomEvent.disableClickPropagation(box);
  const popup = L.popup({ className: "card", closeButton: false, closeOnClick: false, autoClose: false, maxWidth: 9999, offset: [0, -6] });
  card = { popup, timer: 0, ends: setTimeout(closeCard, LASTS), key: found.key, before: document.activeElement };
  write(box, { title: found.title || found.key, layer: "", state: null, rows: [], place: null, record: null }, true);
  popup.setContent(box).setLatLng([found.lat, found.lon]).openOn(state.map);
  box.focus({ preventScroll: true });
  ask(box, found, card);
}

async function ask(box, found, mine) {
  try {
    const answer = await fetch(`/layers/${encodeURIComponent(found.layer)}/thing?key=${encodeURIComponent(found.key)}${english() ? "&lang=en" : ""}`);
    if (mine !== card) return;
    if (answer.status === 404) say(box, words().gone);
    else if (!answer.ok) throw new Error(`status ${answer.status}`);
    else {
      const said = await answer.json();
      const focus = box.contains(document.activeElement) ? document.activeElement.dataset.part ?? "" : null;
      write(box, said);
      mine.popup.update(); // It takes the box out and puts it back.
      if (focus !== null) (box.querySelector(`[data-part="${focus}"]`) ?? box).focus({ preventScroll: true });
    }
  } catch (error) {
    console.warn("citywall: card:", error.message);
    if (mine === card) say(box, words().waiting);
  }
  if (mine === card) mine.timer = setTimeout(() => ask(box, found, mine), AGAIN);
}

function say(box, text) {
  box.querySelector(".said").textContent = text;
}

const made = (name, className, text = "") => {
  const found = document.createElement(name);
  found.className = className;
  found.textContent = text; // Text goes in as text: a name may hold what looks like markup.
  return found;
};

function write(box, said, waiting = false) {
  const w = words();
  const head = made("header", "");
  const close = made("button", "close", "×");
  Object.assign(close, { type: "button", onclick: closeCard });
  close.setAttribute("aria-label", w.close);
  close.dataset.part = "close";
  head.append(made("b", "", said.title), close);
  const parts = [head];
  if (said.state) {
    const [look, word] = said.state;
    const shape = state.doc?.lights.find(([name]) => name === look)?.[1] ?? "";
    const line = made("p", "state");
    line.append(made("span", `light ${look}`, shape), ` ${word}`, made("span", "quiet", ` · ${said.layer}`));
    parts.push(line);
  }
  const list = made("dl", "");
  const now = citywall.time?.city();
  for (const [label, text, moment] of said.rows) {
    const ago = moment && now && citywall.ago ? ` (${w.ago(citywall.ago(now - moment, english() ? "en" : "zh"))})` : "";
    list.append(made("dt", "quiet", label), made("dd", "", text + ago));
  }
  parts.push(list, made("p", "said quiet", waiting ? "…" : ""));
  const links = made("p", "links");
  if (said.record) {
    const [href, text] = said.record;
    const link = made("a", "", text);
    link.href = href;
    link.dataset.part = "record";
    links.append(link);
  }
  const [code, name] = said.place ?? [];
  if (code && code !== citywall.address.place && state.doc?.places?.[code]) {
    const enter = made("button", "", w.enter(name));
    enter.type = "button";
    enter.dataset.part = "place";
    enter.onclick = () => { closeCard(); citywall.go({ place: code }); };
    links.append(enter);
  }
  parts.push(links);
  box.replaceChildren(...parts);
}

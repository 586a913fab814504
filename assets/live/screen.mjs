// This screen as a thing: it says who it is and how it does, and does what it is told from elsewhere.

import { address, html } from "./address.mjs";
import { link, say, takers } from "./link.mjs";
import { painted, ready, whenReady } from "./paint.mjs";
import { picture } from "./picture.mjs";
import { version } from "./pulse.mjs";
import { calm, restart, restarts, used } from "./restart.mjs";
import { change, complete, standing } from "./scene.mjs";
import { chinese } from "./typeface.mjs";

const citywall = (window.citywall ??= {});
const ID = /^[a-z0-9][a-z0-9_-]{0,39}$/;
const EACH = 10000; // ms between two reports
const LOOK = 1000; // ms for which frames are counted before each
const SETTLED = 5000; // ms after which the font for Chinese is looked for: it takes as long as a good deal of the picture
const SHOWN = 8000; // ms for which a screen shows its name

// The address names the screen, as in ?screen=hall-1; one that is not named keeps a name of its own making.
function identity() {
  const named = new URLSearchParams(location.search).get("screen") ?? "";
  if (ID.test(named)) return named;
  let kept = localStorage.getItem("citywall.screen") ?? "";
  if (!ID.test(kept)) {
    kept = `screen-${(crypto.randomUUID?.() ?? Math.random().toString(16).slice(2)).slice(0, 6)}`;
    localStorage.setItem("citywall.screen", kept);
  }
  return kept;
}

const wishes = (id) => `citywall.wish.${id}`;
const begun = Date.now();
export const screen = (citywall.screen = { id: identity(), name: "", did: 0, errors: 0, error: "", fps: null, playlist: null });

window.addEventListener("error", (event) => note(event.message || "a file that did not come"), true);
window.addEventListener("unhandledrejection", (event) => note(`${event.reason?.message ?? event.reason}`));
function note(text) {
  screen.errors++;
  screen.error = `${text}`.slice(0, 200);
}

// -- reports -------------------------------------------------------------------------------------------------

function kept() {
  try {
    return JSON.parse(localStorage.getItem(wishes(screen.id)) ?? "null");
  } catch {
    return null;
  }
}

export function report() {
  const memory = used();
  return {
    t: "report", id: screen.id, link: link.id, did: screen.did, kept: kept(), show: standing(),
    lang: address.lang, theme: address.theme, size: [innerWidth, innerHeight], ratio: devicePixelRatio || 1, version,
    playlist: new URLSearchParams(location.search).get("playlist") ?? "",
    memory: memory && Math.round(memory / 1e6), fps: screen.fps, nodes: document.querySelectorAll("*").length,
    painted: painted.at ? Math.max(0, (Date.now() - painted.at) / 1000) : null, errors: screen.errors, error: screen.error,
    up: (Date.now() - begun) / 1000, restarts: restarts(), idle: calm.touched ? (Date.now() - calm.touched) / 1000 : null,
    polls: link.polling, states: states(), chinese: Date.now() - begun > SETTLED ? chinese() : null,
  };
}

function states() {
  const found = {};
  for (const card of document.querySelectorAll("[data-panel]")) found[card.dataset.state] = (found[card.dataset.state] ?? 0) + 1;
  return found;
}

const tell = () => link.polling || say(report());
let told = 0;
link.report = () => {
  if (Date.now() - told < EACH) return null;
  told = Date.now();
  return report();
};

function countFrames() {
  if (document.hidden) return void (screen.fps = null);
  const from = performance.now();
  let frames = 0;
  const count = (at) => {
    frames++;
    if (at - from < LOOK) requestAnimationFrame(count);
    else screen.fps = Math.round((10000 * frames) / (at - from)) / 10;
  };
  requestAnimationFrame(count);
}

setInterval(() => {
  countFrames();
  setTimeout(tell, LOOK + 200);
}, EACH);
window.addEventListener("citywall:linked", () => { told = 0; tell(); });

// -- commands ------------------------------------------------------------------------------------------------

takers.command = async (order) => {
  if (!ready()) await new Promise(whenReady); // It may come before the page is drawn, which would then lie over the scene.
  if (order.wish) localStorage.setItem(wishes(screen.id), JSON.stringify(order.wish));
  if (order.name !== undefined) screen.name = order.name;
  if (order.command === "identify") identify(order);
  else if (order.command === "reload") restart("asked");
  else if (order.command === "thumbnail") takePicture();
  else if (order.command === "scene") {
    screen.playlist = order.playlist;
    calm.restless = () => !!order.playlist?.alarm;
    window.dispatchEvent(new CustomEvent("citywall:playlist", { detail: order.playlist }));
    const stands = !order.show || (await change(order.show));
    if (!stands) return; // The server says it again.
    screen.did = order.n;
    await complete();
    tell();
  }
};

let naming = 0;
function identify({ name, seconds }) {
  document.getElementById("identify")?.remove();
  const box = document.createElement("div");
  box.id = "identify";
  box.setAttribute("role", "status");
  const large = document.createElement("b");
  large.textContent = name || screen.id;
  const small = document.createElement("span");
  small.textContent = [name && name !== screen.id ? screen.id : "", `${innerWidth} × ${innerHeight}`].filter(Boolean).join(" · ");
  box.style.setProperty("--letters", Math.max(4, [...large.textContent].reduce((sum, sign) => sum + (sign > "\u2e80" ? 1 : 0.6), 0)));
  box.append(large, small);
  document.body.append(box);
  clearTimeout(naming);
  naming = setTimeout(() => box.remove(), seconds ? 1000 * seconds : SHOWN);
}

// A small picture is drawn here and sent, where somebody looks at the list of all screens.
let drawing = false;
async function takePicture() {
  if (drawing || document.hidden) return;
  drawing = true;
  try {
    const body = await picture();
    if (body) await fetch(`/screens/${screen.id}/thumbnail`, { method: "POST", body, headers: { "content-type": body.type } });
  } catch (error) {
    note(`thumbnail: ${error.message}`);
  } finally {
    drawing = false;
  }
}

export const asked = (what, data) =>
  fetch(`/screens/${screen.id}/${what}`, { method: "POST", body: JSON.stringify(data), headers: { "content-type": "application/json" } });
html.dataset.display = screen.id;

// Another scene on the same page: layout, place and options change in place, and the link lives on.

import { address, applyAddress, html, meta, readAddress, stage } from "./address.mjs";
import { unfold } from "./frames.mjs";
import { hello } from "./link.mjs";
import { flush, forget, ready } from "./paint.mjs";
import { due, restart } from "./restart.mjs";
import { bring, lacks } from "./suites.mjs";

const citywall = (window.citywall ??= {});
const PATIENCE = 10000; // ms for a layout to come
const OPTIONS = ["map", "layer", "lang", "theme"];
const FREE = ["place", "panel", "scene", ...OPTIONS]; // what of the address is the scene's; the rest is the screen's own
let turn = 0; // the latest change; an older one that still waits is given up
let swapping = Promise.resolve(); // the swap that is under way: only when it is over the page is what it seems

// What stands on the page now, as a scene.
export function standing() {
  const query = new URLSearchParams(location.search);
  return {
    layout: location.pathname.slice(1), panel: query.get("panel") ?? "", scene: query.get("scene") ?? "", place: address.place,
    options: Object.fromEntries(OPTIONS.map((name) => [name, query.get(name) ?? ""]).filter(([, value]) => value)),
  };
}

export function addressOf(show) {
  const query = new URLSearchParams(location.search);
  const { lang, theme } = Object.fromEntries(query);
  for (const name of FREE) query.delete(name);
  const wanted = { place: show.place, panel: show.panel, scene: show.scene, lang, theme, ...show.options };
  for (const [name, value] of Object.entries(wanted)) {
    if (value && !(name === "place" && value === meta("root"))) query.set(name, value);
  }
  const text = query.toString();
  return `/${show.layout}${text ? `?${text}` : ""}`;
}

const frame = () => new Promise((resolve) => {
  requestAnimationFrame(() => resolve());
  setTimeout(resolve, 100); // On a page nobody sees there are no frames.
});

// Puts a scene on the page; whether it stands there now.
export async function change(show) {
  const mine = ++turn;
  await swapping.catch(() => {});
  if (mine !== turn) return false;
  const url = addressOf(show);
  const wanted = show.panel ? `panel-${show.panel}` : show.layout;
  if (stage()?.dataset.screen === wanted) {
    if (url === location.pathname + location.search) return true;
    history.replaceState(null, "", url);
    applyAddress();
    return true;
  }
  if (due() && (await restart(due(), true, url))) return false; // The new page brings the scene; nobody sees more than that.
  try {
    if (!trees.has(wanted)) trees.set(wanted, await fetched(show));
  } catch (error) {
    console.warn(`citywall: the scene ${wanted} did not come:`, error.message);
    return false;
  }
  if (mine !== turn) return false;
  await (swapping = swap(trees.get(wanted), url));
  return true;
}

const trees = new Map(); // what has come once is right for as long as this version of the page is

async function fetched({ panel, layout }) {
  const answer = await fetch(panel ? `/panel/${panel}.json` : `/${layout}/_dash-layout`, { signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const text = await answer.text();
  if (lacks(text)) await bring();
  const tree = JSON.parse(text);
  return panel ? tree : tree.props.children;
}

// First nothing, so that no element of the old scene is taken over with what was drawn into it; then the new one.
async function swap(tree, url) {
  window.dispatchEvent(new Event("citywall:leaving"));
  const set = (children) => window.dash_clientside.set_props("stage", { children });
  set([]);
  while (stage()) await frame();
  forget();
  history.replaceState(null, "", url);
  readAddress();
  hello(panelsOf(tree)); // What is painted while the page is being drawn waits for it.
  set(tree);
  while (!ready()) await frame();
  unfold();
  citywall.room?.();
  applyAddress();
  flush();
  window.dispatchEvent(new Event("citywall:scene"));
}

function panelsOf(tree) {
  if (Array.isArray(tree)) return tree.flatMap(panelsOf);
  if (!tree?.props) return [];
  const id = tree.props["data-panel"];
  return id ? [id] : panelsOf(tree.props.children);
}

// When all of the scene is painted, or it has been waited for long enough.
export async function complete(patience = 3000) {
  const until = performance.now() + patience;
  const open = () => [...document.querySelectorAll("[data-panel]")].some((card) => ["never", "opening"].includes(card.dataset.state) || "turning" in card.dataset);
  while (performance.now() < until && (open() || citywall.pending())) await frame();
  if (html.dataset.scene !== standing().scene) html.dataset.stood = Date.now();
  html.dataset.scene = standing().scene;
}

citywall.scene = change;

// "Show on the wall": sends the chosen number's panel, or the whole wall at this place, to a screen that is on. The screen
// returns by itself to what it showed.

import { english, make } from "./elements.mjs";

const citywall = (window.citywall ??= {});
const MINUTES = 15;
const WORDS = {
  zh: {
    title: "上墙", which: "哪块屏", what: "显示什么", none: "没有在线的大屏", wall: (place) => `大屏 · ${place}`, number: (name) => `只看「${name}」`, send: "上墙", cancel: "取消",
    minutes: `${MINUTES} 分钟后自动恢复`, failed: "未能上墙", done: (name) => `已送到 ${name}`, looking: "正在查找……",
  },
  en: {
    title: "Show on the wall", which: "Which screen", what: "What", none: "No wall is on", wall: (place) => `The wall · ${place}`, number: (name) => `Only “${name}”`, send: "Show", cancel: "Cancel",
    minutes: `It returns by itself after ${MINUTES} minutes`, failed: "It could not be shown", done: (name) => `Sent to ${name}`, looking: "Looking…",
  },
};
const lang = () => (english() ? "en" : "zh");
const w = () => WORDS[lang()];

// A row of buttons of which one is pressed.
function choice(options, pressed = 0) {
  const buttons = options.map(({ text, about }, at) => make("button", { type: "button", "aria-pressed": String(at === pressed), ...about, onclick: (event) => {
    for (const one of buttons) one.setAttribute("aria-pressed", String(one === event.currentTarget));
  } }, text));
  return { box: make("div", { class: "choices" }, buttons), at: () => buttons.findIndex((one) => one.getAttribute("aria-pressed") === "true") };
}

async function ask(path, body) {
  const about = body ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {};
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(8000), ...about });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.say || said.reason || `${answer.status}`);
  return said;
}

async function open() {
  const number = citywall.chosen?.();
  const { place, theme } = citywall.address;
  document.querySelector("dialog.ck")?.remove();
  const body = make("div", { class: "ck-form" }, make("h2", {}, w().title), make("p", { class: "about" }, w().looking));
  const dialog = make("dialog", { class: "ck", "aria-label": w().title }, body);
  const cancel = make("button", { type: "button", onclick: () => dialog.close() }, w().cancel);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  let said;
  try {
    said = await ask(`/screens/data?lang=${lang()}`);
  } catch (error) {
    body.replaceChildren(make("h2", {}, w().title), make("div", { class: "fault", role: "alert" }, `▲ ${w().failed}: ${error.message}`), make("div", { class: "foot" }, cancel));
    return;
  }
  const walls = said.screens.filter((one) => one.online && one.wall && one.id !== citywall.screen?.id);
  if (!walls.length) {
    body.replaceChildren(make("h2", {}, w().title), make("p", { class: "about" }, w().none), make("div", { class: "foot" }, cancel));
    return;
  }
  const layout = said.layouts.some((one) => one.id === "wall") ? "wall" : walls[0].layout;
  const here = document.querySelector("#header-path [aria-current], .path [aria-current]")?.innerText ?? "";
  const what = [{ text: w().wall(here), about: { "data-what": "wall" }, scene: { layout, place } }];
  if (number?.large && said.panels.some((one) => one.id === number.large)) {
    what.unshift({ text: w().number(number.title), about: { "data-what": "panel" }, scene: { layout, place, panel: number.large } });
  }
  const screens = choice(walls.map((one) => ({ text: `${one.name || one.id} · ${one.title}`, about: { "data-screen-id": one.id } })));
  const things = choice(what);
  const fault = make("div", { class: "fault", role: "alert" });
  const send = make("button", { type: "button", class: "main", "data-act": "show", onclick: async () => {
    const screen = walls[screens.at()];
    send.disabled = true;
    try {
      await ask(`/screens/${encodeURIComponent(screen.id)}/scene`, { ...what[things.at()].scene, minutes: MINUTES });
      body.replaceChildren(make("h2", {}, w().done(screen.name || screen.id)), make("p", { class: "about" }, w().minutes), make("div", { class: "foot" }, cancel));
      setTimeout(() => dialog.close(), 2500);
    } catch (error) {
      fault.textContent = `▲ ${w().failed}: ${error.message}`;
      send.disabled = false;
    }
  } }, w().send);
  body.replaceChildren(
    make("h2", {}, w().title), make("label", {}, w().which), screens.box, make("label", {}, w().what), things.box,
    make("p", { class: "about" }, w().minutes), fault, make("div", { class: "foot" }, cancel, send));
  dialog.dataset.theme = theme;
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || !event.target.closest?.("[data-show=wall]")) return;
  event.preventDefault();
  open();
});

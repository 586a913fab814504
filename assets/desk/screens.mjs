// The screens: each with its picture and how it does; chosen by mouse or arrow keys, and sent elsewhere.

import { grouped } from "../numbers.mjs";
import { STATES } from "../states.mjs";

const { desk } = window.citywall;
const { make, at } = desk;
const WORDS = {
  zh: {
    title: "屏幕", there: "在线", gone: "离线", ago: "前", blank: "无画面", moving: "切换中", identify: "识别", reload: "重新载入", rename: "改名",
    forget: "移除", scene: "场景", layout: "页面", place: "地点", panel: "放大面板", back: "退出放大", playlist: "播放列表", plays: "播放中", paused: "已暂停",
    stop: "停止", pause: "暂停", go: "继续", send: "切换", forever: "一直", minutes: "分钟", all: "全部屏幕", size: "尺寸", memory: "脚本内存",
    fps: "帧率", paint: "上次绘制", link: "上次报告", errors: "错误", up: "已运行", restarts: "自动重启", polls: "轮询", none: "没有屏幕。在显示器上打开 /wall?screen=hall-1 即自动登记。",
    keys: "方向键选择 · I 识别 · R 重新载入 · F2 改名 · 拖到另一屏即送去画面", hand: "送到另一屏", until: "至", no: "无", name: "名称", done: "已送达", undurable: "已生效，但未能写入数据库", city: "全市", nodes: "节点", wall: "大屏", device: "终端",
    fontless: "缺中文字体", font: "中文字体", install: "无，中文显示为方框。请安装 Noto Sans CJK SC（思源黑体）、微软雅黑或苹方，再重启浏览器",
    panels: "面板",
  },
  en: {
    title: "Screens", there: "online", gone: "offline", ago: "ago", blank: "no picture", moving: "moving", identify: "Identify", reload: "Reload", rename: "Rename",
    forget: "Remove", scene: "Scene", layout: "Page", place: "Place", panel: "Panel full-screen", back: "Back from full-screen", playlist: "Playlist", plays: "playing", paused: "paused",
    stop: "Stop", pause: "Pause", go: "Go on", send: "Send", forever: "for good", minutes: "min", all: "All screens", size: "Size", memory: "Script memory",
    fps: "Frames/s", paint: "Last paint", link: "Last report", errors: "Errors", up: "Running for", restarts: "Restarted itself", polls: "polls", none: "No screen yet. Open /wall?screen=hall-1 on a display, and it stands here.",
    keys: "Arrow keys choose · I identify · R reload · F2 rename · drag onto another screen to show it there", hand: "Show it on another screen too", until: "until", no: "none", name: "Name", done: "Done", undurable: "Done, but not written to the database", city: "Whole city", nodes: "Nodes", wall: "Wall", device: "Device",
    fontless: "No Chinese font", font: "Chinese font", install: "none: Chinese shows as boxes. Install Noto Sans CJK SC (Source Han Sans), Microsoft YaHei or PingFang, then restart the browser",
    panels: "Panels",
  },
};
const w = () => desk.words(WORDS);
const EACH = 1000; // ms between two looks
const SHOWN = 10000; // ms for which it stands why an order was not taken
const HOLD = [null, 5, 15, 60]; // minutes for which a screen is sent somewhere
let said = null;
let chosen = new URLSearchParams(location.search).get("id") ?? "";
let drawn = "";
let asking = null;
let stands = 0; // until when a fault stands, though the list comes
const cards = new Map(); // screen → its card

// -- talk ----------------------------------------------------------------------------------------------------

async function order(what, data = {}, id = chosen) {
  const answer = await fetch(`/screens/${encodeURIComponent(id)}/${what}`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(data),
  }).catch(() => null);
  const found = await answer?.json().catch(() => null);
  if (!answer?.ok) {
    desk.fault(new Error(found?.reason ?? desk.words({ zh: "连接中断", en: "Connection lost" })));
    stands = Date.now() + SHOWN;
  } else {
    desk.fault(null);
    note(found.durable === false ? w().undurable : w().done);
  }
  look();
}

let noting = 0;
function note(text) {
  const box = at("desk-note");
  if (!box) return;
  box.textContent = text;
  clearTimeout(noting);
  noting = setTimeout(() => (box.textContent = ""), 3000);
}

async function look() {
  asking?.abort();
  const mine = (asking = new AbortController());
  try {
    said = await desk.ask(`/screens/data?lang=${desk.lang()}${document.hidden ? "" : "&pictures=1"}`, { signal: mine.signal, patience: 2 });
    if (Date.now() > stands) desk.fault(null);
    draw();
  } catch (error) {
    if (mine.signal.aborted) return;
    desk.fault(error);
    stands = 0;
  }
  clearTimeout(again);
  again = setTimeout(look, document.hidden ? 10 * EACH : EACH);
}
let again = 0;

// -- drawing -------------------------------------------------------------------------------------------------

const ago = (seconds) => (seconds === null || seconds === undefined ? "–" : window.citywall.ago(seconds, desk.lang()));
const write = (element, text) => { if (element.textContent !== `${text}`) element.textContent = text; };

function draw() {
  desk.frame();
  const there = said.screens.filter((screen) => screen.online);
  at("desk-title").replaceChildren(make("span", { className: "n" }, `${there.length}`), make("span", { className: "unit" }, `/ ${said.screens.length} ${w().title} ${w().there}`));
  if (!at("desk-note")) at("desk-sums").append(make("span", { className: "quiet keys" }), make("span", { id: "desk-note", role: "status" }));
  write(document.querySelector(".keys"), w().keys);
  if (!said.screens.some((screen) => screen.id === chosen)) chosen = said.screens[0]?.id ?? "";
  const box = at("desk-screens");
  const order = said.screens.map((screen) => card(screen));
  for (const [id, one] of cards) if (!said.screens.some((screen) => screen.id === id)) { one.remove(); cards.delete(id); }
  order.forEach((one, n) => { if (box.children[n] !== one) box.insertBefore(one, box.children[n] ?? null); });
  let empty = box.querySelector(".empty");
  if (!said.screens.length && !empty) box.append((empty = make("p", { className: "empty" }, w().none)));
  else if (said.screens.length) empty?.remove();
  detail();
  box.setAttribute("aria-label", w().title);
  at("desk").dataset.ready = said.screens.length;
}

function card(screen) {
  let one = cards.get(screen.id);
  if (!one) {
    one = make("div", { className: "display", role: "option", tabindex: "-1", "data-id": screen.id, draggable: "true", onclick: () => choose(screen.id), ondblclick: () => order("identify") },
      make("div", { className: "picture" }, make("img", { alt: "", hidden: true, draggable: "false" }), make("span", { className: "blank" })),
      make("div", { className: "line" }, make("span", { className: "light" }), make("b", { className: "name" }), make("span", { className: "size quiet" })),
      make("div", { className: "shows" }), make("div", { className: "health quiet" }));
    one.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", screen.id));
    one.addEventListener("dragover", (event) => { event.preventDefault(); one.classList.add("over"); });
    one.addEventListener("dragleave", () => one.classList.remove("over"));
    one.addEventListener("drop", (event) => {
      event.preventDefault();
      one.classList.remove("over");
      const from = event.dataTransfer.getData("text/plain");
      if (from !== screen.id && cards.has(from)) give(from, screen.id);
    });
    cards.set(screen.id, one);
  }
  one.setAttribute("aria-selected", String(screen.id === chosen));
  one.tabIndex = screen.id === chosen ? 0 : -1;
  one.dataset.state = screen.online ? (screen.moving ? "moving" : "there") : "gone";
  const fontless = screen.online && screen.chinese === false; // What stands on it cannot be read.
  const [look, shape] = !screen.online ? ["none", "○"] : fontless ? ["overdue", "▲"] : screen.errors ? ["soon", "■"] : ["normal", "●"];
  one.querySelector(".light").className = `light ${look}`;
  write(one.querySelector(".light"), shape);
  write(one.querySelector(".name"), screen.name);
  write(one.querySelector(".size"), screen.size?.[0] ? `${screen.size[0]}×${screen.size[1]}` : "");
  const [img, blank] = [one.querySelector("img"), one.querySelector(".blank")];
  const [across, down] = screen.size?.[0] ? screen.size : [16, 9];
  one.querySelector(".picture").style.aspectRatio = `${across} / ${down}`;
  one.style.setProperty("--shape", across / down);
  if (screen.picture && img.dataset.made !== `${screen.picture}`) {
    img.dataset.made = screen.picture;
    img.src = `/screens/${encodeURIComponent(screen.id)}/thumbnail?t=${screen.picture}`;
  }
  img.hidden = !screen.picture;
  write(blank, screen.picture ? "" : w().blank);
  write(one.querySelector(".shows"), where(screen));
  write(one.querySelector(".health"), screen.online
    ? [...(fontless ? [w().fontless] : [screen.fps !== null && screen.fps !== undefined ? `${Math.round(screen.fps)} fps` : "", screen.memory ? `${Math.round(screen.memory)} MB` : ""]), `${ago(screen.painted === null || screen.painted === undefined ? null : screen.painted + screen.age)}`].filter(Boolean).join(" · ")
    : `${w().gone}${screen.age !== undefined ? ` · ${ago(screen.age)}${desk.lang() === "en" ? " " : ""}${w().ago}` : ""}`);
  one.querySelector(".health").classList.toggle("faulty", fontless);
  one.setAttribute("aria-label", `${screen.name}: ${screen.online ? w().there : w().gone}, ${fontless ? `${w().fontless}, ` : ""}${where(screen)}`);
  return one;
}

function where(screen) {
  if (!screen.layout) return "–";
  const title = screen.panel_title ?? screen.title;
  const place = screen.place === desk.root ? "" : screen.place_title;
  const list = screen.playlist ? `${screen.paused ? "❚❚" : "▶"} ${titleOf(said.playlists, screen.playlist)}` : "";
  return [screen.moving ? `${w().moving} …` : "", title, place, list].filter(Boolean).join(" · ");
}

const titleOf = (list, id) => list.find((one) => one.id === id)?.title ?? id;

// -- the chosen screen: what can be done with it --------------------------------------------------------------

function detail() {
  const screen = said.screens.find((one) => one.id === chosen);
  const box = at("desk-screen");
  box.hidden = !screen;
  if (!screen) return;
  const shape = JSON.stringify([chosen, desk.lang(), screen.name, screen.playlist, screen.paused, screen.panel, screen.layout, screen.scene, screen.kept, screen.online, said.screens.filter((one) => one.online).map((one) => [one.id, one.name]), said.scenes, said.playlists, said.layouts]);
  if (shape !== drawn && !box.contains(document.activeElement?.closest?.("select, input"))) {
    drawn = shape;
    box.replaceChildren(...controls(screen), make("dl", { className: "facts" }));
  }
  facts(screen, box.querySelector(".facts"));
}

function controls(screen) {
  const button = (text, work, about = {}) => make("button", { className: "tool", type: "button", onclick: work, ...about }, text);
  const pick = (label, options, value) => make("select", { "aria-label": label },
    options.map(([id, text]) => make("option", { value: id, selected: id === value }, text)));
  const hold = pick(w().minutes, HOLD.map((minutes) => [minutes ?? "", minutes ? `${minutes} ${w().minutes}` : w().forever]), "");
  const timed = (data) => (hold.value ? { ...data, minutes: Number(hold.value) } : data);
  const scenes = said.scenes.map((scene) => button(scene.title, () => order("scene", timed({ scene: scene.id })), { "aria-pressed": String(screen.scene === scene.id), "data-scene": scene.id }));
  const layouts = said.layouts.map((layout) => button(layout.title, () => order("scene", timed({ layout: layout.id, place: screen.place === desk.root ? "" : screen.place ?? "" })),
    { "aria-pressed": String(!screen.scene && !screen.panel && screen.layout === layout.id), "data-layout": layout.id }));
  const here = said.layouts.find((layout) => layout.id === screen.layout)?.panels ?? [];
  const panel = pick(w().panel, [["", "–"], ...here.map((id) => [id, titleOf(said.panels, id)])], screen.panel ?? "");
  panel.addEventListener("change", () => { panel.blur(); order("panel", { panel: panel.value || null }); });
  const playlists = said.playlists.map((list) => button(`▶ ${list.title}`, () => order("playlist", { playlist: list.id }), { "aria-pressed": String(screen.playlist === list.id), "data-playlist": list.id }));
  const running = screen.playlist ? [
    button(screen.paused ? w().go : w().pause, () => order("playlist", { paused: !screen.paused })),
    button(w().stop, () => order("playlist", { playlist: null })),
  ] : [];
  const others = said.screens.filter((one) => one.id !== chosen && one.online);
  const hand = pick(w().hand, [["", "–"], ...others.map((one) => [one.id, one.name])], "");
  hand.addEventListener("change", () => { hand.blur(); if (hand.value) give(chosen, hand.value); });
  const row = (label, ...parts) => make("div", { className: "control" }, make("h3", {}, label), make("div", { className: "choices" }, parts.flat()));
  return [
    make("header", {}, make("h2", {}, screen.name), make("span", { className: "quiet" }, screen.id === screen.name ? "" : screen.id)),
    make("div", { className: "choices first" }, button(w().identify, () => order("identify")), button(w().reload, () => order("reload")),
      button(w().rename, rename), screen.online ? null : button(w().forget, () => order("forget"))),
    said.scenes.length ? row(w().scene, scenes) : null,
    row(w().layout, layouts, hold),
    here.length ? row(w().panel, panel, screen.panel ? button(w().back, () => order("panel", { panel: null })) : null) : null,
    said.playlists.length ? row(w().playlist, playlists, running) : null,
    others.length && screen.layout ? row(w().hand, hand) : null,
  ].filter(Boolean);
}

function facts(screen, box) {
  const states = Object.entries(screen.states ?? {}).map(([state, number]) => `${desk.words(STATES)[state] ?? state} ${number}`).join(" · ");
  const rows = [
    [w().place, screen.place_title ?? "–"],
    [w().size, screen.size?.[0] ? `${screen.size[0]} × ${screen.size[1]}${screen.ratio && screen.ratio !== 1 ? ` @${screen.ratio}` : ""}` : "–"],
    [w().link, screen.age === undefined ? "–" : `${ago(screen.age)}${screen.polls ? ` (${w().polls})` : ""}`],
    [w().paint, screen.painted === null || screen.painted === undefined ? "–" : ago(screen.painted + screen.age)],
    [w().fps, screen.fps ?? "–"], [w().memory, screen.memory ? `${screen.memory} MB` : "–"], [w().nodes, screen.nodes ? grouped(screen.nodes) : "–"],
    [w().up, ago(screen.up)], [w().restarts, screen.restarts ?? "–"], [w().errors, screen.errors ? `${screen.errors}: ${screen.error}` : screen.errors ?? "–"],
    screen.chinese === false ? [w().font, w().install] : ["", ""],
    [states && w().panels, states], screen.until && screen.until > said.now ? [w().until, ago(screen.until - said.now)] : ["", ""],
  ].filter(([, text]) => text !== "");
  const text = JSON.stringify(rows);
  if (box.dataset.text === text) return;
  box.dataset.text = text;
  box.replaceChildren(...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, `${value}`)]));
}

// Another screen gets what this one shows.
function give(from, to) {
  const { layout, place, options, panel, scene } = said.screens.find((one) => one.id === from);
  const where = place === desk.root ? "" : place;
  drawn = "";
  order("scene", scene ? { scene, place: where } : { layout, place: where, options, panel }, to);
}

function rename() {
  const screen = said.screens.find((one) => one.id === chosen);
  const head = document.querySelector("#desk-screen header");
  const input = make("input", { value: screen.name, maxlength: "40", "aria-label": w().name });
  const end = (save) => {
    const name = input.value.trim();
    input.remove();
    drawn = "";
    if (save && name && name !== screen.name) order("name", { name });
    else draw();
    cards.get(chosen)?.focus();
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") end(true);
    if (event.key === "Escape") end(false);
  });
  head.replaceChildren(input);
  input.focus();
  input.select();
}

// -- choosing ------------------------------------------------------------------------------------------------

function choose(id, focus = false) {
  chosen = id;
  const query = desk.query();
  query.set("id", id);
  history.replaceState(null, "", `${location.pathname}?${query}`);
  drawn = "";
  draw();
  if (focus) cards.get(id)?.focus();
}

document.addEventListener("keydown", (event) => {
  if (!said?.screens.length || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, select, textarea")) return;
  const ids = said.screens.map((screen) => screen.id);
  const now = ids.indexOf(chosen);
  const inList = event.target.closest?.(".display") || event.target === document.body;
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step && inList) choose(ids[(now + step + ids.length) % ids.length], true);
  else if (event.key.toLowerCase() === "i") order("identify");
  else if (event.key.toLowerCase() === "r") order("reload");
  else if (event.key === "F2") rename();
  else if (event.key === "Enter" && event.target.closest?.(".display")) document.querySelector("#desk-screen button")?.focus();
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-set-lang]");
  if (!link) return;
  event.preventDefault();
  history.replaceState(null, "", link.href);
  drawn = "";
  if (said) look();
});
document.addEventListener("visibilitychange", () => document.hidden || look());
desk.begin(look);

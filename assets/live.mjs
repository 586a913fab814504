// The browser's end of /live: keeps one link to the server for as long as the page lives, sets what was painted,
// says how old every card is, and never leaves an old number looking new.

const citywall = (window.citywall ??= {});
citywall.sinks ??= {}; // component id → f(property, value), for components a module draws itself

const SILENCE = 4000; // ms without a frame, two beats, after which the link counts as lost
const CONNECT = 5000; // ms a socket may take to open
const BACKOFF = [250, 5000]; // ms between attempts: first and largest
const GUESSED = 3600; // times real time up to which the city's clock goes on between two beats
const STALLED = 10; // s the board may be behind before everything is marked
const BLANK = 60000; // ms connected without a paint after which the page starts afresh
const CHART = 1000; // ms between two drawings of a chart, the dearest thing on the page
const EMPTY = 20000; // ms the page may take to be drawn at all
const HEAP = 700e6; // bytes of script memory above which the page starts afresh
const RELOADS = 60000; // ms between two reloads at the least
const POLL = 4000; // ms until a poll is being answered; there is a beat each two seconds
const BODY = 30000; // ms until its answer is here

const begun = Date.now();
const html = document.documentElement;
const meta = (name) => document.querySelector(`meta[name="citywall-${name}"]`)?.content ?? "";
const version = meta("version");
const languages = meta("languages").split(" ");
const [CONNECTING, OPEN] = [0, 1]; // states of a socket, also where there are no sockets
const clone = (value) => JSON.stringify(value);

// -- the address: place, language, theme, the map's layer and colours ---------------------------------------

const THEMES = ["dark", "light"]; // as assets/tokens.css has them
const address = (citywall.address = { place: "", lang: "", map: "", layer: "", theme: "" });

function readAddress() {
  const query = new URLSearchParams(location.search);
  address.place = query.get("place") || meta("root");
  address.lang = languages.includes(query.get("lang")) ? query.get("lang") : languages[0];
  address.map = query.get("map") || "tickets";
  address.layer = query.get("layer") || "";
  address.theme = THEMES.includes(query.get("theme")) ? query.get("theme") : THEMES[0];
}

function applyAddress() {
  const before = { ...address };
  readAddress();
  html.lang = address.lang;
  for (const link of document.querySelectorAll("[data-set-lang], [data-set-theme]")) {
    const { setLang, setTheme } = link.dataset;
    if (setLang === address.lang || setTheme === address.theme) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (!printing) wear(address.theme);
  // The way to the other screens keeps place and language.
  const here = document.getElementById("wall")?.dataset.screen;
  for (const link of document.querySelectorAll("[data-go-screen]")) {
    link.href = `/${link.dataset.goScreen}${location.search}`;
    if (link.dataset.goScreen === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const element of document.querySelectorAll("[data-tip-zh]")) {
    element.title = element.dataset[address.lang === "en" ? "tipEn" : "tipZh"];
  }
  for (const card of document.querySelectorAll("[data-panel]")) {
    card.setAttribute("aria-label", card.dataset[address.lang === "en" ? "titleEn" : "titleZh"]);
  }
  if (before.place !== address.place || before.lang !== address.lang) {
    offsets = {};
    for (const card of cards()) card.dataset.turning = "";
    hello();
  }
  window.dispatchEvent(new CustomEvent("citywall:address", { detail: { before, now: { ...address } } }));
}

// Goes to another place, language or colouring; what is not named stays.
citywall.go = (change) => {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change)) {
    if (!value || (name === "place" && value === meta("root"))) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  const url = location.pathname + (text ? `?${text}` : "");
  if (url !== location.pathname + location.search) history.pushState(null, "", url);
  applyAddress();
};

window.addEventListener("popstate", applyAddress);
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const found = event.target.closest?.("[data-place], [data-set-lang], [data-set-theme], [data-map-mode], [data-map-layer]");
  if (!found || found.closest("#wall") === null) return;
  event.preventDefault();
  if (found.dataset.place) citywall.go({ place: found.dataset.place });
  else if (found.dataset.setLang) citywall.go({ lang: found.dataset.setLang });
  else if (found.dataset.mapLayer) citywall.go({ layer: citywall.switched?.(found.dataset.mapLayer) ?? found.dataset.mapLayer });
  else if (found.dataset.setTheme) citywall.go({ theme: found.dataset.setTheme });
  else citywall.go({ map: found.dataset.mapMode });
});

// The way down to the tickets keeps the theme.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.behind");
  const href = link?.getAttribute("href") ?? "";
  if (!href.startsWith("/") || address.theme === THEMES[0] || href.includes("theme=")) return;
  link.setAttribute("href", `${href}${href.includes("?") ? "&" : "?"}theme=${address.theme}`);
}, true);

function sizeClass() {
  return innerHeight >= 1800 ? "large" : innerHeight < 900 ? "small" : "normal";
}

let size = sizeClass();
window.addEventListener("resize", () => {
  redraw();
  if (sizeClass() !== size) {
    size = sizeClass();
    hello();
  }
});

// -- the theme: a dark room, a tablet in daylight, paper ----------------------------------------------------

let printing = false;

function wear(theme) {
  if (html.dataset.theme === theme) return;
  html.dataset.theme = theme;
  window.dispatchEvent(new CustomEvent("citywall:theme", { detail: { theme } }));
  redraw();
}

for (const [name, begins] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(name, () => {
    printing = begins;
    wear(begins ? "light" : address.theme);
  });
}

// Charts cannot read a style sheet: what a panel paints as var(--ink) becomes the theme's colour, and a length such as
// 1.5em a number of pixels at the chart's size of type. The house's type for both is in assets/tokens.css.
const figures = new Map(); // component.property → figure as painted

function inTheme(figure) {
  const style = getComputedStyle(html);
  const em = Math.max(1.3 * parseFloat(style.fontSize), 11);
  const token = (value) => {
    const name = /^var\((--[\w-]+)\)$/.exec(value);
    if (name) return style.getPropertyValue(name[1]).trim();
    return /^-?\d+(\.\d+)?em$/.test(value) ? parseFloat(value) * em : value;
  };
  const walk = (value) => {
    if (typeof value === "string") return token(value);
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(walk);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item)]));
  };
  return walk(figure);
}

// All charts once more, in another theme or size.
let redrawing = 0;
function redraw() {
  clearTimeout(redrawing);
  redrawing = setTimeout(() => {
    for (const [target, figure] of figures) waiting.has(target) || waiting.set(target, figure);
    flush();
  }, printing ? 0 : 100);
}

// What a card's numbers rest on: each feed with its state, and the moment they are of.
citywall.about = (id) => {
  const panel = shown[id];
  const of = (name) => ({ name, state: "never", heard: null, ...pulse?.feeds?.[name] });
  return panel ? { as_of: panel.as_of, feeds: panel.feeds.map(of) } : null;
};

citywall.pending = () => waiting.size; // What has come and is not drawn yet.

// -- what the server said last ------------------------------------------------------------------------------

let skew = 0; // server's clock − ours, in seconds
let pulse = null; // the latest beat
let advanced = 0; // when the board's time last moved on, by our clock, in ms
let rate = 1; // seconds of the city's time in a second
let epoch = null;
let offsets = {}; // panel → offset of what is shown
const shown = {}; // panel → {feeds, as_of, fault}
const last = {}; // component.property → JSON of what was set last
let lastFrame = 0;
let lastPaint = 0;
let painted = 0; // number of the latest paint that was applied
let connectedSince = 0;

const now = () => Date.now() / 1000 + skew;
citywall.time = {
  wall: now,
  // A city whose time runs with ours keeps its clock through an outage; in a replay it stands still.
  city() {
    if (!pulse || !pulse.as_of) return null;
    const beyond = Math.max(0, now() - (pulse.wall ?? pulse.now));
    if (rate === 1) return pulse.as_of + beyond;
    // A batch tells months in a second: what comes next, or whether anything does, cannot be guessed.
    return pulse.as_of + (rate > GUESSED ? 0 : rate * Math.min(beyond, 4));
  },
  stopped: () => !!pulse && rate !== 1 && now() - (pulse.wall ?? 0) > STALLED,
};

function takeBeat(beat) {
  skew = beat.now - Date.now() / 1000;
  if (pulse?.wall && beat.wall - pulse.wall >= 0.5 && beat.epoch === pulse.epoch) {
    const found = (beat.as_of - pulse.as_of) / (beat.wall - pulse.wall);
    rate = Math.abs(found - 1) < 0.1 ? 1 : Math.max(0, found);
  }
  if (pulse?.wall && beat.epoch === pulse.epoch && beat.wall !== pulse.wall) advanced = beat.wall > pulse.wall ? Date.now() : 0;
  pulse = beat;
  if (version && beat.version && beat.version !== version) reload("version");
}

function takePaint(paint) {
  if (paint.place !== address.place || paint.lang !== address.lang) return acknowledge(paint.n);
  if (paint.epoch !== epoch) {
    epoch = paint.epoch;
    offsets = {};
  }
  for (const [id, panel] of Object.entries(paint.panels)) {
    if (offsets[id] > panel.offset) continue;
    offsets[id] = panel.offset;
    shown[id] = { feeds: panel.feeds ?? [], rests: panel.rests ?? {}, as_of: panel.as_of, fault: !!panel.fault };
    for (const [target, value] of Object.entries(panel.props)) {
      const text = clone(value);
      if (last[target] === text) continue;
      last[target] = text;
      waiting.set(target, value);
    }
    turned.add(id);
  }
  lastPaint = Date.now();
  painted = paint.n;
  flush();
  afterFrame(() => {
    citywall.tick?.();
    acknowledge(paint.n);
  });
}

// -- setting properties -------------------------------------------------------------------------------------

const waiting = new Map(); // component.property → value, until the page has been drawn
const turned = new Set();
const charted = {}; // component.property → when a chart was last drawn
let again = 0;
const cards = () => document.querySelectorAll("[data-panel]");
const ready = () => !!window.dash_clientside?.set_props && !!document.getElementById("wall");

function flush() {
  if (!ready()) return;
  for (const [target, value] of waiting) {
    const dot = target.lastIndexOf(".");
    const [component, property] = [target.slice(0, dot), target.slice(dot + 1)];
    if (property === "figure") {
      const rest = CHART - (performance.now() - (charted[target] ?? -Infinity));
      if (rest > 0) {
        again ||= setTimeout(() => { again = 0; flush(); }, rest);
        continue;
      }
      charted[target] = performance.now();
      figures.set(target, value);
    }
    waiting.delete(target);
    try {
      const sink = citywall.sinks[component];
      const place = property === "children" && citywall.plain?.(value) ? document.getElementById(component) : null;
      if (sink) sink(property, value);
      else if (place) citywall.draw(place, value);
      else window.dash_clientside.set_props(component, { [property]: property === "figure" ? inTheme(value) : value });
    } catch (error) {
      delete last[target]; // It is tried again with the next paint.
      console.error(`citywall: ${target} cannot be set`, error);
    }
  }
  for (const id of turned) {
    const card = document.getElementById(id);
    if (card) delete card.dataset.turning;
  }
  turned.clear();
  citywall.tick?.(); // Countdowns that are new have their text before the frame is drawn.
  html.dataset.painted = painted;
  age();
}

function waitForPage() {
  if (!ready()) return setTimeout(waitForPage, 30);
  html.dataset.schematic = meta("schematic");
  applyAddress();
  flush();
  hello();
}

// Runs after the next frame was drawn, or a little later on a page nobody sees.
function afterFrame(work) {
  let done = false;
  const once = () => {
    if (!done) {
      done = true;
      work();
    }
  };
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, 700);
}

// -- the link -----------------------------------------------------------------------------------------------

// One socket carries the link. When it falls silent a second one is tried beside it, and whichever delivers first
// stays: after a frozen server the old one, after a cut network the new one.
const screen = (crypto.randomUUID?.() ?? String(Math.random())).slice(0, 8);
let main = null;
let probe = null;
let attempts = 0;
let failures = 0;
let retry = 0;
let polling = false; // whether the fallback is in use
let pollControl = null;
const panels = () => [...cards()].map((card) => card.dataset.panel);

function helloMessage() {
  return {
    t: "hello", screen, panels: panels(), place: address.place, lang: address.lang, size, epoch,
    offset: Math.max(0, ...Object.values(offsets)) || null, seen: painted,
  };
}

function hello() {
  if (!panels().length) return;
  askedAt = Date.now();
  for (const socket of [main, probe]) {
    if (socket?.readyState === OPEN) socket.send(clone(helloMessage()));
  }
  pollControl?.abort("again");
}

let askedAt = Date.now();

function acknowledge(n) {
  if (main?.readyState === OPEN) main.send(clone({ t: "ack", n }));
}

function heard() {
  lastFrame = Date.now();
  connectedSince ||= lastFrame;
  attempts = 0;
  if (html.dataset.link !== "up") {
    html.dataset.link = "up";
    age();
  }
}

function take(frame) {
  heard();
  if (frame.t === "beat") takeBeat(frame);
  else if (frame.t === "paint") takePaint(frame);
}

function connect() {
  clearTimeout(retry);
  retry = 0;
  if (typeof WebSocket !== "function") return void startPoll();
  if (probe) return;
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  probe = socket;
  let opened = false;
  const giveUp = setTimeout(() => socket.close(), CONNECT);
  const late = setTimeout(() => socket !== main && socket.close(), 6 * CONNECT);
  socket.onopen = () => {
    clearTimeout(giveUp);
    opened = true;
    failures = 0;
    if (panels().length) socket.send(clone(helloMessage()));
  };
  socket.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    if (socket === probe && (!main || main.readyState !== OPEN || frame.t === "paint")) promote(socket);
    if (socket === main) {
      if (probe) dropProbe();
      take(frame);
    }
  };
  socket.onclose = () => {
    clearTimeout(giveUp);
    clearTimeout(late);
    if (socket === main) main = null;
    if (socket === probe) probe = null;
    if (!opened && ++failures >= 3) startPoll();
    if (!main && !probe) later();
  };
}

function promote(socket) {
  const old = main;
  main = socket;
  probe = null;
  old?.close();
  stopPoll();
}

function dropProbe() {
  const socket = probe;
  probe = null;
  socket.onclose = socket.onmessage = null;
  if (socket.readyState === CONNECTING) socket.onopen = () => socket.close();
  else socket.close();
}

function later() {
  if (retry) return;
  const [first, most] = BACKOFF;
  const wait = Math.min(most, first * 2 ** attempts++) * (0.5 + Math.random() / 2);
  retry = setTimeout(connect, polling ? Math.max(wait, 20000) : wait);
}

// Where no socket gets through, the same frames come by long polls, until a socket does.
async function startPoll() {
  if (polling) return;
  polling = true;
  let wait = BACKOFF[0];
  while (polling) {
    if (!panels().length) {
      await new Promise((resolve) => setTimeout(resolve, 50)); // The page is not drawn yet.
      continue;
    }
    const control = (pollControl = new AbortController());
    let timer = setTimeout(() => control.abort("late"), POLL);
    try {
      const answer = await fetch("/live/poll", {
        method: "POST", body: clone(helloMessage()), signal: control.signal, cache: "no-store",
        headers: { "content-type": "application/json" },
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      clearTimeout(timer);
      timer = setTimeout(() => control.abort("late"), BODY);
      const { frames } = await answer.json();
      if (polling) frames.forEach(take);
      wait = BACKOFF[0];
    } catch {
      if (polling && control.signal.reason !== "again") {
        await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
        wait = Math.min(BACKOFF[1] / 2, wait * 2);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

function stopPoll() {
  polling = false;
  pollControl?.abort("stop");
}

// Twice a second: has the link fallen silent, does the page still paint, has it grown too large?
setInterval(() => {
  const silent = Date.now() - lastFrame;
  if (lastFrame && silent > SILENCE && html.dataset.link !== "lost") {
    html.dataset.link = "lost";
    connectedSince = 0;
  }
  if (silent > SILENCE - 1000 && !probe && !retry) connect();
  const since = Math.max(connectedSince, askedAt, lastPaint >= askedAt ? Infinity : 0);
  if (connectedSince && Date.now() - since > BLANK) reload("blank");
  if (!ready() && Date.now() - begun > EMPTY) reload("empty");
  if (torn && html.dataset.link === "up") reload("torn");
  if (performance.memory?.usedJSHeapSize > HEAP) reload("memory");
  age();
}, 500);

function wake() {
  if (document.hidden || Date.now() - lastFrame < 2500) return;
  attempts = 0;
  if (retry || !probe) connect();
}
document.addEventListener("visibilitychange", wake);
window.addEventListener("online", wake);
window.addEventListener("pageshow", wake);

// A script that did not come, as when the server dies while the page is being loaded, leaves a hole for good.
let torn = false;
window.addEventListener("error", (event) => { torn ||= event.target?.tagName === "SCRIPT"; }, true);

// A quiet reload, not more than once a minute however good the reason, and only where a page will come: the
// browser's own error page would never come back by itself.
let reloading = false;
async function reload(why) {
  const before = Number(sessionStorage.getItem("citywall.reloaded") ?? 0);
  if (reloading || Date.now() - before < RELOADS) return;
  reloading = true;
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(CONNECT) });
    if (!answer.ok) return;
    sessionStorage.setItem("citywall.reloaded", String(Date.now()));
    console.info(`citywall: the page starts afresh (${why})`);
    location.reload();
  } catch {
    // The server is away; the reason will still be there when it is back.
  } finally {
    setTimeout(() => (reloading = false), CONNECT);
  }
}

// -- how old everything is ----------------------------------------------------------------------------------

const ORDER = ["live", "late", "silent", "failing", "never"];
const WORDS = {
  zh: { live: "前", late: "迟到", silent: "无声", failing: "故障", never: "从未收到", lost: "断线", broken: "中断", stalled: "停滞", catching: "正在补读", fault: "数据有误", opening: "载入中" },
  en: { live: "ago", late: "late", silent: "silent", failing: "failing", never: "never heard", lost: "link lost", broken: "broken", stalled: "stalled", catching: "catching up", fault: "wrong data", opening: "loading" },
};

function stateOf(id) {
  if (html.dataset.link === "lost") return ["lost", lastFrame / 1000 + skew];
  if (html.dataset.link !== "up" || !pulse) return ["opening", null];
  // Behind, but moving on: the past is being told, as at a first start. One that stands still is not to be believed.
  const behind = !pulse.wall || now() - pulse.wall > STALLED;
  if (behind) return [pulse.wall && Date.now() - advanced < 1000 * STALLED ? "catching" : "stalled", pulse.wall || null];
  const panel = shown[id];
  if (!panel) return ["opening", null];
  if (panel.fault) return ["fault", null];
  let worst = "live";
  let oldest = null;
  for (const name of panel.feeds) {
    const feed = pulse.feeds?.[name] ?? { state: "never", heard: null };
    const by = ORDER.indexOf(feed.state) - ORDER.indexOf(worst);
    if (by > 0) [worst, oldest] = [feed.state, feed.heard];
    else if (by === 0 && feed.heard !== null && (oldest === null || feed.heard < oldest)) oldest = feed.heard;
  }
  // Numbers that rest on a broken entry of the data catalogue are grey, however lively the feed that brings them.
  const broken = Object.keys(panel.rests).find((name) => pulse.broken?.[name]);
  if (broken && ORDER.indexOf(worst) <= ORDER.indexOf("late")) return ["broken", pulse.broken[broken].since, panel.rests[broken]];
  return [worst, panel.feeds.length ? oldest : pulse.wall];
}

// The whole sentence: what the card rests on, since when that is broken, and what that means for its numbers.
function reason(entry, since, lang) {
  const time = { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: meta("zone") || undefined };
  const when = since === null ? "" : new Date(1000 * since).toLocaleString(lang === "en" ? "en-GB" : "zh-CN", time);
  return lang === "en"
    ? `These numbers rest on the catalogue entry “${entry}”, which ${when ? `has been broken since ${when}` : "was never updated"}; do not rely on them until it is back.`
    : `这里的数字所依的数据目录「${entry}」${when ? `自 ${when} 起中断` : "从未更新"}，恢复之前不可采信。`;
}

function age() {
  const lang = address.lang === "en" ? "en" : "zh";
  const words = WORDS[lang];
  for (const card of cards()) {
    const [state, since, entry] = stateOf(card.dataset.panel);
    if (card.dataset.state !== state) card.dataset.state = state;
    const span = card.querySelector(".age");
    const old = since === null || !citywall.ago ? "" : citywall.ago((entry ? citywall.time.city() : now()) - since, lang);
    const text = entry ? (lang === "en" ? `“${entry}” broken ${old}` : `所依「${entry}」中断 ${old}`).trim() : state === "live" ? (old ? `${old}${lang === "en" ? " " : ""}${words.live}` : "") : `${words[state]} ${old}`.trim();
    if (span && span.textContent !== text) span.textContent = text;
    if (span && (span.title !== "" || entry)) span.title = entry ? reason(entry, since, lang) : "";
    const plate = card.querySelector(":scope > .plate");
    const large = state === "opening" || state === "fault" ? words[state] : "";
    if (plate && plate.textContent !== large) plate.textContent = large;
  }
  if (html.dataset.link === "lost") {
    const span = document.querySelector("#link .since");
    if (span) span.textContent = citywall.ago?.(now() - (lastFrame / 1000 + skew), lang) ?? "";
  }
}

readAddress();
html.lang = address.lang;
wear(address.theme);
// Not before all modules are there: what comes for a component that a module draws would find nobody to take it.
if (document.readyState === "complete") connect();
else document.addEventListener("DOMContentLoaded", connect, { once: true });
waitForPage();

// The desk's sound: a tone for each severity, made by the browser itself; what is open at the two worst severities is
// said again until somebody acknowledges it. A browser plays nothing before somebody has touched the page, and a desk
// that is mute says so in words for as long as it is.

import { time as clock } from "./zone.mjs";

const citywall = (window.citywall ??= {});
const at = (id) => document.getElementById(id);
const english = () => document.documentElement.lang === "en";
const here = () => at("wall")?.dataset.screen === "desk";
const KEPT = "citywall.sound";
const AGAIN = { 1: 8, 2: 25 }; // seconds after which an open alert of this severity is said again
// Hz, start and length in seconds of each note; the worse, the more of them, and the higher.
const TUNES = {
  1: [[988, 0, 0.16], [740, 0.2, 0.16], [988, 0.4, 0.16], [740, 0.6, 0.16], [988, 0.8, 0.3]],
  2: [[784, 0, 0.18], [988, 0.24, 0.26]],
  3: [[659, 0, 0.2]],
  4: [[440, 0, 0.1]],
};
const WORDS = {
  zh: {
    locked: "开启告警声音", on: "声音已开", off: "声音已关", quiet: "静音时段", test: "试听",
    mutedLocked: "声音尚未开启：浏览器要求先点击一次或按任意键", muted: (since) => `声音已关（自 ${since}），告警不会响。按 x 开启`,
    quietNow: (from, to) => `静音时段 ${from}–${to}：只响特急`, none: "无声音设备，告警只有画面",
    from: "起", to: "止", use: "使用静音时段", done: "完成", volume: "音量",
  },
  en: {
    locked: "Turn sound on", on: "Sound on", off: "Sound off", quiet: "Quiet hours", test: "Try",
    mutedLocked: "No sound yet: the browser wants one click or key first", muted: (since) => `Muted since ${since}: no alert will sound. Press x`,
    quietNow: (from, to) => `Quiet hours ${from}–${to}: only critical alerts sound`, none: "No sound device: alerts are silent",
    from: "From", to: "to", use: "Keep quiet hours", done: "Done", volume: "Volume",
  },
};
const words = () => WORDS[english() ? "en" : "zh"];

let kept = { volume: 70, on: false, muted: 0, quiet: false, from: "22:30", to: "06:00" };
try { kept = { ...kept, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") }; } catch { /* It is as it is made. */ }
function keep(change) {
  Object.assign(kept, change);
  try { localStorage.setItem(KEPT, JSON.stringify(kept)); } catch { /* It lasts as long as the page. */ }
  show();
}

// -- playing -------------------------------------------------------------------------------------------------

let context = null;
const played = []; // What was played lately, for whoever asks whether it was.
const unlocked = () => context?.state === "running";

async function unlock() {
  const Sound = window.AudioContext ?? window.webkitAudioContext;
  if (!Sound || kept.muted) return;
  context ??= Object.assign(new Sound(), { onstatechange: show });
  if (context.state !== "running") await context.resume().catch(() => {});
  show();
  if (!unlocked()) return;
  if (!kept.on) keep({ on: true });
  ring();
}

function time() {
  const now = citywall.time?.city?.() ?? Date.now() / 1000;
  return clock(now).slice(0, 5);
}

function quietNow() {
  if (!kept.quiet) return false;
  const now = time();
  if (kept.from <= kept.to) return kept.from <= now && now < kept.to; // From and to alike: at no time.
  return now >= kept.from || now < kept.to;
}

function play(severity) {
  if (!unlocked() || kept.muted || (quietNow() && severity > 1)) return false;
  const begin = context.currentTime + 0.02;
  const loud = context.createGain();
  loud.gain.value = (kept.volume / 100) ** 2;
  loud.connect(context.destination);
  for (const [pitch, start, length] of TUNES[severity]) {
    const [tone, shape] = [context.createOscillator(), context.createGain()];
    tone.type = severity === 1 ? "square" : "sine";
    tone.frequency.value = pitch;
    // Rising and falling softly, so that nothing clicks; a square wave is louder than a sine.
    const most = severity === 1 ? 0.35 : 0.8;
    shape.gain.setValueAtTime(0, begin + start);
    shape.gain.linearRampToValueAtTime(most, begin + start + 0.02);
    shape.gain.setValueAtTime(most, begin + start + length - 0.04);
    shape.gain.linearRampToValueAtTime(0, begin + start + length);
    tone.connect(shape).connect(loud);
    tone.start(begin + start);
    tone.stop(begin + start + length + 0.02);
  }
  played.push({ severity, at: Date.now() });
  if (played.length > 50) played.shift();
  return true;
}

// -- what is open --------------------------------------------------------------------------------------------

let open = [];
let known = null; // key → severity of what was open before
const said = {}; // severity → when it was last said, in ms
let fresh = 0; // the worst that is new and was not said yet

window.addEventListener("citywall:alerts", (event) => {
  open = event.detail.open;
  const before = known ?? new Map();
  for (const row of open) {
    const was = before.get(row.key);
    if (was === undefined || row.severity < was) fresh = Math.min(fresh || 9, row.severity);
  }
  known = new Map(open.map((row) => [row.key, row.severity]));
  if (!open.some((row) => row.severity === fresh)) fresh = 0; // It is over, or somebody has it, before it could be said.
  ring();
});

function ring() {
  if (!here()) return;
  if (fresh && (play(fresh) || (unlocked() && !kept.muted))) {
    said[fresh] = Date.now();
    fresh = 0;
    return;
  }
  for (const severity of [1, 2]) {
    if (!open.some((row) => row.severity === severity)) continue;
    if (Date.now() - (said[severity] ?? 0) < 1000 * AGAIN[severity]) continue;
    if (play(severity)) said[severity] = Date.now();
    return;
  }
}
setInterval(() => { ring(); show(); }, 1000);

// -- the switch ----------------------------------------------------------------------------------------------

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function show() {
  const button = at("desk_queue-sound");
  if (!button) return;
  const text = words();
  const state = kept.muted ? "off" : unlocked() ? "on" : "locked";
  if (button.dataset.sound !== state) button.dataset.sound = state;
  write(button, text[state]);
  button.setAttribute("aria-pressed", String(state === "on"));
  const hour = kept.muted ? clock(kept.muted / 1000).slice(0, 5) : "";
  const note = kept.muted ? text.muted(hour) : !(window.AudioContext ?? window.webkitAudioContext) ? text.none : state === "locked" ? text.mutedLocked : quietNow() ? text.quietNow(kept.from, kept.to) : "";
  const box = at("desk_queue-muted");
  write(box, note);
  if (box) box.dataset.kind = kept.muted ? "off" : state;
  const range = volume();
  if (range && document.activeElement !== range && range.value !== String(kept.volume)) range.value = kept.volume;
  at("desk_queue-quiet")?.setAttribute("aria-pressed", String(kept.quiet));
}

function volume() {
  const box = at("desk_queue-volume");
  if (!box) return null;
  let range = box.querySelector("input");
  if (!range) {
    range = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, step: 5, value: kept.volume });
    range.addEventListener("input", () => keep({ volume: Number(range.value) }));
    range.addEventListener("change", () => play(3));
    box.append(range);
  }
  range.setAttribute("aria-label", words().volume);
  return range;
}

function toggle() {
  if (kept.muted) {
    keep({ muted: 0 });
    unlock();
  } else if (unlocked()) keep({ muted: Date.now() });
  else unlock();
}

function quietHours() {
  const text = words();
  const dialog = document.createElement("dialog");
  dialog.className = "act-who";
  dialog.setAttribute("aria-label", text.quiet);
  const field = (type, name, about) => {
    const input = Object.assign(document.createElement("input"), { type });
    if (type === "checkbox") input.checked = kept[name];
    else input.value = kept[name];
    input.addEventListener("change", () => keep({ [name]: type === "checkbox" ? input.checked : input.value || kept[name] }));
    const label = document.createElement("label");
    label.className = `quiet-field ${type}`;
    label.append(input, ` ${about}`);
    return label;
  };
  const button = (label, work) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    made.addEventListener("click", work);
    return made;
  };
  const title = Object.assign(document.createElement("h2"), { textContent: text.quiet });
  const close = () => { dialog.close(); dialog.remove(); at("desk_queue-quiet")?.focus(); };
  dialog.append(title, field("checkbox", "quiet", text.use), field("time", "from", text.from), field("time", "to", text.to), button(text.test, () => play(2)), " ", button(text.done, close));
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("#desk_queue-sound")) toggle();
  else if (event.target.closest?.("#desk_queue-quiet")) quietHours();
});
// Any touch of the page will do for the browser, so the first one opens the sound.
for (const gesture of ["pointerdown", "keydown"]) {
  document.addEventListener(gesture, (event) => {
    if (here() && !unlocked() && !event.target.closest?.("#desk_queue-sound")) unlock();
  }, true);
}

// A page that has started afresh by itself sounds on, wherever the browser lets it.
if (kept.on && !kept.muted) unlock();

citywall.sound = { toggle, play, played, settings: () => ({ ...kept }), state: () => (kept.muted ? "off" : unlocked() ? "on" : "locked") };
window.addEventListener("citywall:address", show);

// What a person does on a screen: citywall.act(type, data) posts it to /act in the person's name, again and again under
// the same id until it is on disk, and shows for as long as it is not.

import { english, make } from "./elements.mjs";

const citywall = (window.citywall ??= {});
const meta = (name) => document.querySelector(`meta[name="citywall-${name}"]`)?.content ?? "";
const people = JSON.parse(meta("people") || "[]");
const QUEUE = "citywall.acts"; // in localStorage: acts that are not durable yet; a reload does not lose them
const PERSON = "citywall.person";
const BACKOFF = [400, 8000]; // ms between attempts: first and largest
const PATIENCE = 10000; // ms an attempt may take
const SHOWN = 6000; // ms a refusal stays in sight
const WORDS = {
  zh: {
    who: "请选择姓名", hint: "操作将以此姓名记录。", name: "姓名", ok: "确定", cancel: "取消",
    waiting: (n) => `${n} 项操作尚未送达，正在重试`, refused: (why) => `操作被拒绝：${why}`,
  },
  en: {
    who: "Who are you?", hint: "What you do is recorded in this name.", name: "Name", ok: "OK", cancel: "Cancel",
    waiting: (n) => `${n} ${n === 1 ? "act has" : "acts have"} not arrived yet; trying again`, refused: (why) => `Refused: ${why}`,
  },
};
const words = () => WORDS[english() ? "en" : "zh"];

// Storage may be forbidden or full; then what was to be kept lasts as long as the page.
const memory = {}; // what could not be stored
const store = {
  get(name) {
    try { return memory[name] ?? localStorage.getItem(name); } catch { return memory[name] ?? null; }
  },
  set(name, value) {
    try {
      localStorage.setItem(name, value);
      delete memory[name];
    } catch {
      memory[name] = value;
    }
  },
};

// -- who acts ------------------------------------------------------------------------------------------------

citywall.people = people;
citywall.person = () => {
  const name = store.get(PERSON) ?? "";
  return people.length && !people.some((one) => one.name === name) ? "" : name;
};

function remember(name) {
  store.set(PERSON, name);
  window.dispatchEvent(new CustomEvent("citywall:person", { detail: { name } }));
  return name;
}

// Asks for the person's name; resolves to "" where the question was put aside.
let asking = null;
citywall.choosePerson = () => (asking ??= new Promise((resolve) => {
  const text = words();
  const done = (name) => { asking = null; dialog.close(); dialog.remove(); resolve(name ? remember(name) : ""); };
  const dialog = make("dialog", { class: "act-who", "aria-labelledby": "act-who-title" });
  const form = make("form", { method: "dialog" }, make("h2", { id: "act-who-title" }, text.who), make("p", {}, text.hint));
  if (people.length) {
    const now = citywall.person();
    form.append(make("div", { class: "act-people" }, ...people.map((one) => make(
      "button", { type: "button", ...(one.name === now ? { "aria-current": "true" } : {}), onclick: () => done(one.name) },
      make("b", {}, one.name), make("span", {}, [one.title, one.unit].filter(Boolean).join(" · ")),
    ))));
  } else {
    const field = make("input", { type: "text", maxlength: "60", required: "", autocomplete: "name", "aria-label": text.name });
    field.value = citywall.person();
    form.append(field, make("button", { type: "submit", class: "act-main" }, text.ok));
    form.addEventListener("submit", (event) => { event.preventDefault(); if (field.value.trim()) done(field.value.trim()); });
  }
  form.append(make("button", { type: "button", class: "act-quiet", onclick: () => done("") }, text.cancel));
  dialog.append(form);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); done(""); });
  document.body.append(dialog);
  dialog.showModal();
}));

// -- acts on their way ---------------------------------------------------------------------------------------

// The queue is shared by all pages of this browser, and each of them sends what stands in it. An act of this page whose
// answer another page got, or which found no room in the storage, is sent from here all the same: under its id it is
// done once, and the answer is its own.
const read = () => {
  try { return JSON.parse(localStorage.getItem(QUEUE) ?? "[]"); } catch { return []; }
};
const write = (queue) => {
  try { localStorage.setItem(QUEUE, JSON.stringify(queue)); } catch { /* What is this page's own it still knows. */ }
};
const waiting = new Map(); // id → {act, resolve, reject} of acts of this page
const settled = new Set(); // ids that have their answer, should another page have written an older queue
const open = () => {
  const queued = read().filter((act) => !settled.has(act.id));
  const known = new Set(queued.map((act) => act.id));
  return [...queued, ...[...waiting.values()].map(({ act }) => act).filter((act) => !known.has(act.id))];
};
let sending = false;
let wait = BACKOFF[0];
let wake = () => {}; // ends a pause between two attempts
let refusal = "";

// Does something in the person's name. Resolves to the act once it is durable; null where nobody gave a name.
// Rejects with an error whose `reason` names why it was refused.
// `about.subject` names the thing it is done to, where its noun wants that.
citywall.act = async (type, data = {}, about = {}) => {
  const by = citywall.person() || (await citywall.choosePerson());
  if (!by) return null;
  const act = { id: uuid(), type, by, data, ...(about.subject ? { subject: about.subject } : {}) };
  write([...read(), act]);
  const answered = new Promise((resolve, reject) => waiting.set(act.id, { act, resolve, reject }));
  hurry();
  return answered;
};

function hurry() {
  wait = BACKOFF[0];
  wake();
  send();
}

// crypto.randomUUID is not there on a plain http page of another machine.
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

async function send() {
  if (sending) return;
  sending = true;
  for (let act = open()[0]; act; act = open()[0]) {
    const answer = await attempt(act);
    if (answer === null) {
      mark();
      await new Promise((resolve) => { wake = resolve; setTimeout(resolve, wait * (0.7 + 0.3 * Math.random())); });
      wait = Math.min(BACKOFF[1], 2 * wait);
      continue;
    }
    wait = BACKOFF[0];
    settled.add(act.id);
    write(read().filter((one) => one.id !== act.id));
    const mine = waiting.get(act.id);
    waiting.delete(act.id);
    if (answer.reason) {
      refuse(answer);
      mine?.reject(Object.assign(new Error(answer.say || answer.reason), { reason: answer.reason }));
    } else {
      mine?.resolve(act);
    }
  }
  sending = false;
  mark();
}

// What the server says of an act: {} when it is durable, a refusal, or null where it is to be tried again.
async function attempt(act) {
  const late = setTimeout(mark, 700);
  try {
    const answer = await fetch("/act", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(act), cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (answer.ok) return {};
    if (answer.status >= 500 || answer.status === 408 || answer.status === 429) return null;
    const said = await answer.json().catch(() => ({}));
    return { reason: said.reason || String(answer.status), say: said.say || "" };
  } catch {
    return null;
  } finally {
    clearTimeout(late);
  }
}

function refuse({ reason, say }) {
  refusal = words().refused(say || reason);
  setTimeout(() => { refusal = ""; mark(); }, SHOWN);
}

// The mark in the corner: how many acts are on their way, or why the last one was not taken.
function mark() {
  const n = open().length;
  let box = document.getElementById("act-mark");
  const text = refusal || (n ? words().waiting(n) : "");
  if (!text) {
    box?.remove();
    return;
  }
  if (!box) {
    box = make("div", { id: "act-mark", role: "status" });
    document.body.append(box);
  }
  box.dataset.state = refusal ? "refused" : "waiting";
  if (box.textContent !== text) box.textContent = text;
}

window.addEventListener("online", hurry);
// Another page has delivered something, or somebody has said there who they are.
window.addEventListener("storage", ({ key }) => {
  if (key === QUEUE && sending) hurry();
  if (key === PERSON) {
    delete memory[PERSON];
    window.dispatchEvent(new CustomEvent("citywall:person", { detail: { name: citywall.person() } }));
  }
});
if (open().length) send();

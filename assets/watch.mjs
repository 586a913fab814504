// The desk: the queue of alerts, the chosen one in full, what is done about it, and the keys to all of it.
// What is done goes through citywall.act; sound.mjs hears of what is open, shift.mjs keeps the log and the sources.

import { clock, english, make, write } from "./elements.mjs";
import { words } from "./watch/words.mjs";

const citywall = (window.citywall ??= {});
citywall.sinks ??= {};
const at = (id) => document.getElementById(id);
const here = () => at("wall")?.dataset.screen === "desk";
const MINUTE = 60;
const SNOOZES = [15, 30, 60, 120, 480]; // minutes
const AGAIN = 15000; // ms after which the story of a ticket that stays chosen is asked for again
const PATIENCE = 10000; // ms it is waited for

// -- what stands ---------------------------------------------------------------------------------------------

const queue = (citywall.queue = { rows: [], counts: {}, open: {}, chosen: "", filter: 0, done: {}, pending: new Set() });
const isOpen = (row) => !row.acknowledged && !row.snoozed_until;
const shown = () => queue.rows.filter((row) => !queue.filter || row.severity === queue.filter);
// An alert with an open form stays the chosen one though it ends, so that nothing is done to another than was meant.
let held = null;
const holding = () => (at("desk_detail-form")?.childElementCount ? held : null);
const chosen = () => queue.rows.find((row) => row.key === queue.chosen) ?? (holding()?.key === queue.chosen ? { ...held, gone: true } : undefined);

citywall.sinks["desk_queue-data"] = (_, value) => {
  Object.assign(queue, value);
  queue.pending.clear();
  list();
  detail();
  window.dispatchEvent(new CustomEvent("citywall:alerts", { detail: { rows: queue.rows, open: queue.rows.filter(isOpen) } }));
};
citywall.sinks["desk_detail-data"] = (_, value) => {
  queue.done = value;
  detail();
};

function option(row) {
  const made = make("div", { role: "option", id: `alert-${hash(row.key)}` });
  made.append(
    make("span", { class: "shape", "aria-hidden": "true" }), make("span", { class: "what" }), make("span", { class: "old" }),
    make("span", { class: "about" }), make("span", { class: "held" }),
  );
  made.addEventListener("click", () => choose(row.key));
  made.addEventListener("dblclick", () => go(row.key));
  return made;
}

const options = new Map(); // key → element
const hash = (text) => [...text].reduce((sum, sign) => (Math.imul(sum, 31) + sign.codePointAt(0)) >>> 0, 7).toString(36);

function list() {
  const box = at("desk_queue-list");
  if (!box) return;
  const text = words();
  for (const level of [1, 2, 3, 4]) {
    const button = box.parentElement.querySelector(`[data-severity="${level}"]`);
    const n = at(`desk_queue-n${level}`);
    const [open, all] = [String(queue.open[level] ?? 0), `/${queue.counts[level] ?? 0}`];
    if (n && n.textContent !== open + all) n.replaceChildren(open, make("small", {}, all));
    button?.setAttribute("aria-pressed", String(queue.filter === level));
    if (button) button.dataset.open = (queue.open[level] ?? 0) > 0 ? "yes" : "no";
  }
  box.setAttribute("aria-label", english() ? box.dataset.en : box.dataset.zh);
  const rows = shown();
  if (!rows.some((row) => row.key === queue.chosen) && holding()?.key !== queue.chosen) queue.chosen = rows[Math.min(queue.index ?? 0, rows.length - 1)]?.key ?? "";
  const index = rows.findIndex((row) => row.key === queue.chosen);
  if (index >= 0) queue.index = index;
  let before = null;
  const kept = new Set();
  for (const row of rows) {
    let element = options.get(row.key);
    if (!element || !element.isConnected && element.dataset.box !== "kept") {
      element = option(row);
      element.dataset.box = "kept";
      options.set(row.key, element);
    }
    kept.add(element);
    dress(element, row, text);
    const next = before ? before.nextSibling : box.firstChild;
    if (next !== element) box.insertBefore(element, next);
    before = element;
  }
  for (const child of [...box.children]) if (!kept.has(child)) child.remove();
  for (const [key, element] of options) if (!kept.has(element)) options.delete(key);
  if (!rows.length) box.append(make("p", { class: "empty", role: "presentation" }, text.empty));
  if (queue.more > 0 && !queue.filter) box.append(make("p", { class: "empty", role: "presentation" }, text.more(queue.more)));
  const mine = options.get(queue.chosen);
  if (mine) box.setAttribute("aria-activedescendant", mine.id);
  else box.removeAttribute("aria-activedescendant");
  citywall.tick?.();
}

function dress(element, row, text) {
  const state = row.acknowledged ? "seen" : row.snoozed_until ? "off" : "open";
  element.className = `alert s${row.severity} ${state}`;
  element.setAttribute("aria-selected", String(row.key === queue.chosen));
  element.dataset.key = row.key;
  element.dataset.pending = queue.pending.has(row.key) ? "yes" : "no";
  const [shape, what, old, about, held] = element.children;
  write(shape, row.shape);
  write(what, row.title);
  if (what.title !== row.title) what.title = row.title;
  if (old.dataset.since !== String(row.since)) old.dataset.since = row.since;
  write(about, [row.level, row.where || text.city, row.noun, row.unit].filter(Boolean).join(" · "));
  const parts = [];
  if (row.assigned) parts.push(`→ ${row.assigned.to}`);
  if (row.acknowledged) parts.push(`✓ ${row.acknowledged.by}`);
  if (row.snoozed_until) parts.push(`${text.off} → ${clock(row.snoozed_until)}`);
  write(held, parts.join("  "));
}

function choose(key, focus = false) {
  queue.chosen = key;
  form(null);
  list();
  detail();
  options.get(key)?.scrollIntoView({ block: "nearest" });
  if (focus) at("desk_queue-list")?.focus();
}

function step(by) {
  const rows = shown();
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.key === queue.chosen);
  choose(rows[Math.max(0, Math.min(rows.length - 1, now + by))].key, true);
}

// -- the chosen one ------------------------------------------------------------------------------------------

let told = ""; // What the detail shows, as text: it is drawn anew only where that is another.
function detail() {
  const head = at("desk_detail-head");
  if (!head) return;
  const row = chosen();
  const text = words();
  const said = JSON.stringify([row, row && queue.done[row.key], document.documentElement.lang]);
  if (said === told && head.childElementCount) return;
  told = said;
  if (!row) {
    head.replaceChildren(make("p", { class: "empty" }, queue.rows.length ? text.none : text.empty));
    for (const part of ["acts", "facts"]) at(`desk_detail-${part}`).replaceChildren();
    return story(null);
  }
  head.className = `head s${row.severity} ${isOpen(row) && !row.gone ? "open" : ""}`;
  head.replaceChildren(
    make("div", { class: "level" }, make("span", { class: "shape", "aria-hidden": "true" }, row.shape), ` ${row.level} · ${row.noun}${row.gone ? ` · ${text.gone}` : ""}`, make("span", { class: "old", "data-since": row.since })),
    make("h3", {}, row.title), row.text ? make("p", { class: "text" }, row.text) : "",
  );
  const acts = [
    ["acknowledge", "a", !row.acknowledged], ["snooze", "s", !row.snoozed_until], ["assign", "g", true], ["note", "n", true],
    ["reopen", "r", !isOpen(row)], ["map", "m", !!row.place], [row.ticket ? "ticket" : "open", "Enter", !!row.link],
  ];
  at("desk_detail-acts").replaceChildren(...acts.filter(([, , may]) => may && !row.gone).map(([name, key]) => make(
    "button", { type: "button", class: name === "acknowledge" ? "main" : null, "data-act": name, onclick: () => start(name) }, make("kbd", { lang: "en" }, key), text[name],
  )));
  const facts = [[text.since, `${clock(row.since, "day")}`], [text.place, row.path.join(" › ") || text.city]];
  if (row.unit) facts.push([text.unit, row.unit]);
  if (row.acknowledged) facts.push([text.seen, `${row.acknowledged.by} · ${clock(row.acknowledged.at, "day")}${row.acknowledged.comment ? ` · ${row.acknowledged.comment}` : ""}`]);
  if (row.assigned) facts.push([text.to, `${row.assigned.to} · ${row.assigned.by} · ${clock(row.assigned.at, "day")}`]);
  if (row.snoozed_until) facts.push([text.off, `→ ${clock(row.snoozed_until, "day")}`]);
  at("desk_detail-facts").replaceChildren(
    ...facts.map(([name, value]) => make("div", { class: "fact" }, make("span", { class: "quiet" }, name), make("span", {}, value))),
    ...(queue.done[row.key] ?? []).map((one) => make("div", { class: "fact done" }, make("span", { class: "quiet" }, clock(one.at, "day")),
      make("span", {}, `${one.by} · ${text.done[one.kind] ?? one.kind}${one.to ? ` → ${one.to}` : ""}${one.until ? ` → ${clock(one.until)}` : ""}${one.text ? `：${one.text}` : ""}`))),
  );
  story(row);
}

// A ticket's own facts and story come from the ticket's page, once it has been looked at for a moment; and again from
// time to time for as long as it stays chosen, as they go on.
let wanted = "";
let asking = 0;
let round = 0; // of asking: what an older one brings is not shown
function story(row) {
  const box = at("desk_detail-story");
  const want = row?.ticket ? `${row.ticket} ${document.documentElement.lang}` : "";
  if (want === wanted && (box.childElementCount || !want)) return;
  wanted = want;
  clearTimeout(asking);
  box.replaceChildren();
  const mine = ++round;
  if (want) asking = setTimeout(tell, 250, row.ticket, mine, "");
}

// `ticket` is its key as an address says it.
async function tell(ticket, mine, before) {
  let said = before;
  try {
    const answer = await fetch(`/ticket/data?key=${ticket}&lang=${document.documentElement.lang}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    const found = answer.ok ? await answer.json() : null;
    const box = at("desk_detail-story");
    if (mine !== round || !box) return;
    const parts = ["facts", "life"].filter((name) => found?.parts[name] && citywall.plain?.(found.parts[name])).map((name) => [name, found.parts[name]]);
    said = found ? JSON.stringify(parts) : before;
    if (said !== before) {
      box.replaceChildren(...parts.flatMap(([name, children]) => {
        const part = make(name === "life" ? "ol" : "div", { class: name });
        citywall.draw(part, children);
        return name === "life" ? [make("h4", {}, words().story), part] : [part];
      }));
      citywall.tick?.();
    }
  } catch { /* The ticket's page is one key away. */ }
  if (mine === round) asking = setTimeout(tell, AGAIN, ticket, mine, said);
}

// -- acts ----------------------------------------------------------------------------------------------------

let undo = null; // How the last act is taken back.
let undoing = 0;

async function send(type, row, data, back = null) {
  queue.pending.add(row.key);
  if (type === "alarm.acknowledged" || type === "alarm.snoozed") {
    // It goes to where what is seen to stands; the next one that is open is at hand.
    const rows = shown();
    const now = rows.findIndex((one) => one.key === row.key);
    const next = rows.slice(now + 1).find(isOpen) ?? rows.find((one) => isOpen(one) && one.key !== row.key);
    if (next) choose(next.key);
  }
  list();
  const about = { alert: row.key, title: row.both, ...data };
  try {
    const done = await citywall.act(type, about);
    if (done === null) {
      queue.pending.delete(row.key);
      return list();
    }
    const kind = type.split(".")[1];
    say(`${words().said[kind]} · ${row.title}`, back);
  } catch {
    queue.pending.delete(row.key);
    list();
  }
}

function say(text, back = null) {
  const box = at("desk_queue-said");
  undo = back;
  clearTimeout(undoing);
  if (!box) return;
  box.replaceChildren(text, back ? make("button", { type: "button", class: "undo", onclick: takeBack }, make("kbd", { lang: "en" }, "u"), words().undo) : "");
  undoing = setTimeout(() => { undo = null; box.replaceChildren(); }, 12000);
}

async function takeBack() {
  const back = undo;
  undo = null;
  if (!back) return;
  const done = await back().catch(() => null); // act.mjs has said why it was refused.
  say(done ? words().undone : "");
}

function start(name) {
  const row = chosen();
  if (name === "note" && !row) return citywall.shift?.note();
  if (!row) return;
  const text = words();
  const reopen = () => citywall.act("alarm.reopened", { alert: row.key, title: row.both });
  const comment = () => make("input", { type: "text", maxlength: 500, name: "comment", placeholder: text.comment, "aria-label": text.comment, autocomplete: "off" });
  if (name === "acknowledge") {
    form([comment()], text.acknowledge, (data) => send("alarm.acknowledged", row, { severity: row.severity, comment: data.comment }, reopen));
  } else if (name === "snooze") {
    const spans = make("select", { name: "minutes", "aria-label": text.until }, ...SNOOZES.map((n) => make("option", { value: n }, `${text.until} ${text.minutes(n)}`)));
    form([spans, comment()], text.snooze, (data) => {
      const until = (citywall.time.city() ?? Date.now() / 1000) + MINUTE * Number(data.minutes);
      return send("alarm.snoozed", row, { severity: row.severity, until: Math.round(until), comment: data.comment }, reopen);
    });
  } else if (name === "assign") {
    const before = row.assigned?.to ?? "";
    const people = citywall.people ?? [];
    const field = people.length
      ? make("select", { name: "to", "aria-label": text.who }, ...people.map((one) => make("option", { value: one.name, selected: one.name === before }, `${one.name}${one.title || one.unit ? ` · ${[one.title, one.unit].filter(Boolean).join(" · ")}` : ""}`)), before ? make("option", { value: "" }, text.nobody) : "")
      : make("input", { name: "to", maxlength: 60, placeholder: text.who, "aria-label": text.who, value: before });
    form([field, comment()], text.assign, (data) => send("alarm.assigned", row, { to: data.to, comment: data.comment }, () => citywall.act("alarm.assigned", { alert: row.key, title: row.both, to: before })));
  } else if (name === "note") {
    const field = make("textarea", { name: "text", rows: 3, maxlength: 2000, required: true, placeholder: `${text.note} · ${text.about}`, "aria-label": text.note });
    form([field], text.note, (data) => data.text.trim() && send("desk.noted", row, { text: data.text.trim() }));
  } else if (name === "reopen") {
    send("alarm.reopened", row, {});
  } else if (name === "map") {
    citywall.go?.({ place: row.place });
  } else go(row.key);
}

function go(key) {
  const row = queue.rows.find((one) => one.key === key);
  if (row?.link) window.open(row.link, "_blank", "noopener");
}

// A small form under the alert's head; null puts it away. Enter does it, Escape does not.
function form(fields, name, work) {
  const box = at("desk_detail-form");
  if (!box) return;
  if (!fields) {
    if (box.contains(document.activeElement)) at("desk_queue-list")?.focus();
    box.replaceChildren();
    const moved = held && !shown().some((row) => row.key === held.key);
    held = null;
    if (!moved) return;
    list();
    return detail();
  }
  held = chosen();
  const text = words();
  const made = make("form", { autocomplete: "off" }, ...fields, make("div", { class: "buttons" },
    make("button", { type: "submit", class: "main" }, name), make("button", { type: "button", onclick: () => form(null) }, text.cancel)));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = Object.fromEntries(new FormData(made));
    form(null);
    at("desk_queue-list")?.focus();
    work(data);
  });
  made.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); form(null); }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.target.localName === "select")) {
      event.preventDefault();
      made.requestSubmit();
    }
  });
  box.replaceChildren(made);
  fields[0].focus();
}

// -- keys ----------------------------------------------------------------------------------------------------

const KEYS = {
  ArrowDown: () => step(1), j: () => step(1), ArrowUp: () => step(-1), k: () => step(-1), PageDown: () => step(10), PageUp: () => step(-10),
  Home: () => step(-1e6), End: () => step(1e6), Enter: () => go(queue.chosen), a: () => start("acknowledge"), s: () => start("snooze"),
  g: () => start("assign"), n: () => start("note"), r: () => start("reopen"), m: () => start("map"), u: takeBack,
  h: () => citywall.shift?.over(), x: () => citywall.sound?.toggle(), "?": help, Escape: back,
  0: () => only(0), 1: () => only(1), 2: () => only(2), 3: () => only(3), 4: () => only(4),
};

function help() {
  const [button, keys] = [at("desk_queue-help"), at("desk_queue-keys")];
  keys.hidden = !keys.hidden;
  button.setAttribute("aria-expanded", String(!keys.hidden));
}

function back() {
  if (!at("desk_queue-keys").hidden) help();
  else if (queue.filter) only(0);
  else if (citywall.address?.place && citywall.address.place !== document.querySelector('meta[name="citywall-root"]')?.content) history.back();
  at("desk_queue-list")?.focus();
}

function only(level) {
  queue.filter = queue.filter === level ? 0 : level;
  list();
  detail();
}

const LEAVES = new Set(["Enter", "ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"]); // The element's own, elsewhere.
document.addEventListener("keydown", (event) => {
  if (!here() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]") || event.target.closest?.("input, textarea, select")) return;
  const free = event.target === document.body || event.target.id === "desk_queue-list";
  if (LEAVES.has(event.key) && !free) return;
  const work = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
  if (!work || !at("desk_queue-list")) return;
  event.preventDefault();
  work();
});

document.addEventListener("click", (event) => {
  if (!here()) return;
  const level = event.target.closest?.("[data-severity]");
  if (level) only(Number(level.dataset.severity));
  if (event.target.closest?.("#desk_queue-help")) help();
  if (event.target.closest?.("#desk_queue-person")) citywall.choosePerson?.();
});

function person() {
  const button = at("desk_queue-person");
  if (!button) return;
  const name = citywall.person?.() ?? "";
  const text = words();
  write(button, name ? `${text.me} ${name}` : text.choose);
  button.dataset.named = name ? "yes" : "no";
}

for (const name of ["citywall:address", "citywall:person"]) {
  window.addEventListener(name, () => { told = ""; person(); list(); detail(); });
}
(function begin() {
  if (!at("desk_queue-list")) return void (document.readyState !== "complete" || here() || !at("wall") ? setTimeout(begin, 100) : 0);
  person();
  list();
  detail();
  if (document.activeElement === document.body) at("desk_queue-list").focus();
})();

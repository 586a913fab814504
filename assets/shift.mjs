// The desk's log and its hand-over, and the sources in depth: why records were refused, and the records, masked.

import { clock, english, make, write } from "./elements.mjs";
import { stamp } from "./zone.mjs";

const citywall = (window.citywall ??= {});
citywall.sinks ??= {};
const at = (id) => document.getElementById(id);
const LEVELS = { zh: ["", "特急", "紧急", "重要", "一般"], en: ["", "Critical", "Urgent", "Major", "Minor"] };
const WORDS = {
  zh: {
    holder: (name) => `当班 ${name}`, since: "自", nobody: "尚无交班记录", note: "写一条记事", to: "交给", over: "交班", ok: "记录", cancel: "取消",
    summary: "交班小结", raised: "发生", ended: "解除", acknowledged: "确认", snoozed: "暂缓", assigned: "指派", reopened: "重开", noted: "记事",
    handed_over: "交班", empty: "本班尚无记录", standing: "未结", opened: "未确认", notes: "本班记事", title: "值班日志", file: "值班日志",
    kinds: { raised: "发生", ended: "解除", acknowledged: "确认", snoozed: "暂缓", assigned: "指派", reopened: "重新打开", noted: "记事", handed_over: "交班" },
    heard: "上次成功", event: "最新事件", interval: "周期", received: "收到", stored: "入库", duplicate: "重复", dead: "死信", flawed: "带瑕疵", waiting: "积压批次", restarts: "重启", began: "接入",
    reasons: "被拒原因", flaws: "带瑕疵通过", letters: "查看死信原文（已脱敏）", again: "刷新", noletters: "没有死信", away: "接入进程没有回答", second: "秒",
  },
  en: {
    holder: (name) => `On duty: ${name}`, since: "since", nobody: "Never handed over yet", note: "Write a note", to: "Hand over to", over: "Hand over", ok: "Note", cancel: "Cancel",
    summary: "Summary", raised: "raised", ended: "over", acknowledged: "acknowledged", snoozed: "put off", assigned: "assigned", reopened: "reopened", noted: "notes",
    handed_over: "handed over", empty: "Nothing in this shift yet", standing: "Still standing", opened: "open", notes: "Notes", title: "Desk log", file: "desk-log",
    kinds: { raised: "raised", ended: "over", acknowledged: "acknowledged", snoozed: "put off", assigned: "assigned", reopened: "reopened", noted: "note", handed_over: "hand-over" },
    heard: "Last success", event: "Latest event", interval: "Interval", received: "Received", stored: "Stored", duplicate: "Duplicate", dead: "Dead letters", flawed: "Flawed", waiting: "Batches waiting", restarts: "Restarts", began: "Opened",
    reasons: "Refused because", flaws: "Passed with a flaw", letters: "Show dead letters (masked)", again: "Again", noletters: "No dead letters", away: "The feeds' process does not answer", second: "s",
  },
};
const words = () => WORDS[english() ? "en" : "zh"];

// -- the log -------------------------------------------------------------------------------------------------

let log = { rows: [], holder: null, shift: {} };
citywall.sinks["desk_log-data"] = (_, value) => {
  log = value;
  draw();
};

const counted = (found) => [1, 2, 3, 4].filter((level) => found?.[level]).map((level) => `${LEVELS[english() ? "en" : "zh"][level]} ${found[level]}`).join(english() ? ", " : "、");
const line = (row) => [`${row.title}${row.to ? ` → ${row.to}` : ""}${row.until ? ` → ${clock(row.until)}` : ""}`.trim(), row.text].filter(Boolean).join(" · ");

function draw() {
  const box = at("desk_log-rows");
  if (!box) return;
  const text = words();
  const holder = at("desk_log-holder");
  holder.replaceChildren(log.holder ? make("b", {}, text.holder(log.holder.name)) : make("span", { class: "quiet" }, text.nobody),
    log.holder ? make("span", { class: "quiet" }, ` ${text.since} ${clock(log.holder.since, "full")}`) : "");
  const { shift } = log;
  const total = (found) => Object.values(found ?? {}).reduce((sum, n) => sum + n, 0);
  const cells = [[text.raised, total(shift.raised)], [text.ended, total(shift.ended)], ...["acknowledged", "snoozed", "assigned", "noted"].map((name) => [text[name], shift[name] ?? 0])];
  at("desk_log-shift").replaceChildren(...cells.map(([name, n]) => make("span", {}, make("b", {}, String(n)), ` ${name}`)));
  if (!log.rows.length) return box.replaceChildren(make("li", { class: "empty" }, text.empty));
  box.replaceChildren(...log.rows.map((row) => make("li", { class: `log-line ${row.kind} ${row.severity ? `s${row.severity}` : ""}` },
    make("time", {}, clock(row.at)), make("span", { class: "kind" }, text.kinds[row.kind] ?? row.kind, make("span", { class: "who" }, row.by ? ` ${row.by}` : "")), make("span", { class: "said" }, line(row)))));
}

function form(children, label, work) {
  const box = at("desk_log-form");
  if (!box) return;
  if (!children) return box.replaceChildren();
  const close = () => { box.replaceChildren(); at("desk_queue-list")?.focus(); };
  const made = make("form", { autocomplete: "off" }, ...children, make("div", { class: "buttons" },
    make("button", { type: "submit", class: "main" }, label), make("button", { type: "button", onclick: close }, words().cancel)));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = Object.fromEntries(new FormData(made));
    close();
    work(data);
  });
  made.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); close(); }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) made.requestSubmit();
  });
  box.replaceChildren(made);
  made.querySelector("select, textarea, input").focus();
}

function note() {
  const text = words();
  const field = make("textarea", { name: "text", rows: 3, maxlength: 4000, required: true, placeholder: text.note, "aria-label": text.note });
  form([field], text.ok, (data) => data.text.trim() && citywall.act?.("desk.noted", { text: data.text.trim() }).catch(() => {}));
}

// What the next shift has to know, as far as the desk itself knows it; whoever hands over adds the rest.
function summary() {
  const text = words();
  const { shift } = log;
  const parts = [`${clock(shift.since ?? 0, "full")} – ${clock(citywall.time?.city?.() ?? Date.now() / 1000, "full")}`];
  parts.push(`${text.raised}: ${counted(shift.raised) || 0}; ${text.ended}: ${counted(shift.ended) || 0}; ${["acknowledged", "snoozed", "assigned"].map((name) => `${text[name]} ${shift[name] ?? 0}`).join(", ")}`);
  const standing = (citywall.queue?.rows ?? []).filter((row) => row.severity <= 2);
  if (standing.length) parts.push(`${text.standing}:`);
  for (const row of standing.slice(0, 20)) {
    const held = [row.assigned ? `→ ${row.assigned.to}` : "", row.acknowledged ? `✓ ${row.acknowledged.by} ${row.acknowledged.comment}`.trim() : text.opened].filter(Boolean).join(" ");
    parts.push(`- [${row.level}] ${row.title}${row.where ? ` (${row.where})` : ""} ${held}`);
  }
  const notes = log.rows.filter((row) => row.kind === "noted" && row.at >= (shift.since ?? 0));
  if (notes.length) parts.push(`${text.notes}:`, ...notes.map((row) => `- ${clock(row.at)} ${row.by}: ${row.text}`));
  return parts.join("\n").slice(0, 7900);
}

function over() {
  const text = words();
  const people = citywall.people ?? [];
  const me = citywall.person?.() ?? "";
  const field = people.length
    ? make("select", { name: "to", required: true, "aria-label": text.to }, ...people.filter((one) => one.name !== me).map((one) => make("option", { value: one.name }, `${text.to} ${one.name}${one.title ? ` · ${one.title}` : ""}`)))
    : make("input", { name: "to", required: true, maxlength: 60, placeholder: text.to, "aria-label": text.to });
  const long = make("textarea", { name: "summary", rows: 9, maxlength: 8000, "aria-label": text.summary });
  long.value = summary();
  form([field, long], text.over, (data) => citywall.act?.("desk.handed_over", { to: data.to, summary: data.summary })
    .then((done) => done && citywall.choosePerson?.()).catch(() => {})); // Whoever sits here now acts in their own name.
}

const today = () => stamp(citywall.time?.city?.() ?? Date.now() / 1000).slice(0, 10);

// The lines as a table that a spreadsheet opens; what begins like a formula is made a text.
function save() {
  const text = words();
  const cell = (value) => `"${String(value ?? "").replace(/^(?=[=+\-@\t])/, "'").replaceAll('"', '""')}"`;
  const rows = log.rows.map((row) => [clock(row.at, "full"), text.kinds[row.kind] ?? row.kind, row.by, LEVELS[english() ? "en" : "zh"][row.severity ?? 0], line(row)].map(cell).join(","));
  const link = make("a", { href: URL.createObjectURL(new Blob(["\ufeff", rows.join("\r\n"), "\r\n"], { type: "text/csv" })), download: `${text.file}-${today()}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

document.addEventListener("click", (event) => {
  const wanted = event.target.closest?.("[data-shift]")?.dataset.shift;
  if (wanted) ({ note, over, export: save, print: () => window.print() })[wanted]();
});
citywall.shift = { note, over, summary };

// -- the sources ---------------------------------------------------------------------------------------------

let feeds = [];
const opened = new Set();
const letters = {}; // feed → what its disk says
const unfolded = new Set(); // letters that are unfolded
citywall.sinks["desk_feeds-data"] = (_, value) => {
  feeds = value.rows ?? [];
  sources();
};

const lag = (feed) => (feed.heard && feed.event ? Math.max(0, feed.heard - feed.event) : null);
const short = (seconds) => (seconds === null || seconds === undefined ? "–" : citywall.ago?.(seconds, document.documentElement.lang) ?? "–");
const number = (n) => (n === null || n === undefined ? "–" : n < 1e5 ? n.toLocaleString("en") : new Intl.NumberFormat(english() ? "en" : "zh-CN", { notation: "compact", maximumSignificantDigits: 3 }).format(n));

// Each feed has its own elements, which stay: only what another text says is written, so that the focus, a selection, and
// a click under way outlive what comes meanwhile.
const rows = new Map(); // feed → its element

function sources() {
  const box = at("desk_feeds-rows");
  if (!box) return;
  const had = document.activeElement;
  const standing = feeds.map((feed) => source(feed));
  for (const child of [...box.children]) if (!standing.includes(child)) child.remove();
  standing.forEach((row, n) => box.children[n] !== row && box.insertBefore(row, box.children[n] ?? null));
  if (had !== document.activeElement && box.contains(had)) had.focus(); // It was moved.
  citywall.tick?.();
}

function begun(name) {
  const cell = (kind) => make("span", { class: kind });
  return make("div", { role: "listitem" },
    make("button", { type: "button", "data-feed": name, onclick: () => turn(name) }, cell("state"), cell("name"), ...Array.from({ length: 5 }, () => cell("n"))),
    make("p", { class: "error", hidden: true }),
    make("div", { class: "inside", hidden: true }, make("div", { class: "figures" }), make("div"), make("div")));
}

function source(feed) {
  const row = rows.get(feed.name) ?? begun(feed.name);
  rows.set(feed.name, row);
  const [head, fault, inside] = row.children;
  const isOpen = opened.has(feed.name);
  head.className = `feed ${feed.state}`;
  head.setAttribute("aria-expanded", String(isOpen));
  const [state, name, heard, behind, received, dead, restarts] = head.children;
  write(state, `${feed.shape} ${feed.word}`);
  write(name, feed.name);
  if (feed.heard) Object.assign(heard.dataset, { since: feed.heard, by: "wall" });
  else {
    delete heard.dataset.since;
    write(heard, "–");
  }
  write(behind, short(lag(feed)));
  write(received, number(feed.received));
  for (const [cell, n] of [[dead, feed.dead], [restarts, feed.restarts]]) {
    write(cell, number(n));
    cell.classList.toggle("bad", !!n);
  }
  write(fault, feed.error || "");
  fault.hidden = !feed.error;
  inside.hidden = !isOpen;
  if (isOpen) fill(inside, feed);
  return row;
}

// Draws an element's children anew only where what they say is another.
const drawn = new WeakMap(); // element → what its children say, as JSON
function redraw(element, said, children) {
  const text = JSON.stringify(said);
  if (drawn.get(element) === text) return;
  drawn.set(element, text);
  element.replaceChildren(...children());
}

function fill(box, feed) {
  const text = words();
  const [figures, reasons, records] = box.children;
  const found = letters[feed.name];
  const facts = [[text.event, feed.event ? clock(feed.event, "full") : "–"], [text.began, feed.began ? clock(feed.began, "full") : "–"], [text.interval, feed.interval ? `${feed.interval} ${text.second}` : "–"],
    ...["stored", "duplicate", "flawed", "waiting"].map((name) => [text[name], number(feed[name])])];
  redraw(figures, facts, () => facts.map(([name, value]) => make("span", {}, make("span", { class: "quiet" }, `${name} `), value)));
  const why = [[text.reasons, found?.reasons], [text.flaws, found?.flaws]].filter(([, said]) => Object.keys(said ?? {}).length)
    .map(([name, said]) => [name, Object.entries(said).map(([reason, n]) => `${reason} ${number(n)}`).join(" · ")]);
  redraw(reasons, [found?.fault ? text.away : "", why], () => [
    ...(found?.fault ? [make("p", { class: "error" }, text.away)] : []),
    ...why.map(([name, said]) => make("p", { class: "reasons" }, make("span", { class: "quiet" }, `${name}: `), said)),
  ]);
  const askable = !found?.letters && (feed.dead || feed.flawed) > 0;
  redraw(records, [english(), found?.letters ?? null, askable], () => {
    if (askable) return [make("button", { type: "button", class: "ask", onclick: () => ask(feed.name, 1) }, text.letters)];
    if (!found?.letters) return [];
    return found.letters.length ? found.letters.map((one) => letter(feed.name, one)) : [make("p", { class: "quiet" }, text.noletters)];
  });
}

function letter(feed, one) {
  const key = `${feed} ${one.at} ${one.where}`;
  return make("details", { class: "letter", open: unfolded.has(key), ontoggle: (event) => unfolded[event.target.open ? "add" : "delete"](key) },
    make("summary", {}, `${clock(one.at, "full")} · ${one.reason}${one.where ? ` · ${one.where}` : ""}`), make("p", {}, one.detail), make("pre", { tabindex: 0 }, one.raw));
}

function turn(name) {
  if (opened.delete(name)) delete letters[name];
  else {
    opened.add(name);
    ask(name, 0);
  }
  sources();
}

async function ask(name, raw) {
  try {
    const answer = await fetch(`/feeds/${encodeURIComponent(name)}/refused?raw=${raw}`, { cache: "no-store" });
    letters[name] = answer.ok ? await answer.json() : { fault: true };
  } catch {
    letters[name] = { fault: true };
  }
  sources();
}

window.addEventListener("citywall:address", () => { draw(); sources(); });

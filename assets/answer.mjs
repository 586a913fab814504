// Any number answers: a click or the Enter key on a number or on a card's title opens what it is made of, how old it
// and its sources are, how it stood over the last day, how it is spread below, and the tickets or records behind it.

import { english, make } from "./elements.mjs";
import { percent } from "./numbers.mjs";
import { SHAPES, STATES } from "./states.mjs";
import { stamp, time } from "./zone.mjs";

const citywall = (window.citywall ??= {});
const meta = (name) => document.querySelector(`meta[name="citywall-${name}"]`)?.content ?? "";
const IDLE = 180000; // ms after which an answer that nobody touches closes, so that a wall is never left with one
const ROWS = 6; // tickets that are shown at once
const SHORT = 48; // letters of a piece of a card that is taken for a number; what is longer is a text
const SCALES = "万亿KMB"; // letters of a shortened number, which are no words
const COUNT = new RegExp(`^[\\d,.]+[${SCALES}]?$`, "u");
const NO_WORD = new RegExp(`[^\\p{L}]|[${SCALES}]`, "gu");
const MOST = 40; // numbers of a card whose traces are asked for
const WORDS = {
  zh: {
    close: "关闭", formula: "口径", made: "构成", sources: "数据来源", asof: "数据截至", day: "近 24 小时", below: "下级", tickets: "相关工单",
    all: (n) => `查看全部${n ? ` ${n} 件` : ""} ›`, none: "尚无记录", upper: "列表中的数只在最上两级逐时记录", since: (t) => `自 ${t} 起有记录`, hourly: (n) => (n > 1 ? `每 ${n} 小时一记` : "每小时一记"), figures: "本卡指标", low: "最低", high: "最高",
    ago: (t) => `${t}前`, failed: "暂时取不到", nothing: "没有工单",
    line: "该行", on: (t) => `在「${t}」查看全部 ›`,
  },
  en: {
    close: "Close", formula: "Formula", made: "Made of", sources: "Rests on", asof: "As of", day: "Last 24 hours", below: "Below", tickets: "Tickets behind it",
    all: (n) => `All${n ? ` ${n}` : ""} ›`, none: "Nothing recorded yet", upper: "Numbers in lists are noted at the two upper levels only", since: (t) => `recorded since ${t}`, hourly: (n) => (n > 1 ? `noted every ${n} hours` : "noted hourly"), figures: "This card's numbers", low: "lowest", high: "highest",
    ago: (t) => `${t} ago`, failed: "Cannot be fetched now", nothing: "No ticket",
    line: "Its row", on: (t) => `All of them under ${t} ›`,
  },
};
const ASKABLE = "a.behind[href^='/tickets'], .number[data-value], .number[data-whole], .card > header h2 > button";
const ROW = ".row, .strip";
// What has digits and is no number of its own: names, scales and heads; and what leads elsewhere already.
const NO_NUMBER = ".name, .head, .axis, .ends, .until, .rank, .plate, .plot, .js-plotly-plot, svg, kbd";
const ELSEWHERE = "a, button, summary, input, select, textarea, [role='option'], [data-place], [data-answers='own']";

const lang = () => (english() ? "en" : "zh");
const w = () => WORDS[lang()];
const clock = (seconds, long = false) => (long ? stamp(seconds) : time(seconds).slice(0, 5));

const part = (title, ...children) => make("section", {}, make("h3", {}, title), ...children);

// -- what is asked -------------------------------------------------------------------------------------------

const idOf = (element) => element.closest("[id]")?.id ?? "";
const number = (element) => element.closest(".number");

function labelOf(element, card) {
  for (let block = element.closest("[id]"); block && block !== card; block = block.parentElement) {
    const head = block.parentElement?.querySelector(":scope > h3, :scope > .name, :scope > .heading");
    if (head) return head;
  }
  return null;
}

const visible = (element) => (element ? element.innerText.trim() : "");
const tip = (element) => element?.dataset[lang() === "en" ? "tipEn" : "tipZh"] || element?.querySelector?.("[data-tip-zh]")?.dataset[lang() === "en" ? "tipEn" : "tipZh"] || "";

// A number that is not drawn as one: the cell of a row, or a piece of text with digits such as that beneath a figure.
function piece(target) {
  if (!(target instanceof HTMLElement) || target.closest(`${NO_NUMBER}, ${ELSEWHERE}`) || !target.closest("[data-panel]:not(#map) > .body")) return null;
  const cell = target.closest(ROW) ? target.closest(":is(.row, .strip) > *") : target;
  const texts = target.closest(ROW) ? [cell?.textContent ?? ""] : [...target.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data);
  return cell && cell.textContent.length <= SHORT && texts.some((text) => /\d/.test(text)) ? cell : null;
}

// Where in which row a cell stands, so that it is found again when the rows have changed their order.
function rowOf(cell) {
  const row = cell.closest(ROW);
  if (!row) return null;
  const heads = row.closest(".list, .body")?.querySelector(":is(.row.head, .row.named, .strip.head)");
  const at = [...row.children].findIndex((child) => child.contains(cell));
  const names = heads?.children.length === row.children.length ? [...heads.children].map(visible) : [];
  const cells = [...row.children].map((child, n) => [names[n] ?? "", visible(child)]).filter(([, text]) => /[\p{L}\p{N}]/u.test(text));
  return { name: visible(row.querySelector(".name")), at, column: names[at] ?? "", cells: names.length ? cells : [], place: row.querySelector("[data-place]")?.dataset.place ?? "", href: row.querySelector("a.behind[href^='/']")?.getAttribute("href") };
}

function again({ list, row }) {
  const rows = document.getElementById(list)?.querySelectorAll(ROW) ?? [];
  return [...rows].find((one) => visible(one.querySelector(".name")) === row.name)?.children[row.at] ?? null;
}

// What is noted of a number in a list or a line is found by its list, the name of its row or the words beside it, and
// its cell: the same as `tracerows.py` reads from what is drawn. Units and times say nothing.
const told = (node) => (node.nodeType === Node.TEXT_NODE ? node.data : node.matches?.("time, .unit") ? "" : [...node.childNodes].map(told).join(""));

const DIGITS = (element) => !element.closest(`${NO_NUMBER}, ${ROW}, time, button, summary, input, select, textarea`) && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && /\d/.test(node.data));

function cellOf(asked) {
  const row = asked.closest(ROW);
  if (row) return { list: idOf(row.parentElement), row: [row.querySelector(".name")].map((name) => (name ? told(name).replace(/\s+/gu, "") : ""))[0], cell: [...row.children].findIndex((child) => child.contains(asked)) };
  const leaf = DIGITS(asked) ? asked : [...asked.querySelectorAll("*")].find(DIGITS);
  const [words, around] = leaf ? wordsOf(leaf) : ["", null];
  const beside = [...(document.getElementById(idOf(asked))?.querySelectorAll("*") ?? [])].filter((one) => DIGITS(one) && wordsOf(one)[1] === around);
  return { list: idOf(asked), row: words, cell: Math.max(0, beside.indexOf(leaf)) };
}

// The words that stand beside a number, and the element that has them; null where the list itself is the nearest.
function wordsOf(leaf) {
  for (let block = number(leaf)?.parentElement ?? leaf; block && !block.id; block = block.parentElement) {
    const words = told(block).replace(NO_WORD, "");
    if (words) return [words, block];
  }
  return ["", null];
}

function question(asked) {
  const card = asked.closest("[data-panel]");
  const whole = asked.matches("h2 > button");
  const cells = whole ? null : rowOf(asked);
  const row = asked.closest("a.behind") ? null : cells; // What leads to tickets answers with these.
  const head = whole ? null : asked.closest(ROW)?.querySelector(".name") ?? labelOf(asked, card);
  const title = card.dataset[lang() === "en" ? "titleEn" : "titleZh"];
  const own = whole ? null : number(asked);
  const href = asked.closest("a.behind[href^='/tickets']")?.getAttribute("href") ?? "";
  const figure = asked.closest("[data-figure]")?.dataset.figure;
  const name = [visible(head) || asked.getAttribute("aria-label") || "", cells?.column].filter(Boolean).join(" · ");
  return {
    card, title, own, href, row, name: name === title ? "" : name,
    // What stands beneath a figure is of that figure, and in a place's row of the one on that place's own screen.
    id: whole ? "" : figure ?? idOf(asked).replace(/-why$/, ""), figure, cell: whole ? null : cellOf(asked),
    list: idOf(asked), shown: own ?? (!whole && visible(asked) ? asked : null), formula: [tip(head), tip(card.querySelector("header h2"))].filter((text, at, all) => text && all.indexOf(text) === at),
    feeds: asked.closest("[data-number]")?.querySelector("[data-feeds]")?.dataset.feeds.split(" "), // Its own, where a card has many.
    // Also where the card shows no header.
    period: visible(card.querySelector(`header .period [lang="${lang()}"]`)), place: new URLSearchParams(href.split("?")[1] ?? "").get("place") || row?.place || citywall.address.place,
  };
}

// -- the parts of an answer ----------------------------------------------------------------------------------

const shown = (point) => (point.length > 2 ? (point[2] ? 100 * point[1] / point[2] : null) : point[1]);
const written = (value, rate) => (rate ? percent(value) : value.toLocaleString("en", { maximumFractionDigits: 2 }));

// A line over the last day, as a drawing so wide and high with so much room above and below; what was not noted is a gap.
export function line(points, every, now, [width, height, room] = [1000, 100, 8]) {
  const known = points.map((point) => [point[0], shown(point)]).filter(([, value]) => value !== null);
  if (!known.length) return null;
  const values = known.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const from = now - 86400;
  const y = (value) => (high === low ? height / 2 : height - room - ((height - 2 * room) * (value - low)) / (high - low));
  let path = "";
  known.forEach(([moment, value], n) => {
    const spot = `${((width * (moment - from)) / 86400).toFixed(2)} ${y(value).toFixed(1)}`;
    path += n && moment - known[n - 1][0] <= 1.5 * every ? `L${spot}` : `M${spot}h0.01`;
  });
  return { low, high, since: known[0][0], rate: points[0].length > 2, drawing: make("svg:svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true", class: "trace" }, make("svg:path", { d: path })) };
}

// Deeper places are noted less often, and a trace says so.
const often = (every) => (every < 3600 ? "" : ` · ${w().hourly(every / 3600)}`);

function traceOf(found, every, now) {
  const drawn = line(found.points, every, now);
  if (!drawn) return make("p", { class: "quiet" }, `${w().none}${often(every)}`);
  const late = drawn.since > now - 86400 + 2 * every;
  return make("div", {}, drawn.drawing,
    make("p", { class: "quiet scale" },
      make("span", {}, clock(now - 86400)),
      make("span", {}, `${w().low} ${written(drawn.low, drawn.rate)} · ${w().high} ${written(drawn.high, drawn.rate)}${late ? ` · ${w().since(clock(drawn.since))}` : ""}${often(every)}`),
      make("span", {}, clock(now))));
}

function belowOf(rows, every) {
  const [zh, en] = [1, 2];
  const values = rows.map((row) => [row[0], row[lang() === "en" ? en : zh], shown([0, ...row.slice(3)]), row.length > 4]).filter((row) => row[2] !== null);
  if (!values.length) return null;
  const most = Math.max(...values.map((row) => Math.abs(row[2])), 1e-9);
  values.sort((a, b) => b[2] - a[2]);
  return part(`${w().below}${often(every)}`, make("div", { class: "below" }, values.map(([code, title, value, rate]) => {
    const to = new URLSearchParams(location.search);
    to.set("place", code);
    return make("a", { href: `${location.pathname}?${to}`, "data-to": code },
      make("span", { class: "name" }, title), make("span", { class: "bar" }, make("i", { style: `width:${(100 * Math.abs(value)) / most}%` })), make("span", { class: "n" }, written(value, rate)));
  })));
}

function sourcesOf({ card, feeds }) {
  const about = citywall.about?.(card.dataset.panel);
  if (!about) return null;
  const old = (since) => (since ? w().ago(citywall.ago(citywall.time.wall() - since, lang())) : "–");
  // Without a link, or behind a board that stands still, nobody knows how the sources do.
  const unsure = ["lost", "stalled"].includes(card.dataset.state);
  return part(w().sources,
    unsure ? make("p", { class: "fault" }, `▲ ${visible(card.querySelector(".age"))}`) : null,
    make("ul", { class: "sources" }, about.feeds.filter(({ name }) => !feeds || feeds.includes(name)).map(({ name, state, heard }) =>
      make("li", { class: unsure ? "" : `is-${state}` }, make("span", { class: "shape" }, unsure ? "○" : SHAPES[state] ?? "○"), make("span", { class: "name" }, name), make("span", {}, unsure ? "–" : STATES[lang()][state] ?? state), make("span", { class: "n quiet" }, old(heard))))),
    about.as_of ? make("p", { class: "quiet" }, `${w().asof} ${clock(about.as_of, true)}`) : null);
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(8000) });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).reason ?? `${answer.status}`);
  return answer.json();
}

async function ticketsOf(href) {
  const query = new URLSearchParams(href.split("?")[1] ?? "");
  query.set("lang", lang());
  const { rows } = await ask(`/tickets/rows?${query}`);
  if (!rows.length) return make("p", { class: "quiet" }, w().nothing);
  return make("div", { class: "tickets" }, rows.slice(0, ROWS).map((row) => {
    const to = new URLSearchParams({ key: row.key });
    if (lang() !== meta("languages").split(" ")[0]) to.set("lang", lang());
    if (citywall.address.theme === "light") to.set("theme", "light");
    return make("a", { href: `/ticket?${to}` },
      make("span", { class: `light tone-${row.tone}` }, row.light.split(" ")[0] || "·"), make("span", { class: "name" }, row.title || row.number), make("span", { class: "quiet" }, row.unit),
      row.due ? make("time", { class: "countdown n", "data-due": row.due }) : make("span", { class: "n quiet" }, row.closed || row.reported));
  }));
}

// What a row says of its number's name, with the heads of its columns.
function lineOf({ row }) {
  if (!row?.cells.length && !row?.href) return "";
  return part(w().line,
    row.cells.length ? make("dl", { class: "answer-row" }, row.cells.map(([head, text]) => make("div", {}, make("dt", { class: "quiet" }, head), make("dd", {}, text)))) : null,
    row.href ? make("a", { class: "all", href: themed(row.href) }, `${row.name} ›`) : null);
}

const themed = (href) => (citywall.address.theme === "light" && !href.includes("theme=") ? `${href}${href.includes("?") ? "&" : "?"}theme=light` : href);

// The records behind a number that no tickets stand behind; null where the panel says nothing of it.
async function recordsOf({ card, id, place, row }) {
  const query = new URLSearchParams({ figure: id || card.dataset.panel, place, lang: lang() });
  if (row?.name) query.set("row", row.name);
  if (row?.place) query.set("own", "1"); // The row is a place, or stands at one: what is there is of it, whatever its name.
  const said = await ask(`/records?${query}`);
  if (!said.title) return null;
  const [screen, href, title] = said.screen ?? [];
  return part(said.title,
    said.why ? make("p", {}, said.why) : null,
    said.none ? make("p", { class: "quiet" }, said.none) : null,
    make("div", { class: "tickets records" }, said.records.map((one) =>
      make(one.behind ? "a" : "div", { href: one.behind ? themed(one.behind) : null },
        make("span", { class: `light tone-${one.light}`, "aria-hidden": "true" }, one.shape), make("span", { class: "name" }, one.title), make("span", { class: "quiet" }, one.who),
        one.due !== null ? make("time", { class: "countdown n", "data-due": one.due })
          : one.since !== null ? make("time", { class: "elapsed n quiet", "data-since": one.since, "data-by": "city" }) : make("span")))),
    screen && screen !== document.getElementById("wall")?.dataset.screen ? make("a", { class: "all", href: themed(href) }, w().on(title)) : null);
}

// How a figure stood over the last day and stands below, or all figures of a card; null where nothing is noted of it.
async function dayOf({ id, own, place, card, title }, figures) {
  const said = await ask(`/trace?${new URLSearchParams([["place", place], ...figures.map((one) => ["figure", one])])}`);
  if (id) {
    const found = said.figures[id];
    if (!found.points.length && !own) return null;
    return { day: part(w().day, traceOf(found, said.every, said.now)), below: belowOf(found.below, said.every_below), empty: !found.points.length };
  }
  const rows = figures.filter((one) => said.figures[one].points.length).map((one) => {
    const element = document.getElementById(one);
    const drawn = line(said.figures[one].points, said.every, said.now);
    return make("div", { class: "figure-row" }, make("span", { class: "name" }, visible(labelOf(element, card)) || title), drawn?.drawing ?? make("span"), make("b", {}, visible(element.querySelector(".number"))));
  });
  return rows.length ? { day: part(`${w().figures} · ${w().day}`, ...rows), empty: false } : null;
}

// The same of a number in a list or beside a figure.
async function dayOfCell({ card, cell }) {
  const said = await ask(`/trace/row?${new URLSearchParams({ panel: card.dataset.panel, ...cell, place: citywall.address.place ?? "", lang: lang() })}`);
  if (!said.number) return null;
  return { day: part(w().day, said.deeper ? make("p", { class: "quiet" }, w().upper) : traceOf(said, said.every, said.now)), empty: !said.points.length };
}

// -- the dialog ----------------------------------------------------------------------------------------------

let dialog = null;
let touched = 0;
let serial = 0;

function close() {
  dialog?.close();
}

function open(asked) {
  const about = question(asked);
  const mine = ++serial;
  dialog?.remove();
  const big = make("div", { class: "answer-number" });
  const traces = make("div", { class: "traces" });
  const below = make("div");
  const behind = make("div");
  const sources = make("div");
  const button = make("button", { type: "button", class: "answer-close", "aria-label": w().close }, "✕");
  dialog = make("dialog", { class: "answer", "aria-labelledby": "answer-title" },
    make("header", {},
      make("h2", { id: "answer-title" }, about.name || about.title),
      make("span", { class: "quiet" }, [about.name ? about.title : "", about.period].filter(Boolean).join(" · ")), button),
    make("div", { class: "answer-halves" },
      make("div", {}, big, about.formula.length ? part(w().formula, about.formula.map((text) => make("p", {}, text))) : null, traces, sources),
      make("div", {}, below, behind)));
  document.body.append(dialog);
  button.addEventListener("click", close);
  dialog.addEventListener("click", (event) => {
    const to = event.target.closest?.("[data-to]");
    if (event.target === dialog) close();
    else if (to && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      close();
      citywall.go({ place: to.dataset.to });
    }
  });
  dialog.addEventListener("close", () => dialog?.remove());

  // The number goes on living while it is looked at.
  const keep = () => {
    const source = about.own ? document.getElementById(about.id)?.querySelector(".number") : about.row ? again(about) : about.shown;
    if (source?.isConnected && !source.matches(`.number, ${ASKABLE}`)) {
      big.replaceChildren(make("span", { class: "number" }, visible(source)));
    } else if (source?.isConnected) {
      const copy = source.cloneNode(true);
      copy.removeAttribute("href");
      const said = copy.dataset.whole ? `${Number(copy.dataset.part).toLocaleString("en")} / ${Number(copy.dataset.whole).toLocaleString("en")}` : "";
      big.replaceChildren(copy, said ? make("span", { class: "quiet" }, said) : "");
    }
    const fresh = sourcesOf(about);
    if (fresh) sources.replaceChildren(fresh);
  };
  keep();
  const timer = setInterval(() => {
    if (mine !== serial || !dialog.open) clearInterval(timer);
    else if (Date.now() - touched > IDLE) close();
    else keep();
  }, 1000);

  if (about.href) {
    const count = about.own?.dataset.whole ? Number(about.own.dataset.whole).toLocaleString("en") : visible(about.shown);
    const all = make("a", { class: "all", href: about.href, autofocus: true }, w().all(COUNT.test(count) ? count : ""));
    behind.append(part(w().tickets, make("p", { class: "quiet" }, "…"), all));
    ticketsOf(about.href).catch((error) => make("p", { class: "fault" }, `▲ ${w().failed}: ${error.message}`)).then((list) => {
      if (mine === serial) behind.querySelector("section > p, section > div")?.replaceWith(list);
    });
  }
  if (!about.href) {
    below.append(lineOf(about));
    behind.append(make("p", { class: "quiet" }, "…"));
    recordsOf(about).catch((error) => make("p", { class: "fault" }, `▲ ${w().failed}: ${error.message}`)).then((found) => {
      if (mine !== serial) return;
      behind.replaceChildren(found ?? "");
      citywall.tick?.();
    });
  }
  // One that stands in a list or beside a figure has a day of its own; one that fills its place is a figure.
  const figures = about.row && !about.figure ? [] : about.id ? [about.id] : [...new Set([...about.card.querySelectorAll(".number")].map(idOf))].slice(0, MOST);
  const ways = [figures.length ? () => dayOf(about, figures) : null, about.cell ? () => dayOfCell(about) : null].filter(Boolean);
  if (about.cell && !about.own && !about.figure) ways.reverse();
  const day = async () => {
    let found = null;
    for (const way of ways) {
      const said = await way();
      if (mine !== serial) return;
      found = said ?? found;
      if (found && !found.empty) break;
    }
    if (!found) return;
    traces.replaceChildren(found.day);
    if (found.below) below.replaceChildren(found.below);
  };
  day().catch((error) => traces.replaceChildren(make("p", { class: "fault" }, `▲ ${w().day}: ${w().failed} (${error.message})`)));
  touched = Date.now();
  dialog.showModal();
  citywall.tick?.();
}

document.addEventListener("click", (event) => {
  touched = Date.now();
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const told = event.target.closest?.("[data-answer]");
  if (told) {
    event.preventDefault();
    const meant = document.querySelector(`#${CSS.escape(told.dataset.answer)} .number`);
    return meant ? open(meant) : undefined;
  }
  const chosen = window.getSelection()?.type === "Range"; // Whoever marks a text wants the text.
  const asked = event.target.closest?.(ASKABLE) ?? (chosen ? null : piece(event.target));
  if (!asked || !asked.closest("#wall [data-panel]") || asked.closest("[data-answers='own']")) return;
  event.preventDefault();
  open(asked);
});
for (const kind of ["pointermove", "keydown", "wheel"]) document.addEventListener(kind, () => (touched = Date.now()), { passive: true });
// A wall that changes its place, language or scene takes its open answer down.
window.addEventListener("citywall:address", close);

// Every number of a card that is found again by its list, row and cell, for who compares them with what is noted.
const cells = (card) => [...card.querySelectorAll(":scope > .body *")].map((element) => element.closest(ASKABLE) ?? piece(element)).filter(Boolean).map(cellOf);
citywall.answer = { open, close, cells };

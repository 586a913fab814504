// The tickets' table: its address is all its state. Rows come by keyset as one scrolls, the count beside them.

import { grouped } from "../numbers.mjs";

const { desk } = window.citywall;
const { make, at } = desk;
const WORDS = {
  zh: {
    hits: "张工单", moves: "次流转", open: "在办", late: "已超期", on_time: "按期结案", not_on_time: "逾期结案", add: "＋ 筛选", clear: "全部清除",
    remove: "去掉", csv: "导出 CSV", xlsx: "导出 XLSX", most: (n) => `单次最多导出 ${n} 条`, left: "剩余", none: "没有符合条件的工单",
    keys: "／ 搜索　↑↓ 选择　Enter 打开　Esc 返回", all: "全部", rates: "指标 ›", period: "期间", search: "查找…", down: "下级", from: "从", to: "到", apply: "应用",
  },
  en: {
    hits: "tickets", moves: "moves", open: "open", late: "overdue", on_time: "closed on time", not_on_time: "closed late", add: "＋ Filter", clear: "Clear all",
    remove: "Remove", csv: "Export CSV", xlsx: "Export XLSX", most: (n) => `at most ${n} rows at once`, left: "Left", none: "No ticket fits these filters",
    keys: "/ search   ↑↓ choose   Enter open   Esc back", all: "All", rates: "Rates ›", period: "Period", search: "Find…", down: "Below", from: "From", to: "to", apply: "Apply",
  },
};
// Widths in parts of the type's size, so that they hold on any screen.
const WIDTHS = { light: 8, number: 10.2, title: 16, category: 9.4, unit: 9.4, place: 11, channel: 7.6, stage: 5.6, left: 6.4, reported: 8.6, deadline: 8.6, closed: 8.6, on_time: 6.2, verdict: 7.4 };
const SORTED = ["number", "title", "category", "unit", "place", "channel", "stage", "reported", "deadline", "closed"];
// Columns that a narrow page does without, and those a narrower one lacks as well.
const SMALL = ["verdict", "channel", "stage", "on_time"];
const SMALLER = [...SMALL, "category", "reported"];
const w = () => desk.words(WORDS);

let api = null;
let about = null; // The latest answer of /tickets/count.
let round = 0;
let [counted, listed] = [0, 0]; // The rounds whose count and first rows are shown.
const ready = () => counted === round && listed === round && (at("desk").dataset.ready = round);
let asking = new AbortController();
let timer = 0;
let missing = false; // Whether rows of this round did not come: the grid does not ask for them again.

const words = (more = {}) => {
  const query = desk.query();
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  query.set("lang", desk.lang());
  return query.toString();
};

// -- the address ---------------------------------------------------------------------------------------------

function go(change, { replace = false } = {}) {
  const query = desk.query();
  change(query);
  const text = query.toString().replace(/%3A/g, ":");
  const url = location.pathname + (text ? `?${text}` : "");
  if (url === location.pathname + location.search) return;
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  show();
}

const goTo = (text) => go((query) => {
  const kept = ["lang", "theme"].map((name) => [name, query.get(name)]);
  for (const name of [...query.keys()]) query.delete(name);
  for (const [name, value] of new URLSearchParams(text)) query.append(name, value);
  for (const [name, value] of kept) if (value) query.set(name, value);
});

// -- the table -----------------------------------------------------------------------------------------------

// What the server sorts by where the address does not say; its answer corrects it should they ever differ.
function order() {
  const query = desk.query();
  const said = query.get("sort");
  if (said) return [said.replace("-", ""), said.startsWith("-")];
  const urgent = query.get("open") === "1" || query.get("late") === "1" || query.has("due_in") || query.has("light");
  return urgent ? ["deadline", false] : ["reported", true];
}

function columns() {
  const titles = JSON.parse(at("desk").dataset.columns);
  titles.left = [WORDS.zh.left, WORDS.en.left];
  const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const query = desk.query();
  const opens = ["open", "late"].some((name) => query.get(name) === "1") || query.has("due_in") || query.has("light");
  const less = [...(innerWidth < 76 * em ? SMALLER : innerWidth < 105 * em ? SMALL : []), ...(innerWidth < 105 * em ? [opens ? "closed" : "left"] : [])];
  const [by, down] = order();
  return Object.keys(WIDTHS).map((name) => ({
    field: name, headerName: titles[name][desk.lang() === "en" ? 1 : 0], width: Math.round(WIDTHS[name] * em),
    ...(name === "title" ? { flex: 1, minWidth: Math.round(13 * em) } : {}), hide: less.includes(name),
    sortable: SORTED.includes(name), sortingOrder: ["asc", "desc"], resizable: true, suppressHeaderMenuButton: true,
    sort: name === by ? (down ? "desc" : "asc") : null,
    cellClass: (params) => `c-${name} ${name === "light" || name === "left" ? `tone-${params.data?.tone ?? ""}` : ""}`,
    ...(name === "left" ? { valueGetter: ({ data }) => (data?.due ? window.citywall.left(data.due - window.citywall.time.city(), desk.lang()) : data ? "–" : "") } : {}),
    ...(name === "title" ? { tooltipField: "title" } : name === "place" ? { tooltipField: "where" } : {}),
  }));
}

function source() {
  const mine = ++round;
  // First row of a block → the word it is asked for with, as a promise: a block waits for the one before it.
  const ends = new Map();
  const end = (row) => {
    if (!ends.has(row)) {
      let tell;
      ends.set(row, Object.assign(new Promise((resolve) => (tell = resolve)), { tell }));
    }
    return ends.get(row);
  };
  end(0).tell("");
  return {
    rowCount: undefined, round: mine, asked: false,
    async getRows({ startRow, endRow, successCallback, failCallback }) {
      this.asked = true;
      try {
        const after = await end(startRow);
        if (mine !== round) return failCallback(); // The grid waits for each block it has asked for.
        const found = await desk.ask(`/tickets/rows?${words(after ? { after } : {})}`, { signal: asking.signal, patience: 8 });
        if (mine !== round) return failCallback();
        if (found.after) end(endRow).tell(found.after);
        successCallback(found.rows, found.after ? undefined : startRow + found.rows.length);
        if (startRow === 0) {
          at("desk").dataset.rows = found.rows.length;
          listed = mine;
          setTimeout(ready);
        }
        desk.fault(null);
      } catch (error) {
        failCallback();
        if (mine !== round || error.name === "AbortError") return;
        missing = !error.refused;
        desk.fault(error);
      }
    },
  };
}

function open(data) {
  if (data?.key) location.assign(desk.link("/ticket", { key: data.key }));
}

async function begin() {
  desk.frame();
  api = await window.dash_ag_grid.getApiAsync("desk-grid");
  api.addEventListener("sortChanged", ({ source: by }) => {
    if (by === "api") return;
    const sorted = api.getColumnState().find((column) => column.sort);
    go((query) => (sorted ? query.set("sort", (sorted.sort === "desc" ? "-" : "") + sorted.colId) : query.delete("sort")));
  });
  api.addEventListener("rowClicked", ({ data, event }) => (event.ctrlKey || event.metaKey ? window.open(desk.link("/ticket", { key: data.key })) : open(data)));
  api.addEventListener("cellKeyDown", ({ data, event }) => event.key === "Enter" && open(data));
  tools();
  show();
}

// -- what is shown beside it ---------------------------------------------------------------------------------

async function show() {
  asking.abort();
  asking = new AbortController();
  desk.frame();
  delete at("desk").dataset.ready;
  clearTimeout(timer);
  missing = false;
  at("desk-panel").hidden = true;
  const search = at("desk-search").firstChild;
  if (search && document.activeElement !== search) search.value = desk.query().get("q") ?? "";
  api.setGridOption("columnDefs", columns());
  api.setGridOption("overlayNoRowsTemplate", `<span>${w().none}</span>`);
  const rows = source();
  // The grid sets a source of its own when it is done with itself: ours is put again until it is asked.
  const put = () => {
    if (rows.asked || rows.round !== round) return;
    api.setGridOption("datasource", rows);
    setTimeout(put, 150);
  };
  put();
  await count();
}

async function count() {
  const mine = round;
  try {
    const found = await desk.ask(`/tickets/count?${words()}`, { signal: asking.signal, patience: 8 });
    if (mine !== round) return;
    if (missing) return void show(); // The server answers again: the rows are asked for anew.
    about = found;
    summary();
    counted = mine;
    ready();
    if (listed === mine) desk.fault(null);
    timer = setTimeout(count, 5000); // The count stays that of now; the rows are those of when they came.
  } catch (error) {
    if (error.name === "AbortError" || mine !== round) return;
    desk.fault(error);
    if (error.refused) for (const id of ["desk-count", "desk-sums", "desk-chips"]) at(id).replaceChildren();
    else timer = setTimeout(count, 5000);
  }
}

function summary() {
  const { counts, chips, path, sort, limits } = about;
  const en = desk.lang() === "en";
  const shares = [[counts.n, w().hits], ...(counts.moves === undefined ? [] : [[counts.moves, w().moves]])];
  at("desk-count").replaceChildren(...shares.flatMap(([value, unit], at) => [...(at ? [make("span", { className: "unit" }, "· ")] : []),
    make("span", { className: "n" }, grouped(value)), make("span", { className: "unit" }, unit)]));
  document.title = `${grouped(counts.n)} ${w().hits}`;
  const parts = [["open", "open"], ["late", "late"], ["on_time", "on_time"], ["not_on_time", "not_on_time"]];
  const filters = { open: [["open", "1"]], late: [["late", "1"]], on_time: [["on_time", "1"]], not_on_time: [["on_time", "0"]] };
  at("desk-sums").replaceChildren(...parts.filter(([name]) => counts[name] && counts[name] !== counts.n).map(([name]) =>
    make("button", { type: "button", className: `sum ${name}`, onclick: () => go((query) => filters[name].forEach(([key, value]) => query.set(key, value))) },
      make("b", {}, grouped(counts[name])), ` ${w()[name]}`)), ...(about.frozen ? [make("span", { className: "frozen" }, `❄ ${about.frozen.text}`)] : []));
  desk.path(path, (code) => desk.link("/tickets", Object.fromEntries([...desk.query()].filter(([name]) => name !== "lang" && name !== "place").concat([["place", code]]))));
  for (const link of at("desk-path").children) {
    if (link.href) link.onclick = (event) => { event.preventDefault(); const code = path[[...at("desk-path").querySelectorAll("a")].indexOf(link)].code; go((q) => (code === desk.root ? q.delete("place") : q.set("place", code))); };
  }
  at("desk-chips").replaceChildren(
    ...chips.map(({ name, text, without }) => make("button", { type: "button", className: "chip", "data-chip": name, title: `${w().remove}: ${text}`, "aria-label": `${w().remove}: ${text}`, onclick: () => goTo(without) },
      make("span", {}, text), make("span", { className: "x", "aria-hidden": "true" }, "✕"))),
    ...(chips.length > 1 ? [make("button", { type: "button", className: "chip clear", onclick: () => goTo("") }, w().clear)] : []),
  );
  at("desk-add").replaceChildren(make("button", { type: "button", className: "tool", "aria-haspopup": "dialog", onclick: chooser }, w().add));
  const place = desk.query().get("place");
  at("desk-export").replaceChildren(make("a", { className: "tool", href: desk.link("/rates", place ? { place } : {}) }, w().rates), ...["csv", "xlsx"].map((kind) =>
    make("a", { className: "tool", href: `/tickets/export.${kind}?${words()}`, download: "", title: w().most(grouped(limits[kind])), "data-cut": counts.n > limits[kind] },
      `${w()[kind]}${counts.n > limits[kind] ? ` · ${w().most(grouped(limits[kind]))}` : ""}`)));
  const shown = api.getColumnState().find((column) => column.sort);
  const wanted = sort.down ? "desc" : "asc";
  if (shown?.colId !== sort.by || shown?.sort !== wanted) {
    api.applyColumnState({ state: [{ colId: sort.by, sort: wanted }], defaultState: { sort: null } });
  }
  at("desk").dataset.count = counts.n;
  at("desk").dataset.lang = en ? "en" : "zh";
}

// -- searching and choosing ----------------------------------------------------------------------------------

function tools() {
  const box = at("desk-search");
  const field = make("input", { type: "search", maxlength: "200", autocomplete: "off", spellcheck: "false", value: desk.query().get("q") ?? "" });
  const label = () => { const hint = box.dataset[desk.lang() === "en" ? "hintEn" : "hintZh"]; field.placeholder = `${hint}  ( / )`; field.setAttribute("aria-label", hint); };
  label();
  let wait = 0;
  field.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(() => go((query) => (field.value.trim() ? query.set("q", field.value.trim()) : query.delete("q")), { replace: true }), 250);
  });
  box.append(field);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, textarea");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape" && !at("desk-panel").hidden) {
      at("desk-panel").hidden = true;
      at("desk-add").firstChild?.focus();
    } else if (event.key === "Escape" && typing) {
      event.target.blur();
    } else if (event.key === "Escape") {
      if (history.length > 1) history.back();
      else location.assign(at("desk-back").href);
    } else if ((event.key === "ArrowDown" && !event.target.closest?.(".grid, .chooser")) || (event.key === "Enter" && [field, document.body].includes(event.target))) {
      event.preventDefault();
      api.ensureIndexVisible(0);
      api.setFocusedCell(0, "number");
    }
  });
}

async function chooser() {
  const panel = at("desk-panel");
  if (!panel.hidden) return void (panel.hidden = true);
  const place = desk.query().get("place");
  let said;
  try {
    said = await desk.ask(`/tickets/names?lang=${desk.lang()}${place ? `&place=${encodeURIComponent(place)}` : ""}`);
  } catch (error) {
    return void desk.fault(error);
  }
  const { names, yes, titles } = said;
  const add = (name, value) => go((query) => { if (!query.getAll(name).includes(value)) query.append(name, value); });
  const group = (title, choices) => make("section", {}, make("h3", {}, title), make("div", { className: "choices" }, choices));
  const button = (text, n, work) => make("button", { type: "button", className: "choice", onclick: work }, make("span", {}, text), n === null || n === undefined ? null : make("small", {}, grouped(n)));
  const found = make("input", { type: "search", placeholder: w().search, "aria-label": w().search });
  const groups = [
    ...(about.children.length ? [group(w().down, about.children.map((c) => button(c.title, null, () => go((q) => q.set("place", c.code)))))] : []),
    group("✓", yes.map(([name, text]) => button(text, null, () => go((q) => q.set(name, "1"))))),
    ...["light", "stage", "state", "whistle", "unit", "category", "channel", "source"].map((name) =>
      group(titles[name], names[name].map(([value, text, n]) => button(text, n, () => add(name, value))))),
    ...["reported", "closed", "deadline"].map((name) => {
      const [first, last] = [0, 1].map(() => make("input", { type: "date", "aria-label": titles[name] }));
      const apply = () => (first.value || last.value) && go((q) => q.set(name, `${first.value}..${last.value}`));
      return group(titles[name], [
        ...Object.entries(desk.words(PERIODS)).map(([period, text]) => button(text, null, () => go((q) => q.set(name, period)))),
        make("span", { className: "dates" }, first, " – ", last, button(w().apply, null, apply)),
      ]);
    }),
  ];
  found.addEventListener("input", () => {
    const text = found.value.trim().toLowerCase();
    for (const choice of panel.querySelectorAll(".choice")) choice.hidden = !!text && !choice.textContent.toLowerCase().includes(text);
    for (const section of panel.querySelectorAll("section")) section.hidden = !!text && ![...section.querySelectorAll(".choice")].some((choice) => !choice.hidden);
  });
  panel.replaceChildren(found, ...groups);
  panel.hidden = false;
  found.focus();
}
const PERIODS = {
  zh: { today: "今日", yesterday: "昨日", week: "本周", month: "本月", last_month: "上月" },
  en: { today: "today", yesterday: "yesterday", week: "this week", month: "this month", last_month: "last month" },
};

document.addEventListener("click", (event) => {
  const panel = at("desk-panel");
  if (panel && !panel.hidden && !panel.contains(event.target) && !at("desk-add").contains(event.target)) panel.hidden = true;
});
window.addEventListener("popstate", show);
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-set-lang]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  go((query) => query.set("lang", link.dataset.setLang));
});
// Countdowns of the rows in sight go on by themselves.
setInterval(() => api && !document.hidden && api.refreshCells({ columns: ["left"] }), 1000);
desk.begin(begin);

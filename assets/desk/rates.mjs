// The rates: the address is all the state; the server orders and words the table, here it is only drawn.

const { desk } = window.citywall;
const { make, at } = desk;
const WORDS = {
  zh: { csv: "导出 CSV", tickets: "工单 ›", month: "月份", from: "从", to: "到", apply: "应用", none: "这一期间没有可计的工单", now: "现为", n: "n", running: "至今", sort: "按此排序", frozen: "已冻结的数字", down: "看下级", by: "分组", period: "期间" },
  en: { csv: "Export CSV", tickets: "Tickets ›", month: "Month", from: "From", to: "to", apply: "Apply", none: "Nothing counts in this period", now: "now", n: "n", running: "so far", sort: "Sort by this", frozen: "As frozen", down: "Go down", by: "By", period: "Period" },
};
const PERIODS = {
  zh: { today: "今日", week: "本周", month: "本月", last_month: "上月" },
  en: { today: "Today", week: "This week", month: "This month", last_month: "Last month" },
};
const w = () => desk.words(WORDS);
let asking = new AbortController();
let timer = 0;
let drawn = "";

const words = () => {
  const query = desk.query();
  query.set("lang", desk.lang());
  return query.toString();
};

function go(change) {
  const query = desk.query();
  change(query);
  const text = query.toString().replace(/%3A/g, ":");
  const url = location.pathname + (text ? `?${text}` : "");
  if (url === location.pathname + location.search) return;
  history.pushState(null, "", url);
  show();
}

const set = (name, value, usual) => go((query) => (value === usual ? query.delete(name) : query.set(name, value)));

async function show() {
  asking.abort();
  const mine = (asking = new AbortController());
  clearTimeout(timer);
  desk.frame();
  delete at("desk").dataset.ready;
  try {
    const found = await desk.ask(`/rates/data?${words()}`, { signal: mine.signal, patience: 8 });
    if (mine.signal.aborted) return;
    desk.fault(null);
    const text = JSON.stringify([found, desk.lang()]);
    if (text !== drawn) draw(found);
    drawn = text;
    at("desk").dataset.ready = found.rows.length;
    timer = setTimeout(show, 15000);
  } catch (error) {
    if (error.name === "AbortError" || mine.signal.aborted) return;
    drawn = "";
    desk.fault(error);
    if (error.refused) {
      tools(null); // A way out of what cannot be asked.
      for (const id of ["desk-table", "desk-title", "desk-sums", "desk-export", "desk-path"]) at(id).replaceChildren();
    } else timer = setTimeout(show, 5000);
    at("desk").dataset.ready = "fault";
  }
}

function draw(found) {
  const focused = document.activeElement?.dataset?.key;
  const [first, last] = found.days;
  const days = first === last ? first : `${first || "…"} – ${last || "…"}`;
  document.title = `${found.title} · ${found.period_words}`;
  at("desk-title").replaceChildren(make("span", { className: "n" }, found.title), make("span", { className: "unit" }, found.period_words));
  at("desk-sums").replaceChildren(
    ...(days === found.period_words ? [] : [make("span", {}, days)]),
    ...(found.running ? [make("span", { className: "quiet" }, w().running)] : []),
    ...(found.frozen ? [make("span", { className: "frozen" }, `❄ ${found.frozen}`)] : []),
  );
  desk.path(found.path, (code) => {
    const query = desk.query();
    query.set("place", code);
    for (const name of ["lang", "theme"]) query.delete(name);
    return desk.link("/rates", Object.fromEntries(query));
  });
  tools(found);
  const place = desk.query().get("place");
  at("desk-export").replaceChildren(
    make("a", { className: "tool", href: desk.link("/tickets", place ? { place } : {}) }, w().tickets),
    make("a", { className: "tool", href: `/rates/export.csv?${words()}`, download: "" }, w().csv),
  );
  at("desk-table").replaceChildren(table(found), ...(found.rows.length ? [] : [make("p", { className: "empty" }, w().none)]));
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// -- choosing ------------------------------------------------------------------------------------------------

function tools(found) {
  const period = found?.period ?? desk.query().get("period") ?? "month";
  const segment = (key, text, on, work) => make("button", { type: "button", className: "segment", "aria-pressed": on ? "true" : "false", "data-key": key, onclick: work }, text);
  at("desk-periods").replaceChildren(...Object.entries(desk.words(PERIODS)).map(([name, text]) =>
    segment(`period-${name}`, text, period === name, () => set("period", name, "month"))));
  const [first, last] = period.includes("..") ? period.split("..") : ["", ""];
  const month = make("input", { type: "month", value: /^\d{4}-\d\d$/.test(period) ? period : "", "aria-label": w().month, "data-key": "month" });
  month.addEventListener("change", () => month.value && set("period", month.value, "month"));
  const days = [[w().from, first], [w().to, last]].map(([label, value], at) => make("input", { type: "date", value: value.slice(0, 10), "aria-label": label, "data-key": `date-${at}` }));
  const apply = () => days.some((day) => day.value) && set("period", `${days[0].value}..${days[1].value}`, "month");
  for (const day of days) day.addEventListener("keydown", (event) => event.key === "Enter" && apply());
  at("desk-dates").replaceChildren(month, make("span", { className: "range" }, days[0], "–", days[1], make("button", { type: "button", className: "tool", "data-key": "apply", onclick: apply }, w().apply)));
  if (!found) return;
  at("desk-by").replaceChildren(...found.groups.map(([name, text]) => segment(`by-${name}`, text, found.by === name, () => set("by", name, "unit"))));
}

// -- the table -----------------------------------------------------------------------------------------------

function table(found) {
  const sorted = (name) => (found.sort === name ? (found.down ? "descending" : "ascending") : "none");
  // The first press puts the best on top: the surest rate, of one that should be small the smallest, a name's first letter.
  const press = (name, downwards) => () => {
    const down = found.sort === name ? !found.down : downwards;
    set("sort", `${down ? "-" : ""}${name}`, "-on_time");
  };
  const mark = (name) => make("span", { className: "arrow", "aria-hidden": "true" }, found.sort === name ? (found.down ? "↓" : "↑") : "");
  const head = (name, text, tip, downwards, kind = "") => make("th", { scope: "col", "aria-sort": sorted(name), className: kind },
    make("button", { type: "button", title: tip, "data-key": `sort-${name}`, onclick: press(name, downwards) }, make("span", {}, text), mark(name)));
  const heads = [
    make("th", { scope: "col", className: "rank" }, found.heads.rank),
    head("name", found.heads.name, w().sort, false, "name"),
    make("th", { scope: "col", className: "bound", title: found.columns.find((column) => column.name === found.ranked)?.title }, make("span", {}, found.bound), make("small", {}, found.columns.find((column) => column.name === found.ranked)?.title)),
    ...found.columns.map((column) => head(column.name, column.title, column.formula, !column.falling, column.name === found.ranked ? "ranked" : "")),
  ];
  return make("table", {}, make("thead", {}, make("tr", {}, heads)), make("tbody", { className: "whole" }, row(found, found.all)), make("tbody", {}, found.rows.map((one) => row(found, one))));
}

function row(found, one) {
  const title = one.down ? make("a", { href: `/rates?${one.down}${desk.link("", {}).replace("?", "&")}`, title: w().down }, `${one.title} ›`) : one.title;
  return make("tr", {},
    make("td", { className: "rank" }, one.rank === null ? "–" : `${one.rank}`),
    make("th", { scope: "row", className: "name", title: one.title }, title),
    make("td", { className: "bound" }, ...(one.bound === null ? ["–"] : [make("span", { className: "percent" }, `${one.bound} %`), make("small", {}, `${w().n} ${one.n}`)])),
    ...found.columns.map((column) => cell(one.cells[column.name], column.name === found.ranked)));
}

function cell(found, ranked) {
  const kind = `${ranked ? "ranked" : ""} ${found.frozen ? "kept" : ""}`.trim();
  if (found.part === "" && !found.now) return make("td", { className: kind }, "–");
  // Links lead to what is counted today: where that is another number than the frozen one, today's is the link.
  const links = (of) => make("small", {}, found.met ? make("a", { href: found.met }, of.part) : of.part, " / ", found.all ? make("a", { href: found.all }, of.whole) : of.whole);
  const percent = make("span", { className: "percent" }, found.part === "" ? "–" : `${found.rate} %`);
  if (!found.now) return make("td", { className: kind, title: found.frozen ? w().frozen : null }, percent, links(found));
  return make("td", { className: `${kind} moved`, title: w().frozen }, percent, make("small", {}, found.part === "" ? "–" : `❄ ${found.part} / ${found.whole}`), make("small", { className: "since" }, `${w().now} ${found.now.rate} % · `), links(found.now));
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (event.target.matches?.("input")) event.target.blur();
  else if (history.length > 1) history.back();
  else location.assign(at("desk-back").href);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-set-lang]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  go((query) => query.set("lang", link.dataset.setLang));
});
window.addEventListener("popstate", show);
desk.begin(show);

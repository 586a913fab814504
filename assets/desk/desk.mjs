// What the desks' pages have in common: language, time, the age of what is shown, fetching, and going elsewhere.

import { make } from "../elements.mjs";
import { grouped } from "../numbers.mjs";
import { stamp } from "../zone.mjs";

const citywall = (window.citywall ??= {});
const html = document.documentElement;
const meta = (name) => document.querySelector(`meta[name="citywall-${name}"]`)?.content ?? "";
const languages = meta("languages").split(" ");
const WORDS = {
  zh: { asof: "数据截至", ago: (t) => `${t}前`, behind: (n) => `工单库落后 ${n} 批`, lost: "连接中断", never: "看板尚无数据", late: "看板停滞" },
  en: { asof: "As of", ago: (t) => `${t} ago`, behind: (n) => `history is ${n} batches behind`, lost: "Connection lost", never: "The board has no data yet", late: "The board stands still" },
};

const desk = (citywall.desk = { root: meta("root"), said: null, heard: 0, lost: false });
desk.query = () => new URLSearchParams(location.search);
desk.lang = () => (languages.includes(desk.query().get("lang")) ? desk.query().get("lang") : languages[0]);
desk.words = (words) => words[desk.lang() === "en" ? "en" : "zh"];
desk.at = (id) => document.getElementById(id);
desk.make = make;

// -- time: the city's clock is the board's word, carried on by ours ------------------------------------------

let skew = 0; // server's clock − ours, in ms: a tablet's own may be minutes off
const beyond = () => (desk.said && Date.now() - desk.heard) / 1000;
citywall.time = {
  wall: () => (Date.now() + skew) / 1000,
  city: () => (desk.said?.now ? desk.said.now + (replayed() ? 0 : beyond()) : null),
  stopped: () => desk.lost,
};
const replayed = () => !desk.said?.wall || Math.abs(desk.said.wall - desk.said.as_of) > 3600;

function age() {
  const box = desk.at("desk-age");
  if (!box) return;
  const words = desk.words(WORDS);
  const { said } = desk;
  let text = words.never;
  let state = "live";
  if (said?.as_of) {
    const moment = stamp(said.as_of);
    const old = said.wall ? citywall.time.wall() - said.wall : 0;
    text = `${words.asof} ${moment} · ${words.ago(citywall.ago?.(old, desk.lang()) ?? "")}`;
    if (old > 30) [state, text] = ["late", `${words.late} · ${text}`];
    if (said.behind > 4) [state, text] = ["late", `${text} · ${words.behind(grouped(said.behind))}`];
  } else state = "late";
  if (desk.lost) [state, text] = ["lost", `▲ ${words.lost} · ${text}`];
  if (box.dataset.state !== state) box.dataset.state = state;
  if (box.textContent !== text) box.textContent = text;
}
setInterval(age, 1000);

// -- fetching ------------------------------------------------------------------------------------------------

const LIMIT = 30_000; // Milliseconds: what takes longer does not come any more, as from a server that hangs.

// One answer and its JSON, both within the limit; null where it did not come, or came as something else.
async function once(path, signal) {
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, LIMIT);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  try {
    const answer = await fetch(path, { signal: limit.signal, cache: "no-store" });
    return [answer, await answer.json().catch((error) => { if (answer.ok) throw error; })];
  } catch (error) {
    if (signal?.aborted) throw error;
    return [null];
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

// JSON of an address of this server. A refusal (400, 404) is thrown as its reason; what did not come is asked for again.
desk.ask = async (path, { signal, patience = 3 } = {}) => {
  for (let wait = 400; ; wait = Math.min(5000, wait * 2)) {
    const [answer, found] = await once(path, signal);
    const reason = found?.reason ?? `${answer?.status}`;
    if (answer?.ok) {
      const sent = Date.parse(answer.headers.get("date") ?? "");
      if (sent) skew = Math.abs(sent - Date.now()) > 2000 ? sent - Date.now() : 0; // It tells whole seconds alone.
      const said = JSON.parse(answer.headers.get("x-as-of") ?? "null");
      if (said) [desk.said, desk.heard] = [said, Date.now()];
      desk.lost = false;
      age();
      return found;
    }
    if (answer && answer.status < 500) throw Object.assign(new Error(reason), { refused: true });
    desk.lost = true;
    age();
    if (--patience <= 0) throw new Error(answer ? reason : desk.words(WORDS).lost);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
};

desk.fault = (error) => {
  const box = desk.at("desk-fault");
  box.hidden = !error;
  box.textContent = error ? `▲ ${error.message}` : "";
};

// -- going elsewhere -----------------------------------------------------------------------------------------

desk.link = (path, change) => {
  const query = new URLSearchParams(change);
  if (desk.lang() !== languages[0]) query.set("lang", desk.lang());
  if (query.get("place") === desk.root) query.delete("place");
  if (desk.query().get("theme") === "light") query.set("theme", "light");
  const text = query.toString();
  return path + (text ? `?${text}` : "");
};

// Links that the server has written keep the theme too.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="/"]');
  if (!link || desk.query().get("theme") !== "light") return;
  const to = new URL(link.href);
  to.searchParams.set("theme", "light");
  link.href = to.pathname + to.search;
}, true);

// The page's frame in the address's language; the way back to the wall keeps place and language.
desk.frame = () => {
  html.lang = desk.lang();
  html.dataset.theme = desk.query().get("theme") === "light" ? "light" : "dark";
  const place = desk.query().get("place");
  const back = desk.at("desk-back");
  back.href = desk.link(new URL(back.href).pathname, place ? { place } : {});
  for (const link of document.querySelectorAll("[data-set-lang]")) {
    const query = desk.query();
    query.set("lang", link.dataset.setLang);
    link.href = `?${query}`;
    if (link.dataset.setLang === desk.lang()) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
};

desk.path = (steps, to) => {
  const nav = desk.at("desk-path");
  nav.replaceChildren(...steps.flatMap((step, at) => {
    const link = desk.make("a", { href: to(step.code), "aria-current": at === steps.length - 1 ? "location" : null }, step.title);
    return at ? [desk.make("span", { className: "then", "aria-hidden": "true" }, "›"), link] : [link];
  }));
};

// Starts once Dash has drawn the page.
desk.begin = (work) => {
  if (desk.at("desk")) work();
  else setTimeout(() => desk.begin(work), 20);
};

// Instructions: a leader gives one on a ticket or on a number, whoever was asked reports it done, the leader closes it or
// sends it back. Each is an act in a person's name, see act.mjs. The same dialogs on the cockpit and on a ticket's page.

import { uuid } from "./act.mjs";
import { english, make } from "./elements.mjs";
import { stamp } from "./zone.mjs";

const citywall = (window.citywall ??= {});
const WORDS = {
  zh: {
    give: "批示", on: "关于", to: "交给（单位或个人）", text: "批示内容", due: "办结期限", send: "发出", cancel: "取消", today: "今日 18:00",
    tomorrow: "明日 18:00", three: "3 日内", week: "7 日内", other: "其他时间", missing: "请填写交办对象、内容和期限", past: "期限须在此刻之后",
    given: "批示", reported: "报告办结", returned: "退回", closed: "办结", withdrawn: "撤回", report: "报告办结", back: "退回重办", close: "同意办结", withdraw: "撤回批示",
    comment: "办理情况", why: "退回原因", whyOff: "撤回原因", note: "意见（可不填）", newDue: "新的期限", until: "期限", ticket: "查看工单 ›", done: "确定", leave: "返回",
    sending: "正在发出……", said: "当时", need: "请填写内容", dismiss: "关闭", refused: "未被接受",
  },
  en: {
    give: "Instruct", on: "On", to: "To (a unit or a person)", text: "What is asked", due: "Until", send: "Send", cancel: "Cancel", today: "Today 18:00",
    tomorrow: "Tomorrow 18:00", three: "In 3 days", week: "In 7 days", other: "Other", missing: "Name who, what and until when", past: "The deadline must lie ahead",
    given: "Instructed", reported: "Reported done", returned: "Sent back", closed: "Closed", withdrawn: "Withdrawn", report: "Report done", back: "Send back", close: "Close", withdraw: "Withdraw",
    comment: "What was done", why: "Why it goes back", whyOff: "Why it is withdrawn", note: "Remark (if any)", newDue: "New deadline", until: "Until", ticket: "To the ticket ›", done: "OK", leave: "Back",
    sending: "Sending…", said: "said", need: "Please write something", dismiss: "Dismiss", refused: "Not taken",
  },
};
const w = () => WORDS[english() ? "en" : "zh"];

// -- time in the city's zone ---------------------------------------------------------------------------------

const moment = (seconds) => stamp(seconds).slice(0, 16);
const now = () => citywall.time?.city?.() ?? Date.now() / 1000;

// The moment at which the city's clocks show a local text such as 2026-11-20T18:00, in seconds since 1970.
function fromLocal(text) {
  const guess = Date.parse(`${text}Z`) / 1000;
  const shownAs = (seconds) => Date.parse(`${moment(seconds).replace(" ", "T")}Z`) / 1000;
  let at = guess - (shownAs(guess) - guess);
  at -= shownAs(at) - guess; // Once more, for a guess beyond a change of the clocks.
  return at;
}
const toLocal = (seconds) => moment(seconds).replace(" ", "T");
const evening = (days) => fromLocal(`${toLocal(now() + 86400 * days).slice(0, 10)}T18:00`);

// -- dialogs -------------------------------------------------------------------------------------------------

function show(title, ...children) {
  document.querySelector("dialog.ck")?.remove();
  const dialog = make("dialog", { class: "ck", "aria-label": title }, make("div", { class: "ck-form" }, make("h2", {}, title), ...children));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// Posts an act and closes the dialog once it is durable; until then it can be left, and is tried again all the same.
async function post(dialog, type, data, subject) {
  const fault = dialog.querySelector(".fault");
  const buttons = dialog.querySelectorAll(".foot button.main");
  for (const button of buttons) button.disabled = true;
  fault.textContent = "";
  try {
    const told = citywall.act(type, data, { subject });
    const done = await told;
    if (done === null) return; // Nobody gave a name: it is as if the button had not been pressed.
    dialog.close();
    window.dispatchEvent(new CustomEvent("citywall:instructed", { detail: { type, data, subject } }));
  } catch (error) {
    fault.textContent = `▲ ${w().refused}: ${error.message}`;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

function deadline(value = null) {
  const field = make("input", { type: "datetime-local", class: "due", value: value ? toLocal(value) : "", "aria-label": w().due });
  const choices = [["today", evening(0)], ["tomorrow", evening(1)], ["three", now() + 3 * 86400], ["week", now() + 7 * 86400]].filter(([, at]) => at > now() + 600);
  const buttons = choices.map(([name, at]) => make("button", { type: "button", "aria-pressed": "false", "data-due-choice": name, onclick: () => {
    field.value = toLocal(at);
    press(name);
  } }, w()[name]));
  const press = (name) => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.dueChoice === name)));
  field.addEventListener("input", () => press(""));
  const box = make("div", { class: "choices" }, buttons);
  return { parts: [make("label", {}, w().due, field), box], at: () => (field.value ? fromLocal(field.value) : null) };
}

const foot = (...buttons) => make("div", { class: "foot" }, ...buttons);
const quiet = (dialog, text) => make("button", { type: "button", onclick: () => dialog().close() }, text);

// Gives an instruction on a subject: a ticket's key or a number's id.
citywall.instruct = ({ subject, title, said = "", place = "", to = "" }) => {
  let dialog = null;
  const who = make("input", { name: "to", maxlength: 200, required: true, autocomplete: "off", list: "ck-units", value: to });
  const text = make("textarea", { name: "text", maxlength: 500, required: true });
  const due = deadline();
  const units = [...new Set([...(citywall.people ?? []).flatMap((one) => [one.unit, one.name]), ...document.querySelectorAll("[data-unit]")].map((one) => one?.dataset?.unit ?? one).filter(Boolean))];
  const send = () => {
    const at = due.at();
    const fault = dialog.querySelector(".fault");
    if (!who.value.trim() || !text.value.trim() || at === null) fault.textContent = w().missing;
    else if (at <= now()) fault.textContent = w().past;
    else post(dialog, "instruction.given", { instruction: uuid(), to: who.value.trim(), text: text.value.trim(), due: new Date(at * 1000).toISOString(), title: title.slice(0, 200), said: said.slice(0, 200), place }, subject);
  };
  dialog = show(w().give,
    make("p", { class: "about" }, `${w().on} ${title}${said ? ` · ${said}` : ""}`),
    make("label", {}, w().text, text), make("label", {}, w().to, who), make("datalist", { id: "ck-units" }, units.map((unit) => make("option", { value: unit }))),
    ...due.parts, make("div", { class: "fault", role: "alert" }),
    foot(quiet(() => dialog, w().cancel), make("button", { type: "button", class: "main", "data-act": "give", onclick: send }, w().send)));
  text.focus();
};

// One instruction with all that was said, and what can be done about it as it stands.
citywall.openInstruction = (one) => {
  let dialog = null;
  const told = (label, who, text, at) => make("li", { class: "said" }, make("span", { class: "quiet" }, [label, who, at ? moment(at) : ""].filter(Boolean).join(" · ")), text ? make("span", {}, text) : "");
  const story = [told(w().given, one.by, one.text, one.since)];
  if (one.returns && one.why) story.push(told(w().returned, one.by, one.why, null));
  if (one.reported && one.state !== "given") story.push(told(w().reported, one.reporter, one.answer, one.reported));
  if (one.ended) story.push(told(w()[one.state], one.by, one.state === "withdrawn" ? one.why : "", one.ended));
  const step = (type, label, required, more = null) => {
    const text = make("textarea", { maxlength: 500, "aria-label": label });
    const again = more ? deadline() : null;
    const send = () => {
      if (required && !text.value.trim()) {
        dialog.querySelector(".fault").textContent = w().need;
        return;
      }
      const name = type === "reported" || type === "closed" ? "comment" : "why";
      const at = again?.at();
      post(dialog, `instruction.${type}`, { instruction: one.id, [name]: text.value.trim(), ...(at ? { due: new Date(at * 1000).toISOString() } : {}) }, one.subject);
    };
    dialog = show(label, make("p", { class: "about" }, one.text), make("label", {}, label, text), ...(again?.parts ?? []), make("div", { class: "fault", role: "alert" }),
      foot(quiet(() => dialog, w().cancel), make("button", { type: "button", class: "main", "data-act": type, onclick: send }, w().done)));
    text.focus();
  };
  const buttons = [];
  const button = (name, kind, work) => buttons.push(make("button", { type: "button", class: kind, "data-do": name, onclick: work }, w()[name]));
  if (one.state === "given") {
    button("withdraw", "", () => step("withdrawn", w().whyOff, true));
    button("report", "main", () => step("reported", w().comment, true));
  } else if (one.state === "reported") {
    button("back", "", () => step("returned", w().why, true, true));
    button("close", "main", () => step("closed", w().note, false));
  }
  const ticket = one.ticket && !document.getElementById("face-head")
    ? make("a", { href: `/ticket?key=${encodeURIComponent(one.ticket)}&lang=${document.documentElement.lang}` }, w().ticket) : "";
  dialog = show(one.title || one.text,
    make("p", { class: "about" }, `${w().to}: ${one.to} · ${w().until} ${moment(one.due)}${one.said ? ` · ${w().said} ${one.said}` : ""}`),
    make("ol", {}, story), make("div", { class: "fault", role: "alert" }),
    foot(ticket, quiet(() => dialog, w().dismiss), ...buttons));
};

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || !citywall.act) return;
  const row = event.target.closest?.("[data-instruction]");
  const tool = event.target.closest?.("[data-instruct]");
  if (row) {
    event.preventDefault();
    citywall.openInstruction(JSON.parse(row.dataset.instruction));
  } else if (tool) {
    event.preventDefault();
    const number = tool.dataset.instruct === "number" ? citywall.chosen?.() : null;
    const place = tool.dataset.where ?? citywall.address?.place ?? "";
    if (number) citywall.instruct({ subject: number.id, title: number.title, said: number.said, place });
    else citywall.instruct({ subject: tool.dataset.instruct, title: tool.dataset.title ?? "", place, to: tool.dataset.to ?? "" });
  }
});

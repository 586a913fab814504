// What the desk says, in both languages.

import { english } from "../elements.mjs";

const WORDS = {
  zh: {
    empty: "没有需要处理的告警", none: "选择左侧一条告警", more: (n) => `另有 ${n} 条`, seen: "已确认", off: "暂缓", to: "指派",
    acknowledge: "确认", snooze: "暂缓", assign: "指派", note: "记事", reopen: "重新打开", ticket: "工单", map: "到地图", open: "打开",
    comment: "说明（可空）", about: "关于此告警", until: "暂缓多久", who: "指派给", nobody: "无人（取消指派）", ok: "确定", cancel: "取消",
    since: "发生", place: "位置", unit: "单位", kind: "来源", by: (name, text) => `${name} 已确认${text ? `：${text}` : ""}`,
    minutes: (n) => (n < 60 ? `${n} 分钟` : `${n / 60} 小时`), undo: "撤销", undone: "已撤销", me: "值守人", choose: "选择姓名",
    said: { acknowledged: "已确认", snoozed: "已暂缓", assigned: "已指派", noted: "已记录", reopened: "已重新打开" },
    done: { acknowledged: "确认", snoozed: "暂缓", assigned: "指派", reopened: "重新打开", noted: "记事" },
    worse: "级别已加重", story: "办理经过", city: "全市", gone: "已解除",
  },
  en: {
    empty: "Nothing is waiting for anybody", none: "Choose an alert on the left", more: (n) => `${n} more`, seen: "seen", off: "put off", to: "with",
    acknowledge: "Acknowledge", snooze: "Snooze", assign: "Assign", note: "Note", reopen: "Reopen", ticket: "Ticket", map: "On the map", open: "Open",
    comment: "Comment (may be empty)", about: "About this alert", until: "Put off for", who: "Assign to", nobody: "Nobody (take back)", ok: "OK", cancel: "Cancel",
    since: "Since", place: "Place", unit: "Unit", kind: "From", by: (name, text) => `Acknowledged by ${name}${text ? `: ${text}` : ""}`,
    minutes: (n) => (n < 60 ? `${n} min` : `${n / 60} h`), undo: "Undo", undone: "Taken back", me: "On duty", choose: "Choose your name",
    said: { acknowledged: "Acknowledged", snoozed: "Put off", assigned: "Assigned", noted: "Noted", reopened: "Open again" },
    done: { acknowledged: "acknowledged", snoozed: "put off", assigned: "assigned", reopened: "reopened", noted: "noted" },
    worse: "It has got worse", story: "What happened", city: "Whole city", gone: "over",
  },
};
export const words = () => WORDS[english() ? "en" : "zh"];

// What the map says of itself, in both languages; the words of modes, lights and layers come with its numbers.

import { english } from "./scene.mjs";

const WORDS = {
  zh: {
    open: "在办", soon: "临期", late: "超期", lateShort: "超期", rate: "按期率", left: "剩余", ago: (t) => `${t}前`, ticket: "工单",
    counted: (n) => `${n} 件`, into: (name) => `${name}：进入`, enter: (name) => `进入${name}`, close: "关闭",
    opens: "点击打开工单", known: "点击查看详情", goes: "点击进入", lists: "点击列出这些工单",
    gone: "已不在列", waiting: "暂无应答，正在重试",
  },
  en: {
    open: "Open", soon: "due soon", late: "overdue", lateShort: "late", rate: "On time", left: "Time left", ago: (t) => `${t} ago`, ticket: "Ticket",
    counted: (n) => `${n} open`, into: (name) => `${name}: go there`, enter: (name) => `Go to ${name}`, close: "Close",
    opens: "Click: open the ticket", known: "Click: what is known", goes: "Click: go there", lists: "Click: list these tickets",
    gone: "No longer listed", waiting: "Not answered, trying again",
  },
};
export const words = () => WORDS[english() ? "en" : "zh"];

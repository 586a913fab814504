// The states of sources, panels and links: their words, and the shapes that tell them to those who see no colours.

export const STATES = {
  zh: { live: "正常", late: "迟到", silent: "无声", failing: "故障", never: "未接入", lost: "断线", broken: "中断", stalled: "停滞", catching: "正在补读", fault: "数据有误", opening: "载入中" },
  en: { live: "live", late: "late", silent: "silent", failing: "failing", never: "never heard", lost: "link lost", broken: "broken", stalled: "stalled", catching: "catching up", fault: "wrong data", opening: "loading" },
};
export const SHAPES = { live: "●", late: "■", silent: "◆", failing: "▲", never: "○", lost: "▲" };

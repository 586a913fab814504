// A small picture of the page, drawn here: boxes, borders, texts, drawings and canvases as they stand, each in its own
// colour, on a canvas of some hundred pixels. Nothing is fetched for it, and nothing of the page is changed.

const WIDE = 560; // px
const LEAST = 1.2; // px of the picture below which nothing is drawn
const UNDRAWN = new Set(["defs", "clipPath", "mask", "title", "script", "style"]);
const FLAT = new Set(["rgba(0, 0, 0, 0)", "transparent"]);

export async function picture() {
  const scale = WIDE / innerWidth;
  const canvas = document.createElement("canvas");
  canvas.width = WIDE;
  canvas.height = Math.max(1, Math.round(innerHeight * scale));
  const pen = canvas.getContext("2d", { alpha: false });
  pen.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.scale(scale, scale);
  pen.textBaseline = "alphabetic";
  draw(document.getElementById("wall"), pen, LEAST / scale);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/webp", 0.72));
}

function draw(element, pen, least) {
  if (!element || UNDRAWN.has(element.localName)) return;
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  if (style.display === "none" || style.visibility === "hidden" || Number(style.opacity) === 0) return;
  if (box.right < 0 || box.bottom < 0 || box.left > innerWidth || box.top > innerHeight) return;
  pen.save();
  pen.globalAlpha *= Number(style.opacity);
  if (element instanceof SVGElement && !(element instanceof SVGSVGElement)) shape(element, style, pen);
  else if (element instanceof HTMLCanvasElement) {
    if (element.width && element.height && box.width) pen.drawImage(element, box.left, box.top, box.width, box.height);
  } else {
    if (box.width >= least / 2 && box.height >= least / 2) around(box, style, pen);
    if (style.overflow !== "visible" && box.width && box.height) {
      pen.beginPath();
      pen.rect(box.left, box.top, box.width, box.height);
      pen.clip();
    }
  }
  for (const child of element.childNodes) {
    if (child.nodeType === Node.ELEMENT_NODE) draw(child, pen, least);
    else if (child.nodeType === Node.TEXT_NODE && child.data.trim()) write(child, style, pen);
  }
  pen.restore();
}

function around(box, style, pen) {
  if (!FLAT.has(style.backgroundColor)) {
    pen.fillStyle = style.backgroundColor;
    pen.fillRect(box.left, box.top, box.width, box.height);
  }
  const sides = [["Top", 0, 0, 1, 0], ["Left", 0, 0, 0, 1], ["Bottom", 0, 1, 1, 0], ["Right", 1, 0, 0, 1]];
  for (const [side, x, y, across, down] of sides) {
    const width = parseFloat(style[`border${side}Width`]);
    if (!width || style[`border${side}Style`] === "none" || FLAT.has(style[`border${side}Color`])) continue;
    pen.fillStyle = style[`border${side}Color`];
    pen.fillRect(box.left + x * (box.width - width), box.top + y * (box.height - width), across * box.width || width, down * box.height || width);
  }
}

// Each line of a text where it stands.
function write(node, style, pen) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const [box] = range.getClientRects();
  if (!box?.width) return;
  pen.fillStyle = style.fill && node.parentNode instanceof SVGElement ? style.fill : style.color;
  pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  pen.fillText(node.data.trim(), box.left, box.top + box.height * 0.78, box.width);
}

function shape(element, style, pen) {
  const turn = element.getScreenCTM?.();
  const path = pathOf(element);
  if (!turn || !path) return;
  pen.transform(turn.a, turn.b, turn.c, turn.d, turn.e, turn.f);
  if (style.fill !== "none" && Number(style.fillOpacity)) {
    const alpha = pen.globalAlpha;
    pen.globalAlpha *= Number(style.fillOpacity);
    pen.fillStyle = style.fill;
    pen.fill(path);
    pen.globalAlpha = alpha;
  }
  if (style.stroke !== "none" && parseFloat(style.strokeWidth) && Number(style.strokeOpacity)) {
    pen.strokeStyle = style.stroke;
    pen.lineWidth = parseFloat(style.strokeWidth);
    pen.stroke(path);
  }
}

function pathOf(element) {
  const number = (name) => Number(element.getAttribute(name) ?? 0);
  const path = new Path2D(element.localName === "path" ? element.getAttribute("d") ?? "" : undefined);
  if (element.localName === "rect") path.rect(number("x"), number("y"), number("width"), number("height"));
  else if (element.localName === "circle") path.arc(number("cx"), number("cy"), number("r"), 0, 2 * Math.PI);
  else if (element.localName === "line") {
    path.moveTo(number("x1"), number("y1"));
    path.lineTo(number("x2"), number("y2"));
  } else if (element.localName !== "path") return null;
  return path;
}

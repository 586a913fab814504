// Whether this machine has a font for Chinese: without one every ideograph is the same box, and nobody at a desk sees it.

const SIZE = 32; // px
let found = null; // null: not known, as nothing can be drawn here

// What a text looks like, as the bytes of its picture.
function drawn(pen, text) {
  pen.clearRect(0, 0, SIZE, SIZE);
  pen.fillText(text, 0, SIZE * 0.8);
  return pen.getImageData(0, 0, SIZE, SIZE).data.join();
}

// True, false, or null where a canvas shows nothing. Looked at again until there is one.
export function chinese() {
  if (found) return found;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return found;
  pen.font = `${SIZE * 0.8}px ${getComputedStyle(document.body).fontFamily}`;
  const [one, nation, blank] = ["一", "国", " "].map((text) => drawn(pen, text));
  found = nation === blank ? null : one !== nation;
  return found;
}

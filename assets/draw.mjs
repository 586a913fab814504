// Draws what panels paint as `children` straight into the page. Set as Dash properties, some hundred components would
// each subscribe to the page's store, and every property that is set would wake all of them: 50 ms for one paint of
// the wall against 3 ms here. What is no plain HTML component is left to Dash.

const citywall = (window.citywall ??= {});

const HTML = "dash_html_components";
const SVG = "citywall_svg";
const DRAWN = "http://www.w3.org/2000/svg";
const UNITLESS = new Set(["flex", "flexGrow", "flexShrink", "fontWeight", "lineHeight", "opacity", "order", "zIndex"]);
const NAMES = { className: "class", htmlFor: "for" };
const known = new WeakMap(); // element → {attributes, filled} as drawn last

const list = (children) => (Array.isArray(children) ? children.flat(Infinity) : [children]).filter((c) => c !== null && c !== undefined && c !== true && c !== false);

// Text becomes text nodes, and elements and attributes come from these short lists, so nothing painted can run.
const TAGS = new Set(["a", "b", "br", "div", "em", "h3", "i", "li", "ol", "p", "small", "span", "strong", "sub", "sup", "time", "ul"]);
const PROPS = new Set(["children", "className", "dateTime", "hidden", "href", "lang", "role", "style", "title"]);
const allowed = (name) => PROPS.has(name) || /^(aria|data)-[\w-]+$/.test(name);
const SAID = /^(className|aria-[\w-]+)$/;
// What a drawing is made of, and how each of its attributes may read: numbers and path data, no address and no style.
const NUMBER = /^-?\d+(\.\d+)?$/;
const SHAPES = {
  svg: { viewBox: /^[\d .-]+$/, preserveAspectRatio: /^\w+$/ },
  path: { d: /^[-\d\s.,MLHVCSQTAZmlhvcsqtaz]*$/ },
  rect: { x: NUMBER, y: NUMBER, width: NUMBER, height: NUMBER, rx: NUMBER },
  text: { x: NUMBER, y: NUMBER },
};
const shape = (item) =>
  Object.hasOwn(SHAPES, item.type) &&
  Object.entries(item.props).every(([name, value]) =>
    name === "children" || SAID.test(name) || (Object.hasOwn(SHAPES[item.type], name) && SHAPES[item.type][name].test(value))) &&
  list(item.props.children).every((child) =>
    item.type === "text" ? typeof child !== "object" : item.type === "svg" && child.namespace === SVG && child.type !== "svg" && shape(child));
const plain = (item) =>
  typeof item !== "object" ||
  (item.namespace === SVG
    ? item.type === "svg" && shape(item)
    : item.namespace === HTML && TAGS.has(item.type.toLowerCase()) && Object.keys(item.props).every(allowed) &&
      list(item.props.children).every(plain));

// What a component's properties are as attributes of an element; the style apart, as it is set by its own names.
function attributesOf(props, drawn) {
  const found = {};
  for (const [name, value] of Object.entries(props)) {
    if (name === "children" || name === "style" || value === null || value === undefined) continue;
    const spoken = name.startsWith("aria-") || name.startsWith("data-");
    if (value === false && !spoken) continue;
    if (name === "href" && !/^[?#/](?!\/)/.test(value)) continue; // Only addresses of this very server.
    found[NAMES[name] ?? (spoken || drawn ? name : name.toLowerCase())] = value === true && !spoken ? "" : String(value);
  }
  return found;
}

const styled = (element, name, value) => {
  if (name.startsWith("--")) element.style.setProperty(name, value);
  else element.style[name] = typeof value === "number" && !UNITLESS.has(name) ? `${value}px` : String(value);
};

// A new node with all that stands in it: put into the page whole, it is looked at by the browser once.
function made(item) {
  if (typeof item !== "object") return document.createTextNode(String(item));
  const { props } = item;
  const drawn = item.namespace === SVG;
  const tag = item.type.toLowerCase();
  const element = drawn ? document.createElementNS(DRAWN, tag) : document.createElement(tag);
  const attributes = attributesOf(props, drawn);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  const style = props.style ?? {};
  for (const name in style) styled(element, name, style[name]);
  const children = list(props.children);
  if (children.length) element.append(...children.map(made));
  known.set(element, { attributes, style, filled: children.length > 0 });
  return element;
}

function dress(element, props) {
  const before = known.get(element);
  const attributes = attributesOf(props, element.namespaceURI === DRAWN);
  const style = props.style ?? {};
  for (const [name, value] of Object.entries(attributes)) if (before.attributes[name] !== value) element.setAttribute(name, value);
  for (const name of Object.keys(before.attributes)) if (!(name in attributes)) element.removeAttribute(name);
  for (const [name, value] of Object.entries(style)) {
    if (before.style[name] !== value) styled(element, name, value);
  }
  for (const name of Object.keys(before.style)) if (!(name in style)) element.style[name] = "";
  // An element without children of its own may have been filled by another module, such as a countdown: it stays.
  const children = list(props.children);
  if (children.length || before.filled) fill(element, children);
  known.set(element, { attributes, style, filled: children.length > 0 });
}

// Changes what stands in an element by difference, so that what is hovered over or selected stays so.
function fill(element, items) {
  let at = element.firstChild;
  if (!at) return void element.append(...items.map(made));
  for (const item of items) {
    const text = typeof item !== "object";
    const tag = text ? "" : item.type.toLowerCase();
    const drawn = !text && item.namespace === SVG;
    const fits =
      at && (text ? at.nodeType === Node.TEXT_NODE : at.localName === tag && (at.namespaceURI === DRAWN) === drawn && known.has(at));
    if (!fits) {
      const fresh = made(item);
      if (at) at.replaceWith(fresh);
      else element.append(fresh);
      at = fresh;
    } else if (!text) dress(at, item.props);
    else if (at.data !== String(item)) at.data = String(item);
    at = at.nextSibling;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// Whether a value can be drawn here; what cannot is Dash's business.
citywall.plain = (value) => list(value).every(plain);

// Draws `children` into a component's element. Frames leave such elements empty, so that React has nothing in them
// and never looks there.
citywall.draw = (element, value) => fill(element, list(value));

// Whether an element was drawn here, so that Dash does not know it.
citywall.drawn = (element) => known.has(element);

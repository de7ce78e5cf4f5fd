// Elements are made here and nowhere from text: whatever an archive or a file says stays text.

const SVG = "http://www.w3.org/2000/svg";

/** An element. A function is a listener, true an empty attribute; false, null and undefined are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== false && value !== null && value !== undefined)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A button; `kind` is primary, plain, quiet or danger. A busy one keeps the focus and does nothing. */
export function button(text, { kind = "plain", name = text, busy = false, press, ...attributes }) {
  const act = (event) => {
    event.preventDefault();
    if (!busy) press(event);
  };
  const more = { "aria-label": name === text ? null : name, "aria-disabled": busy ? "true" : null, click: act };
  return el("button", { type: "button", class: `button ${kind}`, ...more, ...attributes }, text);
}

/** Give a list exactly these children and move only those that stand elsewhere: what has the focus keeps it. */
export function arrange(parent, wanted) {
  for (const child of [...parent.childNodes]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, index) => {
    if (parent.childNodes[index] !== child) parent.insertBefore(child, parent.childNodes[index] ?? null);
  });
}

/** Elements that are made anew only when what they show changed; what was unfolded stays so. */
export class Kept {
  #made = new Map();

  /** The element of this key: the one there is, if it shows the same. */
  get(key, shown, make) {
    const mark = JSON.stringify(shown);
    const held = this.#made.get(key);
    if (held?.mark === mark) return held.node;
    const node = make();
    for (const old of held?.node.querySelectorAll("details[id]") ?? []) {
      const fresh = node.querySelector(`#${CSS.escape(old.id)}`);
      if (fresh) fresh.open = old.open;
    }
    this.#made.set(key, { mark, node });
    return node;
  }
}

/** Do something to the page; if that loses the focus, the element of the same id has it again. */
export function keepingFocus(change) {
  const { id } = document.activeElement ?? {};
  change();
  if (id && document.activeElement?.id !== id) document.getElementById(id)?.focus();
}

/** The shape of a state, as the tray icon has it; the text beside it says the same. */
export function shape(name) {
  const [outline, ...glyph] = SHAPES[name] ?? SHAPES.off;
  const drawing = document.createElementNS(SVG, "svg");
  for (const [key, value] of [
    ["viewBox", "0 0 24 24"],
    ["aria-hidden", "true"],
    ["class", `shape ${name}`],
  ]) {
    drawing.setAttribute(key, value);
  }
  drawing.append(path(outline, "outline"), ...glyph.map((line) => path(line, "glyph")));
  return drawing;
}

function path(line, part) {
  const node = document.createElementNS(SVG, "path");
  node.setAttribute("d", line);
  node.setAttribute("class", part);
  return node;
}

const CIRCLE = "M12 1a11 11 0 1 1 0 22a11 11 0 1 1 0-22z";
const SHAPES = {
  ok: [CIRCLE, "M6.8 12.6l3.8 3.8l6.8-8"],
  warn: ["M12 1.2l11.2 21h-22.4z", "M12 9v6", "M12 18.8v.1"],
  error: ["M7.4 1h9.2l6.4 6.4v9.2l-6.4 6.4h-9.2l-6.4-6.4v-9.2z", "M8 8l8 8", "M16 8l-8 8"],
  off: ["M12 2a10 10 0 1 1 0 20a10 10 0 1 1 0-20z", "M8.2 12h7.6"],
  busy: [CIRCLE, "M6.5 12v.1", "M12 12v.1", "M17.5 12v.1"],
};

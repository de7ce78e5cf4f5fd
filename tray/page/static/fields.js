// The fields of a form: each with its label, its help and its fault, tied together for a screen reader.

import { arrange, el } from "./dom.js";
import { has, t } from "./texts.js";

/** One line to type into; `value` is what stands there at first. Its texts are those of its name. */
export class Field {
  #initial;
  #label;
  #help;
  #fault;
  #extra = [];
  #row;

  constructor(name, { value = "", type = "text", label, help, ...attributes } = {}) {
    this.name = name;
    this.#initial = String(value ?? "");
    this.#label = el("label", { for: `field-${name}` }, label ?? t(name));
    this.#help = el("p", { class: "help", id: `help-${name}` }, help ?? (has(`${name}_help`) ? t(`${name}_help`) : ""));
    this.#fault = el("p", { class: "fault-text", id: `fault-${name}` });
    this.input = el("input", {
      id: `field-${name}`,
      name,
      type,
      autocomplete: type === "password" ? "new-password" : "off",
      autocapitalize: "none",
      spellcheck: "false",
      // What is secret never stands in the page's own text.
      value: type === "password" ? null : this.#initial,
      input: () => this.clear(),
      ...attributes,
    });
    this.#row = el("div", { class: "field-row" }, this.input);
    this.node = el("div", { class: "field" });
    this.#show();
  }

  get value() {
    return this.input.value.trim();
  }

  get changed() {
    return this.value !== this.#initial;
  }

  /** Whether the person can see it now. */
  get shown() {
    return this.node.isConnected && !this.node.closest("[hidden]");
  }

  label(text) {
    this.#label.textContent = text;
  }

  help(text) {
    this.#help.textContent = text;
    this.#show();
  }

  /** Put something beside the input: a button. */
  beside(node) {
    this.#row.append(node);
  }

  /** Say what is wrong with it; `remedy` is a button that mends it. */
  fault(text, remedy = null) {
    this.#fault.textContent = text;
    this.#extra = remedy ? [remedy] : [];
    this.input.setAttribute("aria-invalid", "true");
    this.#show();
  }

  clear() {
    if (!this.#fault.textContent) return;
    this.#fault.textContent = "";
    this.#extra = [];
    this.input.removeAttribute("aria-invalid");
    this.#show();
  }

  /** Go there, also where it is folded away. */
  focus() {
    const folded = this.node.closest("details");
    if (folded) folded.open = true;
    this.input.focus();
  }

  #show() {
    const told = [this.#fault, this.#help].filter((node) => node.textContent);
    const described = told.map((node) => node.id).join(" ");
    if (described) this.input.setAttribute("aria-describedby", described);
    else this.input.removeAttribute("aria-describedby");
    const [fault, help] = [this.#fault, this.#help].map((node) => (told.includes(node) ? node : null));
    arrange(this.node, [this.#label, this.#row, fault, ...this.#extra, help].filter(Boolean));
  }
}

/** A choice of one among several; `choices` maps a value to its text. Those in `folded` come under `more`. */
export class Choice {
  node;
  #inputs = new Map();

  constructor(name, legend, choices, { value, folded = {}, more = "", change = () => {} }) {
    const radio = ([key, text]) => {
      const input = el("input", {
        type: "radio",
        name,
        value: key,
        id: `${name}-${key}`,
        checked: key === value,
        change,
      });
      this.#inputs.set(key, input);
      return el("label", { class: "check" }, input, text);
    };
    const rest = Object.entries(folded).map(radio);
    this.node = el(
      "fieldset",
      {},
      el("legend", {}, legend),
      ...Object.entries(choices).map(radio),
      rest.length > 0 && el("details", { class: "more", open: value in folded }, el("summary", {}, more), ...rest),
    );
  }

  get value() {
    for (const [key, input] of this.#inputs) if (input.checked) return key;
    return "";
  }
}

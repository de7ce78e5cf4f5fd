// The page as a whole: its frame, its state, and watching for changes by another hand.

import { Archives } from "./archives.js";
import { Assistants } from "./assistants.js";
import { arrange, button, el, keepingFocus, shape } from "./dom.js";
import { api, begin, forget, Over, Refusal } from "./session.js";
import { at, t } from "./texts.js";

const PING_MS = 15_000;

class Page {
  state = null;
  over = false;
  #seen = "";
  #timer = 0;
  #archives = new Archives(this);
  #assistants = new Assistants(this);
  #notes = el("div", { class: "notes" });
  #status = el("p", { id: "status", role: "status" });
  #saved = el("p", { class: "saved" });
  #version = el("span");
  #main = el("main", {}, el("p", { class: "muted" }, t("loading")));

  constructor() {
    const title = el("h1", { tabindex: "-1" }, t("page_title"));
    const logo = el("img", { src: "/icon.svg", alt: "", width: "40", height: "40" });
    const header = el("header", {}, logo, el("div", { class: "heading" }, title, this.#saved));
    document.title = t("page_title");
    document.getElementById("page").append(header, el("div", { class: "status-line" }, this.#status), this.#main);
  }

  async start() {
    // A new link opened in this very tab only changes the fragment.
    addEventListener("hashchange", () => location.reload());
    document.addEventListener("visibilitychange", () => document.hidden || this.#ping());
    await this.act(async () => {
      await begin();
      this.#timer = setInterval(() => this.#ping(), PING_MS);
      // In this order a change that comes between is seen by the next ping.
      this.#seen = JSON.stringify(await api("ping"));
      await this.refresh();
    });
  }

  /** Tell the person what happened: this line is also read out. */
  say(text, kind = "ok") {
    this.#status.className = text ? `told ${kind}` : "";
    this.#status.replaceChildren(...(text ? [shape(kind), el("span", {}, text)] : []));
  }

  /** Do what the person asked for; a refusal is told, and an end of the session ends the page. */
  async act(deed) {
    if (this.over) return null;
    try {
      return await deed();
    } catch (error) {
      if (error instanceof Over) this.#end(error.message);
      else if (!(error instanceof Refusal)) throw error;
      else {
        this.say(error.message, "error");
        if (error.content.conflict) await this.act(() => this.refresh());
      }
      return null;
    }
  }

  /** A call that changes something; what it answers is shown. */
  async change(path, content) {
    const answer = await api(path, content);
    this.take(answer);
    return answer;
  }

  /** Ask for the state and show it. */
  async refresh() {
    this.take(await api("state"));
  }

  /** Show a state. */
  take(state) {
    this.state = state;
    this.show();
  }

  show() {
    if (this.over) return;
    const { file, version } = this.state;
    this.#saved.textContent = t("saved_in", { path: file.path });
    this.#version.textContent = t("version", { version });
    keepingFocus(() => {
      arrange(this.#notes, this.#noteNodes());
      this.#archives.show();
      this.#assistants.show();
      const archives = file.can_edit ? [this.#archives.node] : [];
      arrange(this.#main, [this.#notes, ...archives, this.#assistants.node, this.#footer]);
    });
  }

  #footer = el("footer", {}, this.#version, button(t("close"), { kind: "quiet", press: () => this.#close() }));

  #noteNodes() {
    const { file, tray_note: note } = this.state;
    const notes = [];
    if (!file.can_edit) notes.push(this.#broken(file));
    if (note) {
      const told = el("p", {}, t("tray_none", { note }));
      notes.push(
        el(
          "div",
          { class: "note" },
          shape("off"),
          el("div", {}, told, el("p", { class: "muted" }, t("tray_note_help"))),
        ),
      );
    }
    return notes;
  }

  #broken(file) {
    const faults = file.faults.map(({ line, message }) =>
      el("li", {}, line ? t("broken_line", { line, message }) : message),
    );
    const restore = () =>
      this.act(async () => {
        await this.change("archives/restore");
        this.say(t("restored"));
      });
    const text = t("restore", { time: file.copy_time ? at(file.copy_time) : "" });
    return el(
      "section",
      { class: "note error", "aria-labelledby": "broken" },
      shape("error"),
      el(
        "div",
        {},
        el("h2", { id: "broken" }, t("broken")),
        el("ul", {}, ...faults),
        el("p", {}, t("broken_help")),
        file.copy_time && button(text, { kind: "primary", id: "restore", press: restore }),
      ),
    );
  }

  async #ping() {
    if (this.over || !this.state) return;
    await this.act(async () => {
      const seen = JSON.stringify(await api("ping"));
      const changed = seen !== this.#seen;
      this.#seen = seen;
      if (changed) await this.refresh();
      // What was "just now" is so no more.
      else this.show();
    });
  }

  async #close() {
    await this.act(async () => {
      await api("close");
      forget();
      this.#end(t("closed_by_you"), "");
    });
  }

  /** Nothing works any more: say why, and leave nothing on the page that was typed. */
  #end(why, more = t("closed_saved")) {
    if (this.over) return;
    this.over = true;
    clearInterval(this.#timer);
    this.say("");
    const heading = el("h2", { tabindex: "-1", id: "closed" }, t("closed"));
    const told = [el("p", {}, why), this.state && more && el("p", { class: "muted" }, more)];
    for (const dialog of document.querySelectorAll("dialog")) dialog.remove();
    this.#main.replaceChildren(
      el("section", { class: "closed", "aria-labelledby": "closed" }, shape("off"), heading, ...told.filter(Boolean)),
    );
    heading.focus();
  }
}

new Page().start();

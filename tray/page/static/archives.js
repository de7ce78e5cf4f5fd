// The archives: one card each, in the order of the file.

import { faultOf, stateOf, stepsOf, timesOf, titleOf } from "./archive_card.js";
import { ArchiveForm } from "./archive_form.js";
import { askToRemove } from "./archive_removal.js";
import { arrange, button, el, Kept, keepingFocus, shape } from "./dom.js";
import { lines } from "./session.js";
import { t, when } from "./texts.js";

export class Archives {
  node = el("section", { "aria-labelledby": "archives" });
  #page;
  #form = null;
  #offered = false;
  #tests = new Map();
  #kept = new Kept();
  #list = el("ol", { class: "cards" });
  #add = button(t("add"), { id: "add", press: () => this.#open(null) });
  #testAll = button(t("test_all"), { id: "test-all", press: () => this.#runAll() });
  #head = el(
    "div",
    { class: "section-head" },
    el("h2", { id: "archives" }, t("archives")),
    el("div", { class: "actions" }),
  );
  #hint = el("p", { class: "muted" }, t("archives_order"));
  #welcome = el("p", { class: "muted" }, t("welcome"));
  #empty = el(
    "div",
    { class: "empty" },
    el("p", {}, t("archives_none")),
    el("p", { class: "muted" }, t("archives_none_help")),
  );

  constructor(page) {
    this.#page = page;
  }

  show() {
    const { archives, file } = this.#page.state;
    if (!this.#offered && file.can_edit && archives.length === 0) this.#form ??= this.#newForm(null);
    this.#offered = true;
    if (!file.can_edit) this.#form = null;
    const adding = this.#form !== null && this.#form.archive === null;
    arrange(
      this.#list,
      archives.map((archive, index) => this.#item(archive, index)),
    );
    const nothing = archives.length === 0 && !adding && file.can_edit;
    const actions = [archives.length > 1 && this.#testAll, file.can_edit && !adding && this.#add];
    arrange(this.#head.lastChild, actions.filter(Boolean));
    const parts = [
      this.#head,
      archives.length === 0 && file.can_edit && this.#welcome,
      archives.length > 1 && this.#hint,
      nothing && this.#empty,
      archives.length > 0 && this.#list,
      adding && this.#form.node,
    ];
    arrange(this.node, parts.filter(Boolean));
  }

  #item(archive, index) {
    if (this.#form?.archive?.name === archive.name) return this.#form.item;
    const count = this.#page.state.archives.length;
    const test = this.#tests.get(archive.name) ?? null;
    const age = archive.tested_at && when(archive.tested_at);
    const used = archive.answered_at && when(archive.answered_at);
    const shown = [archive, index, count, test, age, used];
    return this.#kept.get(archive.name, shown, () => this.#card(archive, index, count, test));
  }

  #card(archive, index, count, test) {
    const { name } = archive;
    const title = titleOf(archive);
    const [state, text] = stateOf(archive, test);
    const heading = el("h3", { id: `archive-${name}`, tabindex: "-1" }, title);
    const place = archive.folder ? t("folder_of", { path: archive.folder }) : archive.url;
    const told = el("p", { class: "state" }, el("strong", {}, text), ...timesOf(archive, test));
    const card = el(
      "article",
      { class: "card", "aria-labelledby": heading.id },
      shape(state),
      el(
        "div",
        { class: "body" },
        el("div", { class: "row" }, heading, this.#actions(archive, title, test)),
        told,
        el(
          "p",
          { class: "muted place" },
          place,
          title === name ? null : el("span", { class: "tag" }, t("short_name", { name })),
        ),
        ...faultOf(archive, test),
        ...stepsOf(archive, test),
        el(
          "div",
          { class: "row minor" },
          this.#switch(archive, title),
          count > 1 && this.#moves(archive, title, index, count),
        ),
      ),
    );
    return el("li", {}, card);
  }

  #actions(archive, title, test) {
    const { name } = archive;
    const named = (key) => t(`${key}_named`, { title });
    const busy = test !== null;
    return el(
      "div",
      { class: "actions" },
      button(t(busy ? "testing" : "test"), {
        name: named("test"),
        id: `test-${name}`,
        busy,
        press: () => this.#run(name),
      }),
      button(t("edit"), { name: named("edit"), id: `edit-${name}`, press: () => this.#open(archive) }),
      button(t("remove"), { name: named("remove"), id: `remove-${name}`, press: () => this.#ask(archive, title) }),
    );
  }

  #switch(archive, title) {
    const press = (event) => this.#enable(archive.name, title, event.target.checked);
    const named = { id: `use-${archive.name}`, "aria-label": t("use_named", { title }) };
    const box = el("input", { type: "checkbox", role: "switch", checked: archive.enabled, change: press, ...named });
    return el("label", { class: "switch" }, box, el("span", { "aria-hidden": "true" }, t("use")));
  }

  #moves(archive, title, index, count) {
    const move = (key, sign, by, busy) =>
      button(sign, {
        kind: "quiet arrow",
        name: t(`${key}_named`, { title }),
        id: `${key}-${archive.name}`,
        busy,
        press: () => this.#move(archive.name, title, by),
      });
    return el("div", { class: "actions" }, move("up", "↑", -1, index === 0), move("down", "↓", 1, index === count - 1));
  }

  #newForm(archive) {
    const close = (done) => {
      this.#form = null;
      this.#page.show();
      const back = done ?? archive?.name;
      document.getElementById(done ? `archive-${done}` : back ? `edit-${back}` : "add")?.focus();
      if (done) this.#run(done);
    };
    const first = this.#page.state.archives.length === 0;
    return new ArchiveForm(this.#page, archive, { first, close });
  }

  #open(archive) {
    if (this.#form?.touched) {
      this.#page.say(t("form_open"), "warn");
      this.#form.focus();
      return;
    }
    this.#page.say("");
    this.#form = this.#newForm(archive);
    this.#page.show();
    this.#form.focus();
  }

  async #run(name) {
    const page = this.#page;
    const archive = () => page.state.archives.find((one) => one.name === name);
    if (!archive() || this.#tests.has(name)) return;
    const title = titleOf(archive());
    const steps = [];
    const show = () => keepingFocus(() => this.show());
    this.#tests.set(name, steps);
    page.say(t("test_started", { title }), "busy");
    show();
    let card = null;
    await page.act(async () => {
      for await (const line of lines("archives/test", { name })) {
        if (line.step) steps.push(line.step);
        if (line.archive?.name) card = line.archive;
        show();
      }
    });
    this.#tests.delete(name);
    if (card) page.state.archives = page.state.archives.map((one) => (one.name === name ? card : one));
    page.show();
    if (steps.length > 0 && !page.over) this.#tell(title, card);
  }

  #tell(title, card) {
    const failed = card?.steps.find((step) => step.ok === false);
    const connected = this.#page.state.clients.some(({ state }) => state === "connected");
    if (!card) this.#page.say(t("test_broke_off", { title }), "warn");
    else if (failed) this.#page.say(t("test_failed", { title, message: failed.message }), card.shape);
    else this.#page.say(t(connected ? "test_ok" : "test_ok_next", { title }));
  }

  async #runAll() {
    for (const { name, enabled } of this.#page.state.archives) if (enabled) await this.#run(name);
  }

  async #enable(name, title, on) {
    await this.#page.act(async () => {
      await this.#page.change("archives/enable", { name, on, etag: this.#page.state.file.etag });
      this.#page.say(t(on ? "switched_on" : "switched_off", { title }));
    });
    // What was refused is shown as it was.
    const box = document.getElementById(`use-${name}`);
    const archive = this.#page.state.archives.find((one) => one.name === name);
    if (box && archive) box.checked = archive.enabled;
  }

  async #move(name, title, by) {
    const names = this.#page.state.archives.map((archive) => archive.name);
    const from = names.indexOf(name);
    names.splice(from, 1);
    names.splice(from + by, 0, name);
    await this.#page.act(async () => {
      await this.#page.change("archives/order", { names, etag: this.#page.state.file.etag });
      this.#page.say(t("moved", { title, number: from + by + 1, count: names.length }));
    });
  }

  #ask(archive, title) {
    askToRemove(archive, title, (forgetSecret) => this.#remove(archive.name, title, forgetSecret));
  }

  async #remove(name, title, forgetSecret) {
    await this.#page.act(async () => {
      const asked = { name, forget_secret: forgetSecret, etag: this.#page.state.file.etag };
      await this.#page.change("archives/remove", asked);
      this.#page.say(t("removed", { title }));
      document.getElementById("add")?.focus();
    });
  }
}

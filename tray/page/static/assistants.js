// The assistants on this computer: how each stands, and connecting one after its change was shown.

import { nextStep, planned } from "./assistant_plan.js";
import { arrange, button, el, Kept, shape } from "./dom.js";
import { api, Refusal } from "./session.js";
import { t, when } from "./texts.js";

const SHAPES = { connected: "ok", different: "warn", removed: "warn", damaged: "error", found: "off" };
// What each state offers: how connecting is called then, and whether there is something to take out.
const OFFERS = {
  found: ["connect", false],
  connected: ["", true],
  different: ["reconnect", true],
  removed: ["reconnect", false],
  damaged: ["", false],
};

export class Assistants {
  node = el("section", { "aria-labelledby": "clients" });
  #page;
  #plan = null;
  #finished = new Map();
  #chosen = new Map();
  #kept = new Kept();
  #list = el("ul", { class: "cards" });
  #head = el("div", { class: "section-head" }, el("h2", { id: "clients" }, t("clients")));

  constructor(page) {
    this.#page = page;
  }

  show() {
    const { archives, clients, file } = this.#page.state;
    const found = clients.filter(({ state }) => state !== "not found");
    const absent = clients.filter(({ state }) => state === "not found");
    const titles = (some) => some.map(({ title }) => title).join(", ");
    const connected = found.some(({ state }) => state !== "found");
    if (archives.length === 0 && file.can_edit && !connected) {
      const told = [el("p", {}, t("clients_first"))];
      if (found.length > 0) told.push(el("p", { class: "muted" }, t("clients_first_found", { titles: titles(found) })));
      return arrange(this.node, [
        this.#head,
        this.#kept.get("first", titles(found), () => el("div", { class: "empty" }, ...told)),
      ]);
    }
    if (found.length === 0) {
      const told = () =>
        el(
          "div",
          { class: "empty" },
          el("p", {}, t("clients_none")),
          el("p", { class: "muted" }, t("clients_none_help")),
        );
      return arrange(this.node, [this.#head, this.#kept.get("none", "", told)]);
    }
    arrange(
      this.#list,
      found.map((client) => this.#item(client)),
    );
    const rest = this.#kept.get("absent", titles(absent), () =>
      el("p", { class: "muted" }, t("clients_absent", { titles: titles(absent) })),
    );
    return arrange(this.node, [this.#head, this.#list, ...(absent.length > 0 ? [rest] : [])]);
  }

  #item(client) {
    const plan = this.#plan?.client === client.id ? this.#plan : null;
    const finished = this.#finished.get(client.id) ?? null;
    const used = client.last_used && when(client.last_used);
    const open = this.#plan !== null;
    return this.#kept.get(client.id, [client, plan, finished, used, open], () => this.#card(client, plan, finished));
  }

  #card(client, plan, finished) {
    const { id, title, state } = client;
    const heading = el("h3", { id: `client-${id}`, tabindex: "-1" }, title);
    const told = el("p", { class: "state" }, el("strong", {}, t(`client_${state}`)));
    if (state === "connected")
      told.append(
        el(
          "span",
          { class: "muted" },
          ` · ${client.last_used ? t("client_used", { time: when(client.last_used) }) : t("client_unused")}`,
        ),
      );
    const parts = [el("div", { class: "row" }, heading, plan || finished ? null : this.#actions(client)), told];
    if (["different", "removed", "damaged"].includes(state)) parts.push(el("p", {}, client.message));
    if (client.managed) parts.push(el("p", { class: "warning" }, t("client_managed")));
    if (client.choices.length > 0 && !plan) parts.push(this.#choices(client));
    if (plan) parts.push(this.#planned(client, plan));
    if (finished) parts.push(this.#next(client, finished));
    const kind = plan || finished ? "card open" : "card";
    return el(
      "li",
      {},
      el(
        "article",
        { class: kind, "aria-labelledby": heading.id },
        shape(SHAPES[state]),
        el("div", { class: "body" }, ...parts),
      ),
    );
  }

  #actions(client) {
    const { id, title, state } = client;
    const [connect, removes] = OFFERS[state];
    const named = (key, kind, press) =>
      button(t(key), { kind, name: t(`${key}_named`, { title }), id: `${key}-${id}`, press });
    return el(
      "div",
      { class: "actions" },
      client.can_undo && named(state === "removed" ? "leave" : "undo", "quiet", () => this.#undo(client)),
      connect && named(connect, "primary", () => this.#ask(client, false)),
      removes && named("disconnect", "plain", () => this.#ask(client, true)),
    );
  }

  #choices(client) {
    const radio = (path, index) => {
      const change = () => this.#chosen.set(client.id, path);
      const checked = this.#chosen.get(client.id) === path;
      return el(
        "label",
        { class: "check path" },
        el("input", { type: "radio", name: `file-${client.id}`, id: `file-${client.id}-${index}`, checked, change }),
        path,
      );
    };
    return el(
      "fieldset",
      {},
      el("legend", {}, t("client_choices", { title: client.title })),
      ...client.choices.map(radio),
    );
  }

  #planned(client, plan) {
    const write = (anyway) => this.#write(client, anyway);
    return planned(client, plan, { write, drop: () => this.#drop(client) });
  }

  #next(client, finished) {
    const done = () => {
      this.#finished.delete(client.id);
      this.#show(`client-${client.id}`);
      this.#page.say(t("all_done", { title: client.title }));
    };
    return nextStep(client, finished, { done, undo: () => this.#undo(client) });
  }

  async #ask(client, remove) {
    const file = this.#chosen.get(client.id);
    if (client.choices.length > 0 && !file) {
      this.#page.say(t("client_choose"), "warn");
      document.getElementById(`file-${client.id}-0`).focus();
      return;
    }
    await this.#page.act(async () => {
      this.#plan = await this.#planOf(client, remove, file);
      this.#finished.delete(client.id);
      this.#page.say("");
      this.#show(this.#plan.changes ? `write-${client.id}` : `plan-done-${client.id}`);
    });
  }

  async #planOf(client, remove, file) {
    const asked = { client: client.id, remove, ...(file ? { file } : {}) };
    return { ...asked, ...(await api("clients/plan", asked)), busy: false, error: "" };
  }

  async #write(client, anyway) {
    const { remove, file, etag } = this.#plan;
    const since = Math.floor(Date.now() / 1000) * 1000;
    this.#plan = { ...this.#plan, busy: true, error: "" };
    this.#page.show();
    if (!remove) this.#page.say(t("write_started"), "busy");
    const asked = { client: client.id, remove, etag, even_if_running: anyway, ...(file ? { file } : {}) };
    await this.#page.act(async () => {
      try {
        const answer = await api("clients/apply", asked);
        this.#plan = null;
        if (!remove) this.#finished.set(client.id, { message: answer.message, since });
        this.#page.take(answer);
        this.#page.say(answer.message);
        document.getElementById(remove ? `client-${client.id}` : `done-${client.id}`)?.focus();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        await this.#refused(client, error);
      }
    });
  }

  /** Show the change as it would be now, with what stood in its way. */
  async #refused(client, error) {
    const { remove, file } = this.#plan;
    this.#page.say("");
    try {
      this.#plan = { ...(await this.#planOf(client, remove, file)), error: error.message };
    } catch (again) {
      this.#plan = null;
      throw again;
    } finally {
      this.#show(`write-${client.id}`);
    }
  }

  #drop(client) {
    this.#plan = null;
    this.#show("");
    const back = ["connect", "reconnect", "disconnect"].map((key) => document.getElementById(`${key}-${client.id}`));
    (back.find(Boolean) ?? document.getElementById(`client-${client.id}`))?.focus();
  }

  async #undo(client) {
    await this.#page.act(async () => {
      const answer = await this.#page.change("clients/undo", { client: client.id });
      this.#finished.delete(client.id);
      this.#page.say(answer.message);
      this.#show(`client-${client.id}`);
    });
  }

  #show(focus) {
    this.#page.show();
    if (focus) document.getElementById(focus)?.focus();
  }
}

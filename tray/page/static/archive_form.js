// The form of one archive: what is typed stays until it is saved, whatever else changes on the page.

import { ADVANCED, archiveFields, NUMBERS, OPTIONAL, SIGN_IN, WEB_ONLY } from "./archive_fields.js";
import { arrange, button, el } from "./dom.js";
import { Choice } from "./fields.js";
import { api, Refusal } from "./session.js";
import { t } from "./texts.js";

export class ArchiveForm {
  /** The archive that is changed, null for a new one. */
  archive;
  #page;
  #close;
  #busy = false;
  #touched = false;
  #fields;
  #where;
  #auth;
  #keep;
  #told = el("div", { class: "form-told", role: "alert" });
  #store = el("div", { class: "store" });
  #signIn = el("div", { class: "sign-in" });
  #save = el("button", { type: "submit", class: "button primary" });

  constructor(page, archive, { first, close }) {
    this.archive = archive;
    this.#page = page;
    this.#close = close;
    const held = archive ?? { title: first ? t("title_first") : "" };
    const again = () => this.#fit();
    this.#where = new Choice(
      "where",
      t("form_where"),
      { network: t("form_network"), folder: t("form_folder") },
      { value: held.folder ? "folder" : "network", change: again },
    );
    this.#auth = new Choice(
      "auth",
      t("auth"),
      { none: t("auth_none"), basic: t("auth_basic"), bearer: t("auth_bearer") },
      {
        value: held.auth ?? "none",
        folded: { header: t("auth_header"), oauth2: t("auth_oauth2") },
        more: t("auth_more"),
        change: again,
      },
    );
    this.#fields = archiveFields(held, archive?.name ?? "");
    this.#keep = el("input", {
      type: "checkbox",
      id: "keep-in-file",
      checked: held.secret_kept === "file",
      "aria-describedby": "keep-help",
    });
    this.#build(archive);
    this.#fit();
  }

  /** Whether something was typed or chosen that would be lost. */
  get touched() {
    return this.#touched;
  }

  focus() {
    this.#fields.title.focus();
  }

  #build(archive) {
    const title = archive ? t("form_edit", { title: archive.title || archive.name }) : t("form_add");
    const heading = el("h3", { id: "form-title" }, title);
    const advanced = el(
      "details",
      { class: "advanced" },
      el("summary", {}, t("advanced")),
      el("div", { class: "grid" }, ...ADVANCED.map((name) => this.#fields[name].node)),
    );
    const cancel = button(t("cancel"), { press: () => this.#close(null) });
    this.#save.textContent = t("save");
    const form = el(
      "form",
      {
        class: "card form",
        novalidate: true,
        autocomplete: "off",
        "aria-labelledby": heading.id,
        submit: (event) => this.#submit(event),
        input: () => (this.#touched = true),
      },
      heading,
      this.#told,
      this.#fields.title.node,
      this.#where.node,
      this.#fields.url.node,
      this.#fields.folder.node,
      this.#auth.node,
      this.#signIn,
      advanced,
      el("div", { class: "actions" }, this.#save, cancel),
    );
    this.node = form;
    this.item = el("li", {}, archive ? form : "");
  }

  get #folder() {
    return this.#where.value === "folder";
  }

  /** Where the secret for this way to sign in is kept already, "" where there is none. */
  get #keptSecret() {
    const { archive } = this;
    return archive?.has_secret && archive.auth === this.#auth.value ? archive.secret_kept : "";
  }

  /** Show what the choices ask for. */
  #fit() {
    const auth = this.#auth.value;
    const asked = this.#folder ? [] : SIGN_IN[auth];
    this.#fields.url.node.hidden = this.#folder;
    this.#fields.folder.node.hidden = !this.#folder;
    this.#auth.node.hidden = this.#folder;
    for (const name of WEB_ONLY) this.#fields[name].node.hidden = this.#folder;
    this.#fields.secret_reference.node.hidden = !asked.includes("secret");
    const nodes = asked.flatMap((name) =>
      name === "secret" ? [this.#fields.secret.node, this.#store] : this.#fields[name].node,
    );
    arrange(this.#signIn, nodes);
    this.#signIn.hidden = asked.length === 0;
    if (asked.includes("secret")) this.#fitSecret(auth);
  }

  #fitSecret(auth) {
    const { secret } = this.#fields;
    const { store } = this.#page.state;
    const kept = this.#keptSecret;
    secret.label(t(`secret_${auth}`));
    secret.help(t(kept === "variable" ? "secret_help_variable" : kept ? "secret_help_kept" : "secret_help"));
    const warning = { locked: t("store_locked"), missing: t("store_missing"), "plain-text": t("store_plain") }[store];
    if (!warning && !this.#keep.checked) return arrange(this.#store, []);
    if (!kept) secret.help("");
    const choice = el("label", { class: "check" }, this.#keep, t("keep_in_file"));
    const help = el("p", { class: "help", id: "keep-help" }, t("keep_in_file_help"));
    return arrange(this.#store, [warning && el("p", { class: "warning" }, warning), choice, help].filter(Boolean));
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#busy) return;
    this.#told.replaceChildren();
    for (const field of Object.values(this.#fields)) field.clear();
    const missing = this.#missing();
    if (missing.length > 0) return this.#fault(missing);
    this.#working(true);
    await this.#page.act(() => this.#send());
    this.#working(false);
  }

  async #send() {
    try {
      const answer = await this.#page.change("archives/save", this.#content());
      const title = answer.archives.find(({ name }) => name === answer.name).title || answer.name;
      this.#page.say(t("saved", { title }));
      this.#fields.secret.input.value = "";
      this.#close(answer.name);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      await this.#refused(error);
    }
  }

  #working(busy) {
    this.#busy = busy;
    this.#save.textContent = t(busy ? "saving" : "save");
    this.#save.setAttribute("aria-disabled", String(busy));
  }

  /** What has to be there and is not, in plain words. */
  #missing() {
    const fields = this.#fields;
    const needed = this.#folder
      ? ["folder"]
      : ["url", ...SIGN_IN[this.#auth.value].filter((name) => !OPTIONAL.has(name))];
    const elsewhere = this.#keptSecret || fields.secret_reference.value;
    const empty = needed.filter((name) => !fields[name].input.value && !(name === "secret" && elsewhere));
    const signedUrls = ["url", "token_url"].filter(
      (name) => fields[name].shown && /^[^/]*\/\/[^/]*@/.test(fields[name].value),
    );
    const numbers = Object.keys(NUMBERS).filter(
      (name) => !fields[name].input.validity.valid && fields[name].input.validity.badInput,
    );
    return [
      ...empty.map((field) => ({ field, message: t(`needs_${field}`) })),
      ...signedUrls.map((field) => ({ field, message: t("needs_plain_url") })),
      ...numbers.map((field) => ({ field, message: t("needs_number") })),
    ];
  }

  /** What is to be saved: of an archive that is there, only what was changed. */
  #content() {
    const fields = this.#fields;
    const content = { etag: this.#page.state.file.etag };
    if (this.archive) content.name = this.archive.name;
    const put = (name) => {
      const { value, changed } = fields[name];
      if (changed) content[name] = name in NUMBERS && value !== "" ? Number(value) : value;
    };
    put("title");
    // A name that is offered is saved as one that was typed.
    if (!this.archive) content.title = fields.title.value;
    put(this.#folder ? "folder" : "url");
    if (!this.#folder && this.archive?.folder) content.url = fields.url.value;
    if (!this.#folder) this.#signInContent(content, put);
    for (const name of ADVANCED) if (fields[name].shown) put(name);
    if (content.new_name === "") delete content.new_name;
    return content;
  }

  #signInContent(content, put) {
    const auth = this.#auth.value;
    if (auth !== (this.archive?.auth ?? "none")) content.auth = auth;
    for (const name of SIGN_IN[auth]) if (name !== "secret") put(name);
    const { value } = this.#fields.secret.input;
    if (!SIGN_IN[auth].includes("secret") || !value) return;
    content.secret = value;
    content.keep = this.#keep.checked ? "file" : "store";
  }

  async #refused({ status, content, message }) {
    if (content.conflict) {
      this.#tell(t("form_conflict"));
      this.#page.take(await api("state"));
      return;
    }
    if (content.store) {
      this.#page.state.store = content.store;
      this.#fit();
    }
    const told = content.faults?.length ? content.faults : content.field ? [{ field: content.field, message }] : [];
    const faults = told.map((fault) => this.#inForm(fault));
    const known = faults.filter(({ field }) => this.#fields[field]?.shown);
    if (known.length < Math.max(faults.length, 1)) this.#tell(message);
    if (known.length > 0) this.#fault(known, known.length < faults.length);
    else if (status) this.#save.focus();
  }

  /** A fault of the file as one of the form. */
  #inForm({ field, message }) {
    const { secret, secret_reference: reference } = this.#fields;
    if (field === "secret" && !secret.input.value && reference.value)
      return { field: reference.name, message: t("needs_reference") };
    // Quotes are a matter of the file.
    return { field, message: message.replace(/, without quotes$/, "") };
  }

  #fault(faults, told = false) {
    for (const { field, message } of faults) {
      this.#fields[field].fault(sentence(message), field === "url" ? this.#httpsRemedy() : null);
    }
    if (!told) this.#tell(t("form_faulty"));
    const places = Object.values(this.#fields).filter(({ input }) => input.getAttribute("aria-invalid"));
    places.sort((one, other) =>
      one.node.compareDocumentPosition(other.node) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1,
    );
    places[0].focus();
  }

  /** A button that puts https:// before an address that has no scheme. */
  #httpsRemedy() {
    const { url } = this.#fields;
    if (!url.value || url.value.includes("://") || /\s/.test(url.value)) return null;
    const full = `https://${url.value}`;
    const press = () => {
      url.input.value = full;
      url.clear();
      url.focus();
    };
    return button(t("add_https", { url: full }), { kind: "quiet remedy", press });
  }

  #tell(text) {
    this.#told.replaceChildren(el("p", {}, text));
  }
}

function sentence(message) {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

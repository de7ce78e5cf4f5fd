// What can be said of one archive: a field for each key of its entry.

import { button } from "./dom.js";
import { Field } from "./fields.js";
import { t } from "./texts.js";

// What each way to sign in asks for.
export const SIGN_IN = {
  none: [],
  basic: ["user", "secret"],
  bearer: ["secret"],
  header: ["header", "secret"],
  oauth2: ["token_url", "client_id", "secret", "scope"],
};
// Of these, what may be left empty.
export const OPTIONAL = new Set(["scope"]);
// Numbers, and the steps in which they go.
export const NUMBERS = { deadline_s: "any", max_connections: "1", max_rows: "1", max_bytes: "1" };
// What has no use with a folder.
export const WEB_ONLY = ["ca_file", "client_cert", "client_key", "max_connections", "secret_reference"];
export const ADVANCED = [
  ...["new_name", "deadline_s", "ca_file", "client_cert", "client_key", "secret_reference"],
  ...["viewer_url", "patient_id_issuer", "max_connections", "max_rows", "max_bytes"],
];

/** The fields by name; `held` is what they begin with, `name` the archive's own, "" for a new one. */
export function archiveFields(held, name) {
  const fields = {};
  const add = (key, more = {}) => {
    fields[key] = new Field(key, { value: held[key], ...more });
  };
  add("title");
  add("url", { type: "url", placeholder: "https://" });
  add("folder", { help: t("folder_help", { example: exampleFolder() }) });
  for (const key of ["user", "header", "token_url", "client_id", "scope"]) add(key);
  add("secret", { type: "password", value: "", label: t("secret_basic") });
  fields.secret.beside(shower(fields.secret.input));
  for (const key of ADVANCED) {
    if (key in NUMBERS) add(key, { type: "number", step: NUMBERS[key], inputmode: "decimal" });
    else if (key === "new_name") add(key, { value: name, help: t(name ? "new_name_help" : "new_name_help_new") });
    else add(key);
  }
  return fields;
}

function exampleFolder() {
  return navigator.userAgent.includes("Windows") ? "D:\\teaching" : "/home/me/teaching";
}

/** A button that shows what is typed into a password's field. */
function shower(input) {
  const press = () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    show.textContent = t(shown ? "secret_show" : "secret_hide");
    show.setAttribute("aria-pressed", String(!shown));
  };
  const show = button(t("secret_show"), { name: t("secret_show_named"), "aria-pressed": "false", press });
  return show;
}

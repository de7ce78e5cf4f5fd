// The question before an archive is removed: the safe answer has the focus, and Escape gives it.

import { button, el } from "./dom.js";
import { t } from "./texts.js";

/** Ask, and call `remove` with whether the password is to be forgotten as well. */
export function askToRemove(archive, title, remove) {
  // What IT has set in a variable is not ours to forget.
  const ours = archive.has_secret && archive.secret_kept !== "variable";
  const box = el("input", { type: "checkbox", id: "forget", checked: true });
  const agree = () => {
    dialog.close();
    remove(ours && box.checked);
  };
  const dialog = el(
    "dialog",
    { "aria-labelledby": "question", "aria-describedby": "question-help", close: () => dialog.remove() },
    el("h2", { id: "question" }, t("remove_question", { title })),
    el("p", { id: "question-help" }, t("remove_help")),
    ours && el("label", { class: "check" }, box, t("remove_secret")),
    el(
      "div",
      { class: "actions end" },
      button(t("remove_no"), { autofocus: true, press: () => dialog.close() }),
      button(t("remove_yes"), { kind: "danger", press: agree }),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

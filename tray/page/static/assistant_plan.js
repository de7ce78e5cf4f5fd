// What an open assistant's card shows: the change before it is written, and what is left to do after that.

import { button, el, shape } from "./dom.js";
import { t } from "./texts.js";

/** The change that a plan makes, before anything comes of it. */
export function planned(client, plan, { write, drop }) {
  const { title, id } = client;
  const heading = el(
    "h4",
    { id: `plan-${id}`, tabindex: "-1" },
    t(plan.remove ? "plan_removes" : "plan_adds", { title }),
  );
  const hints = plan.hints.map((hint) => el("p", { class: "warning" }, hint));
  if (!plan.changes) {
    const ready = button(t("done"), { kind: "primary", id: `plan-done-${id}`, press: drop });
    return el(
      "div",
      { class: "plan" },
      el("p", {}, t("plan_nothing", { title })),
      el("div", { class: "actions" }, ready),
    );
  }
  return el(
    "section",
    { class: "plan", "aria-labelledby": heading.id },
    heading,
    diff(plan.diff),
    ...hints,
    el("p", { class: "muted" }, t("plan_help")),
    plan.error && el("p", { class: "fault-text", role: "alert" }, plan.error),
    el(
      "div",
      { class: "actions" },
      button(t(plan.busy ? "writing" : "write"), {
        kind: "primary",
        id: `write-${id}`,
        busy: plan.busy,
        press: () => write(false),
      }),
      plan.error &&
        plan.running &&
        button(t("write_anyway"), { id: `anyway-${id}`, busy: plan.busy, press: () => write(true) }),
      button(t("cancel"), { id: `cancel-${id}`, press: drop }),
    ),
  );
}

/** What the person does next, and whether the assistant has used its connection since. */
export function nextStep(client, { message, since }, { done, undo }) {
  const { title, id } = client;
  const used = client.last_used && Date.parse(client.last_used) >= since;
  const state = el(
    "p",
    { class: "waiting" },
    shape(used ? "ok" : "busy"),
    t(used ? "waiting_done" : "waiting", { title }),
  );
  return el(
    "section",
    { class: "plan", "aria-labelledby": `next-${id}` },
    el("h4", { id: `next-${id}`, tabindex: "-1" }, t("next")),
    el("p", {}, message),
    state,
    el(
      "div",
      { class: "actions" },
      button(t("done"), { kind: "primary", id: `done-${id}`, press: done }),
      client.can_undo &&
        button(t("undo"), {
          kind: "quiet",
          name: t("undo_named", { title }),
          id: `undo-${id}`,
          press: undo,
        }),
    ),
  );
}

/** A change line by line: what comes and what goes are marked by their first sign and by colour. */
function diff(text) {
  const kinds = { "+": "added", "-": "taken" };
  const lines = text.split("\n").map((line) => el("span", { class: kinds[line[0]] ?? "" }, `${line}\n`));
  return el("pre", { class: "diff", tabindex: "0", role: "region", "aria-label": t("plan_diff") }, ...lines);
}

// What one archive's card says: its state in shape and words, what its last test found, and the details for IT.

import { button, el, shape } from "./dom.js";
import { t, when } from "./texts.js";

const STEPS = { ok: "ok", failed: "error", neutral: "off" };

/** An archive as people call it. */
export function titleOf(archive) {
  return archive.title || archive.name;
}

export function stateOf(archive, test) {
  if (test || archive.shape === "busy") return ["busy", t("state_busy")];
  if (!archive.enabled) return ["off", t("state_unused")];
  if (archive.shape === "ok") return ["ok", t("state_ok")];
  if (archive.shape === "off") return ["off", t("state_off")];
  return [archive.shape, t("state_problem", { text: archive.text })];
}

export function timesOf(archive, test) {
  if (test) return [];
  const times = [];
  if (archive.tested_at) times.push(t("tested_at", { time: when(archive.tested_at) }));
  if (archive.answered_at) times.push(t("answered_at", { time: when(archive.answered_at) }));
  return times.map((time) => el("span", { class: "muted" }, ` · ${time}`));
}

export function faultOf(archive, test) {
  const failed = archive.steps.find((step) => step.ok === false);
  if (test || !failed) return [];
  const advice = failed.advice && el("p", {}, failed.advice);
  return [el("div", { class: "fault" }, el("p", {}, el("strong", {}, failed.message)), advice)];
}

export function stepsOf(archive, test) {
  const steps = test ?? archive.steps;
  if (!test && steps.length === 0) return [];
  const list = el("ol", { class: "steps" }, ...steps.map(stepNode));
  if (test) {
    list.append(el("li", { class: "pending" }, shape("busy"), el("span", {}, t("step_next"))));
    return [list];
  }
  const failed = steps.find((step) => step.ok === false);
  const shown = el(
    "details",
    { id: `steps-${archive.name}-${archive.tested_at}`, open: failed !== undefined },
    el("summary", {}, t("steps")),
    list,
  );
  return failed ? [shown, detailsOf(archive, failed)] : [shown];
}

function stepNode({ name, ok, message }) {
  const kind = ok === true ? "ok" : ok === false ? "failed" : "neutral";
  const told = el("span", { class: "visually-hidden" }, ` (${t(`step_${kind === "ok" ? "passed" : kind}`)})`);
  return el("li", {}, shape(STEPS[kind]), el("span", {}, el("b", {}, name), told, " ", message));
}

function detailsOf(archive, failed) {
  const text = [
    `${archive.name}: ${archive.folder || archive.url}`,
    archive.tested_at,
    `${failed.number} ${failed.name}: ${failed.details || failed.message}`,
  ].join("\n");
  const told = el("span", { role: "status", class: "muted" });
  const copy = async () => {
    const done = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    told.textContent = t(done ? "details_copied" : "details_not_copied");
  };
  return el(
    "details",
    { id: `details-${archive.name}-${archive.tested_at}` },
    el("summary", {}, t("details")),
    el("pre", { tabindex: "0" }, text),
    el("div", { class: "actions" }, button(t("details_copy"), { press: copy }), told),
  );
}

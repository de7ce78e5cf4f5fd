// The one way to the server. The link's secret leaves the address bar before anything else happens.

import { t } from "./texts.js";

const TOKEN = "federator-session";
const nonce = location.hash.slice(1);
if (nonce) history.replaceState(null, "", location.pathname);

/** What was refused, in words for the person; `content` is the whole answer. */
export class Refusal extends Error {
  constructor(status, content) {
    super(content.error || t("refused_unknown", { status }));
    this.status = status;
    this.content = content;
  }
}

/** The session is over, or nobody answers any more. */
export class Over extends Error {}

/** Trade the link for a session, or go on with the one of this tab. */
export async function begin() {
  if (nonce) {
    sessionStorage.removeItem(TOKEN);
    const { token } = await api("session", { nonce });
    sessionStorage.setItem(TOKEN, token);
  } else if (!sessionStorage.getItem(TOKEN)) {
    throw new Over(t("closed_no_link"));
  }
}

/** Forget the session: whoever has the port by now may be somebody else. */
export function forget() {
  sessionStorage.removeItem(TOKEN);
}

/** One call and its answer. */
export async function api(path, content = {}) {
  const answer = await send(path, content);
  return await answer.json().catch(lost);
}

/** One call whose answer comes line by line. */
export async function* lines(path, content) {
  const reader = (await send(path, content)).body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read().catch(lost);
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const line of parts) yield JSON.parse(line);
  }
}

async function send(path, content) {
  const headers = { "Content-Type": "application/json" };
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers["X-Session"] = token;
  const answer = await fetch(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(content) }).catch(lost);
  if (answer.ok) return answer;
  const refused = await answer.json().catch(() => ({}));
  if (answer.status === 410 || answer.status === 401) {
    forget();
    throw new Over(refused.error || t("closed_lost"));
  }
  throw new Refusal(answer.status, refused);
}

function lost() {
  forget();
  throw new Over(t("closed_lost"));
}

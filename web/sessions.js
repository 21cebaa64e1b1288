// The list of sessions of a hub.

import { byId, element } from "./dom.js";

const REFRESH_MS = 2000;

/**
 * The sessions that there are; null where nobody keeps a list.
 * @returns {Promise<?{id: string, sender: boolean, receivers: number, viewers: number, since: string}[]>}
 */
export async function listSessions(token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch("/api/sessions", { headers }).catch(() => null);
  if (!response || response.status === 404) return null;
  return response.ok ? response.json() : [];
}

export function showSessions(sessions, token) {
  byId("sessions").hidden = false;
  byId("session-command").textContent = `rebound send --hub ${location.origin.replace(/^http/, "ws")}`;
  byId("session-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const view = event.submitter?.value === "publish" ? "/publish" : "";
    location.assign(address(byId("session-input").value, token, view));
  });
  show(sessions, token);
  setInterval(async () => {
    if (document.hidden) return;
    const news = await listSessions(token);
    if (news) show(news, token);
  }, REFRESH_MS);
}

function show(sessions, token) {
  const list = byId("session-list");
  const before = new Map([...list.children].map((item) => [item.dataset.id, item]));
  // Items stay where they are, so that whoever has one in focus keeps it.
  const items = sessions.map((session) => fill(before.get(session.id) ?? item(session.id, token), session));
  if (items.length !== list.children.length || items.some((item, at) => item !== list.children[at])) {
    list.replaceChildren(...items);
  }
  byId("session-none").hidden = sessions.length > 0;
}

function item(id, token) {
  const link = element("a", { href: address(id, token) }, element("code", {}, id), element("span", { className: "who" }));
  const made = element("li", {}, link);
  made.dataset.id = id;
  return made;
}

function fill(item, { sender, receivers, viewers, since }) {
  const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const parts = [sender ? "● sending" : "○ no sender", count(receivers, "receiver"), count(viewers, "viewer")];
  const started = new Date(since);
  if (!Number.isNaN(started.valueOf())) parts.push(`since ${started.toLocaleTimeString([], { timeStyle: "short" })}`);
  const text = parts.join(" · ");
  const who = item.querySelector(".who");
  if (who.textContent !== text) who.textContent = text;
  return item;
}

function address(id, token, view = "") {
  return `/s/${encodeURIComponent(id)}${view}${token ? `#token=${encodeURIComponent(token)}` : ""}`;
}

// Which view is wanted: the list of sessions, or one of them. A sender that is its own hub has one stream and no list.

import { listSessions, showSessions } from "./sessions.js";
import { Watch } from "./watch.js";

const path = location.pathname.match(/^\/s\/([A-Za-z0-9_-]{1,64})$/);
const token = new URLSearchParams(location.hash.slice(1)).get("token");

const sessions = path ? null : await listSessions(token);
if (sessions) {
  showSessions(sessions, token);
} else {
  new Watch({ session: path?.[1], token }).start();
}

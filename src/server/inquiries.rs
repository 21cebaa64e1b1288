//! What others may know of the hub: whether it lets anybody in, and its sessions.

use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::Extension;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::oneshot;

use super::{Caller, HubEvent, bearer};
use crate::clock;
use crate::signalling::hub::{Access, SessionInfo};
use crate::signalling::message::SessionId;

/// One session, as the page reads it.
#[derive(Serialize)]
struct Listed {
    id: SessionId,
    /// Whether its sender is connected.
    sender: bool,
    receivers: usize,
    viewers: usize,
    /// RFC 3339.
    since: String,
}

/// 200 while new clients are let in, 503 when the hub ends or does not answer.
pub(super) async fn ready(Extension(caller): Extension<Caller>) -> Response {
    match ask(&caller, HubEvent::Ready).await {
        Some(true) => "ready\n".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "this hub ends\n").into_response(),
    }
}

/// All sessions that the one who asks may come into.
pub(super) async fn sessions(Extension(caller): Extension<Caller>, headers: HeaderMap) -> Response {
    if !caller.server.config.lists_sessions {
        return (StatusCode::NOT_FOUND, "there is no list of sessions here\n").into_response();
    }
    let access = match bearer::access(&headers, &caller.server.config) {
        Ok(access) => access,
        Err(refused) => return refused.into_response(),
    };
    let Some(sessions) = ask(&caller, HubEvent::Sessions).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "this hub ends\n").into_response();
    };
    let text = list(sessions, &access, clock::since_1970());
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], Body::from(text)).into_response()
}

pub(super) async fn ask<T>(caller: &Caller, question: impl Fn(oneshot::Sender<T>) -> HubEvent) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    caller.server.hub.send(question(reply)).await.ok()?;
    answer.await.ok()
}

fn list(sessions: Vec<(SessionInfo, Duration)>, access: &Access, now: Duration) -> String {
    let allowed = sessions.into_iter().filter(|(one, _)| access.allows(&one.id));
    let listed: Vec<_> = allowed.map(|(session, age)| listed(session, now.saturating_sub(age))).collect();
    serde_json::to_string(&listed).expect("plain fields")
}

fn listed(session: SessionInfo, since: Duration) -> Listed {
    let SessionInfo { id, has_sender, receivers, viewers, .. } = session;
    let since = humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string();
    Listed { id, sender: has_sender, receivers, viewers, since }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_what_the_page_reads_and_of_a_token_for_one_session_only_that() {
        let session = |id: &str| {
            let since = Duration::from_secs(7);
            let info = SessionInfo { id: id.parse().expect("an id"), has_sender: true, receivers: 2, viewers: 1, since };
            (info, Duration::from_secs(5))
        };
        let sessions = || vec![session("court-1"), session("court-2")];
        let now = Duration::from_secs(1_734_705_057);
        let one = r#"{"id":"court-2","sender":true,"receivers":2,"viewers":1,"since":"2024-12-20T14:30:52Z"}"#;
        let access = Access { session: Some("court-2".parse().expect("an id")), ..Access::everything() };
        assert_eq!(list(sessions(), &access, now), format!("[{one}]"));
        let all = format!("[{},{one}]", one.replace("court-2", "court-1"));
        assert_eq!(list(sessions(), &Access::everything(), now), all);
    }
}

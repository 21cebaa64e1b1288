//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): signalling over HTTP. An offer is POSTed, its answer comes back at once with all its
//! candidates, and what was made of it is a resource that takes further candidates and is DELETEd in the end.
//!
//! Thin: a resource is one connection to the hub, as a WebSocket is, kept by a task of its own ([`session`]). HTTP knows nothing of
//! WebRTC, the hub nothing of HTTP. The two protocols differ in their [`Endpoint`] only.
//!
//! `docs/whip-whep.md` has the clauses of both specifications and what becomes of each.

mod problem;
mod request;
mod session;
mod shelf;

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LINK, LOCATION, ORIGIN,
    VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use self::problem::Problem;
use self::request::{SDP, TRICKLE, check_kind, check_match, read_body};
use self::session::Opened;
pub(super) use self::shelf::Shelf;
use super::{Caller, HubEvent, bearer, inquiries, origin};
use crate::signalling::hub::Access;
use crate::signalling::message::{
    FromClient, IceServer, Join, MAX_OFFER_BYTES, Offer, PROTOCOL_VERSION, Publish, Role, SessionId,
};
use crate::signalling::sdpfrag::{MAX_FRAGMENT_BYTES, read_fragment};

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// What web pages may read, RFC 9725 section 4.2.
const EXPOSED: &str = "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After, WWW-Authenticate";

/// How long a browser may remember what it was told it may do.
const PREFLIGHT_GOOD_FOR_S: &str = "600";

/// A protocol: where it is and what it says to the hub first.
pub(super) struct Endpoint {
    /// Of its paths: `/NAME/SESSION`, and of a resource `/NAME/SESSION/RESOURCE`.
    pub(super) name: &'static str,
    /// The first message of a connection, made of the session and the offer.
    pub(super) first: fn(Option<SessionId>, Offer) -> FromClient,
    /// There is nothing here before the session's sender is.
    pub(super) needs_sender: bool,
}

/// Somebody who wants to watch.
pub(super) static WHEP: Endpoint = Endpoint {
    name: "whep",
    first: |session, offer| {
        // Whoever wants a data channel wants to answer.
        let answers = offer.sdp().lines().any(|line| line.starts_with("m=application"));
        let role = if answers { Role::Receiver } else { Role::Viewer };
        let (version, name, codecs, resume) = (PROTOCOL_VERSION, None, Vec::new(), None);
        FromClient::Join(Join { version, role, session, name, codecs, resume, offer: Some(offer) })
    },
    needs_sender: true,
};

/// Somebody who brings video.
pub(super) static WHIP: Endpoint = Endpoint {
    name: "whip",
    first: |session, offer| FromClient::Publish(Publish { version: PROTOCOL_VERSION, session, name: None, offer }),
    needs_sender: false,
};

/// All paths of a protocol.
pub(super) fn routes(endpoint: &'static Endpoint) -> Router {
    let handle = move |caller: Extension<Caller>, request: Request<Body>| respond(endpoint, caller, request);
    let at = |path: &str| format!("/{}{path}", endpoint.name);
    Router::new()
        .route(&at(""), any(handle))
        .route(&at("/{session}"), any(handle))
        .route(&at("/{session}/{id}"), any(handle))
}

/// What a path names.
enum Place {
    /// The only session there is, or this one.
    Endpoint(Option<SessionId>),
    /// What was made of an offer.
    Resource(SessionId, String),
}

impl Place {
    fn of(path: &str) -> Option<Place> {
        let mut parts = path.split('/').skip(2);
        let session = parts.next().map(str::parse).transpose().ok()?;
        match (session, parts.next()) {
            (Some(session), Some(id)) => Some(Place::Resource(session, id.to_owned())),
            (session, _) => Some(Place::Endpoint(session)),
        }
    }

    fn methods(&self) -> &'static str {
        match self {
            Place::Endpoint(_) => "POST, GET, HEAD, OPTIONS",
            Place::Resource(..) => "PATCH, DELETE, GET, HEAD, OPTIONS",
        }
    }

    /// What it takes, as a header.
    fn takes(&self) -> (HeaderName, HeaderValue) {
        match self {
            Place::Endpoint(_) => (ACCEPT_POST, HeaderValue::from_static(SDP)),
            Place::Resource(..) => (ACCEPT_PATCH, HeaderValue::from_static(TRICKLE)),
        }
    }
}

async fn respond(endpoint: &'static Endpoint, Extension(caller): Extension<Caller>, request: Request<Body>) -> Response {
    if !origin::is_allowed(request.headers(), &caller.server.config.allowed_origins) {
        tracing::warn!(remote = %caller.remote, "a web page of another origin is refused");
        return Problem::new(StatusCode::FORBIDDEN, "pages of this origin may not come here").into_response();
    }
    let from = request.headers().get(ORIGIN).cloned();
    let mut response = match Place::of(request.uri().path()) {
        None => Problem::new(StatusCode::NOT_FOUND, "there is no such session").into_response(),
        Some(place) if request.method() == Method::OPTIONS => options(&caller, &place, request.headers()).await,
        Some(place) => serve(endpoint, &caller, place, request).await.unwrap_or_else(IntoResponse::into_response),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(from) = from {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, from);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
    response
}

/// Also what a browser asks before the question itself, without the token that it has. Whoever asks by himself, and may come in, is told
/// the ICE servers: many clients need them before they offer.
async fn options(caller: &Caller, place: &Place, headers: &HeaderMap) -> Response {
    let mut response = ([(ALLOW, place.methods())], [place.takes()]).into_response();
    if headers.contains_key(ORIGIN) {
        let told = response.headers_mut();
        told.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(place.methods()));
        told.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, Content-Type, If-Match"));
        told.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_GOOD_FOR_S));
    }
    let is_preflight = headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight && bearer::access(headers, &caller.server.config).is_ok() {
        add_links(&mut response, &inquiries::ask(caller, HubEvent::IceServers).await.unwrap_or_default());
    }
    response
}

async fn serve(
    endpoint: &'static Endpoint,
    caller: &Caller,
    place: Place,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let access = bearer::access(request.headers(), &caller.server.config).map_err(Problem::from)?;
    let (method, methods) = (request.method().clone(), place.methods());
    match (place, method) {
        (Place::Endpoint(session), Method::POST) => post(endpoint, caller, access, session, request).await,
        (place @ Place::Endpoint(_), Method::GET) => Ok((StatusCode::NO_CONTENT, [place.takes()]).into_response()),
        // The type tells a client what is here.
        (place @ Place::Endpoint(_), Method::HEAD) => Ok(([(CONTENT_TYPE, SDP)], [place.takes()]).into_response()),
        (Place::Resource(session, id), Method::GET | Method::HEAD) => {
            let kept = caller.server.shelf.find(endpoint, &session, &id, &access)?;
            Ok((StatusCode::NO_CONTENT, [(ETAG, kept.etag)]).into_response())
        }
        (Place::Resource(session, id), Method::PATCH) => patch(endpoint, caller, &access, (&session, &id), request).await,
        (Place::Resource(session, id), Method::DELETE) => {
            caller.server.shelf.find(endpoint, &session, &id, &access)?.end().await?;
            Ok(StatusCode::OK.into_response())
        }
        _ => {
            let text = format!("this takes {methods}");
            Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, text).with(ALLOW, methods))
        }
    }
}

async fn post(
    endpoint: &'static Endpoint,
    caller: &Caller,
    access: Access,
    session: Option<SessionId>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    check_kind(request.headers(), SDP).map_err(|problem| problem.with(ACCEPT_POST, SDP))?;
    let text = read_body(request, MAX_OFFER_BYTES, caller.server.config.head_within).await?;
    let offer = Offer::try_from(text).map_err(|why| Problem::new(StatusCode::BAD_REQUEST, why.to_string()))?;
    if let Some(session) = session.as_ref().filter(|_| endpoint.needs_sender) {
        check_sender(caller, &access, session).await?;
    }
    let Opened { session, id, etag, answer, ice_servers } = session::open(endpoint, caller, access, session, offer).await?;
    let location = format!("/{}/{session}/{id}", endpoint.name);
    let head = [(CONTENT_TYPE, SDP), (LOCATION, &location), (ETAG, &etag), (ACCEPT_PATCH, TRICKLE)];
    let mut response = (StatusCode::CREATED, head, answer).into_response();
    add_links(&mut response, &ice_servers);
    Ok(response)
}

fn add_links(response: &mut Response, servers: &[IceServer]) {
    for link in servers.iter().filter_map(|server| HeaderValue::try_from(link(server)).ok()) {
        response.headers_mut().append(LINK, link);
    }
}

/// Whether somebody sends in this session. Asked first, so that strangers open no sessions by asking for them.
async fn check_sender(caller: &Caller, access: &Access, session: &SessionId) -> Result<(), Problem> {
    if access.session.as_ref().is_some_and(|only| only != session) {
        return Err(Problem::new(StatusCode::FORBIDDEN, format!("this token is not for session '{session}'")));
    }
    let sessions = inquiries::ask(caller, HubEvent::Sessions).await.ok_or_else(Problem::ending)?;
    if sessions.iter().any(|(one, _)| one.id == *session && one.has_sender) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::NOT_FOUND, format!("nobody sends in session '{session}' (yet)")))
}

async fn patch(
    endpoint: &'static Endpoint,
    caller: &Caller,
    access: &Access,
    (session, id): (&SessionId, &str),
    request: Request<Body>,
) -> Result<Response, Problem> {
    let kept = caller.server.shelf.find(endpoint, session, id, access)?;
    check_kind(request.headers(), TRICKLE).map_err(|problem| problem.with(ACCEPT_PATCH, TRICKLE))?;
    check_match(request.headers(), &kept.etag)?;
    let text = read_body(request, MAX_FRAGMENT_BYTES, caller.server.config.head_within).await?;
    let fragment = read_fragment(&text).map_err(|why| Problem::new(StatusCode::BAD_REQUEST, why.to_string()))?;
    if fragment.restarts(kept.credentials.as_ref()) {
        let text = "ICE restarts are not supported: DELETE this session and POST a new offer";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    kept.tell(fragment.candidates).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A server as RFC 9725 section 4.6 wants it in a `Link`.
fn link(server: &IceServer) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut link = format!("<{}>; rel=\"ice-server\"", server.urls.replace(['<', '>', '"', ' '], ""));
    if let (Some(username), Some(credential)) = (&server.username, &server.credential) {
        let (username, credential) = (quoted(username), quoted(credential));
        link += &format!("; username=\"{username}\"; credential=\"{credential}\"; credential-type=\"password\"");
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_how_to_use_a_server_whatever_its_password() {
        let (urls, username) = ("turn:t.example?transport=udp".to_owned(), Some("1:a\"b".to_owned()));
        let server = IceServer { urls, username, credential: Some("p\\q".into()) };
        assert_eq!(
            link(&server),
            r#"<turn:t.example?transport=udp>; rel="ice-server"; username="1:a\"b"; credential="p\\q"; credential-type="password""#
        );
        let server = IceServer { urls: "stun:s.example".into(), username: None, credential: None };
        assert_eq!(link(&server), r#"<stun:s.example>; rel="ice-server""#);
    }

    #[test]
    fn a_path_names_an_endpoint_or_a_resource() {
        assert!(matches!(Place::of("/whep"), Some(Place::Endpoint(None))));
        assert!(matches!(Place::of("/whep/a"), Some(Place::Endpoint(Some(session))) if session.as_str() == "a"));
        assert!(
            matches!(Place::of("/whep/a/b"), Some(Place::Resource(session, id)) if session.as_str() == "a" && id == "b")
        );
        assert!(Place::of("/whep/..%2f").is_none() && Place::of("/whep/a%20b/c").is_none());
    }
}

//! One request and its answer, within limits: what a server answers is not to be trusted.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MATCH};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Method, StatusCode};
use url::{Origin, Url};

use super::super::{ClientConfig, secure};
use super::Endpoint;
use super::head::Answer;
use crate::cli::Secret;
use crate::signalling::message::MAX_MESSAGE_BYTES;
use crate::tls;

/// How long a request may take with all its redirects. Some servers gather their candidates first, which takes 5 s where a STUN server
/// does not answer; a sender's room waits 10 s for the answer to an offer.
const WITHIN: Duration = Duration::from_secs(8);

/// More than any chain of load balancers has.
const MAX_REDIRECTS: usize = 5;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum HttpProblem {
    /// Requests cannot be made at all.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
    /// Its certificate is none that we trust.
    #[error("{0}")]
    Untrusted(String),
    /// Nobody answered, or not to the end.
    #[error("{0}")]
    Unanswered(String),
    /// More than is read.
    #[error("an answer of more than {MAX_MESSAGE_BYTES} bytes")]
    TooLong,
}

/// Asks one server.
#[derive(Clone, Debug)]
pub(in super::super) struct Http {
    client: reqwest::Client,
    token: Option<Secret>,
    /// Who may see the token.
    origin: Origin,
}

/// What is sent along.
#[derive(Clone, Copy, Default)]
pub(super) struct Sent<'a> {
    pub(super) sdp: Option<&'a str>,
    /// Which state of the session is meant.
    pub(super) etag: Option<&'a HeaderValue>,
}

impl Http {
    pub(in super::super) fn new(endpoint: &Endpoint, config: &ClientConfig) -> Result<Http, HttpProblem> {
        tls::install();
        let mut builder = reqwest::Client::builder().redirect(Policy::custom(follow)).timeout(WITHIN);
        builder = builder.connect_timeout(config.attempt_within).no_proxy().referer(false).retry(reqwest::retry::never());
        if let Some(trust) = &config.trust {
            builder = builder.tls_backend_preconfigured((**trust).clone());
        }
        let client = builder.build().map_err(|error| HttpProblem::Setup(error.to_string()))?;
        Ok(Http { client, token: config.token.clone(), origin: endpoint.url().origin() })
    }

    pub(super) async fn ask(&self, method: Method, url: &Url, sent: Sent<'_>) -> Result<Answer, HttpProblem> {
        let mut request = self.client.request(method, url.clone());
        if let Some(token) = self.token.as_ref().filter(|_| url.origin() == self.origin)
            && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
        {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(sdp) = sent.sdp {
            request = request.header(CONTENT_TYPE, "application/sdp").body(sdp.to_owned());
        }
        if let Some(etag) = sent.etag {
            request = request.header(IF_MATCH, etag);
        }
        let host = url.host_str().unwrap_or_default();
        let mut response = request.send().await.map_err(|error| unanswered(error, host))?;
        let body = read(&mut response).await?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Answer { status, headers, url: response.url().clone(), body })
    }
}

/// Only what keeps the method and the body (RFC 9725 section 4.7), and never from TLS into the clear. What is not followed is the
/// answer.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let keeps = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let was_secret = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    if !keeps || (was_secret && attempt.url().scheme() != "https") {
        attempt.stop()
    } else if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("it redirects too often")
    } else {
        attempt.follow()
    }
}

async fn read(response: &mut reqwest::Response) -> Result<String, HttpProblem> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(error, ""))? {
        if body.len() + chunk.len() > MAX_MESSAGE_BYTES {
            return Err(HttpProblem::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// In words, without the URL, which may hold a key.
fn unanswered(error: reqwest::Error, host: &str) -> HttpProblem {
    if error.is_timeout() {
        return HttpProblem::Unanswered(format!("no answer within {WITHIN:?}"));
    }
    let error = error.without_url();
    let causes = || std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let mut io = causes().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    let tls = io.find_map(|cause| cause.get_ref()?.downcast_ref::<rustls::Error>());
    if let Some(rustls::Error::InvalidCertificate(why)) = tls {
        return HttpProblem::Untrusted(secure::in_words(why, host));
    }
    let io = causes().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).last();
    let text = match io.map(std::io::Error::kind) {
        Some(std::io::ErrorKind::ConnectionRefused) => "nobody listens there yet".to_owned(),
        _ => causes().last().map(ToString::to_string).unwrap_or_default(),
    };
    HttpProblem::Unanswered(text)
}

//! What an error means for whoever started the program.

use crate::bench::folder::NoResults;
use crate::bench::matrix::MatrixError;
use crate::bench::plan::OtherOrigin;
use crate::cli::ExitCode;
use crate::diff::DiffError;
use crate::encode::{CatalogueError, ChooseError};
use crate::logging::LogError;
use crate::pipeline::{PipelineError, TextsError};
use crate::replay::ReplayError;
use crate::scene::{SceneError, UnknownScene};
use crate::secrets::SecretError;
use crate::server::BindError;
use crate::signalling::client::{ClientError, Refused, UrlError};
use crate::tls::TlsError;

/// Says what went wrong, on stderr, and gives the exit code.
pub fn tell(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", text(error));
    exit_code(error)
}

/// The error and its causes, without those that it names itself.
fn text(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told {
        told if told.is_empty() => cause,
        told if told.contains(&cause) => told,
        told => format!("{told}: {cause}"),
    })
}

/// The exit code of the error or of what caused it.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    error.chain().find_map(of_cause).unwrap_or(ExitCode::Failure)
}

fn of_cause(error: &(dyn std::error::Error + 'static)) -> Option<ExitCode> {
    if error.is::<BindError>() || error.is::<ClientError>() || error.is::<Refused>() {
        return Some(ExitCode::Network);
    }
    if let Some(error) = error.downcast_ref::<ChooseError>() {
        return Some(if matches!(error, ChooseError::UnknownName { .. }) {
            ExitCode::Usage
        } else {
            ExitCode::MissingElements
        });
    }
    if let Some(PipelineError::Missing { .. }) = error.downcast_ref::<PipelineError>() {
        return Some(ExitCode::MissingElements);
    }
    let is_usage = error.is::<MatrixError>()
        || error.is::<NoResults>()
        || error.is::<OtherOrigin>()
        || error.is::<SceneError>()
        || error.is::<UnknownScene>()
        || error.is::<CatalogueError>()
        || error.is::<TextsError>()
        || error.is::<UrlError>()
        || error.is::<SecretError>()
        || error.is::<TlsError>()
        || error.is::<LogError>()
        || error.is::<DiffError>()
        || error.downcast_ref::<ReplayError>().is_some_and(ReplayError::is_usage);
    is_usage.then_some(ExitCode::Usage)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn no_cause_is_told_twice() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let path = "a.log".into();
        assert_eq!(text(&LogError::Unwritable { path, source: full() }.into()).matches("no storage space").count(), 1);
        let wrapped = Err::<(), _>(full()).context("cannot write b.log").expect_err("is one");
        assert_eq!(text(&wrapped), "cannot write b.log: no storage space");
    }

    #[test]
    fn the_cause_decides_however_it_is_wrapped() {
        let busy = BindError::InUse { host: "127.0.0.1".to_owned(), port: 8080 };
        let wrapped = Err::<(), _>(busy).context("starting").expect_err("is one");
        assert_eq!(exit_code(&wrapped), ExitCode::Network);
        assert_eq!(exit_code(&anyhow::anyhow!("anything")), ExitCode::Failure);
        let unknown = ChooseError::UnknownName { name: "x".to_owned(), known: Vec::new() };
        assert_eq!(exit_code(&unknown.into()), ExitCode::Usage);
    }
}

//! The token for a hub: from a file or the environment, never from the command line, which everybody on the machine can read.

use std::fs;

use super::{ConfigError, World};
use crate::cli::{Command, Secret, SessionArgs};

/// The token itself.
pub(super) const VARIABLE: &str = "REBOUND_TOKEN";

pub(super) fn give(command: &mut Command, world: &World) -> Result<(), ConfigError> {
    let Some(session) = session(command) else { return Ok(()) };
    let (place, text) = match &session.token_file {
        Some(path) => {
            let path = world.directory.join(path);
            let unreadable = |source| ConfigError::TokenUnreadable { path: path.clone(), source };
            (path.display().to_string(), fs::read_to_string(&path).map_err(unreadable)?)
        }
        None => match world.environment.get(VARIABLE) {
            Some(text) => (VARIABLE.to_owned(), text.clone()),
            None => return Ok(()),
        },
    };
    session.token = Some(Secret::token(text.trim()).ok_or(ConfigError::Token(place))?);
    Ok(())
}

fn session(command: &mut Command) -> Option<&mut SessionArgs> {
    match command {
        Command::Send(config) => Some(&mut config.session),
        Command::Receive(config) => Some(&mut config.session),
        _ => None,
    }
}

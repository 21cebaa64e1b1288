//! The settings of a run: flags win over the environment (`REBOUND_*`), that over the file (`rebound.toml`), that over the
//! defaults. The only place that reads the environment.
//!
//! A setting is one argument in [`crate::cli`], and only there. Environment and file are put into the same words and read by
//! the same parser, so that a value means the same, and is refused with the same text, wherever it comes from.

mod check;
mod error;
mod file;
mod token;
mod value;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, FromArgMatches};

use crate::cli::{self, Cli, Colour, Command, Common};
use crate::spelling;
use file::SettingsFile;

pub use error::ConfigError;

/// Read from the working directory when it is there.
pub const DEFAULT_FILE: &str = "rebound.toml";

/// A checked command and all that belongs to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What to do.
    pub command: Command,
    /// Options of every command.
    pub common: Common,
    /// The file's `encoder` and `encoders` entries as they are, for the encoder catalogue.
    pub encoders: toml::Table,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// The command line, without passwords.
    pub shown_command: Vec<String>,
    /// For `rebound demo`: the words with which `rebound send` does what these settings say.
    pub send_words: Vec<OsString>,
    /// What looks like a mistake but is none for sure.
    pub warnings: Vec<String>,
}

/// All that settings can come from, so that tests can make it up.
struct World {
    args: Vec<OsString>,
    environment: BTreeMap<String, String>,
    directory: PathBuf,
    gstreamer_version: Option<String>,
}

/// Reads and checks the settings of this process. `gstreamer_version` is shown by `--version`.
///
/// # Errors
/// Also for `--help` and `--version`: [`ConfigError::answer`] is the text then, [`ConfigError::exit_code`] says 0.
pub fn load(gstreamer_version: Option<String>) -> Result<Settings, ConfigError> {
    let text = |text: OsString| text.into_string().ok();
    settings(&World {
        args: std::env::args_os().collect(),
        environment: std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect(),
        directory: PathBuf::new(),
        gstreamer_version,
    })
}

fn settings(world: &World) -> Result<Settings, ConfigError> {
    let definition = cli::command(world.gstreamer_version.as_deref());
    let flags = definition.clone().try_get_matches_from(&world.args)?;
    let file = find_file(world, &flags)?.map(|path| SettingsFile::read(&path, &definition)).transpose()?;
    let words = words_beside_flags(world, &definition, &flags, file.as_ref())?;
    let matches = definition.clone().try_get_matches_from(insert(&world.args, words))?;
    let Cli { mut command, mut common } = Cli::from_arg_matches(&matches)?;
    let send_words = words_again(deepest(&matches).1, subcommand(&definition, &["send"]));
    check::command(&command)?;
    token::give(&mut command, world)?;
    common.log_filter = ["REBOUND_LOG", "RUST_LOG"].iter().find_map(|name| world.environment.get(*name)).cloned();
    if common.color == Colour::Auto && world.environment.get("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        common.color = Colour::Never;
    }
    Ok(Settings {
        command,
        common,
        encoders: file.as_ref().map(SettingsFile::encoders).unwrap_or_default(),
        file: file.map(|file| file.path),
        send_words,
        shown_command: cli::redact_command(&world.args),
        warnings: misspelt_variables(world, &definition),
    })
}

/// `--config`, `REBOUND_CONFIG`, or [`DEFAULT_FILE`] if there is one.
fn find_file(world: &World, flags: &ArgMatches) -> Result<Option<PathBuf>, ConfigError> {
    let flag = deepest(flags).1.get_one::<PathBuf>("config").cloned();
    let named = flag.or_else(|| world.environment.get("REBOUND_CONFIG").map(PathBuf::from));
    if let Some(path) = named {
        return Ok(Some(world.directory.join(path)));
    }
    let default = world.directory.join(DEFAULT_FILE);
    match default.try_exists() {
        Ok(exists) => Ok(exists.then_some(default)),
        Err(source) => Err(ConfigError::FileUnreadable { path: default, source }),
    }
}

/// What environment and file say about settings that no flag has set, as words of the command line.
fn words_beside_flags(
    world: &World,
    definition: &clap::Command,
    flags: &ArgMatches,
    file: Option<&SettingsFile>,
) -> Result<Vec<OsString>, ConfigError> {
    let (path, flags) = deepest(flags);
    let mut words = Vec::new();
    for arg in subcommand(definition, &path).get_arguments() {
        let Some(variable) = cli::environment_name(arg) else { continue };
        if flags.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            continue;
        }
        if let Some(text) = world.environment.get(&variable) {
            words.extend(value::words_of_text(arg, text).map_err(|why| ConfigError::value(&variable, text, why))?);
        } else if let Some(found) = file.and_then(|file| file.words(&path, arg)) {
            words.extend(found?);
        }
    }
    Ok(words.into_iter().map(OsString::from).collect())
}

/// The settings that `command` knows, as words for it.
fn words_again(matches: &ArgMatches, command: &clap::Command) -> Vec<OsString> {
    let mut words = Vec::new();
    for arg in command.get_arguments() {
        let Some(flag) = arg.get_long().map(|long| OsString::from(format!("--{long}"))) else { continue };
        let id = arg.get_id().as_str();
        match arg.get_action() {
            ArgAction::SetTrue if matches.try_get_one::<bool>(id).ok().flatten() == Some(&true) => words.push(flag),
            ArgAction::Count => {
                let times = matches.try_get_one::<u8>(id).ok().flatten().copied().unwrap_or_default();
                words.extend(std::iter::repeat_n(flag, times.into()));
            }
            ArgAction::Set | ArgAction::Append => {
                for value in matches.try_get_raw(id).ok().flatten().into_iter().flatten() {
                    words.extend([flag.clone(), value.to_owned()]);
                }
            }
            _ => {}
        }
    }
    words
}

/// The names of the subcommands chosen, and what the last of them was given.
fn deepest(matches: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let mut path = Vec::new();
    let mut deepest = matches;
    while let Some((name, inner)) = deepest.subcommand() {
        path.push(name);
        deepest = inner;
    }
    (path, deepest)
}

fn subcommand<'a>(definition: &'a clap::Command, path: &[&str]) -> &'a clap::Command {
    path.iter().fold(definition, |command, name| command.find_subcommand(name).unwrap_or(command))
}

/// Puts words where they are still read as options: before a `--`, else at the end.
fn insert(args: &[OsString], words: Vec<OsString>) -> Vec<OsString> {
    let at = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    [&args[..at], &words, &args[at..]].concat()
}

/// Variables that are no setting but nearly one. Others may exist: Kubernetes sets `REBOUND_SERVICE_HOST` and the like.
fn misspelt_variables(world: &World, definition: &clap::Command) -> Vec<String> {
    let mut known = vec!["REBOUND_LOG".to_owned(), token::VARIABLE.to_owned()];
    collect_variables(definition, &mut known);
    let ours = world.environment.keys().filter(|name| name.starts_with(cli::ENVIRONMENT_PREFIX) && !known.contains(name));
    ours.filter_map(|name| {
        let nearest = spelling::nearest(name, known.iter().map(String::as_str))?;
        Some(format!("the environment variable {name} is no setting; did you mean {nearest}?"))
    })
    .collect()
}

fn collect_variables(command: &clap::Command, known: &mut Vec<String>) {
    known.extend(command.get_arguments().filter_map(cli::environment_name));
    command.get_subcommands().for_each(|inner| collect_variables(inner, known));
}

/// The key of a setting in the file: its flag without the dashes. A file does not name another.
fn key(arg: &Arg) -> Option<&str> {
    cli::environment_name(arg).and_then(|_| arg.get_long()).filter(|_| arg.get_id() != "config")
}

fn show_path(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;

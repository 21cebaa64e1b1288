//! The settings file: every key is checked, also those that the command at hand does not need.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Arg;
use toml::{Table, Value};

use super::{ConfigError, key, show_path, value};

/// The encoder catalogue's own entries; passed on as they are.
const ENCODER_KEYS: [&str; 2] = ["encoder", "encoders"];

/// The tables that there are, each with the settings of the command of that name.
const TABLES: [&str; 3] = ["send", "receive", "demo"];

/// A settings file that has been checked.
pub(super) struct SettingsFile {
    pub(super) path: PathBuf,
    content: Table,
}

impl SettingsFile {
    /// Reads and checks a file against the definition of all settings.
    pub(super) fn read(path: &Path, definition: &clap::Command) -> Result<SettingsFile, ConfigError> {
        let unreadable = |source| ConfigError::FileUnreadable { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let syntax = |source| ConfigError::FileSyntax { path: path.to_owned(), source: Box::new(source) };
        let content = text.parse::<Table>().map_err(syntax)?;
        let file = SettingsFile { path: path.to_owned(), content };
        file.check(definition)?;
        Ok(file)
    }

    fn check(&self, definition: &clap::Command) -> Result<(), ConfigError> {
        for (name, value) in &self.content {
            match value {
                _ if ENCODER_KEYS.contains(&name.as_str()) => {}
                Value::Table(table) if TABLES.contains(&name.as_str()) => {
                    let command = definition.find_subcommand(name).unwrap_or(definition);
                    self.check_table(&format!("in [{name}]"), table, command, &[])?;
                }
                _ => {
                    self.check_table("at the top", &Table::from_iter([(name.clone(), value.clone())]), definition, &TABLES)?
                }
            }
        }
        Ok(())
    }

    fn check_table(&self, place: &str, table: &Table, command: &clap::Command, others: &[&str]) -> Result<(), ConfigError> {
        let global = !others.is_empty();
        let of_table = || command.get_arguments().filter(|arg| arg.is_global_set() == global);
        for (name, value) in table {
            if let Some(arg) = of_table().find(|arg| key(arg) == Some(name)) {
                self.words_of(arg, value)?;
                continue;
            }
            let known = of_table().filter_map(key).chain(others.iter().copied());
            let nearest = value::nearest(name, known).map(str::to_owned);
            return Err(ConfigError::UnknownKey {
                path: self.path.clone(),
                key: name.clone(),
                place: place.to_owned(),
                nearest,
            });
        }
        Ok(())
    }

    /// What the file says about a setting of the command, as words of the command line.
    pub(super) fn words(&self, command: &[&str], arg: &Arg) -> Option<Result<Vec<String>, ConfigError>> {
        let name = key(arg)?;
        let found = if arg.is_global_set() {
            self.content.get(name)
        } else {
            tables_of(command).iter().find_map(|table| self.content.get(*table)?.get(name))
        };
        found.map(|value| self.words_of(arg, value))
    }

    fn words_of(&self, arg: &Arg, value: &Value) -> Result<Vec<String>, ConfigError> {
        let place = format!("{}: {}", show_path(&self.path), key(arg).unwrap_or_default());
        value::words(arg, value).map_err(|why| ConfigError::value(&place, &value.to_string(), why))
    }

    /// The entries for the encoder catalogue.
    pub(super) fn encoders(&self) -> Table {
        let entries = ENCODER_KEYS.iter().filter_map(|key| Some(((*key).to_owned(), self.content.get(*key)?.clone())));
        entries.collect()
    }
}

/// Where a command's settings stand, the first that has one wins.
fn tables_of(command: &[&str]) -> &'static [&'static str] {
    match command {
        ["send" | "encoders"] | ["pipeline", "send"] => &["send"],
        ["receive"] | ["pipeline", "receive"] => &["receive"],
        ["demo"] => &["demo", "send"],
        _ => &[],
    }
}

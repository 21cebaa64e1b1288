//! The settings file: every key is checked, also those that the command at hand does not need.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Arg;
use toml::{Table, Value};

use super::{ConfigError, key, show_path, value};
use crate::spelling;

/// The encoder catalogue's own entries; passed on as they are.
const ENCODER_KEYS: [&str; 2] = ["encoder", "encoders"];

/// The tables that there are, each with the settings of the command of that name.
const TABLES: [&str; 4] = ["send", "receive", "demo", "serve"];

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
                    self.check_table(&format!("in [{name}]"), table, command, definition)?;
                }
                _ => {
                    let table = Table::from_iter([(name.clone(), value.clone())]);
                    self.check_table("at the top", &table, definition, definition)?;
                }
            }
        }
        Ok(())
    }

    fn check_table(
        &self,
        place: &str,
        table: &Table,
        command: &clap::Command,
        definition: &clap::Command,
    ) -> Result<(), ConfigError> {
        for (name, value) in table {
            match own_settings(command, definition).find(|arg| key(arg) == Some(name)) {
                Some(arg) => drop(self.words_of(arg, value)?),
                None => {
                    let (path, hint) = (self.path.clone(), hint(name, command, definition));
                    return Err(ConfigError::UnknownKey { path, key: name.clone(), place: place.to_owned(), hint });
                }
            }
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

/// The settings that stand in a command's own table; at the top those of all commands.
fn own_settings<'a>(command: &'a clap::Command, definition: &clap::Command) -> impl Iterator<Item = &'a Arg> {
    let at_the_top = command.get_name() == definition.get_name();
    command.get_arguments().filter(move |arg| arg.is_global_set() == at_the_top)
}

/// What to do about a key that a command does not have.
fn hint(name: &str, command: &clap::Command, definition: &clap::Command) -> String {
    let has = |command| own_settings(command, definition).any(|arg| key(arg) == Some(name));
    if has(definition) {
        return "it belongs to the top of the file".to_owned();
    }
    if let Some(table) = TABLES.iter().find(|table| definition.find_subcommand(table).is_some_and(has)) {
        return format!("it belongs in [{table}]");
    }
    let tables = TABLES.iter().copied().filter(|_| command.get_name() == definition.get_name());
    match spelling::nearest(name, own_settings(command, definition).filter_map(key).chain(tables)) {
        Some(nearest) => format!("did you mean '{nearest}'?"),
        None => "docs/configuration.md lists them".to_owned(),
    }
}

/// Where a command's settings stand, the first that has one wins.
fn tables_of(command: &[&str]) -> &'static [&'static str] {
    match command {
        ["send" | "encoders" | "calibrate"] | ["pipeline", "send"] => &["send"],
        ["receive"] | ["pipeline", "receive"] => &["receive"],
        ["demo"] => &["demo", "send"],
        ["serve"] => &["serve"],
        _ => &[],
    }
}

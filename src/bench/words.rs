//! The command lines of a cell's processes. Pure.

use clap::error::ErrorKind;

use super::matrix::{Matrix, MatrixError};
use super::results::CellSettings;
use crate::cli;

/// Whether both ends take every value: a slip must not come to light in the last hour of a benchmark.
pub(super) fn check(matrix: &Matrix) -> Result<(), MatrixError> {
    let definition = cli::command(None);
    for cell in &matrix.cells {
        // All receivers but the first are alike.
        let receivers = (1..=cell.settings.receivers.min(2)).map(|number| ("receive", receive(&cell.settings, number)));
        for (role, words) in std::iter::once(("send", send(&cell.settings))).chain(receivers) {
            let words = ["rebound", role].into_iter().map(str::to_owned).chain(words);
            match definition.clone().try_get_matches_from(words) {
                // What is missing may stand in the settings file.
                Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => {
                    return Err(MatrixError::Value { place: format!("cell '{}'", cell.name), why: first_paragraph(&error) });
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The message in one line, without what follows for people at a prompt.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

/// For `rebound send`, without ports and files.
pub(super) fn send(settings: &CellSettings) -> Vec<String> {
    let mut words = Words::default();
    words.add("--encoder", &settings.encoder);
    words.add("--size", &format!("{}x{}", settings.width, settings.height));
    words.add("--fps", &settings.fps.to_string());
    words.add("--bitrate", &settings.bitrate);
    words.add("--scene", &settings.scene);
    // How long connecting takes does not shorten what is measured, and frames that are left out do not lengthen it.
    words.add("--watched-for", &milliseconds(settings.warmup_s + settings.seconds));
    words.add("--max-receivers", &settings.receivers.to_string());
    if settings.warmup_s > 0.0 {
        words.add("--warmup", &milliseconds(settings.warmup_s));
    }
    words.add_some("--channel", settings.channel.as_deref());
    words.add_some("--fec", settings.fec.as_deref());
    words.add_some("--impair", settings.network.there.as_deref());
    words.0.extend(settings.send.iter().cloned());
    words.0
}

fn milliseconds(seconds: f64) -> String {
    format!("{}ms", (seconds * 1e3).round().max(1.0))
}

/// For the `number`th `rebound receive`, from 1.
pub(super) fn receive(settings: &CellSettings, number: u32) -> Vec<String> {
    let mut words = Words::default();
    words.add("--name", &format!("receiver-{number}"));
    words.add("--detector", if settings.light && number > 1 { "none" } else { &settings.detector });
    words.add_some("--jitter-ms", settings.jitter.as_deref());
    words.add_some("--impair", settings.network.back.as_deref());
    words.0.extend(settings.receive.iter().cloned());
    words.0
}

#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn add(&mut self, flag: &str, value: &str) {
        self.0.push(format!("{flag}={value}"));
    }

    fn add_some(&mut self, flag: &str, value: Option<&str>) {
        value.into_iter().for_each(|value| self.add(flag, value));
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::testing;

    #[test]
    fn the_cells_of_a_clean_network_are_commands_that_there_are() {
        for (name, text) in crate::bench::matrix::BUILT_IN.into_iter().filter(|(name, _)| *name == "codecs") {
            let refused = super::check(&testing::matrix(text)).err();
            assert!(refused.is_none(), "{name}: {refused:?}");
        }
    }
}

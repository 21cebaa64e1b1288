//! The command lines of a cell's processes. Pure.

use super::results::CellSettings;

/// For `rebound send`, without ports and files.
pub(super) fn send(settings: &CellSettings) -> Vec<String> {
    let frames = (settings.warmup_s + settings.seconds) * f64::from(settings.fps);
    let mut words = Words::default();
    words.add("--encoder", &settings.encoder);
    words.add("--size", &format!("{}x{}", settings.width, settings.height));
    words.add("--fps", &settings.fps.to_string());
    words.add("--bitrate", &settings.bitrate);
    words.add("--scene", &settings.scene);
    // Counted from the first receiver that is connected: how long that takes does not shorten what is measured.
    words.add("--frames", &format!("{}", frames.ceil().max(1.0)));
    words.add("--max-receivers", &settings.receivers.to_string());
    if settings.warmup_s > 0.0 {
        words.add("--warmup", &format!("{}ms", (settings.warmup_s * 1e3).round()));
    }
    words.add_some("--channel", settings.channel.as_deref());
    words.add_some("--fec", settings.fec.as_deref());
    words.add_some("--impair", settings.network.there.as_deref());
    words.0.extend(settings.send.iter().cloned());
    words.0
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
    use crate::cli;

    #[test]
    fn the_cells_of_a_clean_network_are_commands_that_there_are() {
        let definition = cli::command(None);
        for (name, text) in crate::bench::matrix::BUILT_IN.into_iter().filter(|(name, _)| *name == "codecs") {
            for cell in testing::matrix(text).cells {
                let commands = [("send", super::send(&cell.settings)), ("receive", super::receive(&cell.settings, 2))];
                for (role, words) in commands {
                    let words = ["rebound", role].into_iter().map(str::to_owned).chain(words);
                    let refused = definition.clone().try_get_matches_from(words).err();
                    assert!(
                        refused.is_none(),
                        "{name}, {}: {}",
                        cell.name,
                        refused.map_or_else(String::new, |error| error.to_string())
                    );
                }
            }
        }
    }
}

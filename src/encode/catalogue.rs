//! The table of encoders: `encoders.toml`, with the user's own entries in front.

use serde::Deserialize;

use crate::codec::Codec;
use crate::pipeline::Source;
use crate::units::Bitrate;

/// The encoders, in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    entries: Vec<Entry>,
}

/// One encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is called here.
    pub name: String,
    /// What it makes.
    pub codec: Codec,
    /// Whether it runs on a chip made for it.
    pub hardware: bool,
    /// What must be installed.
    pub elements: Vec<String>,
    /// Launch text with placeholders, from raw I420 to encoded pictures; the encoder is named `encoder`.
    pub launch: String,
    /// How the bitrate is changed while it runs, if it can be.
    pub bitrate: Option<BitrateControl>,
    /// How a keyframe is asked for.
    pub keyframe: Keyframe,
}

/// The property that holds the bitrate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitrateControl {
    /// Its name.
    pub property: String,
    /// The unit of its number.
    pub unit: BitrateUnit,
    /// Text around the number, where the property takes more: `controls,video_bitrate={value}`.
    #[serde(default = "only_the_value")]
    pub format: String,
}

fn only_the_value() -> String {
    "{value}".to_owned()
}

/// The unit of a bitrate property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum BitrateUnit {
    /// Bits per second.
    #[serde(rename = "bit/s")]
    BitsPerSecond,
    /// 1000 bits per second.
    #[serde(rename = "kbit/s")]
    KilobitsPerSecond,
}

/// How a keyframe is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Keyframe {
    /// By GStreamer's force-key-unit event, which video encoders understand.
    #[default]
    Event,
    /// By an action signal of the encoder.
    Signal(String),
}

/// Why a table is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Not TOML, or not a list of `[[encoder]]`.
    #[error("{origin}: {what}")]
    Syntax {
        /// The file.
        origin: String,
        /// What and where.
        what: String,
    },
    /// One entry is not as it should be.
    #[error("{origin}: encoder '{entry}': {what}")]
    Entry {
        /// The file.
        origin: String,
        /// Its name, or its place if it has none.
        entry: String,
        /// What is wrong; names the key.
        what: String,
    },
    /// A name in `encoders.order` that no entry has.
    #[error("encoders.order names '{name}', which no encoder is called; there are {}", known.join(", "))]
    Order {
        /// The name.
        name: String,
        /// All names.
        known: Vec<String>,
    },
}

impl BitrateControl {
    /// The property's value for a bitrate.
    pub fn value(&self, bitrate: Bitrate) -> String {
        let number = match self.unit {
            BitrateUnit::BitsPerSecond => bitrate.as_bps(),
            BitrateUnit::KilobitsPerSecond => bitrate.as_kbps(),
        };
        self.format.replace("{value}", &number.to_string())
    }
}

impl Catalogue {
    /// Reads `encoders.toml`.
    pub fn parse(source: &Source) -> Result<Catalogue, CatalogueError> {
        let table: Table = toml::from_str(&source.content).map_err(|error| syntax(source, &error))?;
        Ok(Catalogue { entries: entries(&source.origin, table.encoder)? })
    }

    /// The user's entries go in front, and replace those of the same name.
    pub fn with(mut self, origin: &str, encoders: Vec<toml::Value>) -> Result<Catalogue, CatalogueError> {
        let mut own = entries(origin, encoders)?;
        self.entries.retain(|entry| own.iter().all(|mine| mine.name != entry.name));
        own.append(&mut self.entries);
        Ok(Catalogue { entries: own })
    }

    /// The named entries go first, in this order; the others follow as they are.
    pub fn ordered(mut self, order: &[String]) -> Result<Catalogue, CatalogueError> {
        if let Some(name) = order.iter().find(|name| self.entry(name).is_none()) {
            return Err(CatalogueError::Order { name: name.clone(), known: self.names() });
        }
        let place = |entry: &Entry| order.iter().position(|name| *name == entry.name).unwrap_or(order.len());
        self.entries.sort_by_key(place);
        Ok(self)
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// All names, in order.
    pub fn names(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.name.clone()).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    encoder: Vec<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    name: String,
    codec: String,
    hardware: bool,
    elements: Vec<String>,
    launch: String,
    bitrate: Option<BitrateControl>,
    #[serde(default)]
    keyframe: Keyframe,
}

fn syntax(source: &Source, error: &toml::de::Error) -> CatalogueError {
    CatalogueError::Syntax { origin: source.origin.clone(), what: error.to_string().trim_end().to_owned() }
}

fn entries(origin: &str, values: Vec<toml::Value>) -> Result<Vec<Entry>, CatalogueError> {
    let mut entries: Vec<Entry> = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        let named = value.get("name").and_then(toml::Value::as_str).map(str::to_owned);
        let label = named.unwrap_or_else(|| format!("number {}", index + 1));
        let error = |what: String| CatalogueError::Entry { origin: origin.to_owned(), entry: label.clone(), what };
        let entry = entry(value).map_err(error)?;
        if entries.iter().any(|other| other.name == entry.name) {
            return Err(error("name: it is there twice".to_owned()));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(value: toml::Value) -> Result<Entry, String> {
    let raw: RawEntry = value.try_into().map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
    let RawEntry { name, codec, hardware, elements, launch, bitrate, keyframe } = raw;
    let codec = codec.parse().map_err(|error| format!("codec: {error}"))?;
    if name.is_empty() || name.contains([' ', '!', '=']) {
        return Err("name: it must have no space, '!' or '=' in it: these tell launch text from names".to_owned());
    }
    if bitrate.is_some() && !launch.contains("name=encoder") {
        return Err("launch: the encoder must be named, name=encoder, for its bitrate to be changed".to_owned());
    }
    if bitrate.as_ref().is_some_and(|bitrate| !bitrate.format.contains("{value}")) {
        return Err("bitrate.format: it has no {value} in it".to_owned());
    }
    Ok(Entry { name, codec, hardware, elements, launch, bitrate, keyframe })
}

#[cfg(test)]
mod tests {
    use crate::pipeline::Texts;

    use super::*;

    fn parse(content: &str) -> Result<Catalogue, CatalogueError> {
        Catalogue::parse(&Source { origin: "test.toml".to_owned(), content: content.to_owned() })
    }

    fn embedded() -> Catalogue {
        Catalogue::parse(&Texts::load(None).expect("embedded").encoders).expect("the program's own table is valid")
    }

    const GOOD: &str = r#"
        [[encoder]]
        name = "mine"
        codec = "h264"
        hardware = false
        elements = ["x264enc"]
        launch = "x264enc name=encoder bitrate={bitrate_kbps}"
        bitrate = { property = "bitrate", unit = "kbit/s" }
    "#;

    #[test]
    fn hardware_comes_before_software_and_every_named_family_is_there() {
        let table = embedded();
        let last_hardware = table.entries().iter().rposition(|entry| entry.hardware);
        let first_software = table.entries().iter().position(|entry| !entry.hardware);
        assert!(last_hardware < first_software);
        for name in ["nvh264enc", "vah264lpenc", "vaapih264enc", "qsvh264enc", "v4l2h264enc", "nvv4l2h264enc", "mpph264enc"]
        {
            assert!(table.entry(name).is_some_and(|entry| entry.hardware), "{name}");
        }
        assert_eq!(table.entry("nvv4l2h264enc").map(|e| &e.keyframe), Some(&Keyframe::Signal("force-IDR".to_owned())));
    }

    #[test]
    fn errors_name_the_entry_and_the_key() {
        for (from, to, words) in [
            ("codec = \"h264\"", "codec = \"h263\"", ["mine", "codec"]),
            ("hardware = false", "", ["mine", "hardware"]),
            ("hardware = false", "hardware = false\nbitrat = 1", ["mine", "bitrat"]),
            ("kbit/s", "kB/s", ["mine", "kB/s"]),
            ("name = \"mine\"", "", ["number 1", "name"]),
            ("name=encoder", "", ["mine", "name=encoder"]),
        ] {
            let error = parse(&GOOD.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(error.contains("test.toml") && words.iter().all(|word| error.contains(word)), "{error}");
        }
        assert!(parse(&GOOD.repeat(2)).expect_err("twice").to_string().contains("twice"));
        assert!(matches!(parse("[[encoder]\n"), Err(CatalogueError::Syntax { .. })));
    }

    #[test]
    fn a_users_entries_go_in_front_and_replace_and_reorder() {
        let own: toml::Table = toml::from_str(&GOOD.replace("mine", "x264enc")).expect("valid");
        let own = own["encoder"].as_array().expect("a list").clone();
        let before = embedded();
        let table = before.clone().with("rebound.toml", own).expect("valid");
        assert_eq!(table.entries().len(), before.entries().len());
        assert_eq!(table.entries()[0].name, "x264enc");
        let table = table.ordered(&["vp8enc".to_owned(), "openh264enc".to_owned()]).expect("known");
        assert_eq!(table.names()[..3], ["vp8enc", "openh264enc", "x264enc"]);
        let error = table.ordered(&["vp7enc".to_owned()]).expect_err("unknown").to_string();
        assert!(error.contains("vp7enc") && error.contains("vp8enc"), "{error}");
    }

    #[test]
    fn bitrates_are_given_in_the_propertys_unit_and_format() {
        let table = embedded();
        let value = |name: &str| {
            let control = table.entry(name).and_then(|entry| entry.bitrate.clone()).expect(name);
            control.value(Bitrate::kbps(3000))
        };
        assert_eq!(value("x264enc"), "3000");
        assert_eq!(value("vp8enc"), "3000000");
        assert_eq!(value("v4l2h264enc"), "controls,video_bitrate=3000000");
    }
}

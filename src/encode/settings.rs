//! What a settings file says of encoders.

use super::catalogue::{Catalogue, CatalogueError};
use super::choose::Chooser;
use crate::codec::Codec;

impl Catalogue {
    /// With the `[[encoder]]` entries of the settings in front, and ordered as `encoders.order` says.
    pub fn configured(self, settings: &toml::Table) -> Result<Catalogue, CatalogueError> {
        let own = settings.get("encoder").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let order = settings.get("encoders").and_then(|encoders| encoders.get("order")).and_then(toml::Value::as_array);
        let order: Vec<String> = order.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        self.with("the settings file", own)?.ordered(&order)
    }
}

impl Chooser<'_> {
    /// The codecs of all encoders whose elements are installed, in the order of the table; a trial may refuse them still.
    pub fn codecs(&self) -> Vec<Codec> {
        let installed = self.catalogue.entries().iter().filter(|entry| self.installed(entry).is_ok());
        let mut codecs = Vec::new();
        for entry in installed {
            if !codecs.contains(&entry.codec) {
                codecs.push(entry.codec);
            }
        }
        codecs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Texts;

    fn table() -> Catalogue {
        Catalogue::parse(&Texts::load(None).expect("built in").encoders).expect("valid")
    }

    #[test]
    fn own_encoders_go_in_front_and_the_order_is_the_users() {
        let settings = toml::toml! {
            encoders.order = ["vp8enc"]
            [[encoder]]
            name = "mine"
            codec = "h264"
            hardware = false
            elements = ["x264enc"]
            launch = "x264enc name=encoder"
        };
        let names = table().configured(&settings).expect("valid").names();
        assert_eq!(names[..2], ["vp8enc", "mine"]);
        assert_eq!(names.len(), table().names().len() + 1);
    }

    #[test]
    fn an_unknown_name_in_the_order_is_refused() {
        let settings = toml::toml! { encoders.order = ["nosuchenc"] };
        assert!(table().configured(&settings).expect_err("unknown").to_string().contains("nosuchenc"));
    }

    #[test]
    fn each_codec_that_could_be_encoded_is_named_once() {
        gstreamer::init().expect("GStreamer starts");
        let (catalogue, texts) = (table(), Texts::load(None).expect("built in"));
        let codecs = Chooser { catalogue: &catalogue, texts: &texts }.codecs();
        assert!(codecs.contains(&Codec::H264) && codecs.contains(&Codec::Vp8), "{codecs:?}");
        assert!(codecs.iter().all(|codec| codecs.iter().filter(|other| *other == codec).count() == 1));
    }
}

//! Stand-ins for hardware encoders: registered under a hardware name, with the properties that `encoders.toml` sets, software
//! inside, and failures on demand. To be included with `#[path]`.
//!
//! Factories are shared by the whole process: tests that run side by side use different names.

#![allow(unreachable_pub, reason = "included by the library's tests and by the integration tests")]

use std::sync::LazyLock;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;

/// What a stand-in does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It encodes.
    Works,
    /// It says that there is no device, as a driver does that is not loaded.
    DoesNotStart,
    /// It encodes [`TRIAL_PICTURES`] and then fails: during the trial.
    FailsInTrial,
    /// It passes the trial, encodes [`RUNNING_PICTURES`] and then fails.
    FailsWhileRunning,
}

/// Pictures until a stand-in fails its trial.
pub const TRIAL_PICTURES: i32 = 3;

/// Pictures until a stand-in fails while running: more than a trial has.
pub const RUNNING_PICTURES: i32 = 60;

/// Registers a stand-in for an H.264 encoder, for example as `nvh264enc`.
pub fn register(name: &str, behaviour: Behaviour) {
    gst::init().expect("GStreamer starts");
    let type_ = match behaviour {
        Behaviour::Works => works::StandIn::static_type(),
        Behaviour::DoesNotStart => does_not_start::StandIn::static_type(),
        Behaviour::FailsInTrial => fails_in_trial::StandIn::static_type(),
        Behaviour::FailsWhileRunning => fails_while_running::StandIn::static_type(),
    };
    gst::Element::register(None, name, gst::Rank::NONE, type_).expect("registers");
}

/// Properties that are taken and ignored, as text: the union of what the hardware entries set.
const IGNORED: [&str; 17] = [
    "preset",
    "tune",
    "rc-mode",
    "rate-control",
    "gop-size",
    "zerolatency",
    "zero-reorder-delay",
    "repeat-sequence-header",
    "cpb-size",
    "key-int-max",
    "b-frames",
    "target-usage",
    "low-latency",
    "usage",
    "keyframe-period",
    "max-bframes",
    "quality-level",
];

/// A type of its own for each behaviour: an element does not know by which of its type's names it was made.
macro_rules! stand_in {
    ($module:ident, $type_name:literal, $behaviour:expr) => {
        mod $module {
            use super::*;

            gst::glib::wrapper! {
                /// A bin with a software encoder in it.
                pub struct StandIn(ObjectSubclass<imp::StandIn>) @extends gst::Bin, gst::Element, gst::Object;
            }

            mod imp {
                use super::*;

                const BEHAVIOUR: Behaviour = $behaviour;
                #[derive(Default)]
                pub struct StandIn;

                #[glib::object_subclass]
                impl ObjectSubclass for StandIn {
                    const NAME: &'static str = $type_name;
                    type Type = super::StandIn;
                    type ParentType = gst::Bin;
                }

                impl ObjectImpl for StandIn {
                    fn properties() -> &'static [glib::ParamSpec] {
                        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
                            let ignored = IGNORED.iter().map(|name| glib::ParamSpecString::builder(name).build());
                            let bitrate = glib::ParamSpecUInt::builder("bitrate")
                                .minimum(1)
                                .maximum(2_000_000)
                                .default_value(2048)
                                .build();
                            ignored.chain([bitrate]).collect()
                        });
                        &PROPERTIES
                    }

                    fn set_property(&self, _id: usize, value: &glib::Value, spec: &glib::ParamSpec) {
                        if let ("bitrate", Some(encoder)) = (spec.name(), self.obj().by_name("inside")) {
                            encoder.set_property("bitrate", value.get::<u32>().expect("a number"));
                        }
                    }

                    fn property(&self, _id: usize, spec: &glib::ParamSpec) -> glib::Value {
                        match (spec.name(), self.obj().by_name("inside")) {
                            ("bitrate", Some(encoder)) => encoder.property_value("bitrate"),
                            _ => None::<String>.to_value(),
                        }
                    }

                    fn constructed(&self) {
                        self.parent_constructed();
                        let make = |factory: &str, name: &str| {
                            gst::ElementFactory::make(factory).name(name).build().expect(factory)
                        };
                        let (failing, encoder) = (make("identity", "failing"), make("x264enc", "inside"));
                        encoder.set_property_from_str("tune", "zerolatency");
                        encoder.set_property_from_str("speed-preset", "ultrafast");
                        match BEHAVIOUR {
                            Behaviour::FailsInTrial => failing.set_property("error-after", TRIAL_PICTURES),
                            Behaviour::FailsWhileRunning => failing.set_property("error-after", RUNNING_PICTURES),
                            Behaviour::Works | Behaviour::DoesNotStart => {}
                        }
                        let bin = self.obj();
                        bin.add_many([&failing, &encoder]).expect("adds");
                        failing.link(&encoder).expect("links");
                        for (element, pad) in [(&failing, "sink"), (&encoder, "src")] {
                            let inside = element.static_pad(pad).expect("has the pad");
                            bin.add_pad(&gst::GhostPad::with_target(&inside).expect("a ghost pad")).expect("adds");
                        }
                    }
                }

                impl GstObjectImpl for StandIn {}

                impl ElementImpl for StandIn {
                    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
                        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                            gst::subclass::ElementMetadata::new(
                                "Stand-in",
                                "Codec/Encoder/Video/Hardware",
                                "For tests",
                                "rebound",
                            )
                        });
                        Some(&METADATA)
                    }

                    fn pad_templates() -> &'static [gst::PadTemplate] {
                        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                            let template = |name: &str, direction, caps: &str| {
                                let caps = gst::Caps::new_empty_simple(caps);
                                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).expect("valid")
                            };
                            vec![
                                template("sink", gst::PadDirection::Sink, "video/x-raw"),
                                template("src", gst::PadDirection::Src, "video/x-h264"),
                            ]
                        });
                        &TEMPLATES
                    }

                    fn change_state(
                        &self,
                        transition: gst::StateChange,
                    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
                        let bin = self.obj();
                        if transition == gst::StateChange::NullToReady && BEHAVIOUR == Behaviour::DoesNotStart {
                            gst::element_error!(bin, gst::ResourceError::NotFound, ("no such device"));
                            return Err(gst::StateChangeError);
                        }
                        self.parent_change_state(transition)
                    }
                }

                impl BinImpl for StandIn {}
            }
        }
    };
}

stand_in!(works, "ReboundTestWorks", Behaviour::Works);
stand_in!(does_not_start, "ReboundTestDoesNotStart", Behaviour::DoesNotStart);
stand_in!(fails_in_trial, "ReboundTestFailsInTrial", Behaviour::FailsInTrial);
stand_in!(fails_while_running, "ReboundTestFailsWhileRunning", Behaviour::FailsWhileRunning);

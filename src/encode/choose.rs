//! Which encoder is taken, and why the ones before it are not.

use crate::codec::Codec;
use crate::pipeline::{FillError, Pipeline, Template, Texts, Value, missing};

use super::catalogue::{BitrateControl, Catalogue, Entry, Keyframe};
use super::reason::{ChooseError, PassedOver, Reason};
use super::trial::{self, Measured, Shape};

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Wanted {
    /// The first of the table that works.
    #[default]
    Auto,
    /// This one.
    Name(String),
    /// The user's own launch text.
    Launch(String),
}

impl Wanted {
    /// As on the command line: `auto`, a name, or launch text, which has a space, `!` or `=` in it.
    pub fn parse(text: &str) -> Wanted {
        match text.trim() {
            "auto" => Wanted::Auto,
            launch if launch.contains([' ', '!', '=']) => Wanted::Launch(launch.to_owned()),
            name => Wanted::Name(name.to_owned()),
        }
    }
}

/// What is needed of the encoder.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What the user asks for.
    pub wanted: &'a Wanted,
    /// Only this codec, if given.
    pub codec: Option<Codec>,
    /// Size, rate and bitrate.
    pub shape: Shape,
    /// Only these codecs, if given: what the other side can decode.
    pub allowed: Option<&'a [Codec]>,
    /// Not these: they died.
    pub excluded: &'a [String],
    /// This codec first, if given: what is running, so that nothing needs to be negotiated anew.
    pub preferred: Option<Codec>,
}

/// The encoder that is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its name in the table, or `custom`.
    pub name: String,
    /// What it makes.
    pub codec: Codec,
    /// Whether it runs on a chip made for it.
    pub hardware: bool,
    /// The encoder as launch text, filled: what stands for `{encoder}`.
    pub launch: String,
    /// The whole encoding pipeline, from `frames` to `units`.
    pub pipeline: String,
    /// As `launch`, with a keyframe every second: for gst-launch, where no receiver can ask for one.
    pub printable: String,
    /// The raw pictures that go in, as caps.
    pub caps: String,
    /// How its bitrate is changed while it runs.
    pub bitrate: Option<BitrateControl>,
    /// How a keyframe is asked for.
    pub keyframe: Keyframe,
    /// What the trial found.
    pub measured: Measured,
    /// Those before it in the table, and why not.
    pub passed_over: Vec<PassedOver>,
}

/// Pictures in a trial: the first ones are keyframes and warm-up, the median is of the others.
const TRIAL_FRAMES: usize = 9;

/// The rate control's buffer in picture times: no picture becomes much larger than the others and takes longer to arrive.
const VBV_FRAMES: f64 = 1.5;

/// What makes pictures smaller, and lets them pass as they are until it is asked to.
const SHRINK: &str = "! videoscale add-borders=false ! capsfilter name=shrunk caps=video/x-raw";

/// The name of the user's own launch text in reports.
const CUSTOM: &str = "custom";

/// Chooses encoders from a table.
#[derive(Clone, Copy, Debug)]
pub struct Chooser<'a> {
    /// The table.
    pub catalogue: &'a Catalogue,
    /// The texts around the encoder.
    pub texts: &'a Texts,
}

impl Chooser<'_> {
    /// Finds the encoder and logs the choice. Blocks for the trials: up to seconds with hardware that fails slowly.
    pub fn choose(&self, request: &Request<'_>) -> Result<Choice, ChooseError> {
        let choice = match request.wanted {
            Wanted::Auto => self.first_that_works(request),
            Wanted::Name(name) => self.named(name, request),
            Wanted::Launch(launch) => self.custom(launch, request),
        }?;
        log(&choice);
        Ok(choice)
    }

    fn first_that_works(&self, request: &Request<'_>) -> Result<Choice, ChooseError> {
        let mut passed_over = Vec::new();
        let mut too_slow: Option<Choice> = None;
        for entry in self.candidates(request) {
            match self.judge(entry, request) {
                Ok(choice) => return Ok(Choice { passed_over, ..choice }),
                Err((reason, usable)) => {
                    passed_over.push(PassedOver { name: entry.name.clone(), reason });
                    too_slow = faster(too_slow, usable);
                }
            }
        }
        // Better a picture late than none: when nothing keeps up, the fastest does what it can.
        let Some(choice) = too_slow else {
            return Err(ChooseError::None { codec: request.codec, passed_over });
        };
        passed_over.retain(|other| other.name != choice.name);
        tracing::warn!(
            encoder = choice.name,
            ms_per_frame = choice.measured.ms_per_frame,
            "no encoder keeps up; the fastest is taken"
        );
        Ok(Choice { passed_over, ..choice })
    }

    /// The entries of the codec asked for, the preferred codec first.
    fn candidates(&self, request: &Request<'_>) -> Vec<&Entry> {
        let asked_for = |entry: &&Entry| request.codec.is_none_or(|codec| codec == entry.codec);
        let mut entries: Vec<&Entry> = self.catalogue.entries().iter().filter(asked_for).collect();
        entries.sort_by_key(|entry| request.preferred.is_some_and(|codec| codec != entry.codec));
        entries
    }

    fn named(&self, name: &str, request: &Request<'_>) -> Result<Choice, ChooseError> {
        let Some(entry) = self.catalogue.entry(name) else {
            return Err(ChooseError::UnknownName { name: name.to_owned(), known: self.catalogue.names() });
        };
        let judged = match self.judge(entry, request) {
            Err((_, Some(slow))) => Ok(*slow),
            judged => judged.map_err(|(reason, _)| reason),
        };
        judged.map_err(|reason| ChooseError::Unusable { name: name.to_owned(), reason: Box::new(reason) })
    }

    /// Takes or refuses one entry; one that only is too slow comes along.
    fn judge(&self, entry: &Entry, request: &Request<'_>) -> Result<Choice, (Reason, Option<Box<Choice>>)> {
        let choice = self.usable(entry, request).map_err(|reason| (reason, None))?;
        let fps = request.shape.fps;
        let budget_ms = 1e3 / f64::from(fps.per_second());
        let ms_per_frame = choice.measured.ms_per_frame;
        if ms_per_frame > budget_ms {
            return Err((Reason::TooSlow { ms_per_frame, budget_ms, fps }, Some(Box::new(choice))));
        }
        Ok(choice)
    }

    fn usable(&self, entry: &Entry, request: &Request<'_>) -> Result<Choice, Reason> {
        if request.excluded.contains(&entry.name) {
            return Err(Reason::Died);
        }
        acceptable(entry.codec, request)?;
        self.installed(entry)?;
        let filled = self.fill(&entry.launch, &entry.name, &request.shape)?;
        let measured = trial::run(&filled.pipeline, &request.shape, TRIAL_FRAMES).map_err(Reason::Trial)?;
        if measured.codec != entry.codec {
            return Err(Reason::WrongCodec { found: measured.codec, wanted: entry.codec });
        }
        if measured.delay_frames > 0 {
            return Err(Reason::Delays(measured.delay_frames));
        }
        Ok(filled.with(measured, Some(entry), &entry.name))
    }

    /// Also what puts the codec into RTP, without which the encoder is of no use.
    pub(super) fn installed(&self, entry: &Entry) -> Result<(), Reason> {
        let payloading = self.texts.payloaders.of(entry.codec).map_err(|error| Reason::Text(error.to_string()))?;
        let elements = entry.elements.iter().chain(&payloading.elements);
        let missing = missing(elements.map(String::as_str));
        if missing.is_empty() { Ok(()) } else { Err(Reason::NotInstalled(missing)) }
    }

    /// The encoder's launch text, and the whole pipeline around it.
    pub(super) fn fill(&self, launch: &str, name: &str, shape: &Shape) -> Result<Filled, Reason> {
        let text = |error: FillError| Reason::Text(error.to_string());
        let template = Template::new(format!("launch text of encoder '{name}'"), launch);
        let launch = template.fill(&values(shape, shape.gop_frames.into())).map_err(text)?;
        let printable = template.fill(&values(shape, shape.fps.per_second().into())).map_err(text)?;
        let caps = raw_caps(shape);
        let shrink = if shape.is_adaptive { Value::Launch(SHRINK.to_owned()) } else { Value::Nothing };
        let around = [("caps", Value::Launch(caps.clone())), ("shrink", shrink), ("encoder", Value::Launch(launch.clone()))];
        let pipeline = self.texts.encode.fill(&around).map_err(text)?;
        Ok(Filled { launch, pipeline, printable, caps })
    }

    /// The user's own launch text is taken as it is: what is slow or keeps pictures back is measured and told, not refused.
    fn custom(&self, launch: &str, request: &Request<'_>) -> Result<Choice, ChooseError> {
        let tried = self.try_custom(launch, request);
        tried.map_err(|reason| ChooseError::Unusable { name: CUSTOM.to_owned(), reason: Box::new(reason) })
    }

    fn try_custom(&self, launch: &str, request: &Request<'_>) -> Result<Choice, Reason> {
        // The user's own text alone, so that an error shows it and not the pipeline around it.
        let filled = self.fill(launch, CUSTOM, &request.shape)?;
        drop(Pipeline::parse("encoder", &filled.launch).map_err(|error| Reason::Trial(error.into()))?);
        let measured = trial::run(&filled.pipeline, &request.shape, TRIAL_FRAMES).map_err(Reason::Trial)?;
        acceptable(measured.codec, request)?;
        if measured.delay_frames > 0 {
            tracing::warn!(
                delay_frames = measured.delay_frames,
                "this encoder keeps pictures back: all coordinates will be late"
            );
        }
        let known = self.catalogue.entries().iter().find(|entry| has_word(&filled.launch, &entry.name));
        Ok(filled.with(measured, known, CUSTOM))
    }
}

/// An encoder's text with all values in it.
pub(super) struct Filled {
    launch: String,
    pub(super) pipeline: String,
    printable: String,
    caps: String,
}

impl Filled {
    /// `known` is the entry that says how the encoder is controlled.
    fn with(self, measured: Measured, known: Option<&Entry>, name: &str) -> Choice {
        let Filled { launch, pipeline, printable, caps } = self;
        Choice {
            name: name.to_owned(),
            codec: measured.codec,
            hardware: known.is_some_and(|entry| entry.hardware),
            launch,
            pipeline,
            printable,
            caps,
            bitrate: known.and_then(|entry| entry.bitrate.clone()),
            keyframe: known.map_or(Keyframe::Event, |entry| entry.keyframe.clone()),
            measured,
            passed_over: Vec::new(),
        }
    }
}

fn has_word(launch: &str, element: &str) -> bool {
    launch.split_whitespace().any(|word| word == element)
}

fn acceptable(codec: Codec, request: &Request<'_>) -> Result<(), Reason> {
    if request.codec.is_some_and(|asked_for| asked_for != codec) {
        return Err(Reason::NotAskedFor(codec));
    }
    if request.allowed.is_some_and(|allowed| !allowed.contains(&codec)) {
        return Err(Reason::NotDecodable(codec));
    }
    Ok(())
}

fn faster(best: Option<Choice>, other: Option<Box<Choice>>) -> Option<Choice> {
    let other = other.map(|choice| *choice);
    let time = |choice: &Choice| choice.measured.ms_per_frame;
    best.into_iter().chain(other).min_by(|a, b| time(a).total_cmp(&time(b)))
}

/// The caps of the pictures that go into the encoder.
fn raw_caps(shape: &Shape) -> String {
    let (width, height, fps) = (shape.size.width(), shape.size.height(), shape.fps);
    format!(
        "video/x-raw,format=I420,width={width},height={height},framerate={fps}/1,pixel-aspect-ratio=1/1,interlace-mode=progressive"
    )
}

fn values(shape: &Shape, gop: u64) -> [(&'static str, Value); 8] {
    let Shape { size, fps, bitrate, .. } = *shape;
    let vbv_s = VBV_FRAMES / f64::from(fps.per_second());
    let at_least_one = |value: f64| Value::Number(value.ceil().max(1.0) as u64);
    [
        ("bitrate_bps", Value::Number(bitrate.as_bps())),
        ("bitrate_kbps", Value::Number(bitrate.as_kbps())),
        ("fps", Value::Number(fps.per_second().into())),
        ("width", Value::Number(size.width().into())),
        ("height", Value::Number(size.height().into())),
        ("gop", Value::Number(gop)),
        ("vbv_ms", at_least_one(vbv_s * 1e3)),
        ("vbv_kbit", at_least_one(vbv_s * bitrate.as_bps() as f64 / 1e3)),
    ]
}

/// One line for the choice, one for all that are not installed, one for each that is and was passed over.
fn log(choice: &Choice) {
    let Choice { name, codec, hardware, measured, passed_over, .. } = choice;
    let is_missing = |other: &&PassedOver| matches!(other.reason, Reason::NotInstalled(_));
    for PassedOver { name, reason } in passed_over.iter().filter(|other| !is_missing(other)) {
        tracing::info!(encoder = name, %reason, "encoder passed over");
    }
    let absent: Vec<&str> = passed_over.iter().filter(is_missing).map(|other| other.name.as_str()).collect();
    if !absent.is_empty() {
        tracing::info!(encoders = absent.join(" "), "encoders passed over: not installed");
    }
    tracing::info!(encoder = name, %codec, hardware, ms_per_frame = measured.ms_per_frame, "encoder chosen");
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;

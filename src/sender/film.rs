//! What is being sent: a scene that is drawn, or footage that is played.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;

use super::event::{Event, Events};
use super::stream::Stream;
use super::truth::Reference;
use crate::cli::{self, SendConfig};
use crate::clock::RunClock;
use crate::detect;
use crate::pipeline::{Debugging, MediaText, PipelineError, Texts};
use crate::report::SceneInfo;
use crate::scene::{Scene, SceneConfig, Truth};
use crate::source::{FEED_LAUNCH, Filmed, Footage, MediaSource, Produced, SceneSource};
use crate::units::{Fps, FrameNumber, RtpTime};

/// What is sent, and where everything in it is.
pub(super) enum Film {
    /// A scene: known at any time.
    Scene {
        scene: Arc<Scene>,
        /// Of its frame 0.
        start: Duration,
    },
    /// Footage: known as it was in the newest frame.
    Footage { text: MediaText, newest: Box<Truth> },
}

impl Film {
    /// The scene or footage of the settings, not yet started.
    pub(super) fn new(config: &SendConfig, texts: &Texts) -> anyhow::Result<Film> {
        match media_text(config, texts)? {
            Some(text) => Ok(Film::Footage { text, newest: Box::new(Truth::unknown()) }),
            None => Ok(Film::Scene { scene: Arc::new(scene(config)?), start: Duration::ZERO }),
        }
    }

    /// Where everything is at this moment, as far as known.
    pub(super) fn truth_at(&self, at: Duration) -> Truth {
        match self {
            Film::Scene { scene, start } => scene.truth_at(at.saturating_sub(*start)),
            Film::Footage { newest, .. } => **newest,
        }
    }

    /// A frame was made.
    pub(super) fn on_produced(&mut self, truth: Truth) {
        if let Film::Footage { newest, .. } = self {
            **newest = truth;
        }
    }

    /// What people call it.
    pub(super) fn name(&self) -> &str {
        match self {
            Film::Scene { scene, .. } => scene.config().kind.name(),
            Film::Footage { text, .. } => &text.shown,
        }
    }

    /// The scene, if it is one.
    pub(super) fn scene(&self) -> Option<&Scene> {
        match self {
            Film::Scene { scene, .. } => Some(scene),
            Film::Footage { .. } => None,
        }
    }

    /// As in the report.
    pub(super) fn info(&self, config: &SendConfig) -> SceneInfo {
        let scene = self.scene().map(Scene::config);
        SceneInfo {
            name: self.name().to_owned(),
            width: config.size.width(),
            height: config.size.height(),
            fps: config.fps.per_second(),
            seed: scene.map(|scene| scene.seed),
            radius_px: scene.map(|scene| scene.radius_px),
            speed_px_per_s: scene.map(|scene| scene.speed_px_per_s),
            reference: config.source.reference.clone(),
        }
    }
}

fn scene(config: &SendConfig) -> anyhow::Result<Scene> {
    let SendConfig { size, fps, radius_px, speed_px_per_s, seed, .. } = *config;
    let base = SceneConfig::new(config.scene.parse()?, size, fps);
    let frame_code = config.witness.frame_code;
    Ok(Scene::new(SceneConfig { radius_px, speed_px_per_s, seed, frame_code, ..base })?)
}

/// The pipeline of the footage; none for a scene.
fn media_text(config: &SendConfig, texts: &Texts) -> anyhow::Result<Option<MediaText>> {
    let shown = cli::redact(&config.source.source.to_string());
    let (launch, live, location) = match &config.source.source {
        Footage::Scene => return Ok(None),
        // What makes it is not known; a camera that is taken for a file would only be started late.
        Footage::Launch(text) => (text.clone(), true, None),
        Footage::Fed(_) => (FEED_LAUNCH.to_owned(), true, None),
        Footage::Media { kind, location } => {
            let entry = texts.sources.of(kind.name())?;
            let elements = entry.missing();
            if !elements.is_empty() {
                return Err(PipelineError::Missing { pipeline: "source".to_owned(), elements }.into());
            }
            (entry.launch.clone(), entry.live, Some((entry.property.clone(), location.clone())))
        }
    };
    let launch = texts.source(&launch, live, config.size, config.fps)?;
    Ok(Some(MediaText { launch, location, live, shown }))
}

/// What makes the frames.
pub(super) enum Source {
    /// Draws a scene.
    Scene(SceneSource),
    /// Plays footage.
    Media { media: MediaSource, playing: bool },
}

/// Where the frames go: to the ledger and to the encoder.
#[derive(Clone)]
pub(super) struct Outlet {
    clock: RunClock,
    events: Events,
    stream: super::stream::Inlet,
    offset: RtpTime,
    produced: Arc<AtomicU64>,
    most: Option<u64>,
}

impl Outlet {
    pub(super) fn new(clock: &RunClock, stream: &Stream, events: &Events, most: Option<u64>) -> Outlet {
        let (clock, events, offset) = (clock.clone(), events.clone(), stream.offset());
        Outlet { clock, events, stream: stream.inlet(), offset, produced: Arc::default(), most }
    }

    /// Whether a frame is of use to anybody.
    fn wants(&self, number: FrameNumber) -> bool {
        self.stream.wants(number) && self.most.is_none_or(|most| self.produced.load(Ordering::Relaxed) < most)
    }

    fn give(&self, number: FrameNumber, truth: Truth, due: Duration, at: Duration, picture: Option<gstreamer::Buffer>) {
        self.produced.fetch_add(1, Ordering::Relaxed);
        let rtp = RtpTime::from_running_time(self.offset, u64::try_from(due.as_nanos()).unwrap_or(u64::MAX));
        self.events.tell(Event::Produced { number, rtp, truth, due, at });
        if let Some(picture) = picture {
            self.stream.push(picture, due);
        }
    }

    /// Starts to draw.
    pub(super) fn draw(&self, scene: Arc<Scene>, start: Duration) -> std::io::Result<Source> {
        let (wanted, out) = (self.clone(), self.clone());
        let give = move |frame: Produced| out.give(frame.number, frame.truth, frame.due, frame.at, frame.picture);
        SceneSource::start(scene, start, self.clock.clone(), move |number| wanted.wants(number), give).map(Source::Scene)
    }

    /// Begins to play footage that is open.
    fn play(&self, media: &MediaSource, fps: Fps, reference: Option<&str>) -> anyhow::Result<()> {
        let mut reference = reference.map(detect::by_name).transpose()?.map(Reference::new);
        let (wanted, out, events) = (self.clone(), self.clone(), self.events.clone());
        let give = move |frame: Filmed| {
            let truth = reference.as_mut().map_or_else(Truth::unknown, |reference| reference.truth(frame.pixels.as_ref()));
            // Reading ends here: the encoder gets the only reference, and need not copy.
            drop(frame.pixels);
            out.give(frame.number, truth, frame.due, out.clock.now(), Some(frame.picture));
        };
        let ended = move |end| events.tell(Event::FootageEnded(end));
        let asked = AtomicU64::new(0);
        let wants = move || wanted.wants(FrameNumber(asked.fetch_add(1, Ordering::Relaxed)));
        media.play(fps, wants, give, ended).context("the source does not play")
    }
}

/// Opens the footage off the loop: the first picture can take seconds.
pub(super) fn open(text: &MediaText, clock: &RunClock, debugging: &Debugging, events: &Events) {
    let (text, clock, debugging, events) = (text.clone(), clock.clone(), debugging.clone(), events.clone());
    tokio::task::spawn_blocking(move || {
        events.tell(Event::FootageOpened(MediaSource::open(&text, &clock, &debugging)));
    });
}

impl Source {
    /// Footage that has been opened; a live one plays at once.
    pub(super) fn opened(media: MediaSource, outlet: &Outlet, config: &SendConfig) -> anyhow::Result<Source> {
        let is_live = media.is_live();
        let mut source = Source::Media { media, playing: false };
        if is_live {
            source.begin(outlet, config)?;
        }
        Ok(source)
    }

    /// Somebody watches: what waited for that plays.
    pub(super) fn begin(&mut self, outlet: &Outlet, config: &SendConfig) -> anyhow::Result<()> {
        match self {
            Source::Media { media, playing } if !*playing => {
                *playing = true;
                outlet.play(media, config.fps, config.source.reference.as_deref())
            }
            _ => Ok(()),
        }
    }

    /// Ends it. Footage ends off the loop: an RTSP server is said goodbye to.
    pub(super) fn end(self) {
        match self {
            Source::Scene(source) => drop(source),
            Source::Media { media, .. } => drop(crate::closing::off_the_loop(|| drop(media))),
        }
    }
}

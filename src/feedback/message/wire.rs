//! How the fields of a message look in JSON.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use super::{MAX_LABEL_BYTES, MessageError, at_most, within};
use crate::detect::{Extent, Sighting};
use crate::units::Px;

/// One object of a sightings message.
#[derive(Serialize, Deserialize)]
struct Object<'a> {
    #[serde(borrow, default = "unnamed")]
    label: Cow<'a, str>,
    x: f64,
    y: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    radius: Option<f64>,
    #[serde(rename = "box", default, skip_serializing_if = "Option::is_none")]
    sides: Option<[f64; 2]>,
    #[serde(default = "certain")]
    score: f64,
}

fn unnamed() -> Cow<'static, str> {
    Cow::Borrowed("object")
}

fn certain() -> f64 {
    1.0
}

impl<'a> From<&'a Sighting> for Object<'a> {
    fn from(sighting: &'a Sighting) -> Object<'a> {
        let (radius, sides) = match sighting.extent {
            Extent::Point => (None, None),
            Extent::Radius(radius) => (Some(radius), None),
            Extent::Box(width, height) => (None, Some([width, height])),
        };
        let Px { x, y } = sighting.centre_px;
        Object { label: Cow::Borrowed(&sighting.label), x, y, radius, sides, score: sighting.score }
    }
}

impl TryFrom<Object<'_>> for Sighting {
    type Error = &'static str;

    fn try_from(object: Object<'_>) -> Result<Sighting, &'static str> {
        let extent = match (object.radius, object.sides) {
            (None, None) => Extent::Point,
            (Some(radius), None) => Extent::Radius(radius),
            (None, Some([width, height])) => Extent::Box(width, height),
            (Some(_), Some(_)) => return Err("an object has both radius and box; send one of them"),
        };
        let label = Cow::Owned(object.label.into_owned());
        Ok(Sighting { label, centre_px: Px { x: object.x, y: object.y }, extent, score: object.score })
    }
}

/// Where something may be said to be.
pub(super) fn check_place(place: Px, width: f64, height: f64) -> Result<(), MessageError> {
    within("x", place.x, -width..=2.0 * width)?;
    within("y", place.y, -height..=2.0 * height)
}

/// Half a frame outside is possible (an object that enters), a whole one is already generous; beyond it is nonsense.
pub(super) fn check_object(object: &Sighting, width: f64, height: f64) -> Result<(), MessageError> {
    at_most("bytes of label", object.label.len(), MAX_LABEL_BYTES)?;
    check_place(object.centre_px, width, height)?;
    within("score", object.score, 0.0..=1.0)?;
    let largest = 2.0 * width.max(height);
    match object.extent {
        Extent::Point => Ok(()),
        Extent::Radius(radius) => within("radius", radius, 0.0..=largest),
        Extent::Box(box_width, box_height) => {
            within("box width", box_width, 0.0..=largest)?;
            within("box height", box_height, 0.0..=largest)
        }
    }
}

/// Serialises into a string whose memory is reused.
pub(super) fn into_string(value: &impl Serialize, text: &mut String) -> Result<(), MessageError> {
    let mut bytes = std::mem::take(text).into_bytes();
    bytes.clear();
    serde_json::to_writer(&mut bytes, value).map_err(|error| MessageError::Syntax(error.to_string()))?;
    *text = String::from_utf8(bytes).map_err(|error| MessageError::Syntax(error.to_string()))?;
    Ok(())
}

pub(super) mod objects {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Object;
    use crate::detect::Sighting;

    pub(in super::super) fn serialize<S: Serializer>(objects: &[Sighting], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(objects.iter().map(Object::from))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Sighting>, D::Error> {
        let objects = Vec::<Object<'de>>::deserialize(from)?;
        objects.into_iter().map(|object| object.try_into().map_err(D::Error::custom)).collect()
    }
}

pub(super) mod places {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::units::Px;

    pub(in super::super) fn serialize<S: Serializer>(places: &[Px], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(places.iter().map(|place| [place.x, place.y]))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Px>, D::Error> {
        Ok(Vec::<[f64; 2]>::deserialize(from)?.into_iter().map(|[x, y]| Px { x, y }).collect())
    }
}

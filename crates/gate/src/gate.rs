//! A gate in use, and what a model file holds of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::features::{Strokes, strokes};
use crate::network::Networks;
use crate::{FEATURES_VERSION, GateError, Picture, features};

/// The form this program writes, and the only one it reads.
const VERSION: u32 = 2;

/// What a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A plain radiograph.
    Radiograph,
    /// A plain radiograph of a region that the model did not learn from.
    Outside,
    /// A slice of a CT or MR scan.
    CrossSection,
    /// Anything else.
    Other,
}

impl Class {
    /// All, in the order of the networks' answers.
    pub const ALL: [Self; 4] = [
        Self::Radiograph,
        Self::Outside,
        Self::CrossSection,
        Self::Other,
    ];

    /// Its name in files and folders.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Radiograph => "radiograph",
            Self::Outside => "outside",
            Self::CrossSection => "cross_section",
            Self::Other => "other",
        }
    }
}

/// What a gate says of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// How much it looks like a plain radiograph, 0..=1.
    pub xray_score: f64,
    /// How much like a slice of a CT or MR scan, 0..=1.
    pub cross_section: f64,
    /// If it is a radiograph: how much like one of a region that the model did not learn from, 0..=1.
    pub outside: f64,
    /// Whether parts of a gray picture are coloured.
    pub annotated: bool,
}

/// The gate of a model: which pictures it is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Gate {
    /// The networks on its features.
    pub networks: Networks,
    /// Pictures with a lower [`Verdict::xray_score`] are refused.
    pub threshold: f64,
    /// Pictures with a [`Verdict::cross_section`] of at least this are flagged.
    pub cross_section_threshold: f64,
    /// Radiographs with a [`Verdict::outside`] of at least this are flagged as of a region that the model did not learn from.
    pub outside_threshold: f64,
    /// What it was fitted on.
    pub fitted: Fitted,
    /// What it refuses, measured on pictures that it was not fitted on.
    pub measured: Vec<Rate>,
}

/// What a gate was fitted on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fitted {
    /// Seed of all draws.
    pub seed: u64,
    /// Pictures by class and source, varied ones counted.
    pub pictures: Vec<(Class, String, u64)>,
}

/// What became of the pictures of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// What they are.
    pub class: Class,
    /// Where they are from.
    pub source: String,
    /// How many there are that read.
    pub pictures: u64,
    /// Of them, refused.
    pub refused: u64,
    /// Flagged as a cross-section.
    pub cross_section: u64,
    /// Let through and flagged as of a region that the model did not learn from.
    #[serde(default)]
    pub outside_training: u64,
    /// Flagged as annotated.
    pub annotated: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    features: u32,
    hidden: usize,
    members: usize,
    threshold: f64,
    cross_section_threshold: f64,
    /// Gates of version 1 have none: it must not be missed before the version is.
    #[serde(default)]
    outside_threshold: Option<f64>,
    fitted: Fitted,
    measured: Vec<Rate>,
    /// f32, little-endian, base64.
    weights: String,
}

impl Gate {
    /// Looks at a picture.
    #[must_use]
    pub fn judge(&self, picture: &Picture) -> Verdict {
        let annotated = picture.color.as_ref().is_some_and(|c| drawn_on(strokes(c)));
        Verdict {
            annotated,
            ..self.weigh(&features(picture))
        }
    }

    /// What the networks say of a picture with these [`features`].
    #[must_use]
    pub fn weigh(&self, features: &[f32]) -> Verdict {
        let [inside, outside, cross_section, _] = self.networks.answer(features);
        let radiograph = inside + outside;
        Verdict {
            xray_score: f64::from(radiograph).clamp(0.0, 1.0),
            cross_section: f64::from(cross_section).clamp(0.0, 1.0),
            outside: f64::from(outside / radiograph.max(1e-9)).clamp(0.0, 1.0),
            annotated: false,
        }
    }

    /// Whether a picture with this [`Verdict::xray_score`] is let through.
    #[must_use]
    pub fn admits(&self, xray_score: f64) -> bool {
        xray_score >= self.threshold
    }

    /// Numbers in the networks.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.networks.weights.len()
    }
}

/// A few strongly coloured pixels that hang together on a picture that has no colours else.
fn drawn_on(strokes: Strokes) -> bool {
    strokes.pixels >= 12
        && (0.0004..0.2).contains(&strokes.strong)
        && strokes.rest < 8.0
        && strokes.compact > 0.4
}

impl TryFrom<Stored> for Gate {
    type Error = GateError;

    fn try_from(stored: Stored) -> Result<Self, GateError> {
        if stored.version != VERSION {
            return Err(GateError::Version {
                found: stored.version,
                known: VERSION,
            });
        }
        if stored.features != FEATURES_VERSION {
            return Err(GateError::Features {
                found: stored.features,
                known: FEATURES_VERSION,
            });
        }
        let bytes = STANDARD_NO_PAD
            .decode(&stored.weights)
            .map_err(|_| GateError::Base64)?;
        let weights: Vec<f32> = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&b| f32::from_le_bytes(b))
            .collect();
        // A file may state any sizes: they are not multiplied before they were looked at.
        let sane = (1..=1024).contains(&stored.hidden) && (1..=64).contains(&stored.members);
        let expected = if sane {
            Networks::count(stored.hidden, stored.members)
        } else {
            0
        };
        if !sane || weights.len() != expected || bytes.len() != 4 * expected {
            return Err(GateError::Weights {
                found: weights.len(),
                expected,
                members: stored.members,
                hidden: stored.hidden,
            });
        }
        let scales = &weights[crate::FEATURES..2 * crate::FEATURES];
        if weights.iter().any(|w| !w.is_finite()) || scales.iter().any(|&s| s <= 0.0) {
            return Err(GateError::NotFinite);
        }
        let outside_threshold = stored.outside_threshold.unwrap_or(f64::NAN);
        for (key, value) in [
            ("threshold", stored.threshold),
            ("cross_section_threshold", stored.cross_section_threshold),
            ("outside_threshold", outside_threshold),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(GateError::Threshold { key });
            }
        }
        Ok(Self {
            networks: Networks {
                hidden: stored.hidden,
                members: stored.members,
                weights,
            },
            threshold: stored.threshold,
            cross_section_threshold: stored.cross_section_threshold,
            outside_threshold,
            fitted: stored.fitted,
            measured: stored.measured,
        })
    }
}

impl From<Gate> for Stored {
    fn from(gate: Gate) -> Self {
        let bytes: Vec<u8> = gate
            .networks
            .weights
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .collect();
        Self {
            version: VERSION,
            features: FEATURES_VERSION,
            hidden: gate.networks.hidden,
            members: gate.networks.members,
            threshold: gate.threshold,
            cross_section_threshold: gate.cross_section_threshold,
            outside_threshold: Some(gate.outside_threshold),
            fitted: gate.fitted,
            measured: gate.measured,
            weights: STANDARD_NO_PAD.encode(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Networks;

    /// A gate of two small networks that knows nothing.
    fn any() -> Gate {
        let mut weights = vec![0.0; Networks::count(2, 2)];
        weights[crate::FEATURES..2 * crate::FEATURES].fill(1.0);
        Gate {
            networks: Networks {
                hidden: 2,
                members: 2,
                weights,
            },
            threshold: 0.5,
            cross_section_threshold: 0.5,
            outside_threshold: 0.5,
            fitted: Fitted::default(),
            measured: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let gate = any();
        let text = serde_json::to_string(&gate).expect("serialises");
        assert_eq!(serde_json::from_str::<Gate>(&text).expect("reads"), gate);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = serde_json::to_string(&any()).expect("serialises");
        let said = |from: &str, to: &str| {
            let wrong = text.replacen(from, to, 1);
            assert_ne!(wrong, text);
            serde_json::from_str::<Gate>(&wrong)
                .expect_err("wrong")
                .to_string()
        };
        assert!(said("\"version\":2", "\"version\":9").contains("gate.version is 9"));
        assert!(
            said(
                &format!("\"features\":{FEATURES_VERSION}"),
                "\"features\":7"
            )
            .contains("gate.features is 7")
        );
        // As gates were written before regions were looked at.
        let old = text.replacen("\"version\":2", "\"version\":1", 1).replacen(
            "\"outside_threshold\":0.5,",
            "",
            1,
        );
        let error = serde_json::from_str::<Gate>(&old).expect_err("old");
        assert!(error.to_string().contains("gate.version is 1"), "{error}");
        assert!(said("\"outside_threshold\":0.5,", "").contains("gate.outside_threshold must"));
        assert!(said("\"hidden\":2", "\"hidden\":3").contains("numbers; 2 networks with 3 units"));
        assert!(said("\"hidden\":2", "\"hidden\":99999999999").contains("gate.weights"));
        assert!(said("\"threshold\":0.5", "\"threshold\":1.5").contains("gate.threshold must be"));
        assert!(said("\"version\"", "\"verse\"").contains("unknown field `verse`"));
        assert!(said("\"weights\":\"", "\"weights\":\"!").contains("not base64"));
    }
}

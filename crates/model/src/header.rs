//! A model file's header: looked at before anything in it is believed.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use osteon_files::{SEAL, Seal, check_seal};
use safetensors::SafeTensors;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::{FORMAT_VERSION, ModelError, ModelInfo};

/// The entry under which [`ModelInfo`] stands.
pub(crate) const KEY: &str = "osteon";
/// The format whose header has no checksum.
const UNSEALED_FORMAT: u64 = 1;

/// What is no tensor in a header.
const METADATA: &str = "__metadata__";

/// Entries of a header's `__metadata__`.
pub(crate) type Metadata = HashMap<String, String>;

/// Lays out a safetensors file.
pub(crate) fn parse<'a>(
    path: &Path,
    bytes: &'a [u8],
) -> Result<(SafeTensors<'a>, Metadata), ModelError> {
    let fault = |source| ModelError::NotSafetensors {
        path: path.to_owned(),
        source,
    };
    check_layout(path, bytes)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(fault)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(fault)?;
    Ok((tensors, header.metadata().clone().unwrap_or_default()))
}

/// Refuses a file whose header is not as it was written; `must` if one without a checksum is refused, too.
pub(crate) fn check_header(
    path: &Path,
    bytes: &[u8],
    metadata: &Metadata,
    must: bool,
) -> Result<(), ModelError> {
    let path = path.to_owned();
    match check_seal(bytes) {
        Seal::Sound => Ok(()),
        // One that stands there in other words than those that were written is no less broken.
        Seal::Absent if !metadata.contains_key(SEAL) => {
            if must {
                Err(ModelError::NoHeaderChecksum { path })
            } else {
                Ok(())
            }
        }
        Seal::Absent | Seal::Broken => Err(ModelError::HeaderChecksum { path }),
    }
}

/// What a model file says of itself.
pub(crate) fn parse_info(
    path: &Path,
    bytes: &[u8],
    metadata: &Metadata,
) -> Result<ModelInfo, ModelError> {
    let entry = metadata.get(KEY).ok_or_else(|| ModelError::NotOsteon {
        path: path.to_owned(),
    })?;
    let fault = |source| ModelError::Header {
        path: path.to_owned(),
        source,
    };
    // The version first: a later format may have any other keys.
    let version: FormatVersion = serde_json::from_str(entry).map_err(fault)?;
    if !(UNSEALED_FORMAT..=FORMAT_VERSION).contains(&version.format_version) {
        return Err(ModelError::FormatVersion {
            path: path.to_owned(),
            found: version.format_version,
            known: FORMAT_VERSION,
        });
    }
    let must = version.format_version > UNSEALED_FORMAT;
    check_header(path, bytes, metadata, must)?;
    let info: ModelInfo = serde_json::from_str(entry).map_err(fault)?;
    info.check()
        .map_err(|(section, key, must)| ModelError::Setting {
            path: path.to_owned(),
            section,
            key,
            must,
        })?;
    Ok(info)
}

#[derive(Deserialize)]
struct FormatVersion {
    format_version: u64,
}

/// What the reader of the format lets pass: a name that stands twice, of which it takes one, and places so far beyond the end that their sum overflows.
fn check_layout(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        // The reader has better words for it.
        return Ok(());
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let Some((header, values)) = rest.split_at_checked(length) else {
        return Ok(());
    };
    // What this does not read the reader does not either.
    let Ok(outline) = serde_json::from_slice::<Outline>(header) else {
        return Ok(());
    };
    let mut seen = HashSet::new();
    for (name, end) in outline.0 {
        if end > values.len() as u64 {
            return Err(ModelError::Beyond {
                path: path.to_owned(),
                name,
            });
        }
        if !seen.insert(name.clone()) {
            return Err(ModelError::Twice {
                path: path.to_owned(),
                name,
            });
        }
    }
    Ok(())
}

/// Names in the order of a header, tensors with where they end, entries of the metadata as `__metadata__.name`.
struct Outline(Vec<(String, u64)>);

#[derive(Deserialize)]
struct Place {
    data_offsets: (u64, u64),
}

/// The keys of an object.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Outline;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Outline, M::Error> {
                let mut found = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == METADATA {
                        let Keys(keys) = map.next_value()?;
                        found.extend(keys.into_iter().map(|key| (format!("{METADATA}.{key}"), 0)));
                        found.push((name, 0));
                    } else {
                        let place: Place = map.next_value()?;
                        let end = place.data_offsets.0.max(place.data_offsets.1);
                        found.push((name, end));
                    }
                }
                Ok(Outline(found))
            }
        }
        from.deserialize_map(Names)
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Keys, M::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        from.deserialize_map(All)
    }
}

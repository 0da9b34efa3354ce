//! Whether a checkpoint belongs to what is about to be run.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::{Config, ConfigError};

/// What a run is made of: the same identity and the same state give the same weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Version of the program.
    pub program: String,
    /// Every `section.key` with its value, but those that change no result.
    pub config: BTreeMap<String, String>,
    /// Fingerprints of the images as read: (train, val).
    pub films: (String, String),
}

/// Keys that change no weight: where images lie, what is kept and shown, and how far ahead batches are made.
const FREE: [&str; 16] = [
    "data.dir",
    "data.layout",
    "data.classes.fractured",
    "data.classes.not_fractured",
    "data.allow_leak",
    "data.cache",
    "data.licence",
    "data.attribution",
    "train.prefetch",
    "train.log_every",
    "train.checkpoint_minutes",
    "train.checkpoint_steps",
    "train.keep_checkpoints",
    "train.rank_timeout",
    "compute.plan",
    "compute.loader_threads",
];

/// One thing in which a run differs from its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `train.epochs`, `training films` or `program version`.
    pub what: String,
    /// In the checkpoint.
    pub then: String,
    /// As asked for now.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} then, {} now", self.what, self.then, self.now)
    }
}

impl Identity {
    pub fn new(config: &Config, train: &str, val: &str) -> Result<Self, ConfigError> {
        let mut keys = BTreeMap::new();
        flatten(&Table::try_from(config)?, "", &mut keys);
        keys.retain(|key, _| !FREE.contains(&key.as_str()));
        Ok(Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            config: keys,
            films: (train.to_owned(), val.to_owned()),
        })
    }

    /// In what a run that is about to go on differs from this checkpoint.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut compare = |what: &str, then: &str, now: &str| {
            if then != now {
                found.push(Difference {
                    what: what.to_owned(),
                    then: then.to_owned(),
                    now: now.to_owned(),
                });
            }
        };
        let keys = self.config.keys().chain(now.config.keys());
        for key in keys.collect::<std::collections::BTreeSet<_>>() {
            let value = |config: &BTreeMap<String, String>| {
                config.get(key).map_or("unknown", String::as_str).to_owned()
            };
            compare(key, &value(&self.config), &value(&now.config));
        }
        let short = |fingerprint: &str| fingerprint.chars().take(12).collect::<String>();
        compare(
            "training images",
            &short(&self.films.0),
            &short(&now.films.0),
        );
        compare("val images", &short(&self.films.1), &short(&now.films.1));
        compare("program version", &self.program, &now.program);
        found
    }
}

fn flatten(table: &Table, prefix: &str, keys: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(inner) => flatten(inner, &format!("{key}."), keys),
            value => {
                keys.insert(key, value.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_and_free_keys_are_free() {
        let mut config = Config::default();
        let then = Identity::new(&config, &"a".repeat(64), "v").expect("TOML");
        config.train.epochs = 50;
        config.train.log_every = 1;
        "elsewhere".clone_into(&mut config.data.licence);
        let now = Identity {
            program: "9.9.9".to_owned(),
            ..Identity::new(&config, &"b".repeat(64), "v").expect("TOML")
        };
        let said: Vec<String> = then
            .differences(&now)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "train.epochs: 30 then, 50 now",
                "training images: aaaaaaaaaaaa then, bbbbbbbbbbbb now",
                &format!(
                    "program version: {} then, 9.9.9 now",
                    env!("CARGO_PKG_VERSION")
                ),
            ]
        );
        assert!(then.differences(&then).is_empty());
        for key in FREE {
            assert!(!then.config.contains_key(key), "{key}");
        }
    }
}

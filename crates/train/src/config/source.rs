//! One layer of configuration: TOML text that knows where each key was written.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::{Config, ConfigError};

/// Keys that earlier programs wrote to the `config.toml` of every run, whose work other keys do now: files that have them still read.
const RETIRED: [&str; 2] = ["doubt_error", "doubt_confidence"];

/// Text with the name of its place: a file, or a `--set` flag.
pub(super) struct Source {
    /// `configs/mine.toml`, or `--set train.epochs=3`.
    name: String,
    /// Whether to add the line to the place.
    has_lines: bool,
    text: String,
}

impl Source {
    pub fn file(name: String, text: &str) -> Self {
        let keep = |line: &str| {
            let key = line.split('=').next().unwrap_or_default().trim();
            let retired = RETIRED.contains(&key);
            // As a comment it still counts as a line.
            format!("{}{line}", if retired { "#" } else { "" })
        };
        Self {
            name,
            has_lines: true,
            text: text.split_inclusive('\n').map(keep).collect(),
        }
    }

    /// `section.key=value`; a value that is no TOML is taken as a string, so that `--set train.device=cpu` needs no quotes.
    pub fn flag(given: &str) -> Result<Self, ConfigError> {
        let (key, value) = given
            .split_once('=')
            .ok_or_else(|| ConfigError::NoAssignment {
                given: given.to_owned(),
            })?;
        let name = format!("--set {given}");
        let plain = format!("{} = {}", key.trim(), value.trim());
        let text = if DeTable::parse(&plain).is_ok() {
            plain
        } else {
            format!(
                "{} = {}",
                key.trim(),
                Value::String(value.trim().to_owned())
            )
        };
        Ok(Self {
            name,
            has_lines: false,
            text,
        })
    }

    /// The layer as a table, after checking every key and every type in it.
    pub fn table(&self) -> Result<Table, ConfigError> {
        let parsed = DeTable::parse(&self.text).map_err(|e| self.syntax(&e))?;
        let known = known_keys();
        if let Some((key, span)) = find_unknown(parsed.get_ref(), &known, "") {
            let nearest = nearest(&key, &known);
            return Err(ConfigError::UnknownKey {
                place: self.place(Some(span)),
                key,
                nearest,
            });
        }
        // Types are checked here, layer by layer, because only here the place is known.
        if let Err(e) = toml::from_str::<Config>(&self.text) {
            let key = e
                .span()
                .and_then(|span| key_at(parsed.get_ref(), &span, ""))
                .unwrap_or_default();
            let message = e.message().replace('\n', " ");
            return Err(ConfigError::BadType {
                place: self.place(e.span()),
                key,
                message,
            });
        }
        self.text.parse().map_err(|e| self.syntax(&e))
    }

    /// Where a key was written in this layer, if it was.
    pub fn place_of(&self, key: &str) -> Option<String> {
        let parsed = DeTable::parse(&self.text).ok()?;
        let mut table = parsed.get_ref();
        let mut parts = key.split('.').peekable();
        while let Some(part) = parts.next() {
            let (name, value) = table.iter().find(|(name, _)| name.get_ref() == part)?;
            match value.get_ref() {
                DeValue::Table(inner) if parts.peek().is_some() => table = inner,
                _ => return Some(self.place(Some(name.span()))),
            }
        }
        None
    }

    fn place(&self, span: Option<Range<usize>>) -> String {
        match span {
            Some(span) if self.has_lines => {
                let before = self.text.get(..span.start).unwrap_or(&self.text);
                format!("{}, line {}", self.name, before.matches('\n').count() + 1)
            }
            _ => self.name.clone(),
        }
    }

    fn syntax(&self, e: &toml::de::Error) -> ConfigError {
        ConfigError::Syntax {
            place: self.place(e.span()),
            message: e.message().replace('\n', " "),
        }
    }
}

/// Every valid `section.key`, from the defaults themselves, so that the list can never be out of date.
fn known_keys() -> Vec<String> {
    fn walk(table: &Table, prefix: &str, keys: &mut Vec<String>) {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            if let Value::Table(inner) = value {
                walk(inner, &format!("{key}."), keys);
            }
            keys.push(key);
        }
    }
    let mut keys = Vec::new();
    // Invariant: the default configuration can be written as TOML (a test holds it to that).
    if let Ok(defaults) = Table::try_from(Config::default()) {
        walk(&defaults, "", &mut keys);
    }
    keys
}

fn find_unknown(
    table: &DeTable<'_>,
    known: &[String],
    prefix: &str,
) -> Option<(String, Range<usize>)> {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        if !known.contains(&key) {
            return Some((key, name.span()));
        }
        if let DeValue::Table(inner) = value.get_ref() {
            let found = find_unknown(inner, known, &format!("{key}."));
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// The innermost key whose value holds the span.
fn key_at(table: &DeTable<'_>, span: &Range<usize>, prefix: &str) -> Option<String> {
    table.iter().find_map(|(name, value)| {
        let key = format!("{prefix}{}", name.get_ref());
        let inner = match value.get_ref() {
            DeValue::Table(inner) => key_at(inner, span, &format!("{key}.")),
            _ => None,
        };
        let holds = value.span().start <= span.start && span.end <= value.span().end;
        inner.or_else(|| holds.then_some(key))
    })
}

/// The valid key most like the one given: by its last part first, for people forget sections more than they misspell them. A key that ends
/// in the very same word goes before all others, however unlike its section is.
fn nearest(key: &str, known: &[String]) -> String {
    let last = |k: &str| {
        let last = k.rsplit('.').next().unwrap_or_default();
        last.replace(['-', '_', ' '], "").to_lowercase()
    };
    let section = |k: &str| k.rsplit_once('.').map(|(section, _)| section.to_owned());
    let (wanted, within) = (last(key), section(key));
    let likeness = |candidate: &String| {
        let end = last(candidate);
        let same = f64::from(u8::from(end == wanted));
        let beside = f64::from(u8::from(section(candidate) == within));
        2.0 * same
            + 0.5 * beside
            + strsim::jaro_winkler(&wanted, &end)
            + 0.5 * strsim::jaro_winkler(key, candidate)
            // Of equals the one that lies less deep.
            - 0.25 * candidate.matches('.').count() as f64
    };
    known
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .cloned()
        .unwrap_or_default()
}

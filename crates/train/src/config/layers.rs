//! Layers to one configuration: default, then the file, then each `--set`, then flags.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::source::Source;
use super::{BadValue, Config, ConfigError};

/// What overrides the defaults, lowest first.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// `--config FILE`.
    pub file: Option<PathBuf>,
    /// `--set section.key=value`, in order. Flags of their own (`--data`, `--device`) are given as the last of these.
    pub set: Vec<String>,
}

impl Layers {
    /// The resolved configuration: every key known, every value of its type and in its range.
    pub fn resolve(&self) -> Result<Config, ConfigError> {
        let mut sources = Vec::new();
        if let Some(path) = &self.file {
            sources.push(read(path)?);
        }
        for given in &self.set {
            sources.push(Source::flag(given)?);
        }
        let mut merged = Table::try_from(Config::default())?;
        for source in &sources {
            merge(&mut merged, source.table()?);
        }
        let config: Config =
            merged
                .clone()
                .try_into()
                .map_err(|e: toml::de::Error| ConfigError::BadType {
                    place: "the config".to_owned(),
                    key: String::new(),
                    message: e.message().to_owned(),
                })?;
        config.check().map_err(|BadValue { key, must }| {
            // The last layer that sets the key is the one to blame.
            let place = sources
                .iter()
                .rev()
                .find_map(|source| source.place_of(&key));
            ConfigError::BadValue {
                place: place.unwrap_or_else(|| "the default config".to_owned()),
                value: value_of(&merged, &key),
                key,
                must,
            }
        })?;
        Ok(config)
    }
}

impl Config {
    /// The configuration as TOML, every key written out.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        Ok(toml::to_string(self)?)
    }
}

fn read(path: &Path) -> Result<Source, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io {
        path: path.to_owned(),
        source,
    })?;
    Ok(Source::file(path.display().to_string(), &text))
}

fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(more)) => merge(inner, more),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn value_of(table: &Table, key: &str) -> String {
    let mut parts = key.split('.');
    let first = parts.next().and_then(|part| table.get(part));
    let value = parts.try_fold(first, |value, part| Some(value?.get(part)));
    value
        .flatten()
        .map_or_else(|| "that".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, set: &[&str]) -> String {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("mine.toml");
        std::fs::write(&path, text).expect("config");
        let layers = Layers {
            file: Some(path),
            set: set.iter().map(|&s| s.to_owned()).collect(),
        };
        let said = layers.resolve().expect_err("refused").to_string();
        said.replace(&format!("{}/", dir.path().display()), "")
    }

    #[test]
    fn later_layers_win() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("mine.toml");
        std::fs::write(
            &path,
            "[train]\nepochs = 3\nbatch_size = 8\n[model]\nname = 'seed_cnn'\n",
        )
        .expect("config");
        let set = vec!["train.epochs=5".to_owned(), "train.device = cpu".to_owned()];
        let config = Layers {
            file: Some(path),
            set,
        }
        .resolve()
        .expect("resolves");
        assert_eq!((config.train.epochs, config.train.batch_size), (5, 8));
        assert_eq!(config.train.device, "cpu");
        assert_eq!(config.model.name, osteon_model::ArchitectureName::SeedCnn);
        assert_eq!(config.optimizer, Config::default().optimizer);
    }

    #[test]
    fn keys_that_have_gone_are_read_over_in_files() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("config.toml");
        let text = "[calibrate]\ndoubt_error = 0.05\ndoubt_confidence = 0.95\nscreening = 0.9\n";
        std::fs::write(&path, text).expect("config");
        let layers = Layers {
            file: Some(path),
            set: Vec::new(),
        };
        let config = layers.resolve().expect("reads");
        assert!((config.calibrate.screening - 0.9).abs() < 1e-12);
        assert_eq!(
            error("[calibrate]\ndoubt_error = 0.05\nscreening = 2\n", &[]),
            "mine.toml, line 3: calibrate.screening must be from 0 to 1, not 2"
        );
        assert!(error("", &["calibrate.doubt_error=0.05"]).contains("unknown key"));
        assert!(
            error("", &["calibrate.missed_error=0"])
                .contains("must be 0 where calibrate.fractured_error is")
        );
    }

    #[test]
    fn what_is_written_out_reads_back() {
        let config = Config::default();
        let text = config.to_toml().expect("writes");
        assert_eq!(toml::from_str::<Config>(&text).expect("reads"), config);
    }

    #[test]
    fn an_unknown_key_is_named_with_file_line_and_nearest() {
        assert_eq!(
            error(
                "[train]\nepochs = 3\n\n[optimizer]\nlearning_rate = 0.1\n",
                &[]
            ),
            "mine.toml, line 5: unknown key \"optimizer.learning_rate\". The nearest valid key is \"optimizer.lr\""
        );
        assert_eq!(
            error("[trian]\nepochs = 3\n", &[]),
            "mine.toml, line 1: unknown key \"trian\". The nearest valid key is \"train\""
        );
        assert_eq!(
            error("", &["train.epoch=3"]),
            "--set train.epoch=3: unknown key \"train.epoch\". The nearest valid key is \"train.epochs\""
        );
    }

    #[test]
    fn a_key_without_its_section_is_found_by_its_last_part() {
        for (given, nearest) in [
            ("epochs", "train.epochs"),
            ("lr", "optimizer.lr"),
            ("LR", "optimizer.lr"),
            ("train.lr", "optimizer.lr"),
            ("data.epochs", "train.epochs"),
            ("batch_size", "train.batch_size"),
            ("batch-size", "train.batch_size"),
            ("seed", "train.seed"),
            ("size", "preprocess.size"),
            ("device", "train.device"),
            ("classes", "data.classes"),
            ("layout", "data.layout"),
            ("fractured", "data.classes.fractured"),
        ] {
            let said = error("", &[&format!("{given}=3")]);
            assert!(
                said.ends_with(&format!("The nearest valid key is {nearest:?}")),
                "{said}"
            );
        }
    }

    #[test]
    fn classes_of_ones_own() {
        let names = |set: &[&str]| {
            let set = set.iter().map(|&s| s.to_owned()).collect();
            let config = Layers { file: None, set }.resolve().expect("resolves");
            config.data.classes
        };
        let whole =
            names(&[r#"data.classes={ fractured = ["kırık"], not_fractured = ["kırık değil"] }"#]);
        assert_eq!(whole.fractured, ["kırık"]);
        assert_eq!(whole.not_fractured, ["kırık değil"]);
        let parts = names(&[
            r#"data.classes.fractured=["kırık"]"#,
            r#"data.classes.not_fractured=["kırık değil"]"#,
        ]);
        assert_eq!(parts, whole);
        assert_eq!(
            error("[data]\nclasses = { fractured = ['normal'] }\n", &[]),
            "mine.toml, line 2: data.classes.fractured must not hold a name that everybody takes for the other class, not [\"normal\"]"
        );
        assert_eq!(
            error("[data]\nclasses = { fractures = ['x'] }\n", &[]),
            "mine.toml, line 2: unknown key \"data.classes.fractures\". The nearest valid key is \"data.classes.fractured\""
        );
    }

    #[test]
    fn a_bad_value_is_named_with_its_place() {
        assert_eq!(
            error("[train]\nepochs = 'many'\n", &[]),
            "mine.toml, line 2: train.epochs: invalid type: string \"many\", expected u64"
        );
        assert_eq!(
            error("[optimizer]\nlr = 0.1\n", &["optimizer.lr=-1.0"]),
            "--set optimizer.lr=-1.0: optimizer.lr must be above 0, not -1.0"
        );
        assert_eq!(
            error("[preprocess]\n# tiny\nsize = 4\n", &[]),
            "mine.toml, line 3: preprocess.size must be from 16 to 2048 pixels, not 4"
        );
        assert!(
            error("[model]\nname = 'vgg'\n", &[])
                .starts_with("mine.toml, line 2: model.name: unknown variant `vgg`")
        );
        assert!(error("[train\n", &[]).starts_with("mine.toml, line 1: "));
        assert_eq!(
            error("", &["train"]),
            "--set train: expected section.key=value"
        );
    }
}

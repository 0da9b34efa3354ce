//! What the downloads of published data sets share: licence first, then cache, fetch, check, unpack.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::archive::{self, Staging};
use super::cache::{Cache, Pin};
use super::hash;
use super::http::{Client, Request};
use crate::progress::Progress;

/// What each of the data set commands takes.
#[derive(clap::Args, Default)]
pub struct Arguments {
    /// Unpack again, in the stead of what is there
    #[arg(long)]
    force: bool,
}

/// A published data set.
pub struct Dataset {
    /// Its folder under `data`.
    pub folder: &'static str,
    /// Its name.
    pub title: &'static str,
    /// Licence and source, in a line that is shown before anything is fetched.
    pub licence: &'static str,
    /// The archive's name in the cache.
    pub archive: &'static str,
    /// Where a person finds it in a browser.
    pub page: &'static str,
    /// Where an entry of the archive goes inside the folder.
    pub place: fn(&Path) -> Option<PathBuf>,
    /// Folders that must be there afterwards.
    pub expected: &'static [&'static str],
}

/// The archive as its publisher describes it.
pub struct Source {
    /// Its address.
    pub url: String,
    /// Its size in bytes, where stated.
    pub size: Option<u64>,
    /// Its MD5, where stated.
    pub md5: Option<String>,
}

impl Dataset {
    /// Fetches the set into `data/<folder>`; `source` is asked only if the cache does not hold the archive.
    pub fn obtain(
        &self,
        root: &Path,
        arguments: &Arguments,
        client: &Client,
        source: impl FnOnce(&Client) -> Result<Source>,
    ) -> Result<()> {
        eprintln!("{}. {}", self.title, self.licence);
        let data = root.join("data");
        let target = data.join(self.folder);
        if self.lacks(&target).is_none() && !arguments.force {
            println!(
                "{} is already there (--force unpacks it again)",
                target.display()
            );
            return Ok(());
        }
        self.obtain_with(&Cache::of_user()?, &data, client, source)
            .map_err(|error| self.by_hand(&target, &error))?;
        println!("{} is in {}", self.title, target.display());
        Ok(())
    }

    fn obtain_with(
        &self,
        cache: &Cache,
        data: &Path,
        client: &Client,
        source: impl FnOnce(&Client) -> Result<Source>,
    ) -> Result<()> {
        let _lock = cache.lock()?;
        let archive = if let Some(path) = cache.verified(self.archive, Pin::Recorded)? {
            eprintln!("{} is in the cache", self.archive);
            path
        } else {
            self.fetch(cache, client, &source(client)?)?
        };
        let unpacked = self.unpack(&archive, data);
        if unpacked.is_err() {
            // What cannot be unpacked as this set is not worth keeping under its name.
            cache.forget(self.archive)?;
        }
        unpacked
    }

    fn fetch(&self, cache: &Cache, client: &Client, source: &Source) -> Result<PathBuf> {
        let fetched = cache.path(&format!("{}.fetched", self.archive));
        eprintln!("fetching {}", source.url);
        let mut progress = Progress::new(self.archive, source.size);
        client.fetch(
            &Request {
                url: &source.url,
                to: &fetched,
                size: source.size,
            },
            &mut progress,
        )?;
        drop(progress);
        if let Some(expected) = &source.md5 {
            let found = hash::md5(&fetched)?;
            if !found.eq_ignore_ascii_case(expected) {
                cache.forget(&format!("{}.fetched", self.archive))?;
                return Err(anyhow!(
                    "the archive came, but its MD5 is {found} where its publisher states {expected}, so it was thrown away; try again"
                ));
            }
        }
        cache.keep_recorded(&fetched, self.archive)
    }

    fn unpack(&self, archive: &Path, data: &Path) -> Result<()> {
        let staging = Staging::inside(data)?;
        let into = staging.path().join(self.folder);
        std::fs::create_dir(&into)?;
        let files = archive::unpack(archive, &into, &self.place)?;
        if let Some(lacking) = self.lacks(&into) {
            return Err(anyhow!(
                "the archive holds no {lacking}; it is not the set that was expected"
            ));
        }
        eprintln!("unpacked {files} files");
        staging.finish(self.folder).map(|_| ())
    }

    fn lacks(&self, folder: &Path) -> Option<&'static str> {
        self.expected
            .iter()
            .copied()
            .find(|name| !folder.join(name).is_dir())
    }

    fn by_hand(&self, target: &Path, error: &anyhow::Error) -> anyhow::Error {
        anyhow!(
            "{} could not be put into place: {error:#}. What came of it so far is kept, so the same command goes on from there. \
             By hand: open {} in a browser, download the zip, and unpack it so that {} is there",
            self.title,
            self.page,
            target.join(self.expected.first().unwrap_or(&"")).display()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;

    use super::*;
    use crate::download::loopback::{Answer, Server};

    const SET: Dataset = Dataset {
        folder: "set",
        title: "A set",
        licence: "Licence: none.",
        archive: "set.zip",
        page: "the page",
        place: |entry| entry.strip_prefix("top").ok().map(Path::to_owned),
        expected: &["train/fractured"],
    };

    fn zip_of(name: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
        writer
            .start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(b"pixels").unwrap();
        writer.finish().unwrap();
        fs::read(path).unwrap()
    }

    struct Case {
        folder: tempfile::TempDir,
        server: Server,
    }

    impl Case {
        fn new(bytes: Vec<u8>, answers: Vec<Answer>) -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                server: Server::new(bytes, answers),
            }
        }

        fn cache(&self) -> Cache {
            Cache::at(self.folder.path().join("cache"))
        }

        fn obtain(&self, size: Option<u64>, md5: Option<&str>) -> Result<()> {
            let source = Source {
                url: self.server.url.clone(),
                size,
                md5: md5.map(str::to_owned),
            };
            SET.obtain_with(
                &self.cache(),
                &self.folder.path().join("data"),
                &Client::for_loopback(),
                |_| Ok(source),
            )
        }

        fn picture(&self) -> PathBuf {
            self.folder.path().join("data/set/train/fractured/1.png")
        }
    }

    #[test]
    fn a_set_is_fetched_once_and_unpacked_twice() {
        let case = Case::new(
            zip_of("top/train/fractured/1.png"),
            vec![Answer::Drop(20), Answer::File],
        );
        case.obtain(None, None).unwrap();
        assert_eq!(fs::read(case.picture()).unwrap(), b"pixels");
        fs::remove_dir_all(case.folder.path().join("data")).unwrap();
        case.obtain(None, None).unwrap(); // The server has no answer left.
        assert!(case.picture().exists());
        assert_eq!(case.server.requests().len(), 2);
    }

    #[test]
    fn a_wrong_md5_names_both_and_leaves_nothing() {
        let case = Case::new(zip_of("top/train/fractured/1.png"), vec![Answer::File]);
        let expected = "0".repeat(32);
        let message = format!("{:#}", case.obtain(None, Some(&expected)).unwrap_err());
        assert!(
            message.contains(&expected) && message.contains("where its publisher"),
            "{message}"
        );
        assert!(!case.folder.path().join("data").exists());
        assert!(!case.cache().path("set.zip.fetched").exists());
    }

    #[test]
    fn another_archive_is_refused_and_forgotten() {
        let case = Case::new(zip_of("top/something/else.png"), vec![Answer::File]);
        let message = format!("{:#}", case.obtain(None, None).unwrap_err());
        assert!(message.contains("no train/fractured"), "{message}");
        assert!(
            !case.cache().path("set.zip").exists() && !case.folder.path().join("data/set").exists()
        );
    }

    #[test]
    fn the_way_by_hand_is_told() {
        let case = Case::new(Vec::new(), vec![Answer::Status("403 Forbidden")]);
        let error = case.obtain(None, None).unwrap_err();
        let message = format!("{:#}", SET.by_hand(Path::new("data/set"), &error));
        for part in [
            "A set could not",
            "refuses the download",
            "open the page",
            "train/fractured",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}

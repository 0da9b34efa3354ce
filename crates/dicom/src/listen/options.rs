//! What a node is told before it starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use dicom_ul::FullAeAddr;
use osteon_model::HeatKind;

use crate::DicomError;

/// The name of an application entity: 1 to 16 visible ASCII characters, no backslash; spaces around it do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Title {
    type Err = DicomError;

    fn from_str(text: &str) -> Result<Self, DicomError> {
        let title = text.trim();
        let fits = |c: char| (' '..='~').contains(&c) && c != '\\';
        if title.is_empty() || title.len() > 16 || !title.chars().all(fits) {
            return Err(DicomError::Setting {
                setting: "an AE title",
                must: "must be 1 to 16 ASCII characters without a backslash",
            });
        }
        Ok(Self(title.to_owned()))
    }
}

/// Another node: its title and where it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node(FullAeAddr<String>);

impl Node {
    /// `AET@HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        self.0.to_string()
    }
}

impl FromStr for Node {
    type Err = DicomError;

    fn from_str(text: &str) -> Result<Self, DicomError> {
        let wrong = || DicomError::Setting {
            setting: "a node",
            must: "must be given as AET@HOST:PORT",
        };
        let (title, address) = text.split_once('@').ok_or_else(wrong)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(wrong());
        }
        let title: Title = title.parse()?;
        Ok(Self(FullAeAddr::new(title.0, address.to_owned())))
    }
}

/// How a node listens, and to whom it answers.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its own title: associations that call another are rejected.
    pub title: Title,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Who gets the answers; without one they stay in the outbox.
    pub node: Option<Node>,
    /// Folder for what was received and what is to be sent.
    pub spool: PathBuf,
    /// Titles that may call; anybody if empty.
    pub callers: Vec<Title>,
    /// Associations at once.
    pub max_associations: usize,
    /// Bytes of a PDU that is received, 4,096 to 1,048,576.
    pub max_pdu: u32,
    /// Bytes of an object that is received.
    pub max_object: u64,
    /// How long a peer may be silent, within a PDU or between two; how long what is in flight may take after the wish to stop.
    pub timeout: Duration,
    /// The longest pause between two tries to deliver.
    pub max_pause: Duration,
    /// What the overlays show, as for [`osteon_model::Predictor::explain_path`].
    pub kind: Option<HeatKind>,
}

impl Options {
    /// With limits for one hospital's workstation, on loopback, with nobody to answer to.
    #[must_use]
    pub fn new(title: Title, addr: SocketAddr, spool: PathBuf) -> Self {
        Self {
            title,
            addr,
            node: None,
            spool,
            callers: Vec::new(),
            max_associations: 8,
            max_pdu: 131_072,
            max_object: 256 << 20,
            timeout: Duration::from_secs(30),
            max_pause: Duration::from_mins(5),
            kind: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), DicomError> {
        let setting = |setting, must| Err(DicomError::Setting { setting, must });
        if self.max_associations == 0 {
            return setting("associations at once", "must be 1 or more");
        }
        if !(4096..=1 << 20).contains(&self.max_pdu) {
            return setting("the longest PDU", "must be from 4096 to 1048576 bytes");
        }
        if self.max_object < 1 << 10 {
            return setting("the largest object", "must be 1024 bytes or more");
        }
        if self.timeout < Duration::from_secs(1) {
            return setting("the timeout", "must be a second or more");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_nodes_are_checked() {
        assert_eq!(
            " OSTEON ".parse::<Title>().expect("fits").as_str(),
            "OSTEON"
        );
        for bad in ["", "   ", "ABCDEFGHIJKLMNOPQ", "A\\B", "ÄE", "A\n"] {
            assert!(
                bad.parse::<Title>().is_err() || bad.trim() == "A",
                "{bad:?}"
            );
        }
        let node: Node = "PACS ONE@pacs.example:104".parse().expect("fits");
        assert_eq!(node.address(), "PACS ONE@pacs.example:104");
        assert!("PACS@[::1]:104".parse::<Node>().is_ok());
        for bad in [
            "PACS",
            "PACS@host",
            "@host:104",
            "PACS@:104",
            "PACS@host:x",
            "P@h:70000",
        ] {
            assert!(bad.parse::<Node>().is_err(), "{bad}");
        }
    }
}

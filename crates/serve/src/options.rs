//! How a service is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::{ServeError, Token};

/// What a request may cost. Everything is checked before it is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: usize,
    /// Files of one request.
    pub files: usize,
    /// Pixels of one image (width × height), by its header.
    pub pixels: u64,
    /// From the first byte of a request to its answer.
    pub timeout: Duration,
    /// Requests that are being read, waiting or worked on; one more is answered 503.
    pub in_flight: usize,
    /// Images that have been read and wait or are worked on; one more is answered 503.
    pub queue: usize,
    /// Bytes of all uploads that are held at once; more are answered 503.
    pub upload_bytes: usize,
    /// Requests a minute from one address (an IPv6 network of 64 bits counts as one); `None`: any number.
    pub per_minute: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 10 << 20,
            files: 32,
            pixels: 100_000_000,
            timeout: Duration::from_secs(10),
            in_flight: 64,
            queue: 128,
            upload_bytes: 128 << 20,
            per_minute: Some(600),
        }
    }
}

impl Limits {
    /// Without a limit on how often an address may ask, for those who do that elsewhere.
    #[must_use]
    pub fn unmetered(self) -> Self {
        Self {
            per_minute: None,
            ..self
        }
    }
}

/// How images are put together for the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batching {
    /// Images that go through the network at once.
    pub images: usize,
    /// How long a batch that is not full waits for images that are being decoded. An image that is alone never waits.
    pub gather: Duration,
    /// Threads that libtorch has for each network.
    pub threads: usize,
    /// Threads that decode images.
    pub decoders: usize,
}

impl Default for Batching {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            images: 4,
            gather: Duration::from_millis(2),
            threads: cores,
            decoders: cores,
        }
    }
}

/// Who may ask.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// What clients send as `Authorization: Bearer …`; `None`: anyone may ask.
    pub token: Option<Token>,
    /// Whether the `Host` header must name this machine (`localhost`, a loopback address) or one of `hosts`: keeps web pages from
    /// reaching a server on loopback under a name of their own (DNS rebinding).
    pub only_local_names: bool,
    /// Further names that are right, such as that of a reverse proxy.
    pub hosts: Vec<String>,
}

/// How a service is set up.
#[derive(Debug, Clone, Default)]
pub struct ServeOptions {
    /// What a request may cost.
    pub limits: Limits,
    /// How images are put together.
    pub batching: Batching,
    /// Who may ask.
    pub access: Access,
    /// The model card as Markdown, for `GET /api/v1/model/card`.
    pub card: Option<String>,
    /// A file to which every decision is added, see [`crate::verify_audit`].
    pub audit: Option<PathBuf>,
}

impl ServeOptions {
    /// The first thing in it that makes no sense.
    pub(crate) fn check(&self) -> Result<(), ServeError> {
        let Self {
            limits, batching, ..
        } = self;
        let numbers = [
            ("limits.file_bytes", limits.file_bytes),
            ("limits.files", limits.files),
            ("limits.pixels", limits.pixels as usize),
            ("limits.timeout", limits.timeout.as_millis() as usize),
            ("limits.in_flight", limits.in_flight),
            ("limits.queue", limits.queue),
            ("limits.upload_bytes", limits.upload_bytes),
            (
                "limits.per_minute",
                limits.per_minute.map_or(1, |n| n as usize),
            ),
            ("batching.images", batching.images),
            ("batching.threads", batching.threads),
            ("batching.decoders", batching.decoders),
        ];
        match numbers.into_iter().find(|&(_, value)| value == 0) {
            Some((name, _)) => Err(ServeError::ZeroLimit { name }),
            None => Ok(()),
        }
    }
}

/// Where the certificate is that the server shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of the certificate and those above it.
    pub cert: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// The address that a server listens on where none is asked for: this machine's own.
pub(crate) const ADDR: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

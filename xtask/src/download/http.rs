//! Fetching a file over HTTP so that it ends well on a bad line: resumed, retried within bounds, and never half in place.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use crate::progress::Progress;

/// How often in a row a request may fail without a new byte, for a patient client.
const FRUITLESS: u32 = 4;
/// How often in all, so that a line that drops after every byte does not keep us for ever.
const ATTEMPTS: u32 = 60;
/// A server that asks for more patience than this is reported instead of waited for.
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// An HTTP client with this program's habits.
pub struct Client {
    agent: Agent,
    fruitless: u32,
    pause: Duration,
}

/// One file to fetch.
pub struct Request<'a> {
    /// From where.
    pub url: &'a str,
    /// The finished file; until then its bytes lie beside it under `<name>.part`, so that a later call can go on.
    pub to: &'a Path,
    /// Its size, where the publisher states one.
    pub size: Option<u64>,
}

/// Why one attempt ended before the file did.
enum Failure {
    /// Worth another attempt, after this long if the server said so.
    Again(anyhow::Error, Option<Duration>),
    /// The same request would fail in the same way.
    Final(anyhow::Error),
}

impl Client {
    /// For the open network: the environment's proxy and the system's certificates.
    pub fn patient() -> Self {
        Self::with(
            Duration::from_secs(20),
            Proxy::try_from_env(),
            FRUITLESS,
            Duration::from_secs(1),
        )
    }

    /// The same for a server there is a substitute for: given up at the first attempt that brings nothing.
    pub fn impatient(connect: Duration) -> Self {
        Self::with(connect, Proxy::try_from_env(), 1, Duration::from_secs(1))
    }

    /// For a server on loopback: no proxy, no waiting between attempts.
    #[cfg(test)]
    pub fn for_loopback() -> Self {
        Self::with(Duration::from_secs(5), None, FRUITLESS, Duration::ZERO)
    }

    fn with(connect: Duration, proxy: Option<Proxy>, fruitless: u32, pause: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_recv_response(Some(Duration::from_mins(1)))
            // No limit on the whole: a slow line may take an hour. A silent one may not.
            .timeout_per_read(Some(Duration::from_mins(1)))
            // A compressed body has no byte positions to resume at.
            .accept_encoding("identity")
            .user_agent("osteon-xtask")
            .proxy(proxy)
            .tls_config(
                TlsConfig::builder()
                    .root_certs(RootCerts::PlatformVerifier)
                    .build(),
            );
        Self {
            agent: Agent::new_with_config(config.build()),
            fruitless,
            pause,
        }
    }

    /// A short text, such as a publisher's description of a data set.
    pub fn text(&self, url: &str) -> Result<String> {
        let mut text = None;
        self.retry(url, |_| {
            let mut response = self.get(url, None)?;
            let body = response
                .body_mut()
                .with_config()
                .limit(4 << 20)
                .read_to_string();
            text = Some(body.map_err(|error| Failure::Again(anyhow!(error), None))?);
            Ok(())
        })?;
        text.ok_or_else(|| anyhow!("{url} gave no text"))
    }

    /// Fetches a file whole, or leaves what came under `<name>.part` for the next call.
    pub fn fetch(&self, request: &Request<'_>, progress: &mut Progress) -> Result<()> {
        let mut part = Part::open(request.to)?;
        let result = self.retry(request.url, |progressed| {
            let before = part.length;
            let result = self.attempt(request, &mut part, progress);
            *progressed = part.length > before;
            result
        });
        match result {
            Ok(()) => part.finish(request.to),
            Err(error) => {
                part.discard_if_empty();
                Err(error)
            }
        }
    }

    fn attempt(
        &self,
        request: &Request<'_>,
        part: &mut Part,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        if part.length > 0 && request.size == Some(part.length) {
            return Ok(()); // Killed between the last byte and the renaming.
        }
        let mut response = self.get(request.url, part.resumable())?;
        let headers = response.headers();
        let body = number(headers, header::CONTENT_LENGTH);
        if response.status() == StatusCode::PARTIAL_CONTENT {
            let start = range_start(headers);
            if start != Some(part.length) {
                part.restart(None).map_err(Failure::Final)?;
                return Err(Failure::Again(
                    anyhow!("{} sent another range than asked for", request.url),
                    None,
                ));
            }
        } else {
            // The server does not resume, or has another file by now: from the beginning.
            part.restart(validator(headers)).map_err(Failure::Final)?;
        }
        let total = body.map(|length| part.length + length);
        if let (Some(stated), Some(sent)) = (request.size, total)
            && stated != sent
        {
            return Err(Failure::Final(anyhow!(
                "{} is {sent} bytes long where its publisher states {stated}; it is not the file that was meant",
                request.url
            )));
        }
        if let Some(total) = total.or(request.size) {
            progress.set_total(total);
        }
        copy(&mut response, part, progress, request.url)?;
        let length = part.length;
        match total.or(request.size) {
            Some(total) if length < total => Err(Failure::Again(
                anyhow!("{} ended after {length} of {total} bytes", request.url),
                None,
            )),
            Some(total) if length > total => {
                part.restart(None).map_err(Failure::Final)?;
                Err(Failure::Final(anyhow!(
                    "{} sent {length} bytes where {total} were stated",
                    request.url
                )))
            }
            _ => Ok(()),
        }
    }

    /// One request, sorted into an answer with a body, a passing trouble or a lasting one.
    fn get(&self, url: &str, from: Option<(u64, &str)>) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(url);
        if let Some((offset, validator)) = from {
            // If-Range: should the file have changed, the server sends the new one whole rather than its tail.
            request = request
                .header(header::RANGE, format!("bytes={offset}-"))
                .header(header::IF_RANGE, validator);
        }
        let response = request.call().map_err(|error| unreachable(url, error))?;
        let status = response.status();
        if status == StatusCode::OK || (from.is_some() && status == StatusCode::PARTIAL_CONTENT) {
            return Ok(response);
        }
        let error = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                anyhow!(
                    "{url} refuses the download ({status}): it may want a login, or bar this network"
                )
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                anyhow!("{url} is not there ({status}): it may have moved")
            }
            _ => anyhow!("{url} answered {status}"),
        };
        let passing = status.is_server_error()
            || matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            );
        if !passing {
            return Err(Failure::Final(error));
        }
        let wait = number(response.headers(), header::RETRY_AFTER).map(Duration::from_secs);
        match wait {
            Some(wait) if wait > LONGEST_WAIT => Err(Failure::Final(error.context(format!(
                "the server asks to come back in {} minutes",
                wait.as_secs().div_ceil(60)
            )))),
            _ => Err(Failure::Again(error, wait)),
        }
    }

    /// Attempts until one succeeds, with growing pauses; `attempt` says through its argument whether it got any further.
    fn retry(
        &self,
        url: &str,
        mut attempt: impl FnMut(&mut bool) -> Result<(), Failure>,
    ) -> Result<()> {
        let mut fruitless = 0;
        for _ in 0..ATTEMPTS {
            let mut progressed = false;
            let (error, wait) = match attempt(&mut progressed) {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Again(error, wait)) => (error, wait),
            };
            fruitless = if progressed { 0 } else { fruitless + 1 };
            if fruitless == self.fruitless {
                return Err(match fruitless {
                    1 => error,
                    _ => error.context(format!(
                        "gave up after {fruitless} attempts without progress"
                    )),
                });
            }
            let wait = wait.unwrap_or(self.pause * 2_u32.pow(fruitless));
            eprintln!("{error:#}; trying again");
            std::thread::sleep(wait);
        }
        bail!(
            "{url} broke off {ATTEMPTS} times; what came so far is kept, so the same command goes on from there"
        )
    }
}

fn unreachable(url: &str, error: ureq::Error) -> Failure {
    const OFF_LINE: &str =
        "cannot be reached (no network here, or only through a proxy that HTTPS_PROXY should name)";
    // The system's resolver reports an unknown name as an I/O error of no kind; only its text tells.
    let nameless =
        matches!(&error, ureq::Error::Io(error) if error.to_string().contains("lookup address"));
    match &error {
        // Waiting does not help a machine that is off line.
        ureq::Error::HostNotFound | ureq::Error::BadUri(_) | ureq::Error::InvalidProxyUrl => {
            Failure::Final(anyhow!(error).context(format!("{url} {OFF_LINE}")))
        }
        _ if nameless => Failure::Final(anyhow!(error).context(format!("{url} {OFF_LINE}"))),
        ureq::Error::Io(io) if io.kind() == ErrorKind::ConnectionRefused => {
            Failure::Again(anyhow!(error).context(format!("{url} {OFF_LINE}")), None)
        }
        ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) | ureq::Error::Timeout(_) => {
            Failure::Again(anyhow!(error).context(format!("{url} {OFF_LINE}")), None)
        }
        ureq::Error::TooManyRedirects | ureq::Error::RedirectFailed => {
            Failure::Final(anyhow!(error).context(format!("{url} leads round in circles")))
        }
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => Failure::Final(anyhow!(error).context(format!(
            "{url}: no trusted connection (install the system's certificates, e.g. `apt install ca-certificates`, \
             or your proxy's own among them)"
        ))),
        _ => Failure::Again(anyhow!(error).context(format!("{url} broke off")), None),
    }
}

fn copy(
    response: &mut Response<Body>,
    part: &mut Part,
    progress: &mut Progress,
    url: &str,
) -> Result<(), Failure> {
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 128 << 10];
    progress.set(part.length);
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) => {
                return Err(Failure::Again(
                    anyhow!(error).context(format!("{url} broke off")),
                    None,
                ));
            }
        };
        part.append(&buffer[..count]).map_err(Failure::Final)?;
        progress.add(count as u64);
    }
}

fn number(headers: &HeaderMap, name: header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The first byte's position, from `Content-Range: bytes 100-199/200`.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range
        .trim()
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}

/// What tells this version of the file from another. A weak ETag does not vouch for equal bytes.
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let etag = text(header::ETAG).filter(|tag| !tag.starts_with("W/"));
    etag.or_else(|| text(header::LAST_MODIFIED))
        .map(str::to_owned)
}

/// The bytes so far, and beside them the validator under which they came: without it they cannot be gone on with.
struct Part {
    path: PathBuf,
    validator_path: PathBuf,
    file: File,
    length: u64,
    validator: Option<String>,
}

impl Part {
    fn open(to: &Path) -> Result<Self> {
        let beside = |suffix: &str| {
            let mut name = to.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let (path, validator_path) = (beside(".part"), beside(".part.version"));
        let writing = || format!("could not write {}", path.display());
        let mut file = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .with_context(writing)?;
        let length = file.seek(SeekFrom::End(0)).with_context(writing)?;
        let validator = fs::read_to_string(&validator_path).ok();
        Ok(Self {
            path,
            validator_path,
            file,
            length,
            validator,
        })
    }

    fn resumable(&self) -> Option<(u64, &str)> {
        let validator = self.validator.as_deref()?;
        (self.length > 0).then_some((self.length, validator))
    }

    fn restart(&mut self, validator: Option<String>) -> Result<()> {
        let writing = || format!("could not write {}", self.path.display());
        self.file.set_len(0).with_context(writing)?;
        self.file.seek(SeekFrom::Start(0)).with_context(writing)?;
        self.length = 0;
        match &validator {
            Some(text) => fs::write(&self.validator_path, text).with_context(writing)?,
            None => _ = fs::remove_file(&self.validator_path),
        }
        self.validator = validator;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).with_context(|| {
            format!(
                "could not write {} (is the disk full?)",
                self.path.display()
            )
        })?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn discard_if_empty(self) {
        if self.length == 0 {
            // A failure to tidy up must not hide the failure that is being reported.
            _ = fs::remove_file(&self.path);
            _ = fs::remove_file(&self.validator_path);
        }
    }

    fn finish(self, to: &Path) -> Result<()> {
        let writing = || format!("could not write {}", to.display());
        self.file.sync_all().with_context(writing)?;
        fs::rename(&self.path, to).with_context(writing)?;
        // Its absence is the usual case, for a server that gives no ETag.
        _ = fs::remove_file(&self.validator_path);
        Ok(())
    }
}

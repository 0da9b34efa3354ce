//! The service through real HTTP on loopback.

mod abuse;
mod access;
mod batches;
mod dicom;
#[path = "../../../../xtask/testing/dicom.rs"]
mod dicom_film;
mod heads;
mod limits;
mod predictions;
mod protocol;
mod seeds;
mod server;

use std::io::{Cursor, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use image::{GrayImage, ImageFormat, Luma};
use osteon_model::{Device, Predictor};
use osteon_serve::{Limits, ServeOptions, Server, Service, Stop, Tls};
use serde_json::Value;

/// A server on a free port of loopback; it ends with this.
struct Running {
    pub addr: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// Options without a limit on how often tests may ask, and with patience: no test depends on how busy the machine is.
fn options() -> ServeOptions {
    ServeOptions {
        limits: Limits {
            timeout: Duration::from_mins(10),
            ..Limits::default().unmetered()
        },
        ..ServeOptions::default()
    }
}

/// Two answers to one image have one score; its last digits may differ with the number of threads, which other programs change.
fn same_score(one: &Value, other: &Value) {
    let score = |answer: &Value| answer["score"].as_f64().expect("a score");
    let (one, other) = (score(one), score(other));
    assert!((one - other).abs() < 1e-6, "{one} and {other}");
}

/// Serves the model that ships.
fn serve(options: ServeOptions) -> Running {
    serve_with(options, None)
}

fn serve_with(options: ServeOptions, tls: Option<Tls>) -> Running {
    let predictor = Predictor::shipped(Device::Cpu).expect("the model that ships");
    let service = Service::start(vec![predictor], options).expect("starts");
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(service, Some(free), tls, false).expect("binds");
    let addr = server.addr().expect("an address");
    let stop = Stop::new();
    let asked = stop.clone();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(server.run(asked)).expect("serves");
    });
    Running {
        addr,
        stop,
        thread: Some(thread),
    }
}

impl Running {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Asks it to end, and waits until it has.
    pub fn end(mut self) {
        self.finish();
    }

    pub fn ask_to_end(&self) {
        self.stop.ask();
    }

    fn finish(&mut self) {
        self.stop.ask();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.finish();
    }
}

/// An answer: status, headers by small names, body.
struct Got {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Fails unless this is a whole problem with that status and code.
    pub fn assert_problem(&self, status: u16, code: &str) {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{body}"
        );
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status, "{body}");
        assert_eq!(body["type"], "about:blank");
        assert!(!body["title"].as_str().expect("a title").is_empty());
        assert!(!body["detail"].as_str().expect("a detail").is_empty());
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_mins(10)))
        .build()
        .into()
}

fn got(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Got {
    let mut response = response.expect("an answer");
    Got {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_str().expect("ASCII").to_owned()))
            .collect(),
        body: response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .expect("a body"),
    }
}

fn get(url: &str) -> Got {
    got(agent().get(url).call())
}

fn post(url: &str, kind: &str, body: &[u8]) -> Got {
    got(agent().post(url).header("content-type", kind).send(body))
}

fn post_with(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
    let mut request = agent().post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    got(request.send(body))
}

const BOUNDARY: &str = "osteon-test-boundary";

/// A form of files, as browsers send it.
fn form(files: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.as_bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

fn post_form(url: &str, files: &[(&str, &[u8])]) -> Got {
    let (kind, body) = form(files);
    post(url, &kind, &body)
}

/// An image that no other number gives.
fn film(number: u32) -> GrayImage {
    GrayImage::from_fn(180, 240, |x, y| {
        let bone = 90 - (i64::from(x) - 90 - i64::from(number % 20)).abs().min(90);
        Luma([(bone + i64::from((x * 7 + y * 13 + number) % 23)) as u8])
    })
}

fn png(film: &GrayImage) -> Vec<u8> {
    encoded(film, ImageFormat::Png)
}

fn jpeg(film: &GrayImage) -> Vec<u8> {
    encoded(film, ImageFormat::Jpeg)
}

fn encoded(film: &GrayImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    film.write_to(&mut out, format).expect("encodes");
    out.into_inner()
}

/// Sends bytes as they are, and reads all that comes back.
fn raw(addr: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).expect("connects");
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .expect("sets");
    // The server may have answered and closed by now.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status in an answer as it came.
fn status_of(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// The number that a metric has.
fn metric(server: &Running, name: &str) -> f64 {
    let text = String::from_utf8(get(&server.url("/metrics")).body).expect("UTF-8");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
    line.parse().expect("a number")
}

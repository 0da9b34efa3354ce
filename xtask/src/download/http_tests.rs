//! The client against a real server on loopback. Nothing here waits for a clock or leaves this machine.

use std::fs;
use std::path::PathBuf;

use super::http::{Client, Request};
use super::loopback::{Answer, Server};
use crate::progress::Progress;

/// Longer than any buffer on the way, and not periodic in a power of two.
fn bytes() -> Vec<u8> {
    (0..700_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

struct Case {
    _folder: tempfile::TempDir,
    to: PathBuf,
    server: Server,
}

impl Case {
    fn new(answers: Vec<Answer>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("file.zip");
        Self {
            _folder: folder,
            to,
            server: Server::new(bytes(), answers),
        }
    }

    fn fetch(&self, size: Option<u64>) -> anyhow::Result<()> {
        let request = Request {
            url: &self.server.url,
            to: &self.to,
            size,
        };
        Client::for_loopback().fetch(&request, &mut Progress::silent())
    }

    fn got(&self) -> Option<Vec<u8>> {
        fs::read(&self.to).ok()
    }

    fn part(&self) -> PathBuf {
        self.to.with_file_name("file.zip.part")
    }

    fn fails(&self) -> String {
        let message = format!("{:#}", self.fetch(None).unwrap_err());
        assert!(
            self.got().is_none(),
            "a failed download must leave no file in place"
        );
        message
    }
}

#[test]
fn a_whole_file() {
    let case = Case::new(vec![Answer::File]);
    case.fetch(Some(700_000)).unwrap();
    assert_eq!(case.got(), Some(bytes()));
    assert!(!case.part().exists());
    assert!(case.server.requests()[0].contains("accept-encoding: identity"));
}

#[test]
fn a_dropped_connection_is_resumed_where_it_broke() {
    let case = Case::new(vec![
        Answer::Drop(300_000),
        Answer::Drop(200_000),
        Answer::File,
    ]);
    case.fetch(Some(700_000)).unwrap();
    assert_eq!(case.got(), Some(bytes()));
    let requests = case.server.requests();
    assert!(requests[1].contains("range: bytes=") && requests[1].contains("if-range: \"one\""));
}

#[test]
fn a_later_call_resumes_what_an_earlier_one_left() {
    let case = Case::new(vec![
        Answer::Drop(300_000),
        Answer::Status("403 Forbidden"),
        Answer::File,
    ]);
    case.fails();
    let left = fs::metadata(case.part()).unwrap().len();
    assert!(left > 0);
    case.fetch(None).unwrap();
    assert_eq!(case.got(), Some(bytes()));
    assert!(case.server.requests()[2].contains(&format!("range: bytes={left}-")));
}

#[test]
fn a_file_that_changed_in_between_is_fetched_anew() {
    let other = vec![7; 1000];
    let case = Case::new(vec![Answer::Drop(300_000), Answer::Changed(other.clone())]);
    case.fetch(None).unwrap();
    assert_eq!(case.got(), Some(other));
}

#[test]
fn a_server_that_cannot_resume_starts_again() {
    let case = Case::new(vec![Answer::Drop(300_000), Answer::Whole]);
    case.fetch(None).unwrap();
    assert_eq!(case.got(), Some(bytes()));
}

#[test]
fn a_server_that_always_truncates_is_given_up() {
    let case = Case::new((0..10).map(|_| Answer::Drop(0)).collect());
    let message = case.fails();
    assert!(message.contains("without progress"), "{message}");
    assert_eq!(case.server.requests().len(), 4);
}

#[test]
fn a_short_file_without_a_stated_length_is_noticed_by_the_publishers_size() {
    let case = Case::new((0..10).map(|_| Answer::Unsized(vec![1; 10])).collect());
    let message = format!("{:#}", case.fetch(Some(11)).unwrap_err());
    assert!(message.contains("10 of 11 bytes"), "{message}");
    assert!(case.got().is_none());
}

#[test]
fn another_size_than_the_publishers_is_refused_before_it_is_fetched() {
    let case = Case::new(vec![Answer::File]);
    let message = format!("{:#}", case.fetch(Some(5)).unwrap_err());
    assert!(
        message.contains("700000 bytes long where its publisher states 5"),
        "{message}"
    );
    assert!(case.got().is_none());
}

#[test]
fn a_redirect_is_followed() {
    let target = Server::new(bytes(), vec![Answer::Drop(100_000), Answer::File]);
    let status: &'static str = format!("302 Found\r\nLocation: {}", target.url).leak();
    let case = Case::new(vec![Answer::Status(status), Answer::Status(status)]);
    case.fetch(None).unwrap();
    assert_eq!(case.got(), Some(bytes()));
    // Each attempt asks the first address again: a signed address behind it may have run out.
    assert_eq!(case.server.requests().len(), 2);
    assert!(target.requests()[1].contains("range: bytes="));
}

#[test]
fn too_many_requests_is_waited_out() {
    let busy = "429 Too Many Requests\r\nRetry-After: 0";
    let case = Case::new(vec![
        Answer::Status(busy),
        Answer::Status("503 Busy"),
        Answer::File,
    ]);
    case.fetch(None).unwrap();
    assert_eq!(case.got(), Some(bytes()));
}

#[test]
fn a_server_that_asks_for_an_hour_is_reported() {
    let case = Case::new(vec![Answer::Status(
        "429 Too Many Requests\r\nRetry-After: 3600",
    )]);
    let message = case.fails();
    assert!(message.contains("60 minutes"), "{message}");
}

#[test]
fn forbidden_and_missing_are_asked_once_and_explained() {
    for (status, word) in [("403 Forbidden", "refuses"), ("404 Not Found", "not there")] {
        let case = Case::new(vec![Answer::Status(status), Answer::File]);
        let message = case.fails();
        assert!(
            message.contains(word) && message.contains(&case.server.url),
            "{message}"
        );
        assert_eq!(case.server.requests().len(), 1);
    }
}

#[test]
fn a_lasting_server_error_ends() {
    let case = Case::new((0..10).map(|_| Answer::Status("500 Oops")).collect());
    let message = case.fails();
    assert!(message.contains("500"), "{message}");
    assert_eq!(case.server.requests().len(), 4);
}

#[test]
fn a_server_that_is_not_there_is_said_to_be_unreachable() {
    // A port that was free a moment ago refuses.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("x");
    let request = Request {
        url: &url,
        to: &to,
        size: None,
    };
    let error = Client::for_loopback()
        .fetch(&request, &mut Progress::silent())
        .unwrap_err();
    let message = format!("{error:#}");
    assert!(
        message.contains("/x cannot be reached") && message.contains("without progress"),
        "{message}"
    );
}

#[test]
fn text_is_read_and_retried() {
    let server = Server::new(b"{\"a\":1}".to_vec(), vec![Answer::Drop(2), Answer::File]);
    assert_eq!(
        Client::for_loopback().text(&server.url).unwrap(),
        "{\"a\":1}"
    );
}

#[test]
fn a_corrupt_archive_is_refused_by_its_hash() {
    // What the wheels' path does with a body that came whole but is not the one that was pinned.
    let folder = tempfile::tempdir().unwrap();
    let cache = super::cache::Cache::at(folder.path().to_owned());
    let server = Server::new(vec![1; 1000], vec![Answer::File]);
    let fetched = cache.path("fetched");
    let request = Request {
        url: &server.url,
        to: &fetched,
        size: Some(1000),
    };
    Client::for_loopback()
        .fetch(&request, &mut Progress::silent())
        .unwrap();
    let expected = "0".repeat(64);
    let message = format!(
        "{:#}",
        cache
            .keep_pinned(&fetched, "file.zip", &expected)
            .unwrap_err()
    );
    let found = "353c38352a855c80f4ecb0793a76493228541b5fab5ef7af26effac91e77ec46";
    assert!(
        message.contains(&expected) && message.contains(found),
        "{message}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

//! What is refused by a request's head alone: at once, before the body, and without a client being told to go on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use osteon_serve::ServeOptions;

use crate::{film, form, options, png, post_with, serve, status_of};

const PATH: &str = "/api/v1/predictions";
/// Far more than an answer takes, and less than the service's own limit on a request's time.
const AT_ONCE: Duration = Duration::from_secs(30);

fn limited() -> ServeOptions {
    let mut options = options();
    options.limits.file_bytes = 10 << 20;
    options.limits.files = 4;
    options.limits.timeout = Duration::from_mins(2);
    options
}

/// Sends this and reads until the service closes the connection or its whole answer is there.
fn ask(server: &crate::Running, head: &[&str], body: &[u8]) -> (String, Duration) {
    let start = Instant::now();
    let mut stream = TcpStream::connect(server.addr).expect("connects");
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .expect("sets");
    let head = format!("{}\r\nhost: localhost\r\n\r\n", head.join("\r\n"));
    stream.write_all(head.as_bytes()).expect("sends");
    stream.write_all(body).expect("sends");
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut part) {
        answer.extend(&part[..count]);
        if String::from_utf8_lossy(&answer).contains("request_id\":") {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer, start.elapsed())
}

#[test]
fn a_length_above_the_limit_is_413_at_once() {
    let server = serve(limited());
    let post = format!("POST {PATH} HTTP/1.1");
    let post = post.as_str();
    let infer = "POST /v2/models/accurate/infer HTTP/1.1";
    let expect = "expect: 100-continue";
    let form = "content-type: multipart/form-data; boundary=x";
    let (jpeg, json) = ("content-type: image/jpeg", "content-type: application/json");
    let length = |bytes: u64| format!("content-length: {bytes}");
    let huge = length(99_999_999_999);
    for (head, body) in [
        (vec![post, form, expect, &huge], &b""[..]),
        (vec![post, jpeg, expect, &huge], &b""[..]),
        (vec![post, jpeg, &huge], &b"\xff\xd8"[..]),
        (vec![post, form, &huge], &b"--x\r\n"[..]),
        // One byte too many: of one file, of four in a form, of tensors.
        (vec![post, jpeg, expect, &length((10 << 20) + 1)], &b""[..]),
        (vec![post, expect, &length((10 << 20) + 1)], &b""[..]),
        (vec![post, form, expect, &length((40 << 20) + 1)], &b""[..]),
        (vec![infer, json, expect, &length((20 << 20) + 1)], &b""[..]),
    ] {
        let (answer, took) = ask(&server, &head, body);
        assert_eq!(status_of(&answer), Some(413), "{head:?}: {answer}");
        assert!(answer.contains("\"too_large\""), "{head:?}: {answer}");
        assert!(!answer.contains("100 Continue"), "{head:?}: {answer}");
        assert!(took < AT_ONCE, "{head:?}: {took:?}");
    }
    // As large as allowed: the client is told to go on.
    let (answer, _) = ask(
        &server,
        &[post, jpeg, expect, "content-length: 5"],
        b"hello",
    );
    assert!(answer.starts_with("HTTP/1.1 100 Continue"), "{answer}");
    assert!(answer.contains(" 422 "), "{answer}");
}

#[test]
fn a_coded_body_is_415_whatever_the_coding_and_identity_is_none() {
    let server = serve(limited());
    let url = server.url(PATH);
    let film = png(&film(1));
    let (kind, body) = form(&[("a.png", &film)]);
    for coding in ["gzip", "br", "deflate", "zstd", "identity, gzip", "GZIP"] {
        for (kind, body) in [(kind.as_str(), &body), ("image/png", &film)] {
            let headers = [("content-type", kind), ("content-encoding", coding)];
            post_with(&url, &headers, body).assert_problem(415, "unsupported_media_type");
        }
        let json = [
            ("content-type", "application/json"),
            ("content-encoding", coding),
        ];
        post_with(&server.url("/v2/models/accurate/infer"), &json, b"{}")
            .assert_problem(415, "unsupported_media_type");
    }
    let plain = [
        ("content-type", "image/png"),
        ("content-encoding", "identity"),
    ];
    assert_eq!(post_with(&url, &plain, &film).status, 200);
}

/// A client that is sending gets to read why it is refused.
#[test]
fn a_client_in_the_middle_of_sending_reads_the_refusal() {
    let server = serve(limited());
    let url = server.url(PATH);
    let large = vec![7; 30 << 20];
    let headers = [("content-type", "image/png")];
    post_with(&url, &headers, &large).assert_problem(413, "too_large");
}

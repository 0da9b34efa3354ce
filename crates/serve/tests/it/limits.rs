//! What is refused, and that it is refused before it is paid for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use osteon_serve::{Batching, Limits, ServeOptions};

use crate::{film, form, get, metric, options, png, post, post_form, raw, serve, status_of};

const PATH: &str = "/api/v1/predictions";

fn limited(change: impl FnOnce(&mut Limits)) -> ServeOptions {
    let mut options = options();
    change(&mut options.limits);
    options
}

#[test]
fn a_large_file_is_413_in_a_form_and_as_the_body_whether_its_length_is_told_or_not() {
    let server = serve(limited(|limits| limits.file_bytes = 50_000));
    let good = png(&film(1));
    assert!(good.len() < 50_000);
    let large = vec![7; 2_000_000];
    post(&server.url(PATH), "image/png", &large).assert_problem(413, "too_large");
    post_form(&server.url(PATH), &[("a.png", &good), ("b.png", &large)])
        .assert_problem(413, "too_large");
    // Chunked, without a length.
    let mut request = format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )
    .into_bytes();
    for chunk in large.chunks(60_000) {
        request.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    assert_eq!(status_of(&raw(server.addr, &request)), Some(413));
    assert_eq!(post(&server.url(PATH), "image/png", &good).status, 200);
}

#[test]
fn too_many_files_are_413() {
    let server = serve(limited(|limits| limits.files = 2));
    let good = png(&film(1));
    let files: Vec<(&str, &[u8])> = vec![("a.png", &good); 3];
    post_form(&server.url(PATH), &files).assert_problem(413, "too_many_files");
    assert_eq!(post_form(&server.url(PATH), &files[..2]).status, 200);
}

#[test]
fn what_is_no_image_is_415_or_422_and_a_broken_form_is_400() {
    let server = serve(options());
    let url = server.url(PATH);
    for kind in [
        "text/plain",
        "application/json",
        "application/x-www-form-urlencoded",
    ] {
        post(&url, kind, b"hello").assert_problem(415, "unsupported_media_type");
    }
    post(&url, "image/png", b"hello").assert_problem(422, "unreadable_image");
    post(&url, "image/png", b"").assert_problem(422, "no_image");
    post_form(&url, &[]).assert_problem(422, "no_image");
    post_form(&url, &[("a.png", b"hello")]).assert_problem(422, "unreadable_image");
    let half = &png(&film(1))[..500];
    post(&url, "image/png", half).assert_problem(422, "unreadable_image");
    let (kind, body) = form(&[("a.png", &png(&film(1)))]);
    post(&url, &kind, &body[..body.len() / 2]).assert_problem(400, "malformed_request");
    post(&url, "multipart/form-data", &body).assert_problem(400, "malformed_request");
    post(&url, "multipart/form-data; boundary=other", &body)
        .assert_problem(400, "malformed_request");
    get(&server.url("/nowhere")).assert_problem(404, "not_found");
    let got = get(&url);
    got.assert_problem(405, "method_not_allowed");
    assert_eq!(got.header("allow"), Some("POST"));
}

/// A PNG that says it is huge, and holds next to nothing.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let head = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[8, 0, 0, 0, 0],
    ]
    .concat();
    for (name, data) in [(b"IHDR", &head[..]), (b"IDAT", &[0x78, 0x9c, 1, 0, 0][..])] {
        let mut digest = flate2::Crc::new();
        digest.update(name);
        digest.update(data);
        out.extend((data.len() as u32).to_be_bytes());
        out.extend(name);
        out.extend(data);
        out.extend(digest.sum().to_be_bytes());
    }
    out
}

#[test]
fn a_film_of_too_many_pixels_is_refused_by_its_header() {
    let server = serve(options());
    let url = server.url(PATH);
    let got = post(&url, "image/png", &bomb(60_000, 60_000));
    got.assert_problem(422, "too_many_pixels");
    let small = serve(limited(|limits| limits.pixels = 10_000));
    post(&small.url(PATH), "image/png", &png(&film(1))).assert_problem(422, "too_many_pixels");
}

#[test]
fn an_address_that_asks_too_often_is_429() {
    let server = serve(limited(|limits| limits.per_minute = Some(12)));
    let url = server.url("/api/v1/model");
    // A sixth of a minute's requests at once.
    assert_eq!([get(&url).status, get(&url).status], [200, 200]);
    let refused = std::iter::repeat_with(|| get(&url)).find(|got| got.status == 429);
    let refused = refused.expect("endless");
    refused.assert_problem(429, "rate_limited");
    assert!(refused.header("retry-after").is_some());
    // Whoever watches the service is not kept from it.
    assert_eq!(get(&server.url("/healthz")).status, 200);
}

/// A request whose body never ends: it holds its place until it is closed.
fn half_a_request(server: &crate::Running) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr).expect("connects");
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\nhalf"
    );
    stream.write_all(head.as_bytes()).expect("sends");
    stream
}

/// Asks until the answer has this status.
fn until(status: u16, ask: impl Fn() -> crate::Got) -> crate::Got {
    let start = Instant::now();
    loop {
        let got = ask();
        if got.status == status {
            return got;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "{}", got.status);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn one_request_more_than_allowed_is_503_and_has_its_place_when_another_goes() {
    let server = serve(limited(|limits| limits.in_flight = 1));
    let bytes = png(&film(1));
    let ask = || post(&server.url(PATH), "image/png", &bytes);
    let holding = half_a_request(&server);
    let full = until(503, ask);
    full.assert_problem(503, "overloaded");
    assert!(full.header("retry-after").is_some());
    get(&server.url("/readyz")).assert_problem(503, "overloaded");
    assert_eq!(get(&server.url("/healthz")).status, 200);
    // The client goes away: the service notices, and does not keep its place.
    drop(holding);
    until(200, ask);
    assert_eq!(get(&server.url("/readyz")).status, 200);
}

#[test]
fn films_and_bytes_beyond_what_may_wait_are_503() {
    let server = serve(limited(|limits| limits.queue = 2));
    let good = png(&film(1));
    let files: Vec<(&str, &[u8])> = vec![("a.png", &good); 3];
    post_form(&server.url(PATH), &files).assert_problem(503, "overloaded");
    assert_eq!(post_form(&server.url(PATH), &files[..2]).status, 200);
    let server = serve(limited(|limits| limits.upload_bytes = 200_000));
    post(&server.url(PATH), "image/png", &vec![7; 1_000_000]).assert_problem(503, "overloaded");
    // What was held is free again.
    assert_eq!(post_form(&server.url(PATH), &files).status, 200);
}

#[test]
fn what_takes_too_long_is_503_and_a_timed_out_film_is_not_computed() {
    let mut options = limited(|limits| limits.timeout = Duration::from_millis(300));
    options.batching = Batching {
        decoders: 1,
        ..options.batching
    };
    let server = serve(options);
    let mut stream = half_a_request(&server);
    let mut answer = String::new();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("sets");
    let _ = stream.read_to_string(&mut answer);
    assert_eq!(status_of(&answer), Some(503), "{answer}");
    assert!(answer.contains("\"timeout\""), "{answer}");
    // Far more than can be computed in that time, by one thread that decodes: the rest is let go.
    let films: Vec<Vec<u8>> = (0..32)
        .map(|number| {
            let film = image::imageops::resize(
                &film(number),
                1800,
                2400,
                image::imageops::FilterType::Nearest,
            );
            png(&film)
        })
        .collect();
    let files: Vec<(&str, &[u8])> = films
        .iter()
        .map(|film| ("a.png", film.as_slice()))
        .collect();
    post_form(&server.url(PATH), &files).assert_problem(503, "timeout");
    let start = Instant::now();
    while metric(&server, "osteon_images_abandoned_total") == 0.0 {
        assert!(start.elapsed() < Duration::from_mins(1));
        std::thread::sleep(Duration::from_millis(20));
    }
}

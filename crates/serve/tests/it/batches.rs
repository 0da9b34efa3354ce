//! Images of many requests go through the network together, and what nobody waits for is not computed.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use osteon_serve::Batching;

use crate::{film, metric, options, png, post, post_form, serve};

const PATH: &str = "/api/v1/predictions";

#[test]
fn many_at_once_get_their_own_answers_in_fewer_batches() {
    let mut options = options();
    options.batching.gather = Duration::from_millis(50);
    let server = serve(options);
    let films: Vec<Vec<u8>> = (0..12).map(|number| png(&film(number))).collect();
    let alone: Vec<f64> = films
        .iter()
        .map(|film| {
            let said = post(&server.url(PATH), "image/png", film).json();
            said["predictions"][0]["score"].as_f64().expect("a score")
        })
        .collect();
    assert!(alone.iter().any(|score| (score - alone[0]).abs() > 1e-6));
    let before = metric(&server, "osteon_batch_images_count");
    let together: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = films
            .iter()
            .map(|film| {
                let url = server.url(PATH);
                scope.spawn(move || post(&url, "image/png", film).json())
            })
            .collect();
        let answers = threads
            .into_iter()
            .map(|thread| thread.join().expect("answers"));
        answers
            .map(|said| said["predictions"][0]["score"].as_f64().expect("a score"))
            .collect()
    });
    for (one, other) in alone.iter().zip(&together) {
        assert!((one - other).abs() < 1e-4, "{alone:?} {together:?}");
    }
    let batches = metric(&server, "osteon_batch_images_count") - before;
    assert!((2.0..12.0).contains(&batches), "{batches}");
    // A form's images make batches, too.
    let files: Vec<(&str, &[u8])> = films
        .iter()
        .map(|film| ("a.png", film.as_slice()))
        .collect();
    let said = post_form(&server.url(PATH), &files).json();
    for (index, one) in alone.iter().enumerate() {
        let score = said["predictions"][index]["score"]
            .as_f64()
            .expect("a score");
        assert!((one - score).abs() < 1e-4);
    }
}

#[test]
fn films_whose_client_is_gone_are_not_computed() {
    let mut options = options();
    options.batching = Batching {
        images: 1,
        ..options.batching
    };
    let server = serve(options);
    let files: Vec<Vec<u8>> = (0..32).map(|number| png(&film(number))).collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|film| ("a.png", film.as_slice()))
        .collect();
    let (kind, body) = crate::form(&files);
    let mut stream = TcpStream::connect(server.addr).expect("connects");
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sends");
    stream.write_all(&body).expect("sends");
    let start = Instant::now();
    let wait = |done: &dyn Fn() -> bool| {
        while !done() {
            assert!(start.elapsed() < Duration::from_mins(2));
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    wait(&|| metric(&server, "osteon_batch_images_count") > 0.0);
    drop(stream);
    wait(&|| metric(&server, "osteon_images_waiting") == 0.0);
    let computed = metric(&server, "osteon_batch_images_count");
    let abandoned = metric(&server, "osteon_images_abandoned_total");
    assert!(abandoned > 0.0 && computed < 32.0, "{computed} {abandoned}");
    assert!(
        (computed + abandoned - 32.0).abs() < 0.5,
        "{computed} {abandoned}"
    );
    assert!(metric(&server, "osteon_requests_gone_total") > 0.0);
}

//! Bytes that no honest client sends: nothing but 4xx and 503, and the next good request is answered.
//!
//! `OSTEON_ABUSE` sets how many requests are made.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use osteon_files::hex;
use sha2::{Digest, Sha256};

use crate::{film, form, jpeg, options, png, post, serve};

const PATH: &str = "/api/v1/predictions";

/// Numbers that are the same in every run.
struct Draw(u64);

impl Draw {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next(256) as u8).collect()
    }
}

/// A body that is broken in one of many ways, with its content type.
fn broken(draw: &mut Draw, seeds: &[Vec<u8>]) -> (String, Vec<u8>) {
    let seed = &seeds[draw.next(seeds.len())];
    let mut file = seed.clone();
    match draw.next(5) {
        0 => file.truncate(draw.next(file.len())),
        1 => {
            for _ in 0..=draw.next(20) {
                let at = draw.next(file.len());
                file[at] = draw.next(256) as u8;
            }
        }
        2 => {
            let count = draw.next(3000);
            file = draw.bytes(count);
        }
        3 => {
            // A right head before nonsense: sizes, lengths and tables that lie.
            file.truncate(8 + draw.next(60));
            let count = draw.next(2000);
            file.extend(draw.bytes(count));
        }
        _ => {
            // Large sizes in the head.
            for byte in file.iter_mut().skip(draw.next(30)).take(8) {
                *byte = 0xff;
            }
        }
    }
    if draw.next(2) == 0 {
        return ("image/png".to_owned(), file);
    }
    let (mut kind, mut body) = form(&[("a.png", &file), ("b.jpg", seed)]);
    match draw.next(5) {
        0 => body.truncate(draw.next(body.len())),
        1 => kind = kind.replace("boundary=", "boundary=x"),
        2 => {
            let at = draw.next(body.len().min(200));
            body[at] ^= 1 << draw.next(8);
        }
        3 => body.extend(draw.bytes(100)),
        _ => {}
    }
    (kind, body)
}

#[test]
fn no_body_brings_it_down() {
    let server = serve(options());
    let count: usize = std::env::var("OSTEON_ABUSE")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(300);
    let good = png(&film(1));
    let tiff = {
        let mut out = std::io::Cursor::new(Vec::new());
        film(2)
            .write_to(&mut out, image::ImageFormat::Tiff)
            .expect("encodes");
        out.into_inner()
    };
    let gif = {
        let mut out = std::io::Cursor::new(Vec::new());
        image::DynamicImage::ImageLuma8(film(3))
            .to_rgba8()
            .write_to(&mut out, image::ImageFormat::Gif)
            .expect("encodes");
        out.into_inner()
    };
    let mut dicom = vec![0; 128];
    dicom.extend(b"DICM\x02\x00\x00\x00UL\x04\x00\x00\x00\x00\x00");
    let seeds = [good.clone(), jpeg(&film(4)), tiff, gif, dicom];
    let mut draw = Draw(7);
    let url = server.url(PATH);
    for number in 0..count {
        let (kind, body) = broken(&mut draw, &seeds);
        let got = post(&url, &kind, &body);
        let fine = got.status < 500 || got.status == 503;
        let id = hex(&Sha256::digest(&body));
        assert!(
            fine,
            "request {number} ({id}): {} {}",
            got.status,
            String::from_utf8_lossy(&got.body)
        );
    }
    assert_eq!(post(&url, "image/png", &good).status, 200);
}

#[test]
fn no_head_brings_it_down() {
    let server = serve(options());
    let mut draw = Draw(11);
    for _ in 0..60 {
        let mut stream = TcpStream::connect(server.addr).expect("connects");
        stream
            .set_read_timeout(Some(Duration::from_millis(500)))
            .expect("sets");
        let count = draw.next(400);
        let mut bytes = match draw.next(3) {
            0 => Vec::new(),
            1 => format!("POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999999999999\r\n\r\n").into_bytes(),
            _ => format!("POST {PATH} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").into_bytes(),
        };
        bytes.extend(draw.bytes(count));
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = crate::status_of(&answer);
        assert!(status.is_none_or(|status| status < 500), "{answer}");
    }
    assert_eq!(
        post(&server.url(PATH), "image/png", &png(&film(1))).status,
        200
    );
}

//! The server: its end, TLS, and the audit log.

use std::time::Duration;

use osteon_serve::{AuditError, LineProblem, ServeOptions, Tls, verify_audit};
use serde_json::Value;

use crate::{film, get, jpeg, metric, options, png, post, post_form, serve, serve_with};

const PATH: &str = "/api/v1/predictions";

#[test]
fn at_the_end_what_is_in_flight_is_answered_and_nothing_new_is_taken() {
    let server = serve(options());
    let films: Vec<Vec<u8>> = (0..16).map(|number| png(&film(number))).collect();
    let files: Vec<(&str, &[u8])> = films
        .iter()
        .map(|film| ("a.png", film.as_slice()))
        .collect();
    let url = server.url(PATH);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| post_form(&url, &files));
        while metric(&server, "osteon_images_waiting") == 0.0 && !asking.is_finished() {
            std::thread::sleep(Duration::from_millis(2));
        }
        server.ask_to_end();
        let got = asking.join().expect("answers");
        assert_eq!(got.status, 200);
        assert_eq!(got.json()["predictions"].as_array().map(Vec::len), Some(16));
    });
    let addr = server.addr;
    server.end();
    assert!(std::net::TcpStream::connect(addr).is_err());
}

#[test]
fn decisions_are_written_down_with_nothing_that_names_anyone() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("audit.jsonl");
    let logged = || ServeOptions {
        audit: Some(path.clone()),
        ..options()
    };
    let mut said = Vec::new();
    for number in 0..2 {
        let server = serve(logged());
        let (one, two) = (jpeg(&film(number)), png(&film(number + 9)));
        let files: [(&str, &[u8]); 3] = [
            ("Mustermann^Erika.jpg", &one),
            ("two.png", &two),
            ("x", b"no image"),
        ];
        let answer = post_form(&server.url(PATH), &files).json();
        said.extend(answer["predictions"].as_array().expect("a list")[..2].to_vec());
        server.end();
    }
    let text = std::fs::read_to_string(&path).expect("reads");
    assert!(!text.contains("Mustermann"));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 4);
    for (line, said) in lines.iter().zip(&said) {
        assert_eq!(line["image_sha256"], said["sha256"]);
        assert_eq!(line["score"], said["score"]);
        assert_eq!(line["decision"], said["decision"]);
    }
    assert_eq!(verify_audit(&path, None).expect("whole").decisions, 4);
    let touched = text.replacen("\"decision\":\"", "\"decision\":\"not_", 1);
    std::fs::write(&path, touched).expect("writes");
    let found = verify_audit(&path, None).expect_err("touched");
    assert!(
        matches!(
            found,
            AuditError::Line {
                line: 1,
                problem: LineProblem::Changed | LineProblem::Malformed,
                ..
            }
        ),
        "{found}"
    );
}

#[test]
fn a_certificate_makes_it_https() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("makes one");
    let tls = Tls {
        cert: dir.path().join("cert.pem"),
        key: dir.path().join("key.pem"),
    };
    std::fs::write(&tls.cert, made.cert.pem()).expect("writes");
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).expect("writes");
    let server = serve_with(options(), Some(tls));
    let root = ureq::tls::Certificate::from_der(made.cert.der()).to_owned();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(
            ureq::tls::TlsConfig::builder()
                .root_certs(ureq::tls::RootCerts::new_with_certs(&[root]))
                .build(),
        )
        .build()
        .into();
    let url = format!("https://localhost:{}/healthz", server.addr.port());
    let mut response = agent.get(&url).call().expect("trusts it");
    assert_eq!(response.body_mut().read_to_string().expect("text"), "ok");
    // Without the certificate there is no trust, and without TLS no answer.
    assert!(ureq::get(&url).call().is_err());
    assert!(ureq::get(&server.url("/healthz")).call().is_err());
}

#[test]
fn nothing_uploaded_is_written_to_disk() {
    // What a process keeps open or leaves in its temporary folder would show here.
    let server = serve(options());
    let open = || {
        std::fs::read_dir("/proc/self/fd").map(|files| {
            let links = files
                .flatten()
                .filter_map(|file| std::fs::read_link(file.path()).ok());
            let regular =
                links.filter(|link| link.is_absolute() && link.starts_with(std::env::temp_dir()));
            regular.count()
        })
    };
    let before = open().unwrap_or(0);
    let large = vec![7; 5_000_000];
    post(&server.url(PATH), "image/png", &large).assert_problem(422, "unreadable_image");
    assert_eq!(open().unwrap_or(0), before);
    assert_eq!(get(&server.url("/healthz")).status, 200);
}

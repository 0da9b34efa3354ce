//! Who may ask, and what browsers are told.

use std::net::SocketAddr;

use osteon_model::{Device, Predictor};
use osteon_serve::{Access, ServeError, ServeOptions, Server, Service, Token};

use crate::{film, get, options, png, post_with, raw, serve, status_of};

const PATH: &str = "/api/v1/predictions";
const SECRET: &str = "a-token-of-32-letters-or-a-few-more";

fn guarded(access: Access) -> ServeOptions {
    ServeOptions {
        access,
        ..options()
    }
}

#[test]
fn with_a_token_nothing_but_health_and_the_page_is_open() {
    let server = serve(guarded(Access {
        token: Some(Token::new(SECRET).expect("long enough")),
        ..Access::default()
    }));
    let bytes = png(&film(1));
    let right = format!("Bearer {SECRET}");
    let ask = |token: Option<&str>| {
        let mut headers = vec![("content-type", "image/png")];
        headers.extend(token.map(|token| ("authorization", token)));
        post_with(&server.url(PATH), &headers, &bytes)
    };
    let without = ask(None);
    without.assert_problem(401, "unauthorized");
    assert_eq!(without.header("www-authenticate"), Some("Bearer"));
    ask(Some("Bearer a-token-of-32-letters-or-a-few-mor")).assert_problem(401, "unauthorized");
    ask(Some(SECRET)).assert_problem(401, "unauthorized");
    ask(Some("Bearer ")).assert_problem(401, "unauthorized");
    assert_eq!(ask(Some(&right)).status, 200);
    assert_eq!(ask(Some(&right.replace("Bearer", "bearer"))).status, 200);
    for closed in [
        "/api/v1/model",
        "/metrics",
        "/openapi.json",
        "/v2",
        "/v2/models/accurate",
    ] {
        get(&server.url(closed)).assert_problem(401, "unauthorized");
    }
    for open in [
        "/",
        "/healthz",
        "/readyz",
        "/v2/health/live",
        "/v2/health/ready",
    ] {
        assert_eq!(get(&server.url(open)).status, 200, "{open}");
    }
}

#[test]
fn an_address_that_others_reach_needs_a_token_or_the_word_that_it_does_not() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let bind = |options: ServeOptions, open: bool| {
        let predictor = Predictor::shipped(Device::Cpu).expect("ships");
        let service = Service::start(vec![predictor], options).expect("starts");
        Server::bind(service, Some(everywhere), None, open)
    };
    let refused = bind(options(), false).err().expect("refused");
    assert!(matches!(refused, ServeError::Open { .. }) && refused.is_usage());
    assert!(bind(options(), true).is_ok());
    let token = Some(Token::new(SECRET).expect("long enough"));
    let access = Access {
        token,
        ..Access::default()
    };
    assert!(bind(guarded(access), false).is_ok());
}

#[test]
fn other_host_names_are_refused_on_loopback() {
    let server = serve(guarded(Access {
        only_local_names: true,
        hosts: vec!["osteon.example".to_owned()],
        ..Access::default()
    }));
    let ask = |host: &str| {
        let request = format!("GET /healthz HTTP/1.1\r\n{host}connection: close\r\n\r\n");
        raw(server.addr, request.as_bytes())
    };
    for known in [
        "localhost",
        "localhost:8080",
        "127.0.0.1",
        "[::1]:1",
        "osteon.example",
    ] {
        let answer = ask(&format!("host: {known}\r\n"));
        assert_eq!(status_of(&answer), Some(200), "{known}: {answer}");
    }
    for other in ["evil.example", "localhost.evil.example", "192.168.0.1"] {
        let answer = ask(&format!("host: {other}\r\n"));
        assert_eq!(status_of(&answer), Some(403), "{other}: {answer}");
        assert!(answer.contains("forbidden_host"), "{answer}");
    }
    assert_eq!(status_of(&ask("")), Some(403));
}

#[test]
fn pages_of_other_origins_cannot_send_films() {
    let server = serve(options());
    let bytes = png(&film(1));
    let ask = |name: &str, value: &str| {
        let headers = [("content-type", "image/png"), (name, value)];
        post_with(&server.url(PATH), &headers, &bytes)
    };
    ask("sec-fetch-site", "cross-site").assert_problem(403, "cross_origin");
    ask("origin", "http://evil.example").assert_problem(403, "cross_origin");
    ask("origin", "null").assert_problem(403, "cross_origin");
    assert_eq!(ask("sec-fetch-site", "same-origin").status, 200);
    let own = format!("http://{}", server.addr);
    let got = ask("origin", &own);
    assert_eq!(got.status, 200);
    // No other origin may read an answer, either.
    assert_eq!(got.header("access-control-allow-origin"), None);
}

#[test]
fn every_answer_tells_browsers_to_trust_nothing_else() {
    let server = serve(options());
    for path in ["/", "/api/v1/model", "/nowhere", "/api/v1/predictions"] {
        let got = get(&server.url(path));
        let policy = got.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"));
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(got.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(got.header("x-frame-options"), Some("DENY"));
        assert!(got.header("x-request-id").is_some());
    }
    assert_eq!(
        get(&server.url("/api/v1/model")).header("cache-control"),
        Some("no-store")
    );
}

#[test]
fn a_request_keeps_the_id_of_a_proxy_if_it_is_one() {
    let server = serve(options());
    let ask = |id: &str| {
        let headers = [("content-type", "text/plain"), ("x-request-id", id)];
        let got = post_with(&server.url(PATH), &headers, b"");
        got.header("x-request-id").expect("an id").to_owned()
    };
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    assert_eq!(ask(id), id);
    assert_ne!(ask("MUSTERMANN^ERIKA"), "MUSTERMANN^ERIKA");
}

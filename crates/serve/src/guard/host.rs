//! The `Host` header: a web page that gives its own name this machine's address (DNS rebinding) is told from a person.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::Response;

use crate::options::Access;
use crate::problem::{Code, Problem};
use crate::service::App;

/// Lets requests through that name a host which is served.
pub(crate) async fn known_host(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let access = &app.options.access;
    if access.only_local_names {
        // HTTP/2 has the name in the request's target.
        let target = request.uri().authority().map(Authority::as_str);
        let header = || request.headers().get(HOST)?.to_str().ok();
        let name = target.or_else(header).unwrap_or_default();
        if !is_known(name, access) {
            let detail = "this server answers to localhost, to loopback addresses and to the names it was given";
            return Err(Problem::new(Code::ForbiddenHost, detail));
        }
    }
    Ok(next.run(request).await)
}

fn is_known(authority: &str, access: &Access) -> bool {
    // No client names a person in there.
    if authority.contains('@') {
        return false;
    }
    let Ok(uri) = authority.parse::<Uri>() else {
        return false;
    };
    let Some(host) = uri.host() else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || access
            .hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_served() {
        let access = Access {
            hosts: vec!["osteon.example".to_owned()],
            ..Access::default()
        };
        for known in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "127.8.0.1",
            "[::1]:8080",
            "osteon.example",
            "Osteon.Example:443",
        ] {
            assert!(is_known(known, &access), "{known}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "127.0.0.1.evil.example",
            "evil.example@localhost:x",
            "[::2]",
        ] {
            assert!(!is_known(other, &access), "{other}");
        }
    }
}

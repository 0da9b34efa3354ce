//! The service within another axum app: its own paths beside, a smaller limit, a token for all below `/bones`.
//!
//! ```text
//! cargo run -p serve --example mounted -- [ADDR:PORT]
//! curl -H 'Authorization: Bearer a-token-of-your-own' -F file=@wrist.jpg http://127.0.0.1:8090/bones/api/v1/predictions
//! ```
#![allow(clippy::print_stdout, reason = "says where it listens")]

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use osteon_model::{Device, Predictor};
use osteon_serve::{Access, Limits, ServeOptions, Service, Token};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1);
    let addr: SocketAddr = addr.as_deref().unwrap_or("127.0.0.1:8090").parse()?;
    let options = ServeOptions {
        limits: Limits {
            file_bytes: 4 << 20,
            ..Limits::default()
        },
        access: Access {
            token: Some(Token::new("a-token-of-your-own")?),
            ..Access::default()
        },
        ..ServeOptions::default()
    };
    let service = Service::start(vec![Predictor::shipped(Device::Cpu)?], options)?;
    let app = Router::new()
        .route("/", get(|| async { "the hospital's own page" }))
        .nest("/bones", service.router());
    let listener = tokio::net::TcpListener::bind(addr).await?;
    println!("listening on http://{}/bones/", listener.local_addr()?);
    // With the peers' addresses, each has its own rate.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            // Without a handler for Ctrl-C the process ends at once, which is fine, too.
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}

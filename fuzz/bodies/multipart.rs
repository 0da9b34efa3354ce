//! A form to the service, through its whole router: an answer as documented, whatever comes.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use osteon_model::{Device, Predictor};
use osteon_serve::{Limits, ServeOptions, Service};
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// Bytes that one input may have held at once.
pub const MOST: usize = 64 << 20;

/// The smallest model there is: what is looked at here comes before it.
const MODEL: &[u8] = include_bytes!("../seeds/model/residual.safetensors");

/// Made once: a router writes the description of the whole interface.
struct Serving {
    runtime: Runtime,
    router: Router,
    /// Ends its engine with itself.
    _service: Service,
}

fn serving() -> &'static Serving {
    static SERVING: OnceLock<Serving> = OnceLock::new();
    SERVING.get_or_init(|| {
        let predictor = Predictor::from_bytes(MODEL, Device::Cpu).expect("a model");
        let options = ServeOptions {
            limits: Limits {
                file_bytes: 4096,
                files: 4,
                pixels: 1 << 16,
                timeout: Duration::from_mins(10),
                ..Limits::default().unmetered()
            },
            ..ServeOptions::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime");
        let service = Service::start(vec![predictor], options).expect("starts");
        Serving {
            runtime,
            router: service.router(),
            _service: service,
        }
    })
}

/// The first byte says how large the pieces are that the body comes in, and whether pictures are asked for.
pub fn run(bytes: &[u8]) {
    let Some((&how, form)) = bytes.split_first() else {
        return;
    };
    let piece = usize::from(how & 0x7f) + 1;
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        form.chunks(piece).map(|piece| Ok(piece.to_vec())).collect();
    let query = if how & 0x80 == 0 {
        ""
    } else {
        "?heatmap=png&picture=png"
    };
    let request = Request::post(format!("/api/v1/predictions{query}"))
        .header("host", "localhost")
        .header("content-type", "multipart/form-data; boundary=osteon")
        .body(Body::from_stream(futures_util::stream::iter(pieces)))
        .expect("a request");
    let serving = serving();
    let (status, body) = serving.runtime.block_on(async {
        let answer = serving.router.clone().oneshot(request);
        let answer = answer.await.expect("an answer");
        let status = answer.status().as_u16();
        (
            status,
            to_bytes(answer.into_body(), 1 << 24).await.expect("a body"),
        )
    });
    let said: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    match status {
        200 => {
            let answers = said["predictions"].as_array().expect("answers");
            assert!(!answers.is_empty() && answers.len() <= 4);
            for (index, answer) in answers.iter().enumerate() {
                assert_eq!(answer["index"], index);
                let score = answer["score"].as_f64();
                match &answer["error"] {
                    serde_json::Value::Null => {
                        assert!(
                            score.is_some_and(|score| (0.0..=1.0).contains(&score)),
                            "{said}"
                        );
                    }
                    error => assert_eq!(error["status"], 422, "{said}"),
                }
            }
        }
        400 | 413 | 415 | 422 => {
            assert!(
                said["code"].is_string() && said["title"].is_string(),
                "{said}"
            );
            assert_eq!(said["status"], status);
        }
        _ => panic!("status {status}: {said}"),
    }
}

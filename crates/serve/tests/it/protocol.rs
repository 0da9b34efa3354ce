//! The Open Inference Protocol, and the API's own description.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use osteon_data::{DecodeScratch, Decoder};
use osteon_model::{Device, Predictor};
use serde_json::{Value, json};

use crate::{film, get, options, png, post, post_with, serve};

const MODEL: &str = "/v2/models/accurate";

#[test]
fn files_and_tensors_are_judged_as_everywhere() {
    let server = serve(options());
    let ask = |body: &Value| {
        post(
            &server.url("/v2/models/accurate/infer"),
            "application/json",
            body.to_string().as_bytes(),
        )
    };
    let predictor = Predictor::shipped(Device::Cpu).expect("ships");
    let files = [png(&film(5)), png(&film(6))];
    let alone: Vec<_> = files
        .iter()
        .map(|file| predictor.predict_bytes(file).expect("predicts"))
        .collect();
    let texts: Vec<String> = files.iter().map(|file| STANDARD.encode(file)).collect();
    let input = json!({"name": "image", "shape": [2], "datatype": "BYTES", "data": texts});
    let got = ask(&json!({"id": "7", "inputs": [input]}));
    assert_eq!(got.status, 200);
    let answer = got.json();
    assert_eq!(answer["model_name"], "accurate");
    assert_eq!(answer["id"], "7");
    let outputs = answer["outputs"].as_array().expect("outputs");
    assert_eq!(outputs.len(), 2);
    assert_eq!(
        (
            &outputs[0]["name"],
            &outputs[0]["datatype"],
            &outputs[0]["shape"]
        ),
        (&json!("score"), &json!("FP64"), &json!([2]))
    );
    for (index, alone) in alone.iter().enumerate() {
        let score = outputs[0]["data"][index].as_f64().expect("a score");
        assert!((score - alone.score).abs() < 1e-4);
        assert_eq!(outputs[1]["data"][index], alone.decision.to_string());
    }
    // What the network takes, made here: nested, as clients send it.
    let preprocess = &predictor.info().preprocess;
    let mut scratch = DecodeScratch::default();
    let decoded = Decoder::default()
        .decode_with(&files[0], None, &mut scratch)
        .expect("decodes");
    let pixels = preprocess.normalised(&preprocess.fitted(decoded.view));
    let side = preprocess.side();
    let rows: Vec<&[f32]> = pixels.chunks(side).collect();
    let input =
        json!({"name": "input", "shape": [1, 1, side, side], "datatype": "FP32", "data": [[rows]]});
    let got = ask(&json!({"inputs": [input], "outputs": [{"name": "score"}]}));
    assert_eq!(got.status, 200);
    let answer = got.json();
    assert_eq!(answer["outputs"].as_array().map(Vec::len), Some(1));
    let score = answer["outputs"][0]["data"][0].as_f64().expect("a score");
    assert!(
        (score - alone[0].score).abs() < 1e-4,
        "{score} {}",
        alone[0].score
    );
}

#[test]
fn tensors_may_follow_the_json_as_bytes() {
    let server = serve(options());
    let file = png(&film(5));
    let tensor = [&(file.len() as u32).to_le_bytes(), file.as_slice()].concat();
    let ask = |json: &Value, tensor: &[u8], length: Option<&str>| {
        let json = json.to_string();
        let length = length.map_or(json.len().to_string(), str::to_owned);
        let body = [json.as_bytes(), tensor].concat();
        let url = server.url("/v2/models/accurate/infer");
        let kind = ("content-type", "application/octet-stream");
        let headers = [kind, ("inference-header-content-length", length.as_str())];
        post_with(&url, &headers, &body)
    };
    let request = |size: usize| {
        let parameters = json!({"binary_data_size": size});
        json!({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "parameters": parameters}],
               "outputs": [{"name": "decision", "parameters": {"binary_data": true}}, {"name": "score"}]})
    };
    let alone = Predictor::shipped(Device::Cpu).expect("ships");
    let alone = alone.predict_bytes(&file).expect("predicts");
    let got = ask(&request(tensor.len()), &tensor, None);
    assert_eq!(got.status, 200);
    let length = got.header("inference-header-content-length");
    let length: usize = length.expect("a length").parse().expect("a number");
    let (head, bytes) = got.body.split_at(length);
    let answer: Value = serde_json::from_slice(head).expect("JSON");
    let outputs = answer["outputs"].as_array().expect("outputs");
    assert_eq!(outputs[0]["parameters"]["binary_data_size"], bytes.len());
    assert!(outputs[0].get("data").is_none());
    assert_eq!(&bytes[4..], alone.decision.to_string().as_bytes());
    let score = outputs[1]["data"][0].as_f64().expect("a score");
    assert!((score - alone.score).abs() < 1e-4);
    let whole = request(tensor.len());
    let both = json!({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": ["aGk="],
                                  "parameters": {"binary_data_size": tensor.len()}}]});
    let far = (whole.to_string().len() + tensor.len() + 1).to_string();
    for (json, tensor, length, status) in [
        (&request(tensor.len() + 1), &tensor[..], None, 400),
        (&request(tensor.len() - 1), &tensor, None, 400),
        (
            &request(tensor.len() - 1),
            &tensor[..tensor.len() - 1],
            None,
            422,
        ),
        (&whole, &tensor, Some("-1"), 400),
        (&whole, &tensor, Some("3"), 400),
        (&whole, &tensor, Some(far.as_str()), 400),
        (&both, &tensor, None, 422),
    ] {
        let got = ask(json, tensor, length);
        assert_eq!(got.status, status, "{}", got.json());
    }
}

#[test]
fn what_does_not_fit_the_model_is_refused_with_the_protocol_s_error() {
    let server = serve(options());
    let ask = |input: Value| {
        post(
            &server.url("/v2/models/accurate/infer"),
            "application/json",
            json!({"inputs": input}).to_string().as_bytes(),
        )
    };
    let image = |shape: Value, data: Value| json!([{"name": "image", "shape": shape, "datatype": "BYTES", "data": data}]);
    let bad = [
        json!([]),
        image(json!([2]), json!(["aGk="])),
        image(json!([1, 1]), json!(["aGk="])),
        image(json!([0]), json!([])),
        image(json!([1]), json!([1])),
        image(json!([1]), json!(["no base64!"])),
        image(json!([1]), json!(["aGk="])),
        image(json!([33]), json!(["aGk="])),
        json!([{"name": "other", "shape": [1], "datatype": "BYTES", "data": ["aGk="]}]),
        json!([{"name": "input", "shape": [1, 1, 2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}]),
    ];
    for input in bad {
        let got = ask(input.clone());
        assert_eq!(got.status, 422, "{input}");
        let body = got.json();
        assert_eq!(body["error"], body["detail"], "{body}");
    }
    let infer = server.url("/v2/models/accurate/infer");
    post(&infer, "application/json", b"{\"inputs\"").assert_problem(400, "malformed_request");
    post(&infer, "text/plain", b"{}").assert_problem(415, "unsupported_media_type");
    get(&server.url("/v2/models/other")).assert_problem(404, "not_found");
    post(
        &server.url("/v2/models/other/infer"),
        "application/json",
        b"{}",
    )
    .assert_problem(404, "not_found");
}

#[test]
fn server_and_model_say_what_they_are() {
    let server = serve(options());
    assert_eq!(get(&server.url("/v2/health/live")).json()["live"], true);
    assert_eq!(get(&server.url("/v2/health/ready")).json()["ready"], true);
    assert_eq!(get(&server.url("/v2")).json()["name"], "osteon");
    let said = get(&server.url(MODEL)).json();
    assert_eq!(said["name"], "accurate");
    assert_eq!(said["inputs"][1]["shape"], json!([-1, 1, 384, 384]));
    assert_eq!(
        get(&server.url("/v2/models/accurate/ready")).json()["ready"],
        true
    );
}

#[test]
fn the_description_names_every_path_and_every_error() {
    let server = serve(options());
    let document = get(&server.url("/openapi.json")).json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("paths");
    for (path, methods) in paths {
        let known = path.replace("{name}", "accurate");
        // Each is there: asked with another method, it says so.
        let got = if methods.get("get").is_some() {
            post(&server.url(&known), "text/plain", b"")
        } else {
            get(&server.url(&known))
        };
        got.assert_problem(405, "method_not_allowed");
    }
    let answers = &paths["/api/v1/predictions"]["post"]["responses"];
    for status in ["200", "400", "401", "413", "415", "422", "429", "503"] {
        assert!(answers.get(status).is_some(), "{status}");
    }
}

#[test]
fn metrics_count_what_was_asked_by_path_and_status() {
    let server = serve(options());
    post(
        &server.url("/api/v1/predictions"),
        "image/png",
        &png(&film(1)),
    );
    post(&server.url("/api/v1/predictions"), "image/png", b"x");
    get(&server.url("/secret-name-of-a-patient"));
    let got = get(&server.url("/metrics"));
    assert!(
        got.header("content-type")
            .is_some_and(|kind| kind.starts_with("application/openmetrics-text"))
    );
    let text = String::from_utf8(got.body).expect("UTF-8");
    for line in [
        "osteon_requests_total{path=\"/api/v1/predictions\",status=\"200\"} 1",
        "osteon_requests_total{path=\"/api/v1/predictions\",status=\"422\"} 1",
        "osteon_images_unreadable_total 1",
        "osteon_batch_images_count 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("patient") && text.ends_with("# EOF\n"));
}

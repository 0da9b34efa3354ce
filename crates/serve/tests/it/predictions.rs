//! Images in, answers out.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageReader, imageops};
use osteon_files::hex;
use osteon_model::{Device, Predictor};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{film, get, jpeg, options, png, post, post_form, same_score, serve};

const PATH: &str = "/api/v1/predictions";

fn picture(value: &Value) -> DynamicImage {
    let png = STANDARD
        .decode(value.as_str().expect("text"))
        .expect("base64");
    let reader = ImageReader::new(Cursor::new(png)).with_guessed_format();
    reader.expect("a format").decode().expect("a picture")
}

#[test]
fn a_form_is_answered_film_by_film_as_predict_would() {
    let server = serve(options());
    let predictor = Predictor::shipped(Device::Cpu).expect("ships");
    let (one, two) = (png(&film(1)), jpeg(&film(2)));
    let files: [(&str, &[u8]); 3] = [
        ("one.png", &one),
        ("C:\\\\films\\\\two.jpg", &two),
        ("x.txt", b"no image"),
    ];
    let got = post_form(&server.url(PATH), &files);
    assert_eq!(got.status, 200);
    let answer = got.json();
    let info = predictor.info();
    assert_eq!(answer["model"]["name"], "efficientnet_lite");
    assert_eq!(answer["model"]["model"], "accurate");
    assert_eq!(
        answer["model"]["weights_sha256"],
        info.weights_sha256.as_str()
    );
    assert_eq!(answer["model"]["threshold"], info.threshold());
    assert_eq!(answer["predictions"].as_array().expect("a list").len(), 3);
    for (index, (name, bytes)) in [("one.png", &one), ("two.jpg", &two)].iter().enumerate() {
        let said = &answer["predictions"][index];
        let alone = predictor.predict_bytes(bytes).expect("predicts");
        assert_eq!(said["index"], index);
        assert_eq!(said["name"], *name);
        assert_eq!(
            (&said["width"], &said["height"]),
            (&180.into(), &240.into())
        );
        assert_eq!(said["sha256"], hex(&Sha256::digest(bytes)));
        assert_eq!(said["decision"], alone.decision.to_string());
        // A batch adds in another order.
        let score = said["score"].as_f64().expect("a score");
        assert!(
            (score - alone.score).abs() < 1e-4,
            "{score} {}",
            alone.score
        );
        assert!(said["milliseconds"].as_f64().expect("a time") > 0.0);
        assert!(said["flags"].is_array());
        assert!(said.get("heatmap").is_none() && said.get("picture").is_none());
    }
    let bad = &answer["predictions"][2];
    assert_eq!((&bad["index"], &bad["name"]), (&2.into(), &"x.txt".into()));
    assert_eq!(bad["error"]["code"], "unreadable_image");
    assert_eq!(bad["error"]["status"], 422);
}

#[test]
fn an_image_is_taken_as_the_body_too() {
    let server = serve(options());
    let bytes = jpeg(&film(3));
    for kind in ["image/jpeg", "application/octet-stream", "image/jpeg; q=1"] {
        let got = post(&server.url(PATH), kind, &bytes);
        assert_eq!(got.status, 200, "{kind}");
        let answer = got.json();
        assert_eq!(answer["predictions"][0]["name"], Value::Null);
        assert_eq!(answer["predictions"][0]["index"], 0);
    }
    let first = post(&server.url(PATH), "image/jpeg", &bytes).json();
    let again = post(&server.url(PATH), "image/jpeg", &bytes).json();
    same_score(&first["predictions"][0], &again["predictions"][0]);
}

#[test]
fn pictures_come_only_when_asked_for_and_fit_on_each_other() {
    let server = serve(options());
    let large = imageops::resize(&film(4), 1536, 2048, imageops::FilterType::Triangle);
    for (film, size) in [(film(4), (180, 240)), (large, (768, 1024))] {
        let url = server.url("/api/v1/predictions?heatmap=png&picture=png");
        let said = &post(&url, "image/png", &png(&film)).json()["predictions"][0];
        let DynamicImage::ImageLuma8(shown) = picture(&said["picture"]["png"]) else {
            panic!("8-bit gray");
        };
        assert_eq!(shown.dimensions(), size);
        assert_eq!(said["picture"]["width"], size.0);
        assert_eq!(said["picture"]["height"], size.1);
        if film.dimensions() == size {
            assert_eq!(shown, film);
        }
        let DynamicImage::ImageRgba8(heat) = picture(&said["heatmap"]["png"]) else {
            panic!("RGBA");
        };
        assert_eq!(heat.dimensions(), size);
        assert!(heat.pixels().any(|pixel| pixel.0[3] < 20));
        assert_eq!(said["heatmap"]["kind"], "fracture_map");
        for region in said["heatmap"]["boxes"].as_array().expect("boxes") {
            let at = |key: &str| region[key].as_f64().expect("a number");
            assert!(0.0 <= at("left") && at("left") < at("right") && at("right") <= 1.0);
            assert!(0.0 <= at("top") && at("top") < at("bottom") && at("bottom") <= 1.0);
            assert!((0.0..=1.0).contains(&at("heat")));
        }
    }
    let bad = post(
        &server.url("/api/v1/predictions?heatmap=svg"),
        "image/png",
        &png(&film(1)),
    );
    bad.assert_problem(400, "malformed_request");
}

#[test]
fn the_model_says_what_its_file_says() {
    let server = serve(options());
    let got = get(&server.url("/api/v1/model"));
    assert_eq!(got.status, 200);
    let said = got.json();
    let predictor = Predictor::shipped(Device::Cpu).expect("ships");
    let info = predictor.info();
    assert_eq!(said["weights_sha256"], info.weights_sha256.as_str());
    assert_eq!(said["parameters"], predictor.parameters());
    assert_eq!(said["licence"].as_str(), info.licence.as_deref());
    assert_eq!(said["attribution"].as_str(), info.attribution.as_deref());
    let training = &said["training_data"];
    assert_eq!(training["train_images"], info.training_data.train_images);
    assert!(training.get("train_films").is_none() && training.get("val_hashes").is_none());
    assert!(said["metrics"]["val"]["roc_auc"]["value"].is_number());
    // No card was given to this service.
    get(&server.url("/api/v1/model/card")).assert_problem(404, "not_found");
}

#[test]
fn a_request_may_ask_for_an_operating_point() {
    let server = serve(options());
    let predictor = Predictor::shipped(Device::Cpu).expect("ships");
    let info = predictor.info();
    let bytes = png(&film(1));
    let ask = |query: &str| post(&server.url(&format!("{PATH}{query}")), "image/png", &bytes);
    let plain = ask("").json();
    assert_eq!(plain["model"]["operating_point"], "balanced");
    let rule = info.rule(Some("screening")).expect("has one");
    let answer = ask("?operating_point=screening&judge_anyway=true").json();
    assert_eq!(answer["model"]["operating_point"], "screening");
    assert_eq!(answer["model"]["threshold"], rule.threshold);
    let said = &answer["predictions"][0];
    let score = said["score"].as_f64().expect("a score");
    assert_eq!(said["decision"], rule.decide(score).to_string());
    let unknown = ask("?operating_point=best");
    unknown.assert_problem(400, "malformed_request");
    assert!(
        unknown.json()["detail"]
            .as_str()
            .is_some_and(|said| said.contains("balanced, screening"))
    );
}

#[test]
fn a_request_may_have_judged_what_the_gate_refuses() {
    let server = serve(options());
    let blank = png(&image::GrayImage::from_pixel(300, 400, image::Luma([0])));
    let ask = |query: &str| {
        let got = post(&server.url(&format!("{PATH}{query}")), "image/png", &blank);
        got.json()["predictions"][0].clone()
    };
    let refused = ask("");
    assert_eq!(refused["decision"], "not_an_xray");
    assert_eq!(refused["judged_anyway"], false);
    let judged = ask("?judge_anyway=true&heatmap=png");
    assert_ne!(judged["decision"], "not_an_xray");
    assert_eq!(judged["judged_anyway"], true);
    assert_eq!(judged["xray_score"], refused["xray_score"]);
}

//! The networks that are offered, and the page that lists them.

use std::fmt::Write;

use osteon_model::{
    Architecture, ArchitectureName, Device, EfficientNetLiteOptions, LiteVariant, ResidualOptions,
    ResidualSize,
};
use serde_json::Value;

/// Name in the oracles and on the page, the architecture, and the side it is listed for.
fn zoo() -> [(&'static str, Architecture, usize); 8] {
    let named = |name| Architecture {
        name,
        ..Architecture::default()
    };
    let residual = |size| Architecture {
        residual: ResidualOptions {
            size,
            ..ResidualOptions::default()
        },
        ..Architecture::default()
    };
    let lite = |variant| Architecture {
        efficientnet_lite: EfficientNetLiteOptions {
            variant,
            ..EfficientNetLiteOptions::default()
        },
        ..named(ArchitectureName::EfficientnetLite)
    };
    [
        ("seed_cnn", named(ArchitectureName::SeedCnn), 150),
        ("residual, small", residual(ResidualSize::Small), 224),
        ("residual, medium", residual(ResidualSize::Medium), 224),
        ("residual, large", residual(ResidualSize::Large), 224),
        ("fracture_map", named(ArchitectureName::FractureMap), 384),
        ("efficientnet_lite, lite0", lite(LiteVariant::Lite0), 384),
        ("efficientnet_lite, lite1", lite(LiteVariant::Lite1), 384),
        ("efficientnet_lite, lite2", lite(LiteVariant::Lite2), 384),
    ]
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Parameters are counted here and in PyTorch, multiply-adds in PyTorch (`tests/oracles/make_oracles.py`); the page has both.
#[test]
fn the_page_lists_what_there_is() {
    let oracles: Value =
        serde_json::from_str(include_str!("../oracles/oracles.json")).expect("JSON");
    let mut table = String::from(
        "| network | parameters | input | multiply-adds an image |\n|---|---|---|---|\n",
    );
    for (name, architecture, side) in zoo() {
        let oracle = &oracles["zoo"][name];
        let net = architecture.build(side, Device::Cpu).expect("builds");
        assert_eq!(oracle["input"], side, "{name}");
        assert_eq!(oracle["parameters"], net.parameters(), "{name}");
        let millions = oracle["multiply_adds"].as_u64().expect("a count") / 1_000_000;
        let parameters = grouped(net.parameters() as u64);
        writeln!(
            table,
            "| {name} | {parameters} | 1×{side}×{side} | {millions} million |"
        )
        .expect("writes");
    }
    let page = include_str!("../../../../docs/MODELS.md");
    assert!(page.contains(&table), "docs/MODELS.md must hold:\n{table}");
}

/// Files and configs from before there were sizes mean what they meant.
#[test]
fn options_without_a_size_are_as_their_widths_say() {
    let old = r#"{"name":"residual","residual":{"widths":[4,8],"blocks":[1,1],"stem_stride":2,"dropout":0.2}}"#;
    let old: Architecture = serde_json::from_str(old).expect("reads");
    assert_eq!(old.residual.size, ResidualSize::Custom);
    let net = old.build(32, Device::Cpu).expect("builds");
    assert!(
        net.tensors()
            .iter()
            .any(|(name, t)| name == "fc.weight" && t.size() == [1, 16])
    );
    let sized: Architecture =
        serde_json::from_str(r#"{"residual":{"size":"large","widths":[4]}}"#).expect("reads");
    let net = sized
        .build(64, Device::Cpu)
        .expect("the size has its own widths");
    assert_eq!(net.parameters(), 3_825_361);
}

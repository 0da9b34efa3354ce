//! One prediction, image in memory to score, for both networks.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::hint::black_box;
use std::io::Cursor;

use criterion::{Criterion, criterion_group, criterion_main};
use osteon_data::Preprocess;
use osteon_model::{
    Architecture, ArchitectureName, Device, ModelInfo, Predictor, keep_freed_memory, save,
};

fn predict(c: &mut Criterion) {
    keep_freed_memory();
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut png = Cursor::new(Vec::new());
    let film = osteon_synth::Synth::new(1).image(0).pixels;
    film.write_to(&mut png, image::ImageFormat::Png)
        .expect("an image in memory encodes");
    for (name, size) in [
        (ArchitectureName::SeedCnn, 150),
        (ArchitectureName::Residual, 224),
    ] {
        let architecture = Architecture {
            name,
            ..Architecture::default()
        };
        let preprocess = Preprocess {
            size,
            ..Preprocess::default()
        };
        let net = architecture
            .build(preprocess.side(), Device::Cpu)
            .expect("builds");
        let path = dir.path().join(format!("{name}.safetensors"));
        save(&path, &net, &ModelInfo::new(architecture, preprocess)).expect("saves");
        let predictor = Predictor::open(&path, Device::Cpu).expect("opens");
        c.bench_function(&format!("predict {name} at {size}"), |b| {
            b.iter(|| predictor.predict_bytes(black_box(png.get_ref())));
        });
    }
}

criterion_group!(benches, predict);
criterion_main!(benches);

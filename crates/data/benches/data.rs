//! Decode, resize, augment and batch, on films drawn by `synth`.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fast_image_resize::Resizer;
use image::ImageFormat;
use osteon_data::synth::Synth;
use osteon_data::{
    Augment, Batches, Catalog, Decoder, Films, LoadOptions, Preprocess, Split, write_synth,
};

fn decode_and_fit(c: &mut Criterion) {
    let film = Synth::new(1).film(0).pixels;
    let mut group = c.benchmark_group("film");
    group.throughput(Throughput::Elements(1));
    for format in [ImageFormat::Jpeg, ImageFormat::Png] {
        let mut bytes = Cursor::new(Vec::new());
        film.write_to(&mut bytes, format)
            .expect("a film in memory encodes");
        let bytes = bytes.into_inner();
        group.bench_function(format!("decode {format:?}"), |b| {
            b.iter(|| Decoder::default().decode(black_box(&bytes)));
        });
    }
    let preprocess = Preprocess::default();
    let (mut resizer, mut out) = (
        Resizer::new(),
        vec![0; preprocess.side() * preprocess.side()],
    );
    group.bench_function("fit to 224", |b| {
        b.iter(|| preprocess.fit_into(black_box(&film), &mut resizer, &mut out));
    });
    group.bench_function("synthesise", |b| {
        b.iter(|| Synth::new(1).film(black_box(7)));
    });
    group.finish();
}

fn batches(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, 92, 1, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    let films =
        Films::load(entries, &Decoder::default(), &Preprocess::default(), &|| {}).expect("loads");
    let films = Arc::new(films);
    let mut group = c.benchmark_group("epoch");
    group
        .throughput(Throughput::Elements(films.len() as u64))
        .sample_size(20);
    for (name, augment) in [("plain", None), ("augmented", Some(Augment::default()))] {
        let options = LoadOptions {
            augment,
            ..LoadOptions::plain(32)
        };
        group.bench_function(name, |b| {
            b.iter(|| {
                Batches::new(Arc::clone(&films), &options)
                    .map(|x| x.len())
                    .sum::<usize>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode_and_fit, batches);
criterion_main!(benches);

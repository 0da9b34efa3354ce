//! Decode, resize, augment, batch, on images drawn by `synth`.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fast_image_resize::Resizer;
use image::ImageFormat;
use image::imageops::{self, FilterType};
use osteon_data::{
    Augment, Augmenter, Cache, Catalog, DataLoader, Dataset, DecodeScratch, Decoder, GrayView,
    Instructions, LoadOptions, Preprocess, Split, resized,
};
use osteon_synth::{Synth, write_synth};

fn decode_and_resize(c: &mut Criterion) {
    let film = Synth::new(1).image(0).pixels;
    let preprocess = Preprocess::default();
    let mut group = c.benchmark_group("film");
    group.throughput(Throughput::Elements(1));
    for format in [ImageFormat::Jpeg, ImageFormat::Png] {
        let mut bytes = Cursor::new(Vec::new());
        film.write_to(&mut bytes, format)
            .expect("an image in memory encodes");
        let bytes = bytes.into_inner();
        let (decoder, mut scratch) = (Decoder::default(), DecodeScratch::default());
        group.bench_function(format!("decode {format:?}"), |b| {
            b.iter(|| {
                let film =
                    decoder.decode_with(black_box(&bytes), Some(preprocess.wanted()), &mut scratch);
                film.map(|film| film.view.width())
            });
        });
    }
    let (mut resizer, mut out) = (
        Resizer::new(),
        vec![0; preprocess.side() * preprocess.side()],
    );
    group.bench_function("resize to 224", |b| {
        b.iter(|| preprocess.fit_into(black_box(&film), &mut resizer, &mut out));
    });
    // As a page shows an image of 7 megapixels.
    let large = resized(&film, (2304, 2880));
    group.bench_function("7 megapixels to 819×1024", |b| {
        b.iter(|| resized(black_box(&large), (819, 1024)));
    });
    group.bench_function("7 megapixels to 819×1024, image", |b| {
        b.iter(|| imageops::resize(black_box(&large), 819, 1024, FilterType::Triangle));
    });
    group.bench_function("synthesise", |b| {
        b.iter(|| Synth::new(1).image(black_box(7)));
    });
    group.finish();
}

/// One image of 256 px to the middle 224 px, with the changes of the default config and with all there are.
fn augment(c: &mut Criterion) {
    let film = Synth::new(1).image(0).pixels;
    let preprocess = Preprocess {
        size: 256,
        ..Preprocess::default()
    };
    let mut fitted = vec![0; 256 * 256];
    preprocess.fit_into(&film, &mut Resizer::new(), &mut fitted);
    let view = GrayView::new(256, 256, &fitted).expect("an image");
    let everything = Augment {
        gamma: 0.2,
        noise: 5.0,
        erase: 1.0,
        ..Augment::default()
    };
    let mut out = vec![0.0; 224 * 224];
    let mut group = c.benchmark_group("augment");
    group.throughput(Throughput::Elements(1));
    for (name, ranges) in [
        ("default", &Augment::default()),
        ("everything", &everything),
    ] {
        let transform = ranges.draw(1, 1, 1);
        for &instructions in Instructions::available() {
            let mut augmenter = Augmenter::with(instructions);
            group.bench_function(format!("{name}, {instructions:?}"), |b| {
                b.iter(|| {
                    let transform = black_box(&transform);
                    augmenter.apply(transform, view, (1.0, 0.0), (224, 224), &mut out);
                });
            });
        }
        group.bench_function(format!("{name}, imageproc"), |b| {
            b.iter(|| black_box(&transform).apply_reference(view, (1.0, 0.0), (224, 224)));
        });
    }
    group.finish();
}

fn batches(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, 92, 1, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    let (decoder, preprocess) = (Decoder::default(), Preprocess::default());
    let films = Dataset::load(entries, &decoder, &preprocess, &|| {}).expect("loads");
    let cache = Cache::new(dir.path().join("cache"));
    let (packed, _) = cache
        .dataset(entries, &decoder, &preprocess, &|| {})
        .expect("packs");
    let mut group = c.benchmark_group("batch");
    group
        .throughput(Throughput::Elements(films.len() as u64))
        .sample_size(20);
    let (films, packed) = (Arc::new(films), Arc::new(packed));
    let augmented = LoadOptions {
        augment: Some(Augment::default()),
        ..LoadOptions::plain(32)
    };
    let count = |loader: DataLoader| {
        let batches = loader.map(|batch| batch.map_or(0, |batch| batch.len()));
        batches.sum::<usize>()
    };
    group.bench_function("plain, from memory", |b| {
        b.iter(|| count(films.loader(LoadOptions::plain(32))));
    });
    group.bench_function("augmented, from memory", |b| {
        b.iter(|| count(films.loader(augmented.clone())));
    });
    group.bench_function("augmented, from a pack", |b| {
        b.iter(|| count(packed.loader(augmented.clone())));
    });
    group.bench_function("augmented, from files", |b| {
        b.iter(|| {
            let entries = entries.to_vec();
            let options = augmented.clone();
            count(DataLoader::stream(
                entries,
                &decoder,
                &preprocess,
                false,
                options,
            ))
        });
    });
    group.finish();
}

criterion_group!(benches, decode_and_resize, augment, batches);
criterion_main!(benches);

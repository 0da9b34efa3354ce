//! The audit on synthetic images and turned copies of them.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fast_image_resize::Resizer;
use image::imageops::{flip_horizontal, rotate90};
use osteon_audit::Matcher;
use osteon_audit::copies::Thumb;
use osteon_synth::Synth;

fn thumbs(n: u64) -> Vec<Thumb> {
    let mut resizer = Resizer::new();
    let synth = Synth::new(5);
    (0..n / 2)
        .flat_map(|i| {
            let film = synth.image(i).pixels;
            let copy = if i % 2 == 0 {
                rotate90(&film)
            } else {
                flip_horizontal(&film)
            };
            [
                Thumb::new(&film, &mut resizer),
                Thumb::new(&copy, &mut resizer),
            ]
        })
        .collect()
}

fn matching(c: &mut Criterion) {
    let all = thumbs(400);
    let mut group = c.benchmark_group("audit");
    group.sample_size(10);
    for n in [40, 400] {
        let some: Vec<&Thumb> = all.iter().take(n).collect();
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("cluster", n), |b| {
            b.iter(|| Matcher::default().cluster(black_box(&some), &|_| {}));
        });
    }
    let film = Synth::new(5).image(0).pixels;
    group.throughput(Throughput::Elements(1));
    group.bench_function("thumb", |b| {
        let mut resizer = Resizer::new();
        b.iter(|| Thumb::new(black_box(&film), &mut resizer));
    });
    group.finish();
}

criterion_group!(benches, matching);
criterion_main!(benches);

//! One sort, and a whole evaluation with its bootstrap: `cargo bench -p metrics`.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use osteon_metrics::{Summary, SummaryOptions, roc_auc, sigmoid};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Overlapping classes, 40 % fractured, nearly all scores distinct.
fn simulated(images: usize) -> (Vec<bool>, Vec<f64>) {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    (0..images)
        .map(|_| {
            let label = generator.random_bool(0.4);
            let logit = generator.random_range(-4.0..4.0) + if label { 2.0 } else { -2.0 };
            (label, sigmoid(logit))
        })
        .unzip()
}

fn figures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metrics");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    let (labels, scores) = simulated(100_000);
    group.bench_function("roc_auc of 100,000", |bencher| {
        bencher.iter(|| roc_auc(black_box(&labels), black_box(&scores)));
    });
    for (name, images, replicates) in [
        ("summary of 10,000, 1,000 replicates", 10_000, 1000),
        ("summary of 100,000, 20 replicates", 100_000, 20),
    ] {
        let options = SummaryOptions {
            replicates,
            seed: 0,
        };
        let (labels, scores) = (&labels[..images], &scores[..images]);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                Summary::new(
                    black_box(labels),
                    black_box(scores),
                    None,
                    0.5,
                    0.95,
                    options,
                )
            });
        });
    }
    group.finish();
}

criterion_group!(benches, figures);
criterion_main!(benches);

//! The bootstrap: the same bits on any number of threads, and the interval another implementation finds.

use osteon_metrics::{Estimate, Summary, SummaryOptions, average_precision, stratified};

use crate::oracles::oracles;

fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(work)
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let case = &oracles().cases[1];
    let (labels, scores) = (&case.labels, &case.scores);
    let options = SummaryOptions {
        replicates: 101,
        seed: 9,
    };
    let run = || {
        let area = stratified(labels, scores, 101, 0.95, 9, |labels, scores| {
            average_precision(labels, scores).unwrap()
        });
        let summary = Summary::new(labels, scores, 0.5, 0.95, options);
        (area.unwrap(), summary.unwrap())
    };
    let one = in_threads(1, run);
    assert_eq!(one.0, one.1.average_precision);
    for threads in [2, 7] {
        assert!(in_threads(threads, run) == one, "{threads} threads");
    }
}

#[test]
fn the_seed_changes_the_interval_only() {
    let case = &oracles().cases[1];
    let run = |seed| -> Estimate {
        stratified(
            &case.labels,
            &case.scores,
            50,
            0.95,
            seed,
            |labels, scores| average_precision(labels, scores).unwrap(),
        )
        .unwrap()
    };
    assert_eq!(run(1), run(1));
    assert_eq!(run(1).value, run(2).value);
    assert_ne!(run(1).low, run(2).low);
}

#[test]
fn numpy_finds_the_same_interval() {
    let oracles = oracles();
    let case = &oracles.cases[oracles.bootstrap.case];
    let options = SummaryOptions {
        replicates: 20_000,
        seed: 3,
    };
    let summary = Summary::new(
        &case.labels,
        &case.scores,
        case.threshold,
        oracles.confidence,
        options,
    )
    .unwrap();
    // Monte Carlo error of a 2.5 % quantile of 20,000 replicates, twice: well below 0.003 here.
    for (found, (low, high)) in [
        (summary.f1, oracles.bootstrap.f1),
        (
            summary.average_precision,
            oracles.bootstrap.average_precision,
        ),
    ] {
        assert!((found.low.unwrap() - low).abs() < 0.003, "{found:?} {low}");
        assert!(
            (found.high.unwrap() - high).abs() < 0.003,
            "{found:?} {high}"
        );
    }
}

//! The seed project's published confusion matrix (829 images), whose "recall 99.80 %" is the
//! recall of the unfractured class.

use osteon_metrics::{Confusion, wilson};

const SEED: Confusion = Confusion {
    tp: 327,
    fn_: 10,
    fp: 1,
    tn: 491,
};

#[track_caller]
fn near(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?}");
}

#[test]
fn figures() {
    assert_eq!(
        (SEED.total(), SEED.positives(), SEED.negatives()),
        (829, 337, 492)
    );
    near(SEED.accuracy(), 818.0 / 829.0);
    near(SEED.sensitivity(), 327.0 / 337.0);
    near(SEED.specificity(), 491.0 / 492.0);
    near(SEED.precision(), 327.0 / 328.0);
    near(SEED.npv(), 491.0 / 501.0);
    near(SEED.f1(), 654.0 / 665.0);
    near(SEED.prevalence(), 337.0 / 829.0);
    near(
        SEED.balanced_accuracy(),
        f64::midpoint(327.0 / 337.0, 491.0 / 492.0),
    );
}

#[test]
fn its_recall_is_the_specificity() {
    let percent = |figure: Option<f64>| format!("{:.2} %", 100.0 * figure.unwrap());
    assert_eq!(percent(SEED.specificity()), "99.80 %");
    assert_eq!(percent(SEED.sensitivity()), "97.03 %");
    // Seen from the unfractured class the two change places.
    let flipped = Confusion {
        tp: SEED.tn,
        fn_: SEED.fp,
        fp: SEED.fn_,
        tn: SEED.tp,
    };
    assert_eq!(percent(flipped.sensitivity()), "99.80 %");
}

#[test]
fn intervals() {
    // statsmodels.stats.proportion.proportion_confint(327, 337, 0.05, "wilson")
    let sensitivity = wilson(SEED.tp, SEED.positives(), 0.95).unwrap();
    near(sensitivity.low, 0.946_247_638_288_362_3);
    near(sensitivity.high, 0.983_803_538_868_356_7);
}

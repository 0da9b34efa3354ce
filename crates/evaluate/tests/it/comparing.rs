//! Two models on the same images.

use osteon_data::Split;
use osteon_evaluate::{EvaluateError, compare};

use crate::{drawn, info, on, opened, written};

#[test]
fn a_model_is_no_better_than_itself_and_the_test_knows_another() {
    let (dir, catalog) = drawn();
    let file = written(dir.path(), "run", &info());
    let other = written(dir.path(), "other", &info());
    let a = on(&file, &opened(&file), &catalog, Split::Train);
    let b = on(&other, &opened(&other), &catalog, Split::Train);
    let same = compare(&a, &a).expect("compares");
    assert_eq!(same.images, a.images.len());
    assert_eq!(same.average_precision.value, Some(0.0));
    assert_eq!(same.decisions.accuracy.only_a, 0);
    // A difference has a sign: B less A is A less B turned round.
    let (there, back) = (compare(&a, &b), compare(&b, &a));
    let (there, back) = (there.expect("compares"), back.expect("compares"));
    let difference = |found: &osteon_evaluate::Comparison| {
        let auc = found.roc_auc.difference.value.expect("both classes");
        (auc, found.brier.value.expect("images"))
    };
    let (one, two) = (difference(&there), difference(&back));
    assert!((one.0 + two.0).abs() < 1e-12 && (one.1 + two.1).abs() < 1e-12);
    assert!(one.1 != 0.0, "other weights give other scores");
    assert_eq!(
        there.decisions.accuracy.only_a,
        back.decisions.accuracy.only_b
    );
}

#[test]
fn images_that_only_one_has_judged_are_left_out_and_that_is_said() {
    let (dir, catalog) = drawn();
    let file = written(dir.path(), "run", &info());
    let predictor = opened(&file);
    let whole = on(&file, &predictor, &catalog, Split::Train);
    let mut part = whole.clone();
    part.images.pop();
    let found = compare(&whole, &part).expect("compares");
    assert_eq!(found.images, part.images.len());
    let said = format!("Only the {} images that both judged", found.images);
    assert!(found.warnings.iter().any(|w| w.contains(&said)));
    part.images.clear();
    let error = compare(&whole, &part).expect_err("nothing in common");
    assert!(matches!(error, EvaluateError::NothingInCommon), "{error}");
}

//! `osteon compare`: two models on the same images.

use std::fmt::Write as _;
use std::path::Path;

use osteon_data::Split;
use osteon_evaluate::{Comparison, Request, compare, evaluate};
use osteon_train::choose_device;

use super::open_data;
use crate::args::CompareArgs;
use crate::chosen::Chosen;
use crate::exit::Ending;
use crate::output;
use crate::progress::EvaluationProgress;

pub fn run(args: &CompareArgs) -> anyhow::Result<Ending> {
    let split: Split = args.split.parse()?;
    let device = choose_device(&args.device)?;
    let catalog = open_data(&args.data, split)?;
    let on = |given: Option<&Path>| {
        let chosen = Chosen::new(given);
        let predictor = chosen.open(device)?;
        let request = Request {
            model: chosen.file(),
            ..Request::new(&predictor, &catalog, split)
        };
        anyhow::Ok(evaluate(&request, &EvaluationProgress::default())?)
    };
    let (a, b) = (on(Some(&args.a))?, on(args.b.as_deref())?);
    let compared = compare(&a, &b)?;
    if args.json {
        output::json(&compared)?;
    } else {
        output::line(&text(&compared, &args.a, args.b.as_deref()))?;
    }
    Ok(Ending::Done)
}

fn text(found: &Comparison, a: &Path, b: Option<&Path>) -> String {
    let b = b.unwrap_or_else(|| Path::new("the model that ships with the program"));
    let mut text = format!(
        "{} of {}: {} images, {} fractured\nA  {}\nB  {}\n\n",
        found.split,
        found.a.data.path,
        found.images,
        found.fractured,
        a.display(),
        b.display(),
    );
    let mut rows = vec![["", "A", "B", "A − B", "p", ""].map(str::to_owned).to_vec()];
    let (a, b) = (&found.a.summary, &found.b.summary);
    for (name, a, b, test) in [
        (
            "sensitivity",
            a.sensitivity,
            b.sensitivity,
            &found.decisions.sensitivity,
        ),
        (
            "specificity",
            a.specificity,
            b.specificity,
            &found.decisions.specificity,
        ),
        (
            "accuracy",
            a.accuracy,
            b.accuracy,
            &found.decisions.accuracy,
        ),
    ] {
        rows.push(vec![
            format!("  {name}"),
            output::percent(a),
            output::percent(b),
            output::points(test.difference),
            p(test.mid_p),
            format!(
                "({} right by A alone, {} by B alone)",
                test.only_a, test.only_b
            ),
        ]);
    }
    for (name, a, b, difference, value) in [
        (
            "ROC-AUC",
            a.roc_auc,
            b.roc_auc,
            found.roc_auc.difference,
            p(found.roc_auc.p),
        ),
        (
            "average precision",
            a.average_precision,
            b.average_precision,
            found.average_precision,
            String::new(),
        ),
        (
            "Brier score",
            a.calibration.brier,
            b.calibration.brier,
            found.brier,
            String::new(),
        ),
    ] {
        rows.push(vec![
            format!("  {name}"),
            output::number(a),
            output::number(b),
            output::signed(difference),
            value,
        ]);
    }
    text += &output::table(&rows, &[]);
    text += "\n\np: McNemar's test (mid-p), each model at its own threshold; DeLong's paired test for ROC-AUC. In brackets: 95 % intervals.";
    for warning in &found.warnings {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n\nWARNING: {warning}");
    }
    text
}

fn p(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p < 0.0001 => "< 0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
    }
}

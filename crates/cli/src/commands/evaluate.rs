//! `osteon evaluate`.

use osteon_data::Split;
use osteon_evaluate::{Request, evaluate};

use super::{open_data, open_model};
use crate::args::{EvaluateArgs, UnreadablePolicy};
use crate::evaluation::to_text;
use crate::exit::Ending;
use crate::output;
use crate::progress::EvaluationProgress;

pub fn run(args: &EvaluateArgs) -> anyhow::Result<Ending> {
    let split: Split = args.split.parse()?;
    let (predictor, chosen) = open_model(&args.model)?;
    let catalog = open_data(&args.data, split)?;
    let request = Request {
        model: chosen.file(),
        repair: args.unreadable == UnreadablePolicy::Repair,
        explain: true,
        ..Request::new(&predictor, &catalog, split)
    };
    let watch = EvaluationProgress::default();
    let found = evaluate(&request, &watch)?;
    if let Some(folder) = &args.report {
        found.write(folder, &predictor, &watch)?;
        eprintln!("report: {}", folder.join("index.html").display());
    }
    if args.json {
        output::json(&found.judgement)?;
    } else {
        output::line(&to_text(&found.judgement))?;
    }
    if found.is_whole() || args.unreadable != UnreadablePolicy::Error {
        return Ok(Ending::Done);
    }
    let files = match found.judgement.unreadable {
        1 => "1 file does not read and is".to_owned(),
        n => format!("{n} files do not read and are"),
    };
    Ok(Ending::SomeFailed(format!(
        "{files} in no figure; with --unreadable skip that is no failure"
    )))
}

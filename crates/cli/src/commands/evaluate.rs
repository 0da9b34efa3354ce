//! `osteon evaluate`.

use osteon_data::Split;

use super::{open_data, open_model};
use crate::args::{EvaluateArgs, UnreadablePolicy};
use crate::exit::Ending;
use crate::judge::{Request, judge, to_text};
use crate::output;

pub fn run(args: &EvaluateArgs) -> anyhow::Result<Ending> {
    let split: Split = args.split.parse()?;
    let (predictor, chosen) = open_model(&args.model)?;
    let judged = judge(&Request {
        predictor: &predictor,
        model: chosen.file(),
        catalog: &open_data(&args.data, split)?,
        split,
        repair: args.unreadable == UnreadablePolicy::Repair,
        explain: true,
    })?;
    if let Some(folder) = &args.report {
        judged.write(folder, &predictor)?;
        eprintln!("report: {}", folder.join("index.html").display());
    }
    if args.json {
        output::json(&judged.judgement)?;
    } else {
        output::line(&to_text(&judged.judgement))?;
    }
    if judged.is_whole() || args.unreadable != UnreadablePolicy::Error {
        return Ok(Ending::Done);
    }
    let files = match judged.judgement.unreadable {
        1 => "1 file does not read and is".to_owned(),
        n => format!("{n} files do not read and are"),
    };
    Ok(Ending::SomeFailed(format!(
        "{files} in no figure; with --unreadable skip that is no failure"
    )))
}

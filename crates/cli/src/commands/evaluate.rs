//! `osteon evaluate`.

use osteon_data::{Catalog, Split};

use super::judgement::judge;
use super::open_model;
use crate::args::{EvaluateArgs, UnreadablePolicy};
use crate::exit::Ending;
use crate::output;

pub fn run(args: &EvaluateArgs) -> anyhow::Result<Ending> {
    let split: Split = args.split.parse()?;
    let predictor = open_model(&args.model)?;
    let catalog = Catalog::open_as(&args.data, args.layout)?;
    let repair = args.unreadable == UnreadablePolicy::Repair;
    let judgement = judge(&predictor, &catalog, split, repair)?;
    if args.json {
        output::json(&judgement)?;
    } else {
        output::line(&judgement.to_text())?;
    }
    Ok(
        if judgement.is_whole() || args.unreadable != UnreadablePolicy::Error {
            Ending::Done
        } else {
            Ending::SomeFailed
        },
    )
}

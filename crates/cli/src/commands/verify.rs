//! `osteon audit-log verify`.

use osteon_serve::verify_audit;
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::exit::Ending;
use crate::output;

/// What `audit-log verify --json` prints.
#[derive(Serialize)]
struct Verified<'a> {
    decisions: u64,
    head: &'a str,
}

pub fn run(args: &VerifyArgs) -> anyhow::Result<Ending> {
    let chain = verify_audit(&args.file, args.head.as_deref())?;
    let (decisions, head) = (chain.decisions, chain.head.as_str());
    if args.json {
        output::json(&Verified { decisions, head })?;
    } else {
        output::line(&format!(
            "{decisions} decisions, each bound to the one before\nhead  {head}"
        ))?;
    }
    Ok(Ending::Done)
}

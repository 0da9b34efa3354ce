//! `osteon listen`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use osteon_dicom::listen::{Event, Options, listen};

use super::open_model;
use crate::args::ListenArgs;
use crate::exit::Ending;
use crate::stop::Stop;

pub fn run(args: &ListenArgs) -> anyhow::Result<Ending> {
    let options = Options {
        node: args.send.clone(),
        callers: args.allow.clone(),
        max_associations: args.max_associations,
        max_pdu: args.max_pdu,
        max_object: args.max_object << 20,
        timeout: Duration::from_secs(args.timeout),
        max_pause: Duration::from_secs(args.max_pause),
        kind: args.heatmap_kind.kind(),
        ..Options::new(
            args.aet.clone(),
            SocketAddr::new(args.addr, args.port),
            args.spool.clone(),
        )
    };
    let (predictor, _) = open_model(&args.model)?;
    let stop = Stop::on_ctrl_c()?;
    if options.node.is_none() {
        eprintln!(
            "no --send: answers stay in {}",
            args.spool.join("outbox").display()
        );
    }
    listen(&predictor, &options, stop.flag(), &|event| say(&event))?;
    Ok(Ending::Done)
}

/// On stderr, whatever reads it: a log that is gone must not end the node.
fn say(event: &Event) {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let _ = writeln!(std::io::stderr().lock(), "{now} {event}");
}

//! Answers on their way to the node: what does not get there stays in the outbox and is tried again, after longer and longer pauses.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::event::Event;
use super::options::{Node, Options};
use super::spool::{Spool, remove};
use super::store::Sender;
use crate::DicomError;

/// The pause after the first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked whether a pause is over.
const TICK: Duration = Duration::from_millis(250);

/// When an answer is tried again, and how long the next pause is.
struct Pause {
    until: Instant,
    length: Duration,
}

/// Delivers until `new` is closed, which says that no more answers come; then tries what is left once more.
pub(super) fn deliver(
    spool: &Spool,
    node: &Node,
    options: &Options,
    new: &Receiver<()>,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<(), DicomError> {
    let mut pauses: BTreeMap<String, Pause> = BTreeMap::new();
    loop {
        let closed = match new.recv_timeout(TICK) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        let now = Instant::now();
        let due: Vec<String> = spool
            .answers()?
            .into_iter()
            .filter(|instance| closed || pauses.get(instance).is_none_or(|p| p.until <= now))
            .collect();
        let failed = attempt(spool, node, options, &due, tell)?;
        for instance in &due {
            if let Some(error) = failed.get(instance) {
                let length = pauses
                    .get(instance)
                    .map_or(FIRST_PAUSE, |p| (p.length * 2).min(options.max_pause));
                tell(Event::Undelivered {
                    instance: instance.clone(),
                    reason: error.clone(),
                    pause: length,
                });
                let until = Instant::now() + length;
                pauses.insert(instance.clone(), Pause { until, length });
            } else {
                pauses.remove(instance);
            }
        }
        if closed {
            return Ok(());
        }
    }
}

/// Tries to deliver these answers in one association; gives those that did not get there, with the reason.
fn attempt(
    spool: &Spool,
    node: &Node,
    options: &Options,
    due: &[String],
    tell: &(dyn Fn(Event) + Sync),
) -> Result<BTreeMap<String, String>, DicomError> {
    let mut failed = BTreeMap::new();
    if due.is_empty() {
        return Ok(failed);
    }
    let mut sender = match Sender::connect(&options.title, node, options.timeout) {
        Ok(sender) => sender,
        Err(error) => {
            let reason = error.to_string();
            failed.extend(due.iter().map(|i| (i.clone(), reason.clone())));
            return Ok(failed);
        }
    };
    let mut broken: Option<String> = None;
    for instance in due {
        if let Some(reason) = &broken {
            failed.insert(instance.clone(), reason.clone());
            continue;
        }
        match objects(spool, &mut sender, instance) {
            Ok(()) => {
                spool.delivered(instance)?;
                tell(Event::Delivered {
                    instance: instance.clone(),
                });
            }
            Err(error) => {
                let reason = error.to_string();
                // One object that the node will not have does not keep the others from it.
                let goes_on = matches!(
                    error,
                    DicomError::Refused { .. } | DicomError::NotAccepted { .. }
                );
                broken = (!goes_on).then(|| reason.clone());
                failed.insert(instance.clone(), reason);
            }
        }
    }
    if broken.is_none() {
        sender.release();
    }
    Ok(failed)
}

/// The objects of an answer, each gone from the outbox as soon as the node has it.
fn objects(spool: &Spool, sender: &mut Sender, instance: &str) -> Result<(), DicomError> {
    for part in spool.parts(instance)? {
        let file = std::fs::read(&part).map_err(DicomError::io("read", &part))?;
        sender.store(&file)?;
        remove(&part)?;
    }
    Ok(())
}

//! A log of decisions that shows when it was tampered with: each line holds the hash of the line before.
//!
//! One JSON object a line. `hash` is the SHA-256 of the line's text before `,"hash"`, which holds `previous`, the hash of the line before (64
//! zeros in the first). To change, take out, add or move a line, all after it must be written anew; that the end was cut off shows by the hash
//! of the last line, which is to be kept elsewhere now and then.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use osteon_files::hex;
use osteon_model::{Decision, Prediction};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{AuditError, LineProblem};

/// Begins the last member of a line.
const HASH: &str = ",\"hash\":\"";
/// No line is longer.
const LONGEST: u64 = 4096;

/// A decision as it is written; it names nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// From 1.
    number: u64,
    /// When it was decided, in UTC, by RFC 3339.
    time: String,
    /// SHA-256 of the file.
    image_sha256: String,
    /// SHA-256 of the model's weights.
    model_sha256: String,
    score: f64,
    /// At which it was decided; lines of earlier programs do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    decision: Decision,
    /// The input gate was overruled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    judged_anyway: bool,
    previous: String,
}

/// Where a chain of lines ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// How many decisions there are.
    pub decisions: u64,
    /// The last line's hash; 64 zeros if there is none.
    pub head: String,
}

impl Chain {
    fn empty() -> Self {
        Self {
            decisions: 0,
            head: "0".repeat(64),
        }
    }

    /// Goes on by a line (without its end).
    fn follow(&mut self, text: &str) -> Result<(), LineProblem> {
        let (line, hash) = parse(text)?;
        if hash
            != hex(&Sha256::digest(
                &text[..text.len() - HASH.len() - hash.len() - 2],
            ))
        {
            return Err(LineProblem::Changed);
        }
        if line.previous != self.head || line.number != self.decisions + 1 {
            return Err(LineProblem::NotNext);
        }
        self.decisions = line.number;
        hash.clone_into(&mut self.head);
        Ok(())
    }
}

/// What a line says, and its hash as it stands there.
fn parse(text: &str) -> Result<(Line, &str), LineProblem> {
    let (body, rest) = text.rsplit_once(HASH).ok_or(LineProblem::Malformed)?;
    let hash = rest.strip_suffix("\"}").ok_or(LineProblem::Malformed)?;
    let line = serde_json::from_str(&format!("{body}}}")).map_err(|_| LineProblem::Malformed)?;
    Ok((line, hash))
}

/// Checks a whole log. With `head`, one of its lines must have this hash: it was the last one once, so nothing before it was cut off.
///
/// # Errors
/// [`AuditError::Line`] with the first line that is not what was written there, [`AuditError::Head`] if none has that hash.
pub fn verify(path: &Path, head: Option<&str>) -> Result<Chain, AuditError> {
    let io = |source| AuditError::Io {
        path: path.to_owned(),
        source,
    };
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let (mut chain, mut seen) = (Chain::empty(), head.is_none());
    let mut text = String::new();
    for number in 1.. {
        text.clear();
        let read = (&mut reader).take(LONGEST).read_line(&mut text);
        let problem = match read {
            Ok(0) => break,
            Ok(_) => match text.strip_suffix('\n') {
                Some(text) => chain.follow(text).err(),
                None => Some(LineProblem::Incomplete),
            },
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Some(LineProblem::Malformed)
            }
            Err(error) => return Err(io(error)),
        };
        if let Some(problem) = problem {
            return Err(AuditError::Line {
                path: path.to_owned(),
                line: number,
                problem,
            });
        }
        seen |= head.is_some_and(|head| head.eq_ignore_ascii_case(&chain.head));
    }
    if seen {
        Ok(chain)
    } else {
        Err(AuditError::Head {
            path: path.to_owned(),
            head: head.unwrap_or_default().to_owned(),
        })
    }
}

/// A log that is being written, by this process alone.
pub(crate) struct AuditLog {
    path: PathBuf,
    end: Mutex<(File, Chain)>,
}

impl AuditLog {
    /// Opens a log to go on with, or begins one. Looks at its last line only: `osteon audit-log verify` looks at all.
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        let io = |source| AuditError::Io {
            path: path.to_owned(),
            source,
        };
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path);
        let mut file = file.map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(AuditError::Busy {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let length = file.metadata().map_err(io)?.len();
        let mut chain = Chain::empty();
        if length > 0 {
            let from = length.saturating_sub(LONGEST);
            file.seek(SeekFrom::Start(from)).map_err(io)?;
            let mut tail = Vec::new();
            Read::by_ref(&mut file)
                .take(LONGEST)
                .read_to_end(&mut tail)
                .map_err(io)?;
            chain = last(&tail).map_err(|problem| AuditError::End {
                path: path.to_owned(),
                problem,
            })?;
        }
        Ok(Self {
            path: path.to_owned(),
            end: Mutex::new((file, chain)),
        })
    }

    /// Writes a decision; on an error it was not written, and its answer must not go out.
    pub fn write(
        &self,
        image_sha256: &str,
        model_sha256: &str,
        said: &Prediction,
        threshold: f64,
    ) -> Result<(), AuditError> {
        let io = |source| AuditError::Io {
            path: self.path.clone(),
            source,
        };
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, chain) = &mut *end;
        let line = Line {
            number: chain.decisions + 1,
            time: Timestamp::now().to_string(),
            image_sha256: image_sha256.to_owned(),
            model_sha256: model_sha256.to_owned(),
            score: said.score,
            threshold: Some(threshold),
            decision: said.decision,
            judged_anyway: said.judged_anyway,
            previous: chain.head.clone(),
        };
        let mut text = serde_json::to_string(&line).map_err(|error| io(error.into()))?;
        // The closing brace.
        text.pop();
        let hash = hex(&Sha256::digest(&text));
        let text = format!("{text}{HASH}{hash}\"}}\n");
        file.write_all(text.as_bytes()).map_err(io)?;
        *chain = Chain {
            decisions: line.number,
            head: hash,
        };
        Ok(())
    }

    /// Where it ends by now.
    pub fn chain(&self) -> Chain {
        self.end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .clone()
    }
}

/// Where a log with this end ends.
fn last(tail: &[u8]) -> Result<Chain, LineProblem> {
    let text = tail.strip_suffix(b"\n").ok_or(LineProblem::Incomplete)?;
    let text = text
        .rsplit(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let text = std::str::from_utf8(text).map_err(|_| LineProblem::Malformed)?;
    let (line, _) = parse(text)?;
    let mut chain = Chain {
        decisions: line.number.checked_sub(1).ok_or(LineProblem::Malformed)?,
        head: line.previous,
    };
    chain.follow(text)?;
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use osteon_model::Flags;

    use super::*;

    fn said(score: f64) -> Prediction {
        Prediction {
            score,
            decision: Decision::Doubt,
            xray_score: None,
            flags: Flags::default(),
            judged_anyway: false,
        }
    }

    /// A log of five decisions, written by two processes one after the other.
    fn written() -> (tempfile::TempDir, PathBuf, Vec<String>) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("audit.jsonl");
        for scores in [&[0.1, 0.2, 0.3][..], &[0.4, 1.0 / 3.0]] {
            let log = AuditLog::open(&path).expect("opens");
            assert!(matches!(
                AuditLog::open(&path),
                Err(AuditError::Busy { .. })
            ));
            for &score in scores {
                log.write(&"a".repeat(64), &"b".repeat(64), &said(score), 0.5)
                    .expect("writes");
            }
        }
        let text = std::fs::read_to_string(&path).expect("reads");
        let lines = text.lines().map(str::to_owned).collect();
        (dir, path, lines)
    }

    /// The first bad line, and what is wrong with it.
    fn found(path: &Path, lines: &[String]) -> Option<(u64, LineProblem)> {
        let text = lines.join("\n") + "\n";
        std::fs::write(path, text).expect("writes");
        match verify(path, None) {
            Ok(chain) => {
                assert_eq!(chain.decisions, lines.len() as u64);
                None
            }
            Err(AuditError::Line { line, problem, .. }) => Some((line, problem)),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_log_that_was_touched_is_found_out_with_its_line() {
        let (_dir, path, lines) = written();
        assert_eq!(found(&path, &lines), None);
        // Each character of a line counts.
        let mut changed = lines.clone();
        changed[2] = changed[2].replace("\"score\":0.3", "\"score\":0.8");
        assert_eq!(found(&path, &changed), Some((3, LineProblem::Changed)));
        // Even with a hash that is right in itself, the next line tells.
        let (body, _) = changed[2].rsplit_once(HASH).expect("a hash");
        changed[2] = format!("{body}{HASH}{}\"}}", hex(&Sha256::digest(body)));
        assert_eq!(found(&path, &changed), Some((4, LineProblem::NotNext)));
        let mut without = lines.clone();
        without.remove(1);
        assert_eq!(found(&path, &without), Some((2, LineProblem::NotNext)));
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        assert_eq!(found(&path, &swapped), Some((2, LineProblem::NotNext)));
        let mut twice = lines.clone();
        twice.insert(4, lines[3].clone());
        assert_eq!(found(&path, &twice), Some((5, LineProblem::NotNext)));
        let mut added = lines.clone();
        added.insert(0, "{}".to_owned());
        assert_eq!(found(&path, &added), Some((1, LineProblem::Malformed)));
    }

    #[test]
    fn an_end_cut_off_shows_by_a_hash_kept_elsewhere() {
        let (_dir, path, lines) = written();
        let head = verify(&path, None).expect("whole").head;
        assert_eq!(verify(&path, Some(&head)).expect("whole").decisions, 5);
        assert_eq!(found(&path, &lines[..4]), None);
        assert!(matches!(
            verify(&path, Some(&head)),
            Err(AuditError::Head { .. })
        ));
        // Half a line is never gone on with.
        std::fs::write(&path, format!("{}\n{}", lines[0], &lines[1][..80])).expect("writes");
        let cut = verify(&path, None).expect_err("half a line");
        assert!(matches!(
            cut,
            AuditError::Line {
                line: 2,
                problem: LineProblem::Incomplete,
                ..
            }
        ));
        assert!(matches!(AuditLog::open(&path), Err(AuditError::End { .. })));
    }
}

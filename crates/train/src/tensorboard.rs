//! Scalars for TensorBoard: its event file, by prost's encoder and crc32c.
//!
//! An event file is a sequence of TFRecords: length (u64 LE), masked CRC of the length, the protobuf, masked CRC of the protobuf.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use osteon_files::FileError;
use prost::Message;

use crate::TrainError;

/// `tensorflow.Event`, the fields that are used.
#[derive(Clone, PartialEq, Message)]
struct EventProto {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<SummaryProto>,
    #[prost(message, optional, tag = "7")]
    session_log: Option<SessionLogProto>,
}

/// `tensorflow.SessionLog`.
#[derive(Clone, PartialEq, Message)]
struct SessionLogProto {
    /// 1: a process starts.
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct SummaryProto {
    #[prost(message, repeated, tag = "1")]
    value: Vec<ValueProto>,
}

/// `tensorflow.Summary.Value`, a scalar.
#[derive(Clone, PartialEq, Message)]
struct ValueProto {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, tag = "2")]
    simple_value: f32,
}

/// An event file being written. A resumed run writes another beside it, as TensorBoard expects.
pub(crate) struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    pub fn create(dir: &Path) -> Result<Self, TrainError> {
        let now = seconds();
        let path = dir.join(format!(
            "events.out.tfevents.{:010}.osteon.{}",
            now as u64,
            std::process::id()
        ));
        let file = File::create(&path).map_err(|source| io(&path, source))?;
        let mut events = Self { path, file };
        let version = EventProto {
            wall_time: now,
            file_version: Some("brain.Event:2".to_owned()),
            ..Default::default()
        };
        events.write(&version)?;
        Ok(events)
    }

    /// Says that the run goes on after a step: what an earlier file holds of later steps is then not shown twice.
    pub fn go_on_after(&mut self, step: u64) -> Result<(), TrainError> {
        self.write(&EventProto {
            wall_time: seconds(),
            step: step as i64 + 1,
            session_log: Some(SessionLogProto { status: 1 }),
            ..Default::default()
        })
    }

    /// Adds scalars at a step and hands them to the system, so that a running TensorBoard sees them. Those undefined are left out.
    pub fn scalars(&mut self, step: u64, values: &[(&str, Option<f64>)]) -> Result<(), TrainError> {
        let value = values
            .iter()
            .filter_map(|(tag, value)| {
                Some(ValueProto {
                    tag: (*tag).to_owned(),
                    simple_value: (*value)? as f32,
                })
            })
            .collect();
        self.write(&EventProto {
            wall_time: seconds(),
            step: step as i64,
            summary: Some(SummaryProto { value }),
            ..Default::default()
        })
    }

    fn write(&mut self, event: &EventProto) -> Result<(), TrainError> {
        let payload = event.encode_to_vec();
        let length = (payload.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(payload.len() + 16);
        record.extend(length);
        record.extend(masked(&length).to_le_bytes());
        record.extend(&payload);
        record.extend(masked(&payload).to_le_bytes());
        // One write a record: a kill leaves whole records and at most one half, which readers pass over.
        self.file
            .write_all(&record)
            .map_err(|source| io(&self.path, source))
    }
}

fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

fn seconds() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |d| d.as_secs_f64())
}

fn io(path: &Path, source: std::io::Error) -> TrainError {
    FileError::new("write", path, source).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_framed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut events = EventFile::create(dir.path()).expect("creates");
        events
            .scalars(3, &[("loss/val", Some(0.5)), ("roc_auc/val", None)])
            .expect("writes");
        let bytes = std::fs::read(&events.path).expect("reads");
        let mut rest = bytes.as_slice();
        let mut records = Vec::new();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().expect("8")) as usize;
            assert_eq!(
                u32::from_le_bytes(rest[8..12].try_into().expect("4")),
                masked(&rest[..8])
            );
            let payload = &rest[12..12 + length];
            let crc = u32::from_le_bytes(rest[12 + length..16 + length].try_into().expect("4"));
            assert_eq!(crc, masked(payload));
            records.push(EventProto::decode(payload).expect("decodes"));
            rest = &rest[16 + length..];
        }
        assert_eq!(records[0].file_version.as_deref(), Some("brain.Event:2"));
        let summary = records[1].summary.as_ref().expect("summary");
        assert_eq!((records[1].step, summary.value.len()), (3, 1));
        assert_eq!(summary.value[0].tag, "loss/val");
    }
}

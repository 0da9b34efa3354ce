//! Any bytes under an image's name: a result or an error line each, exit code 1, and the memory that was allowed.
//!
//! `OSTEON_HOSTILE` sets how many files are made up.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{assert_code, osteon, stderr, stdout};

#[path = "../../../../fuzz/bodies/spoil.rs"]
mod spoil;

use spoil::{Draw, spoiled};

/// Whole images of every coding, small ones and large ones that are small files.
fn films() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut films = Vec::new();
    for folder in [
        "crates/data/tests/oracles/large",
        "crates/data/tests/oracles/formats",
        "fuzz/seeds/image",
        "fuzz/seeds/dicom",
    ] {
        for file in std::fs::read_dir(root.join(folder)).expect("is there") {
            let path = file.expect("a file").path();
            let bytes = std::fs::read(&path).expect("reads");
            films.push((path, bytes));
        }
    }
    films.sort();
    films
}

fn png(width: u32, height: u32, depth: u8, color: u8, data: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8], body: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(body);
        let length = (body.len() as u32).to_be_bytes();
        [&length, kind, body, &crc.sum().to_be_bytes()].concat()
    };
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let head = [&size, [depth, color, 0, 0, 0].as_slice()].concat();
    let magic = b"\x89PNG\r\n\x1a\n".to_vec();
    [
        magic,
        chunk(b"IHDR", &head),
        chunk(b"IDAT", data),
        chunk(b"IEND", b""),
    ]
    .concat()
}

/// So many zeros, packed by zlib or as a bare stream.
fn zeros(count: usize, zlib: bool) -> Vec<u8> {
    let level = flate2::Compression::new(6);
    let block = vec![0; 1 << 16];
    let fill = |out: &mut dyn Write| {
        for start in (0..count).step_by(block.len()) {
            out.write_all(&block[..block.len().min(count - start)])
                .expect("packs");
        }
    };
    if zlib {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), level);
        fill(&mut out);
        return out.finish().expect("packs");
    }
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), level);
    fill(&mut out);
    out.finish().expect("packs")
}

/// Files that ask for much, by name.
fn bombs(films: &[(PathBuf, Vec<u8>)]) -> Vec<(&'static str, Vec<u8>)> {
    let seed = |name: &str| {
        let film = films.iter().find(|(path, _)| path.ends_with(name));
        film.expect("a seed").1.clone()
    };
    let put = |mut film: Vec<u8>, marker: &[u8], skip: usize, bytes: &[u8]| {
        let at = film
            .windows(marker.len())
            .position(|w| w == marker)
            .expect("a marker")
            + skip;
        film[at..at + bytes.len()].copy_from_slice(bytes);
        film
    };
    let mut deflated = seed("dicom/deflated.dcm");
    // The file meta group's length says where the packed data set begins.
    let meta = u32::from_le_bytes(deflated[140..144].try_into().expect("4 bytes")) as usize;
    deflated.truncate(144 + meta);
    deflated.extend(zeros(1 << 30, false));
    let mut nested = seed("dicom/plain.dcm");
    let meta = u32::from_le_bytes(nested[140..144].try_into().expect("4 bytes")) as usize;
    nested.truncate(144 + meta);
    let mut texts = nested.clone();
    for _ in 0..200_000 {
        nested.extend([0x08, 0, 0x15, 0x11]);
        nested.extend(b"SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff");
    }
    // A text of each backslash.
    texts.extend(b"\x08\0\x14\x01UC\0\0");
    texts.extend((60_u32 << 20).to_le_bytes());
    texts.resize(texts.len() + (60 << 20), b'\\');
    let jpeg = seed("image/gray.jpg");
    let huge = [0xff, 0xff, 0xff, 0xff];
    vec![
        // Gray, one bit, all of the pixels that are allowed; 16 bits of four channels, which is too much.
        (
            "gray.png",
            png(10_000, 10_000, 1, 0, &zeros(1251 * 10_000, true)),
        ),
        (
            "deep.png",
            png(10_000, 10_000, 16, 6, &zeros(80_001 * 10_000, true)),
        ),
        ("line.png", png(1, 100_000_000, 8, 0, &zeros(1 << 20, true))),
        ("claims.png", png(0x7fff_ffff, 0x7fff_ffff, 16, 6, b"")),
        ("claims.jpg", put(jpeg, &[0xff, 0xc0], 5, &huge)),
        (
            "progressive.jpg",
            put(
                seed("image/progressive.jpg"),
                &[0xff, 0xc2],
                5,
                &[0x27, 0x10, 0x27, 0x10],
            ),
        ),
        // 65,535 rows and columns; as many frames as fit a text.
        (
            "claims.dcm",
            put(seed("dicom/plain.dcm"), b"\x28\0\x10\0US", 8, &[0xff, 0xff]),
        ),
        (
            "frames.dcm",
            put(seed("dicom/frames.dcm"), b"\x28\0\x08\0IS", 8, b"9 "),
        ),
        (
            "tiles.dcm",
            put(
                seed("dicom/jpeg2000.dcm"),
                &[0xff, 0x4f, 0xff, 0x51],
                24,
                &[0, 0, 0, 1, 0, 0, 0, 1],
            ),
        ),
        (
            "size.dcm",
            put(
                seed("dicom/jpeg2000.dcm"),
                &[0xff, 0x4f, 0xff, 0x51],
                8,
                &huge,
            ),
        ),
        ("deflated.dcm", deflated),
        ("nested.dcm", nested),
        ("texts.dcm", texts),
        // A chunk of 4 gigabytes that is not there.
        (
            "chunk.webp",
            put(
                seed("formats/exif6.webp"),
                b"EXIF",
                4,
                &[0xfe, 0xff, 0xff, 0x7f],
            ),
        ),
    ]
}

/// Judges files in one process; its answers, one a file in order, and the most memory that it had, in MiB.
///
/// The last file is a pipe: while the program waits for it, the system tells what it has used so far.
#[expect(clippy::print_stdout, reason = "what the long run found")]
fn judge(dir: &Path, files: &[PathBuf], memory: &str) -> (Vec<Value>, u64) {
    let pipe = dir.join("last");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("coreutils").success());
    let log = dir.join("stderr");
    let mut child = Command::new(env!("CARGO_BIN_EXE_osteon"))
        .args(["predict", "--json", "--max-memory", memory])
        .args(files)
        .arg(&pipe)
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).expect("a file"))
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut failed = 0;
    let mut answers = Vec::new();
    for file in files {
        let Some(Ok(line)) = lines.next() else {
            let said = std::fs::read_to_string(&log).expect("a log");
            let end = child.wait();
            panic!("{} ended it ({end:?}): {said}", file.display());
        };
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(answer["path"], file.to_str().expect("a name"));
        match answer["error"].as_str() {
            Some(error) => {
                assert!(!error.is_empty(), "{answer}");
                failed += 1;
            }
            None => assert!(answer["score"].is_f64(), "{answer}"),
        }
        answers.push(answer);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("a status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    drop(std::fs::OpenOptions::new().write(true).open(&pipe));
    let last: Value =
        serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
    assert_eq!(last["error"], "the file is empty");
    assert_eq!(child.wait().expect("ends").code(), Some(1));
    std::fs::remove_file(pipe).expect("removes");
    println!(
        "{failed} of {} files were errors, peak {peak:?} KiB of {memory}",
        files.len()
    );
    (answers, peak.expect("a figure") >> 10)
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("writes");
    path
}

#[test]
#[cfg(target_os = "linux")]
fn bombs_are_errors_within_the_memory_that_is_allowed() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let films = films();
    let bombs = bombs(&films);
    let files: Vec<PathBuf> = bombs
        .iter()
        .map(|(name, bytes)| write(dir.path(), name, bytes))
        .collect();
    for memory in ["1GiB", "512MiB"] {
        let (answers, peak) = judge(dir.path(), &files, memory);
        for ((name, _), answer) in bombs.iter().zip(&answers) {
            println!("{name:<16} {}", answer["error"].as_str().unwrap_or("read"));
        }
        let limit = memory
            .parse::<bytesize::ByteSize>()
            .expect("a size")
            .as_u64()
            >> 20;
        assert!(peak <= limit, "{peak} MiB under a limit of {memory}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn any_bytes_are_a_result_or_an_error_line() {
    let count: usize = std::env::var("OSTEON_HOSTILE")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(120);
    let films: Vec<Vec<u8>> = films().into_iter().map(|(_, bytes)| bytes).collect();
    let mut draw = Draw::new(1);
    let mut highest = 0;
    for batch in 0..count.div_ceil(300) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let files: Vec<PathBuf> = (0..300.min(count - batch * 300))
            .map(|n| {
                let name = format!("{n}.{}", ["jpg", "png", "dcm"][n % 3]);
                write(dir.path(), &name, &spoiled(&mut draw, &films))
            })
            .collect();
        highest = highest.max(judge(dir.path(), &files, "512MiB").1);
    }
    println!("{count} files, at most {highest} MiB");
    assert!(highest <= 512, "{highest} MiB under a limit of 512 MiB");
}

#[test]
fn a_limit_that_the_model_alone_exceeds_is_wrong_usage() {
    let dir = tempfile::tempdir().expect("temporary folder");
    std::fs::write(dir.path().join("film.png"), b"x").expect("writes");
    let refused = osteon(dir.path(), "predict film.png --max-memory 64MiB");
    assert_code(&refused, 2);
    assert!(
        stderr(&refused).contains("--max-memory 64"),
        "{}",
        stderr(&refused)
    );
    assert_code(&osteon(dir.path(), "predict film.png --max-memory much"), 2);
    // A file without an end is read no further than an image may go.
    if Path::new("/dev/zero").exists() {
        let endless = osteon(dir.path(), "predict /dev/zero --max-memory 512MiB");
        assert_code(&endless, 1);
        assert!(
            stdout(&endless).contains("above the limit"),
            "{}",
            stdout(&endless)
        );
    }
}

//! `cargo xtask doctor`: what is present, what is missing, and the command that fixes it.

use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::download::cache::Cache;
use crate::download::installed::{self, Libtorch, Unusable};
use crate::download::pip::{Missing, Pip};
use crate::download::sample;
use crate::download::wheels::{self, Flavour};
use crate::progress::size;
use crate::workspace;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Something is gained by fixing it, but building and training work without.
    Optional,
    /// Building or training does not work without.
    Needed,
}

/// One line of the table.
struct Row {
    state: State,
    name: &'static str,
    text: String,
    fix: Option<String>,
}

impl Row {
    fn good(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            state: State::Good,
            name,
            text: text.into(),
            fix: None,
        }
    }

    fn bad(
        state: State,
        name: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            state,
            name,
            text: text.into(),
            fix: Some(fix.into()),
        }
    }
}

/// Prints the table; fails only if something is missing that building or training needs.
pub fn run() -> ExitCode {
    let root = workspace::root();
    let libtorch = match workspace::users_libtorch(&root) {
        Some(folder) => installed::inspect(&folder),
        None => installed::inspect_own(&workspace::own_libtorch(&root)),
    };
    let gpu = probe(
        "nvidia-smi",
        &[
            "--query-gpu=name,driver_version,memory.total",
            "--format=csv,noheader",
        ],
    );
    let rows = [
        rust(probe("rustc", &["--version"]).as_deref()),
        compiler(&compilers()),
        turbo(
            probe("cmake", &["--version"]).is_some(),
            probe("nasm", &["--version"]).is_some(),
        ),
        python(Pip::find().err(), libtorch.is_ok() || cached()),
        libtorch_row(&libtorch, workspace::users_libtorch(&root).is_some()),
        cuda(
            gpu.as_deref(),
            libtorch.as_ref().is_ok_and(|libtorch| libtorch.cuda),
        ),
        disk("disk: workspace", &root),
        cache_disk(),
        memory(memory_bytes()),
        data(
            &root,
            "data/kaggle",
            root.join("data/kaggle/train").is_dir(),
            "kaggle",
        ),
        data(
            &root,
            "data/fracatlas",
            root.join("data/fracatlas/images").is_dir(),
            "fracatlas",
        ),
        data(&root, "data/sample", sample::is_present(&root), "sample"),
    ];
    print!("{}", table(&rows, std::io::stdout().is_terminal()));
    let broken = rows.iter().any(|row| row.state == State::Needed);
    if broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn table(rows: &[Row], terminal: bool) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for row in rows {
        let mark = match (row.state, terminal) {
            (State::Good, true) => "✓",
            (State::Optional, true) => "!",
            (State::Needed, true) => "✗",
            (State::Good, false) => "ok     ",
            (State::Optional, false) => "could  ",
            (State::Needed, false) => "MISSING",
        };
        // Writing to a String does not fail.
        _ = writeln!(out, "{mark} {:<16} {}", row.name, row.text);
        if let Some(fix) = &row.fix {
            let indent = mark.chars().count() + 18;
            _ = writeln!(out, "{:indent$}fix: {fix}", "");
        }
    }
    out
}

fn rust(found: Option<&str>) -> Row {
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    let Some(found) = found else {
        return Row::bad(
            State::Needed,
            "Rust",
            "rustc does not run",
            "install Rust with rustup",
        );
    };
    let version = found.split_whitespace().nth(1).unwrap_or(found);
    if numbers(version) >= numbers(wanted) {
        Row::good("Rust", format!("{version} (at least {wanted} is needed)"))
    } else {
        Row::bad(
            State::Needed,
            "Rust",
            format!("{version}, but {wanted} is needed"),
            "rustup update stable",
        )
    }
}

/// `1.95.0-nightly` as numbers that compare.
fn numbers(version: &str) -> Vec<u32> {
    let plain = version.split('-').next().unwrap_or_default();
    plain
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

/// Every C++ compiler that answers, in the order in which the build would take them, each with its first line.
fn compilers() -> Vec<(String, String)> {
    let own = std::env::var("CXX").ok().filter(|name| !name.is_empty());
    let usual = if cfg!(windows) {
        ["cl", "clang++", "g++"]
    } else {
        ["c++", "g++", "clang++"]
    };
    let names = own.into_iter().chain(usual.map(str::to_owned));
    // `cl` knows no --version, and prints its own on any call.
    names
        .filter_map(|name| Some((name.clone(), probe(&name, &["--version"])?)))
        .collect()
}

fn compiler(found: &[(String, String)]) -> Row {
    let Some((name, version)) = found.first() else {
        let fix = match std::env::consts::OS {
            "macos" => "xcode-select --install",
            "windows" => "install the C++ build tools of Visual Studio",
            _ => "sudo apt install g++   (or your distribution's package of that name)",
        };
        return Row::bad(
            State::Needed,
            "C++ compiler",
            "none of c++, g++, clang++ runs",
            fix,
        );
    };
    Row::good("C++ compiler", format!("{name}: {version}"))
}

/// What the feature `turbo` needs beyond a compiler.
fn turbo(cmake: bool, nasm: bool) -> Row {
    const NAME: &str = "feature turbo";
    if cmake && (nasm || !cfg!(target_arch = "x86_64")) {
        return Row::good(NAME, "can be built: --features turbo decodes JPEGs faster");
    }
    let fix = match std::env::consts::OS {
        "macos" => "brew install cmake nasm",
        "windows" => "winget install Kitware.CMake NASM.NASM",
        _ => "sudo apt install cmake nasm",
    };
    Row::bad(
        State::Optional,
        NAME,
        "--features turbo decodes JPEGs faster, and needs cmake and nasm",
        fix,
    )
}

fn python(missing: Option<Missing>, done_without: bool) -> Row {
    match missing {
        None => Row::good("python3 + pip", "present (they fetch libtorch)"),
        Some(missing) if done_without => Row::bad(
            State::Optional,
            "python3 + pip",
            format!("{missing}; not needed now, since libtorch is here or in the cache"),
            missing.fix(),
        ),
        Some(missing) => Row::bad(
            State::Needed,
            "python3 + pip",
            format!("{missing}, and it fetches libtorch"),
            missing.fix(),
        ),
    }
}

/// Whether the cache holds what libtorch is unpacked from. Its hashes are left to the unpacking.
fn cached() -> bool {
    let wheels = wheels::needed(Flavour::Cpu, std::env::consts::OS, std::env::consts::ARCH);
    match (Cache::of_user(), wheels) {
        (Ok(cache), Some(wheels)) => wheels.iter().all(|wheel| cache.path(wheel.file).is_file()),
        _ => false,
    }
}

fn libtorch_row(found: &Result<Libtorch, Unusable>, users: bool) -> Row {
    match found {
        Ok(libtorch) => {
            let kind = if libtorch.cuda {
                "CUDA build"
            } else {
                "CPU build"
            };
            Row::good(
                "libtorch",
                format!(
                    "{} ({kind}) in {}",
                    libtorch.version,
                    libtorch.folder.display()
                ),
            )
        }
        Err(reason) if users => {
            let text = format!("LIBTORCH is set, but cannot be used: {reason}");
            Row::bad(
                State::Needed,
                "libtorch",
                text,
                "unset LIBTORCH; cargo xtask download libtorch",
            )
        }
        Err(reason) => {
            let text = match reason {
                Unusable::Absent => "not fetched yet".to_owned(),
                _ => format!("{} cannot be used: {reason}", ".libtorch/torch"),
            };
            Row::bad(
                State::Needed,
                "libtorch",
                text,
                "cargo xtask download libtorch",
            )
        }
    }
}

fn cuda(gpu: Option<&str>, build: bool) -> Row {
    match (gpu, build) {
        (Some(gpu), true) => Row::good("CUDA", gpu),
        (Some(gpu), false) => Row::bad(
            State::Optional,
            "CUDA",
            format!("{gpu}, but libtorch is not the CUDA build: training uses the CPU"),
            "cargo xtask download libtorch --cuda",
        ),
        (None, true) => Row::good(
            "CUDA",
            "libtorch could, but nvidia-smi finds no GPU: training uses the CPU",
        ),
        (None, false) => Row::good("CUDA", "no NVIDIA GPU: training uses the CPU"),
    }
}

fn disk(name: &'static str, folder: &Path) -> Row {
    // A folder that is to be made lies on its nearest existing parent's disk.
    let existing = folder
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(folder);
    match fs4::available_space(existing) {
        Ok(free) => disk_row(name, free, existing),
        Err(_) => Row::good(name, "this system does not say"),
    }
}

fn disk_row(name: &'static str, free: u64, folder: &Path) -> Row {
    let text = format!("{} free at {}", size(free), folder.display());
    let fix =
        "make room: libtorch takes 1.2 GB with its archive, a build about 3 GB, the data sets 2 GB";
    match free {
        0..2_000_000_000 => Row::bad(State::Needed, name, text, fix),
        2_000_000_000..8_000_000_000 => Row::bad(State::Optional, name, text, fix),
        _ => Row::good(name, text),
    }
}

fn cache_disk() -> Row {
    const NAME: &str = "disk: cache";
    match Cache::of_user() {
        Ok(cache) => {
            let row = disk(NAME, cache.folder());
            // The build does not need room here once libtorch is there, so this is never a reason to fail.
            Row {
                state: if row.state == State::Needed {
                    State::Optional
                } else {
                    row.state
                },
                ..row
            }
        }
        Err(error) => Row::bad(
            State::Optional,
            NAME,
            format!("{error:#}"),
            "export XDG_CACHE_HOME=/some/folder",
        ),
    }
}

fn memory(bytes: Option<u64>) -> Row {
    match bytes {
        None => Row::good("memory", "this system does not say"),
        Some(bytes) if bytes < 4_000_000_000 => Row::bad(
            State::Optional,
            "memory",
            format!("{}: little for building and training at once", size(bytes)),
            "cargo build -j 1, and train with a smaller batch",
        ),
        Some(bytes) => Row::good("memory", size(bytes)),
    }
}

fn memory_bytes() -> Option<u64> {
    if cfg!(target_os = "macos") {
        return probe("sysctl", &["-n", "hw.memsize"])?.parse().ok();
    }
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = text
        .lines()
        .next()?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()?;
    Some(kib * 1024)
}

fn data(root: &Path, name: &'static str, present: bool, command: &str) -> Row {
    if present {
        Row::good(name, "present")
    } else {
        let text = if root.join(name).exists() {
            "there, but not whole"
        } else {
            "not there"
        };
        Row::bad(
            State::Optional,
            name,
            text,
            format!("cargo xtask download {command}"),
        )
    }
}

/// The first line that a program prints, if it runs and succeeds within a few seconds (a sick driver can hang `nvidia-smi`).
fn probe(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if start.elapsed() < Duration::from_secs(5) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            _ => {
                // It may have ended this very moment.
                _ = child.kill();
                _ = child.wait();
                return None;
            }
        }
    }
    let output = child.wait_with_output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_versions_compare_as_numbers() {
        assert_eq!(
            rust(Some("rustc 1.100.0 (abc 2027-01-01)")).state,
            State::Good
        );
        assert_eq!(rust(Some("rustc 1.95.0-nightly (abc)")).state, State::Good);
        assert_eq!(
            rust(Some("rustc 1.9.0 (abc 2016-01-01)")).state,
            State::Needed
        );
        assert_eq!(rust(None).state, State::Needed);
    }

    #[test]
    fn a_missing_libtorch_has_its_one_line() {
        let row = libtorch_row(&Err(Unusable::Absent), false);
        assert_eq!(
            (row.state, row.fix.as_deref()),
            (State::Needed, Some("cargo xtask download libtorch"))
        );
        let row = libtorch_row(&Err(Unusable::Version("2.5.1".into())), true);
        assert!(row.text.contains("2.5.1") && row.fix.unwrap().contains("unset LIBTORCH"));
    }

    #[test]
    fn turbo_is_never_needed() {
        assert_eq!(turbo(true, true).state, State::Good);
        assert_eq!(turbo(false, true).state, State::Optional);
    }

    #[test]
    fn pip_matters_only_while_libtorch_is_missing() {
        assert_eq!(python(Some(Missing::Pip), true).state, State::Optional);
        assert_eq!(python(Some(Missing::Pip), false).state, State::Needed);
        assert_eq!(python(None, false).state, State::Good);
    }

    #[test]
    fn no_gpu_is_no_fault_and_an_unused_one_is_mentioned() {
        assert_eq!(cuda(None, false).state, State::Good);
        let row = cuda(Some("NVIDIA H200, 580.1, 143771 MiB"), false);
        assert_eq!(
            (row.state, row.fix.as_deref()),
            (
                State::Optional,
                Some("cargo xtask download libtorch --cuda")
            )
        );
    }

    #[test]
    fn a_full_disk_is_a_fault() {
        assert_eq!(disk_row("d", 1, Path::new("/")).state, State::Needed);
        assert_eq!(
            disk_row("d", 5_000_000_000, Path::new("/")).state,
            State::Optional
        );
        assert_eq!(
            disk_row("d", 50_000_000_000, Path::new("/")).state,
            State::Good
        );
    }

    #[test]
    fn the_table_is_plain_off_a_terminal() {
        let rows = [
            Row::good("a", "fine"),
            Row::bad(State::Needed, "b", "gone", "fix it"),
        ];
        assert_eq!(
            table(&rows, false),
            "ok      a                fine\nMISSING b                gone\n                         fix: fix it\n"
        );
        assert!(table(&rows, true).starts_with("✓ a"));
    }

    #[test]
    fn a_program_that_is_not_there_is_no_panic() {
        assert_eq!(probe("no-such-program-anywhere", &[]), None);
    }
}

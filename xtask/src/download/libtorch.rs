//! `cargo xtask download libtorch`: the libtorch that everything else is built against, in `.libtorch`.
//!
//! Sought in this order: the person's own `LIBTORCH`; a whole `.libtorch`; the archives in the user's cache; PyTorch's own zip;
//! the wheels of the Python package, by pip. PyTorch publishes no hash for its zip, so that one is held against the CRCs inside
//! it and its `build-version` file only, and the hash it had is recorded for later uses; the wheels are pinned by SHA-256.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::archive::{self, Staging};
use super::cache::{Cache, Pin};
use super::http::{Client, Request};
use super::installed::{self, BUILD_VERSION, Libtorch, Unusable, VERSION};
use super::pip::Pip;
use super::wheels::{self, Flavour, Wheel};
use crate::progress::Progress;
use crate::workspace;

/// What `cargo xtask download libtorch` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// The build for NVIDIA GPUs (CUDA 13, about 2.5 GB to fetch) instead of the CPU's
    #[arg(long)]
    cuda: bool,
    /// Unpack again, even if a whole one is there
    #[arg(long)]
    force: bool,
}

/// PyTorch's zips; unreachable in some places, hence the short patience.
const ZIPS: &str = "https://download.pytorch.org/libtorch";
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs the command.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let flavour = if arguments.cuda {
        Flavour::Cuda
    } else {
        Flavour::Cpu
    };
    let libtorch = obtain(root, flavour, arguments.force)?;
    let kind = if libtorch.cuda { "CUDA" } else { "CPU" };
    println!(
        "libtorch {} ({kind}) is in {}",
        libtorch.version,
        libtorch.folder.display()
    );
    Ok(())
}

/// Makes sure that some libtorch of the right version is there; says nothing if it already is.
pub fn ensure(root: &Path) -> Result<()> {
    obtain(root, Flavour::Cpu, false).map(|_| ())
}

/// The libtorch that builds use: the person's own, or this checkout's.
pub fn folder(root: &Path) -> Result<PathBuf> {
    let folder = workspace::users_libtorch(root).unwrap_or_else(|| workspace::own_libtorch(root));
    folder
        .canonicalize()
        .with_context(|| format!("there is no libtorch in {}", folder.display()))
}

/// Names and texts of the licences under which libtorch, and what comes with it, may be passed on.
///
/// They lie beside a libtorch out of wheels; for one that an earlier version unpacked they are sought in the wheels themselves.
pub fn licences(root: &Path) -> Result<Vec<(String, String)>> {
    let own = folder(root)?.join(wheels::LICENCES);
    let staging = tempfile::tempdir().context("could not make a temporary folder")?;
    let found = if own.is_dir() {
        own
    } else {
        let cache = Cache::of_user()?;
        let wheels = wheels::needed(Flavour::Cpu, std::env::consts::OS, std::env::consts::ARCH);
        for wheel in wheels.iter().flatten() {
            let path = cache.verified(wheel.file, Pin::Published(wheel.sha256))?;
            let path = path.with_context(|| {
                format!(
                    "{} has no folder {}, and {} is not in the cache: `cargo xtask download libtorch --force`",
                    folder(root).unwrap_or_default().display(),
                    wheels::LICENCES,
                    wheel.file
                )
            })?;
            archive::unpack(&path, staging.path(), &wheels::place_of_licence)?;
        }
        staging.path().join("torch").join(wheels::LICENCES)
    };
    let mut texts = Vec::new();
    for entry in
        fs::read_dir(&found).with_context(|| format!("could not read {}", found.display()))?
    {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        texts.push((
            name.into_owned(),
            String::from_utf8_lossy(&text).into_owned(),
        ));
    }
    texts.sort();
    Ok(texts)
}

fn obtain(root: &Path, flavour: Flavour, force: bool) -> Result<Libtorch> {
    if let Some(folder) = workspace::users_libtorch(root) {
        return users_own(&folder, flavour);
    }
    let own = workspace::own_libtorch(root);
    if let Some(libtorch) = already_there(&own, flavour, force) {
        return Ok(libtorch);
    }
    let cache = Cache::of_user()?;
    let lock = cache.lock()?;
    // Whoever held the lock may have done the work.
    if let Some(libtorch) = already_there(&own, flavour, force) {
        return Ok(libtorch);
    }
    if let Err(reason) = installed::inspect_own(&own) {
        eprintln!(
            "fetching libtorch {VERSION} into {} ({reason})",
            own.display()
        );
    }
    let place = root.join(".libtorch");
    let zip = zip_name(flavour, std::env::consts::OS, std::env::consts::ARCH);
    let wheels = wheels::needed(flavour, std::env::consts::OS, std::env::consts::ARCH);
    if zip.is_none() && wheels.is_none() {
        bail!(
            "PyTorch publishes no {} libtorch {VERSION} for {} on {}; build one, and set LIBTORCH to its folder",
            if flavour == Flavour::Cuda {
                "CUDA"
            } else {
                "CPU"
            },
            std::env::consts::OS,
            std::env::consts::ARCH
        );
    }
    fetch_and_unpack(&cache, &place, flavour, zip.as_ref(), wheels.as_deref())?;
    drop(lock);
    installed::inspect_own(&own).map_err(|reason| {
        anyhow!(
            "the libtorch that was unpacked to {} is not whole: {reason}",
            own.display()
        )
    })
}

fn users_own(folder: &Path, flavour: Flavour) -> Result<Libtorch> {
    let libtorch = installed::inspect(folder).map_err(|reason| {
        anyhow!(
            "LIBTORCH is set to {}, which cannot be used: {reason}. Point it at a libtorch {VERSION}, or unset it to have one fetched",
            folder.display()
        )
    })?;
    if flavour == Flavour::Cuda && !libtorch.cuda {
        bail!(
            "LIBTORCH is set to {}, which is a CPU build. Unset it to have the CUDA build fetched",
            folder.display()
        );
    }
    eprintln!(
        "LIBTORCH is set: using {}, nothing to fetch",
        folder.display()
    );
    Ok(libtorch)
}

/// The CUDA build also serves a CPU machine, so only the reverse is a reason to fetch.
fn already_there(own: &Path, flavour: Flavour, force: bool) -> Option<Libtorch> {
    let libtorch = installed::inspect_own(own).ok()?;
    (!force && (libtorch.cuda || flavour == Flavour::Cpu)).then_some(libtorch)
}

/// PyTorch's own zip for a system: the folder under [`ZIPS`] and the file's name. Only Linux was tried.
fn zip_name(flavour: Flavour, system: &str, processor: &str) -> Option<(&'static str, String)> {
    let (folder, build) = match flavour {
        Flavour::Cpu => ("cpu", "cpu"),
        Flavour::Cuda => ("cu130", "cu130"),
    };
    let name = match (system, processor) {
        ("linux", "x86_64") => format!("libtorch-shared-with-deps-{VERSION}+{build}.zip"),
        ("windows", "x86_64") => format!("libtorch-win-shared-with-deps-{VERSION}+{build}.zip"),
        ("macos", "aarch64") if flavour == Flavour::Cpu => {
            format!("libtorch-macos-arm64-{VERSION}.zip")
        }
        _ => return None,
    };
    Some((folder, name))
}

fn fetch_and_unpack(
    cache: &Cache,
    place: &Path,
    flavour: Flavour,
    zip: Option<&(&'static str, String)>,
    wheels: Option<&[Wheel]>,
) -> Result<()> {
    // What the cache holds needs no network, whichever way it came.
    if let Some((_, name)) = zip
        && let Some(path) = cache.verified(name, Pin::Recorded)?
    {
        eprintln!("{name} is in the cache");
        return unpack_zip(&path, place);
    }
    let kept = wheels.map(|wheels| kept(cache, wheels)).transpose()?;
    if let Some(kept) = &kept
        && kept.iter().all(Option::is_some)
    {
        eprintln!("the wheels are in the cache");
        return unpack_wheels(flavour, kept.iter().flatten(), place);
    }
    let mut failure = None;
    if let Some((folder, name)) = zip {
        let url = format!("{ZIPS}/{folder}/{}", name.replace('+', "%2B"));
        match fetch_zip(&Client::impatient(PATIENCE), cache, &url, name)
            .and_then(|path| unpack_zip(&path, place))
        {
            Ok(()) => return Ok(()),
            Err(error) => {
                // A network's log-in page, for one, comes as a whole file too; it must not be taken for libtorch next time.
                cache.forget(name)?;
                failure = Some(error);
            }
        }
    }
    let (Some(wheels), Some(kept)) = (wheels, kept) else {
        let error = failure.unwrap_or_else(|| anyhow!("there is no zip for this system"));
        return Err(by_hand(cache, &error));
    };
    if let Some(error) = failure {
        eprintln!("{error:#}; asking pip instead");
    }
    let paths = fetch_wheels(cache, wheels, kept).map_err(|error| by_hand(cache, &error))?;
    unpack_wheels(flavour, paths.iter(), place)
}

fn by_hand(cache: &Cache, error: &anyhow::Error) -> anyhow::Error {
    anyhow!(
        "libtorch {VERSION} could not be fetched: {error:#}. By hand: unpack a libtorch {VERSION} anywhere and set LIBTORCH to its \
         folder (the one with include and lib), or copy {} from a machine where this command worked",
        cache.folder().display()
    )
}

fn fetch_zip(client: &Client, cache: &Cache, url: &str, name: &str) -> Result<PathBuf> {
    let fetched = cache.path(&format!("{name}.fetched"));
    let mut progress = Progress::new(name, None);
    client.fetch(
        &Request {
            url,
            to: &fetched,
            size: None,
        },
        &mut progress,
    )?;
    drop(progress);
    cache.keep_recorded(&fetched, name)
}

/// The wheels that the cache already holds, in the same order.
fn kept(cache: &Cache, wheels: &[Wheel]) -> Result<Vec<Option<PathBuf>>> {
    wheels
        .iter()
        .map(|wheel| cache.verified(wheel.file, Pin::Published(wheel.sha256)))
        .collect()
}

fn fetch_wheels(
    cache: &Cache,
    wheels: &[Wheel],
    kept: Vec<Option<PathBuf>>,
) -> Result<Vec<PathBuf>> {
    let pip = Pip::find()
        .map_err(|missing| anyhow!("{missing}, and it fetches libtorch: {}", missing.fix()))?;
    let fetch = |(wheel, kept): (&Wheel, Option<PathBuf>)| {
        if let Some(path) = kept {
            return Ok(path);
        }
        // Inside the cache, so that keeping is a rename. The lock is held: what a killed run left is no one's.
        let staging = Staging::inside(cache.folder())?;
        let fetched = pip.download(wheel, staging.path())?;
        cache.keep_pinned(&fetched, wheel.file, wheel.sha256)
    };
    wheels.iter().zip(kept).map(fetch).collect()
}

fn unpack_wheels<'a>(
    flavour: Flavour,
    wheels: impl Iterator<Item = &'a PathBuf>,
    place: &Path,
) -> Result<()> {
    let staging = Staging::inside(place)?;
    for wheel in wheels {
        archive::unpack(wheel, staging.path(), &|entry| {
            wheels::place(flavour, entry)
        })?;
    }
    let version = staging.path().join("torch").join(BUILD_VERSION);
    fs::write(&version, format!("{VERSION}\n"))
        .with_context(|| format!("could not write {}", version.display()))?;
    // torch last: while it is absent, nothing takes the folder for a whole one. macOS wheels bring no nvidia folder.
    if staging.path().join("nvidia").exists() {
        staging.finish("nvidia")?;
    }
    staging.finish("torch").map(|_| ())
}

fn unpack_zip(zip: &Path, place: &Path) -> Result<()> {
    let staging = Staging::inside(place)?;
    archive::unpack(zip, staging.path(), &place_of_zip)?;
    match installed::inspect(&staging.path().join("torch")) {
        Ok(_) => staging.finish("torch").map(|_| ()),
        Err(Unusable::Absent) => bail!("{} holds no libtorch folder", zip.display()),
        Err(reason) => bail!(
            "{} is not the libtorch that was expected: {reason}",
            zip.display()
        ),
    }
}

/// PyTorch's zip holds all under `libtorch/`; CMake files and test programs are not needed.
fn place_of_zip(entry: &Path) -> Option<PathBuf> {
    let inside = entry.strip_prefix("libtorch").ok()?;
    let needed = inside.starts_with("include")
        || inside.starts_with("lib")
        || inside == Path::new(BUILD_VERSION);
    needed.then(|| Path::new("torch").join(inside))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;
    use crate::download::installed::tests::fake;
    use crate::download::loopback::{Answer, Server};

    fn zip_of(folder: &Path, version: &str) -> Vec<u8> {
        let path = folder.join("made.zip");
        let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
        let source = folder.join("source");
        fake(&source, version);
        for name in [
            "include/torch/csrc/api/include/torch/torch.h",
            "lib/libtorch_cpu.so",
            "lib/libtorch_cpu.dylib",
            "lib/torch_cpu.lib",
            "build-version",
            "share/cmake/x.cmake",
        ] {
            writer
                .start_file(
                    format!("libtorch/{name}"),
                    zip::write::SimpleFileOptions::default(),
                )
                .unwrap();
            writer
                .write_all(&fs::read(source.join(name)).unwrap_or_default())
                .unwrap();
        }
        writer.finish().unwrap();
        fs::read(path).unwrap()
    }

    #[test]
    fn pytorchs_zip_is_fetched_kept_and_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache"));
        let _lock = cache.lock().unwrap();
        let bytes = zip_of(folder.path(), "2.11.0+cpu");
        let server = Server::new(bytes, vec![Answer::Drop(50), Answer::File]);
        let path = fetch_zip(&Client::for_loopback(), &cache, &server.url, "lib.zip").unwrap();
        let place = folder.path().join(".libtorch");
        unpack_zip(&path, &place).unwrap();
        assert_eq!(
            installed::inspect_own(&place.join("torch"))
                .unwrap()
                .version,
            "2.11.0+cpu"
        );
        assert!(!place.join("torch/share").exists());

        // A second checkout, without any server.
        let second = folder.path().join("second/.libtorch");
        let zip = ("cpu", "lib.zip".to_owned());
        fetch_and_unpack(&cache, &second, Flavour::Cpu, Some(&zip), None).unwrap();
        assert!(already_there(&second.join("torch"), Flavour::Cpu, false).is_some());
        assert!(already_there(&second.join("torch"), Flavour::Cuda, false).is_none());
        assert!(already_there(&second.join("torch"), Flavour::Cpu, true).is_none());
    }

    #[test]
    fn a_zip_of_another_version_leaves_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join(".libtorch");
        fake(&place.join("torch"), "2.11.0+cpu");
        zip_of(folder.path(), "2.7.0+cpu");
        let message = format!(
            "{:#}",
            unpack_zip(&folder.path().join("made.zip"), &place).unwrap_err()
        );
        assert!(message.contains("2.7.0"), "{message}");
        installed::inspect_own(&place.join("torch")).unwrap();
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
    }

    #[test]
    fn wheels_become_the_layout_that_their_run_paths_seek() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.whl");
        let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
        for name in [
            "torch/include/torch/csrc/api/include/torch/torch.h",
            "torch/lib/libtorch_cpu.so",
            "torch/lib/libtorch_cpu.dylib",
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libtorch_python.so",
            "nvidia/cu13/lib/libcudart.so.13",
            "nvidia/cu13/lib/libcupti.so.13",
        ] {
            writer
                .start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
        }
        writer.finish().unwrap();
        let place = folder.path().join(".libtorch");
        unpack_wheels(Flavour::Cpu, [&path].into_iter(), &place).unwrap();
        if cfg!(not(windows)) {
            let libtorch = installed::inspect_own(&place.join("torch")).unwrap();
            assert_eq!(
                (libtorch.version.as_str(), libtorch.cuda),
                ("2.11.0", false)
            );
        }
        assert!(place.join("nvidia/cu13/lib/libcudart.so.13").exists());
        assert!(!place.join("torch/lib/libtorch_python.so").exists());
    }

    #[test]
    fn an_own_libtorch_is_used_or_its_fault_named() {
        let folder = tempfile::tempdir().unwrap();
        fake(folder.path(), "2.11.0");
        users_own(folder.path(), Flavour::Cpu).unwrap();
        let message = format!("{:#}", users_own(folder.path(), Flavour::Cuda).unwrap_err());
        assert!(message.contains("CPU build"), "{message}");
        fake(folder.path(), "2.5.1");
        let message = format!("{:#}", users_own(folder.path(), Flavour::Cpu).unwrap_err());
        assert!(
            message.contains("2.5.1") && message.contains("unset it"),
            "{message}"
        );
    }

    #[test]
    fn the_zips_names() {
        let name = |flavour, system, processor| {
            zip_name(flavour, system, processor).map(|(folder, name)| format!("{folder}/{name}"))
        };
        assert_eq!(
            name(Flavour::Cuda, "linux", "x86_64").unwrap(),
            "cu130/libtorch-shared-with-deps-2.11.0+cu130.zip"
        );
        assert_eq!(
            name(Flavour::Cpu, "windows", "x86_64").unwrap(),
            "cpu/libtorch-win-shared-with-deps-2.11.0+cpu.zip"
        );
        assert!(name(Flavour::Cpu, "linux", "aarch64").is_none());
    }
}

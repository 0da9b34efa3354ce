//! Which libraries travel with the program, and what the system must bring.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use goblin::elf::Elf;

/// What every Linux with a C++ run time has. All else travels with the program.
pub const SYSTEM: &[&str] = &[
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
];

/// What a program or library says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Binary {
    /// Names of the libraries it is linked to.
    pub needs: Vec<String>,
    /// Folders in which it looks for them.
    pub run_paths: Vec<String>,
    /// Versions of symbols, such as `GLIBC_2.34`.
    pub versions: BTreeSet<String>,
}

/// Reads an ELF file; none where it is another kind of file.
pub fn read(path: &Path) -> Result<Option<Binary>> {
    let bytes = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let elf =
        Elf::parse(&bytes).with_context(|| format!("{} is no whole ELF file", path.display()))?;
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let paths = elf.runpaths.iter().chain(&elf.rpaths);
    let mut versions = BTreeSet::new();
    if let Some(section) = &elf.verneed {
        for version in section
            .iter()
            .flat_map(|file| file.iter().collect::<Vec<_>>())
        {
            let name = elf.dynstrtab.get_at(version.vna_name);
            versions.extend(name.map(str::to_owned));
        }
    }
    Ok(Some(Binary {
        needs: owned(&elf.libraries),
        run_paths: paths
            .flat_map(|list| list.split(':'))
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect(),
        versions,
    }))
}

/// Copies what the program needs, and what that needs, out of the source folders, each into its own folder of `to`; their paths in it.
pub fn gather(program: &Path, sources: &[(PathBuf, &str)], to: &Path) -> Result<Vec<PathBuf>> {
    let mut copied = BTreeMap::new();
    let mut waiting = needs(program)?;
    while let Some(name) = waiting.pop() {
        if SYSTEM.contains(&name.as_str()) || copied.contains_key(&name) {
            continue;
        }
        let found = sources
            .iter()
            .find(|(folder, _)| folder.join(&name).is_file());
        let Some((folder, place)) = found else {
            bail!(
                "{name} is needed, is no part of every system, and lies beside no library of ours"
            );
        };
        let relative = Path::new(place).join(&name);
        let target = to.join(&relative);
        let copying = || format!("could not write {}", target.display());
        fs::create_dir_all(to.join(place)).with_context(copying)?;
        fs::copy(folder.join(&name), &target).with_context(copying)?;
        waiting.extend(needs(&target)?);
        copied.insert(name, relative);
    }
    Ok(copied.into_values().collect())
}

fn needs(path: &Path) -> Result<Vec<String>> {
    let binary = read(path)?;
    let binary = binary.with_context(|| format!("{} is no ELF file", path.display()))?;
    Ok(binary.needs)
}

/// Makes sure that no file of a bundle looks for a library outside it, but for the system's; the newest symbols that it asks the
/// system for.
pub fn closed(bundle: &Path) -> Result<BTreeMap<String, String>> {
    let mut binaries = Vec::new();
    for entry in walkdir::WalkDir::new(bundle).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file()
            && let Some(binary) = read(entry.path())?
        {
            binaries.push((entry.into_path(), binary));
        }
    }
    ensure!(
        !binaries.is_empty(),
        "{} holds no program",
        bundle.display()
    );
    let brought: BTreeSet<_> = binaries
        .iter()
        .filter_map(|(path, _)| path.file_name()?.to_str().map(str::to_owned))
        .collect();
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for (path, binary) in &binaries {
        for run_path in &binary.run_paths {
            ensure!(
                inside(bundle, path, run_path),
                "{} looks for libraries in {run_path}, which is outside the bundle",
                path.display()
            );
        }
        for name in &binary.needs {
            ensure!(
                SYSTEM.contains(&name.as_str()) || brought.contains(name),
                "{} needs {name}, which is not in the bundle",
                path.display()
            );
        }
        for version in &binary.versions {
            let Some((kind, number)) = version.split_once('_') else {
                continue;
            };
            if !["GLIBC", "GLIBCXX"].contains(&kind) || numbers(number).is_empty() {
                continue;
            }
            let known = newest.entry(kind.to_owned()).or_default();
            if numbers(number) > numbers(known) {
                number.clone_into(known);
            }
        }
    }
    Ok(newest)
}

/// Whether a run path, seen from the file that has it, stays in the bundle. The folder need not exist.
fn inside(bundle: &Path, file: &Path, run_path: &str) -> bool {
    let Some(rest) = run_path.strip_prefix("$ORIGIN") else {
        return false;
    };
    let Some(from) = file
        .parent()
        .and_then(|folder| folder.strip_prefix(bundle).ok())
    else {
        return false;
    };
    let mut depth = from.components().count();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => depth += 1,
        }
    }
    true
}

fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This very program: linked by this machine's own linker.
    fn own() -> PathBuf {
        std::env::current_exe().unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_elf_file_says_what_it_needs() {
        let binary = read(&own()).unwrap().unwrap();
        assert!(binary.needs.iter().any(|name| name == "libc.so.6"));
        assert!(
            binary
                .versions
                .iter()
                .any(|name| name.starts_with("GLIBC_2."))
        );
    }

    #[test]
    fn other_files_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "text").unwrap();
        assert_eq!(read(&path).unwrap(), None);
        fs::write(&path, b"\x7fELF and no more").unwrap();
        assert!(read(&path).is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_system_program_takes_nothing_along() {
        let folder = tempfile::tempdir().unwrap();
        assert!(gather(&own(), &[], folder.path()).unwrap().is_empty());
    }

    /// Built here by the C compiler that the workspace needs anyway: a program, its library, and a run path that leaves the bundle.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_library_is_taken_along_and_a_stray_run_path_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("l.c"), "int answer(void) { return 42; }").unwrap();
        fs::write(
            path("p.c"),
            "int answer(void); int main(void) { return answer(); }",
        )
        .unwrap();
        let cc = |words: &[&str]| {
            let mut cc = std::process::Command::new("cc");
            let status = cc.current_dir(folder.path()).args(words).status();
            assert!(status.unwrap().success());
        };
        cc(&["-shared", "-fPIC", "-o", "libanswer.so", "l.c"]);
        for (run_path, good) in [
            ("-Wl,-rpath,$ORIGIN/../lib/own", true),
            ("-Wl,-rpath,/tmp/x", false),
        ] {
            let bundle = path("bundle");
            let program = bundle.join("bin/p");
            fs::create_dir_all(bundle.join("bin")).unwrap();
            cc(&["-o", "bundle/bin/p", "p.c", "-L.", "-lanswer", run_path]);
            assert!(closed(&bundle).is_err(), "its library is not there yet");
            let sources = [(folder.path().to_owned(), "own")];
            let copied = gather(&program, &sources, &bundle.join("lib")).unwrap();
            assert_eq!(copied, [Path::new("own/libanswer.so")]);
            match closed(&bundle) {
                Ok(newest) => assert!(good && newest["GLIBC"].starts_with("2.")),
                Err(error) => assert!(!good && error.to_string().contains("/tmp/x"), "{error}"),
            }
            let ran = std::process::Command::new(&program).status().unwrap();
            assert_eq!(ran.code() == Some(42), good);
            fs::remove_dir_all(&bundle).unwrap();
        }
    }

    #[test]
    fn run_paths_that_leave_the_bundle_are_told_from_those_that_stay() {
        let bundle = Path::new("/b");
        let of = |file: &str, run_path: &str| inside(bundle, &bundle.join(file), run_path);
        assert!(of("bin/osteon", "$ORIGIN/../lib/torch/lib"));
        assert!(of("lib/torch/lib/x.so", "$ORIGIN/../../nvidia/cu13/lib"));
        assert!(of("lib/torch/lib/x.so", "$ORIGIN"));
        assert!(!of("lib/x.so", "$ORIGIN/../../nvidia/cu13/lib"));
        assert!(!of("bin/osteon", "/usr/lib"));
        assert!(!of("bin/osteon", ""));
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("2.34") > numbers("2.9"));
        assert!(numbers("3.4.30") > numbers("3.4.9"));
        assert!(numbers("PRIVATE").is_empty());
    }
}

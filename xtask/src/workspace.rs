//! Where the workspace lies, and how its cargo is called.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// Cargo's arguments for the program without its server and its dashboard: what a first look needs, built in two thirds of the time.
pub const LIGHT: [&str; 3] = ["-p", "cli", "--no-default-features"];

/// The workspace's root folder.
///
/// `cargo run` sets `CARGO_MANIFEST_DIR`, so a checkout that was moved after the build is still found; the path at compile time
/// serves when the binary is called directly.
pub fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or(manifest.clone(), Path::to_path_buf)
}

/// Where this checkout keeps its own libtorch: what `.cargo/config.toml` gives as `LIBTORCH`.
pub fn own_libtorch(root: &Path) -> PathBuf {
    root.join(".libtorch").join("torch")
}

/// A `LIBTORCH` that the person set, as against the one that cargo's `[env]` gives to `cargo xtask`.
pub fn users_libtorch(root: &Path) -> Option<PathBuf> {
    let given = std::env::var_os("LIBTORCH").filter(|value| !value.is_empty())?;
    let given = PathBuf::from(given);
    let own = own_libtorch(root);
    let same = given == own
        || matches!((given.canonicalize(), own.canonicalize()), (Ok(a), Ok(b)) if a == b);
    (!same).then_some(given)
}

/// A call of the cargo that runs this program, in the workspace's root.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    forget_cargo(&mut command, root);
    command
}

/// Takes out of a command's environment what the cargo that runs this program put there.
pub fn forget_cargo(command: &mut Command, root: &Path) {
    // `cargo run` tells this program about its package through the environment. Passed on, these would change the fingerprint of
    // build scripts that watch them (ring's does), and a later plain `cargo build` would compile those crates again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    // The same for LIBTORCH where it is cargo's own: the inner cargo sets it again from its configuration.
    if users_libtorch(root).is_none() {
        command.env_remove("LIBTORCH");
    }
}

/// Runs a command with this program's own input and output; its exit status.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    command
        .status()
        .with_context(|| format!("could not start `{shown}`"))
}

/// Runs a command that must succeed.
pub fn must_succeed(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!(
            "`{}` failed ({status}); what it printed above says why",
            shown(command)
        );
    }
    Ok(())
}

/// Runs a command that must succeed; what it prints on stdout. Messages on stderr go where this program's go.
pub fn answered(command: &mut Command) -> Result<String> {
    printed(command.stderr(Stdio::inherit()))
}

/// Runs a command that must succeed; what it prints on stdout. What it says on stderr is told where it fails.
pub fn printed(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command
        .output()
        .with_context(|| format!("could not start `{shown}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let why = match said.trim() {
            "" => "what it printed above says why",
            said => said,
        };
        bail!("`{shown}` failed ({}): {why}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed no text"))
}

/// The platform that the compiler builds for, such as `x86_64-unknown-linux-gnu`.
pub fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.context("could not start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

/// The exit code to hand on to whoever called us.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_stem().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    if text.is_empty() || text.contains(char::is_whitespace) {
        format!("'{text}'")
    } else {
        text.into_owned()
    }
}

/// Those of `all` that are named, in their own order; all if none is. `kind` is what an error calls them.
pub fn chosen<T>(
    kind: &str,
    all: &'static [T],
    name_of: impl Fn(&T) -> &'static str,
    names: &[String],
) -> Result<Vec<&'static T>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| all.iter().all(|one| name_of(one) != **name))
    {
        let known: Vec<_> = all.iter().map(&name_of).collect();
        bail!(
            "there is no {kind} {unknown:?}; there are {}",
            known.join(", ")
        );
    }
    let wanted = |one: &&T| names.is_empty() || names.iter().any(|name| name == name_of(one));
    Ok(all.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_shown_command_quotes_what_has_spaces() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command.args(["run", "data/sample/not fractured"]);
        assert_eq!(shown(&command), "cargo run 'data/sample/not fractured'");
    }

    #[test]
    fn cargos_own_variables_are_not_passed_on() {
        let command = cargo(&root());
        let removed = |name: &str| {
            command
                .get_envs()
                .any(|(key, value)| key == name && value.is_none())
        };
        assert!(removed("CARGO_MANIFEST_DIR"));
        assert!(removed("CARGO_PKG_NAME"));
    }
}

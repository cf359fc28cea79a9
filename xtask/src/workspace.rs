//! Where things are in this repository.

use crate::failure::{Context, Failure, Outcome};
use cargo_metadata::{CargoOpt, Metadata, MetadataCommand};
use std::path::{Path, PathBuf};

/// The folder with the root `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds; tools and data of local runs live there too.
pub(crate) fn target() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    named.map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The folder with the binaries of that profile.
pub(crate) fn binaries(release: bool) -> PathBuf {
    target().join(if release { "release" } else { "debug" })
}

/// The members alone, with the dependencies they declare. Needs no network.
pub(crate) fn members() -> Outcome<Metadata> {
    command().no_deps().exec().context(|| "cargo metadata --no-deps".to_owned())
}

/// The members and everything they resolve to on this platform.
pub(crate) fn resolved() -> Outcome<Metadata> {
    let platform = ["--filter-platform".to_owned(), host()?];
    command().other_options(platform).exec().context(|| "cargo metadata".to_owned())
}

/// The members and everything in `Cargo.lock`, for all platforms and features.
pub(crate) fn locked() -> Outcome<Metadata> {
    command().features(CargoOpt::AllFeatures).exec().context(|| "cargo metadata --all-features".to_owned())
}

fn command() -> MetadataCommand {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    command
}

fn host() -> Outcome<String> {
    let mut rustc = std::process::Command::new("rustc");
    let text = crate::shell::output(rustc.arg("-vV").current_dir(root()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| Failure::new("rustc -vV names no host"))
}

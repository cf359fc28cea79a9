//! Compiles the `.proto` files with protox, so that the machine needs no `protoc`.
//!
//! A new file is found by itself; its package also needs a module in `src/lib.rs`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use prost::Message as _;

const PACKAGES: [&str; 3] = ["basket/v1", "payment/v1", "product/v1"];

fn main() -> Result<(), Box<dyn Error>> {
    let files = proto_files()?;
    println!("cargo:rerun-if-changed=google");
    let descriptors = protox::compile(&files, ["."])?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;

    tonic_prost_build::configure().btree_map(".").emit_rerun_if_changed(false).compile_fds(descriptors)?;
    Ok(())
}

fn proto_files() -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for package in PACKAGES {
        println!("cargo:rerun-if-changed={package}");
        for entry in fs::read_dir(Path::new(package))? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "proto") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

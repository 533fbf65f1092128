//! Compiles `unseen/**/*.proto` without protoc: protox parses, tonic-prost-build generates.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=unseen");
    let files = ["unseen/v1/job.proto", "unseen/v1/party.proto", "unseen/v1/consent.proto"];
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("unseen.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    // A daemon calls trainers and offers none: they are not among the services that its reflection lists.
    let trainer = protox::compile(["unseen/trainer/v1/trainer.proto"], ["."])?;
    tonic_prost_build::configure().compile_fds(trainer)?;
    Ok(())
}

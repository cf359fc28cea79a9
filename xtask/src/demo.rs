//! `cargo xtask demo`: a checkout, a decline and a refund through the gateway, each request shown, each effect
//! checked.
//!
//! A story is a function over a [`shop::Shop`]; add one to `demo/` and call it from [`run`].

mod checkout;
mod decline;
mod refund;
mod shop;

use crate::failure::{Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::run_all::session;
use shop::{Shop, title};
use std::path::PathBuf;

/// Drive a checkout, a decline and a refund through the gateway.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Where the gateway listens
    #[arg(long, default_value = "http://localhost:8083", value_name = "URL")]
    pub(crate) gateway: String,
    /// The data folder of the shop, which has the key for tokens [default: target/data/run-all]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl Default for Args {
    fn default() -> Self {
        Self { gateway: "http://localhost:8083".to_owned(), data_dir: None }
    }
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut shop = Shop::open(&args.gateway, &session::folder(args.data_dir.as_deref()))?;
    title("A checkout");
    let sale = checkout::tell(&mut shop)?;
    title("A declined card");
    decline::tell(&mut shop, &sale)?;
    title("A refund, in two parts");
    refund::tell(&mut shop, &sale)?;
    say!();
    let (kept, broken) = shop.verdict();
    if broken == 0 {
        say!("{} all {kept} checks passed", paint(Colour::Green, "✓"));
        return Ok(());
    }
    Err(Failure::new(format!("{broken} of {} checks failed (marked ✗ above)", kept + broken)))
}

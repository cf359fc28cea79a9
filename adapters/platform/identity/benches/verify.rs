//! What a call pays for its token: the first time it is seen, and from then on.
//!
//! `cargo bench -p platform-identity --features testing` prints nanoseconds, the median of some rounds.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use platform_identity::{Authenticator, testing::TestIssuer};
use tokio::runtime::Builder;

const ROUNDS: usize = 9;
const TOKENS: usize = 1000;

fn main() {
    // `cargo test --all-targets` starts benches, too, and wants to know only whether they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let issuer = TestIssuer::new();
    let headers: Vec<String> =
        (0..TOKENS).map(|number| issuer.bearer(&format!("user-{number}"), &[])).collect();
    let fresh = median(|| {
        // A new authenticator has seen nothing.
        let authenticator = issuer.authenticator();
        timed(&authenticator, &headers)
    });
    let authenticator = issuer.authenticator();
    let known = median(|| timed(&authenticator, &headers));
    println!("verified: {fresh} ns, known: {known} ns, token of {} bytes (EdDSA)", headers[0].len());
}

/// The time for one of `headers`.
fn timed(authenticator: &Authenticator, headers: &[String]) -> Duration {
    let runtime = Builder::new_current_thread().build();
    let Ok(runtime) = runtime else { return Duration::ZERO };
    runtime.block_on(async {
        let begun = Instant::now();
        for header in headers {
            let caller = authenticator.authenticate(Some(black_box(header))).await;
            assert!(black_box(caller).is_ok(), "a good token");
        }
        begun.elapsed() / u32::try_from(headers.len()).unwrap_or(u32::MAX)
    })
}

/// In nanoseconds. The first round warms up.
fn median(mut round: impl FnMut() -> Duration) -> u128 {
    round();
    let mut times: Vec<u128> = (0..ROUNDS).map(|_| round().as_nanos()).collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}

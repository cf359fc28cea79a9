//! `cargo xtask token`: a token for a shop that runs here, signed with the key of its data folder.

use crate::failure::Outcome;
use crate::identity::Development;
use crate::paint::say;
use crate::run_all::session;
use std::path::PathBuf;
use std::time::Duration;

/// Print a token for a user of the shop that runs here.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Who the token is of
    #[arg(long, value_name = "USER")]
    user: String,
    /// `admin` or `service`; may be given more than once
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// For how long it is good, as in `90s`, `15m`, `1h` or `7d`
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = ttl)]
    ttl: Duration,
    /// The data folder of the shop [default: target/data/run-all]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let folder = session::folder(args.data_dir.as_deref());
    session::claim(&folder)?;
    let roles: Vec<&str> = args.roles.iter().map(String::as_str).collect();
    say!("{}", Development::provide(&folder)?.token(&args.user, &roles, args.ttl)?);
    Ok(())
}

fn ttl(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time, as in 90s, 15m, 1h or 7d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(ttl("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(ttl("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(ttl("1h"), Ok(Duration::from_hours(1)));
        assert_eq!(ttl("7d"), Ok(Duration::from_hours(168)));
        for wrong in
            ["", "h", "1", "0h", "-1h", "1.5h", "1 h", "1é", "99999999999999999999d", "999999999999999999d"]
        {
            assert!(ttl(wrong).unwrap_err().contains("is no time"), "{wrong}");
        }
    }
}

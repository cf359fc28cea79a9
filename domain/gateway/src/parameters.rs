//! What follows the URL in an entry of a list: `;weight=3;server_name=products.internal`.

use kernel_domain::Violation;

use crate::{ServerName, Weight, backend::refused};

/// What an entry says besides its URL.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) weight: Option<Weight>,
    pub(crate) server_name: Option<ServerName>,
}

impl Parameters {
    /// The URL of an entry, and what follows it, each once at most.
    pub(crate) fn split(entry: &str) -> Result<(&str, Self), Violation> {
        let mut parts = entry.split(';').map(str::trim);
        let url = parts.next().unwrap_or_default();
        let mut read = Self::default();
        for part in parts {
            match part.split_once('=') {
                Some(("weight", shares)) if read.weight.is_none() => {
                    read.weight = Some(Weight::parse(shares)?);
                }
                Some(("server_name", name)) if read.server_name.is_none() => {
                    read.server_name = Some(ServerName::parse(name)?);
                }
                _ => {
                    let why = "has a parameter other than one `weight` and one `server_name`";
                    return Err(refused(entry, why));
                }
            }
        }
        Ok((url, read))
    }
}

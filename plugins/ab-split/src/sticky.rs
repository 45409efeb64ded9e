//! What tells a client apart.

use serde::Deserialize;
use torana_plugin::{Error, Request, Result};

use crate::{cookie, name};

/// Where the value is that stays the same for a client; none of them chooses anew for each request.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sticky {
    pub(crate) header: Option<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) ip: bool,
}

impl Sticky {
    pub(crate) fn check(&self) -> Result<()> {
        let given = [self.header.is_some(), self.cookie.is_some(), self.ip];
        if given.into_iter().filter(|&is| is).count() > 1 {
            return Err("`sticky` has one of `header`, `cookie` and `ip`".into());
        }
        name::check(self.header.as_deref(), self.cookie.as_deref())
            .map_err(|error| Error::new(format!("`sticky`: {error}")))
    }

    pub(crate) fn value(&self, request: &Request) -> Option<String> {
        let value = match self {
            Self { header: Some(name), .. } => request.header(name),
            Self { cookie: Some(name), .. } => cookie::find(&request.headers("cookie"), name),
            Self { ip: true, .. } => Some(request.client_ip()),
            _ => None,
        };
        value.filter(|value| !value.is_empty())
    }
}

/// FNV-1a, and a last mix since its low bits alone are not even. Never change it: clients would change their variants.
pub(crate) fn hash(salt: &str, value: &str) -> u64 {
    let bytes = salt.bytes().chain([0]).chain(value.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

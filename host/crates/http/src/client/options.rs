//! How one backend wants its calls made.

use std::sync::Mutex;

use super::peer::Peer;

/// Largest decompressed body in bytes, unless a backend says otherwise: 32 MiB.
pub const DECOMPRESSED_LIMIT: u64 = 32 * 1024 * 1024;

/// How calls of one backend are made. Built once at load.
#[derive(Debug)]
pub struct CallOptions {
    /// Whether the caller reads bodies: then compressed answers are asked for (`Accept-Encoding: gzip`, unless the
    /// request has its own or `disable_compression` is set) and gzip, deflate, br and zstd are decoded. Without it
    /// bytes pass as they come (`no-op`). Default: true.
    pub decompress: bool,
    /// Largest decompressed body in bytes. Default: [`DECOMPRESSED_LIMIT`].
    pub decompressed_limit: u64,
    /// What happens with redirects. Default: followed, bodies are not sent again.
    pub redirect: Redirect,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            decompress: true,
            decompressed_limit: DECOMPRESSED_LIMIT,
            redirect: Redirect::follow(false),
        }
    }
}

/// What happens with answers 301, 302, 303, 307 and 308.
#[derive(Debug)]
pub enum Redirect {
    /// They are answers like others (`no_redirect`).
    Pass,
    /// They are followed, at most ten in a row.
    Follow(Follow),
}

impl Redirect {
    /// Follows redirects; `send_body` sends the body again after 307 and 308 (`send_body_on_redirect`), else such an
    /// answer to a request with a body is passed on.
    #[must_use]
    pub fn follow(send_body: bool) -> Self {
        Self::Follow(Follow { send_body, visited: Mutex::default() })
    }
}

/// How redirects are followed.
#[derive(Debug)]
pub struct Follow {
    pub(super) send_body: bool,
    /// Peers that redirects led to, so that their connections live on. The last ones only: backends choose them.
    pub(super) visited: Mutex<Vec<std::sync::Arc<Peer>>>,
}

//! Lets a request pass only if it names its tenant, and hands the name on in lower case.

use serde::Deserialize;
use torana_plugin::{Action, Answer, Plugin, Request, Result, export};

struct TenantGuard {
    config: Config,
}

/// What stands under `config` in the gateway's configuration. `config.schema.json` says the same for `torana check`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The header that names the tenant.
    header: String,
    /// Who may pass; everybody without.
    #[serde(default)]
    tenants: Vec<String>,
}

impl Config {
    /// The tenant as it is handed on, or why the request is refused.
    fn tenant(&self, value: Option<&str>) -> std::result::Result<String, &'static str> {
        let tenant = value.map(str::trim).filter(|tenant| !tenant.is_empty());
        let tenant = tenant.ok_or("which tenant?")?.to_lowercase();
        if self.tenants.is_empty() || self.tenants.contains(&tenant) {
            Ok(tenant)
        } else {
            Err("this tenant is not known")
        }
    }
}

impl Plugin for TenantGuard {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self { config })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let header = &self.config.header;
        match self.config.tenant(request.header(header).as_deref()) {
            Ok(tenant) => {
                request.set_header(header, &tenant)?;
                Ok(Action::Continue)
            }
            Err(reason) => Ok(Answer::new(403).text(reason).into()),
        }
    }
}

export!(TenantGuard: on_request);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_tenants_pass() {
        let config = Config { header: "x-tenant".into(), tenants: vec!["acme".into()] };
        assert_eq!(config.tenant(Some(" ACME ")), Ok("acme".into()));
        assert!(config.tenant(Some("other")).is_err());
        assert!(config.tenant(Some("")).is_err());
        assert!(config.tenant(None).is_err());
    }
}

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
    use torana_plugin::test;

    use super::*;

    #[test]
    fn only_known_tenants_pass() {
        let config = r#"{ "header": "x-tenant", "tenants": ["acme"] }"#;
        let plugin = test::start::<TenantGuard>(config).unwrap();

        let mut known = test::Request::get("/orders").with_header("X-Tenant", " ACME ");
        assert_eq!(plugin.on_request(&mut known).unwrap(), Action::Continue);
        assert_eq!(known.headers("x-tenant"), ["acme"]);

        for mut request in [
            test::Request::get("/orders"),
            test::Request::get("/orders").with_header("x-tenant", ""),
            test::Request::get("/orders").with_header("x-tenant", "other"),
        ] {
            let action = plugin.on_request(&mut request).unwrap();
            assert!(matches!(action, Action::Respond(answer) if answer.status == 403));
        }
    }

    #[test]
    fn misspelt_keys_are_refused() {
        assert!(test::start::<TenantGuard>(r#"{ "heder": "x-tenant" }"#).is_err());
    }

    #[test]
    fn the_schema_says_what_the_configuration_is() {
        test::check_schema::<Config>(include_str!("../config.schema.json"), "");
    }
}

// Lets a request pass only if it names its tenant, and hands the name on in lower case.

import { Answer } from "./sdk/plugin.js";

/** What stands under `config` in the gateway's configuration; `config.schema.json` says what it may be. */
let config;

export function init(value) {
  config = { tenants: [], ...value };
}

/** @type {import("./sdk/plugin.js").RequestHook} */
export function onRequest(request) {
  const tenant = request.header(config.header)?.trim().toLowerCase();
  if (!tenant) {
    return Answer.text(403, "which tenant?");
  }
  if (config.tenants.length > 0 && !config.tenants.includes(tenant)) {
    return Answer.text(403, "this tenant is not known");
  }
  request.setHeader(config.header, tenant);
}

import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./sdk/testing.js";

const config = { header: "x-tenant", tenants: ["acme"] };
const plugin = await load(new URL("plugin.js", import.meta.url), { config });

test("a known tenant passes, in lower case", () => {
  const { answer, message } = plugin.onRequest({ headers: { "X-Tenant": " ACME " } });
  assert.equal(answer, null);
  assert.equal(message.headers["x-tenant"], "acme");
});

test("others are refused", () => {
  for (const [headers, text] of [
    [{}, "which tenant?"],
    [{ "x-tenant": " " }, "which tenant?"],
    [{ "x-tenant": "other" }, "this tenant is not known"],
  ]) {
    const { answer } = plugin.onRequest({ headers });
    assert.equal(answer.status, 403);
    assert.equal(answer.text, text);
  }
});

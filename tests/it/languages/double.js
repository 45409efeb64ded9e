import { Answer } from "./sdk/plugin.js";
import * as cache from "./sdk/cache.js";
import * as context from "./sdk/context.js";
import * as data from "./sdk/data.js";
import * as http from "./sdk/http.js";
import * as kv from "./sdk/kv.js";
import * as metrics from "./sdk/metrics.js";
import * as random from "./sdk/random.js";
import { decode } from "./sdk/text.js";

/** What hooks have to work with. */
export const sdk = { Answer, cache, context, data, http, kv, metrics, random, decode };

/** Gives back what stands in `config`, as an `init` that is wrong might. */
export function init(config) {
  return config ?? undefined;
}

// Each hook does what the test says.
export const onRequest = (request) => globalThis.work(request);
export const onResponse = (response) => globalThis.work(response);
export const onRequestBody = (chunk, last) => globalThis.work(chunk, last);
export const handle = (request) => globalThis.work(request);

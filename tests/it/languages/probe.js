
import * as cache from "./sdk/cache.js";
import * as context from "./sdk/context.js";
import { env } from "./sdk/config.js";
import * as data from "./sdk/data.js";
import * as http from "./sdk/http.js";
import * as kv from "./sdk/kv.js";
import * as log from "./sdk/log.js";
import * as metrics from "./sdk/metrics.js";
import { decode } from "./sdk/text.js";

// What a plugin may do wrong, one at a time.
export function onBackendRequest(request) {
  const what = request.header("x-do");
  if (what !== null) {
    request.setHeader("x-out", said(requests, what));
  }
  switch (request.header("x-fault")) {
    case "throw":
      throw new Error("boom");
    case "name":
      request.setHeader("bad name", "1");
      break;
    case "text":
      request.setHeader("x-text", "\ud800");
      break;
    case "status":
      return Answer.text(99, "no status");
    case "type":
      return "no answer";
    case "caught":
      try {
        request.setHeader("content-length", "1");
      } catch (error) {
        request.setHeader("x-caught", error.message);
      }
      break;
    case "time":
      return Answer.json(200, { year: new Date().getFullYear(), random: Math.random() });
  }
}

// What the header `x-do` asks for is said in the header `x-out`; what is about data, later in the answer.
const done = (nothing) => (nothing === undefined ? "done" : "not done");
const ttl = (text) => (text === "0" ? null : Number(text));
const later = (...words) => done(context.set("data", words.join(" ")));
const replied = (reply) =>
  reply instanceof Error ? `error ${reply.kind}` : `${reply.status} ${reply.header("X-Reply")} ${reply.text()}`;

function made(value, ttlMs) {
  if (value === "none") {
    throw new Error("there is none");
  }
  return { value, ttlMs };
}

const requests = {
  env: (name) => env(name) ?? "none",
  log: (text) => done(log.info(text)),
  "kv-get": (key) => {
    const value = kv.get(key);
    return value === null ? "none" : decode(value);
  },
  "kv-set": (key, value, time) => done(kv.set(key, value, ttl(time))),
  "kv-set-if-absent": (key, value, time) => kv.setIfAbsent(key, value, ttl(time)),
  "kv-delete": (key) => kv.remove(key),
  "kv-add": (key, by, time) => kv.add(key, Number(by), ttl(time)),
  "cache-claim": (key, waitMs) => {
    const value = cache.claim(key, ttl(waitMs));
    return value === null ? "yours" : decode(value);
  },
  "cache-keep": (key, value, time) => done(cache.keep(key, value, ttl(time))),
  "cache-release": (key) => done(cache.release(key)),
  "cache-make": (key, value, time) => decode(cache.getOrMake(key, () => made(value, ttl(time)))),
  count: (name, by, region) => done(metrics.count(name, Number(by), { region })),
  gauge: (name, value) => done(metrics.gauge(name, Number(value))),
  observe: (name, value) => done(metrics.observe(name, Number(value))),
  send: (method, url, body) => replied(http.send({ method, url, body, headers: { "x-sent": "1" } })),
  "send-in": (timeoutMs, url) => replied(http.send({ url, timeoutMs: Number(timeoutMs) })),
  "send-all": (...urls) => http.sendAll(urls.map((url) => ({ url }))).map(replied).join("|"),
  query: (...words) => later("query", ...words),
  replace: (...words) => later("replace", ...words),
  get: (...words) => later("get", ...words),
  set: (...words) => later("set", ...words),
  remove: (...words) => later("remove", ...words),
};

const responses = {
  query: (path) => data.query(path).map(({ pointer, value }) => `${pointer}=${JSON.stringify(value)}`).join(),
  replace: (path, json) => data.replace(path, JSON.parse(json)),
  get: (pointer) => JSON.stringify(data.get(pointer)) ?? "none",
  set: (pointer, json) => done(data.set(pointer, JSON.parse(json))),
  remove: (pointer) => data.remove(pointer),
};

function said(all, what) {
  const [verb, ...words] = what.split(" ");
  try {
    return `${all[verb](...words)}`;
  } catch (error) {
    return `error ${error.kind ?? ""}`.trim();
  }
}

export function onBackendResponse() {
  const what = context.get("data");
  if (what !== undefined) {
    data.set("/out", said(responses, what));
  }
}

/** A small gateway for tests: what a plugin calls, acting on plain values. */

/** Interfaces that have been imported. */
export const used = new Set();

/** What the plugin acts on; `testing.js` puts new values here for each call. */
export const state = {
  config: null,
  env: {},
  http: () => ({ status: 404 }),
  message: {},
  context: new Map(),
  kv: new Map(),
  lines: [],
  metrics: [],
};

export function offer(name) {
  if (!(name in fakes)) {
    throw new Error(`the gateway has no interface \`${name}\``);
  }
  used.add(name);
  return fakes[name];
}

const FRAMING = new Set(
  "connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding upgrade content-length host".split(" "),
);

function editable(name, value = "") {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw new Error(`\`${name}\` is not a header name`);
  }
  // eslint-disable-next-line no-control-regex
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
    throw new Error(`the value of \`${name}\` is not valid`);
  }
  if (FRAMING.has(name.toLowerCase())) {
    throw new Error(`\`${name}\` belongs to the gateway`);
  }
}

const is = (wanted) => (field) => field[0].toLowerCase() === wanted.toLowerCase();
const headers = () => state.message.headers;

function member(key) {
  if (!(key in state.message)) {
    throw new Error(`\`${key}\` is not there in this hook`);
  }
  return state.message[key];
}

const put = (key) => (value) => {
  member(key);
  state.message[key] = value;
};

const exchange = {
  requestId: () => 1,
  clientIp: () => "192.0.2.1",
  route: () => "/route",
  method: () => member("method"),
  setMethod: put("method"),
  path: () => member("path"),
  setPath: put("path"),
  query: () => member("query"),
  setQuery: put("query"),
  param: (name) => member("params")[name] ?? null,
  getHeader: (name) => headers().find(is(name))?.[1] ?? null,
  getHeaderAll: (name) => headers().filter(is(name)).map(([, value]) => value),
  headerNames: () => [...new Set(headers().map(([name]) => name.toLowerCase()))],
  setHeader(name, value) {
    exchange.removeHeader(name);
    exchange.addHeader(name, value);
  },
  addHeader(name, value) {
    editable(name, value);
    headers().push([name, value]);
  },
  removeHeader(name) {
    editable(name);
    state.message.headers = headers().filter((field) => !is(name)(field));
  },
  body: () => member("body"),
  setBody: put("body"),
  status: () => member("status"),
  setStatus: put("status"),
  complete: () => member("complete"),
};

/** The container of the value that a JSON Pointer names, and the key in it. */
function place(pointer) {
  const keys = pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = keys.pop();
  const parent = keys.reduce((value, key) => value?.[key], member("data"));
  if (last === undefined || typeof parent !== "object" || parent === null) {
    return null;
  }
  return { parent, key: Array.isArray(parent) && last === "-" ? parent.length : last };
}

function noJsonPath() {
  throw new Error("the test double has no JSONPath");
}

const data = {
  get(pointer) {
    const found = place(pointer);
    const value = pointer === "" ? member("data") : found && found.parent[found.key];
    return value === undefined || value === null ? null : JSON.stringify(value);
  },
  set(pointer, json) {
    if (pointer === "") {
      put("data")(JSON.parse(json));
      return;
    }
    const found = place(pointer);
    if (found === null) {
      throw new Error(`\`${pointer}\` has no parent`);
    }
    found.parent[found.key] = JSON.parse(json);
  },
  remove(pointer) {
    const found = place(pointer);
    if (found === null || !(found.key in found.parent)) {
      return false;
    }
    if (Array.isArray(found.parent)) {
      found.parent.splice(found.key, 1);
    } else {
      delete found.parent[found.key];
    }
    return true;
  },
  query: noJsonPath,
  replace: noJsonPath,
};

const context = {
  get: (key) => state.context.get(key) ?? null,
  set: (key, value) => void state.context.set(key, value),
};

const http = {
  send(request) {
    const { status, headers = {}, body = new Uint8Array() } = state.http(request);
    return { status, headers: Object.entries(headers), body };
  },
  sendAll: (requests) => requests.map((request) => ({ tag: "ok", val: http.send(request) })),
};

const kv = {
  get: (key) => state.kv.get(key) ?? null,
  set: (key, value) => void state.kv.set(key, value),
  setIfAbsent: (key, value) => !state.kv.has(key) && Boolean(state.kv.set(key, value)),
  delete: (key) => state.kv.delete(key),
  add(key, by) {
    const sum = (state.kv.get(key) ?? 0) + by;
    state.kv.set(key, sum);
    return sum;
  },
};

const metric = (kind) => (name, value, labels) => void state.metrics.push({ kind, name, value, labels });

const fakes = {
  exchange,
  data,
  context,
  http,
  kv,
  config: { get: () => JSON.stringify(state.config), env: (name) => state.env[name] ?? null },
  log: { write: (level, message) => void state.lines.push({ level, message }) },
  clock: { nowMs: () => Date.now(), monotonicNs: () => Math.round(performance.now() * 1e6) },
  random: {
    getU64: () => Math.floor(Math.random() * 2 ** 53),
    getBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  },
  metrics: { count: metric("count"), gauge: metric("gauge"), observe: metric("observe") },
};

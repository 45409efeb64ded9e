/** A small gateway for tests: what a plugin calls, acting on plain values. */

/** Interfaces that have been imported. */
export const used = new Set();

/** What the plugin acts on; `testing.js` puts new values here for each call. */
export const state = {
  config: null,
  env: {},
  http: undefined,
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
const headers = () => member("headers");

function member(key) {
  if (!(key in state.message)) {
    throw new Error(`\`${key}\` is not there in this hook`);
  }
  return state.message[key];
}

/** Sets a member to what `refusal` has nothing against. */
const put =
  (key, refusal = () => null) =>
  (value) => {
    member(key);
    const reason = refusal(value);
    if (reason !== null) {
      throw new Error(reason);
    }
    state.message[key] = value;
  };

const isMethod = (method) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method) && method !== "CONNECT";
/** What may stand in a path or query as it is: the rest is percent-encoded. */
const isUri = (text) => /^[!-~]*$/.test(text) && !/[#<>\\]/.test(text);
const isPath = (path) => path.startsWith("/") && isUri(path) && !path.includes("?");
const isStatus = (status) => status >= 200 && status <= 599;
const unless = (fine, what) => (value) => (fine(value) ? null : `\`${value}\` is not ${what}`);

const exchange = {
  requestId: () => 1,
  clientIp: () => "192.0.2.1",
  route: () => "/route",
  method: () => member("method"),
  setMethod: put("method", unless(isMethod, "a method")),
  path: () => member("path"),
  setPath: put("path", unless(isPath, "a path")),
  query: () => member("query"),
  setQuery: put("query", unless(isUri, "a query")),
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
    state.message.headers = member("headers").filter((field) => !is(name)(field));
  },
  body: () => member("body"),
  setBody: put("body", () => ("data" in state.message ? "the response is decoded: it has data, no body" : null)),
  status: () => member("status"),
  setStatus: put("status", unless(isStatus, "a status between 200 and 599")),
  complete: () => member("complete"),
};

/** The decoded data; a response with a body has none, a request cannot be asked for any. */
function decoded() {
  member("status");
  return state.message.data;
}

function decodedOrRefused() {
  const data = decoded();
  if (data === undefined) {
    throw new Error("the response is not decoded (`no-op`): it has a body, no data");
  }
  return data;
}

/** The unescaped keys of a JSON Pointer; null if it is none. */
function keys(pointer) {
  if (pointer !== "" && !pointer.startsWith("/")) {
    return null;
  }
  return pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function keysOrRefused(pointer) {
  const found = keys(pointer);
  if (found === null) {
    throw new Error(`\`${pointer}\` is no JSON Pointer: it must be empty or begin with a slash`);
  }
  return found;
}

/** Whether a value has something under a key: an array under an index, with no leading zeros. */
function has(value, key) {
  if (Array.isArray(value)) {
    return /^(0|[1-9][0-9]*)$/.test(key) && Number(key) < value.length;
  }
  return typeof value === "object" && value !== null && Object.hasOwn(value, key);
}

const below = (value, keys) => keys.reduce((value, key) => (has(value, key) ? value[key] : undefined), value);

function noJsonPath() {
  throw new Error("the test double has no JSONPath");
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const data = {
  get(pointer) {
    const found = keys(pointer);
    const value = found === null ? undefined : below(decoded(), found);
    return value === undefined ? null : JSON.stringify(value);
  },
  set(pointer, json) {
    const root = decodedOrRefused();
    const path = keysOrRefused(pointer);
    const value = JSON.parse(json);
    if (path.length === 0) {
      if (!isObject(value)) {
        throw new Error("the data is an object");
      }
      state.message.data = value;
      return;
    }
    const last = path.pop();
    const parent = below(root, path);
    if (Array.isArray(parent) && last === "-") {
      parent.push(value);
    } else if (isObject(parent) || has(parent, last)) {
      // A key may be `__proto__`.
      Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
    } else {
      throw new Error(`there is no place \`${pointer}\` in the data`);
    }
  },
  remove(pointer) {
    const root = decodedOrRefused();
    const path = keysOrRefused(pointer);
    if (path.length === 0) {
      state.message.data = {};
      return Object.keys(root).length > 0;
    }
    const last = path.pop();
    const parent = below(root, path);
    if (!has(parent, last)) {
      return false;
    }
    if (Array.isArray(parent)) {
      parent.splice(Number(last), 1);
    } else {
      delete parent[last];
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

/** An error of the interface, as the engine throws it. */
const failure = (tag, val) => Object.assign(new Error(tag), { payload: { tag, val } });

const http = {
  send(request) {
    if (state.http === undefined) {
      throw failure("denied", request.url);
    }
    try {
      const { status, headers = {}, body = "" } = state.http(request);
      return { status, headers: asList(headers), body: asBytes(body) };
    } catch (error) {
      throw error.kind === undefined ? error : failure(error.kind);
    }
  },
  sendAll: (requests) =>
    requests.map((request) => {
      try {
        return { tag: "ok", val: http.send(request) };
      } catch (error) {
        if (error.payload === undefined) {
          throw error;
        }
        return { tag: "err", val: error.payload };
      }
    }),
};

export const asBytes = (body) => (typeof body === "string" ? new TextEncoder().encode(body) : body);
export const asList = (headers) =>
  Object.entries(headers).flatMap(([name, value]) => [value].flat().map((v) => [name, v]));

const LONGEST_KEY = 256;
const LONGEST_VALUE = 64 * 1024;
const MOST = 2n ** 63n;

/** A key with its value, unless its time is over. Counters are numbers, and read as text. */
function live(key, value = "") {
  if (Buffer.byteLength(key) > LONGEST_KEY || value.length > LONGEST_VALUE) {
    throw failure("too-large");
  }
  const entry = state.kv.get(key);
  return entry !== undefined && Date.now() < entry.until ? entry : null;
}

const keep = (key, value, ttlMs) =>
  void state.kv.set(key, { value, until: ttlMs === null ? Infinity : Date.now() + ttlMs });

const kv = {
  get(key) {
    const value = live(key)?.value ?? null;
    return typeof value === "bigint" ? asBytes(`${value}`) : value && value.slice();
  },
  set(key, value, ttlMs) {
    live(key, value);
    keep(key, value.slice(), ttlMs);
  },
  setIfAbsent(key, value, ttlMs) {
    const absent = live(key, value) === null;
    if (absent) {
      keep(key, value.slice(), ttlMs);
    }
    return absent;
  },
  delete(key) {
    const was = live(key) !== null;
    state.kv.delete(key);
    return was;
  },
  add(key, by, ttlMs) {
    const entry = live(key);
    if (entry === null) {
      keep(key, BigInt(by), ttlMs);
      return by;
    }
    if (typeof entry.value !== "bigint") {
      throw failure("not-a-counter");
    }
    const sum = entry.value + BigInt(by);
    // The time keeps running from the first use.
    entry.value = sum < -MOST ? -MOST : sum >= MOST ? MOST - 1n : sum;
    return Number(entry.value);
  },
};

/** Nobody to wait for: one hook runs at a time. */
const cache = {
  claim(key) {
    const value = kv.get(key);
    return value === null ? { tag: "yours" } : { tag: "found", val: value };
  },
  keep: kv.set,
  release: () => undefined,
};

const metric = (kind) => (name, value, labels) => void state.metrics.push({ kind, name, value, labels });

const fakes = {
  exchange,
  data,
  context,
  http,
  kv,
  cache,
  config: { get: () => JSON.stringify(state.config), env: (name) => state.env[name] ?? null },
  log: { write: (level, message) => void state.lines.push({ level, message }) },
  clock: { nowMs: () => Date.now(), monotonicNs: () => Math.round(performance.now() * 1e6) },
  random: {
    getU64: () => Math.floor(Math.random() * 2 ** 53),
    getBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  },
  metrics: { count: metric("count"), gauge: metric("gauge"), observe: metric("observe") },
};

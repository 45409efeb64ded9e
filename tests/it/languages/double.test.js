// The double of the gateway in the JavaScript SDK does what the gateway does.

import assert from "node:assert/strict";
import test, { mock } from "node:test";

import { load } from "./sdk/testing.js";

const file = new URL("plugin.js", import.meta.url);
const { sdk } = await import("./plugin.js");
const { Answer, cache, context, data, http, kv, metrics, random, decode } = sdk;

async function started(options) {
  return load(file, options);
}

/** Runs `work` in a request hook. */
async function inRequest(work, options, request) {
  globalThis.work = work;
  return (await started(options)).onRequest(request);
}

/** Runs `work` in a response hook. */
async function inResponse(response, work) {
  globalThis.work = work;
  return (await started()).onResponse(response);
}

test("numbers that the gateway has not are refused, with a word about why", async () => {
  await inRequest(() => {
    for (const wrong of [-1, 1.5, NaN, Infinity, "5", 2 ** 53, {}]) {
      for (const call of [
        () => kv.set("a", "1", wrong),
        () => kv.setIfAbsent("a", "1", wrong),
        () => kv.add("n", 1, wrong),
        () => metrics.count("c", wrong),
        () => http.send({ url: "http://a/", timeoutMs: wrong }),
        () => random.bytes(wrong),
      ]) {
        assert.throws(call, /is no whole number from 0 to \d+/, `${wrong} ${call}`);
      }
    }
    assert.throws(() => kv.add("n", 1.5), /1.5 is no whole number/);
    assert.throws(() => http.send({ url: "http://a/", timeoutMs: 2 ** 32 }), /4294967296 is no whole number/);
    assert.throws(() => random.bytes(4097), /4097 is no whole number/);
    for (const wrong of ["1", undefined, null]) {
      assert.throws(() => metrics.gauge("g", wrong), /a number is needed/);
      assert.throws(() => metrics.observe("o", wrong), /a number is needed/);
    }
    assert.equal(kv.add("n", -3), -3);
    assert.equal(random.bytes(3).length, 3);
  });
});

test("what is no JSON is refused", async () => {
  await inResponse({ data: {} }, () => {
    for (const wrong of [undefined, () => 1]) {
      assert.throws(() => data.set("/a", wrong), /is no value of JSON/);
      assert.throws(() => context.set("a", wrong), /is no value of JSON/);
    }
  });
});

test("`init` names hooks that are there", async () => {
  for (const fine of [null, [], ["onRequest"], ["onRequest", "onResponse", "onRequestBody", "handle"]]) {
    await started({ config: fine });
  }
  for (const wrong of [["onrequest"], ["onBackendRequest"], [null], "onRequest", true, { onRequest: true }]) {
    await assert.rejects(started({ config: wrong }), /`init` (must return|returns `)/, JSON.stringify(wrong));
  }
});

test("what hooks return is held against what they may", async () => {
  for (const wrong of ["text", { status: 200 }, 5, Promise.resolve()]) {
    await assert.rejects(inRequest(() => wrong), /the hook must return Answer, not/);
  }
  await assert.rejects(inResponse({}, async () => {}), /a promise, which nobody waits for/);
  const plugin = await started();
  globalThis.work = () => undefined;
  assert.throws(() => plugin.handle(), /the hook must return Answer, not undefined/);
  globalThis.work = () => Answer.text(200, "hi");
  assert.equal(plugin.handle().answer.text, "hi");
});

test("edits that the gateway refuses are refused", async () => {
  await inRequest((request) => {
    for (const path of ["", "a", "/a?b", "/a b", "/ä", "/a#b"]) {
      assert.throws(() => (request.path = path), /is not a path/, path);
    }
    for (const query of ["a b", "ä", "a#b"]) {
      assert.throws(() => (request.query = query), /is not a query/, query);
    }
    for (const method of ["", "A B", "CONNECT"]) {
      assert.throws(() => (request.method = method), /is not a method/, method);
    }
    request.path = "/a%20b;c=1";
    request.query = "a=b?c";
    request.method = "PUT";
    assert.equal(request.status, undefined);
  });
  await inResponse({ status: 200, data: {} }, (response) => {
    assert.throws(() => response.setBody("x"), /decoded/);
    assert.throws(() => (response.status = 99), /99/);
    response.status = 404;
  });
});

test("data is found and edited as in the gateway", async () => {
  const { message } = await inResponse({ data: { list: [1, null], "a/b": 1 } }, () => {
    assert.equal(data.get("/list/1"), null);
    assert.equal(data.get("/a~1b"), 1);
    for (const nowhere of ["/list/2", "/list/-1", "/list/01", "/list/x", "/constructor", "/__proto__", "list"]) {
      assert.equal(data.get(nowhere), undefined, nowhere);
      assert.equal(nowhere.startsWith("/") && data.remove(nowhere), false, nowhere);
    }
    for (const wrong of ["/list/2", "/list/x", "/no/where", "/list/0/x", "list"]) {
      assert.throws(() => data.set(wrong, 1), /there is no place|no JSON Pointer/, wrong);
    }
    assert.throws(() => data.set("", [1]), /the data is an object/);
    data.set("/list/-", 3);
    data.set("/new", { a: 1 });
    assert.equal(data.remove("/list/0"), true);
  });
  assert.deepEqual(message.data, { list: [null, 3], "a/b": 1, new: { a: 1 } });
});

test("a response with a body has no data", async () => {
  await inResponse({ body: "x" }, () => {
    assert.equal(data.get("/a"), undefined);
    assert.throws(() => data.set("/a", 1), /not decoded/);
    assert.throws(() => data.remove("/a"), /not decoded/);
  });
  await assert.rejects(inRequest(() => data.get("/a")), /not there in this hook/);
});

test("values expire, and counters are text", async () => {
  mock.timers.enable({ apis: ["Date"], now: 1_000 });
  try {
    await inRequest(() => {
      kv.set("a", "one", 100);
      assert.equal(kv.setIfAbsent("a", "two"), false);
      assert.equal(kv.add("n", 2, 100), 2);
      mock.timers.tick(60);
      assert.equal(kv.add("n", 3, 100), 5);
      assert.equal(decode(kv.get("n")), "5");
      mock.timers.tick(60);
      assert.equal(kv.get("a"), null);
      assert.equal(kv.remove("a"), false);
      assert.equal(kv.add("n", 1), 1);
      assert.equal(kv.setIfAbsent("a", "two"), true);
      assert.throws(() => kv.add("a"), { kind: "not-a-counter" });
      assert.throws(() => kv.set("k".repeat(257), ""), { kind: "too-large" });
      assert.throws(() => kv.set("a", "x".repeat(65_537)), { kind: "too-large" });
      const bytes = kv.get("a");
      bytes[0] = 0;
      assert.equal(decode(kv.get("a")), "two");
    });
  } finally {
    mock.timers.reset();
  }
});

test("values are made once", async () => {
  await inRequest(() => {
    const fail = () => {
      throw new Error("no value");
    };
    assert.throws(() => cache.getOrMake("k", fail), /no value/);
    assert.equal(decode(cache.getOrMake("k", () => ({ value: "made" }))), "made");
    assert.equal(decode(cache.getOrMake("k", fail)), "made");
    assert.equal(decode(kv.get("k")), "made");
    assert.equal(cache.claim("x"), null);
    assert.equal(cache.claim("x", 5), null);
    cache.release("x");
    cache.keep("x", "kept", 60_000);
    assert.equal(decode(cache.claim("x")), "kept");
    assert.throws(() => cache.claim("k".repeat(257)), { kind: "too-large" });
    assert.throws(() => cache.keep("a", "x".repeat(65_537)), { kind: "too-large" });
    assert.throws(() => cache.claim("a", 2 ** 32), /4294967296 is no whole number/);
    assert.throws(() => cache.getOrMake("a", () => undefined), TypeError);
  });
});

test("services answer, fail and are denied", async () => {
  await inRequest(() => {
    assert.throws(() => http.send({ url: "http://a/" }), { kind: "denied" });
    assert.deepEqual(http.sendAll([{ url: "http://a/" }]).map(({ kind }) => kind), ["denied"]);
  });
  const answers = ({ url }) => {
    if (url.endsWith("/late")) {
      throw Object.assign(new Error("late"), { kind: "timeout" });
    }
    return { status: 200, headers: { "X-A": ["1", "2"] }, body: "hi" };
  };
  await inRequest(
    () => {
      assert.throws(() => http.send({ url: "http://a/late" }), { kind: "timeout" });
      const [late, reply] = http.sendAll([{ url: "http://a/late" }, { url: "http://a/" }]);
      assert.equal(late.kind, "timeout");
      assert.deepEqual([reply.status, reply.header("x-a"), reply.text()], [200, "1", "hi"]);
    },
    { http: answers },
  );
});

test("bodies stream through their hook", async () => {
  const plugin = await started();
  const seen = [];
  globalThis.work = (chunk, last) => {
    seen.push([decode(chunk), last]);
    return last ? new Uint8Array([33]) : seen.length === 1 ? undefined : chunk.slice(1);
  };
  assert.equal(plugin.onRequestBody(["ab", "cd"]).text, "abd!");
  assert.deepEqual(seen, [["ab", false], ["cd", false], ["", true]]);
  globalThis.work = () => "text";
  assert.throws(() => plugin.onRequestBody([]), /must return Uint8Array, not string/);
});

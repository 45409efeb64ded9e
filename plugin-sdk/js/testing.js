/** Runs a plugin's hooks in Node, for its tests: no gateway and no WebAssembly. */

import { register } from "node:module";

import { asBytes, asList, state } from "./testing/host.js";

register("./testing/loader.js", import.meta.url);

let loaded = 0;

/** Loads a plugin as one instance of it, and runs its `init`. */
export async function load(url, { config = null, env = {}, http } = {}) {
  Object.assign(state, { config, env, context: new Map(), kv: new Map(), lines: [], metrics: [] });
  state.http = http;
  // Another query makes another instance: Node keeps modules by their URL.
  loaded += 1;
  const plugin = await import(`${new URL(url)}?instance=${loaded}`);
  const { Request, Response } = await import("./plugin.js");
  const results = await import("./hooks.js");
  results.wanted(plugin.init?.(structuredClone(config)), plugin);
  return new Instance(plugin, new Request(), new Response(), results);
}

class Instance {
  #plugin;
  #request;
  #response;
  #results;

  constructor(plugin, request, response, results) {
    this.#plugin = plugin;
    this.#request = request;
    this.#response = response;
    this.#results = results;
  }

  get lines() {
    return state.lines;
  }

  get metrics() {
    return state.metrics;
  }

  onRequest(request) {
    return this.#call("onRequest", this.#request, asRequest(request), this.#results.action);
  }

  onBackendRequest(request) {
    return this.#call("onBackendRequest", this.#request, asRequest(request), this.#results.action);
  }

  handle(request) {
    return this.#call("handle", this.#request, asRequest(request), this.#results.answered);
  }

  onBackendResponse(response) {
    return this.#call("onBackendResponse", this.#response, asResponse(response), this.#results.nothing);
  }

  onResponse(response) {
    return this.#call("onResponse", this.#response, asResponse(response), this.#results.nothing);
  }

  onRequestBody(chunks) {
    return this.#stream("onRequestBody", chunks);
  }

  onResponseBody(chunks) {
    return this.#stream("onResponseBody", chunks);
  }

  /** The chunks one by one, then the end. */
  #stream(hook, chunks) {
    state.message = {};
    const all = [...chunks, ""].map((chunk, index) => {
      const bytes = asBytes(chunk);
      const result = this.#plugin[hook](bytes, index === chunks.length) ?? bytes;
      return this.#results.checked(result, Uint8Array);
    });
    const body = new Uint8Array(Buffer.concat(all));
    return { chunks: all, body, text: new TextDecoder().decode(body) };
  }

  #call(hook, view, message, checked) {
    state.message = message;
    const answer = checked(this.#plugin[hook](view));
    const { headers } = state.message;
    return { answer: answer && read(answer), message: { ...state.message, headers: asObject(headers) } };
  }
}

function asRequest({ method = "GET", path = "/", query = "", params = {}, headers = {}, body = null } = {}) {
  return { method, path, query, params, headers: asList(headers), body: asBytes(body) };
}

function asResponse({ status = 200, complete = true, headers = {}, body = null, data } = {}) {
  const message = { status, complete, headers: asList(headers), body: asBytes(body) };
  return data === undefined ? message : { ...message, data: structuredClone(data) };
}

const asObject = (headers) => Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));

function read({ status, headers, body }) {
  return { status, headers: asObject(headers), body, text: new TextDecoder().decode(body) };
}

/** Runs a plugin's hooks in Node, for its tests: no gateway and no WebAssembly. */

import { register } from "node:module";

import { state } from "./testing/host.js";

register("./testing/loader.js", import.meta.url);

let loaded = 0;

/** Loads a plugin as one instance of it, and runs its `init`. */
export async function load(url, { config = null, env = {}, http } = {}) {
  Object.assign(state, { config, env, context: new Map(), kv: new Map(), lines: [], metrics: [] });
  state.http = http ?? (() => ({ status: 404 }));
  // Another query makes another instance: Node keeps modules by their URL.
  loaded += 1;
  const plugin = await import(`${new URL(url)}?instance=${loaded}`);
  const { Request, Response } = await import("./plugin.js");
  plugin.init?.(structuredClone(config));
  return new Instance(plugin, new Request(), new Response());
}

class Instance {
  #plugin;
  #request;
  #response;

  constructor(plugin, request, response) {
    this.#plugin = plugin;
    this.#request = request;
    this.#response = response;
  }

  get lines() {
    return state.lines;
  }

  get metrics() {
    return state.metrics;
  }

  onRequest(request) {
    return this.#call("onRequest", this.#request, asRequest(request));
  }

  onBackendRequest(request) {
    return this.#call("onBackendRequest", this.#request, asRequest(request));
  }

  handle(request) {
    return this.#call("handle", this.#request, asRequest(request));
  }

  onBackendResponse(response) {
    return this.#call("onBackendResponse", this.#response, asResponse(response));
  }

  onResponse(response) {
    return this.#call("onResponse", this.#response, asResponse(response));
  }

  #call(hook, view, message) {
    state.message = message;
    const answer = this.#plugin[hook](view) ?? null;
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

const asBytes = (body) => (typeof body === "string" ? new TextEncoder().encode(body) : body);
const asList = (headers) => Object.entries(headers).flatMap(([name, value]) => [value].flat().map((v) => [name, v]));
const asObject = (headers) => Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));

function read({ status, headers, body }) {
  return { status, headers: asObject(headers), body, text: new TextDecoder().decode(body) };
}

/**
 * What a plugin sees of the gateway: requests, responses, answers. Hooks get the same `Request` or `Response` object in
 * every call; it stands for the message that the hook is about, and holds nothing itself.
 */

import exchange from "torana:plugin/exchange";
import { decode, encode, wellFormed } from "./text.js";

/** What requests and responses share. */
class Message {
  get id() {
    return exchange.requestId();
  }

  get clientIp() {
    return exchange.clientIp();
  }

  get route() {
    return exchange.route();
  }

  header(name) {
    return exchange.getHeader(wellFormed(name));
  }

  headerAll(name) {
    return exchange.getHeaderAll(wellFormed(name));
  }

  headerNames() {
    return exchange.headerNames();
  }

  setHeader(name, value) {
    exchange.setHeader(wellFormed(name), wellFormed(value));
  }

  addHeader(name, value) {
    exchange.addHeader(wellFormed(name), wellFormed(value));
  }

  removeHeader(name) {
    exchange.removeHeader(wellFormed(name));
  }

  body() {
    return exchange.body();
  }

  text() {
    const body = this.body();
    return body === null ? null : decode(body);
  }

  setBody(body) {
    exchange.setBody(bytes(body));
  }
}

export class Request extends Message {
  get method() {
    return exchange.method();
  }

  set method(method) {
    exchange.setMethod(wellFormed(method));
  }

  get path() {
    return exchange.path();
  }

  set path(path) {
    exchange.setPath(wellFormed(path));
  }

  get query() {
    return exchange.query();
  }

  set query(query) {
    exchange.setQuery(wellFormed(query));
  }

  param(name) {
    return exchange.param(wellFormed(name));
  }
}

export class Response extends Message {
  get status() {
    return exchange.status();
  }

  set status(status) {
    exchange.setStatus(checkedStatus(status));
  }

  get complete() {
    return exchange.complete();
  }
}

/** An answer that the plugin makes itself. */
export class Answer {
  /** Checked here, where the stack says who made it: beyond this point a wrong type ends the instance. */
  constructor(status, body = "", headers = {}) {
    this.status = checkedStatus(status);
    this.headers = Object.entries(headers).flatMap(([name, value]) =>
      [value].flat().map((value) => [wellFormed(name), wellFormed(value)]),
    );
    this.body = bytes(body);
  }

  static text(status, text, headers = {}) {
    return new Answer(status, text, { "content-type": "text/plain; charset=utf-8", ...headers });
  }

  static json(status, value, headers = {}) {
    const text = JSON.stringify(value);
    return new Answer(status, text, { "content-type": "application/json", ...headers });
  }
}

function checkedStatus(status) {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`${status} is no status from 200 to 599`);
  }
  return status;
}

function bytes(body) {
  return body instanceof Uint8Array ? body : encode(body);
}

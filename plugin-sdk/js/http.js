/** Requests to other services. Needs their origins in the grant `http`. */

import http from "torana:plugin/http";
import { GatewayError, call } from "./failure.js";
import { wholeOrNone } from "./number.js";
import { decode, encode, wellFormed } from "./text.js";

/** The largest `timeoutMs` that the interface has; the gateway itself waits for half a minute at most. */
const LONGEST = 2 ** 32 - 1;

/** What came back. */
class Reply {
  constructor({ status, headers, body }) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  header(name) {
    const wanted = name.toLowerCase();
    return this.headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? null;
  }

  text() {
    return decode(this.body);
  }

  json() {
    return JSON.parse(this.text());
  }
}

export function send(request) {
  return new Reply(call(() => http.send(lowered(request))));
}

export function sendAll(requests) {
  return http.sendAll(requests.map(lowered)).map(({ tag, val }) => (tag === "ok" ? new Reply(val) : new GatewayError(val)));
}

function lowered({ method = "GET", url, headers = {}, body = "", timeoutMs = null }) {
  return {
    method: wellFormed(method),
    url: wellFormed(url),
    headers: Object.entries(headers).map(([name, value]) => [wellFormed(name), wellFormed(value)]),
    body: body instanceof Uint8Array ? body : encode(body),
    timeoutMs: wholeOrNone(timeoutMs, LONGEST),
  };
}

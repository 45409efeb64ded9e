/** Values that outlive requests, shared by all instances. Needs the grant `kv`. */

import kv from "torana:plugin/kv";
import { call } from "./failure.js";
import { whole, wholeOrNone } from "./number.js";
import { encode, wellFormed } from "./text.js";

const bytes = (value) => (value instanceof Uint8Array ? value : encode(value));

export function get(key) {
  return call(() => kv.get(wellFormed(key))) ?? null;
}

export function set(key, value, ttlMs = null) {
  call(() => kv.set(wellFormed(key), bytes(value), wholeOrNone(ttlMs)));
}

export function setIfAbsent(key, value, ttlMs = null) {
  return call(() => kv.setIfAbsent(wellFormed(key), bytes(value), wholeOrNone(ttlMs)));
}

export function remove(key) {
  return call(() => kv.delete(wellFormed(key)));
}

export function add(key, by = 1, ttlMs = null) {
  return call(() => kv.add(wellFormed(key), whole(by, Number.MIN_SAFE_INTEGER), wholeOrNone(ttlMs)));
}

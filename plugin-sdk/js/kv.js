/** Values that outlive requests, shared by all instances. Needs the grant `kv`. */

import kv from "torana:plugin/kv";
import { wellFormed } from "./text.js";

export function get(key) {
  return kv.get(wellFormed(key)) ?? null;
}

export function set(key, value, ttlMs = null) {
  kv.set(wellFormed(key), value, ttlMs);
}

export function setIfAbsent(key, value, ttlMs = null) {
  return kv.setIfAbsent(wellFormed(key), value, ttlMs);
}

export function remove(key) {
  return kv.delete(wellFormed(key));
}

export function add(key, by = 1, ttlMs = null) {
  return kv.add(wellFormed(key), by, ttlMs);
}

/** The decoded data of a response, by JSON Pointer (RFC 6901) and JSONPath (RFC 9535). Response hooks only. */

import data from "torana:plugin/data";
import { wellFormed } from "./text.js";

export function get(pointer) {
  const json = data.get(wellFormed(pointer)) ?? null;
  return json === null ? undefined : JSON.parse(json);
}

export function set(pointer, value) {
  data.set(wellFormed(pointer), JSON.stringify(value));
}

export function remove(pointer) {
  return data.remove(wellFormed(pointer));
}

export function query(path) {
  const matches = data.query(wellFormed(path));
  return matches.map(({ pointer, json }) => ({ pointer, value: JSON.parse(json) }));
}

export function replace(path, value) {
  return data.replace(wellFormed(path), JSON.stringify(value));
}

/** The decoded data of a response, by JSON Pointer (RFC 6901) and JSONPath (RFC 9535). Response hooks only. */

import data from "torana:plugin/data";
import { json, wellFormed } from "./text.js";

export function get(pointer) {
  const text = data.get(wellFormed(pointer)) ?? null;
  return text === null ? undefined : JSON.parse(text);
}

export function set(pointer, value) {
  data.set(wellFormed(pointer), json(value));
}

export function remove(pointer) {
  return data.remove(wellFormed(pointer));
}

export function query(path) {
  const matches = data.query(wellFormed(path));
  return matches.map((match) => ({ pointer: match.pointer, value: JSON.parse(match.json) }));
}

export function replace(path, value) {
  return data.replace(wellFormed(path), json(value));
}

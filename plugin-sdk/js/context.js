/** State that the hooks of one request hand to each other, as JSON. */

import context from "torana:plugin/context";
import { decode, encode, json, wellFormed } from "./text.js";

export function get(key) {
  const value = context.get(wellFormed(key)) ?? null;
  return value === null ? undefined : JSON.parse(decode(value));
}

export function set(key, value) {
  context.set(wellFormed(key), encode(json(value)));
}

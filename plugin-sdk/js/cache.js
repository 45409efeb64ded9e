/** Values that are costly to make: one hook makes the value while all others wait for it. Needs the grant `kv`. */

import cache from "torana:plugin/cache";
import { call } from "./failure.js";
import { wholeOrNone } from "./number.js";
import { encode, wellFormed } from "./text.js";

/** The largest `waitMs` that the interface has; the gateway itself waits for half a minute at most. */
const LONGEST = 2 ** 32 - 1;

export function getOrMake(key, make) {
  const found = claim(key);
  if (found !== null) {
    return found;
  }
  try {
    const { value, ttlMs } = make();
    const made = value instanceof Uint8Array ? value : encode(value);
    keep(key, made, ttlMs);
    return made;
  } catch (error) {
    release(key);
    throw error;
  }
}

export function claim(key, waitMs = null) {
  const { tag, val } = call(() => cache.claim(wellFormed(key), wholeOrNone(waitMs, LONGEST)));
  return tag === "found" ? val : null;
}

export function keep(key, value, ttlMs = null) {
  const bytes = value instanceof Uint8Array ? value : encode(value);
  call(() => cache.keep(wellFormed(key), bytes, wholeOrNone(ttlMs)));
}

export function release(key) {
  cache.release(wellFormed(key));
}

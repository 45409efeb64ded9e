/** Random bytes fit for keys and tokens. */

import random from "torana:plugin/random";
import { whole } from "./number.js";

/** Bytes that the gateway gives at once. */
const MOST = 4096;

export function bytes(length) {
  return random.getBytes(whole(length, 0, MOST));
}

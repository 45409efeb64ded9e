/** Random bytes fit for keys and tokens. */

import random from "torana:plugin/random";

export function bytes(length) {
  return random.getBytes(length);
}

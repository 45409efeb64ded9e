/** Variables of the gateway's environment, as far as `grants.env` names them. */

import config from "torana:plugin/config";
import { wellFormed } from "./text.js";

export function env(name) {
  return config.env(wellFormed(name)) ?? null;
}

/** Metrics of the plugin, beside the gateway's own. Needs the grant `metrics`. */

import metrics from "torana:plugin/metrics";
import { real, whole } from "./number.js";
import { wellFormed } from "./text.js";

const pairs = (labels) => Object.entries(labels).map(([name, value]) => [wellFormed(name), wellFormed(value)]);

export function count(name, by = 1, labels = {}) {
  metrics.count(wellFormed(name), whole(by), pairs(labels));
}

export function gauge(name, value, labels = {}) {
  metrics.gauge(wellFormed(name), real(value), pairs(labels));
}

export function observe(name, value, labels = {}) {
  metrics.observe(wellFormed(name), real(value), pairs(labels));
}

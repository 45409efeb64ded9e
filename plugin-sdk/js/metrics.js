/** Metrics of the plugin, beside the gateway's own. Needs the grant `metrics`. */

import metrics from "torana:plugin/metrics";
import { wellFormed } from "./text.js";

const pairs = (labels) => Object.entries(labels).map(([name, value]) => [wellFormed(name), wellFormed(value)]);

export function count(name, by = 1, labels = {}) {
  metrics.count(wellFormed(name), by, pairs(labels));
}

export function gauge(name, value, labels = {}) {
  metrics.gauge(wellFormed(name), value, pairs(labels));
}

export function observe(name, value, labels = {}) {
  metrics.observe(wellFormed(name), value, pairs(labels));
}

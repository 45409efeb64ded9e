/** What hooks may return: beyond this point a wrong type ends the instance. */

import { Answer } from "./plugin.js";

const described = (value) => (value instanceof Promise ? "a promise, which nobody waits for" : typeof value);

/** The result of a hook that must return something. */
export function checked(result, type) {
  if (result instanceof type) {
    return result;
  }
  throw new TypeError(`the hook must return ${type.name}, not ${described(result)}`);
}

/** What a request hook returns: null if the request goes on. */
export function action(result) {
  return result === undefined || result === null ? null : checked(result, Answer);
}

/** What `handle` returns. */
export const answered = (result) => checked(result, Answer);

/** The result of a response hook, which has none. */
export function nothing(result) {
  if (result instanceof Promise) {
    throw new TypeError("the hook returns a promise, which nobody waits for");
  }
  return null;
}

const NARROWED = ["onRequest", "onBackendRequest", "onBackendResponse", "onResponse"];
/** Hooks that are always called. */
const OTHERS = ["onRequestBody", "onResponseBody", "handle"];

/**
 * What `init` has returned, as the gateway takes it: all hooks without an answer. A name that is none is an error, since
 * a guard whose hook is never called would let everybody pass.
 */
export function wanted(names, plugin) {
  const wants = names ?? NARROWED.filter((hook) => hook in plugin);
  if (!Array.isArray(wants)) {
    throw new TypeError(`\`init\` must return an array with names of hooks, or nothing, not ${described(wants)}`);
  }
  const wrong = wants.find((name) => ![...NARROWED, ...OTHERS].includes(name) || !(name in plugin));
  if (wrong !== undefined) {
    throw new TypeError(`\`init\` returns \`${wrong}\`, which is no hook that the plugin exports`);
  }
  return Object.fromEntries(NARROWED.map((hook) => [hook, wants.includes(hook)]));
}

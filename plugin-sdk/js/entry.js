/**
 * What the component exports: each hook of `../plugin.js` in the shape that the gateway calls. `torana plugin build`
 * exports those that the plugin has.
 */

import clock from "torana:plugin/clock";
import config from "torana:plugin/config";
import random from "torana:plugin/random";

import * as plugin from "../plugin.js";
import { Answer, Request, Response } from "./plugin.js";

// Without these the engine would ask an operating system, which is not there.
const EngineDate = Date;
globalThis.Date = class Date extends EngineDate {
  constructor(...values) {
    if (values.length === 0) {
      super(Number(clock.nowMs()));
    } else {
      super(...values);
    }
  }

  static now() {
    return Number(clock.nowMs());
  }
};
Math.random = () => Math.floor(Number(random.getU64()) / 2 ** 11) / 2 ** 53;
globalThis.performance = { now: () => Number(clock.monotonicNs()) / 1e6 };

const request = new Request();
const response = new Response();
const CONTINUE = { tag: "continue" };

/** What goes to the gateway's log when a hook throws: the error, and the line of the plugin where it happened. */
function described(error) {
  const frames = error instanceof Error ? error.stack.matchAll(/\(?(\/\S+:\d+):\d+\)?/g) : [];
  const place = [...frames].map(([, place]) => place.slice(1)).find((place) => !place.startsWith("sdk/"));
  return new Error(place === undefined ? `${error}` : `${error} (${place})`);
}

/** The result of a hook, if it is one: beyond this point a wrong type ends the instance. */
function checked(result, type) {
  if (result instanceof type) {
    return result;
  }
  const wrong = result instanceof Promise ? "a promise, which nobody waits for" : typeof result;
  throw new TypeError(`the hook must return ${type.name}, not ${wrong}`);
}

function ofRequest(hook) {
  return {
    handle() {
      try {
        const answer = hook(request) ?? null;
        return answer === null ? CONTINUE : { tag: "respond", val: checked(answer, Answer) };
      } catch (error) {
        throw described(error);
      }
    },
  };
}

function ofResponse(hook) {
  return {
    handle() {
      try {
        if (hook(response) instanceof Promise) {
          throw new TypeError("the hook returns a promise, which nobody waits for");
        }
      } catch (error) {
        throw described(error);
      }
    },
  };
}

function ofBody(hook) {
  return {
    chunk(data, last) {
      try {
        return checked(hook(data, last) ?? data, Uint8Array);
      } catch (error) {
        throw described(error);
      }
    },
  };
}

/** Which hooks the plugin wants to be called for: all without an answer of its `init`. */
function wanted(names) {
  const hooks = ["onRequest", "onBackendRequest", "onBackendResponse", "onResponse"];
  return Object.fromEntries(hooks.map((hook) => [hook, names === undefined || names.includes(hook)]));
}

export const init = {
  init() {
    try {
      return wanted(plugin.init(JSON.parse(config.get())));
    } catch (error) {
      throw described(error);
    }
  },
};
export const onRequest = ofRequest(plugin.onRequest);
export const onBackendRequest = ofRequest(plugin.onBackendRequest);
export const onBackendResponse = ofResponse(plugin.onBackendResponse);
export const onResponse = ofResponse(plugin.onResponse);
export const onRequestBody = ofBody(plugin.onRequestBody);
export const onResponseBody = ofBody(plugin.onResponseBody);
export const handle = {
  handle() {
    try {
      return checked(plugin.handle(request), Answer);
    } catch (error) {
      throw described(error);
    }
  },
};

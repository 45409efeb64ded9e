/**
 * What the component exports: each hook of `../plugin.js` in the shape that the gateway calls. `torana plugin build`
 * exports those that the plugin has.
 */

import clock from "torana:plugin/clock";
import config from "torana:plugin/config";
import random from "torana:plugin/random";

import * as plugin from "../plugin.js";
import { action, answered, checked, nothing, wanted } from "./hooks.js";
import { Request, Response } from "./plugin.js";

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

function ofRequest(hook) {
  return {
    handle() {
      try {
        const answer = action(hook(request));
        return answer === null ? CONTINUE : { tag: "respond", val: answer };
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
        nothing(hook(response));
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

export const init = {
  init() {
    try {
      return wanted(plugin.init(JSON.parse(config.get())), plugin);
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
      return answered(plugin.handle(request));
    } catch (error) {
      throw described(error);
    }
  },
};

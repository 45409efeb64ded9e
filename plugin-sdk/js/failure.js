/** Errors of the gateway that have a kind, such as `timeout` or `denied`. */

export class GatewayError extends Error {
  constructor({ tag, val }) {
    super(val == null ? tag : `${tag}: ${val}`);
    this.kind = tag;
  }
}

/** Makes a call, whose error the engine hands over as a payload. */
export function call(work) {
  try {
    return work();
  } catch (error) {
    throw error.payload?.tag === undefined ? error : new GatewayError(error.payload);
  }
}

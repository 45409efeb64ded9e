/** An error of the gateway that has a kind, such as `timeout` or `denied`. */
export declare class GatewayError extends Error {
  /** As in `wit/`: `denied`, `invalid`, `too-many`, `timeout`, `too-large`, `failed`, `quota`, ... */
  readonly kind: string;
}

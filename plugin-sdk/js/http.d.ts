import type { GatewayError } from "./failure.js";

export interface HttpRequest {
  /** `GET` without. */
  method?: string;
  /** Absolute: `https://auth.internal/check?x=1`. */
  url: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  /** Time for the whole exchange; a second without. */
  timeoutMs?: number;
}

export interface Reply {
  status: number;
  headers: [string, string][];
  body: Uint8Array;
  /** The first field with that name. */
  header(name: string): string | null;
  text(): string;
  json(): unknown;
}

/** Sends a request and waits for the answer. Throws a `GatewayError` when there is none. */
export function send(request: HttpRequest): Reply;
/** Sends requests at the same time; answers and errors come in the order of the requests. */
export function sendAll(requests: HttpRequest[]): (Reply | GatewayError)[];

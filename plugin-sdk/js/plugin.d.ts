/** What a plugin sees of the gateway. Functions throw an `Error` for what the gateway refuses. */

/** What requests and responses share. */
declare class Message {
  /** Number of the request in its process, as in the gateway's log. */
  readonly id: number;
  /** Who asks: the peer's address, or what a trusted forwarding header names. */
  readonly clientIp: string;
  /** The endpoint as configured, such as `/users/{id}`; null before routing. */
  readonly route: string | null;
  /** The first field with that name, which is case-insensitive. */
  header(name: string): string | null;
  /** All fields with that name, in order. */
  headerAll(name: string): string[];
  /** Names that occur, each once, in lower case. */
  headerNames(): string[];
  /** Replaces all fields with that name. */
  setHeader(name: string, value: string): void;
  /** Adds a field beside those with that name. */
  addHeader(name: string, value: string): void;
  /** Removes all fields with that name. */
  removeHeader(name: string): void;
  /**
   * The body, if it is there as a whole: always with `limits.body`, otherwise only where the gateway has collected it for
   * itself, as for an endpoint with several backends.
   */
  body(): Uint8Array | null;
  /** The body as text. */
  text(): string | null;
  /** Replaces the body, read or not. */
  setBody(body: Uint8Array | string): void;
}

/** A request, in `onRequest`, `onBackendRequest` and `handle`. */
export class Request extends Message {
  method: string;
  /** As it is on the wire, percent-encoded. Before routing, another one changes the route. */
  path: string;
  /** As it is on the wire, without `?`. */
  query: string;
  /** A path parameter of the endpoint, decoded. */
  param(name: string): string | null;
}

/** An answer, in `onResponse` and `onBackendResponse`. */
export class Response extends Message {
  /** From 200 to 599. */
  status: number;
  /** Every part is there and whole. */
  readonly complete: boolean;
}

type Headers = Record<string, string | string[]>;

/** An answer that the plugin makes itself. */
export class Answer {
  constructor(status: number, body?: Uint8Array | string, headers?: Headers);
  /** An answer of plain text. */
  static text(status: number, text: string, headers?: Headers): Answer;
  /** An answer of JSON. */
  static json(status: number, value: unknown, headers?: Headers): Answer;
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array;
}

/** A hook of requests: an answer takes the place of the backend's, nothing lets the request go on. */
export type RequestHook = (request: Request) => Answer | null | undefined | void;
/** A hook of responses. */
export type ResponseHook = (response: Response) => void;
/** A chunk of a body as it streams past: nothing keeps it, an empty array drops it. */
export type BodyHook = (chunk: Uint8Array, last: boolean) => Uint8Array | null | undefined | void;
/** Called once in every new instance. May give the names of the hooks that this configuration needs. */
export type Init<Config> = (config: Config) => string[] | void;

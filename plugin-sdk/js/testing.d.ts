interface TestRequest {
  method?: string;
  path?: string;
  query?: string;
  params?: Record<string, string>;
  headers?: Record<string, string | string[]>;
  body?: Uint8Array | string | null;
}

interface TestResponse {
  status?: number;
  complete?: boolean;
  headers?: Record<string, string | string[]>;
  body?: Uint8Array | string | null;
  /** Decoded data, for `sdk/data.js`. */
  data?: unknown;
}

interface Outcome<Message> {
  /** What the hook answered, if it did. Names of headers are in lower case. */
  answer: { status: number; headers: Record<string, string>; body: Uint8Array; text: string } | null;
  /** The message as it is after the hook. */
  message: Message & { headers: Record<string, string> };
}

interface Streamed {
  /** What goes on, chunk by chunk; the last one stands for the end of the body. */
  chunks: Uint8Array[];
  /** All of it. */
  body: Uint8Array;
  text: string;
}

interface Options {
  config?: unknown;
  env?: Record<string, string>;
  /**
   * Answers requests that the plugin sends; without it they are denied. What it throws with a `kind`, such as
   * `Object.assign(new Error(), { kind: "timeout" })`, comes to the plugin as an error of that kind.
   */
  http?: (request: { method: string; url: string }) => {
    status: number;
    headers?: Record<string, string | string[]>;
    body?: Uint8Array | string;
  };
}

/** A plugin that is loaded as one instance of it. */
interface Plugin {
  /** What it has logged. */
  readonly lines: { level: string; message: string }[];
  /** What it has measured. */
  readonly metrics: { kind: string; name: string; value: number; labels: [string, string][] }[];
  onRequest(request?: TestRequest): Outcome<TestRequest>;
  onBackendRequest(request?: TestRequest): Outcome<TestRequest>;
  handle(request?: TestRequest): Outcome<TestRequest>;
  onBackendResponse(response?: TestResponse): Outcome<TestResponse>;
  onResponse(response?: TestResponse): Outcome<TestResponse>;
  /** Hands chunks of a body to the hook, and then its end. */
  onRequestBody(chunks: (Uint8Array | string)[]): Streamed;
  onResponseBody(chunks: (Uint8Array | string)[]): Streamed;
}

/** Loads a plugin as a new instance of it, and runs its `init`. */
export function load(url: URL | string, options?: Options): Promise<Plugin>;

/** What an earlier hook of this request has set. */
export function get(key: string): unknown;
/** Keeps a value for later hooks of this request: at most 64 keys, 64 KiB for all. */
export function set(key: string, value: unknown): void;

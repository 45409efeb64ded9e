/** The value of a key. */
export function get(key: string): Uint8Array | null;
/** Keeps a value, for `ttlMs` milliseconds or for ever. */
export function set(key: string, value: Uint8Array | string, ttlMs?: number | null): void;
/** Keeps a value only if there is none; says whether it did. */
export function setIfAbsent(key: string, value: Uint8Array | string, ttlMs?: number | null): boolean;
/** Says whether there was one. */
export function remove(key: string): boolean;
/** Adds to a counter, which begins at zero, and gives the sum. */
export function add(key: string, by?: number, ttlMs?: number | null): number;

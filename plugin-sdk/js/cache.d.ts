/**
 * The value of a key. If there is none, `make` gives it, while all others wait for up to a second; if it throws, the next of
 * them makes the value.
 */
export function getOrMake(key: string, make: () => { value: Uint8Array | string; ttlMs?: number | null }): Uint8Array;
/**
 * The value of a key. `null`: there is none, and this hook is the one that makes it, until it calls `keep` or `release`, or
 * is over. Waits while another hook has the claim, for a second without `waitMs`.
 */
export function claim(key: string, waitMs?: number | null): Uint8Array | null;
/** Keeps a value as `kv.set` does and ends the claim: all that wait get the value. It also ends with an error. */
export function keep(key: string, value: Uint8Array | string, ttlMs?: number | null): void;
/** Gives the claim up: the next one that waits gets it. */
export function release(key: string): void;

/** At most 4,096 random bytes, fit for keys and tokens. */
export function bytes(length: number): Uint8Array;

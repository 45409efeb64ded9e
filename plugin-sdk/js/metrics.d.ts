type Labels = Record<string, string>;
/** Adds to a counter. */
export function count(name: string, by?: number, labels?: Labels): void;
/** Sets a gauge. */
export function gauge(name: string, value: number, labels?: Labels): void;
/** Puts a value into a histogram. */
export function observe(name: string, value: number, labels?: Labels): void;

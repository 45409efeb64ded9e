/** The value there; undefined if there is no such place, or no decoded data. */
export function get(pointer: string): unknown;
/** Puts a value there. The parent must exist; `-` appends to an array. */
export function set(pointer: string, value: unknown): void;
/** Removes the value there; says whether there was one. */
export function remove(pointer: string): boolean;
/** The values that a JSONPath finds, in the order of the document. */
export function query(path: string): { pointer: string; value: unknown }[];
/** Puts the same value at every place that a JSONPath finds; says how many there were. */
export function replace(path: string, value: unknown): number;

/** Numbers that the gateway can take: anything else would end the instance, with no word about why, or be cut. */

/** A whole number, such as a time to live. Above `highest` the language has no exact ones. */
export function whole(number, lowest = 0, highest = Number.MAX_SAFE_INTEGER) {
  if (!Number.isInteger(number) || number < lowest || number > highest) {
    throw new RangeError(`${shown(number)} is no whole number from ${lowest} to ${highest}`);
  }
  return number;
}

/** As `whole`, or nothing. */
export function wholeOrNone(number, highest) {
  return number === null || number === undefined ? null : whole(number, 0, highest);
}

/** Any number. */
export function real(number) {
  if (typeof number !== "number") {
    throw new TypeError(`a number is needed, not ${shown(number)}`);
  }
  return number;
}

const shown = (value) => (typeof value === "number" ? `${value}` : value === null ? "null" : typeof value);

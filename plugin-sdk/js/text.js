/**
 * UTF-8. The engine that plugins run in has no `TextEncoder`; there everything that goes by the byte is done by
 * built-ins, as loops are slow. The plugin's tests run in Node, which has one.
 */

export const encode =
  typeof TextEncoder === "undefined"
    ? (text) => Uint8Array.fromBase64(btoa(unescape(encodeURIComponent(wellFormed(text)))))
    : (text) => new TextEncoder().encode(wellFormed(text));

/** Bytes that are not UTF-8 are an error. */
export function decode(bytes) {
  try {
    return typeof TextDecoder === "undefined"
      ? decodeURIComponent(escape(atob(bytes.toBase64())))
      : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new TypeError("the bytes are not UTF-8");
  }
}

/** A text that the gateway can take: anything else would end the instance, with no word about why. */
export function wellFormed(text) {
  if (typeof text !== "string") {
    throw new TypeError(`a text is needed, not ${text === null ? "null" : typeof text}`);
  }
  if (!text.isWellFormed()) {
    throw new TypeError("the text has half of a surrogate pair");
  }
  return text;
}

/** A value as JSON. What JSON does not have, such as a function, would end the instance. */
export function json(value) {
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(`${typeof value} is no value of JSON`);
  }
  return text;
}

/** Node's part of the test double: what the gateway offers as `torana:plugin/…` comes from `host.js`. */

const PREFIX = "torana:plugin/";
const HOST = new URL("./host.js", import.meta.url).href;

export async function resolve(specifier, context, next) {
  return specifier.startsWith(PREFIX) ? { url: specifier, shortCircuit: true } : next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.startsWith(PREFIX)) {
    return next(url, context);
  }
  const name = url.slice(PREFIX.length);
  const source = `import { offer } from ${JSON.stringify(HOST)}; export default offer(${JSON.stringify(name)});`;
  return { format: "module", source, shortCircuit: true };
}

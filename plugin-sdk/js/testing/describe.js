/** Tells `torana plugin build` what a plugin exports and which interfaces it imports, as one line of JSON. */

import { register } from "node:module";

import { used } from "./host.js";

register("./loader.js", import.meta.url);
const plugin = await import("../../plugin.js");
console.log(JSON.stringify({ exports: Object.keys(plugin), imports: [...used] }));

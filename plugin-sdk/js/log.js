/** Lines in the gateway's log. Needs the grant `log`. */

import log from "torana:plugin/log";

const line = (level) => (message) => log.write(level, `${message}`.toWellFormed());

export const trace = line("trace");
export const debug = line("debug");
export const info = line("info");
export const warn = line("warn");
export const error = line("error");

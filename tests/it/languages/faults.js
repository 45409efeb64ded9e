
import * as context from "./sdk/context.js";
import { env } from "./sdk/config.js";
import * as http from "./sdk/http.js";
import * as log from "./sdk/log.js";

// What a plugin may do wrong, one at a time.
export function onBackendRequest(request) {
  switch (request.header("x-fault")) {
    case "throw":
      throw new Error("boom");
    case "name":
      request.setHeader("bad name", "1");
      break;
    case "text":
      request.setHeader("x-text", "\ud800");
      break;
    case "status":
      return Answer.text(99, "no status");
    case "type":
      return "no answer";
    case "caught":
      try {
        request.setHeader("content-length", "1");
      } catch (error) {
        request.setHeader("x-caught", error.message);
      }
      break;
    case "time":
      return Answer.json(200, { year: new Date().getFullYear(), random: Math.random() });
    case "interfaces": {
      const reply = http.send({ url: request.header("x-url"), headers: { "x-from": "plugin" } });
      const [, refused] = http.sendAll([{ url: request.header("x-url") }, { url: "http://192.0.2.1/" }]);
      context.set("seen", { status: reply.status, ...reply.json() });
      log.info(`seen by ${request.id}`);
      let denied;
      try {
        http.send({ url: "http://192.0.2.1/" });
      } catch (error) {
        denied = error.message;
      }
      return Answer.json(200, { ...context.get("seen"), denied, refused: refused.message, env: env("NO") });
    }
  }
}

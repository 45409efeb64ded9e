
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
  }
}

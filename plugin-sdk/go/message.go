package torana

import "torana/internal/abi"

// Message is what requests and responses have in common. It holds nothing: each method asks the gateway.
type Message struct{}

// Header gives the first header field with that name.
func (Message) Header(name string) (string, bool) { return abi.GetHeader(name) }

// Headers gives all header fields with that name, in order.
func (Message) Headers(name string) []string { return abi.GetHeaderAll(name) }

// HeaderNames gives the names of header fields that occur, each once, in lower case.
func (Message) HeaderNames() []string { return abi.HeaderNames() }

// SetHeader replaces all header fields with that name. Names and values that are not valid in HTTP are refused, and so
// are fields about the connection and framing.
func (Message) SetHeader(name, value string) error { return abi.SetHeader(name, value) }

// AddHeader adds a header field beside those with that name. It refuses what SetHeader refuses.
func (Message) AddHeader(name, value string) error { return abi.AddHeader(name, value) }

// RemoveHeader removes all header fields with that name. It refuses what SetHeader refuses.
func (Message) RemoveHeader(name string) error { return abi.RemoveHeader(name) }

// Body gives the body, if it is there as a whole: always when the plugin's `limits.body` is configured, otherwise where
// the gateway has collected it for itself, as for an endpoint with several backends; none for a body that streams, and
// for a response that is decoded data.
func (Message) Body() ([]byte, bool) { return abi.Body() }

// SetBody replaces the body, read or not. It is refused for a response that is decoded data.
func (Message) SetBody(body []byte) error { return abi.SetBody(body) }

// Request is the request that the running hook is about.
type Request struct{ Message }

// Method gives the method.
func (Request) Method() string { return abi.Method() }

// SetMethod replaces the method.
func (Request) SetMethod(method string) error { return abi.SetMethod(method) }

// Path gives the path as it is on the wire, percent-encoded, with its leading slash.
func (Request) Path() string { return abi.Path() }

// SetPath replaces the path, without query and fragment. Before routing this changes the route.
func (Request) SetPath(path string) error { return abi.SetPath(path) }

// Query gives the query as it is on the wire, without `?`.
func (Request) Query() string { return abi.Query() }

// SetQuery replaces the query.
func (Request) SetQuery(query string) error { return abi.SetQuery(query) }

// Param gives a path parameter of the endpoint, decoded.
func (Request) Param(name string) (string, bool) { return abi.Param(name) }

// Response is the response that the running hook is about.
type Response struct{ Message }

// Status gives the status.
func (Response) Status() int { return abi.Status() }

// SetStatus replaces the status: from 200 to 599.
func (Response) SetStatus(status int) error { return abi.SetStatus(status) }

// Complete says whether every part is there and whole.
func (Response) Complete() bool { return abi.Complete() }

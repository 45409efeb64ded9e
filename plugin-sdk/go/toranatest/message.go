package toranatest

import (
	"slices"
	"strconv"
	"strings"

	"torana"
)

// Request is a request for a hook, and afterwards what the hook has made of it.
type Request struct {
	Method, Path, Query string
	Header              []torana.Field
	// Body is nil for one that streams past.
	Body []byte
	// Params are the path parameters of the endpoint.
	Params map[string]string
}

// NewRequest makes a request without a body. The target is a path, with a query if there is a `?`.
func NewRequest(method, target string) *Request {
	path, query, _ := strings.Cut(target, "?")
	return &Request{Method: method, Path: path, Query: query, Body: []byte{}}
}

// With adds a header field.
func (r *Request) With(name, value string) *Request {
	r.Header = append(r.Header, torana.Field{Name: name, Value: value})
	return r
}

// Get gives all header fields with that name.
func (r *Request) Get(name string) []string { return values(r.Header, name) }

// Response is a response for a hook, and afterwards what the hook has made of it.
type Response struct {
	Status int
	Header []torana.Field
	// Body is nil for one that streams past.
	Body []byte
	// Data is the decoded data as JSON text; a response with data has no body.
	Data string
	// Partial is true if parts are missing.
	Partial bool
}

// NewResponse makes a response with a body.
func NewResponse(status int, body string) *Response {
	return &Response{Status: status, Body: []byte(body)}
}

// NewData makes a response of decoded data, an object as JSON text.
func NewData(json string) *Response { return &Response{Status: 200, Data: json} }

// With adds a header field.
func (r *Response) With(name, value string) *Response {
	r.Header = append(r.Header, torana.Field{Name: name, Value: value})
	return r
}

// Get gives all header fields with that name.
func (r *Response) Get(name string) []string { return values(r.Header, name) }

func values(header []torana.Field, name string) []string {
	var found []string
	for _, field := range header {
		if strings.EqualFold(field.Name, name) {
			found = append(found, field.Value)
		}
	}
	return found
}

// framing has the fields about the connection and framing, which are the gateway's.
var framing = []string{
	"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade",
	"content-length", "host",
}

// refuse says why a field cannot be set; empty if it can.
func refuse(name, value string) string {
	switch {
	case !isToken(name):
		return "`" + name + "` is not a header name"
	case slices.Contains(framing, strings.ToLower(name)):
		return "`" + name + "` cannot be edited"
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "the value of `" + name + "` is not valid"
	}
	return ""
}

// refuseAnswer says why the gateway would fail the request instead of answering so; empty if it answers.
func refuseAnswer(answer *torana.Answer) string {
	if reason := refuseStatus(answer.Status); reason != "" {
		return reason
	}
	for _, field := range answer.Header {
		if reason := refuse(field.Name, field.Value); reason != "" {
			return reason
		}
	}
	return ""
}

func refuseStatus(status int) string {
	if status < 200 || status > 599 {
		return strconv.Itoa(status) + " is not a status between 200 and 599"
	}
	return ""
}

// isURI says whether a text may stand in a path or query as it is; the rest is percent-encoded.
func isURI(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`#<>\`, r)
	})
}

// isToken says whether a text is a token of RFC 9110, section 5.6.2.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

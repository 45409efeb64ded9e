package torana

import (
	"errors"
	"strings"
	"time"

	"torana/internal/abi"
)

// HTTP sends requests to other services, through the gateway's own client. It needs the origin in the grant `http`.
// Waiting does not count to the plugin's time limit and holds up nobody else.
var HTTP client

type client struct{}

// HTTPRequest is a request to another service.
type HTTPRequest struct {
	// Method is GET when it is empty.
	Method string
	// URL is absolute: `https://auth.internal/check?x=1`.
	URL string
	// Header has the fields, in order. Framing fields are the gateway's and refused.
	Header []Field
	Body   []byte
	// Timeout is the time for the whole exchange, at most 30 seconds and one second without; counted in milliseconds.
	Timeout time.Duration
}

// HTTPResponse is the answer of another service.
type HTTPResponse struct {
	Status int
	Header []Field
	Body   []byte
}

// Get gives the first header field with that name.
func (r *HTTPResponse) Get(name string) (string, bool) {
	for _, field := range r.Header {
		if strings.EqualFold(field.Name, name) {
			return field.Value, true
		}
	}
	return "", false
}

// HTTPResult is what came of one of several requests: a response or an error.
type HTTPResult struct {
	Response *HTTPResponse
	Err      error
}

// Why there is no answer of another service. Errors of [HTTP] wrap one of these.
var (
	ErrDenied       = errors.New("the URL's origin is not granted")
	ErrInvalid      = errors.New("the request is not valid")
	ErrTooManyCalls = errors.New("the plugin's number of calls for one hook is used up")
	ErrTimeout      = errors.New("it did not come in time")
	ErrTooLarge     = errors.New("it is larger than the plugin's limit")
	ErrFailed       = errors.New("there was no answer")
)

// Send sends a request and waits for the answer. Redirects are not followed.
func (client) Send(request *HTTPRequest) (*HTTPResponse, error) {
	raw := request.raw()
	result := abi.HTTPSend(&raw)
	return response(&result)
}

// SendAll sends requests at the same time and waits for all answers, which come in the order of the requests.
func (client) SendAll(requests []HTTPRequest) []HTTPResult {
	raw := make([]abi.HTTPRequest, len(requests))
	for i := range requests {
		raw[i] = requests[i].raw()
	}
	results := abi.HTTPSendAll(raw)
	all := make([]HTTPResult, len(results))
	for i := range results {
		all[i].Response, all[i].Err = response(&results[i])
	}
	return all
}

func (r *HTTPRequest) raw() abi.HTTPRequest {
	method := r.Method
	if method == "" {
		method = "GET"
	}
	// Rounded up: a short time is not none.
	timeout := max(0, (r.Timeout+time.Millisecond-1)/time.Millisecond)
	return abi.HTTPRequest{
		Method: method, URL: r.URL, Header: r.Header, Body: r.Body,
		TimeoutMS: uint32(min(timeout, 1<<32-1)),
	}
}

func response(result *abi.HTTPResult) (*HTTPResponse, error) {
	switch result.Failure {
	case abi.HTTPOk:
		return &HTTPResponse{result.Status, result.Header, result.Body}, nil
	case abi.HTTPDenied:
		return nil, because(ErrDenied, result.Reason)
	case abi.HTTPInvalid:
		return nil, because(ErrInvalid, result.Reason)
	case abi.HTTPTooMany:
		return nil, ErrTooManyCalls
	case abi.HTTPTimeout:
		return nil, ErrTimeout
	case abi.HTTPTooLarge:
		return nil, ErrTooLarge
	default:
		return nil, because(ErrFailed, result.Reason)
	}
}

// reasoned is a known error with what the gateway says about this case.
type reasoned struct {
	kind   error
	reason string
}

func because(kind error, reason string) error { return &reasoned{kind, reason} }

func (e *reasoned) Error() string { return e.kind.Error() + ": " + e.reason }

func (e *reasoned) Unwrap() error { return e.kind }

// Package abi is the line between a plugin and its gateway: one function for each function that the gateway offers.
//
// In a component the functions speak the canonical ABI of the component model, by hand and for the interfaces of wit/
// only. Elsewhere they ask the [Host] that a test has installed.
package abi

// Match is a value that a JSONPath has found.
type Match struct {
	// Pointer is the value's place as a JSON Pointer.
	Pointer string
	// JSON is the value as JSON text.
	JSON string
}

// Field is a header field.
type Field struct {
	Name, Value string
}

// Answer is a response that a plugin makes itself.
type Answer struct {
	Status int
	Header []Field
	Body   []byte
}

// HTTPRequest is a request to another service.
type HTTPRequest struct {
	Method, URL string
	Header      []Field
	Body        []byte
	// TimeoutMS is the time for the whole exchange in milliseconds; 0 leaves it to the gateway.
	TimeoutMS uint32
}

// HTTPResult is what came of a request to another service.
type HTTPResult struct {
	Status int
	Header []Field
	Body   []byte
	// Failure says whether there is an answer at all, and why not.
	Failure HTTPFailure
	// Reason is said for some failures.
	Reason string
}

// HTTPFailure is why there is no answer of another service.
type HTTPFailure uint8

// The failures. The numbers are those of the variant in wit/http.wit plus one.
const (
	HTTPOk HTTPFailure = iota
	HTTPDenied
	HTTPInvalid
	HTTPTooMany
	HTTPTimeout
	HTTPTooLarge
	HTTPFailed
)

// KVFailure is why the store has not done what it was asked for.
type KVFailure uint8

// The failures. The numbers are those of the variant in wit/kv.wit plus one.
const (
	KVOk KVFailure = iota
	KVTooLarge
	KVQuota
	KVNotACounter
	KVUnavailable
)

// CacheFailure is why there is neither a value nor a claim.
type CacheFailure uint8

// The failures. The numbers are those of the variant in wit/cache.wit plus one.
const (
	CacheOk CacheFailure = iota
	CacheTooLarge
	CacheQuota
	CacheTooMany
	CacheTimeout
	CacheUnavailable
)

// Refused is why the gateway has refused an edit.
type Refused string

func (r Refused) Error() string { return string(r) }

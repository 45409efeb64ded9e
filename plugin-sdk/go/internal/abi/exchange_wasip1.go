package abi

import "unsafe"

//go:wasmimport torana:plugin/exchange@0.1.1 request-id
func requestID() uint64

//go:wasmimport torana:plugin/exchange@0.1.1 client-ip
//go:noescape
func clientIP(result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 route
//go:noescape
func route(result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 method
//go:noescape
func method(result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 set-method
//go:noescape
func setMethod(method string, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 path
//go:noescape
func path(result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 set-path
//go:noescape
func setPath(path string, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 query
//go:noescape
func query(result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 set-query
//go:noescape
func setQuery(query string, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 param
//go:noescape
func param(name string, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 get-header
//go:noescape
func getHeader(name string, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 get-header-all
//go:noescape
func getHeaderAll(name string, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 header-names
//go:noescape
func headerNames(result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 set-header
//go:noescape
func setHeader(name, value string, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 add-header
//go:noescape
func addHeader(name, value string, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 remove-header
//go:noescape
func removeHeader(name string, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 body
//go:noescape
func body(result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 set-body
//go:noescape
func setBody(body unsafe.Pointer, length uint32, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 status
func status() uint32

//go:wasmimport torana:plugin/exchange@0.1.1 set-status
//go:noescape
func setStatus(status uint32, result unsafe.Pointer)

//go:wasmimport torana:plugin/exchange@0.1.1 complete
func complete() uint32

// RequestID is exchange.request-id.
func RequestID() uint64 { return requestID() }

// ClientIP is exchange.client-ip.
func ClientIP() string {
	clientIP(into())
	w := words()
	return text(w[0], w[1])
}

// Route is exchange.route.
func Route() (string, bool) {
	route(into())
	return optional()
}

// Method is exchange.method.
func Method() string {
	method(into())
	w := words()
	return text(w[0], w[1])
}

// SetMethod is exchange.set-method.
func SetMethod(method string) error {
	setMethod(method, into())
	return refused()
}

// Path is exchange.path.
func Path() string {
	path(into())
	w := words()
	return text(w[0], w[1])
}

// SetPath is exchange.set-path.
func SetPath(path string) error {
	setPath(path, into())
	return refused()
}

// Query is exchange.query.
func Query() string {
	query(into())
	w := words()
	return text(w[0], w[1])
}

// SetQuery is exchange.set-query.
func SetQuery(query string) error {
	setQuery(query, into())
	return refused()
}

// Param is exchange.param.
func Param(name string) (string, bool) {
	param(name, into())
	return optional()
}

// GetHeader is exchange.get-header.
func GetHeader(name string) (string, bool) {
	getHeader(name, into())
	return optional()
}

// GetHeaderAll is exchange.get-header-all.
func GetHeaderAll(name string) []string {
	getHeaderAll(name, into())
	return texts()
}

// HeaderNames is exchange.header-names.
func HeaderNames() []string {
	headerNames(into())
	return texts()
}

func texts() []string {
	w := words()
	all := make([]string, w[1])
	for i := range all {
		r := record(w[0], i, 2)
		all[i] = text(r[0], r[1])
	}
	return all
}

// SetHeader is exchange.set-header.
func SetHeader(name, value string) error {
	setHeader(name, value, into())
	return refused()
}

// AddHeader is exchange.add-header.
func AddHeader(name, value string) error {
	addHeader(name, value, into())
	return refused()
}

// RemoveHeader is exchange.remove-header.
func RemoveHeader(name string) error {
	removeHeader(name, into())
	return refused()
}

// Body is exchange.body.
func Body() ([]byte, bool) {
	body(into())
	w := words()
	if w[0]&0xff == 0 {
		return nil, false
	}
	return bytes(w[1], w[2]), true
}

// SetBody is exchange.set-body.
func SetBody(body []byte) error {
	setBody(data(body), uint32(len(body)), into())
	return refused()
}

// Status is exchange.status.
func Status() int { return int(status()) }

// SetStatus is exchange.set-status. A status that the ABI has no room for is refused as the gateway would.
func SetStatus(code int) error {
	if code < 0 || code > 0xffff {
		return Refused("the status is not between 200 and 599")
	}
	setStatus(uint32(code), into())
	return refused()
}

// Complete is exchange.complete.
func Complete() bool { return complete() != 0 }

package abi

import (
	"runtime"
	"unsafe"
)

//go:wasmimport torana:plugin/http@0.1.1 send
//go:noescape
func httpSend(method, url string, header unsafe.Pointer, fields uint32, body unsafe.Pointer, length uint32,
	limited bool, timeout uint32, result unsafe.Pointer)

//go:wasmimport torana:plugin/http@0.1.1 send-all
//go:noescape
func httpSendAll(requests unsafe.Pointer, length uint32, result unsafe.Pointer)

// HTTPSend is http.send.
func HTTPSend(r *HTTPRequest) HTTPResult {
	header := flatten(r.Header)
	httpSend(r.Method, r.URL, header.pointer(), uint32(len(header)), data(r.Body), uint32(len(r.Body)),
		r.TimeoutMS != 0, r.TimeoutMS, into())
	return httpResult(words()[:6])
}

// HTTPSendAll is http.send-all.
func HTTPSendAll(requests []HTTPRequest) []HTTPResult {
	if len(requests) == 0 {
		return nil
	}
	records := make([][10]uint32, len(requests))
	headers := make([]flat, len(requests))
	for i := range requests {
		r := &requests[i]
		headers[i] = flatten(r.Header)
		records[i] = [10]uint32{
			address(r.Method), uint32(len(r.Method)),
			address(r.URL), uint32(len(r.URL)),
			uint32(uintptr(headers[i].pointer())), uint32(len(headers[i])),
			uint32(uintptr(data(r.Body))), uint32(len(r.Body)),
			0, r.TimeoutMS,
		}
		if r.TimeoutMS != 0 {
			records[i][8] = 1
		}
	}
	httpSendAll(unsafe.Pointer(unsafe.SliceData(records)), uint32(len(records)), into())
	// The numbers above do not keep what they point to.
	runtime.KeepAlive(requests)
	runtime.KeepAlive(headers)
	w := words()
	results := make([]HTTPResult, w[1])
	for i := range results {
		results[i] = httpResult(record(w[0], i, 6))
	}
	return results
}

// httpResult reads a result<response, error>, which has six words.
func httpResult(w []uint32) HTTPResult {
	if w[0]&0xff == 0 {
		return HTTPResult{Status: int(w[1] & 0xffff), Header: fields(w[2], w[3]), Body: bytes(w[4], w[5])}
	}
	result := HTTPResult{Failure: HTTPFailure(w[1]&0xff) + 1}
	switch result.Failure {
	case HTTPDenied, HTTPInvalid, HTTPFailed:
		result.Reason = text(w[2], w[3])
	}
	return result
}

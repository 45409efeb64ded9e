package torana

import (
	"errors"
	"unsafe"

	"torana/internal/abi"
)

// All hooks are functions of the module. The component exports those that the plugin has: `torana plugin build` asks
// Register, in a build for its own machine, which these are.

// The plugin as each of its hooks: found once, as that takes longer than a small hook.
var as struct {
	onRequest         RequestHook
	onBackendRequest  BackendRequestHook
	onBackendResponse BackendResponseHook
	onResponse        ResponseHook
	onRequestBody     RequestBodyHook
	onResponseBody    ResponseBodyHook
	handle            Handler
}

func check(plugin any) {
	as.onRequest, _ = plugin.(RequestHook)
	as.onBackendRequest, _ = plugin.(BackendRequestHook)
	as.onBackendResponse, _ = plugin.(BackendResponseHook)
	as.onResponse, _ = plugin.(ResponseHook)
	as.onRequestBody, _ = plugin.(RequestBodyHook)
	as.onResponseBody, _ = plugin.(ResponseBodyHook)
	as.handle, _ = plugin.(Handler)
}

//go:wasmexport torana:plugin/init@0.1.1#init
func exportInit() unsafe.Pointer {
	hooks, err := start(registered, CurrentConfig)
	if err != nil {
		return abi.ReturnError(err)
	}
	return abi.ReturnFlags(uint8(hooks))
}

//go:wasmexport torana:plugin/on-request@0.1.1#handle
func exportOnRequest() unsafe.Pointer {
	return action(as.onRequest.OnRequest(&Request{}))
}

//go:wasmexport torana:plugin/on-backend-request@0.1.1#handle
func exportOnBackendRequest() unsafe.Pointer {
	return action(as.onBackendRequest.OnBackendRequest(&Request{}))
}

//go:wasmexport torana:plugin/on-backend-response@0.1.1#handle
func exportOnBackendResponse() unsafe.Pointer {
	return nothing(as.onBackendResponse.OnBackendResponse(&Response{}))
}

//go:wasmexport torana:plugin/on-response@0.1.1#handle
func exportOnResponse() unsafe.Pointer {
	return nothing(as.onResponse.OnResponse(&Response{}))
}

//go:wasmexport torana:plugin/on-request-body@0.1.1#chunk
func exportOnRequestBody(data unsafe.Pointer, length uint32, last bool) unsafe.Pointer {
	return chunk(as.onRequestBody.OnRequestBody(abi.Chunk(data, length), last))
}

//go:wasmexport torana:plugin/on-response-body@0.1.1#chunk
func exportOnResponseBody(data unsafe.Pointer, length uint32, last bool) unsafe.Pointer {
	return chunk(as.onResponseBody.OnResponseBody(abi.Chunk(data, length), last))
}

//go:wasmexport torana:plugin/handle@0.1.1#handle
func exportHandle() unsafe.Pointer {
	answer, err := as.handle.Handle(&Request{})
	switch {
	case err != nil:
		return abi.ReturnError(err)
	case answer == nil:
		return abi.ReturnError(errors.New("Handle gave no answer"))
	}
	return abi.ReturnAnswer((*abi.Answer)(answer))
}

func action(answer *Answer, err error) unsafe.Pointer {
	if err != nil {
		return abi.ReturnError(err)
	}
	return abi.ReturnAction((*abi.Answer)(answer))
}

func nothing(err error) unsafe.Pointer {
	if err != nil {
		return abi.ReturnError(err)
	}
	return abi.ReturnNothing()
}

func chunk(data []byte, err error) unsafe.Pointer {
	if err != nil {
		return abi.ReturnError(err)
	}
	return abi.ReturnBytes(data)
}

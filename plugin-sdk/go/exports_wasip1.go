package torana

import (
	"errors"
	"unsafe"

	"torana/internal/abi"
)

// All hooks are functions of the module. The component exports those that the plugin has: `torana plugin build` asks
// Register, in a build for its own machine, which these are.

func check(any) {}

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
	return action(registered.(RequestHook).OnRequest(&Request{}))
}

//go:wasmexport torana:plugin/on-backend-request@0.1.1#handle
func exportOnBackendRequest() unsafe.Pointer {
	return action(registered.(BackendRequestHook).OnBackendRequest(&Request{}))
}

//go:wasmexport torana:plugin/on-backend-response@0.1.1#handle
func exportOnBackendResponse() unsafe.Pointer {
	return nothing(registered.(BackendResponseHook).OnBackendResponse(&Response{}))
}

//go:wasmexport torana:plugin/on-response@0.1.1#handle
func exportOnResponse() unsafe.Pointer {
	return nothing(registered.(ResponseHook).OnResponse(&Response{}))
}

//go:wasmexport torana:plugin/on-request-body@0.1.1#chunk
func exportOnRequestBody(data unsafe.Pointer, length uint32, last bool) unsafe.Pointer {
	return chunk(registered.(RequestBodyHook).OnRequestBody(abi.Chunk(data, length), last))
}

//go:wasmexport torana:plugin/on-response-body@0.1.1#chunk
func exportOnResponseBody(data unsafe.Pointer, length uint32, last bool) unsafe.Pointer {
	return chunk(registered.(ResponseBodyHook).OnResponseBody(abi.Chunk(data, length), last))
}

//go:wasmexport torana:plugin/handle@0.1.1#handle
func exportHandle() unsafe.Pointer {
	answer, err := registered.(Handler).Handle(&Request{})
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

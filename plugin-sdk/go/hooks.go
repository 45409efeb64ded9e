package torana

import "errors"

// Configured plugins read their configuration before any hook is called, and when it is loaded or checked. An error
// refuses the configuration.
type Configured interface {
	Configure(Config) error
}

// Choosing plugins say which of their hooks the configuration needs; the others are not called at all. Asked after
// Configure.
type Choosing interface {
	Hooks() Hooks
}

// Hooks is a set of hooks. Body hooks and Handle are not among them: they are called if they are there.
type Hooks uint8

// The hooks of [Hooks].
const (
	OnRequest Hooks = 1 << iota
	OnBackendRequest
	OnBackendResponse
	OnResponse
	// AllHooks are all of them.
	AllHooks = OnRequest | OnBackendRequest | OnBackendResponse | OnResponse
)

// RequestHook sees a client's request: at service level before it is routed, at endpoint level before the endpoint's
// header and query filters. An answer is given without asking any backend; with nil the request goes on, with the edits
// made. An error fails the request as `on_error` says.
type RequestHook interface {
	OnRequest(*Request) (*Answer, error)
}

// BackendRequestHook sees a request that is about to be sent to a backend. An answer takes the place of the backend's.
type BackendRequestHook interface {
	OnBackendRequest(*Request) (*Answer, error)
}

// BackendResponseHook sees a backend's answer: decoded data, or status, headers and body where the backend's encoding is
// `no-op`.
type BackendResponseHook interface {
	OnBackendResponse(*Response) error
}

// ResponseHook sees the answer to the client: at endpoint level merged data (or the body, with `no-op`), at service
// level the last look before it is written.
type ResponseHook interface {
	OnResponse(*Response) error
}

// RequestBodyHook sees the body of a request as it streams past, chunk by chunk. What it gives back takes the chunk's
// place, and may be empty. The last chunk ends the body and may be empty. An error fails the request.
type RequestBodyHook interface {
	OnRequestBody(chunk []byte, last bool) ([]byte, error)
}

// ResponseBodyHook sees the body of a response as it streams past; otherwise as [RequestBodyHook]. Decoded data has no
// body. An error breaks the answer off.
type ResponseBodyHook interface {
	OnResponseBody(chunk []byte, last bool) ([]byte, error)
}

// Handler is the backend: it makes the answer to a request that would be sent to a host.
type Handler interface {
	Handle(*Request) (*Answer, error)
}

// Start configures a plugin and says which hooks it wants, as the gateway has it done in each new instance.
func start(plugin any, config func() Config) (Hooks, error) {
	if plugin == nil {
		return 0, errors.New("nothing is registered: call torana.Register from a func init")
	}
	if configured, ok := plugin.(Configured); ok {
		if err := configured.Configure(config()); err != nil {
			return 0, err
		}
	}
	if choosing, ok := plugin.(Choosing); ok {
		return choosing.Hooks() & AllHooks, nil
	}
	return AllHooks, nil
}

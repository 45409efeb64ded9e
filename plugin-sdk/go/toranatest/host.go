// Package toranatest stands for the gateway in the tests of a plugin: a hook is called with a request or a response that
// the test makes, and what the plugin has done is there to look at.
//
//	host := toranatest.Start(t, &guard{}, `{"header": "x-tenant"}`)
//	request := toranatest.NewRequest("GET", "/orders").With("x-tenant", "ACME")
//	answer, err := host.OnRequest(request)
//
// The edits are in the request then. The host refuses what the gateway refuses; limits on sizes and numbers are not
// among that.
package toranatest

import (
	"errors"
	"testing"
	"time"

	"torana"
	"torana/internal/abi"
)

// Host stands for the gateway.
type Host struct {
	// RequestID, ClientIP and Route are those of all messages. An empty route is none.
	RequestID uint64
	ClientIP  string
	Route     string
	// Env has the variables that the plugin may read.
	Env map[string]string
	// Context is what hooks hand to each other. Empty it for another request.
	Context map[string][]byte
	// KV is the store, with counters as decimal numbers. Its time stands still but for Advance.
	KV map[string][]byte
	// Log has the lines that were written.
	Log []Line
	// Metrics has what was counted and measured.
	Metrics []Metric
	// Calls has the requests to other services, and Answer gives what they are answered; without it they are denied.
	// An error that wraps one of the errors of package torana comes to the plugin as that.
	Calls  []torana.HTTPRequest
	Answer func(torana.HTTPRequest) (*torana.HTTPResponse, error)

	test     testing.TB
	plugin   any
	config   string
	request  *Request
	response *Response

	// The time of the store, when keys of it expire, and which of them are counters.
	now      time.Duration
	expires  map[string]time.Duration
	counters map[string]bool
}

// Line is a line of the log.
type Line struct {
	// Level is trace, debug, info, warn or error.
	Level, Message string
}

// Metric is one call of torana.Metrics.
type Metric struct {
	// Kind is count, gauge or observe.
	Kind, Name string
	Value      float64
	Labels     []torana.Label
}

// Start configures a plugin with `config` as JSON text; empty stands for none. The test fails if the plugin refuses it.
func Start(t testing.TB, plugin any, config string) *Host {
	t.Helper()
	host := newHost(t, plugin, config)
	if err := host.configure(); err != nil {
		t.Fatalf("the plugin refuses its configuration: %v", err)
	}
	return host
}

// Refusal gives why a plugin refuses a configuration. The test fails if it does not.
func Refusal(t testing.TB, plugin any, config string) error {
	t.Helper()
	err := newHost(t, plugin, config).configure()
	if err == nil {
		t.Fatalf("the plugin takes the configuration %s", config)
	}
	return err
}

func newHost(t testing.TB, plugin any, config string) *Host {
	if config == "" {
		config = "null"
	}
	return &Host{
		RequestID: 1, ClientIP: "192.0.2.1",
		Env: map[string]string{}, Context: map[string][]byte{}, KV: map[string][]byte{},
		expires: map[string]time.Duration{}, counters: map[string]bool{},
		test: t, plugin: plugin, config: config,
	}
}

func (h *Host) configure() error {
	configured, ok := h.plugin.(torana.Configured)
	if !ok {
		return nil
	}
	var err error
	h.during(func() { err = configured.Configure(torana.CurrentConfig()) })
	return err
}

// Advance moves the store's time on: values whose time is over are gone.
func (h *Host) Advance(by time.Duration) {
	h.now += by
	for key, end := range h.expires {
		if end <= h.now {
			h.forget(key)
		}
	}
}

func (h *Host) forget(key string) {
	delete(h.KV, key)
	delete(h.expires, key)
	delete(h.counters, key)
}

// during runs a hook with this host as the one that is asked.
func (h *Host) during(hook func()) {
	defer abi.Install(asked{h})()
	hook()
}

// as gives the plugin as one with a hook.
func as[T any](h *Host, name string) T {
	h.test.Helper()
	plugin, ok := h.plugin.(T)
	if !ok {
		h.test.Fatalf("%T has no %s", h.plugin, name)
	}
	return plugin
}

// OnRequest calls the hook.
func (h *Host) OnRequest(request *Request) (*torana.Answer, error) {
	h.test.Helper()
	return h.withRequest(request, as[torana.RequestHook](h, "OnRequest").OnRequest)
}

// OnBackendRequest calls the hook.
func (h *Host) OnBackendRequest(request *Request) (*torana.Answer, error) {
	h.test.Helper()
	return h.withRequest(request, as[torana.BackendRequestHook](h, "OnBackendRequest").OnBackendRequest)
}

// Handle calls the plugin as a backend.
func (h *Host) Handle(request *Request) (*torana.Answer, error) {
	h.test.Helper()
	return h.withRequest(request, as[torana.Handler](h, "Handle").Handle)
}

func (h *Host) withRequest(
	request *Request, hook func(*torana.Request) (*torana.Answer, error),
) (answer *torana.Answer, err error) {
	h.request = request
	defer func() { h.request = nil }()
	h.during(func() { answer, err = hook(&torana.Request{}) })
	if answer == nil || err != nil {
		return answer, err
	}
	if reason := refuseAnswer(answer); reason != "" {
		return nil, errors.New(reason)
	}
	return answer, nil
}

// OnBackendResponse calls the hook.
func (h *Host) OnBackendResponse(response *Response) error {
	h.test.Helper()
	return h.withResponse(response, as[torana.BackendResponseHook](h, "OnBackendResponse").OnBackendResponse)
}

// OnResponse calls the hook.
func (h *Host) OnResponse(response *Response) error {
	h.test.Helper()
	return h.withResponse(response, as[torana.ResponseHook](h, "OnResponse").OnResponse)
}

func (h *Host) withResponse(response *Response, hook func(*torana.Response) error) (err error) {
	h.response = response
	defer func() { h.response = nil }()
	h.during(func() { err = hook(&torana.Response{}) })
	return err
}

// OnRequestBody hands the chunks of a body to the hook, and then the end of it. It gives what goes on, joined.
func (h *Host) OnRequestBody(chunks ...string) (string, error) {
	h.test.Helper()
	return h.stream(chunks, as[torana.RequestBodyHook](h, "OnRequestBody").OnRequestBody)
}

// OnResponseBody is as OnRequestBody, for the body of a response.
func (h *Host) OnResponseBody(chunks ...string) (string, error) {
	h.test.Helper()
	return h.stream(chunks, as[torana.ResponseBodyHook](h, "OnResponseBody").OnResponseBody)
}

func (h *Host) stream(chunks []string, hook func([]byte, bool) ([]byte, error)) (string, error) {
	var all []byte
	for i := 0; i <= len(chunks); i++ {
		var chunk []byte
		if i < len(chunks) {
			chunk = []byte(chunks[i])
		}
		var out []byte
		var err error
		h.during(func() { out, err = hook(chunk, i == len(chunks)) })
		if err != nil {
			return string(all), err
		}
		all = append(all, out...)
	}
	return string(all), nil
}

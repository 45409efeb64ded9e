package torana

import (
	"slices"
	"strings"
	"testing"
)

type onRequest struct{}

func (onRequest) OnRequest(*Request) (*Answer, error) { return nil, nil }

type embeds struct{ onRequest }

func (*embeds) Handle(*Request) (*Answer, error)                { return nil, nil }
func (*embeds) OnResponseBody(b []byte, _ bool) ([]byte, error) { return b, nil }

type mistaken struct{ onRequest }

func (mistaken) OnResponse(*Response) {}

type misconfigured struct{ onRequest }

func (misconfigured) Configure(string) error { return nil }

func TestHooksOfAValue(t *testing.T) {
	for _, c := range []struct {
		plugin any
		hooks  string
		err    string
	}{
		{onRequest{}, "on-request", ""},
		{&onRequest{}, "on-request", ""},
		{&embeds{}, "on-request on-response-body handle", ""},
		{embeds{}, "", "pointer receiver"},
		{mistaken{}, "", "OnResponse has another signature than the hook: want func(*torana.Response) error, not func(*torana.Response)"},
		{misconfigured{}, "", "Configure has another signature"},
		{struct{}{}, "", "no hook"},
		{nil, "", "nil"},
	} {
		hooks, err := describe(c.plugin)
		if err != nil && (c.err == "" || !strings.Contains(err.Error(), c.err)) || err == nil && c.err != "" {
			t.Errorf("%T: %v", c.plugin, err)
		}
		if !slices.Equal(hooks, strings.Fields(c.hooks)) {
			t.Errorf("%T: %v", c.plugin, hooks)
		}
	}
}

func TestChosenHooks(t *testing.T) {
	config := func() Config { return Config{[]byte("null")} }
	if hooks, err := start(onRequest{}, config); hooks != AllHooks || err != nil {
		t.Error(hooks, err)
	}
	if hooks, err := start(chooses{}, config); hooks != OnResponse || err != nil {
		t.Error(hooks, err)
	}
	if _, err := start(nil, config); err == nil {
		t.Error("nothing was registered and nobody noticed")
	}
}

type chooses struct{ onRequest }

func (chooses) Hooks() Hooks { return OnResponse | 1<<7 }

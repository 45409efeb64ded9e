package main

import (
	"slices"
	"testing"

	"torana/toranatest"
)

func TestCopies(t *testing.T) {
	for _, c := range []struct {
		config string
		sent   []string
		want   []string
	}{
		{`{"from": "x-user", "to": "x-owner"}`, []string{"ann", "bob"}, []string{"ann"}},
		{`{"from": "x-user", "to": "x-owner"}`, nil, nil},
		{`{"from": "x-user", "to": "x-owner", "default": "nobody"}`, nil, []string{"nobody"}},
	} {
		host := toranatest.Start(t, &copier{}, c.config)
		request := toranatest.NewRequest("GET", "/")
		for _, value := range c.sent {
			request.With("X-User", value)
		}
		answer, err := host.OnRequest(request)
		if answer != nil || err != nil {
			t.Fatal(answer, err)
		}
		if got := request.Get("x-owner"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", c.config, got)
		}
	}
}

func TestWhatTheGatewayRefusesFailsTheRequest(t *testing.T) {
	host := toranatest.Start(t, &copier{}, `{"from": "x-user", "to": "content-length"}`)
	if _, err := host.OnRequest(toranatest.NewRequest("GET", "/").With("x-user", "1")); err == nil {
		t.Error("no error")
	}
}

func TestConfiguration(t *testing.T) {
	for _, wrong := range []string{"", `{"from": "a"}`, `{"from": "a", "to": "b", "form": "c"}`} {
		toranatest.Refusal(t, &copier{}, wrong)
	}
}

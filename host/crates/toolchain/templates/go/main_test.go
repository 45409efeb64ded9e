package main

import (
	"slices"
	"testing"

	"torana/toranatest"
)

func TestOnlyKnownTenantsPass(t *testing.T) {
	host := toranatest.Start(t, &guard{}, `{"header": "x-tenant", "tenants": ["acme"]}`)

	known := toranatest.NewRequest("GET", "/orders").With("X-Tenant", " ACME ")
	answer, err := host.OnRequest(known)
	if err != nil || answer != nil {
		t.Fatal(answer, err)
	}
	if got := known.Get("x-tenant"); !slices.Equal(got, []string{"acme"}) {
		t.Errorf("handed on: %q", got)
	}

	for _, request := range []*toranatest.Request{
		toranatest.NewRequest("GET", "/orders"),
		toranatest.NewRequest("GET", "/orders").With("x-tenant", "other"),
	} {
		answer, err := host.OnRequest(request)
		if err != nil || answer == nil || answer.Status != 403 {
			t.Errorf("%v: %v, %v", request.Header, answer, err)
		}
	}
}

func TestConfiguration(t *testing.T) {
	for _, wrong := range []string{`{}`, `{"header": "x-tenant", "tenant": "acme"}`, `"x-tenant"`} {
		toranatest.Refusal(t, &guard{}, wrong)
	}
}

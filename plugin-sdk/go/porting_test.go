package torana_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"torana"
	"torana/toranatest"
)

// The plugins that docs/plugins/porting.md shows.

type guard struct {
	Header string `json:"header"`
}

func (g *guard) Configure(config torana.Config) error {
	if err := config.Decode(g); err != nil {
		return err
	}
	if g.Header == "" {
		return errors.New("config needs `header`")
	}
	return nil
}

func (g *guard) OnRequest(request *torana.Request) (*torana.Answer, error) {
	if _, found := request.Header(g.Header); !found {
		return torana.NewAnswer(400).Text("which tenant?"), nil
	}
	return nil, nil
}

func TestGuard(t *testing.T) {
	host := toranatest.Start(t, &guard{}, `{"header": "x-tenant"}`)
	answer, err := host.OnRequest(toranatest.NewRequest("GET", "/orders"))
	if err != nil || answer == nil || answer.Status != 400 {
		t.Fatal(answer, err)
	}
	answer, err = host.OnRequest(toranatest.NewRequest("GET", "/orders").With("X-Tenant", "acme"))
	if answer != nil || err != nil {
		t.Fatal(answer, err)
	}
}

type signer struct {
	Key string `json:"key"`
}

func (s *signer) Configure(config torana.Config) error { return config.Decode(s) }

func (s *signer) OnBackendRequest(request *torana.Request) (*torana.Answer, error) {
	body, whole := request.Body()
	if !whole {
		return nil, errors.New("cannot sign a body that streams: configure limits.body")
	}
	mac := hmac.New(sha256.New, []byte(s.Key))
	mac.Write(body)
	return nil, request.SetHeader("x-signature", hex.EncodeToString(mac.Sum(nil)))
}

func TestSigner(t *testing.T) {
	host := toranatest.Start(t, &signer{}, `{"key": "secret"}`)
	request := toranatest.NewRequest("POST", "/orders")
	request.Body = []byte("{}")
	if answer, err := host.OnBackendRequest(request); answer != nil || err != nil {
		t.Fatal(answer, err)
	}
	if got := request.Get("x-signature"); len(got) != 1 || !strings.HasPrefix(got[0], "77325902") {
		t.Error(got)
	}
	request.Body = nil
	if _, err := host.OnBackendRequest(request); err == nil {
		t.Error("signed what it has not seen")
	}
}

type teapot struct{}

func (teapot) Handle(request *torana.Request) (*torana.Answer, error) {
	return torana.NewAnswer(200).JSON(map[string]string{"brewing": request.Path()}), nil
}

func TestTeapot(t *testing.T) {
	answer, err := toranatest.Start(t, teapot{}, "").Handle(toranatest.NewRequest("GET", "/tea"))
	if err != nil || string(answer.Body) != `{"brewing":"/tea"}` {
		t.Error(answer, err)
	}
}

type mask struct {
	Paths []string `json:"paths"`
}

func (m *mask) Configure(config torana.Config) error { return config.Decode(m) }

func (m *mask) OnResponse(response *torana.Response) error {
	for _, path := range m.Paths {
		if _, err := response.ReplaceData(path, "***"); err != nil {
			return err
		}
	}
	return nil
}

func TestMask(t *testing.T) {
	host := toranatest.Start(t, &mask{}, `{"paths": ["$.users[*].email", "$.token"]}`)
	response := toranatest.NewData(`{"users": [{"email": "a"}, {"id": 1}], "token": {"a": 1}}`)
	if err := host.OnResponse(response); err != nil {
		t.Fatal(err)
	}
	want := `{"token":"***","users":[{"email":"***"},{"id":1}]}`
	if response.Data != want || !json.Valid([]byte(response.Data)) {
		t.Error(response.Data)
	}
}

package toranatest_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"torana"
	"torana/toranatest"
)

// plugin is whatever a test needs it to be.
type plugin struct {
	settings   struct{ Word string }
	onRequest  func(*torana.Request) (*torana.Answer, error)
	onResponse func(*torana.Response) error
}

func (p *plugin) Configure(config torana.Config) error { return config.Decode(&p.settings) }

func (p *plugin) OnRequest(r *torana.Request) (*torana.Answer, error) { return p.onRequest(r) }

func (p *plugin) OnResponse(r *torana.Response) error { return p.onResponse(r) }

func (p *plugin) OnRequestBody(chunk []byte, last bool) ([]byte, error) {
	if bytes.Contains(chunk, []byte("bad")) {
		return nil, errors.New("bad")
	}
	if last {
		return []byte("."), nil
	}
	return bytes.ToUpper(chunk), nil
}

const config = `{"word": "hi"}`

func request(t *testing.T, hook func(*torana.Request) (*torana.Answer, error)) (*toranatest.Host, *plugin) {
	t.Helper()
	p := &plugin{onRequest: hook}
	return toranatest.Start(t, p, config), p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfiguration(t *testing.T) {
	p := &plugin{}
	toranatest.Start(t, p, config)
	if p.settings.Word != "hi" {
		t.Errorf("decoded %q", p.settings.Word)
	}
	for _, wrong := range []string{`{"wrod": "hi"}`, `[]`, `{`, `{} {}`} {
		toranatest.Refusal(t, &plugin{}, wrong)
	}
}

func TestEditsOfARequest(t *testing.T) {
	host, _ := request(t, func(r *torana.Request) (*torana.Answer, error) {
		id, _ := r.Param("id")
		body, _ := r.Body()
		return nil, errors.Join(
			r.SetMethod("PUT"), r.SetPath("/v2/"+id), r.SetQuery(r.Query()+"&b=2"),
			r.SetHeader("X-Tenant", "acme"), r.AddHeader("x-tenant", torana.ClientIP()), r.RemoveHeader("x-gone"),
			r.SetBody(bytes.ToUpper(body)),
		)
	})
	r := toranatest.NewRequest("GET", "/v1/7?a=1").With("x-tenant", "1").With("x-tenant", "2").With("X-Gone", "1")
	r.Body, r.Params = []byte("text"), map[string]string{"id": "7"}
	answer, err := host.OnRequest(r)
	must(t, err)
	if answer != nil || r.Method != "PUT" || r.Path != "/v2/7" || r.Query != "a=1&b=2" || string(r.Body) != "TEXT" {
		t.Errorf("%+v %+v", answer, r)
	}
	if got := r.Get("X-TENANT"); !slices.Equal(got, []string{"acme", host.ClientIP}) || r.Get("x-gone") != nil {
		t.Errorf("%+v", r.Header)
	}
}

func TestWhatTheGatewayRefusesIsRefused(t *testing.T) {
	host, _ := request(t, func(r *torana.Request) (*torana.Answer, error) {
		for name, err := range map[string]error{
			"name": r.SetHeader("a b", ""), "value": r.SetHeader("a", "b\n"), "framing": r.AddHeader("Content-Length", "1"),
			"removal": r.RemoveHeader("host"), "path": r.SetPath("no-slash"), "query": r.SetQuery("a#b"), "method": r.SetMethod(""),
		} {
			if err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		return nil, nil
	})
	r := toranatest.NewRequest("GET", "/")
	_, err := host.OnRequest(r)
	must(t, err)
	if r.Header != nil {
		t.Errorf("%+v", r.Header)
	}
}

func TestAnswers(t *testing.T) {
	host, _ := request(t, func(*torana.Request) (*torana.Answer, error) {
		return torana.NewAnswer(402).With("x-why", "money").JSON(map[string]int{"price": 3}), nil
	})
	answer, err := host.OnRequest(toranatest.NewRequest("GET", "/"))
	must(t, err)
	want := []torana.Field{{Name: "x-why", Value: "money"}, {Name: "content-type", Value: "application/json"}}
	if answer.Status != 402 || !slices.Equal(answer.Header, want) || string(answer.Body) != `{"price":3}` {
		t.Errorf("%+v", answer)
	}
}

func TestAskingForTheOtherMessageEndsThePlugin(t *testing.T) {
	host, _ := request(t, func(*torana.Request) (*torana.Answer, error) {
		torana.Response{}.Status()
		return nil, nil
	})
	defer func() {
		if recover() == nil {
			t.Error("there was a status")
		}
	}()
	_, _ = host.OnRequest(toranatest.NewRequest("GET", "/"))
}

func TestData(t *testing.T) {
	p := &plugin{}
	host := toranatest.Start(t, p, config)
	p.onResponse = func(r *torana.Response) error {
		var id int
		if found, err := r.Data("/users/0/id", &id); !found || err != nil || id != 7 {
			t.Errorf("%v %v %v", found, err, id)
		}
		if found, _ := r.Data("/nobody", &id); found {
			t.Error("found nobody")
		}
		matches, err := r.QueryData("$..email")
		must(t, err)
		if len(matches) != 2 || matches[1] != (torana.Match{Pointer: "/users/1/email", JSON: `"b"`}) {
			t.Errorf("%v", matches)
		}
		replaced, err := r.ReplaceData("$.users[*].email", "***")
		must(t, err)
		removed, err := r.RemoveData("/users/0/id")
		must(t, err)
		if replaced != 2 || !removed {
			t.Errorf("%d %v", replaced, removed)
		}
		must(t, r.SetData("/users/-", map[string]any{"id": 9}))
		if r.SetData("/a/b", 1) == nil || r.SetBody(nil) == nil {
			t.Error("an edit was taken that has no place")
		}
		if _, err := r.QueryData("$[?@.a]"); err == nil {
			t.Error("a filter was taken")
		}
		return r.SetStatus(203)
	}
	r := toranatest.NewData(`{"users": [{"id": 7, "email": "a"}, {"id": 8, "email": "b"}]}`)
	must(t, host.OnResponse(r))
	if want := `{"users":[{"email":"***"},{"email":"***","id":8},{"id":9}]}`; r.Data != want || r.Status != 203 {
		t.Errorf("%+v", r)
	}
}

// As the gateway, and so RFC 6901, has it.
func TestPointers(t *testing.T) {
	response := toranatest.NewData(`{"a":[1,2],"b":0}`)
	host := toranatest.Start(t, &plugin{onResponse: func(r *torana.Response) error {
		var value any
		for _, pointer := range []string{"/a/01", "/a/+1", "/a/-1", "/a/-", "/a/2", "/b/x", "b"} {
			if found, _ := r.Data(pointer, &value); found {
				t.Errorf("%s is found", pointer)
			}
		}
		for _, pointer := range []string{"b", "/a/01", "/a/+1", "/b/x", "/c/x"} {
			if err := r.SetData(pointer, 3); err == nil {
				t.Errorf("%s is set", pointer)
			}
		}
		if _, err := r.RemoveData("b"); err == nil {
			t.Error("b is no pointer")
		}
		if r.SetData("", 3) == nil || r.SetDataJSON("/b", "1 2") == nil {
			t.Error("the data is an object, and a value is one")
		}
		if _, err := r.QueryData("$b"); err == nil {
			t.Error("$b is no path")
		}
		return nil
	}}, config)
	must(t, host.OnResponse(response))
	if response.Data != `{"a":[1,2],"b":0}` {
		t.Error(response.Data)
	}
}

func TestRemovingEverything(t *testing.T) {
	response := toranatest.NewData(`{"a":1}`)
	host := toranatest.Start(t, &plugin{onResponse: func(r *torana.Response) error {
		for _, expected := range []bool{true, false} {
			if removed, err := r.RemoveData(""); removed != expected || err != nil {
				t.Error(removed, err)
			}
		}
		return nil
	}}, config)
	must(t, host.OnResponse(response))
	if response.Data != `{}` {
		t.Error(response.Data)
	}
}

func TestBodiesInChunks(t *testing.T) {
	host := toranatest.Start(t, &plugin{}, config)
	body, err := host.OnRequestBody("ab", "c")
	must(t, err)
	if body != "ABC." {
		t.Errorf("%q", body)
	}
	if _, err := host.OnRequestBody("a", "bad"); err == nil {
		t.Error("no error")
	}
}

func TestServices(t *testing.T) {
	host, p := request(t, nil)
	host.Env["REGION"] = "eu"
	host.KV["text"] = []byte("x")
	p.onRequest = func(*torana.Request) (*torana.Answer, error) {
		region, _ := torana.Env("REGION")
		_, other := torana.Env("OTHER")
		torana.Log.Warn(fmt.Sprint(region, other))
		torana.Metrics.Count("seen", 2, torana.Label{Name: "a", Value: "b"})
		must(t, torana.Context.Set("k", []byte("v")))
		value, found := torana.Context.Get("k")
		if string(value) != "v" || !found {
			t.Errorf("%q %v", value, found)
		}
		for want := int64(2); want <= 4; want += 2 {
			if sum, err := torana.KV.Add("n", 2, time.Second); sum != want || err != nil {
				t.Errorf("%d %v", sum, err)
			}
		}
		if _, err := torana.KV.Add("text", 1, 0); !errors.Is(err, torana.ErrNotACounter) {
			t.Error(err)
		}
		if done, err := torana.KV.SetIfAbsent("text", nil, 0); done || err != nil {
			t.Error(done, err)
		}
		if err := torana.KV.Set(strings.Repeat("k", 257), nil, 0); !errors.Is(err, torana.ErrTooLarge) {
			t.Error(err)
		}
		if was, err := torana.KV.Delete("text"); !was || err != nil {
			t.Error(was, err)
		}
		return nil, nil
	}
	_, err := host.OnRequest(toranatest.NewRequest("GET", "/"))
	must(t, err)
	if !slices.Equal(host.Log, []toranatest.Line{{Level: "warn", Message: "eufalse"}}) {
		t.Errorf("%v", host.Log)
	}
	if m := host.Metrics; len(m) != 1 || m[0].Kind != "count" || m[0].Value != 2 || m[0].Labels[0].Name != "a" {
		t.Errorf("%v", m)
	}
	if _, found := host.KV["text"]; found || string(host.KV["n"]) != "4" {
		t.Errorf("%v", host.KV)
	}
}

func TestValuesExpireAndAreNoCounters(t *testing.T) {
	host, p := request(t, nil)
	var left []string
	p.onRequest = func(*torana.Request) (*torana.Answer, error) {
		must(t, torana.KV.Set("a", []byte("1"), time.Second))
		must(t, torana.KV.Set("b", []byte("1"), 0))
		if _, err := torana.KV.Add("b", 1, 0); !errors.Is(err, torana.ErrNotACounter) {
			t.Error(err)
		}
		_, err := torana.KV.Add("n", math.MaxInt64, time.Second)
		must(t, err)
		if sum, err := torana.KV.Add("n", 1, time.Minute); sum != math.MaxInt64 || err != nil {
			t.Error(sum, err)
		}
		return nil, nil
	}
	_, err := host.OnRequest(toranatest.NewRequest("GET", "/"))
	must(t, err)
	for _, step := range []time.Duration{999 * time.Millisecond, time.Millisecond} {
		host.Advance(step)
		left = append(left, strings.Join(slices.Sorted(maps.Keys(host.KV)), " "))
	}
	if !slices.Equal(left, []string{"a b n", "b"}) {
		t.Error(left)
	}
}

func TestValuesAreMadeOnce(t *testing.T) {
	host, p := request(t, nil)
	made := 0
	p.onRequest = func(*torana.Request) (*torana.Answer, error) {
		value, err := torana.Cache.GetOrMake("k", func() ([]byte, time.Duration, error) {
			if made++; made == 1 {
				return nil, 0, errors.New("no value")
			}
			return []byte("v"), time.Second, nil
		})
		if err != nil {
			return nil, err
		}
		return torana.NewAnswer(200).Text(string(value)), nil
	}
	for i, want := range []int{1, 2, 2, 3} {
		if i == 3 {
			host.Advance(time.Second)
		}
		answer, err := host.OnRequest(toranatest.NewRequest("GET", "/"))
		if made != want || (err != nil) != (i == 0) || (i > 0 && string(answer.Body) != "v") {
			t.Errorf("%d: %d %v %v", i, made, answer, err)
		}
	}
	p.onRequest = func(*torana.Request) (*torana.Answer, error) {
		if _, found, err := torana.Cache.Claim("x", 0); found || err != nil {
			t.Error(found, err)
		}
		torana.Cache.Release("x")
		return nil, torana.Cache.Keep("x", make([]byte, 64<<10+1), 0)
	}
	if _, err := host.OnRequest(toranatest.NewRequest("GET", "/")); !errors.Is(err, torana.ErrTooLarge) {
		t.Error(err)
	}
}

func TestOutboundRequests(t *testing.T) {
	host, p := request(t, nil)
	p.onRequest = func(*torana.Request) (*torana.Answer, error) {
		results := torana.HTTP.SendAll([]torana.HTTPRequest{
			{URL: "https://a.test/ok", Timeout: time.Microsecond}, {URL: "https://a.test/slow"}, {URL: "https://b.test/"},
		})
		if r := results[0].Response; r == nil || r.Status != 204 {
			t.Errorf("%+v", results[0])
		} else if value, _ := r.Get("X-A"); value != "1" {
			t.Errorf("%+v", r)
		}
		if !errors.Is(results[1].Err, torana.ErrTimeout) || !errors.Is(results[2].Err, torana.ErrFailed) {
			t.Errorf("%v, %v", results[1].Err, results[2].Err)
		}
		return nil, nil
	}
	host.Answer = func(r torana.HTTPRequest) (*torana.HTTPResponse, error) {
		switch r.URL {
		case "https://a.test/ok":
			return &torana.HTTPResponse{Status: 204, Header: []torana.Field{{Name: "x-a", Value: "1"}}}, nil
		case "https://a.test/slow":
			return nil, torana.ErrTimeout
		}
		return nil, errors.New("no route")
	}
	_, err := host.OnRequest(toranatest.NewRequest("GET", "/"))
	must(t, err)
	if len(host.Calls) != 3 || host.Calls[0].Method != "GET" || host.Calls[0].Timeout != time.Millisecond {
		t.Errorf("%+v", host.Calls)
	}
	host.Answer = nil
	p.onRequest = func(*torana.Request) (*torana.Answer, error) {
		_, err := torana.HTTP.Send(&torana.HTTPRequest{URL: "https://a.test/"})
		return nil, err
	}
	if _, err := host.OnRequest(toranatest.NewRequest("GET", "/")); !errors.Is(err, torana.ErrDenied) {
		t.Error(err)
	}
}

func TestAnswersAndEditsAreRefusedAsInTheGateway(t *testing.T) {
	for reason, answer := range map[string]*torana.Answer{
		"99 is not a status":                torana.NewAnswer(99),
		"65736 is not a status":             torana.NewAnswer(65_736),
		"`a b` is not a header name":        torana.NewAnswer(200).With("a b", "c"),
		"`content-length` cannot be edited": torana.NewAnswer(200).With("content-length", "1"),
	} {
		plugin := &plugin{onRequest: func(*torana.Request) (*torana.Answer, error) { return answer, nil }}
		host := toranatest.Start(t, plugin, config)
		answer, err := host.OnRequest(toranatest.NewRequest("GET", "/"))
		if answer != nil || err == nil || !strings.Contains(err.Error(), reason) {
			t.Error(reason, answer, err)
		}
	}
	edits := &plugin{onRequest: func(r *torana.Request) (*torana.Answer, error) {
		for _, path := range []string{"", "a", "/a?b", "/a b", "/ä", "/a#b", "/<"} {
			if r.SetPath(path) == nil {
				t.Error(path)
			}
		}
		for _, query := range []string{"a b", "ä", "a#b"} {
			if r.SetQuery(query) == nil {
				t.Error(query)
			}
		}
		if r.SetMethod("CONNECT") == nil {
			t.Error("CONNECT")
		}
		return nil, errors.Join(r.SetPath("/a%20b;c=1"), r.SetQuery("a=b?c"), r.SetMethod("PUT"))
	}}
	if _, err := toranatest.Start(t, edits, config).OnRequest(toranatest.NewRequest("GET", "/")); err != nil {
		t.Error(err)
	}
}

func TestTheWholeOfTheDataCanBeRemoved(t *testing.T) {
	response := toranatest.NewData(`{"list": [1, 2]}`)
	plugin := &plugin{onResponse: func(r *torana.Response) error {
		for _, pointer := range []string{"/list/01", "/list/+1", "/list/-1"} {
			if removed, err := r.RemoveData(pointer); removed || err != nil {
				t.Error(pointer, removed, err)
			}
		}
		if removed, err := r.RemoveData(""); !removed || err != nil {
			t.Error(removed, err)
		}
		return nil
	}}
	if err := toranatest.Start(t, plugin, config).OnResponse(response); err != nil || response.Data != "{}" {
		t.Error(err, response.Data)
	}
}

// For tests: does what the header x-do of a request says, and reports what came of it in the header x-out.
package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"torana"
)

type probe struct {
	config struct {
		Refuse string   `json:"refuse"`
		URLs   []string `json:"urls"`
	}
	kept [][]byte
}

func (p *probe) Configure(config torana.Config) error {
	if string(config.JSON()) == "null" {
		return nil
	}
	if err := config.Decode(&p.config); err != nil {
		return err
	}
	if p.config.Refuse != "" {
		return errors.New(p.config.Refuse)
	}
	return nil
}

func (p *probe) OnRequest(r *torana.Request) (*torana.Answer, error) {
	todo, _ := r.Header("x-do")
	what, argument, _ := strings.Cut(todo, " ")
	out := ""
	switch what {
	case "":
		return nil, nil
	case "read":
		out = read(r)
	case "edit":
		if err := edit(r); err != nil {
			return nil, err
		}
	case "refused":
		out = refused(r)
	case "answer":
		return torana.NewAnswer(402).With("x-a", "1").With("x-a", "2").Text("pay"), nil
	case "answer-badly":
		return torana.NewAnswer(1 << 20), nil
	case "fail":
		return nil, errors.New("as asked")
	case "panic":
		var empty []int
		_ = empty[len(argument)]
	case "exit":
		os.Exit(3)
	case "loop":
		for {
		}
	case "sleep":
		start := time.Now()
		time.Sleep(5 * time.Millisecond)
		out = fmt.Sprint(time.Since(start) >= 5*time.Millisecond, start.Year() > 2000)
	case "goroutines":
		out = goroutines()
	case "random":
		out = random()
	case "files":
		_, err := os.ReadFile("/etc/passwd")
		out = fmt.Sprint(err != nil, len(os.Environ()), len(os.Args))
	case "print":
		fmt.Println("printed", argument)
	case "log":
		torana.Log.Trace(argument)
		torana.Log.Debug(argument)
		torana.Log.Info(argument)
		torana.Log.Warn(argument)
		torana.Log.Error(argument)
	case "garbage":
		out = p.garbage(argument)
	case "context":
		out = context(argument)
	case "send":
		out = p.send()
	case "send-all":
		out = p.sendAll()
	default:
		return nil, fmt.Errorf("cannot %s", what)
	}
	return nil, r.SetHeader("x-out", out)
}

func read(r *torana.Request) string {
	route, routed := torana.Route()
	id, found := r.Param("id")
	_, nobody := r.Param("nobody")
	body, whole := r.Body()
	slices.Sort(body)
	return fmt.Sprint(torana.RequestID(), "|", torana.ClientIP(), "|", route, routed, "|", r.Method(), " ", r.Path(), "?",
		r.Query(), "|", id, found, nobody, "|", r.Headers("x-many"), r.HeaderNames(), "|", string(body), whole)
}

func edit(r *torana.Request) error {
	return errors.Join(
		r.SetMethod("PUT"), r.SetPath("/other/%20"), r.SetQuery("b=2"),
		r.SetHeader("x-set", "1"), r.AddHeader("x-set", "ü"), r.RemoveHeader("x-many"), r.SetBody([]byte("edited")),
	)
}

func refused(r *torana.Request) string {
	var reasons []string
	for _, err := range []error{
		r.SetHeader("content-length", "1"), r.AddHeader("a b", "1"), r.RemoveHeader("host"), r.SetMethod("a b"),
		r.SetPath("no-slash"), r.SetQuery("#"),
	} {
		if err == nil {
			return "taken"
		}
		reasons = append(reasons, err.Error())
	}
	return strconv.Itoa(len(reasons)) + " " + reasons[0]
}

func goroutines() string {
	results := make(chan int)
	for i := range 10 {
		go func() { results <- i }()
	}
	sum := 0
	for range 10 {
		sum += <-results
	}
	return strconv.Itoa(sum)
}

func random() string {
	a, b := make([]byte, 13), make([]byte, 13)
	_, _ = rand.Read(a)
	_, _ = rand.Read(b)
	return fmt.Sprint(slices.Equal(a, b), len(slices.Compact(slices.Sorted(slices.Values(a)))) > 3)
}

// garbage makes so many kilobytes that nobody keeps, a little at a time, and keeps a few that change with each call.
func (p *probe) garbage(kilobytes string) string {
	n, _ := strconv.Atoi(kilobytes)
	sum := 0
	for i := range n {
		block := make([]byte, 1024)
		block[i%1024] = 1
		if i == 0 {
			p.kept = append(p.kept, block)
			p.kept = p.kept[max(0, len(p.kept)-100):]
		}
		sum += int(slices.Max(block))
	}
	return strconv.Itoa(sum)
}

func context(value string) string {
	before, found := torana.Context.Get("key")
	err := torana.Context.Set("key", []byte(value))
	after, _ := torana.Context.Get("key")
	tooMuch := torana.Context.Set("big", make([]byte, 1<<20))
	return fmt.Sprint(string(before), found, err, string(after), tooMuch != nil)
}

func (p *probe) send() string {
	response, err := torana.HTTP.Send(&torana.HTTPRequest{
		Method: "POST", URL: p.config.URLs[0], Header: []torana.Field{{Name: "x-sent", Value: "1"}}, Body: []byte("sent"),
		Timeout: 2 * time.Second,
	})
	return said(response, err)
}

func (p *probe) sendAll() string {
	requests := make([]torana.HTTPRequest, len(p.config.URLs))
	for i, url := range p.config.URLs {
		requests[i] = torana.HTTPRequest{URL: url, Header: []torana.Field{{Name: "x-sent", Value: strconv.Itoa(i)}}}
	}
	var all []string
	for _, result := range torana.HTTP.SendAll(requests) {
		all = append(all, said(result.Response, result.Err))
	}
	return strings.Join(all, "|")
}

func said(response *torana.HTTPResponse, err error) string {
	switch {
	case errors.Is(err, torana.ErrDenied):
		return "denied"
	case errors.Is(err, torana.ErrInvalid):
		return "invalid"
	case err != nil:
		return err.Error()
	}
	kind, _ := response.Get("content-type")
	return fmt.Sprint(response.Status, kind, string(response.Body))
}

func (p *probe) OnBackendRequest(r *torana.Request) (*torana.Answer, error) {
	return p.OnRequest(r)
}

func (p *probe) OnBackendResponse(r *torana.Response) error { return p.OnResponse(r) }

func (p *probe) OnResponse(r *torana.Response) error {
	var name string
	found, err := r.Data("/user/name", &name)
	if err != nil {
		return err
	}
	if !found {
		return errors.Join(r.SetStatus(r.Status()+1), r.SetHeader("x-out", fmt.Sprint(r.Complete())))
	}
	_, nobody := r.DataJSON("/nobody")
	matches, err := r.QueryData("$.list[*].id")
	if err != nil {
		return err
	}
	_, wrong := r.QueryData("$[")
	replaced, err := r.ReplaceData("$.list[*].id", 0)
	if err != nil {
		return err
	}
	removed, err := r.RemoveData("/gone")
	if err != nil {
		return err
	}
	misplaced := r.SetData("/a/b/c", 1)
	return r.SetData("/out", fmt.Sprint(name, nobody, matches, wrong != nil, replaced, removed, misplaced != nil))
}

func (p *probe) OnRequestBody(chunk []byte, last bool) ([]byte, error) { return transform(chunk, last) }

func (p *probe) OnResponseBody(chunk []byte, last bool) ([]byte, error) {
	return transform(chunk, last)
}

func transform(chunk []byte, last bool) ([]byte, error) {
	if strings.Contains(string(chunk), "bad") {
		return nil, errors.New("a bad chunk")
	}
	out := []byte(strings.ToUpper(string(chunk)))
	if last {
		out = append(out, '.')
	}
	return out, nil
}

func (p *probe) Handle(r *torana.Request) (*torana.Answer, error) {
	if r.Path() == "/fail" {
		return nil, errors.New("as asked")
	}
	return torana.NewAnswer(200).With("x-handled", r.Method()).JSON(map[string]string{"path": r.Path()}), nil
}

func init() { torana.Register(&probe{}) }

func main() {}

package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"torana"
)

// OnBackendRequest does what a plugin may do wrong, one at a time.
func (g *guard) OnBackendRequest(r *torana.Request) (*torana.Answer, error) {
	if what, asked := r.Header("x-do"); asked {
		if err := r.SetHeader("x-out", said(requests, what)); err != nil {
			return nil, err
		}
	}
	fault, _ := r.Header("x-fault")
	switch fault {
	case "throw":
		return nil, errors.New("boom")
	case "name":
		return nil, r.SetHeader("bad name", "1")
	case "text":
		return nil, r.SetHeader("x-text", "\xff")
	case "status":
		return torana.NewAnswer(99).Text("no status"), nil
	case "type":
		var nothing any
		return nothing.(*torana.Answer), nil
	case "caught":
		if err := r.SetHeader("content-length", "1"); err != nil {
			return nil, r.SetHeader("x-caught", err.Error())
		}
	case "time":
		random := make([]byte, 8)
		_, _ = rand.Read(random)
		return torana.NewAnswer(200).JSON(map[string]any{"year": time.Now().Year(), "random": random}), nil
	}
	return nil, nil
}

// OnBackendResponse answers what is about data.
func (g *guard) OnBackendResponse(r *torana.Response) error {
	what, asked := torana.Context.Get("data")
	if !asked {
		return nil
	}
	return r.SetData("/out", said(responses(r), string(what)))
}

// verbs are what the header `x-do` may ask for. What came of it is said in the header `x-out`; what is about data, later
// in the answer.
type verbs map[string]func(words []string) (any, error)

var requests = verbs{
	"env": func(w []string) (any, error) { return orNone(torana.Env(w[0])), nil },
	"log": func(w []string) (any, error) { torana.Log.Info(w[0]); return "done", nil },
	"kv-get": func(w []string) (any, error) {
		value, found, err := torana.KV.Get(w[0])
		return orNone(string(value), found), err
	},
	"kv-set": func(w []string) (any, error) { return "done", torana.KV.Set(w[0], []byte(w[1]), ttl(w[2])) },
	"kv-set-if-absent": func(w []string) (any, error) {
		return torana.KV.SetIfAbsent(w[0], []byte(w[1]), ttl(w[2]))
	},
	"kv-delete": func(w []string) (any, error) { return torana.KV.Delete(w[0]) },
	"kv-add":    func(w []string) (any, error) { return torana.KV.Add(w[0], int64(number(w[1])), ttl(w[2])) },
	"cache-claim": func(w []string) (any, error) {
		value, found, err := torana.Cache.Claim(w[0], ttl(w[1]))
		if !found {
			return "yours", err
		}
		return string(value), err
	},
	"cache-keep":    func(w []string) (any, error) { return "done", torana.Cache.Keep(w[0], []byte(w[1]), ttl(w[2])) },
	"cache-release": func(w []string) (any, error) { torana.Cache.Release(w[0]); return "done", nil },
	"cache-make": func(w []string) (any, error) {
		value, err := torana.Cache.GetOrMake(w[0], func() ([]byte, time.Duration, error) {
			if w[1] == "none" {
				return nil, 0, errors.New("there is none")
			}
			return []byte(w[1]), ttl(w[2]), nil
		})
		return string(value), err
	},
	"count": func(w []string) (any, error) {
		torana.Metrics.Count(w[0], uint64(number(w[1])), torana.Label{Name: "region", Value: w[2]})
		return "done", nil
	},
	"gauge":   func(w []string) (any, error) { torana.Metrics.Gauge(w[0], number(w[1])); return "done", nil },
	"observe": func(w []string) (any, error) { torana.Metrics.Observe(w[0], number(w[1])); return "done", nil },
	"send": func(w []string) (any, error) {
		sent := []torana.Field{{Name: "x-sent", Value: "1"}}
		return replied(torana.HTTP.Send(&torana.HTTPRequest{Method: w[0], URL: w[1], Header: sent, Body: []byte(w[2])}))
	},
	"send-in": func(w []string) (any, error) {
		return replied(torana.HTTP.Send(&torana.HTTPRequest{URL: w[1], Timeout: ttl(w[0])}))
	},
	"send-all": func(w []string) (any, error) { return sendAll(w), nil },
}

func responses(r *torana.Response) verbs {
	return verbs{
		"query": func(w []string) (any, error) {
			matches, err := r.QueryData(w[0])
			var all []string
			for _, match := range matches {
				all = append(all, match.Pointer+"="+match.JSON)
			}
			return strings.Join(all, ","), err
		},
		"replace": func(w []string) (any, error) { return r.ReplaceData(w[0], json.RawMessage(w[1])) },
		"get":     func(w []string) (any, error) { return orNone(r.DataJSON(w[0])), nil },
		"set":     func(w []string) (any, error) { return "done", r.SetData(w[0], json.RawMessage(w[1])) },
		"remove":  func(w []string) (any, error) { return r.RemoveData(w[0]) },
	}
}

func init() {
	for verb := range maps.Keys(responses(nil)) {
		requests[verb] = func(words []string) (any, error) {
			return "done", torana.Context.Set("data", []byte(strings.Join(append([]string{verb}, words...), " ")))
		}
	}
}

func said(all verbs, what string) string {
	words := strings.Split(what, " ")
	result, err := all[words[0]](words[1:])
	if err != nil {
		return refused(err)
	}
	return fmt.Sprint(result)
}

func refused(err error) string {
	for kind, word := range map[error]string{
		torana.ErrDenied: "denied", torana.ErrInvalid: "invalid", torana.ErrTooManyCalls: "too-many",
		torana.ErrTimeout: "timeout", torana.ErrTooLarge: "too-large", torana.ErrFailed: "failed",
		torana.ErrQuota: "quota", torana.ErrNotACounter: "not-a-counter", torana.ErrUnavailable: "unavailable",
		torana.ErrTooManyClaims: "too-many",
	} {
		if errors.Is(err, kind) {
			return "error " + word
		}
	}
	return "error"
}

func replied(response *torana.HTTPResponse, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	reply, _ := response.Get("X-Reply")
	return fmt.Sprintf("%d %s %s", response.Status, reply, response.Body), nil
}

func sendAll(urls []string) string {
	requests := make([]torana.HTTPRequest, len(urls))
	for i, url := range urls {
		requests[i].URL = url
	}
	var all []string
	for _, result := range torana.HTTP.SendAll(requests) {
		if text, err := replied(result.Response, result.Err); err != nil {
			all = append(all, refused(err))
		} else {
			all = append(all, fmt.Sprint(text))
		}
	}
	return strings.Join(all, "|")
}

func orNone(value string, found bool) string {
	if !found {
		return "none"
	}
	return value
}

func number(text string) float64 {
	value, _ := strconv.ParseFloat(text, 64)
	return value
}

func ttl(text string) time.Duration { return time.Duration(number(text)) * time.Millisecond }

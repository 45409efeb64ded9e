package toranatest

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"torana"
	"torana/internal/abi"
)

// asked answers what a plugin asks.
type asked struct{ host *Host }

func (a asked) req() *Request {
	if a.host.request == nil {
		panic("torana: asked for the request where there is none, which ends a plugin")
	}
	return a.host.request
}

func (a asked) resp() *Response {
	if a.host.response == nil {
		panic("torana: asked for the response where there is none, which ends a plugin")
	}
	return a.host.response
}

func (a asked) header() *[]torana.Field {
	if a.host.response != nil {
		return &a.host.response.Header
	}
	return &a.req().Header
}

func (a asked) RequestID() uint64     { return a.host.RequestID }
func (a asked) ClientIP() string      { return a.host.ClientIP }
func (a asked) Route() (string, bool) { return a.host.Route, a.host.Route != "" }
func (a asked) Method() string        { return a.req().Method }
func (a asked) Path() string          { return a.req().Path }
func (a asked) Query() string         { return a.req().Query }
func (a asked) Status() int           { return a.resp().Status }
func (a asked) Complete() bool        { return !a.resp().Partial }
func (a asked) ConfigGet() []byte     { return []byte(a.host.config) }

func (a asked) SetMethod(method string) error {
	if !isToken(method) || method == "CONNECT" {
		return abi.Refused("`" + method + "` is not a method")
	}
	a.req().Method = method
	return nil
}

func (a asked) SetPath(path string) error {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "?") || !isURI(path) {
		return abi.Refused("`" + path + "` is not a path")
	}
	a.req().Path = path
	return nil
}

func (a asked) SetQuery(query string) error {
	if !isURI(query) {
		return abi.Refused("`" + query + "` is not a query")
	}
	a.req().Query = query
	return nil
}

func (a asked) Param(name string) (string, bool) {
	value, found := a.req().Params[name]
	return value, found
}

func (a asked) GetHeader(name string) (string, bool) {
	if found := values(*a.header(), name); len(found) > 0 {
		return found[0], true
	}
	return "", false
}

func (a asked) GetHeaderAll(name string) []string { return values(*a.header(), name) }

func (a asked) HeaderNames() []string {
	var names []string
	for _, field := range *a.header() {
		if name := strings.ToLower(field.Name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (a asked) SetHeader(name, value string) error {
	if reason := refuse(name, value); reason != "" {
		return abi.Refused(reason)
	}
	a.remove(name)
	*a.header() = append(*a.header(), torana.Field{Name: name, Value: value})
	return nil
}

func (a asked) AddHeader(name, value string) error {
	if reason := refuse(name, value); reason != "" {
		return abi.Refused(reason)
	}
	*a.header() = append(*a.header(), torana.Field{Name: name, Value: value})
	return nil
}

func (a asked) RemoveHeader(name string) error {
	if reason := refuse(name, ""); reason != "" {
		return abi.Refused(reason)
	}
	a.remove(name)
	return nil
}

func (a asked) remove(name string) {
	header := a.header()
	*header = slices.DeleteFunc(*header, func(f torana.Field) bool { return strings.EqualFold(f.Name, name) })
}

func (a asked) Body() ([]byte, bool) {
	var body []byte
	switch response := a.host.response; {
	case response == nil:
		body = a.req().Body
	case response.Data == "":
		body = response.Body
	}
	return slices.Clone(body), body != nil
}

func (a asked) SetBody(body []byte) error {
	body = append([]byte{}, body...)
	switch response := a.host.response; {
	case response == nil:
		a.req().Body = body
	case response.Data != "":
		return abi.Refused("the response is decoded data")
	default:
		response.Body = body
	}
	return nil
}

func (a asked) SetStatus(status int) error {
	if reason := refuseStatus(status); reason != "" {
		return abi.Refused(reason)
	}
	a.resp().Status = status
	return nil
}

func (a asked) ContextGet(key string) ([]byte, bool) {
	value, found := a.host.Context[key]
	return slices.Clone(value), found
}

func (a asked) ContextSet(key string, value []byte) error {
	a.host.Context[key] = slices.Clone(value)
	return nil
}

func (a asked) ConfigEnv(name string) (string, bool) {
	value, found := a.host.Env[name]
	return value, found
}

func (a asked) LogWrite(level uint8, message string) {
	names := [...]string{"trace", "debug", "info", "warn", "error"}
	a.host.Log = append(a.host.Log, Line{names[level], message})
}

func (a asked) MetricsCount(name string, by uint64, labels []abi.Field) {
	a.measured("count", name, float64(by), labels)
}

func (a asked) MetricsGauge(name string, value float64, labels []abi.Field) {
	a.measured("gauge", name, value, labels)
}

func (a asked) MetricsObserve(name string, value float64, labels []abi.Field) {
	a.measured("observe", name, value, labels)
}

func (a asked) measured(kind, name string, value float64, labels []abi.Field) {
	a.host.Metrics = append(a.host.Metrics, Metric{kind, name, value, labels})
}

func (a asked) HTTPSendAll(requests []abi.HTTPRequest) []abi.HTTPResult {
	var all []abi.HTTPResult
	for i := range requests {
		all = append(all, a.HTTPSend(&requests[i]))
	}
	return all
}

func (a asked) HTTPSend(r *abi.HTTPRequest) abi.HTTPResult {
	request := torana.HTTPRequest{
		Method: r.Method, URL: r.URL, Header: r.Header, Body: r.Body,
		Timeout: time.Duration(r.TimeoutMS) * time.Millisecond,
	}
	a.host.Calls = append(a.host.Calls, request)
	if a.host.Answer == nil {
		return abi.HTTPResult{Failure: abi.HTTPDenied, Reason: r.URL}
	}
	response, err := a.host.Answer(request)
	if err == nil {
		return abi.HTTPResult{Status: response.Status, Header: response.Header, Body: response.Body}
	}
	for _, known := range []struct {
		err     error
		failure abi.HTTPFailure
	}{
		{torana.ErrDenied, abi.HTTPDenied}, {torana.ErrInvalid, abi.HTTPInvalid},
		{torana.ErrTooManyCalls, abi.HTTPTooMany}, {torana.ErrTimeout, abi.HTTPTimeout},
		{torana.ErrTooLarge, abi.HTTPTooLarge},
	} {
		if errors.Is(err, known.err) {
			return abi.HTTPResult{Failure: known.failure, Reason: err.Error()}
		}
	}
	return abi.HTTPResult{Failure: abi.HTTPFailed, Reason: err.Error()}
}

func (a asked) KVGet(key string) ([]byte, bool, abi.KVFailure, string) {
	value, found := a.host.KV[key]
	return slices.Clone(value), found, abi.KVOk, ""
}

func (a asked) KVSet(key string, value []byte, ttl uint64) (abi.KVFailure, string) {
	if len(key) > 256 || len(value) > 64<<10 {
		return abi.KVTooLarge, ""
	}
	a.host.forget(key)
	a.host.KV[key] = slices.Clone(value)
	if ttl != 0 {
		a.host.expires[key] = a.host.now + time.Duration(ttl)*time.Millisecond
	}
	return abi.KVOk, ""
}

func (a asked) KVSetIfAbsent(key string, value []byte, ttl uint64) (bool, abi.KVFailure, string) {
	if _, found := a.host.KV[key]; found {
		return false, abi.KVOk, ""
	}
	failure, reason := a.KVSet(key, value, ttl)
	return failure == abi.KVOk, failure, reason
}

func (a asked) KVDelete(key string) (bool, abi.KVFailure, string) {
	_, found := a.host.KV[key]
	a.host.forget(key)
	return found, abi.KVOk, ""
}

// KVAdd takes no value for a counter that was set, whatever is in it.
func (a asked) KVAdd(key string, by int64, ttl uint64) (int64, abi.KVFailure, string) {
	value, found := a.host.KV[key]
	if !found {
		failure, reason := a.KVSet(key, strconv.AppendInt(nil, by, 10), ttl)
		a.host.counters[key] = failure == abi.KVOk
		return by, failure, reason
	}
	count, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || !a.host.counters[key] {
		return 0, abi.KVNotACounter, ""
	}
	sum := count + by
	if by > 0 && sum < count {
		sum = math.MaxInt64
	} else if by < 0 && sum > count {
		sum = math.MinInt64
	}
	// The time keeps running from the first use.
	a.host.KV[key] = strconv.AppendInt(nil, sum, 10)
	return sum, abi.KVOk, ""
}

// CacheClaim has nobody to wait for: one hook runs at a time.
func (a asked) CacheClaim(key string, _ uint32) ([]byte, bool, abi.CacheFailure, string) {
	value, found, _, _ := a.KVGet(key)
	if len(key) > 256 {
		return nil, false, abi.CacheTooLarge, ""
	}
	return value, found, abi.CacheOk, ""
}

func (a asked) CacheKeep(key string, value []byte, ttl uint64) (abi.CacheFailure, string) {
	if failure, _ := a.KVSet(key, value, ttl); failure != abi.KVOk {
		return abi.CacheTooLarge, ""
	}
	return abi.CacheOk, ""
}

func (a asked) CacheRelease(string) {}

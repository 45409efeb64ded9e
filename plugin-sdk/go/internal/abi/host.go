//go:build !wasip1

package abi

// Host stands for the gateway in tests. Its methods are the functions below.
type Host interface {
	RequestID() uint64
	ClientIP() string
	Route() (string, bool)
	Method() string
	SetMethod(method string) error
	Path() string
	SetPath(path string) error
	Query() string
	SetQuery(query string) error
	Param(name string) (string, bool)
	GetHeader(name string) (string, bool)
	GetHeaderAll(name string) []string
	HeaderNames() []string
	SetHeader(name, value string) error
	AddHeader(name, value string) error
	RemoveHeader(name string) error
	Body() ([]byte, bool)
	SetBody(body []byte) error
	Status() int
	SetStatus(status int) error
	Complete() bool

	DataGet(pointer string) (string, bool)
	DataSet(pointer, json string) error
	DataRemove(pointer string) (bool, error)
	DataQuery(path string) ([]Match, error)
	DataReplace(path, json string) (int, error)

	ContextGet(key string) ([]byte, bool)
	ContextSet(key string, value []byte) error
	ConfigGet() []byte
	ConfigEnv(name string) (string, bool)
	LogWrite(level uint8, message string)

	HTTPSend(request *HTTPRequest) HTTPResult
	HTTPSendAll(requests []HTTPRequest) []HTTPResult

	KVGet(key string) (value []byte, found bool, failure KVFailure, reason string)
	KVSet(key string, value []byte, ttl uint64) (KVFailure, string)
	KVSetIfAbsent(key string, value []byte, ttl uint64) (done bool, failure KVFailure, reason string)
	KVDelete(key string) (done bool, failure KVFailure, reason string)
	KVAdd(key string, by int64, ttl uint64) (sum int64, failure KVFailure, reason string)

	CacheClaim(key string, wait uint32) (value []byte, found bool, failure CacheFailure, reason string)
	CacheKeep(key string, value []byte, ttl uint64) (CacheFailure, string)
	CacheRelease(key string)

	MetricsCount(name string, by uint64, labels []Field)
	MetricsGauge(name string, value float64, labels []Field)
	MetricsObserve(name string, value float64, labels []Field)
}

var installed Host

// Install makes a host the one that is asked, until the function that it gives is called.
func Install(host Host) (remove func()) {
	before := installed
	installed = host
	return func() { installed = before }
}

func host() Host {
	if installed == nil {
		panic("torana: there is no gateway here: call hooks through toranatest.Host")
	}
	return installed
}

// RequestID asks the host.
func RequestID() uint64 { return host().RequestID() }

// ClientIP asks the host.
func ClientIP() string { return host().ClientIP() }

// Route asks the host.
func Route() (string, bool) { return host().Route() }

// Method asks the host.
func Method() string { return host().Method() }

// SetMethod asks the host.
func SetMethod(method string) error { return host().SetMethod(method) }

// Path asks the host.
func Path() string { return host().Path() }

// SetPath asks the host.
func SetPath(path string) error { return host().SetPath(path) }

// Query asks the host.
func Query() string { return host().Query() }

// SetQuery asks the host.
func SetQuery(query string) error { return host().SetQuery(query) }

// Param asks the host.
func Param(name string) (string, bool) { return host().Param(name) }

// GetHeader asks the host.
func GetHeader(name string) (string, bool) { return host().GetHeader(name) }

// GetHeaderAll asks the host.
func GetHeaderAll(name string) []string { return host().GetHeaderAll(name) }

// HeaderNames asks the host.
func HeaderNames() []string { return host().HeaderNames() }

// SetHeader asks the host.
func SetHeader(name, value string) error { return host().SetHeader(name, value) }

// AddHeader asks the host.
func AddHeader(name, value string) error { return host().AddHeader(name, value) }

// RemoveHeader asks the host.
func RemoveHeader(name string) error { return host().RemoveHeader(name) }

// Body asks the host.
func Body() ([]byte, bool) { return host().Body() }

// SetBody asks the host.
func SetBody(body []byte) error { return host().SetBody(body) }

// Status asks the host.
func Status() int { return host().Status() }

// SetStatus asks the host.
func SetStatus(status int) error { return host().SetStatus(status) }

// Complete asks the host.
func Complete() bool { return host().Complete() }

// DataGet asks the host.
func DataGet(pointer string) (string, bool) { return host().DataGet(pointer) }

// DataSet asks the host.
func DataSet(pointer, json string) error { return host().DataSet(pointer, json) }

// DataRemove asks the host.
func DataRemove(pointer string) (bool, error) { return host().DataRemove(pointer) }

// DataQuery asks the host.
func DataQuery(path string) ([]Match, error) { return host().DataQuery(path) }

// DataReplace asks the host.
func DataReplace(path, json string) (int, error) { return host().DataReplace(path, json) }

// ContextGet asks the host.
func ContextGet(key string) ([]byte, bool) { return host().ContextGet(key) }

// ContextSet asks the host.
func ContextSet(key string, value []byte) error { return host().ContextSet(key, value) }

// ConfigGet asks the host.
func ConfigGet() []byte { return host().ConfigGet() }

// ConfigEnv asks the host.
func ConfigEnv(name string) (string, bool) { return host().ConfigEnv(name) }

// LogWrite asks the host.
func LogWrite(level uint8, message string) { host().LogWrite(level, message) }

// HTTPSend asks the host.
func HTTPSend(request *HTTPRequest) HTTPResult { return host().HTTPSend(request) }

// HTTPSendAll asks the host.
func HTTPSendAll(requests []HTTPRequest) []HTTPResult { return host().HTTPSendAll(requests) }

// KVGet asks the host.
func KVGet(key string) (value []byte, found bool, failure KVFailure, reason string) {
	return host().KVGet(key)
}

// KVSet asks the host.
func KVSet(key string, value []byte, ttl uint64) (KVFailure, string) {
	return host().KVSet(key, value, ttl)
}

// KVSetIfAbsent asks the host.
func KVSetIfAbsent(key string, value []byte, ttl uint64) (done bool, failure KVFailure, reason string) {
	return host().KVSetIfAbsent(key, value, ttl)
}

// KVDelete asks the host.
func KVDelete(key string) (done bool, failure KVFailure, reason string) { return host().KVDelete(key) }

// KVAdd asks the host.
func KVAdd(key string, by int64, ttl uint64) (sum int64, failure KVFailure, reason string) {
	return host().KVAdd(key, by, ttl)
}

// CacheClaim asks the host.
func CacheClaim(key string, wait uint32) (value []byte, found bool, failure CacheFailure, reason string) {
	return host().CacheClaim(key, wait)
}

// CacheKeep asks the host.
func CacheKeep(key string, value []byte, ttl uint64) (CacheFailure, string) {
	return host().CacheKeep(key, value, ttl)
}

// CacheRelease asks the host.
func CacheRelease(key string) { host().CacheRelease(key) }

// MetricsCount asks the host.
func MetricsCount(name string, by uint64, labels []Field) { host().MetricsCount(name, by, labels) }

// MetricsGauge asks the host.
func MetricsGauge(name string, value float64, labels []Field) {
	host().MetricsGauge(name, value, labels)
}

// MetricsObserve asks the host.
func MetricsObserve(name string, value float64, labels []Field) {
	host().MetricsObserve(name, value, labels)
}

package torana

import "torana/internal/abi"

// Context is what the hooks of one request hand to each other, seen by this plugin only.
var Context context

type context struct{}

// Get gives the value of a key.
func (context) Get(key string) ([]byte, bool) { return abi.ContextGet(key) }

// Set keeps a value until the request ends. It is refused above 64 keys, or 64 KiB for keys and values together.
func (context) Set(key string, value []byte) error { return abi.ContextSet(key, value) }

// Log writes lines into the gateway's log, with the plugin's name and the request's number. It needs the grant `log`.
// Above 100 lines in one hook call, or 4 KiB in a line, the rest is dropped.
var Log log

type log struct{}

// The levels of a line, as wit/log.wit counts them.
const (
	levelTrace uint8 = iota
	levelDebug
	levelInfo
	levelWarn
	levelError
)

// Trace writes a line of level trace.
func (log) Trace(message string) { abi.LogWrite(levelTrace, message) }

// Debug writes a line of level debug.
func (log) Debug(message string) { abi.LogWrite(levelDebug, message) }

// Info writes a line of level info.
func (log) Info(message string) { abi.LogWrite(levelInfo, message) }

// Warn writes a line of level warn.
func (log) Warn(message string) { abi.LogWrite(levelWarn, message) }

// Error writes a line of level error.
func (log) Error(message string) { abi.LogWrite(levelError, message) }

// Metrics of the plugin, beside the gateway's own; their names get the prefix `torana_plugin_` and a label `plugin`. They
// need the grant `metrics`. What is not valid, or comes above the limit of series, is dropped and counted.
var Metrics metrics

type metrics struct{}

// Label tells series of one metric apart.
type Label = abi.Field

// Count adds to a counter.
func (metrics) Count(name string, by uint64, labels ...Label) { abi.MetricsCount(name, by, labels) }

// Gauge sets a gauge.
func (metrics) Gauge(name string, value float64, labels ...Label) {
	abi.MetricsGauge(name, value, labels)
}

// Observe puts a value into a histogram, whose buckets fit seconds from 1 ms to 10 s.
func (metrics) Observe(name string, value float64, labels ...Label) {
	abi.MetricsObserve(name, value, labels)
}

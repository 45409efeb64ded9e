package abi

import "unsafe"

//go:wasmimport torana:plugin/context@0.1.1 get
//go:noescape
func contextGet(key string, result unsafe.Pointer)

//go:wasmimport torana:plugin/context@0.1.1 set
//go:noescape
func contextSet(key string, value unsafe.Pointer, length uint32, result unsafe.Pointer)

//go:wasmimport torana:plugin/config@0.1.1 get
//go:noescape
func configGet(result unsafe.Pointer)

//go:wasmimport torana:plugin/config@0.1.1 env
//go:noescape
func configEnv(name string, result unsafe.Pointer)

//go:wasmimport torana:plugin/log@0.1.1 write
//go:noescape
func logWrite(level uint32, message string)

//go:wasmimport torana:plugin/metrics@0.1.1 count
//go:noescape
func metricsCount(name string, by uint64, labels unsafe.Pointer, length uint32)

//go:wasmimport torana:plugin/metrics@0.1.1 gauge
//go:noescape
func metricsGauge(name string, value float64, labels unsafe.Pointer, length uint32)

//go:wasmimport torana:plugin/metrics@0.1.1 observe
//go:noescape
func metricsObserve(name string, value float64, labels unsafe.Pointer, length uint32)

// ContextGet is context.get.
func ContextGet(key string) ([]byte, bool) {
	contextGet(key, into())
	w := words()
	if w[0]&0xff == 0 {
		return nil, false
	}
	return bytes(w[1], w[2]), true
}

// ContextSet is context.set.
func ContextSet(key string, value []byte) error {
	contextSet(key, data(value), uint32(len(value)), into())
	return refused()
}

// ConfigGet is config.get.
func ConfigGet() []byte {
	configGet(into())
	w := words()
	return bytes(w[0], w[1])
}

// ConfigEnv is config.env.
func ConfigEnv(name string) (string, bool) {
	configEnv(name, into())
	return optional()
}

// LogWrite is log.write; levels count from 0, trace, to 4, error.
func LogWrite(level uint8, message string) { logWrite(uint32(level), message) }

// MetricsCount is metrics.count.
func MetricsCount(name string, by uint64, labels []Field) {
	flat := flatten(labels)
	metricsCount(name, by, flat.pointer(), uint32(len(flat)))
}

// MetricsGauge is metrics.gauge.
func MetricsGauge(name string, value float64, labels []Field) {
	flat := flatten(labels)
	metricsGauge(name, value, flat.pointer(), uint32(len(flat)))
}

// MetricsObserve is metrics.observe.
func MetricsObserve(name string, value float64, labels []Field) {
	flat := flatten(labels)
	metricsObserve(name, value, flat.pointer(), uint32(len(flat)))
}

// Package torana is the SDK for plugins of the Torana gateway.
//
// A plugin is a value that implements some of the hook interfaces, such as [RequestHook]. It is registered while the
// program starts:
//
//	type guard struct {
//		Header string `json:"header"`
//	}
//
//	func (g *guard) Configure(c torana.Config) error { return c.Decode(g) }
//
//	func (g *guard) OnRequest(r *torana.Request) (*torana.Answer, error) {
//		if _, ok := r.Header(g.Header); !ok {
//			return torana.NewAnswer(400).Text("which tenant?"), nil
//		}
//		return nil, nil
//	}
//
//	func init() { torana.Register(&guard{}) }
//
//	func main() {}
//
// `torana plugin build` makes a component of it, which exports exactly the hooks that the value implements and asks for
// exactly what the program calls. main is never run there.
//
// Memory of a plugin lives as long as its instance, which serves many requests, one at a time, and may be replaced
// between two hooks of one request: hand state from hook to hook through [Context]. Goroutines run only while a hook
// does, so a hook must wait for those that it starts. time and crypto/rand work; files, sockets and the environment are
// not there.
//
// Package toranatest stands for the gateway in tests, which `go test` runs without WebAssembly.
package torana

import "torana/internal/abi"

var registered any

// Register says what the plugin is. Call it once, from a func init of package main.
//
// It panics if the value implements no hook, or a method has the name of a hook but not its signature.
func Register(plugin any) {
	if registered != nil {
		panic("torana: Register was called twice")
	}
	registered = plugin
	check(plugin)
}

// Config is what the gateway's configuration says to the plugin.
type Config struct{ json []byte }

// JSON gives the plugin's `config` as JSON text; `null` when there is none.
func (c Config) JSON() []byte { return c.json }

// CurrentConfig gives the configuration of this plugin.
func CurrentConfig() Config { return Config{abi.ConfigGet()} }

// Env gives a variable of the gateway's environment, if `grants.env` names it and it is set.
func Env(name string) (string, bool) { return abi.ConfigEnv(name) }

// RequestID is the number of the request in its process, as in the gateway's log.
func RequestID() uint64 { return abi.RequestID() }

// ClientIP says who asks: the peer's address, or what a trusted forwarding header names.
func ClientIP() string { return abi.ClientIP() }

// Route is the endpoint as configured, such as `/users/{id}`; none before routing.
func Route() (string, bool) { return abi.Route() }

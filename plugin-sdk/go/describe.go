//go:build !wasip1

package torana

import (
	"fmt"
	"os"
	"reflect"
	"strings"
)

// hook is a hook as an interface of Go and of wit/.
type hook struct {
	method, name string
	is           reflect.Type
}

var hooks = []hook{
	{"OnRequest", "on-request", reflect.TypeFor[RequestHook]()},
	{"OnBackendRequest", "on-backend-request", reflect.TypeFor[BackendRequestHook]()},
	{"OnBackendResponse", "on-backend-response", reflect.TypeFor[BackendResponseHook]()},
	{"OnResponse", "on-response", reflect.TypeFor[ResponseHook]()},
	{"OnRequestBody", "on-request-body", reflect.TypeFor[RequestBodyHook]()},
	{"OnResponseBody", "on-response-body", reflect.TypeFor[ResponseBodyHook]()},
	{"Handle", "handle", reflect.TypeFor[Handler]()},
}

// Not hooks, but misspelt as easily.
var others = []hook{
	{"Configure", "", reflect.TypeFor[Configured]()},
	{"Hooks", "", reflect.TypeFor[Choosing]()},
}

// check panics if a value is no plugin. For `torana plugin build`, which sets the variable, it says which hooks the
// value has and ends the program.
func check(plugin any) {
	names, err := describe(plugin)
	if os.Getenv("TORANA_DESCRIBE") != "" {
		if err != nil {
			fmt.Fprintln(os.Stderr, "torana: "+err.Error())
			os.Exit(1)
		}
		fmt.Printf(`{"exports": ["init", "%s"], "imports": []}`+"\n", strings.Join(names, `", "`))
		os.Exit(0)
	}
	if err != nil {
		panic("torana: " + err.Error())
	}
}

// describe gives the hooks that a value has, by their names in wit/.
func describe(plugin any) ([]string, error) {
	if plugin == nil {
		return nil, fmt.Errorf("nil is no plugin")
	}
	is := reflect.TypeOf(plugin)
	var names []string
	for _, hook := range append(others, hooks...) {
		if is.Implements(hook.is) {
			if hook.name != "" {
				names = append(names, hook.name)
			}
			continue
		}
		method, found := is.MethodByName(hook.method)
		if !found && is.Kind() != reflect.Pointer {
			method, found = reflect.PointerTo(is).MethodByName(hook.method)
			if found && reflect.PointerTo(is).Implements(hook.is) {
				return nil, fmt.Errorf("%s has a pointer receiver: register a pointer to %s", hook.method, is)
			}
		}
		if found {
			want := hook.is.Method(0).Type.String()
			return nil, fmt.Errorf("%s.%s has another signature than the hook: want %s, not %s",
				is, hook.method, want, withoutReceiver(method.Type))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no hook: implement one of torana.RequestHook, torana.ResponseHook and the like", is)
	}
	return names, nil
}

// withoutReceiver writes a method's type as an interface has it.
func withoutReceiver(method reflect.Type) string {
	var in, out []reflect.Type
	for i := 1; i < method.NumIn(); i++ {
		in = append(in, method.In(i))
	}
	for i := range method.NumOut() {
		out = append(out, method.Out(i))
	}
	return reflect.FuncOf(in, out, method.IsVariadic()).String()
}

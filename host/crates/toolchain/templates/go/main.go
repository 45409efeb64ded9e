// A plugin of the Torana gateway: lets a request pass only if it names its tenant, and hands the name on in lower case.
package main

import (
	"errors"
	"slices"
	"strings"

	"torana"
)

// guard is the plugin, and what stands under `config` in the gateway's configuration. config.schema.json says the same
// for `torana check`.
type guard struct {
	// Header names the header that names the tenant.
	Header string `json:"header"`
	// Tenants are those who may pass; everybody without.
	Tenants []string `json:"tenants"`
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
	value, _ := request.Header(g.Header)
	tenant := strings.ToLower(strings.TrimSpace(value))
	switch {
	case tenant == "":
		return torana.NewAnswer(403).Text("which tenant?"), nil
	case len(g.Tenants) > 0 && !slices.Contains(g.Tenants, tenant):
		return torana.NewAnswer(403).Text("this tenant is not known"), nil
	}
	return nil, request.SetHeader(g.Header, tenant)
}

func init() { torana.Register(&guard{}) }

// The gateway calls the hooks; main is not run.
func main() {}

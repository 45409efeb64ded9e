// Hands a header of the request on under another name: a plugin in Go that gets one header and sets one.
package main

import (
	"errors"

	"torana"
)

// copier is the plugin, and its configuration.
type copier struct {
	// From names the header that is read.
	From string `json:"from"`
	// To names the header that is set.
	To string `json:"to"`
	// Default is set where the request has no such header; without it nothing is set then.
	Default string `json:"default"`
}

func (c *copier) Configure(config torana.Config) error {
	if err := config.Decode(c); err != nil {
		return err
	}
	if c.From == "" || c.To == "" {
		return errors.New("config needs `from` and `to`")
	}
	return nil
}

func (c *copier) OnRequest(request *torana.Request) (*torana.Answer, error) {
	value, found := request.Header(c.From)
	if !found {
		value = c.Default
	}
	if value == "" {
		return nil, nil
	}
	return nil, request.SetHeader(c.To, value)
}

func init() { torana.Register(&copier{}) }

// The gateway calls the hooks; main is not run.
func main() {}

package torana

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Decode puts the configuration into a value, as encoding/json does. Keys that the value does not have are an error, so
// that `torana check` finds misspelt ones.
func (c Config) Decode(into any) error {
	decoder := json.NewDecoder(bytes.NewReader(c.json))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one JSON value")
	}
	return nil
}

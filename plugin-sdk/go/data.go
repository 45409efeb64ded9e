package torana

import (
	"encoding/json"

	"torana/internal/abi"
)

// Match is a value that a query has found.
type Match = abi.Match

// DataJSON gives the value at a JSON Pointer (RFC 6901) of the decoded data, as JSON text; none if there is no such
// place or no decoded data.
func (Response) DataJSON(pointer string) (string, bool) { return abi.DataGet(pointer) }

// Data puts the value at a JSON Pointer of the decoded data into a variable, as encoding/json does; says whether there
// is one.
func (r Response) Data(pointer string, into any) (bool, error) {
	text, found := r.DataJSON(pointer)
	if !found {
		return false, nil
	}
	return true, json.Unmarshal([]byte(text), into)
}

// SetDataJSON puts a value, given as JSON text, at a JSON Pointer of the decoded data. The parent must exist; `-`
// appends to an array; the empty pointer replaces everything and takes an object.
func (Response) SetDataJSON(pointer, json string) error { return abi.DataSet(pointer, json) }

// SetData puts a value at a JSON Pointer of the decoded data; otherwise as SetDataJSON.
func (r Response) SetData(pointer string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return r.SetDataJSON(pointer, string(text))
}

// RemoveData removes the value at a JSON Pointer of the decoded data; says whether there was one.
func (Response) RemoveData(pointer string) (bool, error) { return abi.DataRemove(pointer) }

// QueryData gives the values that a JSONPath (RFC 9535) finds in the decoded data, such as `$.users[*].email`, in the
// order of the document.
func (Response) QueryData(path string) ([]Match, error) { return abi.DataQuery(path) }

// ReplaceDataJSON puts the same value, given as JSON text, at every place that a JSONPath finds; says how many there
// were. `$` itself cannot be replaced so.
func (Response) ReplaceDataJSON(path, json string) (int, error) { return abi.DataReplace(path, json) }

// ReplaceData puts the same value at every place that a JSONPath finds; otherwise as ReplaceDataJSON.
func (r Response) ReplaceData(path string, value any) (int, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return 0, err
	}
	return r.ReplaceDataJSON(path, string(text))
}

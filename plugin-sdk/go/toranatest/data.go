package toranatest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"torana/internal/abi"
)

// place is where a value stands.
type place struct {
	pointer string
	value   any
}

func (a asked) document() (any, bool) {
	response := a.host.response
	if response == nil || response.Data == "" {
		return nil, false
	}
	document, err := parse(response.Data)
	if err != nil {
		a.host.test.Fatalf("toranatest: the data is not JSON: %v", err)
	}
	return document, true
}

func parse(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	return value, decoder.Decode(&value)
}

func write(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic("toranatest: " + err.Error())
	}
	return string(text)
}

func (a asked) DataGet(pointer string) (string, bool) {
	document, there := a.document()
	if !there {
		return "", false
	}
	value, found := at(document, pointer)
	if !found {
		return "", false
	}
	return write(value), true
}

func (a asked) DataSet(pointer, text string) error {
	document, there := a.document()
	if !there {
		return abi.Refused("there is no decoded data")
	}
	value, err := parse(text)
	if err != nil {
		return abi.Refused("not JSON: " + err.Error())
	}
	if pointer == "" {
		if _, is := value.(map[string]any); !is {
			return abi.Refused("the whole of the data must be an object")
		}
		document = value
	} else if document, there = put(document, split(pointer), value); !there {
		return abi.Refused("there is no parent of `" + pointer + "`")
	}
	a.host.response.Data = write(document)
	return nil
}

func (a asked) DataRemove(pointer string) (bool, error) {
	document, there := a.document()
	if !there {
		return false, abi.Refused("there is no decoded data")
	}
	if pointer == "" {
		object, _ := document.(map[string]any)
		a.host.response.Data = "{}"
		return len(object) > 0, nil
	}
	if _, found := at(document, pointer); !found {
		return false, nil
	}
	parts := split(pointer)
	last := parts[len(parts)-1]
	above := join(parts[:len(parts)-1])
	parent, _ := at(document, above)
	switch parent := parent.(type) {
	case map[string]any:
		delete(parent, last)
	case []any:
		i, _ := index(last, len(parent))
		document, _ = put(document, parts[:len(parts)-1], slices.Delete(slices.Clone(parent), i, i+1))
	}
	a.host.response.Data = write(document)
	return true, nil
}

func (a asked) DataQuery(path string) ([]abi.Match, error) {
	places, err := a.find(path)
	var all []abi.Match
	for _, place := range places {
		all = append(all, abi.Match{Pointer: place.pointer, JSON: write(place.value)})
	}
	return all, err
}

func (a asked) DataReplace(path, text string) (int, error) {
	places, err := a.find(path)
	if err != nil {
		return 0, err
	}
	// From the end, as a place may lie in another one.
	for _, place := range slices.Backward(places) {
		if place.pointer == "" {
			return 0, abi.Refused("`$` cannot be replaced")
		}
		if err := a.DataSet(place.pointer, text); err != nil {
			return 0, err
		}
	}
	return len(places), nil
}

func (a asked) find(path string) ([]place, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	document, there := a.document()
	if !there {
		return nil, nil
	}
	places := []place{{"", document}}
	for _, step := range steps {
		var next []place
		for _, place := range places {
			next = append(next, step(place)...)
		}
		places = next
	}
	return places, nil
}

// split takes a JSON Pointer apart (RFC 6901, section 3).
func split(pointer string) []string {
	parts := strings.Split(pointer, "/")[1:]
	for i, part := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
	}
	return parts
}

func join(parts []string) string {
	var pointer strings.Builder
	for _, part := range parts {
		pointer.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
	}
	return pointer.String()
}

func at(value any, pointer string) (any, bool) {
	if pointer == "" {
		return value, true
	}
	if !strings.HasPrefix(pointer, "/") {
		return nil, false
	}
	for _, part := range split(pointer) {
		switch parent := value.(type) {
		case map[string]any:
			inner, found := parent[part]
			if !found {
				return nil, false
			}
			value = inner
		case []any:
			i, found := index(part, len(parent))
			if !found {
				return nil, false
			}
			value = parent[i]
		default:
			return nil, false
		}
	}
	return value, true
}

func index(part string, length int) (int, bool) {
	i, err := strconv.Atoi(part)
	return i, err == nil && strconv.Itoa(i) == part && i >= 0 && i < length
}

// put gives a value with another one at a place in it; says whether the place's parent exists.
func put(value any, parts []string, into any) (any, bool) {
	if len(parts) == 0 {
		return into, true
	}
	part, rest := parts[0], parts[1:]
	switch parent := value.(type) {
	case map[string]any:
		inner, found := parent[part]
		if !found && len(rest) > 0 {
			return value, false
		}
		inner, done := put(inner, rest, into)
		if done {
			parent[part] = inner
		}
		return parent, done
	case []any:
		if part == "-" && len(rest) == 0 {
			return append(parent, into), true
		}
		i, found := index(part, len(parent))
		if !found {
			return value, false
		}
		inner, done := put(parent[i], rest, into)
		parent[i] = inner
		return parent, done
	}
	return value, false
}

// step is a segment of a JSONPath: from a place to those that it selects.
type step func(place) []place

// parsePath reads the JSONPaths that this host knows: names, indices, wildcards, and names or wildcards at any depth.
// Object members come in the order of their names, as a decoded object has no other.
func parsePath(path string) ([]step, error) {
	rest, found := strings.CutPrefix(path, "$")
	if !found {
		return nil, abi.Refused("a JSONPath begins with `$`")
	}
	var steps []step
	for rest != "" {
		deep := strings.HasPrefix(rest, "..")
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "."), ".")
		selector, after, ok := cutSelector(rest)
		if !ok {
			return nil, abi.Refused("the test host does not know the JSONPath `" + path + "`")
		}
		if deep {
			steps = append(steps, everything)
		}
		steps = append(steps, selector)
		rest = after
	}
	return steps, nil
}

func cutSelector(text string) (selector step, rest string, ok bool) {
	if !strings.HasPrefix(text, "[") {
		end := strings.IndexAny(text, ".[")
		if end < 0 {
			end = len(text)
		}
		name := text[:end]
		if name == "*" {
			return children, text[end:], true
		}
		return member(name), text[end:], name != "" && !strings.ContainsAny(name, "?@()'\" ")
	}
	inner, rest, found := strings.Cut(text[1:], "]")
	switch {
	case !found:
		return nil, "", false
	case inner == "*":
		return children, rest, true
	case len(inner) >= 2 && (inner[0] == '\'' || inner[0] == '"') && inner[len(inner)-1] == inner[0]:
		return member(inner[1 : len(inner)-1]), rest, true
	}
	number, err := strconv.Atoi(inner)
	return element(number), rest, err == nil
}

func member(name string) step {
	return func(p place) []place {
		if object, is := p.value.(map[string]any); is {
			if value, found := object[name]; found {
				return []place{{p.pointer + join([]string{name}), value}}
			}
		}
		return nil
	}
}

func element(number int) step {
	return func(p place) []place {
		array, is := p.value.([]any)
		i := number
		if i < 0 {
			i += len(array)
		}
		if !is || i < 0 || i >= len(array) {
			return nil
		}
		return []place{{p.pointer + "/" + strconv.Itoa(i), array[i]}}
	}
}

func children(p place) []place {
	var all []place
	switch parent := p.value.(type) {
	case map[string]any:
		for name, value := range parent {
			all = append(all, place{p.pointer + join([]string{name}), value})
		}
		slices.SortFunc(all, func(a, b place) int { return strings.Compare(a.pointer, b.pointer) })
	case []any:
		for i, value := range parent {
			all = append(all, place{p.pointer + "/" + strconv.Itoa(i), value})
		}
	}
	return all
}

func everything(p place) []place {
	all := []place{p}
	for _, child := range children(p) {
		all = append(all, everything(child)...)
	}
	return all
}

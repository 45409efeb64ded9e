package torana

import (
	"encoding/json"

	"torana/internal/abi"
)

// Field is a header field.
type Field = abi.Field

// Answer is a response that a plugin makes itself. `content-length` and other framing fields are the gateway's and
// refused.
type Answer abi.Answer

// NewAnswer makes an answer with a status from 200 to 599 and no body.
func NewAnswer(status int) *Answer { return &Answer{Status: status} }

// With adds a header field.
func (a *Answer) With(name, value string) *Answer {
	a.Header = append(a.Header, Field{Name: name, Value: value})
	return a
}

// Bytes sets the body.
func (a *Answer) Bytes(contentType string, body []byte) *Answer {
	a.Body = body
	return a.With("content-type", contentType)
}

// Text sets the body to a text.
func (a *Answer) Text(text string) *Answer {
	return a.Bytes("text/plain; charset=utf-8", []byte(text))
}

// JSON sets the body to a value. It panics on what encoding/json cannot write, such as a channel.
func (a *Answer) JSON(value any) *Answer {
	body, err := json.Marshal(value)
	if err != nil {
		panic("torana: " + err.Error())
	}
	return a.Bytes("application/json", body)
}

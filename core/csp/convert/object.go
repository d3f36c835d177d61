package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// member is a key of a JSON object with its value; order is kept, as the order
// of directives is.
type member struct {
	key   string
	value json.RawMessage
}

// readObject reads a JSON object in order. A key that comes twice is an error.
func readObject(data []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	t, err := dec.Token()
	if err != nil {
		return nil, jsonError(err)
	}
	if t != json.Delim('{') {
		return nil, errors.New("not a JSON object; write the settings as {\"name\": value, ...}")
	}
	var out []member
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, jsonError(err)
		}
		var m member
		m.key, _ = key.(string)
		if err := dec.Decode(&m.value); err != nil {
			return nil, jsonError(err)
		}
		if seen[m.key] {
			return nil, fmt.Errorf("key %q is there twice; write it once", m.key)
		}
		seen[m.key] = true
		out = append(out, m)
	}
	if _, err := dec.Token(); err != nil {
		return nil, jsonError(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("offset %d: something follows the JSON object; give one object", dec.InputOffset())
	}
	return out, nil
}

func jsonError(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("offset %d: not JSON: %w", syntax.Offset, err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not JSON: it ends too early")
	}
	return fmt.Errorf("not JSON: %w", err)
}

// kind tells JSON values apart by their first byte.
func kind(v json.RawMessage) byte {
	v = bytes.TrimSpace(v)
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// sources reads a directive's value: a string, a list of strings (lists may be
// nested, as Python's tuples come out), true for no value. present is false for
// null and false: the directive is left out.
func sources(v json.RawMessage) (tokens []string, present bool, err error) {
	switch kind(v) {
	case 'n', 'f':
		return nil, false, nil
	case 't':
		return nil, true, nil
	case '"':
		var s string
		if err := json.Unmarshal(v, &s); err != nil {
			return nil, false, jsonError(err)
		}
		return strings.Split(s, " "), true, nil
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(v, &list); err != nil {
			return nil, false, jsonError(err)
		}
		for _, item := range list {
			if k := kind(item); k != '"' && k != '[' {
				return nil, false, fmt.Errorf("%s stands in a list of sources; write strings", clip(item))
			}
			more, _, err := sources(item)
			if err != nil {
				return nil, false, err
			}
			tokens = append(tokens, more...)
		}
		return tokens, true, nil
	}
	return nil, false, fmt.Errorf("%s is no value of a directive; write a string or a list of strings", clip(v))
}

func clip(v json.RawMessage) string {
	if len(v) > 40 {
		return string(v[:40]) + "..."
	}
	return string(v)
}

// flag reads a boolean setting; missing or null keeps the default.
func flag(v json.RawMessage, or bool) bool {
	switch kind(v) {
	case 't':
		return true
	case 'f', '0':
		return false
	case '1':
		return true
	}
	return or
}

// lookup finds a key's value, nil if it is not there.
func lookup(obj []member, key string) json.RawMessage {
	for _, m := range obj {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

package policycmd

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/edgecsp/edgecsp/core/csp/lint"
)

// MaxLine bounds a line of batch input, in bytes. A longer one is answered with
// an error, and the next one is read.
const MaxLine = 4 << 20

// failure answers a line that could not be answered otherwise.
type failure struct {
	ID    json.RawMessage `json:"id,omitempty"`
	Error string          `json:"error"`
}

// batch answers each line of standard input by one line. An answer is written out
// as soon as no further question waits, so that the command can be talked to. An
// error names the line, counted from 1, for what cannot be read has no id.
func (s Streams) batch(answer func(line []byte) any) error {
	in := bufio.NewReaderSize(s.In, 64<<10)
	out := bufio.NewWriter(s.Out)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for n := 1; ; n++ {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, errLineTooLong) && err != io.EOF {
			return fmt.Errorf("reading standard input: %w", err)
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte(byteOrderMark))
		}
		var a any
		switch {
		case errors.Is(err, errLineTooLong):
			a = failure{Error: err.Error()}
		case len(bytes.TrimSpace(line)) > 0:
			a = answer(line)
		}
		if f, ok := a.(failure); ok {
			f.Error = fmt.Sprintf("line %d: %s", n, f.Error)
			a = f
		}
		if a != nil {
			if err := enc.Encode(a); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return out.Flush()
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

var errLineTooLong = fmt.Errorf("the line has more than %d bytes; give less", MaxLine)

// readLine reads a line, of which it drops what is over MaxLine.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	tooLong := false
	for {
		part, err := in.ReadSlice('\n')
		if !tooLong {
			line = append(line, part...)
			if tooLong = len(bytes.TrimRight(line, "\r\n")) > MaxLine; tooLong {
				line = nil
			}
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case tooLong && (err == nil || err == io.EOF):
			return nil, errLineTooLong
		}
		return line, err
	}
}

// decode reads a line strictly. On failure it still gives the id, if it can be
// found.
func decode(line []byte, into any) (failure, bool) {
	if line = bytes.TrimSpace(line); !bytes.HasPrefix(line, []byte{'{'}) {
		return failure{nil, "not a JSON object; write {\"id\": ..., \"policy\": ...}, one a line"}, false
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			return failure{}, true
		}
		err = errors.New("something follows the JSON object; give one object a line")
	}
	return failure{findID(line), describe(err)}, false
}

// findID reads the members up to the one called id, for what comes after it may
// not be JSON.
func findID(line []byte) json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(line))
	if _, err := dec.Token(); err != nil {
		return nil
	}
	for dec.More() {
		key, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return nil
		}
		if key == "id" {
			return value
		}
	}
	return nil
}

// describe puts an error of decoding into the words of the input.
func describe(err error) string {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("offset %d: not JSON: %v", syntax.Offset, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "not JSON: the line ends within the object"
	case errors.As(err, &kind):
		return fmt.Sprintf("key %q: a %s stands here; write a %s", kind.Field, kind.Value, kind.Type)
	}
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "key " + key + " is not known; take it out"
	}
	return err.Error()
}

func explainBatch(line []byte) any {
	var q question
	if f, ok := decode(line, &q); !ok {
		return f
	}
	r, err := q.ask()
	if err != nil {
		return failure{q.ID, err.Error()}
	}
	return r
}

// lintBatch lints the policies of a line as headers that are sent together.
func lintBatch(o lint.Options) func(line []byte) any {
	return func(line []byte) any {
		var q struct {
			ID     json.RawMessage `json:"id"`
			Policy policyTexts     `json:"policy"`
		}
		if f, ok := decode(line, &q); !ok {
			return f
		}
		if len(q.Policy) == 0 {
			return failure{q.ID, "policy is missing; give the header's text"}
		}
		var h headers
		for _, text := range q.Policy {
			h.join(readHeaders(text))
		}
		return struct {
			ID       json.RawMessage `json:"id,omitempty"`
			Findings []finding       `json:"findings"`
		}{q.ID, toJSON(h.lint(o))}
	}
}

package policycmd

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

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
// as soon as no further question waits, so that the command can be talked to.
func (s Streams) batch(answer func(line []byte) any) error {
	in := bufio.NewReaderSize(s.In, 64<<10)
	out := bufio.NewWriter(s.Out)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, errLineTooLong) && err != io.EOF {
			return fmt.Errorf("reading standard input: %w", err)
		}
		switch {
		case errors.Is(err, errLineTooLong):
			if err := enc.Encode(failure{Error: err.Error()}); err != nil {
				return err
			}
		case len(bytes.TrimSpace(line)) > 0:
			if err := enc.Encode(answer(line)); err != nil {
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

// decode reads a line strictly. On failure it still gives the id, if there is one.
func decode(line []byte, into any) *failure {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			return nil
		}
		err = errors.New("something follows the JSON object; give one object a line")
	}
	var id struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.NewDecoder(bytes.NewReader(line)).Decode(&id) // without an id the answer has none
	return &failure{id.ID, err.Error()}
}

func explainBatch(line []byte) any {
	var q question
	if f := decode(line, &q); f != nil {
		return f
	}
	r, err := q.ask()
	if err != nil {
		return failure{q.ID, err.Error()}
	}
	return r
}

func lintBatch(line []byte) any {
	var q struct {
		ID     json.RawMessage `json:"id"`
		Policy policyTexts     `json:"policy"`
	}
	if f := decode(line, &q); f != nil {
		return f
	}
	if len(q.Policy) == 0 {
		return failure{q.ID, "policy is missing; give the header's text"}
	}
	found := []finding{}
	for _, text := range q.Policy {
		found = append(found, toJSON(lintText(text, lint.Options{}))...)
	}
	return struct {
		ID       json.RawMessage `json:"id,omitempty"`
		Findings []finding       `json:"findings"`
	}{q.ID, found}
}

package rewrite

// A region is a stretch of the input that must be read as one piece: a tag, or a block with its start tag. While hold is set, its
// bytes are not given out.
type region struct {
	keep  bool
	hold  bool
	start int // index in the chunk where it began, -1 if in an earlier one
	taken int // of a region from an earlier chunk: index in this chunk up to which bufs has it
	at    int // of a region from an earlier chunk that is held: where it begins in the step's input
	open  int // offset of a '<' under way
	bufs  [2][]byte
	cur   int
	prev  int // the buffer that the step's held bytes stand in, -1 if none
}

// maxIdle is how much buffer a stream keeps from one document to the next.
const maxIdle = 16 << 10

func (r *region) reset() {
	for i := range r.bufs {
		if cap(r.bufs[i]) > maxIdle {
			r.bufs[i] = nil
		}
		r.bufs[i] = r.bufs[i][:0]
	}
	*r = region{bufs: r.bufs, prev: -1}
}

func (r *region) buf() []byte { return r.bufs[r.cur] }

// begin prepares for the next chunk.
func (r *region) begin() {
	r.prev = -1
	if r.hold {
		r.prev = r.cur
	}
	r.start, r.taken, r.at = -1, 0, 0
}

// from begins a region at index i of the chunk.
func (r *region) from(i int) {
	r.keep, r.hold, r.start, r.open = true, true, i, 0
}

func (r *region) drop() { r.keep, r.hold = false, false }

// bytes returns the region up to index e of the chunk b.
func (r *region) bytes(b []byte, e int) []byte {
	if r.start >= 0 {
		return b[r.start:e]
	}
	r.bufs[r.cur] = append(r.bufs[r.cur], b[r.taken:e]...)
	r.taken = e
	return r.bufs[r.cur]
}

// save keeps the region past the end of the chunk b and returns its length; held is the length of the step's held bytes.
func (r *region) save(b []byte, held int) int {
	if r.start < 0 {
		r.bufs[r.cur] = append(r.bufs[r.cur], b[r.taken:]...)
		r.taken = len(b)
		return len(r.bufs[r.cur])
	}
	if r.cur == r.prev {
		r.cur ^= 1
	}
	r.bufs[r.cur] = append(r.bufs[r.cur][:0], b[r.start:]...)
	r.at = held + r.start
	r.start, r.taken = -1, len(b)
	return len(r.bufs[r.cur])
}

type insertion uint8

const (
	insNonce   insertion = iota // a nonce attribute with a space before it
	insReplace                  // a nonce attribute in the place of another
	insContent                  // a content attribute that is the nonce
	insSnippet
)

// An edit replaces del bytes at offset at of the step's input by what ins says.
type edit struct {
	at, del int
	ins     insertion
}

// editor gathers the edits of one step, in order.
type editor struct {
	list  []edit
	prev  []byte // the bytes held before the step
	held  int
	chunk []byte
}

func (e *editor) reset() { *e = editor{list: e.list[:0]} }

func (e *editor) begin(held int, buf, chunk []byte) {
	e.list = e.list[:0]
	e.held, e.chunk = held, chunk
	e.prev = buf[:held]
}

func (e *editor) add(at, del int, ins insertion) {
	e.list = append(e.list, edit{at, del, ins})
}

// reach is where the last edit ends in the step's input.
func (e *editor) reach() int {
	if len(e.list) == 0 {
		return 0
	}
	l := e.list[len(e.list)-1]
	return l.at + l.del
}

// render appends what becomes of the first n bytes of the step's input.
func (e *editor) render(dst []byte, n int, s *Stream) []byte {
	at := 0
	for _, d := range e.list {
		dst = e.copy(dst, at, d.at)
		dst = s.appendInsertion(dst, d.ins)
		at = d.at + d.del
	}
	return e.copy(dst, at, n)
}

// appendInsertion appends what an edit puts in.
func (s *Stream) appendInsertion(dst []byte, ins insertion) []byte {
	switch ins {
	case insSnippet:
		return append(dst, s.page.Snippet...)
	case insContent:
		return append(append(append(dst, `content="`...), s.nonce...), '"')
	case insNonce:
		dst = append(dst, ' ')
	}
	dst = append(dst, `nonce="`...)
	dst = append(dst, s.nonce...)
	return append(dst, '"')
}

// copy appends the step's input from a to b.
func (e *editor) copy(dst []byte, a, b int) []byte {
	if a < e.held {
		dst = append(dst, e.prev[a:min(b, e.held)]...)
		a = e.held
	}
	if b > a {
		dst = append(dst, e.chunk[a-e.held:b-e.held]...)
	}
	return dst
}

// untake forgets the last n bytes that were taken from the chunk.
func (r *region) untake(n int) {
	if r.start < 0 {
		r.bufs[r.cur] = r.bufs[r.cur][:len(r.bufs[r.cur])-n]
		r.taken -= n
	}
}

// origin is where the region begins in the step's input; it has a meaning only for one that is held.
func (r *region) origin(held int) int {
	if r.start >= 0 {
		return held + r.start
	}
	return r.at
}

// cut forgets a saved region's first n bytes.
func (r *region) cut(n int) {
	tail := r.bufs[r.cur][n:]
	if r.cur == r.prev {
		r.cur ^= 1
	}
	r.bufs[r.cur] = append(r.bufs[r.cur][:0], tail...)
	r.at += n
	r.open = 0
}

// advance makes the '<' under way the region's beginning.
func (r *region) advance() {
	if r.start < 0 {
		r.cut(r.open)
		return
	}
	r.start += r.open
	r.open = 0
}

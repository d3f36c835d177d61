package wasmtest

import "sync"

// Shared is the data that the VMs of one proxy share (and one vm_id in Envoy).
// Its zero value is empty. It is safe for concurrent use.
type Shared struct {
	mu     sync.Mutex
	values map[string]sharedValue
	cas    uint32 // of the newest value
}

type sharedValue struct {
	data []byte
	cas  uint32
}

// Get returns a value and the number that Set compares; the status is NotFound
// where there is none.
func (s *Shared) Get(key string) (data []byte, cas uint32, status Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	if !ok {
		return nil, 0, NotFound
	}
	return v.data, v.cas, OK
}

// Set stores a value. With a cas other than 0 it answers CasMismatch, and
// stores nothing, if the value is no longer the one that had this cas.
func (s *Shared) Set(key string, data []byte, cas uint32) Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cas != 0 && s.values[key].cas != cas {
		return CasMismatch
	}
	if s.values == nil {
		s.values = map[string]sharedValue{}
	}
	s.cas++
	s.values[key] = sharedValue{data, s.cas}
	return OK
}

func (c *call) getSharedData() Status {
	key, ok := c.bytes(0)
	if !ok {
		return BadArgument
	}
	data, cas, status := c.vm.options.Shared.Get(string(key))
	if status != OK {
		return status
	}
	if !c.mem.WriteUint32Le(c.arg(4), cas) {
		return BadArgument
	}
	return c.give(2, data)
}

func (c *call) setSharedData() Status {
	key, ok := c.bytes(0)
	data, ok2 := c.bytes(2)
	if !ok || !ok2 {
		return BadArgument
	}
	return c.vm.options.Shared.Set(string(key), data, c.arg(4))
}

package wasmtest

// metrics are the counters and gauges of a VM, by id and by name.
type metrics struct {
	ids    map[string]uint32
	values []uint64
}

func (m *metrics) all() map[string]uint64 {
	out := make(map[string]uint64, len(m.ids))
	for name, id := range m.ids {
		out[name] = m.values[id]
	}
	return out
}

func (m *metrics) define(name string) uint32 {
	if id, ok := m.ids[name]; ok {
		return id
	}
	if m.ids == nil {
		m.ids = map[string]uint32{}
	}
	id := uint32(len(m.values))
	m.ids[name] = id
	m.values = append(m.values, 0)
	return id
}

func (c *call) defineMetric() Status {
	name, ok := c.bytes(1)
	if !ok || !c.mem.WriteUint32Le(c.arg(3), c.vm.metrics.define(string(name))) {
		return BadArgument
	}
	return OK
}

func (c *call) metric() (*uint64, Status) {
	if int(c.arg(0)) >= len(c.vm.metrics.values) {
		return nil, NotFound
	}
	return &c.vm.metrics.values[c.arg(0)], OK
}

func (c *call) incrementMetric() Status {
	m, status := c.metric()
	if status == OK {
		*m += c.args[1]
	}
	return status
}

func (c *call) recordMetric() Status {
	m, status := c.metric()
	if status == OK {
		*m = c.args[1]
	}
	return status
}

func (c *call) getMetric() Status {
	m, status := c.metric()
	if status == OK && !c.mem.WriteUint64Le(c.arg(1), *m) {
		return BadArgument
	}
	return status
}

package csp

// String serializes the policy: directives in their order, joined by "; ", the
// sources as they were written, joined by single spaces. Parsing the result
// gives an equal policy. Sources can only be made of text that was checked, so
// nothing in them can end the header; in a Name that was set by hand a byte that
// no directive's name may hold is written as "-".
func (p Policy) String() string {
	return string(p.Append(make([]byte, 0, p.size())))
}

// Append writes what String gives to dst and returns the extended slice.
func (p Policy) Append(dst []byte) []byte {
	for i, d := range p.Directives {
		if i > 0 {
			dst = append(dst, "; "...)
		}
		dst = d.append(dst)
	}
	return dst
}

// String serializes the directive alone.
func (d Directive) String() string {
	return string(d.append(nil))
}

func (d Directive) append(dst []byte) []byte {
	dst = appendName(dst, d.Name)
	for _, s := range d.Sources {
		if s.text == "" {
			continue // a Source that nobody made
		}
		dst = append(dst, ' ')
		dst = append(dst, s.text...)
	}
	return dst
}

func appendName(dst []byte, name string) []byte {
	for i := range len(name) {
		if c := name[i]; is(c, classToken) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '-')
		}
	}
	return dst
}

// String serializes the list as the value of one header, joined by ", ".
func (l List) String() string {
	n := 0
	for _, p := range l {
		n += p.size() + len(", ")
	}
	dst := make([]byte, 0, n)
	for i, p := range l {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = p.Append(dst)
	}
	return string(dst)
}

// size is the length of the serialized policy, or a little more.
func (p Policy) size() int {
	n := 0
	for _, d := range p.Directives {
		n += len(d.Name) + len("; ")
		for _, s := range d.Sources {
			n += len(s.text) + 1
		}
	}
	return n
}

// HeaderBudget is the size in bytes above which a serialized policy is worth a
// warning: with other headers it comes near the 8 KiB that nginx's upstream
// buffers, Apache and Tomcat take by default.
const HeaderBudget = 4096

// OverBudget reports by how many bytes the serialized policy is longer than
// HeaderBudget, 0 if it is not. extra is what a template adds per response.
func (p Policy) OverBudget(extra int) int {
	return max(0, len(p.String())+extra-HeaderBudget)
}

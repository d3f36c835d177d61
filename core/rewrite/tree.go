package rewrite

// The tokenizer depends on the tree at few places: text elements switch it only in HTML content, CDATA sections exist only
// in foreign content, and select, frameset and a template's column group ignore start tags. tree follows just so much. In
// plain HTML content outside templates it keeps no stack at all; inside svg and math it keeps every open element, HTML
// elements in integration points included, as long as they nest; and wherever the true tree would depend on what was not
// kept, it says that it does not know, and the stream gives up.
//
// Browsers differ within select: HTML dropped the "in select" insertion mode in 2025. A start tag that one parser ignores and
// the other follows is a reason to give up too.

type nodeKind uint8

const (
	kindRoot     nodeKind = iota // the bottom
	kindTemplate                 // a template's contents: no tag but </template> leaves it
	kindHTML                     // an HTML element somewhere inside svg or math
	kindSVG
	kindMath
)

type integration uint8

const (
	intNone       integration = iota
	intHTML                   // start tags in it follow the rules for HTML
	intText                   // so do all but mglyph and malignmark
	intAnnotation             // annotation-xml of another encoding: only svg does
)

// State of a root or template context.
const (
	inSelect  = 1 << iota // a select may be open
	undecided             // a template whose mode no start tag has settled yet
	colgroup              // a template in mode "in column group": most start tags are ignored
	maybe                 // what stands above may have been left already
)

type node struct {
	kind   nodeKind
	integ  integration
	state  uint8
	name0  int // span in tree.text
	name1  int
	parent int // of a root or template: index of the context below
}

// Limits of the stack that is kept inside svg, math and template.
const (
	MaxDepth   = 256 // open elements
	MaxTagName = 64  // bytes of one name
)

type tree struct {
	stack    []node // never empty
	text     []byte // names of the open elements
	ctx      int    // index of the innermost root or template
	frameset bool   // a <frameset> may have been followed
	html     bool   // the last start tag followed the rules for HTML content
	hasBody  bool   // a <body> was seen: from then on a <frameset> is ignored
	selects  bool   // a <select> was seen
}

func (t *tree) reset() {
	t.stack = append(t.stack[:0], node{})
	t.text = t.text[:0]
	t.ctx, t.html, t.frameset, t.hasBody, t.selects = 0, false, false, false, false
}

// plain tells that the tag to come is in HTML content outside every template, svg and math.
func (t *tree) plain() bool { return len(t.stack) == 1 }

func (t *tree) top() *node { return &t.stack[len(t.stack)-1] }

func (n *node) foreign() bool { return n.kind >= kindSVG }

// cdata tells whether "<![CDATA[" opens a section: the current node is not an HTML element (HTML 13.2.5.42).
func (t *tree) cdata() bool { return t.top().foreign() }

// selecting tells that a select may be open, in which some browsers ignore most tags.
func (t *tree) selecting() bool { return t.stack[t.ctx].state&inSelect != 0 }

// inTemplate tells that what comes stands in a template's contents, which are no part of the document.
func (t *tree) inTemplate() bool { return t.ctx > 0 }

func (t *tree) unsure() bool { return t.stack[t.ctx].state&maybe != 0 }

// space tells in which name space a start tag named a will make its element. It is exact unless font or annotation-xml is concerned.
func (t *tree) space(a atom) nodeKind {
	n := t.top()
	if !t.byForeignRules(n, a) || atomFlags[a]&fBreakout != 0 {
		return kindHTML
	}
	return n.kind
}

// byForeignRules is the tree construction dispatcher for start tags (HTML 13.2.6).
func (t *tree) byForeignRules(n *node, a atom) bool {
	switch {
	case !n.foreign() || n.integ == intHTML:
		return false
	case n.integ == intText:
		return a == aMglyph
	case n.integ == intAnnotation:
		return a != aSVG
	}
	return true
}

// start follows a start tag. breaks is for font: it has a color, face or size attribute; integ for annotation-xml.
func (t *tree) start(a atom, name []byte, self, breaks bool, integ integration) Reason {
	t.html = false
	if t.byForeignRules(t.top(), a) {
		if atomFlags[a]&fBreakout == 0 && !(a == aFont && breaks) {
			return t.pushForeign(a, name, self, integ)
		}
		t.popForeign()
	}
	return t.startHTML(a, name, self)
}

// popForeign pops down to an HTML element or an integration point.
func (t *tree) popForeign() {
	for t.top().foreign() && (t.top().integ == intNone || t.top().integ == intAnnotation) {
		t.pop()
	}
}

func (t *tree) pop() {
	n := t.top()
	t.text = t.text[:n.name0]
	t.stack = t.stack[:len(t.stack)-1]
	if len(t.stack)-1 == t.ctx {
		t.stack[t.ctx].state &^= maybe
	}
}

func (t *tree) pushForeign(a atom, name []byte, self bool, integ integration) Reason {
	kind := t.top().kind
	if t.unsure() && (atomFlags[a]&(fText|fHot) != 0 || t.integrates(kind, a, integ) != intNone) {
		return Unsure
	}
	if self {
		return 0
	}
	return t.push(node{kind: kind, integ: t.integrates(kind, a, integ)}, name)
}

func (t *tree) integrates(kind nodeKind, a atom, integ integration) integration {
	switch {
	case kind == kindSVG && (a == aForeignObject || a == aDesc || a == aTitle):
		return intHTML
	case kind == kindMath && a == aMathText:
		return intText
	case kind == kindMath && a == aAnnotationXML:
		return integ
	}
	return intNone
}

func (t *tree) push(n node, name []byte) Reason {
	if len(t.stack) > MaxDepth || len(name) > MaxTagName {
		return Depth
	}
	n.name0 = len(t.text)
	t.text = append(t.text, name...)
	for i := n.name0; i < len(t.text); i++ {
		t.text[i] = lower(t.text[i])
	}
	n.name1 = len(t.text)
	t.stack = append(t.stack, n)
	return 0
}

// startHTML follows a start tag by the rules for HTML content.
func (t *tree) startHTML(a atom, name []byte, self bool) Reason {
	t.html = true
	c := &t.stack[t.ctx]
	f := atomFlags[a]
	if c.state&undecided != 0 && f&fInHead == 0 && !isHeadVoid(name) {
		c.state &^= undecided
		if a == aCol {
			c.state |= colgroup
		}
	}
	switch {
	case c.state&colgroup != 0 && f&fHot != 0 && a != aTemplate:
		return TemplateColumns
	case t.frameset && f&fHot != 0 && a != aNoframes && a != aHTML && a != aFrameset:
		return Frameset
	case c.state&inSelect != 0 && f&fText != 0 && a != aScript && a != aTextarea:
		return Select
	}
	switch a {
	case aSelect:
		c.state ^= inSelect
		t.selects = true
	case aInput, aKeygen, aTextarea:
		c.state &^= inSelect
	case aBody:
		t.hasBody = t.hasBody || t.plain()
	case aFrameset:
		t.frameset = t.frameset || !t.hasBody
	case aTemplate:
		return t.pushTemplate(name)
	case aSVG, aMath:
		return t.pushRoot(a, name, self)
	}
	return t.pushHTML(a, name)
}

func (t *tree) pushTemplate(name []byte) Reason {
	why := t.push(node{kind: kindTemplate, state: undecided, parent: t.ctx}, name)
	if why == 0 {
		t.ctx = len(t.stack) - 1
	}
	return why
}

// pushRoot enters svg or math. Within a select one kind of parser ignores the tag.
func (t *tree) pushRoot(a atom, name []byte, self bool) Reason {
	if self {
		return 0
	}
	c := &t.stack[t.ctx]
	if c.state&inSelect != 0 {
		if len(t.stack)-1 != t.ctx {
			return Select
		}
		c.state |= maybe
	}
	kind := kindSVG
	if a == aMath {
		kind = kindMath
	}
	return t.push(node{kind: kind}, name)
}

// pushHTML keeps an HTML element that stands within svg or math. A part of a table whose table is outside leaves them.
func (t *tree) pushHTML(a atom, name []byte) Reason {
	if len(t.stack)-1 == t.ctx {
		return 0
	}
	f := atomFlags[a]
	if f&fTable != 0 && !t.tableOpen() {
		return Unsure
	}
	if f&(fText|fVoid) != 0 || a == aHTML || a == aHead || a == aBody || isHeadVoid(name) {
		return 0
	}
	return t.push(node{kind: kindHTML}, name)
}

// tableOpen tells whether a table is open among the HTML elements on top of the stack.
func (t *tree) tableOpen() bool {
	for i := len(t.stack) - 1; t.stack[i].kind == kindHTML; i-- {
		if t.is(i, "table") {
			return true
		}
	}
	return false
}

func (t *tree) is(i int, name string) bool {
	return string(t.text[t.stack[i].name0:t.stack[i].name1]) == name
}

func (t *tree) named(i int, name []byte) bool {
	n := &t.stack[i]
	return foldEqual(name, string(t.text[n.name0:n.name1]))
}

// end follows an end tag.
func (t *tree) end(a atom, name []byte) Reason {
	switch n := t.top(); {
	case a == aTemplate && !n.foreign():
		t.endTemplate()
		return 0
	case n.kind == kindRoot || n.kind == kindTemplate:
		if a == aSelect {
			n.state &^= inSelect
		}
		return 0
	case n.kind == kindHTML:
		return t.endHTML(a, name)
	case a == aP || a == aBr:
		t.popForeign()
		if t.top().kind == kindHTML {
			return t.endHTML(a, name)
		}
		return 0
	}
	return t.endForeign(a, name)
}

// endTemplate pops the innermost template with all that is open in it; without one the tag is ignored.
func (t *tree) endTemplate() {
	if t.stack[t.ctx].kind != kindTemplate {
		return
	}
	n := t.stack[t.ctx]
	t.text = t.text[:n.name0]
	t.stack = t.stack[:t.ctx]
	t.ctx = n.parent
}

// endHTML is for a current node that is an HTML element in svg or math. The integration point below bounds every scope but a table's.
func (t *tree) endHTML(a atom, name []byte) Reason {
	if t.named(len(t.stack)-1, name) {
		if a == aSelect {
			t.stack[t.ctx].state &^= inSelect
		}
		t.pop()
		return 0
	}
	if atomFlags[a]&fTable != 0 || a == aTable {
		return Unsure
	}
	for i := len(t.stack) - 1; t.stack[i].kind == kindHTML; i-- {
		if t.named(i, name) {
			return Unsure
		}
	}
	return 0
}

// endForeign is for a current node in svg or math (HTML 13.2.6.5, "any other end tag").
func (t *tree) endForeign(a atom, name []byte) Reason {
	bounded := false
	i := len(t.stack) - 1
	for ; t.stack[i].foreign(); i-- {
		if t.named(i, name) {
			for len(t.stack) > i {
				t.pop()
			}
			return 0
		}
		bounded = bounded || t.stack[i].integ == intHTML || t.stack[i].integ == intText
	}
	table := atomFlags[a]&fTable != 0 || a == aTable
	switch {
	case a == aTemplate:
		t.endTemplate()
		return 0
	case bounded && !table:
		return 0 // an integration point stops the search (HTML 13.2.4.2)
	case bounded || i != t.ctx:
		return Unsure
	}
	t.stack[t.ctx].state |= maybe
	return 0
}

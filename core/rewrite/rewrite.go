// Package rewrite stamps nonces on the tags of a streaming HTML document, puts a snippet into it, and takes an inventory of
// what it holds; every other byte leaves as it came.
//
// A [Stream] takes the document in chunks of any size and gives the same output however it was split. It reads HTML
// as a browser does (HTML 13.2.5), and follows the tree construction as far as that decides what is a tag. Where it can't
// know, it gives up whole: the rest of the document passes untouched, and [Counts] says why. What it can't see is what
// scripts make of the page: a document.write of "<!--" changes how a browser reads what follows it.
//
// There are no errors, no goroutines, and no allocations in steady state.
package rewrite

// Trust says which tags have earned a nonce. The zero value stamps nothing.
type Trust uint8

const (
	// None stamps nothing.
	None Trust = iota
	// All stamps every tag of the kinds in Options, injected ones too.
	All
	// Upstream stamps nothing, and counts the tags whose nonce is not the page's: the application stamps them.
	Upstream
	// Inventory stamps inline code whose hash, and external code whose URL, is approved.
	Inventory
)

// Place says where a page's snippet goes.
type Place uint8

const (
	// Nowhere leaves the snippet out.
	Nowhere Place = iota
	// Head is the earliest safe place in head: before any script, after a doctype, html, head, title and the meta
	// element that declares the encoding.
	Head
	// BodyEnd is before </body>, or where a browser would see it at the latest.
	BodyEnd
)

// Limits that stand where Options has zero.
const (
	// DefaultMaxTag is how many bytes of an unfinished tag are held back.
	DefaultMaxTag = 64 << 10
	// DefaultMaxBlock is how many bytes of an inline block, its start tag included, are held back or hashed.
	DefaultMaxBlock = 256 << 10
	// MaxAttrs is how many attributes a tag may have; one with more is suspect.
	MaxAttrs = 128
	// MaxNonces is how many upstream nonces of a page are looked at.
	MaxNonces = 8
)

// Options is what all streams of a route share. It is not changed while streams use it.
type Options struct {
	Trust   Trust
	Scripts bool // script, and links that preload one
	Styles  bool // style, style sheets, and links that preload one
	// Approved is what Inventory compares with; nil approves nothing.
	Approved *Approvals
	// HostTrust lets source expressions in Approved approve external code, which is weaker than a URL: whoever can put a file on
	// that host is trusted. Without it only exact URLs count.
	HostTrust bool
	// MetaNonce keeps <meta name=csp-nonce content=...> in step, from which Turbo and Livewire read the nonce. Style sheets and
	// scripts of others that run on the page can read it there.
	MetaNonce bool
	Place     Place // of Page.Snippet
	// MaxTag and MaxBlock are in bytes; what is longer passes unstamped and is counted.
	MaxTag   int
	MaxBlock int
}

// Page is what one document brings along. The stream keeps its slices until the next Reset.
type Page struct {
	// Nonce is the value to stamp, base64 or base64url. Anything else stamps nothing.
	Nonce string
	// UpstreamNonces are values of the upstream's own policy: tags that carry one are left alone.
	UpstreamNonces []string
	// URL is the document's absolute URL. Relative URLs are compared against nothing without it.
	URL string
	// Charset is the charset parameter of the response's Content-Type, "" if it has none.
	Charset string
	// Document says that the response is a whole document even if it has no doctype, html, head or body: it was navigated
	// to. Otherwise markup without any of these is a fragment, and gets no snippet.
	Document bool
	// Snippet is one line of markup to insert. With a line break in it nothing is inserted.
	Snippet []byte
	// Inventory takes note of what the document holds; nil costs nothing.
	Inventory *Ledger
}

// Reason says why a stream stopped looking at its document.
type Reason uint8

const (
	// Going means that it did not stop.
	Going Reason = iota
	// Encoding: UTF-16, ISO-2022-JP or another encoding in which ASCII bytes are not ASCII.
	Encoding
	// Select: within select browsers disagree on what is a text element, or on svg and math.
	Select
	// TemplateColumns: a template of columns ignores text elements.
	TemplateColumns
	// Frameset: a frameset ignores text elements, and it is not known whether there is one.
	Frameset
	// Unsure: it is not known whether svg or math is still open.
	Unsure
	// Depth: svg, math and templates nest deeper than MaxDepth, or a name in them is longer than MaxTagName.
	Depth
)

var reasons = [...]string{"", "encoding", "select", "template-columns", "frameset", "unsure", "depth"}

// String returns a name that fits a metric's label; "" for Going.
func (r Reason) String() string { return reasons[r] }

// Counts is what a stream did, in tags.
type Counts struct {
	Stamped      int    // given the page's nonce
	Kept         int    // carry the page's nonce or an upstream's already
	Foreign      int    // Upstream: carry another nonce
	Bare         int    // Upstream: carry none
	Suspect      int    // a browser would not accept a nonce on it, or too many attributes
	Unapproved   int    // Inventory: not approved
	Oversized    int    // tags and blocks past the limits
	MetaNonces   int    // <meta name=csp-nonce> elements that got the page's nonce
	MetaPolicies int    // <meta http-equiv="content-security-policy">
	Bases        int    // Inventory: <base> elements in force that are not approved
	Injected     bool   // the snippet is in
	GaveUp       Reason // why the rest passed untouched
}

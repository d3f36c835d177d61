package filter

// counters are the filter's statistics. Envoy shows them with the prefix
// wasmcustom. Their names are fixed: nothing of a request is ever part of one.
type counters struct {
	pages         func(int) // HTML responses that got a policy
	unrewritten   func(int) // of these, those whose body could not be rewritten
	nonceFailures func(int) // responses without a nonce because randomness failed
	stamped       func(int) // tags that got the nonce
	foreign       func(int) // tags that carry another nonce than the response's (upstream)
	unapproved    func(int) // tags that are not approved (inventory)
	suspect       func(int) // tags that a browser would not hold nonceable
	gaveUp        func(int) // pages on which the rewriter gave up
	errors        func(int) // refused host calls and panics
}

func newCounters(h Host) counters {
	return counters{
		pages:         h.Counter("edgecsp_pages"),
		unrewritten:   h.Counter("edgecsp_pages_unrewritten"),
		nonceFailures: h.Counter("edgecsp_nonce_failures"),
		stamped:       h.Counter("edgecsp_tags_stamped"),
		foreign:       h.Counter("edgecsp_tags_foreign_nonce"),
		unapproved:    h.Counter("edgecsp_tags_unapproved"),
		suspect:       h.Counter("edgecsp_tags_suspect"),
		gaveUp:        h.Counter("edgecsp_pages_given_up"),
		errors:        h.Counter("edgecsp_errors"),
	}
}

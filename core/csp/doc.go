// Package csp is the Content Security Policy language: it parses policies as a
// browser does, says what a browser would drop, serializes them byte for byte
// the same, and compiles them into templates that a filter fills once per
// response. The algorithms follow CSP3 (https://w3c.github.io/webappsec-csp/);
// where browsers agree with each other and not with the text, the browsers are
// followed and the comment says so.
//
// Nothing here panics, whatever the input. Values are immutable once made: a
// Policy may be read from several goroutines, and strings in it are parts of
// the text that was parsed.
package csp

// Package e2e holds edgecsp's end-to-end tests: the real filter in a real
// Envoy, in front of the demo shop, seen with a real Chromium, reporting to
// the real collector. It is a module of its own, so that nobody who imports
// core inherits what these tests need.
package e2e

//go:build race || wasip1

package rewrite

// slow divides the sizes of the longest tests.
const slow = 20

// Command benchenvoy measures what the filter costs in a real Envoy, and is
// what `make bench-envoy` runs. Four Envoys, each with one worker, stand in
// front of the same upstream: without a filter, with the filter reporting on
// every tag, with the filter enforcing an inventory, and with the same job
// written in Envoy's Lua filter. Only one of them is under load at a time, and
// they take turns, so that what else the machine does hits all alike.
//
// Upstream and load generator are goroutines of this process: on two
// processors Envoy's worker has one, this process the other. They speak just
// enough HTTP/1.1, on connections that stay open, to cost little beside Envoy.
//
// Two ratios are printed. One compares responses per second by the clock; it
// is too kind to the filter where the generator and not the worker is the
// limit, and neighbours on the machine disturb it. The other compares
// responses per second of Envoy's own processor time, for which neither is
// true, and decides whether a budget is met.
package main

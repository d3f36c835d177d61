package stack

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// Ports are the ports of the stack, all on 127.0.0.1.
type Ports struct {
	Site    int // Envoy: the site as visitors see it
	App     int // the demo shop itself, without the filter
	Public  int // the collector, what Envoy routes to
	Private int // the collector, the dashboard
}

// named lists the ports with what each is for and the variable of `make run`
// that sets it.
func (p Ports) named() []namedPort {
	return []namedPort{
		{p.Site, "the site, served by Envoy", "SITE_PORT"},
		{p.App, "the demo shop", "APP_PORT"},
		{p.Public, "the collector's public listener", "PUBLIC_PORT"},
		{p.Private, "the collector's dashboard", "PRIVATE_PORT"},
	}
}

type namedPort struct {
	port     int
	purpose  string
	variable string
}

// FreePorts chooses four ports that nothing listens on at the moment.
func FreePorts() (Ports, error) {
	var p Ports
	for _, port := range []*int{&p.Site, &p.App, &p.Public, &p.Private} {
		listener, err := net.Listen("tcp", address(0))
		if err != nil {
			return Ports{}, fmt.Errorf("looking for free ports: %w", err)
		}
		defer listener.Close() // all at the end, so that the four differ
		*port = listener.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

// check reports every port that cannot be listened on: what it is for, and how
// to choose another.
func (p Ports) check() error {
	var faults []error
	for _, n := range p.named() {
		listener, err := net.Listen("tcp", address(n.port))
		if err == nil {
			defer listener.Close() // all at the end, so that two equal ones show
			continue
		}
		what := "cannot be listened on (" + err.Error() + ")"
		if errors.Is(err, syscall.EADDRINUSE) {
			what = "is taken"
		}
		faults = append(faults, fmt.Errorf("port %d, for %s, %s; end what uses it or choose another port: make run %s=%d",
			n.port, n.purpose, what, n.variable, n.port+1))
	}
	return errors.Join(faults...)
}

// address is where a port is listened on. No part of the demo is for others
// than the machine's own user.
func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

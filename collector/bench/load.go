package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/edgecsp/edgecsp/core/session"
)

// mixes of reports: one group that is hot, as many as a large site has, and an
// attacker's: no two alike.
var mixes = []struct {
	name   string
	groups int // 0 for all distinct
}{{"hot", 1}, {"many", 2000}, {"distinct", 0}}

// sessions is how many page views the reports come from: each sends several.
const sessions = 5000

// body is a violation as Chromium 142 sends it, save for what n changes.
func body(n int) string {
	return `[{"age":1204,"body":{"blockedURL":"https://cdn` + letters(n) + `.example.org/assets/app.js","columnNumber":13,"disposition":"enforce","documentURL":"https://shop.example.org/orders/` +
		strconv.Itoa(n) + `?ref=mail","effectiveDirective":"script-src-elem","lineNumber":42,"originalPolicy":"default-src 'self'; script-src 'self' 'nonce-r4nd0mr4nd0mr4nd0mr4n' 'strict-dynamic' 'report-sample'; style-src 'self' 'nonce-r4nd0mr4nd0mr4nd0mr4n'; font-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'none'; base-uri 'none'; object-src 'none'; report-to csp","referrer":"https://www.example.com/","sample":"","sourceFile":"https://shop.example.org/static/bundle.js","statusCode":200},"type":"csp-violation","url":"https://shop.example.org/orders/` +
		strconv.Itoa(n) + `?ref=mail","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"}]`
}

// letters writes a number without digits, which would be folded.
func letters(n int) string {
	var b []byte
	for {
		b = append(b, byte('a'+n%26))
		if n /= 26; n == 0 {
			return string(b)
		}
	}
}

// A Load is what one run of the generator saw.
type Load struct {
	Requests int
	Failed   int
	PerSec   float64
	P50, P99 time.Duration
}

// drive sends requests over a number of connections until the time is up. next
// returns the n-th request's body.
func drive(ctx context.Context, addr string, connections int, d time.Duration, tokens []string, next func(worker, i int) string) (Load, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var mu sync.Mutex
	var all []time.Duration
	var load Load
	var failure error
	var wg sync.WaitGroup
	start := time.Now()
	for w := range connections {
		wg.Go(func() {
			took, failed, err := worker(ctx, addr, w, tokens, next)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			load.Failed += failed
			if err != nil {
				failure = err
			}
		})
	}
	wg.Wait()
	if len(all) == 0 {
		return load, fmt.Errorf("nothing was answered: %w", failure)
	}
	slices.Sort(all)
	load.Requests = len(all)
	load.PerSec = float64(len(all)-load.Failed) / time.Since(start).Seconds()
	load.P50, load.P99 = all[len(all)/2], all[len(all)*99/100]
	return load, nil
}

func worker(ctx context.Context, addr string, w int, tokens []string, next func(worker, i int) string) (took []time.Duration, failed int, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	var out bytes.Buffer
	for i := 0; ctx.Err() == nil; i++ {
		out.Reset()
		text := next(w, i)
		fmt.Fprintf(&out, "POST /csp/report/csp/%s HTTP/1.1\r\nHost: shop.example.org\r\nX-Forwarded-For: 10.%d.%d.%d\r\nUser-Agent: bench\r\nContent-Type: application/reports+json\r\nContent-Length: %d\r\n\r\n",
			tokens[(w*7919+i)%len(tokens)], w%250, i/250%250, i%250, len(text))
		out.WriteString(text)
		start := time.Now()
		if _, err := conn.Write(out.Bytes()); err != nil {
			return took, failed, err
		}
		ok, err := answered(in)
		if err != nil {
			return took, failed, err
		}
		took = append(took, time.Since(start))
		if !ok {
			failed++
		}
	}
	return took, failed, nil
}

// answered reads the head of an answer without a body.
func answered(in *bufio.Reader) (ok bool, err error) {
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		if first {
			ok = bytes.Contains(line, []byte(" 204"))
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return ok, nil
		}
	}
}

func mint(now time.Time) ([]string, error) {
	m, err := session.NewMinter(site, []byte(secret))
	if err != nil {
		return nil, err
	}
	tokens := make([]string, sessions)
	for i := range tokens {
		tokens[i] = string(m.Append(nil, session.Claims{Issued: now.Add(-time.Duration(i) * time.Second / 10), Enforced: true, Session: session.ID{byte(i), byte(i >> 8), 1}}))
	}
	return tokens, nil
}

// Command envoyfilter is the filter as a .wasm for Envoy and Istio:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o edgecsp.wasm ./envoyfilter
package main

func init() { register() }

func main() {}

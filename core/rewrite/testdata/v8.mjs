// Runs a program compiled for GOOS=wasip1 under node, in the engine that Envoy has, as if it were native:
//
//	GOOS=wasip1 GOARCH=wasm go test -c -o rewrite.wasm .
//	node --no-warnings testdata/v8.mjs rewrite.wasm -test.run=- -test.bench=Pages
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { WASI } from 'node:wasi';

const [program, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: 'preview1',
  args: [program, ...args],
  env: { PWD: process.cwd() },
  preopens: { '/': '/' },
  returnOnExit: true,
});
const module = await WebAssembly.compile(await readFile(program));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));

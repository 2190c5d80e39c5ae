// Reads scripts of Flux, one JSON string a line; answers each with what the compiler says of it.
//
// valid: it parses, and its types and the names it uses fit those of Flux's own library.
// tree: its syntax tree, for whoever runs it.
import { createInterface } from "node:readline";
import lsp from "@influxdata/flux-lsp-node";

for await (const line of createInterface({ input: process.stdin })) {
  const script = JSON.parse(line);
  const valid = lsp.is_valid_flux(script) && new lsp.Flux(script).is_valid();
  console.log(JSON.stringify({ valid, tree: lsp.parse(script) }));
}

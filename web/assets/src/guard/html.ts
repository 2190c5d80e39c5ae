// Text with headings and lists that the server wrote, put onto the page piece by piece.
import { h } from "./dom";

// What Markdown makes. Nothing else comes onto the page, and of attributes only where links lead.
const HARMLESS = new Set(
  "p h1 h2 h3 h4 h5 h6 ul ol li strong em code pre blockquote hr br a table thead tbody tr th td".split(
    " ",
  ),
);
const LEADS = /^(https?:|mailto:|tel:)/i;

/** The nodes of a text in HTML, made anew: whatever is not known is shown as the text within it. */
export function harmless(html: string): Node[] {
  // A document that is parsed so neither runs nor loads anything.
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return [...parsed.body.childNodes].flatMap(copied);
}

function copied(node: Node): Node[] {
  if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.textContent ?? "")];
  if (!(node instanceof Element)) return [];
  const within = [...node.childNodes].flatMap(copied);
  const name = node.localName as keyof HTMLElementTagNameMap;
  if (!HARMLESS.has(name)) return within;
  const made = h(name, {}, ...within);
  const address = node.getAttribute("href") ?? "";
  if (name === "a" && LEADS.test(address)) {
    made.setAttribute("href", address);
    made.setAttribute("rel", "noopener noreferrer");
    made.setAttribute("target", "_blank");
  }
  return [made];
}

// Keeps the shell of the guard's app on the phone, so that it starts without a network.
//
// The server writes which files the shell has before this script. When one of them changes this
// script does too, so the browser installs it anew: all files of one version, or none.
interface Shell {
  version: string;
  page: string;
  files: string[];
}

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Fetching extends Event {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}

interface Worker {
  SHELL: Shell;
  addEventListener(kind: "install" | "activate", take: (event: Extendable) => void): void;
  addEventListener(kind: "fetch", take: (event: Fetching) => void): void;
  addEventListener(kind: "message", take: (event: MessageEvent) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
}

const worker = self as unknown as Worker;
const { version, page, files } = worker.SHELL;
const OURS = "guard-shell-";
const CACHE = OURS + version;
// The app, and on a phone that is known the address that a touched tag opens.
const OWN = [page, "/t"];

worker.addEventListener("install", (event) => {
  event.waitUntil(keep());
});

async function keep(): Promise<void> {
  const cache = await caches.open(CACHE);
  // Past the browser's own cache: what is kept must be of this version.
  await cache.addAll([page, ...files].map((one) => new Request(one, { cache: "reload" })));
  await worker.skipWaiting();
}

worker.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

async function takeOver(): Promise<void> {
  // The shell before this one stays for a page that still runs with it; older ones go.
  const old = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
  await Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (OWN.includes(address.pathname)) event.respondWith(shown(request));
    return;
  }
  if (files.includes(address.pathname)) event.respondWith(kept(address.pathname, request));
});

/** Every address of the app is the one page; what comes after # or ? is for its script. */
async function shown(request: Request): Promise<Response> {
  return (await (await caches.open(CACHE)).match(page)) ?? fetch(request);
}

async function kept(path: string, request: Request): Promise<Response> {
  return (await caches.match(path)) ?? fetch(request);
}

// The app asks which shell answers it.
worker.addEventListener("message", (event) => {
  if (event.data === "version") event.ports[0]?.postMessage(version);
});

export {};

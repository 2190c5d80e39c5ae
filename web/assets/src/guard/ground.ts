// What the app stands on: proved before a shift, because afterwards is too late.
import { canReadTags, canSee } from "./scanner";
import { read } from "./store";
import { contact } from "./sync";
import { offset } from "./time";
import { canRecord } from "./capture";

export type Found = "good" | "poor" | "bad" | "unknown";

export interface Ground {
  worker: Found;
  storage: Found;
  space: Found;
  camera: Found;
  tags: Found;
  voice: Found;
  clock: Found;
  contact: Found;
  battery: Found;
}

const WORKER = "/guard/guard-sw.js";
const READY_MS = 60_000;
const LEAST_FREE_MB = 200;
const CLOCK_GOOD_MS = 60_000;
const CLOCK_BAD_MS = 300_000;
const LOW_BATTERY = 0.2;

/** Registers the worker; false where the browser blocks it, or can't have one. */
export async function registers(): Promise<boolean> {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return false;
  // Without signal the one that is there goes on, and is looked for anew some other time.
  const asked = navigator.serviceWorker.register(WORKER, { updateViaCache: "none" });
  if (navigator.serviceWorker.controller) {
    asked.catch(() => undefined);
    return true;
  }
  try {
    return !!(await asked);
  } catch {
    return false;
  }
}

let standing: Promise<boolean> | null = null;

/** Whether the registered worker has the whole shell and answers for this page, in the end. */
export function standsAlone(): Promise<boolean> {
  standing ??= takesOver();
  return standing;
}

async function takesOver(): Promise<boolean> {
  const worker = navigator.serviceWorker;
  if (worker.controller) return true;
  return Promise.race([
    new Promise<boolean>((done) => {
      worker.addEventListener("controllerchange", () => done(true), { once: true });
    }),
    new Promise<boolean>((done) => window.setTimeout(() => done(false), READY_MS)),
  ]);
}

/** Lets a touched tag open the app, also without signal: on iPhones the one way to read a tag. */
export async function answerTags(): Promise<void> {
  // With its question mark, so that no other address begins like it.
  const how = { scope: "/t?", updateViaCache: "none" } as const;
  await navigator.serviceWorker.register(WORKER, how).catch(() => undefined);
}

/** Whether the browser keeps anything at all: a private window may not. */
export async function keepsThings(): Promise<boolean> {
  try {
    await read("phone", "id");
    return true;
  } catch {
    return false;
  }
}

export async function prove(): Promise<Ground> {
  const [stands, storage, space, camera, battery] = await Promise.all([
    standsAlone(),
    persistent(),
    room(),
    cameraAllowed(),
    charge(),
  ]);
  return {
    worker: stands ? "good" : "bad",
    storage,
    space,
    camera,
    tags: canReadTags() ? "good" : "poor",
    voice: canRecord() ? "good" : "poor",
    clock: clockStands(),
    contact: contact.heardAt && !contact.failed ? "good" : "poor",
    battery,
  };
}

async function persistent(): Promise<Found> {
  if (!navigator.storage?.persist) return "unknown";
  return (await navigator.storage.persisted()) || (await navigator.storage.persist())
    ? "good"
    : "poor";
}

async function room(): Promise<Found> {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  if (quota === undefined) return "unknown";
  return (quota - (usage ?? 0)) / 2 ** 20 >= LEAST_FREE_MB ? "good" : "bad";
}

async function cameraAllowed(): Promise<Found> {
  if (!canSee()) return "bad";
  try {
    const asked = await navigator.permissions.query({ name: "camera" as PermissionName });
    return { granted: "good", denied: "bad", prompt: "unknown" }[asked.state] as Found;
  } catch {
    return "unknown";
  }
}

/** Opens the camera for a moment, so that the browser asks now and not in a dark cellar. */
export async function tryCamera(): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  for (const track of stream.getTracks()) track.stop();
}

function clockStands(): Found {
  const ahead = offset();
  if (ahead === null) return "unknown";
  if (Math.abs(ahead) <= CLOCK_GOOD_MS) return "good";
  return Math.abs(ahead) <= CLOCK_BAD_MS ? "poor" : "bad";
}

interface Battery extends EventTarget {
  level: number;
  charging: boolean;
}

export async function battery(): Promise<Battery | null> {
  const able = navigator as unknown as { getBattery?: () => Promise<Battery> };
  try {
    return (await able.getBattery?.()) ?? null;
  } catch {
    return null;
  }
}

async function charge(): Promise<Found> {
  const found = await battery();
  if (!found) return "unknown";
  return found.charging || found.level > LOW_BATTERY ? "good" : "poor";
}

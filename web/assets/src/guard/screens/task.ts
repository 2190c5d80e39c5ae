// An alarm: where it is, whether the guard goes, that they are there, and what they found.
import { button, h, icon, redrawOn, replace } from "../dom";
import { go, type Screen } from "../go";
import { readTag } from "../reading";
import { scanned } from "../scanning";
import { canReadTags, readTags } from "../scanner";
import { signal } from "../signals";
import { onSync } from "../sync";
import { answer, hasScanned, isOpen, onTasks, said, taskOf, tasks, tell, type Answer } from "../tasks";
import { now } from "../time";
import type { PlanTask } from "../types";
import { _, clock, named } from "../words";
import { says, top, zone } from "./parts";

const TICK_MS = 1_000;

// What is shown beside the task itself: why something was not done, and which reasons are asked for.
interface Doing {
  text: string;
  asking: Answer | null;
  busy: boolean;
  reading: AbortController | null;
}

export const taskScreen: Screen = (place, given) => {
  const id = given.get("id") ?? "";
  const doing: Doing = { text: "", asking: null, busy: false, reading: null };
  let ended = false;
  const draw = (): void => {
    if (ended) return;
    const task = taskOf(id);
    if (task) drawTask(place, task, doing, draw);
    else replace(place, top(_("Alarm")), says(doing.text), h("p", {}, _("Nothing to do here any more.")));
  };
  const deaf = [redrawOn(onSync, draw), redrawOn(onTasks, draw)];
  const timer = window.setInterval(() => tickDown(place, id), TICK_MS);
  draw();
  return () => {
    ended = true;
    window.clearInterval(timer);
    for (const one of deaf) one();
    doing.reading?.abort();
  };
};

/** On the home screen what waits stands above everything. */
export function taskCards(): HTMLElement[] {
  return tasks().map((task) =>
    h(
      "button",
      { type: "button", class: "card next late", "data-task": task.id, onclick: () => go("task", { id: task.id }) },
      h(
        "span",
        { class: "card-row" },
        h("span", { class: "card-title" }, icon("warning"), named(task.title)),
        h("span", { class: "muted" }, `#${task.number}`),
      ),
      h("span", {}, `${standing(task)} · ${placeOf(task)}`),
    ),
  );
}

function standing(task: PlanTask): string {
  if (task.state === "offered") return _("Can you go there?");
  return isThere(task) ? _("You are there") : _("You are on the way");
}

function isThere(task: PlanTask): boolean {
  return task.state === "arrived" || said(task, "arrived");
}

function placeOf(task: PlanTask): string {
  return named(task.way[task.way.length - 1]) || named(task.asset);
}

function drawTask(place: HTMLElement, task: PlanTask, doing: Doing, draw: () => void): void {
  const minutes = task.seconds === null ? null : Math.max(1, Math.round(task.seconds / 60));
  replace(
    place,
    top(_("Alarm")),
    h(
      "section",
      { class: "card next", "data-task": task.id },
      h("span", { class: "muted" }, `#${task.number} · ${standing(task)}`),
      h("span", { class: "card-title" }, named(task.title)),
      h("p", { class: "task-way" }, icon("place"), h("span", {}, task.way.map(named).join(" › "))),
      task.asset ? h("span", {}, named(task.asset)) : null,
      minutes && task.state === "offered" ? h("span", { class: "muted" }, _("About {minutes} min away", { minutes })) : null,
      task.recovered_at ? h("span", { class: "good" }, _("The alarm has cleared. Look all the same.")) : null,
    ),
    says(doing.text, "bad"),
    ...(doing.asking ? reasons(task, doing, draw) : steps(task, doing, draw)),
  );
  tickDown(place, task.id);
}

function steps(task: PlanTask, doing: Doing, draw: () => void): HTMLElement[] {
  if (task.state === "offered") return offered(task, doing, draw);
  return isThere(task) ? there(task) : onTheWay(task, doing, draw);
}

function offered(task: PlanTask, doing: Doing, draw: () => void): HTMLElement[] {
  const accept = button("run", _("I go"), () => send(task, "accept", "other", doing, draw), {
    class: "first huge",
    disabled: doing.busy || !isOpen(task),
  });
  const pass = button("cross", _("Pass it on"), () => ask("pass", doing, draw), { class: "huge" });
  return [h("p", { class: "says", "data-left": true }), h("div", { class: "push" }, accept), pass];
}

function onTheWay(task: PlanTask, doing: Doing, draw: () => void): HTMLElement[] {
  const scan = button("scan", _("Scan the code"), () => go("scan"), { class: "huge" });
  const touch = button("tag", _("Touch the tag"), () => listen(doing, draw), { class: "first huge" });
  if (!canReadTags()) scan.classList.add("first");
  const points = task.checkpoints.map((one) =>
    h("li", { class: "line" }, icon("tag"), h("span", {}, named(one.name)), h("small", { class: "muted" }, named(one.space))),
  );
  return [
    h("h2", {}, points.length ? _("Scan there") : _("There is no checkpoint there")),
    h("ul", { class: "lines" }, ...points),
    hasScanned(task) ? says(_("Scan recorded. The server looks whether it is the right place."), "good") : says(""),
    doing.reading ? says(_("Hold the phone to the tag."), "good") : says(""),
    ...(canReadTags() && !doing.reading ? [touch] : []),
    ...(points.length ? [scan] : []),
    button("place", _("I am there"), () => tell(task, "arrived"), points.length ? {} : { class: "first huge" }),
    h("div", { class: "pair" }, report(task), button("cross", _("I can't go on"), () => ask("give_back", doing, draw))),
  ];
}

function there(task: PlanTask): HTMLElement[] {
  const proven = task.arrived_by === "scan";
  const at = task.arrived_at ? clock(task.arrived_at, zone()) : "";
  const line = proven ? _("Proven by your scan at {time}", { time: at }) : _("You said that you are there.");
  const done = button("check", _("Done here"), async () => {
    await tell(task, "finished");
    go("home");
  });
  return [says(line, proven ? "good" : ""), report(task, "first huge"), h("div", { class: "push" }, done)];
}

function report(task: PlanTask, look = ""): HTMLElement {
  const given = { task: task.id, checkpoint: task.checkpoints[0]?.id ?? "" };
  return button("report", _("Report"), () => go("report", given), { class: look });
}

/** Why not: one touch sends it, and nothing has to be typed. */
function reasons(task: PlanTask, doing: Doing, draw: () => void): HTMLElement[] {
  const why = [
    ["clock", "busy", _("Busy with something else")],
    ["route", "too_far", _("Too far away")],
    ["lock", "post", _("Can't leave the post")],
    ["injury", "unwell", _("Not well")],
    ["dots", "other", _("Another reason")],
  ] as const;
  const given = doing.asking ?? "pass";
  return [
    h("h2", {}, _("Why?")),
    ...why.map(([picture, code, text]) =>
      button(picture, text, () => send(task, given, code, doing, draw), { "data-reason": code, disabled: doing.busy }),
    ),
    button("back", _("Back"), () => ask(null, doing, draw), { class: "quiet" }),
  ];
}

function ask(what: Answer | null, doing: Doing, draw: () => void): void {
  doing.asking = what;
  draw();
}

async function send(task: PlanTask, given: Answer, reason: string, doing: Doing, draw: () => void): Promise<void> {
  doing.busy = true;
  draw();
  const refused = await answer(task, given, reason);
  doing.busy = false;
  doing.asking = null;
  doing.text = refused === null ? "" : refused || _("Without signal it can't be answered. Try again, or call.");
  signal(refused === null ? "recorded" : "wrong");
  if (refused === null && given !== "accept") go("home");
  else draw();
}

async function listen(doing: Doing, draw: () => void): Promise<void> {
  if (doing.reading) return;
  const reading = (doing.reading = new AbortController());
  const fail = (): void => {
    signal("wrong");
    doing.text = _("The tag could not be read: hold it still.");
    draw();
  };
  const take = async (serial: string, addresses: string[]): Promise<void> => {
    const shown = readTag(serial, addresses);
    if (!shown) return fail();
    doing.text = "";
    await scanned(shown);
    draw();
  };
  try {
    await readTags((serial, addresses) => void take(serial, addresses), fail, reading.signal);
  } catch {
    doing.reading = null;
    doing.text = _("NFC is off or not allowed: use the camera.");
  }
  draw();
}

/** Seconds that are left to answer; drawn by itself, so that no touch is lost. */
function tickDown(place: HTMLElement, id: string): void {
  const box = place.querySelector("[data-left]");
  const until = taskOf(id)?.answer_by;
  if (!box || !until) return;
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - now()) / 1000));
  box.textContent = seconds ? _("{seconds} s to answer", { seconds }) : _("It is passed on now.");
}

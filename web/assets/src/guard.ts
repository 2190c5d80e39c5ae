// The guard's app: starts from what the phone holds, shows one screen, and hands in behind it.
import { chatApp } from "./guard/browsers";
import { beginCalling, drawCalling } from "./guard/calling";
import { isEnrolled } from "./guard/enrolment";
import { go, turnTo, where, type Name, type Screen } from "./guard/go";
import { answerTags, keepsThings, registers, standsAlone } from "./guard/ground";
import { onUnkept, openJournal } from "./guard/journal";
import { beginLone, onLone } from "./guard/lone";
import { openPlan } from "./guard/plan";
import { enrolScreen } from "./guard/screens/enrol";
import { groundScreen } from "./guard/screens/ground";
import { handOverScreen } from "./guard/screens/hand-over";
import { homeScreen } from "./guard/screens/home";
import { logScreen } from "./guard/screens/log";
import { noteScreen } from "./guard/screens/note";
import { ordersScreen } from "./guard/screens/orders";
import { postScreen, postsScreen } from "./guard/screens/post";
import { privacyScreen } from "./guard/screens/privacy";
import { practiceScreen } from "./guard/screens/practice";
import { showBlocked, showChat, showForgetful } from "./guard/screens/refusals";
import { reportScreen } from "./guard/screens/report";
import { moreScreen, reportsScreen } from "./guard/screens/reports";
import { roundScreen } from "./guard/screens/round";
import { scanScreen } from "./guard/screens/scan";
import { dress, settingsScreen } from "./guard/screens/settings";
import { signInScreen } from "./guard/screens/sign-in";
import { sosScreen } from "./guard/screens/sos";
import { taskScreen } from "./guard/screens/task";
import { syncScreen } from "./guard/screens/sync";
import { openSession, session } from "./guard/session";
import { signal, wakeSound } from "./guard/signals";
import { openCalls, shownCall } from "./guard/sos";
import { beginSync, onSync } from "./guard/sync";
import { noteTapped, recordTapped } from "./guard/tapped";
import { beginTasks, onTasks } from "./guard/tasks";
import { recallClock } from "./guard/time";
import { beginWatch, dismiss, onWarning, told } from "./guard/watch";
import { button, h, icon, replace, whenUntouched } from "./guard/dom";
import { _, loadWords } from "./guard/words";

const SCREENS: Record<Name, Screen> = {
  home: homeScreen,
  round: roundScreen,
  scan: scanScreen,
  report: reportScreen,
  note: noteScreen,
  post: postScreen,
  posts: postsScreen,
  orders: ordersScreen,
  log: logScreen,
  "hand-over": handOverScreen,
  reports: reportsScreen,
  more: moreScreen,
  task: taskScreen,
  privacy: privacyScreen,
  practice: practiceScreen,
  settings: settingsScreen,
  sync: syncScreen,
  ground: groundScreen,
  sos: sosScreen,
  "sign-in": signInScreen,
  enrol: enrolScreen,
};
// What can be opened before anybody is signed in.
const FREE = new Set<Name>(["sign-in", "settings", "sync", "ground", "sos"]);

const place = document.getElementById("app")!;
let leave: (() => void) | void;
let enrolled = false;
let blocked = false;
// Whose screen is shown, and whether something that was done on it could not be kept.
let drawnFor = "";
let unkept = false;

async function start(): Promise<void> {
  const chat = chatApp(navigator.userAgent);
  // Under way while the rest is read: it takes a slow network longest.
  const registered = chat ? Promise.resolve(false) : registers();
  if (!(await keepsThings())) return showForgetful(place);
  await loadWords(document.body.dataset["words"] ?? "");
  if (chat) return showChat(place, chat);
  replace(place, h("p", { class: "refusal" }, _("One moment…")));
  // It fetches the shell while the first screen is read; a worker that never gets it is none.
  void registered.then(async (may) => {
    if (may && (await standsAlone())) return;
    blocked = true;
    if (leave) leave();
    showBlocked(place);
  });
  await Promise.all([dress(), recallClock(), openJournal(), openPlan(), openSession()]);
  await noteEnrolled();
  await noteTapped();
  document.addEventListener("pointerdown", wakeSound, { passive: true });
  window.addEventListener("hashchange", () => void show());
  onWarning(showWarnings);
  onUnkept(() => {
    unkept = true;
    signal("wrong");
    showWarnings();
  });
  onSync(() => whenUntouched(showHome));
  // Asked once for all: what was recorded must not be cleared when space runs short.
  void navigator.storage?.persist?.();
  beginCalling(place);
  onLone(() => whenUntouched(showHome));
  await openCalls();
  if (shownCall()) go("sos");
  void show();
  await beginSync();
  await beginLone();
  await beginWatch();
  onTasks(() => whenUntouched(showHome));
  beginTasks();
}

function showHome(): void {
  if (where().name === "home") void show();
}

async function noteEnrolled(): Promise<void> {
  if (enrolled || !(await isEnrolled())) return;
  enrolled = true;
  void answerTags();
}

async function show(): Promise<void> {
  if (blocked) return;
  await noteEnrolled();
  const { name, given } = where();
  const due = dueInstead(name);
  if (due) return turnTo(due);
  // One that can't be kept is told of by itself.
  const touched = await recordTapped().catch(() => null);
  if (touched?.entry?.hint) return turnTo("round", { id: touched.entry.hint.round });
  if (leave) leave();
  place.onkeydown = null;
  drawnFor = session?.person ?? "";
  const screen = SCREENS[name] ?? homeScreen;
  const top = name === "home" ? window.scrollY : 0;
  leave = screen(place, given);
  void drawCalling();
  window.scrollTo(0, top);
}

/** What has to come first, or comes instead of what is done already. */
function dueInstead(name: Name): Name | null {
  if (!enrolled) return name === "enrol" ? null : "enrol";
  if (name === "enrol") return "home";
  return session || FREE.has(name) ? null : "sign-in";
}

function showWarnings(): void {
  const box = document.getElementById("warnings")!;
  const lost = (): void => {
    unkept = false;
    showWarnings();
  };
  replace(
    box,
    unkept
      ? warning(_("NOT recorded: this phone could not keep it. Make room on it or open the app anew, then do it again."), lost)
      : null,
    ...told.map((one) =>
      warning(one.text, () => {
        dismiss(one.key);
        go("round", { id: one.round });
      }),
    ),
  );
  // A session that ended by itself, or in another window, leaves its screen.
  const holds = session?.person ?? "";
  if (holds === drawnFor) return;
  // In another window somebody came meanwhile: here nobody has to say so again.
  if (session && where().name === "sign-in") turnTo("home");
  else if (!FREE.has(where().name)) void show();
}

function warning(text: string, act: () => void): HTMLElement {
  const more = { type: "button", class: "warning", onclick: act };
  return h("button", more, icon("bell"), h("span", {}, text));
}

void start().catch((error: unknown) => {
  replace(
    place,
    h("p", { class: "refusal" }, String(error)),
    button("sync", _("Try again"), () => location.reload()),
  );
  throw error;
});

// What was recorded and how it stands: one tick on this phone, two when the server has checked it.
import { button, h, icon, redrawOn, replace } from "../dom";
import { asFile } from "../earlier";
import { startAnew } from "../enrolment";
import { sendWrongAgain } from "../files";
import { type Screen } from "../go";
import type { IconName } from "../icons";
import { answers, entries } from "../journal";
import { checkpointOf, dataOf, plan } from "../plan";
import { postOf } from "../posts";
import { askAgain, contact, hurry, isFinal, isInContact, lacksAll, onSync, waiting } from "../sync";
import type { Entry } from "../types";
import { _, clock, named } from "../words";
import { says, SHOWN, ticks, top, wordOf, zone } from "./parts";

const MOST = 60;

export const syncScreen: Screen = (place) => {
  const draw = (): void => drawSync(place);
  draw();
  return redrawOn(onSync, draw);
};

function drawSync(place: HTMLElement): void {
  const open = waiting();
  const shown = entries.filter((one) => SHOWN.has(one.kind)).slice(-MOST).reverse();
  replace(
    place,
    top(_("What was recorded")),
    standing(),
    h(
      "p",
      {},
      _("{entries} entries and {files} files wait to be sent.", {
        entries: open.entries,
        files: open.files,
      }),
    ),
    contact.stopped ? null : button("sync", _("Send now"), hurry, { class: "first" }),
    open.wrong ? damaged(open.wrong) : null,
    h(
      "p",
      { class: "legend muted" },
      h("span", {}, icon("check"), _("Recorded")),
      h("span", {}, icon("checks"), _("Recorded and checked")),
    ),
    h("ul", { class: "lines" }, ...shown.map(line)),
    shown.length ? null : h("p", { class: "muted" }, _("Nothing yet.")),
  );
}

function standing(): HTMLElement {
  if (contact.stopped) return stopped();
  if (isInContact()) return says(_("In contact: what is recorded arrives at once."), "good");
  const time = contact.heardAt ? clock(contact.heardAt, zone()) : "";
  const since = time ? _("No contact since {time}", { time }) : _("No contact yet");
  const more = _("Nothing is lost: it is sent as soon as there is signal.");
  return says(`${since}. ${more}`);
}

/** Files that arrived otherwise than they were taken, each time. */
function damaged(count: number): HTMLElement {
  const again = async (): Promise<void> => {
    await sendWrongAgain();
    hurry();
  };
  const text = _("{count} files did not arrive as they were taken. They stay on this phone.", { count });
  return h("section", { class: "card" }, says(text, "bad"), button("sync", _("Send them again"), again));
}

/** The server takes nothing more of this phone; what to do depends on why. */
function stopped(): HTMLElement {
  const why = {
    phone_lost: _("This phone was reported as lost. Show it to your supervisor."),
    phone_retired: _("This phone is out of use. It can be made known anew."),
    fork: _("This phone's journal was continued elsewhere. Show it to your supervisor."),
    chain: _("The server can't read this phone's journal. Show it to your supervisor."),
    proof: _("The server does not know this phone any more. Show it to your supervisor."),
    gone: _("The server lacks what this phone handed in long ago. Show it to your supervisor."),
  }[contact.stopped];
  const anew = async (): Promise<void> => {
    const open = waiting().entries;
    const kept = _("{count} entries were never sent. They are kept, and go to your supervisor.", {
      count: open,
    });
    if (open && !confirm(kept)) return;
    await startAnew();
    // Told to nobody who still runs here: the page begins anew, and only once.
    history.replaceState(null, "", "#/enrol");
    location.reload();
  };
  return h(
    "section",
    { class: "card" },
    says(why ?? contact.stopped, "bad"),
    isFinal() ? null : button("sync", _("Ask again"), askAgain),
    contact.stopped === "phone_lost"
      ? null
      : button("trash", _("Make it known anew"), anew, { class: "danger" }),
    button("report", _("Save what was not sent as a file"), save),
  );
}

/** For a phone that nothing can be handed in with any more. */
async function save(): Promise<void> {
  const address = URL.createObjectURL(await asFile(lacksAll()));
  h("a", { href: address, download: "watchkeeper-guard.json" }).click();
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

const PICTURES: Record<string, IconName> = {
  scan: "scan",
  report: "report",
  report_more: "report",
  note: "lock",
  round_start: "play",
  check_in: "heart",
  orders_read: "list",
  post_leave: "door",
  log_entry: "report",
};

function line(entry: Entry): HTMLElement {
  const verdict = answers.get(entry.seq);
  const mark = !verdict ? "recorded" : verdict.verdict === "refused" ? "refused" : "checked";
  const more = mark === "refused" ? named(verdict?.text) || wordOf(mark) : "";
  return h(
    "li",
    { class: "line", "data-seq": entry.seq },
    icon(PICTURES[entry.kind] ?? "check"),
    h(
      "span",
      {},
      nameOf(entry),
      more ? h("small", { class: "bad" }, more) : null,
      verdict?.ticket_number
        ? h("small", { class: "muted" }, _("Ticket {number}", { number: verdict.ticket_number }))
        : null,
    ),
    h("small", { class: "muted" }, clock(entry.at, zone())),
    ticks(mark),
  );
}

function nameOf(entry: Entry): string {
  const data = dataOf(entry);
  const round = plan?.rounds.find((one) => one.id === (data["round"] ?? entry.hint?.round));
  if (entry.kind === "round_start") return named(round?.route.name) || _("Round");
  if (entry.kind === "check_in") return _("I am well");
  if (entry.kind === "report") {
    return named(plan?.choices.find((one) => one.code === data["choice"])?.name) || _("Report");
  }
  if (entry.kind === "orders_read") return _("Post orders");
  if (entry.kind === "log_entry") return _("Pass-down log");
  if (entry.kind === "post_leave") return named(postOf(String(data["post"]))?.name) || _("Your post");
  const point = round?.points.find((one) => one.position === entry.hint?.position);
  const place = answers.get(entry.seq)?.checkpoint_id ?? data["checkpoint"] ?? point?.checkpoint_id;
  return named(checkpointOf(String(place ?? ""))?.name) || _("Scan now");
}

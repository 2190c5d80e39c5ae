// Somebody's posts: coming to one, its orders, what is passed on there, and leaving.
import { button, h, icon, redrawOn, replace } from "../dom";
import { go, type Screen } from "../go";
import { record } from "../journal";
import { checkpointOf } from "../plan";
import {
  isOver,
  isUnread,
  postOf,
  postsOf,
  standing,
  turnedAway,
  waitingFor,
  type Standing,
} from "../posts";
import { readTag } from "../reading";
import { scanned } from "../scanning";
import { canReadTags } from "../scanner";
import { session } from "../session";
import { signal } from "../signals";
import { kick, onSync } from "../sync";
import type { PlanPost } from "../types";
import { _, clock, named } from "../words";
import { says, ticks, top, zone } from "./parts";
import { TagEar } from "./tag-ear";

const person = (): string => session?.person ?? "";

/** On the first screen: where one is, or how to come; and orders that one has not read. */
export function postCards(): (HTMLElement | null)[] {
  const own = postsOf(person());
  const unread = own.filter((one) => isUnread(one, person()));
  return [
    ...unread.map((one) =>
      button("list", _("Read the post orders: {post}", { post: named(one.name) }), () =>
        go("orders", { post: one.id }), { class: "first huge" },
      ),
    ),
    ...waitingFor(person()).map((one) =>
      button("people", _("A hand-over waits: {post}", { post: named(one.name) }), () =>
        go("hand-over", { post: one.id }), { class: "first" },
      ),
    ),
    away(),
    own.length ? standingCard(own) : null,
  ];
}

/** A scan that was taken and let nobody in: why, and who can. */
function away(): HTMLElement | null {
  const why = turnedAway(person());
  if (!why) return null;
  return says(
    why === "other_post"
      ? _("That scan counts, but you are at another post: leave that one first.")
      : _("That scan counts, but you are not in this post's team: your supervisor can let you in."),
    "bad",
  );
}

function standingCard(own: PlanPost[]): HTMLElement {
  const at = standing(person());
  const to = at?.post ?? (own.length === 1 ? own[0] : undefined);
  const open = (): void => (to ? go("post", { id: to.id }) : go("posts"));
  return h(
    "button",
    { type: "button", class: "card", onclick: open },
    h(
      "span",
      { class: "card-row" },
      h("span", { class: "card-title" }, at || to ? named((at?.post ?? to)?.name) : _("Your post")),
      at ? ticks(at.sure ? "checked" : "recorded") : icon("place"),
    ),
    h("span", { class: at ? "good" : "muted" }, at ? since(at) : _("Scan the tag of your post to come.")),
  );
}

function since(at: Standing): string {
  return _("You are here since {time}", { time: clock(at.since, zone()) });
}

/** Which post, where there are several. */
export const postsScreen: Screen = (place) => {
  const line = (one: PlanPost): HTMLElement =>
    h(
      "button",
      { type: "button", class: "card", onclick: () => go("post", { id: one.id }) },
      h("span", { class: "card-title" }, named(one.name)),
      isUnread(one, person()) ? h("span", { class: "poor" }, _("Orders not read yet")) : null,
    );
  replace(place, top(_("Your post")), ...postsOf(person()).map(line));
};

export const postScreen: Screen = (place, given) => {
  const id = given.get("id") ?? "";
  let ended = false;
  let leaving = false;
  let said = "";
  const take = async (serial: string, addresses: string[]): Promise<void> => {
    const shown = readTag(serial, addresses);
    if (!shown) return;
    said = (await scanned(shown, "", -1, id)).text;
    draw();
  };
  const ear = new TagEar((serial, addresses) => void take(serial, addresses), () => draw());
  const leave = async (): Promise<void> => {
    await record("post_leave", { post: id }, { person: person() });
    signal("recorded");
    kick();
    leaving = false;
    said = _("Recorded");
    draw();
  };
  const ask = (yes: boolean): void => {
    leaving = yes;
    draw();
  };
  const draw = (): void => {
    if (ended) return;
    const post = postOf(id);
    if (!post) return replace(place, top(_("Your post")), h("p", {}, _("This post is not in the plan any more.")));
    const at = standing(person());
    const here = at?.post.id === id ? at : null;
    replace(
      place,
      top(named(post.name)),
      said ? h("p", { class: "outcome flash", role: "status" }, icon("check"), said) : null,
      ear.trouble ? says(ear.trouble, "bad") : null,
      away(),
      here ? presence(here) : coming(post, at, ear),
      ...passing(post),
      here ? goodbye(post, leaving, ask, leave, ear) : null,
    );
  };
  const deaf = redrawOn(onSync, draw);
  draw();
  void ear.beginIfAllowed();
  return () => {
    ended = true;
    deaf();
    ear.end();
  };
};

function presence(at: Standing): HTMLElement {
  const text = h("span", { class: "grow" }, since(at));
  return h("p", { class: "says good card-row" }, text, ticks(at.sure ? "checked" : "recorded"));
}

/** How to come: by the tag, by its square; where there is none, by a supervisor. */
function coming(post: PlanPost, at: Standing | null, ear: TagEar): HTMLElement {
  const elsewhere = at && at.post.id !== post.id ? named(at.post.name) : "";
  if (elsewhere) return says(_("You are at another post: {post}. Leave it first.", { post: elsewhere }));
  if (!post.checkpoint_id) return says(_("This post has no tag: your supervisor puts down that you come."));
  return h("section", { class: "card next" }, h("span", {}, _("Scan the tag of your post to come.")), ...eyes(post, ear));
}

function eyes(post: PlanPost, ear: TagEar): (HTMLElement | null)[] {
  const able = canReadTags();
  const large = able ? "" : "first huge";
  return [
    ear.listening ? h("p", { class: "says good" }, _("Hold the phone to the tag.")) : null,
    able && !ear.listening
      ? button("tag", _("Touch the tag"), () => ear.begin(), { class: "first huge" })
      : null,
    button("scan", _("Scan the code"), () => go("scan", { post: post.id }), { class: large }),
  ];
}

function passing(post: PlanPost): (HTMLElement | null)[] {
  const unread = isUnread(post, person());
  return [
    post.orders
      ? button("list", unread ? _("Read the post orders") : _("Post orders"), () =>
          go("orders", { post: post.id }), { class: unread ? "first" : "" },
        )
      : h("p", { class: "muted" }, _("This post has no orders yet.")),
    button("report", _("Pass-down log"), () => go("log", { post: post.id })),
    button("people", _("Hand-over"), () => go("hand-over", { post: post.id })),
  ];
}

function goodbye(
  post: PlanPost,
  leaving: boolean,
  ask: (yes: boolean) => void,
  leave: () => Promise<void>,
  ear: TagEar,
): HTMLElement {
  const point = post.checkpoint_id ? checkpointOf(post.checkpoint_id) : undefined;
  const hint = point ? _("Or scan its tag once more.") : "";
  if (!leaving) {
    return h(
      "section",
      { class: "push card" },
      isOver(post, person()) ? h("span", { class: "poor" }, _("Your shift is over.")) : null,
      button("door", _("I leave this post"), () => ask(true)),
      hint ? h("span", { class: "muted" }, hint) : null,
      ear.listening ? null : hint ? button("scan", _("Scan the code"), () => go("scan", { post: post.id })) : null,
    );
  }
  return h(
    "section",
    { class: "push card next" },
    h("span", {}, _("Leave {post} now?", { post: named(post.name) })),
    h(
      "div",
      { class: "pair" },
      button("check", _("Yes"), leave, { class: "first" }),
      button("cross", _("No"), () => ask(false)),
    ),
  );
}

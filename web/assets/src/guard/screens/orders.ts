// The orders of a post, read before a shift and said to be read by one large button.
import { button, h, redrawOn, replace } from "../dom";
import { turnTo, type Screen } from "../go";
import { harmless } from "../html";
import { record } from "../journal";
import { isUnread, postOf, readAt, unreadPosts } from "../posts";
import { session } from "../session";
import { signal } from "../signals";
import { kick, onSync } from "../sync";
import { _, clock, named, otherDay, spoken } from "../words";
import { now } from "../time";
import { says, top, zone } from "./parts";

export const ordersScreen: Screen = (place, given) => {
  const id = given.get("post") ?? "";
  const person = session?.person ?? "";
  let shown = "";
  const draw = (): void => {
    const post = postOf(id);
    const orders = post?.orders;
    if (!post || !orders) {
      replace(place, top(_("Post orders")), h("p", {}, _("There are no orders here any more.")));
      return;
    }
    const state = `${orders.digest} ${isUnread(post, person)}`;
    // What somebody reads does not jump to its top while the phone hands in.
    if (state === shown) return;
    shown = state;
    const read = readAt(post, person);
    const since = `${otherDay(orders.published_at, now(), zone())} ${clock(orders.published_at, zone())}`;
    const body = orders.html[spoken()] || orders.html.en || orders.html.zh || "";
    replace(
      place,
      top(named(post.name)),
      h(
        "p",
        { class: "muted" },
        _("Post orders, version {number}, in force since {time}", {
          number: orders.number,
          time: since.trim(),
        }),
      ),
      h("section", { class: "written" }, ...harmless(body)),
      isUnread(post, person)
        ? button("check", _("I have read this"), () => said(orders.id, orders.digest), {
            class: "first huge push",
          })
        : says(
            read
              ? _("You said at {time} that you have read this.", { time: clock(read, zone()) })
              : _("You have read this."),
            "good push",
          ),
    );
  };
  const said = async (orders: string, digest: string): Promise<void> => {
    await record("orders_read", { orders, digest }, { person });
    signal("recorded");
    kick();
    const next = unreadPosts(person)[0];
    if (next) turnTo("orders", { post: next.id });
    else history.back();
  };
  const deaf = redrawOn(onSync, draw);
  draw();
  return deaf;
};

// Why a point could not be scanned: one touch.
import { h, replace } from "../dom";
import { type Screen } from "../go";
import { record } from "../journal";
import { checkpointOf, plan } from "../plan";
import { session } from "../session";
import { signal } from "../signals";
import { kick } from "../sync";
import { _, named } from "../words";
import { top } from "./parts";
import { choiceButton } from "./choosing";

export const noteScreen: Screen = (place, given) => {
  const checkpoint = given.get("checkpoint") ?? "";
  const round = given.get("round") || null;
  const position = Number(given.get("position") ?? -1);
  const note = async (choice: string): Promise<void> => {
    const hint = round ? { round, position } : null;
    const data = { checkpoint, round, choice, text: "" };
    await record("note", data, { person: session?.person ?? null, hint });
    signal("recorded");
    kick();
    history.back();
  };
  replace(
    place,
    top(named(checkpointOf(checkpoint)?.name) || _("Can't scan")),
    h("h2", {}, _("Why can't it be scanned?")),
    h("div", { class: "tiles" }, ...(plan?.notes ?? []).map((one) => choiceButton(one, note))),
  );
};

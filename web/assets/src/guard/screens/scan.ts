// A scan by the camera, and for a torn square by hand.
import { agrees } from "../consent";
import { button, h, icon, replace } from "../dom";
import { go, type Screen } from "../go";
import { checkpointOf, roundOf, type RoundView } from "../plan";
import { postOf } from "../posts";
import { readText, readTyped, type Shown } from "../reading";
import { Camera, canSee } from "../scanner";
import { scanned } from "../scanning";
import { session } from "../session";
import { signal } from "../signals";
import { read } from "../store";
import { now } from "../time";
import { _, named } from "../words";
import { says, top } from "./parts";

const SHOWN_MS = 1200;
const POSITION_MS = 20_000;
// Ways of scanning that tell where somebody is by themselves.
const BY_PLACE = new Set(["position", "beacon"]);

export const scanScreen: Screen = (place, given) => {
  const round = given.get("round") ?? "";
  const post = postOf(given.get("post") ?? "");
  const position = Number(given.get("position") ?? -1);
  const view = roundOf(round, session?.person ?? "");
  const point = view?.points.find((one) => one.point.position === position)?.point;
  const checkpoint = checkpointOf(point?.checkpoint_id ?? post?.checkpoint_id ?? "");
  const eye = h("div", { class: "seen" });
  const said = says("");
  const code = h("input", { name: "code", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  let camera: Camera | null = null;
  let ended = false;
  let busy = false;

  const take = async (shown: Shown | null): Promise<void> => {
    if (busy || ended) return;
    if (!shown) {
      signal("wrong");
      said.className = "says bad";
      said.textContent = _("That is no code of a checkpoint.");
      return;
    }
    busy = true;
    const done = await scanned(shown, round, position, post?.id).catch(() => null);
    if (ended) return;
    if (!done) {
      // It stands nowhere, and the screen says so: a moment later the code is read once more.
      window.setTimeout(() => (busy = false), SHOWN_MS);
      return;
    }
    if (!done.entry) {
      // Still the square of the last point: it goes on looking for the next one.
      busy = false;
      said.className = "says";
      said.textContent = done.text;
      return;
    }
    replace(eye, h("p", { class: "outcome flash", role: "status" }, icon("check"), done.text));
    camera?.close();
    window.setTimeout(() => {
      if (ended) return;
      // Back to the round by the way that led here, so that "back" does not scan again.
      if (round || post) history.back();
      else go("home");
    }, SHOWN_MS);
  };

  const begin = async (): Promise<void> => {
    if (!canSee()) return say(_("There is no camera here: type the code."));
    const video = h("video", {});
    replace(eye, video);
    try {
      camera = await Camera.open(video, (await read("settings", "lowPower")) === true);
    } catch {
      eye.hidden = true;
      return say(_("The camera is not allowed: type the code."));
    }
    if (ended) return camera.close();
    lamp.hidden = !camera.hasTorch();
    let wrong = "";
    camera.look((text) => {
      const shown = readText(text, checkpoint?.id ?? null);
      // A foreign square is told once, not ten times a second.
      if (shown || text !== wrong) void take(shown);
      if (!shown) wrong = text;
    });
  };
  const say = (text: string): void => {
    said.textContent = text;
  };

  let lit = false;
  const lamp = button("lamp", _("Torch"), async () => {
    lit = !lit;
    lamp.classList.toggle("on", lit);
    await camera?.torch(lit).catch(() => undefined);
  });
  lamp.hidden = true;
  const here = button("place", _("Use my position"), () => locate(checkpoint?.id ?? "", take, say));
  // Nobody is asked where they are outside of a round, or without having agreed to it.
  const byPosition = !!checkpoint?.kinds.includes("position") && !!view && isOpen(view);
  here.hidden = !byPosition || !agrees("position");
  const without = byPosition && here.hidden;
  const why = button("place", _("Use my position? Read first"), () => go("privacy"));
  why.hidden = !without;
  const instead = button("report", _("Nothing else to scan here"), () =>
    go("note", { checkpoint: checkpoint?.id ?? "", round, position: String(position) }),
  );
  instead.hidden = !without || checkpoint?.kinds.some((one) => !BY_PLACE.has(one)) !== false;

  const typed = h(
    "form",
    {
      class: "field",
      hidden: canSee(),
      onsubmit: (event) => {
        event.preventDefault();
        void take(readTyped(code.value, checkpoint?.id ?? null));
      },
    },
    h("label", { class: "field" }, _("The code on the label, or the six digits"), code),
    h("button", { class: "button first" }, icon("check"), h("span", {}, _("Record it"))),
  );
  const type = button("keyboard", _("Type the code"), () => {
    typed.hidden = false;
    type.hidden = true;
    code.focus();
  });
  type.hidden = !canSee();
  replace(place, top(named(post?.name ?? checkpoint?.name) || _("Scan now")), eye, said, lamp, here, instead, why, type, typed);
  void begin();
  return () => {
    ended = true;
    camera?.close();
  };
};

function isOpen(view: RoundView): boolean {
  const { opens_at, ends_at } = view.round;
  return Date.parse(opens_at) <= now() && now() <= Date.parse(ends_at);
}

function locate(
  checkpoint_id: string,
  take: (shown: Shown) => Promise<void>,
  say: (text: string) => void,
): void {
  say(_("Looking for the position…"));
  navigator.geolocation.getCurrentPosition(
    ({ coords: { latitude, longitude, accuracy } }) => {
      const accuracy_m = Math.min(Math.max(accuracy, 0), 100_000);
      void take({ kind: "position", checkpoint_id, latitude, longitude, accuracy_m });
    },
    () => say(_("The phone does not know where it is, or may not say.")),
    { enableHighAccuracy: true, timeout: POSITION_MS, maximumAge: 0 },
  );
}

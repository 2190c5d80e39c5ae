// A round for trying things out: nothing of it is kept but that somebody practised.
import { button, h, icon, replace } from "../dom";
import { go, type Screen } from "../go";
import { record } from "../journal";
import { readTag } from "../reading";
import { Camera, canReadTags, canSee, readTags } from "../scanner";
import { session } from "../session";
import { signal } from "../signals";
import { say } from "../speech";
import { kick } from "../sync";
import { _ } from "../words";
import { top } from "./parts";

const POINTS = 3;

export const practiceScreen: Screen = (place) => {
  let done = 0;
  let camera: Camera | null = null;
  const reading = new AbortController();
  document.body.classList.add("practising");
  void note("begin");

  const take = (): void => {
    if (done === POINTS) return;
    done += 1;
    camera?.close();
    camera = null;
    signal("recorded");
    draw();
  };

  const look = async (eye: HTMLElement): Promise<void> => {
    const video = h("video", {});
    replace(eye, video);
    eye.hidden = false;
    try {
      camera = await Camera.open(video);
      camera.look(take);
    } catch {
      replace(eye, _("The camera is not allowed."));
    }
  };

  const draw = (): void => {
    const eye = h("div", { class: "seen", hidden: true });
    const over = done === POINTS;
    if (!over) say(`练习，第${done + 1}站`);
    replace(
      place,
      top(_("Practice")),
      h("p", { class: "says" }, _("This counts nowhere: scan whatever tag or code is at hand.")),
      h("progress", { max: POINTS, value: done }),
      done ? h("p", { class: "outcome flash" }, icon("check"), _("Recorded")) : null,
      over
        ? h("p", { class: "says good" }, _("That is all of it: on a round it goes like this."))
        : h("h1", {}, _("Practice point {number}", { number: done + 1 })),
      over || !canReadTags() ? null : button("tag", _("Touch the tag"), listen, { class: "huge" }),
      over || !canSee() ? null : button("scan", _("Scan the code"), () => look(eye), { class: "huge" }),
      over ? null : eye,
      button("sos", _("Practice SOS"), () => go("sos")),
      over ? null : button("check", _("Pretend that it was scanned"), take),
    );
  };

  const listen = (): Promise<void> =>
    readTags((serial, addresses) => readTag(serial, addresses) && take(), () => signal("wrong"), reading.signal)
      .catch(() => signal("wrong"));

  draw();
  return () => {
    camera?.close();
    reading.abort();
    document.body.classList.remove("practising");
    void note("end");
  };
};

async function note(what: "begin" | "end"): Promise<void> {
  await record("practice", { what }, { person: session?.person ?? null });
  kick();
}

// A phone becomes known: by the square that a supervisor's screen shows, or its ten letters.
import { button, h, replace } from "../dom";
import { enrol, said } from "../enrolment";
import { turnTo, type Screen } from "../go";
import { readEnrolment } from "../reading";
import { Camera, canSee } from "../scanner";
import { hurry } from "../sync";
import { _ } from "../words";

export const enrolScreen: Screen = (place, given) => {
  const words = h("p", { class: "says", role: "status" });
  const code = h("input", {
    name: "code",
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: "false",
    value: given.get("enrol") ?? "",
  });
  const eye = h("div", { class: "seen", hidden: true });
  let camera: Camera | null = null;

  const finish = async (text: string): Promise<void> => {
    const read = readEnrolment(text);
    if (!read) return;
    look.disabled = send.disabled = true;
    words.className = "says";
    words.textContent = _("One moment…");
    try {
      await enrol(read);
      hurry();
      turnTo("ground", { first: "1" });
    } catch (error) {
      words.className = "says bad";
      words.textContent = {
        code: _("This code does not hold: ask your supervisor for a new one."),
        wait: _("Too many tries: wait an hour, or ask your supervisor."),
        away: _("No signal: enrolling needs a connection."),
      }[said(error)];
    }
    look.disabled = send.disabled = false;
  };

  const open = async (): Promise<void> => {
    const video = h("video", {});
    replace(eye, video);
    eye.hidden = false;
    try {
      camera = await Camera.open(video);
    } catch {
      eye.hidden = true;
      words.textContent = _("The camera is not allowed: type the code.");
      return;
    }
    camera.look((text) => {
      if (!readEnrolment(text)) return;
      camera?.close();
      eye.hidden = true;
      void finish(text);
    });
  };

  const look = button("scan", _("Scan the code on the screen"), open, { class: "first huge" });
  const send = button("check", _("Enrol this phone"), () => finish(code.value));
  look.hidden = !canSee();
  replace(
    place,
    h("h1", {}, _("Make this phone known")),
    h("p", {}, _("Your supervisor shows a code in Watchkeeper: Patrols, Phones.")),
    look,
    eye,
    h("label", { class: "field" }, _("Or type its ten letters"), code),
    send,
    words,
  );
  if (code.value) void finish(code.value);
  return () => camera?.close();
};

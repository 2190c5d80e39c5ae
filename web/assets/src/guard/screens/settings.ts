// How this phone is set: language, sound, gloves, battery.
import { button, h, replace } from "../dom";
import { go, turnTo, type Screen } from "../go";
import { session, signOut } from "../session";
import { canSpeak, prepareSpeech, say } from "../speech";
import { read, write, type Settings } from "../store";
import { kick, setLowPower } from "../sync";
import { _, choose, spoken } from "../words";
import { top } from "./parts";

type Switch = "speech" | "gloves" | "lowPower";

/** Applies what is set to the page. */
export async function dress(): Promise<void> {
  const gloves = (await read("settings", "gloves")) === true;
  document.documentElement.toggleAttribute("data-gloves", gloves);
  setLowPower((await read("settings", "lowPower")) === true);
  await prepareSpeech();
}

export const settingsScreen: Screen = (place) => {
  void draw(place);
};

async function draw(place: HTMLElement): Promise<void> {
  const on: Partial<Settings> = {
    speech: await read("settings", "speech"),
    gloves: await read("settings", "gloves"),
    lowPower: await read("settings", "lowPower"),
  };
  const flip = async (name: Switch): Promise<void> => {
    await write("settings", !on[name], name);
    await dress();
    if (name === "speech" && !on.speech) say("语音已打开");
    await draw(place);
  };
  const one = (name: Switch, picture: "noise" | "person" | "plug", text: string): HTMLElement => {
    const made = button(picture, text, () => flip(name), { "aria-pressed": String(!!on[name]) });
    made.classList.toggle("on", !!on[name]);
    return made;
  };
  const language = (wanted: "en" | "zh", text: string): HTMLElement => {
    const pick = async (): Promise<void> => {
      await choose(wanted);
      await draw(place);
    };
    const made = button("check", text, pick, { "aria-pressed": String(spoken() === wanted) });
    made.classList.toggle("on", spoken() === wanted);
    if (spoken() !== wanted) made.querySelector("svg")?.remove();
    return made;
  };
  replace(
    place,
    top(_("Settings")),
    h("div", { class: "pair" }, language("zh", "中文"), language("en", "English")),
    canSpeak() ? one("speech", "noise", _("Say the next step in Mandarin")) : null,
    one("gloves", "person", _("Gloves: larger buttons")),
    one("lowPower", "plug", _("Save the battery")),
    button("list", _("Check this phone"), () => go("ground")),
    session ? button("place", _("Where I was"), () => go("privacy")) : null,
    session ? button("school", _("Practise"), () => go("practice")) : null,
    session ? button("door", _("Sign out"), leave, { class: "danger push" }) : null,
  );
}

async function leave(): Promise<void> {
  await signOut("self");
  kick();
  turnTo("sign-in");
}

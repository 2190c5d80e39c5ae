// Choices by icon: what the site calls them, with a picture that a glove finds.
import { button } from "../dom";
import type { IconName } from "../icons";
import { ICONS } from "../icons";
import { named, type Named } from "../words";

interface Choosable {
  code: string;
  icon: string;
  name: Named;
}

// Names of Tabler's icons that are drawn here under another one.
const ALIKE: Record<string, IconName> = {
  "alert-triangle": "warning",
  "barrier-block": "barrier",
  bolt: "plug",
  bulb: "lamp",
  "bulb-off": "bulboff",
  "door-enter": "enter",
  droplet: "drop",
  elevator: "lift",
  "fire-extinguisher": "extinguisher",
  firetruck: "truck",
  "first-aid-kit": "injury",
  flame: "fire",
  "lock-open": "lockopen",
  "scooter-electric": "scooter",
  "tag-off": "tagoff",
  tools: "tool",
  user: "person",
  "user-question": "stranger",
  users: "people",
  volume: "noise",
};

export function pictureOf(name: string): IconName {
  if (name in ICONS) return name as IconName;
  return ALIKE[name] ?? "warning";
}

export function choiceButton(one: Choosable, choose: (code: string) => unknown): HTMLElement {
  return button(pictureOf(one.icon), named(one.name), () => choose(one.code), {
    "data-choice": one.code,
  });
}

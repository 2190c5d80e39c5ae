// The page of the control room: it sounds, stays awake, and is worked with the keyboard.
import { keepAwake } from "./control/awake";
import { chooseByKeys, chooseSpaces, forgetGoodNotices } from "./control/choosing";
import { keepPlan } from "./control/placing";
import { keepSound } from "./control/sound";
import { setServerNow } from "./live/time";

document.addEventListener("wk:contact", (event) => setServerNow((event as CustomEvent<string>).detail));
keepSound();
keepAwake();
chooseSpaces();
chooseByKeys();
forgetGoodNotices();
keepPlan();

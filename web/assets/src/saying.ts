// What the pages load on which people say something: the recorder, and the naming of colleagues.
import { nameColleagues } from "./forms/naming";
import { recordVoices } from "./forms/recorder";

recordVoices();
nameColleagues();

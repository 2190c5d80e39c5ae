// Time-series charts; a page that shows one loads this beside app.js.
import uPlot from "uplot";

export { uPlot };

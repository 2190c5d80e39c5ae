// Counting by large keys: fewer, as many as listed, more.
import { button, h, replace } from "../dom";
import { _ } from "../words";

export interface Counted {
  number: number;
  why: string;
}

const MOST = 999;

/** An item with its keys. It counts for nothing before it is touched: nobody passes on a guess. */
export function stepper(
  item: { id: string; name: string; number: number },
  counted: Map<string, Counted>,
  changed: () => void,
): HTMLElement {
  const box = h("section", { class: "card", role: "group", "aria-label": item.name });
  const why = h("input", {
    maxlength: 500,
    "aria-label": _("Why it is not as listed"),
    placeholder: _("Why it is not as listed"),
    oninput: () => {
      const one = counted.get(item.id);
      if (one) one.why = why.value.trim();
      changed();
    },
  });
  const set = (number: number): void => {
    const within = Math.min(Math.max(number, 0), MOST);
    const right = within === item.number;
    counted.set(item.id, { number: within, why: right ? "" : why.value.trim() });
    draw();
    changed();
  };
  const draw = (): void => {
    const one = counted.get(item.id);
    const right = one?.number === item.number;
    const from = one?.number ?? item.number;
    const word = one ? String(one.number) : _("All {count}", { count: item.number });
    const middle = button("check", word, () => set(item.number), { "aria-live": "polite" });
    middle.classList.toggle("on", right);
    replace(
      box,
      h(
        "div",
        { class: "card-row" },
        h("span", { class: "card-title" }, item.name),
        h("span", { class: "muted" }, _("listed: {count}", { count: item.number })),
      ),
      h(
        "div",
        { class: "stepper" },
        button("minus", "", () => set(from - 1), { "aria-label": _("One fewer") }),
        middle,
        button("plus", "", () => set(from + 1), { "aria-label": _("One more") }),
      ),
      one && !right ? h("div", { class: "field" }, why) : null,
    );
  };
  draw();
  return box;
}

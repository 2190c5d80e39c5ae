// A category brings its team and priority along, and is offered only for its own kinds.
export function fillFromCategories(): void {
  for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-fills]")) {
    const form = select.form;
    if (!form) continue;
    select.addEventListener("change", () => fill(form, select));
    form.addEventListener("change", (event) => {
      if ((event.target as HTMLInputElement).name === "kind") offer(form, select);
    });
    offer(form, select);
  }
}

function fill(form: HTMLFormElement, select: HTMLSelectElement): void {
  const { team, priority } = select.selectedOptions[0]?.dataset ?? {};
  const teams = form.elements.namedItem("team");
  if (team && teams instanceof HTMLSelectElement) teams.value = team;
  const found = [...form.querySelectorAll<HTMLInputElement>("input[name=priority]")];
  for (const radio of found) if (priority === radio.value) radio.checked = true;
}

function offer(form: HTMLFormElement, select: HTMLSelectElement): void {
  const kind = form.querySelector<HTMLInputElement>("input[name=kind]:checked")?.value ?? "";
  for (const option of select.options) {
    const kinds = option.dataset.kinds?.split(" ");
    const fits = !kinds || kinds.includes(kind);
    option.hidden = option.disabled = !fits;
    if (!fits && option.selected) select.value = "";
  }
}

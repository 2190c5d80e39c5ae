// What time this device has: shown where a machine's clock is in doubt, and sent with the form.
export function tellMoment(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-moment]")) {
    const shown = form.querySelector<HTMLElement>("[data-device-time]");
    const sent = form.querySelector<HTMLInputElement>("input[name=moment]");
    if (!shown || !sent) continue;
    const tell = () => {
      const now = new Date();
      shown.textContent = now.toLocaleString(document.documentElement.lang, { dateStyle: "full", timeStyle: "medium" });
      sent.value = String(Math.floor(now.getTime() / 1000));
    };
    tell();
    setInterval(tell, 1000);
    // The form's own button may be pressed a while after the page was opened.
    form.addEventListener("submit", tell);
    const apart = Math.abs(Date.now() - Number(form.dataset.moment) * 1000) > 120_000;
    form.querySelector<HTMLElement>("[data-apart]")?.toggleAttribute("hidden", !apart);
  }
  // A choice of zone begins with that of the device.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-zone-here]")) {
    if ([...select.options].some((option) => option.value === zone)) select.value = zone;
  }
}

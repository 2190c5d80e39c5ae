// Sets the colour scheme before anything is painted; loaded as a plain script in the head.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = (): void => {
    document.documentElement.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  };
  set();
  dark.addEventListener("change", set);
})();

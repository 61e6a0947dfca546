// Sets the chosen theme before the first paint: a classic script in the head, so that no page flashes in the wrong
// colours.
"use strict";
(() => {
  try {
    const theme = localStorage.getItem("sysmon-theme");
    if (theme === "light" || theme === "dark") document.documentElement.setAttribute("data-theme", theme);
  } catch {
    // a browser that keeps nothing has no choice to restore
  }
})();

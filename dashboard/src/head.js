// What does not wait for the page's script, a classic script in the head: the fleet's stream, which has spoken by the
// time somebody listens (api.js takes it over), and the chosen theme, so that no page flashes in the wrong colours.
"use strict";
(() => {
  const url = new URL("api/live", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url);
  /** @type {unknown[]} */
  const heard = [];
  socket.onmessage = ({ data }) => heard.push(data);
  window.earlyStream = { socket, heard };
  try {
    const theme = localStorage.getItem("sysmon-theme");
    if (theme === "light" || theme === "dark") document.documentElement.setAttribute("data-theme", theme);
  } catch {
    // a browser that keeps nothing has no choice to restore
  }
})();

// Style sheets of what is opened seldom, loaded when it is.

/** By address. @type {Map<string, Promise<void>>} */
const sheets = new Map();

/**
 * @param {string} href below the page
 * @returns {Promise<void>} fulfilled when it is there, or cannot be had: a plain view is better than none
 */
export function loadStyle(href) {
  let sheet = sheets.get(href);
  if (sheet === undefined) {
    sheet = new Promise((resolve) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = href;
      link.addEventListener("load", () => resolve());
      link.addEventListener("error", () => resolve());
      document.head.append(link);
    });
    sheets.set(href, sheet);
  }
  return sheet;
}

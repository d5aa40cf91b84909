// Runs before the first paint, so that the page never flashes in the wrong scheme. It is a file of its own
// because the content security policy allows no inline script.
(function () {
  var stored = null;
  try {
    stored = localStorage.getItem("sensorium-color-scheme");
  } catch {
    // Storage may be forbidden; the system's scheme is then used.
  }
  var dark =
    stored === "dark" || (stored !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();

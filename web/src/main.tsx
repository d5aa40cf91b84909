/** Starts the page: styles, text, then React. */
import "./theme/mantine.css";
import "./theme/fonts.css";
import "./theme/global.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { i18nReady } from "./i18n";

const container = document.getElementById("root");
if (!container) throw new Error("index.html has no element with the id root");
await i18nReady;
createRoot(container).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

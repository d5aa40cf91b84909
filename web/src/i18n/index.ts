/**
 * All text of the page. One JSON file per namespace in `locales/<language>/`; `common` is part of the shell,
 * every other namespace is fetched together with the page that uses it (`loadStrings`).
 */
import i18next, { type BackendModule } from "i18next";
import { initReactI18next } from "react-i18next";
import common from "./locales/en/common.json";

const files = import.meta.glob<{ default: Record<string, unknown> }>([
  "./locales/*/*.json",
  "!./locales/en/common.json",
]);

const backend: BackendModule = {
  type: "backend",
  init: () => undefined,
  read(language, namespace, done) {
    const load = files[`./locales/${language}/${namespace}.json`];
    if (!load) {
      done(new Error(`No text for ${language}/${namespace}`), false);
      return;
    }
    load().then(
      (module) => {
        done(null, module.default);
      },
      (error: unknown) => {
        done(error instanceof Error ? error : new Error(String(error)), false);
      },
    );
  },
};

/** The one instance; text is English until another language exists. */
export const i18n = i18next;

/** Resolves when the shell's own text is ready, which is at once. */
export const i18nReady = i18n
  .use(backend)
  .use(initReactI18next)
  .init({
    lng: "en",
    fallbackLng: "en",
    ns: ["common"],
    defaultNS: "common",
    resources: { en: { common } },
    partialBundledLanguages: true,
    interpolation: { escapeValue: false },
    returnNull: false,
  });

/** Fetches the text of namespaces, in parallel with the page that will show it. */
export async function loadStrings(...namespaces: string[]): Promise<void> {
  await i18n.loadNamespaces(namespaces);
}

/** Every unit test starts with the page's text ready. */
import { i18nReady } from "@/i18n";

await i18nReady;
